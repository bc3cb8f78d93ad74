/* SPDX-License-Identifier: Apache-2.0 */
/* A TCP_CHECK's conversation: see dialogue.h. */
#include "checkers/dialogue.h"

#include "checkers/patterns.h"
#include "core/hex.h"
#include "core/must.h"
#include "core/pattern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 48

void dialogue_init(struct dialogue *d, const struct check *conf)
{
	*d = (struct dialogue){.steps = conf->steps, .n_steps = conf->n_steps};
}

void dialogue_done(struct dialogue *d)
{
	free(d->got);
	*d = (struct dialogue){0};
}

void dialogue_hear(struct dialogue *d, const void *at, size_t len)
{
	if (len > DIALOGUE_KEPT_MAX - d->len)
		len = DIALOGUE_KEPT_MAX - d->len;
	if (d->cap < d->len + len) {
		d->cap = 2 * (d->len + len);
		d->got = must(realloc(d->got, d->cap));
	}
	if (len)
		memcpy(d->got + d->len, at, len);
	d->len += len;
}

static void use_up(struct dialogue *d, size_t n)
{
	d->len -= n;
	if (d->len)
		memmove(d->got, d->got + n, d->len);
}

static bool bytes_came(struct dialogue *d, const struct check_step *step)
{
	uint8_t wanted[DIALOGUE_SEND_MAX];
	size_t n = hex_decode(step->bytes, wanted, sizeof(wanted));
	uint8_t *at = d->len ? memmem(d->got, d->len, wanted, n) : NULL;

	if (!at)
		return false;
	use_up(d, (size_t)(at - d->got) + n);
	return true;
}

/* It may have matched more with more bytes: all that came is used up. */
static bool regex_came(struct dialogue *d, const struct check_step *step)
{
	const struct pattern *p = patterns_get(step->regex, 0);

	if (!p || pattern_match(p, d->got ? (char *)d->got : "", d->len, 0, SIZE_MAX) !=
			  PATTERN_MATCH)
		return false;
	use_up(d, d->len);
	return true;
}

static bool came(struct dialogue *d, const struct check_step *step)
{
	return step->kind == STEP_EXPECT ? bytes_came(d, step) : regex_came(d, step);
}

enum dialogue_turn dialogue_next(struct dialogue *d, uint8_t out[DIALOGUE_SEND_MAX],
				 size_t *ret_len)
{
	for (; d->at < d->n_steps; d->at++) {
		const struct check_step *step = &d->steps[d->at];

		if (step->kind == STEP_SEND) {
			*ret_len = hex_decode(step->bytes, out, DIALOGUE_SEND_MAX);
			d->at++;
			return DIALOGUE_SAY;
		}
		if (!came(d, step))
			return d->len < DIALOGUE_KEPT_MAX ? DIALOGUE_LISTEN : DIALOGUE_WRONG;
	}
	return DIALOGUE_DONE;
}

/* In quotes, cut where it is long. */
static void show(const uint8_t *at, size_t len, char text[SHOWN_MAX + 8])
{
	size_t n = len < SHOWN_MAX ? len : SHOWN_MAX;

	while (n == len && n && (at[n - 1] == '\r' || at[n - 1] == '\n'))
		n = --len;
	text[0] = '"';
	for (size_t i = 0; i < n; i++)
		text[i + 1] = at[i] < ' ' || at[i] > '~' ? '?' : (char)at[i];
	snprintf(text + n + 1, 7, "%s", n < len ? "...\"" : "\"");
}

void dialogue_describe(const struct dialogue *d, struct text *ret)
{
	const struct check_step *step = &d->steps[d->at < d->n_steps ? d->at : d->n_steps - 1];
	char got[SHOWN_MAX + 8], wanted[SHOWN_MAX + 8];
	uint8_t bytes[SHOWN_MAX + 1];

	if (step->kind == STEP_EXPECT_REGEX)
		show((const uint8_t *)step->regex, strlen(step->regex), wanted);
	else
		show(bytes, hex_decode(step->bytes, bytes, sizeof(bytes)), wanted);
	show(d->got, d->len, got);
	text_set(ret, "answered %s, wanted %s%s", d->len ? got : "nothing",
		 step->kind == STEP_EXPECT_REGEX ? "a match of " : "", wanted);
}
