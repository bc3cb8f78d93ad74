/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as hex digits, two each, and back. */
#ifndef TANDEM_CORE_HEX_H
#define TANDEM_CORE_HEX_H

#include <stddef.h>
#include <stdint.h>

/* -1: no digit. */
int hex_value(char c);

/* Up to the first pair that is not of digits, and at most `size` bytes; their number. */
size_t hex_decode(const char *hex, uint8_t *buf, size_t size);

/* In lower case, with a NUL: `ret` has room for 2 * len + 1. */
void hex_encode(const void *bytes, size_t len, char *ret);

#endif
