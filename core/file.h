/* SPDX-License-Identifier: Apache-2.0 */
/* Small files, written so that a reader sees the former or the new content and nothing else. */
#ifndef TANDEM_FILE_H
#define TANDEM_FILE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Writes PATH.new and renames it to PATH; a symbolic link at either is not followed. 0 or -errno.
 * Not synced: for files that need not outlive the machine's boot.
 */
int file_replace(const char *path, const void *bytes, size_t n, mode_t mode);
/* The same, synced: what was written is there after a loss of power, or the former content is. */
int file_replace_synced(const char *path, const void *bytes, size_t n, mode_t mode);
/* However many calls of write(2) it takes. 0 or -errno. */
int file_write_all(int fd, const void *bytes, size_t n);
/* The whole of a file of at most `max` bytes; *ret_bytes is malloc'ed and has a zero behind it. */
int file_read(const char *path, size_t max, char **ret_bytes, size_t *ret_n);

#endif
