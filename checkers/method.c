/* SPDX-License-Identifier: Apache-2.0 */
/* The table of methods: see method.h. */
#include "checkers/method.h"

#include "checkers/plugin.h"

#define HTTP_FILE "tandem-check-http.so"

static const struct check_method_ops *http_ops; /* NULL until a model needs it */

const struct check_method_ops *check_method(enum check_method method)
{
	static const struct check_method_ops *const table[] = {
		[CHECK_TCP] = &check_tcp_ops,
		[CHECK_MISC] = &check_misc_ops,
		[CHECK_PING] = &check_ping_ops,
		[CHECK_UDP] = &check_udp_ops,
		[CHECK_DNS] = &check_dns_ops,
		[CHECK_SMTP] = &check_smtp_ops,
	};

	if (method == CHECK_HTTP || method == CHECK_SSL)
		return http_ops;
	return table[method];
}

static bool server_needs_http(const struct real_server *rs)
{
	for (uint32_t i = 0; i < rs->n_checks; i++)
		if (rs->checks[i].method == CHECK_HTTP || rs->checks[i].method == CHECK_SSL)
			return true;
	return false;
}

static bool needs_http(const struct model *m)
{
	for (uint32_t i = 0; i < m->n_services; i++)
		for (uint32_t j = 0; j < m->services[i].n_servers; j++)
			if (server_needs_http(&m->services[i].servers[j]))
				return true;
	return false;
}

int check_methods_load(const struct model *m, struct text *ret_reason)
{
	if (http_ops || !needs_http(m))
		return 0;
	return check_plugin_load(HTTP_FILE, &http_ops, ret_reason);
}
