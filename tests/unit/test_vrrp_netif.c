/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of interfaces and addresses when the kernel's answers come torn, or not at all; and
 * which routes are asked for with IPv6 addresses. */
#include "vrrp/netif.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LINKS 3

/* A kernel of three links with one address each, which tells of one in a datagram. */
static struct {
	uint16_t type; /* that it was asked for; 0: all is answered */
	uint32_t seq;
	int next;
	unsigned dumps;
	unsigned torn;	 /* so many of the first dumps tear at their first message */
	int failing;	 /* the error of every dump */
	char asked[128]; /* the changes, one word each; "|" ends what was sent at once */
} kernel;

static bool asks_for_dump(uint16_t type)
{
	return type == RTM_GETLINK || type == RTM_GETADDR;
}

/* The last one's answer is all that is read. */
static void note_asked(const struct nlmsghdr *h, int len)
{
	for (; mnl_nlmsg_ok(h, len); h = mnl_nlmsg_next(h, &len)) {
		const char *word = h->nlmsg_type == RTM_NEWADDR	   ? "address "
				   : h->nlmsg_type == RTM_DELADDR  ? "-address "
				   : h->nlmsg_type == RTM_NEWROUTE ? "route "
								   : "-route ";

		strncat(kernel.asked, word, sizeof(kernel.asked) - strlen(kernel.asked) - 1);
		kernel.type = h->nlmsg_type;
		kernel.seq = h->nlmsg_seq;
	}
	strncat(kernel.asked, "| ", sizeof(kernel.asked) - strlen(kernel.asked) - 1);
}

ssize_t mnl_socket_sendto(const struct mnl_socket *nl, const void *buf, size_t len)
{
	const struct nlmsghdr *h = buf;

	/* Who asks before all of the last answer is read would be refused. */
	assert_int_equal(kernel.type, 0);
	if (!asks_for_dump(h->nlmsg_type)) {
		note_asked(h, (int)len);
		return (ssize_t)len;
	}
	kernel.type = h->nlmsg_type;
	kernel.seq = h->nlmsg_seq;
	kernel.next = 1;
	kernel.dumps++;
	return (ssize_t)len;
}

static void put_link(struct nlmsghdr *h, int index)
{
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(h, sizeof(*info));
	char name[] = "ethN";

	h->nlmsg_type = RTM_NEWLINK;
	info->ifi_index = index;
	info->ifi_flags = IFF_UP | IFF_RUNNING;
	name[3] = (char)('0' + index);
	mnl_attr_put_strz(h, IFLA_IFNAME, name);
}

static struct addr address_of(int index)
{
	return addr_from_bytes(AF_INET, (uint8_t[]){192, 0, 2, (uint8_t)index});
}

static void put_address(struct nlmsghdr *h, int index)
{
	struct ifaddrmsg *info = mnl_nlmsg_put_extra_header(h, sizeof(*info));
	struct addr a = address_of(index);

	h->nlmsg_type = RTM_NEWADDR;
	info->ifa_family = AF_INET;
	info->ifa_prefixlen = 24;
	info->ifa_index = (unsigned)index;
	mnl_attr_put(h, IFA_LOCAL, 4, a.b);
}

/* The second link or address is what a torn dump lacks. */
ssize_t mnl_socket_recvfrom(const struct mnl_socket *nl, void *buf, size_t size)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	bool torn = kernel.dumps <= kernel.torn;
	int err = kernel.failing;

	assert_int_not_equal(kernel.type, 0);
	if (!asks_for_dump(kernel.type)) {
		mnl_nlmsg_put_extra_header(h, sizeof(struct nlmsgerr));
		h->nlmsg_type = NLMSG_ERROR;
		h->nlmsg_seq = kernel.seq;
		kernel.type = 0;
		return (ssize_t)h->nlmsg_len;
	}
	if (kernel.next == 2 && torn)
		kernel.next++;
	if (kernel.failing || kernel.next > LINKS) {
		memcpy(mnl_nlmsg_put_extra_header(h, sizeof(struct nlmsgerr)), &err, sizeof(err));
		h->nlmsg_type = kernel.failing ? NLMSG_ERROR : NLMSG_DONE;
		kernel.type = 0;
	} else if (kernel.type == RTM_GETLINK) {
		put_link(h, kernel.next++);
	} else {
		put_address(h, kernel.next++);
	}
	h->nlmsg_flags = NLM_F_MULTI | (torn ? NLM_F_DUMP_INTR : 0);
	h->nlmsg_seq = kernel.seq;
	return (ssize_t)h->nlmsg_len;
}

struct rig {
	struct ev_loop *loop;
	struct netifs netifs;
	unsigned changes;
};

static void on_changed(void *ctx)
{
	struct rig *r = ctx;

	r->changes++;
	ev_break(r->loop, EVBREAK_ALL);
}

