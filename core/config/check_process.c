/* SPDX-License-Identifier: Apache-2.0 */
/* vrrp_track_process: its keywords. Knows nothing of who tracks it. */
#include <string.h>

#include "core/arena.h"
#include "core/config/check.h"

/* What /proc/PID/comm holds at most. */
#define COMM_LEN 15

void set_process_command(struct checker *c, void *draft, const struct ast_node *n)
{
	struct track_process *p = &((struct tracker_draft *)draft)->p;

	p->command = arena_array(c->arena, n->n_words - 1, sizeof(*p->command));
	p->n_command = n->n_words - 1;
	for (uint32_t i = 0; i < p->n_command; i++)
		p->command[i].word = value_string(c, &n->word[i + 1]);
}

/* Without parameters on the process line there must be none. */
void set_process_match(struct checker *c, void *draft, const struct ast_node *n)
{
	struct track_process *p = &((struct tracker_draft *)draft)->p;
	const char *s = n->word[1].s;

	if (!strcmp(s, "partial"))
		p->match = PROCESS_PARTIAL;
	else if (!strcmp(s, "initial"))
		p->match = PROCESS_INITIAL;
	else
		check_warn(c, &n->word[1].loc, "'%s' is neither initial nor partial; it is left out",
			   s);
}

void set_process_delay(struct checker *c, void *draft, const struct ast_node *n)
{
	struct track_process *p = &((struct tracker_draft *)draft)->p;
	int64_t us;

	if (value_seconds(c, &n->word[1], 1, 3600000000, &us))
		p->fork_delay_us = p->terminate_delay_us = us;
}

static void finish_match(struct track_process *p)
{
	if (p->n_command == 1 && p->match != PROCESS_ANY)
		p->match = PROCESS_EXACT;
	else if (p->n_command > 1 && p->match == PROCESS_ANY)
		p->match = PROCESS_EXACT;
	if (p->match != PROCESS_ANY)
		p->full_command = true;
}

bool process_finish(struct checker *c, struct tracker_draft *d)
{
	const struct ast_loc *loc = &d->node->word[0].loc;
	struct track_process *p = &d->p;

	if (!p->n_command || !p->command[0].word[0]) {
		check_warn(c, loc, "vrrp_track_process %s has no process; it is left out", d->name);
		return false;
	}
	if (!p->quorum)
		p->quorum = p->quorum_max ? 1 : 0; /* quorum_max 0: it must not run */
	if (p->quorum > p->quorum_max) {
		check_warn(c, loc, "vrrp_track_process %s: quorum %u is above quorum_max %u; it is left out",
			   d->name, p->quorum, p->quorum_max);
		return false;
	}
	finish_match(p);
	if (!p->full_command && strlen(p->command[0].word) > COMM_LEN) {
		check_warn(c, loc, "vrrp_track_process %s: a process's name has %d characters at most; "
			   "its first %d are compared (or say full_command)",
			   d->name, COMM_LEN, COMM_LEN);
		p->command[0].word = arena_strndup(c->arena, p->command[0].word, COMM_LEN);
	}
	return true;
}
