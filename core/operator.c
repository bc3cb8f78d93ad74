/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's verbs about real servers: see operator.h. */
#include "core/operator.h"

#include "core/arena.h"
#include "core/clock.h"
#include "core/control.h"
#include "core/file.h"
#include "core/selector.h"
#include "core/status.h"
#include "core/supervisor.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX	((size_t)64 << 20)
#define WEIGHT_MAX	65535
#define SERVERS_NAMED	100 /* in an answer */
#define LATER_MAX	1024

static const struct admin_verb {
	const char *name;
	enum server_admin admin;
} admin_verbs[] = {
	{"ready", ADMIN_READY},
	{"drain", ADMIN_DRAIN},
	{"maint", ADMIN_MAINT},
	{"disable", ADMIN_DISABLED},
};

static const struct admin_verb *find_admin(const char *verb)
{
	for (size_t i = 0; i < sizeof(admin_verbs) / sizeof(admin_verbs[0]); i++)
		if (strcmp(admin_verbs[i].name, verb) == 0)
			return &admin_verbs[i];
	return NULL;
}

bool operator_is_verb(const char *verb)
{
	return find_admin(verb) || strcmp(verb, "weight") == 0 || strcmp(verb, "check-now") == 0;
}

/* The file */

static void copy_all(struct overrides *to, const struct overrides *from)
{
	for (size_t i = 0; i < from->n; i++)
		overrides_copy(to, &from->list[i]);
}

static void on_saved(struct saver *file, int err)
{
	struct supervisor *s = file->owner;
	struct operator *op = &s->operator;

	if (err && !op->failing)
		log_error("%s: can't be written: %s: what operators want of real servers would "
			  "not outlive tandemd",
			  file->path, strerror(-err));
	op->failing = err;
	control_words_saved(s);
}

/* With those that wait for their servers: the first model after a start sets them aside again. */
static void save(struct operator *op)
{
	struct overrides all = {0};
	struct writer w;

	copy_all(&all, &op->overrides);
	copy_all(&all, &op->later);
	writer_init_growing(&w);
	overrides_encode(&all, &w);
	overrides_done(&all);
	op->unsaved = false;
	if (!w.full) {
		saver_write(&op->file, w.at, w.len);
		return;
	}
	writer_done(&w);
	on_saved(&op->file, -ENOMEM);
}

/* However many words have come in at once, from a director that has many to tell: one file. */
static void on_write(struct ev_loop *loop, ev_prepare *w, int events)
{
	struct supervisor *s = w->data;

	if (s->operator.unsaved)
		save(&s->operator);
}

static void set_aside(const struct operator *op)
{
	char aside[sizeof(op->file.path) + 8];

	snprintf(aside, sizeof(aside), "%s.corrupt", op->file.path);
	if (rename(op->file.path, aside) < 0)
		log_error("%s: is damaged and can't be set aside: %s: no real server is drained, "
			  "in maintenance or disabled",
			  op->file.path, strerror(errno));
	else
		log_error("%s: is damaged and is set aside as %s: no real server is drained, in "
			  "maintenance or disabled",
			  op->file.path, aside);
}

static void load(struct operator *op)
{
	char *bytes;
	size_t n;
	int err = file_read(op->file.path, FILE_MAX, &bytes, &n);

	if (err == -ENOENT)
		return;
	if (!err) {
		err = overrides_decode(&op->overrides, bytes, n);
		free(bytes);
	}
	if (err == -EBADMSG || err == -EFBIG)
		set_aside(op);
	else if (err)
		log_error("%s: can't be read: %s", op->file.path, strerror(-err));
}

/* Telling */

/* tandem-ipvs acts on it, tandem-sync passes it on to the other directors. */
static void tell(const struct supervisor *s, const struct msg_server_override *v)
{
	struct msg m = {.type = MSG_SERVER_OVERRIDE, .server_override = *v};

	for (size_t i = 0; i < ROLE_COUNT; i++)
		if (s->processes[i]->desc->id & (ROLE_IPVS | ROLE_SYNC))
			process_send(s->processes[i], &m, -1);
}

