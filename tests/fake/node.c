/* SPDX-License-Identifier: Apache-2.0 */
/* One director: see node.h. */
#include "tests/fake/world.h"
#include "vrrp/packet.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define VRID 51

void node_init(struct node *n, unsigned id, const struct vrrp_conf *conf)
{
	memset(n, 0, offsetof(struct node, inbox));
	n->id = id;
	snprintf(n->name, sizeof(n->name), "lb%u", id + 1);
	n->conf = *conf;
	n->conf.name = n->name;
	n->link_up = n->tracked_up = true;
	n->channel.drained_us = USEC_NEVER;
	n->wake_us = n->deadline_us = USEC_NEVER;
	n->n_sent = 0;
	vrrp_machine_init(&n->m);
}

bool node_is_well(const struct node *n)
{
	return n->life == NODE_RUNNING && n->link_up && n->tracked_up &&
	       (n->m.state == VRRP_STATE_BACKUP || n->m.state == VRRP_STATE_ACTIVE);
}

bool node_is_active(const struct node *n)
{
	return n->life == NODE_RUNNING && n->m.state == VRRP_STATE_ACTIVE;
}

int64_t node_wake_us(const struct node *n)
{
	return n->life == NODE_RUNNING ? n->wake_us : USEC_NEVER;
}

/* The wire */

static struct vrrp_path path_from(const struct addr *src)
{
	static const uint8_t group4[] = {224, 0, 0, 18};
	static const uint8_t group6[16] = {0xff, 0x02, [15] = 0x12};
	bool v6 = src->family == AF_INET6;

	return (struct vrrp_path){.src = *src,
				  .dst = addr_from_bytes(src->family, v6 ? group6 : group4)};
}

static void send_advert(struct world *w, struct node *n, uint8_t priority)
{
	static const uint8_t addrs[2 * 16] = {[0] = 0xfe, [1] = 0x80, [15] = 1, [31] = 2};
	struct vrrp_packet p = {.version = n->conf.version,
				.vrid = VRID,
				.priority = priority,
				.adver_int_cs = (uint32_t)(n->conf.adver_int_us / USEC_PER_CSEC),
				.n_addrs = 1 + n->conf.addresses_gen % 2,
				.addrs = addrs};
	struct vrrp_path path = path_from(&n->conf.source);
	uint8_t bytes[LAN_BYTES_MAX];
	int len = vrrp_packet_encode(&p, &path, bytes, sizeof(bytes));

	assert(len > 0);
	world_trace(w, n, "sends priority %u%s", priority, n->link_up ? "" : ", link down");
	if (n->link_up)
		lan_send(&w->lan, w->now_us, n->id, bytes, (size_t)len);
}

static bool decode(const struct node *n, const struct addr *src, const struct lan_frame *f,
		   struct vrrp_packet *ret)
{
	struct vrrp_expect expect = {.version = n->conf.version,
				     .adver_int_cs =
					     (uint32_t)(n->conf.adver_int_us / USEC_PER_CSEC)};
	struct vrrp_path path = path_from(src);

	return vrrp_packet_decode(f->bytes, f->len, &path, ret) == VRRP_PACKET_OK &&
	       vrrp_packet_check(ret, &expect, VRRP_TTL) == VRRP_PACKET_OK;
}

/* Actions */

static void trace_change(struct world *w, struct node *n, const struct vrrp_change *change)
{
	char reason[256];

	if (!world_traces(w))
		return;
	vrrp_change_reason(change, reason, sizeof(reason));
	world_trace(w, n, "%s → %s: %s", vrrp_state_name(change->from), vrrp_state_name(change->to),
		    reason);
}

static void perform(struct world *w, struct node *n, const struct vrrp_action *a)
{
	switch (a->kind) {
	case VRRP_ACTION_SEND:
		send_advert(w, n, a->priority);
		break;
	case VRRP_ACTION_ADD:
		if (n->addresses != n->conf.addresses_gen)
			world_trace(w, n, "takes the addresses");
		n->addresses = n->conf.addresses_gen;
		break;
	case VRRP_ACTION_REMOVE:
		world_trace(w, n, "lets go of the addresses");
		n->addresses = NODE_NO_ADDRESSES;
		break;
	case VRRP_ACTION_ANNOUNCE:
		world_trace(w, n, "announces the addresses, %u times", a->count);
		if (n->link_up)
			lan_announce(&w->lan, w->now_us, n->id);
		break;
	case VRRP_ACTION_DRAIN:
		world_trace(w, n, "asks for the connections of the last moments");
		channel_ask(w, n);
		break;
	case VRRP_ACTION_REPORT:
		trace_change(w, n, &a->change);
		channel_change(w);
		break;
	}
	watch_action(w, n, a);
}

