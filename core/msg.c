/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between the supervisor and the roles: see msg.h and msg.def. */
#include "core/msg.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

MSG_RECORDS(RECORD_ENCODE)
MSG_RECORDS(RECORD_DECODE)

/* The codec of each payload behind one shape, so that the table below can name it. */
#define MSG_CODEC(NAME, from, to, payload)                             \
	static void encode_##NAME(struct writer *w, const struct msg *m) \
	{                                                              \
		encode_msg_##payload(w, &m->payload);                  \
	}                                                              \
	static void decode_##NAME(struct reader *r, struct msg *m)       \
	{                                                              \
		decode_msg_##payload(r, &m->payload);                  \
	}
MSG_LIST(MSG_CODEC)

#define SUPERVISOR ROLE_SUPERVISOR
#define VRRP	   ROLE_VRRP
#define CHECK	   ROLE_CHECK
#define IPVS	   ROLE_IPVS
#define SYNC	   ROLE_SYNC
#define ROLES	   ROLE_ROLES
#define MSG_ROW(NAME, from, to, payload) { #NAME, from, to, encode_##NAME, decode_##NAME },

static const struct {
	const char *name;
	unsigned from;
	unsigned to;
	void (*encode)(struct writer *, const struct msg *);
	void (*decode)(struct reader *, struct msg *);
} msg_table[] = { MSG_LIST(MSG_ROW) };

const char *vrrp_state_name(enum vrrp_state_id state)
{
	static const char *const names[] = {
		[VRRP_STATE_INITIALIZE] = "INIT", [VRRP_STATE_BACKUP] = "BACKUP",
		[VRRP_STATE_ACTIVE] = "MASTER",	  [VRRP_STATE_FAULT] = "FAULT",
		[VRRP_STATE_STOP] = "STOP",
	};

	return names[state];
}

const char *server_admin_name(enum server_admin admin)
{
	static const char *const names[] = {
		[ADMIN_READY] = "ready",
		[ADMIN_DRAIN] = "drain",
		[ADMIN_MAINT] = "maint",
		[ADMIN_DISABLED] = "disabled",
	};

	return names[admin];
}

const char *msg_name(enum msg_type type)
{
	return msg_table[type].name;
}

const char *role_name(enum role_id role)
{
	switch ((unsigned)role) {
	case ROLE_SUPERVISOR:
		return "supervisor";
	case ROLE_VRRP:
		return "vrrp";
	case ROLE_CHECK:
		return "check";
	case ROLE_IPVS:
		return "ipvs";
	case ROLE_SYNC:
		return "sync";
	}
	return "?";
}

bool msg_allowed(enum msg_type type, enum role_id from, enum role_id to)
{
	return (msg_table[type].from & from) && (msg_table[type].to & to);
}

size_t msg_encode(const struct msg *m, uint8_t buf[MSG_BYTES_MAX])
{
	struct writer w;

	writer_init_fixed(&w, buf, MSG_BYTES_MAX);
	put_u16(&w, (uint16_t)m->type);
	msg_table[m->type].encode(&w, m);
	return w.len;
}

int msg_decode(const uint8_t *buf, size_t len, struct msg *ret)
{
	struct msg m = { 0 };
	struct reader r;
	uint16_t type;

	reader_init(&r, buf, len, NULL);
	type = get_u16(&r);
	if (r.bad || type >= MSG_TYPES)
		return -EBADMSG;
	m.type = (enum msg_type)type;
	msg_table[type].decode(&r, &m);
	if (!reader_done(&r))
		return -EBADMSG;
	*ret = m;
	return 0;
}

/* Room for one descriptor. */
union control {
	struct cmsghdr align;
	char space[CMSG_SPACE(sizeof(int))];
};

