/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New connections at a steady rate, for the price of one packet each: UDP to ADDRESS, port 9, from
 * clients that do not exist, each from another port. Prints how many it has sent.
 *
 *	new_connections RATE SECONDS FIRST ADDRESS CLIENTS
 *
 * Connection N, from FIRST on, comes from address CLIENTS + N / 60000 and port 1024 + N % 60000.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH	 64
#define PORTS	 60000
#define STEP_NS	 2000000
#define NS_PER_S INT64_C(1000000000)

struct packet {
	struct iphdr ip;
	struct udphdr udp;
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* The kernel completes the rest of the head. */
static struct packet packet_of(uint64_t n, in_addr_t to, in_addr_t clients)
{
	return (struct packet){
		.ip = {.version = 4,
		       .ihl = 5,
		       .ttl = 64,
		       .protocol = IPPROTO_UDP,
		       .saddr = htonl(ntohl(clients) + (uint32_t)(n / PORTS)),
		       .daddr = to},
		.udp = {.source = htons((uint16_t)(1024 + n % PORTS)),
			.dest = htons(9),
			.len = htons(sizeof(struct udphdr))},
	};
}

int main(int argc, char **argv)
{
	struct packet packets[BATCH];
	struct mmsghdr messages[BATCH] = {0};
	struct iovec iov[BATCH];
	struct sockaddr_in to = {.sin_family = AF_INET};
	int64_t begin_ns, end_ns, now;
	uint64_t first, sent = 0;
	in_addr_t clients;
	double rate;
	int fd;

	if (argc != 6) {
		fprintf(stderr, "new_connections RATE SECONDS FIRST ADDRESS CLIENTS\n");
		return 2;
	}
	rate = atof(argv[1]);
	first = strtoull(argv[3], NULL, 10);
	to.sin_addr.s_addr = inet_addr(argv[4]);
	clients = inet_addr(argv[5]);
	fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (fd < 0) {
		perror("new_connections");
		return 1;
	}
	for (unsigned i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){&packets[i], sizeof(packets[i])};
		messages[i].msg_hdr = (struct msghdr){.msg_name = &to,
						      .msg_namelen = sizeof(to),
						      .msg_iov = &iov[i],
						      .msg_iovlen = 1};
	}
	begin_ns = now_ns();
	end_ns = begin_ns + (int64_t)(atof(argv[2]) * NS_PER_S);
	while ((now = now_ns()) < end_ns) {
		uint64_t due = (uint64_t)((double)(now - begin_ns) * rate / NS_PER_S);

		while (sent < due) {
			unsigned n = due - sent < BATCH ? (unsigned)(due - sent) : BATCH;

			for (unsigned i = 0; i < n; i++)
				packets[i] = packet_of(first + sent + i, to.sin_addr.s_addr, clients);
			if (sendmmsg(fd, messages, n, 0) != (int)n) {
				perror("new_connections");
				return 1;
			}
			sent += n;
		}
		nanosleep(&(struct timespec){.tv_nsec = STEP_NS}, NULL);
	}
	printf("%llu\n", (unsigned long long)sent);
	return 0;
}
