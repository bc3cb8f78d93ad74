/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's IPVS replies: whatever the bytes, no read past their end (ipvs/genl.c). */
#include "ipvs/genl.h"

#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nlmsghdr *nlh;
	struct ipvs_service s;
	struct ipvs_dest d;
	enum ipvs_daemon_kind kind;
	struct ipvs_timeouts t;
	struct ipvs_daemon daemon;
	uint16_t family;

	if (size < NLMSG_HDRLEN)
		return 0;
	/* A copy of that very size, which the socket's reader would have checked the header for. */
	nlh = malloc(size);
	memcpy(nlh, data, size);
	nlh->nlmsg_len = (uint32_t)size;
	ipvs_genl_get_service(nlh, &s);
	ipvs_genl_get_dest(nlh, AF_INET6, &d);
	ipvs_genl_get_daemon(nlh, &kind, &daemon);
	ipvs_genl_get_timeouts(nlh, &t);
	ipvs_genl_get_family(nlh, &family);
	free(nlh);
	return 0;
}
