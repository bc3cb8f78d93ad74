/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as hex digits: see hex.h. */
#include "core/hex.h"

int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t hex_decode(const char *hex, uint8_t *buf, size_t size)
{
	size_t n;

	for (n = 0; n < size; n++) {
		int high = hex_value(hex[2 * n]);
		int low = high < 0 ? -1 : hex_value(hex[2 * n + 1]);

		if (low < 0)
			break;
		buf[n] = (uint8_t)(high << 4 | low);
	}
	return n;
}

void hex_encode(const void *bytes, size_t len, char *ret)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *b = bytes;

	for (size_t i = 0; i < len; i++) {
		*ret++ = digits[b[i] >> 4];
		*ret++ = digits[b[i] & 15];
	}
	*ret = '\0';
}
