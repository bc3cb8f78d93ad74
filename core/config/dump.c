/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Model to text: every value is said, in one way, so that two models are equal when their dumps
 * are, and a dump that is read again gives the same model.
 */
#include <inttypes.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <string.h>

#include "core/config/config.h"
#include "core/config/dump.h"
#include "core/config/names.h"

/* In quotes, with all that the language would take for itself in octal. */
void dump_string(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s; s++) {
		unsigned char ch = (unsigned char)*s;

		if (ch < ' ' || ch == 0x7f || ch == '"' || ch == '\\' || ch == '$')
			fprintf(out, "\\%03o", ch);
		else
			fputc(ch, out);
	}
	fputc('"', out);
}

void dump_item(FILE *out, const char *s)
{
	fputs(TAB TAB, out);
	dump_string(out, s);
	fputc('\n', out);
}

void dump_str(FILE *out, const char *indent, const char *keyword, const char *s)
{
	if (!s[0])
		return;
	fprintf(out, "%s%s ", indent, keyword);
	dump_string(out, s);
	fputc('\n', out);
}

void dump_u32(FILE *out, const char *indent, const char *keyword, uint32_t value)
{
	fprintf(out, "%s%s %" PRIu32 "\n", indent, keyword, value);
}

void dump_bool(FILE *out, const char *indent, const char *keyword, bool on)
{
	fprintf(out, "%s%s %s\n", indent, keyword, on ? "on" : "off");
}

void dump_flag(FILE *out, const char *indent, const char *keyword, bool on)
{
	if (on)
		fprintf(out, "%s%s\n", indent, keyword);
}

void dump_seconds(FILE *out, const char *indent, const char *keyword, int64_t us)
{
	int64_t fraction = us % 1000000;
	int digits = 6;

	fprintf(out, "%s%s %" PRId64, indent, keyword, us / 1000000);
	if (fraction) {
		while (fraction % 10 == 0) {
			fraction /= 10;
			digits--;
		}
		fprintf(out, ".%0*" PRId64, digits, fraction);
	}
	fputc('\n', out);
}

void dump_addr(FILE *out, const char *indent, const char *keyword, const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	if (addr_is_set(a))
		fprintf(out, "%s%s %s\n", indent, keyword, addr_format(a, text));
}

void dump_notify(FILE *out, const char *indent, const char *keyword, const struct notify *n)
{
	fprintf(out, "%s%s ", indent, keyword);
	dump_string(out, n->command);
	if (n->user[0]) {
		fputc(' ', out);
		dump_string(out, n->user);
	}
	if (n->group[0]) {
		fputc(' ', out);
		dump_string(out, n->group);
	}
	fputc('\n', out);
}

static void dump_transport(FILE *out, const struct vrrp_instance *v)
{
	char text[ADDR_TEXT_MAX];

	dump_addr(out, TAB, v->unicast ? "unicast_src_ip" : "mcast_src_ip", &v->source);
	dump_addr(out, TAB, "mcast_dst_ip", &v->group);
	dump_flag(out, TAB, "unicast_fault_no_peer", v->unicast && !v->n_peers);
	dump_str(out, TAB, "vrf", v->vrf);
	dump_flag(out, TAB, "track_src_ip", v->track_source);
	if (v->n_peers) {
		fputs(TAB "unicast_peer {\n", out);
		for (uint32_t i = 0; i < v->n_peers; i++)
			fprintf(out, TAB TAB "%s min_ttl %u max_ttl %u\n",
				addr_format(&v->peers[i].address, text), v->peers[i].min_ttl,
				v->peers[i].max_ttl);
		fputs(TAB "}\n", out);
	}
	/* The word alone would ask for unicast. */
	if (v->unicast || v->unicast_ttl != 255)
		dump_u32(out, TAB, "unicast_ttl", v->unicast_ttl);
	dump_bool(out, TAB, "check_unicast_src", v->check_unicast_src);
}

