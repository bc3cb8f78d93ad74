/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HMAC-SHA256 (RFC 2104) by OpenSSL, for the processes that authenticate what they send. Knows no
 * protocol, keeps no key.
 */
#ifndef TANDEM_HMAC_H
#define TANDEM_HMAC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define HMAC_LEN 32

/* Over the parts, one behind the other. */
void hmac_sha256(const void *key, size_t key_len, const struct iovec *parts, unsigned n_parts,
		 uint8_t ret[HMAC_LEN]);

#endif
