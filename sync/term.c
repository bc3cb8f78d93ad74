/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Terms: whose word counts when two have written the same (table.h tells what a term is). Knows
 * when ours begins, notices that somebody else's is newer, and, when a peer is gone, tells on what
 * it may have told us alone.
 */
#include "sync/session_private.h"

#include <string.h>

/* Two believe to be Active; or it was a misunderstanding, and only we are. */
#define RECLAIM_US     (2 * USEC_PER_SEC)
#define RECLAIM_MAX_US (16 * USEC_PER_SEC)
#define TERM_NODE_BITS 4

static void see_term(uint16_t term, bool *any, uint16_t *newest)
{
	if (!*any || sync_term_is_newer(term, *newest))
		*newest = term;
	*any = true;
}

/* The table may be of an earlier session, with other paths: its terms go on. */
void sync_term_init(struct sync_session *s)
{
	const struct sync_entry *e = NULL;
	bool any = false, any_own = false;

	s->outdone_us = USEC_NEVER;
	s->reclaim_us = RECLAIM_US;
	while ((e = sync_table_next(s->table, e))) {
		if (sync_record_is_note(e->record))
			continue;
		see_term(e->term, &any, &s->newest_term);
		if (e->owner == SYNC_OWNER_OWN)
			see_term(e->term, &any_own, &s->term);
	}
}

/*
 * Newer than all that are known. The last bits are the node's, so that two which don't hear each
 * other hardly ever choose the same: then one of them sees that it is outdone.
 */
static uint16_t next_term(const struct sync_session *s)
{
	unsigned node = (unsigned)(s->conf->node * 0x9e3779b97f4a7c15ull >> (64 - TERM_NODE_BITS));

	return (uint16_t)(((s->newest_term >> TERM_NODE_BITS) + 1) << TERM_NODE_BITS | node);
}

void sync_session_take_over(struct sync_session *s)
{
	s->term = s->newest_term = next_term(s);
	s->outdone_us = USEC_NEVER;
	s->reclaim_us = RECLAIM_US;
}

/* What is in the log has gone behind the place that followers were told to wait for. */
static void move_targets(struct sync_session *s)
{
	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++)
		s->peers[i].follower.target = s->table->version;
}

static bool is_ours_still(void *ctx, const struct sync_entry *e)
{
	const struct sync_session *s = ctx;
	struct addr vip = sync_record_vip(e->record);

	return sync_roles_is_active(s->roles, &vip);
}

/* What we have written as Active carries a term that is not the newest, as others know better. What we
 * once wrote about an address that another one serves now is not insisted on: that one would, too. */
static void reclaim(struct sync_session *s)
{
	uint16_t before = s->term;

	s->term = s->newest_term = next_term(s);
	s->outdone_us = USEC_NEVER;
	sync_table_change_term(s->table, before, s->term, is_ours_still, s);
	move_targets(s);
}

void sync_term_heard(struct sync_session *s, uint16_t term)
{
	bool first = !s->met;

	s->met = true;
	if (sync_term_is_newer(term, s->newest_term))
		s->newest_term = term;
	/* We may have been Active in a former life, too. */
	if (first && sync_roles_has_active(s->roles) && !sync_term_is_newer(s->term, term))
		reclaim(s);
}

void sync_term_outdone(struct sync_session *s, int64_t now_us, const struct addr *vip)
{
	bool known = s->outdone_us != USEC_NEVER;

	if (!known || !vip)
		s->outdone_vip = vip ? *vip : (struct addr){0};
	if (known && s->outdone_by == s->newest_term)
		return;
	s->outdone_us = now_us;
	s->outdone_by = s->newest_term;
}

/* Who has handed an address over, and heard of its new Active before he was told, has not to insist on what
 * he writes about others. */
static bool is_to_insist(const struct sync_session *s)
{
	return addr_is_set(&s->outdone_vip) ? sync_roles_is_active(s->roles, &s->outdone_vip)
					    : sync_roles_has_active(s->roles);
}

/*
 * There are two that believe to be Active; or there were, and only we are left. As the former may
 * last, we insist less and less often.
 */
static void check_outdone(struct sync_session *s, int64_t now_us)
{
	if (s->outdone_us == USEC_NEVER || now_us - s->outdone_us < s->reclaim_us)
		return;
	s->outdone_us = USEC_NEVER;
	if (!is_to_insist(s))
		return;
	reclaim(s);
	if (s->reclaim_us < RECLAIM_MAX_US)
		s->reclaim_us *= 2;
}

void sync_term_retell(struct sync_session *s)
{
	bool anybody = false;

	for (unsigned i = 0; i < SYNC_PEERS_MAX; i++)
		anybody |= s->peers[i].node && s->peers[i].follower.joined;
	if (!anybody)
		return;
	sync_table_retell(s->table, s->marks[SYNC_MARKS - 1]);
	move_targets(s);
}

static void mark_version(struct sync_session *s, int64_t now_us)
{
	if (now_us - s->marked_us < USEC_PER_SEC)
		return;
	memmove(s->marks + 1, s->marks, (SYNC_MARKS - 1) * sizeof(s->marks[0]));
	s->marks[0] = s->table->version;
	s->marked_us = now_us;
}

void sync_term_tick(struct sync_session *s, int64_t now_us)
{
	mark_version(s, now_us);
	check_outdone(s, now_us);
}
