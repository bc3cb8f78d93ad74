/* SPDX-License-Identifier: Apache-2.0 */
/* From a server's checks to its weight in the kernel: see explain.h. */
#include "ctl/explain.h"

#include "ctl/reader.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <string.h>

static void server_name(json *rs, char *name, size_t size)
{
	const char *address = str(rs, "address");

	snprintf(name, size, strchr(address, ':') ? "[%s]:%" PRId64 : "%s:%" PRId64, address,
		 num(rs, "port"));
}

static void print_factor(FILE *out, const char *what, int64_t permille)
{
	fprintf(out, " × %s %" PRId64 ".%02" PRId64, what, permille / 1000, permille % 1000 / 10);
}

/* The product, and what the kernel has. */
static void print_weight(FILE *out, json *rs)
{
	json *override = get(rs, "override");
	int64_t base = num(rs, "base_weight"), configured = num(rs, "configured_weight");

	fprintf(out, "  weight %" PRId64, base);
	if (base != configured)
		fprintf(out, " (%s, instead of the configured %" PRId64 ")",
			get(override, "weight") ? "the operator's"
			: base			? "a check's"
						: "drained",
			configured);
	else
		fputs(" (configured)", out);
	print_factor(out, "slow start", num(rs, "slow_start_permille"));
	print_factor(out, "agent", num(rs, "agent_permille"));
	print_factor(out, "feedback", num(rs, "feedback_permille"));
	if (get(rs, "agreed_weight"))
		fprintf(out, "; agreed on: %" PRId64, num(rs, "agreed_weight"));
	if (!get(rs, "in_kernel"))
		fputs("   kernel: not known\n", out);
	else if (flag(rs, "in_kernel"))
		fprintf(out, "   kernel: weight %" PRId64 ", %" PRId64 " active connections\n",
			num(rs, "weight"), num(rs, "active_connections"));
	else
		fputs("   kernel: not in the table\n", out);
}

static void print_override(FILE *out, json *rs, const char *name)
{
	json *override = get(rs, "override");

	if (!override)
		return;
	fprintf(out, "  the operator's word since %s: %s", str(override, "since"),
		str(override, "state"));
	if (flag(override, "until_idle"))
		fputs(" until idle, then maint", out);
	if (get(override, "ends_in_s"))
		fprintf(out, " for %" PRId64 " s more", num(override, "ends_in_s"));
	if (get(override, "weight"))
		fprintf(out, ", weight %" PRId64, num(override, "weight"));
	if (strcmp(str(override, "state"), "ready") != 0)
		fprintf(out, "; to end it: tandemctl ready %s", name);
	putc('\n', out);
}

/* Until its hold is over, a weight is also agreed on that nobody says any more. */
static void print_peer(FILE *out, json *rs)
{
	json *peer = get(rs, "peer");

	if (!peer)
		return;
	fprintf(out, "  peer %s%s says %s", str(peer, "address"),
		flag(peer, "active") ? ", which is Active," : "", flag(peer, "up") ? "up" : "down");
	if (flag(peer, "up"))
		fprintf(out, ", weight %" PRId64, num(peer, "weight"));
	fputs(flag(peer, "differs") ? ": that is not what we see\n" : "\n", out);
}

/* "<0.25 ms 3, <8 ms 120" */
static void print_histogram(FILE *out, json *check)
{
	const char *separator = "    passes by time:";

	for (size_t i = 0; i < count(check, "latency_histogram"); i++) {
		json *bucket = item(check, "latency_histogram", i);

		if (!num(bucket, "passes"))
			continue;
		if (get(bucket, "below_us"))
			fprintf(out, "%s <%g ms %" PRId64, separator,
				(double)num(bucket, "below_us") / 1000, num(bucket, "passes"));
		else
			fprintf(out, "%s more %" PRId64, separator, num(bucket, "passes"));
		separator = ",";
	}
	if (*separator == ',')
		putc('\n', out);
}

