/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket's documents as text: see text.h. */
#include "ctl/text.h"

#include "ctl/reader.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <string.h>

static void print_since(FILE *out, json *o, const char *since, const char *reason)
{
	if (get(o, since))
		fprintf(out, " since %s", str(o, since));
	if (get(o, reason) && *str(o, reason))
		fprintf(out, " (%s)", str(o, reason));
}

static void print_node(FILE *out, json *doc)
{
	json *node = get(doc, "node");

	fprintf(out, "node %s", str(node, "router_id"));
	if (get(node, "state"))
		fprintf(out, "  %s", str(node, "state"));
	print_since(out, node, "state_since", "state_reason");
	fprintf(out, "\nruns %s, generation %" PRId64 " of %s, since %s\n", str(node, "version"),
		num(node, "generation"), str(node, "config_file"), str(node, "started"));
}

static void print_addresses(FILE *out, json *v)
{
	size_t n = count(v, "virtual_addresses");

	if (!n)
		return;
	fprintf(out, "  %s", json_object_get_string(item(v, "virtual_addresses", 0)));
	if (n > 1)
		fprintf(out, " +%zu", n - 1);
}

static void print_instance(FILE *out, json *v)
{
	fprintf(out, "vrrp %s  %s", str(v, "name"), str(v, "state"));
	print_since(out, v, "since", "reason");
	fprintf(out,
		"\n     id %" PRId64 " %s  prio %" PRId64 " (base %" PRId64 ")  adv %" PRId64 " ms",
		num(v, "virtual_router_id"), str(v, "interface"), num(v, "priority"),
		num(v, "configured_priority"), num(v, "advert_interval_ms"));
	if (get(v, "active_address"))
		fprintf(out, "  follows %s prio %" PRId64, str(v, "active_address"),
			num(v, "active_priority"));
	print_addresses(out, v);
	putc('\n', out);
}

static void print_group(FILE *out, json *g)
{
	fprintf(out, "group %s  %s  of", str(g, "name"), str(g, "state"));
	for (size_t i = 0; i < count(g, "members"); i++)
		fprintf(out, " %s", json_object_get_string(item(g, "members", i)));
	putc('\n', out);
}

static void print_tracker(FILE *out, json *t)
{
	fprintf(out, "track %s %s  ", str(t, "kind"), str(t, "name"));
	if (get(t, "value"))
		fprintf(out, "%" PRId64 "\n", num(t, "value"));
	else if (get(t, "state"))
		fprintf(out, "%s: %s\n", str(t, "state"), str(t, "reason"));
	else
		fputs("not known yet\n", out);
}

static void print_sync_daemons(FILE *out, json *ipvs)
{
	json *sync = get(ipvs, "sync_daemons");
	bool master = flag(sync, "master"), backup = flag(sync, "backup");

	if (sync)
		fprintf(out, "sync daemon %s on %s, id %" PRId64 "\n",
			master && backup ? "master and backup"
			: master	 ? "master"
			: backup	 ? "backup"
					 : "not running",
			str(sync, "interface"), num(sync, "sync_id"));
}

static void print_sync(FILE *out, json *doc)
{
	json *sync = get(doc, "sync");

	if (!sync)
		return;
	fputs("sync ", out);
	if (flag(sync, "synced"))
		fprintf(out, "synced, %" PRId64 " of %" PRId64 " peers", num(sync, "peers"),
			num(sync, "peers_expected"));
	else /* which may be for want of peers */
		fprintf(out, "not synced: %s", str(sync, "reason"));
	fprintf(out, ", %" PRId64 " connections, lag %" PRId64 ", drops %" PRId64 "\n",
		num(sync, "connections"), num(sync, "lag"), num(sync, "drops"));
}

static bool is_as_configured(json *sysctl)
{
	if (flag(sysctl, "at_least"))
		return num(sysctl, "value") >= num(sysctl, "configured");
	return !strcmp(str(sysctl, "value"), str(sysctl, "configured"));
}

/* One that the kernel does not have as it was asked for is said aloud. */
static void print_sysctl(FILE *out, json *sysctl)
{
	const char *value = str(sysctl, "value");
	const char *former = get(sysctl, "former") ? str(sysctl, "former") : "";

	fprintf(out, "  %s %s", str(sysctl, "name"), *value ? value : "-");
	if (!is_as_configured(sysctl))
		fprintf(out, ", not %s%s", flag(sysctl, "at_least") ? "at least " : "",
			str(sysctl, "configured"));
	if (*former && strcmp(former, value) != 0)
		fprintf(out, " (was %s)", former);
}

