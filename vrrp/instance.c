/* SPDX-License-Identifier: Apache-2.0 */
/* One configured virtual router at work: see instance.h. */
#include "vrrp/instance.h"

#include "vrrp/config.h"
#include "vrrp/handed.h"
#include "vrrp/vips.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NO_INDEX (-1)
/* What the kernel refused is not asked for again with each event. */
#define ADD_AGAIN_US USEC_PER_SEC

/* Actions */

static void send_to(struct instance *in, const struct addr *dst, int ttl, uint8_t priority)
{
	struct vrrp_path path = {.src = in->conf.source, .dst = *dst};
	uint8_t buf[VRRP_PACKET_MAX];
	char text[ADDR_TEXT_MAX];
	int len = vrrp_config_encode(in->config, &path, priority, buf);
	int err = len < 0 ? len : vrrp_port_send(in->port, &path, ttl, buf, (size_t)len);

	if (err && log_limit_pass(&in->limit, clock_now_us()))
		log_warning("%s: can't send an advertisement to %s: %s%s", in->config->name,
			    addr_format(dst, text), strerror(-err), log_limit_suffix(&in->limit));
}

static void send_advert(struct instance *in, uint8_t priority)
{
	const struct vrrp_instance *c = in->config;
	struct addr group = vrrp_config_group(c);

	if (!in->port)
		return;
	if (!c->unicast)
		send_to(in, &group, VRRP_TTL, priority);
	for (uint32_t i = 0; c->unicast && i < c->n_peers; i++)
		send_to(in, &c->peers[i].address, c->unicast_ttl ? c->unicast_ttl : VRRP_TTL,
			priority);
	in->sent_us = clock_now_us();
	in->counters.adverts_sent++;
	in->counters.priority_zero_sent += priority == 0;
}

/*
 * While thousands of addresses are added the peers must not think that we are gone. But an Active
 * that we take over from must not hear of us before all of them are here.
 */
static void breathe(void *ctx)
{
	struct instance *in = ctx;
	bool announced = in->sent_us >= in->m.since_us;

	if (in->m.state != VRRP_STATE_ACTIVE || !announced ||
	    clock_now_us() - in->sent_us < in->conf.adver_int_us)
		return;
	send_advert(in, in->conf.priority);
}

static void add_addresses(struct instance *in)
{
	in->lacking = vips_add(&in->shell->netifs, in->config, breathe, in) != 0;
	in->added_us = clock_now_us();
}

static void note_change(struct instance *in, const struct vrrp_change *change)
{
	char text[512];

	vrrp_change_reason(change, in->reason.s, sizeof(in->reason.s));
	log_notice("%s", vrrp_change_format(in->config->name, change, text, sizeof(text)));
	if (change->from == change->to)
		return;
	in->counters.became_active += change->to == VRRP_STATE_ACTIVE;
	if (change->from == VRRP_STATE_ACTIVE) {
		in->counters.released_active++;
		vips_hush(&in->shell->netifs, &in->shell->announcer, in->config);
	}
}

static void perform(struct instance *in, const struct vrrp_action *a)
{
	struct vrrp_shell *shell = in->shell;

	switch (a->kind) {
	case VRRP_ACTION_SEND:
		send_advert(in, a->priority);
		break;
	case VRRP_ACTION_ADD:
		add_addresses(in);
		break;
	case VRRP_ACTION_REMOVE:
		vips_remove(&shell->netifs, in->config, NULL);
		break;
	case VRRP_ACTION_ANNOUNCE:
		in->counters.garp_sent +=
			vips_announce(&shell->netifs, &shell->announcer, in->config, a->count);
		break;
	case VRRP_ACTION_REPORT:
		note_change(in, &a->change);
		break;
	}
}

static void arm(struct instance *in)
{
	struct ev_loop *loop = in->shell->loop;
	int64_t at_us = vrrp_machine_deadline(&in->m);
	double left_s = (double)(at_us - clock_now_us()) / USEC_PER_SEC;

	ev_timer_stop(loop, &in->timer);
	if (at_us == USEC_NEVER)
		return;
	ev_now_update(loop); /* the loop counts from its own, older idea of now */
	ev_timer_set(&in->timer, left_s > 0 ? left_s : 0, 0);
	ev_timer_start(loop, &in->timer);
}

