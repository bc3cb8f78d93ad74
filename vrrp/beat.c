/* SPDX-License-Identifier: Apache-2.0 */
/* Heartbeats between directors: see beat.h. */
#include "vrrp/beat.h"

#include "core/codec.h"
#include "core/hex.h"
#include "core/hmac.h"

#include <errno.h>
#include <string.h>

#define MAGIC	   UINT32_C(0x74484231) /* "tHB1" */
#define TAG_LEN	   16
#define HEAD_LEN   (4 + 8 + 8 + 4 + 1 + 1)
#define SECRET_MAX 64

_Static_assert(HEAD_LEN + 8 * BEAT_ECHOES_MAX + (1 + 16 + 64) * BEAT_GROUPS_MAX + TAG_LEN <= BEAT_MAX,
	       "all of it fits");

void beat_key_derive(const char *secret, struct beat_key *ret)
{
	static const char purpose[] = "tandem heartbeat 1";
	struct iovec part = {(void *)purpose, sizeof(purpose) - 1};
	uint8_t bytes[SECRET_MAX];
	size_t n = hex_decode(secret, bytes, sizeof(bytes));

	_Static_assert(BEAT_KEY_LEN == HMAC_LEN, "a key is a whole HMAC");
	hmac_sha256(bytes, n, &part, 1, ret->b);
	explicit_bzero(bytes, sizeof(bytes));
}

struct beat_group *beat_group_of(struct beat *b, const struct addr *source)
{
	for (unsigned i = 0; i < b->n_groups; i++)
		if (addr_equal(&b->groups[i].source, source))
			return &b->groups[i];
	if (b->n_groups == BEAT_GROUPS_MAX)
		return NULL;
	b->groups[b->n_groups] = (struct beat_group){.source = *source};
	return &b->groups[b->n_groups++];
}

static void sign(const struct beat_key *key, const uint8_t *bytes, size_t len,
		 uint8_t ret[HMAC_LEN])
{
	struct iovec part = {(void *)bytes, len};

	hmac_sha256(key->b, sizeof(key->b), &part, 1, ret);
}

size_t beat_encode(const struct beat *b, const struct beat_key *key, uint8_t bytes[BEAT_MAX])
{
	uint8_t tag[HMAC_LEN];
	struct writer w;

	writer_init_fixed(&w, bytes, BEAT_MAX);
	put_u32(&w, MAGIC);
	put_u64(&w, b->session);
	put_u64(&w, b->seq);
	put_u32(&w, b->interval_us);
	put_u8(&w, (uint8_t)b->n_echoes);
	put_u8(&w, (uint8_t)b->n_groups);
	for (unsigned i = 0; i < b->n_echoes; i++)
		put_u64(&w, b->echoes[i]);
	for (unsigned i = 0; i < b->n_groups; i++) {
		const struct beat_group *g = &b->groups[i];

		put_u8(&w, g->source.family == AF_INET6 ? 6 : 4);
		put_bytes(&w, g->source.b, sizeof(g->source.b));
		put_bytes(&w, g->active, sizeof(g->active));
		put_bytes(&w, g->left, sizeof(g->left));
	}
	sign(key, bytes, w.len, tag);
	put_bytes(&w, tag, TAG_LEN);
	return w.len;
}

static bool is_authentic(const uint8_t *bytes, size_t len, const struct beat_key *keys,
			 unsigned n_keys)
{
	for (unsigned i = 0; i < n_keys; i++) {
		uint8_t tag[HMAC_LEN], differs = 0;

		sign(&keys[i], bytes, len - TAG_LEN, tag);
		for (unsigned k = 0; k < TAG_LEN; k++)
			differs |= tag[k] ^ bytes[len - TAG_LEN + k];
		if (!differs)
			return true;
	}
	return false;
}

static void get_array(struct reader *r, uint8_t *ret, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = get_u8(r);
}

