/* SPDX-License-Identifier: Apache-2.0 */
/* IPVS generic netlink messages to and from values: see genl.h. */
#include "ipvs/genl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <string.h>

static struct nlmsghdr *start(void *at, const struct ipvs_genl_head *head, uint8_t command)
{
	struct nlmsghdr *nlh;
	struct genlmsghdr *genl;

	memset(at, 0, IPVS_REQUEST_MAX); /* the padding of attributes, which libmnl leaves as it is */
	nlh = mnl_nlmsg_put_header(at);
	nlh->nlmsg_type = head->family;
	nlh->nlmsg_flags = NLM_F_REQUEST | head->flags;
	nlh->nlmsg_seq = head->seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = command;
	genl->version = IPVS_GENL_VERSION;
	return nlh;
}

static void put_key(struct nlmsghdr *nlh, const struct ipvs_key *key)
{
	mnl_attr_put_u16(nlh, IPVS_SVC_ATTR_AF, key->family);
	if (key->fwmark) {
		mnl_attr_put_u32(nlh, IPVS_SVC_ATTR_FWMARK, key->fwmark);
		return;
	}
	mnl_attr_put_u16(nlh, IPVS_SVC_ATTR_PROTOCOL, key->protocol);
	mnl_attr_put(nlh, IPVS_SVC_ATTR_ADDR, sizeof(key->address.b), key->address.b);
	mnl_attr_put_u16(nlh, IPVS_SVC_ATTR_PORT, htons(key->port));
}

static void put_service_key(struct nlmsghdr *nlh, const struct ipvs_key *key)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, IPVS_CMD_ATTR_SERVICE);

	put_key(nlh, key);
	mnl_attr_nest_end(nlh, nest);
}

/* IPv4 wants the mask itself, IPv6 the length of the prefix. */
static uint32_t netmask_of(uint8_t family, uint8_t prefixlen)
{
	if (family == AF_INET6)
		return prefixlen;
	return prefixlen ? htonl(UINT32_MAX << (32 - (prefixlen < 32 ? prefixlen : 32))) : 0;
}

static void put_service(struct nlmsghdr *nlh, const struct ipvs_service *s)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, IPVS_CMD_ATTR_SERVICE);
	struct ip_vs_flags flags = { .flags = s->flags, .mask = ~0U };

	put_key(nlh, &s->key);
	mnl_attr_put_strz(nlh, IPVS_SVC_ATTR_SCHED_NAME, s->scheduler);
	if (s->engine[0])
		mnl_attr_put_strz(nlh, IPVS_SVC_ATTR_PE_NAME, s->engine);
	mnl_attr_put(nlh, IPVS_SVC_ATTR_FLAGS, sizeof(flags), &flags);
	mnl_attr_put_u32(nlh, IPVS_SVC_ATTR_TIMEOUT, s->timeout_s);
	mnl_attr_put_u32(nlh, IPVS_SVC_ATTR_NETMASK, netmask_of(s->key.family, s->prefixlen));
	mnl_attr_nest_end(nlh, nest);
}

static void put_dest_key(struct nlmsghdr *nlh, const struct ipvs_dest *d)
{
	mnl_attr_put_u16(nlh, IPVS_DEST_ATTR_ADDR_FAMILY, d->address.family);
	mnl_attr_put(nlh, IPVS_DEST_ATTR_ADDR, sizeof(d->address.b), d->address.b);
	mnl_attr_put_u16(nlh, IPVS_DEST_ATTR_PORT, htons(d->port));
}

static void put_dest(struct nlmsghdr *nlh, const struct ipvs_dest *d, bool whole)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, IPVS_CMD_ATTR_DEST);

	put_dest_key(nlh, d);
	if (whole) {
		mnl_attr_put_u32(nlh, IPVS_DEST_ATTR_FWD_METHOD, d->forward);
		mnl_attr_put_u32(nlh, IPVS_DEST_ATTR_WEIGHT, (uint32_t)d->weight);
		mnl_attr_put_u32(nlh, IPVS_DEST_ATTR_U_THRESH, d->upper_threshold);
		mnl_attr_put_u32(nlh, IPVS_DEST_ATTR_L_THRESH, d->lower_threshold);
	}
	if (whole && d->forward == IP_VS_CONN_F_TUNNEL) {
		mnl_attr_put_u8(nlh, IPVS_DEST_ATTR_TUN_TYPE, d->tunnel_type);
		mnl_attr_put_u16(nlh, IPVS_DEST_ATTR_TUN_PORT, htons(d->tunnel_port));
		mnl_attr_put_u16(nlh, IPVS_DEST_ATTR_TUN_FLAGS, d->tunnel_flags);
	}
	mnl_attr_nest_end(nlh, nest);
}

