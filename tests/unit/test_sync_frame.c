/* SPDX-License-Identifier: Apache-2.0 */
/* Frames and keys: sync/frame.c, crypt.c. Vectors are the RFCs' and NIST's. */
#include "sync/frame.h"
#include "sync/record.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const enum sync_suite suites[] = {SYNC_SUITE_AES_256_GCM, SYNC_SUITE_CHACHA20_POLY1305};

static struct sync_key key_of(uint8_t byte)
{
	struct sync_key key;

	memset(key.b, byte, sizeof(key.b));
	return key;
}

/* The GCM specification's test case 14: an all-zero key, nonce and block. */
static void test_aes_vector(void **state)
{
	static const uint8_t expected[] = {0xce, 0xa7, 0x40, 0x3d, 0x4d, 0x60, 0x6b, 0x6e,
					   0x07, 0x4e, 0xc5, 0xd3, 0xba, 0xf3, 0x9d, 0x18,
					   0xd0, 0xd1, 0xc8, 0xa7, 0x99, 0x99, 0x6b, 0xf0,
					   0x26, 0x5b, 0x98, 0xb5, 0xd4, 0x8a, 0xb9, 0x19};
	struct sync_key key = key_of(0);
	struct sync_cipher *c = sync_cipher_new_seal(SYNC_SUITE_AES_256_GCM, &key);
	uint8_t bytes[16 + SYNC_TAG_LEN] = {0};

	assert_int_equal(sync_cipher_seal(c, 0, "", 0, bytes, 16), 0);
	assert_memory_equal(bytes, expected, sizeof(expected));
	sync_cipher_free(c);
}

/* RFC 4231 §4.3, cut to our length. */
static void test_mac_vector(void **state)
{
	static const uint8_t expected[] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
					   0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7};
	struct sync_key key = {.b = "Jefe"}; /* HMAC pads keys with zeros */
	uint8_t mac[SYNC_MAC_LEN];

	sync_mac(&key, "what do ya want for nothing?", 28, mac);
	assert_memory_equal(mac, expected, sizeof(expected));
	assert_true(sync_mac_equal(mac, expected));
	mac[15] ^= 1;
	assert_false(sync_mac_equal(mac, expected));
}

/* The expected bytes come from another implementation of RFC 2104. */
static void test_keys_differ_by_purpose(void **state)
{
	static const uint8_t expected[] = {0x42, 0x4a, 0x08, 0x66, 0x36, 0x3c, 0x4d, 0xf2,
					   0x41, 0x47, 0x10, 0x4c, 0x62, 0x4d, 0xfb, 0xa1,
					   0x03, 0x8c, 0x6f, 0x23, 0x7c, 0x9d, 0xa8, 0x39,
					   0x4a, 0x25, 0xfb, 0xba, 0x69, 0xdd, 0x00, 0x7e};
	struct sync_key psk, pair, a, b;

	assert_int_equal(sync_psk_from_secret("short", 5, &psk), -EINVAL);
	assert_int_equal(sync_psk_from_secret("sixteen bytes or more", 21, &psk), 0);
	sync_extract(&psk, "salt", 4, &pair);
	sync_expand(&pair, "a", 1, &a);
	assert_memory_equal(a.b, expected, sizeof(a.b));
	sync_expand(&pair, "b", 1, &b);
	assert_memory_not_equal(a.b, b.b, sizeof(a.b));
	sync_extract(&psk, "tlas", 4, &pair);
	sync_expand(&pair, "a", 1, &b);
	assert_memory_not_equal(a.b, b.b, sizeof(a.b));
}

static void test_heads(void **state)
{
	struct sync_frame_head head = {SYNC_FRAME_DATA, 0x1122334455667788, 9}, out;
	uint8_t b[SYNC_FRAME_HEAD_LEN];

	sync_frame_write_head(b, &head);
	assert_int_equal(sync_frame_read_head(b, sizeof(b), &out), 0);
	assert_int_equal(out.type, SYNC_FRAME_DATA);
	assert_true(out.session == head.session && out.seq == 9);
	assert_int_equal(sync_frame_read_head(b, sizeof(b) - 1, &out), -EBADMSG);
	b[5] = 2;
	assert_int_equal(sync_frame_read_head(b, sizeof(b), &out), -EPROTONOSUPPORT);
	b[5] = 1;
	b[4] = 5;
	assert_int_equal(sync_frame_read_head(b, sizeof(b), &out), -EBADMSG);
	b[4] = 4;
	b[0] = 0;
	assert_int_equal(sync_frame_read_head(b, sizeof(b), &out), -EBADMSG);
}

