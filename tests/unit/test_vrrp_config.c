/* SPDX-License-Identifier: Apache-2.0 */
/* What an instance's configuration means: packets, tracking, copies; and the announcements. */
#include "vrrp/announce.h"
#include "vrrp/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct addr ip(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct vip vip(const char *text)
{
	return (struct vip){.address = ip(text), .prefixlen = 24, .ifname = "", .label = ""};
}

/* Two advertised addresses, one excluded, one of the other family. */
struct sample {
	struct vip vips[3];
	struct vip excluded[1];
	struct track_interface tracks[3];
	struct vrrp_instance config;
};

static void sample_init(struct sample *s)
{
	*s = (struct sample){
		.vips = {vip("192.0.2.100"), vip("2001:db8::1"), vip("192.0.2.101")},
		.excluded = {vip("192.0.2.200")},
		.tracks = {{.ifname = "eth1", .weight = 20},
			   {.ifname = "eth2", .weight = -30},
			   {.ifname = "eth3", .weight = 0}},
	};
	s->config = (struct vrrp_instance){
		.name = "web1",
		.ifname = "eth0",
		.vrf = "",
		.vrid = 51,
		.family = AF_INET,
		.version = 2,
		.priority = 150,
		.adver_int_cs = 100,
		.auth_type = VRRP_AUTH_PASS,
		.auth_pass = "secret12",
		.vips = s->vips,
		.n_vips = 3,
		.excluded = s->excluded,
		.n_excluded = 1,
		.track_interfaces = s->tracks,
		.n_track_interfaces = 3,
	};
}

/* The packet that keepalived 2.2.7 sends for the same configuration. */
static void test_encode(void **state)
{
	static const uint8_t keepalived[] = {
		0x21, 0x33, 0x96, 0x02, 0x01, 0x01, 0x55, 0x80, 0xc0, 0x00, 0x02, 0x64,
		0xc0, 0x00, 0x02, 0x65, 's',  'e',  'c',  'r',	'e',  't',  '1',  '2',
	};
	struct vrrp_path path = {.src = ip("192.0.2.1"), .dst = ip("224.0.0.18")};
	uint8_t buf[VRRP_PACKET_MAX];
	struct sample s;

	sample_init(&s);
	assert_int_equal(vrrp_config_encode(&s.config, &path, 150, NULL, buf), sizeof(keepalived));
	assert_memory_equal(buf, keepalived, sizeof(keepalived));
}

static void test_own_packet_is_accepted(void **state)
{
	struct vrrp_path path = {.src = ip("192.0.2.1"), .dst = ip("224.0.0.18")};
	uint8_t buf[VRRP_PACKET_MAX];
	struct vrrp_packet p;
	struct vrrp_expect expect;
	struct sample s;
	int len;

	sample_init(&s);
	expect = vrrp_config_expect(&s.config);
	len = vrrp_config_encode(&s.config, &path, 0, NULL, buf);
	assert_int_equal(vrrp_packet_decode(buf, (size_t)len, &path, &p), VRRP_PACKET_OK);
	assert_int_equal(vrrp_packet_check(&p, &expect, 255), VRRP_PACKET_OK);
	assert_int_equal(vrrp_packet_check(&p, &expect, 64), VRRP_PACKET_TTL);
	assert_true(vrrp_config_same_addresses(&s.config, &p));
	assert_true(vrrp_config_shares_address(&s.config, &p));
	s.vips[0].address.b[3] += 50;
	assert_false(vrrp_config_same_addresses(&s.config, &p));
	s.vips[0].address.b[3] -= 50;
	s.config.n_vips = 2;
	assert_false(vrrp_config_same_addresses(&s.config, &p));
	assert_true(vrrp_config_shares_address(&s.config, &p));
	s.config.n_vips = 0;
	assert_false(vrrp_config_shares_address(&s.config, &p));
}