static void put_timeouts(struct nlmsghdr *nlh, const struct ipvs_timeouts *t)
{
	if (t->tcp_s)
		mnl_attr_put_u32(nlh, IPVS_CMD_ATTR_TIMEOUT_TCP, t->tcp_s);
	if (t->tcpfin_s)
		mnl_attr_put_u32(nlh, IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, t->tcpfin_s);
	if (t->udp_s)
		mnl_attr_put_u32(nlh, IPVS_CMD_ATTR_TIMEOUT_UDP, t->udp_s);
}

static void put_daemon(struct nlmsghdr *nlh, enum ipvs_daemon_kind kind,
		       const struct ipvs_daemon *d, bool whole)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, IPVS_CMD_ATTR_DAEMON);
	bool ipv6 = d->group.family == AF_INET6;

	mnl_attr_put_u32(nlh, IPVS_DAEMON_ATTR_STATE,
			 kind == IPVS_DAEMON_MASTER ? IP_VS_STATE_MASTER : IP_VS_STATE_BACKUP);
	mnl_attr_put_strz(nlh, IPVS_DAEMON_ATTR_MCAST_IFN, d->ifname);
	mnl_attr_put_u32(nlh, IPVS_DAEMON_ATTR_SYNC_ID, d->sync_id);
	if (whole && d->maxlen)
		mnl_attr_put_u16(nlh, IPVS_DAEMON_ATTR_SYNC_MAXLEN, d->maxlen);
	if (whole && d->port)
		mnl_attr_put_u16(nlh, IPVS_DAEMON_ATTR_MCAST_PORT, d->port);
	if (whole && d->ttl)
		mnl_attr_put_u8(nlh, IPVS_DAEMON_ATTR_MCAST_TTL, d->ttl);
	if (whole && addr_is_set(&d->group))
		mnl_attr_put(nlh,
			     ipv6 ? IPVS_DAEMON_ATTR_MCAST_GROUP6 : IPVS_DAEMON_ATTR_MCAST_GROUP,
			     ipv6 ? 16 : 4, d->group.b);
	mnl_attr_nest_end(nlh, nest);
}

static uint8_t command_of(enum ipvs_edit_kind kind)
{
	static const uint8_t commands[] = {
		[IPVS_EDIT_NEW_SERVICE] = IPVS_CMD_NEW_SERVICE,
		[IPVS_EDIT_SET_SERVICE] = IPVS_CMD_SET_SERVICE,
		[IPVS_EDIT_DEL_SERVICE] = IPVS_CMD_DEL_SERVICE,
		[IPVS_EDIT_NEW_DEST] = IPVS_CMD_NEW_DEST,
		[IPVS_EDIT_SET_DEST] = IPVS_CMD_SET_DEST,
		[IPVS_EDIT_DEL_DEST] = IPVS_CMD_DEL_DEST,
		[IPVS_EDIT_SET_TIMEOUTS] = IPVS_CMD_SET_CONFIG,
		[IPVS_EDIT_NEW_DAEMON] = IPVS_CMD_NEW_DAEMON,
		[IPVS_EDIT_DEL_DAEMON] = IPVS_CMD_DEL_DAEMON,
	};

	return commands[kind];
}

