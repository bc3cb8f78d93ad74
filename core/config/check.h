/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checker: syntax tree to model. A draft is an object while its block is being read, with what
 * the model does not keep: values that are not set yet (-1) and defaults for what is inside.
 * Internal to core/config.
 */
#ifndef TANDEM_CONFIG_CHECK_H
#define TANDEM_CONFIG_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/config/ast.h"
#include "core/config/keyword.h"
#include "core/model.h"

/* No upper bound for a time. */
#define FOREVER_US (INT64_MAX / 2)

/* -1: not set. */
struct garp_draft {
	int64_t delay_us;
	int64_t repeat;
	int64_t refresh_us;
	int64_t refresh_repeat;
	int64_t lower_prio_delay_us;
	int64_t lower_prio_repeat;
};

/* lvs_sync_daemon, or the older lvs_sync_daemon_interface of an instance. */
struct sync_draft {
	const struct ast_node *node; /* NULL: there is none */
	const char *instance;	     /* its name; NULL: none */
	const struct ast_loc *instance_loc;
	int64_t sync_id;
	struct sync_daemon s;
};

/* The sync block. What stands in it of a path is the first one's: `first` must stay first. */
struct peering_draft {
	struct sync_path_conf first;
	struct sync_block b;
	bool is_key_said; /* rightly or not */
};

/* A FIFO, and the script that reads it: their lines may come in any order. */
struct fifo_draft {
	const struct ast_node *node; /* NULL: there is none */
	struct notify_fifo f;
	const struct ast_node *script;
};

struct global_draft {
	struct global g;
	struct fifo_draft fifos[NOTIFY_FIFO_KINDS];
	struct check_tls tls; /* the SSL block: for checks that leave things out */
	struct sync_draft sync;
	struct garp_draft garp;
	struct tuning vrrp_tuning;
	struct tuning checker_tuning;
	int64_t garp_interval_us;
	int64_t gna_interval_us;
	int64_t garp_extra_us;
	bool garp_extra_all;
	int64_t tcp_timeout_s;
	const char *default_interface;
	const char *iproute_etc_dir;
	const char *iproute_usr_dir;
	struct addr mcast_group4;
	struct addr mcast_group6;
	uint8_t vrrp_version;
	uint8_t down_timer_adverts;
	bool check_unicast_src;
	bool skip_check_adv_addr;
	bool lower_prio_no_advert;
	bool strict;
	bool owner_ignore_adverts;
	bool higher_prio_send_advert;
	bool notify_priority_changes;
	bool checksum_as_v2;
	bool log_all_failures;
	const struct ast_node *mail_to; /* notification_email; NULL: there is none */
	int8_t smtp_alert; /* this and the next two: -1: not set */
	int8_t smtp_alert_vrrp;
	int8_t smtp_alert_checker;
};

struct vrrp_draft {
	struct vrrp_instance v;
	const struct ast_node *node;
	struct garp_draft garp;
	int64_t adver_int_us;
	int64_t priority;
	bool unicast_wanted; /* any unicast keyword was there */
	bool ipv6_wanted;    /* native_ipv6 */
	bool no_vip_wanted;  /* no_virtual_ipaddress */
	bool fault_no_peer;  /* unicast_fault_no_peer */
	int64_t garp_extra_us; /* -1: not set */
	struct vmac vmac;    /* its own */
	const struct ast_node *vmac_node; /* use_vmac or use_ipvlan; NULL: neither */
	bool mac_set;			  /* there, … */
	bool mac_needs_vrid;		  /* with the VRID as its last byte */
	int8_t strict;	     /* -1: not set */
	int8_t accept;
	int8_t lower_no_advert;
	int8_t owner_ignore;
	int8_t smtp_alert;
	const struct ast_node *auth;
	struct auth_hmac hmac;
	const struct ast_node *hmac_node; /* NULL: there is none */
};

/* A vrrp_script, track_file or vrrp_track_process: what its kind says. */
struct tracker_draft {
	enum track_kind kind;
	uint64_t id;
	const char *name;
	const struct ast_node *node;
	int32_t weight; /* where who tracks it says none */
	bool reverse;
	bool used;
	struct track_script s;
	struct track_file f;
	struct track_process p;
};

