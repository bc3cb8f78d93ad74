/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a new FIFO is: see fifo_owner.h. */
#include "core/fifo_owner.h"

#include "core/log.h"
#include "core/model.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static int give(int fd, const struct notify_fifo *conf, struct text *ret_why)
{
	const struct passwd *user = conf->user[0] ? getpwnam(conf->user) : NULL;
	const struct group *group = conf->group[0] ? getgrnam(conf->group) : NULL;
	uid_t uid = user ? user->pw_uid : (uid_t)-1;
	gid_t gid = group ? group->gr_gid : user ? user->pw_gid : (gid_t)-1;

	if ((conf->user[0] && !user) || (conf->group[0] && !group)) {
		text_set(ret_why, "there is no %s %s", conf->user[0] && !user ? "user" : "group",
			 conf->user[0] && !user ? conf->user : conf->group);
		return -ENOENT;
	}
	if (user && fchown(fd, uid, gid) < 0) {
		text_set(ret_why, "can't be given to %s: %s", conf->user, strerror(errno));
		return -errno;
	}
	return 0;
}

/* It must not keep the roles' sockets open when tandemd dies: so they learn of that. */
static void __attribute__((noreturn)) child(int fd, const struct notify_fifo *conf)
{
	struct text why;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (give(fd, conf, &why) < 0)
		log_error("%s: %s: it stays root's", conf->path, why.s);
	_exit(0);
}

pid_t fifo_owner_set(int fd, const struct notify_fifo *conf)
{
	sigset_t all, before;
	pid_t pid;

	/* The signals are the loop's, and so is what its handlers write to. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		child(fd, conf);
	if (pid < 0)
		pid = -errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}
