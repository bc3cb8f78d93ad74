/* SPDX-License-Identifier: Apache-2.0 */
/* Mail of changes of state: see mails.h. */
#include "core/mails.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/scripts.h"
#include "core/spawn.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MESSAGE_MAX 8192
#define ARGS_MAX    64
#define PROGRAM	    "tandem-mail"
#define NO_RIGHTS   "nobody"
/* Its own place among the objects of scripts: messages go one after the other. */
#define MAIL_OBJECT UINT64_C(0x6d61696c)

/* Between tries; the server may be starting anew, or be waiting for the same failover. */
static const double pauses_s[MAIL_TRIES_MAX - 1] = {2, 8, 30};

struct waiting {
	struct waiting *next;
	unsigned tries;
	char message[];
};

/* The state that the last mail of an object told. */
struct told {
	uint64_t object;
	enum vrrp_state_id state;
};

struct mails {
	struct ev_loop *loop;
	struct scripts *scripts;
	const struct model *model;
	struct waiting *head;
	struct waiting **tail;
	bool underway; /* the head is in the hands of tandem-mail */
	bool outlived; /* it was given up meanwhile: how it ends is nothing to us any more */
	ev_timer again;
	struct told *told;
	size_t n_told;
	char failure[64];
	uint64_t lost_since; /* as status.lost was when it began to fail */
	struct mails_status status;
};

static const char *own_host(char host[256])
{
	strcpy(host, "localhost");
	gethostname(host, 255);
	host[255] = '\0';
	return host;
}

static void give_up_head(struct mails *m)
{
	struct waiting *w = m->head;

	m->head = w->next;
	if (!m->head)
		m->tail = &m->head;
	m->status.waiting--;
	free(w);
}

static void failed(struct mails *m, const char *why)
{
	const struct global *g = m->model->global;

	if (!m->failure[0]) {
		m->lost_since = m->status.lost;
		log_warning("mail: smtp_server %s port %u %s; what it does not take is given up "
			    "after %d tries",
			    g->smtp_server, g->smtp_port, why, MAIL_TRIES_MAX);
	}
	snprintf(m->failure, sizeof(m->failure), "%s", why);
}

static void went_well(struct mails *m)
{
	m->status.sent++;
	if (m->failure[0])
		log_notice("mail: smtp_server %s takes mail again; %llu were given up",
			   m->model->global->smtp_server,
			   (unsigned long long)(m->status.lost - m->lost_since));
	m->failure[0] = '\0';
}

static void send_next(struct mails *m);

/* `why`: it failed; NULL: it was sent. */
static void tried(struct mails *m, const char *why, bool final)
{
	struct waiting *w = m->head;

	m->underway = false;
	if (m->outlived) {
		m->outlived = false;
		send_next(m);
		return;
	}
	if (why)
		failed(m, why);
	else
		went_well(m);
	if (why && !final && ++w->tries < MAIL_TRIES_MAX) {
		ev_timer_set(&m->again, pauses_s[w->tries - 1], 0);
		ev_timer_start(m->loop, &m->again);
		return;
	}
	m->status.lost += why != NULL;
	give_up_head(m);
	send_next(m);
}

static void on_ended(void *ctx, uint64_t object, const struct script_end *end)
{
	char text[64];

	switch (end->how) {
	case SCRIPT_EXITED:
		tried(ctx, end->value ? mail_outcome_text(end->value, text) : NULL,
		      mail_outcome_is_final(end->value));
		return;
	case SCRIPT_SIGNALLED:
		snprintf(text, sizeof(text), "is not reached: " PROGRAM ": signal %d", end->value);
		tried(ctx, text, false);
		return;
	case SCRIPT_TOO_LATE:
		tried(ctx, "does not answer in time", false);
		return;
	case SCRIPT_NOT_RUN:
		snprintf(text, sizeof(text), "is not reached: " PROGRAM ": %s", end->why);
		tried(ctx, text, false);
		return;
	}
}

