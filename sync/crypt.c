/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, and what is done with them, by OpenSSL: see crypt.h. */
#include "sync/crypt.h"

#include <assert.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SECRET_MIN 16
#define IV_LEN	   12
#define HASH_LEN   32

struct sync_cipher {
	EVP_CIPHER_CTX *ctx;
};

static const EVP_CIPHER *cipher_of(enum sync_suite suite)
{
	switch (suite) {
	case SYNC_SUITE_AES_256_GCM:
		return EVP_aes_256_gcm();
	case SYNC_SUITE_CHACHA20_POLY1305:
		return EVP_chacha20_poly1305();
	}
	return NULL;
}

const char *sync_suite_name(enum sync_suite suite)
{
	switch (suite) {
	case SYNC_SUITE_AES_256_GCM:
		return "AES-256-GCM";
	case SYNC_SUITE_CHACHA20_POLY1305:
		return "ChaCha20-Poly1305";
	}
	return NULL;
}

/* Without the processor's AES instructions ChaCha20 is the faster one, and free of table lookups
 * that others could time. */
enum sync_suite sync_suite_preferred(void)
{
#ifdef __x86_64__
	return __builtin_cpu_supports("aes") ? SYNC_SUITE_AES_256_GCM
					     : SYNC_SUITE_CHACHA20_POLY1305;
#else
	return SYNC_SUITE_CHACHA20_POLY1305;
#endif
}

/* The key schedule is made once, here; a frame only brings its own nonce. */
static struct sync_cipher *cipher_new(enum sync_suite suite, const struct sync_key *key, int seal)
{
	const EVP_CIPHER *cipher = cipher_of(suite);
	struct sync_cipher *c = calloc(1, sizeof(*c));

	if (c)
		c->ctx = EVP_CIPHER_CTX_new();
	if (!c || !c->ctx || !cipher ||
	    EVP_CipherInit_ex(c->ctx, cipher, NULL, key->b, NULL, seal) != 1) {
		sync_cipher_free(c);
		return NULL;
	}
	return c;
}

struct sync_cipher *sync_cipher_new_seal(enum sync_suite suite, const struct sync_key *key)
{
	return cipher_new(suite, key, 1);
}

struct sync_cipher *sync_cipher_new_open(enum sync_suite suite, const struct sync_key *key)
{
	return cipher_new(suite, key, 0);
}

void sync_cipher_free(struct sync_cipher *c)
{
	if (!c)
		return;
	EVP_CIPHER_CTX_free(c->ctx); /* wipes the key */
	free(c);
}

static void make_iv(uint64_t seq, uint8_t *iv)
{
	memset(iv, 0, IV_LEN);
	for (int i = IV_LEN - 1; seq; i--, seq >>= 8)
		iv[i] = (uint8_t)seq;
}

int sync_cipher_seal(struct sync_cipher *c, uint64_t seq, const void *aad, size_t aad_len,
		     uint8_t *bytes, size_t len)
{
	uint8_t iv[IV_LEN];
	int n;

	make_iv(seq, iv);
	if (EVP_EncryptInit_ex(c->ctx, NULL, NULL, NULL, iv) != 1 ||
	    EVP_EncryptUpdate(c->ctx, NULL, &n, aad, (int)aad_len) != 1 ||
	    EVP_EncryptUpdate(c->ctx, bytes, &n, bytes, (int)len) != 1 ||
	    EVP_EncryptFinal_ex(c->ctx, bytes + n, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_GET_TAG, SYNC_TAG_LEN, bytes + len) != 1)
		return -EIO;
	return 0;
}

int sync_cipher_open(struct sync_cipher *c, uint64_t seq, const void *aad, size_t aad_len,
		     const uint8_t *bytes, size_t len, uint8_t *ret)
{
	uint8_t iv[IV_LEN], tag[SYNC_TAG_LEN];
	int n;

	make_iv(seq, iv);
	memcpy(tag, bytes + len, sizeof(tag));
	if (EVP_DecryptInit_ex(c->ctx, NULL, NULL, NULL, iv) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_SET_TAG, SYNC_TAG_LEN, tag) != 1 ||
	    EVP_DecryptUpdate(c->ctx, NULL, &n, aad, (int)aad_len) != 1 ||
	    EVP_DecryptUpdate(c->ctx, ret, &n, bytes, (int)len) != 1 ||
	    EVP_DecryptFinal_ex(c->ctx, ret + n, &n) != 1)
		return -EBADMSG;
	return 0;
}

/* To look an algorithm up by its name costs ten times what the algorithm itself does: once. */
static EVP_MAC_CTX *hmac_context(void)
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

static void hmac(const void *key, size_t key_len, const void *bytes, size_t len, uint8_t *ret)
{
	EVP_MAC_CTX *ctx = hmac_context();

	if (EVP_MAC_init(ctx, key, key_len, NULL) != 1 || EVP_MAC_update(ctx, bytes, len) != 1 ||
	    EVP_MAC_final(ctx, ret, NULL, HASH_LEN) != 1)
		abort();
}

int sync_psk_from_secret(const void *secret, size_t len, struct sync_key *ret)
{
	static const char purpose[] = "tandem sync 1";

	if (len < SECRET_MIN)
		return -EINVAL;
	hmac(purpose, sizeof(purpose) - 1, secret, len, ret->b);
	return 0;
}

/* RFC 5869 §2.2 */
void sync_extract(const struct sync_key *key, const void *salt, size_t salt_len,
		  struct sync_key *ret)
{
	hmac(salt, salt_len, key->b, sizeof(key->b), ret->b);
}

/* RFC 5869 §2.3, with one block of output. */
void sync_expand(const struct sync_key *key, const void *info, size_t info_len,
		 struct sync_key *ret)
{
	uint8_t block[64];

	assert(info_len < sizeof(block));
	memcpy(block, info, info_len);
	block[info_len] = 1;
	hmac(key->b, sizeof(key->b), block, info_len + 1, ret->b);
}

void sync_mac(const struct sync_key *key, const void *bytes, size_t len, uint8_t *ret)
{
	uint8_t all[HASH_LEN];

	hmac(key->b, sizeof(key->b), bytes, len, all);
	memcpy(ret, all, SYNC_MAC_LEN);
}

bool sync_mac_equal(const uint8_t *a, const uint8_t *b)
{
	return CRYPTO_memcmp(a, b, SYNC_MAC_LEN) == 0;
}

void sync_wipe(void *bytes, size_t len)
{
	OPENSSL_cleanse(bytes, len);
}

void sync_random(void *bytes, size_t len)
{
	uint8_t *at = bytes;

	while (len) {
		ssize_t n = getrandom(at, len, 0);

		if (n < 0 && errno != EINTR)
			abort();
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
}
