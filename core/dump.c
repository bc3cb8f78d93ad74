/* SPDX-License-Identifier: Apache-2.0 */
/* keepalived's files: see dump.h. */
#include "core/dump.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "core/supervisor.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_vips(FILE *f, const char *title, const struct vip *vips, uint32_t n,
		       const char *ifname)
{
	char text[ADDR_TEXT_MAX];

	if (!n)
		return;
	fprintf(f, "   %s (%u):\n", title, n);
	for (uint32_t i = 0; i < n; i++)
		fprintf(f, "     %s/%u dev %s\n", addr_format(&vips[i].address, text),
			vips[i].prefixlen, vips[i].ifname[0] ? vips[i].ifname : ifname);
}

static void print_instance(FILE *f, const struct supervisor *s, const struct vrrp_instance *v)
{
	struct msg m = {.vrrp_state = {.priority = v->priority}};
	const char *state = store_get(&s->store, MSG_VRRP_STATE, v->id, &m)
				    ? vrrp_state_name((enum vrrp_state_id)m.vrrp_state.state)
				    : "INIT";
	int64_t ago_us = clock_now_us() - m.vrrp_state.since_us;

	fprintf(f, " VRRP Instance = %s\n", v->name);
	fprintf(f, "   VRRP Version = %u\n", v->version);
	fprintf(f, "   State = %s\n", state);
	fprintf(f, "   Last transition = %lld\n",
		m.vrrp_state.since_us ? (long long)((clock_realtime_us() - ago_us) / USEC_PER_SEC)
				      : 0LL);
	fprintf(f, "   Interface = %s\n", v->ifname);
	fprintf(f, "   Virtual Router ID = %u\n", v->vrid);
	fprintf(f, "   Priority = %u\n", v->priority);
	fprintf(f, "   Effective priority = %u\n", m.vrrp_state.priority);
	fprintf(f, "   Advert interval = %u %s\n",
		v->version == 2 ? v->adver_int_cs / 100u : v->adver_int_cs * 10u,
		v->version == 2 ? "sec" : "milli-sec");
	fprintf(f, "   Preempt = %s\n", v->preempt ? "enabled" : "disabled");
	print_vips(f, "Virtual IP", v->vips, v->n_vips, v->ifname);
	print_vips(f, "Virtual IP Excluded", v->excluded, v->n_excluded, v->ifname);
}

static void print_service(FILE *f, const struct supervisor *s, const struct virtual_server *vs)
{
	char text[TEXT_MAX];
	struct msg m;
	bool known = store_get(&s->store, MSG_SERVICE_STATE, vs->id, &m);

	fprintf(f, " Virtual server = %s\n", virtual_server_format(vs, text));
	fprintf(f, "   Quorum = %u, %s\n", vs->quorum,
		!known			    ? "not known yet"
		: m.service_state.quorum_up ? "up"
					    : "down");
	for (uint32_t i = 0; i < vs->n_servers; i++) {
		const struct real_server *r = &vs->servers[i];

		known = store_get(&s->store, MSG_SERVER_HEALTH, r->id, &m);
		fprintf(f, "   Real server = %s, weight %d, %s\n",
			addr_format_port(&r->address, r->port, text), r->weight,
			!known		     ? r->n_checks ? "not checked yet" : "alive"
			: m.server_health.up ? "alive"
					     : "dead");
	}
}

static void print_data(FILE *f, const struct supervisor *s)
{
	const struct model *m = s->running.model;

	fprintf(f, "------< Global definitions >------\n Router ID = %s\n", m->global->router_id);
	fprintf(f, "------< VRRP Topology >------\n");
	for (uint32_t i = 0; i < m->n_instances; i++)
		print_instance(f, s, &m->instances[i]);
	fprintf(f, "------< LVS Topology >------\n");
	for (uint32_t i = 0; i < m->n_services; i++)
		print_service(f, s, &m->services[i]);
}

static void print_counters(FILE *f, const struct vrrp_instance *v,
			   const struct msg_vrrp_counters *c)
{
	const struct {
		const char *words;
		uint64_t number;
	} lines[] = {
		{"  Advertisements:\n    Received: ", c->adverts_received},
		{"    Sent: ", c->adverts_sent},
		{"  Became master: ", c->became_active},
		{"  Released master: ", c->released_active},
		{"  Packet Errors:\n    Length: ", c->packet_length_errors},
		{"    TTL: ", c->ttl_errors},
		{"    Invalid Type: ", c->invalid_type_received},
		{"    Advertisement Interval: ", c->interval_errors},
		{"    Address List: ", c->address_list_errors},
		{"  Authentication Errors:\n    Invalid Type: ", 0},
		{"    Type Mismatch: ", 0},
		{"    Failure: ", c->auth_failures + c->replays},
		{"  Priority Zero:\n    Received: ", c->priority_zero_received},
		{"    Sent: ", c->priority_zero_sent},
	};

	fprintf(f, "VRRP Instance: %s\n", v->name);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		fprintf(f, "%s%llu\n", lines[i].words, (unsigned long long)lines[i].number);
}

static void print_stats(FILE *f, const struct supervisor *s)
{
	const struct model *m = s->running.model;

	for (uint32_t i = 0; i < m->n_instances; i++) {
		struct msg c = {0};

		store_get(&s->store, MSG_VRRP_COUNTERS, m->instances[i].id, &c);
		print_counters(f, &m->instances[i], &c.vrrp_counters);
	}
}

/* `place`, of the file, is a path, or a directory when it ends with '/'; "": it says nothing. */
static void choose_path(const struct supervisor *s, const char *place, const char *name, char *path,
			size_t size)
{
	size_t n = strlen(place);

	if (!n)
		snprintf(path, size, "%s/%s",
			 s->options.own_run_dir ? s->options.run_dir : "/tmp", name);
	else
		snprintf(path, size, "%s%s", place, place[n - 1] == '/' ? name : "");
}

static void write_file(const struct supervisor *s, const char *place, const char *name,
		       void (*print)(FILE *f, const struct supervisor *s))
{
	char path[PATH_MAX], *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	int err;

	if (!f)
		return;
	print(f, s);
	fclose(f);
	choose_path(s, place, name, path, sizeof(path));
	err = file_replace(path, text, n, 0644);
	if (err)
		log_error("%s: can't be written: %s", path, strerror(-err));
	else
		log_info("%s: written", path);
	free(text);
}

void dump_data(const struct supervisor *s)
{
	write_file(s, s->running.model->global->state_dump_file, "keepalived.data", print_data);
}

void dump_stats(const struct supervisor *s)
{
	write_file(s, s->running.model->global->stats_dump_file, "keepalived.stats", print_stats);
}
