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
RECORD_ENCODE(msg_server_view)
RECORD_DECODE(msg_server_view)
RECORD_ENCODE(msg_service_led)
RECORD_DECODE(msg_service_led)
RECORD_ENCODE(notes_drain)
RECORD_DECODE(notes_drain)
RECORD_ENCODE(notes_drained)
RECORD_DECODE(notes_drained)

/* What is left of a note beside the numbers. */
#define NAME_MAX_LEN 200
#define WEIGHT_MAX   65535

/* What an authentic peer may say; what gets into our log, or to a terminal, is cleaned. */

static bool accept_config(struct notes_config *v)
{
	_Static_assert(TEXT_MAX < NAME_MAX_LEN, "a name fits a note");
	text_clean(&v->name);
	return true;
}

static bool accept_override(struct msg_server_override *v)
{
	return true; /* core/overrides.c's to judge */
}

static bool accept_routers(struct notes_routers *v)
{
	text_clean(&v->words);
	return true;
}

static bool accept_server(struct msg_server_view *v)
{
	return v->configured || (v->weight >= 0 && v->weight <= WEIGHT_MAX &&
				 v->feedback_permille && v->feedback_permille <= 1000);
}

static bool accept_led(struct msg_service_led *v)
{
	return true;
}

static bool accept_drain(struct notes_drain *v)
{
	return v->asked_us;
}

static bool accept_drained(struct notes_drained *v)
{
	return v->asked_us;
}

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
	int notes_##name##_decode(const uint8_t *value, size_t len, struct record *ret) \
	{                                                                              \
		struct reader r;                                                       \
		struct record v;                                                       \
                                                                                       \
		reader_init(&r, value, len, NULL);                                     \
		decode_##record(&r, &v);                                               \
		if (!reader_done(&r) || !accept_##name(&v))                            \
			return -EBADMSG;                                               \
		*ret = v;                                                              \
		return 0;                                                              \
	}

NOTE_CODEC(config, notes_config)
NOTE_CODEC(override, msg_server_override)
NOTE_CODEC(routers, notes_routers)
NOTE_CODEC(server, msg_server_view)
NOTE_CODEC(led, msg_service_led)
NOTE_CODEC(drain, notes_drain)
NOTE_CODEC(drained, notes_drained)

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
