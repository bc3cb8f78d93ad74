/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of routes and rules that stand for numbers: as ip(8) has them, from the files of
 * iproute_etc_dir and iproute_usr_dir and the .d directories beside them. Internal to core/config.
 */
#ifndef TANDEM_CONFIG_IPROUTE_H
#define TANDEM_CONFIG_IPROUTE_H

#include "core/config/check.h"

/* Defaults of the two keywords. */
#define IPROUTE_ETC_DIR "/etc/iproute2"
#define IPROUTE_USR_DIR "/usr/share/iproute2"

/* A name of `file` ("rt_tables") or a number up to max; warns and is false for anything else. */
bool iproute_number(struct checker *c, const struct ast_word *w, const char *file, uint32_t max,
		    uint32_t *ret);
/* "10", "cosmos", "from/to" of rt_realms. */
bool iproute_realms(struct checker *c, const struct ast_word *w, uint32_t *ret);
/* An address with or without a prefix length, or default, any, all: of the family, 0: IPv4. */
bool iproute_prefix(struct checker *c, const struct ast_word *w, uint8_t family, struct addr *ret,
		    uint8_t *ret_len);

/* A line of a route or a rule on its way through its words. */
struct ip_line {
	struct checker *c;
	const struct ast_node *n;
	uint32_t at;	/* the word */
	uint8_t family; /* 0: not known yet */
	bool is_static;
	bool failed; /* it is left out, which has been said */
};

const struct ast_word *ip_word(const struct ip_line *l);
/* Goes on to the next word; NULL: there is none, and the line has failed. */
const struct ast_word *ip_next(struct ip_line *l);
void ip_fail(struct ip_line *l, const struct ast_word *w, const char *why);
/* What is read next; each is false when the line has failed. */
bool ip_take_family(struct ip_line *l, const struct ast_word *w, uint8_t family);
bool ip_read_number(struct ip_line *l, int64_t lo, int64_t hi, int64_t *ret);
bool ip_read_named(struct ip_line *l, const char *file, uint32_t max, uint32_t *ret);
/* `what` has it: "route"; only a static one. */
void ip_read_track_group(struct ip_line *l, const char *what, uint64_t *ret);

/* RTN_*; -1: none. */
int iproute_type_parse(const char *s);
const char *iproute_type(uint8_t type); /* never NULL */

#endif