size_t ipvs_genl_put_edit(void *at, const struct ipvs_genl_head *head, const struct ipvs_edit *e)
{
	struct nlmsghdr *nlh = start(at, head, command_of(e->kind));

	switch (e->kind) {
	case IPVS_EDIT_NEW_SERVICE:
	case IPVS_EDIT_SET_SERVICE:
		put_service(nlh, e->service);
		break;
	case IPVS_EDIT_DEL_SERVICE:
		put_service_key(nlh, &e->service->key);
		break;
	case IPVS_EDIT_NEW_DEST:
	case IPVS_EDIT_SET_DEST:
	case IPVS_EDIT_DEL_DEST:
		put_service_key(nlh, &e->service->key);
		put_dest(nlh, e->dest, e->kind != IPVS_EDIT_DEL_DEST);
		break;
	case IPVS_EDIT_SET_TIMEOUTS:
		put_timeouts(nlh, &e->timeouts);
		break;
	case IPVS_EDIT_NEW_DAEMON:
	case IPVS_EDIT_DEL_DAEMON:
		put_daemon(nlh, e->daemon_kind, e->daemon, e->kind == IPVS_EDIT_NEW_DAEMON);
		break;
	case IPVS_EDIT_KINDS:
		break;
	}
	return nlh->nlmsg_len;
}

size_t ipvs_genl_put_flush(void *at, const struct ipvs_genl_head *head)
{
	return start(at, head, IPVS_CMD_FLUSH)->nlmsg_len;
}

size_t ipvs_genl_put_dump_services(void *at, const struct ipvs_genl_head *head)
{
	struct nlmsghdr *nlh = start(at, head, IPVS_CMD_GET_SERVICE);

	nlh->nlmsg_flags |= NLM_F_DUMP;
	return nlh->nlmsg_len;
}

size_t ipvs_genl_put_get_service(void *at, const struct ipvs_genl_head *head,
				 const struct ipvs_key *key)
{
	struct nlmsghdr *nlh = start(at, head, IPVS_CMD_GET_SERVICE);

	put_service_key(nlh, key);
	return nlh->nlmsg_len;
}

size_t ipvs_genl_put_dump_dests(void *at, const struct ipvs_genl_head *head,
				const struct ipvs_key *key)
{
	struct nlmsghdr *nlh = start(at, head, IPVS_CMD_GET_DEST);

	nlh->nlmsg_flags |= NLM_F_DUMP;
	put_service_key(nlh, key);
	return nlh->nlmsg_len;
}

size_t ipvs_genl_put_dump_daemons(void *at, const struct ipvs_genl_head *head)
{
	struct nlmsghdr *nlh = start(at, head, IPVS_CMD_GET_DAEMON);

	nlh->nlmsg_flags |= NLM_F_DUMP;
	return nlh->nlmsg_len;
}

size_t ipvs_genl_put_get_timeouts(void *at, const struct ipvs_genl_head *head)
{
	return start(at, head, IPVS_CMD_GET_CONFIG)->nlmsg_len;
}

size_t ipvs_genl_put_get_family(void *at, const struct ipvs_genl_head *head)
{
	struct ipvs_genl_head ctrl = *head;
	struct nlmsghdr *nlh;

	ctrl.family = GENL_ID_CTRL;
	nlh = start(at, &ctrl, CTRL_CMD_GETFAMILY);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, IPVS_GENL_NAME);
	return nlh->nlmsg_len;
}

/* Attributes by number; those that are unknown to us are skipped. */
struct attrs {
	const struct nlattr **by_type;
	uint16_t n;
};

