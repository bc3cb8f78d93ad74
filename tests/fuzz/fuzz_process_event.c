/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz harness: a datagram of the kernel's process connector. */
#include "core/process_event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct process_event e;

	process_event_parse(data, size, &e);
	return 0;
}
