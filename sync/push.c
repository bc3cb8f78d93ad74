/* SPDX-License-Identifier: Apache-2.0 */
/* Fills up what the kernel holds back: see push.h. */
#include "sync/push.h"

#include "core/sync_kernel.h"
#include "sync/record.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* From whatever is in it to full: a datagram holds four. */
#define FILL 4
/* As many datagrams wake the thread, which else sleeps for 20 ms. */
#define WAKE 8
/* Addresses to send from: 127.84.0.0/16, and in a hurry 127.85.0.0/16, of which none has been used
 * lately; all of them lo's. */
#define FIRST_ADDRESS	  0x7f540000U
#define FIRST_NOW_ADDRESS 0x7f550000U
#define ADDRESSES_MAX	  0x10000U

/* IPVS tells of a connection that it knows once in sync_refresh_period only. */
static uint32_t count_addresses(void)
{
	FILE *f = fopen("/proc/sys/net/ipv4/vs/sync_refresh_period", "re");
	uint64_t refresh_s = 0, n;

	if (f && fscanf(f, "%" SCNu64, &refresh_s) != 1)
		refresh_s = 0;
	if (f)
		fclose(f);
	n = refresh_s * FILL * (USEC_PER_SEC / SYNC_PUSH_US) * 5 / 4;
	return n > ADDRESSES_MAX ? 0 : (uint32_t)n;
}

int sync_push_open(struct sync_push *p)
{
	*p = (struct sync_push){.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
				.stats_fd = -1};
	return p->fd < 0 ? -errno : 0;
}

void sync_push_close(struct sync_push *p)
{
	if (p->fd >= 0)
		close(p->fd);
	if (p->stats_fd >= 0)
		close(p->stats_fd);
	p->fd = p->stats_fd = -1;
}

/* Of all processors; /proc/net/ip_vs_stats itself is up to 2 s old. */
static uint64_t count_packets(struct sync_push *p)
{
	static char text[1 << 17]; /* 1,500 processors */
	uint64_t sum = 0, packets;
	unsigned cpu;
	ssize_t len;

	if (p->stats_fd < 0)
		p->stats_fd = open("/proc/net/ip_vs_stats_percpu", O_RDONLY | O_CLOEXEC);
	len = pread(p->stats_fd, text, sizeof(text) - 1, 0);
	text[len > 0 ? len : 0] = '\0';
	for (char *next, *line = text; *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		if (sscanf(line, "%x %*x %" SCNx64, &cpu, &packets) == 2)
			sum += packets;
	}
	return sum;
}

static bool send_from(const struct sync_push *p, uint32_t address)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(SYNC_KERNEL_PUSH_PORT),
				 .sin_addr = {.s_addr = htonl(SYNC_KERNEL_ADDRESS)}};
	struct in_pktinfo from = {.ipi_spec_dst = {.s_addr = htonl(address)}};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(from))];
	} control = {0};
	struct msghdr mh = {.msg_name = &to,
			    .msg_namelen = sizeof(to),
			    .msg_control = &control,
			    .msg_controllen = sizeof(control)};

	*CMSG_FIRSTHDR(&mh) = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(from)),
					       .cmsg_level = IPPROTO_IP,
					       .cmsg_type = IP_PKTINFO};
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&mh)), &from, sizeof(from));
	return sendmsg(p->fd, &mh, 0) >= 0;
}

void sync_push_tick(struct sync_push *p, int64_t now_us, int64_t heard_us)
{
	uint64_t packets;

	if (p->fd < 0 || now_us - heard_us < SYNC_PUSH_US)
		return;
	packets = count_packets(p);
	if (packets == p->packets)
		return;
	p->addresses = count_addresses();
	for (unsigned i = 0; p->addresses && i < FILL; i++)
		p->sent += send_from(p, FIRST_ADDRESS + p->at++ % p->addresses);
	p->packets = count_packets(p);
}

void sync_push_now(struct sync_push *p)
{
	if (p->fd < 0)
		return;
	for (unsigned i = 0; i < FILL * WAKE; i++)
		p->sent += send_from(p, FIRST_NOW_ADDRESS + p->now_at++ % ADDRESSES_MAX);
	p->packets = count_packets(p);
}

bool sync_push_is_own(const uint8_t *record)
{
	const struct addr vip = sync_record_vip(record);
	const uint32_t address = htonl(SYNC_KERNEL_ADDRESS);

	return vip.family == AF_INET && memcmp(vip.b, &address, sizeof(address)) == 0;
}
