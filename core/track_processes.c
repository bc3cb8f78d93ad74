/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of vrrp_track_process: see track_processes.h. */
#include "core/track_processes.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/must.h"
#include "core/process_event.h"
#include "core/process_match.h"
#include "core/store.h"

#include <dirent.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <linux/connector.h>
#include <linux/cn_proc.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUCKETS 1024
#define POLL_S	1.0
/* Where processes begin faster than we hear of them, /proc is not read all the time. */
#define RECOUNT_US (USEC_PER_SEC / 2)
/* Others wait for the supervisor, too. */
#define EVENTS_AT_ONCE 1000
/* Of a command line: enough for what anybody compares. */
#define ARGS_MAX 4096
#define COMM_MAX 64

/* A process that is one of a tracker's. */
struct found {
	struct found *next; /* of one hash value */
	int32_t pid;
	uint32_t tracker; /* its place in the list */
};

struct counted {
	const struct track_process *conf;
	uint64_t id;
	struct process_quorum q;
	uint32_t n;
	struct track_processes *owner;
	ev_timer timer;
};

struct track_processes {
	struct ev_loop *loop;
	void (*tell)(void *ctx, const struct msg_track_state *state);
	void *ctx;
	int sock; /* -1: none */
	ev_io readable;
	ev_timer poll; /* until the kernel has said that it tells us */
	bool told_poll;
	struct log_limit lost;
	int64_t counted_us; /* when all were counted last */
	ev_timer recount;
	struct counted *list;
	uint32_t n;
	struct found *found[BUCKETS];
};

/* Quorum */

static void tell(struct counted *k)
{
	struct msg_track_state state = {.tracker = k->id, .up = k->q.up};
	const struct track_process *p = k->conf;

	if (k->n > p->quorum_max)
		text_set(&state.reason, "%u run, %u at most are to", k->n, p->quorum_max);
	else
		text_set(&state.reason, "%u of %u run", k->n, p->quorum);
	log_notice("vrrp_track_process %s: %s: %s", p->name, k->q.up ? "up" : "down",
		   state.reason.s);
	k->owner->tell(k->owner->ctx, &state);
}

static void step(struct counted *k, enum process_change how)
{
	struct ev_loop *loop = k->owner->loop;
	int64_t now_us = clock_now_us();

	if (process_quorum_step(&k->q, k->conf, k->n, how, now_us))
		tell(k);
	ev_timer_stop(loop, &k->timer);
	if (k->q.at_us == USEC_NEVER)
		return;
	ev_now_update(loop);
	ev_timer_set(&k->timer, (double)(k->q.at_us - now_us) / USEC_PER_SEC + 0.001, 0);
	ev_timer_start(loop, &k->timer);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	step(w->data, PROCESS_WAITED);
}

/* Processes that count */

static struct found **place_of(struct track_processes *t, int32_t pid, uint32_t tracker)
{
	struct found **at = &t->found[(uint32_t)pid % BUCKETS];

	while (*at && ((*at)->pid != pid || (*at)->tracker != tracker))
		at = &(*at)->next;
	return at;
}

/* True when that changes anything. */
static bool set_found(struct track_processes *t, int32_t pid, uint32_t tracker, bool is)
{
	struct found **at = place_of(t, pid, tracker), *f = *at;

	if (is == (f != NULL))
		return false;
	if (is) {
		f = must(malloc(sizeof(*f)));
		*f = (struct found){.pid = pid, .tracker = tracker};
		*at = f;
		t->list[tracker].n++;
	} else {
		*at = f->next;
		free(f);
		t->list[tracker].n--;
	}
	return true;
}

static void forget_all(struct track_processes *t)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		while (t->found[i]) {
			struct found *f = t->found[i];

			t->found[i] = f->next;
			free(f);
		}
	}
	for (uint32_t i = 0; i < t->n; i++)
		t->list[i].n = 0;
}