static void dump_garp(FILE *out, const struct vrrp_instance *v)
{
	dump_seconds(out, TAB, "garp_master_delay", v->garp_delay_us);
	dump_u32(out, TAB, "garp_master_repeat", v->garp_repeat);
	dump_seconds(out, TAB, "garp_master_refresh", v->garp_refresh_us);
	dump_u32(out, TAB, "garp_master_refresh_repeat", v->garp_refresh_repeat);
	dump_seconds(out, TAB, "garp_lower_prio_delay", v->garp_lower_prio_delay_us);
	dump_u32(out, TAB, "garp_lower_prio_repeat", v->garp_lower_prio_repeat);
	if (v->garp_extra_us)
		dump_seconds(out, TAB, v->garp_extra_all ? "garp_extra_if all" : "garp_extra_if",
			     v->garp_extra_us);
}

static void dump_tracks(FILE *out, const struct vrrp_instance *v)
{
	if (!v->n_track_interfaces)
		return;
	fputs(TAB "track_interface {\n", out);
	for (uint32_t i = 0; i < v->n_track_interfaces; i++) {
		const struct track_interface *t = &v->track_interfaces[i];

		fputs(TAB TAB, out);
		dump_string(out, t->ifname);
		fprintf(out, " weight %d%s\n", t->weight, t->reverse ? " reverse" : "");
	}
	fputs(TAB "}\n", out);
}

static const char *protocol_name(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? "TCP" : protocol == IPPROTO_UDP ? "UDP" : "SCTP";
}

/* As track_virtual_server names it. */
static void dump_tracked_service(FILE *out, const struct virtual_server *vs)
{
	char text[ADDR_TEXT_MAX];

	if (vs->n_members) {
		fputs("group ", out);
		dump_string(out, vs->group);
	} else if (vs->fwmark) {
		fprintf(out, "fwmark %u %s", vs->fwmark,
			vs->family == AF_INET6 ? "inet6" : "inet");
		return;
	} else {
		fprintf(out, "%s %u", addr_format(&vs->address, text), vs->port);
	}
	if (vs->protocol)
		fprintf(out, " %s", protocol_name(vs->protocol));
}

/* One block for each kind. */
static void dump_tracked(FILE *out, const char *keyword, enum track_kind kind,
			 const struct model *m, const struct vrrp_instance *v)
{
	bool any = false;

	for (uint32_t i = 0; i < v->n_tracked; i++) {
		const struct tracked *t = &v->tracked[i];

		if (t->kind != kind)
			continue;
		if (!any)
			fprintf(out, TAB "%s {\n", keyword);
		any = true;
		fputs(TAB TAB, out);
		if (kind == TRACK_SERVICE)
			dump_tracked_service(out, model_find_service(m, t->tracker));
		else
			dump_string(out, t->name);
		fprintf(out, " weight %d%s\n", t->weight, t->reverse ? " reverse" : " noreverse");
	}
	if (any)
		fputs(TAB "}\n", out);
}

static void dump_file(FILE *out, const struct track_file *f)
{
	fputs("\ntrack_file ", out);
	dump_string(out, f->name);
	fputs(" {\n", out);
	dump_str(out, TAB, "file", f->path);
	if (f->init)
		fprintf(out, TAB "init_file %d%s\n", f->init_value,
			f->overwrite ? " overwrite" : "");
	fputs("}\n", out);
}

static void dump_process(FILE *out, const struct track_process *p)
{
	const char *match = process_match_name((enum process_match)p->match);

	fputs("\nvrrp_track_process ", out);
	dump_string(out, p->name);
	fputs(" {\n" TAB "process", out);
	for (uint32_t i = 0; i < p->n_command; i++) {
		fputc(' ', out);
		dump_string(out, p->command[i].word);
	}
	fputc('\n', out);
	if (p->match != PROCESS_ANY && (match || p->n_command == 1))
		fprintf(out, TAB "param_match %s\n", match ? match : "partial");
	dump_flag(out, TAB, "full_command", p->full_command);
	if (p->quorum)
		dump_u32(out, TAB, "quorum", p->quorum);
	if (p->quorum_max != UINT32_MAX)
		dump_u32(out, TAB, "quorum_max", p->quorum_max);
	if (p->fork_delay_us)
		dump_seconds(out, TAB, "fork_delay", p->fork_delay_us);
	if (p->terminate_delay_us)
		dump_seconds(out, TAB, "terminate_delay", p->terminate_delay_us);
	fputs("}\n", out);
}

