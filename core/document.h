/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of the JSON documents that the control socket answers with, each named by a constant and
 * new to its object. Knows nothing of what the documents are about.
 */
#ifndef TANDEM_DOCUMENT_H
#define TANDEM_DOCUMENT_H

#include "core/addr.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct json_object json;

void add(json *o, const char *key, json *value);
void add_str(json *o, const char *key, const char *value);
void add_int(json *o, const char *key, int64_t value);
void add_bool(json *o, const char *key, bool value);
/* Ids are hashes: as text, because JSON's numbers lose the last bits of 64. */
void add_id(json *o, const char *key, uint64_t id);
void add_addr(json *o, const char *key, const struct addr *a);
/* A moment of the monotonic clock, on the wall's; null for 0: never. */
void add_time(json *o, const char *key, int64_t at_us);
json *new_document(const char *schema);

#endif
