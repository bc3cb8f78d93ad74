/* SPDX-License-Identifier: Apache-2.0 */
/* The number in a track_file, as keepalived reads it. Pure. */
#ifndef TANDEM_FILE_VALUE_H
#define TANDEM_FILE_VALUE_H

#include <stddef.h>
#include <stdint.h>

/* What of a file is looked at. */
#define FILE_VALUE_BYTES 127

enum file_value {
	FILE_VALUE_NUMBER,
	FILE_VALUE_NONE,  /* it does not begin with one: 0; an empty file is no more than that */
	FILE_VALUE_RANGE, /* not of 32 bits: what was known stays */
};

/* Decimal, 0x or 0 (octal), behind white space; what follows the number does not matter. */
enum file_value file_value_parse(const char *bytes, size_t n, int32_t *ret);

#endif