/* False: the process died in the middle. */
static bool perform_all(struct world *w, struct node *n, const struct vrrp_actions *actions)
{
	for (unsigned i = 0; i < actions->n; i++) {
		perform(w, n, &actions->list[i]);
		if (!n->dies_after || --n->dies_after)
			continue;
		world_trace(w, n, "dies in the middle of it");
		node_kill(w, n);
		return false;
	}
	return true;
}

static void arm(struct world *w, struct node *n)
{
	int64_t deadline_us = vrrp_machine_deadline(&n->m);

	if (deadline_us == n->deadline_us)
		return;
	n->deadline_us = n->wake_us = deadline_us;
	if (deadline_us == USEC_NEVER)
		return;
	n->wake_us += rng_between(&w->rng, 0, w->tardy_us);
}

/* As vrrp/instance.c: what the next process would need to know. */
static bool must_report(const struct vrrp_machine *was, const struct node *n,
			const struct vrrp_actions *actions)
{
	for (unsigned i = 0; i < actions->n; i++)
		if (actions->list[i].kind == VRRP_ACTION_REPORT ||
		    actions->list[i].kind == VRRP_ACTION_REMOVE)
			return true;
	return !addr_equal(&was->peer, &n->m.peer) || was->active_int_us != n->m.active_int_us ||
	       was->preempt_at_us != n->m.preempt_at_us;
}

static void step(struct world *w, struct node *n, struct vrrp_event event)
{
	struct vrrp_machine was = n->m;
	struct vrrp_actions actions = {0};

	event.now_us = w->now_us;
	watch_event(w, n, &event);
	vrrp_machine_step(&n->conf, &n->m, &event, &actions);
	if (!perform_all(w, n, &actions))
		return;
	if (must_report(&was, n, &actions)) {
		vrrp_handed_pack(&n->conf, &n->m, &n->report);
		n->reported = true;
	}
	arm(w, n);
	watch_step(w, n, &event);
	if (n->m.state == VRRP_STATE_STOP && vrrp_machine_is_done(&n->m)) {
		n->life = NODE_OFF;
		n->reported = false;
	}
}

/* What happens to the process */

static const char *fault_of(const struct node *n)
{
	if (!n->link_up)
		return "interface eth0 is down";
	return n->tracked_up ? NULL : "tracked interface eth1 is down";
}

static void tell_fault(struct world *w, struct node *n)
{
	const char *why = fault_of(n);

	if (n->life != NODE_RUNNING)
		return;
	if (why)
		step(w, n,
		     (struct vrrp_event){
			     .kind = VRRP_EVENT_FAULT, .why = why, .can_send = n->link_up});
	else if (n->m.state == VRRP_STATE_FAULT)
		step(w, n,
		     (struct vrrp_event){.kind = VRRP_EVENT_FAULT_OVER, .why = "fault is over"});
}

void node_start(struct world *w, struct node *n)
{
	if (n->life == NODE_OFF) /* else it is still leaving, and comes back */
		vrrp_machine_init(&n->m);
	n->life = NODE_RUNNING;
	n->deadline_us = n->wake_us = USEC_NEVER;
	channel_start(w, n);
	world_trace(w, n, "starts: priority %u%s, every %lld ms%s", n->conf.priority,
		    n->conf.preempt ? "" : ", nopreempt",
		    (long long)(n->conf.adver_int_us / USEC_PER_MSEC),
		    n->addresses ? ", finds the addresses" : "");
	step(w, n,
	     (struct vrrp_event){.kind = VRRP_EVENT_START,
				 .addresses_found = n->addresses != NODE_NO_ADDRESSES,
				 .faulty = fault_of(n),
				 .can_send = n->link_up,
				 .why = fault_of(n)});
}

void node_stop(struct world *w, struct node *n)
{
	world_trace(w, n, "is told to stop");
	step(w, n, (struct vrrp_event){.kind = VRRP_EVENT_STOP});
}

void node_kill(struct world *w, struct node *n)
{
	world_trace(w, n, "process killed");
	n->life = NODE_KILLED;
	n->dies_after = 0;
	n->n_inbox = 0;
}

void node_kill_in_step(struct world *w, struct node *n)
{
	n->dies_after = 1 + rng_below(&w->rng, 4);
}

