/* SPDX-License-Identifier: Apache-2.0 */
/* The number in a track_file: see file_value.h. */
#include "core/file_value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum file_value file_value_parse(const char *bytes, size_t n, int32_t *ret)
{
	char text[FILE_VALUE_BYTES + 1];
	char *end;
	long value;

	n = n < FILE_VALUE_BYTES ? n : FILE_VALUE_BYTES;
	memcpy(text, bytes, n);
	text[n] = '\0';
	errno = 0;
	value = strtol(text, &end, 0);
	if (end == text) {
		*ret = 0;
		return FILE_VALUE_NONE;
	}
	if (errno || value < INT32_MIN || value > INT32_MAX)
		return FILE_VALUE_RANGE;
	*ret = (int32_t)value;
	return FILE_VALUE_NUMBER;
}
