/* SPDX-License-Identifier: Apache-2.0 */
/* The words of an agent: see agent_reply.h. */
#include "checkers/agent_reply.h"

#include "core/server_admin.h"

#include <string.h>
#include <strings.h>

#define SPACES " \t,"

/* Digits up to `end`; what is beyond `max` is `max`. False: there is no number. */
static bool take_number(const char *s, const char *end, uint32_t max, uint32_t *ret)
{
	uint64_t value = 0;

	if (s == end)
		return false;
	for (; s < end; s++) {
		if (*s < '0' || *s > '9')
			return false;
		value = value * 10 + (uint64_t)(*s - '0');
		if (value > max)
			value = max;
	}
	*ret = (uint32_t)value;
	return true;
}

static bool is_word(const char *s, size_t len, const char *word)
{
	return strlen(word) == len && strncasecmp(s, word, len) == 0;
}

static bool take_status(const char *s, size_t len, struct check_agent_said *r)
{
	bool down = is_word(s, len, "down") || is_word(s, len, "stopped") || is_word(s, len, "fail");

	if (!down && !is_word(s, len, "up"))
		return false;
	r->status = true;
	r->word.down = down;
	return true;
}

static bool take_admin(const char *s, size_t len, struct check_agent_said *r)
{
	for (int i = ADMIN_READY; i <= ADMIN_MAINT; i++) {
		if (!is_word(s, len, server_admin_name((enum server_admin)i)))
			continue;
		r->admin = true;
		r->word.admin = (uint8_t)i;
		return true;
	}
	return false;
}

/* 1: taken, 0: unknown, -1: a word with a number that is none. */
static int take_word(const char *s, size_t len, struct check_agent_said *r)
{
	static const char maxconn[] = "maxconn:";
	size_t n = sizeof(maxconn) - 1;
	uint32_t percent;

	if (take_status(s, len, r) || take_admin(s, len, r))
		return 1;
	if (s[len - 1] == '%') {
		r->percent = take_number(s, s + len - 1, AGENT_PERCENT_MAX, &percent);
		r->word.percent = r->percent ? (uint16_t)percent : 0;
		return r->percent ? 1 : -1;
	}
	if (len >= n && strncasecmp(s, maxconn, n) == 0) {
		r->maxconn = take_number(s + n, s + len, UINT32_MAX, &r->word.maxconn);
		return r->maxconn ? 1 : -1;
	}
	return 0;
}

bool agent_reply_parse(const char *at, size_t len, struct check_agent_said *ret,
		       struct text *ret_words)
{
	char line[AGENT_LINE_MAX + 1], *s = line;
	bool known = false;

	if (len > AGENT_LINE_MAX)
		return false;
	memcpy(line, at, len);
	line[len] = '\0';
	*ret = (struct check_agent_said){0};
	text_set(ret_words, "%.100s", line);
	text_clean(ret_words);
	line[strcspn(line, "#")] = '\0';
	for (;;) {
		size_t n;
		int taken;

		s += strspn(s, SPACES);
		n = strcspn(s, SPACES);
		if (!n)
			return known;
		taken = take_word(s, n, ret);
		if (taken < 0)
			return false;
		known |= taken;
		s += n;
	}
}
