/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the file of overrides: read without a step too far, and what is taken is written as
 * the same bytes again. Its checksum is put right first, or nothing would get beyond it.
 */
#include "core/overrides.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t fnv1a(const uint8_t *at, size_t n)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < n; i++)
		h = (h ^ at[i]) * UINT64_C(1099511628211);
	return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct overrides o = {0};
	struct writer file, again;

	overrides_decode(&o, data, size);
	writer_init_growing(&file);
	put_bytes(&file, data, size);
	put_u64(&file, fnv1a(data, size));
	if (overrides_decode(&o, file.at, file.len) == 0) {
		writer_init_growing(&again);
		overrides_encode(&o, &again);
		for (size_t i = 1; i < o.n; i++)
			if (o.list[i].server <= o.list[i - 1].server)
				abort();
		if (overrides_decode(&o, again.at, again.len) < 0)
			abort();
		writer_done(&again);
	}
	writer_done(&file);
	overrides_done(&o);
	return 0;
}
