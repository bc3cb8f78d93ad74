/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of an SMTP server: see smtp_reply.h. */
#include "checkers/smtp_reply.h"

/* The first four characters of a line: three digits, and a space, a hyphen or the line's end. */
static bool take_head(struct smtp_reply *r, char c)
{
	if (r->column == 0)
		r->code = 0;
	if (r->column < 3) {
		if (c < '0' || c > '9')
			return false;
		r->code = (uint16_t)(r->code * 10 + (c - '0'));
		return true;
	}
	r->last = c != '-';
	return c == ' ' || c == '-' || c == '\r' || c == '\n';
}

enum smtp_progress smtp_reply_feed(struct smtp_reply *r, const char *at, size_t len,
				   size_t *ret_used)
{
	for (size_t i = 0; i < len; i++) {
		if (++r->bytes > SMTP_REPLY_MAX)
			return SMTP_NONSENSE;
		if (r->column < 4 && !take_head(r, at[i]))
			return SMTP_NONSENSE;
		r->column++;
		if (at[i] != '\n')
			continue;
		r->column = 0;
		if (!r->last)
			continue;
		*ret_used = i + 1;
		return SMTP_REPLIED;
	}
	*ret_used = len;
	return SMTP_MORE;
}
