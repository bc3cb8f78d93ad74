/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC-SHA256: see hmac.h. */
#include "core/hmac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

/* To look an algorithm up by its name costs ten times what the algorithm itself does: once. */
static EVP_MAC_CTX *context(void)
{
	static EVP_MAC_CTX *ctx;
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac;

	if (ctx)
		return ctx;
	mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
	EVP_MAC_free(mac);
	if (!ctx || EVP_MAC_CTX_set_params(ctx, params) != 1)
		abort(); /* OpenSSL without HMAC-SHA256 is of no use at all */
	return ctx;
}

void hmac_sha256(const void *key, size_t key_len, const struct iovec *parts, unsigned n_parts,
		 uint8_t ret[HMAC_LEN])
{
	EVP_MAC_CTX *ctx = context();

	if (EVP_MAC_init(ctx, key, key_len, NULL) != 1)
		abort();
	for (unsigned i = 0; i < n_parts; i++)
		if (EVP_MAC_update(ctx, parts[i].iov_base, parts[i].iov_len) != 1)
			abort();
	if (EVP_MAC_final(ctx, ret, NULL, HMAC_LEN) != 1)
		abort();
}
