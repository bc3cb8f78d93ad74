/* SPDX-License-Identifier: Apache-2.0 */
/* ha_suspend: see suspend.h. */
#include "checkers/suspend.h"

#include "core/must.h"

#include <stdlib.h>

static bool is_away(const struct suspension *s, uint64_t instance)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->away[i] == instance)
			return true;
	return false;
}

static void forget(struct suspension *s, uint64_t instance)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->away[i] == instance)
			s->away[i--] = s->away[--s->n];
}

void suspension_set(struct suspension *s, uint64_t instance, bool here)
{
	forget(s, instance);
	if (here)
		return;
	s->away = must(realloc(s->away, (s->n + 1) * sizeof(*s->away)));
	s->away[s->n++] = instance;
}

bool suspension_holds(const struct suspension *s, const struct checked *leader)
{
	for (const struct checked *c = leader; c; c = c->next_same) {
		const struct virtual_server *vs = c->server->service;

		if (!vs->ha_suspend || !is_away(s, vs->instance))
			return false;
	}
	return true;
}
