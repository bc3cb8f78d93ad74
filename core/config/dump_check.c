/* SPDX-License-Identifier: Apache-2.0 */
/* Checks to text: see dump.c. */
#include "core/config/dump.h"
#include "core/config/names.h"
#include "core/hex.h"
#include "core/pattern.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

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

/* The name may be seen. */
static void dump_header(FILE *out, const char *line, bool secrets)
{
	static const char *const hidden[] = {"authorization:", "proxy-authorization:", "cookie:"};
	char text[64];

	for (size_t i = 0; !secrets && i < sizeof(hidden) / sizeof(*hidden); i++) {
		size_t n = strlen(hidden[i]);

		if (strncasecmp(line, hidden[i], n) != 0)
			continue;
		snprintf(text, sizeof(text), "%.*s hidden", (int)n, line);
		line = text;
		break;
	}
	dump_str(out, IN2, "header", line);
}

static void dump_url(FILE *out, const struct check_url *u, bool secrets)
{
	fputs(IN "url {\n", out);
	dump_str(out, IN2, "path", u->path);
	dump_str(out, IN2, "virtualhost", u->virtualhost);
	dump_str(out, IN2, "digest", u->digest);
	fputs(IN2 "status_code", out);
	for (uint32_t i = 0; i < u->n_statuses; i++)
		fprintf(out, " %u-%u", u->statuses[i].first, u->statuses[i].last);
	fputc('\n', out);
	if (u->request != HTTP_GET)
		fprintf(out, IN2 "method %s\n", http_request_name((enum http_request)u->request));
	/* It may be a login. */
	dump_str(out, IN2, "body", u->body[0] && !secrets ? "hidden" : u->body);
	for (uint32_t i = 0; i < u->n_headers; i++)
		dump_header(out, u->headers[i].line, secrets);
	dump_regex(out, u);
	dump_flag(out, IN2, "tls_compliant", u->tls_compliant);
	fputs(IN "}\n", out);
}

static void dump_secret(FILE *out, const char *secret, bool secrets)
{
	dump_string(out, secrets ? secret : "hidden");
	fputc('\n', out);
}

static void dump_http(FILE *out, const struct check_http *h, bool secrets)
{
	fprintf(out, IN "http_protocol %s\n", http_protocol_name((enum http_protocol)h->protocol));
	dump_flag(out, IN, "enable_sni", h->sni);
	if (h->user[0]) {
		fputs(IN "basic_auth ", out);
		dump_string(out, h->user);
		fputc(' ', out);
		dump_secret(out, h->password, secrets);
	}
	for (uint32_t i = 0; i < h->n_urls; i++)
		dump_url(out, &h->urls[i], secrets);
}

static void dump_tls(FILE *out, const struct check *k, const struct check_tls *t, bool secrets)
{
	dump_flag(out, IN, "tls", k->method != CHECK_SSL);
	dump_str(out, IN, "sni_name", t->name);
	dump_flag(out, IN, "tls_verify", t->verify);
	dump_str(out, IN, "tls_ca", t->ca);
	dump_str(out, IN, "tls_certificate", t->certificate);
	dump_str(out, IN, "tls_key", t->key);
	if (t->key_password[0]) {
		fputs(IN "tls_key_password ", out);
		dump_secret(out, t->key_password, secrets);
	}
	if (t->expiry_warning_days)
		dump_u32(out, IN, "tls_expiry_warning", t->expiry_warning_days);
}

/* Bytes as text when all of them can be seen or are ends of lines. */
static void dump_bytes(FILE *out, const char *keyword, const char *hex)
{
	char text[2 * 4096 + 1];
	size_t n = hex_decode(hex, (uint8_t *)text, sizeof(text) - 1);
	bool plain = true;

	for (size_t i = 0; i < n; i++)
		plain &= (text[i] >= ' ' && text[i] <= '~') || text[i] == '\r' || text[i] == '\n';
	text[n] = '\0';
	if (plain)
		dump_str(out, IN, keyword, text);
	else
		fprintf(out, IN "%s_hex %s\n", keyword, hex);
}

static void dump_step(FILE *out, const struct check_step *s, bool secrets)
{
	switch ((enum step_kind)s->kind) {
	case STEP_SEND:
		if (secrets)
			dump_bytes(out, "send", s->bytes);
		else
			dump_str(out, IN, "send", "hidden"); /* it may be a login */
		break;
	case STEP_EXPECT:
		dump_bytes(out, "expect", s->bytes);
		break;
	case STEP_EXPECT_REGEX:
		dump_str(out, IN, "expect_regex", s->regex);
		break;
	}
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

static void dump_file(FILE *out, const struct check_file *f)
{
	dump_str(out, IN, "track_file", f->name);
	fprintf(out, IN "weight %d%s\n", f->weight, f->reverse ? " reverse" : "");
}

static void dump_connect(FILE *out, const struct check *k)
{
	bool through = addr_is_set(&k->through);

	dump_flag(out, IN, "through_service", through);
	if (!through)
		dump_addr(out, IN, "connect_ip", &k->address);
	if (k->port && !through)
		dump_u32(out, IN, "connect_port", k->port);
	dump_addr(out, IN, "bindto", &k->bind_address);
	if (k->bind_port)
		dump_u32(out, IN, "bind_port", k->bind_port);
	dump_str(out, IN, "bind_if", k->bind_ifname);
	if (!through)
		dump_u32(out, IN, "fwmark", k->fwmark);
	dump_seconds(out, IN, "connect_timeout", k->connect_timeout_us);
}

static void dump_timing(FILE *out, const struct check *k)
{
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
}

void dump_check(FILE *out, const struct check *k, bool secrets)
{
	fprintf(out, TAB TAB "%s {\n", check_method_name((enum check_method)k->method));
	if (addr_is_set(&k->address))
		dump_connect(out, k);
	if (k->method != CHECK_FILE)
		dump_timing(out, k);
	for (uint32_t i = 0; i < k->n_http; i++)
		dump_http(out, &k->http[i], secrets);
	for (uint32_t i = 0; i < k->n_misc; i++)
		dump_misc(out, &k->misc[i]);
	for (uint32_t i = 0; i < k->n_udp; i++)
		dump_udp(out, &k->udp[i]);
	for (uint32_t i = 0; i < k->n_dns; i++)
		dump_dns(out, &k->dns[i]);
	for (uint32_t i = 0; i < k->n_smtp; i++)
		dump_str(out, IN, "helo_name", k->smtp[i].helo);
	for (uint32_t i = 0; i < k->n_steps; i++)
		dump_step(out, &k->steps[i], secrets);
	for (uint32_t i = 0; i < k->n_grpc; i++) {
		dump_str(out, IN, "service", k->grpc[i].service);
		dump_str(out, IN, "virtualhost", k->grpc[i].authority);
	}
	for (uint32_t i = 0; i < k->n_agent; i++)
		if (k->agent[i].bytes[0])
			dump_bytes(out, "send", k->agent[i].bytes);
	for (uint32_t i = 0; i < k->n_file; i++)
		dump_file(out, &k->file[i]);
	for (uint32_t i = 0; i < k->n_tls; i++)
		dump_tls(out, k, &k->tls[i], secrets);
	fputs(TAB TAB "}\n", out);
}
