/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The port to the kernel's IPVS: one generic netlink socket, on which many edits go out in one
 * send and whole tables come in by few receives. Owns the socket; opens it when it is needed and
 * again after an error. Plans nothing and logs nothing.
 *
 * The kernel works on a request inside the send, so nothing here ever waits for it: what is not
 * there to be read after a send was lost.
 */
#ifndef TANDEM_IPVS_NETLINK_H
#define TANDEM_IPVS_NETLINK_H

#include "core/arena.h"
#include "ipvs/plan.h"
#include "ipvs/table.h"

struct ipvs_netlink {
	int sock; /* -1: closed */
	uint16_t family;
	uint32_t seq;
	uint8_t *buffer;
	uint64_t edits; /* requests sent that change something */
	uint64_t failures;
	uint64_t sends; /* system calls that carried edits */
};

void ipvs_netlink_init(struct ipvs_netlink *nl);
void ipvs_netlink_done(struct ipvs_netlink *nl);

/* 0, or -ENOENT: this kernel has no IPVS, or may not load it; -EPERM: CAP_NET_ADMIN is missing. */
int ipvs_netlink_open(struct ipvs_netlink *nl);

/*
 * The whole table with timeouts and sync daemons, or of it the services that are asked for and exist.
 * Sorted. 0 or -errno.
 */
int ipvs_netlink_observe(struct ipvs_netlink *nl, struct arena *arena, struct ipvs_table *ret);
int ipvs_netlink_observe_some(struct ipvs_netlink *nl, struct arena *arena,
			      const struct ipvs_key *keys, uint32_t n_keys,
			      struct ipvs_table *ret);

/* As the whole table, but no service has its destinations. */
int ipvs_netlink_observe_services(struct ipvs_netlink *nl, struct arena *arena,
				  struct ipvs_table *ret);
/* Fills them in, for the services of such a table that still exist; sorts it. */
int ipvs_netlink_observe_dests(struct ipvs_netlink *nl, struct arena *arena, struct ipvs_table *t);

/* The sync daemons only, into ret->daemons. */
int ipvs_netlink_observe_daemons(struct ipvs_netlink *nl, struct ipvs_table *ret);

/*
 * Sends all edits, whatever becomes of any, and writes the kernel's answer into each:
 * -ENOBUFS when the answer was lost. Returns how many failed, or -errno when the port is shut.
 */
int ipvs_netlink_apply(struct ipvs_netlink *nl, struct ipvs_edit *edits, uint32_t n_edits);

/* Empties the whole table, whoever filled it. */
int ipvs_netlink_flush(struct ipvs_netlink *nl);

#endif
