/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's synchronisation protocol and our notes: see record.h. */
#include "sync/record.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

/* Offsets in a record; those of the addresses are IPv4's, and 12 bytes more each for IPv6. */
enum {
	AT_TYPE = 0,
	AT_PROTOCOL = 1,
	AT_SIZE = 2,
	AT_FLAGS = 4,
	AT_STATE = 8,
	AT_CLIENT_PORT = 10,
	AT_VIP_PORT = 12,
	AT_SERVER_PORT = 14,
	AT_FWMARK = 16,
	AT_TIMEOUT = 20,
	AT_ADDRESSES = 24,
};

#define TYPE_V6	  0x01
#define TYPE_NOTE 0x80

/* Options; the bit says that who does not know the type may go on without. */
enum {
	OPTION_SEQ = 1,
	OPTION_PE_DATA = 2,
	OPTION_PE_NAME = 3,
	OPTION_MAY_IGNORE = 0x40,
};
#define SEQ_LEN	    24
#define PE_NAME_MAX 16

/* Of a note: type 1, topic 1, size 2, id 8, value. */
enum {
	NOTE_AT_TOPIC = 1,
	NOTE_AT_ID = 4,
	NOTE_HEAD_LEN = 12,
};

enum {
	DATAGRAM_AT_SYNCID = 1,
	DATAGRAM_AT_SIZE = 2,
	DATAGRAM_AT_COUNT = 4,
	DATAGRAM_AT_VERSION = 5,
	DATAGRAM_AT_SPARE = 6,
	DATAGRAM_HEAD_LEN = 8,
	DATAGRAM_COUNT_MAX = 255,
};

static uint16_t get16(const uint8_t *b)
{
	return (uint16_t)(b[0] << 8 | b[1]);
}

static uint32_t get32(const uint8_t *b)
{
	return (uint32_t)get16(b) << 16 | get16(b + 2);
}

