/* SPDX-License-Identifier: Apache-2.0 */
/* A virtual LAN with virtual time: see vlan.h. */
#include "tests/fake/vlan.h"

#include <stdlib.h>

/* splitmix64: any seed is a good one. */
static uint64_t next_random(struct vlan *v) {
  uint64_t z = v->random += 0x9e3779b97f4a7c15;

  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

uint64_t vlan_random(struct vlan *v, uint64_t n) { return next_random(v) % n; }

int64_t vlan_random_between(struct vlan *v, int64_t least, int64_t most) {
  return least + (int64_t)vlan_random(v, (uint64_t)(most - least + 1));
}

bool vlan_chance(struct vlan *v, unsigned permille) {
  return vlan_random(v, 1000) < permille;
}

void vlan_init(struct vlan *v, uint64_t seed) {
  *v = (struct vlan){.random = seed, .now_us = 1000000};
}

void vlan_done(struct vlan *v) { free(v->agenda); }

static bool is_before(const struct vlan_event *a, const struct vlan_event *b) {
  return a->at_us != b->at_us ? a->at_us < b->at_us : a->serial < b->serial;
}

static void add(struct vlan *v, struct vlan_event e) {
  unsigned at = v->n++;

  if (v->n > v->cap) {
    v->cap = v->cap ? v->cap * 2 : 64;
    v->agenda = realloc(v->agenda, v->cap * sizeof(*v->agenda));
    if (!v->agenda)
      abort();
  }
  e.serial = v->serial++;
  for (; at && is_before(&e, &v->agenda[(at - 1) / 2]); at = (at - 1) / 2)
    v->agenda[at] = v->agenda[(at - 1) / 2];
  v->agenda[at] = e;
}

struct vlan_event vlan_take(struct vlan *v) {
  struct vlan_event first = v->agenda[0];
  struct vlan_event last = v->agenda[--v->n];
  unsigned at = 0, child;

  while ((child = 2 * at + 1) < v->n) {
    if (child + 1 < v->n && is_before(&v->agenda[child + 1], &v->agenda[child]))
      child++;
    if (!is_before(&v->agenda[child], &last))
      break;
    v->agenda[at] = v->agenda[child];
    at = child;
  }
  v->agenda[at] = last;
  return first;
}

int64_t vlan_next_us(const struct vlan *v) {
  return v->n ? v->agenda[0].at_us : INT64_MAX;
}

void vlan_send(struct vlan *v, struct vlan_event frame) {
  int64_t *last_us = &v->last_us[frame.from][frame.to];
  int copies = vlan_chance(v, v->loss_permille) ? 0 : 1;

  if (v->island[frame.from] != v->island[frame.to])
    return;
  copies += copies && vlan_chance(v, v->dup_permille);
  while (copies--) {
    frame.at_us =
        v->now_us + vlan_random_between(v, v->delay_min_us, v->delay_max_us);
    if (v->in_order && frame.at_us < *last_us)
      frame.at_us = *last_us;
    *last_us = frame.at_us;
    add(v, frame);
  }
}

void vlan_broadcast(struct vlan *v, struct vlan_event frame, int n) {
  for (frame.to = 0; frame.to < n; frame.to++)
    if (frame.to != frame.from)
      vlan_send(v, frame);
}

void vlan_plan(struct vlan *v, int64_t at_us, int node, int operation) {
  add(v, (struct vlan_event){.at_us = at_us,
                             .what = VLAN_OPERATION,
                             .to = node,
                             .operation = operation});
}
