/* SPDX-License-Identifier: Apache-2.0 */
/* What mails say (core/mail_text.c): keepalived's words. */
#include "core/mail_text.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct mail_recipient to[] = {{"ops@example.com"}, {"root"}};
static struct global global = {
	.router_id = "R1", .mail_from = "", .mail_to = to, .n_mail_to = 2};
static const struct model model = {.global = &global, .n_global = 1};
static struct real_server server = {.address = {.family = AF_INET, .b = {10, 0, 0, 3}}, .port = 80};
static struct virtual_server service = {.address = {.family = AF_INET, .b = {192, 0, 2, 1}},
					.port = 443,
					.protocol = IPPROTO_TCP,
					.group = "",
					.quorum = 2,
					.hysteresis = 1};

static void test_instance(void **state)
{
	struct mail m;

	assert_false(mail_of_instance(&m, &model, "V", VRRP_STATE_INITIALIZE));
	assert_true(mail_of_instance(&m, &model, "V", VRRP_STATE_FAULT));
	assert_string_equal(m.subject, "[R1] VRRP Instance V - Entering FAULT state");
	assert_string_equal(m.body, "=> VRRP Instance is no longer owning VRRP VIPs <=");
	assert_true(mail_of_instance(&m, &model, "V", VRRP_STATE_ACTIVE));
	assert_string_equal(m.subject, "[R1] VRRP Instance V - Entering MASTER state");
	assert_string_equal(m.body, "=> VRRP Instance is now owning VRRP VIPs <=");
	assert_true(mail_of_instance(&m, &model, "V", VRRP_STATE_STOP));
	assert_string_equal(m.subject, "[R1] VRRP Instance V - Stopping");
	assert_string_equal(m.body, "=> VRRP Instance stopping <=");
	mail_of_removed(&m, &model, "V");
	assert_string_equal(m.subject, "[R1] VRRP Instance V - Deleted");
	assert_string_equal(m.body, "=> VRRP Deleted at reload <=");
}

static void test_group(void **state)
{
	struct mail m;

	assert_true(mail_of_group(&m, &model, "G", VRRP_STATE_BACKUP));
	assert_string_equal(m.subject, "[R1] VRRP Group G - Entering BACKUP state");
	assert_string_equal(m.body, "=> All VRRP group instances are now in BACKUP state <=");
	assert_true(mail_of_group(&m, &model, "G", VRRP_STATE_STOP));
	assert_string_equal(m.body, "=> All VRRP group instances are now stopping <=");
}

static void test_server(void **state)
{
	struct mail m;

	mail_of_server(&m, &model, &service, &server, false, "no\r\nanswer");
	assert_string_equal(m.subject, "[R1] Realserver [10.0.0.3]:tcp:80 of virtual server "
				       "[192.0.2.1]:tcp:443 - DOWN");
	assert_string_equal(m.body, "=> CHECK failed on service : no  answer <=");
	mail_of_server(&m, &model, &service, &server, true, "");
	assert_string_equal(m.body, "=> CHECK succeed on service <=");
	mail_of_server(&m, &model, &service, &server, false, MAIL_SHUT_DOWN_WHY);
	assert_string_equal(m.body, "=> Shutting down <=");
}

static void test_service(void **state)
{
	struct mail m;

	mail_of_service(&m, &model, &service, true, MAIL_QUORUM_CHANGED, 5);
	assert_string_equal(m.subject, "[R1] Virtualserver [192.0.2.1]:tcp:443 - UP");
	assert_string_equal(m.body, "=> Gained quorum 2+1=3 <= 5 <=");
	mail_of_service(&m, &model, &service, false, MAIL_QUORUM_CHANGED, 0);
	assert_string_equal(m.subject, "[R1] Virtualserver [192.0.2.1]:tcp:443 - DOWN");
	assert_string_equal(m.body, "=> Lost quorum 2-1=1 > 0 <=");
	mail_of_service(&m, &model, &service, true, MAIL_QUORUM_FIRST, 5);
	assert_string_equal(m.body, "=> Starting with quorum up 2+1=3 <= 5 <=");
}

static void test_message(void **state)
{
	const struct tm when = {.tm_year = 126, .tm_mon = 10, .tm_mday = 28, .tm_hour = 14,
				.tm_wday = 6, .tm_gmtoff = 3600};
	const struct mail m = {.subject = "[R1] S", .body = "=> B <="};
	char text[600];
	size_t len = mail_write(&m, &global, "d1", &when, text, sizeof(text));

	assert_string_equal(text, "Date: Sat, 28 Nov 2026 14:00:00 +0100\r\n"
				  "From: keepalived@d1\r\n"
				  "Subject: [R1] S\r\n"
				  "X-Mailer: Keepalived\r\n"
				  "To: ops@example.com,\r\n root\r\n"
				  "\r\n=> B <=\r\n");
	assert_int_equal(len, strlen(text));
	len = mail_write(&m, &global, "d1", &when, text, 50);
	assert_int_equal(len, 49);
	assert_int_equal(strlen(text), 49);
	global.mail_from = "lb@example.com";
	assert_string_equal(mail_sender(&global, "d1", text, sizeof(text)), "lb@example.com");
	global.mail_from = "";
}

static void test_outcome(void **state)
{
	char text[64];

	assert_string_equal(mail_outcome_text(MAIL_NO_CONNECTION, text), "can't connect");
	assert_string_equal(mail_outcome_text(MAIL_REFUSED + 150, text), "refuses it with 550");
	assert_string_equal(mail_outcome_text(30, text), "tandem-mail: exit status 30");
	assert_true(mail_outcome_is_final(MAIL_REFUSED + 150));
	assert_false(mail_outcome_is_final(MAIL_REFUSED + 51));
	assert_false(mail_outcome_is_final(MAIL_NO_CONNECTION));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_instance), cmocka_unit_test(test_group),
		cmocka_unit_test(test_server),	 cmocka_unit_test(test_service),
		cmocka_unit_test(test_message),	 cmocka_unit_test(test_outcome),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
