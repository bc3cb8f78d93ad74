/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody wants of a real server, whatever its checks say: its operator, or its own agent. */
#ifndef TANDEM_SERVER_ADMIN_H
#define TANDEM_SERVER_ADMIN_H

enum server_admin {
	ADMIN_READY,
	ADMIN_DRAIN,	/* no new connections; weight 0 in the kernel */
	ADMIN_MAINT,	/* not part of its pool: in no table, and in no count */
	ADMIN_DISABLED, /* as if a check had failed, and max_ejection does not keep it */
};
/* "ready", "drain", "maint", "disabled". */
const char *server_admin_name(enum server_admin admin);

#endif