/* What the next incarnation would need to know, apart from what is reported anyway. */
static bool learned(const struct vrrp_machine *was, const struct vrrp_machine *is)
{
	return !addr_equal(&was->peer, &is->peer) || was->active_int_us != is->active_int_us ||
	       was->preempt_at_us != is->preempt_at_us;
}

/*
 * When a link or an Active is lost, hundreds of instances take over in one moment. All say so
 * before the first of them goes on with its addresses, and then go on one by one, whenever no
 * advertisement is due: else the last ones would come too late.
 */
static bool can_wait(const struct vrrp_event *event, const struct vrrp_actions *actions)
{
	return (event->kind == VRRP_EVENT_TIMER || event->kind == VRRP_EVENT_GROUP_ACTIVE) &&
	       actions->n > 1 &&
	       actions->list[0].kind == VRRP_ACTION_SEND &&
	       actions->list[1].kind == VRRP_ACTION_ADD;
}

static void wait_in_line(struct instance *in, const struct vrrp_actions *actions)
{
	struct vrrp_shell *shell = in->shell;

	in->waiting = *actions;
	for (unsigned i = 0; i < actions->n; i++) {
		struct vrrp_change *change = &in->waiting.list[i].change;

		if (!change->why)
			continue;
		text_set(&in->waiting_why, "%s", change->why); /* the event's lives no longer */
		change->why = in->waiting_why.s;
	}
	in->next_waiting = NULL;
	*(shell->last_waiting ? &shell->last_waiting->next_waiting : &shell->first_waiting) = in;
	shell->last_waiting = in;
	ev_idle_start(shell->loop, &shell->idle);
}

static void leave_line(struct instance *in)
{
	struct vrrp_shell *shell = in->shell;
	struct instance *before = NULL, **at = &shell->first_waiting;

	for (; *at && *at != in; at = &(*at)->next_waiting)
		before = *at;
	if (!*at)
		return;
	*at = in->next_waiting;
	if (shell->last_waiting == in)
		shell->last_waiting = before;
	if (!shell->first_waiting)
		ev_idle_stop(shell->loop, &shell->idle);
}

static void perform_rest(struct instance *in)
{
	struct vrrp_actions actions = in->waiting;

	if (!actions.n)
		return;
	leave_line(in);
	in->waiting.n = 0;
	for (unsigned i = 1; i < actions.n; i++)
		perform(in, &actions.list[i]);
	instance_report(in);
}

void instance_idle(struct ev_loop *loop, ev_idle *w, int events)
{
	struct vrrp_shell *shell = w->data;

	perform_rest(shell->first_waiting);
}

static bool perform_all(struct instance *in, const struct vrrp_actions *actions)
{
	bool tell = false;

	for (unsigned i = 0; i < actions->n; i++) {
		perform(in, &actions->list[i]);
		tell |= actions->list[i].kind == VRRP_ACTION_REPORT ||
			actions->list[i].kind == VRRP_ACTION_REMOVE;
	}
	return tell;
}

static void step(struct instance *in, struct vrrp_event event)
{
	struct vrrp_actions actions = {0};
	struct vrrp_machine was;
	bool tell = false;

	perform_rest(in);
	was = in->m;
	event.now_us = clock_now_us();
	vrrp_machine_step(&in->conf, &in->m, &event, &actions);
	if (can_wait(&event, &actions)) {
		perform(in, &actions.list[0]);
		wait_in_line(in, &actions);
	} else {
		tell = perform_all(in, &actions);
	}
	arm(in);
	if (tell || learned(&was, &in->m))
		instance_report(in);
	if (in->leaving && vrrp_machine_is_done(&in->m))
		in->shell->done();
	if (in->grouped && (in->m.state != was.state || in->m.ready != was.ready))
		in->shell->stepped();
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct instance *in = w->data;

	/* After this process was held up, what came in meanwhile is older than the deadline. */
	if (in->port && in->m.state == VRRP_STATE_BACKUP)
		vrrp_port_drain(in->port);
	step(in, (struct vrrp_event){.kind = VRRP_EVENT_TIMER});
}

/* Reports */

void instance_report(const struct instance *in)
{
	struct msg msg = {
		.type = MSG_VRRP_STATE,
		.vrrp_state = {.instance = in->config->id,
			       .transitions = (uint32_t)in->counters.became_active,
			       .reason = in->reason},
	};

	vrrp_handed_pack(&in->conf, &in->m, &msg.vrrp_state);
	in->shell->report(&msg);
}