void operator_hand_over(const struct supervisor *s, struct process *p)
{
	const struct overrides *o = &s->operator.overrides;

	for (size_t i = 0; (p->desc->id & (ROLE_IPVS | ROLE_SYNC)) && i < o->n; i++) {
		struct msg m = {.type = MSG_SERVER_OVERRIDE, .server_override = o->list[i]};

		/* The others must hear of what has ended, too. */
		if (p->desc->id == ROLE_SYNC || override_is_active(&o->list[i]))
			process_send(p, &m, -1);
	}
}

/* "192.0.2.1:80 TCP: real server 10.0.0.7:80" */
static const char *server_name(const struct model *m, uint64_t service, uint64_t server,
			       char name[2 * TEXT_MAX])
{
	const struct virtual_server *vs = model_find_service(m, service);
	char text[TEXT_MAX], at[ADDR_TEXT_MAX];

	snprintf(name, 2 * TEXT_MAX, "a real server that is not configured any more");
	for (uint32_t i = 0; vs && i < vs->n_servers; i++)
		if (vs->servers[i].id == server)
			snprintf(name, 2 * TEXT_MAX, "%s: real server %s",
				 virtual_server_format(vs, text),
				 addr_format_port(&vs->servers[i].address, vs->servers[i].port, at));
	return name;
}

static void describe(const struct msg_server_override *v, struct text *ret)
{
	int64_t left_us = v->until_us - clock_realtime_us();
	int64_t left_s = (left_us + USEC_PER_SEC / 2) / USEC_PER_SEC;
	char until[48] = "", weight[32] = "";

	if (v->until_us)
		snprintf(until, sizeof(until), " for %lld s", (long long)(left_s > 0 ? left_s : 0));
	if (v->has_weight)
		snprintf(weight, sizeof(weight), ", weight %d", v->weight);
	text_set(ret, "%s%s%s%s", server_admin_name((enum server_admin)v->admin),
		 v->until_idle ? " until idle, then maint" : "", until, weight);
}

/* One line for each word, and for each that ends by itself. */
static void log_word(const struct supervisor *s, const struct msg_server_override *v,
		     const char *why)
{
	char name[2 * TEXT_MAX];
	struct text what;

	describe(v, &what);
	log_notice("%s: %s: %s", server_name(s->running.model, v->service, v->server, name), what.s,
		   why);
}

/* Deadlines */

static ev_tstamp next_end(ev_periodic *w, ev_tstamp now)
{
	const struct supervisor *s = w->data;
	int64_t at_us = overrides_next_us(&s->operator.overrides);
	double at_s = at_us ? (double)at_us / USEC_PER_SEC : now + DURATION_MAX_S;

	return at_s > now ? at_s : now;
}

static void on_ended(void *ctx, const struct msg_server_override *v)
{
	log_word(ctx, v, "its time is over");
	tell(ctx, v);
}

static void expire(struct supervisor *s)
{
	if (overrides_expire(&s->operator.overrides, clock_realtime_us(), on_ended, s))
		save(&s->operator);
}

static void on_end(struct ev_loop *loop, ev_periodic *w, int events)
{
	expire(w->data);
	ev_periodic_again(loop, w);
}

void operator_idle(struct supervisor *s, const struct msg_server_idle *m)
{
	const struct msg_server_override *v = overrides_idle(
		&s->operator.overrides, m->server, m->version, clock_realtime_us());

	if (!v)
		return;
	log_word(s, v, "it has no active connection any more");
	tell(s, v);
	s->operator.unsaved = true;
}

/* Its server is not configured: it may be, one day. */
static void keep_for_later(struct operator *op, const struct msg_server_override *v)
{
	if (op->later.n < LATER_MAX || overrides_find(&op->later, v->server))
		op->unsaved |= overrides_copy(&op->later, v);
}

void operator_copy(struct supervisor *s, const struct msg_server_override *m)
{
	struct operator *op = &s->operator;

	if (!override_is_sane(m))
		return;
	if (!override_is_configured(m, s->running.model)) {
		keep_for_later(op, m);
		return;
	}
	if (!overrides_copy(&op->overrides, m))
		return;
	log_word(s, m, "said on another director");
	tell(s, m);
	op->unsaved = true;
	ev_periodic_again(s->loop, &op->end);
}