static void test_subscribe_during_rotation(void **state)
{
	struct sync_subscribe sub = {.nonce = "nonce", .node = 1, .stream = 2}, out;
	struct sync_key old_new[2] = {key_of(1), key_of(2)}, other = key_of(3);
	uint8_t b[SYNC_FRAME_MIN];
	unsigned which;
	size_t len;

	/* Who knows both is understood by who knows either, and the other way round. */
	len = sync_frame_write_subscribe(b, &sub, old_new, 2);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(sync_frame_read_subscribe(b, len, &old_new[i], 1, &out, &which),
				 0);
	assert_int_equal(sync_frame_read_subscribe(b, len, &other, 1, &out, &which), -EACCES);
	len = sync_frame_write_subscribe(b, &sub, &old_new[1], 1);
	assert_int_equal(sync_frame_read_subscribe(b, len, old_new, 2, &out, &which), 0);
	assert_int_equal(which, 1);
	assert_true(out.node == 1 && out.stream == 2);
	assert_int_equal(sync_frame_read_subscribe(b, len - 1, old_new, 2, &out, &which), -EBADMSG);
	b[SYNC_FRAME_HEAD_LEN] ^= 1;
	assert_int_equal(sync_frame_read_subscribe(b, len, old_new, 2, &out, &which), -EACCES);
}

/* Not one bit of a frame may differ. */
static void flip_every_byte(uint8_t *b, size_t len, struct sync_cipher *open)
{
	uint8_t plain[SYNC_FRAME_MAX];
	struct sync_data out;

	for (size_t i = 0; i < len; i++) {
		b[i] ^= 0x10;
		assert_int_not_equal(sync_frame_read_data(b, len, open, plain, &out), 0);
		b[i] ^= 0x10;
	}
	assert_int_equal(sync_frame_read_data(b, len, open, plain, &out), 0);
}

static void test_data(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		struct sync_key key = key_of(9);
		struct sync_cipher *seal = sync_cipher_new_seal(suites[i], &key);
		struct sync_cipher *open = sync_cipher_new_open(suites[i], &key);
		struct sync_data data = {.prev = 1, .last = 2, .newest = 3, .n = 1, .term = 77};
		struct sync_note note = {.topic = 1, .value = (const uint8_t *)"abc", .len = 3};
		uint8_t b[SYNC_FRAME_MIN] = {0}, plain[SYNC_FRAME_MAX];
		const uint8_t *record;
		struct sync_data out;
		size_t len;

		sync_note_encode(&note, b + SYNC_FRAME_HEAD_LEN + SYNC_DATA_HEAD_LEN);
		data.records_len = 16; /* 15, padded */
		len = sync_frame_write_data(b, 5, 6, &data, seal);
		assert_int_equal(len, SYNC_DATA_OVERHEAD + 16);
		assert_int_equal(sync_frame_read_data(b, len, open, plain, &out), 0);
		assert_true(out.prev == 1 && out.last == 2 && out.newest == 3 && out.term == 77);
		assert_int_equal(sync_data_next(&out, &record, &len), 1);
		assert_true(sync_record_is_note(record));
		assert_int_equal(sync_data_next(&out, &record, &len), 0);
		flip_every_byte(b, SYNC_DATA_OVERHEAD + 16, open);
		sync_cipher_free(seal);
		sync_cipher_free(open);
	}
}

static void test_data_that_lies(void **state)
{
	uint8_t plain[SYNC_DATA_HEAD_LEN + 40] = {0};
	struct sync_data out;
	const uint8_t *record;
	size_t len;

	assert_int_equal(sync_data_parse(plain, SYNC_DATA_HEAD_LEN - 1, &out), -EBADMSG);
	plain[7] = 2; /* prev above last */
	assert_int_equal(sync_data_parse(plain, sizeof(plain), &out), -EBADMSG);
	plain[7] = 0;
	plain[15] = 1; /* last above newest */
	assert_int_equal(sync_data_parse(plain, sizeof(plain), &out), -EBADMSG);
	plain[23] = 1;
	assert_int_equal(sync_data_parse(plain, sizeof(plain), &out), 0);
	assert_int_equal(sync_data_next(&out, &record, &len), -EBADMSG); /* more than it says */
	plain[25] = 2;							 /* less than it says */
	plain[SYNC_DATA_HEAD_LEN + 3] = 36;
	assert_int_equal(sync_data_parse(plain, SYNC_DATA_HEAD_LEN + 36, &out), 0);
	assert_int_equal(sync_data_next(&out, &record, &len), 1);
	assert_int_equal(sync_data_next(&out, &record, &len), -EBADMSG);
}

