/* SPDX-License-Identifier: Apache-2.0 */
/* How tandemctl reads tandemd's documents: what one does not have reads as "-", 0, false or nothing. */
#ifndef TANDEM_CTL_READER_H
#define TANDEM_CTL_READER_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct json_object json;

static inline json *get(json *o, const char *key)
{
	json *value = NULL;

	json_object_object_get_ex(o, key, &value);
	return value;
}

static inline const char *str(json *o, const char *key)
{
	json *value = get(o, key);

	return value ? json_object_get_string(value) : "-";
}

static inline int64_t num(json *o, const char *key)
{
	return json_object_get_int64(get(o, key));
}

static inline bool flag(json *o, const char *key)
{
	return json_object_get_boolean(get(o, key));
}

static inline size_t count(json *o, const char *key)
{
	json *list = get(o, key);

	return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

static inline json *item(json *o, const char *key, size_t i)
{
	return json_object_array_get_idx(get(o, key), i);
}

#endif