/* A configuration comes to one director after the other: what was said meanwhile holds, too. */
static void copy_later(struct supervisor *s)
{
	struct overrides later = s->operator.later;

	s->operator.later = (struct overrides){0};
	for (size_t i = 0; i < later.n; i++)
		if (override_is_configured(&later.list[i], s->running.model))
			operator_copy(s, &later.list[i]);
		else
			overrides_copy(&s->operator.later, &later.list[i]);
	overrides_done(&later);
}

static void on_gone(void *ctx, const struct msg_server_override *v)
{
	struct supervisor *s = ctx;

	keep_for_later(&s->operator, v);
	if (override_is_active(v))
		log_notice("%s of a real server that is not configured any more: holds again when it is",
			   server_admin_name((enum server_admin)v->admin));
}

void operator_settle(struct supervisor *s)
{
	copy_later(s);
	if (overrides_retain(&s->operator.overrides, s->running.model, on_gone, s))
		save(&s->operator);
}

/* Verbs */

static int weight_parse(const struct operator_request *r, struct msg_server_override *word,
			struct text *ret_reason)
{
	char *end;
	long weight = strtol(r->weight, &end, 10);

	word->has_weight = strcmp(r->weight, "configured") != 0;
	if (!word->has_weight) {
		word->weight = 0;
		return 0;
	}
	if (r->weight[0] < '0' || r->weight[0] > '9' || *end || weight > WEIGHT_MAX) {
		text_set(ret_reason, "\"%.20s\" is not a weight: 0 to %d, or \"configured\"",
			 r->weight, WEIGHT_MAX);
		return -EINVAL;
	}
	word->weight = (int32_t)weight;
	return 0;
}

static bool has_end(const struct operator_request *r, struct text *ret_reason)
{
	if (!r->duration[0] && !r->until_idle)
		return false;
	text_set(ret_reason, "%s does not go with %s: it holds until something else is said",
		 r->until_idle ? "--until-idle" : "--for", r->verb);
	return true;
}

/* What the request makes of what was wanted before. 0 or -EINVAL. */
static int word_make(const struct operator_request *r, struct msg_server_override *word,
		     struct text *ret_reason)
{
	const struct admin_verb *admin = find_admin(r->verb);
	int64_t for_us = 0;

	if (!admin)
		return has_end(r, ret_reason) ? -EINVAL : weight_parse(r, word, ret_reason);
	word->admin = (uint8_t)admin->admin;
	word->until_idle = r->until_idle;
	word->until_us = 0;
	if (r->until_idle && admin->admin != ADMIN_DRAIN) {
		text_set(ret_reason, "--until-idle goes with drain only");
		return -EINVAL;
	}
	if (!r->duration[0])
		return 0;
	if (admin->admin == ADMIN_READY || r->until_idle) {
		text_set(ret_reason, "--for does not go with %s",
			 r->until_idle ? "--until-idle" : "ready");
		return -EINVAL;
	}
	if (duration_parse(r->duration, &for_us)) {
		text_set(ret_reason,
			 "\"%.20s\" is not a duration: 90, 90s, 10m, 2h or 1d, up to a year",
			 r->duration);
		return -EINVAL;
	}
	word->until_us = clock_realtime_us() + for_us;
	return 0;
}

static int say_one(struct supervisor *s, const struct operator_request *r,
		   const struct selected *at, struct text *ret_reason)
{
	const struct msg_server_override *v =
		overrides_find(&s->operator.overrides, at->rs->id);
	struct msg_server_override word = {0};
	int err;

	if (v)
		word = *v;
	word.service = at->vs->id;
	word.server = at->rs->id;
	err = word_make(r, &word, ret_reason);
	if (err)
		return err;
	v = overrides_say(&s->operator.overrides, &word, clock_realtime_us());
	log_word(s, v, "by the operator");
	tell(s, v);
	return 0;
}

static void check_now(const struct supervisor *s, const struct selected *at)
{
	struct msg m = {.type = MSG_CHECK_NOW, .check_now = {.server = at->rs->id}};

	text_set(&m.check_now.why, "the operator asked for it");
	for (size_t i = 0; i < ROLE_COUNT; i++)
		if (s->processes[i]->desc->id == ROLE_CHECK)
			process_send(s->processes[i], &m, -1);
}

