/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checked configuration: const from the moment it is complete. Its objects are declared in
 * model.def; this file adds the enums they use, their ids, and the image that carries a model from
 * the supervisor to the roles.
 */
#ifndef TANDEM_MODEL_H
#define TANDEM_MODEL_H

#include "core/addr.h"
#include "core/model.def"
#include "core/record.h"

#include <stdbool.h>
#include <stdint.h>

enum notify_on {
	NOTIFY_MASTER,
	NOTIFY_BACKUP,
	NOTIFY_FAULT,
	NOTIFY_STOP,
	NOTIFY_ANY, /* "notify": called with type, name, state and priority */
	NOTIFY_UP,  /* notify_up, quorum_up */
	NOTIFY_DOWN,
	NOTIFY_MASTER_RX_LOWER_PRI,
	NOTIFY_DELETED,
};

/* Which FIFO of keepalived's it is: what is written to it. */
enum notify_fifo_kind {
	NOTIFY_FIFO_ALL,  /* notify_fifo */
	NOTIFY_FIFO_VRRP, /* vrrp_notify_fifo: instances and groups */
	NOTIFY_FIFO_LVS,  /* lvs_notify_fifo: virtual and real servers */
	NOTIFY_FIFO_KINDS,
};

#define UMASK_NONE 01000 /* above every umask: the file has none */
#define TUNING_NICE_NONE 20 /* above every nice value: the file has none */

enum vrrp_auth {
	VRRP_AUTH_NONE,
	VRRP_AUTH_PASS,
};

enum track_kind {
	TRACK_SCRIPT,
	TRACK_FILE,
	TRACK_PROCESS,
	TRACK_SERVICE,
};

/* How the parameters of a process are compared with those of a track_process. */
enum process_match {
	PROCESS_ANY,	 /* not at all */
	PROCESS_EXACT,	 /* they are the same, and as many */
	PROCESS_PARTIAL, /* the first ones are the same */
	PROCESS_INITIAL, /* and the last of those may go on */
};

/* What auth_hmac does to advertisements without a trailer, and to our own. */
enum hmac_mode {
	HMAC_ENFORCE,	   /* sign, and refuse them */
	HMAC_PERMISSIVE,   /* sign, and accept them */
	HMAC_RECEIVE_ONLY, /* do not sign, and accept them */
	HMAC_MODES,
};

enum vmac_kind {
	VMAC_MACVLAN,
	VMAC_IPVLAN,
};

enum check_method {
	CHECK_TCP,
	CHECK_HTTP,
	CHECK_SSL,
	CHECK_MISC,
	CHECK_PING,
	CHECK_UDP,
	CHECK_DNS,
	CHECK_SMTP,
	CHECK_GRPC,
	CHECK_AGENT,
	CHECK_FILE,
};

/* What the weights of a pool follow, beside what is configured. */
enum feedback {
	FEEDBACK_NONE,
	FEEDBACK_LATENCY,   /* the response time of its servers' checks */
	FEEDBACK_BANDWIDTH, /* the bytes per second that IPVS forwards */
};

enum http_protocol {
	HTTP_1_0,
	HTTP_1_0C, /* with Connection: close */
	HTTP_1_1,
	HTTP_2,
};

enum http_request {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_OPTIONS,
};

enum step_kind {
	STEP_SEND,
	STEP_EXPECT,
	STEP_EXPECT_REGEX,
};

/* The kernel's IP_VS_CONN_F_* forwarding methods, and ours. */
enum ipvs_forward {
	IPVS_FORWARD_NAT = 0,
	IPVS_FORWARD_TUNNEL = 2,
	IPVS_FORWARD_DR = 3,
	IPVS_FORWARD_SNAT = 16, /* NAT to IPVS; nftables translates the client's address, too */
};

/* What keeps a service's connections alive when the director changes. */
enum resilience {
	RESILIENCE_UNSAID,
	RESILIENCE_SYNC, /* they are copied to the peers */
	RESILIENCE_HASH, /* each director computes the same server for them */
	RESILIENCE_BOTH,
};

/* The kernel's IP_VS_CONN_F_TUNNEL_TYPE_*. */
enum ipvs_tunnel {
	IPVS_TUNNEL_IPIP = 0,
	IPVS_TUNNEL_GUE = 1,
	IPVS_TUNNEL_GRE = 2,
};

/* struct vrrp_instance, struct virtual_server, struct model, … */
MODEL_RECORDS(RECORD_STRUCT)

