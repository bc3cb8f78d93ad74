/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists for those who know ipvsadm: services with their servers below them, servers a line each,
 * connections. From the documents of the control socket, connections from the kernel's own list.
 */
#ifndef TANDEM_CTL_LIST_H
#define TANDEM_CTL_LIST_H

#include <stdbool.h>
#include <stdio.h>

struct json_object;

enum list_columns {
	LIST_CONNECTIONS,
	LIST_STATS,
	LIST_RATE,
};

struct list_options {
	enum list_columns columns;
	const char *sort; /* a key of list_sort_keys, the greatest first; NULL: as configured */
};

/* "active, conns, …"; NULL when there is no such key. */
bool list_can_sort(const char *key);
extern const char list_sort_keys[];

void list_services(FILE *out, struct json_object *doc, const struct list_options *o);
void list_servers(FILE *out, struct json_object *doc, const struct list_options *o);

/* One line of /proc/net/ip_vs_conn_sync to one of `ipvsadm -Lnc`, or of JSON. -EINVAL: not a
 * connection; -ENOENT: one of tandem's own, which is nobody's business. */
int list_connection(FILE *out, const char *line, bool as_json);

#endif
