/* SPDX-License-Identifier: Apache-2.0 */
/* Checks to text: see dump.c. */
#include "core/config/dump.h"
#include "core/config/names.h"
#include "core/pattern.h"

#define IN  TAB TAB TAB
#define IN2 IN TAB

static void dump_regex(FILE *out, const struct check_url *u)
{
	if (!u->regex[0])
		return;
	dump_str(out, IN2, "regex", u->regex);
	for (int i = 0; i < 32; i++)
		if (u->regex_options & UINT32_C(1) << i)
			fprintf(out, IN2 "regex_options %s\n",
				pattern_option_name(UINT32_C(1) << i));
	dump_flag(out, IN2, "regex_no_match", u->regex_no_match);
	dump_u32(out, IN2, "regex_min_offset", u->regex_min_offset);
	if (u->regex_max_offset != UINT32_MAX)
		dump_u32(out, IN2, "regex_max_offset", u->regex_max_offset);
}

static void dump_url(FILE *out, const struct check_url *u)
{
	fputs(IN "url {\n", out);
	dump_str(out, IN2, "path", u->path);
	dump_str(out, IN2, "virtualhost", u->virtualhost);
	dump_str(out, IN2, "digest", u->digest);
	fputs(IN2 "status_code", out);
	for (uint32_t i = 0; i < u->n_statuses; i++)
		fprintf(out, " %u-%u", u->statuses[i].first, u->statuses[i].last);
	fputc('\n', out);
	dump_regex(out, u);
	fputs(IN "}\n", out);
}

static void dump_http(FILE *out, const struct check_http *h)
{
	fprintf(out, IN "http_protocol %s\n", http_protocol_name((enum http_protocol)h->protocol));
	dump_flag(out, IN, "enable_sni", h->sni);
	dump_str(out, IN, "sni_name", h->sni_name);
	dump_flag(out, IN, "tls_verify", h->tls_verify);
	dump_str(out, IN, "tls_ca", h->tls_ca);
	for (uint32_t i = 0; i < h->n_urls; i++)
		dump_url(out, &h->urls[i]);
}

static void dump_misc(FILE *out, const struct check_misc *m)
{
	dump_str(out, IN, "misc_path", m->command);
	dump_seconds(out, IN, "misc_timeout", m->timeout_us);
	dump_flag(out, IN, "misc_dynamic", m->dynamic);
	if (!m->user[0])
		return;
	fputs(IN "user ", out);
	dump_string(out, m->user);
	if (m->group[0]) {
		fputc(' ', out);
		dump_string(out, m->group);
	}
	fputc('\n', out);
}

static void dump_udp(FILE *out, const struct check_udp *u)
{
	dump_str(out, IN, "payload", u->payload);
	if (!u->require_reply)
		return;
	fprintf(out, IN "require_reply%s%s\n", u->reply[0] ? " " : "", u->reply);
	dump_u32(out, IN, "min_reply_length", u->min_reply_length);
	dump_u32(out, IN, "max_reply_length", u->max_reply_length);
}

static void dump_dns(FILE *out, const struct check_dns *d)
{
	const char *type = name_dns_type(d->type);

	if (type)
		fprintf(out, IN "type %s\n", type);
	else
		fprintf(out, IN "type TYPE%u\n", d->type);
	dump_str(out, IN, "name", d->name);
	dump_flag(out, IN, "require_answer", d->require_answer);
}

static void dump_connect(FILE *out, const struct check *k)
{
	dump_addr(out, IN, "connect_ip", &k->address);
	if (k->port)
		dump_u32(out, IN, "connect_port", k->port);
	dump_addr(out, IN, "bindto", &k->bind_address);
	if (k->bind_port)
		dump_u32(out, IN, "bind_port", k->bind_port);
	dump_str(out, IN, "bind_if", k->bind_ifname);
	dump_u32(out, IN, "fwmark", k->fwmark);
	dump_seconds(out, IN, "connect_timeout", k->connect_timeout_us);
}

void dump_check(FILE *out, const struct check *k)
{
	fprintf(out, TAB TAB "%s {\n", check_method_name((enum check_method)k->method));
	if (addr_is_set(&k->address))
		dump_connect(out, k);
	dump_seconds(out, IN, "delay_loop", k->delay_loop_us);
	dump_seconds(out, IN, "delay_before_retry", k->delay_before_retry_us);
	if (k->delay_loop_down_us)
		dump_seconds(out, IN, "delay_loop_down", k->delay_loop_down_us);
	if (k->delay_undecided_us)
		dump_seconds(out, IN, "delay_undecided", k->delay_undecided_us);
	if (k->jitter)
		dump_u32(out, IN, "jitter", k->jitter);
	if (k->flap_damping_us)
		dump_seconds(out, IN, "flap_damping", k->flap_damping_us);
	dump_u32(out, IN, "retry", k->retry);
	if (k->rise > 1)
		dump_u32(out, IN, "rise", k->rise);
	dump_seconds(out, IN, "warmup", k->warmup_us);
	dump_bool(out, IN, "alpha", k->alpha);
	dump_bool(out, IN, "log_all_failures", k->log_all_failures);
	for (uint32_t i = 0; i < k->n_http; i++)
		dump_http(out, &k->http[i]);
	for (uint32_t i = 0; i < k->n_misc; i++)
		dump_misc(out, &k->misc[i]);
	for (uint32_t i = 0; i < k->n_udp; i++)
		dump_udp(out, &k->udp[i]);
	for (uint32_t i = 0; i < k->n_dns; i++)
		dump_dns(out, &k->dns[i]);
	for (uint32_t i = 0; i < k->n_smtp; i++)
		dump_str(out, IN, "helo_name", k->smtp[i].helo);
	fputs(TAB TAB "}\n", out);
}
