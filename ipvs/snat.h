/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lvs_method SNAT: the nftables rules that translate the client's address, too, so that a real
 * server needs no route back through the director. Pure: the model to the text of our table.
 *
 * IPVS has translated the destination when a packet passes postrouting, and its conntrack entry
 * (net.ipv4.vs.conntrack) still has the one the client asked for: both together name the service.
 * Only the first packet of a connection meets the rules.
 */
#ifndef TANDEM_IPVS_SNAT_H
#define TANDEM_IPVS_SNAT_H

#include "core/model.h"

#define SNAT_TABLE "tandem_ipvs"

bool snat_is_wanted(const struct model *model);
/* The body of the table; the caller frees it. */
char *snat_rules(const struct model *model);

#endif
