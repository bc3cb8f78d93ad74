/* SPDX-License-Identifier: Apache-2.0 */
/* The checked configuration: see model.h and model.def. */
#include "core/model.h"

#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

MODEL_RECORDS(RECORD_EQUAL)
MODEL_RECORDS(RECORD_ENCODE)
MODEL_RECORDS(RECORD_DECODE)

const char *notify_on_name(enum notify_on on)
{
	static const char *const names[] = {
		[NOTIFY_MASTER] = "notify_master", [NOTIFY_BACKUP] = "notify_backup",
		[NOTIFY_FAULT] = "notify_fault",   [NOTIFY_STOP] = "notify_stop",
		[NOTIFY_ANY] = "notify",	   [NOTIFY_UP] = "notify_up",
		[NOTIFY_DOWN] = "notify_down",
		[NOTIFY_MASTER_RX_LOWER_PRI] = "notify_master_rx_lower_pri",
		[NOTIFY_DELETED] = "notify_deleted",
	};

	return names[on];
}

const char *track_kind_name(enum track_kind kind)
{
	static const char *const names[] = {
		[TRACK_SCRIPT] = "vrrp_script",
		[TRACK_FILE] = "track_file",
		[TRACK_PROCESS] = "vrrp_track_process",
		[TRACK_SERVICE] = "virtual_server",
	};

	return names[kind];
}

const char *notify_fifo_name(enum notify_fifo_kind kind)
{
	static const char *const names[NOTIFY_FIFO_KINDS] = {
		[NOTIFY_FIFO_ALL] = "notify_fifo",
		[NOTIFY_FIFO_VRRP] = "vrrp_notify_fifo",
		[NOTIFY_FIFO_LVS] = "lvs_notify_fifo",
	};

	return names[kind];
}

const char *process_match_name(enum process_match match)
{
	static const char *const names[] = {
		[PROCESS_ANY] = NULL,
		[PROCESS_EXACT] = NULL,
		[PROCESS_PARTIAL] = "partial",
		[PROCESS_INITIAL] = "initial",
	};

	return names[match];
}

const char *check_method_name(enum check_method method)
{
	static const char *const names[] = {
		[CHECK_TCP] = "TCP_CHECK",
		[CHECK_HTTP] = "HTTP_GET",
		[CHECK_SSL] = "SSL_GET",
		[CHECK_MISC] = "MISC_CHECK",
		[CHECK_PING] = "PING_CHECK",
		[CHECK_UDP] = "UDP_CHECK",
		[CHECK_DNS] = "DNS_CHECK",
		[CHECK_SMTP] = "SMTP_CHECK",
		[CHECK_GRPC] = "GRPC_CHECK",
		[CHECK_AGENT] = "AGENT_CHECK",
		[CHECK_FILE] = "FILE_CHECK",
	};

	return names[method];
}

const char *forward_name(enum ipvs_forward forward)
{
	switch (forward) {
	case IPVS_FORWARD_NAT:
		return "NAT";
	case IPVS_FORWARD_TUNNEL:
		return "TUN";
	case IPVS_FORWARD_DR:
		return "DR";
	case IPVS_FORWARD_SNAT:
		return "SNAT";
	}
	return "?";
}

bool forward_translates(enum ipvs_forward forward)
{
	return forward == IPVS_FORWARD_NAT || forward == IPVS_FORWARD_SNAT;
}

const char *resilience_name(enum resilience resilience)
{
	static const char *const names[] = {
		[RESILIENCE_UNSAID] = "",
		[RESILIENCE_SYNC] = "sync",
		[RESILIENCE_HASH] = "hash",
		[RESILIENCE_BOTH] = "both",
	};

	return names[resilience];
}

const char *check_format(const struct check *c, char *text)
{
	const char *name = check_method_name((enum check_method)c->method);
	char at[ADDR_TEXT_MAX];

	if (c->n_misc)
		snprintf(text, TEXT_MAX, "%s %.80s", name, c->misc->command);
	else if (c->n_file)
		snprintf(text, TEXT_MAX, "%s %.80s", name, c->file->name);
	else
		snprintf(text, TEXT_MAX, "%s %s%s", name,
			 c->port ? addr_format_port(&c->address, c->port, at)
				 : addr_format(&c->address, at),
			 addr_is_set(&c->through) ? " through the service" : "");
	return text;
}

