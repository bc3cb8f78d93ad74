/* SPDX-License-Identifier: Apache-2.0 */
/* global_defs: what concerns IPVS as a whole and takes more than a line to read. */
#include <ctype.h>
#include <string.h>

#include "core/arena.h"
#include "core/config/check.h"

#define DATAGRAM_MAX (65535 - 20 - 8) /* less the headers of IPv4 and UDP, as keepalived */

static bool sync_number(struct checker *c, const struct ast_word *w, int64_t lo, int64_t hi,
			uint16_t *ret)
{
	int64_t value;

	if (!value_number(c, w, lo, hi, &value))
		return false;
	*ret = (uint16_t)value;
	return true;
}

static void sync_group(struct checker *c, struct sync_draft *d, const struct ast_word *w)
{
	struct addr a;

	if (!value_addr(c, w, &a))
		return;
	if (!addr_is_multicast(&a))
		check_warn(c, &w->loc, "'%s' is not a multicast address; it is left out", w->s);
	else
		d->s.group = a;
}

static void sync_instance(struct checker *c, struct sync_draft *d, const struct ast_word *w)
{
	if (d->instance) {
		check_warn(c, &w->loc, "the instance is %s already; '%s' is left out", d->instance,
			   w->s);
		return;
	}
	d->instance = value_string(c, w);
	d->instance_loc = &w->loc;
}

static bool is_sync_option(const char *s)
{
	static const char *const names[] = {"inst", "id", "maxlen", "port", "ttl", "group"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(s, names[i]))
			return true;
	return false;
}

static void sync_option(struct checker *c, struct sync_draft *d, const char *name,
			const struct ast_word *value)
{
	uint16_t number;

	if (!strcmp(name, "inst"))
		sync_instance(c, d, value);
	else if (!strcmp(name, "id"))
		value_number(c, value, 0, 255, &d->sync_id);
	else if (!strcmp(name, "maxlen"))
		sync_number(c, value, 1, DATAGRAM_MAX, &d->s.maxlen);
	else if (!strcmp(name, "port"))
		sync_number(c, value, 1, 65535, &d->s.port);
	else if (!strcmp(name, "ttl") && sync_number(c, value, 1, 255, &number))
		d->s.ttl = (uint8_t)number;
	else if (!strcmp(name, "group"))
		sync_group(c, d, value);
}

/* Before there were words for it, the instance came second and the id third. */
static void sync_positional(struct checker *c, struct sync_draft *d, uint32_t place,
			    const struct ast_word *w)
{
	if (place == 2)
		sync_instance(c, d, w);
	else if (place == 3 && isdigit((unsigned char)w->s[0]))
		value_number(c, w, 0, 255, &d->sync_id);
	else
		check_warn(c, &w->loc,
			   "'%s' is none of inst, id, maxlen, port, ttl, group; it is left out",
			   w->s);
}

static bool sync_start(struct checker *c, const struct ast_node *n, struct sync_draft *d)
{
	const struct ast_node *first = c->global.sync.node;

	if (first) {
		check_warn(c, &n->word[0].loc,
			   "there is one sync daemon, already named at %s:%u; this one is left out",
			   first->word[0].loc.src->file, first->word[0].loc.src->number);
		return false;
	}
	*d = (struct sync_draft){.node = n, .sync_id = -1};
	return value_ifname(c, &n->word[1], &d->s.ifname);
}

void set_global_sync_daemon(struct checker *c, void *draft, const struct ast_node *n)
{
	struct sync_draft d;

	if (!sync_start(c, n, &d))
		return;
	for (uint32_t i = 2; i < n->n_words; i++) {
		if (!is_sync_option(n->word[i].s)) {
			sync_positional(c, &d, i, &n->word[i]);
			continue;
		}
		if (i + 1 == n->n_words)
			check_warn(c, &n->word[i].loc, "'%s' wants a value; it is left out",
				   n->word[i].s);
		else
			sync_option(c, &d, n->word[i].s, &n->word[i + 1]);
		i++;
	}
	c->global.sync = d;
}

void set_vrrp_sync_daemon(struct checker *c, void *draft, const struct ast_node *n)
{
	struct vrrp_draft *v = draft;
	struct sync_draft d;

	if (!sync_start(c, n, &d))
		return;
	d.instance = v->v.name;
	d.instance_loc = &n->word[0].loc;
	c->global.sync = d;
}

/* net.ipv4.vs.* (Documentation/networking/ipvs-sysctl.rst); sync_threshold has two numbers. */
static const struct {
	const char *name;
	int64_t lo;
	int64_t hi;
	uint32_t numbers;
} sysctls[] = {
	{"am_droprate", 1, INT32_MAX, 1},
	{"amemthresh", 0, INT32_MAX, 1},
	{"backup_only", 0, 1, 1},
	{"cache_bypass", 0, 1, 1},
	{"conn_reuse_mode", 0, 3, 1},
	{"conntrack", 0, 1, 1},
	{"drop_entry", 0, 3, 1},
	{"drop_packet", 0, 3, 1},
	{"est_nice", -20, 19, 1},
	{"expire_nodest_conn", 0, 1, 1},
	{"expire_quiescent_template", 0, 1, 1},
	{"ignore_tunneled", 0, 1, 1},
	{"nat_icmp_send", 0, 1, 1},
	{"pmtu_disc", 0, 1, 1},
	{"run_estimation", 0, 1, 1},
	{"schedule_icmp", 0, 1, 1},
	{"secure_tcp", 0, 3, 1},
	{"sloppy_sctp", 0, 1, 1},
	{"sloppy_tcp", 0, 1, 1},
	{"snat_reroute", 0, 1, 1},
	{"sync_persist_mode", 0, 1, 1},
	{"sync_ports", 1, 64, 1},
	{"sync_qlen_max", 0, INT32_MAX, 1},
	{"sync_refresh_period", 0, INT32_MAX, 1},
	{"sync_retries", 0, 3, 1},
	{"sync_sock_size", 0, INT32_MAX, 1},
	{"sync_threshold", 0, INT32_MAX, 2},
	{"sync_version", 0, 1, 1},
};

