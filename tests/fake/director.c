/* SPDX-License-Identifier: Apache-2.0 */
/* One director of the simulation: see director.h. */
#include "tests/fake/director.h"

#include "tests/fake/sim.h"

#include <stdio.h>
#include <string.h>

static void send_advert(struct director *d, uint8_t priority) {
  struct vlan *v = &d->sim->vlan;
  int64_t now_us = v->now_us;

  /* The regular ones go without saying. */
  if (now_us - d->sent_us != d->conf.adver_int_us || priority == 0)
    trace(d->sim, "%s sends priority %u", d->name, priority);
  watch_send(d->sim, d, priority);
  if (!d->link_up)
    return;
  vlan_broadcast(v,
                 (struct vlan_event){.what = VLAN_ADVERT,
                                     .from = d->id,
                                     .priority = priority,
                                     .adver_int_us = d->conf.adver_int_us},
                 d->sim->n);
}

static void announce(struct director *d, uint32_t count) {
  trace(d->sim, "%s announces", d->name);
  for (uint32_t i = 0; i < count && d->link_up; i++)
    vlan_send(&d->sim->vlan, (struct vlan_event){.what = VLAN_ANNOUNCE,
                                                 .from = d->id,
                                                 .to = VLAN_CLIENT});
}

static void note_change(struct director *d, const struct vrrp_change *change) {
  char text[256];

  trace(d->sim, "%s", vrrp_change_format(d->name, change, text, sizeof(text)));
  d->changes += change->from != change->to;
  watch_change(d->sim, d, change);
}

static void perform(struct director *d, const struct vrrp_action *a) {
  switch (a->kind) {
  case VRRP_ACTION_SEND:
    send_advert(d, a->priority);
    break;
  case VRRP_ACTION_ADD:
    d->holds = true;
    trace(d->sim, "%s has the addresses", d->name);
    break;
  case VRRP_ACTION_REMOVE:
    d->holds = false;
    trace(d->sim, "%s lets go of the addresses", d->name);
    break;
  case VRRP_ACTION_ANNOUNCE:
    announce(d, a->count);
    break;
  case VRRP_ACTION_REPORT:
    note_change(d, &a->change);
    break;
  }
}

static void step(struct director *d, struct vrrp_event event) {
  struct vrrp_actions actions = {0};

  event.now_us = d->sim->vlan.now_us;
  vrrp_machine_step(&d->conf, &d->m, &event, &actions);
  for (unsigned i = 0; i < actions.n; i++)
    perform(d, &actions.list[i]);
  /* The role reports when any of this changes; a report more does no harm. */
  vrrp_handed_pack(&d->conf, &d->m, &d->handed);
  d->has_handed = true;
  watch_step(d->sim, d, event.kind);
  if (vrrp_machine_is_done(&d->m))
    d->runs = false;
}

static bool can_send(const struct director *d) { return d->link_up; }

static const char *fault_of(const struct director *d) {
  if (!d->link_up)
    return "interface eth0 is down";
  return d->track_failed ? "tracked interface eth1 is down" : NULL;
}

void director_init(struct director *d, struct sim *sim, int id) {
  *d = (struct director){.sim = sim, .id = id, .link_up = true};
  snprintf(d->name, sizeof(d->name), "lb%d", id + 1);
  vrrp_machine_init(&d->m);
}

void director_start(struct director *d) {
  struct vrrp_event event = {.kind = VRRP_EVENT_START,
                             .addresses_found = d->holds,
                             .faulty = fault_of(d),
                             .can_send = can_send(d),
                             .why = fault_of(d)};

  if (!d->runs)
    vrrp_machine_init(&d->m);
  d->runs = d->wanted = true;
  trace(d->sim, "%s: start, priority %u%s", d->name, d->conf.priority,
        d->holds ? ", addresses found" : "");
  step(d, event);
}

/* The interface may have failed or recovered while there was no process. */
static void tell_fault(struct director *d) {
  const char *why = fault_of(d);
  bool failed = d->m.state == VRRP_STATE_FAULT;

  if (!d->runs || d->paused)
    return;
  if (why)
    step(d, (struct vrrp_event){
                .kind = VRRP_EVENT_FAULT, .why = why, .can_send = can_send(d)});
  else if (failed)
    step(d, (struct vrrp_event){.kind = VRRP_EVENT_FAULT_OVER,
                                .why = "all is well"});
}