const char *feedback_name(enum feedback feedback)
{
	static const char *const names[] = {
		[FEEDBACK_NONE] = "none",
		[FEEDBACK_LATENCY] = "latency",
		[FEEDBACK_BANDWIDTH] = "bandwidth",
	};

	return names[feedback];
}

const char *http_request_name(enum http_request request)
{
	static const char *const names[] = {
		[HTTP_GET] = "GET",
		[HTTP_HEAD] = "HEAD",
		[HTTP_POST] = "POST",
		[HTTP_OPTIONS] = "OPTIONS",
	};

	return names[request];
}

const char *tunnel_name(enum ipvs_tunnel tunnel)
{
	switch (tunnel) {
	case IPVS_TUNNEL_IPIP:
		return "ipip";
	case IPVS_TUNNEL_GUE:
		return "gue";
	case IPVS_TUNNEL_GRE:
		return "gre";
	}
	return "?";
}

const char *http_protocol_name(enum http_protocol protocol)
{
	static const char *const names[] = {
		[HTTP_1_0] = "1.0",
		[HTTP_1_0C] = "1.0C",
		[HTTP_1_1] = "1.1",
		[HTTP_2] = "2",
	};

	return names[protocol];
}

/* FNV-1a, with a final mix: ids are compared and sorted, never trusted against an attacker. */
static uint64_t hash_bytes(uint64_t h, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < n; i++)
		h = (h ^ at[i]) * UINT64_C(1099511628211);
	return h;
}

static uint64_t hash_of(const uint8_t *at, size_t n)
{
	uint64_t h = hash_bytes(UINT64_C(14695981039346656037), at, n);

	h ^= h >> 29;
	h *= UINT64_C(0xbf58476d1ce4e5b9);
	h ^= h >> 32;
	return h ? h : 1;
}

static uint64_t hash_writer(const struct writer *w)
{
	return hash_of(w->at, w->len);
}

static void id_start(struct writer *w, uint8_t *buf, size_t size, char kind)
{
	writer_init_fixed(w, buf, size);
	put_u8(w, (uint8_t)kind);
}

uint64_t model_id_vrrp(uint8_t family, const char *ifname, uint8_t vrid)
{
	uint8_t buf[64];
	struct writer w;

	id_start(&w, buf, sizeof(buf), 'v');
	put_u8(&w, family);
	put_u8(&w, vrid);
	put_str(&w, ifname);
	return hash_writer(&w);
}

static uint64_t id_of_name(const char *kind, const char *name)
{
	uint64_t h = hash_bytes(UINT64_C(14695981039346656037), kind, 1);

	h = hash_bytes(h, name, strlen(name));
	return hash_of((const uint8_t *)&h, sizeof(h));
}

uint64_t model_id_sync_group(const char *name)
{
	return id_of_name("g", name);
}

uint64_t model_id_track_script(const char *name)
{
	return id_of_name("t", name);
}

uint64_t model_id_track_file(const char *name)
{
	return id_of_name("f", name);
}

uint64_t model_id_track_process(const char *name)
{
	return id_of_name("p", name);
}

uint64_t model_id_track_group(const char *name)
{
	return id_of_name("G", name);
}

uint64_t model_id_virtual_server(const struct virtual_server *vs)
{
	uint8_t buf[512];
	struct writer w;

	id_start(&w, buf, sizeof(buf), vs->n_members ? 'g' : 's');
	if (vs->n_members) {
		put_u8(&w, vs->protocol);
		put_str(&w, vs->group);
		return hash_writer(&w);
	}
	put_u8(&w, vs->family);
	put_u8(&w, vs->fwmark ? 0 : vs->protocol);
	put_addr(&w, vs->address);
	put_u16(&w, vs->port);
	put_u32(&w, vs->fwmark);
	return hash_writer(&w);
}

uint64_t model_id_real_server(uint64_t service_id, const struct addr *address, uint16_t port)
{
	uint8_t buf[64];
	struct writer w;

	id_start(&w, buf, sizeof(buf), 'r');
	put_u64(&w, service_id);
	put_addr(&w, *address);
	put_u16(&w, port);
	return hash_writer(&w);
}

uint64_t model_id_check(uint64_t server_id, enum check_method method, uint32_t place)
{
	uint8_t buf[64];
	struct writer w;

	id_start(&w, buf, sizeof(buf), 'c');
	put_u64(&w, server_id);
	put_u8(&w, (uint8_t)method);
	put_u32(&w, place);
	return hash_writer(&w);
}

