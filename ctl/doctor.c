/* SPDX-License-Identifier: Apache-2.0 */
/* What of this machine will hurt: see doctor.h. */
#include "ctl/doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

typedef struct json_object json;

/* Facts */

static json *get(json *o, const char *key)
{
	json *value = NULL;

	json_object_object_get_ex(o, key, &value);
	return value;
}

static const char *str(json *o, const char *key)
{
	json *value = get(o, key);

	return value ? json_object_get_string(value) : "";
}

static size_t count(json *list)
{
	return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

static void read_server(struct doctor_facts *f, json *server)
{
	bool ipv6 = strchr(str(server, "address"), ':');

	f->connections += json_object_get_int64(get(server, "active_connections")) +
			  json_object_get_int64(get(server, "inactive_connections"));
	if (!strstr(str(server, "forwarding"), "NAT"))
		return;
	f->nat_ipv6 |= ipv6;
	f->nat_ipv4 |= !ipv6;
}

void doctor_read_services(struct doctor_facts *f, json *doc)
{
	json *services = get(doc, "services"), *sync = get(get(doc, "ipvs"), "sync_daemons");

	f->services = (unsigned)count(services);
	f->both_daemons = json_object_get_boolean(get(sync, "master")) &&
			  json_object_get_boolean(get(sync, "backup"));
	for (size_t i = 0; i < count(services); i++) {
		json *service = json_object_array_get_idx(services, i);
		json *servers = get(service, "real_servers");
		bool mh = strcmp(str(service, "scheduler"), "mh") == 0;

		f->mh |= mh;
		f->other_than_mh |= !mh;
		f->persistent |= json_object_get_int64(get(service, "persistence_timeout_s")) > 0;
		for (size_t k = 0; k < count(servers); k++)
			read_server(f, json_object_array_get_idx(servers, k));
	}
}

static int64_t read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	int64_t value;

	if (!f)
		return DOCTOR_UNKNOWN;
	if (fscanf(f, "%" SCNd64, &value) != 1)
		value = DOCTOR_UNKNOWN;
	fclose(f);
	return value;
}

/* "IP Virtual Server version 1.2.1 (size=4096)" */
static int64_t read_table_size(void)
{
	FILE *f = fopen("/proc/net/ip_vs", "re");
	char line[128] = "";
	const char *size;

	if (!f)
		return errno == ENOENT ? 0 : DOCTOR_UNKNOWN;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	size = strstr(line, "(size=");
	return size ? strtoll(size + 6, NULL, 10) : DOCTOR_UNKNOWN;
}

void doctor_read_machine(struct doctor_facts *f)
{
#define VS "/proc/sys/net/ipv4/vs/"
	f->ip_forward = read_number("/proc/sys/net/ipv4/ip_forward");
	f->ipv6_forwarding = read_number("/proc/sys/net/ipv6/conf/all/forwarding");
	f->sloppy_tcp = read_number(VS "sloppy_tcp");
	f->expire_nodest_conn = read_number(VS "expire_nodest_conn");
	f->expire_quiescent_template = read_number(VS "expire_quiescent_template");
	f->conntrack = read_number(VS "conntrack");
	f->conn_reuse_mode = read_number(VS "conn_reuse_mode");
	f->backup_only = read_number(VS "backup_only");
	f->table_size = read_table_size();
#undef VS
}

/* Judgement */

struct report {
	FILE *out;
	bool as_json;
	bool hurts; /* what is said now; else it is advice */
	unsigned n;
};

static void say(struct report *r, const char *what, const char *line)
{
	if (r->as_json)
		fprintf(r->out, "{\"hurts\":%s,\"what\":\"%s\",\"remedy\":\"%s\"}\n",
			r->hurts ? "true" : "false", what, line);
	else
		fprintf(r->out, "%c %s\n      %s\n", r->hurts ? '!' : '-', what, line);
	r->n++;
}

static void what_hurts(struct report *r, const struct doctor_facts *f)
{
	if (f->services && f->table_size == 0)
		say(r, "the kernel has no IPVS: no service works", "modprobe ip_vs");
	if (f->nat_ipv4 && f->ip_forward == 0)
		say(r, "real servers by NAT, but IPv4 is not forwarded: replies are lost",
		    "sysctl -w net.ipv4.ip_forward=1");
	if (f->nat_ipv6 && f->ipv6_forwarding == 0)
		say(r, "real servers by NAT, but IPv6 is not forwarded: replies are lost",
		    "sysctl -w net.ipv6.conf.all.forwarding=1");
	if (f->both_daemons && f->backup_only == 1)
		say(r, "a backup sync daemon runs and backup_only is 1: nothing is scheduled",
		    "lvs_sysctl { backup_only 0 }");
	if (f->sloppy_tcp == 1 && f->other_than_mh)
		say(r,
		    "sloppy_tcp is 1, but not every scheduler is mh: stray packets make "
		    "connections "
		    "to wrong servers",
		    "lvs_sysctl { sloppy_tcp 0 }, or lvs_sched mh everywhere");
	if (f->conn_reuse_mode == 0)
		say(r,
		    "conn_reuse_mode is 0: clients that reuse a port are sent to removed servers",
		    "lvs_sysctl { conn_reuse_mode 1 }");
}

static void what_could_be_better(struct report *r, const struct doctor_facts *f)
{
	if (f->table_size > 0 && f->connections > 8 * f->table_size)
		say(r, "more than 8 connections share a slot of the kernel's table",
		    "options ip_vs conn_tab_bits=20 in /etc/modprobe.d, and load ip_vs anew");
	if (f->mh && !f->other_than_mh && f->sloppy_tcp == 0)
		say(r,
		    "the scheduler is mh, but sloppy_tcp is 0: connections end at a failover that "
		    "the other director could go on with",
		    "lvs_sysctl { sloppy_tcp 1 } on all directors, with mh-port");
	if (f->services && f->expire_nodest_conn == 0)
		say(r, "expire_nodest_conn is 0: clients of a removed server hang",
		    "lvs_sysctl { expire_nodest_conn 1 }");
	if (f->persistent && f->expire_quiescent_template == 0)
		say(r,
		    "expire_quiescent_template is 0: persistent clients stay on servers of weight "
		    "0",
		    "lvs_sysctl { expire_quiescent_template 1 }");
	if (f->conntrack == 1)
		say(r, "conntrack is 1: each packet costs half as much again",
		    "lvs_sysctl { conntrack 0 }, unless firewall rules need it");
}

unsigned doctor_examine(FILE *out, bool as_json, const struct doctor_facts *f)
{
	struct report r = {out, as_json, true, 0};
	unsigned hurting;

	what_hurts(&r, f);
	hurting = r.n;
	r.hurts = false;
	what_could_be_better(&r, f);
	if (!r.n && !as_json)
		fputs("nothing to complain of\n", out);
	return hurting;
}
