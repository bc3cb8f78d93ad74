/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as the model has them: two hex digits each, in lower case. */
#ifndef TANDEM_CHECKERS_HEX_H
#define TANDEM_CHECKERS_HEX_H

#include <stddef.h>
#include <stdint.h>

int hex_value(char c); /* -1: no digit */
/* At most `size` bytes; their number. */
size_t hex_decode(const char *hex, uint8_t *buf, size_t size);

#endif
