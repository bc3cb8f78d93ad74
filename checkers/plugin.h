/* SPDX-License-Identifier: Apache-2.0 */
/* Methods in shared objects of their own, loaded when they are needed. */
#ifndef TANDEM_CHECKERS_PLUGIN_H
#define TANDEM_CHECKERS_PLUGIN_H

#include "checkers/method.h"
#include "core/codec.h"

/* What such an object exports, as check_plugin. It uses the program's own functions. */
struct check_plugin {
	const char *version; /* PACKAGE_VERSION */
	const struct check_method_ops *http; /* HTTP_GET and SSL_GET */
	const struct check_method_ops *grpc;
	const struct check_method_ops *talk; /* TCP_CHECK that says or wants to hear something */
};

extern const struct check_plugin check_plugin;

extern const struct check_method_ops check_http_ops;
extern const struct check_method_ops check_grpc_ops;
extern const struct check_method_ops check_talk_ops;

/* From the program's own directory. 0, or -errno and why, in words. */
int check_plugin_load(const char *file, const struct check_plugin **ret, struct text *ret_reason);

#endif
