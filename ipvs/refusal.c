/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel has refused: noted for the retry, and told once. This file owns those lines. */
#include "core/log.h"
#include "ipvs/keeper_private.h"

#include <errno.h>

/* Not a refusal: somebody else was faster, or the answer was lost. The next round will tell. */
static bool is_stale(const struct ipvs_edit *e)
{
	switch (e->kind) {
	case IPVS_EDIT_NEW_SERVICE:
	case IPVS_EDIT_NEW_DEST:
		return e->error == -EEXIST || e->error == -ENOBUFS || e->error == -ESRCH;
	case IPVS_EDIT_SET_SERVICE:
	case IPVS_EDIT_DEL_SERVICE:
		return e->error == -ESRCH || e->error == -ENOBUFS;
	case IPVS_EDIT_SET_DEST:
	case IPVS_EDIT_DEL_DEST:
		return e->error == -ESRCH || e->error == -ENOENT || e->error == -ENOBUFS;
	case IPVS_EDIT_SET_TIMEOUTS:
		return e->error == -ENOBUFS;
	case IPVS_EDIT_NEW_DAEMON:
		return e->error == -EEXIST || e->error == -ENOBUFS;
	case IPVS_EDIT_DEL_DAEMON:
		return e->error == -ESRCH || e->error == -ENOBUFS;
	case IPVS_EDIT_KINDS:
		break;
	}
	return false;
}

static uint64_t failure_hash(uint64_t h, const struct ipvs_edit *e)
{
	struct {
		int64_t kind, error;
		uint64_t dest;
	} what = { e->kind, e->error, 0 };
	const uint8_t *at = (const uint8_t *)&what;

	if (e->dest)
		what.dest = model_id_real_server(1, &e->dest->address, e->dest->port);
	for (size_t i = 0; i < sizeof(what); i++)
		h = (h ^ at[i]) * UINT64_C(1099511628211);
	return h ? h : 1;
}

/* A refusal is told once, and again when something else is refused. */
static void note_failures(struct keeper *k, const struct ipvs_edit *failed, uint32_t n)
{
	struct served *s = keeper_find_edited(k, failed);
	uint64_t *told = s ? &s->told : failed->daemon ? &k->sync.told : NULL;
	uint64_t hash = 0;
	char line[EXPLAIN_MAX];

	for (uint32_t i = 0; i < n; i++)
		hash = failure_hash(hash, &failed[i]);
	if (s)
		s->failure = hash;
	else if (failed->daemon)
		k->sync.failure = hash;
	else
		k->incomplete = true;
	if (told && *told == hash)
		return;
	if (told)
		*told = hash;
	for (uint32_t i = 0; i < n; i++)
		log_error("%s", explain_failure(&failed[i], line));
}

/* The destinations of a service that could not be made: one line for the service says it all. */
static uint32_t drop_consequences(struct ipvs_edit *failed, uint32_t n)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		bool follows = kept && failed[kept - 1].kind == IPVS_EDIT_NEW_SERVICE &&
			       failed[kept - 1].service == failed[i].service;

		if (!follows)
			failed[kept++] = failed[i];
	}
	return kept;
}

bool keeper_refused(struct keeper *k, struct ipvs_edit *failed, uint32_t n)
{
	uint32_t start = 0;

	n = drop_consequences(failed, n);
	for (uint32_t i = 0; i < n; i++)
		if (is_stale(&failed[i]))
			return true;
	for (uint32_t i = 1; i <= n; i++) {
		if (i < n && failed[i].service == failed[start].service &&
		    !failed[i].daemon == !failed[start].daemon)
			continue;
		note_failures(k, failed + start, i - start);
		start = i;
	}
	return false;
}