struct sync_group_draft {
	struct sync_group g;
	const struct ast_node *node;
	struct tracked *tracked;
	uint32_t n_tracked;
	struct track_interface *tracks;
	uint32_t n_tracks;
	bool tracking_weight;
	int8_t notify_priority_changes; /* -1: not said */
	int8_t smtp_alert;		/* the same */
};

/* How to check a server: each level fills in what the one inside leaves at -1. */
struct timing_draft {
	int64_t connect_timeout_us;
	int64_t delay_loop_us;
	int64_t delay_before_retry_us;
	int64_t warmup_us;
	int64_t delay_loop_down_us;
	int64_t delay_undecided_us;
	int64_t flap_damping_us;
	int64_t jitter;
	int64_t retry;
	int64_t fall; /* retry + 1, in other words */
	int64_t rise;
	int8_t alpha;
	int8_t log_all_failures;
};

extern const struct timing_draft timing_none;

struct forward_draft {
	bool set;
	uint8_t method;
	uint8_t tunnel_type;
	uint16_t tunnel_port;
	uint16_t tunnel_flags;
};

struct url_draft {
	struct check_url u;
	const struct ast_node *regex; /* the line */
	int8_t tls_compliant;
};

struct check_draft {
	struct check c;
	const struct ast_node *node;
	struct timing_draft timing;
	struct check_http http;
	struct check_misc misc;
	struct check_udp udp;
	int32_t max_reply_length; /* of udp; -1: not set */
	struct check_dns dns;
	struct check_smtp smtp;
	const struct ast_node **hosts; /* of smtp: their blocks */
	uint32_t n_hosts;
	struct check_grpc grpc;
	struct agent_ask agent;
	const struct tracker_draft *tracked_file; /* NULL: none */
	const struct ast_node *file_weight;	  /* the line; NULL: the track_file's */
	struct check_tls tls;
	bool tls_wanted;
	int8_t through; /* through_service */
	int8_t tls_compliant;
	const char *virtualhost;
};

struct server_draft {
	struct real_server r;
	const struct ast_node *node;
	struct timing_draft timing;
	struct forward_draft forward;
	const char *virtualhost;
	int64_t drain_on_remove_us;
	int8_t inhibit;
	int8_t smtp_alert;
	struct check_draft *checks;
	uint32_t n_checks;
};

struct service_draft {
	struct virtual_server vs;
	const struct ast_node *node;
	struct timing_draft timing;
	struct forward_draft forward;
	struct forward_draft sorry_forward;
	const char *virtualhost;
	int64_t persistence_timeout_s;
	int64_t drain_on_remove_us;
	int32_t weight;
	int8_t inhibit;
	int8_t smtp_alert;
	bool mixed_family;   /* a group with IPv4 and IPv6 */
	bool forward_missed; /* it has been said that there is no lvs_method */
	const struct ast_node *granularity;
	const struct ast_node *feedback_min;
	const struct ast_node *scheduler_option; /* sh-port and the like: the last one */
	const char *option_scheduler;		 /* whom it is for */
	const struct ast_word *instance;	 /* of active_only */
	const struct ast_node *resilience;
	size_t members_cap;
	struct server_draft *servers;
	uint32_t n_servers;
};

/* What a service asks of an instance or of the sync block. */
struct pair_draft {
	uint32_t service; /* its place in the list */
	const struct ast_node *node;
	const struct ast_word *instance;
	const struct ast_node *resilience;
};

/* Where an id was first used. */
struct id_place {
	uint64_t id;
	const struct ast_loc *loc;
};

struct checker {
	struct arena *arena;
	struct diags *diags;
	const struct ast_node *root;
	struct global_draft global;
	struct vrrp_instance *instances;
	uint32_t n_instances;
	struct sync_group *groups;
	uint32_t n_groups;
	struct vip *addresses; /* static, like the next ones */
	uint32_t n_addresses;
	struct route *routes;
	uint32_t n_routes;
	struct rule *rules;
	uint32_t n_rules;
	uint32_t n_preferences[2]; /* given to rules of IPv4 and IPv6 that have none */
	struct track_group *track_groups;
	uint32_t n_track_groups;
	struct tracker_draft *trackers;
	uint32_t n_trackers;
	struct virtual_server *services;
	uint32_t n_services;
	struct virtual_server *through; /* those that checks with through_service need */
	uint32_t n_through;
	size_t through_cap;
	const struct ast_loc **claims; /* where the file has a mark of theirs */
	uint32_t n_claims;
	struct pair_draft *pairs;
	uint32_t n_pairs;
	struct id_place *ids; /* open addressing; ids_size is a power of 2 */
	size_t ids_size;
	size_t n_ids;
	struct server_draft *drafts; /* room for one service's, used for each in turn */
	uint32_t drafts_cap;
};

