/* SPDX-License-Identifier: Apache-2.0 */
/* What UDP_CHECK, DNS_CHECK, PING_CHECK and SMTP_CHECK say, and how they take what comes back. */
#include "checkers/dns_packet.h"
#include "checkers/icmp_echo.h"
#include "checkers/smtp_reply.h"
#include "checkers/udp_reply.h"
#include "core/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

/* DNS */

static const struct check_dns soa = {.type = 6, .name = "."};
static const struct check_dns www = {.type = 28, .name = "www.Example", .require_answer = true};

static void test_dns_question(void **state)
{
	static const uint8_t root[] = {0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 1};
	static const uint8_t name[] = "\0\1\1\0\0\1\0\0\0\0\0\0\3www\7Example\0\0\x1c\0\1";
	uint8_t buf[DNS_QUESTION_MAX];

	assert_int_equal(dns_question(&soa, 0xabcd, buf), sizeof(root));
	assert_memory_equal(buf, root, sizeof(root));
	assert_int_equal(dns_question(&www, 1, buf), sizeof(name) - 1);
	assert_memory_equal(buf, name, sizeof(name) - 1);
}

/* Whatever the name is, the question stays within its bounds. */
static void test_dns_long_names(void **state)
{
	struct check_dns conf = {.type = 1};
	uint8_t buf[DNS_QUESTION_MAX + 1];
	char name[2000];

	for (size_t len = 0; len < sizeof(name) - 1; len++) {
		memset(name, 'a', len);
		name[len] = '\0';
		for (size_t i = 63; i < len; i += 64)
			name[i] = '.';
		conf.name = name;
		buf[DNS_QUESTION_MAX] = 77;
		assert_true(dns_question(&conf, 1, buf) <= DNS_QUESTION_MAX);
		assert_int_equal(buf[DNS_QUESTION_MAX], 77);
	}
}

/* An answer to `conf` with this header. */
static size_t answer(const struct check_dns *conf, uint8_t flags, uint8_t rcode, uint8_t records,
		     uint8_t buf[DNS_QUESTION_MAX])
{
	size_t len = dns_question(conf, 7, buf);

	buf[2] = flags;
	buf[3] = rcode;
	buf[7] = records;
	return len;
}

static void expect_dns(const struct check_dns *conf, uint8_t rcode, uint8_t records,
		       enum check_outcome outcome, const char *reason)
{
	struct check_result r = {0};
	uint8_t buf[DNS_QUESTION_MAX];
	size_t len = answer(conf, 0x81, rcode, records, buf);

	assert_true(dns_judge(conf, 7, buf, len, &r));
	assert_int_equal(r.outcome, outcome);
	assert_string_equal(r.reason.s, reason);
}

static void test_dns_answers(void **state)
{
	expect_dns(&soa, 0, 1, CHECK_PASS, "answered with 1 record");
	expect_dns(&soa, 0, 0, CHECK_PASS, "answered with 0 records");
	expect_dns(&www, 0, 2, CHECK_PASS, "answered with 2 records");
	expect_dns(&www, 0, 0, CHECK_FAIL, "answered without a record");
	expect_dns(&soa, 2, 0, CHECK_FAIL, "answered with SERVFAIL");
	expect_dns(&soa, 5, 0, CHECK_FAIL, "answered with REFUSED");
	expect_dns(&soa, 15, 0, CHECK_FAIL, "answered with an unknown RCODE");
}

static void test_dns_no_answers(void **state)
{
	uint8_t buf[DNS_QUESTION_MAX];
	struct check_result r;
	size_t len = answer(&www, 0x81, 0, 1, buf);

	assert_false(dns_judge(&www, 8, buf, len, &r));	    /* another id */
	assert_false(dns_judge(&soa, 7, buf, len, &r));	    /* another question */
	for (size_t cut = 0; cut < len; cut++)
		assert_false(dns_judge(&www, 7, buf, cut, &r));
	buf[14] = 'W'; /* case does not matter */
	assert_true(dns_judge(&www, 7, buf, len, &r));
	buf[14] = 'x';
	assert_false(dns_judge(&www, 7, buf, len, &r));
	len = answer(&www, 0x01, 0, 1, buf); /* a question itself */
	assert_false(dns_judge(&www, 7, buf, len, &r));
	len = answer(&www, 0x81, 1, 0, buf); /* FORMERR may come without the question */
	buf[5] = 0;
	assert_true(dns_judge(&www, 7, buf, 12, &r));
	assert_string_equal(r.reason.s, "answered with FORMERR");
}

/* ICMP */

