/* SPDX-License-Identifier: Apache-2.0 */
/* JSON documents as text for people (ctl/text.c). */
#include "ctl/list.h"
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
		"\"vrrp_sync_groups\":[{\"name\":\"all\",\"state\":\"MASTER\","
		"\"members\":[\"web\",\"mail\"]}],"
		"\"ipvs\":{\"available\":true,\"services\":1,\"servers\":1,\"edits\":2,"
		"\"failures\":0,\"repairs\":0,\"sysctls\":["
		"{\"name\":\"sync_threshold\",\"configured\":\"0 0\",\"value\":\"0 0\","
		"\"former\":\"3 50\"},"
		"{\"name\":\"conntrack\",\"configured\":\"0\",\"value\":\"0\",\"former\":\"0\"},"
		"{\"name\":\"sync_ports\",\"configured\":\"1\",\"value\":\"2\",\"former\":\"2\"},"
		"{\"name\":\"sync_qlen_max\",\"configured\":\"300\",\"at_least\":true,"
		"\"value\":\"400\",\"former\":\"400\"}],"
		"\"core_sysctls\":["
		"{\"name\":\"rmem_max\",\"configured\":\"8\",\"at_least\":true,"
		"\"value\":\"8\",\"former\":\"4\"},"
		"{\"name\":\"wmem_max\",\"configured\":\"8\",\"at_least\":true,"
		"\"value\":\"4\",\"former\":\"4\"},"
		"{\"name\":\"netdev_max_backlog\",\"configured\":\"9\",\"at_least\":true,"
		"\"value\":\"\",\"former\":\"\"}]},"
		"\"checking\":{\"in_flight\":2,\"in_flight_max\":900,\"waiting\":0,"
		"\"late_starts\":3,\"latest_start_us\":1250000},"
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
		"group all  MASTER  of web mail\n"
		"net.ipv4.vs  sync_threshold 0 0 (was 3 50)  conntrack 0  sync_ports 2, not 1  sync_qlen_max 400\n"
		"net.core  rmem_max 8 (was 4)  wmem_max 4, not at least 8"
		"  netdev_max_backlog -, not at least 9\n"
		"ipvs 1 services, 1 real servers in the kernel; 2 edits, 0 failed, 0 repairs\n"
		"checks 2 in flight of 900 at most, 0 wait; 3 have started late, by up to 1.2 s\n"
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

static struct list_options options;

static void services(FILE *out, struct json_object *doc)
{
	list_services(out, doc, &options);
}

static void servers(FILE *out, struct json_object *doc)
{
	list_servers(out, doc, &options);
}

static const char two_services[] =
	"{\"services\":[{\"name\":\"192.0.2.1:80 TCP\",\"scheduler\":\"rr\","
	"\"counters\":{\"conns\":5,\"in_bytes\":12345678901},\"real_servers\":["
	"{\"address\":\"10.0.0.1\",\"port\":80,\"forwarding\":\"DR\",\"weight\":1,\"up\":true,"
	"\"in_kernel\":true,\"active_connections\":4,\"inactive_connections\":2,"
	"\"reason\":\"connected\"},"
	"{\"address\":\"10.0.0.2\",\"port\":80,\"up\":false,\"in_kernel\":false,"
	"\"reason\":\"refused\"}]},"
	"{\"name\":\"fwmark 7\",\"scheduler\":\"mh\",\"persistence_timeout_s\":60,"
	"\"counters\":{\"conns\":9},\"real_servers\":["
	"{\"address\":\"fd00::1\",\"port\":0,\"forwarding\":\"TUN\",\"weight\":3,\"up\":true,"
	"\"in_kernel\":true,\"active_connections\":7,\"inactive_connections\":0}]}]}";