static uint64_t hash_server(const struct real_server *r)
{
	uint8_t buf[64];
	struct writer w;

	id_start(&w, buf, sizeof(buf), 'R');
	put_u64(&w, r->id);
	put_i32(&w, r->weight);
	put_u8(&w, r->forward);
	return hash_writer(&w);
}

static uint64_t hash_service(const struct virtual_server *vs)
{
	uint64_t servers = 0;
	uint8_t buf[128];
	struct writer w;

	for (uint32_t i = 0; i < vs->n_servers; i++)
		servers += hash_server(&vs->servers[i]);
	id_start(&w, buf, sizeof(buf), 'S');
	put_u64(&w, vs->id);
	put_str(&w, vs->scheduler);
	put_u32(&w, vs->scheduler_flags);
	put_u32(&w, vs->persistence_timeout_s);
	put_u64(&w, servers);
	return hash_writer(&w);
}

uint64_t model_services_hash(const struct model *m)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < m->n_services; i++)
		sum += hash_service(&m->services[i]);
	return sum;
}

static uint64_t hash_vip(const struct vrrp_instance *v, const struct vip *vip)
{
	uint8_t buf[64];
	struct writer w;

	id_start(&w, buf, sizeof(buf), 'V');
	put_u8(&w, v->vrid);
	put_addr(&w, vip->address);
	put_u8(&w, vip->prefixlen);
	return hash_writer(&w);
}

uint64_t model_addresses_hash(const struct model *m)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < m->n_instances; i++) {
		const struct vrrp_instance *v = &m->instances[i];

		for (uint32_t k = 0; k < v->n_vips; k++)
			sum += hash_vip(v, &v->vips[k]);
		for (uint32_t k = 0; k < v->n_excluded; k++)
			sum += hash_vip(v, &v->excluded[k]);
	}
	return sum;
}

uint64_t model_router_hash(const struct vrrp_instance *v)
{
	uint64_t sum = v->vrid;

	for (uint32_t k = 0; k < v->n_vips; k++)
		sum += hash_vip(v, &v->vips[k]);
	return sum;
}

uint64_t model_id_sysctl(const char *name)
{
	uint8_t buf[128];
	struct writer w;

	id_start(&w, buf, sizeof(buf), 'y');
	put_str(&w, name);
	return hash_writer(&w);
}

uint64_t check_hash(const struct check *c)
{
	struct check anonymous = *c;
	struct writer w;
	uint64_t hash;

	anonymous.id = 0;
	writer_init_growing(&w);
	encode_check(&w, &anonymous);
	hash = hash_writer(&w);
	writer_done(&w);
	return hash;
}

const struct vrrp_instance *model_find_instance(const struct model *m, uint64_t id)
{
	for (uint32_t i = 0; i < m->n_instances; i++)
		if (m->instances[i].id == id)
			return &m->instances[i];
	return NULL;
}

const struct sync_group *model_find_group(const struct model *m, uint64_t id)
{
	for (uint32_t i = 0; i < m->n_groups; i++)
		if (m->groups[i].id == id)
			return &m->groups[i];
	return NULL;
}

const char *model_vip_base(const struct vrrp_instance *v, const struct vip *vip)
{
	return vip->ifname[0] ? vip->ifname : v->ifname;
}

bool model_wants_vmac(const struct vrrp_instance *v, const struct vip *vip)
{
	bool own = strcmp(model_vip_base(v, vip), v->ifname) == 0 &&
		   vip->address.family == v->family;

	return vip->use_vmac || (own ? v->use_vmac : v->use_vmac_addr);
}

const struct vmac *model_vmac_of(const struct vrrp_instance *v, const struct vip *vip)
{
	const char *base = model_vip_base(v, vip);

	for (uint32_t i = 0; i < v->n_vmacs && model_wants_vmac(v, vip); i++)
		if (v->vmacs[i].family == vip->address.family &&
		    strcmp(v->vmacs[i].base, base) == 0)
			return &v->vmacs[i];
	return NULL;
}

bool model_is_grouped(const struct model *m, uint64_t instance)
{
	for (uint32_t i = 0; i < m->n_groups; i++)
		for (uint32_t k = 0; k < m->groups[i].n_members; k++)
			if (m->groups[i].members[k].instance == instance)
				return true;
	return false;
}

const struct virtual_server *model_find_service(const struct model *m, uint64_t id)
{
	for (uint32_t i = 0; i < m->n_services; i++)
		if (m->services[i].id == id)
			return &m->services[i];
	return NULL;
}

