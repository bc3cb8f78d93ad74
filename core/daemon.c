/* SPDX-License-Identifier: Apache-2.0 */
/* Being a daemon: see daemon.h. */
#include "core/daemon.h"

#include "core/file.h"
#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_run_dir(const char *path)
{
	char part[256];
	size_t n = strlen(path);
	mode_t former;
	int err = 0;

	if (n >= sizeof(part))
		return -ENAMETOOLONG;
	former = umask(022); /* whatever ours is: the roles' users look for adopt.sock there */
	for (size_t i = 1; i <= n && !err; i++) {
		if (path[i] != '/' && path[i] != 0)
			continue;
		memcpy(part, path, i);
		part[i] = 0;
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			err = -errno;
	}
	umask(former);
	if (err)
		return err;
	return access(path, W_OK) < 0 ? -errno : 0;
}

static int lock_pid_file(const char *path, pid_t *ret_other)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_SETLK, &lock) < 0) {
		*ret_other = fcntl(fd, F_GETLK, &lock) == 0 ? lock.l_pid : 0;
		close(fd);
		return -EEXIST;
	}
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

/* A descriptor, or -errno after saying why. */
static int own_file(const char *path)
{
	pid_t other = 0;
	int fd = lock_pid_file(path, &other);

	if (fd == -EEXIST)
		log_error("%s: process %d is already running here", path, (int)other);
	else if (fd < 0)
		log_error("%s: can't be written: %s", path, strerror(-fd));
	return fd;
}

int daemon_own(const char *run_dir, const char *pid_file, struct daemon_place *ret)
{
	char lock_path[256];
	int err = make_run_dir(run_dir);

	*ret = (struct daemon_place){.lock = -1, .pid = -1};
	if (err) {
		log_error("%s: can't be used as run directory: %s", run_dir, strerror(-err));
		return err;
	}
	snprintf(lock_path, sizeof(lock_path), "%s/tandemd.lock", run_dir);
	if (pid_file)
		snprintf(ret->pid_path, sizeof(ret->pid_path), "%s", pid_file);
	else
		snprintf(ret->pid_path, sizeof(ret->pid_path), "%s/tandemd.pid", run_dir);
	ret->lock = own_file(lock_path);
	if (ret->lock < 0)
		return ret->lock;
	ret->pid = own_file(ret->pid_path);
	return ret->pid < 0 ? ret->pid : 0;
}

void daemon_disown(const struct daemon_place *own)
{
	if (own->pid >= 0) {
		unlink(own->pid_path);
		close(own->pid);
	}
	if (own->lock >= 0)
		close(own->lock);
}

void daemon_write_pid(const char *path, pid_t pid)
{
	char text[16];

	if (!path)
		return;
	if (pid)
		file_replace(path, text, (size_t)snprintf(text, sizeof(text), "%d\n", (int)pid),
			     0644);
	else
		unlink(path);
}

static void __attribute__((noreturn)) wait_for_child(int fd)
{
	unsigned char status = EXIT_FAILURE;

	if (read(fd, &status, 1) != 1)
		status = EXIT_FAILURE;
	_exit(status);
}

int daemon_fork(int *ret_parent)
{
	int fds[2], null;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0) {
		close(fds[1]);
		wait_for_child(fds[0]);
	}
	close(fds[0]);
	setsid();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		return -errno;
	*ret_parent = fds[1];
	return 0;
}

void daemon_tell_parent(int parent, int status)
{
	unsigned char byte = (unsigned char)status;
	int null;

	if (parent < 0)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (write(parent, &byte, 1) != 1)
		byte = 0;
	close(parent);
	if (null >= 0) {
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		close(null);
	}
}
