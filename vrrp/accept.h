/* SPDX-License-Identifier: Apache-2.0 */
/*
 * no_accept (RFC 9568 §6.1, Accept_Mode false): who is not the owner of its addresses answers ARP
 * and neighbour solicitations for them and forwards, and takes no packet for itself. As rules of a
 * firewall table, from the configuration alone: they may stay while another router is Active. Pure.
 */
#ifndef TANDEM_VRRP_ACCEPT_H
#define TANDEM_VRRP_ACCEPT_H

#include "core/model.h"

#define ACCEPT_TABLE "tandem_vrrp"

/*
 * The rules of the table, to be freed; NULL when all addresses are accepted. IPVS takes its packets
 * from the same hook at 98 and 99 (NF_IP_PRI_NAT_SRC - 2 and - 1): what it has taken for a virtual
 * service is not seen by a chain of a higher nftables_priority, which the default is.
 */
char *accept_rules(const struct model *m);

#endif
