/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator: sim [--seeds N] [--seed S [--trace]]. Each seed makes a LAN
 * with two to four directors, lets all kinds of faults happen to them, heals
 * everything, looks whether they agree, and then has planned operations follow
 * each other, of which nobody may notice anything.
 */
#include "tests/fake/sim.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SHORTEST_US (10 * USEC_PER_MSEC)
#define LAN_DELAY_US (2 * USEC_PER_MSEC)

enum operation {
  OP_KILL,
  OP_RESUME,
  OP_POWER_OFF,
  OP_START,
  OP_STOP,
  OP_PAUSE,
  OP_CONTINUE,
  OP_LINK_DOWN,
  OP_LINK_UP,
  OP_TRACK_FAILS,
  OP_TRACK_WELL,
  OP_SPLIT,
  OP_JOIN,
  OP_PRIORITY,
  OP_INTERVAL,
  OP_ADDRESSES,
  OP_CHAOS_MAX, /* those above happen in the wild part */
  OP_ARP_REQUEST,
};

void trace(const struct sim *s, const char *fmt, ...) {
  va_list ap;

  if (!s->tracing)
    return;
  printf("# %12.6f  ", (double)s->vlan.now_us / USEC_PER_SEC);
  va_start(ap, fmt);
  vprintf(fmt, ap);
  va_end(ap);
  putchar('\n');
}

/* Setting up */

static uint8_t random_priority(struct sim *s) {
  return (uint8_t)vlan_random_between(&s->vlan, 1,
                                      vlan_chance(&s->vlan, 100) ? 3 : 254);
}

static void set_up_director(struct sim *s, int i,
                            const struct vrrp_conf *common) {
  struct director *d = &s->directors[i];

  director_init(d, s, i);
  d->conf = *common;
  d->conf.name = d->name;
  d->conf.priority = random_priority(s);
  d->conf.source.b[3] = (uint8_t)(i + 1);
  /* As many pairs are configured: alike, or with an owner. */
  if (i && s->directors[i - 1].conf.priority != 255 &&
      vlan_chance(&s->vlan, 200))
    d->conf.priority = s->directors[i - 1].conf.priority;
  if (!i && vlan_chance(&s->vlan, 100))
    d->conf.priority = 255;
}

static void set_up(struct sim *s, uint64_t seed) {
  static const int64_t intervals_us[] = {SHORTEST_US, 100 * USEC_PER_MSEC,
                                         USEC_PER_SEC};
  struct vrrp_conf common = {
      .version = 3,
      .down_adverts = 3,
      .source = {.family = AF_INET, .b = {192, 0, 2}},
      .garp_repeat = 2,
      .garp_delay_us = 5 * USEC_PER_SEC,
      .garp_refresh_repeat = 1,
      .garp_lower_repeat = 2,
      .garp_lower_delay_us = 5 * USEC_PER_SEC,
  };
  struct vlan *v = &s->vlan;

  vlan_init(v, seed);
  s->n = 2 + (int)vlan_random(v, VLAN_NODES_MAX - 1);
  s->arp_owner = -1;
  s->arp_wrong_us = s->rivals_us = USEC_NEVER;
  common.version = vlan_chance(v, 250) ? 2 : 3;
  common.adver_int_us =
      common.version == 2 ? USEC_PER_SEC : intervals_us[vlan_random(v, 3)];
  common.preempt = vlan_chance(v, 700);
  if (common.preempt && vlan_chance(v, 200))
    common.preempt_delay_us = vlan_random_between(v, 1, 5) * USEC_PER_SEC;
  v->delay_min_us = 20;
  /* A reload can make an interval of version 3 as short as SHORTEST_US. */
  v->delay_max_us = vlan_random_between(
      v, 30, (common.version == 2 ? common.adver_int_us : SHORTEST_US) / 20);
  s->slowest_us = common.adver_int_us;
  for (int i = 0; i < s->n; i++)
    set_up_director(s, i, &common);
  trace(s, "%d directors, version %d, %spreempt, delay %lld s", s->n,
        common.version, common.preempt ? "" : "no",
        (long long)(common.preempt_delay_us / USEC_PER_SEC));
}

/* Operations */

