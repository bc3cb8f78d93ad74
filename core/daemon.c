/* SPDX-License-Identifier: Apache-2.0 */
/* Being a daemon: see daemon.h. */
#include "core/daemon.h"

#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int daemon_make_run_dir(const char *path)
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

int daemon_lock_pid_file(const char *path, pid_t *ret_other)
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
