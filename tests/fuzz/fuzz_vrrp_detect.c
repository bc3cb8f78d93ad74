/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a heartbeat, signed and not, and as an answer to a ping: nothing is read past the end. */
#include "core/hmac.h"
#include "vrrp/beat.h"
#include "vrrp/ping.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size ? size : 1); /* a block of its own: a read past it is seen */
	struct ping_id id = {.id = 1};
	struct beat_key key = {{0}};
	struct beat_memory m = {.own = 1};
	struct beat b;
	uint16_t seq;

	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	ping_decode(AF_INET, &id, bytes, size, &seq);
	ping_decode(AF_INET6, &id, bytes, size, &seq);
	beat_decode(bytes, size, &key, 1, &b);
	if (size >= 16) {
		struct iovec part = {bytes, size - 16};
		uint8_t tag[HMAC_LEN];

		hmac_sha256(key.b, sizeof(key.b), &part, 1, tag);
		memcpy(bytes + size - 16, tag, 16);
		if (!beat_decode(bytes, size, &key, 1, &b)) {
			if (b.n_echoes > BEAT_ECHOES_MAX || b.n_groups > BEAT_GROUPS_MAX)
				abort();
			beat_memory_take(&m, &b, 1);
		}
	}
	free(bytes);
	return 0;
}