static void test_services(void **state)
{
	options = (struct list_options){0};
	assert_string_equal(
		show(services, two_services),
		"Service Scheduler Flags\n"
		"  -> RemoteAddress:Port            Forward Weight ActiveConn InActConn\n"
		"192.0.2.1:80 TCP rr\n"
		"  -> 10.0.0.1:80                   DR      1      4          2\n"
		"  -> 10.0.0.2:80                   -       0      0          0  out: refused\n"
		"fwmark 7 mh persistent 60\n"
		"  -> [fd00::1]:0                   TUN     3      7          0\n");
	options = (struct list_options){.columns = LIST_STATS, .sort = "conns"};
	assert_string_equal(show(services, two_services),
			    "  -> RemoteAddress:Port              Conns   InPkts  OutPkts    "
			    "InBytes   OutBytes\n"
			    "fwmark 7                                 9        0        0          "
			    "0          0\n"
			    "  -> [fd00::1]:0                         0        0        0          "
			    "0          0\n"
			    "192.0.2.1:80 TCP                         5        0        0     "
			    "12345M          0\n"
			    "  -> 10.0.0.1:80                         0        0        0          "
			    "0          0\n"
			    "  -> 10.0.0.2:80                         0        0        0          "
			    "0          0\n");
}

/* Why servers are out; and columns that make room for long addresses. */
static void test_uncommon_services(void **state)
{
	static const char long_one[] =
		"{\"services\":[{\"name\":\"[2001:db8:1111:2222::1]:8443 TCP\",\"scheduler\":\"rr\","
		"\"real_servers\":[{\"address\":\"2001:db8:1111:2222:3333:4444:5555:6666\",\"port\":8443,"
		"\"forwarding\":\"DR\",\"weight\":1,\"up\":true,\"in_kernel\":true,"
		"\"active_connections\":4,\"inactive_connections\":2,\"reason\":\"connected\"}]}]}";

	options = (struct list_options){0};
	assert_string_equal(
		show(services,
		     "{\"ipvs\":{\"available\":false,\"reason\":\"no IPVS\"},\"services\":[{\"name\":\"fwmark 7\","
		     "\"scheduler\":\"rr\",\"real_servers\":[{\"address\":\"10.0.0.1\",\"up\":true,"
		     "\"forwarding\":\"DR\",\"reason\":\"connected\"},{\"address\":\"10.0.0.2\",\"up\":true,"
		     "\"forwarding\":\"DR\",\"override\":{\"state\":\"maint\"}}]}]}"),
		"Service Scheduler Flags\n"
		"  -> RemoteAddress:Port            Forward Weight ActiveConn InActConn\n"
		"fwmark 7 rr\n"
		"  -> 10.0.0.1:0                    DR      0      0          0  out: not in the "
		"kernel's table\n"
		"  -> 10.0.0.2:0                    DR      0      0          0  out: maint\n"
		"! the kernel's IPVS can't be used: no IPVS\n");
	assert_string_equal(
		show(services, long_one),
		"Service Scheduler Flags\n"
		"  -> RemoteAddress:Port                            "
		"Forward Weight ActiveConn InActConn\n"
		"[2001:db8:1111:2222::1]:8443 TCP rr\n"
		"  -> [2001:db8:1111:2222:3333:4444:5555:6666]:8443 "
		"DR      1      4          2\n");
	assert_string_equal(
		show(servers, long_one),
		"real server                                   virtual server                        "
		"weight   act.conn  reason\n"
		"[2001:db8:1111:2222:3333:4444:5555:6666]:8443 [2001:db8:1111:2222::1]:8443 TCP up  "
		"      1          4  connected\n");
}

static void test_servers(void **state)
{
	options = (struct list_options){.sort = "active"};
	assert_string_equal(show(servers, two_services),
			    "real server                        virtual server                  "
			    "weight   act.conn  reason\n"
			    "[fd00::1]:0                        fwmark 7                   up      "
			    "  3          7  -\n"
			    "10.0.0.1:80                        192.0.2.1:80 TCP           up      "
			    "  1          4  connected\n"
			    "10.0.0.2:80                        192.0.2.1:80 TCP           DOWN    "
			    "  0          0  refused\n");
}