static void run_program(struct mails *m, const struct waiting *w)
{
	const struct global *g = m->model->global;
	char host[256], sender[400], port[8], timeout[16], path[512], command[520];
	const char *args[ARGS_MAX + 1];
	int64_t timeout_s = (g->smtp_timeout_us + USEC_PER_SEC - 1) / USEC_PER_SEC;
	size_t n = 0;

	own_host(host);
	snprintf(port, sizeof(port), "%u", g->smtp_port);
	snprintf(timeout, sizeof(timeout), "%lld", (long long)timeout_s);
	snprintf(command, sizeof(command), "\"%s\"",
		 spawn_program_path(PROGRAM, path, sizeof(path)));
	args[n++] = g->smtp_server;
	args[n++] = port;
	args[n++] = g->smtp_helo_name[0] ? g->smtp_helo_name : host;
	args[n++] = timeout;
	args[n++] = mail_sender(g, host, sender, sizeof(sender));
	for (uint32_t i = 0; i < g->n_mail_to && n < ARGS_MAX; i++)
		args[n++] = g->mail_to[i].address;
	args[n] = NULL;
	/* An error is the same as an end: scripts_run() has said it. */
	if (scripts_run(m->scripts, &(struct script_request){
					    .object = MAIL_OBJECT,
					    .name = "mail",
					    .command = command,
					    .args = args,
					    .input = w->message,
					    .user = geteuid() == 0 ? NO_RIGHTS : "",
					    .group = "",
					    .timeout_us = 3 * timeout_s * USEC_PER_SEC,
					    .ended = on_ended,
					    .ctx = m,
				    }) < 0)
		tried(m, "is not reached", false);
}

static bool is_wanted(const struct mails *m)
{
	return m->model && m->model->global->smtp_server[0] && m->model->global->n_mail_to;
}

static void send_next(struct mails *m)
{
	if (!m->head || m->underway || ev_is_active(&m->again))
		return;
	m->underway = true;
	run_program(m, m->head);
}

static void on_again(struct ev_loop *loop, ev_timer *w, int events)
{
	send_next(w->data);
}

int mails_new(struct ev_loop *loop, struct scripts *s, struct mails **ret)
{
	struct mails *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->loop = loop;
	m->scripts = s;
	m->tail = &m->head;
	ev_init(&m->again, on_again);
	m->again.data = m;
	*ret = m;
	return 0;
}

/* Returns how many. */
static uint32_t give_up_all(struct mails *m)
{
	uint32_t n = m->status.waiting;

	m->status.lost += n;
	m->outlived = m->underway;
	ev_timer_stop(m->loop, &m->again);
	while (m->head)
		give_up_head(m);
	return n;
}

void mails_free(struct mails *m)
{
	uint32_t n;

	if (!m)
		return;
	n = give_up_all(m);
	if (n)
		log_warning("mail: %u not sent: we are ending", n);
	free(m->told);
	free(m);
}

void mails_commit(struct mails *m, const struct model *model)
{
	uint32_t n;

	m->model = model;
	if (is_wanted(m) || !m->head)
		return;
	n = give_up_all(m);
	log_warning("mail: %u not sent: there is no smtp_server any more", n);
}

/* The head may be underway: then the one behind it is the oldest that waits. */
static void make_room(struct mails *m)
{
	struct waiting *second = m->head->next;

	if (m->status.waiting < MAILS_WAITING_MAX)
		return;
	m->status.lost++;
	if (!m->underway) {
		give_up_head(m);
		return;
	}
	m->head->next = second->next;
	m->status.waiting--;
	free(second);
}

void mails_send(struct mails *m, const struct mail *mail)
{
	char message[MESSAGE_MAX], host[256];
	time_t now = time(NULL);
	struct waiting *w;
	struct tm when;
	size_t len;

	if (!is_wanted(m))
		return;
	if (m->head)
		make_room(m);
	localtime_r(&now, &when);
	len = mail_write(mail, m->model->global, own_host(host), &when, message, sizeof(message));
	w = calloc(1, sizeof(*w) + len + 1);
	if (!w) {
		m->status.lost++;
		return;
	}
	memcpy(w->message, message, len);
	*m->tail = w;
	m->tail = &w->next;
	m->status.waiting++;
	send_next(m);
}

bool mails_is_news(struct mails *m, uint64_t object, enum vrrp_state_id state)
{
	struct told *more;

	for (size_t i = 0; i < m->n_told; i++) {
		if (m->told[i].object != object)
			continue;
		if (m->told[i].state == state)
			return false;
		m->told[i].state = state;
		return true;
	}
	more = realloc(m->told, (m->n_told + 1) * sizeof(*more));
	if (more) {
		m->told = more;
		m->told[m->n_told++] = (struct told){object, state};
	}
	return true;
}

bool mails_idle(const struct mails *m)
{
	return !m->head;
}

void mails_status(const struct mails *m, struct mails_status *ret)
{
	*ret = m->status;
	ret->failure = m->failure;
}