static struct json_object *answer(const struct supervisor *s, const struct operator_request *r,
				  const struct selected *at, int n)
{
	struct json_object *doc = status_of_done(r->verb), *list = json_object_new_array();
	char name[2 * TEXT_MAX];

	for (int i = 0; i < n && i < SERVERS_NAMED; i++) {
		const struct msg_server_override *v =
			overrides_find(&s->operator.overrides, at[i].rs->id);
		struct json_object *o = json_object_new_object();
		struct text what = {"ready"};

		if (v)
			describe(v, &what);
		server_name(s->running.model, at[i].vs->id, at[i].rs->id, name);
		json_object_object_add(o, "name", json_object_new_string(name));
		json_object_object_add(o, "state", json_object_new_string(what.s));
		json_object_object_add(o, "checks", json_object_new_int64(at[i].rs->n_checks));
		json_object_array_add(list, o);
	}
	json_object_object_add(doc, "servers", list);
	json_object_object_add(doc, "count", json_object_new_int(n));
	return doc;
}

static int run(struct supervisor *s, const struct operator_request *r, const struct selected *at,
	       int n, struct text *ret_reason)
{
	int err = 0;

	for (int i = 0; i < n && !err; i++) {
		if (strcmp(r->verb, "check-now") == 0)
			check_now(s, &at[i]);
		else
			err = say_one(s, r, &at[i], ret_reason);
	}
	if (!err && strcmp(r->verb, "check-now") != 0) {
		save(&s->operator);
		ev_periodic_again(s->loop, &s->operator.end);
	}
	return err;
}

struct json_object *operator_run(struct supervisor *s, const struct operator_request *r)
{
	struct arena *arena = arena_new();
	struct selected *at = NULL;
	struct text reason = {""};
	struct json_object *doc;
	int n = select_servers(arena, s->running.model, r->server, r->service, &at, &reason);
	int err = n < 0 ? n : run(s, r, at, n, &reason);

	doc = err ? status_of_error(reason.s) : answer(s, r, at, n);
	arena_free(arena);
	return doc;
}

uint64_t operator_words(const struct supervisor *s)
{
	return s->operator.file.given;
}

bool operator_has_saved(const struct supervisor *s, uint64_t words)
{
	return s->operator.file.saved >= words;
}

void operator_answered(const struct supervisor *s, uint64_t words, struct json_object *doc)
{
	bool saved = operator_has_saved(s, words) && !s->operator.failing;

	if (json_object_object_get_ex(doc, "servers", NULL))
		json_object_object_add(doc, "saved", json_object_new_boolean(saved));
}

struct json_object *operator_explain(const struct supervisor *s, const struct operator_request *r)
{
	const struct model *m = s->running.model;
	struct arena *arena = arena_new();
	struct selected whole = {0}, *at = &whole;
	struct text reason = {""};
	struct json_object *doc;
	int n = 1;

	if (r->server[0])
		n = select_servers(arena, m, r->server, r->service, &at, &reason);
	else
		whole.vs = select_service(m, r->service, &reason);
	doc = n > 0 && at->vs ? status_of_explanation(s, at, n) : status_of_error(reason.s);
	arena_free(arena);
	return doc;
}

void operator_init(struct supervisor *s)
{
	struct operator *op = &s->operator;
	char path[sizeof(op->file.path)];

	*op = (struct operator){0};
	snprintf(path, sizeof(path), "%s/overrides", s->options.state_dir);
	saver_init(&op->file, s->loop, path, 0600, on_saved, s);
	if (mkdir(s->options.state_dir, 0755) < 0 && errno != EEXIST)
		log_warning("%s: can't be made: %s", s->options.state_dir, strerror(errno));
	load(op);
	expire(s);
	ev_periodic_init(&op->end, on_end, 0, 0, next_end);
	op->end.data = s;
	ev_periodic_start(s->loop, &op->end);
	ev_prepare_init(&op->write, on_write);
	op->write.data = s;
	ev_prepare_start(s->loop, &op->write);
}

void operator_done(struct supervisor *s)
{
	ev_periodic_stop(s->loop, &s->operator.end);
	ev_prepare_stop(s->loop, &s->operator.write);
	if (s->operator.unsaved)
		save(&s->operator);
	saver_end(&s->operator.file);
	overrides_done(&s->operator.overrides);
	overrides_done(&s->operator.later);
}