static const char *connection(const char *line, bool as_json)
{
	size_t n;
	FILE *f;
	int err;

	free(shown);
	f = open_memstream(&shown, &n);
	err = list_connection(f, line, as_json);
	fclose(f);
	return err ? "refused" : shown;
}

static void test_connections(void **state)
{
	static const char ipv4[] =
		"TCP 0A000032 C350 0A000064 1F40 0A00000B 1F40 ESTABLISHED SYNC       899\n";
	static const char ipv6[] =
		"TCP fd00:0000:0000:0000:0000:0000:0000:0032 C350 "
		"fd00:0000:0000:0000:0000:0000:0000:0064 1F40 0A00000B 1F40 SYN_RECV    LOCAL       59\n";

	assert_string_equal(connection(ipv4, false),
			    "TCP  14:59  ESTABLISHED synced 10.0.0.50:50000        "
			    "10.0.0.100:8000        10.0.0.11:8000\n");
	assert_string_equal(
		connection(ipv6, true),
		"{\"protocol\":\"TCP\",\"expires_s\":59,\"state\":\"SYN_RECV\",\"origin\":\"local\","
		"\"client\":\"[fd00::32]:50000\",\"virtual_server\":\"[fd00::64]:8000\","
		"\"real_server\":\"10.0.0.11:8000\"}\n");
	assert_string_equal(
		connection("Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Origin Expires\n", false),
		"refused");
	assert_string_equal(connection("TCP 0A0000 C350 x\n", false), "refused");
	assert_string_equal(connection("TCP 1::2::3 C350 1::2 1 1::3 1 NONE SYNC 1", true),
			    "refused");
	assert_string_equal(connection("", false), "refused");
	assert_string_equal(connection("UDP 7F540000 C350 C0000008 2294 C0000008 2294 UDP         "
				       "LOCAL      299\n",
				       false),
			    "refused");
}

static void test_sync(void **state)
{
	assert_string_equal(
		show(text_sync,
		     "{\"sync\":{\"synced\":false,\"reason\":\"1 of 2 peers are heard\","
		     "\"peers\":1,\"peers_expected\":2,\"connections\":200,"
		     "\"connections_own\":120,\"lag\":3,\"drops\":0,\"firewall_trouble\":\"\","
		     "\"kernel_multicast_trouble\":\"eth8: No such device\"},"
		     "\"servers\":{\"with_agreed_weight\":3,\"seen_otherwise\":1},"
		     "\"peers\":[{\"address\":\"10.0.0.2\",\"heard_ms_ago\":12,"
		     "\"paths\":\"10.0.0.2 by eth0\",\"router_id\":\"lb2\","
		     "\"difference\":\"its virtual servers are not ours\","
		     "\"virtual_routers\":\"VI_1 BACKUP 100\","
		     "\"in\":{\"state\":\"synced\",\"synced\":true,\"synced_after_ms\":34,"
		     "\"lag\":0,\"records\":80,\"bytes_per_s\":1200,\"gaps\":1},"
		     "\"out\":{\"state\":\"being told\",\"lag\":3,\"lag_ms\":5,"
		     "\"records\":117,\"bytes_per_s\":800,\"repairs\":2,\"connections\":197,"
		     "\"refused\":0,\"kernel_drops\":4}},"
		     "{\"address\":\"10.0.0.3\",\"heard_ms_ago\":-1,\"paths\":\"\","
		     "\"in\":{\"state\":\"never heard\"},"
		     "\"out\":{\"state\":\"does not follow\"}}],"
		     "\"links\":[{\"name\":\"eth0 address 10.0.0.1 port 8849\",\"sent\":9,"
		     "\"send_errors\":1,\"last_error\":\"Network is unreachable\","
		     "\"received\":8,\"dropped\":0},{\"name\":\"eth7 group 224.0.0.86 port 8849\","
		     "\"trouble\":\"interface eth7: No such device\"}],"
		     "\"counters\":{\"table_max\":4000000,\"table_bytes\":21504,"
		     "\"captured\":120,\"injected\":80,\"auth_failed\":7,\"audits\":5,"
		     "\"audits_given_up\":1,\"repairs\":4}}"),
		"sync not synced: 1 of 2 peers are heard, 200 connections, lag 3, "
		"drops 0\n"
		"table  200 of at most 4000000 connections, 120 our own, 21 KiB\n"
		"! kernel-multicast on eth8: No such device\n"
		"peer 10.0.0.2 (lb2)  heard 12 ms ago, 10.0.0.2 by eth0\n"
		"  !    its virtual servers are not ours\n"
		"  vrrp VI_1 BACKUP 100\n"
		"  in   synced after 34 ms, lag 0, 80 records, 1200 B/s, gaps 1\n"
		"  out  being told, lag 3 for 5 ms, 117 records, 800 B/s, repairs 2; "
		"has 197 connections, refused 0, drops of its kernel 4\n"
		"peer 10.0.0.3  never heard, no path works\n"
		"  in   never heard, lag 0, 0 records, 0 B/s, gaps 0\n"
		"  out  does not follow, lag 0, 0 records, 0 B/s, repairs 0; "
		"has 0 connections, refused 0, drops of its kernel 0\n"
		"real servers  3 with the weight that the Active director says, 1 seen otherwise "
		"by a peer\n"
		"path eth0 address 10.0.0.1 port 8849  sent 9, failed 1: Network is unreachable; "
		"received 8, dropped 0\n"
		"path eth7 group 224.0.0.86 port 8849  ! does not work: interface eth7: No such "
		"device\n"
		"kernel  told us 120 records, dropped 0; was told 80, dropped 0, lag 0\n"
		"audit  5 times all through, given up 1 times; repairs 4, given again to new real "
		"servers 0, found 0\n"
		"refused  authentication 7, replayed 0, malformed 0, other version 0, "
		"unknown session 0, table full 0\n");
	assert_string_equal(show(text_sync, "{\"sync\":null}"),
			    "there is no sync block: connections are not copied\n");
}

