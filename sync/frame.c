/* SPDX-License-Identifier: Apache-2.0 */
/* Frames between peers, to and from bytes: see frame.h. */
#include "sync/frame.h"
#include "sync/record.h"

#include <errno.h>
#include <string.h>

#define SUBSCRIBE_LEN	     (SYNC_FRAME_HEAD_LEN + SYNC_NONCE_LEN + 8 + 8 + 2 * SYNC_MAC_LEN)
#define SUBSCRIBE_SIGNED_LEN (SUBSCRIBE_LEN - 2 * SYNC_MAC_LEN)
#define OPEN_CLEAR_LEN	     (2 * SYNC_NONCE_LEN)
#define OPEN_LEN	     (8 + 8 + SYNC_KEY_LEN + 8 + 8 + 8 + 1 + 2)
#define ACK_CLEAR_LEN	     (SYNC_NONCE_LEN + 8)
#define ACK_LEN		     (8 + 8 + 8 + 4 + 8 + 8 + 8 + 2)

static size_t whole_len(size_t clear, size_t sealed)
{
	return SYNC_FRAME_HEAD_LEN + clear + sealed + SYNC_TAG_LEN;
}

void sync_frame_write_head(uint8_t *bytes, const struct sync_frame_head *head)
{
	struct writer w;

	writer_init_fixed(&w, bytes, SYNC_FRAME_HEAD_LEN);
	put_u32(&w, SYNC_FRAME_MAGIC);
	put_u8(&w, head->type);
	put_u8(&w, SYNC_FRAME_VERSION);
	put_u16(&w, 0);
	put_u64(&w, head->session);
	put_u64(&w, head->seq);
}

int sync_frame_read_head(const uint8_t *bytes, size_t len, struct sync_frame_head *ret)
{
	uint8_t type, version;
	struct reader r;

	if (len < SYNC_FRAME_HEAD_LEN)
		return -EBADMSG;
	reader_init(&r, bytes, len, NULL);
	if (get_u32(&r) != SYNC_FRAME_MAGIC)
		return -EBADMSG;
	type = get_u8(&r);
	version = get_u8(&r);
	if (version != SYNC_FRAME_VERSION)
		return -EPROTONOSUPPORT;
	if (type < SYNC_FRAME_SUBSCRIBE || type > SYNC_FRAME_DATA || get_u16(&r))
		return -EBADMSG;
	*ret = (struct sync_frame_head){.type = type};
	ret->session = get_u64(&r);
	ret->seq = get_u64(&r);
	return 0;
}

/* Seals what stands behind head and clear part; returns the frame's length, 0 on failure. */
static size_t seal(uint8_t *bytes, uint64_t seq, size_t clear, size_t sealed,
		   struct sync_cipher *cipher)
{
	size_t aad = SYNC_FRAME_HEAD_LEN + clear;

	return sync_cipher_seal(cipher, seq, bytes, aad, bytes + aad, sealed)
		       ? 0
		       : whole_len(clear, sealed);
}

static int unseal(const uint8_t *bytes, size_t len, size_t clear, struct sync_cipher *cipher,
		  uint8_t *plain)
{
	size_t aad = SYNC_FRAME_HEAD_LEN + clear;
	struct sync_frame_head head;

	if (len < whole_len(clear, 0) || sync_frame_read_head(bytes, len, &head))
		return -EBADMSG;
	return sync_cipher_open(cipher, head.seq, bytes, aad, bytes + aad, len - aad - SYNC_TAG_LEN,
				plain)
		       ? -EACCES
		       : 0;
}

size_t sync_frame_write_subscribe(uint8_t *bytes, const struct sync_subscribe *sub,
				  const struct sync_key *psk, unsigned n_psk)
{
	const struct sync_frame_head head = {.type = SYNC_FRAME_SUBSCRIBE};
	struct writer w;

	sync_frame_write_head(bytes, &head);
	writer_init_fixed(&w, bytes + SYNC_FRAME_HEAD_LEN, SUBSCRIBE_LEN - SYNC_FRAME_HEAD_LEN);
	put_bytes(&w, sub->nonce, sizeof(sub->nonce));
	put_u64(&w, sub->node);
	put_u64(&w, sub->stream);
	for (unsigned i = 0; i < 2; i++)
		sync_mac(&psk[i < n_psk ? i : 0], bytes, SUBSCRIBE_SIGNED_LEN,
			 bytes + SUBSCRIBE_SIGNED_LEN + i * SYNC_MAC_LEN);
	return SUBSCRIBE_LEN;
}

