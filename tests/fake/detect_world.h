/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_detect in virtual time: directors with the machine and the detector as they are, a LAN that
 * carries advertisements, pings and answers, a second one for the heartbeats. Frames are lost and
 * late, processes are held up while their kernel answers, or whole directors; ways are cut, a
 * director crashes.
 */
#ifndef TANDEM_FAKE_DETECT_WORLD_H
#define TANDEM_FAKE_DETECT_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#define DETECT_NODES_MAX 3
#define DETECT_HOLDS_MAX 8

/* Beside those that come by chance. */
struct detect_hold {
	unsigned node;
	int64_t at_us;
	int64_t for_us;
	bool whole; /* not its process alone: nothing reaches it, nor for a while thereafter */
};

struct detect_world_conf {
	uint64_t seed;
	unsigned nodes; /* 2 or 3; the first has the highest priority */
	int64_t interval_us;
	int64_t adver_int_us;
	int64_t duration_us;
	unsigned loss_percent; /* of each frame, each way */
	bool one_lan;	       /* heartbeats go by the LAN of VRRP, too */
	bool stalls;	       /* processes are held up, for 0.3 s at most */
	bool pauses;	       /* so are Backups as a whole: what they would have heard is lost */
	int64_t answer_gap_us; /* kernels answer pings no more often than this */
	int64_t cut_between_us; /* at this time heartbeats have no way any more; 0: never */
	int64_t cut_lan_us;	/* so advertisements, pings and answers */
	int64_t heal_us;	/* and then they do again */
	int64_t crash_us;	/* the first director is gone */
	struct detect_hold holds[DETECT_HOLDS_MAX];
	unsigned n_holds;
	bool trace;
};

struct detect_world_result {
	uint64_t beats;		/* heartbeats sent */
	uint64_t pings;
	uint64_t losses;	/* frames lost */
	unsigned doubts;	/* times that a detector called a router lost */
	unsigned false_takeovers; /* by heartbeats, while the Active lived and could be heard */
	unsigned silence_takeovers; /* by VRRP itself, while it lived */
	int64_t takeover_us;	/* after the crash; -1: none */
	bool left_to_vrrp;	/* and it was not by heartbeats */
	unsigned actives;	/* in the end, of those that live */
	bool armed;		/* the detectors of all Backups, at the last moment before any fault */
};

void detect_world_run(const struct detect_world_conf *conf, struct detect_world_result *ret);

#endif
