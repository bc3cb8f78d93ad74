/* SPDX-License-Identifier: Apache-2.0 */
/* A reload over all roles: see transaction.h. */
#include "core/transaction.h"

#include "core/clock.h"

#include <assert.h>

/* Generous: tens of thousands of servers on a busy machine, and still an answer for the operator.
 */
#define PREPARE_TIMEOUT_US (10 * USEC_PER_SEC)
#define COMMIT_TIMEOUT_US  (10 * USEC_PER_SEC)
/* For who is at work all the time, on a machine that hardly lets it. */
#define PATIENCE_US (60 * USEC_PER_SEC)

const char *transaction_result_name(enum transaction_result result)
{
	static const char *const names[] = {
		[TRANSACTION_PENDING] = "pending",     [TRANSACTION_COMMITTED] = "committed",
		[TRANSACTION_REFUSED] = "refused",     [TRANSACTION_LOST] = "lost",
		[TRANSACTION_TIMED_OUT] = "timed out", [TRANSACTION_PARTIAL] = "partial",
	};

	return names[result];
}

static enum role_id lowest(unsigned roles)
{
	return (enum role_id)(roles & -roles);
}

static struct transaction_actions end(struct transaction *t, struct transaction_actions a,
				      enum transaction_result result, enum role_id culprit)
{
	*t = (struct transaction){.deadline_us = USEC_NEVER};
	a.result = result;
	a.culprit = culprit;
	return a;
}

static struct transaction_actions give_up(struct transaction *t, enum transaction_result result,
					  enum role_id culprit, unsigned abort)
{
	return end(t, (struct transaction_actions){.abort = abort}, result, culprit);
}

/* `a` may already carry what deciding asked for. */
static struct transaction_actions finish_when_all(struct transaction *t,
						  struct transaction_actions a)
{
	if ((t->answered | t->missing) != t->roles)
		return a;
	if (t->missing)
		return end(t, a, TRANSACTION_PARTIAL, lowest(t->missing));
	return end(t, a, TRANSACTION_COMMITTED, (enum role_id)0);
}

static struct transaction_actions decide(struct transaction *t, int64_t now_us)
{
	struct transaction_actions a = {.commit = t->roles, .decided = true};

	t->phase = TRANSACTION_COMMITTING;
	t->answered = 0;
	t->deadline_us = now_us + COMMIT_TIMEOUT_US;
	t->latest_us = now_us + PATIENCE_US;
	return finish_when_all(t, a);
}

struct transaction_actions transaction_begin(struct transaction *t, uint64_t generation,
					     unsigned roles, int64_t now_us)
{
	assert(t->phase == TRANSACTION_IDLE);
	*t = (struct transaction){.phase = TRANSACTION_PREPARING,
				  .generation = generation,
				  .roles = roles,
				  .deadline_us = now_us + PREPARE_TIMEOUT_US,
				  .latest_us = now_us + PATIENCE_US};
	if (!roles)
		return decide(t, now_us);
	return (struct transaction_actions){.prepare = roles};
}

struct transaction_actions transaction_prepared(struct transaction *t, enum role_id role,
						uint64_t generation, int error, int64_t now_us)
{
	if (t->phase != TRANSACTION_PREPARING || generation != t->generation || !(t->roles & role))
		return (struct transaction_actions){0};
	if (error)
		return give_up(t, TRANSACTION_REFUSED, role, t->roles & ~role);
	t->answered |= role;
	if (t->answered != t->roles)
		return (struct transaction_actions){0};
	return decide(t, now_us);
}

struct transaction_actions transaction_committed(struct transaction *t, enum role_id role,
						 uint64_t generation)
{
	if (t->phase == TRANSACTION_COMMITTING && generation == t->generation &&
	    (t->roles & role & ~t->missing)) {
		t->answered |= role;
		return finish_when_all(t, (struct transaction_actions){0});
	}
	return (struct transaction_actions){0};
}

struct transaction_actions transaction_role_lost(struct transaction *t, enum role_id role)
{
	if (!(t->roles & role))
		return (struct transaction_actions){0};
	if (t->phase == TRANSACTION_PREPARING)
		return give_up(t, TRANSACTION_LOST, role, t->roles & ~role);
	t->answered &= ~(unsigned)role;
	t->missing |= role;
	return finish_when_all(t, (struct transaction_actions){0});
}

struct transaction_actions transaction_timer(struct transaction *t, unsigned at_work,
					     int64_t now_us)
{
	unsigned silent = t->roles & ~t->answered & ~t->missing;

	if (t->phase == TRANSACTION_IDLE || now_us < t->deadline_us)
		return (struct transaction_actions){0};
	if ((silent & at_work) && now_us < t->latest_us) {
		t->deadline_us = now_us + COMMIT_TIMEOUT_US;
		return (struct transaction_actions){0};
	}
	if (t->phase == TRANSACTION_PREPARING)
		return give_up(t, TRANSACTION_TIMED_OUT, lowest(silent), t->roles);
	t->missing |= silent;
	return finish_when_all(t, (struct transaction_actions){.kill = silent});
}
