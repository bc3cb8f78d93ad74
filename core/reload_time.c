/* SPDX-License-Identifier: Apache-2.0 */
/* The times of reload_time_file: see reload_time.h. */
#include "core/reload_time.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* Each digit of the pattern stands for one of the text, and every other character for itself. */
static bool has_form(const char *text, size_t len, const char *form)
{
	if (strlen(form) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (isdigit((unsigned char)form[i]) ? !isdigit((unsigned char)text[i])
						    : text[i] != form[i])
			return false;
	return true;
}

static int two_digits(const char *s)
{
	return (s[0] - '0') * 10 + s[1] - '0';
}

static bool take_time(const char *s, struct tm *tm)
{
	tm->tm_hour = two_digits(s);
	tm->tm_min = two_digits(s + 3);
	tm->tm_sec = two_digits(s + 6);
	return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec < 60;
}

/* From the last two digits of the year on. */
static bool take_date(const char *s, int century, struct tm *tm)
{
	static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	tm->tm_year = century * 100 + two_digits(s) - 1900;
	tm->tm_mon = two_digits(s + 3) - 1;
	tm->tm_mday = two_digits(s + 6);
	return tm->tm_mon >= 0 && tm->tm_mon < 12 && tm->tm_mday >= 1 &&
	       tm->tm_mday <= days[tm->tm_mon];
}

static time_t since_epoch(const struct tm *tm, bool utc)
{
	struct tm t = *tm;

	t.tm_isdst = -1;
	return utc ? timegm(&t) : mktime(&t);
}

static int next_of_day(struct tm *at, time_t now_s, bool utc, time_t *ret_s)
{
	struct tm today;

	if (!(utc ? gmtime_r(&now_s, &today) : localtime_r(&now_s, &today)))
		return -EINVAL;
	at->tm_year = today.tm_year;
	at->tm_mon = today.tm_mon;
	at->tm_mday = today.tm_mday;
	if (since_epoch(at, utc) <= now_s)
		at->tm_mday++;
	*ret_s = since_epoch(at, utc);
	return 0;
}

int reload_time_parse(const char *text, time_t now_s, time_t *ret_s)
{
	size_t len = strcspn(text, "\n");
	bool utc = len && text[len - 1] == 'Z';
	struct tm at = {0};
	int century = 20;
	time_t at_s;

	len -= utc;
	if (has_form(text, len, "00:00:00"))
		return take_time(text, &at) ? next_of_day(&at, now_s, utc, ret_s) : -EINVAL;
	if (has_form(text, len, "0000-00-00 00:00:00")) {
		century = two_digits(text);
		text += 2;
	} else if (!has_form(text, len, "00-00-00 00:00:00")) {
		return -EINVAL;
	}
	if (!take_date(text, century, &at) || !take_time(text + 9, &at))
		return -EINVAL;
	at_s = since_epoch(&at, utc);
	if (at_s <= now_s)
		return -ETIME;
	*ret_s = at_s;
	return 0;
}
