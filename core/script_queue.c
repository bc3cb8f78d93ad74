/* SPDX-License-Identifier: Apache-2.0 */
/* Which script runs when: see script_queue.h. */
#include "core/script_queue.h"

#include "core/clock.h"

#include <assert.h>

void script_queue_init(struct script_queue *q, size_t running_max)
{
	*q = (struct script_queue){.running_max = running_max};
}

static void unlink_job(struct script_job **head, struct script_job *job)
{
	while (*head != job)
		head = &(*head)->next;
	*head = job->next;
	job->next = NULL;
}

static struct script_job *find_object(struct script_job *head, uint64_t object)
{
	while (head && head->object != object)
		head = head->next;
	return head;
}

struct script_job *script_queue_add(struct script_queue *q, struct script_job *job)
{
	struct script_job **at = &q->waiting, *oldest = NULL;
	size_t same = 0;

	for (; *at; at = &(*at)->next) {
		if ((*at)->object != job->object)
			continue;
		if (!oldest)
			oldest = *at;
		same++;
	}
	job->stage = SCRIPT_WAITING;
	job->next = NULL;
	*at = job;
	q->n_waiting++;
	if (same < SCRIPT_WAITING_MAX)
		return NULL;
	unlink_job(&q->waiting, oldest);
	q->n_waiting--;
	return oldest;
}

struct script_job *script_queue_start(struct script_queue *q, int64_t now_us)
{
	struct script_job *job = q->waiting;

	if (q->n_running >= q->running_max)
		return NULL;
	/* The first one found is its object's oldest, so order within an object holds. */
	while (job && find_object(q->running, job->object))
		job = job->next;
	if (!job)
		return NULL;
	unlink_job(&q->waiting, job);
	q->n_waiting--;
	job->stage = SCRIPT_RUNNING;
	job->deadline_us = now_us + job->timeout_us;
	job->next = q->running;
	q->running = job;
	q->n_running++;
	return job;
}

void script_queue_end(struct script_queue *q, struct script_job *job)
{
	assert(job->stage != SCRIPT_WAITING);
	unlink_job(&q->running, job);
	q->n_running--;
}

struct script_job *script_queue_overdue(struct script_queue *q, int64_t now_us)
{
	struct script_job *job = q->running;

	while (job && job->deadline_us > now_us)
		job = job->next;
	if (!job)
		return NULL;
	if (job->stage == SCRIPT_RUNNING) {
		job->stage = SCRIPT_ASKED_TO_END;
		job->deadline_us = now_us + SCRIPT_TERM_GRACE_US;
	} else {
		job->stage = SCRIPT_KILLED;
		job->deadline_us = USEC_NEVER;
	}
	return job;
}

int64_t script_queue_wake_us(const struct script_queue *q)
{
	int64_t wake_us = USEC_NEVER;

	for (const struct script_job *job = q->running; job; job = job->next)
		if (job->deadline_us < wake_us)
			wake_us = job->deadline_us;
	return wake_us;
}
