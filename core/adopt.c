/* SPDX-License-Identifier: Apache-2.0 */
/* Taking over living roles: see adopt.h. */
#include "core/adopt.h"

#include "core/clock.h"
#include "core/role.h"
#include "core/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A role tries every ADOPT_INTERVAL_US; one that misses so many turns hangs. It serves meanwhile: on
 * a busy machine patience costs nothing, and a role that is killed too early something. */
#define WAIT_S (50.0 * ROLE_ADOPT_INTERVAL_US / 1e6)

/* 0: nobody holds it. */
static pid_t lock_holder(const struct role_desc *desc, const char *run_dir)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[256];
	int fd = open(spawn_lock_path(desc, run_dir, path, sizeof(path)),
		      O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	bool held;

	if (fd < 0)
		return 0;
	held = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	close(fd);
	return held ? lock.l_pid : 0;
}

bool adopt_is_waiting(const struct supervisor *s)
{
	for (size_t i = 0; i < ROLE_COUNT; i++)
		if (s->adopt.expected[i])
			return true;
	return false;
}

void adopt_end(struct supervisor *s)
{
	struct adopt *a = &s->adopt;

	ev_io_stop(s->loop, &a->acceptable);
	ev_timer_stop(s->loop, &a->timer);
	if (a->sock >= 0) {
		close(a->sock);
		unlink(a->path);
	}
	a->sock = -1;
}

static bool is_ours(const struct supervisor *s, pid_t pid)
{
	for (size_t i = 0; i < ROLE_COUNT; i++)
		if (pid && s->processes[i]->pid == pid)
			return true;
	return false;
}

/* Only the holder of a role's lock is that role, whatever it says itself. */
static void take(struct supervisor *s, int sock)
{
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);

	getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &size);
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		if (!peer.pid || s->adopt.expected[i] != peer.pid)
			continue;
		s->adopt.expected[i] = 0;
		log_notice("%s: adopted as process %d", role_name(role_descs[i].id), (int)peer.pid);
		process_adopt(s->processes[i], sock, peer.pid);
		return;
	}
	/* One whose messages we do not understand comes again and again, until it is replaced. */
	if (!is_ours(s, peer.pid) && log_limit_pass(&s->adopt.strangers, clock_now_us()))
		log_warning("process %d wants to be adopted but holds no role's lock: ignored%s",
			    (int)peer.pid, log_limit_suffix(&s->adopt.strangers));
	close(sock);
}

static void on_acceptable(struct ev_loop *loop, ev_io *w, int events)
{
	struct supervisor *s = w->data;
	int sock = accept4(s->adopt.sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (sock >= 0)
		take(s, sock);
	if (adopt_is_waiting(s))
		return;
	adopt_end(s);
	supervisor_adopted(s);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct supervisor *s = w->data;

	for (size_t i = 0; i < ROLE_COUNT; i++) {
		pid_t pid = s->adopt.expected[i];

		s->adopt.expected[i] = 0;
		if (!pid)
			continue;
		log_error("%s: process %d does not answer: replaced", role_name(role_descs[i].id),
			  (int)pid);
		kill(pid, SIGKILL);
		if (s->phase != SUPERVISOR_STOPPING)
			process_start(s->processes[i]);
	}
	adopt_end(s);
	supervisor_adopted(s);
}

static int listen_for_roles(struct adopt *a)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	a->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (a->sock < 0)
		return -errno;
	memcpy(at.sun_path, a->path, sizeof(at.sun_path));
	unlink(a->path);
	/* Roles of any user connect; who they are is asked of the kernel. */
	if (bind(a->sock, (struct sockaddr *)&at, sizeof(at)) < 0 || chmod(a->path, 0666) < 0 ||
	    listen(a->sock, SOMAXCONN) < 0)
		return -errno;
	return 0;
}

unsigned adopt_begin(struct supervisor *s)
{
	struct adopt *a = &s->adopt;
	unsigned waited_for = 0;
	int err;

	*a = (struct adopt){.sock = -1};
	a->strangers = (struct log_limit){.interval_us = 60 * USEC_PER_SEC, .burst = 5};
	ev_init(&a->acceptable, on_acceptable);
	ev_init(&a->timer, on_timer);
	a->acceptable.data = s;
	a->timer.data = s;
	snprintf(a->path, sizeof(a->path), "%s/" ROLE_ADOPT_SOCKET, s->options.run_dir);
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		pid_t pid = lock_holder(&role_descs[i], s->options.run_dir);

		if (pid && !supervisor_wants(s, role_descs[i].id)) {
			kill(pid, SIGTERM); /* without a supervisor it stops in order */
		} else if (pid) {
			a->expected[i] = pid;
			waited_for |= role_descs[i].id;
		}
	}
	if (!waited_for)
		return 0;
	err = listen_for_roles(a);
	if (err)
		log_error("%s: can't listen: %s: living roles will be replaced", a->path,
			  strerror(-err));
	else {
		ev_io_set(&a->acceptable, a->sock, EV_READ);
		ev_io_start(s->loop, &a->acceptable);
	}
	ev_timer_set(&a->timer, err ? 0 : WAIT_S, 0);
	ev_timer_start(s->loop, &a->timer);
	return waited_for;
}