static int collect(const struct nlattr *attr, void *data)
{
	struct attrs *a = data;

	if (mnl_attr_get_type(attr) < a->n)
		a->by_type[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static const struct nlattr **parse(const struct nlmsghdr *nlh, const struct nlattr **by_type,
				   uint16_t n)
{
	struct attrs a = { by_type, n };

	/* libmnl rounds the length up, past the end of one that is not a multiple of 4. */
	if (nlh->nlmsg_len < NLMSG_HDRLEN + sizeof(struct genlmsghdr) ||
	    nlh->nlmsg_len % NLMSG_ALIGNTO)
		return NULL;
	memset(by_type, 0, n * sizeof(by_type[0]));
	if (mnl_attr_parse(nlh, sizeof(struct genlmsghdr), collect, &a) < 0)
		return NULL;
	return by_type;
}

static const struct nlattr **parse_nest(const struct nlattr *nest, const struct nlattr **by_type,
					uint16_t n)
{
	struct attrs a = { by_type, n };

	if (!nest)
		return NULL;
	memset(by_type, 0, n * sizeof(by_type[0]));
	if (mnl_attr_parse_nested(nest, collect, &a) < 0)
		return NULL;
	return by_type;
}

/* Copies exactly `size` bytes, or sets *bad. */
static void get_bytes(const struct nlattr *attr, void *ret, size_t size, bool *bad)
{
	if (!attr || mnl_attr_get_payload_len(attr) < size)
		*bad = true;
	else
		memcpy(ret, mnl_attr_get_payload(attr), size);
}

static uint16_t get_number16(const struct nlattr *attr, bool *bad)
{
	uint16_t v = 0;

	get_bytes(attr, &v, sizeof(v), bad);
	return v;
}

static uint32_t get_number32(const struct nlattr *attr, bool *bad)
{
	uint32_t v = 0;

	get_bytes(attr, &v, sizeof(v), bad);
	return v;
}

static void get_name(const struct nlattr *attr, char ret[IPVS_NAME_MAX], bool *bad)
{
	if (!attr || mnl_attr_get_payload_len(attr) > IPVS_NAME_MAX) {
		*bad = true;
		return;
	}
	memset(ret, 0, IPVS_NAME_MAX);
	memcpy(ret, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
	*bad |= ret[IPVS_NAME_MAX - 1] != '\0';
}

static struct addr get_address(const struct nlattr *attr, uint16_t family, bool *bad)
{
	uint8_t bytes[16] = { 0 };

	if (family != AF_INET && family != AF_INET6)
		*bad = true;
	get_bytes(attr, bytes, family == AF_INET6 ? 16 : 4, bad);
	return *bad ? (struct addr){ 0 } : addr_from_bytes(family, bytes);
}

/* Linux before 4.1 has 32 bits of them only: left at 0. */
static void get_counters(const struct nlattr *nest, struct ipvs_counters *c, bool *bad)
{
	uint64_t *const fields[] = {
		[IPVS_STATS_ATTR_CONNS] = &c->conns,
		[IPVS_STATS_ATTR_INPKTS] = &c->in_packets,
		[IPVS_STATS_ATTR_OUTPKTS] = &c->out_packets,
		[IPVS_STATS_ATTR_INBYTES] = &c->in_bytes,
		[IPVS_STATS_ATTR_OUTBYTES] = &c->out_bytes,
		[IPVS_STATS_ATTR_CPS] = &c->conns_per_s,
		[IPVS_STATS_ATTR_INPPS] = &c->in_packets_per_s,
		[IPVS_STATS_ATTR_OUTPPS] = &c->out_packets_per_s,
		[IPVS_STATS_ATTR_INBPS] = &c->in_bytes_per_s,
		[IPVS_STATS_ATTR_OUTBPS] = &c->out_bytes_per_s,
	};
	const struct nlattr *attr[IPVS_STATS_ATTR_MAX + 1];

	if (!nest)
		return;
	if (!parse_nest(nest, attr, IPVS_STATS_ATTR_MAX + 1)) {
		*bad = true;
		return;
	}
	for (size_t i = IPVS_STATS_ATTR_CONNS; i <= IPVS_STATS_ATTR_OUTBPS; i++)
		if (attr[i])
			get_bytes(attr[i], fields[i], sizeof(*fields[i]), bad);
}

static uint8_t prefixlen_of(uint8_t family, uint32_t netmask)
{
	if (family == AF_INET6)
		return netmask <= 128 ? (uint8_t)netmask : 128;
	return (uint8_t)__builtin_popcount(netmask);
}

static struct ipvs_key get_key(const struct nlattr **svc, bool *bad)
{
	struct ipvs_key key = { .family = (uint8_t)get_number16(svc[IPVS_SVC_ATTR_AF], bad) };

	if (svc[IPVS_SVC_ATTR_FWMARK]) {
		key.fwmark = get_number32(svc[IPVS_SVC_ATTR_FWMARK], bad);
		return key;
	}
	key.protocol = (uint8_t)get_number16(svc[IPVS_SVC_ATTR_PROTOCOL], bad);
	key.port = ntohs(get_number16(svc[IPVS_SVC_ATTR_PORT], bad));
	key.address = get_address(svc[IPVS_SVC_ATTR_ADDR], key.family, bad);
	return key;
}

int ipvs_genl_get_service(const struct nlmsghdr *nlh, struct ipvs_service *ret)
{
	const struct nlattr *top[IPVS_CMD_ATTR_MAX + 1], *svc[IPVS_SVC_ATTR_MAX + 1];
	struct ip_vs_flags flags = { 0 };
	struct ipvs_service s = { 0 };
	bool bad = false;

	if (!parse(nlh, top, IPVS_CMD_ATTR_MAX + 1) ||
	    !parse_nest(top[IPVS_CMD_ATTR_SERVICE], svc, IPVS_SVC_ATTR_MAX + 1))
		return -EBADMSG;
	s.key = get_key(svc, &bad);
	get_name(svc[IPVS_SVC_ATTR_SCHED_NAME], s.scheduler, &bad);
	if (svc[IPVS_SVC_ATTR_PE_NAME])
		get_name(svc[IPVS_SVC_ATTR_PE_NAME], s.engine, &bad);
	get_bytes(svc[IPVS_SVC_ATTR_FLAGS], &flags, sizeof(flags), &bad);
	s.flags = flags.flags & ~(uint32_t)IP_VS_SVC_F_HASHED;
	s.timeout_s = get_number32(svc[IPVS_SVC_ATTR_TIMEOUT], &bad);
	s.prefixlen = prefixlen_of(s.key.family, get_number32(svc[IPVS_SVC_ATTR_NETMASK], &bad));
	get_counters(svc[IPVS_SVC_ATTR_STATS64], &s.counters, &bad);
	if (bad)
		return -EBADMSG;
	*ret = s;
	return 0;
}

/* Linux before 5.3 has no tunnel types: everything is IPIP there. */
static void get_tunnel(const struct nlattr **attr, struct ipvs_dest *d, bool *bad)
{
	if (!attr[IPVS_DEST_ATTR_TUN_TYPE])
		return;
	get_bytes(attr[IPVS_DEST_ATTR_TUN_TYPE], &d->tunnel_type, 1, bad);
	d->tunnel_port = ntohs(get_number16(attr[IPVS_DEST_ATTR_TUN_PORT], bad));
	if (attr[IPVS_DEST_ATTR_TUN_FLAGS])
		d->tunnel_flags = get_number16(attr[IPVS_DEST_ATTR_TUN_FLAGS], bad);
}

int ipvs_genl_get_dest(const struct nlmsghdr *nlh, uint8_t family, struct ipvs_dest *ret)
{
	const struct nlattr *top[IPVS_CMD_ATTR_MAX + 1], *attr[IPVS_DEST_ATTR_MAX + 1];
	struct ipvs_dest d = { 0 };
	uint16_t own_family = family;
	bool bad = false;

	if (!parse(nlh, top, IPVS_CMD_ATTR_MAX + 1) ||
	    !parse_nest(top[IPVS_CMD_ATTR_DEST], attr, IPVS_DEST_ATTR_MAX + 1))
		return -EBADMSG;
	if (attr[IPVS_DEST_ATTR_ADDR_FAMILY])
		own_family = get_number16(attr[IPVS_DEST_ATTR_ADDR_FAMILY], &bad);
	d.address = get_address(attr[IPVS_DEST_ATTR_ADDR], own_family, &bad);
	d.port = ntohs(get_number16(attr[IPVS_DEST_ATTR_PORT], &bad));
	d.forward = get_number32(attr[IPVS_DEST_ATTR_FWD_METHOD], &bad) & IP_VS_CONN_F_FWD_MASK;
	d.weight = (int32_t)get_number32(attr[IPVS_DEST_ATTR_WEIGHT], &bad);
	d.upper_threshold = get_number32(attr[IPVS_DEST_ATTR_U_THRESH], &bad);
	d.lower_threshold = get_number32(attr[IPVS_DEST_ATTR_L_THRESH], &bad);
	d.active_conns = get_number32(attr[IPVS_DEST_ATTR_ACTIVE_CONNS], &bad);
	d.inactive_conns = get_number32(attr[IPVS_DEST_ATTR_INACT_CONNS], &bad);
	get_tunnel(attr, &d, &bad);
	get_counters(attr[IPVS_DEST_ATTR_STATS64], &d.counters, &bad);
	if (bad)
		return -EBADMSG;
	*ret = d;
	return 0;
}

/* Linux before 4.3 tells no more than the interface and the id. */
static void get_daemon_options(const struct nlattr **attr, struct ipvs_daemon *d, bool *bad)
{
	if (attr[IPVS_DAEMON_ATTR_SYNC_MAXLEN])
		d->maxlen = get_number16(attr[IPVS_DAEMON_ATTR_SYNC_MAXLEN], bad);
	if (attr[IPVS_DAEMON_ATTR_MCAST_PORT])
		d->port = get_number16(attr[IPVS_DAEMON_ATTR_MCAST_PORT], bad);
	if (attr[IPVS_DAEMON_ATTR_MCAST_TTL])
		get_bytes(attr[IPVS_DAEMON_ATTR_MCAST_TTL], &d->ttl, 1, bad);
	if (attr[IPVS_DAEMON_ATTR_MCAST_GROUP6])
		d->group = get_address(attr[IPVS_DAEMON_ATTR_MCAST_GROUP6], AF_INET6, bad);
	else if (attr[IPVS_DAEMON_ATTR_MCAST_GROUP])
		d->group = get_address(attr[IPVS_DAEMON_ATTR_MCAST_GROUP], AF_INET, bad);
}

int ipvs_genl_get_daemon(const struct nlmsghdr *nlh, enum ipvs_daemon_kind *ret_kind,
			 struct ipvs_daemon *ret)
{
	const struct nlattr *top[IPVS_CMD_ATTR_MAX + 1], *attr[IPVS_DAEMON_ATTR_MAX + 1];
	struct ipvs_daemon d = { .runs = true };
	bool bad = false;
	uint32_t state;

	if (!parse(nlh, top, IPVS_CMD_ATTR_MAX + 1) ||
	    !parse_nest(top[IPVS_CMD_ATTR_DAEMON], attr, IPVS_DAEMON_ATTR_MAX + 1))
		return -EBADMSG;
	state = get_number32(attr[IPVS_DAEMON_ATTR_STATE], &bad);
	get_name(attr[IPVS_DAEMON_ATTR_MCAST_IFN], d.ifname, &bad);
	d.sync_id = (uint8_t)get_number32(attr[IPVS_DAEMON_ATTR_SYNC_ID], &bad);
	get_daemon_options(attr, &d, &bad);
	if (bad || (state != IP_VS_STATE_MASTER && state != IP_VS_STATE_BACKUP))
		return -EBADMSG;
	*ret_kind = state == IP_VS_STATE_MASTER ? IPVS_DAEMON_MASTER : IPVS_DAEMON_BACKUP;
	*ret = d;
	return 0;
}

int ipvs_genl_get_timeouts(const struct nlmsghdr *nlh, struct ipvs_timeouts *ret)
{
	const struct nlattr *top[IPVS_CMD_ATTR_MAX + 1];
	struct ipvs_timeouts t = { 0 };
	bool bad = false;

	if (!parse(nlh, top, IPVS_CMD_ATTR_MAX + 1))
		return -EBADMSG;
	/* Each is told only when the kernel was built for its protocol. */
	if (top[IPVS_CMD_ATTR_TIMEOUT_TCP])
		t.tcp_s = get_number32(top[IPVS_CMD_ATTR_TIMEOUT_TCP], &bad);
	if (top[IPVS_CMD_ATTR_TIMEOUT_TCP_FIN])
		t.tcpfin_s = get_number32(top[IPVS_CMD_ATTR_TIMEOUT_TCP_FIN], &bad);
	if (top[IPVS_CMD_ATTR_TIMEOUT_UDP])
		t.udp_s = get_number32(top[IPVS_CMD_ATTR_TIMEOUT_UDP], &bad);
	if (bad)
		return -EBADMSG;
	*ret = t;
	return 0;
}

int ipvs_genl_get_family(const struct nlmsghdr *nlh, uint16_t *ret)
{
	const struct nlattr *top[CTRL_ATTR_FAMILY_NAME + 1];
	bool bad = false;
	uint16_t id;

	if (!parse(nlh, top, CTRL_ATTR_FAMILY_NAME + 1))
		return -EBADMSG;
	id = get_number16(top[CTRL_ATTR_FAMILY_ID], &bad);
	if (bad)
		return -EBADMSG;
	*ret = id;
	return 0;
}