/* How many bytes, at most size - 1, with a 0 behind them. */
static size_t read_proc(int32_t pid, const char *name, char *buf, size_t size)
{
	char path[64];
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, buf, size - 1);
		close(fd);
	}
	buf[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

/* Ended, but its parent has not asked yet. */
static bool is_zombie(int32_t pid)
{
	char stat[512];
	const char *after;

	read_proc(pid, "stat", stat, sizeof(stat));
	after = strrchr(stat, ')'); /* its name may contain anything */
	return !after || strncmp(after, ") Z", 3) == 0 || strncmp(after, ") X", 3) == 0;
}

static bool any_wants_args(const struct track_processes *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (t->list[i].conf->full_command)
			return true;
	return false;
}

/* Sees whose it is now. `how` is left out when all are counted. */
static void examine(struct track_processes *t, int32_t pid, const enum process_change *how)
{
	char comm[COMM_MAX], args[ARGS_MAX];
	size_t n_comm = read_proc(pid, "comm", comm, sizeof(comm)), n_args = 0;

	if (n_comm && comm[n_comm - 1] == '\n')
		comm[n_comm - 1] = '\0';
	if (any_wants_args(t))
		n_args = read_proc(pid, "cmdline", args, sizeof(args));
	for (uint32_t i = 0; i < t->n; i++) {
		bool is = n_comm && process_matches(t->list[i].conf, comm, args, n_args) &&
			  !is_zombie(pid);

		if (set_found(t, pid, i, is) && how)
			step(&t->list[i], *how);
	}
}

static void count_all(struct track_processes *t)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	if (!proc)
		return;
	forget_all(t);
	while ((entry = readdir(proc)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			examine(t, atoi(entry->d_name), NULL);
	closedir(proc);
	t->counted_us = clock_now_us();
	for (uint32_t i = 0; i < t->n; i++)
		step(&t->list[i], PROCESS_COUNTED);
}

/* Events */

static void on_fork(struct track_processes *t, int32_t parent, int32_t child)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (*place_of(t, parent, i) && set_found(t, child, i, true))
			step(&t->list[i], PROCESS_FORKED);
}

static void on_exit_of(struct track_processes *t, int32_t pid)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (set_found(t, pid, i, false))
			step(&t->list[i], PROCESS_ENDED);
}

/* What was read of /proc before it did may be out of date. */
static void on_listen(struct track_processes *t, uint32_t error)
{
	if (error || !ev_is_active(&t->poll))
		return;
	ev_timer_stop(t->loop, &t->poll);
	count_all(t);
}

static void on_event(struct track_processes *t, const struct process_event *e)
{
	static const enum process_change renamed = PROCESS_RENAMED;

	switch (e->kind) {
	case PROCESS_EVENT_OTHER:
		break;
	case PROCESS_EVENT_LISTEN:
		on_listen(t, e->error);
		break;
	case PROCESS_EVENT_FORK:
		on_fork(t, e->parent, e->pid);
		break;
	case PROCESS_EVENT_EXEC:
	case PROCESS_EVENT_NAME:
		examine(t, e->pid, &renamed);
		break;
	case PROCESS_EVENT_EXIT:
		on_exit_of(t, e->pid);
		break;
	}
}

static void on_recount(struct ev_loop *loop, ev_timer *w, int revents)
{
	count_all(w->data);
}

/* Events were lost. */
static void recount(struct track_processes *t)
{
	int64_t left_us = t->counted_us + RECOUNT_US - clock_now_us();

	if (left_us <= 0) {
		count_all(t);
	} else if (!ev_is_active(&t->recount)) {
		ev_timer_set(&t->recount, (double)left_us / USEC_PER_SEC, 0);
		ev_timer_start(t->loop, &t->recount);
	}
}

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct track_processes *t = w->data;
	struct process_event e;
	struct sockaddr_nl from;
	socklen_t len = sizeof(from);
	char buf[1024];
	ssize_t n = 1;

	for (int i = 0; i < EVENTS_AT_ONCE && n > 0; i++) {
		n = recvfrom(t->sock, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);
		if (n > 0 && from.nl_pid == 0 && process_event_parse(buf, (size_t)n, &e) == 0)
			on_event(t, &e);
	}
	if (n >= 0 || errno != ENOBUFS)
		return;
	if (log_limit_pass(&t->lost, clock_now_us()))
		log_warning("vrrp_track_process: events were lost, so /proc is read anew: raise "
			    "process_monitor_rcv_bufs%s", log_limit_suffix(&t->lost));
	recount(t);
}

/* By now the kernel would have answered. */
static void on_poll(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct track_processes *t = w->data;

	if (!t->told_poll)
		log_notice("vrrp_track_process: the kernel does not tell of processes here: /proc "
			   "is read each second");
	t->told_poll = true;
	count_all(t);
}

