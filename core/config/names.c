/* SPDX-License-Identifier: Apache-2.0 */
/* Words that stand for numbers: see names.h. */
#include "core/config/names.h"

#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

static const struct {
	const char *name;
	uint16_t type;
} dns_types[] = {
	{"A", 1},     {"NS", 2},      {"CNAME", 5},   {"SOA", 6},     {"PTR", 12},  {"MX", 15},
	{"TXT", 16},  {"AAAA", 28},   {"SRV", 33},    {"NAPTR", 35},  {"DS", 43},   {"RRSIG", 46},
	{"NSEC", 47}, {"DNSKEY", 48}, {"TLSA", 52},   {"SVCB", 64},   {"HTTPS", 65}, {"ANY", 255},
	{"CAA", 257},
};
#define N_DNS_TYPES (sizeof(dns_types) / sizeof(*dns_types))

bool name_dns_type_parse(const char *s, uint16_t *ret)
{
	unsigned long type;
	char *end;

	for (size_t i = 0; i < N_DNS_TYPES; i++) {
		if (strcasecmp(dns_types[i].name, s))
			continue;
		*ret = dns_types[i].type;
		return true;
	}
	if (strncasecmp(s, "TYPE", 4) || s[4] < '0' || s[4] > '9')
		return false;
	type = strtoul(s + 4, &end, 10);
	if (*end || !type || type > UINT16_MAX)
		return false;
	*ret = (uint16_t)type;
	return true;
}

const char *name_dns_type(uint16_t type)
{
	for (size_t i = 0; i < N_DNS_TYPES; i++)
		if (dns_types[i].type == type)
			return dns_types[i].name;
	return NULL;
}
