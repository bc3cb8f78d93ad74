/* SPDX-License-Identifier: Apache-2.0 */
/* What directors tell each other beside connections: see notes.h. */
#include "sync/notes.h"

#include <errno.h>

RECORD_ENCODE(notes_config)
RECORD_DECODE(notes_config)
RECORD_EQUAL(notes_config)
RECORD_ENCODE(msg_server_override)
RECORD_DECODE(msg_server_override)

/* What is left of a note beside the numbers. */
#define NAME_MAX_LEN 200

size_t notes_config_encode(const struct notes_config *c, uint8_t *bytes)
{
	struct writer w;

	_Static_assert(TEXT_MAX < NAME_MAX_LEN, "a name fits a note");
	writer_init_fixed(&w, bytes, SYNC_NOTE_MAX);
	encode_notes_config(&w, c);
	return w.len;
}

int notes_config_decode(const uint8_t *value, size_t len, struct notes_config *ret)
{
	struct notes_config c;
	struct reader r;

	reader_init(&r, value, len, NULL);
	decode_notes_config(&r, &c);
	if (!reader_done(&r))
		return -EBADMSG;
	text_clean(&c.name); /* it gets into our log */
	*ret = c;
	return 0;
}

size_t notes_override_encode(const struct msg_server_override *v, uint8_t *bytes)
{
	struct writer w;

	writer_init_fixed(&w, bytes, SYNC_NOTE_MAX);
	encode_msg_server_override(&w, v);
	return w.len;
}

int notes_override_decode(const uint8_t *value, size_t len, struct msg_server_override *ret)
{
	struct msg_server_override v;
	struct reader r;

	reader_init(&r, value, len, NULL);
	decode_msg_server_override(&r, &v);
	if (!reader_done(&r))
		return -EBADMSG;
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
