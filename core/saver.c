/* SPDX-License-Identifier: Apache-2.0 */
/* A file written beside the loop: see saver.h. */
#include "core/saver.h"

#include "core/file.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* Takes what waits. False: there is nothing more to come. */
static bool take(struct saver *s, void **ret_bytes, size_t *ret_n, uint64_t *ret_serial)
{
	pthread_mutex_lock(&s->lock);
	while (!s->bytes && !s->ending)
		pthread_cond_wait(&s->changed, &s->lock);
	*ret_bytes = s->bytes;
	*ret_n = s->n;
	*ret_serial = s->serial;
	s->bytes = NULL;
	pthread_mutex_unlock(&s->lock);
	return *ret_bytes;
}

static void *work(void *ctx)
{
	struct saver *s = ctx;
	uint64_t serial;
	void *bytes;
	size_t n;

	while (take(s, &bytes, &n, &serial)) {
		int err = file_replace_synced(s->path, bytes, n, s->mode);

		free(bytes);
		pthread_mutex_lock(&s->lock);
		s->error = err;
		s->done_serial = serial;
		pthread_mutex_unlock(&s->lock);
		ev_async_send(s->loop, &s->written);
	}
	return NULL;
}

static void tell(struct saver *s)
{
	bool news;
	int err;

	pthread_mutex_lock(&s->lock);
	news = s->done_serial != s->saved;
	s->saved = s->done_serial;
	err = s->error;
	pthread_mutex_unlock(&s->lock);
	if (news)
		s->done(s, err);
}

static void on_written(struct ev_loop *loop, ev_async *w, int events)
{
	tell(w->data);
}

/* Signals are the loop's. */
static int start(struct saver *s)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&s->thread, NULL, work, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	s->started = !err;
	return -err;
}

void saver_init(struct saver *s, struct ev_loop *loop, const char *path, mode_t mode,
		void (*done)(struct saver *s, int err), void *owner)
{
	*s = (struct saver){.loop = loop, .mode = mode, .done = done, .owner = owner};
	snprintf(s->path, sizeof(s->path), "%s", path);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	ev_async_init(&s->written, on_written);
	s->written.data = s;
	ev_async_start(loop, &s->written);
	ev_unref(loop); /* it alone is no reason to go on */
}

void saver_write(struct saver *s, void *bytes, size_t n)
{
	int err = s->started ? 0 : start(s);

	s->given++;
	if (err) {
		free(bytes);
		s->saved = s->done_serial = s->given;
		s->done(s, err);
		return;
	}
	pthread_mutex_lock(&s->lock);
	free(s->bytes);
	s->bytes = bytes;
	s->n = n;
	s->serial = s->given;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

void saver_end(struct saver *s)
{
	if (!s->loop)
		return;
	pthread_mutex_lock(&s->lock);
	s->ending = true;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
	if (s->started)
		pthread_join(s->thread, NULL);
	tell(s);
	ev_ref(s->loop);
	ev_async_stop(s->loop, &s->written);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	*s = (struct saver){0};
}
