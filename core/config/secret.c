/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets as they are written: see secret.h. */
#include "core/config/secret.h"

#include <string.h>

#include "core/arena.h"
#include "core/hex.h"

#define KEY_MIN 32
#define KEY_MAX 64
#define BLANK	" \t\""

static const char *hex_of_text(struct arena *arena, const char *s, size_t len)
{
	char *hex = arena_alloc(arena, 2 * len + 1);

	hex_encode(s, len, hex);
	return hex;
}

static const char *lower_hex(struct arena *arena, const char *s, size_t len)
{
	char *hex = arena_strndup(arena, s, len);

	for (char *at = hex; *at; at++)
		if (*at >= 'A' && *at <= 'F')
			*at = (char)(*at - 'A' + 'a');
	return hex;
}

const char *secret_key(struct arena *arena, const char *s, const char **ret_why)
{
	size_t len = strlen(s);

	if (!strncmp(s, "hex:", 4)) {
		s += 4;
		len -= 4;
		*ret_why = "a key in hexadecimal digits has 64 to 128 of them, two for each byte";
		if (len % 2 || len < 2 * KEY_MIN || len > 2 * KEY_MAX ||
		    strspn(s, "0123456789abcdefABCDEF") != len)
			return NULL;
		return lower_hex(arena, s, len);
	}
	*ret_why = "a key has 32 to 64 bytes";
	return len < KEY_MIN || len > KEY_MAX ? NULL : hex_of_text(arena, s, len);
}

static bool is_word(const char *at, size_t len, const char *word)
{
	return len == strlen(word) && !strncmp(at, word, len);
}

/* The number of a key, and where one is to be found, may be seen. */
static bool is_harmless(const char *at, size_t len)
{
	return (len <= 3 && strspn(at, "0123456789") >= len) || is_word(at, len, "}") ||
	       is_word(at, len, "hmac-sha256") || !strncmp(at, "file:", 5) ||
	       !strncmp(at, "credential:", 11);
}

/* What follows is a secret, whatever it looks like. */
static bool is_before_password(const char *at, size_t len)
{
	static const char *const words[] = {"auth_pass", "basic_auth", "password",
					    "tls_key_password"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (is_word(at, len, words[i]))
			return true;
	return false;
}

static bool is_secret(const struct secret_place *p, const char *at, size_t len)
{
	return !strncmp(at, "hex:", 4) || (p->key && !is_harmless(at, len)) ||
	       (p->password && !is_word(at, len, "}"));
}

static void pass_word(struct secret_place *p, const char *at, size_t len)
{
	p->key = p->key || is_word(at, len, "key");
	p->password = p->password || is_before_password(at, len);
}

void secret_mask(struct secret_place *p, char *line)
{
	size_t len;

	for (char *at = line + strspn(line, BLANK); *at; at += len + strspn(at + len, BLANK)) {
		len = strcspn(at, BLANK);
		if (is_secret(p, at, len))
			memset(at, '*', len);
		else
			pass_word(p, at, len);
	}
}

void secret_pass(struct secret_place *p, const char *line)
{
	size_t len;

	for (const char *at = line + strspn(line, BLANK); *at; at += len + strspn(at + len, BLANK)) {
		len = strcspn(at, BLANK);
		pass_word(p, at, len);
	}
}
