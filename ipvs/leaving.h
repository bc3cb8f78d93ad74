/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real servers that a reload has taken out of the model, but whose connections may go on for a time
 * (drain_on_remove): they stay in their services with weight 0. Pure.
 */
#ifndef TANDEM_IPVS_LEAVING_H
#define TANDEM_IPVS_LEAVING_H

#include "core/model.h"
#include "core/msg.h"
#include "ipvs/table.h"

struct leaving_server {
	uint64_t service;
	struct real_server rs; /* what the kernel must know of it: no checks, no notifies */
	int64_t until_us;
};

struct leaving {
	struct leaving_server *list;
	uint32_t n;
};

void leaving_done(struct leaving *l);

/*
 * The servers of `former` that `next`, the same service in the next model, no longer has. Returns
 * how many there are behind those that were in the list.
 */
uint32_t leaving_add(struct leaving *l, const struct virtual_server *former,
		     const struct virtual_server *next, int64_t now_us);
/* As a former incarnation told it. */
void leaving_resume(struct leaving *l, const struct msg_server_leaving *m);
struct msg_server_leaving leaving_message(const struct leaving_server *s, bool gone);
/* Takes the i-th out; the last one takes its place. */
void leaving_remove(struct leaving *l, uint32_t i);

/* Puts them behind the destinations of a wanted service. */
void leaving_want(const struct leaving *l, struct arena *arena, uint64_t service,
		  struct ipvs_service *s);

#endif