/* Up to its version 1.3.6 keepalived summed as if a unicast advertisement went to the group. */
static void test_old_unicast_checksum(void **state)
{
	struct vrrp_path path = {.src = ip("192.0.2.1"), .dst = ip("192.0.2.2")};
	struct vrrp_path group = {.src = ip("192.0.2.1"), .dst = ip("224.0.0.18")};
	uint8_t old[VRRP_PACKET_MAX], now[VRRP_PACKET_MAX];
	struct vrrp_packet p;
	struct sample s;
	size_t len;

	sample_init(&s);
	s.config.unicast = true;
	s.config.version = 3;
	len = (size_t)vrrp_config_encode(&s.config, &path, 1, NULL, now);
	assert_int_equal(vrrp_packet_decode(now, len, &path, &p), VRRP_PACKET_OK);
	s.config.old_checksum = true;
	assert_int_equal(vrrp_config_encode(&s.config, &path, 1, NULL, old), len);
	assert_int_equal(vrrp_packet_decode(old, len, &path, &p), VRRP_PACKET_CHECKSUM);
	assert_int_equal(vrrp_packet_decode(old, len, &group, &p), VRRP_PACKET_OK);
	/* Either is understood then, and only then. */
	assert_int_equal(vrrp_config_decode(&s.config, old, len, &path, &p), VRRP_PACKET_OK);
	assert_int_equal(vrrp_config_decode(&s.config, now, len, &path, &p), VRRP_PACKET_OK);
	s.config.old_checksum = false;
	assert_int_equal(vrrp_config_decode(&s.config, old, len, &path, &p), VRRP_PACKET_CHECKSUM);
}

/* More addresses than a packet can count: the first 255 are advertised. */
static void test_many_addresses(void **state)
{
	struct vrrp_path path = {.src = ip("192.0.2.1"), .dst = ip("224.0.0.18")};
	uint8_t buf[VRRP_PACKET_MAX];
	struct vip many[300];
	struct vrrp_packet p;
	struct sample s;
	int len;

	sample_init(&s);
	for (unsigned i = 0; i < 300; i++) {
		many[i] = vip("10.0.0.0");
		many[i].address.b[2] = (uint8_t)(i >> 8);
		many[i].address.b[3] = (uint8_t)i;
	}
	s.config.vips = many;
	s.config.n_vips = 300;
	len = vrrp_config_encode(&s.config, &path, 1, NULL, buf);
	assert_int_equal(vrrp_packet_decode(buf, (size_t)len, &path, &p), VRRP_PACKET_OK);
	assert_int_equal(p.n_addrs, 255);
	assert_true(vrrp_config_same_addresses(&s.config, &p));
}

static bool is_up(void *ctx, const char *ifname)
{
	return strstr(ctx, ifname) != NULL;
}

static uint8_t priority_of(const struct vrrp_instance *c, const char *up)
{
	const struct tracking nothing = {0};

	return vrrp_config_priority(c, is_up, (void *)up, &nothing);
}

static void test_tracking(void **state)
{
	static const struct {
		const char *up;
		uint8_t priority;
		const char *failed;
	} cases[] = {
		{"eth1 eth2 eth3", 170, NULL}, {"eth2 eth3", 150, NULL},   {"eth1 eth3", 140, NULL},
		{"eth3", 120, NULL},	       {"eth1 eth2", 170, "eth3"},
	};
	struct sample s;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *failed;

		sample_init(&s);
		assert_int_equal(priority_of(&s.config, cases[i].up),
				 cases[i].priority);
		failed = vrrp_config_failed_track(&s.config, is_up, (void *)cases[i].up);
		assert_int_equal(failed != NULL, cases[i].failed != NULL);
		if (failed)
			assert_string_equal(failed, cases[i].failed);
		s.config.priority = 255; /* an owner's never moves */
		assert_int_equal(priority_of(&s.config, cases[i].up), 255);
	}
}

/* keepalived: reverse changes the sign of what is added, not when. */
static void test_reverse_of_an_interface(void **state)
{
	struct sample s;

	sample_init(&s);
	s.tracks[0].reverse = s.tracks[1].reverse = true;
	assert_int_equal(priority_of(&s.config, "eth1 eth2 eth3"), 130);
	assert_int_equal(priority_of(&s.config, "eth2 eth3"), 150);
	assert_int_equal(priority_of(&s.config, "eth1 eth3"), 160);
	assert_int_equal(priority_of(&s.config, "eth3"), 180);
}

