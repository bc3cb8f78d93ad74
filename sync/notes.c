/* SPDX-License-Identifier: Apache-2.0 */
/* What directors tell each other beside connections: see notes.h. */
#include "sync/notes.h"

#include <errno.h>

RECORD_ENCODE(notes_config)
RECORD_DECODE(notes_config)
RECORD_EQUAL(notes_config)
RECORD_ENCODE(msg_server_override)
RECORD_DECODE(msg_server_override)
RECORD_ENCODE(notes_routers)
RECORD_DECODE(notes_routers)

/* What is left of a note beside the numbers. */
#define NAME_MAX_LEN 200

/* A record as a note's value, and back; what is left over refuses it. */
#define NOTE_CODEC(name, record)                                                       \
	size_t notes_##name##_encode(const struct record *v, uint8_t *bytes)           \
	{                                                                              \
		struct writer w;                                                       \
                                                                                       \
		writer_init_fixed(&w, bytes, SYNC_NOTE_MAX);                           \
		encode_##record(&w, v);                                                \
		return w.len;                                                          \
	}                                                                              \
                                                                                       \
	static bool name##_read(const uint8_t *value, size_t len, struct record *ret)  \
	{                                                                              \
		struct reader r;                                                       \
                                                                                       \
		reader_init(&r, value, len, NULL);                                     \
		decode_##record(&r, ret);                                              \
		return reader_done(&r);                                                \
	}

NOTE_CODEC(config, notes_config)
NOTE_CODEC(override, msg_server_override)
NOTE_CODEC(routers, notes_routers)

/* What gets into our log, or to a terminal, is cleaned. */

int notes_config_decode(const uint8_t *value, size_t len, struct notes_config *ret)
{
	struct notes_config c;

	_Static_assert(TEXT_MAX < NAME_MAX_LEN, "a name fits a note");
	if (!config_read(value, len, &c))
		return -EBADMSG;
	text_clean(&c.name);
	*ret = c;
	return 0;
}

int notes_override_decode(const uint8_t *value, size_t len, struct msg_server_override *ret)
{
	struct msg_server_override v;

	if (!override_read(value, len, &v))
		return -EBADMSG;
	*ret = v;
	return 0;
}

int notes_routers_decode(const uint8_t *value, size_t len, struct notes_routers *ret)
{
	struct notes_routers v;

	if (!routers_read(value, len, &v))
		return -EBADMSG;
	text_clean(&v.words);
	*ret = v;
	return 0;
}

const char *notes_config_difference(const struct notes_config *ours,
				    const struct notes_config *theirs)
{
	bool services = ours->services != theirs->services;
	bool addresses = ours->addresses != theirs->addresses;

	if (services && addresses)
		return "its virtual servers and virtual addresses are not ours";
	if (services)
		return "its virtual servers are not ours";
	return addresses ? "its virtual addresses are not ours" : "";
}
