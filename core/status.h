/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the control socket answers, as JSON documents: the schema's name first, snake_case, units in
 * the names, times as RFC 3339. tandemctl's texts are made from these and from nothing else.
 */
#ifndef TANDEM_STATUS_H
#define TANDEM_STATUS_H

struct json_object;
struct supervisor;

/* The caller's. */
struct json_object *status_of_all(const struct supervisor *s);
struct json_object *status_of_services(const struct supervisor *s);
/* From check to kernel: these servers in these services; a server that is NULL: all of them. */
struct selected;
struct json_object *status_of_explanation(const struct supervisor *s, const struct selected *at,
					  int n);
/* What a reload with this file would do. */
struct json_object *status_of_diff(const struct supervisor *s, const char *file);
struct json_object *status_of_reload(const struct supervisor *s);
struct json_object *status_of_confirmed(const struct supervisor *s);
struct json_object *status_of_versions(const struct supervisor *s);
/* "tandem.done/1": a verb of the operator's, which has yet to say what was done. */
struct json_object *status_of_done(const char *verb);
struct json_object *status_of_error(const char *message);

#endif
