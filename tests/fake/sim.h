/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One simulation: directors on a virtual LAN, a client that remembers who
 * announced the address last, and a watcher that knows what must hold. The
 * first broken property ends it.
 */
#ifndef TANDEM_FAKE_SIM_H
#define TANDEM_FAKE_SIM_H

#include "tests/fake/director.h"

struct sim {
  struct vlan vlan;
  struct director directors[VLAN_NODES_MAX];
  int n;
  int64_t slowest_us; /* the longest interval that anybody ever had, and may
                         remember */
  bool tracing;
  bool calm;     /* only planned operations: nothing may be lost */
  bool in_crash; /* while several may take over at once the client may be led
                    astray */
  int arp_owner; /* the client's entry; -1: none */
  /* Announcements were lost, or made where the client could not hear them: only
   * time or garp_master_refresh mends that. */
  bool arp_may_lag;
  int64_t arp_wrong_us; /* it names one that has let go, since; USEC_NEVER: it
                           does not */
  int64_t rivals_us;    /* two Actives hear each other, since; USEC_NEVER: no */
  char failure[320];    /* "": nothing is broken so far */
};

void trace(const struct sim *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The watcher: watcher.c */
void watch_send(struct sim *s, struct director *d, uint8_t priority);
void watch_change(struct sim *s, struct director *d,
                  const struct vrrp_change *change);
void watch_heard(struct sim *s, struct director *d,
                 const struct vlan_event *frame);
void watch_step(struct sim *s, struct director *d, enum vrrp_event_kind kind);
/* Before anything happens at this time, and after. */
void watch_time(struct sim *s, int64_t now_us);
void watch_state(struct sim *s);
/* After long enough a quiet time. */
void watch_converged(struct sim *s);
void watch_fail(struct sim *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

bool director_is_active(const struct director *d);

#endif
