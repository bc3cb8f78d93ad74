/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtual LAN with virtual time: frames between nodes, with delay, loss,
 * duplication and partitions, all from one seed. Also the one clock and agenda
 * of a simulation. Knows nothing of VRRP but that a frame is either an
 * advertisement or an announcement.
 */
#ifndef TANDEM_FAKE_VLAN_H
#define TANDEM_FAKE_VLAN_H

#include <stdbool.h>
#include <stdint.h>

#define VLAN_NODES_MAX 4
#define VLAN_CLIENT VLAN_NODES_MAX /* one client, that keeps an ARP entry */

enum vlan_what {
  VLAN_ADVERT,
  VLAN_ANNOUNCE,
  VLAN_ARP_REPLY,
  VLAN_OPERATION, /* nothing on the wire: something happens to a node */
};

struct vlan_event {
  int64_t at_us;
  uint64_t serial; /* ties are resolved in order of creation */
  enum vlan_what what;
  int from;
  int to;
  uint8_t priority;
  int64_t adver_int_us;
  int operation;
};

struct vlan {
  uint64_t random;
  int64_t now_us;
  int64_t delay_min_us;
  int64_t delay_max_us;
  unsigned loss_permille;
  unsigned dup_permille;
  bool in_order; /* a frame never overtakes another between the same two */
  int64_t last_us[VLAN_NODES_MAX + 1][VLAN_NODES_MAX + 1];
  int island[VLAN_NODES_MAX + 1]; /* only nodes on one island hear each other */
  struct vlan_event *agenda;      /* a heap */
  unsigned n;
  unsigned cap;
  uint64_t serial;
};

void vlan_init(struct vlan *v, uint64_t seed);
void vlan_done(struct vlan *v);

/* From 0 to n - 1. */
uint64_t vlan_random(struct vlan *v, uint64_t n);
int64_t vlan_random_between(struct vlan *v, int64_t least, int64_t most);
bool vlan_chance(struct vlan *v, unsigned permille);

/* To every other of the n nodes, or to the client. */
void vlan_broadcast(struct vlan *v, struct vlan_event frame, int n);
void vlan_send(struct vlan *v, struct vlan_event frame);
void vlan_plan(struct vlan *v, int64_t at_us, int node, int operation);

/* INT64_MAX: nothing is planned. */
int64_t vlan_next_us(const struct vlan *v);
struct vlan_event vlan_take(struct vlan *v);

#endif