int sync_frame_read_subscribe(const uint8_t *bytes, size_t len, const struct sync_key *psk,
			      unsigned n_psk, struct sync_subscribe *ret, unsigned *ret_psk)
{
	struct reader r;

	if (len != SUBSCRIBE_LEN)
		return -EBADMSG;
	reader_init(&r, bytes + SYNC_FRAME_HEAD_LEN, len - SYNC_FRAME_HEAD_LEN, NULL);
	memcpy(ret->nonce, get_bytes(&r, sizeof(ret->nonce)), sizeof(ret->nonce));
	ret->node = get_u64(&r);
	ret->stream = get_u64(&r);
	memcpy(ret->mac, get_bytes(&r, sizeof(ret->mac)), sizeof(ret->mac));
	for (unsigned i = 0; i < n_psk; i++) {
		uint8_t mac[SYNC_MAC_LEN];

		sync_mac(&psk[i], bytes, SUBSCRIBE_SIGNED_LEN, mac);
		if (sync_mac_equal(mac, ret->mac[0]) || sync_mac_equal(mac, ret->mac[1])) {
			*ret_psk = i;
			return 0;
		}
	}
	return -EACCES;
}

size_t sync_frame_write_open(uint8_t *bytes, uint64_t session, uint64_t seq,
			     const struct sync_open_clear *clear, const struct sync_open *open,
			     struct sync_cipher *cipher)
{
	const struct sync_frame_head head = {SYNC_FRAME_OPEN, session, seq};
	struct writer w;

	sync_frame_write_head(bytes, &head);
	writer_init_fixed(&w, bytes + SYNC_FRAME_HEAD_LEN, OPEN_CLEAR_LEN + OPEN_LEN);
	put_bytes(&w, clear->nonce, sizeof(clear->nonce));
	put_bytes(&w, clear->salt, sizeof(clear->salt));
	put_u64(&w, open->node);
	put_u64(&w, open->stream);
	put_bytes(&w, open->key.b, sizeof(open->key.b));
	put_u64(&w, open->seq);
	put_u64(&w, open->epoch);
	put_u64(&w, open->newest);
	put_u8(&w, open->suite);
	put_u16(&w, open->term);
	return seal(bytes, seq, OPEN_CLEAR_LEN, OPEN_LEN, cipher);
}

int sync_frame_read_open_clear(const uint8_t *bytes, size_t len, struct sync_open_clear *ret)
{
	if (len != whole_len(OPEN_CLEAR_LEN, OPEN_LEN))
		return -EBADMSG;
	memcpy(ret->nonce, bytes + SYNC_FRAME_HEAD_LEN, SYNC_NONCE_LEN);
	memcpy(ret->salt, bytes + SYNC_FRAME_HEAD_LEN + SYNC_NONCE_LEN, SYNC_NONCE_LEN);
	return 0;
}

int sync_frame_read_open(const uint8_t *bytes, size_t len, struct sync_cipher *cipher,
			 struct sync_open *ret)
{
	uint8_t plain[OPEN_LEN];
	struct reader r;
	int error;

	if (len != whole_len(OPEN_CLEAR_LEN, OPEN_LEN))
		return -EBADMSG;
	error = unseal(bytes, len, OPEN_CLEAR_LEN, cipher, plain);
	if (error)
		return error;
	reader_init(&r, plain, sizeof(plain), NULL);
	ret->node = get_u64(&r);
	ret->stream = get_u64(&r);
	memcpy(ret->key.b, get_bytes(&r, sizeof(ret->key.b)), sizeof(ret->key.b));
	ret->seq = get_u64(&r);
	ret->epoch = get_u64(&r);
	ret->newest = get_u64(&r);
	ret->suite = get_u8(&r);
	ret->term = get_u16(&r);
	sync_wipe(plain, sizeof(plain));
	return sync_suite_name(ret->suite) ? 0 : -EBADMSG;
}

size_t sync_frame_write_ack(uint8_t *bytes, uint64_t session, uint64_t seq,
			    const struct sync_ack_clear *clear, const struct sync_ack *ack,
			    struct sync_cipher *cipher)
{
	const struct sync_frame_head head = {SYNC_FRAME_ACK, session, seq};
	struct writer w;

	sync_frame_write_head(bytes, &head);
	writer_init_fixed(&w, bytes + SYNC_FRAME_HEAD_LEN, ACK_CLEAR_LEN + ACK_LEN);
	put_bytes(&w, clear->nonce, sizeof(clear->nonce));
	put_u64(&w, clear->node);
	put_u64(&w, ack->epoch);
	put_u64(&w, ack->version);
	put_u64(&w, ack->heard);
	put_u32(&w, ack->flags);
	put_u64(&w, ack->refused);
	put_u64(&w, ack->entries);
	put_u64(&w, ack->drops);
	put_u16(&w, ack->term);
	return seal(bytes, seq, ACK_CLEAR_LEN, ACK_LEN, cipher);
}

int sync_frame_read_ack_clear(const uint8_t *bytes, size_t len, struct sync_ack_clear *ret)
{
	struct reader r;

	if (len != whole_len(ACK_CLEAR_LEN, ACK_LEN))
		return -EBADMSG;
	reader_init(&r, bytes + SYNC_FRAME_HEAD_LEN, ACK_CLEAR_LEN, NULL);
	memcpy(ret->nonce, get_bytes(&r, SYNC_NONCE_LEN), SYNC_NONCE_LEN);
	ret->node = get_u64(&r);
	return 0;
}

