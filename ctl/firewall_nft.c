/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libnftables lists as JSON (libnftables-json(5)) as rules of firewall.h. What it has no place
 * for becomes a match of FIREWALL_OTHER.
 */
#include "ctl/firewall.h"
#include "ctl/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define FAMILY_ELSEWHERE (-1) /* bridge, arp, netdev: IPVS and VRRP are not there */

static int family_of(json *o)
{
	const char *family = str(o, "family");

	return strcmp(family, "inet") == 0  ? AF_UNSPEC
	       : strcmp(family, "ip") == 0  ? AF_INET
	       : strcmp(family, "ip6") == 0 ? AF_INET6
					    : FAMILY_ELSEWHERE;
}

static enum firewall_hook hook_of(json *chain)
{
	static const char *const names[] = {
		[FIREWALL_PREROUTING] = "prerouting",	[FIREWALL_INPUT] = "input",
		[FIREWALL_FORWARD] = "forward",		[FIREWALL_OUTPUT] = "output",
		[FIREWALL_POSTROUTING] = "postrouting",
	};

	for (size_t i = FIREWALL_PREROUTING; i <= FIREWALL_POSTROUTING; i++)
		if (strcmp(str(chain, "hook"), names[i]) == 0)
			return (enum firewall_hook)i;
	return FIREWALL_NO_HOOK;
}

static void read_chain(struct firewall *f, json *chain)
{
	const char *table = str(chain, "table"), *name = str(chain, "name");
	struct firewall_chain *c;

	if (family_of(chain) == FAMILY_ELSEWHERE)
		return;
	c = firewall_chain(f, family_of(chain), table, name);
	c->hook = hook_of(chain);
	c->drops = strcmp(str(chain, "policy"), "drop") == 0;
	c->text = arena_printf(f->arena, "nftables table %s %s, chain %s", str(chain, "family"),
			       table, name);
	c->insert = arena_printf(f->arena, "nft insert rule %s %s %s", str(chain, "family"), table,
				 name);
}

/* Matches */

static enum firewall_field field_of_meta(const char *key)
{
	static const struct {
		const char *key;
		enum firewall_field field;
	} keys[] = {
		{"iifname", FIREWALL_IIF},	{"iif", FIREWALL_IIF},
		{"oifname", FIREWALL_OIF},	{"oif", FIREWALL_OIF},
		{"l4proto", FIREWALL_PROTOCOL}, {"nfproto", FIREWALL_FAMILY},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (strcmp(keys[i].key, key) == 0)
			return keys[i].field;
	return FIREWALL_OTHER;
}

static enum firewall_field field_of_payload(json *payload)
{
	const char *protocol = str(payload, "protocol"), *field = str(payload, "field");

