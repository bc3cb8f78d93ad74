/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's routes: see route.h. */
#include "ctl/route.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct mnl_socket *routes_open(void)
{
	struct mnl_socket *sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (sock && mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) == 0)
		return sock;
	if (sock)
		mnl_socket_close(sock);
	return NULL;
}

int64_t routes_mtu(const char *ifname)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = -1;
	struct ifreq request = {.ifr_mtu = -1};

	if (sock < 0)
		return -1;
	strncpy(request.ifr_name, ifname, IFNAMSIZ - 1);
	err = ioctl(sock, SIOCGIFMTU, &request);
	close(sock);
	return err ? -1 : request.ifr_mtu;
}

static int on_metric(const struct nlattr *attr, void *data)
{
	struct route_way *way = data;

	if (mnl_attr_get_type(attr) == RTAX_MTU && mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
		way->mtu = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int on_attr(const struct nlattr *attr, void *data)
{
	struct route_way *way = data;

	if (mnl_attr_get_type(attr) == RTA_OIF && mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
		if_indextoname(mnl_attr_get_u32(attr), way->ifname);
	if (mnl_attr_get_type(attr) == RTA_METRICS)
		return mnl_attr_parse_nested(attr, on_metric, way);
	return MNL_CB_OK;
}

static int on_route(const struct nlmsghdr *h, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(h);
	struct route_way *way = data;

	if (h->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	way->local = rtm->rtm_type == RTN_LOCAL;
	return mnl_attr_parse(h, sizeof(*rtm), on_attr, way);
}

int routes_ask(struct mnl_socket *sock, const struct addr *to, struct route_way *ret)
{
	char buf[MNL_SOCKET_BUFFER_SIZE];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(h, sizeof(*rtm));
	ssize_t n;

	*ret = (struct route_way){.mtu = -1};
	h->nlmsg_type = RTM_GETROUTE;
	h->nlmsg_flags = NLM_F_REQUEST;
	rtm->rtm_family = to->family;
	rtm->rtm_dst_len = (unsigned char)addr_bits(to);
	mnl_attr_put(h, RTA_DST, addr_len(to), to->b);
	if (mnl_socket_sendto(sock, h, h->nlmsg_len) < 0)
		return -errno;
	n = mnl_socket_recvfrom(sock, buf, sizeof(buf));
	if (n < 0 || mnl_cb_run(buf, (size_t)n, 0, mnl_socket_get_portid(sock), on_route, ret) < 0)
		return -errno;
	if (ret->mtu <= 0)
		ret->mtu = routes_mtu(ret->ifname);
	return 0;
}
