/* SPDX-License-Identifier: Apache-2.0 */
/* What tandem-check-curl.so brings: the methods that need libcurl, OpenSSL or PCRE2. */
#include "checkers/plugin.h"

const struct check_plugin check_plugin = {
	.version = PACKAGE_VERSION,
	.http = &check_http_ops,
	.grpc = &check_grpc_ops,
	.talk = &check_talk_ops,
};
