/* SPDX-License-Identifier: Apache-2.0 */
/* Model to text: global_defs, and the other blocks that there is one of. */
#include <inttypes.h>
#include <string.h>

#include "core/config/config.h"
#include "core/config/dump.h"
#include "core/config/names.h"

static void dump_fifo(FILE *out, const struct notify_fifo *f)
{
	const char *name = notify_fifo_name((enum notify_fifo_kind)f->kind);
	const struct notify as_notify = {.command = f->path, .user = f->user, .group = f->group};

	dump_notify(out, TAB, name, &as_notify);
	for (uint32_t i = 0; i < f->n_scripts; i++) {
		char keyword[32];

		snprintf(keyword, sizeof(keyword), "%s_script", name);
		dump_notify(out, TAB, keyword, &f->scripts[i]);
	}
}

static void dump_mail(FILE *out, const struct global *g)
{
	dump_flag(out, TAB, "no_email_faults", g->no_email_faults);
	if (!g->smtp_server[0] || !g->n_mail_to)
		return;
	fputs(TAB "smtp_server ", out);
	dump_string(out, g->smtp_server);
	fprintf(out, " %u\n", g->smtp_port);
	dump_str(out, TAB, "smtp_helo_name", g->smtp_helo_name);
	dump_seconds(out, TAB, "smtp_connect_timeout", g->smtp_timeout_us);
	dump_str(out, TAB, "notification_email_from", g->mail_from);
	fputs(TAB "notification_email {\n", out);
	for (uint32_t i = 0; i < g->n_mail_to; i++)
		dump_item(out, g->mail_to[i].address);
	fputs(TAB "}\n", out);
}

static void dump_timeouts(FILE *out, const struct global *g)
{
	if (!g->tcp_timeout_s && !g->tcpfin_timeout_s && !g->udp_timeout_s)
		return;
	fprintf(out, TAB "lvs_timeouts tcp %u tcpfin %u udp %u\n", g->tcp_timeout_s,
		g->tcpfin_timeout_s, g->udp_timeout_s);
}

static void dump_sync(FILE *out, const struct model *m, const struct sync_daemon *s)
{
	const struct vrrp_instance *v = model_find_instance(m, s->instance);
	char text[ADDR_TEXT_MAX];

	fputs(TAB "lvs_sync_daemon ", out);
	dump_string(out, s->ifname);
	if (v) {
		fputs(" inst ", out);
		dump_string(out, v->name);
	}
	fprintf(out, " id %u", s->sync_id);
	if (s->maxlen)
		fprintf(out, " maxlen %u", s->maxlen);
	if (s->port)
		fprintf(out, " port %u", s->port);
	if (s->ttl)
		fprintf(out, " ttl %u", s->ttl);
	if (addr_is_set(&s->group))
		fprintf(out, " group %s", addr_format(&s->group, text));
	fputc('\n', out);
}

/* Without what the sync block wants at least: a line of lvs_sysctl would have it so and no greater. */
static void dump_sysctls(FILE *out, const struct global *g)
{
	if (!g->n_sysctls)
		return;
	fputs(TAB "lvs_sysctl {\n", out);
	for (uint32_t i = 0; i < g->n_sysctls; i++)
		if (!g->sysctls[i].at_least)
			fprintf(out, TAB TAB "%s %s\n", g->sysctls[i].name, g->sysctls[i].value);
	fputs(TAB "}\n", out);
}

/* What tandemd does for itself. */
static void dump_daemon(FILE *out, const struct global *g)
{
	dump_flag(out, TAB, "set_supplementary_groups", g->script_groups);
	if (g->n_startup_script) {
		dump_notify(out, TAB, "startup_script", g->startup_script);
		dump_seconds(out, TAB, "startup_script_timeout", g->startup_timeout_us);
	}
	if (g->n_shutdown_script) {
		dump_notify(out, TAB, "shutdown_script", g->shutdown_script);
		dump_seconds(out, TAB, "shutdown_script_timeout", g->shutdown_timeout_us);
	}
	dump_str(out, TAB, "process_name", g->process_name);
	if (g->umask != UMASK_NONE)
		fprintf(out, TAB "umask 0%03o\n", g->umask);
	dump_str(out, TAB, "state_dump_file", g->state_dump_file);
	dump_str(out, TAB, "stats_dump_file", g->stats_dump_file);
	dump_str(out, TAB, "config_save_dir", g->config_save_dir);
	dump_str(out, TAB, "reload_time_file", g->reload_time_file);
	dump_flag(out, TAB, "reload_repeat", g->reload_repeat);
	if (g->reload_file[0])
		dump_str(out, TAB, "reload_file", g->reload_file);
	else
		dump_flag(out, TAB, "reload_file", g->reload_file_wanted);
}

