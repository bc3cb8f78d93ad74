/* SPDX-License-Identifier: Apache-2.0 */
/* What tandem-vrrp must never forget: see memory.h. */
#include "vrrp/memory.h"

#include "core/log.h"
#include "core/role.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than there can be on a machine; room in the address space is all that they cost. */
#define SLOTS_MAX 16384
#define LAYOUT	  UINT64_C(0x31304d5654) /* "TVM01": the first slot's mark; changes with the layout \
					  */

struct memory_slot {
	uint64_t layout;
	uint64_t instance; /* 0: free */
	struct vrrp_hmac_memory hmac;
};

static bool is_understood(const struct memory *m)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (m->slots[i].layout != LAYOUT)
			return false;
	return true;
}

static void map(struct memory *m, int flags, int fd)
{
	void *at = mmap(NULL, SLOTS_MAX * sizeof(*m->slots), PROT_READ | PROT_WRITE, flags, fd, 0);

	if (at == MAP_FAILED)
		abort();
	m->slots = at;
}

static void open_file(struct memory *m)
{
	struct stat st;

	if (fstat(ROLE_FD_MEMORY, &st) < 0 || !S_ISREG(st.st_mode)) {
		map(m, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
		return;
	}
	m->file = true;
	m->n = (uint32_t)((size_t)st.st_size / sizeof(*m->slots));
	map(m, MAP_SHARED, ROLE_FD_MEMORY);
	if (m->n <= SLOTS_MAX && (size_t)st.st_size % sizeof(*m->slots) == 0 && is_understood(m))
		return;
	log_warning("vrrp.memory: of another version, or damaged: begun anew");
	m->n = 0;
	if (ftruncate(ROLE_FD_MEMORY, 0) < 0)
		log_warning("vrrp.memory: can't be emptied: %s", strerror(errno));
}

static struct memory_slot *find(struct memory *m, uint64_t instance)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (m->slots[i].instance == instance)
			return &m->slots[i];
	return NULL;
}

/* The file grows below the mapping. */
static struct memory_slot *add(struct memory *m)
{
	off_t end = (off_t)(m->n * sizeof(*m->slots));
	int err = 0;

	if (m->n == SLOTS_MAX)
		abort();
	/* Not by ftruncate(): a full file system would be told by a signal, at some write. */
	if (m->file)
		err = posix_fallocate(ROLE_FD_MEMORY, end, sizeof(*m->slots));
	if (err) {
		log_error("vrrp.memory: can't grow: %s", strerror(err));
		abort(); /* an advertisement that can't be counted can't be signed */
	}
	m->slots[m->n].layout = LAYOUT;
	return &m->slots[m->n++];
}

struct vrrp_hmac_memory *memory_of(struct memory *m, uint64_t instance)
{
	struct memory_slot *slot;

	if (!m->slots)
		open_file(m);
	slot = find(m, instance);
	if (slot)
		return &slot->hmac;
	slot = find(m, 0);
	if (!slot)
		slot = add(m);
	memset(&slot->hmac, 0, sizeof(slot->hmac));
	slot->instance = instance;
	return &slot->hmac;
}

void memory_retain(struct memory *m, bool (*is_there)(uint64_t instance))
{
	for (uint32_t i = 0; i < m->n; i++)
		if (m->slots[i].instance && !is_there(m->slots[i].instance))
			m->slots[i].instance = 0;
}