const char *virtual_server_format(const struct virtual_server *vs, char *text)
{
	const char *protocol = vs->protocol == IPPROTO_UDP    ? "UDP"
			       : vs->protocol == IPPROTO_SCTP ? "SCTP"
							      : "TCP";
	char at[ADDR_TEXT_MAX];

	if (vs->n_members)
		snprintf(text, TEXT_MAX, "group %s%s%s", vs->group, vs->protocol ? " " : "",
			 vs->protocol ? protocol : "");
	else if (vs->fwmark)
		snprintf(text, TEXT_MAX, "fwmark %u%s", vs->fwmark,
			 vs->family == AF_INET6 ? " IPv6" : "");
	else
		snprintf(text, TEXT_MAX, "%s %s", addr_format_port(&vs->address, vs->port, at),
			 protocol);
	return text;
}

int model_image_new(const struct model *m, uint64_t *ret_hash)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
	struct writer w;
	int fd, err;

	writer_init_growing(&w);
	encode_model(&w, m);
	err = w.full ? -ENOMEM : 0;
	fd = memfd_create("tandem-model", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (!err && fd < 0)
		err = -errno;
	if (!err)
		err = file_write_all(fd, w.at, w.len);
	if (!err && fcntl(fd, F_ADD_SEALS, seals) < 0)
		err = -errno;
	/* The generation comes first, and is not content. */
	if (!err)
		*ret_hash = hash_of(w.at + sizeof(m->generation), w.len - sizeof(m->generation));
	writer_done(&w);
	if (err && fd >= 0)
		close(fd);
	return err ? err : fd;
}

/* All that stands before the services in an image. */
static void decode_model_instances(struct reader *r, struct model *v)
{
	RECORD_F_DECODE(u64, generation)
	RECORD_F_DECODE(u64, services_hash)
	RECORD_L_DECODE(global, global)
	RECORD_L_DECODE(vrrp_instance, instances)
	RECORD_L_DECODE(sync_group, groups)
	RECORD_L_DECODE(track_script, scripts)
	RECORD_L_DECODE(track_file, files)
	RECORD_L_DECODE(track_process, processes)
	RECORD_L_DECODE(vip, static_addresses)
	RECORD_L_DECODE(route, static_routes)
	RECORD_L_DECODE(rule, static_rules)
	RECORD_L_DECODE(track_group, track_groups)
	RECORD_L_DECODE(uncopied, uncopied)
	r->at = r->end;
}

int model_image_map(int fd, void **ret_image, size_t *ret_size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size <= 0)
		return -EBADMSG;
	*ret_size = (size_t)st.st_size;
	*ret_image = mmap(NULL, *ret_size, PROT_READ, MAP_PRIVATE, fd, 0);
	return *ret_image == MAP_FAILED ? -errno : 0;
}

static int decode(const void *image, size_t size, struct arena *arena,
		  void (*decode_part)(struct reader *r, struct model *v), const struct model **ret)
{
	struct model *m = arena_alloc(arena, sizeof(*m));
	struct reader r;

	reader_init(&r, image, size, arena);
	decode_part(&r, m);
	if (!reader_done(&r) || m->n_global != 1)
		return -EBADMSG;
	*ret = m;
	return 0;
}

static int read_all(int fd, uint8_t *at, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t got = pread(fd, at + done, n - done, (off_t)done);

		if (got <= 0)
			return got < 0 ? -errno : -EBADMSG;
		done += (size_t)got;
	}
	return 0;
}

/* Read, not mapped: that is a page fault for each page, and this memory has been used before. */
int model_image_load(int fd, struct arena *arena, const struct model **ret)
{
	struct stat st;
	uint8_t *image;
	int err;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size <= 0)
		return -EBADMSG;
	image = malloc((size_t)st.st_size);
	err = image ? read_all(fd, image, (size_t)st.st_size) : -ENOMEM;
	if (!err)
		err = decode(image, (size_t)st.st_size, arena, decode_model, ret);
	if (image)
		explicit_bzero(image, (size_t)st.st_size); /* there may be secrets in it */
	free(image);
	return err;
}

/* Mapped, so that no more of it is touched than is read: the advertisements wait meanwhile. */
int model_image_load_instances(int fd, struct arena *arena, const struct model **ret)
{
	void *image;
	size_t size;
	int err = model_image_map(fd, &image, &size);

	if (err)
		return err;
	err = decode(image, size, arena, decode_model_instances, ret);
	munmap(image, size);
	return err;
}
