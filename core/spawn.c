/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a role's program: see spawn.h. */
#include "core/spawn.h"

#include "core/log.h"
#include "core/role.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define FD_FAILURE (ROLE_FD_MEMORY + 1)
#define FD_HIGH	   20 /* above all descriptors with a fixed number */
#define SOCKET_BYTES (1 << 20) /* some thousand messages */

const struct role_desc role_descs[ROLE_COUNT] = {
	{ROLE_VRRP,
	 "tandem-vrrp",
	 "tandem",
	 {CAP_NET_RAW, CAP_NET_ADMIN, -1},
	 -15,
	 true,
	 "vrrp stand-by"},
	{ROLE_CHECK, "tandem-check", "tandem-check", {CAP_NET_RAW, -1}, 0, false, NULL},
	{ROLE_SYNC, "tandem-sync", "tandem", {CAP_NET_RAW, CAP_NET_ADMIN, -1}, -5, false, NULL},
	{ROLE_IPVS, "tandem-ipvs", "tandem", {CAP_NET_ADMIN, -1}, -5, false, NULL},
};

/* What the child was doing when it failed. */
enum step {
	STEP_DESCRIPTORS,
	STEP_USER,
	STEP_CAPABILITIES,
	STEP_EXEC,
};

static const char *const step_words[] = {
	[STEP_DESCRIPTORS] = "can't set up its descriptors",
	[STEP_USER] = "can't become its user",
	[STEP_CAPABILITIES] = "can't take its capabilities",
	[STEP_EXEC] = "can't execute its program",
};

struct failure {
	int step;
	int err;
};

/* Everything that the child needs, made before the fork. */
struct plan {
	const struct role_desc *desc;
	const struct spawn_options *options;
	char lock_path[256];
	char memory_path[256];
	char program[512];
	char **environment;
	uid_t uid; /* 0: stays root */
	gid_t gid;
	int sock;
	int failure;
};

const char *spawn_lock_path(const struct role_desc *desc, const char *run_dir, char *path,
			    size_t size)
{
	snprintf(path, size, "%s/%s.lock", run_dir, role_name(desc->id));
	return path;
}

/*
 * Without its user a role still serves, as root without root's capabilities: said once. Asked once,
 * too: a role that died must not wait for a directory on the network.
 */
static void look_up_user(struct plan *p)
{
	static struct {
		unsigned asked; /* roles */
		uid_t uid[ROLE_COUNT];
		gid_t gid[ROLE_COUNT];
	} known;
	const size_t i = (size_t)(p->desc - role_descs);

	if (!(known.asked & p->desc->id)) {
		const struct passwd *pw = getpwnam(p->desc->user);

		known.asked |= p->desc->id;
		known.uid[i] = pw ? pw->pw_uid : 0;
		known.gid[i] = pw ? pw->pw_gid : 0;
		if (!pw)
			log_warning("%s: no user %s: runs as root, with the capabilities it needs "
				    "only (systemd-sysusers makes the user)",
				    role_name(p->desc->id), p->desc->user);
	}
	p->uid = known.uid[i];
	p->gid = known.gid[i];
}

/* All but what the service manager tells the supervisor alone. NULL: no memory. */
static char **role_environment(void)
{
	static const char *const ours[] = {"NOTIFY_SOCKET=", "WATCHDOG_USEC="};
	size_t n = 0;
	char **kept;

	while (environ[n])
		n++;
	kept = calloc(n + 1, sizeof(*kept));
	n = 0;
	for (char **at = environ; kept && *at; at++)
		if (strncmp(*at, ours[0], strlen(ours[0])) != 0 &&
		    strncmp(*at, ours[1], strlen(ours[1])) != 0)
			kept[n++] = *at;
	return kept;
}

const char *spawn_program_path(const char *program, char *path, size_t size)
{
	const char *dir = getenv("TANDEM_LIBEXECDIR");

	snprintf(path, size, "%s/%s", dir ? dir : TANDEM_LIBEXECDIR, program);
	return path;
}

static void make_plan(struct plan *p, const struct role_desc *desc, const struct spawn_options *o)
{
	*p = (struct plan){.desc = desc, .options = o};
	spawn_lock_path(desc, o->run_dir, p->lock_path, sizeof(p->lock_path));
	snprintf(p->memory_path, sizeof(p->memory_path), "%s/%s.memory", o->run_dir,
		 role_name(desc->id));
	spawn_program_path(desc->program, p->program, sizeof(p->program));
	look_up_user(p);
}

/* In the child. The lock's file is opened once: closing any other descriptor of the file would give
 * up the lock that the role will take. */
