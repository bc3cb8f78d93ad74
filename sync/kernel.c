/* SPDX-License-Identifier: Apache-2.0 */
/* Out of the kernel's connection table and into it: see kernel.h. */
#include "sync/kernel.h"

#include "core/sync_kernel.h"
#include "sync/push.h"
#include "sync/record.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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
#define INJECT_BUFFER  (1 << 20)
/* 255 records of IPv6 with options. */
#define DATAGRAM_MAX 32768
/* An echo that is not there by then will not come. */
#define ECHO_US (200 * USEC_PER_MSEC)
/* Between bursts, so that a trickle of changes does not cost one each. */
#define PAUSE_US (5 * USEC_PER_MSEC)
/* When the backup thread is behind, and when it is not there. */
#define BEHIND_US  (2 * USEC_PER_MSEC)
#define NO_SINK_US (200 * USEC_PER_MSEC)

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

int sync_kernel_open(struct sync_kernel *k, struct sync_table *table, const char **ret_what)
{
	int err;

	*k = (struct sync_kernel){.capture = -1, .inject = -1, .echo = -1, .udp = -1};
	sync_cursor_open(table, &k->cursor);
	*ret_what = "listening to the kernel";
	err = k->capture =
		join(SYNC_KERNEL_SOURCE_GROUP, SYNC_KERNEL_SOURCE_PORT, CAPTURE_BUFFER);
	if (err >= 0) {
		*ret_what = "listening to what the kernel is told";
		err = k->echo = join(SYNC_KERNEL_SINK_GROUP, SYNC_KERNEL_SINK_PORT, INJECT_BUFFER);
	}
	if (err >= 0) {
		*ret_what = "speaking to the kernel";
		err = k->inject = open_inject(&k->inject_port);
	}
	if (err < 0) {
		sync_kernel_close(k, table);
		return err;
	}
	k->echo_inode = inode_of(k->echo);
	return 0;
}

void sync_kernel_close(struct sync_kernel *k, struct sync_table *table)
{
	int *fds[] = {&k->capture, &k->inject, &k->echo, &k->udp};

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
	sync_cursor_close(table, &k->cursor);
}

/* Out of it */

static void count_overflow(struct sync_kernel *k, struct msghdr *mh)
{
	uint32_t now;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL)
			continue;
		memcpy(&now, CMSG_DATA(c), sizeof(now));
		k->capture_drops += now - k->capture_overflow;
		k->capture_overflow = now;
	}
}

static void capture_one(struct sync_kernel *k, int64_t now_us, const uint8_t *bytes, size_t len,
			void (*each)(void *ctx, int64_t now_us, const uint8_t *record, size_t len),
			void *ctx)
{
	struct sync_datagram d;
	const uint8_t *record;
	size_t record_len;
	bool own = false;
	int more;

	if (sync_datagram_open(bytes, len, &d) || d.syncid != SYNC_KERNEL_ID) {
		k->malformed++;
		return;
	}
	while ((more = sync_datagram_next(&d, &record, &record_len)) > 0) {
		own = sync_push_is_own(record);
		if (own)
			continue;
		k->captured++;
		each(ctx, now_us, record, record_len);
	}
	if (more < 0)
		k->malformed++;
	/* Who comes last has made it full: what is still held back is younger. */
	if (!own)
		k->heard_us = now_us;
}

void sync_kernel_capture(struct sync_kernel *k, int64_t now_us, unsigned max,
			 void (*record)(void *ctx, int64_t now_us, const uint8_t *record,
					size_t len), void *ctx)
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
		n = recvmmsg(k->capture, messages, CAPTURE_BATCH, 0, NULL);
		for (int i = 0; i < n; i++) {
			count_overflow(k, &messages[i].msg_hdr);
			capture_one(k, now_us, bytes[i], messages[i].msg_len, record, ctx);
		}
	}
}

/* Into it */

/* What the kernel shows of the backup thread's socket. */
struct sink {
	uint64_t inode; /* 0: there is none */
	uint64_t queued;
	uint64_t drops;
};

static bool is_sink(const struct sync_kernel *k, const char *line, struct sink *ret)
{
	unsigned address, port;

	return sscanf(line,
		      "%*u: %x:%x %*x:%*x %*x %*x:%" SCNx64 " %*x:%*x %*x %*u %*u %" SCNu64
		      " %*u %*s %" SCNu64,
		      &address, &port, &ret->queued, &ret->inode, &ret->drops) == 5 &&
	       address == htonl(SYNC_KERNEL_SINK_GROUP) && port == SYNC_KERNEL_SINK_PORT &&
	       ret->inode != k->echo_inode;
}

/* The file stays open: this is asked for each burst, and opening it would cost more than the burst. */
static struct sink look_at_sink(struct sync_kernel *k)
{
	char text[4096 + 1], *line, *newline;
	struct sink s;
	off_t at = 0;
	ssize_t n;

	if (k->udp < 0)
		k->udp = open("/proc/self/net/udp", O_RDONLY | O_CLOEXEC);
	while ((n = pread(k->udp, text, sizeof(text) - 1, at)) > 0) {
		text[n] = '\0';
		for (line = text; (newline = strchr(line, '\n')); line = newline + 1) {
			*newline = '\0';
			if (is_sink(k, line, &s))
				return s;
		}
		if (line == text)
			break; /* no line is so long */
		at += line - text;
	}
	return (struct sink){0};
}