static void dump_tuning(FILE *out, const char *who, const struct tuning *t)
{
	char keyword[32];

	snprintf(keyword, sizeof(keyword), "%s_process_name", who);
	dump_str(out, TAB, keyword, t->name);
	if (t->nice != TUNING_NICE_NONE)
		fprintf(out, TAB "%s_priority %d\n", who, t->nice);
	if (t->rt_priority)
		fprintf(out, TAB "%s_rt_priority %u\n", who, t->rt_priority);
	if (t->rttime_us)
		fprintf(out, TAB "%s_rlimit_rttime %u\n", who, t->rttime_us);
	if (t->no_swap)
		fprintf(out, TAB "%s_no_swap\n", who);
	if (!t->n_cpus)
		return;
	fprintf(out, TAB "%s_cpu_affinity", who);
	for (uint32_t i = 0; i < t->n_cpus; i++)
		fprintf(out, " %u", t->cpus[i].number);
	fputc('\n', out);
}

void dump_global(FILE *out, const struct model *m)
{
	const struct global *g = m->global;

	fputs("global_defs {\n", out);
	dump_str(out, TAB, "router_id", g->router_id);
	if (g->script_user[0]) {
		fputs(TAB "script_user ", out);
		dump_string(out, g->script_user);
		if (g->script_group[0]) {
			fputc(' ', out);
			dump_string(out, g->script_group);
		}
		fputc('\n', out);
	}
	dump_flag(out, TAB, "enable_script_security", g->script_security);
	if (g->startup_delay_us)
		dump_seconds(out, TAB, "vrrp_startup_delay", g->startup_delay_us);
	dump_flag(out, TAB, "disable_local_igmp", g->disable_local_igmp);
	dump_str(out, TAB, "vmac_prefix", g->vmac_prefix);
	dump_str(out, TAB, "vmac_addr_prefix", g->vmac_addr_prefix);
	dump_timeouts(out, g);
	dump_bool(out, TAB, "lvs_flush", g->lvs_flush);
	dump_flag(out, TAB, "lvs_flush_on_stop", g->lvs_flush_on_stop);
	for (uint32_t i = 0; i < g->n_sync; i++)
		dump_sync(out, m, &g->sync[i]);
	dump_sysctls(out, g);
	if (g->process_rcv_bufs)
		dump_u32(out, TAB, "process_monitor_rcv_bufs", g->process_rcv_bufs);
	if (g->process_rcv_bufs_force)
		dump_bool(out, TAB, "process_monitor_rcv_bufs_force", true);
	if (g->delay_after_boot_us)
		dump_seconds(out, TAB, "vrrp_delay_after_boot", g->delay_after_boot_us);
	dump_flag(out, TAB, "log_unknown_vrids", g->log_unknown_vrids);
	fprintf(out, TAB "nftables_priority %d\n", g->nft_priority);
	dump_flag(out, TAB, "nftables_counters", g->nft_counters);
	for (uint32_t i = 0; i < g->n_fifos; i++)
		dump_fifo(out, &g->fifos[i]);
	dump_flag(out, TAB, "fifo_write_vrrp_states_on_reload",
		  g->fifo_write_vrrp_states_on_reload);
	dump_flag(out, TAB, "rs_init_notifies", g->rs_init_notifies);
	dump_mail(out, g);
	dump_daemon(out, g);
	dump_tuning(out, "vrrp", g->vrrp_tuning);
	dump_tuning(out, "checker", g->checker_tuning);
	/* Of all instances, but said here. */
	if (m->n_instances) {
		dump_seconds(out, TAB, "vrrp_garp_interval", m->instances[0].garp_interval_us);
		dump_seconds(out, TAB, "vrrp_gna_interval", m->instances[0].gna_interval_us);
	}
	fputs("}\n", out);
}

