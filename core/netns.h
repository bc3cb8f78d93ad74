/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_namespace: tandem is started in its network namespace, by systemd or ip-netns(8), and does not
 * change it, which would take CAP_SYS_ADMIN. A configuration for another one is refused.
 */
#ifndef TANDEM_NETNS_H
#define TANDEM_NETNS_H

#include "core/config/ast.h"

/* "" is any. False: this process is not in the namespace of that name; diags says so. */
bool netns_is_ours(const char *name, struct diags *diags);

#endif
