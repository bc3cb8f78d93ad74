/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel shows of IPVS as text, as far as the audit needs it: connections of
 * /proc/net/ip_vs_conn, and of /proc/net/ip_vs the real servers that connections may go to.
 * Source: net/netfilter/ipvs/ip_vs_conn.c and ip_vs_ctl.c, the show functions. Pure: text is handed in.
 */
#ifndef TANDEM_SYNC_PROC_IP_VS_H
#define TANDEM_SYNC_PROC_IP_VS_H

#include "sync/record.h"

/*
 * A line of /proc/net/ip_vs_conn (without its end) as a record, to at least SYNC_RECORD_MAX bytes: what
 * is found with it in a table is that connection. The line does not say how packets are forwarded,
 * nor a mark. Returns the record's length; 0: the heading, no connection, or one of a persistence
 * engine, whose data stand there in another form.
 */
size_t proc_conn_parse(const char *line, uint8_t *record);

/* A real server of a virtual service. */
struct proc_dest {
	uint32_t fwmark; /* not 0: it alone names the service */
	uint8_t protocol;
	uint16_t vip_port; /* 0: any */
	uint16_t port;	   /* 0: the client's */
	struct addr vip;
	struct addr address;
	int32_t weight;
	uint8_t forward; /* as in SYNC_FLAG_FWD_MASK */
};

struct proc_dests {
	struct proc_dest *list;
	size_t n;
	size_t cap;
	uint64_t connections; /* of all of them, active and inactive */
	struct proc_dest service; /* of the lines that follow */
};

void proc_dests_done(struct proc_dests *d);
/* A line of /proc/net/ip_vs, in its order; those that say nothing of these are skipped. 0 or -ENOMEM. */
int proc_dests_line(struct proc_dests *d, const char *line);
/* One more, in no order. 0 or -ENOMEM. */
int proc_dests_add(struct proc_dests *d, const struct proc_dest *dest);
void proc_dests_sort(struct proc_dests *d);
/* Where this connection goes; NULL: no such real server is there. */
const struct proc_dest *proc_dests_find(const struct proc_dests *d, const uint8_t *record);
/* Those of `now` that are not in `before`, to `ret`; how many. All are sorted. */
size_t proc_dests_new(const struct proc_dests *now, const struct proc_dests *before,
		      struct proc_dests *ret);

#endif
