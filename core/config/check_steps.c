/* SPDX-License-Identifier: Apache-2.0 */
/* What TCP_CHECK and AGENT_CHECK say to a server, and what they want to hear. */
#include <ctype.h>
#include <string.h>

#include "core/arena.h"
#include "core/config/check.h"
#include "core/hex.h"
#include "core/pattern.h"

/* Of one line: what is sent goes into an empty socket buffer at once. */
#define STEP_BYTES_MAX 4096

const char *hex_of_word(struct checker *c, const char *s, bool any)
{
	char *hex = arena_alloc(c->arena, 2 * strlen(s) + 1), *to = hex;

	while (*s) {
		size_t len = strspn(s, any ? "0123456789abcdefABCDEFxX" : "0123456789abcdefABCDEF");

		if (s[len] && !isspace((unsigned char)s[len]))
			return NULL;
		for (size_t i = 0; i < len; i += 2) {
			bool two = i + 1 < len;

			*to++ = two ? (char)tolower((unsigned char)s[i]) : '0';
			*to++ = (char)tolower((unsigned char)s[i + two]);
		}
		s += len;
		s += strspn(s, " \t\n");
	}
	return hex;
}

const char *hex_of_line(struct checker *c, const struct ast_node *n, bool any)
{
	const char *hex = "", *more;

	for (uint32_t i = 1; i < n->n_words; i++) {
		more = hex_of_word(c, n->word[i].s, any);
		if (!more) {
			check_warn(c, &n->word[i].loc, "'%s' is not hex digits%s; the line is left out",
				   n->word[i].s, any ? " or x" : "");
			return NULL;
		}
		hex = arena_printf(c->arena, "%s%s", hex, more);
	}
	return hex;
}

static const char *hex_of_text(struct checker *c, const char *s)
{
	char *hex = arena_alloc(c->arena, 2 * strlen(s) + 1);

	hex_encode(s, strlen(s), hex);
	return hex;
}

static bool bytes_are_right(struct checker *c, const struct ast_node *n, const char *hex)
{
	if (hex[0] && strlen(hex) <= 2 * STEP_BYTES_MAX)
		return true;
	check_warn(c, &n->word[0].loc, "'%s' takes from 1 to %d bytes; the line is left out",
		   n->word[0].s, STEP_BYTES_MAX);
	return false;
}

static void add_step(struct checker *c, struct check_draft *d, struct check_step step)
{
	d->c.steps = check_extend(c, d->c.steps, d->c.n_steps, 1, sizeof(*d->c.steps));
	d->c.steps[d->c.n_steps++] = step;
}

static void add_bytes(struct checker *c, void *draft, const struct ast_node *n, enum step_kind kind,
		      const char *hex)
{
	if (hex && bytes_are_right(c, n, hex))
		add_step(c, draft, (struct check_step){.kind = kind, .bytes = hex, .regex = ""});
}

void set_step_send(struct checker *c, void *draft, const struct ast_node *n)
{
	add_bytes(c, draft, n, STEP_SEND, hex_of_text(c, n->word[1].s));
}

void set_step_send_hex(struct checker *c, void *draft, const struct ast_node *n)
{
	add_bytes(c, draft, n, STEP_SEND, hex_of_line(c, n, false));
}

void set_step_expect(struct checker *c, void *draft, const struct ast_node *n)
{
	add_bytes(c, draft, n, STEP_EXPECT, hex_of_text(c, n->word[1].s));
}

void set_step_expect_hex(struct checker *c, void *draft, const struct ast_node *n)
{
	add_bytes(c, draft, n, STEP_EXPECT, hex_of_line(c, n, false));
}

void set_step_expect_regex(struct checker *c, void *draft, const struct ast_node *n)
{
	struct pattern *p = NULL;
	struct text reason;

	if (pattern_new(n->word[1].s, 0, &p, &reason) < 0)
		check_warn(c, &n->word[1].loc, "expect_regex: %s; the line is left out", reason.s);
	else
		add_step(c, draft,
			 (struct check_step){.kind = STEP_EXPECT_REGEX,
					     .bytes = "",
					     .regex = value_string(c, &n->word[1])});
	pattern_free(p);
}

void set_agent_send(struct checker *c, void *draft, const struct ast_node *n)
{
	const char *hex = hex_of_text(c, n->word[1].s);

	if (bytes_are_right(c, n, hex))
		((struct check_draft *)draft)->agent.bytes = hex;
}
