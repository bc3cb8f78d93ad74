/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl on our event loop (libcurl-multi(3), "multi_socket"): see curl_loop.h. */
#include "checkers/curl_loop.h"

#include "checkers/curl_memory.h"
#include "core/must.h"

#include <ev.h>
#include <stdint.h>
#include <stdlib.h>

/* A handle takes some kilobytes: enough for the usual crowd, not for the worst moment. */
#define SPARE_MAX 256

/*
 * A multi handle goes through all of its connections now and then, and its tables are short: when
 * thousands are under way it must not be one that has them all. Power of two.
 */
#define SHARDS 64

struct curl_shard {
	CURLM *multi;
	ev_timer timer;
};

static struct {
	struct ev_loop *loop;
	struct curl_shard shards[SHARDS];
	CURL *spare[SPARE_MAX];
	size_t n_spare;
} curl;

/* Where a handle belongs follows from what it is, so that nobody need remember it. */
static struct curl_shard *shard_of(CURL *easy)
{
	return &curl.shards[((uintptr_t)easy * UINT64_C(0x9e3779b97f4a7c15) >> 32) % SHARDS];
}

/* The callee may drop the handle: the message is not looked at after that. */
static void take_finished(struct curl_shard *s)
{
	const CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(s->multi, &left))) {
		struct curl_transfer *t;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		t->done(t, m->data.result);
	}
}

static void on_socket(struct ev_loop *loop, ev_io *w, int events)
{
	struct curl_shard *s = w->data;
	int running, what = 0;

	what |= events & EV_READ ? CURL_CSELECT_IN : 0;
	what |= events & EV_WRITE ? CURL_CSELECT_OUT : 0;
	curl_multi_socket_action(s->multi, w->fd, what, &running);
	take_finished(s);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct curl_shard *s = w->data;
	int running;

	curl_multi_socket_action(s->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	take_finished(s);
}

/* Asked for by libcurl: which sockets are of interest. */
static int set_socket(CURL *easy, curl_socket_t sock, int what, void *ctx, void *mine)
{
	struct curl_shard *s = ctx;
	ev_io *w = mine;
	int events = 0;

	if (what == CURL_POLL_REMOVE) {
		if (w)
			ev_io_stop(curl.loop, w);
		free(w);
		return 0;
	}
	if (!w) {
		w = must(calloc(1, sizeof(*w)));
		ev_init(w, on_socket);
		w->data = s;
		curl_multi_assign(s->multi, sock, w);
	}
	events |= what & CURL_POLL_IN ? EV_READ : 0;
	events |= what & CURL_POLL_OUT ? EV_WRITE : 0;
	ev_io_stop(curl.loop, w);
	ev_io_set(w, sock, events);
	ev_io_start(curl.loop, w);
	return 0;
}

static int set_timer(CURLM *multi, long timeout_ms, void *ctx)
{
	struct curl_shard *s = ctx;

	ev_timer_stop(curl.loop, &s->timer);
	if (timeout_ms < 0)
		return 0;
	ev_timer_set(&s->timer, (double)timeout_ms / 1000, 0);
	ev_timer_start(curl.loop, &s->timer);
	return 0;
}

static void begin(struct ev_loop *loop)
{
	curl.loop = loop;
	curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_memory_malloc, curl_memory_free,
			     curl_memory_realloc, curl_memory_strdup, curl_memory_calloc);
	for (size_t i = 0; i < SHARDS; i++) {
		struct curl_shard *s = &curl.shards[i];

		s->multi = must(curl_multi_init());
		ev_init(&s->timer, on_timer);
		s->timer.data = s;
		curl_multi_setopt(s->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
		curl_multi_setopt(s->multi, CURLMOPT_SOCKETDATA, s);
		curl_multi_setopt(s->multi, CURLMOPT_TIMERFUNCTION, set_timer);
		curl_multi_setopt(s->multi, CURLMOPT_TIMERDATA, s);
		curl_multi_setopt(s->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	}
}

CURL *curl_loop_easy(struct ev_loop *loop, void (*prepare)(CURL *easy))
{
	CURL *easy;

	if (!curl.loop)
		begin(loop);
	if (prepare && curl.n_spare)
		return curl.spare[--curl.n_spare];
	easy = must(curl_easy_init());
	if (prepare)
		prepare(easy);
	return easy;
}

void curl_loop_add(CURL *easy, struct curl_transfer *t)
{
	curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
	curl_multi_add_handle(shard_of(easy)->multi, easy);
}

void curl_loop_drop(CURL *easy, bool again)
{
	curl_multi_remove_handle(shard_of(easy)->multi, easy);
	if (again && curl.n_spare < SPARE_MAX)
		curl.spare[curl.n_spare++] = easy;
	else
		curl_easy_cleanup(easy);
}