static struct vrrp_conf changed_conf(struct sim *s, const struct director *d,
                                     int operation) {
  static const int64_t factors[] = {1, 2, 3, 5};
  struct vrrp_conf conf = d->conf;

  if (operation == OP_PRIORITY && conf.priority != 255)
    conf.priority = random_priority(s);
  /* Version 2 has no way to change the interval but on all at once. */
  if (operation == OP_INTERVAL && conf.version == 3)
    conf.adver_int_us = SHORTEST_US * factors[vlan_random(&s->vlan, 4)];
  if (operation == OP_ADDRESSES)
    conf.addresses_gen++;
  if (conf.adver_int_us > s->slowest_us)
    s->slowest_us = conf.adver_int_us;
  return conf;
}

static void split(struct sim *s) {
  s->arp_may_lag = true;
  for (int i = 0; i < s->n; i++)
    s->vlan.island[i] = (int)vlan_random(&s->vlan, 2);
  trace(s, "the LAN is split");
}

static void join(struct sim *s) {
  memset(s->vlan.island, 0, sizeof(s->vlan.island));
  trace(s, "the LAN is whole");
}

/* Everyone that has the address answers; the last answer is remembered. */
static void arp_request(struct sim *s) {
  for (int i = 0; i < s->n; i++)
    if (s->directors[i].holds && s->directors[i].link_up)
      vlan_send(&s->vlan, (struct vlan_event){.what = VLAN_ARP_REPLY,
                                              .from = i,
                                              .to = VLAN_CLIENT});
}

static void operate_process(struct director *d, enum operation operation) {
  if (operation == OP_KILL)
    director_kill(d);
  else if (operation == OP_RESUME)
    director_resume(d);
  else if (operation == OP_POWER_OFF)
    director_power_off(d);
  else if (operation == OP_STOP)
    director_stop(d);
  else if (operation == OP_START && !d->wanted)
    director_start(d);
  else if (operation == OP_START)
    director_resume(d);
}

static void operate(struct sim *s, struct director *d,
                    enum operation operation) {
  /* Nothing can be asked of a process that is held up. */
  director_continue(d);
  switch (operation) {
  case OP_KILL:
  case OP_RESUME:
  case OP_POWER_OFF:
  case OP_START:
  case OP_STOP:
    operate_process(d, operation);
    break;
  case OP_PAUSE:
    director_pause(d);
    break;
  case OP_CONTINUE:
    break;
  case OP_LINK_DOWN:
  case OP_LINK_UP:
    director_set_link(d, operation == OP_LINK_UP);
    break;
  case OP_TRACK_FAILS:
  case OP_TRACK_WELL:
    director_set_track(d, operation == OP_TRACK_FAILS);
    break;
  case OP_SPLIT:
    split(s);
    break;
  case OP_JOIN:
    join(s);
    break;
  case OP_PRIORITY:
  case OP_INTERVAL:
  case OP_ADDRESSES:
    director_reload(d, changed_conf(s, d, operation));
    break;
  case OP_ARP_REQUEST:
    arp_request(s);
    break;
  case OP_CHAOS_MAX:
    break;
  }
}

/* Time */

static struct director *next_due(struct sim *s) {
  struct director *due = &s->directors[0];

  for (int i = 1; i < s->n; i++)
    if (director_deadline(&s->directors[i]) < director_deadline(due))
      due = &s->directors[i];
  return due;
}

static void happen(struct sim *s, const struct vlan_event *e) {
  if (e->what == VLAN_OPERATION)
    operate(s, &s->directors[e->to == VLAN_CLIENT ? 0 : e->to],
            (enum operation)e->operation);
  else if (e->to == VLAN_CLIENT)
    s->arp_owner = e->from;
  else
    director_deliver(&s->directors[e->to], e);
}

static void run_until(struct sim *s, int64_t end_us) {
  while (!s->failure[0]) {
    struct director *due = next_due(s);
    int64_t due_us = director_deadline(due);
    int64_t event_us = vlan_next_us(&s->vlan);
    int64_t at_us = due_us < event_us ? due_us : event_us;

    if (at_us > end_us)
      break;
    if (at_us > s->vlan.now_us) {
      watch_time(s, at_us);
      s->vlan.now_us = at_us;
    }
    if (event_us <= due_us) {
      struct vlan_event e = vlan_take(&s->vlan);

      happen(s, &e);
    } else {
      director_tick(due);
    }
    watch_state(s);
  }
  if (s->vlan.now_us < end_us)
    s->vlan.now_us = end_us;
}

/* Long enough for any hand-over, preempt_delay and the repeated announcements
 * included. */