int sync_frame_read_ack(const uint8_t *bytes, size_t len, struct sync_cipher *cipher,
			struct sync_ack *ret)
{
	uint8_t plain[ACK_LEN];
	struct reader r;
	int error;

	if (len != whole_len(ACK_CLEAR_LEN, ACK_LEN))
		return -EBADMSG;
	error = unseal(bytes, len, ACK_CLEAR_LEN, cipher, plain);
	if (error)
		return error;
	reader_init(&r, plain, sizeof(plain), NULL);
	ret->epoch = get_u64(&r);
	ret->version = get_u64(&r);
	ret->heard = get_u64(&r);
	ret->flags = get_u32(&r);
	ret->refused = get_u64(&r);
	ret->entries = get_u64(&r);
	ret->drops = get_u64(&r);
	ret->term = get_u16(&r);
	return 0;
}

size_t sync_frame_write_data(uint8_t *bytes, uint64_t session, uint64_t seq,
			     const struct sync_data *data, struct sync_cipher *cipher)
{
	const struct sync_frame_head head = {SYNC_FRAME_DATA, session, seq};
	struct writer w;

	sync_frame_write_head(bytes, &head);
	writer_init_fixed(&w, bytes + SYNC_FRAME_HEAD_LEN, SYNC_DATA_HEAD_LEN);
	put_u64(&w, data->prev);
	put_u64(&w, data->last);
	put_u64(&w, data->newest);
	put_u16(&w, data->n);
	put_u16(&w, data->term);
	put_u32(&w, data->active | (data->more ? SYNC_ACTIVE_MORE : 0));
	return seal(bytes, seq, 0, SYNC_DATA_HEAD_LEN + data->records_len, cipher);
}

int sync_data_parse(const uint8_t *plain, size_t len, struct sync_data *ret)
{
	struct reader r;

	if (len < SYNC_DATA_HEAD_LEN)
		return -EBADMSG;
	reader_init(&r, plain, len, NULL);
	ret->prev = get_u64(&r);
	ret->last = get_u64(&r);
	ret->newest = get_u64(&r);
	ret->n = get_u16(&r);
	ret->term = get_u16(&r);
	ret->active = get_u32(&r);
	ret->more = ret->active & SYNC_ACTIVE_MORE;
	ret->active &= ~SYNC_ACTIVE_MORE;
	ret->records = plain + SYNC_DATA_HEAD_LEN;
	ret->records_len = len - SYNC_DATA_HEAD_LEN;
	return ret->prev <= ret->last && ret->last <= ret->newest ? 0 : -EBADMSG;
}

int sync_frame_read_data(const uint8_t *bytes, size_t len, struct sync_cipher *cipher,
			 uint8_t *plain, struct sync_data *ret)
{
	int error;

	if (len < SYNC_DATA_OVERHEAD || len > SYNC_FRAME_MAX)
		return -EBADMSG;
	error = unseal(bytes, len, 0, cipher, plain);
	return error ? error
		     : sync_data_parse(plain, len - SYNC_FRAME_HEAD_LEN - SYNC_TAG_LEN, ret);
}

int sync_data_next(struct sync_data *d, const uint8_t **ret_record, size_t *ret_len)
{
	size_t len, padded;

	if (!d->n)
		return d->records_len ? -EBADMSG : 0;
	if (sync_record_check(d->records, d->records_len, &len))
		return -EBADMSG;
	padded = sync_record_padded(len);
	if (padded > d->records_len)
		return -EBADMSG;
	*ret_record = d->records;
	*ret_len = len;
	d->records += padded;
	d->records_len -= padded;
	d->n--;
	return 1;
}

void sync_pair_derive(const struct sync_key *psk, const uint8_t *nonce, const uint8_t *salt,
		      uint64_t receiver, struct sync_pair_keys *ret)
{
	uint8_t salts[2 * SYNC_NONCE_LEN], info[1 + 8];
	struct sync_key pair, session;
	struct reader r;
	struct writer w;

	memcpy(salts, nonce, SYNC_NONCE_LEN);
	memcpy(salts + SYNC_NONCE_LEN, salt, SYNC_NONCE_LEN);
	sync_extract(psk, salts, sizeof(salts), &pair);
	writer_init_fixed(&w, info, sizeof(info));
	put_u8(&w, 0);
	put_u64(&w, receiver);
	info[0] = 'o';
	sync_expand(&pair, info, sizeof(info), &ret->open);
	info[0] = 'a';
	sync_expand(&pair, info, sizeof(info), &ret->ack);
	info[0] = 's';
	sync_expand(&pair, info, sizeof(info), &session);
	reader_init(&r, session.b, sizeof(session.b), NULL);
	ret->session = get_u64(&r);
	sync_wipe(&pair, sizeof(pair));
}