	if (strcmp(protocol, "ip") == 0 || strcmp(protocol, "ip6") == 0)
		return strcmp(field, "saddr") == 0   ? FIREWALL_SADDR
		       : strcmp(field, "daddr") == 0 ? FIREWALL_DADDR
		       : strcmp(field, "protocol") == 0 || strcmp(field, "nexthdr") == 0
			       ? FIREWALL_PROTOCOL
			       : FIREWALL_OTHER;
	return strcmp(field, "sport") == 0   ? FIREWALL_SPORT
	       : strcmp(field, "dport") == 0 ? FIREWALL_DPORT
					     : FIREWALL_OTHER;
}

static enum firewall_field field_of(json *left)
{
	if (get(left, "meta"))
		return field_of_meta(str(get(left, "meta"), "key"));
	if (get(left, "payload"))
		return field_of_payload(get(left, "payload"));
	if (get(left, "ct") && strcmp(str(get(left, "ct"), "key"), "state") == 0)
		return FIREWALL_STATE;
	return FIREWALL_OTHER;
}

/* "tcp dport 80" is about TCP only; "th dport" about whatever has ports. */
static void add_protocol(struct firewall *f, struct firewall_rule *r, json *left)
{
	const char *protocol = str(get(left, "payload"), "protocol");

	if (strcmp(protocol, "tcp") == 0 || strcmp(protocol, "udp") == 0 ||
	    strcmp(protocol, "sctp") == 0)
		firewall_add_text(f, firewall_add_match(f, r, FIREWALL_PROTOCOL), protocol);
}

struct nft {
	struct firewall *firewall;
	json *items; /* of the listing */
};

/* A named set or map of the same table. */
static json *find_set(const struct nft *n, json *rule, const char *name)
{
	static const char *const kinds[] = {"set", "map"};

	for (size_t i = 0; i < json_object_array_length(n->items); i++)
		for (size_t k = 0; k < 2; k++) {
			json *set = get(json_object_array_get_idx(n->items, i), kinds[k]);

			if (set && strcmp(str(set, "name"), name) == 0 &&
			    strcmp(str(set, "table"), str(rule, "table")) == 0 &&
			    strcmp(str(set, "family"), str(rule, "family")) == 0)
				return set;
		}
	return NULL;
}

static void add_value(struct firewall *f, struct firewall_match *m, json *value);

static void add_values(struct firewall *f, struct firewall_match *m, json *list)
{
	for (size_t i = 0;
	     json_object_is_type(list, json_type_array) && i < json_object_array_length(list); i++)
		add_value(f, m, json_object_array_get_idx(list, i));
}

static void add_object(struct firewall *f, struct firewall_match *m, json *value)
{
	json *prefix = get(value, "prefix"), *range = get(value, "range"),
	     *elem = get(value, "elem");

	if (get(value, "set"))
		add_values(f, m, get(value, "set"));
	else if (elem && get(elem, "val"))
		add_value(f, m, get(elem, "val"));
	else if (prefix)
		firewall_add_prefix(f, m, str(prefix, "addr"), (unsigned)num(prefix, "len"));
	else if (json_object_is_type(range, json_type_array) &&
		 json_object_array_length(range) == 2)
		firewall_add_range(f, m,
				   json_object_get_string(json_object_array_get_idx(range, 0)),
				   json_object_get_string(json_object_array_get_idx(range, 1)));
	else
		m->field = FIREWALL_OTHER;
}

static void add_value(struct firewall *f, struct firewall_match *m, json *value)
{
	const char *text = json_object_get_string(value);

	if (json_object_is_type(value, json_type_array))
		add_values(f, m, value);
	else if (json_object_is_type(value, json_type_object))
		add_object(f, m, value);
	else if (text)
		firewall_add_text(f, m, text);
	else
		m->field = FIREWALL_OTHER;
}

/* "@name" is a set of the table. */
static void add_right(const struct nft *n, json *rule, struct firewall_match *m, json *right)
{
	const char *text = json_object_get_string(right);
	json *set;

	if (!text || *text != '@') {
		add_value(n->firewall, m, right);
		return;
	}
	set = find_set(n, rule, text + 1);
	if (set)
		add_values(n->firewall, m, get(set, "elem"));
	else
		m->field = FIREWALL_OTHER;
}

static void add_match(const struct nft *n, json *rule, struct firewall_rule *r, json *match)
{
	const char *op = str(match, "op");
	json *left = get(match, "left");
	struct firewall_match *m;

	add_protocol(n->firewall, r, left);
	m = firewall_add_match(n->firewall, r, field_of(left));
	m->negated = strcmp(op, "!=") == 0;
	if (strcmp(op, "==") == 0 || strcmp(op, "in") == 0 || m->negated)
		add_right(n, rule, m, get(match, "right"));
	else
		m->field = FIREWALL_OTHER;
}

/* Verdicts */

/* Statements that let the packet go on to the next one. */
static bool is_harmless(json *statement)
{
	static const char *const names[] = {"counter",	 "log", "notrack", "comment", "mangle",
					    "ct helper", "set", "map",	   "meter"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (json_object_object_get_ex(statement, names[i], NULL))
			return true;
	return false;
}

static bool read_verdict(struct firewall *f, json *statement, struct firewall_rule *r)
{
	static const struct {
		const char *word;
		enum firewall_verdict verdict;
	} verdicts[] = {
		{"accept", FIREWALL_ACCEPT},
		{"drop", FIREWALL_DROP},
		{"reject", FIREWALL_DROP},
		{"return", FIREWALL_RETURN},
		{"jump", FIREWALL_JUMP},
		{"goto", FIREWALL_GOTO},
		/* What user space says of it is not known. */
		{"queue", FIREWALL_JUMP},
	};

	for (size_t i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++) {
		json *value;

		if (!json_object_object_get_ex(statement, verdicts[i].word, &value))
			continue;
		r->verdict = verdicts[i].verdict;
		if (get(value, "target"))
			r->target = arena_strdup(f->arena, str(value, "target"));
		return true;
	}
	return false;
}

/* A copy of a rule, whose matches are its own. */
static struct firewall_rule *add_copy(struct firewall *f, struct firewall_chain *c,
				      const struct firewall_rule *from)
{
	struct firewall_rule *r = firewall_add_rule(f, c);

	r->text = from->text;
	for (size_t i = 0; i < from->n; i++)
		*firewall_add_match(f, r, from->matches[i].field) = from->matches[i];
	return r;
}

/* "tcp dport vmap { 22 : accept, 80 : jump web }": a rule for each of its elements. */
static void read_vmap(const struct nft *n, json *rule, struct firewall_chain *c,
		      const struct firewall_rule *before, json *vmap)
{
	json *data = get(vmap, "data");
	const char *name =
		json_object_is_type(data, json_type_string) ? json_object_get_string(data) : "";
	json *elements = *name == '@' ? get(find_set(n, rule, name + 1), "elem") : get(data, "set");

	for (size_t i = 0; json_object_is_type(elements, json_type_array) &&
			   i < json_object_array_length(elements);
	     i++) {
		json *pair = json_object_array_get_idx(elements, i);
		struct firewall_rule *r = add_copy(n->firewall, c, before);
		struct firewall_match *m;

		if (!json_object_is_type(pair, json_type_array) ||
		    json_object_array_length(pair) != 2)
			continue;
		add_protocol(n->firewall, r, get(vmap, "key"));
		m = firewall_add_match(n->firewall, r, field_of(get(vmap, "key")));
		add_value(n->firewall, m, json_object_array_get_idx(pair, 0));
		read_verdict(n->firewall, json_object_array_get_idx(pair, 1), r);
	}
}

static void read_statement(const struct nft *n, json *rule, struct firewall_chain *c,
			   struct firewall_rule *r, json *statement)
{
	if (get(statement, "match"))
		add_match(n, rule, r, get(statement, "match"));
	else if (!read_verdict(n->firewall, statement, r) && !is_harmless(statement))
		firewall_add_match(n->firewall, r, FIREWALL_OTHER);
}

static void read_rule(const struct nft *n, json *rule)
{
	struct firewall_rule r = {.text = arena_printf(n->firewall->arena,
						       "rule with handle %" PRId64,
						       num(rule, "handle"))};
	struct firewall_chain *c;

	if (family_of(rule) == FAMILY_ELSEWHERE)
		return;
	c = firewall_chain(n->firewall, family_of(rule), str(rule, "table"), str(rule, "chain"));
	for (size_t i = 0; i < count(rule, "expr"); i++) {
		json *statement = item(rule, "expr", i);

		if (get(statement, "vmap"))
			read_vmap(n, rule, c, &r, get(statement, "vmap"));
		else
			read_statement(n, rule, c, &r, statement);
	}
	*firewall_add_rule(n->firewall, c) = r;
}

int firewall_read_nft(struct firewall *f, const char *text)
{
	json *doc = json_tokener_parse(text);
	struct nft n = {.firewall = f, .items = get(doc, "nftables")};
	int err = json_object_is_type(n.items, json_type_array) ? 0 : -EBADMSG;

	for (size_t i = 0; !err && i < json_object_array_length(n.items); i++) {
		json *o = json_object_array_get_idx(n.items, i);

		if (get(o, "chain"))
			read_chain(f, get(o, "chain"));
		else if (get(o, "rule"))
			read_rule(&n, get(o, "rule"));
	}
	json_object_put(doc);
	return err;
}
