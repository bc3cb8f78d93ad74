/* SPDX-License-Identifier: Apache-2.0 */
/* The trailer that authenticates an advertisement: see hmac.h. */
#include "vrrp/hmac.h"

#include "core/clock.h"
#include "core/hmac.h"

#include <openssl/crypto.h>
#include <string.h>

#define SCHEME_HMAC_SHA256_128 1
#define SIGNED_LEN	       12 /* of the trailer: all before the HMAC */
#define MAC_LEN		       16
#define PSEUDO_HEADER_LEN      20
#define CHECKSUM_AT	       6
#define CHECKSUM_LEN	       2

/* Sequence numbers: seconds, a fraction of 1/65536 s, and a counter, the highest first. */

static uint64_t seq_at(int64_t utc_us)
{
	uint64_t s = (uint64_t)(utc_us / USEC_PER_SEC);
	uint64_t fraction = (uint64_t)(utc_us % USEC_PER_SEC) * 65536 / USEC_PER_SEC;

	return s << 32 | fraction << 16;
}

/* RFC 1982: the seconds will overflow in 2106. */
static bool seq_is_later(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) > 0;
}

/* How many seconds `seq` is ahead of the clock. */
static int64_t seq_ahead_s(uint64_t seq, int64_t utc_us)
{
	return (int32_t)((uint32_t)(seq >> 32) - (uint32_t)(seq_at(utc_us) >> 32));
}

static bool is_within(const struct vrrp_hmac_conf *conf, int64_t ahead_s)
{
	return ahead_s <= (int64_t)conf->window_s && ahead_s >= -(int64_t)conf->window_s;
}

/*
 * A clock that was set back does not stop the numbers from growing. But once they are too far
 * ahead of it the receivers refuse them anyway: then they follow the clock again.
 */
static uint64_t next_seq(const struct vrrp_hmac_conf *conf, const struct vrrp_hmac_memory *memory,
			 int64_t utc_us)
{
	uint64_t clock = seq_at(utc_us);
	uint64_t next = memory->sent + 1;

	if (!memory->sent || !seq_is_later(next, clock))
		return clock;
	if (!conf->monotonic && seq_ahead_s(next, utc_us) > (int64_t)conf->window_s)
		return clock;
	return next;
}

static void put_be(uint8_t *at, uint64_t value, unsigned len)
{
	while (len--) {
		at[len] = (uint8_t)value;
		value >>= 8;
	}
}

static uint64_t get_be(const uint8_t *at, unsigned len)
{
	uint64_t value = 0;

	while (len--)
		value = value << 8 | *at++;
	return value;
}

/* The HMAC */

static const struct vrrp_hmac_key *find_key(const struct vrrp_hmac_conf *conf, uint8_t id)
{
	for (unsigned i = 0; i < conf->n_keys; i++)
		if (conf->keys[i].id == id)
			return &conf->keys[i];
	return NULL;
}

/* What stands for the IP header, which changes on the way; and says which router it is of. */
static void put_pseudo_header(const struct vrrp_hmac_conf *conf, const struct addr *source,
			      uint8_t ret[PSEUDO_HEADER_LEN])
{
	memset(ret, 0, PSEUDO_HEADER_LEN);
	ret[0] = source->family == AF_INET6 ? 6 : 4;
	ret[1] = conf->version;
	ret[2] = conf->vrid;
	memcpy(ret + 4, source->b, addr_len(source));
}

static struct iovec part(const void *bytes, size_t len)
{
	return (struct iovec){(void *)bytes, len};
}

/* The checksum is left out, in that it counts as zero: it differs between unicast peers. */
static void compute(const struct vrrp_hmac_conf *conf, const struct vrrp_hmac_key *key,
		    const struct addr *source, const uint8_t *message, size_t len,
		    const uint8_t *trailer, uint8_t ret[HMAC_LEN])
{
	static const uint8_t zero[MAC_LEN];
	uint8_t pseudo_header[PSEUDO_HEADER_LEN];
	const size_t rest_at = CHECKSUM_AT + CHECKSUM_LEN;
	const struct iovec parts[] = {
		part(pseudo_header, sizeof(pseudo_header)),
		part(message, CHECKSUM_AT),
		part(zero, CHECKSUM_LEN),
		part(message + rest_at, len - rest_at),
		part(trailer, SIGNED_LEN),
		part(zero, MAC_LEN),
	};

	put_pseudo_header(conf, source, pseudo_header);
	hmac_sha256(key->bytes, key->len, parts, sizeof(parts) / sizeof(*parts), ret);
}

