/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frames between peers, as bytes. Each is one UDP datagram:
 *
 *	magic 4 | type 1 | version 1 | zero 2 | session 8 | seq 8 | clear part | sealed part | tag
 *16
 *
 * Head and clear part are authenticated with the sealed part; seq is its nonce. All numbers are
 * big endian.
 *
 *	SUBSCRIBE  "send me your stream": nonce 16, node 8, stream 8, MACs under one or two keys.
 *	           To everybody on the segment, or to a peer. Not sealed.
 *	OPEN       the answer: clear nonce 16 (theirs), salt 16 (ours); sealed under the pair's key:
 *           node 8, stream 8, stream key 32, seq 8, epoch 8, newest 8, suite 1, term 2
 *	ACK        receiver to sender: clear nonce 16, node 8; sealed under the pair's key: epoch 8,
 *	           version 8, flags 4, refused 8, entries 8, drops 8, term 2
 *	DATA       sealed under the stream's key, the same for all receivers: prev 8, last 8,
 *	           newest 8, records 2, term 2, active 4, records. "These are all changes in (prev,
 *last]". With no record it is a heartbeat.
 *
 * The pair's key is derived from the pre-shared key, the receiver's nonce and the sender's salt, so
 * whatever was recorded earlier is of no use to anybody. The stream's key is made by the sender
 * once in its life, and given to each receiver that has shown to know the pre-shared key; `seq` in
 * OPEN is what that receiver must not accept frames before. Knows no session, socket or clock.
 */
#ifndef TANDEM_SYNC_FRAME_H
#define TANDEM_SYNC_FRAME_H

#include "sync/crypt.h"

#include "core/codec.h"

#define SYNC_FRAME_MAGIC    0x54534e43 /* "TSNC" */
#define SYNC_FRAME_VERSION  1
#define SYNC_FRAME_HEAD_LEN 24
#define SYNC_NONCE_LEN	    16
/* The payload of UDP in an Ethernet frame, with room for a tunnel; and of a jumbo frame. */
#define SYNC_FRAME_DEFAULT 1400
#define SYNC_FRAME_MAX	   8900
#define SYNC_FRAME_MIN	   600
#define SYNC_DATA_HEAD_LEN 32
/* What a DATA frame has beside its records. */
#define SYNC_DATA_OVERHEAD (SYNC_FRAME_HEAD_LEN + SYNC_DATA_HEAD_LEN + SYNC_TAG_LEN)

enum sync_frame_type {
	SYNC_FRAME_SUBSCRIBE = 1,
	SYNC_FRAME_OPEN,
	SYNC_FRAME_ACK,
	SYNC_FRAME_DATA,
};

struct sync_frame_head {
	enum sync_frame_type type;
	uint64_t session;
	uint64_t seq;
};

struct sync_subscribe {
	uint8_t nonce[SYNC_NONCE_LEN];
	uint64_t node;
	uint64_t stream; /* its own, which tells a restart */
	uint8_t mac[2][SYNC_MAC_LEN];
};

struct sync_open_clear {
	uint8_t nonce[SYNC_NONCE_LEN];
	uint8_t salt[SYNC_NONCE_LEN];
};

struct sync_open {
	uint64_t node;
	uint64_t stream;
	struct sync_key key;
	uint64_t seq;
	uint64_t epoch;
	uint64_t newest;
	enum sync_suite suite;
	uint16_t term;
};

struct sync_ack_clear {
	uint8_t nonce[SYNC_NONCE_LEN];
	uint64_t node;
};

#define SYNC_ACK_GAP	  0x01 /* go back to `version` */
#define SYNC_ACK_SYNCED	  0x02
#define SYNC_ACK_OUTDATED 0x04 /* there is a newer term than that of what you say */

struct sync_ack {
	uint64_t epoch;
	uint64_t version; /* everything up to it has arrived */
	uint64_t heard;	  /* the first DATA frame since the acknowledgement before; 0: none has come */
	uint32_t flags;
	uint64_t refused; /* entries, for want of room */
	uint64_t entries;
	uint64_t drops; /* lost on the way into its kernel */
	uint16_t term;	/* the newest that it knows of */
};

