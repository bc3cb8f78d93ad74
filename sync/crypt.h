/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys, and what is done with them: the only file that knows OpenSSL. Authenticated encryption with
 * a key that is set up once, HMAC-SHA256 (RFC 2104), HKDF (RFC 5869), random bytes.
 */
#ifndef TANDEM_SYNC_CRYPT_H
#define TANDEM_SYNC_CRYPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYNC_KEY_LEN 32
#define SYNC_TAG_LEN 16
#define SYNC_MAC_LEN 16

enum sync_suite {
	SYNC_SUITE_AES_256_GCM = 1,
	SYNC_SUITE_CHACHA20_POLY1305 = 2,
};
const char *sync_suite_name(enum sync_suite suite); /* NULL: there is no such suite */
/* The faster one on this processor; both are always understood. */
enum sync_suite sync_suite_preferred(void);

struct sync_key {
	uint8_t b[SYNC_KEY_LEN];
};

/* A key ready for use in one direction; NULL is not. */
struct sync_cipher;
struct sync_cipher *sync_cipher_new_seal(enum sync_suite suite, const struct sync_key *key);
struct sync_cipher *sync_cipher_new_open(enum sync_suite suite, const struct sync_key *key);
void sync_cipher_free(struct sync_cipher *c);

/* Encrypts `len` bytes in place and puts the tag behind them. No `seq` twice with the same key. */
int sync_cipher_seal(struct sync_cipher *c, uint64_t seq, const void *aad, size_t aad_len,
		     uint8_t *bytes, size_t len);
/* `len` bytes and their tag, to `ret`. 0, or -EBADMSG: forged or damaged, `ret` is of no use. */
int sync_cipher_open(struct sync_cipher *c, uint64_t seq, const void *aad, size_t aad_len,
		     const uint8_t *bytes, size_t len, uint8_t *ret);

/* What the operator's secret (a file's content) becomes. -EINVAL: shorter than 16 bytes. */
int sync_psk_from_secret(const void *secret, size_t len, struct sync_key *ret);
/* HKDF-SHA256: a key from a key and a salt, and from that one a key for one purpose. */
void sync_extract(const struct sync_key *key, const void *salt, size_t salt_len,
		  struct sync_key *ret);
void sync_expand(const struct sync_key *key, const void *info, size_t info_len,
		 struct sync_key *ret);
/* The first SYNC_MAC_LEN bytes of HMAC-SHA256. */
void sync_mac(const struct sync_key *key, const void *bytes, size_t len, uint8_t *ret);
bool sync_mac_equal(const uint8_t *a, const uint8_t *b);
void sync_wipe(void *bytes, size_t len);
/* From the system; ends the process when there is none. */
void sync_random(void *bytes, size_t len);

#endif
