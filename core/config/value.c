/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of keywords: numbers, times, yes and no, addresses, names. Each says what it would
 * have taken; keepalived leaves such a line out and goes on, and so do we.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/config/check.h"

const char *value_string(struct checker *c, const struct ast_word *w)
{
	return arena_strdup(c->arena, w->s);
}

bool value_number(struct checker *c, const struct ast_word *w, int64_t lo, int64_t hi, int64_t *ret)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(w->s, &end, 10);
	if (end == w->s || *end) {
		check_warn(c, &w->loc,
			   "'%s' is not a number from %" PRId64 " to %" PRId64
			   "; the line is left out",
			   w->s, lo, hi);
		return false;
	}
	if (errno || value < lo || value > hi) {
		check_warn(c, &w->loc,
			   "%s is outside %" PRId64 " to %" PRId64 "; the line is left out", w->s,
			   lo, hi);
		return false;
	}
	*ret = value;
	return true;
}

/* "12", "0.25": digits, and not what strtod() also takes. */
static bool seconds_parse(const char *s, int64_t *ret_us)
{
	int64_t us = 0, unit = 1000000;
	bool point = false;

	if (!isdigit((unsigned char)*s) && *s != '.')
		return false;
	for (; *s; s++) {
		if (*s == '.' && !point) {
			point = true;
			continue;
		}
		if (!isdigit((unsigned char)*s))
			return false;
		if (point)
			unit /= 10;
		else if (__builtin_mul_overflow(us, 10, &us))
			return false;
		if (__builtin_add_overflow(us, (*s - '0') * unit, &us))
			return false;
	}
	*ret_us = us;
	return true;
}

/* 1500000: "1.5" */
static const char *seconds_text(struct checker *c, int64_t us)
{
	char *text = arena_printf(c->arena, "%" PRId64 ".%06" PRId64, us / 1000000, us % 1000000);
	size_t len = strlen(text);

	while (text[len - 1] == '0')
		text[--len] = '\0';
	if (text[len - 1] == '.')
		text[--len] = '\0';
	return text;
}

bool value_seconds(struct checker *c, const struct ast_word *w, int64_t lo_us, int64_t hi_us,
		   int64_t *ret_us)
{
	int64_t us;

	if (seconds_parse(w->s, &us) && us >= lo_us && us <= hi_us) {
		*ret_us = us;
		return true;
	}
	if (hi_us >= FOREVER_US)
		check_warn(c, &w->loc,
			   "'%s' is not a time of at least %s seconds; the line is left out", w->s,
			   seconds_text(c, lo_us));
	else
		check_warn(c, &w->loc,
			   "'%s' is not a time from %s to %s seconds; the line is left out", w->s,
			   seconds_text(c, lo_us), seconds_text(c, hi_us));
	return false;
}

bool value_short_time(struct checker *c, const struct ast_word *w, int64_t lo_us, int64_t hi_us,
		      int64_t *ret_us)
{
	size_t len = strlen(w->s);
	int64_t us;

	if (len < 3 || strcmp(w->s + len - 2, "ms") != 0)
		return value_seconds(c, w, lo_us, hi_us, ret_us);
	if (!seconds_parse(arena_strndup(c->arena, w->s, len - 2), &us) || us / 1000 < lo_us ||
	    us / 1000 > hi_us) {
		check_warn(c, &w->loc, "'%s' is not a time from %" PRId64 "ms to %" PRId64
				       "ms; the line is left out",
			   w->s, lo_us / 1000, hi_us / 1000);
		return false;
	}
	*ret_us = us / 1000;
	return true;
}

bool value_bool(struct checker *c, const struct ast_word *w, bool *ret)
{
	static const char *const words[] = {"false", "true", "off", "on", "no", "yes"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strcmp(w->s, words[i])) {
			*ret = i % 2;
			return true;
		}
	}
	check_warn(c, &w->loc,
		   "'%s' is none of on, off, true, false, yes, no; the line is left out", w->s);
	return false;
}

bool value_addr(struct checker *c, const struct ast_word *w, struct addr *ret)
{
	if (!addr_parse(w->s, ret))
		return true;
	check_warn(c, &w->loc, "'%s' is not an IP address; it is left out", w->s);
	return false;
}

bool value_prefix(struct checker *c, const struct ast_word *w, struct addr *ret,
		  uint8_t *ret_prefixlen)
{
	const char *slash = strchr(w->s, '/');
	struct ast_word part = *w;
	int64_t len;

	if (slash)
		part.s = arena_strndup(c->arena, w->s, (size_t)(slash - w->s));
	if (!value_addr(c, &part, ret))
		return false;
	*ret_prefixlen = (uint8_t)addr_bits(ret);
	if (!slash)
		return true;
	part.s = slash + 1;
	/* A wrong length is a host address in keepalived, too. */
	if (isdigit((unsigned char)*part.s) && strlen(part.s) <= 3 &&
	    atoi(part.s) <= (int)addr_bits(ret)) {
		*ret_prefixlen = (uint8_t)atoi(part.s);
		return true;
	}
	len = addr_bits(ret);
	check_warn(c, &w->loc,
		   "'%s' is not a prefix length from 0 to %" PRId64 "; %" PRId64 " is used", part.s,
		   len, len);
	return true;
}

bool value_port(struct checker *c, const struct ast_word *w, uint16_t *ret)
{
	int64_t port;

	if (!value_number(c, w, 1, UINT16_MAX, &port))
		return false;
	*ret = (uint16_t)port;
	return true;
}

/* 0, in any number of digits, is how old files say that there is none. */
bool value_port_or_none(struct checker *c, const struct ast_word *w, uint16_t *ret)
{
	if (w->s[0] && !w->s[strspn(w->s, "0")])
		return true;
	return value_port(c, w, ret);
}

bool value_ifname(struct checker *c, const struct ast_word *w, const char **ret)
{
	if (!w->s[0] || strlen(w->s) >= IFNAMSIZ || strchr(w->s, '/')) {
		check_warn(c, &w->loc,
			   "'%s' is not an interface name of 1 to %d characters; "
			   "it is left out",
			   w->s, IFNAMSIZ - 1);
		return false;
	}
	*ret = value_string(c, w);
	return true;
}

bool value_sendable(struct checker *c, const struct ast_word *w, const char **ret)
{
	bool clean = w->s[0] != '\0';

	for (const char *at = w->s; *at; at++)
		if ((unsigned char)*at <= ' ' || *at == 0x7f)
			clean = false;
	if (clean)
		*ret = value_string(c, w);
	else
		check_warn(c, &w->loc, "'%s' can't be sent in a request; it is left out", w->s);
	return clean;
}

bool value_notify(struct checker *c, const struct ast_node *n, enum notify_on on,
		  struct notify **list, uint32_t *n_list)
{
	for (uint32_t i = 0; i < *n_list; i++) {
		if ((*list)[i].on != on)
			continue;
		check_warn(c, &n->word[0].loc, "there is a '%s' already; this one is left out",
			   n->word[0].s);
		return false;
	}
	if (!n->word[1].s[strspn(n->word[1].s, " \t\n")]) {
		check_warn(c, &n->word[1].loc, "an empty command; it is left out");
		return false;
	}
	*list = check_extend(c, *list, *n_list, 1, sizeof(**list));
	(*list)[(*n_list)++] = (struct notify){
		.on = (uint8_t)on,
		.command = value_string(c, &n->word[1]),
		.user = n->n_words > 2 ? value_string(c, &n->word[2]) : "",
		.group = n->n_words > 3 ? value_string(c, &n->word[3]) : "",
	};
	return true;
}
