/* SPDX-License-Identifier: Apache-2.0 */
/* What every role program has in common: see role.h. */
#include "core/role.h"

#include "core/arena.h"
#include "core/clock.h"
#include "core/link.h"
#include "core/log.h"
#include "core/msg_schema.h"
#include "core/program.h"
#include "core/room.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ORPHAN_STOP_US (10 * USEC_PER_SEC)
#define FLUSH_PATIENCE_MS 1000

/* One model and the memory it lives in. */
struct generation {
	struct arena *arena;
	const struct model *model;
	uint64_t hash;
	size_t image_bytes;
};

static struct role {
	const struct role_ops *ops;
	void *ctx;
	struct ev_loop *loop;
	const char *run_dir;
	uint64_t program; /* what we were started from: the file may be replaced while we run */
	struct link supervisor;
	struct link peers[4]; /* VRRP, CHECK, IPVS, SYNC */
	struct generation running;
	struct generation prepared;
	bool stopping;
	ev_timer adopt_timer;
	ev_timer stop_timer;
	struct room room;
	ev_signal terminate;
} role = { .run_dir = "." };

static void generation_free(struct generation *g)
{
	arena_free(g->arena);
	*g = (struct generation){ 0 };
}

static struct link *peer_link(enum role_id id)
{
	switch ((unsigned)id) {
	case ROLE_VRRP:
		return &role.peers[0];
	case ROLE_CHECK:
		return &role.peers[1];
	case ROLE_IPVS:
		return &role.peers[2];
	case ROLE_SYNC:
		return &role.peers[3];
	}
	return &role.supervisor;
}

/* The limit is the soft one, which can be raised again: SIGXCPU ends the process at it. */
void role_tune(const struct tuning *t)
{
	struct rlimit limit;

	prctl(PR_SET_NAME, t->name[0] ? t->name : program_invocation_short_name);
	if (getrlimit(RLIMIT_RTTIME, &limit) == 0) {
		limit.rlim_cur = t->rttime_us ? t->rttime_us : limit.rlim_max;
		if (setrlimit(RLIMIT_RTTIME, &limit) < 0)
			log_warning("real-time CPU time can't be limited to %u us: %s",
				    t->rttime_us, strerror(errno));
	}
	if (t->no_swap && mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		log_warning("memory can't be locked: %s", strerror(errno));
	else if (!t->no_swap)
		munlockall();
}

const char *role_run_dir(void)
{
	return role.run_dir;
}

void role_send(enum role_id to, const struct msg *m)
{
	if (msg_allowed(m->type, role.ops->id, to))
		link_send(peer_link(to), m, -1);
}

void role_flush(enum role_id to)
{
	link_flush_wait(peer_link(to), FLUSH_PATIENCE_MS);
}

void role_stopped(void)
{
	ev_break(role.loop, EVBREAK_ALL);
}

static void on_stop_deadline(struct ev_loop *loop, ev_timer *w, int events)
{
	role_stopped();
}

static void stop_by(int64_t deadline_us)
{
	double left_s = (double)(deadline_us - clock_now_us()) / USEC_PER_SEC;

	if (role.stopping)
		return;
	role.stopping = true;
	ev_timer_init(&role.stop_timer, on_stop_deadline, left_s > 0 ? left_s : 0, 0);
	ev_timer_start(role.loop, &role.stop_timer);
	role.ops->stop(role.ctx, deadline_us);
}

static void say_prepared(uint64_t generation, int err, const struct text *reason)
{
	struct msg m = { .type = MSG_PREPARED,
			 .prepared = { .generation = generation, .error = err, .reason = *reason } };

	role_send(ROLE_SUPERVISOR, &m);
}

static int load_image(int fd, struct generation *g)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -EBADF;
	g->image_bytes = (size_t)st.st_size;
	if (role.ops->without_services)
		return model_image_load_instances(fd, g->arena, &g->model);
	return model_image_load(fd, g->arena, &g->model);
}

static int load_prepared(const struct msg_prepare *offer, int fd, struct text *ret_reason)
{
	struct generation *g = &role.prepared;
	int err;

	g->arena = arena_new();
	if (role.ops->id == ROLE_VRRP)
		arena_wipe_at_end(g->arena); /* keys of auth_hmac */
	g->hash = offer->model_hash;
	err = load_image(fd, g);
	if (err) {
		text_set(ret_reason, "the model's image can't be read: %s", strerror(-err));
		return err;
	}
	return role.ops->prepare(role.ctx, g->model, ret_reason);
}

