/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes, to all that tandem-sync parses: as a datagram of the kernel's, as what a peer's frame
 * holds once it has been authenticated, as a note, and as frames from the network to a session.
 */
#include "sync/roles.h"
#include "sync/notes.h"
#include "sync/session.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was accepted comes out of a batch as it went in. */
static void read_kernel(const uint8_t *data, size_t size)
{
	static uint8_t out[65536];
	struct sync_datagram d, again;
	const uint8_t *record, *other;
	size_t len, other_len;
	struct sync_batch b;
	struct sync_record r;

	if (sync_datagram_open(data, size, &d))
		return;
	sync_batch_init(&b, out, sizeof(out), d.syncid);
	while (sync_datagram_next(&d, &record, &len) > 0) {
		uint8_t bytes[SYNC_RECORD_MAX];

		if (!sync_batch_add(&b, record, len))
			abort();
		sync_record_decode(record, &r);
		/* Bytes that mean nothing are not kept: only the length is compared. */
		if (sync_record_encode(&r, bytes) != len || !sync_record_same(bytes, record) ||
		    sync_record_hash(bytes, 1) != sync_record_hash(record, 1))
			abort();
	}
	if (!sync_batch_finish(&b))
		return;
	if (sync_datagram_open(out, b.len, &again))
		abort();
	if (sync_datagram_next(&again, &other, &other_len) != 1)
		abort();
}

static void read_data(const uint8_t *data, size_t size)
{
	struct sync_table t;
	struct sync_data d;
	const uint8_t *record;
	size_t len;

	if (sync_data_parse(data, size, &d))
		return;
	sync_table_init(&t, 1, 1, 100);
	while (sync_data_next(&d, &record, &len) > 0)
		sync_table_put(&t, record, len, SYNC_OWNER_PEER, d.term, 0);
	sync_table_expire(&t, 1u << 31, SIZE_MAX);
	if (t.n && sync_table_next(&t, NULL) == NULL)
		abort();
	sync_table_done(&t);
}

static void read_notes(const uint8_t *data, size_t size)
{
	struct msg_server_override override;
	struct msg_server_view view;
	struct msg_service_led led;
	struct notes_config config;
	uint8_t again[SYNC_NOTE_MAX];

	if (!notes_config_decode(data, size, &config) &&
	    notes_config_encode(&config, again) != size)
		abort();
	if (!notes_override_decode(data, size, &override) &&
	    notes_override_encode(&override, again) != size)
		abort();
	if (!notes_server_decode(data, size, &view) && notes_server_encode(&view, again) != size)
		abort();
	if (!notes_led_decode(data, size, &led) && notes_led_encode(&led, again) != size)
		abort();
}

static void on_random(void *ctx, void *bytes, size_t len)
{
	memset(bytes, 0x42, len);
}

/* The first byte of each frame's slice is its length; frames meet a session that has just begun. */
static void talk(const uint8_t *data, size_t size)
{
	static const struct sync_session_ops ops = {.random = on_random};
	static const struct sync_conf conf = {
		.node = 1,
		.n_psk = 2,
		.suite = SYNC_SUITE_AES_256_GCM,
		.frame_max = SYNC_FRAME_DEFAULT,
		.heartbeat_us = 100 * USEC_PER_MSEC,
		.batch_us = USEC_PER_MSEC,
	};
	struct sync_path path = {.address = {.family = AF_INET}};
	static uint8_t out[SYNC_FRAME_MAX];
	struct sync_session *s;
	struct sync_roles roles;
	struct sync_table t;
	struct sync_dest dest;
	int64_t now_us = 0;

	sync_table_init(&t, 1, 1, 100);
	sync_roles_init(&roles);
	s = sync_session_new(&conf, &t, &roles, &ops, NULL, now_us);
	while (size) {
		size_t len = data[0] < size ? data[0] : size - 1;

		sync_session_receive(s, now_us, &path, data + 1, len);
		while (sync_session_emit(s, now_us, out, &dest))
			;
		now_us = sync_session_deadline(s, now_us);
		data += 1 + len;
		size -= 1 + len;
	}
	sync_session_free(s);
	sync_roles_done(&roles);
	sync_table_done(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	switch (data[0] % 4) {
	case 0:
		read_kernel(data + 1, size - 1);
		break;
	case 1:
		read_data(data + 1, size - 1);
		break;
	case 2:
		talk(data + 1, size - 1);
		break;
	case 3:
		read_notes(data + 1, size - 1);
		break;
	}
	return 0;
}