int msg_send_encoded(int sock, const struct iovec *encoded, int fd)
{
	union control control = { 0 };
	struct msghdr h = { .msg_iov = (struct iovec *)encoded, .msg_iovlen = 1 };

	if (fd >= 0) {
		h.msg_control = &control;
		h.msg_controllen = sizeof(control);
		*CMSG_FIRSTHDR(&h) = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
						       .cmsg_level = SOL_SOCKET,
						       .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&h)), &fd, sizeof(fd));
	}
	return sendmsg(sock, &h, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int msg_send(int sock, const struct msg *m, int fd)
{
	uint8_t buf[MSG_BYTES_MAX];
	struct iovec encoded = { .iov_base = buf, .iov_len = msg_encode(m, buf) };

	return msg_send_encoded(sock, &encoded, fd);
}

int msg_send_many(int sock, struct iovec *encoded, unsigned n)
{
	struct mmsghdr h[MSG_MANY] = { 0 };
	int sent;

	n = n > MSG_MANY ? MSG_MANY : n;
	for (unsigned i = 0; i < n; i++) {
		h[i].msg_hdr.msg_iov = &encoded[i];
		h[i].msg_hdr.msg_iovlen = 1;
	}
	sent = sendmmsg(sock, h, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	return sent < 0 ? -errno : sent;
}

/*
 * The room for one descriptor, padded, lets a second one in: whoever attaches more than one gets
 * them closed. False: then.
 */
static bool take_fd(struct msghdr *h, int *ret_fd)
{
	bool one = true;

	*ret_fd = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		one = c->cmsg_len == CMSG_LEN(sizeof(int));
		for (size_t at = 0; CMSG_LEN(at + sizeof(int)) <= c->cmsg_len; at += sizeof(int)) {
			memcpy(ret_fd, CMSG_DATA(c) + at, sizeof(int));
			if (!one)
				close(*ret_fd);
		}
	}
	if (!one)
		*ret_fd = -1;
	return one;
}

/* What one datagram was. Its descriptor is closed unless it is handed out. */
static int take(struct msghdr *h, const uint8_t *at, size_t len, struct msg *ret, int *ret_fd)
{
	int fd, err;
	bool one_at_most = take_fd(h, &fd);

	if (len == 0)
		err = -ENOTCONN;
	else if (!one_at_most || (h->msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		err = -EBADMSG;
	else
		err = msg_decode(at, len, ret);
	if (err && fd >= 0)
		close(fd);
	if (!err)
		*ret_fd = fd;
	return err;
}

int msg_receive(int sock, struct msg *ret, int *ret_fd)
{
	uint8_t buf[MSG_BYTES_MAX];
	union control control = { 0 };
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	struct msghdr h = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(sock, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	return n < 0 ? -errno : take(&h, buf, (size_t)n, ret, ret_fd);
}

void msg_receive_many(int sock, struct msg_batch *ret)
{
	uint8_t buf[MSG_MANY][MSG_BYTES_MAX];
	union control control[MSG_MANY];
	struct iovec iov[MSG_MANY];
	struct mmsghdr h[MSG_MANY] = { 0 };
	struct msg ignored;
	int n, fd;

	for (int i = 0; i < MSG_MANY; i++) {
		iov[i] = (struct iovec){ .iov_base = buf[i], .iov_len = MSG_BYTES_MAX };
		h[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i],
						.msg_iovlen = 1,
						.msg_control = &control[i],
						.msg_controllen = sizeof(control[i]) };
	}
	ret->n = 0;
	n = recvmmsg(sock, h, MSG_MANY, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
	ret->err = n < 0 ? -errno : 0;
	for (int i = 0; i < n; i++) {
		/* What comes after a bad one is only looked at for its descriptor. */
		if (ret->err) {
			if (!take(&h[i].msg_hdr, buf[i], h[i].msg_len, &ignored, &fd) && fd >= 0)
				close(fd);
			continue;
		}
		ret->err = take(&h[i].msg_hdr, buf[i], h[i].msg_len, &ret->msgs[ret->n],
				&ret->fds[ret->n]);
		ret->n += !ret->err;
	}
	if (!ret->err && n < MSG_MANY)
		ret->err = -EAGAIN;
}