/* "3 50"; NULL when the line can't be used. */
static const char *sysctl_value(struct checker *c, const struct ast_node *n, size_t known)
{
	const char *value = "";
	int64_t number;

	if (n->n_words != 1 + sysctls[known].numbers) {
		check_warn(c, &n->word[0].loc, "'%s' wants %s; the line is left out", n->word[0].s,
			   sysctls[known].numbers == 1 ? "one number" : "two numbers");
		return NULL;
	}
	for (uint32_t i = 1; i < n->n_words; i++) {
		if (!value_number(c, &n->word[i], sysctls[known].lo, sysctls[known].hi, &number))
			return NULL;
		value = arena_printf(c->arena, "%s%s%lld", value, *value ? " " : "",
				     (long long)number);
	}
	return value;
}

const struct vs_sysctl *lvs_sysctl_find(const struct global *g, const char *name)
{
	for (uint32_t i = 0; i < g->n_sysctls; i++)
		if (!strcmp(g->sysctls[i].name, name))
			return &g->sysctls[i];
	return NULL;
}

static void append(struct checker *c, struct vs_sysctl **list, uint32_t *n, const char *name,
		   const char *value, bool at_least)
{
	*list = check_extend(c, *list, *n, 1, sizeof(**list));
	(*list)[(*n)++] = (struct vs_sysctl){.id = model_id_sysctl(name),
					     .name = name,
					     .value = value,
					     .at_least = at_least};
}

static void append_sysctl(struct checker *c, struct global *g, const char *name, const char *value,
			  bool at_least)
{
	append(c, &g->sysctls, &g->n_sysctls, name, value, at_least);
}

void lvs_default_sysctl(struct checker *c, const char *name, const char *value)
{
	if (!lvs_sysctl_find(&c->global.g, name))
		append_sysctl(c, &c->global.g, name, value, false);
}

void lvs_least_sysctl(struct checker *c, const char *name, const char *value)
{
	if (!lvs_sysctl_find(&c->global.g, name))
		append_sysctl(c, &c->global.g, name, value, true);
}

void lvs_least_core_sysctl(struct checker *c, const char *name, const char *value)
{
	struct global *g = &c->global.g;

	append(c, &g->core_sysctls, &g->n_core_sysctls, name, value, true);
}

void lvs_require_sysctl(struct checker *c, const struct ast_node *n, const char *name,
			const char *value)
{
	struct global *g = &c->global.g;

	lvs_default_sysctl(c, name, value);
	for (uint32_t i = 0; i < g->n_sysctls; i++) {
		struct vs_sysctl *s = &g->sysctls[i];

		if (strcmp(s->name, name) != 0 || !strcmp(s->value, value))
			continue;
		check_warn(c, &n->word[0].loc, "%s needs %s %s; the %s of lvs_sysctl is left out",
			   n->word[0].s, name, value, s->value);
		s->value = value;
	}
}

static void add_sysctl(struct checker *c, struct global *g, const struct ast_node *n)
{
	const char *name = value_string(c, &n->word[0]), *value;
	size_t known = 0;

	while (known < sizeof(sysctls) / sizeof(*sysctls) && strcmp(sysctls[known].name, name))
		known++;
	if (known == sizeof(sysctls) / sizeof(*sysctls)) {
		check_warn(c, &n->word[0].loc,
			   "'%s' is no setting of net.ipv4.vs that tandem knows; it is left out",
			   name);
		return;
	}
	if (lvs_sysctl_find(g, name)) {
		check_warn(c, &n->word[0].loc, "'%s' is there already; this one is left out",
			   name);
		return;
	}
	value = sysctl_value(c, n, known);
	if (value)
		append_sysctl(c, g, name, value, false);
}

void set_global_sysctls(struct checker *c, void *draft, const struct ast_node *n)
{
	for (uint32_t i = 0; i < n->n_children; i++)
		add_sysctl(c, &((struct global_draft *)draft)->g, &n->child[i]);
}

/* An id that is not given is the instance's VRID. */
void lvs_finish(struct checker *c)
{
	struct sync_draft *d = &c->global.sync;
	const struct vrrp_instance *v = NULL;

	if (!d->node)
		return;
	if (d->instance) {
		v = vrrp_find(c, d->instance);
		if (!v) {
			check_warn(c, d->instance_loc,
				   "there is no vrrp_instance %s; lvs_sync_daemon is left out",
				   d->instance);
			return;
		}
		d->s.instance = v->id;
	}
	d->s.sync_id = d->sync_id >= 0 ? (uint8_t)d->sync_id : v ? v->vrid : 0;
	c->global.g.sync = arena_alloc(c->arena, sizeof(d->s));
	*c->global.g.sync = d->s;
	c->global.g.n_sync = 1;
}