void node_resume(struct world *w, struct node *n)
{
	if (!n->reported || !vrrp_handed_can_resume(&n->report)) {
		n->life = NODE_OFF;
		node_start(w, n);
		return;
	}
	n->life = NODE_RUNNING;
	n->deadline_us = n->wake_us = USEC_NEVER;
	vrrp_handed_unpack(&n->conf, &n->report, w->now_us, &n->m);
	world_trace(w, n, "resumes as %s%s", vrrp_state_name(n->m.state),
		    n->addresses ? ", finds the addresses" : "");
	step(w, n,
	     (struct vrrp_event){.kind = VRRP_EVENT_RESUME,
				 .addresses_found = n->addresses != NODE_NO_ADDRESSES});
	tell_fault(w, n);
}

void node_forget(struct world *w, struct node *n)
{
	world_trace(w, n, "supervisor killed");
	n->life = NODE_KILLED;
	n->reported = false;
	n->dies_after = 0;
	n->n_inbox = 0;
}

void node_power_off(struct world *w, struct node *n)
{
	world_trace(w, n, "power off");
	n->life = NODE_OFF;
	n->addresses = NODE_NO_ADDRESSES;
	n->reported = false;
	n->dies_after = 0;
	n->n_inbox = 0;
	watch_moment(w);
}

void node_hold_up(struct world *w, struct node *n)
{
	world_trace(w, n, "is held up");
	n->life = NODE_HELD_UP;
}

/* A Backup reads what came in meanwhile before it believes its timer; an Active need not. */
void node_go_on(struct world *w, struct node *n)
{
	world_trace(w, n, "goes on, %u packets wait", n->n_inbox);
	n->life = NODE_RUNNING;
	watch_went_on(w, n);
	if (n->m.state == VRRP_STATE_ACTIVE && n->wake_us <= w->now_us)
		node_wake(w, n);
	for (unsigned i = 0; i < n->n_inbox && n->life == NODE_RUNNING; i++)
		node_receive(w, n, &n->inbox[i]);
	n->n_inbox = 0;
	tell_fault(w, n);
}

void node_set_link(struct world *w, struct node *n, bool up)
{
	world_trace(w, n, "link %s", up ? "up" : "down");
	n->link_up = up;
	tell_fault(w, n);
}

void node_set_tracked(struct world *w, struct node *n, bool up)
{
	world_trace(w, n, "tracked interface %s", up ? "up" : "down");
	n->tracked_up = up;
	tell_fault(w, n);
}

void node_reload(struct world *w, struct node *n, const struct vrrp_conf *conf)
{
	struct vrrp_conf was = n->conf;

	n->conf = *conf;
	world_trace(w, n, "reloads: priority %u%s, every %lld ms%s", conf->priority,
		    conf->preempt ? "" : ", nopreempt",
		    (long long)(conf->adver_int_us / USEC_PER_MSEC),
		    was.addresses_gen != conf->addresses_gen ? ", other addresses" : "");
	if (n->life == NODE_RUNNING)
		step(w, n, (struct vrrp_event){.kind = VRRP_EVENT_CONF, .conf_was = &was});
}

void node_receive(struct world *w, struct node *n, const struct lan_frame *f)
{
	const struct node *from = &w->nodes[f->from];
	struct vrrp_packet p;

	if (n->life == NODE_HELD_UP && n->link_up && n->n_inbox < NODE_INBOX_MAX)
		n->inbox[n->n_inbox++] = *f;
	if (n->life != NODE_RUNNING || !n->link_up)
		return;
	if (!decode(n, &from->conf.source, f, &p)) {
		world_trace(w, n, "refuses a packet of %s", from->name);
		return;
	}
	world_trace(w, n, "hears priority %u of %s", p.priority, from->name);
	step(w, n,
	     (struct vrrp_event){.kind = VRRP_EVENT_ADVERT,
				 .src = from->conf.source,
				 .priority = p.priority,
				 .adver_int_us = p.adver_int_cs * USEC_PER_CSEC});
}

void node_serves(struct world *w, struct node *n, int64_t until_us)
{
	world_trace(w, n, "is told that %s", until_us ? "an Active lives" : "none lives that has more");
	step(w, n, (struct vrrp_event){.kind = VRRP_EVENT_PEER_SERVES, .until_us = until_us});
}

void node_drained(struct world *w, struct node *n)
{
	if (n->life != NODE_RUNNING)
		return;
	world_trace(w, n, "has the connections of the last moments");
	step(w, n, (struct vrrp_event){.kind = VRRP_EVENT_DRAINED});
}

void node_wake(struct world *w, struct node *n)
{
	n->deadline_us = n->wake_us = USEC_NEVER; /* armed anew, even for the same moment */
	step(w, n, (struct vrrp_event){.kind = VRRP_EVENT_TIMER});
}
