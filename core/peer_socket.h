/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A UDP socket of a path of the sync block: multicast on an interface, or unicast from an address.
 * What tandem-sync speaks by, and tandem-vrrp's heartbeats. Knows nothing of what is sent.
 */
#ifndef TANDEM_PEER_SOCKET_H
#define TANDEM_PEER_SOCKET_H

#include "core/codec.h"

struct peer_socket_conf {
	const char *ifname; /* "" with unicast: any */
	struct addr group;  /* unset: unicast */
	struct addr source; /* unset: any */
	int family;
	uint16_t port;
	uint8_t ttl; /* of multicast; 0: 1 */
	int buffer;  /* bytes of each socket buffer; 0: the kernel's */
};

/* Does not block when read or written. 0 or -errno with the reason; *ret_ifindex is 0 for any. */
int peer_socket_open(const struct peer_socket_conf *conf, int *ret_fd, int *ret_ifindex,
		     struct text *ret_why);
/* The kernel's form of where to send to by that interface. Returns its length. */
socklen_t peer_socket_to(const struct addr *to, uint16_t port, int ifindex,
			 struct sockaddr_storage *ret);
/* "eth0 group 224.0.0.86 port 8849" */
void peer_socket_describe(const struct peer_socket_conf *conf, struct text *ret);

#endif