static void test_icmp(void **state)
{
	uint8_t packet[20 + ICMP_ECHO_LEN] = {0x45};
	uint8_t *icmp = packet + 20;
	uint32_t sum = 0;

	icmp_echo_request(AF_INET, 0x1234, 0x5678, icmp);
	for (size_t i = 0; i < ICMP_ECHO_LEN; i += 2)
		sum += (uint32_t)icmp[i] << 8 | icmp[i + 1];
	assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
	assert_int_equal(icmp[0], 8);
	assert_false(icmp_echo_is_reply(AF_INET, 0x1234, 0x5678, false, false, icmp, 64));
	icmp[0] = 0;
	assert_true(icmp_echo_is_reply(AF_INET, 0x1234, 0x5678, false, false, icmp, 64));
	assert_true(icmp_echo_is_reply(AF_INET, 0x1234, 0x5678, true, false, packet, 84));
	assert_true(icmp_echo_is_reply(AF_INET, 0, 0x5678, false, true, icmp, 64));
	assert_false(icmp_echo_is_reply(AF_INET, 0, 0x5678, false, false, icmp, 64));
	assert_false(icmp_echo_is_reply(AF_INET, 0x1234, 0x5679, false, false, icmp, 64));
	assert_false(icmp_echo_is_reply(AF_INET6, 0x1234, 0x5678, false, false, icmp, 64));
	for (size_t cut = 0; cut < 28; cut++)
		assert_false(icmp_echo_is_reply(AF_INET, 0x1234, 0x5678, true, false, packet, cut));
	packet[0] = 0x4f; /* options: the header is somewhere else */
	assert_false(icmp_echo_is_reply(AF_INET, 0x1234, 0x5678, true, false, packet, 84));
	packet[0] = 0x41; /* too short to be one */
	assert_false(icmp_echo_is_reply(AF_INET, 0x1234, 0x5678, true, false, packet, 84));
	icmp_echo_request(AF_INET6, 1, 2, icmp);
	assert_int_equal(icmp[0], 128);
	icmp[0] = 129;
	assert_true(icmp_echo_is_reply(AF_INET6, 1, 2, false, false, icmp, 64));
}

/* UDP */

static void expect_udp(const struct check_udp *conf, const char *bytes, size_t len,
		       enum check_outcome outcome, const char *reason)
{
	struct check_result r = {0};

	udp_reply_judge(conf, (const uint8_t *)bytes, len, &r);
	assert_int_equal(r.outcome, outcome);
	assert_string_equal(r.reason.s, reason);
}

static void test_udp(void **state)
{
	const struct check_udp any = {.reply = "", .max_reply_length = 65535};
	const struct check_udp some = {.require_reply = true,
				       .reply = "0axbx",
				       .min_reply_length = 1,
				       .max_reply_length = 3};
	const struct check_udp mask = {.require_reply = true,
				       .reply = "0ax1",
				       .min_reply_length = 1,
				       .max_reply_length = 3};
	uint8_t buf[3];

	assert_int_equal(hex_decode("0a1bff", buf, sizeof(buf)), 3);
	assert_memory_equal(buf, "\x0a\x1b\xff", 3);
	assert_int_equal(hex_decode("0a1bff00", buf, sizeof(buf)), 3);
	assert_int_equal(hex_decode("", buf, sizeof(buf)), 0);
	expect_udp(&any, "abc", 3, CHECK_PASS, "a reply of 3 bytes");
	expect_udp(&any, "", 0, CHECK_PASS, "a reply of 0 bytes");
	expect_udp(&mask, "\x0a\x51", 2, CHECK_PASS, "a reply of 2 bytes");
	expect_udp(&mask, "\x0a", 1, CHECK_PASS, "a reply of 1 bytes");
	expect_udp(&mask, "\x0a\x52", 2, CHECK_FAIL,
		   "a reply of 2 bytes with 52 at offset 1, wanted x1");
	expect_udp(&mask, "", 0, CHECK_FAIL, "a reply of 0 bytes, wanted 1 to 3");
	expect_udp(&mask, "\x0a\x51zz", 4, CHECK_FAIL, "a reply of 4 bytes, wanted 1 to 3");
	expect_udp(&some, "\x0a\x5b\x55", 3, CHECK_PASS, "a reply of 3 bytes");
}

/* SMTP */

/* In pieces of every size. Returns the code, 0 for more, -1 for nonsense. */
static int smtp(const char *text)
{
	int first = -2;

	for (size_t piece = 1; piece <= strlen(text); piece++) {
		enum smtp_progress progress = SMTP_MORE;
		struct smtp_reply r = {0};
		size_t used, len = strlen(text);
		int code;

		for (size_t at = 0; at < len && progress == SMTP_MORE; at += used)
			progress = smtp_reply_feed(&r, text + at, piece < len - at ? piece : len - at,
						   &used);
		code = progress == SMTP_MORE ? 0 : progress == SMTP_REPLIED ? r.code : -1;
		if (first == -2)
			first = code;
		assert_int_equal(code, first);
	}
	return first;
}

static void test_smtp(void **state)
{
	size_t used;
	struct smtp_reply r = {0};
	char endless[SMTP_REPLY_MAX + 10];

	assert_int_equal(smtp("220 mail.example ESMTP\r\n"), 220);
	assert_int_equal(smtp("250\r\n"), 250);
	assert_int_equal(smtp("250\n"), 250);
	assert_int_equal(smtp("220-a\r\n220-b\r\n220 c\r\n"), 220);
	assert_int_equal(smtp("220-a\r\n554 no\r\n"), 554);
	assert_int_equal(smtp("220-a\r\n"), 0);
	assert_int_equal(smtp("220 a"), 0);
	assert_int_equal(smtp("SSH-2.0\r\n"), -1);
	assert_int_equal(smtp("2200\r\n"), -1);
	assert_int_equal(smtp("22\r\n"), -1);
	assert_int_equal(smtp_reply_feed(&r, "250 a\r\n221 b\r\n", 14, &used), SMTP_REPLIED);
	assert_int_equal(used, 7);
	memset(endless, 'x', sizeof(endless));
	memcpy(endless, "220 ", 4);
	r = (struct smtp_reply){0};
	assert_int_equal(smtp_reply_feed(&r, endless, sizeof(endless), &used), SMTP_NONSENSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dns_question), cmocka_unit_test(test_dns_long_names),
		cmocka_unit_test(test_dns_answers),  cmocka_unit_test(test_dns_no_answers),
		cmocka_unit_test(test_icmp),	     cmocka_unit_test(test_udp),
		cmocka_unit_test(test_smtp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
