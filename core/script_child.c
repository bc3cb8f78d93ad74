/* SPDX-License-Identifier: Apache-2.0 */
/* A script's process, between fork and exec: see script_child.h. */
#include "core/script_child.h"

#include "core/arena.h"
#include "core/command.h"
#include "core/scripts.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Statuses of a child that did not come to exec: after its reason, or without. */
#define EXIT_NOT_RUN  127
#define EXIT_NOT_TOLD 126

static void __attribute__((noreturn)) give_up(int why, const struct text *reason)
{
	if (write(why, reason->s, strlen(reason->s)) < 0)
		_exit(EXIT_NOT_TOLD);
	_exit(EXIT_NOT_RUN);
}

struct account {
	uid_t uid;
	gid_t gid;
	const char *name; /* whose supplementary groups to take; NULL: none */
	bool change;	  /* else: stay who we are */
};

static int find_account(const struct script_identity *who, struct account *ret, struct text *reason)
{
	const char *name = who->user[0] ? who->user : SCRIPT_DEFAULT_USER;
	bool supplementary = who->groups || who->group[0] == ':';
	const char *group_name = who->group + (who->group[0] == ':');
	const struct passwd *user = getpwnam(name);
	const struct group *group;

	*ret = (struct account){.uid = geteuid(), .gid = getegid()};
	if (!user && who->user[0]) {
		text_set(reason, "there is no user %s", name);
		return -ENOENT;
	}
	/* Without root's rights scripts can only run as ourselves, asked for or not. */
	if (user && (geteuid() == 0 || who->user[0]))
		*ret = (struct account){.uid = user->pw_uid,
					.gid = user->pw_gid,
					.name = supplementary ? name : NULL,
					.change = true};
	if (!group_name[0])
		return 0;
	group = getgrnam(group_name);
	if (!group) {
		text_set(reason, "there is no group %s", group_name);
		return -ENOENT;
	}
	ret->gid = group->gr_gid;
	ret->change = true;
	return 0;
}

static int set_groups(const struct account *a)
{
	return a->name ? initgroups(a->name, a->gid) : setgroups(1, &a->gid);
}

static int become(const struct account *a, struct text *reason)
{
	if (!a->change || (a->uid == geteuid() && a->gid == getegid() && a->uid != 0))
		return 0;
	if (set_groups(a) < 0 || setresgid(a->gid, a->gid, a->gid) < 0 ||
	    setresuid(a->uid, a->uid, a->uid) < 0) {
		text_set(reason, "can't become user %u, group %u: %s", a->uid, a->gid,
			 strerror(errno));
		return -errno;
	}
	return 0;
}

/* Nothing of ours may reach the script: descriptors, signal masks, systemd's sockets, terminal. */
static void shed(int input)
{
	static const char *const ours[] = {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
					   "LISTEN_PID",    "LISTEN_FDS",   "LISTEN_FDNAMES"};
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	setpgid(0, 0);
	setpriority(PRIO_PROCESS, 0, 0);
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(input >= 0 ? input : null, 0);
	for (int fd = 1; fd < 3; fd++)
		dup2(null, fd);
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		unsetenv(ours[i]);
	prctl(PR_SET_PDEATHSIG, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (chdir("/") < 0)
		return; /* not worth giving the script up */
}

static void __attribute__((noreturn))
child(char *const *argv, const struct script_identity *who, int input, int why)
{
	struct arena *arena = arena_new();
	struct text reason = {""};
	struct account account;
	const char *path;
	int err;

	shed(input);
	if (find_account(who, &account, &reason) < 0)
		give_up(why, &reason);
	path = command_find(arena, argv[0]);
	if (!path) {
		text_set(&reason, "%s is not in PATH", argv[0]);
		give_up(why, &reason);
	}
	err = who->secure ? command_check_secure(path, account.uid, account.gid, &reason) : 0;
	if (!err)
		err = become(&account, &reason);
	if (err && reason.s[0])
		give_up(why, &reason);
	if (!err) {
		execvp(path, argv);
		err = -errno;
	}
	text_set(&reason, "%s: %s", path, strerror(-err));
	give_up(why, &reason);
}

int script_child_start(char *const *argv, const struct script_identity *who, int input,
		       pid_t *ret_pid, int *ret_why)
{
	sigset_t all, before;
	int why[2], err = 0;
	pid_t pid;

	if (pipe2(why, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	/* No handler of ours may run in the child before shed() has taken them away. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		child(argv, who, input, why[1]);
	if (pid < 0)
		err = -errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(why[1]);
	if (err) {
		close(why[0]);
		return err;
	}
	*ret_pid = pid;
	*ret_why = why[0];
	return 0;
}