static void print_sysctls(FILE *out, json *ipvs, const char *list, const char *place)
{
	if (!count(ipvs, list))
		return;
	fputs(place, out);
	for (size_t i = 0; i < count(ipvs, list); i++)
		print_sysctl(out, item(ipvs, list, i));
	putc('\n', out);
}

static void print_ipvs(FILE *out, json *doc)
{
	json *ipvs = get(doc, "ipvs");

	print_sync_daemons(out, ipvs);
	print_sysctls(out, ipvs, "sysctls", "net.ipv4.vs");
	print_sysctls(out, ipvs, "core_sysctls", "net.core");
	if (!count(doc, "services") || !get(ipvs, "available"))
		return;
	if (!flag(ipvs, "available"))
		fprintf(out, "ipvs not available: %s\n", str(ipvs, "reason"));
	else
		fprintf(out,
			"ipvs %" PRId64 " services, %" PRId64
			" real servers in the kernel; %" PRId64 " edits, %" PRId64
			" failed, %" PRId64 " repairs\n",
			num(ipvs, "services"), num(ipvs, "servers"), num(ipvs, "edits"),
			num(ipvs, "failures"), num(ipvs, "repairs"));
}

static void print_checking(FILE *out, json *doc)
{
	json *load = get(doc, "checking");

	if (!count(doc, "services") || !get(load, "in_flight"))
		return;
	fprintf(out,
		"checks %" PRId64 " in flight of %" PRId64 " at most, %" PRId64 " wait; %" PRId64
		" have started late",
		num(load, "in_flight"), num(load, "in_flight_max"), num(load, "waiting"),
		num(load, "late_starts"));
	if (num(load, "late_starts"))
		fprintf(out, ", by up to %.1f s", (double)num(load, "latest_start_us") / 1e6);
	putc('\n', out);
}

static int64_t active_connections(json *service)
{
	int64_t sum = 0;

	for (size_t i = 0; i < count(service, "real_servers"); i++)
		sum += num(item(service, "real_servers", i), "active_connections");
	return sum;
}

static const char *service_words(json *service)
{
	if (!get(service, "quorum_up"))
		return "not known yet";
	if (flag(service, "sorry_server_serves"))
		return "SORRY SERVER";
	if (!flag(service, "quorum_up"))
		return "NO QUORUM";
	if (num(service, "servers_kept"))
		return "PANIC GUARD";
	if (num(service, "servers_up") < num(service, "servers_total"))
		return "degraded";
	return "ok";
}

static void print_service(FILE *out, json *service, int width)
{
	char servers[32];

	snprintf(servers, sizeof(servers), "%" PRId64 "/%" PRId64, num(service, "servers_up"),
		 num(service, "servers_total"));
	fprintf(out, "%-*s  %-5s  %9s  %6" PRId64 "  %8" PRId64 "  %s\n", width,
		str(service, "name"), str(service, "scheduler"), servers, num(service, "weight_up"),
		active_connections(service), service_words(service));
}

static void print_services(FILE *out, json *doc)
{
	size_t n = count(doc, "services");
	int width = 15;

	for (size_t i = 0; i < n; i++) {
		int len = (int)strlen(str(item(doc, "services", i), "name"));

		width = len > width ? len : width;
	}
	if (n)
		fprintf(out, "%-*s  %-5s  %9s  %6s  %8s  %s\n", width, "virtual server", "sched",
			"RS up/all", "weight", "act.conn", "state");
	for (size_t i = 0; i < n; i++)
		print_service(out, item(doc, "services", i), width);
}

void text_status(FILE *out, json *doc)
{
	print_node(out, doc);
	for (size_t i = 0; i < count(doc, "vrrp_instances"); i++)
		print_instance(out, item(doc, "vrrp_instances", i));
	for (size_t i = 0; i < count(doc, "vrrp_sync_groups"); i++)
		print_group(out, item(doc, "vrrp_sync_groups", i));
	for (size_t i = 0; i < count(doc, "trackers"); i++)
		print_tracker(out, item(doc, "trackers", i));
	print_ipvs(out, doc);
	print_sync(out, doc);
	print_checking(out, doc);
	print_services(out, doc);
	for (size_t i = 0; i < count(doc, "warnings"); i++)
		fprintf(out, "! %s\n", json_object_get_string(item(doc, "warnings", i)));
}