void director_resume(struct director *d) {
  if (d->runs || !d->wanted)
    return;
  if (!d->has_handed || !vrrp_handed_can_resume(&d->handed)) {
    director_start(d);
    return;
  }
  trace(d->sim, "%s: a new process resumes", d->name);
  d->runs = true;
  vrrp_handed_unpack(&d->conf, &d->handed, d->sim->vlan.now_us, &d->m);
  step(d, (struct vrrp_event){.kind = VRRP_EVENT_RESUME,
                              .addresses_found = d->holds});
  tell_fault(d);
}

void director_kill(struct director *d) {
  trace(d->sim, "%s: process killed", d->name);
  d->runs = false;
  d->paused = false;
  d->n_inbox = 0;
}

void director_power_off(struct director *d) {
  director_kill(d);
  trace(d->sim, "%s: power off", d->name);
  d->holds = false;
  d->has_handed = false;
}

void director_stop(struct director *d) {
  trace(d->sim, "%s: stop", d->name);
  d->wanted = false;
  if (d->runs)
    step(d, (struct vrrp_event){.kind = VRRP_EVENT_STOP});
  d->has_handed = false;
}

void director_pause(struct director *d) {
  trace(d->sim, "%s: held up", d->name);
  d->paused = d->runs;
}

/* As the shell: what came in meanwhile is read before the timers are believed.
 */
void director_continue(struct director *d) {
  if (!d->paused)
    return;
  trace(d->sim, "%s: goes on", d->name);
  d->paused = false;
  for (unsigned i = 0; i < d->n_inbox && d->runs; i++)
    director_deliver(d, &d->inbox[i]);
  d->n_inbox = 0;
  if (director_deadline(d) <= d->sim->vlan.now_us)
    director_tick(d);
  tell_fault(d);
}

void director_set_link(struct director *d, bool up) {
  if (d->link_up == up)
    return;
  trace(d->sim, "%s: link %s", d->name, up ? "up" : "down");
  d->link_up = up;
  tell_fault(d);
}

void director_set_track(struct director *d, bool failed) {
  if (d->track_failed == failed)
    return;
  trace(d->sim, "%s: tracked interface %s", d->name,
        failed ? "fails" : "recovers");
  d->track_failed = failed;
  tell_fault(d);
}

void director_reload(struct director *d, struct vrrp_conf conf) {
  struct vrrp_conf was = d->conf;

  trace(d->sim, "%s: reload, priority %u, interval %lld ms", d->name,
        conf.priority, (long long)(conf.adver_int_us / USEC_PER_MSEC));
  d->conf = conf;
  if (d->runs)
    step(d, (struct vrrp_event){.kind = VRRP_EVENT_CONF, .conf_was = &was});
}

void director_deliver(struct director *d, const struct vlan_event *frame) {
  const struct director *from = &d->sim->directors[frame->from];

  if (!d->runs || !d->link_up)
    return;
  if (d->paused) {
    if (d->n_inbox < DIRECTOR_INBOX_MAX)
      d->inbox[d->n_inbox++] = *frame;
    return;
  }
  if (d->m.state != VRRP_STATE_BACKUP ||
      frame->priority != d->m.peer_priority ||
      !addr_equal(&from->conf.source, &d->m.peer))
    trace(d->sim, "%s hears priority %u of %s", d->name, frame->priority,
          from->name);
  watch_heard(d->sim, d, frame);
  step(d, (struct vrrp_event){.kind = VRRP_EVENT_ADVERT,
                              .src = from->conf.source,
                              .priority = frame->priority,
                              .adver_int_us = frame->adver_int_us});
}

void director_tick(struct director *d) {
  step(d, (struct vrrp_event){.kind = VRRP_EVENT_TIMER});
}

int64_t director_deadline(const struct director *d) {
  return d->runs && !d->paused ? vrrp_machine_deadline(&d->m) : USEC_NEVER;
}