static void dump_script(FILE *out, const struct track_script *s)
{
	fputs("\nvrrp_script ", out);
	dump_string(out, s->name);
	fputs(" {\n", out);
	dump_str(out, TAB, "script", s->command);
	dump_seconds(out, TAB, "interval", s->interval_us);
	dump_seconds(out, TAB, "timeout", s->timeout_us);
	dump_u32(out, TAB, "rise", s->rise);
	dump_u32(out, TAB, "fall", s->fall);
	dump_flag(out, TAB, "init_fail", s->init_fail);
	if (s->user[0]) {
		fputs(TAB "user ", out);
		dump_string(out, s->user);
		if (s->group[0]) {
			fputc(' ', out);
			dump_string(out, s->group);
		}
		fputc('\n', out);
	}
	fputs("}\n", out);
}

static void dump_auth(FILE *out, const struct vrrp_instance *v, bool secrets)
{
	if (v->auth_type != VRRP_AUTH_PASS)
		return;
	fputs(TAB "authentication {\n" TAB TAB "auth_type PASS\n", out);
	dump_str(out, TAB TAB, "auth_pass", secrets ? v->auth_pass : "hidden");
	fputs(TAB "}\n", out);
}

static void dump_hmac(FILE *out, const struct auth_hmac *h, bool secrets)
{
	static const char *const modes[] = {"enforce", "permissive", "receive-only"};

	fputs(TAB "auth_hmac {\n", out);
	for (uint32_t i = 0; i < h->n_keys; i++) {
		const struct hmac_key *key = &h->keys[i];

		fprintf(out, TAB TAB "key %u ", key->id);
		if (key->source[0])
			dump_string(out, key->source);
		else
			fprintf(out, "hex:%s", secrets ? key->secret : "***");
		fputc('\n', out);
	}
	if (h->active_key)
		dump_u32(out, TAB TAB, "active_key", h->active_key);
	fprintf(out, TAB TAB "mode %s\n", modes[h->mode]);
	fprintf(out, TAB TAB "anti_replay %s\n", h->monotonic ? "monotonic" : "time");
	dump_u32(out, TAB TAB, "time_window", h->window_s);
	fputs(TAB "}\n", out);
}

static bool has_notify(const struct vrrp_instance *v, enum notify_on on)
{
	for (uint32_t i = 0; i < v->n_notifies; i++)
		if (v->notifies[i].on == on)
			return true;
	return false;
}