void text_done(FILE *out, json *doc)
{
	size_t n = count(doc, "servers");
	bool checks = strcmp(str(doc, "verb"), "check-now") == 0;

	for (size_t i = 0; i < n; i++) {
		json *server = item(doc, "servers", i);

		if (checks)
			fprintf(out, "%s: %" PRId64 " checks run now\n", str(server, "name"),
				num(server, "checks"));
		else
			fprintf(out, "%s: %s\n", str(server, "name"), str(server, "state"));
	}
	if (num(doc, "count") > (int64_t)n)
		fprintf(out, "and %" PRId64 " more\n", num(doc, "count") - (int64_t)n);
	if (!checks && !flag(doc, "saved"))
		fputs("! not saved: see the log; it will not outlive tandemd\n", out);
}

void text_reload(FILE *out, json *doc)
{
	if (get(doc, "diagnostics"))
		fputs(str(doc, "diagnostics"), out);
	fprintf(out, "%s\n", str(doc, "message"));
}

void text_confirmed(FILE *out, json *doc)
{
	fprintf(out, "%s stays in force\n", str(doc, "file"));
	fprintf(out, "%s is what the next reload or start reads: put it there, too\n",
		str(doc, "configured_file"));
}

static void print_change(FILE *out, json *change)
{
	const char *word = str(change, "change"), *what = str(change, "what");

	fprintf(out, "%c %s %s%s%s", *word == 'a' ? '+' : *word == 'r' ? '-' : '~',
		str(change, "object"), str(change, "name"), *what ? ": " : "", what);
	if (num(change, "active_connections"))
		fprintf(out, "  (%" PRId64 " active connections)",
			num(change, "active_connections"));
	putc('\n', out);
}

void text_diff(FILE *out, json *doc)
{
	fputs(str(doc, "diagnostics"), out);
	for (size_t i = 0; i < count(doc, "changes"); i++)
		print_change(out, item(doc, "changes", i));
	if (!flag(doc, "usable"))
		fprintf(out, "%s: can't be used\n", str(doc, "file"));
	else if (!count(doc, "changes"))
		fputs("nothing would change\n", out);
}

void text_version(FILE *out, json *doc)
{
	fprintf(out, "tandemd %s\n", str(doc, "version"));
	for (size_t i = 0; i < count(doc, "roles"); i++) {
		json *role = item(doc, "roles", i);

		if (flag(role, "wanted"))
			fprintf(out, "%s %s, process %" PRId64 ", %s\n", str(role, "name"),
				str(role, "version"), num(role, "pid"), str(role, "phase"));
	}
}

/* The copying of connections */

static void print_lag(FILE *out, json *stream)
{
	fprintf(out, ", lag %" PRId64, num(stream, "lag"));
	if (num(stream, "lag"))
		fprintf(out, " for %" PRId64 " ms", num(stream, "lag_ms"));
	fprintf(out, ", %" PRId64 " records, %" PRId64 " B/s", num(stream, "records"),
		num(stream, "bytes_per_s"));
}

static void print_peer(FILE *out, json *peer)
{
	json *in = get(peer, "in"), *to = get(peer, "out");

	fprintf(out, "peer %s", get(peer, "address") ? str(peer, "address") : str(peer, "node"));
	if (get(peer, "router_id") && *str(peer, "router_id"))
		fprintf(out, " (%s)", str(peer, "router_id"));
	fputs("  ", out);
	if (num(peer, "heard_ms_ago") < 0)
		fputs("never heard", out);
	else
		fprintf(out, "heard %" PRId64 " ms ago", num(peer, "heard_ms_ago"));
	fprintf(out, ", %s\n", *str(peer, "paths") ? str(peer, "paths") : "no path works");
	if (*str(peer, "difference") && get(peer, "difference"))
		fprintf(out, "  !    %s\n", str(peer, "difference"));
	if (get(peer, "virtual_routers") && *str(peer, "virtual_routers"))
		fprintf(out, "  vrrp %s\n", str(peer, "virtual_routers"));
	fprintf(out, "  in   %s", str(in, "state"));
	if (flag(in, "synced"))
		fprintf(out, " after %" PRId64 " ms", num(in, "synced_after_ms"));
	print_lag(out, in);
	fprintf(out, ", gaps %" PRId64 "\n", num(in, "gaps"));
	fprintf(out, "  out  %s", str(to, "state"));
	print_lag(out, to);
	fprintf(out,
		", repairs %" PRId64 "; has %" PRId64 " connections, refused %" PRId64
		", drops of its kernel %" PRId64 "\n",
		num(to, "repairs"), num(to, "connections"), num(to, "refused"),
		num(to, "kernel_drops"));
}

