/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor makes of facts (ctl/doctor.c), and how it says it. */
#include "ctl/doctor_facts.h"
#include "ctl/doctor_show.h"

#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *shown;
static struct doctor_device device;
static struct doctor_tunnel tunnel;
static struct doctor_instance instance;
static struct doctor_facts f;

/* A director with nothing to complain of: a service by DR, one by NAT, an instance. */
static int setup(void **state)
{
	device = (struct doctor_device){.name = "eth0.7",
					.instance = true,
					.nat_ipv4 = true,
					.nat_ipv6 = true,
					.mtu = 1500,
					.rp_filter = 1,
					.arp_ignore = 0,
					.arp_announce = 0,
					.forwarding_ipv4 = 1,
					.forwarding_ipv6 = 1};
	tunnel = (struct doctor_tunnel){.kind = "ipip",
					.server = "10.0.0.7",
					.path_mtu = 1520,
					.device = "eth1"};
	instance = (struct doctor_instance){.name = "web",
					    .vrid = 51,
					    .stranger_s = DOCTOR_UNKNOWN,
					    .other_s = DOCTOR_UNKNOWN,
					    .clock_s = 1,
					    .clock_of = "10.0.0.2",
					    .clock_ahead_s = -15,
					    .clock_window_s = 30};
	f = (struct doctor_facts){.services = 2,
				  .nat_ipv4 = true,
				  .nat_ipv6 = true,
				  .other_than_mh = true,
				  .ip_forward = 1,
				  .ipv6_forwarding = 1,
				  .conn_reuse_mode = 1,
				  .expire_nodest_conn = 1,
				  .expire_quiescent_template = 1,
				  .table_size = 4096,
				  .connections = 8 * 4096,
				  .tracked = 10,
				  .tracked_max = 100,
				  .backlog_max = 1000,
				  .backlog_packets = 1000000,
				  .backlog_dropped = 10,
				  .client_mtu = 1500,
				  .default_device = "eth0.7",
				  .devices = &device,
				  .n_devices = 1,
				  .tunnels = &tunnel,
				  .n_tunnels = 1,
				  .instances = &instance,
				  .n_instances = 1};
	return 0;
}

static int teardown(void **state)
{
	free(shown);
	shown = NULL;
	return 0;
}

static const char *show(bool as_json, enum doctor_severity gravest)
{
	size_t n;
	FILE *out;

	free(shown);
	out = open_memstream(&shown, &n);
	assert_int_equal(doctor_show(out, as_json, &f), gravest);
	fclose(out);
	return shown;
}

static void expect(enum doctor_severity gravest, const char *text)
{
	assert_string_equal(show(false, gravest), text);
	setup(NULL);
}

static void expect_healthy(void)
{
	expect(DOCTOR_NOT_SEEN, "nothing to complain of\n");
}

static void test_healthy(void **state)
{
	expect_healthy();
	assert_string_equal(show(true, DOCTOR_NOT_SEEN),
			    "{\"schema\":\"tandem.doctor/1\",\"findings\":[]}\n");
	/* What can't be seen is no finding. */
	memset(&f.ip_forward, 0xff,
	       offsetof(struct doctor_facts, client_mtu) -
		       offsetof(struct doctor_facts, ip_forward));
	expect_healthy();
	device.rp_filter = device.arp_ignore = device.forwarding_ipv4 = DOCTOR_UNKNOWN;
	f.own_vip = "10.0.0.100";
	device.arp_announce = 2;
	expect_healthy();
	f.n_modules = 1;
	expect_healthy();
}