static bool get_group(struct reader *r, struct beat_group *ret)
{
	uint8_t version = get_u8(r), address[16];

	get_array(r, address, sizeof(address));
	get_array(r, ret->active, sizeof(ret->active));
	get_array(r, ret->left, sizeof(ret->left));
	if (version != 4 && version != 6)
		return false;
	ret->source = addr_from_bytes(version == 4 ? AF_INET : AF_INET6, address);
	return true;
}

static bool get_beat(struct reader *r, struct beat *b)
{
	b->session = get_u64(r);
	b->seq = get_u64(r);
	b->interval_us = get_u32(r);
	b->n_echoes = get_u8(r);
	b->n_groups = get_u8(r);
	if (!b->session || b->n_echoes > BEAT_ECHOES_MAX || b->n_groups > BEAT_GROUPS_MAX ||
	    b->interval_us < BEAT_INTERVAL_MIN_US || b->interval_us > BEAT_INTERVAL_MAX_US)
		return false;
	for (unsigned i = 0; i < b->n_echoes; i++)
		b->echoes[i] = get_u64(r);
	for (unsigned i = 0; i < b->n_groups; i++)
		if (!get_group(r, &b->groups[i]))
			return false;
	return reader_done(r);
}

int beat_decode(const uint8_t *bytes, size_t len, const struct beat_key *keys, unsigned n_keys,
		struct beat *ret)
{
	struct reader r;

	if (len < HEAD_LEN + TAG_LEN || len > BEAT_MAX)
		return -EBADMSG;
	reader_init(&r, bytes, len - TAG_LEN, NULL);
	if (get_u32(&r) != MAGIC)
		return -EBADMSG;
	if (!is_authentic(bytes, len, keys, n_keys))
		return -EACCES;
	*ret = (struct beat){0};
	return get_beat(&r, ret) ? 0 : -EBADMSG;
}

/* Whose heartbeats count */

/* Its own place; else a free one, or that of who was heard longest ago, fresh ones last. */
static struct beat_sender *place_of(struct beat_memory *m, uint64_t session)
{
	struct beat_sender *place = &m->senders[0];

	for (unsigned i = 0; i < BEAT_SENDERS_MAX; i++) {
		struct beat_sender *s = &m->senders[i];

		if (s->session == session)
			return s;
		if (place->session && (!s->session || s->fresh < place->fresh ||
				       (s->fresh == place->fresh && s->heard_us < place->heard_us)))
			place = s;
	}
	m->outworn |= place->fresh;
	*place = (struct beat_sender){.session = session};
	return place;
}

void beat_memory_begin(struct beat_memory *m, uint64_t own)
{
	m->own = own;
	m->outworn = false;
	for (unsigned i = 0; i < BEAT_SENDERS_MAX; i++)
		m->senders[i].fresh = false;
}

bool beat_memory_take(struct beat_memory *m, const struct beat *b, int64_t now_us)
{
	struct beat_sender *s;

	if (b->session == m->own)
		return false;
	s = place_of(m, b->session);
	if (b->seq <= s->seq)
		return false;
	s->seq = b->seq;
	s->heard_us = now_us;
	for (unsigned i = 0; i < b->n_echoes; i++) {
		if (b->echoes[i] != m->own)
			continue;
		s->fresh = true;
		return true;
	}
	return false;
}

static void echo(const struct beat_memory *m, int64_t since_us, bool fresh, struct beat *b)
{
	for (unsigned i = 0; i < BEAT_SENDERS_MAX && b->n_echoes < BEAT_ECHOES_MAX; i++) {
		const struct beat_sender *s = &m->senders[i];

		if (s->session && s->fresh == fresh && s->heard_us >= since_us)
			b->echoes[b->n_echoes++] = s->session;
	}
}

void beat_memory_echo(const struct beat_memory *m, int64_t now_us, int64_t within_us, struct beat *b)
{
	b->n_echoes = 0;
	echo(m, now_us - within_us, true, b);
	echo(m, now_us - within_us, false, b);
}