static void settle(struct sim *s) {
  run_until(s, s->vlan.now_us + 12 * s->slowest_us + 500 * USEC_PER_MSEC +
                   2 * s->directors[0].conf.preempt_delay_us);
}

/* The wild part */

static void chaos(struct sim *s) {
  struct vlan *v = &s->vlan;
  int operations = 4 + (int)vlan_random(v, 16);

  v->loss_permille = vlan_chance(v, 500) ? (unsigned)vlan_random(v, 300) : 0;
  v->dup_permille = vlan_chance(v, 300) ? 100 : 0;
  s->arp_may_lag = v->loss_permille;
  trace(s, "loss %u/1000, duplicates %u/1000", v->loss_permille,
        v->dup_permille);
  for (int i = 0; i < s->n; i++)
    vlan_plan(v, v->now_us + vlan_random_between(v, 0, 2 * s->slowest_us), i,
              OP_START);
  while (operations-- && !s->failure[0]) {
    int64_t gap_us =
        vlan_chance(v, 300) ? s->slowest_us / 4 : 8 * s->slowest_us;

    run_until(s, v->now_us + vlan_random_between(v, 0, gap_us));
    operate(s, &s->directors[vlan_random(v, (uint64_t)s->n)],
            (enum operation)vlan_random(v, OP_CHAOS_MAX));
    watch_state(s);
  }
}

static int count_actives(const struct sim *s) {
  int n = 0;

  for (int i = 0; i < s->n; i++)
    n += director_is_active(&s->directors[i]) && s->directors[i].link_up;
  return n;
}

static void heal(struct sim *s) {
  trace(s, "all is healed");
  /* Two Actives that meet: the better one must win the clients back. */
  if (count_actives(s) > 1)
    s->arp_may_lag = false;
  s->vlan.loss_permille = s->vlan.dup_permille = 0;
  join(s);
  for (int i = 0; i < s->n; i++) {
    struct director *d = &s->directors[i];

    director_continue(d);
    director_set_link(d, true);
    director_set_track(d, false);
    operate_process(d, OP_START);
  }
  watch_state(s);
}

/* The planned part: one thing at a time, and nobody may notice. */

static struct director *find_active(struct sim *s) {
  for (int i = 0; i < s->n; i++)
    if (director_is_active(&s->directors[i]))
      return &s->directors[i];
  return &s->directors[0];
}

static unsigned all_changes(const struct sim *s) {
  unsigned n = 0;

  for (int i = 0; i < s->n; i++)
    n += s->directors[i].changes;
  return n;
}

static void expect_no_change(struct sim *s, unsigned before, const char *what) {
  if (!s->failure[0] && all_changes(s) != before)
    watch_fail(s, "%s made %u changes of state", what, all_changes(s) - before);
}

/* One that comes back waits by its own interval until it hears another
 * (§6.4.1). */
static bool has_one_interval(const struct sim *s) {
  for (int i = 1; i < s->n; i++)
    if (s->directors[i].conf.adver_int_us != s->directors[0].conf.adver_int_us)
      return false;
  return true;
}

static void stop_and_start(struct sim *s, struct director *d) {
  struct director *active;

  director_stop(d);
  watch_state(s);
  settle(s);
  if (!s->failure[0])
    watch_converged(s);
  active = find_active(s);
  director_start(d);
  watch_state(s);
  settle(s);
  if (!s->failure[0] && !d->conf.preempt && d->conf.priority != 255 &&
      has_one_interval(s) && find_active(s) != active)
    watch_fail(
        s, "%s came back and took over from %s in spite of nopreempt (§6.1)",
        d->name, active->name);
}

static void fail_and_recover(struct sim *s, struct director *d) {
  director_set_track(d, true);
  watch_state(s);
  settle(s);
  director_set_track(d, false);
  watch_state(s);
  settle(s);
}

/* Dead for less than an interval: peers miss nothing. */
static void die_and_resume(struct sim *s, struct director *d) {
  unsigned before = all_changes(s);

  director_kill(d);
  run_until(s, s->vlan.now_us +
                   vlan_random_between(&s->vlan, 0, d->conf.adver_int_us));
  director_resume(d);
  watch_state(s);
  settle(s);
  expect_no_change(s, before, "a process that died and resumed");
}

/* The whole instance dies, supervisor and all, and is started anew: there is
 * nothing to resume. */
