/* SPDX-License-Identifier: Apache-2.0 */
/* Processes of a vrrp_track_process: see process_match.h. */
#include "core/process_match.h"

#include "core/clock.h"

#include <string.h>

/* The length of the word at `at`, without the 0 behind it, which a cut one has not. */
static size_t word_len(const char *args, size_t n, size_t at)
{
	return strnlen(args + at, n - at);
}

static bool is_word(const char *args, size_t n, size_t at, const char *word)
{
	size_t len = at < n ? word_len(args, n, at) : 0;

	return at < n && len == strlen(word) && memcmp(args + at, word, len) == 0;
}

static bool begins(const char *args, size_t n, size_t at, const char *word)
{
	size_t len = at < n ? word_len(args, n, at) : 0;

	return at < n && len >= strlen(word) && memcmp(args + at, word, strlen(word)) == 0;
}

static bool parameters_match(const struct track_process *p, const char *args, size_t n)
{
	size_t at = word_len(args, n, 0) + 1;

	for (uint32_t i = 1; i < p->n_command; i++) {
		bool last = i + 1 == p->n_command;

		if (last && p->match == PROCESS_INITIAL)
			return begins(args, n, at, p->command[i].word);
		if (!is_word(args, n, at, p->command[i].word))
			return false;
		at += word_len(args, n, at) + 1;
	}
	return p->match == PROCESS_PARTIAL || at >= n;
}

bool process_matches(const struct track_process *p, const char *comm, const char *args, size_t n)
{
	if (!p->full_command)
		return strcmp(comm, p->command[0].word) == 0;
	if (!n || !is_word(args, n, 0, p->command[0].word))
		return false;
	return p->match == PROCESS_ANY || parameters_match(p, args, n);
}

void process_quorum_init(struct process_quorum *q)
{
	*q = (struct process_quorum){.at_us = USEC_NEVER};
}

static int64_t delay_of(const struct track_process *p, enum process_change how, bool enough)
{
	switch (how) {
	case PROCESS_FORKED:
		return p->fork_delay_us;
	case PROCESS_ENDED:
		return p->terminate_delay_us;
	case PROCESS_COUNTED:
		return enough ? p->fork_delay_us : p->terminate_delay_us;
	case PROCESS_RENAMED:
	case PROCESS_WAITED:
		break;
	}
	return 0;
}

/* False while a change has to wait. */
static bool is_due(struct process_quorum *q, int64_t delay_us, enum process_change how,
		   int64_t now_us)
{
	if (how == PROCESS_WAITED)
		return q->at_us <= now_us;
	if (!delay_us)
		return true;
	if (q->at_us == USEC_NEVER)
		q->at_us = now_us + delay_us;
	return q->at_us <= now_us;
}

bool process_quorum_step(struct process_quorum *q, const struct track_process *p, uint32_t n,
			 enum process_change how, int64_t now_us)
{
	bool enough = n >= p->quorum && n <= p->quorum_max;

	if (q->known && enough == q->up) {
		q->at_us = USEC_NEVER;
		return false;
	}
	if (q->known && !is_due(q, delay_of(p, how, enough), how, now_us))
		return false;
	*q = (struct process_quorum){.known = true, .up = enough, .at_us = USEC_NEVER};
	return true;
}
