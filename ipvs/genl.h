/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPVS generic netlink messages to and from values (include/uapi/linux/ip_vs.h). Pure: bytes in,
 * bytes out, no socket. What comes from the kernel is parsed with bounds like everything from
 * outside.
 */
#ifndef TANDEM_IPVS_GENL_H
#define TANDEM_IPVS_GENL_H

#include "ipvs/plan.h"
#include "ipvs/table.h"

struct nlmsghdr;

/* No request is longer. */
#define IPVS_REQUEST_MAX 256

/* What every request starts with. */
struct ipvs_genl_head {
	uint16_t family; /* the number that the kernel gave the IPVS family */
	uint16_t flags;	 /* NLM_F_ACK or 0 */
	uint32_t seq;
};

/* Each writes one request to `at` (IPVS_REQUEST_MAX bytes of room) and returns its length. */
size_t ipvs_genl_put_edit(void *at, const struct ipvs_genl_head *head, const struct ipvs_edit *e);
size_t ipvs_genl_put_flush(void *at, const struct ipvs_genl_head *head);
size_t ipvs_genl_put_dump_services(void *at, const struct ipvs_genl_head *head);
size_t ipvs_genl_put_get_service(void *at, const struct ipvs_genl_head *head,
				 const struct ipvs_key *key);
size_t ipvs_genl_put_dump_dests(void *at, const struct ipvs_genl_head *head,
				const struct ipvs_key *key);
size_t ipvs_genl_put_dump_daemons(void *at, const struct ipvs_genl_head *head);
size_t ipvs_genl_put_get_timeouts(void *at, const struct ipvs_genl_head *head);
/* Asks for the number of the family "IPVS"; head->family is ignored. */
size_t ipvs_genl_put_get_family(void *at, const struct ipvs_genl_head *head);

/* Each reads one whole message of the kernel. 0, or -EBADMSG. */
int ipvs_genl_get_service(const struct nlmsghdr *nlh, struct ipvs_service *ret);
/* `family`: the service's, for kernels that do not tell the destination's own. */
int ipvs_genl_get_dest(const struct nlmsghdr *nlh, uint8_t family, struct ipvs_dest *ret);
int ipvs_genl_get_daemon(const struct nlmsghdr *nlh, enum ipvs_daemon_kind *ret_kind,
			 struct ipvs_daemon *ret);
int ipvs_genl_get_timeouts(const struct nlmsghdr *nlh, struct ipvs_timeouts *ret);
int ipvs_genl_get_family(const struct nlmsghdr *nlh, uint16_t *ret);

#endif
