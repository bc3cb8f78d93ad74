/* SPDX-License-Identifier: Apache-2.0 */
/* DNS messages: see dns_packet.h. */
#include "checkers/dns_packet.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define HEADER_LEN 12
#define FLAG_QR	   0x8000
#define FLAG_RD	   0x0100
#define CLASS_IN   1

static uint16_t read16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static size_t write16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return 2;
}

/* "a.example", "a.example.", ".": labels, each with its length before it, and an empty one. */
static size_t write_name(const char *name, uint8_t *at)
{
	size_t n = 0;

	while (*name && n < 255) {
		size_t len = strcspn(name, ".");

		if (len && len < 64 && n + len + 2 < 256) {
			at[n] = (uint8_t)len;
			memcpy(at + n + 1, name, len);
			n += len + 1;
		}
		name += len + (name[len] == '.');
	}
	at[n] = 0;
	return n + 1;
}

size_t dns_question(const struct check_dns *conf, uint16_t id, uint8_t buf[DNS_QUESTION_MAX])
{
	size_t n = HEADER_LEN;

	memset(buf, 0, HEADER_LEN);
	write16(buf, id);
	write16(buf + 2, FLAG_RD);
	write16(buf + 4, 1);
	n += write_name(conf->name, buf + n);
	n += write16(buf + n, conf->type);
	n += write16(buf + n, CLASS_IN);
	return n;
}

/* Names are compared without regard to case (RFC 1035 §2.3.3); lengths are below any letter. */
static bool same_question(const uint8_t *a, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (tolower(a[i]) != tolower(b[i]))
			return false;
	return true;
}

static const char *rcode_name(unsigned rcode)
{
	static const char *const names[] = {
		"NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
		"YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE",
	};

	return rcode < sizeof(names) / sizeof(names[0]) ? names[rcode] : "an unknown RCODE";
}

bool dns_judge(const struct check_dns *conf, uint16_t id, const uint8_t *at, size_t len,
	       struct check_result *ret)
{
	uint8_t asked[DNS_QUESTION_MAX];
	size_t asked_len = dns_question(conf, id, asked);
	unsigned rcode, answers;

	if (len < HEADER_LEN || read16(at) != id || !(read16(at + 2) & FLAG_QR))
		return false;
	/* A server that can't read the question need not repeat it. */
	if (read16(at + 4) &&
	    (len < asked_len ||
	     !same_question(at + HEADER_LEN, asked + HEADER_LEN, asked_len - HEADER_LEN)))
		return false;
	rcode = read16(at + 2) & 15;
	answers = read16(at + 6);
	ret->outcome = CHECK_FAIL;
	if (rcode) {
		text_set(&ret->reason, "answered with %s", rcode_name(rcode));
	} else if (conf->require_answer && !answers) {
		text_set(&ret->reason, "answered without a record");
	} else {
		ret->outcome = CHECK_PASS;
		text_set(&ret->reason, "answered with %u record%s", answers,
			 answers == 1 ? "" : "s");
	}
	return true;
}
