/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtual LAN: frames in flight between ports, with delay, loss, duplication, reordering and
 * partitions. It knows when a frame arrives, not what it says.
 */
#ifndef TANDEM_FAKE_LAN_H
#define TANDEM_FAKE_LAN_H

#include "tests/fake/rng.h"

#include <stddef.h>

#define LAN_PORTS_MAX  5
#define LAN_FRAMES_MAX 4096
#define LAN_BYTES_MAX  56

enum lan_kind {
	LAN_ADVERT,   /* to every other port: a VRRP packet */
	LAN_ANNOUNCE, /* to the clients of every port: gratuitous ARP, or an answer to one of them
		       */
};

struct lan_frame {
	int64_t at_us;
	uint64_t serial; /* frames that arrive together arrive in the order of their sending */
	enum lan_kind kind;
	unsigned from;
	unsigned to;
	size_t len;
	uint8_t bytes[LAN_BYTES_MAX];
};

struct lan_quality {
	int64_t delay_max_us;
	unsigned loss_percent;
	unsigned dup_percent;
	bool reorders;
};

struct lan {
	struct rng *rng;
	unsigned n_ports;
	struct lan_quality quality;
	int64_t announce_delay_max_us;
	unsigned island[LAN_PORTS_MAX]; /* only ports of one island hear each other */
	int64_t last_us[LAN_PORTS_MAX][LAN_PORTS_MAX];
	uint64_t serial;
	unsigned n_frames;
	struct lan_frame frames[LAN_FRAMES_MAX]; /* a heap by arrival */
};

void lan_init(struct lan *lan, struct rng *rng, unsigned n_ports);
void lan_send(struct lan *lan, int64_t now_us, unsigned from, const void *bytes, size_t len);
/*
 * Neither lost nor duplicated: the machine announces often enough for that, and how many of a
 * burst arrive says nothing of it.
 */
void lan_announce(struct lan *lan, int64_t now_us, unsigned from);
void lan_announce_to(struct lan *lan, int64_t now_us, unsigned from, unsigned to);

/* When the next frame arrives; INT64_MAX: none is in flight. */
int64_t lan_next_us(const struct lan *lan);
struct lan_frame lan_take(struct lan *lan);

#endif