static void test_the_worst_comes_first(void **state)
{
	f.expire_nodest_conn = 0;
	f.ip_forward = 0;
	strcpy(f.firewall_reason, "nftables: Operation not permitted");
	expect(DOCTOR_SERIOUS,
	       "! real servers by NAT, but IPv4 is not forwarded: replies are lost\n"
	       "      sysctl -w net.ipv4.ip_forward=1\n"
	       "- expire_nodest_conn is 0: clients of a removed server hang\n"
	       "      lvs_sysctl { expire_nodest_conn 1 }\n"
	       "? the firewall's rules were not looked at: nftables: Operation not permitted\n"
	       "      tandemctl doctor as root, with nftables installed\n");
	f.expire_nodest_conn = 0;
	assert_string_equal(
		show(true, DOCTOR_WARNING),
		"{\"schema\":\"tandem.doctor/1\",\"findings\":[{\"name\":\"expire-nodest-"
		"conn\",\"severity\":\"warning\",\"what\":\"expire_nodest_conn is 0: "
		"clients of a removed server hang\",\"remedy\":\"lvs_sysctl { "
		"expire_nodest_conn 1 }\"}]}\n");
}

/* Each alone: one finding, of this severity, with these words. */
static void expect_one(enum doctor_severity gravest, const char *words)
{
	const char *text = show(false, gravest), *end = strchr(text, '\n');

	if (!strstr(text, words) || !end || !(end = strchr(end + 1, '\n')) || end[1])
		fail_msg("one finding with \"%s\" wanted, not: %s", words, text);
	setup(NULL);
}

static void test_settings(void **state)
{
	f.table_size = 0;
	expect_one(DOCTOR_SERIOUS, "no IPVS");
	f.snat = true;
	f.conntrack = 0;
	expect_one(DOCTOR_SERIOUS, "lvs_sysctl { conntrack 1 }");
	f.conntrack = 1;
	expect_one(DOCTOR_WARNING, "half as much again");
	f.conntrack = 1;
	f.snat = true;
	expect_healthy();
	f.ipv6_forwarding = 0;
	expect_one(DOCTOR_SERIOUS, "net.ipv6.conf.all.forwarding=1");
	f.sync_master = f.sync_backup = true;
	f.backup_only = 1;
	expect_one(DOCTOR_SERIOUS, "nothing is scheduled");
	f.sloppy_tcp = 1;
	expect_one(DOCTOR_SERIOUS, "not every scheduler is mh");
	f.conn_reuse_mode = 0;
	expect_one(DOCTOR_SERIOUS, "conn_reuse_mode 1");
	f.own_server = "10.0.0.1";
	f.sync_backup = true;
	expect_one(DOCTOR_WARNING, "backup_only 1");
	f.mh = true;
	f.other_than_mh = false;
	f.schedule_icmp = 1;
	expect_one(DOCTOR_WARNING, "sloppy_tcp 1");
	f.mh = true;
	f.other_than_mh = false;
	f.sloppy_tcp = 1;
	expect_one(DOCTOR_WARNING, "schedule_icmp 1");
	f.persistent = true;
	f.expire_quiescent_template = 0;
	expect_one(DOCTOR_WARNING, "persistent clients stay");
}

static void test_devices(void **state)
{
	device.forwarding_ipv4 = 0;
	expect_one(DOCTOR_SERIOUS, "sysctl -w net.ipv4.conf.eth0/7.forwarding=1");
	device.forwarding_ipv6 = 0;
	expect_one(DOCTOR_SERIOUS, "sysctl -w net.ipv6.conf.eth0/7.forwarding=1");
	strcpy(f.default_device, "eth1");
	expect_one(DOCTOR_WARNING, "the default route leads through eth1");
	device.virtual_mac = true;
	expect_one(DOCTOR_SERIOUS, "sysctl -w net.ipv4.conf.eth0/7.rp_filter=2");
	device.virtual_mac = true;
	device.rp_filter = 2;
	expect_healthy();
	f.own_vip = "10.0.0.100";
	device.arp_announce = 2;
	expect_one(DOCTOR_SERIOUS, "sysctl -w net.ipv4.conf.eth0/7.arp_ignore=1");
	f.own_vip = "10.0.0.100";
	device.arp_ignore = 1;
	expect_one(DOCTOR_WARNING, "sysctl -w net.ipv4.conf.eth0/7.arp_announce=2");
}

