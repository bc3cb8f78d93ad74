/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sockets of the peer channel. A link is a socket: multicast on an interface, or unicast from
 * an address to configured peers. Carries frames in batches, knows nothing of what is in them.
 * Nothing here blocks; what can't be sent or read is counted.
 */
#ifndef TANDEM_SYNC_TRANSPORT_H
#define TANDEM_SYNC_TRANSPORT_H

#include "sync/session.h"

#include "core/codec.h"

#define SYNC_LINKS_MAX 4
#define SYNC_PORT      8849

struct sync_link_conf {
	const char *ifname; /* "" with unicast: any */
	struct addr group;  /* unset: unicast */
	struct addr source; /* unset: any */
	uint16_t port;
	uint8_t ttl;		  /* of multicast */
	int buffer;		  /* bytes of each socket buffer */
	const struct addr *peers; /* of a unicast link */
	unsigned n_peers;
};

struct sync_link_counters {
	uint64_t sent;
	uint64_t sent_bytes;
	uint64_t send_errors;
	int last_error; /* errno of the last one */
	uint64_t received;
	uint64_t received_bytes;
	uint64_t dropped; /* by the kernel, for want of buffer */
};

struct sync_transport;

/* All links are closed yet. 0 or -errno with the reason. */
int sync_transport_new(const struct sync_link_conf *links, unsigned n_links,
		       struct sync_transport **ret, struct text *ret_why);
/* Opens a link that is closed, and one whose interface is not the one it was opened on. What it
 * can't be opened for goes to *ret_trouble. */
void sync_transport_repair(struct sync_transport *t, unsigned link, struct text *ret_trouble);
void sync_transport_free(struct sync_transport *t);

unsigned sync_transport_links(const struct sync_transport *t);
/* "": any. */
const char *sync_transport_ifname(const struct sync_transport *t, unsigned link);
/* "eth0 group 224.0.0.86 port 8849" */
void sync_transport_describe(const struct sync_transport *t, unsigned link, struct text *ret);
/* To be watched for reading; -1: closed. */
int sync_transport_fd(const struct sync_transport *t, unsigned link);
const struct sync_link_counters *sync_transport_counters(const struct sync_transport *t,
							 unsigned link);

/* Hands what has arrived to the session, up to `max` datagrams; returns how many. */
unsigned sync_transport_receive(struct sync_transport *t, unsigned link, unsigned max,
				struct sync_session *s, int64_t now_us);
/* Sends what the session has to send, up to `max` frames; true: there may be more. */
bool sync_transport_send(struct sync_transport *t, struct sync_session *s, int64_t now_us,
			 unsigned max);

#endif