static void test_open_and_ack(void **state)
{
	struct sync_open_clear clear = {.nonce = "nonce", .salt = "salt"}, clear_out;
	struct sync_open open = {1, 2, key_of(7), 3, 4, 5, SYNC_SUITE_AES_256_GCM, 6}, open_out;
	struct sync_ack_clear ack_clear = {.nonce = "nonce", .node = 8}, ack_clear_out;
	struct sync_ack ack = {1, 2, 7, SYNC_ACK_GAP, 3, 4, 5, 6}, ack_out;
	struct sync_key psk = key_of(1);
	struct sync_pair_keys keys;
	struct sync_cipher *seal, *unseal;
	uint8_t b[SYNC_FRAME_MIN];
	size_t len;

	sync_pair_derive(&psk, clear.nonce, clear.salt, 8, &keys);
	seal = sync_cipher_new_seal(SYNC_SUITE_AES_256_GCM, &keys.open);
	unseal = sync_cipher_new_open(SYNC_SUITE_AES_256_GCM, &keys.open);
	len = sync_frame_write_open(b, keys.session, 1, &clear, &open, seal);
	assert_int_equal(sync_frame_read_open_clear(b, len, &clear_out), 0);
	assert_memory_equal(&clear, &clear_out, sizeof(clear));
	assert_int_equal(sync_frame_read_open(b, len, unseal, &open_out), 0);
	assert_true(open_out.node == 1 && open_out.stream == 2 && open_out.seq == 3 &&
		    open_out.epoch == 4 && open_out.newest == 5 && open_out.term == 6);
	assert_memory_equal(open.key.b, open_out.key.b, sizeof(open.key.b));
	assert_int_equal(sync_frame_read_open(b, len - 1, unseal, &open_out), -EBADMSG);
	b[SYNC_FRAME_HEAD_LEN] ^= 1; /* the clear part is authentic, too */
	assert_int_equal(sync_frame_read_open(b, len, unseal, &open_out), -EACCES);
	len = sync_frame_write_ack(b, keys.session, 2, &ack_clear, &ack, seal);
	assert_int_equal(sync_frame_read_ack_clear(b, len, &ack_clear_out), 0);
	assert_true(ack_clear_out.node == 8);
	assert_int_equal(sync_frame_read_ack(b, len, unseal, &ack_out), 0);
	assert_true(ack_out.epoch == 1 && ack_out.version == 2 && ack_out.heard == 7 &&
		    ack_out.flags == SYNC_ACK_GAP && ack_out.refused == 3 && ack_out.entries == 4 && ack_out.drops == 5 &&
		    ack_out.term == 6);
	assert_int_equal(sync_frame_read_ack(b, len + 1, unseal, &ack_out), -EBADMSG);
	sync_cipher_free(seal);
	sync_cipher_free(unseal);
}

static void test_pair_keys(void **state)
{
	struct sync_key psk = key_of(1), other = key_of(2);
	uint8_t nonce[16] = {1}, salt[16] = {2};
	struct sync_pair_keys a, b;

	sync_pair_derive(&psk, nonce, salt, 5, &a);
	sync_pair_derive(&psk, nonce, salt, 5, &b);
	assert_true(a.session == b.session);
	assert_memory_not_equal(a.open.b, a.ack.b, sizeof(a.ack.b));
	sync_pair_derive(&other, nonce, salt, 5, &b);
	assert_true(a.session != b.session);
	sync_pair_derive(&psk, salt, nonce, 5, &b);
	assert_true(a.session != b.session);
	sync_pair_derive(&psk, nonce, salt, 6, &b);
	assert_true(a.session != b.session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_aes_vector),
		cmocka_unit_test(test_mac_vector),
		cmocka_unit_test(test_keys_differ_by_purpose),
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_subscribe_during_rotation),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_data_that_lies),
		cmocka_unit_test(test_open_and_ack),
		cmocka_unit_test(test_pair_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
