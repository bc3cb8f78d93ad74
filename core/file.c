/* SPDX-License-Identifier: Apache-2.0 */
/* Small files: see file.h. */
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_AT_ONCE 65536

int file_write_all(int fd, const void *bytes, size_t n)
{
	const char *at = bytes;

	while (n) {
		ssize_t done = write(fd, at, n);

		if (done < 0)
			return -errno;
		at += done;
		n -= (size_t)done;
	}
	return 0;
}

/* The renaming itself. */
static int sync_directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[512];
	int fd, err = 0;

	snprintf(dir, sizeof(dir), "%.*s", slash && slash > path ? (int)(slash - path) : 1,
		 slash ? path : ".");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int replace(const char *path, const void *bytes, size_t n, mode_t mode, bool synced)
{
	char side[512];
	int fd, err;

	if (snprintf(side, sizeof(side), "%s.new", path) >= (int)sizeof(side))
		return -ENAMETOOLONG;
	unlink(side);
	fd = open(side, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	err = file_write_all(fd, bytes, n);
	if (!err && synced && fsync(fd) < 0)
		err = -errno;
	close(fd);
	if (!err && rename(side, path) < 0)
		err = -errno;
	if (err)
		unlink(side);
	return err || !synced ? err : sync_directory_of(path);
}

int file_replace(const char *path, const void *bytes, size_t n, mode_t mode)
{
	return replace(path, bytes, n, mode, false);
}

int file_replace_synced(const char *path, const void *bytes, size_t n, mode_t mode)
{
	return replace(path, bytes, n, mode, true);
}

static int read_all(int fd, size_t max, char **ret_bytes, size_t *ret_n)
{
	char *bytes = NULL;
	size_t n = 0;

	for (;;) {
		char *more = realloc(bytes, n + READ_AT_ONCE + 1);
		ssize_t got;

		if (!more) {
			free(bytes);
			return -ENOMEM;
		}
		bytes = more;
		got = read(fd, bytes + n, READ_AT_ONCE);
		if (got < 0 || n + (size_t)got > max) {
			int err = got < 0 ? -errno : -EFBIG;

			free(bytes);
			return err;
		}
		n += (size_t)got;
		bytes[n] = 0;
		if (got == 0)
			break;
	}
	*ret_bytes = bytes;
	*ret_n = n;
	return 0;
}

int file_read(const char *path, size_t max, char **ret_bytes, size_t *ret_n)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = read_all(fd, max, ret_bytes, ret_n);
	close(fd);
	return err;
}