/* check.c */
void check_warn(struct checker *c, const struct ast_loc *loc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void check_error(struct checker *c, const struct ast_loc *loc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void check_later(struct checker *c, const struct ast_loc *loc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Every line of a block of keywords. */
void check_block(struct checker *c, enum keyword_place place, void *draft,
		 const struct ast_node *block);
/* The lines of a block that are called `name` when only, or are not when !only. */
void check_block_part(struct checker *c, enum keyword_place place, void *draft,
		      const struct ast_node *block, const char *name, bool only);
/* NULL when the id is new; else where it was used first. */
const struct ast_loc *check_id(struct checker *c, uint64_t id, const struct ast_loc *loc);
/* The array with room for `more` zeroed elements behind n. */
void *check_extend(struct checker *c, const void *array, uint32_t n, uint32_t more, size_t size);

/* value.c: one word each. They warn, say what is allowed, and return false when it is not. */
bool value_number(struct checker *c, const struct ast_word *w, int64_t lo, int64_t hi,
		  int64_t *ret);
bool value_seconds(struct checker *c, const struct ast_word *w, int64_t lo_us, int64_t hi_us,
		   int64_t *ret_us);
/* The same, or milliseconds as "5ms". */
bool value_short_time(struct checker *c, const struct ast_word *w, int64_t lo_us, int64_t hi_us,
		      int64_t *ret_us);
bool value_bool(struct checker *c, const struct ast_word *w, bool *ret);
bool value_addr(struct checker *c, const struct ast_word *w, struct addr *ret);
bool value_prefix(struct checker *c, const struct ast_word *w, struct addr *ret,
		  uint8_t *ret_prefixlen);
bool value_port(struct checker *c, const struct ast_word *w, uint16_t *ret);
bool value_port_or_none(struct checker *c, const struct ast_word *w, uint16_t *ret);
bool value_ifname(struct checker *c, const struct ast_word *w, const char **ret);
/* A name that goes into a header, a path that goes into a request line: nothing ends them early. */
bool value_sendable(struct checker *c, const struct ast_word *w, const char **ret);
/* A script and who runs it, behind the keyword. False when there is one for `on` already. */
bool value_notify(struct checker *c, const struct ast_node *n, enum notify_on on,
		  struct notify **list, uint32_t *n_list);
const char *value_string(struct checker *c, const struct ast_word *w);

/* check_global.c */
void global_init(struct checker *c);
void global_finish(struct checker *c);
void garp_init(struct garp_draft *g);

/* check_daemon.c */
void daemon_init(struct global *g);
void daemon_finish(struct global *g);

/* check_tuning.c */
void tuning_init(struct global_draft *d);
void tuning_finish(struct checker *c);

/* check_notify.c: what is told to whom */
void notify_finish(struct checker *c);
void mail_init(struct global *g);
void mail_finish(struct checker *c);
/* What smtp_alert comes to: an object's own, smtp_alert_vrrp or _checker, the global; -1: not set. */
bool mail_wanted(int8_t own, int8_t of_kind, int8_t of_all, bool otherwise);

/* check_lvs.c: what names other objects, when they are all known */
void lvs_finish(struct checker *c);

/* check_sync.c: the sync block, and what it needs of the kernel */
void sync_check(struct checker *c, const struct ast_node *root);
/* check_kernel_peer.c: peer kernel-multicast … */
void check_kernel_peer(struct checker *c, struct sync_block *b, const struct ast_node *n);

/* check_vrrp.c: every instance of the file, in order */
void vrrp_check_all(struct checker *c, const struct ast_node *root);
struct vrrp_instance *vrrp_find(const struct checker *c, const char *name);
/* The lines of a track_interface block, behind those of the list. */
void vrrp_add_tracks(struct checker *c, const struct ast_node *n, struct track_interface **list,
		     uint32_t *n_list);
/* A notify line of a VRRP object. */
void vrrp_add_notify(struct checker *c, const struct ast_node *n, struct notify **list,
		     uint32_t *n_list);

/* check_track.c: everything that can be tracked, but for virtual servers; the lines of a block such
 * as track_script, behind those of the list */
void track_check_all(struct checker *c, const struct ast_node *root);
void track_add_lines(struct checker *c, enum track_kind kind, const struct ast_node *n,
		     struct tracked **list, uint32_t *n_list);
/* The block's keyword says the kind. */
void track_add_block(struct checker *c, const struct ast_node *n, struct tracked **list,
		     uint32_t *n_list);
/* "weight N reverse", from word `i` on, within lo to hi; what does not fit is left out. */
void track_read_weight(struct checker *c, const struct ast_node *n, uint32_t i, int32_t lo,
		       int32_t hi, int32_t *ret, bool *ret_reverse);
/* NULL: there is none, which has been said. */
const struct tracker_draft *track_find(struct checker *c, enum track_kind kind,
				       const struct ast_word *name);
/* check_through.c: where a check with through_service goes, when the server is known; then the
 * services for such checks */
void through_finish(struct checker *c, const struct check_draft *d, const struct virtual_server *vs,
		    const struct real_server *r, struct check *k);
/* The file uses this mark: an error when checks need it for themselves. */
void through_claim(struct checker *c, const struct ast_loc *at, uint32_t mark);
void through_add_services(struct checker *c);
/* check_track_service.c: the lines of track_virtual_server, when the services are known */
void track_add_services(struct checker *c, const struct ast_node *n, struct tracked **list,
			uint32_t *n_list);
/* False: it is tracked already, which has been said. */
bool track_add(struct checker *c, const struct ast_word *w, const struct tracked *t,
	       struct tracked *list, uint32_t *n_list);
/* Those that anything tracks, for the model. */
void track_finish(struct checker *c, struct model *m);

/* check_script.c, check_process.c: false when it can't be used, which has been said */
bool script_finish(struct checker *c, struct tracker_draft *d);
bool process_finish(struct checker *c, struct tracker_draft *d);

/* check_sync_group.c: every sync group, when the instances are known */
void sync_group_check_all(struct checker *c, const struct ast_node *root);

/* check_hmac.c: when the interval is known */
void hmac_finish(struct checker *c, struct vrrp_draft *d);

/* check_strict.c: the values that strict mode decides about */
void strict_finish(struct checker *c, struct vrrp_draft *d);

/* check_static.c: all but who is in the groups, which is read when the instances are known */
void static_check_all(struct checker *c, const struct ast_node *root);
void static_finish(struct checker *c, const struct ast_node *root);
/* 0: there is none, which has been said. */
uint64_t track_group_find(struct checker *c, const struct ast_word *w);

/* check_route.c, check_rule.c: the lines of a block, behind those of the list */
void route_add_lines(struct checker *c, const struct ast_node *block, bool is_static,
		     struct route **list, uint32_t *n_list);
void rule_add_lines(struct checker *c, const struct ast_node *block, bool is_static,
		    struct rule **list, uint32_t *n_list);

/* check_vip.c */
void vip_add_static(struct checker *c, const struct ast_node *block, struct vip **list,
		    uint32_t *n_list);
uint32_t vip_default_preferred_lft_s(const struct vip *v);
void vip_add_lines(struct checker *c, struct vrrp_draft *d, const struct ast_node *block,
		   bool excluded);

/* check_links.c: what is said of interfaces; then, what an instance makes of it */
void daemon_check_all(struct checker *c, const struct ast_node *root);
void link_check_all(struct checker *c, const struct ast_node *root);
void link_finish(struct checker *c, struct vrrp_draft *d);

/* check_vmac.c: what an instance asks for; then, when all instances are known, which interfaces are
 * made, and their names */
bool vmac_mac_is_usual(uint64_t mac);
void vmac_finish(struct checker *c, struct vrrp_draft *d);
void vmac_check_all(struct checker *c);

/* check_service.c: every service of the file, in order */
void service_check_all(struct checker *c, const struct ast_node *root);
/* check_pair.c: resilience, before the scheduler is checked; what a service asks of the instances
 * and the sync block is kept, and looked at when these are known. */
void pair_use_hash(struct checker *c, struct service_draft *d);
void pair_keep(struct checker *c, const struct service_draft *d);
void pair_link_all(struct checker *c);
/* Sorted; for a configuration with a sync block. */
struct uncopied *pair_uncopied(struct checker *c, uint32_t *ret_n);
const struct vs_sysctl *lvs_sysctl_find(const struct global *g, const char *name);
/* A value below net.ipv4.vs that something needs, unless lvs_sysctl has another. */
void lvs_default_sysctl(struct checker *c, const char *name, const char *value);
/* The same, but a greater one that is there already is as good; and below net.core. */
void lvs_least_sysctl(struct checker *c, const char *name, const char *value);
void lvs_least_core_sysctl(struct checker *c, const char *name, const char *value);
/* And one that nothing else will do for: what the file says otherwise is told at `n`, a block. */
void lvs_require_sysctl(struct checker *c, const struct ast_node *n, const char *name,
			const char *value);
void forward_set(struct checker *c, struct forward_draft *f, const struct ast_node *n);

/* check_group.c: the members of a service's virtual_server_group, still without protocol and id.
 * False when there are none. */
bool group_read(struct checker *c, struct service_draft *d);
/* When the family and the protocol of the service are known. False when no member is left. */
bool group_finish(struct checker *c, struct service_draft *d);

/* check_server.c */
void server_check_all(struct checker *c, struct service_draft *d);
void server_finish(struct checker *c, struct service_draft *s, struct server_draft *d);

/* check_method.c */
enum check_method method_of(enum keyword_place place);
void method_init(struct check_draft *d);
bool method_connects(enum check_method method);
/* False when the check can't be made, which has been said. `virtualhost`: that of what is around. */
bool method_finish(struct checker *c, struct check_draft *d, const char *virtualhost,
		   struct check *ret);

/* check_tls.c: the SSL block, and what a check has of it all, if it speaks TLS */
void tls_init(struct check_tls *t);
void tls_read_default(struct checker *c, const struct ast_node *block);
void tls_finish(struct checker *c, const struct check_draft *d, struct check *ret);

/*
 * check_steps.c: "0a 1b", "0A1B", "a": bytes of one digit or two, in the canonical form "0a1b". With
 * `any` a digit may be x. NULL when it is none; of a line, all words as one, and it is said.
 */
const char *hex_of_word(struct checker *c, const char *s, bool any);
const char *hex_of_line(struct checker *c, const struct ast_node *n, bool any);

/* check_http.c: false when the check can't be made, which has been said */
bool http_finish(struct checker *c, struct check_draft *d, const char *virtualhost,
		 struct check *ret);

/* What keyword.def calls. */
#define SETTER(fn) void fn(struct checker *c, void *draft, const struct ast_node *n)
SETTER(set_global_mail_from);
SETTER(set_global_mail_to);
SETTER(set_global_smtp_helo);
SETTER(set_global_smtp_server);
SETTER(set_global_mcast4);
SETTER(set_global_mcast6);
SETTER(set_global_min_garp);
SETTER(set_global_router_id);
SETTER(set_global_nftables);
SETTER(set_global_iproute_dir);
SETTER(set_global_rt_priority);
SETTER(set_global_cpu_affinity);
SETTER(set_global_startup_script);
SETTER(set_global_shutdown_script);
SETTER(set_global_process_name);
SETTER(set_global_umask);
SETTER(set_global_random_seed);
SETTER(set_global_path);
SETTER(set_global_reload_file);
SETTER(set_global_script_user);
SETTER(set_global_flush_on_stop);
SETTER(set_global_sync_daemon);
SETTER(set_global_sysctls);
SETTER(set_global_timeouts);
SETTER(set_file_init);
SETTER(set_file_path);
SETTER(set_process_command);
SETTER(set_process_delay);
SETTER(set_process_match);
SETTER(set_global_default_interface);
SETTER(set_global_garp_extra);
SETTER(set_global_vmac_addr_prefix);
SETTER(set_global_vmac_prefix);
SETTER(set_hmac_anti_replay);
SETTER(set_hmac_key);
SETTER(set_hmac_mode);
SETTER(set_global_fifo);
SETTER(set_global_fifo_script);
SETTER(set_vrrp_timer_expired);
SETTER(set_vrrp_notify_deleted);
SETTER(set_script_command);
SETTER(set_script_user);
SETTER(set_tracker_weight);
SETTER(set_sync_group_members);
SETTER(set_sync_group_notify);
SETTER(set_sync_group_track);
SETTER(set_sync_group_tracks);
SETTER(set_sync_address);
SETTER(set_sync_interface);
SETTER(set_sync_key);
SETTER(set_sync_key_next);
SETTER(set_sync_peer_detect);
SETTER(set_sync_path);
SETTER(set_sync_path_group);
SETTER(set_sync_peer);
SETTER(set_sync_any_peer);
SETTER(set_vrrp_auth);
SETTER(set_vrrp_auth_pass);
SETTER(set_vrrp_auth_type);
SETTER(set_vrrp_excluded);
SETTER(set_vrrp_hmac);
SETTER(set_vrrp_interface);
SETTER(set_vrrp_mcast_dst);
SETTER(set_vrrp_mcast_src);
SETTER(set_vrrp_notify);
SETTER(set_vrrp_old_checksum);
SETTER(set_vrrp_peers);
SETTER(set_vrrp_priority);
SETTER(set_vrrp_state);
SETTER(set_vrrp_sync_daemon);
SETTER(set_vrrp_track_interface);
SETTER(set_garp_interface);
SETTER(set_garp_interfaces);
SETTER(set_track_group_members);
SETTER(set_vrrp_routes);
SETTER(set_vrrp_rules);
SETTER(set_vrrp_track);
SETTER(set_vrrp_unicast_src);
SETTER(set_vrrp_unicast_ttl);
SETTER(set_vrrp_use_ipvlan);
SETTER(set_vrrp_use_vmac);
SETTER(set_vrrp_garp_extra);
SETTER(set_vrrp_vips);
SETTER(set_vrrp_vrf);
SETTER(set_service_family);
SETTER(set_service_active_only);
SETTER(set_service_resilience);
SETTER(set_service_feedback);
SETTER(set_service_feedback_min);
SETTER(set_service_forward);
SETTER(set_service_granularity);
SETTER(set_service_max_ejection);
SETTER(set_service_mh_option);
SETTER(set_service_notify);
SETTER(set_service_option);
SETTER(set_service_persistence);
SETTER(set_service_persistence_engine);
SETTER(set_service_protocol);
SETTER(set_service_scheduler);
SETTER(set_service_server);
SETTER(set_service_sh_option);
SETTER(set_service_sorry);
SETTER(set_service_sorry_forward);
SETTER(set_server_check);
SETTER(set_server_check_later);
SETTER(set_server_forward);
SETTER(set_server_notify);
SETTER(set_check_bind);
SETTER(set_check_bind_if);
SETTER(set_check_connect_ip);
SETTER(set_dns_name);
SETTER(set_dns_type);
SETTER(set_agent_send);
SETTER(set_check_sni_name);
SETTER(set_check_tls_ca);
SETTER(set_check_tls_certificate);
SETTER(set_check_tls_key);
SETTER(set_check_tls_key_password);
SETTER(set_check_file);
SETTER(set_check_file_weight);
SETTER(set_grpc_service);
SETTER(set_http_basic_auth);
SETTER(set_http_protocol);
SETTER(set_http_url);
SETTER(set_http_virtualhost);
SETTER(set_misc_path);
SETTER(set_misc_user);
SETTER(set_server_virtualhost);
SETTER(set_service_virtualhost);
SETTER(set_smtp_helo);
SETTER(set_smtp_host);
SETTER(set_step_expect);
SETTER(set_step_expect_hex);
SETTER(set_step_expect_regex);
SETTER(set_step_send);
SETTER(set_step_send_hex);
SETTER(set_tls_ca);
SETTER(set_tls_certificate);
SETTER(set_tls_key);
SETTER(set_tls_key_password);
SETTER(set_udp_payload);
SETTER(set_udp_reply);
SETTER(set_url_body);
SETTER(set_url_digest);
SETTER(set_url_header);
SETTER(set_url_method);
SETTER(set_url_path);
SETTER(set_url_regex);
SETTER(set_url_regex_options);
SETTER(set_url_status);
SETTER(set_url_virtualhost);
#undef SETTER

#endif