void instance_report_counters(const struct instance *in)
{
	struct msg msg = {.type = MSG_VRRP_COUNTERS, .vrrp_counters = in->counters};

	in->shell->report(&msg);
}

/* Packets */

static void count_error(struct instance *in, enum vrrp_packet_result result)
{
	struct msg_vrrp_counters *c = &in->counters;

	switch (result) {
	case VRRP_PACKET_OK:
		break;
	case VRRP_PACKET_LENGTH:
		c->packet_length_errors++;
		break;
	case VRRP_PACKET_VERSION:
		c->version_errors++;
		break;
	case VRRP_PACKET_TYPE:
		c->invalid_type_received++;
		break;
	case VRRP_PACKET_CHECKSUM:
		c->checksum_errors++;
		break;
	case VRRP_PACKET_VRID:
		c->vrid_errors++;
		break;
	case VRRP_PACKET_TTL:
		c->ttl_errors++;
		break;
	case VRRP_PACKET_INTERVAL:
		c->interval_errors++;
		break;
	case VRRP_PACKET_AUTH_TYPE:
	case VRRP_PACKET_AUTH_MISMATCH:
	case VRRP_PACKET_AUTH_FAILURE:
		c->auth_failures++;
		break;
	}
}

static void refuse(struct instance *in, const struct vrrp_frame *f, enum vrrp_packet_result result)
{
	char text[ADDR_TEXT_MAX];

	count_error(in, result);
	if (log_limit_pass(&in->limit, clock_now_us()))
		log_warning("%s: advertisement from %s dropped: %s%s", in->config->name,
			    addr_format(&f->path.src, text), vrrp_packet_result_name(result),
			    log_limit_suffix(&in->limit));
}

static const struct unicast_peer *find_peer(const struct vrrp_instance *c, const struct addr *src)
{
	for (uint32_t i = 0; i < c->n_peers; i++)
		if (addr_equal(&c->peers[i].address, src))
			return &c->peers[i];
	return NULL;
}

/* Sent to us in the way that we listen: to the group, or by one of the configured peers. */
static bool is_meant_for(const struct vrrp_instance *c, const struct vrrp_frame *f)
{
	struct addr group = vrrp_config_group(c);

	if (c->unicast)
		return !addr_is_multicast(&f->path.dst) &&
		       (!c->check_unicast_src || find_peer(c, &f->path.src));
	return addr_equal(&f->path.dst, &group);
}

static enum vrrp_packet_result check_unicast_ttl(const struct vrrp_instance *c,
						 const struct vrrp_frame *f)
{
	const struct unicast_peer *peer = c->unicast ? find_peer(c, &f->path.src) : NULL;

	if (!peer || !peer->max_ttl)
		return VRRP_PACKET_OK;
	return f->ttl < peer->min_ttl || f->ttl > peer->max_ttl ? VRRP_PACKET_TTL : VRRP_PACKET_OK;
}

/* Differences that the operator should know of, and that must not split the pair. */
static void note_differences(struct instance *in, const struct vrrp_frame *f,
			     const struct vrrp_packet *p)
{
	const struct vrrp_instance *c = in->config;
	bool plain = p->checksum == VRRP_CHECKSUM_MESSAGE;
	char text[ADDR_TEXT_MAX];

	addr_format(&f->path.src, text);
	if (!vrrp_config_same_addresses(c, p)) {
		in->counters.address_list_errors++;
		if (!c->skip_check_adv_addr && log_limit_pass(&in->limit, clock_now_us()))
			log_warning("%s: %s advertises other addresses than ours%s", c->name, text,
				    log_limit_suffix(&in->limit));
	}
	if (c->version == 3 && c->family == AF_INET && plain != c->checksum_as_v2 &&
	    !in->told_checksum) {
		in->told_checksum = true;
		log_warning("%s: %s computes checksums %s, we %s: it may refuse ours, set "
			    "v3_checksum_as_v2 alike",
			    c->name, text, plain ? "as RFC 9568 says" : "with a pseudo-header",
			    plain ? "with a pseudo-header" : "as RFC 9568 says");
	}
}

