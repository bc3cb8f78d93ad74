/* SPDX-License-Identifier: Apache-2.0 */
/* The network namespace that tandem runs in: see netns.h. */
#include "core/netns.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define OURS  "/proc/self/ns/net"
#define NAMED "/run/netns/" /* ip-netns(8) */

bool netns_is_ours(const char *name, struct diags *diags)
{
	char path[512];
	struct stat ours, named;

	if (!name[0])
		return true;
	snprintf(path, sizeof(path), NAMED "%s", name);
	if (stat(path, &named) < 0) {
		diags_add(diags, DIAG_ERROR, NULL, "net_namespace %s: %s: %s", name, path,
			  strerror(errno));
		return false;
	}
	if (stat(OURS, &ours) == 0 && ours.st_dev == named.st_dev && ours.st_ino == named.st_ino)
		return true;
	diags_add(diags, DIAG_ERROR, NULL,
		  "net_namespace %s: tandem runs in another one; start it there: with "
		  "NetworkNamespacePath=%s in its unit, or \"ip netns exec %s tandemd\"",
		  name, path, name);
	return false;
}
