/* SPDX-License-Identifier: Apache-2.0 */
/* The secret that the configuration has, as a key: see key.h. */
#include "sync/key.h"

#include "core/hex.h"

#define SECRET_MAX 64

int sync_key_load(const char *digits, struct sync_key *ret, struct text *ret_reason)
{
	uint8_t secret[SECRET_MAX];
	size_t n = hex_decode(digits, secret, sizeof(secret));
	int err = sync_psk_from_secret(secret, n, ret);

	if (err)
		text_set(ret_reason, "the key has %zu bytes, fewer than 16", n);
	sync_wipe(secret, sizeof(secret));
	return err;
}