static void print_streak(FILE *out, json *check)
{
	bool fails = num(check, "failures_in_a_row");
	int64_t to_change = num(check, fails ? "failures_to_be_down" : "passes_to_be_up");

	fprintf(out, ", %" PRId64 " %s in a row", num(check, "streak"), fails ? "fails" : "passes");
	if (flag(check, "held_down"))
		fputs(" (held down: it flapped)", out);
	else if (fails == flag(check, "up"))
		fprintf(out, " (%" PRId64 " make it %s)", to_change, fails ? "down" : "up");
}

static void print_check(FILE *out, json *check)
{
	fprintf(out, "  check %s %s:%" PRId64, str(check, "method"), str(check, "address"),
		num(check, "port"));
	if (!get(check, "up")) {
		fputs("  not known yet\n", out);
		return;
	}
	fprintf(out, "  %s since %s", flag(check, "up") ? "up" : "DOWN", str(check, "since"));
	if (flag(check, "has_run"))
		print_streak(out, check);
	fprintf(out, "\n    last: %s", str(check, "result"));
	if (flag(check, "has_run"))
		fprintf(out, ", after %.1f ms", (double)num(check, "latency_us") / 1000);
	if (num(check, "latency_smoothed_us"))
		fprintf(out, " (smoothed %.1f ms)",
			(double)num(check, "latency_smoothed_us") / 1000);
	fprintf(out, "; next run in %.1f s\n", (double)num(check, "next_run_ms") / 1000);
	print_histogram(out, check);
}

static void print_guard(FILE *out, json *service, json *rs, const char *name)
{
	if (flag(rs, "kept_by_max_ejection"))
		fprintf(out,
			"  would be taken out, but max_ejection %" PRId64
			" %% is reached: kept; to force it out: tandemctl disable %s\n",
			num(service, "max_ejection_percent"), name);
}

static void print_server(FILE *out, json *service, json *rs)
{
	char name[80];

	server_name(rs, name, sizeof(name));
	fprintf(out, "real server %s in %s\n", name, str(service, "name"));
	print_weight(out, rs);
	print_override(out, rs, name);
	if (strcmp(str(rs, "agent"), "-") != 0 && strcmp(str(rs, "agent"), "ready") != 0)
		fprintf(out, "  its agent says %s\n", str(rs, "agent"));
	if (get(rs, "up"))
		fprintf(out, "  %s: %s\n", flag(rs, "up") ? "up" : "DOWN", str(rs, "reason"));
	else
		fputs("  up or down: not known yet\n", out);
	print_peer(out, rs);
	print_guard(out, service, rs, name);
	for (size_t i = 0; i < count(rs, "checks"); i++)
		print_check(out, item(rs, "checks", i));
}

static void print_service(FILE *out, json *service)
{
	fprintf(out, "virtual server %s  %s, quorum %" PRId64, str(service, "name"),
		str(service, "scheduler"), num(service, "quorum"));
	if (num(service, "hysteresis"))
		fprintf(out, " ± %" PRId64, num(service, "hysteresis"));
	if (get(service, "quorum_up"))
		fprintf(out, " %s since %s: weight %" PRId64 " up, %" PRId64 " of %" PRId64 " servers",
			flag(service, "quorum_up") ? "held" : "NOT held", str(service, "since"),
			num(service, "weight_up"), num(service, "servers_up"),
			num(service, "servers_total"));
	if (num(service, "servers_kept"))
		fprintf(out, ", %" PRId64 " of these fail and are kept by max_ejection",
			num(service, "servers_kept"));
	fputs(flag(service, "sorry_server_serves") ? "; the sorry server serves\n" : "\n", out);
}

void explain_show(FILE *out, json *doc)
{
	for (size_t i = 0; i < count(doc, "services"); i++) {
		json *service = item(doc, "services", i);

		print_service(out, service);
		for (size_t j = 0; j < count(service, "real_servers"); j++)
			print_server(out, service, item(service, "real_servers", j));
	}
}
