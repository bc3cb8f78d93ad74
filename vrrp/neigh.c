/* SPDX-License-Identifier: Apache-2.0 */
/* The neighbour table, as far as VRRP has to put it right: see neigh.h. */
#include "vrrp/neigh.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define BUFFER_BYTES 65536
/* A segment has a few hundred hosts; who is beyond this is asked again by the kernel, later. */
#define FORGET_MAX 1024

struct unanswered {
	int ifindex;
	size_t n;
	struct {
		uint8_t family;
		uint8_t len;
		uint8_t address[16];
	} list[FORGET_MAX];
};

static int on_neigh(const struct nlmsghdr *h, void *data)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(h);
	struct unanswered *u = data;
	struct nlattr *a;

	if (nd->ndm_ifindex != u->ifindex || !(nd->ndm_state & (NUD_INCOMPLETE | NUD_FAILED)))
		return MNL_CB_OK;
	mnl_attr_for_each(a, h, sizeof(*nd))
	{
		size_t len = mnl_attr_get_payload_len(a);

		if (mnl_attr_get_type(a) != NDA_DST || len > 16 || u->n == FORGET_MAX)
			continue;
		u->list[u->n].family = nd->ndm_family;
		u->list[u->n].len = (uint8_t)len;
		memcpy(u->list[u->n].address, mnl_attr_get_payload(a), len);
		u->n++;
	}
	return MNL_CB_OK;
}

static struct nlmsghdr *put_request(char *buf, uint16_t type, uint16_t flags, uint8_t family,
				    int ifindex)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct ndmsg *nd = mnl_nlmsg_put_extra_header(h, sizeof(*nd));

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	nd->ndm_family = family;
	nd->ndm_ifindex = ifindex;
	return h;
}

static int find_unanswered(struct mnl_socket *sock, struct unanswered *ret)
{
	char buf[BUFFER_BYTES];
	struct nlmsghdr *h = put_request(buf, RTM_GETNEIGH, NLM_F_DUMP, AF_UNSPEC, 0);
	int more = MNL_CB_OK;

	if (mnl_socket_sendto(sock, h, h->nlmsg_len) < 0)
		return -errno;
	while (more > MNL_CB_STOP) {
		ssize_t got = mnl_socket_recvfrom(sock, buf, sizeof(buf));

		if (got < 0)
			return -errno;
		more = mnl_cb_run(buf, (size_t)got, 0, 0, on_neigh, ret);
	}
	return more < 0 ? -errno : 0;
}

/* Without asking for answers: one that has gone, or has just answered, is as good. */
static void forget(struct mnl_socket *sock, const struct unanswered *u)
{
	char buf[256];

	for (size_t i = 0; i < u->n; i++) {
		struct nlmsghdr *h =
			put_request(buf, RTM_DELNEIGH, 0, u->list[i].family, u->ifindex);

		mnl_attr_put(h, NDA_DST, u->list[i].len, u->list[i].address);
		mnl_socket_sendto(sock, h, h->nlmsg_len);
	}
}

void neigh_forget_unanswered(int ifindex)
{
	struct unanswered u = {.ifindex = ifindex};
	struct mnl_socket *sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (!sock)
		return;
	if (mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) == 0 && find_unanswered(sock, &u) == 0)
		forget(sock, &u);
	mnl_socket_close(sock);
}
