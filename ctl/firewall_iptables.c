/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What iptables-save(8) prints as rules of firewall.h: the tables that filter. An option that is
 * not known becomes a match of FIREWALL_OTHER, so that its rule is sure of nothing.
 */
#include "ctl/firewall.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MAX 128

static enum firewall_hook hook_of(const char *chain)
{
	static const char *const names[] = {
		[FIREWALL_PREROUTING] = "PREROUTING",	[FIREWALL_INPUT] = "INPUT",
		[FIREWALL_FORWARD] = "FORWARD",		[FIREWALL_OUTPUT] = "OUTPUT",
		[FIREWALL_POSTROUTING] = "POSTROUTING",
	};

	for (size_t i = FIREWALL_PREROUTING; i <= FIREWALL_POSTROUTING; i++)
		if (strcmp(chain, names[i]) == 0)
			return (enum firewall_hook)i;
	return FIREWALL_NO_HOOK;
}

/* Words between spaces; in quotes a space is one of the word's. Cuts `line` up. */
static size_t split(char *line, char *words[WORDS_MAX])
{
	size_t n = 0;

	while (n < WORDS_MAX) {
		char *to;
		bool quoted = false;

		line += strspn(line, " ");
		if (!*line)
			break;
		words[n++] = to = line;
		for (; *line && (quoted || *line != ' '); line++) {
			if (*line == '"')
				quoted = !quoted;
			else if (*line == '\\' && line[1])
				*to++ = *++line;
			else
				*to++ = *line;
		}
		if (*line)
			line++;
		*to = '\0';
	}
	return n;
}

/* "80,443,8000:8010" */
static void add_list(struct firewall *f, struct firewall_match *m, char *list)
{
	char *rest, *one;

	for (one = strtok_r(list, ",", &rest); one; one = strtok_r(NULL, ",", &rest))
		firewall_add_text(f, m, one);
}

/* iptables writes "eth+" for what firewall.h calls "eth*". */
static void add_interface(struct firewall *f, struct firewall_match *m, char *name)
{
	size_t n = strlen(name);

	if (n && name[n - 1] == '+')
		name[n - 1] = '*';
	firewall_add_text(f, m, name);
}

static const struct option {
	const char *name;
	enum firewall_field field;
} options[] = {
	{"-i", FIREWALL_IIF},
	{"-o", FIREWALL_OIF},
	{"-p", FIREWALL_PROTOCOL},
	{"-s", FIREWALL_SADDR},
	{"-d", FIREWALL_DADDR},
	{"--sport", FIREWALL_SPORT},
	{"--dport", FIREWALL_DPORT},
	{"--sports", FIREWALL_SPORT},
	{"--dports", FIREWALL_DPORT},
	{"--state", FIREWALL_STATE},
	{"--ctstate", FIREWALL_STATE},
	{"--src-range", FIREWALL_SADDR},
	{"--dst-range", FIREWALL_DADDR},
};

static const struct option *find_option(const char *name)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

static void add_option(struct firewall *f, struct firewall_rule *r, const char *name, bool negated,
		       char *value)
{
	const struct option *o = find_option(name);
	struct firewall_match *m = firewall_add_match(f, r, o ? o->field : FIREWALL_OTHER);

	m->negated = negated;
	if (!o)
		return;
	if (o->field == FIREWALL_IIF || o->field == FIREWALL_OIF)
		add_interface(f, m, value);
	else
		add_list(f, m, value);
}

static void set_verdict(struct firewall *f, struct firewall_rule *r, const char *target, bool jump)
{
	static const struct {
		const char *target;
		enum firewall_verdict verdict;
	} targets[] = {
		{"ACCEPT", FIREWALL_ACCEPT}, {"DROP", FIREWALL_DROP},	  {"REJECT", FIREWALL_DROP},
		{"RETURN", FIREWALL_RETURN}, {"LOG", FIREWALL_NEXT},	  {"NFLOG", FIREWALL_NEXT},
		{"MARK", FIREWALL_NEXT},     {"CONNMARK", FIREWALL_NEXT}, {"CT", FIREWALL_NEXT},
		{"TCPMSS", FIREWALL_NEXT},   {"TTL", FIREWALL_NEXT},	  {"HL", FIREWALL_NEXT},
	};

	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++)
		if (strcmp(targets[i].target, target) == 0) {
			r->verdict = targets[i].verdict;
			return;
		}
	/* A chain; an extension of another name is one that is not there. */
	r->verdict = jump ? FIREWALL_JUMP : FIREWALL_GOTO;
	r->target = arena_strdup(f->arena, target);
}

/* What stands behind -j is of the target, and matches nothing. */
static void read_words(struct firewall *f, struct firewall_rule *r, char **words, size_t n)
{
	bool negated = false;

	for (size_t i = 0; i < n; i++) {
		bool has_value = i + 1 < n && words[i + 1][0] != '-';

		if (strcmp(words[i], "!") == 0) {
			negated = true;
			continue;
		}
		if ((strcmp(words[i], "-j") == 0 || strcmp(words[i], "-g") == 0) && has_value) {
			set_verdict(f, r, words[i + 1], words[i][1] == 'j');
			return;
		}
		if ((strcmp(words[i], "-m") == 0 || strcmp(words[i], "--comment") == 0) &&
		    has_value)
			i++;
		else if (words[i][0] == '-')
			add_option(f, r, words[i], negated, has_value ? words[i + 1] : words[i]);
		negated = false;
	}
}

static void read_rule(struct firewall *f, int family, const char *table, char *line)
{
	char *words[WORDS_MAX], *text = arena_printf(f->arena, "rule \"%s\"", line);
	size_t n = split(line, words);
	struct firewall_rule *r;

	if (n < 2)
		return;
	r = firewall_add_rule(f, firewall_chain(f, family, table, words[1]));
	r->text = text;
	if (n == WORDS_MAX) /* the rest is not known */
		firewall_add_match(f, r, FIREWALL_OTHER);
	read_words(f, r, words + 2, n - 2);
}

static void read_chain(struct firewall *f, int family, const char *table, char *line)
{
	const char *program = family == AF_INET6 ? "ip6tables-legacy" : "iptables-legacy";
	char *words[WORDS_MAX];
	struct firewall_chain *c;

	if (split(line, words) < 2)
		return;
	c = firewall_chain(f, family, table, words[0]);
	c->hook = hook_of(words[0]);
	c->drops = strcmp(words[1], "DROP") == 0;
	c->text = arena_printf(f->arena, "%s table %s, chain %s", program, table, words[0]);
	c->insert = arena_printf(f->arena, "%s -t %s -I %s", program, table, words[0]);
}

int firewall_read_iptables(struct firewall *f, int family, const char *text)
{
	char *copy = arena_strdup(f->arena, text), *rest, *line;
	const char *table = NULL;

	for (line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (*line == '#')
			continue;
		if (*line == '*')
			table = line + 1;
		else if (!table || (*line != ':' && *line != '-' && strcmp(line, "COMMIT") != 0))
			return -EBADMSG;
		else if (strcmp(table, "nat") == 0)
			continue; /* translates, and sees the first packets only */
		else if (*line == ':')
			read_chain(f, family, table, line + 1);
		else if (strncmp(line, "-A ", 3) == 0)
			read_rule(f, family, table, line);
	}
	return 0;
}
