/* SPDX-License-Identifier: Apache-2.0 */
/* The table of methods: see method.h. */
#include "checkers/method.h"

#include "checkers/plugin.h"

#define CURL_FILE "tandem-check-curl.so"

static const struct check_plugin *curl; /* NULL until a model needs it */

static bool talks(const struct check *c)
{
	return c->method == CHECK_TCP && (c->n_steps || c->n_tls);
}

static bool needs_curl(const struct check *c)
{
	return c->method == CHECK_HTTP || c->method == CHECK_SSL || c->method == CHECK_GRPC ||
	       talks(c);
}

const struct check_method_ops *check_method(const struct check *c)
{
	switch ((enum check_method)c->method) {
	case CHECK_TCP:
		return talks(c) ? curl->talk : &check_tcp_ops;
	case CHECK_HTTP:
	case CHECK_SSL:
		return curl->http;
	case CHECK_GRPC:
		return curl->grpc;
	case CHECK_MISC:
		return &check_misc_ops;
	case CHECK_PING:
		return &check_ping_ops;
	case CHECK_UDP:
		return &check_udp_ops;
	case CHECK_DNS:
		return &check_dns_ops;
	case CHECK_SMTP:
		return &check_smtp_ops;
	case CHECK_AGENT:
		return &check_agent_ops;
	case CHECK_FILE:
		return &check_file_ops;
	}
	return NULL;
}

static bool server_needs_curl(const struct real_server *rs)
{
	for (uint32_t i = 0; i < rs->n_checks; i++)
		if (needs_curl(&rs->checks[i]))
			return true;
	return false;
}

static bool model_needs_curl(const struct model *m)
{
	for (uint32_t i = 0; i < m->n_services; i++)
		for (uint32_t j = 0; j < m->services[i].n_servers; j++)
			if (server_needs_curl(&m->services[i].servers[j]))
				return true;
	return false;
}

int check_methods_load(const struct model *m, struct text *ret_reason)
{
	if (curl || !model_needs_curl(m))
		return 0;
	return check_plugin_load(CURL_FILE, &curl, ret_reason);
}
