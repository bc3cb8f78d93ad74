/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All keywords of keepalived 2.4.3: where each may stand, what it takes, and what tandem makes of
 * it. The table is keyword.def; this is how to read it. Internal to core/config.
 */
#ifndef TANDEM_CONFIG_KEYWORD_H
#define TANDEM_CONFIG_KEYWORD_H

#include <stddef.h>
#include <stdint.h>

struct ast_node;
struct checker;

/* With how to say it: "belongs in global_defs". */
#define KEYWORD_PLACES(P)                                                                          \
	P(ROOT, "at the top level")                                                                \
	P(GLOBAL, "in global_defs")                                                                \
	P(VRRP, "in vrrp_instance")                                                                \
	P(AUTH, "in authentication")                                                               \
	P(AUTH_HMAC, "in auth_hmac")                                                               \
	P(SYNC_GROUP, "in vrrp_sync_group")                                                        \
	P(SYNC, "in sync")                                                                         \
	P(SYNC_PATH, "in path")                                                                    \
	P(SCRIPT, "in vrrp_script")                                                                \
	P(PROCESS, "in vrrp_track_process")                                                        \
	P(TRACK_FILE, "in track_file")                                                             \
	P(GARP_GROUP, "in garp_group")                                                             \
	P(TRACK_GROUP, "in track_group")                                                           \
	P(SSL, "in SSL")                                                                           \
	P(BFD, "in bfd_instance")                                                                  \
	P(VS, "in virtual_server")                                                                 \
	P(RS, "in real_server")                                                                    \
	P(CHECK_TCP, "in TCP_CHECK")                                                               \
	P(CHECK_PING, "in PING_CHECK")                                                             \
	P(CHECK_HTTP, "in HTTP_GET")                                                               \
	P(CHECK_SSL, "in SSL_GET")                                                                 \
	P(CHECK_UDP, "in UDP_CHECK")                                                               \
	P(CHECK_DNS, "in DNS_CHECK")                                                               \
	P(CHECK_SMTP, "in SMTP_CHECK")                                                             \
	P(CHECK_MISC, "in MISC_CHECK")                                                             \
	P(CHECK_BFD, "in BFD_CHECK")                                                               \
	P(CHECK_FILE, "in FILE_CHECK")                                                             \
	P(CHECK_GRPC, "in GRPC_CHECK")                                                             \
	P(CHECK_AGENT, "in AGENT_CHECK")                                                           \
	P(URL, "in url")                                                                           \
	P(SMTP_HOST, "in host")

enum keyword_place {
#define PLACE_ENUM(place, name) PLACE_##place,
	KEYWORD_PLACES(PLACE_ENUM)
#undef PLACE_ENUM
		PLACE_COUNT,
};

enum keyword_block {
	BLOCK_NONE,
	BLOCK_VALUES,	/* lines of values */
	BLOCK_KEYWORDS, /* of keyword.inner */
	BLOCK_MAYBE,	/* lines of values, or one value on the line */
};

enum keyword_kind {
	KEYWORD_NUMBER,	 /* an integer field */
	KEYWORD_SECONDS, /* a field in microseconds; may have a fraction */
	KEYWORD_WHOLE_SECONDS,
	KEYWORD_BOOL,	/* on|off …; on when there is no word */
	KEYWORD_FLAG,	/* no word: sets the field to `lo` */
	KEYWORD_CALL,	/* `set` does it */
	KEYWORD_ALWAYS, /* tandem always behaves as the keyword asks */
	KEYWORD_LATER,	/* not yet honoured; `note` says what differs */
	KEYWORD_INSTEAD, /* changes nothing; `note` says what does its job here */
	KEYWORD_ALIAS,	/* an old name of `note` */
};

struct keyword {
	enum keyword_place place;
	const char *name;
	int8_t min; /* words behind the keyword */
	int8_t max; /* -1: any number */
	enum keyword_block block;
	enum keyword_place inner;
	enum keyword_kind kind;
	uint16_t offset; /* of the field in the place's draft */
	uint8_t size;
	int64_t lo;
	int64_t hi;
	void (*set)(struct checker *c, void *draft, const struct ast_node *n);
	const char *note;
};

extern const struct keyword keywords[];
extern const size_t n_keywords;

const char *keyword_place_name(enum keyword_place place);
const struct keyword *keyword_find(enum keyword_place place, const char *name);

/*
 * For a name that keyword_find() does not know: the nearest name of this place, or the same name in
 * another place (then its own differs), or NULL.
 */
const struct keyword *keyword_suggest(enum keyword_place place, const char *name);
/* The nearest place around this one that knows the name; PLACE_COUNT: none does. */
enum keyword_place keyword_around(enum keyword_place place, const char *name);

#endif
