/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as ARP and as a neighbour advertisement: nothing is read past the end. */
#include "vrrp/claim.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size ? size : 1); /* a block of its own: a read past it is seen */
	struct claim claim;

	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	if (claim_read_arp(bytes, size, &claim) && claim.address.family != AF_INET)
		abort();
	if (claim_read_na(bytes, size, &claim) && claim.address.family != AF_INET6)
		abort();
	free(bytes);
	return 0;
}
