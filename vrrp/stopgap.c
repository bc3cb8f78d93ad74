/* SPDX-License-Identifier: Apache-2.0 */
/* The local route of an IPv6 address until the kernel has its own: see stopgap.h. */
#include "vrrp/stopgap.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

void stopgap_put(struct nlmsghdr *h, bool add, int index, const struct addr *address)
{
	struct rtmsg *route = mnl_nlmsg_put_extra_header(h, sizeof(*route));

	h->nlmsg_type = add ? RTM_NEWROUTE : RTM_DELROUTE;
	route->rtm_family = AF_INET6;
	route->rtm_dst_len = 8 * sizeof(address->b);
	route->rtm_table = RT_TABLE_LOCAL;
	route->rtm_type = RTN_LOCAL;
	route->rtm_scope = RT_SCOPE_UNIVERSE;
	route->rtm_protocol = STOPGAP_PROTOCOL;
	mnl_attr_put(h, RTA_DST, sizeof(address->b), address->b);
	mnl_attr_put_u32(h, RTA_OIF, (uint32_t)index);
	mnl_attr_put_u32(h, RTA_PRIORITY, STOPGAP_METRIC);
	if (add)
		mnl_attr_put_u32(h, RTA_EXPIRES, STOPGAP_EXPIRES_S);
}