static void dump_instance(FILE *out, const struct model *m, const struct vrrp_instance *v,
			  bool secrets)
{
	fputs("\nvrrp_instance ", out);
	dump_string(out, v->name);
	fputs(" {\n", out);
	dump_flag(out, TAB, "native_ipv6", v->family == AF_INET6 && !v->n_vips);
	fprintf(out, TAB "state %s\n", v->start_active ? "MASTER" : "BACKUP");
	dump_str(out, TAB, "interface", v->ifname);
	dump_u32(out, TAB, "virtual_router_id", v->vrid);
	dump_vmacs(out, v);
	dump_flag(out, TAB, "promote_secondaries", v->promote_secondaries);
	dump_u32(out, TAB, "version", v->version);
	dump_u32(out, TAB, "priority", v->priority);
	dump_seconds(out, TAB, "advert_int", (int64_t)v->adver_int_cs * 10000);
	dump_u32(out, TAB, "down_timer_adverts", v->down_timer_adverts);
	dump_flag(out, TAB, "nopreempt", !v->preempt);
	dump_seconds(out, TAB, "preempt_delay", v->preempt_delay_us);
	dump_flag(out, TAB, "dont_track_primary", !v->track_primary);
	dump_transport(out, v);
	dump_bool(out, TAB, "v3_checksum_as_v2", v->checksum_as_v2);
	dump_flag(out, TAB, "old_unicast_checksum", v->old_checksum);
	dump_bool(out, TAB, "skip_check_adv_addr", v->skip_check_adv_addr);
	dump_flag(out, TAB, v->accept ? "accept" : "no_accept", true);
	dump_flag(out, TAB, "strict_mode", v->strict);
	dump_flag(out, TAB, "owner_ignore_adverts", v->owner_ignore_adverts);
	if (v->rival_priority)
		dump_u32(out, TAB, "timer_expired_backup", v->rival_priority);
	dump_bool(out, TAB, "lower_prio_no_advert", v->lower_prio_no_advert);
	dump_bool(out, TAB, "higher_prio_send_advert", v->higher_prio_send_advert);
	dump_auth(out, v, secrets);
	if (v->n_hmac)
		dump_hmac(out, v->hmac, secrets);
	dump_garp(out, v);
	dump_flag(out, TAB, "no_virtual_ipaddress", !v->n_vips);
	dump_vips(out, TAB, "virtual_ipaddress", m, v->vips, v->n_vips);
	dump_vips(out, TAB, "virtual_ipaddress_excluded", m, v->excluded, v->n_excluded);
	dump_tracks(out, v);
	dump_tracked(out, "track_script", TRACK_SCRIPT, m, v);
	dump_tracked(out, "track_file", TRACK_FILE, m, v);
	dump_tracked(out, "track_process", TRACK_PROCESS, m, v);
	dump_tracked(out, "track_virtual_server", TRACK_SERVICE, m, v);
	dump_routes(out, TAB, "virtual_routes", m, v->routes, v->n_routes);
	dump_rules(out, TAB, "virtual_rules", m, v->rules, v->n_rules);
	for (uint32_t i = 0; i < v->n_notifies; i++)
		dump_notify(out, TAB, notify_on_name((enum notify_on)v->notifies[i].on),
			    &v->notifies[i]);
	if (v->notify_deleted && !has_notify(v, NOTIFY_DELETED))
		fputs(TAB "notify_deleted\n", out);
	if (v->notify_priority_changes)
		dump_bool(out, TAB, "notify_priority_changes", true);
	if (v->smtp_alert)
		dump_bool(out, TAB, "smtp_alert", true);
	fputs("}\n", out);
}

/* What the group tracked is with its members now, with its weights. */
static void dump_sync_group(FILE *out, const struct model *m, const struct sync_group *g)
{
	fputs("\nvrrp_sync_group ", out);
	dump_string(out, g->name);
	fputs(" {\n" TAB "sync_group_tracking_weight\n" TAB "group {\n", out);
	for (uint32_t i = 0; i < g->n_members; i++)
		dump_item(out, model_find_instance(m, g->members[i].instance)->name);
	fputs(TAB "}\n", out);
	for (uint32_t i = 0; i < g->n_notifies; i++)
		dump_notify(out, TAB, notify_on_name((enum notify_on)g->notifies[i].on),
			    &g->notifies[i]);
	if (g->smtp_alert)
		dump_bool(out, TAB, "smtp_alert", true);
	fputs("}\n", out);
}

static void dump_forward(FILE *out, const char *indent, const char *keyword,
			 const struct real_server *r)
{
	fprintf(out, "%s%s", indent, keyword);
	if (r->forward != IPVS_FORWARD_TUNNEL) {
		fprintf(out, " %s\n", forward_name((enum ipvs_forward)r->forward));
		return;
	}
	fprintf(out, " TUN type %s", tunnel_name((enum ipvs_tunnel)r->tunnel_type));
	if (r->tunnel_port)
		fprintf(out, " port %u", r->tunnel_port);
	if (r->tunnel_type != IPVS_TUNNEL_IPIP)
		fputs(r->tunnel_flags & IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM ? " remcsum"
		      : r->tunnel_flags & IP_VS_TUNNEL_ENCAP_FLAG_CSUM	? " csum"
									: " nocsum",
		      out);
	fputc('\n', out);
}

static void dump_server_name(FILE *out, const char *keyword, const struct real_server *r)
{
	char text[ADDR_TEXT_MAX];

	fprintf(out, TAB "%s %s", keyword, addr_format(&r->address, text));
	if (r->port)
		fprintf(out, " %u", r->port);
}

