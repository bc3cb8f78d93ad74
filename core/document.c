/* SPDX-License-Identifier: Apache-2.0 */
/* Members of JSON documents: see document.h. */
#include "core/document.h"

#include "core/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

void add(json *o, const char *key, json *value)
{
	json_object_object_add_ex(o, key, value,
				  JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_KEY_IS_CONSTANT);
}

void add_str(json *o, const char *key, const char *value)
{
	add(o, key, json_object_new_string(value));
}

void add_int(json *o, const char *key, int64_t value)
{
	add(o, key, json_object_new_int64(value));
}

void add_bool(json *o, const char *key, bool value)
{
	add(o, key, json_object_new_boolean(value));
}

void add_id(json *o, const char *key, uint64_t id)
{
	char text[24];

	snprintf(text, sizeof(text), "%016" PRIx64, id);
	add_str(o, key, text);
}

void add_addr(json *o, const char *key, const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	if (addr_is_set(a))
		add_str(o, key, addr_format(a, text));
	else
		add(o, key, NULL);
}

void add_time(json *o, const char *key, int64_t at_us)
{
	int64_t wall_us = clock_realtime_us() - (clock_now_us() - at_us);
	time_t at_s = (time_t)(wall_us / USEC_PER_SEC);
	char text[40];
	size_t n;
	struct tm tm;

	if (!at_us) {
		add(o, key, NULL);
		return;
	}
	gmtime_r(&at_s, &tm);
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, sizeof(text) - n, ".%03dZ", (int)(wall_us % USEC_PER_SEC / 1000));
	add_str(o, key, text);
}

json *new_document(const char *schema)
{
	json *o = json_object_new_object();

	add_str(o, "schema", schema);
	return o;
}
