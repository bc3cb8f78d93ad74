/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor has found: see doctor_show.h. */
#include "ctl/doctor_show.h"

#include <json-c/json.h>

struct show {
	FILE *out;
	struct json_object *findings; /* NULL: text */
	enum doctor_severity gravest;
	unsigned n;
};

static const char *severity_name(enum doctor_severity severity)
{
	switch (severity) {
	case DOCTOR_SERIOUS:
		return "serious";
	case DOCTOR_WARNING:
		return "warning";
	case DOCTOR_NOT_SEEN:
		return "not_seen";
	}
	return "?";
}

static char sign(enum doctor_severity severity)
{
	switch (severity) {
	case DOCTOR_SERIOUS:
		return '!';
	case DOCTOR_WARNING:
		return '-';
	case DOCTOR_NOT_SEEN:
		break;
	}
	return '?';
}

static void add_str(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

static void tell(void *ctx, const struct doctor_finding *f)
{
	struct json_object *o;
	struct show *s = ctx;

	s->n++;
	if (f->severity < s->gravest)
		s->gravest = f->severity;
	if (!s->findings) {
		fprintf(s->out, "%c %s\n      %s\n", sign(f->severity), f->what, f->remedy);
		return;
	}
	o = json_object_new_object();
	add_str(o, "name", f->name);
	add_str(o, "severity", severity_name(f->severity));
	add_str(o, "what", f->what);
	add_str(o, "remedy", f->remedy);
	json_object_array_add(s->findings, o);
}

enum doctor_severity doctor_show(FILE *out, bool as_json, const struct doctor_facts *f)
{
	struct show s = {.out = out, .gravest = DOCTOR_NOT_SEEN};
	struct json_object *doc = json_object_new_object();

	if (as_json)
		s.findings = json_object_new_array();
	doctor_examine(f, tell, &s);
	if (as_json) {
		add_str(doc, "schema", "tandem.doctor/1");
		json_object_object_add(doc, "findings", s.findings);
		fprintf(out, "%s\n",
			json_object_to_json_string_ext(
				doc, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	} else if (!s.n) {
		fputs("nothing to complain of\n", out);
	}
	json_object_put(doc);
	return s.gravest;
}