static void test_diff(void **state)
{
	assert_string_equal(
		show(text_diff,
		     "{\"file\":\"/f\",\"usable\":true,\"diagnostics\":\"\",\"changes\":["
		     "{\"change\":\"removed\",\"object\":\"real_server\",\"name\":\"a of b\","
		     "\"what\":\"\",\"active_connections\":7},"
		     "{\"change\":\"changed\",\"object\":\"real_server\",\"name\":\"c of b\","
		     "\"what\":\"weight 1 -> 2\",\"active_connections\":0},"
		     "{\"change\":\"added\",\"object\":\"virtual_server\",\"name\":\"d\","
		     "\"what\":\"\",\"active_connections\":0}]}"),
		"- real_server a of b  (7 active connections)\n"
		"~ real_server c of b: weight 1 -> 2\n"
		"+ virtual_server d\n");
	assert_string_equal(show(text_diff, "{\"file\":\"/f\",\"usable\":true,\"diagnostics\":\"\","
					    "\"changes\":[]}"),
			    "nothing would change\n");
	assert_string_equal(show(text_diff, "{\"file\":\"/f\",\"usable\":false,"
					    "\"diagnostics\":\"/f:1:1: error\\n\",\"changes\":[]}"),
			    "/f:1:1: error\n/f: can't be used\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_sync, teardown),
		cmocka_unit_test_teardown(test_diff, teardown),
		cmocka_unit_test_teardown(test_services, teardown),
		cmocka_unit_test_teardown(test_uncommon_services, teardown),
		cmocka_unit_test_teardown(test_servers, teardown),
		cmocka_unit_test_teardown(test_connections, teardown),
		cmocka_unit_test_teardown(test_status, teardown),
		cmocka_unit_test_teardown(test_status_before_anything_is_known, teardown),
		cmocka_unit_test_teardown(test_reload, teardown),
		cmocka_unit_test_teardown(test_version, teardown),
		cmocka_unit_test_teardown(test_strange_documents, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
