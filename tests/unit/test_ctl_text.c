/* SPDX-License-Identifier: Apache-2.0 */
/* JSON documents as text for people (ctl/text.c). */
#include "ctl/text.h"

#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static char *shown;

static const char *show(void (*text)(FILE *, struct json_object *), const char *document)
{
	struct json_object *doc = json_tokener_parse(document);
	size_t n;
	FILE *f;

	assert_non_null(doc);
	free(shown);
	f = open_memstream(&shown, &n);
	text(f, doc);
	fclose(f);
	json_object_put(doc);
	return shown;
}

static int teardown(void **state)
{
	free(shown);
	shown = NULL;
	return 0;
}

static void test_status(void **state)
{
	static const char document[] =
		"{\"node\":{\"router_id\":\"lb1\",\"state\":\"MASTER\",\"state_since\":\"T1\","
		"\"state_reason\":\"no advertisement\",\"version\":\"0.1.0\",\"generation\":3,"
		"\"config_file\":\"f\",\"started\":\"T0\"},"
		"\"vrrp_instances\":[{\"name\":\"web\",\"state\":\"MASTER\",\"since\":\"T1\","
		"\"reason\":\"no advertisement\",\"virtual_router_id\":51,\"interface\":\"eth0\","
		"\"priority\":90,\"configured_priority\":150,\"advert_interval_ms\":100,"
		"\"active_address\":null,\"virtual_addresses\":[\"192.0.2.1/24\",\"192.0.2.2/"
		"24\"]}],"
		"\"ipvs\":{\"available\":true,\"services\":1,\"servers\":1,\"edits\":2,"
		"\"failures\":0,\"repairs\":0},"
		"\"services\":[{\"name\":\"192.0.2.1:80 TCP\",\"scheduler\":\"rr\","
		"\"servers_up\":1,\"servers_total\":2,\"weight_up\":5,\"quorum_up\":true,"
		"\"sorry_server_serves\":false,\"real_servers\":["
		"{\"active_connections\":4},{\"active_connections\":3}]}],"
		"\"warnings\":[\"one\",\"two\"]}";

	assert_string_equal(
		show(text_status, document),
		"node lb1  MASTER since T1 (no advertisement)\n"
		"runs 0.1.0, generation 3 of f, since T0\n"
		"vrrp web  MASTER since T1 (no advertisement)\n"
		"     id 51 eth0  prio 90 (base 150)  adv 100 ms  192.0.2.1/24 +1\n"
		"ipvs 1 services, 1 real servers in the kernel; 2 edits, 0 failed, 0 repairs\n"
		"virtual server    sched  RS up/all  weight  act.conn  state\n"
		"192.0.2.1:80 TCP  rr           1/2       5         7  degraded\n"
		"! one\n"
		"! two\n");
}

static void test_status_before_anything_is_known(void **state)
{
	assert_string_equal(show(text_status,
				 "{\"node\":{\"router_id\":\"lb1\",\"state\":null},"
				 "\"vrrp_instances\":[{\"name\":\"web\",\"state\":null}],"
				 "\"ipvs\":{\"available\":null},"
				 "\"services\":[{\"name\":\"fwmark 7\",\"scheduler\":\"rr\"}]}"),
			    "node lb1\n"
			    "runs -, generation 0 of -, since -\n"
			    "vrrp web  -\n"
			    "     id 0 -  prio 0 (base 0)  adv 0 ms\n"
			    "virtual server   sched  RS up/all  weight  act.conn  state\n"
			    "fwmark 7         rr           0/0       0         0  not known yet\n");
}

static void test_reload(void **state)
{
	assert_string_equal(show(text_reload, "{\"diagnostics\":\"f:1:2: error: x\\n\","
					      "\"message\":\"refused\"}"),
			    "f:1:2: error: x\nrefused\n");
	assert_string_equal(show(text_reload, "{\"diagnostics\":\"\",\"message\":\"done\"}"),
			    "done\n");
}

static void test_version(void **state)
{
	assert_string_equal(show(text_version,
				 "{\"version\":\"1\",\"roles\":["
				 "{\"name\":\"vrrp\",\"wanted\":false},"
				 "{\"name\":\"ipvs\",\"wanted\":true,\"version\":\"1\",\"pid\":9,"
				 "\"phase\":\"ready\"}]}"),
			    "tandemd 1\nipvs 1, process 9, ready\n");
}

/* A daemon of another version may leave out or change anything. */
static void test_strange_documents(void **state)
{
	show(text_status, "{}");
	show(text_status, "{\"node\":[],\"services\":{},\"warnings\":3,\"ipvs\":\"x\"}");
	show(text_status, "{\"services\":[null,1,{\"real_servers\":[null]}]}");
	show(text_version, "{\"roles\":[null]}");
	assert_string_equal(show(text_reload, "{}"), "-\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_status, teardown),
		cmocka_unit_test_teardown(test_status_before_anything_is_known, teardown),
		cmocka_unit_test_teardown(test_reload, teardown),
		cmocka_unit_test_teardown(test_version, teardown),
		cmocka_unit_test_teardown(test_strange_documents, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