static void dump_server(FILE *out, const struct real_server *r, bool secrets)
{
	dump_server_name(out, "real_server", r);
	fputs(" {\n", out);
	dump_u32(out, TAB TAB, "weight", (uint32_t)r->weight);
	dump_forward(out, TAB TAB, "lvs_method", r);
	dump_u32(out, TAB TAB, "uthreshold", r->upper_threshold);
	dump_u32(out, TAB TAB, "lthreshold", r->lower_threshold);
	dump_bool(out, TAB TAB, "inhibit_on_failure", r->inhibit_on_failure);
	if (r->drain_on_remove_us)
		dump_seconds(out, TAB TAB, "drain_on_remove", r->drain_on_remove_us);
	for (uint32_t i = 0; i < r->n_checks; i++)
		dump_check(out, &r->checks[i], secrets);
	for (uint32_t i = 0; i < r->n_notifies; i++)
		dump_notify(out, TAB TAB,
			    r->notifies[i].on == NOTIFY_UP ? "notify_up" : "notify_down",
			    &r->notifies[i]);
	if (!r->smtp_alert)
		dump_bool(out, TAB TAB, "smtp_alert", false);
	fputs(TAB "}\n", out);
}

static void dump_scheduler(FILE *out, const struct virtual_server *vs)
{
	uint32_t flags = vs->scheduler_flags;

	dump_str(out, TAB, "lvs_sched", vs->scheduler);
	dump_flag(out, TAB, "hashed", flags & IP_VS_SVC_F_HASHED);
	dump_flag(out, TAB, "ops", flags & IP_VS_SVC_F_ONEPACKET);
	dump_flag(out, TAB, "flag-1", flags & IP_VS_SVC_F_SCHED1);
	dump_flag(out, TAB, "flag-2", flags & IP_VS_SVC_F_SCHED2);
	dump_flag(out, TAB, "flag-3", flags & IP_VS_SVC_F_SCHED3);
}

static void dump_persistence(FILE *out, const struct virtual_server *vs)
{
	unsigned whole = vs->family == AF_INET6 ? 128 : 32, len = vs->persistence_prefixlen;
	uint32_t mask = len ? UINT32_MAX << (32 - (len > 32 ? 32 : len)) : 0;

	if (!vs->persistence_timeout_s)
		return;
	dump_u32(out, TAB, "persistence_timeout", vs->persistence_timeout_s);
	if (!len)
		len = whole;
	if (len != whole && vs->family == AF_INET6)
		dump_u32(out, TAB, "persistence_granularity", len);
	else if (len != whole)
		fprintf(out, TAB "persistence_granularity %u.%u.%u.%u\n", mask >> 24,
			mask >> 16 & 255, mask >> 8 & 255, mask & 255);
	dump_str(out, TAB, "persistence_engine", vs->persistence_engine);
}

static void dump_member(FILE *out, const struct member *m)
{
	char text[ADDR_TEXT_MAX];

	if (m->fwmark)
		fprintf(out, TAB "fwmark %u %s\n", m->fwmark,
			m->family == AF_INET6 ? "inet6" : "inet");
	else if (m->port)
		fprintf(out, TAB "%s %u\n", addr_format(&m->address, text), m->port);
	else
		fprintf(out, TAB "%s\n", addr_format(&m->address, text));
}

/* Before the first service that has it. */
static void dump_group(FILE *out, const struct model *m, const struct virtual_server *vs)
{
	for (const struct virtual_server *other = m->services; other < vs; other++)
		if (other->n_members && !strcmp(other->group, vs->group))
			return;
	fputs("\nvirtual_server_group ", out);
	dump_string(out, vs->group);
	fputs(" {\n", out);
	for (uint32_t i = 0; i < vs->n_members; i++)
		dump_member(out, &vs->members[i]);
	fputs("}\n", out);
}

static void dump_service_name(FILE *out, const struct virtual_server *vs)
{
	char text[ADDR_TEXT_MAX];

	if (vs->n_members) {
		fputs("\nvirtual_server group ", out);
		dump_string(out, vs->group);
		fputs(" {\n", out);
	} else if (vs->fwmark)
		fprintf(out, "\nvirtual_server fwmark %u {\n" TAB "ip_family %s\n", vs->fwmark,
			vs->family == AF_INET6 ? "inet6" : "inet");
	else if (vs->port)
		fprintf(out, "\nvirtual_server %s %u {\n", addr_format(&vs->address, text),
			vs->port);
	else
		fprintf(out, "\nvirtual_server %s {\n", addr_format(&vs->address, text));
	if (vs->protocol)
		fprintf(out, TAB "protocol %s\n", protocol_name(vs->protocol));
}