void instance_receive(struct instance *in, const struct vrrp_frame *f)
{
	struct vrrp_expect expect = vrrp_config_expect(in->config);
	enum vrrp_packet_result result;
	struct vrrp_packet p;

	/* Our own come back over some bridges. */
	if (addr_equal(&f->path.src, &in->conf.source) || !is_meant_for(in->config, f))
		return;
	result = vrrp_packet_decode(f->bytes, f->len, &f->path, &p);
	if (result == VRRP_PACKET_OK)
		result = vrrp_packet_check(&p, &expect, f->ttl);
	if (result == VRRP_PACKET_OK)
		result = check_unicast_ttl(in->config, f);
	if (result != VRRP_PACKET_OK) {
		refuse(in, f, result);
		return;
	}
	in->counters.adverts_received++;
	in->counters.priority_zero_received += p.priority == 0;
	note_differences(in, f, &p);
	step(in, (struct vrrp_event){.kind = VRRP_EVENT_ADVERT,
				     .src = f->path.src,
				     .priority = p.priority,
				     .adver_int_us = p.adver_int_cs * USEC_PER_CSEC});
}

/* Interfaces */

static bool is_up(void *ctx, const char *ifname)
{
	const struct instance *in = ctx;
	const struct netif *nif = netif_by_name(&in->shell->netifs, ifname);

	return nif && nif->up;
}

/* The primary address: the first that is no virtual one (for IPv6: link-local, RFC 9568 §5.1.2.2).
 */
static struct addr find_source(const struct instance *in, int index)
{
	const struct netifs *n = &in->shell->netifs;

	if (addr_is_set(&in->config->source))
		return in->config->source;
	for (const struct netif_addr *a = n->first; a; a = a->next) {
		if (a->index != index || a->address.family != in->config->family || a->ours ||
		    !a->usable)
			continue;
		if (a->address.family == AF_INET6 && !addr_is_link_local(&a->address))
			continue;
		if (!vrrp_config_has_address(in->config, &a->address) ||
		    in->config->priority == VRRP_PRIORITY_OWNER)
			return a->address;
	}
	return (struct addr){0};
}

static void close_port(struct instance *in)
{
	if (in->port)
		vrrp_port_leave(in->port, in->config->vrid);
	in->port = NULL;
	in->index = NO_INDEX;
}

/* 0 or -errno; an interface that was made anew has a new index, and needs new sockets. */
static int open_port(struct instance *in, int index)
{
	struct addr group = vrrp_config_group(in->config);
	int err;

	if (in->port && in->index == index)
		return 0;
	close_port(in);
	err = vrrp_port_enter(&in->shell->ports, index, in->config->family, in->config->vrid,
			      in->config->unicast, in, &in->port);
	if (err)
		return err;
	in->index = index;
	return in->config->unicast ? 0 : vrrp_port_join(in->port, &group);
}

/* What is wrong with the interfaces, in words; "" when nothing is. */
static struct text find_fault(struct instance *in, struct addr *ret_source)
{
	const struct vrrp_instance *c = in->config;
	const struct netif *nif =
		c->ifname[0] ? netif_by_name(&in->shell->netifs, c->ifname) : NULL;
	const struct tracked *tracker;
	const char *track;
	struct text fault = {""};
	int err;

	if (c->ifname[0] && !nif) {
		close_port(in);
		text_set(&fault, "interface %s does not exist", c->ifname);
		return fault;
	}
	*ret_source = find_source(in, nif ? nif->index : 0);
	err = open_port(in, nif ? nif->index : 0);
	if (err) {
		close_port(in);
		text_set(&fault, "no VRRP socket on interface %s: %s", c->ifname, strerror(-err));
	} else if (nif && !nif->up && c->track_primary) {
		text_set(&fault, "interface %s is down", c->ifname);
	} else if (!addr_is_set(ret_source)) {
		text_set(&fault, "interface %s has no %s address", c->ifname,
			 c->family == AF_INET ? "IPv4" : "link-local IPv6");
	} else if ((track = vrrp_config_failed_track(c, is_up, in))) {
		text_set(&fault, "tracked interface %s is down", track);
	} else if ((tracker = vrrp_config_failed_tracker(c, &in->shell->tracking))) {
		text_set(&fault, "vrrp_script %s: %s", tracker->name,
			 tracking_reason(&in->shell->tracking, tracker->tracker));
	}
	return fault;
}

/* Rebuilds what the machine is given. True when it differs from what it was. */
static bool refresh_conf(struct instance *in, const struct addr *source)
{
	struct vrrp_conf conf = vrrp_config_machine(in->config, source,
						    vrrp_config_priority(in->config, is_up, in,
									 &in->shell->tracking));
	bool differs;

	conf.addresses_gen = in->conf.addresses_gen;
	conf.grouped = in->grouped;
	conf.sync_wait_us = in->shell->sync_wait_us;
	if (in->m.state != VRRP_STATE_INITIALIZE && conf.priority != in->conf.priority)
		log_notice("%s: priority %u → %u", conf.name, in->conf.priority, conf.priority);
	differs = conf.priority != in->conf.priority || !addr_equal(&conf.source, &in->conf.source);
	in->conf = conf;
	return differs;
}

