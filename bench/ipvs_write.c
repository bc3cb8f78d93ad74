/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor: N services with M real servers each, written to an empty kernel table by nothing but
 * the netlink messages themselves, ready-made before the clock starts. What any program needs on
 * top of this is its own.
 *
 *	ipvs_write N M		prints the microseconds that the kernel took
 *	ipvs_write N M restore	prints the same table as input of ipvsadm -R instead
 */
#include "core/clock.h"
#include "ipvs/genl.h"
#include "ipvs/netlink.h"

#include <libmnl/libmnl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MESSAGES_A_SEND 1000

static struct addr address(uint32_t base, uint32_t n)
{
	uint32_t value = htonl(base + n);

	return addr_from_bytes(AF_INET, &value);
}

static struct ipvs_service service(uint32_t n)
{
	return (struct ipvs_service){ .key = { .family = AF_INET,
					       .protocol = IPPROTO_TCP,
					       .port = 80,
					       .address = address(0x0a090000, n) },
				      .scheduler = "rr",
				      .prefixlen = 32 };
}

static struct ipvs_dest dest(uint32_t n)
{
	return (struct ipvs_dest){
		.address = address(0x0a080001, n), .port = 80, .forward = 3, .weight = 1
	};
}

static int restore(uint32_t n_services, uint32_t n_dests)
{
	char vip[ADDR_TEXT_MAX], rip[ADDR_TEXT_MAX];

	for (uint32_t i = 0; i < n_services; i++) {
		struct ipvs_service s = service(i);

		addr_format(&s.key.address, vip);
		printf("-A -t %s:80 -s rr\n", vip);
		for (uint32_t j = 0; j < n_dests; j++) {
			struct ipvs_dest d = dest(j);

			printf("-a -t %s:80 -r %s:80 -g -w 1\n", vip,
			       addr_format(&d.address, rip));
		}
	}
	return 0;
}

/* All requests, one behind the other; every MESSAGES_A_SENDth and the last are acknowledged. */
static size_t encode(uint8_t *at, uint16_t family, uint32_t n_services, uint32_t n_dests)
{
	uint32_t total = n_services * (n_dests + 1);
	struct ipvs_genl_head head = { .family = family };
	size_t len = 0;

	for (uint32_t n = 0; n < total; n++) {
		struct ipvs_service s = service(n / (n_dests + 1));
		struct ipvs_dest d = dest(n % (n_dests + 1) - 1);
		struct ipvs_edit e = { .kind = IPVS_EDIT_NEW_DEST, .service = &s, .dest = &d };

		if (n % (n_dests + 1) == 0)
			e.kind = IPVS_EDIT_NEW_SERVICE;
		head.seq = n + 1;
		head.flags = head.seq % MESSAGES_A_SEND == 0 || head.seq == total ? NLM_F_ACK : 0;
		len += ipvs_genl_put_edit(at + len, &head, &e);
	}
	return len;
}

static size_t next_send(const uint8_t *at, size_t len)
{
	size_t n = 0;

	while (n < len) {
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)(at + n);

		n += nlh->nlmsg_len;
		if (nlh->nlmsg_flags & NLM_F_ACK)
			break;
	}
	return n;
}

static int write_all(int sock, const uint8_t *at, size_t len)
{
	char reply[8192];

	for (size_t n; len; at += n, len -= n) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload((struct nlmsghdr *)reply);

		n = next_send(at, len);
		if (send(sock, at, n, 0) < 0 || recv(sock, reply, sizeof(reply), 0) < 0) {
			perror("ipvs_write");
			return -1;
		}
		if (e->error) {
			fprintf(stderr, "ipvs_write: %s\n", strerror(-e->error));
			return -1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	uint32_t n_services = argc > 2 ? (uint32_t)atoi(argv[1]) : 0;
	uint32_t n_dests = argc > 2 ? (uint32_t)atoi(argv[2]) : 0;
	struct ipvs_netlink nl;
	int64_t started_us;
	uint8_t *at;
	size_t len;

	if (!n_services) {
		fprintf(stderr, "usage: ipvs_write SERVICES SERVERS [restore]\n");
		return EXIT_FAILURE;
	}
	if (argc > 3 && strcmp(argv[3], "restore") == 0)
		return restore(n_services, n_dests);
	ipvs_netlink_init(&nl);
	if (ipvs_netlink_open(&nl) < 0) {
		fprintf(stderr, "ipvs_write: the kernel has no IPVS\n");
		return EXIT_FAILURE;
	}
	at = malloc((size_t)n_services * (n_dests + 1) * IPVS_REQUEST_MAX);
	if (!at)
		return EXIT_FAILURE;
	len = encode(at, nl.family, n_services, n_dests);
	started_us = clock_now_us();
	if (write_all(nl.sock, at, len) < 0)
		return EXIT_FAILURE;
	printf("%lld\n", (long long)(clock_now_us() - started_us));
	return EXIT_SUCCESS;
}
