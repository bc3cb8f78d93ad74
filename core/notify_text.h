/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keepalived's words for a change of state: how it names objects, and the lines of its FIFOs. Pure.
 */
#ifndef TANDEM_NOTIFY_TEXT_H
#define TANDEM_NOTIFY_TEXT_H

#include "core/model.h"

#define NOTIFY_NAME_MAX 300 /* of a service, its zero included */
#define NOTIFY_LINE_MAX 700

/* "[192.0.2.1]:tcp:80", "FWM 7", "[GROUP]:0" */
const char *notify_service_name(const struct virtual_server *vs, char name[NOTIFY_NAME_MAX]);
/* "[198.51.100.1]:tcp:80" */
const char *notify_server_name(const struct virtual_server *vs, const struct real_server *r,
			       char name[NOTIFY_NAME_MAX]);

/* Lines, each with its newline. `type` is "INSTANCE" or "GROUP". */
const char *notify_vrrp_line(const char *type, const char *name, const char *state,
			     unsigned priority, char line[NOTIFY_LINE_MAX]);
const char *notify_service_line(const struct virtual_server *vs, bool up,
				char line[NOTIFY_LINE_MAX]);
const char *notify_server_line(const struct virtual_server *vs, const struct real_server *r,
			       bool up, char line[NOTIFY_LINE_MAX]);

#endif
