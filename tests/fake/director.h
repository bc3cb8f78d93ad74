/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One director of the simulation: a machine, the process around it that can be
 * killed, paused and resumed, the kernel's addresses that outlive it, and the
 * interface. Everything that happens is told to a watcher.
 */
#ifndef TANDEM_FAKE_DIRECTOR_H
#define TANDEM_FAKE_DIRECTOR_H

#include "tests/fake/vlan.h"
#include "vrrp/handed.h"

#define DIRECTOR_INBOX_MAX 256

struct sim;

struct director {
  struct sim *sim;
  int id;
  char name[8];
  struct vrrp_conf conf;
  struct vrrp_machine m;
  struct msg_vrrp_state handed; /* what the supervisor knows */
  bool has_handed;
  bool runs;   /* the process exists */
  bool wanted; /* the operator wants it to run */
  bool paused;
  bool holds; /* the kernel has the addresses */
  bool link_up;
  bool track_failed;
  struct vlan_event inbox[DIRECTOR_INBOX_MAX]; /* while paused */
  unsigned n_inbox;
  unsigned changes; /* of state, so far */
  /* The watcher's own record. */
  int64_t quiet_since_us; /* no advertisement heard since */
  int64_t obeyed_us;      /* none of at least its own priority since */
  int64_t heard_int_us;   /* the longest interval that it may be waiting for */
  uint8_t skew_priority;  /* the lowest that its timer may have been set by */
  int64_t sent_us;        /* its last advertisement */
  int64_t sent_zero_us;   /* its last one of priority 0 */
  int64_t burst_from_us;  /* advertisements are counted from here */
  unsigned burst;
};

void director_init(struct director *d, struct sim *sim, int id);

void director_start(struct director *d);  /* a fresh process */
void director_resume(struct director *d); /* after director_kill() */
void director_kill(struct director *d);   /* the process; the addresses stay */
void director_power_off(struct director *d);
void director_stop(struct director *d);
void director_pause(struct director *d);
void director_continue(struct director *d);
void director_set_link(struct director *d, bool up);
void director_set_track(struct director *d, bool failed);
void director_reload(struct director *d, struct vrrp_conf conf);
void director_deliver(struct director *d, const struct vlan_event *frame);
void director_tick(struct director *d);

/* When director_tick() is due. */
int64_t director_deadline(const struct director *d);

#endif
