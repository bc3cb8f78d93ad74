/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold, whatever happens on the LAN. It looks at what directors send,
 * hold and report, and computes its bounds itself: it does not ask the machine.
 * Sections are RFC 9568's.
 */
#include "tests/fake/sim.h"

#include <stdarg.h>
#include <stdio.h>

/* The client's entry may name an Active that has just let go until the repeated
 * announcement. */
#define ARP_WRONG_MAX_US (15 * USEC_PER_MSEC)
/* More in one interval is a storm; loss can make a few transitions in one. */
#define BURST_MAX 40

void watch_fail(struct sim *s, const char *fmt, ...) {
  va_list ap;
  int n;

  if (s->failure[0])
    return;
  n = snprintf(s->failure, sizeof(s->failure),
               "after %.6f s: ", (double)s->vlan.now_us / USEC_PER_SEC);
  va_start(ap, fmt);
  vsnprintf(s->failure + n, sizeof(s->failure) - (size_t)n, fmt, ap);
  va_end(ap);
  trace(s, "BROKEN: %s", s->failure);
}

bool director_is_active(const struct director *d) {
  return d->runs && d->m.state == VRRP_STATE_ACTIVE;
}

static bool is_listening(const struct director *d) {
  return d->runs && !d->paused && d->m.state == VRRP_STATE_BACKUP;
}

void watch_send(struct sim *s, struct director *d, uint8_t priority) {
  int64_t now_us = s->vlan.now_us;

  if (priority != 0 && priority != d->conf.priority)
    watch_fail(s, "%s advertises priority %u, its own is %u (§5.2.4)", d->name,
               priority, d->conf.priority);
  if (now_us - d->burst_from_us >= d->conf.adver_int_us) {
    d->burst_from_us = now_us;
    d->burst = 0;
  }
  if (++d->burst > BURST_MAX)
    watch_fail(s, "%s sends %u advertisements in one interval", d->name,
               d->burst);
  d->sent_us = now_us;
  if (!priority)
    d->sent_zero_us = now_us;
}

void watch_change(struct sim *s, struct director *d,
                  const struct vrrp_change *change) {
  int64_t now_us = s->vlan.now_us;
  bool leaves = change->to == VRRP_STATE_STOP || change->to == VRRP_STATE_FAULT;

  if (change->from == VRRP_STATE_ACTIVE && leaves && d->link_up &&
      d->sent_zero_us != now_us)
    watch_fail(s, "%s leaves without priority 0 (§6.4.3, Shutdown)", d->name);
  if (change->to == VRRP_STATE_BACKUP && change->from != VRRP_STATE_ACTIVE &&
      change->from != VRRP_STATE_BACKUP &&
      d->conf.priority == VRRP_PRIORITY_OWNER)
    watch_fail(s, "%s owns the addresses and does not start as Active (§6.4.1)",
               d->name);
  if (change->to == VRRP_STATE_BACKUP) {
    d->quiet_since_us = d->obeyed_us = now_us;
    d->skew_priority = d->conf.priority;
    if (change->from != VRRP_STATE_BACKUP && change->from != VRRP_STATE_ACTIVE)
      d->heard_int_us = d->conf.adver_int_us;
  }
}

void watch_heard(struct sim *s, struct director *d,
                 const struct vlan_event *frame) {
  d->quiet_since_us = s->vlan.now_us;
  if (frame->priority >= d->conf.priority || frame->priority == 0 ||
      !d->conf.preempt || d->conf.preempt_delay_us) {
    d->obeyed_us = s->vlan.now_us;
    d->skew_priority = d->conf.priority;
  }
  if (frame->adver_int_us > d->heard_int_us)
    d->heard_int_us = frame->adver_int_us;
}

void watch_step(struct sim *s, struct director *d, enum vrrp_event_kind kind) {
  const struct vrrp_machine *m = &d->m;

  if (m->state == VRRP_STATE_ACTIVE && !d->holds)
    watch_fail(s, "%s is Active without the addresses (§6.4.3)", d->name);
  if (m->holding != d->holds)
    watch_fail(s, "%s is wrong about what it holds", d->name);
  if (m->state != VRRP_STATE_ACTIVE && m->state != VRRP_STATE_BACKUP &&
      m->holding && m->release_at_us == USEC_NEVER)
    watch_fail(s, "%s is %s and would keep the addresses for ever", d->name,
               vrrp_state_name(m->state));
  if (kind == VRRP_EVENT_TIMER && vrrp_machine_deadline(m) <= s->vlan.now_us)
    watch_fail(s, "%s has a deadline in the past", d->name);
  if (kind == VRRP_EVENT_CONF) {
    d->obeyed_us = d->quiet_since_us = s->vlan.now_us;
    if (d->conf.priority < d->skew_priority)
      d->skew_priority = d->conf.priority;
  }
}

