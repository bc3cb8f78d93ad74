/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Would this firewall drop that packet? Rules as far as they can be told from outside, and a walk
 * of a packet of which not everything is known through them. Pure. It says "drops" only when every
 * packet of that kind is dropped: what depends on something unknown is no finding.
 *
 * Who reads rules is in firewall_nft.c and firewall_iptables.c. A ruleset lives in its arena.
 */
#ifndef TANDEM_CTL_FIREWALL_H
#define TANDEM_CTL_FIREWALL_H

#include "core/addr.h"
#include "core/arena.h"

#include <stddef.h>

enum firewall_hook {
	FIREWALL_NO_HOOK, /* a chain that others jump to */
	FIREWALL_PREROUTING,
	FIREWALL_INPUT,
	FIREWALL_FORWARD,
	FIREWALL_OUTPUT,
	FIREWALL_POSTROUTING,
};

/* Of connection tracking; several where it can't be told. */
enum firewall_state {
	FIREWALL_NEW = 1,
	FIREWALL_ESTABLISHED = 2,
	FIREWALL_RELATED = 4,
	FIREWALL_INVALID = 8,
	FIREWALL_UNTRACKED = 16,
};

enum firewall_field {
	FIREWALL_IIF,
	FIREWALL_OIF,
	FIREWALL_FAMILY, /* AF_INET or AF_INET6 */
	FIREWALL_PROTOCOL,
	FIREWALL_SADDR,
	FIREWALL_DADDR,
	FIREWALL_SPORT,
	FIREWALL_DPORT,
	FIREWALL_STATE, /* one bit of enum firewall_state */
	FIREWALL_OTHER, /* what this knows nothing of */
};

/* One of the values that a match is content with. */
struct firewall_value {
	char ifname[17];   /* FIREWALL_IIF, _OIF: "eth*" is all that begin with it */
	struct addr first; /* _SADDR, _DADDR */
	struct addr last;
	uint32_t low; /* the others */
	uint32_t high;
};

struct firewall_match {
	enum firewall_field field;
	bool negated;
	struct firewall_value *values;
	size_t n;
	size_t cap;
};

enum firewall_verdict {
	FIREWALL_NEXT, /* none: counts, logs, marks */
	FIREWALL_ACCEPT,
	FIREWALL_DROP,
	FIREWALL_RETURN,
	FIREWALL_JUMP,
	FIREWALL_GOTO,
};

struct firewall_rule {
	struct firewall_match *matches;
	size_t n;
	size_t cap;
	enum firewall_verdict verdict;
	const char *target; /* of a jump */
	const char *text;   /* for people */
};

struct firewall_chain {
	int family; /* AF_INET, AF_INET6, or AF_UNSPEC: both */
	const char *table;
	const char *name;
	enum firewall_hook hook;
	bool drops; /* its policy */
	struct firewall_rule *rules;
	size_t n;
	size_t cap;
	const char *text;   /* for people: "table inet filter, chain input" */
	const char *insert; /* the command that puts a rule before all others, up to its matches */
};

struct firewall {
	struct arena *arena;
	struct firewall_chain *chains;
	size_t n;
	size_t cap;
};

/* Unset and 0: not known. */
struct firewall_packet {
	const char *iif; /* NULL: not known, but not lo */
	const char *oif;
	struct addr src;
	struct addr dst;
	int family;
	uint8_t protocol;
	uint16_t sport;
	uint16_t dport;
	unsigned states;
};

/* A chain, new or known; its hook is set when it is told. Never NULL. */
struct firewall_chain *firewall_chain(struct firewall *f, int family, const char *table,
				      const char *name);
struct firewall_rule *firewall_add_rule(struct firewall *f, struct firewall_chain *c);
struct firewall_match *firewall_add_match(struct firewall *f, struct firewall_rule *r,
					  enum firewall_field field);
struct firewall_value *firewall_add_value(struct firewall *f, struct firewall_match *m);

/*
 * "eth0", "10.0.0.0/8", "10.0.0.1-10.0.0.9", "80", "80-90", "80:90", "tcp", "established": as text,
 * in the way of the match's field. False for what can't be read: then the match is of
 * FIREWALL_OTHER from now on.
 */
bool firewall_add_text(struct firewall *f, struct firewall_match *m, const char *text);
bool firewall_add_range(struct firewall *f, struct firewall_match *m, const char *first,
			const char *last);
bool firewall_add_prefix(struct firewall *f, struct firewall_match *m, const char *address,
			 unsigned length);

/* From JSON of nftables, and from iptables-save's text. What can't be read matches nothing for
 * sure. 0 or -EBADMSG. */
int firewall_read_nft(struct firewall *f, const char *text);
int firewall_read_iptables(struct firewall *f, int family, const char *text);

/*
 * Whether every such packet is dropped by the chains of this hook. *ret_chain is the base chain
 * then, and *ret_rule the rule, NULL when it is the chain's policy.
 */
bool firewall_drops(const struct firewall *f, enum firewall_hook hook,
		    const struct firewall_packet *p, const struct firewall_chain **ret_chain,
		    const struct firewall_rule **ret_rule);

#endif
