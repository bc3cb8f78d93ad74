/* SPDX-License-Identifier: Apache-2.0 */
/* vrrp_script: its keywords. Knows nothing of who tracks it. */
#include <string.h>

#include "core/config/check.h"

void set_script_command(struct checker *c, void *draft, const struct ast_node *n)
{
	((struct tracker_draft *)draft)->s.command = value_string(c, &n->word[1]);
}

void set_script_user(struct checker *c, void *draft, const struct ast_node *n)
{
	struct track_script *s = &((struct tracker_draft *)draft)->s;

	s->user = value_string(c, &n->word[1]);
	s->group = n->n_words > 2 ? value_string(c, &n->word[2]) : "";
}

bool script_finish(struct checker *c, struct tracker_draft *d)
{
	if (!d->s.command[strspn(d->s.command, " \t\n")]) {
		check_warn(c, &d->node->word[0].loc, "vrrp_script %s has no script; it is left out",
			   d->name);
		return false;
	}
	if (!d->s.timeout_us)
		d->s.timeout_us = d->s.interval_us;
	return true;
}
