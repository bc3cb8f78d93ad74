/* SPDX-License-Identifier: Apache-2.0 */
/* peer_detect at work: see detector.h. */
#include "vrrp/detector.h"

#include "core/must.h"
#include "vrrp/instance_private.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long is said that a role was given up: some heartbeats may be lost. */
#define GAVE_UP_US USEC_PER_SEC
/* Pings that are not answered are told of after so long. */
#define UNANSWERED_US (5 * USEC_PER_SEC)

/* What this node tells */

static bool gave_up(const struct instance *in, int64_t now_us)
{
	return in->gave_up_us && now_us - in->gave_up_us < GAVE_UP_US;
}

/* Its group in *b; what is there goes out first when there is no room. */
static struct beat_group *room_for(struct beats *beats, struct beat *b, const struct addr *source)
{
	struct beat_group *g = beat_group_of(b, source);

	if (g)
		return g;
	beats_send(beats, b);
	b->n_groups = 0;
	return beat_group_of(b, source);
}

static bool tell(struct beats *beats)
{
	struct detector *d = (struct detector *)((char *)beats - offsetof(struct detector, beats));
	int64_t now_us = clock_now_us();
	struct beat b = {0};
	bool any = false;

	for (const struct instance *in = *d->instances; in; in = in->next) {
		bool active = in->m.state == VRRP_STATE_ACTIVE;
		struct beat_group *g;

		if (!addr_is_set(&in->conf.source) || (!active && !gave_up(in, now_us)))
			continue;
		g = room_for(beats, &b, &in->conf.source);
		beat_set(active ? g->active : g->left, in->config->vrid);
		any = true;
	}
	beats_send(beats, &b);
	return any;
}

/* What is concluded */

static void tell_machines(struct watch *w, struct vrrp_event event, const uint8_t vrids[32])
{
	event.src = w->peer;
	event.adver_int_us = w->interval_us;
	event.silent_us = w->d.alive_us;
	for (struct instance *in = *w->detector->instances; in; in = in->next)
		if (in->watch == w && beat_has(vrids, in->config->vrid))
			instance_step(in, event);
}

static void follow(struct watch *w, enum detect_verdict verdict)
{
	if (verdict == DETECT_ALIVE)
		tell_machines(w, (struct vrrp_event){.kind = VRRP_EVENT_PEER_ALIVE}, w->active);
	alarm_set(&w->detector->shell->alarms, &w->alarm, detect_deadline(&w->d));
}

/* Once for each change. */
static void say(struct watch *w, const char *what)
{
	const char *by = w->ifname[0] ? w->ifname : "any interface";
	char text[ADDR_TEXT_MAX];

	if (w->told == what)
		return;
	log_notice("%s by %s: %s", addr_format(&w->peer, text), by, what);
	w->told = what;
}

static void look_at_watch(struct watch *w, int64_t now_us)
{
	static const char armed[] = "heartbeats are heard and pings answered: "
				    "its death would be noticed within three heartbeats";
	static const char unanswered[] = "heartbeats are heard, but pings are not answered: "
					 "advertisements alone tell of its death";
	static const char unheard[] = "no heartbeats any more: "
				      "advertisements alone tell of its death";

	if (!w->interval_us || w->d.lost)
		return;
	if (detect_is_armed(&w->d))
		say(w, armed);
	else if (!w->d.interval_us)
		say(w, unheard);
	else if (now_us - w->since_us > UNANSWERED_US && !detect_is_answered(&w->d))
		say(w, unanswered);
}

void detector_hear_advert(struct watch *w)
{
	follow(w, detect_advert(&w->d, clock_now_us()));
}

static void on_answer(struct witness *witness, uint16_t seq)
{
	struct watch *w = (struct watch *)((char *)witness - offsetof(struct watch, witness));

	follow(w, detect_answer(&w->d, clock_now_us(), seq));
}

static bool any(const uint8_t bits[32])
{
	for (unsigned i = 0; i < 32; i++)
		if (bits[i])
			return true;
	return false;
}

static void take_group(struct watch *w, const struct beat_group *g, int64_t interval_us)
{
	uint8_t news[32];

	for (unsigned i = 0; i < sizeof(news); i++)
		news[i] = g->left[i] & (uint8_t)~w->left[i];
	memcpy(w->active, g->active, sizeof(w->active));
	memcpy(w->left, g->left, sizeof(w->left));
	if (!w->d.interval_us)
		w->since_us = clock_now_us();
	w->interval_us = interval_us;
	if (any(news))
		tell_machines(w, (struct vrrp_event){.kind = VRRP_EVENT_PEER_GAVE_UP}, news);
	if (any(g->active))
		follow(w, detect_beat(&w->d, clock_now_us(), interval_us));
}

