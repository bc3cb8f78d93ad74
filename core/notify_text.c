/* SPDX-License-Identifier: Apache-2.0 */
/* keepalived's words for a change of state: see notify_text.h. */
#include "core/notify_text.h"

#include <netinet/in.h>
#include <stdio.h>

static const char *protocol_name(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_SCTP:
		return "sctp";
	}
	return "none";
}

static const char *trio(const struct addr *address, uint8_t protocol, uint16_t port,
			char name[NOTIFY_NAME_MAX])
{
	char text[ADDR_TEXT_MAX];

	snprintf(name, NOTIFY_NAME_MAX, "[%s]:%s:%u", addr_format(address, text),
		 protocol_name(protocol), port);
	return name;
}

const char *notify_service_name(const struct virtual_server *vs, char name[NOTIFY_NAME_MAX])
{
	if (!vs->group[0] && !vs->fwmark)
		return trio(&vs->address, vs->protocol, vs->port, name);
	if (vs->group[0])
		snprintf(name, NOTIFY_NAME_MAX, "[%s]:%u", vs->group, vs->port);
	else
		snprintf(name, NOTIFY_NAME_MAX, "FWM %u", vs->fwmark);
	return name;
}

const char *notify_server_name(const struct virtual_server *vs, const struct real_server *r,
			       char name[NOTIFY_NAME_MAX])
{
	return trio(&r->address, vs->protocol, r->port, name);
}

const char *notify_vrrp_line(const char *type, const char *name, const char *state,
			     unsigned priority, char line[NOTIFY_LINE_MAX])
{
	snprintf(line, NOTIFY_LINE_MAX, "%s \"%.500s\" %s %u\n", type, name, state, priority);
	return line;
}

static const char *up_or_down(bool up)
{
	return up ? "UP" : "DOWN";
}

const char *notify_service_line(const struct virtual_server *vs, bool up,
				char line[NOTIFY_LINE_MAX])
{
	char service[NOTIFY_NAME_MAX];

	snprintf(line, NOTIFY_LINE_MAX, "VS %s %s\n", notify_service_name(vs, service),
		 up_or_down(up));
	return line;
}

const char *notify_server_line(const struct virtual_server *vs, const struct real_server *r,
			       bool up, char line[NOTIFY_LINE_MAX])
{
	char service[NOTIFY_NAME_MAX], server[NOTIFY_NAME_MAX];

	snprintf(line, NOTIFY_LINE_MAX, "RS %s %s %s\n", notify_server_name(vs, r, server),
		 notify_service_name(vs, service), up_or_down(up));
	return line;
}