static void forget_prepared(void)
{
	if (role.prepared.model && role.ops->abort)
		role.ops->abort(role.ctx);
	generation_free(&role.prepared);
}

static void on_prepare(const struct msg_prepare *offer, int fd)
{
	struct text reason = { "" };
	int err;

	forget_prepared();
	err = load_prepared(offer, fd, &reason);
	if (err)
		generation_free(&role.prepared);
	say_prepared(offer->generation, err, &reason);
}

/* Waits for a former incarnation that is being killed; the supervisor's deadline bounds it. */
static void take_lock(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (fcntl(ROLE_FD_LOCK, F_SETLKW, &lock) < 0)
		log_warning("can't lock %s.lock: %s: a new supervisor would not find us",
			    role_name(role.ops->id), strerror(errno));
}

static void on_commit(uint64_t generation)
{
	struct msg m = { .type = MSG_COMMITTED, .generation = { generation } };
	struct generation former = role.running;

	if (!role.prepared.model || role.prepared.model->generation != generation) {
		log_error("commit of generation %llu, which was not prepared: ignored",
			  (unsigned long long)generation);
		return;
	}
	if (!role.running.model)
		take_lock();
	role.running = role.prepared;
	role.prepared = (struct generation){ 0 };
	role.ops->commit(role.ctx, role.running.model);
	generation_free(&former);
	if (!role.ops->without_services)
		room_want(&role.room,
			  arena_bytes(role.running.arena) + role.running.image_bytes);
	role_send(ROLE_SUPERVISOR, &m);
}

static void on_peer_message(struct link *l, const struct msg *m, int fd)
{
	if (fd >= 0)
		close(fd);
	if (msg_allowed(m->type, l->peer, role.ops->id))
		role.ops->receive(role.ctx, l->peer, m);
}

/* A new link follows when the peer is back. */
static void on_peer_lost(struct link *l, int err)
{
	link_close(l);
}

static const struct link_ops peer_ops = { on_peer_message, on_peer_lost };

static void on_link(const struct msg_link *m, int fd)
{
	enum role_id peer = (enum role_id)m->peer;
	struct link *l = peer_link(peer);

	if (fd < 0 || l == &role.supervisor || peer == role.ops->id) {
		if (fd >= 0)
			close(fd);
		return;
	}
	link_close(l);
	link_open(l, role.loop, fd, peer, &peer_ops, NULL);
	if (role.running.model)
		role.ops->report(role.ctx, peer);
}

static void on_report(const struct msg_report *m)
{
	struct msg done = { .type = MSG_REPORTED, .report = *m };

	if (role.running.model)
		role.ops->report(role.ctx, ROLE_SUPERVISOR);
	role_send(ROLE_SUPERVISOR, &done);
}

static void on_ping(const struct msg_report *m)
{
	struct msg pong = { .type = MSG_PONG, .report = *m };

	role_send(ROLE_SUPERVISOR, &pong);
}

static void on_supervisor_message(struct link *l, const struct msg *m, int fd)
{
	if (m->type == MSG_LINK && msg_allowed(m->type, ROLE_SUPERVISOR, role.ops->id)) {
		on_link(&m->link, fd);
		return;
	}
	if (m->type == MSG_PREPARE)
		on_prepare(&m->prepare, fd);
	else if (m->type == MSG_COMMIT)
		on_commit(m->generation.generation);
	else if (m->type == MSG_ABORT)
		forget_prepared();
	else if (m->type == MSG_REPORT)
		on_report(&m->report);
	else if (m->type == MSG_PING)
		on_ping(&m->report);
	else if (m->type == MSG_STOP)
		stop_by(m->stop.deadline_us);
	else if (msg_allowed(m->type, ROLE_SUPERVISOR, role.ops->id))
		role.ops->receive(role.ctx, ROLE_SUPERVISOR, m);
	if (fd >= 0)
		close(fd);
}