static int64_t room(const char *kind, bool ipv6, bool checksum, bool remote_checksum)
{
	struct doctor_tunnel t = {.kind = kind,
				  .ipv6 = ipv6,
				  .checksum = checksum,
				  .remote_checksum = remote_checksum,
				  .path_mtu = 1500};

	return doctor_tunnel_room(&t);
}

static void test_tunnels(void **state)
{
	assert_int_equal(room("ipip", false, false, false), 1480);
	assert_int_equal(room("ipip", true, false, false), 1460);
	assert_int_equal(room("gre", false, false, false), 1476);
	assert_int_equal(room("gre", false, true, false), 1472);
	assert_int_equal(room("gue", false, false, false), 1468);
	assert_int_equal(room("gue", true, false, true), 1440);
	tunnel.path_mtu = 1500;
	expect(DOCTOR_WARNING,
	       "- ipip to 10.0.0.7 leaves 1480 of the 1500 bytes that eth1 carries, clients send "
	       "up to "
	       "1500: those who don't hear ICMP hang when they send much\n"
	       "      ip link set dev eth1 mtu 1520, and on the way to the servers\n");
	tunnel.path_mtu = DOCTOR_UNKNOWN;
	expect_healthy();
}

static void test_modules(void **state)
{
	f.n_modules = 1;
	f.modules[0] = (struct doctor_module){"ip_vs_mh", "lvs_sched", false, DOCTOR_MODULE_ABSENT};
	expect_one(DOCTOR_SERIOUS, "no module ip_vs_mh: lvs_sched does not work");
	f.n_modules = 1;
	f.modules[0] =
		(struct doctor_module){"ip_vs_mh", "lvs_sched", false, DOCTOR_MODULE_LOADABLE};
	expect_healthy();
	f.n_modules = 1;
	f.modules[0] =
		(struct doctor_module){"ip_vs_ftp", "active FTP", true, DOCTOR_MODULE_LOADABLE};
	expect_one(DOCTOR_WARNING, "modprobe ip_vs_ftp");
}

static void test_what_was_heard(void **state)
{
	instance.clock_ahead_s = -16;
	expect(DOCTOR_WARNING, "- web: the clock of 10.0.0.2 is 16 s behind ours, auth_hmac's "
			       "time_window is 30 s: a "
			       "little more, and its advertisements are refused\n"
			       "      chronyc makestep, on both, and keep them in step\n");
	instance.clock_ahead_s = 31;
	expect_one(DOCTOR_SERIOUS, "31 s ahead of ours");
	instance.clock_ahead_s = 31;
	instance.clock_s = 301;
	expect_healthy();
	instance.stranger = "10.0.0.9";
	instance.stranger_reason = "wrong VRRP version";
	instance.stranger_s = 300;
	expect(DOCTOR_SERIOUS, "! web: 10.0.0.9 sends advertisements with its virtual router id 51 "
			       "that are not as ours "
			       "are: wrong VRRP version\n"
			       "      if 10.0.0.9 is its peer, the same settings there; else a "
			       "virtual_router_id that "
			       "nobody there has\n");
	instance.stranger_s = 301;
	expect_healthy();
	instance.other = "10.0.0.2";
	instance.other_vrid = 52;
	instance.other_s = 0;
	expect_one(DOCTOR_SERIOUS, "advertises its addresses as virtual router 52, we as 51");
}

static void test_load(void **state)
{
	f.connections = 8 * 4096 + 1;
	expect_one(DOCTOR_WARNING, "conn_tab_bits=16");
	f.backlog_dropped = 11;
	expect_one(DOCTOR_WARNING, "netdev_max_backlog=10000");
	f.snat = true;
	f.conntrack = 1;
	f.tracked = 91;
	expect_one(DOCTOR_SERIOUS, "nf_conntrack_max=400");
}