static void dump_active_only(FILE *out, const struct model *m, const struct virtual_server *vs)
{
	const struct vrrp_instance *v = model_find_instance(m, vs->instance);

	if (!vs->active_only || !v)
		return;
	fputs(TAB "active_only ", out);
	dump_string(out, v->name);
	fputc('\n', out);
}

static void dump_service(FILE *out, const struct model *m, const struct virtual_server *vs,
			 bool secrets)
{
	dump_service_name(out, vs);
	dump_scheduler(out, vs);
	dump_persistence(out, vs);
	if (vs->quorum)
		dump_u32(out, TAB, "quorum", vs->quorum);
	dump_u32(out, TAB, "hysteresis", vs->hysteresis);
	dump_flag(out, TAB, "omega", vs->omega);
	if (vs->max_ejection)
		dump_u32(out, TAB, "max_ejection", vs->max_ejection);
	if (vs->slow_start_us)
		dump_seconds(out, TAB, "slow_start", vs->slow_start_us);
	if (vs->feedback) {
		dump_str(out, TAB, "feedback", feedback_name((enum feedback)vs->feedback));
		dump_u32(out, TAB, "feedback_min", vs->feedback_min);
	}
	dump_flag(out, TAB, "ha_suspend", vs->ha_suspend);
	dump_active_only(out, m, vs);
	if (vs->resilience)
		fprintf(out, TAB "resilience %s\n",
			resilience_name((enum resilience)vs->resilience));
	for (uint32_t i = 0; i < vs->n_notifies; i++)
		dump_notify(out, TAB, vs->notifies[i].on == NOTIFY_UP ? "quorum_up" : "quorum_down",
			    &vs->notifies[i]);
	if (vs->smtp_alert)
		dump_bool(out, TAB, "smtp_alert", true);
	for (uint32_t i = 0; i < vs->n_sorry; i++) {
		dump_server_name(out, "sorry_server", &vs->sorry[i]);
		fputc('\n', out);
		dump_forward(out, TAB, "sorry_server_lvs_method", &vs->sorry[i]);
	}
	dump_flag(out, TAB, "sorry_server_inhibit", vs->sorry_inhibit);
	for (uint32_t i = 0; i < vs->n_servers; i++)
		dump_server(out, &vs->servers[i], secrets);
	fputs("}\n", out);
}

static void dump_statics(FILE *out, const struct model *m)
{
	dump_track_groups(out, m);
	if (m->n_static_addresses + m->n_static_routes + m->n_static_rules)
		fputc('\n', out);
	dump_vips(out, "", "static_ipaddress", m, m->static_addresses, m->n_static_addresses);
	dump_routes(out, "", "static_routes", m, m->static_routes, m->n_static_routes);
	dump_rules(out, "", "static_rules", m, m->static_rules, m->n_static_rules);
}

void config_dump(const struct model *m, FILE *out, bool secrets)
{
	dump_namespace(out, m->global);
	dump_global(out, m);
	dump_link_delays(out, m->global);
	dump_garp_groups(out, m->global);
	for (uint32_t i = 0; i < m->n_scripts; i++)
		dump_script(out, &m->scripts[i]);
	for (uint32_t i = 0; i < m->n_files; i++)
		dump_file(out, &m->files[i]);
	for (uint32_t i = 0; i < m->n_processes; i++)
		dump_process(out, &m->processes[i]);
	for (uint32_t i = 0; i < m->global->n_peering; i++)
		dump_peering(out, &m->global->peering[i], secrets);
	for (uint32_t i = 0; i < m->n_instances; i++)
		dump_instance(out, m, &m->instances[i], secrets);
	for (uint32_t i = 0; i < m->n_groups; i++)
		dump_sync_group(out, m, &m->groups[i]);
	dump_statics(out, m);
	for (uint32_t i = 0; i < m->n_services; i++) {
		if (m->services[i].through)
			continue; /* of the word in a check */
		if (m->services[i].n_members)
			dump_group(out, m, &m->services[i]);
		dump_service(out, m, &m->services[i], secrets);
	}
}
