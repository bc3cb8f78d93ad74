/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages between the supervisor and the roles: one datagram of a SOCK_SEQPACKET socket each.
 * The list of them is msg.def. Knows nothing of what they mean, nor of event loops.
 */
#ifndef TANDEM_MSG_H
#define TANDEM_MSG_H

#include "core/msg.def"
#include "core/record.h"

#include "core/server_admin.h"
#include "core/vrrp_state.h"

#include <sys/uio.h>

/* Also used as a set of roles. */
enum role_id {
	ROLE_SUPERVISOR = 1 << 0,
	ROLE_VRRP = 1 << 1,
	ROLE_CHECK = 1 << 2,
	ROLE_IPVS = 1 << 3,
	ROLE_SYNC = 1 << 4,
	ROLE_ROLES = ROLE_VRRP | ROLE_CHECK | ROLE_IPVS | ROLE_SYNC,
};

enum sync_in_state {
	SYNC_IN_UNHEARD,
	SYNC_IN_SILENT,
	SYNC_IN_TELLING, /* what it knew when we met */
	SYNC_IN_SYNCED,
};

enum sync_out_state {
	SYNC_OUT_UNFOLLOWED, /* it does not listen */
	SYNC_OUT_TELLING,
	SYNC_OUT_TOLD, /* has all, but is not synced: it waits for others */
	SYNC_OUT_SYNCED,
};

#define MSG_ENUM(NAME, from, to, payload) MSG_##NAME,
enum msg_type { MSG_LIST(MSG_ENUM) MSG_TYPES };

MSG_RECORDS(RECORD_STRUCT)

struct msg {
	enum msg_type type;
	union {
		struct msg_hello hello;
		struct msg_prepare prepare;
		struct msg_prepared prepared;
		struct msg_generation generation; /* COMMIT, COMMITTED, ABORT */
		struct msg_link link;
		struct msg_stop stop;
		struct msg_report report; /* REPORT, REPORTED, PING, PONG */
		struct msg_vrrp_state vrrp_state;
		struct msg_group_state group_state;
		struct msg_track_state track_state;
		struct msg_file_value file_value;
		struct msg_vrrp_counters vrrp_counters;
		struct msg_vrrp_heard vrrp_heard;
		struct msg_check_now check_now;
		struct msg_instance_here instance_here;
		struct msg_check_state check_state;
		struct msg_check_latency check_latency;
		struct msg_server_health server_health;
		struct msg_server_override server_override;
		struct msg_server_view server_view;
		struct msg_service_led service_led;
		struct msg_server_added server_added;
		struct msg_peer_heard peer_heard;
		struct msg_server_idle server_idle;
		struct msg_server_leaving server_leaving;
		struct msg_server_weight server_weight;
		struct msg_script_ask script_ask;
		struct msg_script_end script_end;
		struct msg_service_state service_state;
		struct msg_sync_daemons sync_daemons;
		struct msg_sync_state sync_state;
		struct msg_sync_drain sync_drain;
		struct msg_peers_drain peers_drain;
		struct msg_peer_serves peer_serves;
		struct msg_vs_sysctl_state vs_sysctl_state;
		struct msg_service_counters service_counters;
		struct msg_server_counters server_counters;
		struct msg_server_state server_state;
		struct msg_check_load check_load;
		struct msg_ipvs_state ipvs_state;
		struct msg_sync_peer sync_peer;
		struct msg_sync_link sync_link;
		struct msg_sync_counters sync_counters;
	};
};

#define MSG_BYTES_MAX 1024

const char *msg_name(enum msg_type type);
const char *role_name(enum role_id role); /* "vrrp" */
/* May `from` say this to `to`? */
bool msg_allowed(enum msg_type type, enum role_id from, enum role_id to);

/* Returns the length, at most MSG_BYTES_MAX. */
size_t msg_encode(const struct msg *m, uint8_t buf[MSG_BYTES_MAX]);
/* 0, or -EBADMSG for an unknown, short, long or nonsensical message. */
int msg_decode(const uint8_t *buf, size_t len, struct msg *ret);

/*
 * One datagram, with a descriptor attached when fd >= 0 (the caller keeps it).
 * 0 or -errno: -EAGAIN when the socket is full, -EPIPE/-ECONNRESET when the other end is gone.
 */
int msg_send(int sock, const struct msg *m, int fd);
/* As msg_send. *ret_fd is -1 or a descriptor that is now the caller's. 0 also means nothing of the
 * message is to be trusted but its form: check msg_allowed(). -ENOTCONN at the end of the stream. */
int msg_receive(int sock, struct msg *ret, int *ret_fd);

/*
 * Many at once, in one system call: where a thousand objects are told of, the calls are what costs.
 * err: why there are no more, as of msg_receive(); 0 when there may be.
 */
#define MSG_MANY 32
struct msg_batch {
	unsigned n;
	int err;
	struct msg msgs[MSG_MANY];
	int fds[MSG_MANY];
};
void msg_receive_many(int sock, struct msg_batch *ret);
/* Encoded messages without descriptors. Returns how many of n were sent, or -errno when none was. */
int msg_send_many(int sock, struct iovec *encoded, unsigned n);
/* One encoded message, with a descriptor attached when fd >= 0. As msg_send(). */
int msg_send_encoded(int sock, const struct iovec *encoded, int fd);

#endif