/* Absent in the documents of former versions. */
static void print_trouble(FILE *out, json *o, const char *name, const char *what)
{
	if (get(o, name) && *str(o, name))
		fprintf(out, "! %s %s\n", what, str(o, name));
}

static void print_link(FILE *out, json *link)
{
	if (get(link, "trouble") && *str(link, "trouble")) {
		fprintf(out, "path %s  ! does not work: %s\n", str(link, "name"),
			str(link, "trouble"));
		return;
	}
	fprintf(out,
		"path %s  sent %" PRId64 ", failed %" PRId64 "%s%s; received %" PRId64
		", dropped %" PRId64 "\n",
		str(link, "name"), num(link, "sent"), num(link, "send_errors"),
		*str(link, "last_error") ? ": " : "", str(link, "last_error"),
		num(link, "received"), num(link, "dropped"));
}

static void print_sync_counters(FILE *out, json *c)
{
	fprintf(out,
		"kernel  told us %" PRId64 " records, dropped %" PRId64 "; was told %" PRId64
		", dropped %" PRId64 ", lag %" PRId64 "\n",
		num(c, "captured"), num(c, "capture_drops"), num(c, "injected"),
		num(c, "inject_drops"), num(c, "inject_lag"));
	if (num(c, "kernel_peer_out") || num(c, "kernel_peer_in") || num(c, "kernel_peer_refused"))
		fprintf(out,
			"kernel-multicast  told %" PRId64 " records, errors %" PRId64 "; took %" PRId64
			", refused %" PRId64 ", malformed %" PRId64 "\n",
			num(c, "kernel_peer_out"), num(c, "kernel_peer_errors"),
			num(c, "kernel_peer_in"), num(c, "kernel_peer_refused"),
			num(c, "kernel_peer_malformed"));
	fprintf(out,
		"audit  %" PRId64 " times all through, given up %" PRId64 " times; repairs %" PRId64
		", given again to new real servers %" PRId64 ", found %" PRId64 "\n",
		num(c, "audits"), num(c, "audits_given_up"), num(c, "repairs"), num(c, "rebound"),
		num(c, "adopted"));
	fprintf(out,
		"refused  authentication %" PRId64 ", replayed %" PRId64 ", malformed %" PRId64
		", other version %" PRId64 ", unknown session %" PRId64 ", table full %" PRId64
		"\n",
		num(c, "auth_failed"), num(c, "replayed"), num(c, "malformed"), num(c, "version"),
		num(c, "unknown"), num(c, "table_refused"));
}

void text_sync(FILE *out, json *doc)
{
	json *sync = get(doc, "sync"), *c = get(doc, "counters");

	if (!sync) {
		fputs("there is no sync block: connections are not copied\n", out);
		return;
	}
	print_sync(out, doc);
	fprintf(out,
		"table  %" PRId64 " of at most %" PRId64 " connections, %" PRId64
		" our own, %" PRId64 " KiB\n",
		num(sync, "connections"), num(c, "table_max"), num(sync, "connections_own"),
		num(c, "table_bytes") / 1024);
	if (flag(sync, "resets_withheld"))
		fputs("firewall  withholds resets for connections that are not known yet\n", out);
	print_trouble(out, sync, "firewall_trouble", "firewall:");
	print_trouble(out, sync, "kernel_multicast_trouble", "kernel-multicast on");
	for (size_t i = 0; i < count(doc, "peers"); i++)
		print_peer(out, item(doc, "peers", i));
	fprintf(out,
		"real servers  %" PRId64 " with the weight that the Active director says, %" PRId64
		" seen otherwise by a peer\n",
		num(get(doc, "servers"), "with_agreed_weight"),
		num(get(doc, "servers"), "seen_otherwise"));
	for (size_t i = 0; i < count(doc, "links"); i++)
		print_link(out, item(doc, "links", i));
	print_sync_counters(out, c);
}
