/* SPDX-License-Identifier: Apache-2.0 */
/* Which real servers an operator means: see selector.h. */
#include "core/selector.h"

#include "core/arena.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct endpoint {
	struct addr address;
	bool has_port;
	uint16_t port;
};

static bool port_parse(const char *s, struct endpoint *ret)
{
	char *end;
	unsigned long port = strtoul(s, &end, 10);

	if (*s < '0' || *s > '9' || *end || port > UINT16_MAX)
		return false;
	ret->has_port = true;
	ret->port = (uint16_t)port;
	return true;
}

/* "1.2.3.4", "1.2.3.4:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80" */
static bool endpoint_parse(const char *s, struct endpoint *ret)
{
	char address[ADDR_TEXT_MAX];
	const char *colon = strrchr(s, ':'), *end = strchr(s, ']');
	size_t len;

	*ret = (struct endpoint){0};
	if (*s == '[') {
		if (!end || (end[1] && (end[1] != ':' || !port_parse(end + 2, ret))))
			return false;
		s++;
		len = (size_t)(end - s);
	} else if (colon && strchr(s, ':') == colon) {
		if (!port_parse(colon + 1, ret))
			return false;
		len = (size_t)(colon - s);
	} else {
		len = strlen(s);
	}
	if (len >= sizeof(address))
		return false;
	memcpy(address, s, len);
	address[len] = '\0';
	return addr_parse(address, &ret->address) == 0;
}

static bool is_at(const struct endpoint *e, const struct addr *address, uint16_t port)
{
	return addr_equal(&e->address, address) && (!e->has_port || e->port == port);
}

static bool protocol_fits(const char *word, uint8_t protocol)
{
	static const struct {
		const char *name;
		uint8_t protocol;
	} protocols[] = {{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {"sctp", IPPROTO_SCTP}};

	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (protocols[i].protocol == protocol)
			return strcasecmp(word, protocols[i].name) == 0;
	return false;
}

static bool mark_fits(const char *s, uint32_t fwmark)
{
	char *end;
	unsigned long mark;

	if (strncmp(s, "fwmark:", 7) != 0)
		return false;
	mark = strtoul(s + 7, &end, 10);
	return s[7] && !*end && fwmark && mark == fwmark;
}

static bool service_fits(const struct virtual_server *vs, const char *s)
{
	char text[TEXT_MAX];
	const char *slash = strrchr(s, '/');
	struct endpoint e;

	if (strcmp(s, virtual_server_format(vs, text)) == 0 || mark_fits(s, vs->fwmark))
		return true;
	if (vs->n_members)
		return strcmp(s, vs->group) == 0;
	if (slash) {
		snprintf(text, sizeof(text), "%.*s", (int)(slash - s), s);
		if (!protocol_fits(slash + 1, vs->protocol))
			return false;
		s = text;
	}
	return addr_is_set(&vs->address) && endpoint_parse(s, &e) &&
	       is_at(&e, &vs->address, vs->port);
}

const struct virtual_server *select_service(const struct model *m, const char *service,
					    struct text *ret_reason)
{
	const struct virtual_server *found = NULL;
	char first[TEXT_MAX], second[TEXT_MAX];

	for (uint32_t i = 0; i < m->n_services; i++) {
		if (!service_fits(&m->services[i], service))
			continue;
		if (found) {
			text_set(ret_reason, "%.40s may be \"%.50s\" or \"%.50s\": say which", service,
				 virtual_server_format(found, first),
				 virtual_server_format(&m->services[i], second));
			return NULL;
		}
		found = &m->services[i];
	}
	if (!found)
		text_set(ret_reason, "%.80s: no such virtual server; see tandemctl services", service);
	return found;
}

static int add_matches(const struct virtual_server *vs, const struct endpoint *e,
		       struct selected *list, int n)
{
	for (uint32_t i = 0; i < vs->n_servers; i++)
		if (is_at(e, &vs->servers[i].address, vs->servers[i].port))
			list[n++] = (struct selected){vs, &vs->servers[i]};
	return n;
}

static size_t count_servers(const struct model *m)
{
	size_t n = 0;

	for (uint32_t i = 0; i < m->n_services; i++)
		n += m->services[i].n_servers;
	return n;
}

/* An address alone must not mean two daemons of one machine. */
static int check_one_port(const struct selected *list, int n, const char *server,
			  struct text *ret_reason)
{
	for (int i = 1; i < n; i++) {
		if (list[i].rs->port == list[0].rs->port)
			continue;
		text_set(ret_reason, "%.60s has ports %u and %u: say which, as %.60s:%u", server,
			 list[0].rs->port, list[i].rs->port, server, list[0].rs->port);
		return -ENOTUNIQ;
	}
	return n;
}

int select_servers(struct arena *arena, const struct model *m, const char *server,
		   const char *service, struct selected **ret, struct text *ret_reason)
{
	const struct virtual_server *only = NULL;
	struct endpoint e;
	int n = 0;

	if (!endpoint_parse(server, &e)) {
		text_set(ret_reason,
			 "\"%.60s\" is not a real server such as 10.0.0.7:80 or [2001:db8::7]:80",
			 server);
		return -EINVAL;
	}
	if (*service) {
		only = select_service(m, service, ret_reason);
		if (!only)
			return -ENOENT;
	}
	*ret = arena_array(arena, count_servers(m) + 1, sizeof(**ret));
	for (uint32_t i = 0; i < m->n_services; i++)
		if (!only || only == &m->services[i])
			n = add_matches(&m->services[i], &e, *ret, n);
	if (!n) {
		text_set(ret_reason, "%.60s: no such real server%s%.60s; see tandemctl servers",
			 server, only ? " in " : "", service);
		return -ENOENT;
	}
	return e.has_port ? n : check_one_port(*ret, n, server, ret_reason);
}