void sync_kernel_echo(struct sync_kernel *k)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	uint8_t byte;

	while (recvfrom(k->echo, &byte, 1, 0, (struct sockaddr *)&from, &len) >= 0) {
		if (ntohs(from.sin_port) == k->inject_port && ++k->echoed == k->sent)
			return; /* there are no more: not even asked for */
		len = sizeof(from);
	}
}

static bool is_for_kernel(const struct sync_entry *e)
{
	return (e->owner != SYNC_OWNER_OWN || e->lost) && !e->not_for_kernel &&
	       !sync_record_is_note(e->record);
}

/*
 * A client uses its port again, and our kernel still has the former connection, to another real
 * server: what is told of the new one replaces that only while it is active (ip_vs_proc_conn()). Of
 * one that is on its end already by now it is told first that it was.
 */
static bool add_move(struct sync_batch *batch, const struct sync_entry *e, uint32_t now_s)
{
	uint32_t flags = sync_record_flags(e->record);
	uint8_t record[SYNC_RECORD_MAX];

	if (!e->moved || !(flags & SYNC_FLAG_INACTIVE))
		return true;
	sync_entry_copy(e, now_s, record);
	sync_record_set_flags(record, flags & ~(uint32_t)SYNC_FLAG_INACTIVE);
	sync_record_set_state(record, SYNC_STATE_ESTABLISHED);
	return sync_batch_add(batch, record, e->len);
}

/* The next datagram from the table; 0: there is nothing more. */
static size_t fill(struct sync_kernel *k, struct sync_table *table, uint8_t *bytes, uint32_t now_s)
{
	uint8_t record[SYNC_RECORD_MAX];
	struct sync_batch batch;
	struct sync_entry *e;

	sync_batch_init(&batch, bytes, DATAGRAM_MAX, SYNC_KERNEL_ID);
	while ((e = sync_cursor_peek(table, &k->cursor))) {
		if (is_for_kernel(e)) {
			if (!add_move(&batch, e, now_s))
				break;
			sync_entry_copy(e, now_s, record);
			if (!sync_batch_add(&batch, record, e->len))
				break;
			k->burst_records++;
		}
		sync_cursor_pass(&k->cursor, e);
	}
	return sync_batch_finish(&batch);
}

static void send_burst(struct sync_kernel *k, struct sync_table *table, int64_t now_us)
{
	static uint8_t bytes[DATAGRAM_MAX];
	struct sockaddr_in to = end_of(SYNC_KERNEL_SINK_GROUP, SYNC_KERNEL_SINK_PORT);
	uint32_t now_s = (uint32_t)(now_us / USEC_PER_SEC);
	size_t len;

	k->burst_from = k->cursor.version;
	k->burst_records = k->echoed = 0;
	k->sent_us = now_us;
	while (k->sent < SYNC_BURST && (len = fill(k, table, bytes, now_s))) {
		/* What can't be sent is not echoed either. */
		sendto(k->inject, bytes, len, 0, (struct sockaddr *)&to, sizeof(to));
		k->sent++;
	}
}

static void repeat(struct sync_kernel *k, struct sync_table *table)
{
	k->repeats++;
	k->sent = 0;
	sync_cursor_seek(table, &k->cursor, k->burst_from);
}

static void take_sink(struct sync_kernel *k, const struct sink *s)
{
	k->sink_inode = s->inode;
	k->sink_drops = s->drops;
}

/* Is the way free for another burst? */
static bool settle(struct sync_kernel *k, struct sync_table *table, int64_t now_us)
{
	struct sink s;

	if (!k->sent)
		return true;
	if (k->echoed < k->sent && now_us < k->sent_us + ECHO_US) {
		k->next_us = k->sent_us + ECHO_US;
		return false;
	}
	s = look_at_sink(k);
	if (s.inode && s.queued) {
		k->next_us = now_us + BEHIND_US;
		return false;
	}
	k->next_us = k->sent_us + PAUSE_US;
	if (!s.inode || s.inode != k->sink_inode || s.drops != k->sink_drops ||
	    k->echoed < k->sent) {
		k->drops += s.inode == k->sink_inode ? s.drops - k->sink_drops : 0;
		repeat(k, table);
	} else {
		k->injected += k->burst_records;
		if (k->sent == SYNC_BURST)
			k->next_us = now_us; /* there is more */
		k->sent = 0;
		table->given = k->cursor.version;
	}
	take_sink(k, &s);
	return true;
}

/* What it has told itself, and notes: nothing to wait for the backup thread with. */
static struct sync_entry *next_for_kernel(struct sync_kernel *k, struct sync_table *table)
{
	struct sync_entry *e;

	while ((e = sync_cursor_peek(table, &k->cursor)) && !is_for_kernel(e))
		sync_cursor_pass(&k->cursor, e);
	return e;
}

void sync_kernel_inject(struct sync_kernel *k, struct sync_table *table, int64_t now_us)
{
	struct sink s;

	if (!settle(k, table, now_us) || now_us < k->next_us || !next_for_kernel(k, table))
		return;
	/* When it was there after the burst before, what has become of it is seen after this one. */
	if (!k->sink_inode) {
		s = look_at_sink(k);
		take_sink(k, &s);
	}
	if (!k->sink_inode) {
		k->next_us = now_us + NO_SINK_US;
		return;
	}
	send_burst(k, table, now_us);
	k->next_us = now_us + (k->sent ? ECHO_US : 0);
}

int64_t sync_kernel_deadline(const struct sync_kernel *k, const struct sync_table *table)
{
	return k->sent || k->cursor.version < table->version ? k->next_us : USEC_NEVER;
}

uint64_t sync_kernel_version(const struct sync_kernel *k)
{
	return k->sent ? k->burst_from : k->cursor.version;
}
