/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's IPVS synchronisation protocol, version 1 (net/netfilter/ipvs/ip_vs_sync.c):
 * datagrams from and to its threads, and the records in them, one a connection. A record is kept
 * and passed on as the bytes it came in; only checked ones leave this file. Beside connections
 * there are notes: small named values of our own that travel in the same log (see table.h) and
 * never reach the kernel. Knows no table, no socket and no clock.
 */
#ifndef TANDEM_SYNC_RECORD_H
#define TANDEM_SYNC_RECORD_H

#include "core/addr.h"

#include <stddef.h>

#define SYNC_RECORD_V4_LEN 36
#define SYNC_RECORD_V6_LEN 72
/* With every option that the kernel knows: sequence deltas, PE data, PE name. */
#define SYNC_RECORD_MAX (SYNC_RECORD_V6_LEN + 2 + 24 + 2 + 255 + 2 + 16)
/* Records begin at multiples of this. */
#define SYNC_RECORD_ALIGN 4

/* Of the kernel's connection flags, those that matter here (include/uapi/linux/ip_vs.h). */
#define SYNC_FLAG_FWD_MASK 0x0007
#define SYNC_FLAG_INACTIVE 0x0100
#define SYNC_FLAG_TEMPLATE 0x1000
/* Of its states of TCP. */
#define SYNC_STATE_NONE	       0
#define SYNC_STATE_ESTABLISHED 1
#define SYNC_STATE_SYN_SENT    2
#define SYNC_STATE_SYN_RECV    3
#define SYNC_STATE_CLOSE_WAIT  7
/* Between peers only, in bits that the kernel does not use: the sender has it from somebody else;
 * and the term in which it was written (table.h). */
#define SYNC_FLAG_HEARSAY    0x8000
#define SYNC_FLAG_TERM_SHIFT 16
#define SYNC_FLAGS_KERNEL    0x7fff

/* A record's fields, in host order. */
struct sync_record {
	uint8_t protocol; /* IPPROTO_*; 0 for templates of fwmark services */
	uint16_t state;
	uint32_t flags;
	uint32_t fwmark;
	uint32_t timeout_s; /* 0: the default of that state */
	struct addr client;
	struct addr vip; /* of a fwmark template: the mark, as an IPv4 address */
	struct addr server;
	uint16_t client_port;
	uint16_t vip_port;
	uint16_t server_port;
	const uint8_t *options; /* type, length, data; checked */
	size_t options_len;
};

/* Is there a whole and sound record or note here, of at most `size` bytes? 0 or -EBADMSG. */
int sync_record_check(const uint8_t *bytes, size_t size, size_t *ret_len);

/* The following take checked bytes. */
void sync_record_decode(const uint8_t *bytes, struct sync_record *ret);
uint32_t sync_record_flags(const uint8_t *bytes);
struct addr sync_record_vip(const uint8_t *bytes);
void sync_record_set_flags(uint8_t *bytes, uint32_t flags);
void sync_record_set_state(uint8_t *bytes, uint16_t state);
void sync_record_set_timeout(uint8_t *bytes, uint32_t timeout_s);
/* As the kernel's own defaults when the record leaves it open. */
uint32_t sync_record_timeout_s(const uint8_t *bytes);
bool sync_record_is_note(const uint8_t *bytes);
/* The same connection (tuple, and whether it is a template), or the same note. */
bool sync_record_same(const uint8_t *a, const uint8_t *b);
/* Do two connections of the same family go to the same real server? */
bool sync_record_same_server(const uint8_t *a, const uint8_t *b);
/* Seeded, since clients choose the tuples. */
uint32_t sync_record_hash(const uint8_t *bytes, uint64_t seed);

/* To at least SYNC_RECORD_MAX bytes; returns the length, 0 when the families don't fit together or
 * the options are too long. */
size_t sync_record_encode(const struct sync_record *r, uint8_t *bytes);

static inline size_t sync_record_padded(size_t len)
{
	return (len + SYNC_RECORD_ALIGN - 1) & ~(size_t)(SYNC_RECORD_ALIGN - 1);
}

/* A datagram of the kernel's master thread. 0, or -EBADMSG: nothing of it may be used. */
struct sync_datagram {
	uint8_t syncid;
	unsigned left;
	const uint8_t *at;
	const uint8_t *end;
};
int sync_datagram_open(const void *bytes, size_t len, struct sync_datagram *ret);
/* 1 and the next record; 0 at the end; -EBADMSG. Never a note. */
int sync_datagram_next(struct sync_datagram *d, const uint8_t **ret_record, size_t *ret_len);

/* Builds one for the backup thread. The buffer's size is the longest datagram: 8 bytes or more. */
struct sync_batch {
	uint8_t *bytes;
	size_t size;
	size_t len;
	unsigned n;
};
void sync_batch_init(struct sync_batch *b, void *bytes, size_t size, uint8_t syncid);
/* False when it is full. */
bool sync_batch_add(struct sync_batch *b, const uint8_t *record, size_t len);
/* Fills in the head; returns the length, 0 when it holds no record. */
size_t sync_batch_finish(struct sync_batch *b);

/* A note: `topic` and `id` name it, its value is up to SYNC_NOTE_MAX bytes; none: withdrawn. */
#define SYNC_NOTE_MAX 240
struct sync_note {
	uint8_t topic;
	uint64_t id;
	const uint8_t *value;
	size_t len;
};
/* To at least SYNC_RECORD_MAX bytes. Returns the length; 0: too long. */
size_t sync_note_encode(const struct sync_note *n, uint8_t *bytes);
void sync_note_decode(const uint8_t *bytes, struct sync_note *ret);

#endif
