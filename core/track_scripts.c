/* SPDX-License-Identifier: Apache-2.0 */
/* The scripts of vrrp_script: see track_scripts.h. */
#include "core/track_scripts.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/must.h"
#include "core/scripts.h"
#include "core/store.h"
#include "core/track_machine.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>

/* Apart from notify scripts, which must not wait for these. */
#define RUNNING_MAX 256

struct tracker {
	const struct track_script *conf;
	uint64_t id;
	struct track_machine m;
	bool runs;
	struct track_scripts *owner;
	ev_timer timer;
};

struct track_scripts {
	struct ev_loop *loop;
	struct scripts *scripts;
	void (*tell)(void *ctx, const struct msg_track_state *state);
	void *ctx;
	const struct global *global;
	struct tracker *list;
	uint32_t n;
};

static struct tracker *find(const struct track_scripts *t, uint64_t id)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (t->list[i].id == id)
			return &t->list[i];
	return NULL;
}

static struct text result_of(const struct script_end *end)
{
	struct text text;

	switch (end->how) {
	case SCRIPT_EXITED:
		text_set(&text, "exit status %d", end->value);
		break;
	case SCRIPT_SIGNALLED:
		text_set(&text, "ended by signal %d", end->value);
		break;
	case SCRIPT_TOO_LATE:
		text_set(&text, "takes too long");
		break;
	case SCRIPT_NOT_RUN:
		text_set(&text, "not run: %s", end->why);
		break;
	}
	return text;
}

static void tell(struct tracker *k, const struct text *reason)
{
	struct msg_track_state state = {.tracker = k->id, .up = k->m.up, .reason = *reason};

	k->owner->tell(k->owner->ctx, &state);
}

static void take_result(struct tracker *k, const struct script_end *end)
{
	bool passed = end->how == SCRIPT_EXITED && end->value == 0;
	struct text result = result_of(end);

	if (!track_machine_step(&k->m, k->conf, passed))
		return;
	log_notice("vrrp_script %s: %s: %s", k->conf->name, k->m.up ? "up" : "down", result.s);
	tell(k, &result);
}

static void on_ended(void *ctx, uint64_t object, const struct script_end *end)
{
	struct tracker *k = find(ctx, object);

	if (!k)
		return; /* no longer tracked */
	k->runs = false;
	take_result(k, end);
}

static int run(struct tracker *k)
{
	const struct track_script *conf = k->conf;
	struct script_request r =
		scripts_request_as(conf->command, conf->user, conf->group, k->owner->global);

	r.object = conf->id;
	r.name = conf->name;
	r.timeout_us = conf->timeout_us;
	r.ended = on_ended;
	r.ctx = k->owner;
	return scripts_run(k->owner->scripts, &r);
}

/* One that still runs has its deadline, which counts as a failure. */
static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct tracker *k = w->data;

	if (k->runs)
		return;
	k->runs = true;
	if (run(k) < 0)
		on_ended(k->owner, k->id,
			 &(struct script_end){.how = SCRIPT_NOT_RUN,
					      .why = "open quote, or nothing to run"});
}

static void restore(struct tracker *k, const struct store *s)
{
	struct msg known;
	struct text reason;

	track_machine_init(&k->m, k->conf);
	if (store_get(s, MSG_TRACK_STATE, k->id, &known)) {
		k->m = (struct track_machine){.known = true, .up = known.track_state.up};
	} else if (k->m.known) {
		text_set(&reason, "has not passed yet");
		tell(k, &reason);
	}
}

/* At once when it is new here, else at its time. */
static void arm(struct tracker *k, const struct tracker *former, struct ev_loop *loop)
{
	double interval_s = (double)k->conf->interval_us / USEC_PER_SEC, first_s = 0;

	if (former) {
		first_s = ev_timer_remaining(loop, (ev_timer *)&former->timer);
		first_s = first_s < interval_s ? first_s : interval_s;
	}
	ev_timer_init(&k->timer, on_timer, first_s > 0 ? first_s : 0, interval_s);
	k->timer.data = k;
	ev_timer_start(loop, &k->timer);
}

static void stop_all(struct track_scripts *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		ev_timer_stop(t->loop, &t->list[i].timer);
	free(t->list);
	t->list = NULL;
	t->n = 0;
}

void track_scripts_commit(struct track_scripts *t, const struct model *m, const struct store *s)
{
	struct tracker *list = must(calloc(m->n_scripts + 1, sizeof(*list)));

	for (uint32_t i = 0; i < m->n_scripts; i++) {
		const struct tracker *former = find(t, m->scripts[i].id);
		struct tracker *k = &list[i];

		*k = (struct tracker){.conf = &m->scripts[i], .id = m->scripts[i].id, .owner = t};
		if (former) {
			k->m = former->m;
			k->runs = former->runs;
		} else {
			restore(k, s);
		}
		arm(k, former, t->loop);
	}
	stop_all(t);
	t->list = list;
	t->n = m->n_scripts;
	t->global = m->global;
}

int track_scripts_new(struct ev_loop *loop,
		      void (*tell_fn)(void *ctx, const struct msg_track_state *state), void *ctx,
		      struct track_scripts **ret)
{
	struct track_scripts *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	err = scripts_new(loop, RUNNING_MAX, &t->scripts);
	if (err) {
		free(t);
		return err;
	}
	t->loop = loop;
	t->tell = tell_fn;
	t->ctx = ctx;
	*ret = t;
	return 0;
}

void track_scripts_free(struct track_scripts *t)
{
	if (!t)
		return;
	stop_all(t);
	scripts_free(t->scripts);
	free(t);
}
