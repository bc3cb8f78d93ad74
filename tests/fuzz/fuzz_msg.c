/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a message of another process: nothing is read past the end, and what is accepted
 * encodes back to the same bytes. The first byte picks what they are taken for: a message, or a
 * model's image.
 */
#include "core/arena.h"
#include "core/model.h"
#include "core/msg.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_message(const uint8_t *data, size_t size)
{
	uint8_t buf[MSG_BYTES_MAX];
	struct msg m;

	if (msg_decode(data, size, &m) < 0)
		return;
	if (msg_encode(&m, buf) != size || memcmp(buf, data, size) != 0)
		abort();
}

static void try_image(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct arena *a = arena_new();
	const struct model *m;

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size &&
	    model_image_load(fd, a, &m) == 0 && !model_equal(m, m))
		abort();
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] & 1)
		try_image(data + 1, size - 1);
	else
		try_message(data + 1, size - 1);
	return 0;
}