const char *notify_on_name(enum notify_on on);
const char *track_kind_name(enum track_kind kind); /* "vrrp_script", "track_file" … */
const char *process_match_name(enum process_match match); /* of param_match; NULL: has none */
/* "NAT", "TUN", "DR", "SNAT": as lvs_method takes it. */
const char *forward_name(enum ipvs_forward forward);
/* Ports and addresses are rewritten: those of service and server may differ. */
bool forward_translates(enum ipvs_forward forward);
const char *resilience_name(enum resilience resilience);
const char *notify_fifo_name(enum notify_fifo_kind kind); /* "vrrp_notify_fifo" */
const char *check_method_name(enum check_method method); /* keepalived's keyword */
/* "TCP_CHECK 192.0.2.1:80", "MISC_CHECK /usr/bin/look"; text of at least TEXT_MAX. */
const char *check_format(const struct check *c, char *text);
const char *feedback_name(enum feedback feedback);		   /* as feedback takes it */
const char *tunnel_name(enum ipvs_tunnel tunnel);		    /* as type takes it */
const char *http_protocol_name(enum http_protocol protocol); /* as http_protocol takes it */
const char *http_request_name(enum http_request request);    /* "GET" */

/* Field by field, lists in order: vrrp_instance_equal(a, b) and so on. */
#define MODEL_EQUAL_DECLARE(record) \
	bool record##_equal(const struct record *a, const struct record *b);
MODEL_RECORDS(MODEL_EQUAL_DECLARE)

/*
 * Ids. Never 0. Two objects of one kind with the same identity have the same id: the checker
 * refuses the second.
 */
uint64_t model_id_vrrp(uint8_t family, const char *ifname, uint8_t vrid);
uint64_t model_id_sync_group(const char *name);
uint64_t model_id_track_script(const char *name);
uint64_t model_id_track_file(const char *name);
uint64_t model_id_track_process(const char *name);
uint64_t model_id_track_group(const char *name);
uint64_t model_id_virtual_server(const struct virtual_server *vs);
uint64_t model_id_real_server(uint64_t service_id, const struct addr *address, uint16_t port);
uint64_t model_id_sysctl(const char *name);
/* `place` counts the checks of one method on one server, from 0. */
uint64_t model_id_check(uint64_t server_id, enum check_method method, uint32_t place);

/* Of all that a check says but its id: equal for checks that ask the same. */
uint64_t check_hash(const struct check *c);

/*
 * What directors of one pair must have in common, whatever the order: the virtual servers with their
 * schedulers and real servers; and the virtual addresses with their virtual router's id.
 */
uint64_t model_services_hash(const struct model *m);
uint64_t model_addresses_hash(const struct model *m);
/* A virtual router: the same on all directors that share it, whatever they call it. */
uint64_t model_router_hash(const struct vrrp_instance *v);

/* NULL when there is none. Linear: keep the answer, or an index of your own, on hot paths. */
const struct vrrp_instance *model_find_instance(const struct model *m, uint64_t id);
const struct sync_group *model_find_group(const struct model *m, uint64_t id);
const struct virtual_server *model_find_service(const struct model *m, uint64_t id);
/* The interface made for virtual addresses that this one goes on; NULL: it goes on a plain one. */
const struct vmac *model_vmac_of(const struct vrrp_instance *v, const struct vip *vip);
/* Whether it goes on one, whatever interfaces there are. */
bool model_wants_vmac(const struct vrrp_instance *v, const struct vip *vip);
/* The plain interface that an address goes on, or an interface for it is made on. */
const char *model_vip_base(const struct vrrp_instance *v, const struct vip *vip);
/* Is the instance in a sync group? */
bool model_is_grouped(const struct model *m, uint64_t instance);

/* "192.0.2.1:80 TCP", "fwmark 7": as operators name a service; text of at least TEXT_MAX. */
const char *virtual_server_format(const struct virtual_server *vs, char *text);

/*
 * The image: the whole model as bytes, in a sealed memfd that can be handed to any number of
 * processes. model_image_new() returns the descriptor or -errno. The hash is of the content: equal
 * for two generations that say the same.
 */
int model_image_new(const struct model *m, uint64_t *ret_hash);
/* Its bytes, to be read only, and unmapped. 0, -EBADMSG (there are none), or -errno. */
int model_image_map(int fd, void **ret_image, size_t *ret_size);
/* Decodes an image into `arena`. 0, -EBADMSG (short, long or nonsense), or -errno. */
int model_image_load(int fd, struct arena *arena, const struct model **ret);
/* The same but for the services, however many there are: `services` stays empty. */
int model_image_load_instances(int fd, struct arena *arena, const struct model **ret);

#endif
