/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tandem-vrrp must never forget, and writes too often to report: a file that it maps, so that
 * nothing is lost with the process, however it ends. Of each instance with auth_hmac: the last
 * sequence number sent, and those heard. Owns the mapping; gives no meaning to what is in it.
 */
#ifndef TANDEM_VRRP_MEMORY_H
#define TANDEM_VRRP_MEMORY_H

#include "vrrp/hmac.h"

struct memory_slot;

/* All zero at first. */
struct memory {
	struct memory_slot *slots; /* NULL: not opened yet */
	uint32_t n;
	bool file; /* else only this process remembers */
};

/*
 * Stays where it is. The file is opened with the first: by then nobody else writes it. When there
 * is none, or it can't be understood, which is logged, all begins anew.
 */
struct vrrp_hmac_memory *memory_of(struct memory *m, uint64_t instance);
/* What is of no instance that is there may be given to others. */
void memory_retain(struct memory *m, bool (*is_there)(uint64_t instance));

#endif