static void test_tracking_limits_and_reverse(void **state)
{
	struct sample s;

	sample_init(&s);
	s.tracks[0].weight = 253;
	assert_int_equal(priority_of(&s.config, "eth1 eth2"), 254);
	s.tracks[1].weight = -253;
	assert_int_equal(priority_of(&s.config, "eth0"), 1);
	s.tracks[2].reverse = true;
	assert_null(vrrp_config_failed_track(&s.config, is_up, "eth0"));
	assert_string_equal(vrrp_config_failed_track(&s.config, is_up, "eth3"), "eth3");
}

/* The copy outlives the model that it was made from. */
static void test_copy(void **state)
{
	struct sample *s = malloc(sizeof(*s));
	struct arena *arena = arena_new();
	const struct vrrp_instance *copy;
	struct sample again;

	sample_init(s);
	copy = vrrp_config_copy(arena, &s->config);
	assert_true(vrrp_instance_equal(copy, &s->config));
	memset(s, 0x55, sizeof(*s));
	free(s);
	sample_init(&again);
	assert_true(vrrp_instance_equal(copy, &again.config));
	assert_int_equal(vrrp_config_vips(copy), 4);
	assert_true(vrrp_config_has_address(copy, &again.excluded[0].address));
	assert_non_null(vrrp_config_keeps(copy, &again.config, &again.vips[2]));
	again.vips[2].prefixlen = 32;
	assert_null(vrrp_config_keeps(copy, &again.config, &again.vips[2]));
	arena_free(arena);
}

static void test_arp_frame(void **state)
{
	static const uint8_t want[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x00, 0x00, 0x00, 0x00, 0x07, 0x08, 0x06,
		0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x07,
		0xc0, 0x00, 0x02, 0x64, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc0, 0x00, 0x02, 0x64,
	};
	struct announcement a = {.mac = {2, 0, 0, 0, 0, 7}, .address = ip("192.0.2.100")};
	uint8_t frame[ANNOUNCE_FRAME_MAX];

	assert_int_equal(announce_frame(&a, frame), sizeof(want));
	assert_memory_equal(frame, want, sizeof(want));
}