static void set16(uint8_t *b, uint16_t v)
{
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

static void set32(uint8_t *b, uint32_t v)
{
	set16(b, (uint16_t)(v >> 16));
	set16(b + 2, (uint16_t)v);
}

static bool is_v6(const uint8_t *b)
{
	return b[AT_TYPE] & TYPE_V6;
}

static size_t address_len(const uint8_t *b)
{
	return is_v6(b) ? 16 : 4;
}

static size_t fixed_len(const uint8_t *b)
{
	return is_v6(b) ? SYNC_RECORD_V6_LEN : SYNC_RECORD_V4_LEN;
}

static size_t record_len(const uint8_t *b)
{
	return get16(b + AT_SIZE) & 0xfff;
}

bool sync_record_is_note(const uint8_t *b)
{
	return b[AT_TYPE] == TYPE_NOTE;
}

static bool option_is_sound(uint8_t type, size_t len)
{
	switch (type & ~OPTION_MAY_IGNORE) {
	case OPTION_SEQ:
		return len == SEQ_LEN;
	case OPTION_PE_DATA:
		return true;
	case OPTION_PE_NAME:
		return len <= PE_NAME_MAX;
	default:
		return type & OPTION_MAY_IGNORE;
	}
}

/* As ip_vs_proc_sync_conn() takes them: each option once, none of them empty. */
static bool options_are_sound(const uint8_t *at, const uint8_t *end)
{
	uint32_t seen = 0;

	while (at < end) {
		size_t len;

		if (end - at < 2)
			return false;
		len = at[1];
		if (!len || (size_t)(end - at - 2) < len || !option_is_sound(at[0], len))
			return false;
		if ((at[0] & ~OPTION_MAY_IGNORE) < 32) {
			uint32_t bit = 1u << (at[0] & ~OPTION_MAY_IGNORE);

			if (seen & bit)
				return false;
			seen |= bit;
		}
		at += 2 + len;
	}
	return true;
}

static int check_note(const uint8_t *b, size_t size)
{
	size_t len;

	if (size < NOTE_HEAD_LEN)
		return -EBADMSG;
	len = record_len(b);
	if (get16(b + AT_SIZE) >> 12 || len < NOTE_HEAD_LEN || len > size ||
	    len > NOTE_HEAD_LEN + SYNC_NOTE_MAX)
		return -EBADMSG;
	return 0;
}

int sync_record_check(const uint8_t *b, size_t size, size_t *ret_len)
{
	size_t len;

	if (size < NOTE_HEAD_LEN)
		return -EBADMSG;
	len = record_len(b);
	if (sync_record_is_note(b)) {
		if (check_note(b, size))
			return -EBADMSG;
	} else if ((b[AT_TYPE] & ~TYPE_V6) || get16(b + AT_SIZE) >> 12 || len < fixed_len(b) ||
		   len > size || len > SYNC_RECORD_MAX ||
		   !options_are_sound(b + fixed_len(b), b + len)) {
		return -EBADMSG;
	}
	*ret_len = len;
	return 0;
}

uint32_t sync_record_flags(const uint8_t *b)
{
	return get32(b + AT_FLAGS);
}

void sync_record_set_flags(uint8_t *b, uint32_t flags)
{
	set32(b + AT_FLAGS, flags);
}

void sync_record_set_timeout(uint8_t *b, uint32_t timeout_s)
{
	set32(b + AT_TIMEOUT, timeout_s);
}

/* tcp_timeouts and its like in ip_vs_proto_*.c, by the states' numbers. */
static uint32_t default_timeout_s(uint8_t protocol, uint16_t state)
{
	static const uint16_t tcp[] = {2, 900, 120, 60, 120, 120, 10, 60, 30, 120, 120};

	if (protocol == IPPROTO_TCP && state < sizeof(tcp) / sizeof(tcp[0]))
		return tcp[state];
	if (protocol == IPPROTO_UDP)
		return 300;
	return 900;
}

void sync_record_set_state(uint8_t *b, uint16_t state)
{
	set16(b + AT_STATE, state);
}

uint32_t sync_record_timeout_s(const uint8_t *b)
{
	uint32_t timeout_s = get32(b + AT_TIMEOUT);

	return timeout_s ? timeout_s : default_timeout_s(b[AT_PROTOCOL], get16(b + AT_STATE));
}

static struct addr address_at(const uint8_t *b, unsigned i)
{
	return addr_from_bytes(is_v6(b) ? AF_INET6 : AF_INET,
			       b + AT_ADDRESSES + i * address_len(b));
}

struct addr sync_record_vip(const uint8_t *b)
{
	return address_at(b, 1);
}

void sync_record_decode(const uint8_t *b, struct sync_record *ret)
{
	*ret = (struct sync_record){
		.protocol = b[AT_PROTOCOL],
		.flags = get32(b + AT_FLAGS),
		.state = get16(b + AT_STATE),
		.client_port = get16(b + AT_CLIENT_PORT),
		.vip_port = get16(b + AT_VIP_PORT),
		.server_port = get16(b + AT_SERVER_PORT),
		.fwmark = get32(b + AT_FWMARK),
		.timeout_s = get32(b + AT_TIMEOUT),
		.client = address_at(b, 0),
		.vip = address_at(b, 1),
		.server = address_at(b, 2),
		.options = b + fixed_len(b),
		.options_len = record_len(b) - fixed_len(b),
	};
}

size_t sync_record_encode(const struct sync_record *r, uint8_t *b)
{
	unsigned each = addr_len(&r->client);
	size_t len;

	if (!each || r->vip.family != r->client.family || r->server.family != r->client.family)
		return 0;
	b[AT_TYPE] = r->client.family == AF_INET6 ? TYPE_V6 : 0;
	len = fixed_len(b) + r->options_len;
	if (len > SYNC_RECORD_MAX)
		return 0;
	b[AT_PROTOCOL] = r->protocol;
	set16(b + AT_SIZE, (uint16_t)len);
	set32(b + AT_FLAGS, r->flags);
	set16(b + AT_STATE, r->state);
	set16(b + AT_CLIENT_PORT, r->client_port);
	set16(b + AT_VIP_PORT, r->vip_port);
	set16(b + AT_SERVER_PORT, r->server_port);
	set32(b + AT_FWMARK, r->fwmark);
	set32(b + AT_TIMEOUT, r->timeout_s);
	memcpy(b + AT_ADDRESSES, r->client.b, each);
	memcpy(b + AT_ADDRESSES + each, r->vip.b, each);
	memcpy(b + AT_ADDRESSES + 2 * each, r->server.b, each);
	if (r->options_len)
		memcpy(b + fixed_len(b), r->options, r->options_len);
	return len;
}

static bool is_template(const uint8_t *b)
{
	return get32(b + AT_FLAGS) & SYNC_FLAG_TEMPLATE;
}

/* Templates of a persistence engine differ by its data (a SIP call): the option, or NULL. */
static const uint8_t *template_data(const uint8_t *b)
{
	const uint8_t *at = b + fixed_len(b), *end = b + record_len(b);

	if (!is_template(b))
		return NULL;
	for (; at < end; at += 2 + at[1])
		if ((at[0] & ~OPTION_MAY_IGNORE) == OPTION_PE_DATA)
			return at;
	return NULL;
}

static bool same_template_data(const uint8_t *a, const uint8_t *b)
{
	const uint8_t *x = template_data(a), *y = template_data(b);

	if (!x || !y)
		return x == y;
	return x[1] == y[1] && memcmp(x + 2, y + 2, x[1]) == 0;
}

bool sync_record_same(const uint8_t *a, const uint8_t *b)
{
	if (a[AT_TYPE] != b[AT_TYPE])
		return false;
	if (sync_record_is_note(a))
		return a[NOTE_AT_TOPIC] == b[NOTE_AT_TOPIC] &&
		       memcmp(a + NOTE_AT_ID, b + NOTE_AT_ID, 8) == 0;
	/* Both ports of the tuple stand together, and so do both addresses. */
	return a[AT_PROTOCOL] == b[AT_PROTOCOL] && is_template(a) == is_template(b) &&
	       memcmp(a + AT_CLIENT_PORT, b + AT_CLIENT_PORT, 4) == 0 &&
	       memcmp(a + AT_ADDRESSES, b + AT_ADDRESSES, 2 * address_len(a)) == 0 &&
	       same_template_data(a, b);
}

bool sync_record_same_server(const uint8_t *a, const uint8_t *b)
{
	unsigned each = address_len(a);

	return memcmp(a + AT_SERVER_PORT, b + AT_SERVER_PORT, 2) == 0 &&
	       memcmp(a + AT_ADDRESSES + 2 * each, b + AT_ADDRESSES + 2 * each, each) == 0;
}

/* One step of a multiply-and-fold hash: unpredictable without the seed, and a few cycles. */
static uint64_t fold(uint64_t h, uint64_t v)
{
	unsigned __int128 m = (unsigned __int128)(h ^ v) * 0x9e3779b97f4a7c15ull;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t load64(const uint8_t *b)
{
	uint64_t v;

	memcpy(&v, b, sizeof(v));
	return v;
}

uint32_t sync_record_hash(const uint8_t *b, uint64_t seed)
{
	uint64_t h;

	if (sync_record_is_note(b)) {
		h = fold(seed ^ b[NOTE_AT_TOPIC], load64(b + NOTE_AT_ID));
	} else {
		h = fold(seed, (uint64_t)get32(b + AT_CLIENT_PORT) << 32 | b[AT_PROTOCOL] << 8 |
				       b[AT_TYPE] << 1 | is_template(b));
		for (size_t i = 0; i < 2 * address_len(b); i += 8)
			h = fold(h + seed, load64(b + AT_ADDRESSES + i));
	}
	return (uint32_t)(h ^ h >> 32);
}

int sync_datagram_open(const void *bytes, size_t len, struct sync_datagram *ret)
{
	const uint8_t *b = bytes;

	/* The first byte and the spare ones are what tells version 1 from version 0. */
	if (len < DATAGRAM_HEAD_LEN || b[0] || get16(b + DATAGRAM_AT_SIZE) != len ||
	    b[DATAGRAM_AT_VERSION] != 1 || get16(b + DATAGRAM_AT_SPARE))
		return -EBADMSG;
	*ret = (struct sync_datagram){
		.syncid = b[DATAGRAM_AT_SYNCID],
		.left = b[DATAGRAM_AT_COUNT],
		.at = b + DATAGRAM_HEAD_LEN,
		.end = b + len,
	};
	return 0;
}

int sync_datagram_next(struct sync_datagram *d, const uint8_t **ret_record, size_t *ret_len)
{
	size_t len, padded, left = (size_t)(d->end - d->at);

	if (!d->left)
		return 0;
	if (!left || sync_record_is_note(d->at) || sync_record_check(d->at, left, &len))
		return -EBADMSG;
	*ret_record = d->at;
	*ret_len = len;
	padded = sync_record_padded(len);
	d->at += padded < left ? padded : left;
	d->left--;
	return 1;
}

void sync_batch_init(struct sync_batch *b, void *bytes, size_t size, uint8_t syncid)
{
	*b = (struct sync_batch){.bytes = bytes, .size = size, .len = DATAGRAM_HEAD_LEN};
	memset(bytes, 0, DATAGRAM_HEAD_LEN);
	b->bytes[DATAGRAM_AT_SYNCID] = syncid;
	b->bytes[DATAGRAM_AT_VERSION] = 1;
}

bool sync_batch_add(struct sync_batch *b, const uint8_t *record, size_t len)
{
	size_t at = sync_record_padded(b->len);

	if (b->n == DATAGRAM_COUNT_MAX || at + len > b->size || at + len > UINT16_MAX)
		return false;
	memset(b->bytes + b->len, 0, at - b->len);
	memcpy(b->bytes + at, record, len);
	b->len = at + len;
	b->n++;
	return true;
}

size_t sync_batch_finish(struct sync_batch *b)
{
	if (!b->n)
		return 0;
	set16(b->bytes + DATAGRAM_AT_SIZE, (uint16_t)b->len);
	b->bytes[DATAGRAM_AT_COUNT] = (uint8_t)b->n;
	return b->len;
}

size_t sync_note_encode(const struct sync_note *n, uint8_t *b)
{
	if (n->len > SYNC_NOTE_MAX)
		return 0;
	b[AT_TYPE] = TYPE_NOTE;
	b[NOTE_AT_TOPIC] = n->topic;
	set16(b + AT_SIZE, (uint16_t)(NOTE_HEAD_LEN + n->len));
	set32(b + NOTE_AT_ID, (uint32_t)(n->id >> 32));
	set32(b + NOTE_AT_ID + 4, (uint32_t)n->id);
	if (n->len)
		memcpy(b + NOTE_HEAD_LEN, n->value, n->len);
	return NOTE_HEAD_LEN + n->len;
}

void sync_note_decode(const uint8_t *b, struct sync_note *ret)
{
	*ret = (struct sync_note){
		.topic = b[NOTE_AT_TOPIC],
		.id = (uint64_t)get32(b + NOTE_AT_ID) << 32 | get32(b + NOTE_AT_ID + 4),
		.value = b + NOTE_HEAD_LEN,
		.len = record_len(b) - NOTE_HEAD_LEN,
	};
}