static void on_beat(struct beats *beats, const struct beat *b)
{
	struct detector *d = (struct detector *)((char *)beats - offsetof(struct detector, beats));

	for (struct watch *w = d->watches; w; w = w->next)
		for (unsigned i = 0; i < b->n_groups; i++)
			if (addr_equal(&b->groups[i].source, &w->peer))
				take_group(w, &b->groups[i], b->interval_us);
}

/* Whatever waits in the sockets is a sign of life, too. */
static void drain(struct watch *w)
{
	beats_drain(&w->detector->beats);
	witness_drain(&w->witness);
	for (struct instance *in = *w->detector->instances; in; in = in->next)
		if (in->watch == w)
			instance_drain(in);
}

static void tick(struct watch *w)
{
	int64_t now_us;
	bool ping;

	if (detect_is_in_doubt(&w->d))
		drain(w);
	now_us = clock_now_us();
	if (detect_tick(&w->d, now_us, &ping) == DETECT_LOST)
		tell_machines(w, (struct vrrp_event){.kind = VRRP_EVENT_PEER_LOST}, w->active);
	if (ping)
		witness_ping(&w->witness, w->d.seq);
	look_at_watch(w, now_us);
}

static void on_alarm(struct alarm *alarm)
{
	struct watch *w = (struct watch *)((char *)alarm - offsetof(struct watch, alarm));

	if (clock_now_us() >= detect_deadline(&w->d))
		tick(w);
	alarm_set(&w->detector->shell->alarms, &w->alarm, detect_deadline(&w->d));
}

/* Whom to watch */

static struct watch *watch_new(struct detector *d, const struct instance *in, int index)
{
	struct watch *w = must(calloc(1, sizeof(*w)));
	char text[ADDR_TEXT_MAX];
	int err;

	w->detector = d;
	w->peer = in->m.peer;
	w->index = index;
	snprintf(w->ifname, sizeof(w->ifname), "%s", in->config->ifname);
	detect_init(&w->d);
	alarm_init(&w->alarm, on_alarm);
	err = witness_open(&w->witness, d->shell->loop, &w->peer, index, w->ifname, on_answer);
	if (err)
		log_warning("%s can't be pinged by %s: %s", addr_format(&w->peer, text), w->ifname,
			    strerror(-err));
	w->next = d->watches;
	d->watches = w;
	return w;
}

static void watch_free(struct watch *w)
{
	alarm_forget(&w->detector->shell->alarms, &w->alarm);
	witness_close(&w->witness);
	free(w);
}

static bool follows(const struct instance *in)
{
	return in->m.state == VRRP_STATE_BACKUP && !in->leaving &&
	       in->m.heard_us != USEC_NEVER && addr_is_set(&in->m.peer);
}

static struct watch *watch_for(struct detector *d, const struct instance *in)
{
	const struct netif *nif = netif_by_name(&d->shell->netifs, in->config->ifname);
	int index = nif ? nif->index : 0;

	for (struct watch *w = d->watches; w; w = w->next)
		if (w->index == index && addr_equal(&w->peer, &in->m.peer))
			return w;
	return watch_new(d, in, index);
}

static void drop_unwanted(struct detector *d)
{
	for (struct watch **at = &d->watches; *at;) {
		struct watch *w = *at;

		if (w->wanted) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		watch_free(w);
	}
}

static void settle(struct detector *d)
{
	d->touched = false;
	for (struct watch *w = d->watches; w; w = w->next)
		w->wanted = false;
	for (struct instance *in = *d->instances; in; in = in->next) {
		in->watch = d->beats.interval_us && follows(in) ? watch_for(d, in) : NULL;
		if (in->watch)
			in->watch->wanted = true;
	}
	drop_unwanted(d);
	beats_tell(&d->beats);
}

static void on_settle(struct ev_loop *loop, ev_prepare *w, int events)
{
	struct detector *d = w->data;

	if (d->touched)
		settle(d);
}

void detector_touch(struct detector *d)
{
	d->touched = true;
}

void detector_configure(struct detector *d, const struct sync_block *block)
{
	beats_configure(&d->beats, block);
	detector_touch(d);
}

void detector_init(struct detector *d, struct vrrp_shell *shell, struct instance **instances)
{
	*d = (struct detector){.shell = shell, .instances = instances};
	beats_init(&d->beats, shell->loop, tell, on_beat);
	ev_prepare_init(&d->settle, on_settle);
	d->settle.data = d;
	ev_prepare_start(shell->loop, &d->settle);
}

void detector_done(struct detector *d)
{
	for (struct watch *w = d->watches; w; w = w->next)
		w->wanted = false;
	drop_unwanted(d);
	ev_prepare_stop(d->shell->loop, &d->settle);
	beats_done(&d->beats);
}
