/* SPDX-License-Identifier: Apache-2.0 */
/* IP packets as a listener hears them: a message that is found lies inside of its packet. */
#include "vrrp/listener.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int families[] = {AF_INET, AF_INET6};

	for (unsigned i = 0; i < 2; i++) {
		struct vrrp_frame f = {0};

		if (!listener_decode(families[i], data, size, &f))
			continue;
		if (f.bytes < data || f.len > size || f.bytes + f.len > data + size)
			abort();
	}
	return 0;
}