static void die_and_start(struct sim *s, struct director *d) {
  s->in_crash = true;
  director_kill(d);
  d->has_handed = false;
  run_until(s, s->vlan.now_us +
                   vlan_random_between(&s->vlan, 0, d->conf.adver_int_us));
  director_start(d);
  watch_state(s);
  settle(s);
  s->in_crash = false;
}

/* Not even when the advertisement that tells of it is lost. */
static void reload(struct sim *s, struct director *d,
                   enum operation operation) {
  unsigned before = all_changes(s);

  s->vlan.loss_permille = operation == OP_INTERVAL ? 1000 : 0;
  director_reload(d, changed_conf(s, d, operation));
  s->vlan.loss_permille = 0;
  watch_state(s);
  settle(s);
  if (operation != OP_PRIORITY)
    expect_no_change(s, before, "a reload");
}

static void planned_operation(struct sim *s) {
  struct vlan *v = &s->vlan;
  struct director *d = vlan_chance(v, 600)
                           ? find_active(s)
                           : &s->directors[vlan_random(v, (uint64_t)s->n)];

  for (int i = 0; i < 10; i++)
    vlan_plan(v, v->now_us + vlan_random_between(v, 0, 3 * s->slowest_us),
              VLAN_CLIENT, OP_ARP_REQUEST);
  switch (vlan_random(v, 7)) {
  case 0:
    stop_and_start(s, d);
    break;
  case 1:
    fail_and_recover(s, d);
    break;
  case 2:
    die_and_resume(s, d);
    break;
  case 3:
    reload(s, d, OP_PRIORITY);
    break;
  case 4:
    reload(s, d, OP_INTERVAL);
    break;
  case 5:
    reload(s, d, OP_ADDRESSES);
    break;
  case 6:
    die_and_start(s, d);
    break;
  }
}

static void calm(struct sim *s) {
  trace(s, "from here on nothing may be lost");
  s->calm = true;
  s->arp_may_lag = false;
  /* The announcements' times suppose a LAN as it mostly is. */
  s->vlan.in_order = true;
  if (s->vlan.delay_max_us > LAN_DELAY_US)
    s->vlan.delay_max_us = LAN_DELAY_US;
  s->arp_owner = find_active(s)->id;
  watch_state(s);
  for (int i = 0; i < 5 && !s->failure[0]; i++) {
    planned_operation(s);
    if (!s->failure[0])
      watch_converged(s);
  }
}

/* True when nothing was broken. */
static bool simulate(uint64_t seed, bool tracing) {
  struct sim s = {.tracing = tracing};

  set_up(&s, seed);
  chaos(&s);
  if (!s.failure[0])
    heal(&s);
  settle(&s);
  if (!s.failure[0])
    watch_converged(&s);
  if (!s.failure[0])
    calm(&s);
  vlan_done(&s.vlan);
  if (s.failure[0] && !tracing)
    printf("seed %llu: %s\n", (unsigned long long)seed, s.failure);
  return !s.failure[0];
}

static int simulate_many(uint64_t seeds) {
  clock_t from = clock();

  for (uint64_t seed = 1; seed <= seeds; seed++) {
    if (simulate(seed, false))
      continue;
    simulate(seed, true);
    printf("not ok - seed %llu; again: sim --seed %llu --trace\n",
           (unsigned long long)seed, (unsigned long long)seed);
    return EXIT_FAILURE;
  }
  printf("ok - %llu seeds in %.1f s\n", (unsigned long long)seeds,
         (double)(clock() - from) / CLOCKS_PER_SEC);
  return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
  static const struct option options[] = {
      {"seeds", required_argument, NULL, 'n'},
      {"seed", required_argument, NULL, 's'},
      {"trace", no_argument, NULL, 't'},
      {0},
  };
  uint64_t seeds = 10000, seed = 0;
  bool tracing = false;
  int c;

  while ((c = getopt_long(argc, argv, "n:s:t", options, NULL)) != -1) {
    if (c == 'n')
      seeds = strtoull(optarg, NULL, 0);
    else if (c == 's')
      seed = strtoull(optarg, NULL, 0);
    else if (c == 't')
      tracing = true;
    else
      return EXIT_FAILURE;
  }
  if (seed)
    return simulate(seed, tracing) ? EXIT_SUCCESS : EXIT_FAILURE;
  return simulate_many(seeds);
}