static void test_firewall(void **state)
{
	f.n_drops = 1;
	f.drops[0] = (struct doctor_drop){"our advertisements of web", "iptables-legacy …", "mend"};
	expect(DOCTOR_SERIOUS, "! the firewall drops our advertisements of web: iptables-legacy …\n"
			       "      mend\n");
}

static const char services[] =
	"{\"ipvs\":{\"sync_daemons\":{\"master\":true,\"backup\":true}},\"services\":["
	"{\"scheduler\":\"mh\",\"port\":21,\"persistence_timeout_s\":300,"
	"\"persistence_engine\":\"sip\",\"real_servers\":["
	"{\"address\":\"10.0.0.1\",\"forwarding\":\"NAT\",\"active_connections\":4,"
	"\"inactive_connections\":3},"
	"{\"address\":\"fd00::1\",\"forwarding\":\"SNAT\",\"active_connections\":6}]},"
	"{\"scheduler\":\"rr\",\"real_servers\":[{\"address\":\"10.0.0.3\",\"forwarding\":\"DR\"}]}"
	","
	"{\"scheduler\":\"rr\",\"real_servers\":[]}]}";

static const char status[] =
	"{\"vrrp_instances\":[{\"name\":\"a\",\"interface\":\"eth0\",\"virtual_router_id\":51,"
	"\"virtual_mac_interface\":\"vrrp.51\",\"heard\":{\"stranger\":\"10.0.0.9\","
	"\"stranger_reason\":\"odd\",\"stranger_s_ago\":7}},"
	"{\"name\":\"b\",\"interface\":\"eth0\",\"virtual_router_id\":52}]}";

static void test_documents(void **state)
{
	struct doctor_documents docs = {json_tokener_parse(services), json_tokener_parse(status)};
	static const char *const modules[] = {"ip_vs_mh", "ip_vs_pe_sip", "ip_vs_ftp",
					      "ip_vs_rr", "nf_tables",	  "macvlan"};
	struct arena *arena = arena_new();

	f = (struct doctor_facts){0};
	doctor_read_documents(&f, arena, &docs);
	assert_int_equal(f.services, 3);
	assert_int_equal(f.connections, 13);
	assert_true(f.mh && f.other_than_mh && f.persistent && f.snat);
	assert_true(f.nat_ipv4 && f.nat_ipv6 && f.sync_master && f.sync_backup);
	assert_int_equal(f.n_modules, sizeof(modules) / sizeof(*modules));
	for (size_t i = 0; i < f.n_modules; i++)
		assert_string_equal(f.modules[i].name, modules[i]);
	assert_true(f.modules[2].by_hand);
	assert_int_equal(f.n_devices, 2);
	assert_string_equal(f.devices[1].name, "vrrp.51");
	assert_true(f.devices[1].virtual_mac && !f.devices[0].virtual_mac);
	assert_int_equal(f.n_instances, 2);
	assert_int_equal(f.instances[0].stranger_s, 7);
	assert_int_equal(f.instances[0].other_s, DOCTOR_UNKNOWN);
	assert_int_equal(f.instances[1].stranger_s, DOCTOR_UNKNOWN);
	arena_free(arena);
	json_object_put(docs.services);
	json_object_put(docs.status);
}

static void test_no_documents(void **state)
{
	struct doctor_documents docs = {NULL, NULL};
	struct arena *arena = arena_new();

	f = (struct doctor_facts){0};
	doctor_read_documents(&f, arena, &docs);
	assert_int_equal(f.services + f.n_instances + f.n_devices + f.n_modules, 0);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_healthy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_worst_comes_first, setup, teardown),
		cmocka_unit_test_setup_teardown(test_settings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_devices, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tunnels, setup, teardown),
		cmocka_unit_test_setup_teardown(test_modules, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_was_heard, setup, teardown),
		cmocka_unit_test_setup_teardown(test_load, setup, teardown),
		cmocka_unit_test_setup_teardown(test_firewall, setup, teardown),
		cmocka_unit_test_setup_teardown(test_documents, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_documents, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
