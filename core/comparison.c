/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reload with another file would do: its document for the control socket. Reads the file as
 * a reload does, compares, and forgets it again; changes nothing.
 */
#include "core/config/diff.h"
#include "core/generation.h"
#include "core/status.h"
#include "core/supervisor.h"

#include <json-c/json.h>

typedef struct json_object json;

static int64_t server_connections(const struct supervisor *s, uint64_t server)
{
	struct msg m;

	return store_get(&s->store, MSG_SERVER_STATE, server, &m) ? m.server_state.active_conns : 0;
}

/* Of those that go: all other changes leave connections as they are. */
static int64_t touched(const struct supervisor *s, const struct diff_entry *e)
{
	const struct virtual_server *vs;
	int64_t sum = 0;

	if (e->change != DIFF_REMOVED)
		return 0;
	if (e->object == DIFF_SERVER)
		return server_connections(s, e->id);
	vs = e->object == DIFF_SERVICE ? model_find_service(s->running.model, e->id) : NULL;
	for (uint32_t i = 0; vs && i < vs->n_servers; i++)
		sum += server_connections(s, vs->servers[i].id);
	return sum;
}

static json *change(const struct supervisor *s, const struct diff_entry *e)
{
	json *o = json_object_new_object();

	json_object_object_add(o, "change", json_object_new_string(diff_change_name(e->change)));
	json_object_object_add(o, "object", json_object_new_string(diff_object_name(e->object)));
	json_object_object_add(o, "name", json_object_new_string(e->name));
	json_object_object_add(o, "what", json_object_new_string(e->what));
	json_object_object_add(o, "active_connections", json_object_new_int64(touched(s, e)));
	return o;
}

json *status_of_diff(const struct supervisor *s, const char *file)
{
	json *o = json_object_new_object(), *changes = json_object_new_array();
	struct options options = s->options;
	struct generation next;
	struct diff d = {0};
	int err;

	options.config_file = (char *)file;
	err = generation_load(&next, &options, s->running.model->generation);
	if (!err)
		d = model_diff(next.arena, s->running.model, next.model);
	for (uint32_t i = 0; i < d.n; i++)
		json_object_array_add(changes, change(s, &d.at[i]));
	json_object_object_add(o, "schema", json_object_new_string("tandem.diff/1"));
	json_object_object_add(o, "file", json_object_new_string(file));
	json_object_object_add(o, "usable", json_object_new_boolean(!err));
	json_object_object_add(
		o, "diagnostics",
		json_object_new_string(next.diags.n ? diags_format(&next.diags) : ""));
	json_object_object_add(o, "changes", changes);
	generation_free(&next);
	return o;
}
