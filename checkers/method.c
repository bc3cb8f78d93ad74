/* SPDX-License-Identifier: Apache-2.0 */
/* The table of methods: see method.h. */
#include "checkers/method.h"

const struct check_method_ops *check_method(enum check_method method)
{
	static const struct check_method_ops *const table[] = {
		[CHECK_TCP] = &check_tcp_ops,
		[CHECK_HTTP] = &check_http_ops,
		[CHECK_SSL] = &check_http_ops,
		[CHECK_MISC] = &check_misc_ops,
		[CHECK_PING] = &check_ping_ops,
		[CHECK_UDP] = &check_udp_ops,
		[CHECK_DNS] = &check_dns_ops,
		[CHECK_SMTP] = &check_smtp_ops,
	};

	return table[method];
}
