/* SPDX-License-Identifier: Apache-2.0 */
/* The secret that the configuration names: see key.h. */
#include "sync/key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SECRET_MAX 4096

static ssize_t read_file(const char *path, uint8_t *bytes, struct text *ret_reason)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n = fd < 0 ? -1 : read(fd, bytes, SECRET_MAX);
	int err = -errno;

	if (fd >= 0)
		close(fd);
	if (n < 0) {
		text_set(ret_reason, "key file %s can't be read by user tandem: %s", path,
			 strerror(-err));
		return err;
	}
	while (n && (bytes[n - 1] == '\n' || bytes[n - 1] == '\r'))
		n--;
	return n;
}

/* The checker has seen to it that these are digits. */
static ssize_t read_hex(const char *digits, uint8_t *bytes)
{
	size_t n = 0;

	while (n < SYNC_KEY_LEN && sscanf(digits + 2 * n, "%2hhx", &bytes[n]) == 1)
		n++;
	return (ssize_t)n;
}

int sync_key_load(const char *spec, struct sync_key *ret, struct text *ret_reason)
{
	uint8_t secret[SECRET_MAX];
	ssize_t n;
	int err;

	n = strncmp(spec, "file:", 5) == 0 ? read_file(spec + 5, secret, ret_reason)
					    : read_hex(spec + 4, secret);
	if (n < 0)
		return (int)n;
	err = sync_psk_from_secret(secret, (size_t)n, ret);
	if (err)
		text_set(ret_reason, "the key has %zd bytes, fewer than 16", n);
	sync_wipe(secret, sizeof(secret));
	return err;
}