static void dump_sync_path(FILE *out, const struct sync_path_conf *p, const char *indent)
{
	char text[ADDR_TEXT_MAX];

	if (p->ifname[0])
		dump_str(out, indent, "interface", p->ifname);
	if (addr_is_set(&p->address))
		fprintf(out, "%saddress %s\n", indent, addr_format(&p->address, text));
	for (uint32_t i = 0; i < p->n_peers; i++)
		fprintf(out, "%speer %s\n", indent, addr_format(&p->peers[i].address, text));
	if (addr_is_set(&p->group))
		fprintf(out, "%sgroup %s\n", indent, addr_format(&p->group, text));
}

static void dump_key(FILE *out, const char *name, const char *key, bool secrets)
{
	bool hidden = !secrets && !strncmp(key, "hex:", 4);

	if (key[0])
		dump_str(out, TAB, name, hidden ? "hex:***" : key);
}

static void dump_kernel_peer(FILE *out, const struct sync_kernel_peer_conf *p)
{
	char text[ADDR_TEXT_MAX];

	fprintf(out, TAB "peer kernel-multicast %s id %u group %s port %u ttl %u%s\n", p->ifname,
		p->sync_id, addr_format(&p->group, text), p->port, p->ttl,
		p->receive ? " receive" : "");
}

void dump_peering(FILE *out, const struct sync_block *b, bool secrets)
{
	fputs("sync {\n", out);
	dump_sync_path(out, &b->paths[0], TAB);
	for (uint32_t i = 1; i < b->n_paths; i++) {
		fputs(TAB "path {\n", out);
		dump_sync_path(out, &b->paths[i], TAB TAB);
		fputs(TAB "}\n", out);
	}
	for (uint32_t i = 0; i < b->n_kernel_peer; i++)
		dump_kernel_peer(out, &b->kernel_peer[i]);
	fprintf(out, TAB "peers %u\n", b->expected);
	fprintf(out, TAB "port %u\n", b->port);
	dump_key(out, "key", b->key, secrets);
	dump_key(out, "key_next", b->key_next, secrets);
	dump_seconds(out, TAB, "sync_wait", b->wait_us);
	fprintf(out, TAB "max_connections %u\n", b->max_connections);
	if (b->detect_us)
		dump_seconds(out, TAB, "peer_detect", b->detect_us);
	fputs("}\n", out);
}

void dump_namespace(FILE *out, const struct global *g)
{
	if (g->net_namespace[0])
		dump_str(out, "", "net_namespace", g->net_namespace);
}

void dump_link_delays(FILE *out, const struct global *g)
{
	if (!g->n_link_delays)
		return;
	fputs("\ninterface_up_down_delays {\n", out);
	for (uint32_t i = 0; i < g->n_link_delays; i++) {
		const struct link_delay *l = &g->link_delays[i];

		fputs(TAB, out);
		dump_string(out, l->ifname);
		fprintf(out, " %" PRId64 ".%06" PRId64 " %" PRId64 ".%06" PRId64 "\n",
			l->down_us / 1000000, l->down_us % 1000000, l->up_us / 1000000,
			l->up_us % 1000000);
	}
	fputs("}\n", out);
}

void dump_garp_groups(FILE *out, const struct global *g)
{
	for (uint32_t i = 0; i < g->n_garp_groups; i++) {
		const struct garp_group *group = &g->garp_groups[i];

		fputs("\ngarp_group {\n", out);
		dump_seconds(out, TAB, "garp_interval", group->garp_interval_us);
		dump_seconds(out, TAB, "gna_interval", group->gna_interval_us);
		fputs(TAB "interfaces {\n", out);
		for (uint32_t k = 0; k < group->n_interfaces; k++)
			dump_item(out, group->interfaces[k].ifname);
		fputs(TAB "}\n}\n", out);
	}
}