struct sync_data {
	uint64_t prev;
	uint64_t last;
	uint64_t newest;
	uint16_t n;
	uint16_t term; /* the newest that the sender knows of */
	uint32_t active; /* what it is Active for: sync_active_bit(); 0: it does not say */
	bool more; /* behind `last` is what who has not heard all yet should wait for */
	const uint8_t *records;
	size_t records_len;
};

/*
 * What a node is Active for, in so few bits that each frame has them, however long the log is that a
 * note would wait behind: a bit for each virtual router, by model_router_hash(). Some may share one,
 * and then the node may be Active for either.
 */
#define SYNC_ACTIVE_SAID (UINT32_C(1) << 31)
#define SYNC_ACTIVE_MORE (UINT32_C(1) << 30) /* in the frame only: sync_data.more */
static inline uint32_t sync_active_bit(uint64_t router)
{
	return UINT32_C(1) << router % 30;
}

/* 0; -EBADMSG: not ours; -EPROTONOSUPPORT: another version of the protocol. */
int sync_frame_read_head(const uint8_t *bytes, size_t len, struct sync_frame_head *ret);
/* A head to `bytes`, and an authentic head, clear part and sealed part around them. */
void sync_frame_write_head(uint8_t *bytes, const struct sync_frame_head *head);

/* Builds a whole frame of one kind in `bytes` (SYNC_FRAME_MIN or more); returns its length. */
size_t sync_frame_write_subscribe(uint8_t *bytes, const struct sync_subscribe *sub,
				  const struct sync_key *psk, unsigned n_psk);
size_t sync_frame_write_open(uint8_t *bytes, uint64_t session, uint64_t seq,
			     const struct sync_open_clear *clear, const struct sync_open *open,
			     struct sync_cipher *cipher);
size_t sync_frame_write_ack(uint8_t *bytes, uint64_t session, uint64_t seq,
			    const struct sync_ack_clear *clear, const struct sync_ack *ack,
			    struct sync_cipher *cipher);
/* The records stand at bytes + SYNC_FRAME_HEAD_LEN + SYNC_DATA_HEAD_LEN already. */
size_t sync_frame_write_data(uint8_t *bytes, uint64_t session, uint64_t seq,
			     const struct sync_data *data, struct sync_cipher *cipher);

/* Each returns 0, -EBADMSG: malformed, or -EACCES: not authentic. */
int sync_frame_read_subscribe(const uint8_t *bytes, size_t len, const struct sync_key *psk,
			      unsigned n_psk, struct sync_subscribe *ret, unsigned *ret_psk);
int sync_frame_read_open_clear(const uint8_t *bytes, size_t len, struct sync_open_clear *ret);
int sync_frame_read_open(const uint8_t *bytes, size_t len, struct sync_cipher *cipher,
			 struct sync_open *ret);
int sync_frame_read_ack_clear(const uint8_t *bytes, size_t len, struct sync_ack_clear *ret);
int sync_frame_read_ack(const uint8_t *bytes, size_t len, struct sync_cipher *cipher,
			struct sync_ack *ret);
/* `plain` is room for the decrypted part; `ret` points into it. */
int sync_frame_read_data(const uint8_t *bytes, size_t len, struct sync_cipher *cipher,
			 uint8_t *plain, struct sync_data *ret);
/* What authentication has let through is parsed with the same care. 0 or -EBADMSG. */
int sync_data_parse(const uint8_t *plain, size_t len, struct sync_data *ret);
/* Walks the records, as sync_datagram_next(): 1, 0 at the end, -EBADMSG. */
int sync_data_next(struct sync_data *d, const uint8_t **ret_record, size_t *ret_len);

/* The keys of a pair of nodes: one for each direction, and the session's name. */
struct sync_pair_keys {
	uint64_t session;
	struct sync_key open; /* OPEN, sender to receiver */
	struct sync_key ack;  /* ACK, receiver to sender */
};
void sync_pair_derive(const struct sync_key *psk, const uint8_t *nonce, const uint8_t *salt,
		      uint64_t receiver, struct sync_pair_keys *ret);

#endif