/* §6.1, the longest that it can be. */
static int64_t down_interval_us(const struct director *d) {
  int64_t int_us = d->heard_int_us > d->conf.adver_int_us
                       ? d->heard_int_us
                       : d->conf.adver_int_us;
  int64_t skew_us = d->conf.version == 2 ? USEC_PER_SEC : int_us;

  return 3 * int_us + skew_us * (256 - d->skew_priority) / 256;
}

static void watch_backup(struct sim *s, const struct director *d,
                         int64_t now_us) {
  int64_t bound_us = down_interval_us(d);

  if (now_us - d->quiet_since_us > bound_us)
    watch_fail(s, "%s has heard nothing for %lld us and is not Active (§6.4.2)",
               d->name, (long long)(now_us - d->quiet_since_us));
  if (now_us - d->obeyed_us > bound_us)
    watch_fail(
        s, "%s has a higher priority and did not preempt in %lld us (§6.4.2)",
        d->name, (long long)(now_us - d->obeyed_us));
}

static bool hear_each_other(const struct sim *s, const struct director *a,
                            const struct director *b) {
  return a->link_up && b->link_up && !a->paused && !b->paused &&
         s->vlan.island[a->id] == s->vlan.island[b->id];
}

static bool has_rivals(const struct sim *s) {
  for (int i = 0; i < s->n; i++)
    for (int j = 0; j < i; j++)
      if (director_is_active(&s->directors[i]) &&
          director_is_active(&s->directors[j]) &&
          hear_each_other(s, &s->directors[i], &s->directors[j]))
        return true;
  return false;
}

static int64_t longest_interval_us(const struct sim *s) {
  int64_t longest_us = 0;

  for (int i = 0; i < s->n; i++)
    if (s->directors[i].conf.adver_int_us > longest_us)
      longest_us = s->directors[i].conf.adver_int_us;
  return longest_us;
}

static void watch_rivals(struct sim *s, int64_t now_us) {
  int64_t bound_us = longest_interval_us(s) + 2 * s->vlan.delay_max_us;

  if (s->rivals_us != USEC_NEVER && now_us - s->rivals_us > bound_us)
    watch_fail(s, "two Actives that hear each other for %lld us (§6.4.3)",
               (long long)(now_us - s->rivals_us));
}

void watch_time(struct sim *s, int64_t now_us) {
  for (int i = 0; i < s->n; i++) {
    const struct director *d = &s->directors[i];

    if (is_listening(d))
      watch_backup(s, d, now_us);
    if (director_is_active(d) && !d->paused &&
        now_us - d->sent_us > d->conf.adver_int_us)
      watch_fail(s, "%s is Active and silent for %lld us (§6.4.3, Adver_Timer)",
                 d->name, (long long)(now_us - d->sent_us));
  }
  if (!s->vlan.loss_permille)
    watch_rivals(s, now_us);
  if (s->calm && !s->in_crash && s->arp_wrong_us != USEC_NEVER &&
      now_us - s->arp_wrong_us > ARP_WRONG_MAX_US)
    watch_fail(s, "the client's packets go to %s, which let go of the address",
               s->directors[s->arp_owner].name);
}

static void since(int64_t *at_us, bool is_so, int64_t now_us) {
  if (!is_so)
    *at_us = USEC_NEVER;
  else if (*at_us == USEC_NEVER)
    *at_us = now_us;
}

void watch_state(struct sim *s) {
  bool held = false;

  for (int i = 0; i < s->n; i++)
    held |= s->directors[i].holds && s->directors[i].link_up;
  if (s->calm && !held)
    watch_fail(s, "nobody has the addresses during a planned hand-over");
  since(&s->rivals_us, !s->vlan.loss_permille && has_rivals(s), s->vlan.now_us);
  since(&s->arp_wrong_us,
        s->arp_owner >= 0 && !s->directors[s->arp_owner].holds, s->vlan.now_us);
}

static const struct director *best_of(const struct sim *s) {
  const struct director *best = NULL;

  for (int i = 0; i < s->n; i++) {
    const struct director *d = &s->directors[i];

    if (d->runs && (!best || d->conf.priority > best->conf.priority))
      best = d;
  }
  return best;
}

void watch_converged(struct sim *s) {
  const struct director *best = best_of(s);
  const struct director *active = NULL;
  bool preempts = true;
  int n = 0;

  for (int i = 0; i < s->n; i++) {
    const struct director *d = &s->directors[i];

    preempts &= d->conf.preempt;
    if (director_is_active(d)) {
      active = d;
      n++;
    } else if (d->holds) {
      watch_fail(s, "%s holds the addresses and is not Active", d->name);
    }
  }
  if (n != 1)
    watch_fail(s, "%d Actives after a long quiet time", n);
  else if ((preempts || best->conf.priority == 255) &&
           active->conf.priority < best->conf.priority)
    watch_fail(s, "%s (%u) is Active, %s has the higher priority %u (§6.4.2)",
               active->name, active->conf.priority, best->name,
               best->conf.priority);
  else if (!s->arp_may_lag && s->arp_owner >= 0 && s->arp_owner != active->id)
    watch_fail(s, "the client's packets go to %s, the Active is %s",
               s->directors[s->arp_owner].name, active->name);
}
