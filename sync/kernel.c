/* SPDX-License-Identifier: Apache-2.0 */
/* Out of the kernel's connection table and into it: see kernel.h. */
#include "sync/kernel.h"

#include "core/sync_kernel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define CAPTURE_BUFFER (64 << 20)
/* One call's: short ones, SYNC_KERNEL_SOURCE_MAX or one record. */
#define CAPTURE_BATCH 64
#define CAPTURE_MAX   1024
#define INJECT_BUFFER (1 << 20)

static struct sockaddr_in end_of(uint32_t group, uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons(port),
				    .sin_addr = {.s_addr = htonl(group)}};
}

static int set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

static int new_socket(int buffer)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, buffer))
		set_int(fd, SOL_SOCKET, SO_RCVBUF, buffer);
	return fd;
}

/* A socket that hears one group on lo, beside the kernel's own if there is one. */
static int join(uint32_t group, uint16_t port, int buffer)
{
	struct sockaddr_in end = end_of(group, port);
	struct ip_mreqn mreq = {.imr_multiaddr = end.sin_addr,
				.imr_ifindex = (int)if_nametoindex(SYNC_KERNEL_IFNAME)};
	int fd = new_socket(buffer);

	if (fd < 0)
		return fd;
	if (set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, SYNC_KERNEL_IFNAME,
		       sizeof(SYNC_KERNEL_IFNAME)) ||
	    bind(fd, (struct sockaddr *)&end, sizeof(end)) ||
	    setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mreq, sizeof(mreq)) ||
	    set_int(fd, SOL_SOCKET, SO_RXQ_OVFL, 1)) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static int open_inject(uint16_t *ret_port)
{
	struct ip_mreqn mreq = {.imr_ifindex = (int)if_nametoindex(SYNC_KERNEL_IFNAME)};
	struct sockaddr_in own = {.sin_family = AF_INET};
	socklen_t len = sizeof(own);
	int fd = new_socket(INJECT_BUFFER);

	if (fd < 0)
		return fd;
	if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &mreq, sizeof(mreq)) ||
	    set_int(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 1) ||
	    bind(fd, (struct sockaddr *)&own, sizeof(own)) ||
	    getsockname(fd, (struct sockaddr *)&own, &len)) {
		int err = -errno;

		close(fd);
		return err;
	}
	*ret_port = ntohs(own.sin_port);
	return fd;
}

static uint64_t inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_ino;
}

static void send_datagram(void *ctx, const uint8_t *bytes, size_t len)
{
	const struct sync_kernel *k = ctx;
	struct sockaddr_in to = end_of(SYNC_KERNEL_SINK_GROUP, SYNC_KERNEL_SINK_PORT);

	/* What can't be sent is not echoed either. */
	sendto(k->inject_fd, bytes, len, 0, (struct sockaddr *)&to, sizeof(to));
}

/* The file stays open: this is asked for each burst, and opening it would cost more than the burst. */
static struct sync_sink look_at_sink(void *ctx)
{
	struct sync_kernel *k = ctx;
	char text[4096 + 1], *line, *newline;
	struct sync_sink s;
	off_t at = 0;
	ssize_t n;

	if (k->udp_fd < 0)
		k->udp_fd = open("/proc/self/net/udp", O_RDONLY | O_CLOEXEC);
	while ((n = pread(k->udp_fd, text, sizeof(text) - 1, at)) > 0) {
		text[n] = '\0';
		for (line = text; (newline = strchr(line, '\n')); line = newline + 1) {
			*newline = '\0';
			if (sync_sink_read(line, k->echo_inode, &s))
				return s;
		}
		if (line == text)
			break; /* no line is so long */
		at += line - text;
	}
	return (struct sync_sink){0};
}

int sync_kernel_open(struct sync_kernel *k, struct sync_table *table, const char **ret_what)
{
	const struct sync_inject_port port = {.send = send_datagram, .look = look_at_sink, .ctx = k};
	int err;

	*k = (struct sync_kernel){.capture_fd = -1, .inject_fd = -1, .echo_fd = -1, .udp_fd = -1};
	sync_inject_open(&k->inject, table, &port);
	*ret_what = "listening to the kernel";
	err = k->capture_fd =
		join(SYNC_KERNEL_SOURCE_GROUP, SYNC_KERNEL_SOURCE_PORT, CAPTURE_BUFFER);
	if (err >= 0) {
		*ret_what = "listening to what the kernel is told";
		err = k->echo_fd = join(SYNC_KERNEL_SINK_GROUP, SYNC_KERNEL_SINK_PORT, INJECT_BUFFER);
	}
	if (err >= 0) {
		*ret_what = "speaking to the kernel";
		err = k->inject_fd = open_inject(&k->inject_port);
	}
	if (err < 0) {
		sync_kernel_close(k, table);
		return err;
	}
	k->echo_inode = inode_of(k->echo_fd);
	return 0;
}

void sync_kernel_close(struct sync_kernel *k, struct sync_table *table)
{
	int *fds[] = {&k->capture_fd, &k->inject_fd, &k->echo_fd, &k->udp_fd};

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
	sync_inject_close(&k->inject, table);
}

void sync_kernel_capture(struct sync_kernel *k, int64_t now_us, unsigned max,
			 sync_capture_record *each, void *ctx)
{
	static uint8_t bytes[CAPTURE_BATCH][CAPTURE_MAX];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(uint32_t))];
	} control[CAPTURE_BATCH];
	struct mmsghdr messages[CAPTURE_BATCH];
	struct iovec iov[CAPTURE_BATCH];
	int n = CAPTURE_BATCH;

	for (unsigned total = 0; total < max && n == CAPTURE_BATCH; total += (unsigned)n) {
		for (unsigned i = 0; i < CAPTURE_BATCH; i++) {
			iov[i] = (struct iovec){bytes[i], sizeof(bytes[i])};
			messages[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i],
							      .msg_iovlen = 1,
							      .msg_control = &control[i],
							      .msg_controllen = sizeof(control[i])};
		}
		n = recvmmsg(k->capture_fd, messages, CAPTURE_BATCH, 0, NULL);
		if (n > 0)
			sync_capture_batch(&k->capture, now_us, messages, (unsigned)n, each, ctx);
	}
}

void sync_kernel_echo(struct sync_kernel *k)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	uint8_t byte;

	while (recvfrom(k->echo_fd, &byte, 1, 0, (struct sockaddr *)&from, &len) >= 0) {
		if (ntohs(from.sin_port) == k->inject_port && sync_inject_echo(&k->inject))
			return; /* there are no more: not even asked for */
		len = sizeof(from);
	}
}
