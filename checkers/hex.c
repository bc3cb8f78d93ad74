/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes in hex digits: see hex.h. */
#include "checkers/hex.h"

int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t hex_decode(const char *hex, uint8_t *buf, size_t size)
{
	size_t n;

	for (n = 0; n < size && hex[2 * n] && hex[2 * n + 1]; n++)
		buf[n] = (uint8_t)(hex_value(hex[2 * n]) << 4 | hex_value(hex[2 * n + 1]));
	return n;
}