void vrrp_hmac_sign(const struct vrrp_hmac_conf *conf, struct vrrp_hmac_memory *memory,
		    const struct addr *source, int64_t utc_us, const uint8_t *message, size_t len,
		    uint8_t ret[VRRP_TRAILER_LEN])
{
	const struct vrrp_hmac_key *key = find_key(conf, conf->active_key);
	uint8_t mac[HMAC_LEN] = {0};

	memory->sent = next_seq(conf, memory, utc_us);
	memset(ret, 0, VRRP_TRAILER_LEN);
	ret[0] = SCHEME_HMAC_SHA256_128;
	ret[1] = conf->active_key;
	put_be(ret + 4, memory->sent, 8);
	if (key)
		compute(conf, key, source, message, len, ret, mac);
	memcpy(ret + SIGNED_LEN, mac, MAC_LEN);
}

/* Replay */

static struct vrrp_hmac_mark *find_mark(const struct vrrp_hmac_conf *conf,
					struct vrrp_hmac_memory *memory, const struct addr *sender)
{
	for (unsigned i = 0; i < conf->senders; i++) {
		struct vrrp_hmac_mark *mark = &memory->marks[i];

		if (mark->used && addr_equal(&mark->sender, sender))
			return mark;
	}
	return NULL;
}

static struct vrrp_hmac_mark *oldest_mark(const struct vrrp_hmac_conf *conf,
					  struct vrrp_hmac_memory *memory)
{
	struct vrrp_hmac_mark *oldest = &memory->marks[0];

	for (unsigned i = 1; i < conf->senders; i++)
		if (memory->marks[i].used < oldest->used)
			oldest = &memory->marks[i];
	return oldest;
}

static void set_mark(const struct vrrp_hmac_conf *conf, struct vrrp_hmac_memory *memory,
		     const struct addr *sender, uint64_t seq)
{
	struct vrrp_hmac_mark *mark = find_mark(conf, memory, sender);

	if (!mark) {
		mark = oldest_mark(conf, memory);
		mark->used = 0; /* should the process end here */
		mark->sender = *sender;
	}
	mark->seq = seq;
	if (!++memory->uses)
		memory->uses = 1;
	mark->used = memory->uses;
}

/* A mark out of the window is of a time that no packet can come from any more: a sender whose clock
 * was wrong, and is right now, must not be refused for it. */
static bool is_replay(const struct vrrp_hmac_conf *conf, struct vrrp_hmac_memory *memory,
		      const struct addr *sender, uint64_t seq, int64_t utc_us)
{
	const struct vrrp_hmac_mark *mark = find_mark(conf, memory, sender);

	if (!mark || (!conf->monotonic && !is_within(conf, seq_ahead_s(mark->seq, utc_us))))
		return false;
	return !seq_is_later(seq, mark->seq);
}

enum vrrp_packet_result vrrp_hmac_check(const struct vrrp_hmac_conf *conf,
					struct vrrp_hmac_memory *memory, const struct addr *source,
					int64_t utc_us, const uint8_t *message, size_t len,
					const uint8_t *trailer, int64_t *ret_ahead_s)
{
	const struct vrrp_hmac_key *key;
	uint8_t mac[HMAC_LEN];
	uint64_t seq;

	if (!trailer)
		return conf->enforce ? VRRP_PACKET_AUTH_MISSING : VRRP_PACKET_OK;
	if (trailer[0] != SCHEME_HMAC_SHA256_128 || trailer[2] || trailer[3])
		return VRRP_PACKET_AUTH_TYPE;
	seq = get_be(trailer + 4, 8);
	*ret_ahead_s = seq_ahead_s(seq, utc_us);
	/* Before any work is done for it: a flood of old packets costs next to nothing. */
	if (!conf->monotonic && !is_within(conf, *ret_ahead_s))
		return VRRP_PACKET_AUTH_TIME;
	key = find_key(conf, trailer[1]);
	if (!key)
		return VRRP_PACKET_AUTH_KEY;
	compute(conf, key, source, message, len, trailer, mac);
	if (CRYPTO_memcmp(mac, trailer + SIGNED_LEN, MAC_LEN) != 0)
		return VRRP_PACKET_AUTH_FAILURE;
	if (is_replay(conf, memory, source, seq, utc_us))
		return VRRP_PACKET_AUTH_REPLAY;
	set_mark(conf, memory, source, seq);
	return VRRP_PACKET_OK;
}