static void size_buffer(const struct track_processes *t, const struct global *g)
{
	int bytes = (int)g->process_rcv_bufs;
	int option = g->process_rcv_bufs_force ? SO_RCVBUFFORCE : SO_RCVBUF;

	if (bytes && t->sock >= 0 &&
	    setsockopt(t->sock, SOL_SOCKET, option, &bytes, sizeof(bytes)) < 0)
		log_warning("process_monitor_rcv_bufs %d: %s", bytes, strerror(errno));
}

static void listen_to_kernel(struct track_processes *t)
{
	struct sockaddr_nl self = {.nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC};
	char request[PROCESS_EVENT_REQUEST_MAX];
	size_t n = process_event_request(request, true);

	ev_timer_again(t->loop, &t->poll);
	t->sock = socket(AF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_CONNECTOR);
	if (t->sock < 0)
		return;
	if (bind(t->sock, (struct sockaddr *)&self, sizeof(self)) < 0 ||
	    send(t->sock, request, n, 0) < 0) {
		close(t->sock);
		t->sock = -1;
		return;
	}
	ev_io_init(&t->readable, on_readable, t->sock, EV_READ);
	t->readable.data = t;
	ev_io_start(t->loop, &t->readable);
}

static void stop_listening(struct track_processes *t)
{
	char request[PROCESS_EVENT_REQUEST_MAX];

	ev_timer_stop(t->loop, &t->poll);
	ev_timer_stop(t->loop, &t->recount);
	if (t->sock < 0)
		return;
	/* Kernels before 6.6 count listeners, and would go on for one that has closed its socket. */
	if (send(t->sock, request, process_event_request(request, false), 0) < 0)
		log_debug("vrrp_track_process: the kernel goes on telling: %s", strerror(errno));
	ev_io_stop(t->loop, &t->readable);
	close(t->sock);
	t->sock = -1;
}

/* Life */

static const struct counted *find(const struct counted *list, uint32_t n, uint64_t id)
{
	for (uint32_t i = 0; i < n; i++)
		if (list[i].id == id)
			return &list[i];
	return NULL;
}

static void restore(struct counted *k, const struct counted *former, const struct store *s)
{
	struct msg known;

	process_quorum_init(&k->q);
	if (former)
		k->q = former->q;
	else if (store_get(s, MSG_TRACK_STATE, k->id, &known))
		k->q = (struct process_quorum){
			.known = true, .up = known.track_state.up, .at_us = USEC_NEVER};
}

static void stop_all(struct track_processes *t, struct counted *list, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		ev_timer_stop(t->loop, &list[i].timer);
	free(list);
}

void track_processes_commit(struct track_processes *t, const struct model *m,
			    const struct store *s)
{
	struct counted *former = t->list;
	uint32_t n_former = t->n;

	forget_all(t);
	t->list = must(calloc(m->n_processes + 1, sizeof(*t->list)));
	t->n = m->n_processes;
	for (uint32_t i = 0; i < t->n; i++) {
		struct counted *k = &t->list[i];

		*k = (struct counted){
			.conf = &m->processes[i], .id = m->processes[i].id, .owner = t};
		ev_init(&k->timer, on_timer);
		k->timer.data = k;
		restore(k, find(former, n_former, k->id), s);
	}
	stop_all(t, former, n_former);
	if (!t->n)
		stop_listening(t);
	else if (t->sock < 0 && !ev_is_active(&t->poll))
		listen_to_kernel(t);
	size_buffer(t, m->global);
	if (t->n)
		count_all(t);
}

int track_processes_new(struct ev_loop *loop,
			void (*tell_fn)(void *ctx, const struct msg_track_state *state), void *ctx,
			struct track_processes **ret)
{
	struct track_processes *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	*t = (struct track_processes){.loop = loop, .tell = tell_fn, .ctx = ctx, .sock = -1};
	t->lost = (struct log_limit){.interval_us = 60 * USEC_PER_SEC, .burst = 1};
	ev_timer_init(&t->poll, on_poll, POLL_S, POLL_S);
	t->poll.data = t;
	ev_init(&t->recount, on_recount);
	t->recount.data = t;
	*ret = t;
	return 0;
}

void track_processes_free(struct track_processes *t)
{
	if (!t)
		return;
	stop_listening(t);
	forget_all(t);
	stop_all(t, t->list, t->n);
	free(t);
}