static struct rig *rig_new(unsigned torn, int failing)
{
	static struct rig r;

	memset(&kernel, 0, sizeof(kernel));
	memset(&r, 0, sizeof(r));
	kernel.torn = torn;
	kernel.failing = failing;
	r.loop = ev_loop_new(EVFLAG_AUTO);
	return &r;
}

static void rig_free(struct rig *r)
{
	ev_loop_destroy(r->loop);
	mnl_socket_close(r->netifs.events);
	mnl_socket_close(r->netifs.requests);
	for (struct netif_addr *a = r->netifs.first, *next; a; a = next) {
		next = a->next;
		free(a);
	}
	free(r->netifs.list);
	free(r->netifs.buffer);
	free(r->netifs.stopgaps);
}

static void assert_whole(const struct rig *r)
{
	assert_int_equal(r->netifs.n, LINKS);
	for (int i = 1; i <= LINKS; i++) {
		struct addr a = address_of(i);

		assert_non_null(netif_by_index(&r->netifs, i));
		assert_non_null(netif_find_addr(&r->netifs, i, &a));
	}
}

static void test_quiet(void **state)
{
	struct rig *r = rig_new(0, 0);

	assert_int_equal(netifs_open(&r->netifs, r->loop, on_changed, r), 0);
	assert_whole(r);
	assert_int_equal(kernel.dumps, 2);
	assert_false(ev_is_active(&r->netifs.settle));
	rig_free(r);
}

/* Addresses come and go while they are read: it is asked anew. */
static void test_torn(void **state)
{
	struct rig *r = rig_new(1, 0);

	assert_int_equal(netifs_open(&r->netifs, r->loop, on_changed, r), 0);
	assert_whole(r);
	assert_int_equal(kernel.dumps, 4);
	rig_free(r);
}

/* Always: goes on with what there is, and looks again from the loop. */
static void test_torn_for_long(void **state)
{
	struct rig *r = rig_new(16, 0);

	assert_int_equal(netifs_open(&r->netifs, r->loop, on_changed, r), 0);
	assert_int_equal(r->netifs.n, LINKS - 1);
	assert_true(ev_is_active(&r->netifs.settle));
	while (r->netifs.torn)
		ev_run(r->loop, 0);
	assert_whole(r);
	assert_true(r->changes > 0);
	assert_false(ev_is_active(&r->netifs.settle));
	rig_free(r);
}

static void test_refused(void **state)
{
	struct rig *r = rig_new(0, -EPERM);

	assert_int_equal(netifs_open(&r->netifs, r->loop, on_changed, r), -EPERM);
	rig_free(r);
}

/* The kernel gives them a route of their own some time after the answer. */
static void test_stopgap(void **state)
{
	struct rig *r = rig_new(0, 0);
	struct netif_change list[] = {
		{.add = true, .index = 1, .address = address_of(9), .prefixlen = 32},
		{.add = true,
		 .index = 1,
		 .address = addr_from_bytes(AF_INET6, (uint8_t[16]){0xfd}),
		 .flags = IFA_F_NODAD},
	};

	assert_int_equal(netifs_open(&r->netifs, r->loop, on_changed, r), 0);
	assert_int_equal(netifs_apply(&r->netifs, list, 2, NULL, NULL), 0);
	assert_string_equal(kernel.asked, "address address | route | ");
	/* It is there: once more changes nothing. */
	kernel.asked[0] = '\0';
	assert_int_equal(netifs_apply(&r->netifs, list, 2, NULL, NULL), 0);
	assert_string_equal(kernel.asked, "address address | ");
	/* Gone before the kernel has told of it. */
	kernel.asked[0] = '\0';
	list[1].add = false;
	assert_int_equal(netifs_apply(&r->netifs, &list[1], 1, NULL, NULL), 0);
	assert_string_equal(kernel.asked, "-address | -route | ");
	assert_int_equal(r->netifs.n_stopgaps, 0);
	rig_free(r);
}

/* In a VRF the kernel would not look for it where it is. */
static void test_stopgap_in_vrf(void **state)
{
	struct rig *r = rig_new(0, 0);
	struct netif_change c = {.add = true,
				 .index = 2,
				 .address = addr_from_bytes(AF_INET6, (uint8_t[16]){0xfd}),
				 .flags = IFA_F_NODAD};

	assert_int_equal(netifs_open(&r->netifs, r->loop, on_changed, r), 0);
	r->netifs.list[1].in_vrf = true;
	assert_int_equal(netifs_apply(&r->netifs, &c, 1, NULL, NULL), 0);
	assert_string_equal(kernel.asked, "address | ");
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quiet),	      cmocka_unit_test(test_torn),
		cmocka_unit_test(test_torn_for_long), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_stopgap),	      cmocka_unit_test(test_stopgap_in_vrf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
