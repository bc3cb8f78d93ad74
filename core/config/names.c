/* SPDX-License-Identifier: Apache-2.0 */
/* Words that stand for numbers: see names.h. */
#include "core/config/names.h"

#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	uint8_t value;
} scopes[] = {
	{"global", RT_SCOPE_UNIVERSE}, {"universe", RT_SCOPE_UNIVERSE},
	{"site", RT_SCOPE_SITE},       {"link", RT_SCOPE_LINK},
	{"host", RT_SCOPE_HOST},       {"nowhere", RT_SCOPE_NOWHERE},
};

int name_scope_parse(const char *s)
{
	char *end;
	long value;

	for (size_t i = 0; i < sizeof(scopes) / sizeof(*scopes); i++)
		if (!strcmp(scopes[i].name, s))
			return scopes[i].value;
	value = strtol(s, &end, 0);
	return *s && !*end && value >= 0 && value <= UINT8_MAX ? (int)value : -1;
}

const char *name_scope(uint8_t scope)
{
	for (size_t i = 0; i < sizeof(scopes) / sizeof(*scopes); i++)
		if (scopes[i].value == scope)
			return scopes[i].name;
	return NULL;
}

bool name_is_scheduler(const char *s)
{
	static const char *const names[] = {"rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh",
					    "sh", "mh",	 "fo", "ovf", "sed",  "nq",    "twos"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i], s))
			return true;
	return false;
}
