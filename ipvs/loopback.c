/* SPDX-License-Identifier: Apache-2.0 */
/* The address of the kernel's sync threads: see loopback.h. */
#include "ipvs/loopback.h"

#include "core/log.h"
#include "core/sync_kernel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

static size_t put_request(void *at, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(at);
	uint32_t address = htonl(SYNC_KERNEL_ADDRESS);
	struct ifaddrmsg *ifa;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = AF_INET;
	ifa->ifa_prefixlen = 32;
	ifa->ifa_scope = RT_SCOPE_UNIVERSE;
	ifa->ifa_index = if_nametoindex(SYNC_KERNEL_IFNAME);
	mnl_attr_put(nlh, IFA_LOCAL, sizeof(address), &address);
	mnl_attr_put(nlh, IFA_ADDRESS, sizeof(address), &address);
	return nlh->nlmsg_len;
}

/* 0 or -errno. The kernel answers inside the send. */
static int ask(uint16_t type, uint16_t flags)
{
	char buffer[1024];
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	ssize_t n = -1;
	int err = 0;

	if (!nl)
		return -errno;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0 &&
	    mnl_socket_sendto(nl, buffer, put_request(buffer, type, flags)) >= 0)
		n = mnl_socket_recvfrom(nl, buffer, sizeof(buffer));
	if (n < 0 || mnl_cb_run(buffer, (size_t)n, 0, mnl_socket_get_portid(nl), NULL, NULL) < 0)
		err = -errno;
	mnl_socket_close(nl);
	return err;
}

void loopback_keep(struct loopback *l)
{
	int err = l->wanted ? ask(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL) : 0;

	if (err == -EEXIST)
		err = 0;
	if (err && err != l->told)
		log_error("192.0.0.8/32 can't be added to lo: %s; the kernel's sync threads may "
			  "stop to send when a virtual address leaves",
			  strerror(-err));
	l->told = err;
}

void loopback_add(struct loopback *l)
{
	l->wanted = true;
	loopback_keep(l);
}

void loopback_remove(struct loopback *l)
{
	int err = l->wanted ? ask(RTM_DELADDR, 0) : 0;

	if (err && err != -EADDRNOTAVAIL)
		log_error("192.0.0.8/32 can't be removed from lo: %s", strerror(-err));
	l->wanted = false;
}
