/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled regular expressions: see patterns.h. */
#include "checkers/patterns.h"

#include "core/codec.h"
#include "core/must.h"
#include "core/pattern.h"

#include <stdlib.h>
#include <string.h>

#define KEPT 64

static struct kept {
	char *regex;
	uint32_t options;
	struct pattern *pattern;
} kept[KEPT];
static size_t oldest;

static void forget(struct kept *k)
{
	free(k->regex);
	pattern_free(k->pattern);
	*k = (struct kept){0};
}

const struct pattern *patterns_get(const char *regex, uint32_t options)
{
	struct pattern *p;
	struct text reason;
	struct kept *k;

	for (k = kept; k < kept + KEPT; k++)
		if (k->regex && k->options == options && strcmp(k->regex, regex) == 0)
			return k->pattern;
	if (pattern_new(regex, options, &p, &reason) < 0)
		return NULL;
	k = &kept[oldest++ % KEPT];
	forget(k);
	*k = (struct kept){.regex = must(strdup(regex)), .options = options, .pattern = p};
	return p;
}

void patterns_done(void)
{
	for (size_t i = 0; i < KEPT; i++)
		forget(&kept[i]);
}
