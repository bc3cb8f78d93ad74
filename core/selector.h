/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which real servers an operator means. A server is "10.0.0.7:80", "[2001:db8::7]:80", or its
 * address alone if it has one port only; a service is "192.0.2.1:80", "192.0.2.1:80/udp",
 * "fwmark:7", a group's name, or the name that tandemctl shows. Pure.
 */
#ifndef TANDEM_SELECTOR_H
#define TANDEM_SELECTOR_H

#include "core/model.h"

struct selected {
	const struct virtual_server *vs;
	const struct real_server *rs;
};

/*
 * All places of the server in the model, or in the one service when `service` is not "". Returns
 * how many, in an array of the arena's; or -EINVAL (not written as a server or service is), -ENOENT
 * (there is none) or -ENOTUNIQ (it may be several), with the reason and what to write instead.
 */
int select_servers(struct arena *arena, const struct model *m, const char *server,
		   const char *service, struct selected **ret, struct text *ret_reason);
/* The one service of that name. NULL, with the reason, when there is none or there are several. */
const struct virtual_server *select_service(const struct model *m, const char *service,
					    struct text *ret_reason);

#endif
