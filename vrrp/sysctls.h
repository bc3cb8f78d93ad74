/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of /proc/sys/net that instances want otherwise, on interfaces that are not ours: they
 * go back when no instance wants them any more (core/tunables.h). Knows what is wanted, not how it
 * is done.
 */
#ifndef TANDEM_VRRP_SYSCTLS_H
#define TANDEM_VRRP_SYSCTLS_H

#include "core/model.h"
#include "core/tunables.h"

extern const struct tunables_place sysctls_place;

/* disable_local_igmp: no reports of membership in 224.0.0.0/24. */
void sysctls_want_no_igmp(struct tunables *t);
/* through_service: answers to checks come with a virtual address that this node may have itself. */
void sysctls_want_accept_local(struct tunables *t);
void sysctls_want_instance(struct tunables *t, const struct vrrp_instance *c);

#endif