static int set_descriptors(const struct plan *p, int *ret_failure)
{
	int sock = fcntl(p->sock, F_DUPFD, FD_HIGH);
	int failure = fcntl(p->failure, F_DUPFD_CLOEXEC, FD_HIGH);
	int null = open("/dev/null", O_RDONLY);
	int lock;

	if (sock < 0 || failure < 0 || null < 0)
		return -errno;
	*ret_failure = failure;
	if (dup2(null, STDIN_FILENO) < 0 || dup2(sock, ROLE_FD_CONTROL) < 0 ||
	    dup3(failure, FD_FAILURE, O_CLOEXEC) < 0)
		return -errno;
	*ret_failure = FD_FAILURE;
	lock = open(p->lock_path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (lock < 0 || dup2(lock, ROLE_FD_LOCK) < 0)
		return -errno;
	if (lock != ROLE_FD_LOCK)
		close(lock);
	close(ROLE_FD_MEMORY);
	if (p->desc->memory) {
		int memory = open(p->memory_path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);

		if (memory < 0 || dup2(memory, ROLE_FD_MEMORY) < 0)
			return -errno;
		if (memory != ROLE_FD_MEMORY)
			close(memory);
	}
	return close_range(FD_FAILURE + 1, ~0U, 0) < 0 ? -errno : 0;
}

static void choose_capabilities(const struct plan *p)
{
	const capng_type_t sets = CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE |
				  CAPNG_BOUNDING_SET | CAPNG_AMBIENT;

	capng_clear(CAPNG_SELECT_ALL);
	for (int i = 0; i < ROLE_CAPS_MAX && p->desc->caps[i] >= 0; i++)
		capng_update(CAPNG_ADD, sets, (unsigned)p->desc->caps[i]);
	if (p->options->no_swap)
		capng_update(CAPNG_ADD, sets, CAP_IPC_LOCK);
}

/* The kernel clears the ambient set when root becomes a user, so it is set after that. */
static int become_user(const struct plan *p)
{
	if (!p->uid)
		return 0;
	if (capng_change_id((int)p->uid, (int)p->gid, CAPNG_CLEAR_BOUNDING | CAPNG_DROP_SUPP_GRP) <
	    0)
		return errno ? -errno : -EPERM;
	return 0;
}

static int take_capabilities(const struct plan *p)
{
	if (capng_apply(p->uid ? CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT : CAPNG_SELECT_ALL) < 0)
		return errno ? -errno : -EPERM;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static void run_program(const struct plan *p)
{
	const char *argv[8];
	int n = 0;

	argv[n++] = p->desc->program;
	argv[n++] = "--run-dir";
	argv[n++] = p->options->run_dir;
	if (p->options->log_console)
		argv[n++] = "--log-console";
	if (p->options->log_detail)
		argv[n++] = "--debug";
	argv[n] = NULL;
	execve(p->program, (char *const *)argv, p->environment);
}

/* None of the supervisor's handlers may run here: its memory is shared. */
static void reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Returns only when something failed. */
static struct failure child_run(const struct plan *p, int *ret_failure)
{
	struct failure f = {.step = STEP_DESCRIPTORS};

	f.err = set_descriptors(p, ret_failure);
	if (f.err)
		return f;
	choose_capabilities(p);
	setpriority(PRIO_PROCESS, 0, p->desc->nice); /* a container may forbid it: then not */
	f = (struct failure){STEP_USER, become_user(p)};
	if (f.err)
		return f;
	f = (struct failure){STEP_CAPABILITIES, take_capabilities(p)};
	if (f.err)
		return f;
	reset_signals();
	run_program(p);
	return (struct failure){STEP_EXEC, -errno};
}

static void __attribute__((noreturn)) child_main(const struct plan *p)
{
	int failure = p->failure;
	struct failure f = child_run(p, &failure);

	if (write(failure, &f, sizeof(f)) != (ssize_t)sizeof(f))
		_exit(EXIT_FAILURE);
	_exit(EXIT_FAILURE);
}

/*
 * The child works in the supervisor's memory, which waits meanwhile. A copy of it, though never
 * used, would cost a page fault for each page that the supervisor writes to next, thousands with a
 * big model. Signals are held back so that none of the supervisor's handlers runs in the child.
 */
static pid_t fork_child(const struct plan *p)
{
	void *capabilities = capng_save_state(); /* the library remembers whose they are */
	sigset_t all, former;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &former);
	pid = vfork();
	if (pid == 0)
		child_main(p);
	sigprocmask(SIG_SETMASK, &former, NULL);
	capng_restore_state(&capabilities);
	return pid < 0 ? -errno : pid;
}

/* A role must not wait for the supervisor to read what it has to say before it goes on: what is in
 * the socket outlives it. Without CAP_NET_ADMIN the system's limit holds. */
static void widen(int sock)
{
	int bytes = SOCKET_BYTES;

	if (setsockopt(sock, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

int spawn_role(const struct role_desc *desc, const struct spawn_options *o,
	       struct spawn_result *ret)
{
	int socks[2], failure[2];
	struct plan p;
	pid_t pid;

	make_plan(&p, desc, o);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, socks) < 0)
		return -errno;
	if (pipe2(failure, O_CLOEXEC | O_NONBLOCK) < 0) {
		int err = -errno;

		close(socks[0]);
		close(socks[1]);
		return err;
	}
	widen(socks[1]);
	p.sock = socks[1];
	p.failure = failure[1];
	p.environment = role_environment();
	pid = p.environment ? fork_child(&p) : -ENOMEM;
	free(p.environment);
	close(socks[1]);
	close(failure[1]);
	if (pid < 0) {
		close(socks[0]);
		close(failure[0]);
		return pid;
	}
	*ret = (struct spawn_result){.pid = pid, .sock = socks[0], .failure = failure[0]};
	return 0;
}

bool spawn_failure(int failure, struct text *ret_reason)
{
	struct failure f;
	bool failed = read(failure, &f, sizeof(f)) == (ssize_t)sizeof(f);

	close(failure);
	if (failed)
		text_set(ret_reason, "%s: %s", step_words[f.step], strerror(-f.err));
	return failed;
}
