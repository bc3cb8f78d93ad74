/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, and what is done with them, by OpenSSL: see crypt.h. */
#include "sync/crypt.h"

#include "core/hmac.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SECRET_MIN 16
#define IV_LEN	   12

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

static void hmac(const void *key, size_t key_len, const void *bytes, size_t len, uint8_t *ret)
{
	const struct iovec all = {(void *)bytes, len};

	hmac_sha256(key, key_len, &all, 1, ret);
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
	uint8_t all[HMAC_LEN];

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
