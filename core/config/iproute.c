/* SPDX-License-Identifier: Apache-2.0 */
/* ip(8)'s names: see iproute.h. */
#include "core/config/iproute.h"

#include <dirent.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* There without any file. */
static const struct {
	const char *file;
	const char *name;
	uint32_t value;
} built_in[] = {
	{"rt_tables", "default", RT_TABLE_DEFAULT},
	{"rt_tables", "main", RT_TABLE_MAIN},
	{"rt_tables", "local", RT_TABLE_LOCAL},
	{"rt_protos", "kernel", RTPROT_KERNEL},
	{"rt_protos", "boot", RTPROT_BOOT},
	{"rt_protos", "static", RTPROT_STATIC},
	{"rt_protos", "keepalived", RTPROT_KEEPALIVED},
	{"rt_scopes", "global", RT_SCOPE_UNIVERSE},
	{"rt_scopes", "site", RT_SCOPE_SITE},
	{"rt_scopes", "link", RT_SCOPE_LINK},
	{"rt_scopes", "host", RT_SCOPE_HOST},
	{"rt_scopes", "nowhere", RT_SCOPE_NOWHERE},
	{"group", "default", 0},
};

static bool parse_number(const char *s, uint32_t max, uint32_t *ret)
{
	char *end;
	unsigned long value;

	if (*s < '0' || *s > '9')
		return false;
	value = strtoul(s, &end, 0);
	if (*end || value > max)
		return false;
	*ret = (uint32_t)value;
	return true;
}

/* Lines of "NUMBER NAME"; the rest is comment. */
static bool find_in_file(const char *path, const char *name, uint32_t max, uint32_t *ret)
{
	char line[256], number[32], found[128];
	FILE *f = fopen(path, "re");
	bool is = false;

	while (f && !is && fgets(line, sizeof(line), f))
		is = sscanf(line, "%31s %127s", number, found) == 2 && !strcmp(found, name) &&
		     parse_number(number, max, ret);
	if (f)
		fclose(f);
	return is;
}

/* FILE, and FILE.d/ *.conf */
static bool find_below(const char *dir, const char *file, const char *name, uint32_t max,
		       uint32_t *ret)
{
	char path[1024], more[2048];
	struct dirent *entry;
	bool is;
	DIR *d;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	is = find_in_file(path, name, max, ret);
	snprintf(path, sizeof(path), "%s/%s.d", dir, file);
	d = is ? NULL : opendir(path);
	while (d && !is && (entry = readdir(d))) {
		const char *dot = strrchr(entry->d_name, '.');

		if (!dot || strcmp(dot, ".conf"))
			continue;
		snprintf(more, sizeof(more), "%s/%s", path, entry->d_name);
		is = find_in_file(more, name, max, ret);
	}
	if (d)
		closedir(d);
	return is;
}

static bool find_name(const struct checker *c, const char *file, const char *name, uint32_t max,
		      uint32_t *ret)
{
	if (find_below(c->global.iproute_etc_dir, file, name, max, ret) ||
	    find_below(c->global.iproute_usr_dir, file, name, max, ret))
		return true;
	for (size_t i = 0; i < sizeof(built_in) / sizeof(*built_in); i++) {
		if (strcmp(built_in[i].file, file) || strcmp(built_in[i].name, name))
			continue;
		*ret = built_in[i].value;
		return true;
	}
	return false;
}

bool iproute_number(struct checker *c, const struct ast_word *w, const char *file, uint32_t max,
		    uint32_t *ret)
{
	if (parse_number(w->s, max, ret) || find_name(c, file, w->s, max, ret))
		return true;
	check_warn(c, &w->loc,
		   "'%s' is neither a number up to %u nor a name of %s/%s; the line is left out",
		   w->s, max, c->global.iproute_etc_dir, file);
	return false;
}

/* The one to is in the lower half. */
bool iproute_realms(struct checker *c, const struct ast_word *w, uint32_t *ret)
{
	const char *slash = strchr(w->s, '/');
	struct ast_word part = *w;
	uint32_t from = 0, to;

	if (slash) {
		part.s = arena_strndup(c->arena, w->s, (size_t)(slash - w->s));
		if (!iproute_number(c, &part, "rt_realms", UINT16_MAX, &from))
			return false;
		part.s = slash + 1;
	}
	if (!iproute_number(c, &part, "rt_realms", UINT16_MAX, &to))
		return false;
	*ret = from << 16 | to;
	return true;
}

bool iproute_prefix(struct checker *c, const struct ast_word *w, uint8_t family, struct addr *ret,
		    uint8_t *ret_len)
{
	if (strcmp(w->s, "default") && strcmp(w->s, "any") && strcmp(w->s, "all"))
		return value_prefix(c, w, ret, ret_len);
	*ret = (struct addr){.family = family ? family : AF_INET};
	*ret_len = 0;
	return true;
}

/* Lines */

const struct ast_word *ip_word(const struct ip_line *l)
{
	return &l->n->word[l->at];
}

void ip_fail(struct ip_line *l, const struct ast_word *w, const char *why)
{
	if (!l->failed)
		check_warn(l->c, &w->loc, "'%s' %s; the line is left out", w->s, why);
	l->failed = true;
}

const struct ast_word *ip_next(struct ip_line *l)
{
	if (l->at + 1 < l->n->n_words)
		return &l->n->word[++l->at];
	ip_fail(l, ip_word(l), "wants a value");
	return NULL;
}

bool ip_take_family(struct ip_line *l, const struct ast_word *w, uint8_t family)
{
	if (l->family && l->family != family)
		ip_fail(l, w, "is not of the family of the words before it");
	else
		l->family = family;
	return !l->failed;
}

bool ip_read_number(struct ip_line *l, int64_t lo, int64_t hi, int64_t *ret)
{
	const struct ast_word *w = ip_next(l);

	if (!w || !value_number(l->c, w, lo, hi, ret))
		l->failed = true;
	return !l->failed;
}

bool ip_read_named(struct ip_line *l, const char *file, uint32_t max, uint32_t *ret)
{
	const struct ast_word *w = ip_next(l);

	if (!w || !iproute_number(l->c, w, file, max, ret))
		l->failed = true;
	return !l->failed;
}

void ip_read_track_group(struct ip_line *l, const char *what, uint64_t *ret)
{
	const struct ast_word *w = ip_next(l);

	if (w && !l->is_static)
		check_warn(l->c, &w->loc, "track_group is for static %ss; it is left out", what);
	else if (w)
		*ret = track_group_find(l->c, w);
}

/* Types */

static const struct {
	const char *name;
	uint8_t type;
} types[] = {
	{"unicast", RTN_UNICAST},     {"local", RTN_LOCAL},
	{"broadcast", RTN_BROADCAST}, {"anycast", RTN_ANYCAST},
	{"multicast", RTN_MULTICAST}, {"blackhole", RTN_BLACKHOLE},
	{"throw", RTN_THROW},	      {"unreachable", RTN_UNREACHABLE},
	{"prohibit", RTN_PROHIBIT},
};

int iproute_type_parse(const char *s)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(types[i].name, s))
			return types[i].type;
	return -1;
}

const char *iproute_type(uint8_t type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (types[i].type == type)
			return types[i].name;
	return "unicast";
}