static void on_supervisor_lost(struct link *l, int err)
{
	link_close(l);
	forget_prepared();
	if (role.stopping)
		return;
	if (!role.running.model) {
		role_stopped();
		return;
	}
	log_warning("the supervisor is gone: serving on without it");
	ev_timer_again(role.loop, &role.adopt_timer);
}

static const struct link_ops supervisor_ops = { on_supervisor_message, on_supervisor_lost };

static void say_hello(void)
{
	struct msg m = { .type = MSG_HELLO,
			 .hello = { .role = role.ops->id,
				    .pid = (uint32_t)getpid(),
				    .model_hash = role.running.hash,
				    .messages = msg_schema_hash(),
				    .program = role.program } };

	if (role.running.model)
		m.hello.generation = role.running.model->generation;
	text_set(&m.hello.version, "%s", PACKAGE_VERSION);
	role_send(ROLE_SUPERVISOR, &m);
}

static void connect_supervisor(int sock)
{
	link_open(&role.supervisor, role.loop, sock, ROLE_SUPERVISOR, &supervisor_ops, NULL);
	say_hello();
}

static void on_adopt_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/" ROLE_ADOPT_SOCKET, role.run_dir);
	if (sock < 0 || connect(sock, (struct sockaddr *)&at, sizeof(at)) < 0) {
		if (sock >= 0)
			close(sock);
		return;
	}
	ev_timer_stop(loop, w);
	log_notice("a new supervisor is there");
	connect_supervisor(sock);
	if (role.running.model)
		role.ops->report(role.ctx, ROLE_SUPERVISOR);
}

/* A supervised role is stopped by its supervisor: a stray signal is a death like any other, and
 * the next incarnation resumes. An orphan has nobody else to end it in order. */
static void on_terminate(struct ev_loop *loop, ev_signal *w, int events)
{
	if (link_is_open(&role.supervisor))
		_exit(0);
	stop_by(clock_now_us() + ORPHAN_STOP_US);
}

static void setup_signals(void)
{
	static const int ignored[] = { SIGINT, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2 };

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	ev_signal_init(&role.terminate, on_terminate, SIGTERM);
	ev_signal_start(role.loop, &role.terminate);
	ev_unref(role.loop);
}

static int parse_options(int argc, char **argv, bool *ret_console, enum log_level *ret_least)
{
	static const struct option options[] = {
		{ "run-dir", required_argument, NULL, 'r' },
		{ "log-console", no_argument, NULL, 'l' },
		{ "debug", no_argument, NULL, 'd' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "r:ld", options, NULL)) != -1) {
		if (c == 'r')
			role.run_dir = optarg;
		else if (c == 'l')
			*ret_console = true;
		else if (c == 'd')
			*ret_least = LOG_LEVEL_DEBUG;
		else
			return -EINVAL;
	}
	return 0;
}

static bool started_by_supervisor(void)
{
	int type = 0;
	socklen_t size = sizeof(type);

	return getsockopt(ROLE_FD_CONTROL, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
	       type == SOCK_SEQPACKET;
}

int role_main(int argc, char **argv, const struct role_ops *ops, void *ctx)
{
	enum log_level least = LOG_LEVEL_INFO;
	bool console = false;
	int err;

	if (parse_options(argc, argv, &console, &least) < 0)
		return EXIT_FAILURE;
	if (!started_by_supervisor()) {
		fprintf(stderr, "%s is started by tandemd, not by hand\n", ops->program);
		return EXIT_FAILURE;
	}
	arena_keep_memory();
	log_open(ops->program, console, least);
	role.ops = ops;
	role.program = program_identity("/proc/self/exe");
	role.ctx = ctx;
	role.loop = ev_default_loop(EVFLAG_NOSIGMASK);
	setup_signals();
	room_init(&role.room, role.loop);
	ev_timer_init(&role.adopt_timer, on_adopt_timer, 0,
		      (double)ROLE_ADOPT_INTERVAL_US / USEC_PER_SEC);
	err = ops->init(ctx, role.loop);
	if (err) {
		log_error("can't start: %s", strerror(-err));
		return EXIT_FAILURE;
	}
	connect_supervisor(ROLE_FD_CONTROL);
	ev_run(role.loop, 0);
	link_flush(&role.supervisor);
	return EXIT_SUCCESS;
}