/* RFC 4443 §2.3: the sum over pseudo-header and message, checksum included, is all ones. */
static uint16_t icmp6_sum(const uint8_t *ip6, size_t icmp_len)
{
	uint32_t sum = (uint32_t)icmp_len + 58;

	for (size_t i = 8; i < 40 + icmp_len; i += 2)
		sum += (uint32_t)ip6[i] << 8 | ip6[i + 1];
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

static void test_na_frame(void **state)
{
	struct announcement a = {
		.mac = {2, 0, 0, 0, 0, 7}, .router = true, .address = ip("2001:db8::100")};
	struct addr all_nodes = ip("ff02::1");
	uint8_t frame[ANNOUNCE_FRAME_MAX];
	const uint8_t *ip6 = frame + 14, *na = ip6 + 40;

	assert_int_equal(announce_frame(&a, frame), ANNOUNCE_FRAME_MAX);
	assert_memory_equal(frame, "\x33\x33\x00\x00\x00\x01\x02\x00\x00\x00\x00\x07\x86\xdd", 14);
	assert_int_equal(ip6[7], 255);
	assert_memory_equal(ip6 + 8, a.address.b, 16);
	assert_memory_equal(ip6 + 24, all_nodes.b, 16);
	assert_int_equal(na[0], 136);
	assert_int_equal(na[4], 0xa0); /* Router and Override, not Solicited */
	assert_memory_equal(na + 8, a.address.b, 16);
	assert_memory_equal(na + 24, "\x02\x01\x02\x00\x00\x00\x00\x07", 8);
	assert_int_equal(icmp6_sum(ip6, 32), 0xffff);
	a.router = false;
	announce_frame(&a, frame);
	assert_int_equal(na[4], 0x20);
	assert_int_equal(icmp6_sum(ip6, 32), 0xffff);
}

static void test_trackers(void **state)
{
	struct tracked tracked[] = {
		{.tracker = 1, .name = "fault"},
		{.tracker = 2, .name = "earned", .weight = 20},
		{.tracker = 3, .name = "penalty", .weight = -30},
		{.tracker = 4, .name = "reversed", .weight = -5, .reverse = true},
	};
	const struct vrrp_instance c = {.priority = 100, .tracked = tracked, .n_tracked = 4};
	const struct text reason = {"exit status 1"};
	struct tracking t = {0};

	/* Nothing is known: no effect, but the first must say whether we may start. */
	assert_int_equal(vrrp_config_priority(&c, is_up, "", &t), 100);
	assert_null(vrrp_config_failed_tracker(&c, &t));
	assert_true(vrrp_config_awaits(&c, &t));
	for (uint64_t id = 1; id <= 4; id++)
		tracking_set(&t, id, true, &reason);
	assert_false(vrrp_config_awaits(&c, &t));
	assert_null(vrrp_config_failed_tracker(&c, &t));
	assert_int_equal(vrrp_config_priority(&c, is_up, "", &t), 100 + 20);
	for (uint64_t id = 1; id <= 4; id++)
		tracking_set(&t, id, false, &reason);
	assert_string_equal(vrrp_config_failed_tracker(&c, &t)->name, "fault");
	assert_string_equal(tracking_reason(&t, 1), "exit status 1");
	assert_int_equal(vrrp_config_priority(&c, is_up, "", &t), 100 - 30 + 5);
	assert_true(vrrp_config_tracks(&c, 4));
	assert_false(vrrp_config_tracks(&c, 5));
	assert_int_equal(tracking_priority(100, -253), 1);
	assert_int_equal(tracking_priority(100, 253), 254);
	assert_int_equal(tracking_priority(255, -253), 255);
	tracking_done(&t);
}

static void test_files(void **state)
{
	static const struct {
		int weight;
		bool reverse;
		int32_t value;
		int priority;
		bool fault;
	} cases[] = {
		{1, false, 0, 100, false},     {1, false, 20, 120, false},
		{1, false, -20, 80, false},    {2, false, 20, 140, false},
		{-3, false, 20, 40, false},    {1, true, 20, 80, false},
		{-1, true, 20, 120, false},    {1, false, -253, 1, false},
		{1, false, -254, 100, true},   {1, false, -1000, 100, true},
		{1, false, 1000, 254, false},  {254, false, -1, 100, true},
		{254, false, INT32_MAX, 254, false}, {254, true, INT32_MAX, 100, true},
		{0, false, 0, 100, false},     {0, false, 1, 100, true},
		{0, false, -7, 100, true},     {0, true, 0, 100, true},
		{0, true, 5, 100, false},
	};
	struct tracked file = {.kind = TRACK_FILE, .tracker = 9, .name = "f"};
	const struct vrrp_instance c = {.priority = 100, .tracked = &file, .n_tracked = 1};
	struct tracking t = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		file.weight = cases[i].weight;
		file.reverse = cases[i].reverse;
		tracking_set_value(&t, 9, cases[i].value);
		assert_int_equal(vrrp_config_priority(&c, is_up, "", &t), cases[i].priority);
		assert_int_equal(vrrp_config_failed_tracker(&c, &t) != NULL, cases[i].fault);
	}
	assert_string_equal(tracking_reason(&t, 9), "holds 5");
	/* Out of the model and in again: what it held then is not what it holds now. */
	tracking_set_value(&t, 10, 1);
	tracking_set(&t, 11, false, &(struct text){"has lost its quorum of 1"});
	tracking_retain(&t, &(struct model){.files = &(struct track_file){.id = 10},
					    .n_files = 1,
					    .instances = &(struct vrrp_instance){
						    .tracked = &(struct tracked){.tracker = 11},
						    .n_tracked = 1},
					    .n_instances = 1});
	assert_false(tracking_knows(&t, 9));
	assert_true(tracking_knows(&t, 10));
	assert_true(tracking_knows(&t, 11)); /* a virtual server: not in this role's model */
	tracking_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_reverse_of_an_interface),
		cmocka_unit_test(test_trackers),
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_own_packet_is_accepted),
		cmocka_unit_test(test_old_unicast_checksum),
		cmocka_unit_test(test_many_addresses),
		cmocka_unit_test(test_tracking),
		cmocka_unit_test(test_tracking_limits_and_reverse),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_arp_frame),
		cmocka_unit_test(test_na_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