/* Can the peers still be told? Not when our own interface is what fails. */
static bool can_send(const struct instance *in)
{
	return in->port && addr_is_set(&in->conf.source) &&
	       (!in->config->ifname[0] || is_up((void *)in, in->config->ifname));
}

static void tell_fault(struct instance *in)
{
	const struct text *fault = in->own_fault.s[0] ? &in->own_fault : &in->group_fault;
	bool was = in->fault.s[0], is = fault->s[0];
	struct text over;

	if (strcmp(fault->s, in->fault.s) == 0)
		return;
	text_set(&over, "no longer: %s", in->fault.s);
	in->fault = *fault;
	if (is)
		step(in, (struct vrrp_event){.kind = VRRP_EVENT_FAULT,
					     .why = fault->s,
					     .can_send = can_send(in)});
	else if (was)
		step(in, (struct vrrp_event){.kind = VRRP_EVENT_FAULT_OVER, .why = over.s});
}

/* Somebody took an address away, or the interface of one has come at last. */
static void repair_addresses(struct instance *in)
{
	int64_t now_us = clock_now_us();

	if (in->m.state != VRRP_STATE_ACTIVE || in->waiting.n ||
	    !vips_any_missing(&in->shell->netifs, in->config))
		return;
	if (in->lacking && now_us - in->added_us < ADD_AGAIN_US)
		return;
	if (!in->lacking && log_limit_pass(&in->limit, now_us))
		log_warning("%s: an address was taken away: put back%s", in->config->name,
			    log_limit_suffix(&in->limit));
	add_addresses(in);
	vips_announce(&in->shell->netifs, &in->shell->announcer, in->config, 1);
}

/* Acts at the next advertisement of a worse Active. */
void instance_set_sync_wait(struct instance *in)
{
	in->conf.sync_wait_us = in->shell->sync_wait_us;
}

void instance_observe(struct instance *in)
{
	struct vrrp_conf was = in->conf;
	struct addr source = in->conf.source;
	struct text own_fault = in->own_fault;
	bool differs;

	in->own_fault = find_fault(in, &source);
	differs = refresh_conf(in, &source);
	if (differs)
		step(in, (struct vrrp_event){.kind = VRRP_EVENT_CONF, .conf_was = &was});
	tell_fault(in);
	if (in->grouped && strcmp(in->own_fault.s, own_fault.s) != 0)
		in->shell->stepped();
	repair_addresses(in);
}

/* Life */

struct instance *instance_new(struct vrrp_shell *shell, const struct vrrp_instance *config)
{
	struct instance *in = calloc(1, sizeof(*in));

	if (!in)
		abort();
	in->shell = shell;
	in->arena = arena_new();
	in->config = vrrp_config_copy(in->arena, config);
	in->index = NO_INDEX;
	in->limit = (struct log_limit){.interval_us = 60 * USEC_PER_SEC, .burst = 3};
	in->counters.instance = config->id;
	vrrp_machine_init(&in->m);
	ev_timer_init(&in->timer, on_timer, 0, 0);
	in->timer.data = in;
	return in;
}

void instance_free(struct instance *in)
{
	ev_timer_stop(in->shell->loop, &in->timer);
	leave_line(in);
	close_port(in);
	arena_free(in->arena);
	free(in);
}

static void restore(struct instance *in, const struct msg_vrrp_state *s)
{
	vrrp_handed_unpack(&in->conf, s, clock_now_us(), &in->m);
	in->reason = s->reason;
	in->counters.became_active = s->transitions;
}

void instance_start(struct instance *in, const struct msg_vrrp_state *handed)
{
	struct addr source = {0};
	struct vrrp_event event = {.kind = VRRP_EVENT_START};
	struct text fault;

	in->own_fault = find_fault(in, &source);
	fault = in->own_fault.s[0] ? in->own_fault : in->group_fault;
	refresh_conf(in, &source);
	event.addresses_found = vips_any_found(&in->shell->netifs, in->config);
	if (handed && vrrp_handed_can_resume(handed)) {
		restore(in, handed);
		event.kind = VRRP_EVENT_RESUME;
		step(in, event);
		/* A fault that began or ended meanwhile. */
		if (fault.s[0] || in->m.state == VRRP_STATE_FAULT) {
			if (in->m.state == VRRP_STATE_FAULT)
				text_set(&in->fault, "%s",
					 in->reason.s[0] ? in->reason.s : "fault");
			tell_fault(in);
		}
		return;
	}
	in->fault = fault;
	event.faulty = fault.s[0];
	event.why = fault.s;
	event.can_send = can_send(in);
	step(in, event);
}

/* The addresses as far as the packets, the interface and the announcements are concerned. */
static bool same_addresses(const struct vrrp_instance *a, const struct vrrp_instance *b)
{
	if (vrrp_config_vips(a) != vrrp_config_vips(b) || a->n_vips != b->n_vips)
		return false;
	for (uint32_t i = 0; i < vrrp_config_vips(a); i++)
		if (!vip_equal(vrrp_config_vip(a, i), vrrp_config_vip(b, i)))
			return false;
	return true;
}

static bool same_config(const struct vrrp_instance *copy, const struct vrrp_instance *config)
{
	struct vrrp_instance plain = *config;

	plain.notifies = NULL;
	plain.n_notifies = 0;
	return vrrp_instance_equal(copy, &plain);
}

static bool same_sockets(const struct vrrp_instance *a, const struct vrrp_instance *b)
{
	return a->unicast == b->unicast && addr_equal(&a->group, &b->group);
}

void instance_reload(struct instance *in, const struct vrrp_instance *config)
{
	struct vrrp_event event = {.kind = VRRP_EVENT_CONF};
	const struct vrrp_instance *former = in->config;
	struct arena *former_arena = in->arena;
	struct vrrp_conf was = in->conf;
	struct addr source = was.source;

	if (same_config(former, config))
		return;
	in->arena = arena_new();
	in->config = vrrp_config_copy(in->arena, config);
	if (!same_sockets(former, in->config))
		close_port(in);
	in->own_fault = find_fault(in, &source);
	refresh_conf(in, &source);
	in->conf.addresses_gen = was.addresses_gen + !same_addresses(former, in->config);
	if (in->m.holding) {
		vips_remove(&in->shell->netifs, former, in->config);
		/* The first of a subnet took the others with it: they are added again at once. */
		netifs_catch_up(&in->shell->netifs);
	}
	event.conf_was = &was;
	step(in, event);
	tell_fault(in);
	arena_free(former_arena);
}

void instance_revive(struct instance *in, const struct vrrp_instance *config)
{
	in->leaving = false;
	instance_reload(in, config);
	instance_start(in, NULL);
}

void instance_stop(struct instance *in)
{
	in->leaving = true;
	step(in, (struct vrrp_event){.kind = VRRP_EVENT_STOP});
}

bool instance_is_done(const struct instance *in)
{
	return vrrp_machine_is_done(&in->m);
}

void instance_abandon(struct instance *in)
{
	if (in->m.holding)
		vips_remove(&in->shell->netifs, in->config, NULL);
	in->m.holding = false;
}

/* Sync groups */

void instance_set_grouped(struct instance *in, bool grouped)
{
	struct vrrp_conf was = in->conf;

	if (in->grouped == grouped)
		return;
	in->grouped = in->conf.grouped = grouped;
	if (in->m.state != VRRP_STATE_INITIALIZE)
		step(in, (struct vrrp_event){.kind = VRRP_EVENT_CONF, .conf_was = &was});
	if (!grouped)
		instance_set_group_fault(in, &(struct text){""});
}

void instance_set_group_fault(struct instance *in, const struct text *fault)
{
	in->group_fault = *fault;
	if (in->m.state != VRRP_STATE_INITIALIZE && in->m.state != VRRP_STATE_STOP)
		tell_fault(in);
}

void instance_join_active(struct instance *in, const char *why)
{
	step(in, (struct vrrp_event){.kind = VRRP_EVENT_GROUP_ACTIVE, .why = why});
}

void instance_yield(struct instance *in, const char *why)
{
	step(in, (struct vrrp_event){.kind = VRRP_EVENT_GROUP_BACKUP, .why = why});
}

void instance_probe(struct instance *in)
{
	struct addr source;

	in->own_fault = find_fault(in, &source);
}

bool instance_awaits(const struct instance *in)
{
	return vrrp_config_awaits(in->config, &in->shell->tracking);
}
