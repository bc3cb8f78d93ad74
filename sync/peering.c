/* SPDX-License-Identifier: Apache-2.0 */
/* The sync block at work: see peering.h. */
#include "sync/peering.h"

#include "core/must.h"
#include "sync/block.h"
#include "sync/key.h"
#include "sync/listen.h"
#include "sync/report.h"
#include "sync/uncopied.h"

#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER		 (8 << 20)
#define FRAMES_AT_ONCE	 64
#define HEARD_AT_ONCE	 256 /* all that a window holds */
#define CAPTURE_AT_ONCE	 256
#define CAPTURE_ALL	 65536 /* as many as its buffer may hold */
#define EXPIRE_AT_ONCE	 65536
#define AUDIT_DROPS_US	 (3 * USEC_PER_SEC) /* who is flooded has no time for it now */
#define HELD_UP_US	 (100 * USEC_PER_MSEC)
#define HEARTBEAT_US	 (100 * USEC_PER_MSEC)
#define BATCH_US	 USEC_PER_MSEC
#define PUSH_AFTER_US	 USEC_PER_SEC /* who is no longer Active has connections of the last moment */

/* FNV-1a. */
static uint64_t name_of(const uint8_t *bytes, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
	return h;
}

static uint64_t node_of(const struct addr *a)
{
	return name_of(a->b, sizeof(a->b));
}

/* The same after a restart, and another one than the peers': by the first path's address or, where
 * none is configured, by its interface's hardware address. */
static uint64_t own_name(const struct sync_path_conf *path)
{
	struct ifreq r = {0};
	int fd, err;

	if (addr_is_set(&path->address))
		return node_of(&path->address);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", path->ifname);
	err = fd < 0 ? -1 : ioctl(fd, SIOCGIFHWADDR, &r);
	if (fd >= 0)
		close(fd);
	return err ? 0 : name_of((const uint8_t *)r.ifr_hwaddr.sa_data, 6);
}

/* What the session tells */

struct addr peering_address(const struct peering *p, uint64_t node)
{
	const struct sync_path_conf *first = &p->block->paths[0];

	for (uint32_t i = 0; i < first->n_peers; i++)
		if (node_of(&first->peers[i].address) == node)
			return first->peers[i].address;
	for (unsigned i = 0; p->session && i < sync_session_peers(p->session); i++) {
		struct sync_peer_state s;
		unsigned n;

		sync_session_peer(p->session, i, 0, &s);
		if (s.node == node && sync_session_paths(p->session, i, &n) && n)
			return sync_session_paths(p->session, i, &n)->address;
	}
	return (struct addr){0};
}

/* Who has both can do without the poorer one. */
static void offer_upgrade(const struct peering *p, const char *who)
{
	for (uint32_t i = 0; i < p->block->n_kernel_peer; i++)
		log_notice("peer %s: it speaks tandem's own protocol; when all directors do, `peer "
			   "kernel-multicast %s` can be taken out",
			   who, p->block->kernel_peer[i].ifname);
}

/* For the log: after the word for what has happened, what that is. */
static const char *meaning(enum sync_event_kind kind)
{
	switch (kind) {
	case SYNC_EVENT_FOLLOWING:
		return ": it tells us what it knows";
	case SYNC_EVENT_SYNCED:
		return ": we have all that it knew";
	case SYNC_EVENT_SILENT:
		return ": nothing is heard of it any more";
	case SYNC_EVENT_RESTARTED:
		return ": it has begun anew";
	case SYNC_EVENT_FOLLOWED:
		return ": we tell it what we know";
	case SYNC_EVENT_LEFT:
		return ": it follows us no longer, and is told nothing";
	case SYNC_EVENT_ACTIVE:
	case SYNC_EVENT_NOTE:
	case SYNC_EVENT_FOREIGN_KEY:
	case SYNC_EVENT_FOREIGN_VERSION:
	case SYNC_EVENT_SAME_NODE:
		break;
	}
	return "";
}

static void tell(enum log_level level, const char *who, enum sync_event_kind kind)
{
	log_line(level, "peer %s: %s%s", who, sync_event_name(kind), meaning(kind));
}

static void on_event(void *ctx, const struct sync_event *event)
{
	struct peering *p = ctx;
	struct addr address = event->path.address; /* a stranger's */
	char text[ADDR_TEXT_MAX];
	const char *who;

	if (!addr_is_set(&address))
		address = peering_address(p, event->node);
	who = addr_format(&address, text);
	switch (event->kind) {
	case SYNC_EVENT_FOLLOWING:
		offer_upgrade(p, who);
		tell(LOG_LEVEL_INFO, who, event->kind);
		break;
	case SYNC_EVENT_SYNCED:
		tell(LOG_LEVEL_INFO, who, event->kind);
		peering_look_at_heard(p);
		break;
	case SYNC_EVENT_RESTARTED:
		tell(LOG_LEVEL_INFO, who, event->kind);
		peering_forget_views(p, event->node);
		break;
	case SYNC_EVENT_FOLLOWED:
		tell(LOG_LEVEL_INFO, who, event->kind);
		break;
	case SYNC_EVENT_SILENT:
		tell(LOG_LEVEL_WARNING, who, event->kind);
		peering_look_at_heard(p);
		break;
	case SYNC_EVENT_LEFT:
		tell(LOG_LEVEL_WARNING, who, event->kind);
		break;
	case SYNC_EVENT_FOREIGN_KEY:
	case SYNC_EVENT_FOREIGN_VERSION:
	case SYNC_EVENT_SAME_NODE:
		p->stranger = (struct peering_stranger){
			.kind = event->kind, .address = address, .heard_us = clock_now_us()};
		if (log_limit_pass(&p->limit, clock_now_us())) /* anybody can send these */
			log_warning("peer %s: %s%s", who, sync_event_name(event->kind),
				    log_limit_suffix(&p->limit));
		break;
	case SYNC_EVENT_ACTIVE:
		p->served = true;
		break;
	case SYNC_EVENT_NOTE:
		peering_hear_note(p, event);
		break;
	}
}

static void on_random(void *ctx, void *bytes, size_t len)
{
	sync_random(bytes, len);
}

static const struct sync_session_ops session_ops = {.event = on_event, .random = on_random};

/* The loop */

bool peering_runs(const struct peering *p)
{
	return p->session && p->transport;
}

static void on_record(void *ctx, int64_t now_us, const uint8_t *record, size_t len)
{
	struct peering *p = ctx;

	if (!sync_is_uncopied(p->model, record))
		sync_session_put(p->session, now_us, record, len);
}

static void call_audit(struct peering *p, int64_t at_us, int64_t now_us)
{
	ev_timer_stop(p->loop, &p->audit_timer);
	ev_timer_set(&p->audit_timer, at_us > now_us ? (double)(at_us - now_us) / USEC_PER_SEC : 0,
		     0);
	ev_timer_start(p->loop, &p->audit_timer);
}

/* The kernel may have connections that its list alone tells of. */
static void hurry_audit(struct peering *p, int64_t at_us)
{
	int64_t step_us = sync_audit_hurry(&p->audit, at_us);

	if (step_us != USEC_NEVER)
		call_audit(p, step_us, clock_now_us());
}

void peering_server_added(struct peering *p, const struct msg_server_added *v)
{
	const struct proc_dest dest = {.fwmark = v->fwmark,
				       .protocol = v->protocol,
				       .vip = v->vip,
				       .vip_port = v->vip_port,
				       .address = v->address,
				       .port = v->port};
	int64_t step_us = peering_runs(p) ? sync_audit_server_added(&p->audit, &dest) : USEC_NEVER;

	if (step_us != USEC_NEVER)
		call_audit(p, step_us, clock_now_us());
}

static void capture(struct peering *p, unsigned max)
{
	uint64_t drops = p->kernel.capture.drops;

	sync_kernel_capture(&p->kernel, p->now_us, max, on_record, p);
	sync_session_set_drops(p->session, p->kernel.inject.drops);
	if (p->kernel.capture.drops != drops)
		hurry_audit(p, p->now_us + AUDIT_DROPS_US);
}

void peering_capture(struct peering *p)
{
	capture(p, CAPTURE_ALL);
}

static void on_kernel(struct ev_loop *loop, ev_io *w, int events)
{
	capture(w->data, CAPTURE_AT_ONCE);
}

static void on_foreign_record(void *ctx, const uint8_t *record, size_t len)
{
	struct peering *p = ctx;

	sync_session_put_foreign(p->session, p->now_us, record, len);
}

static void on_kernel_peer(struct ev_loop *loop, ev_io *w, int events)
{
	struct peering *p = w->data;

	sync_kernel_peer_receive(&p->kernel_peer, &p->roles, on_foreign_record, p);
}

static void on_push(struct ev_loop *loop, ev_timer *w, int events)
{
	struct peering *p = w->data;
	int64_t now_us = clock_now_us();

	if (sync_roles_has_active(&p->roles))
		p->push_until_us = now_us + PUSH_AFTER_US;
	if (now_us < p->hurry_until_us)
		sync_push_now(&p->push);
	else
		w->repeat = (double)SYNC_PUSH_US / USEC_PER_SEC;
	if (now_us < p->push_until_us)
		sync_push_tick(&p->push, now_us, p->kernel.capture.heard_us);
}

static void on_found(void *ctx, const uint8_t *record, size_t len)
{
	struct peering *p = ctx;

	if (!sync_is_uncopied(p->model, record))
		sync_session_put_found(p->session, p->now_us, record, len);
}

static void on_audit(struct ev_loop *loop, ev_timer *w, int events)
{
	struct peering *p = w->data;
	int64_t now_us = clock_now_us(), at_us;

	at_us = sync_audit_step(&p->audit, &p->table, sync_inject_version(&p->kernel.inject), now_us);
	sync_session_set_kernel_knows(p->session, sync_audit_kernel_knows(&p->audit));
	call_audit(p, at_us, now_us);
}

static void on_echo(struct ev_loop *loop, ev_io *w, int events)
{
	sync_kernel_echo(&((struct peering *)w->data)->kernel);
}

static void on_peers(struct ev_loop *loop, ev_io *w, int events)
{
	struct peering *p = w->data;
	unsigned link = (unsigned)(w - p->peers_readable);

	sync_transport_receive(p->transport, link, HEARD_AT_ONCE, p->session, p->now_us);
}

/* What the peers knew is of use when our kernel knows it. */
static void look_at_synced(struct peering *p)
{
	bool all_heard = sync_session_is_synced(p->session), was = p->synced;

	if (!all_heard)
		p->target = 0;
	else if (!p->target)
		p->target = p->table.version;
	p->synced = all_heard && (p->synced || sync_inject_version(&p->kernel.inject) >= p->target);
	if (p->synced != was) {
		if (p->synced)
			log_notice("synced: the kernel has all %zu connections that the peers knew",
				   p->table.n);
		if (p->synced && !p->audit.counters.passes)
			hurry_audit(p, clock_now_us());
		p->changed();
	}
}

static void update_shield(struct peering *p, int64_t now_us)
{
	p->facts.was_synced |= p->synced;
	p->facts.wait_us = p->block->wait_us;
	sync_shield_set(&p->shield, &p->roles, sync_shield_withholds(&p->facts, now_us),
			now_us);
}

static void look_at_drain(struct peering *p, int64_t now_us)
{
	uint64_t acked = UINT64_MAX;
	unsigned peers = 0;

	if (peering_runs(p))
		peers = sync_session_followers(p->session, &acked);
	if (sync_drain_is_over(&p->drain, now_us, p->table.version, peers, acked))
		p->drained(peers);
}

/* It is looked at before each wait of the loop; to wake that is all this is for. */
static void on_drain(struct ev_loop *loop, ev_timer *w, int events)
{
}

void peering_drain(struct peering *p)
{
	int64_t now_us = clock_now_us();

	sync_drain_ask(&p->drain, now_us);
	peering_hurry(p, now_us);
	look_at_drain(p, now_us);
	ev_timer_stop(p->loop, &p->drain_timer);
	ev_timer_set(&p->drain_timer, (double)SYNC_DRAIN_TOLD_US / USEC_PER_SEC, 0);
	ev_timer_start(p->loop, &p->drain_timer);
}

/* After the loop has waited. One look at the clock, beside the loop's own, does for all of the turn. Who
 * was held up has not been able to hear: that comes before what waits to be read. */
static void on_awake(struct ev_loop *loop, ev_check *w, int events)
{
	struct peering *p = w->data;

	p->now_us = clock_now_us();
	if (p->due_us != USEC_NEVER && p->now_us - p->due_us > HELD_UP_US)
		sync_session_held_up(p->session, p->now_us, p->now_us - p->due_us);
}

/* While an address changes hands, each millisecond has connections of its own. */
static bool is_handing_over(const struct peering *p)
{
	return p->asked_us || p->now_us < p->hurry_until_us;
}

static void look_at_load(struct peering *p)
{
	uint64_t told = p->kernel.capture.records + sync_session_counters(p->session)->records_in;
	int64_t us = sync_listen_us(told - p->told, p->now_us - p->told_us);

	if (is_handing_over(p))
		us = 0;
	ev_set_io_collect_interval(p->loop, (double)us / USEC_PER_SEC);
	p->told = told;
	p->told_us = p->now_us;
}

/* Before the loop waits: whatever has come in, frames and records go out once. */
static void on_work(struct ev_loop *loop, ev_prepare *w, int events)
{
	struct peering *p = w->data;
	int64_t now_us = p->now_us, at_us, other_us;
	bool more;

	sync_inject_run(&p->kernel.inject, &p->table, now_us);
	more = sync_transport_send(p->transport, p->session, now_us, FRAMES_AT_ONCE);
	look_at_synced(p);
	look_at_drain(p, now_us);
	peering_look_at_handover(p, now_us);
	look_at_load(p);
	at_us = sync_session_deadline(p->session, now_us);
	other_us = sync_inject_deadline(&p->kernel.inject, &p->table);
	if (other_us < at_us)
		at_us = other_us;
	if (p->kernel_peer.out >= 0) {
		other_us = sync_kernel_peer_send(&p->kernel_peer, &p->table, &p->roles, now_us);
		if (other_us < at_us)
			at_us = other_us;
	}
	ev_timer_stop(loop, &p->deadline);
	p->due_us = more && at_us > now_us ? now_us : at_us;
	if (p->due_us == USEC_NEVER)
		return;
	ev_timer_set(&p->deadline,
		     p->due_us <= now_us ? 0 : (double)(p->due_us - now_us) / USEC_PER_SEC, 0);
	ev_timer_start(loop, &p->deadline);
}

/* To wake the loop is all it is for. */
static void on_deadline(struct ev_loop *loop, ev_timer *w, int events)
{
}

static void watch(struct peering *p, ev_io *w, int fd)
{
	ev_io_stop(p->loop, w);
	if (fd < 0)
		return;
	ev_io_set(w, fd, EV_READ);
	ev_io_start(p->loop, w);
}

static void watch_links(struct peering *p)
{
	for (unsigned i = 0; i < sync_transport_links(p->transport); i++)
		watch(p, &p->peers_readable[i], sync_transport_fd(p->transport, i));
}

static void unwatch(struct peering *p)
{
	for (unsigned i = 0; i < SYNC_LINKS_MAX; i++)
		ev_io_stop(p->loop, &p->peers_readable[i]);
	ev_io_stop(p->loop, &p->kernel_readable);
	ev_io_stop(p->loop, &p->echo_readable);
	ev_io_stop(p->loop, &p->kernel_peer_readable);
	ev_check_stop(p->loop, &p->awake);
	ev_prepare_stop(p->loop, &p->work);
	ev_timer_stop(p->loop, &p->deadline);
	ev_timer_stop(p->loop, &p->push_timer);
	ev_timer_stop(p->loop, &p->audit_timer);
	ev_set_io_collect_interval(p->loop, 0);
}

/* Its start and its end */

static void stop(struct peering *p)
{
	if (!p->transport)
		return;
	unwatch(p);
	peering_forget_all_views(p);
	sync_shield_remove(&p->shield);
	sync_push_close(&p->push);
	sync_audit_close(&p->audit, &p->table);
	sync_kernel_peer_close(&p->kernel_peer, &p->table);
	sync_kernel_close(&p->kernel, &p->table);
	sync_session_free(p->session);
	sync_transport_free(p->transport);
	p->session = NULL;
	p->transport = NULL;
	p->synced = p->lacks = false;
	p->target = 0;
	p->serves();
	p->changed();
}

static int open_transport(struct peering *p, struct text *why)
{
	const struct sync_block *b = p->block;
	struct sync_link_conf links[SYNC_LINKS_MAX];
	struct addr peers[SYNC_LINKS_MAX][SYNC_PEERS_MAX];

	for (uint32_t i = 0; i < b->n_paths; i++) {
		const struct sync_path_conf *path = &b->paths[i];

		links[i] = (struct sync_link_conf){.ifname = path->ifname,
						   .group = path->group,
						   .source = path->address,
						   .port = b->port,
						   .buffer = BUFFER,
						   .peers = peers[i],
						   .n_peers = path->n_peers};
		for (uint32_t k = 0; k < path->n_peers; k++)
			peers[i][k] = path->peers[k].address;
	}
	return sync_transport_new(links, b->n_paths, &p->transport, why);
}

static void log_link(struct peering *p, unsigned link, const struct text *trouble)
{
	struct text name = {""};

	if (strcmp(trouble->s, p->link_trouble[link].s) == 0)
		return;
	sync_transport_describe(p->transport, link, &name);
	if (trouble->s[0])
		log_error("sync path %s does not work: %s", name.s, trouble->s);
	else
		log_notice("sync path %s works", name.s);
	p->link_trouble[link] = *trouble;
}

/* Interfaces come and go; a path that does not work is tried again. */
static void look_at_links(struct peering *p)
{
	for (unsigned i = 0; i < sync_transport_links(p->transport); i++) {
		struct text trouble = {""};

		sync_transport_repair(p->transport, i, &trouble);
		log_link(p, i, &trouble);
	}
	watch_links(p);
}

/* Loads what this block names. 0, or -errno with the reason. */
static int load_keys(const struct sync_block *b, struct sync_key keys[2], unsigned *ret_n,
		     struct text *ret_reason)
{
	int err = sync_key_load(b->secret, &keys[0], ret_reason);

	if (!err && b->secret_next[0])
		err = sync_key_load(b->secret_next, &keys[1], ret_reason);
	if (!err)
		*ret_n = b->secret_next[0] ? 2 : 1;
	return err;
}

/* Its interface may come later, or be made anew: it is tried again. */
static void open_kernel_peer(struct peering *p)
{
	struct text why = {""};

	if (!p->block->n_kernel_peer ||
	    sync_kernel_peer_stands(&p->kernel_peer, p->block->kernel_peer->ifname))
		return;
	watch(p, &p->kernel_peer_readable, -1);
	sync_kernel_peer_close(&p->kernel_peer, &p->table);
	sync_kernel_peer_open(&p->kernel_peer, p->block->kernel_peer, &p->table, clock_now_us(),
			      &why);
	if (strcmp(why.s, p->kernel_peer_trouble.s) != 0 && why.s[0])
		log_error("sync: kernel-multicast on %s", why.s);
	else if (!why.s[0])
		log_notice("sync: connections are %s on %s in the kernel's own protocol",
			   p->block->kernel_peer->receive ? "told, and taken without authentication,"
							  : "told",
			   p->block->kernel_peer->ifname);
	p->kernel_peer_trouble = why;
	watch(p, &p->kernel_peer_readable, p->kernel_peer.in);
}

static int open_all(struct peering *p, struct text *why)
{
	const char *what;
	int err = load_keys(p->block, p->conf.psk, &p->conf.n_psk, why);

	if (err)
		return err;
	p->conf.node = own_name(&p->block->paths[0]);
	if (!p->conf.node) {
		text_set(why, "interface %s: no such device", p->block->paths[0].ifname);
		return -ENODEV;
	}
	err = open_transport(p, why);
	if (err)
		return err;
	err = sync_kernel_open(&p->kernel, &p->table, &what);
	if (err) {
		text_set(why, "%s: %s", what, strerror(-err));
		sync_transport_free(p->transport);
		p->transport = NULL;
		return err;
	}
	if (sync_push_open(&p->push))
		log_error("a socket for the kernel's held back records: %s", strerror(errno));
	p->session = must(sync_session_new(&p->conf, &p->table, &p->roles, &session_ops, p,
					   clock_now_us()));
	sync_session_set_active(p->session, clock_now_us(), p->active);
	return 0;
}

static void start(struct peering *p)
{
	struct text why = {""};

	if (open_all(p, &why)) {
		if (strcmp(why.s, p->trouble.s) != 0)
			log_error("sync does not run: %s", why.s);
		p->trouble = why;
		return;
	}
	p->trouble.s[0] = '\0';
	look_at_links(p);
	watch(p, &p->kernel_readable, p->kernel.capture_fd);
	watch(p, &p->echo_readable, p->kernel.echo_fd);
	p->due_us = USEC_NEVER;
	p->now_us = p->told_us = clock_now_us();
	p->told = 0;
	ev_check_start(p->loop, &p->awake);
	ev_prepare_start(p->loop, &p->work);
	ev_timer_again(p->loop, &p->push_timer);
	open_kernel_peer(p);
	sync_audit_open(&p->audit, &p->table, clock_now_us(), on_found, p);
	call_audit(p, 0, 0);
	log_notice("sync runs on port %u, peers: %u, paths: %u", p->block->port,
		   p->conf.expected, p->block->n_paths);
	peering_tell_config(p);
	p->facts = (struct sync_shield_facts){.started_us = clock_now_us()};
	if (sync_roles_has_active(&p->roles))
		sync_session_take_over(p->session);
	update_shield(p, clock_now_us());
}

/* At the bound, and when there is room again: our kernel may have connections that were not taken. */
static void look_at_bound(struct peering *p)
{
	struct sync_table *t = &p->table;

	if (!p->full && t->n >= t->max) {
		p->full = true;
		log_warning("sync: the table is full with %zu connections (max_connections): new ones are "
			    "not copied",
			    t->n);
	} else if (p->full && sync_table_has_room(t)) {
		p->full = false;
		hurry_audit(p, clock_now_us());
		log_notice("sync: the table has room again; %" PRIu64 " times a connection was not taken",
			   t->counters.refused);
	}
}

static void on_second(struct ev_loop *loop, ev_timer *w, int events)
{
	struct peering *p = w->data;

	if (p->block && !peering_runs(p))
		start(p);
	else if (p->block)
		look_at_links(p);
	if (peering_runs(p)) {
		open_kernel_peer(p);
		update_shield(p, clock_now_us());
		peering_look_at_heard(p);
		peering_forget_former(p);
	}
	sync_table_expire(&p->table, (uint32_t)(clock_now_us() / USEC_PER_SEC), EXPIRE_AT_ONCE);
	look_at_bound(p);
	report_second(p);
	p->changed();
}

void peering_init(struct peering *p, struct ev_loop *loop, void (*changed)(void),
		  void (*drained)(unsigned peers),
		  void (*peers_drained)(int64_t asked_us, unsigned peers), void (*serves)(void),
		  void (*overridden)(const struct msg_server_override *v),
		  void (*viewed)(const struct msg *m))
{
	uint64_t random[2];

	*p = (struct peering){.loop = loop,
			      .changed = changed,
			      .drained = drained,
			      .peers_drained = peers_drained,
			      .serves = serves,
			      .overridden = overridden,
			      .viewed = viewed,
			      .kernel_peer = {.out = -1, .in = -1},
			      .limit = {.interval_us = 10 * USEC_PER_SEC, .burst = 3}};
	sync_random(random, sizeof(random));
	if (sync_table_init(&p->table, random[0], random[1], 0))
		abort();
	sync_roles_init(&p->roles);
	for (unsigned i = 0; i < SYNC_LINKS_MAX; i++) {
		ev_init(&p->peers_readable[i], on_peers);
		p->peers_readable[i].data = p;
	}
	ev_init(&p->kernel_readable, on_kernel);
	ev_init(&p->echo_readable, on_echo);
	ev_init(&p->kernel_peer_readable, on_kernel_peer);
	p->kernel_peer_readable.data = p;
	ev_init(&p->deadline, on_deadline);
	ev_check_init(&p->awake, on_awake);
	ev_set_priority(&p->awake, EV_MAXPRI);
	ev_prepare_init(&p->work, on_work);
	ev_timer_init(&p->push_timer, on_push, 0, (double)SYNC_PUSH_US / USEC_PER_SEC);
	ev_init(&p->audit_timer, on_audit);
	ev_init(&p->drain_timer, on_drain);
	ev_timer_init(&p->second, on_second, 1, 1);
	p->kernel_readable.data = p->echo_readable.data = p;
	p->awake.data = p->work.data = p->second.data = p->push_timer.data = p->audit_timer.data = p;
	ev_timer_start(loop, &p->second);
}

int peering_check(const struct sync_block *block, struct text *ret_reason)
{
	struct sync_key keys[2];
	unsigned n;
	int err = load_keys(block, keys, &n, ret_reason);

	sync_wipe(keys, sizeof(keys));
	return err;
}

static bool has_key(const struct sync_key *keys, unsigned n, const struct sync_key *key)
{
	for (unsigned i = 0; i < n; i++)
		if (memcmp(&keys[i], key, sizeof(*key)) == 0)
			return true;
	return false;
}

/*
 * Sessions go on when a key is added; when one is no longer accepted, all are opened anew, as
 * somebody may have it.
 */
static void take_keys(struct peering *p)
{
	struct sync_key keys[2];
	struct text why = {""};
	bool removed = false;
	unsigned n;

	if (load_keys(p->block, keys, &n, &why)) {
		log_error("sync goes on with its former key: %s", why.s);
		return;
	}
	for (unsigned i = 0; i < p->conf.n_psk; i++)
		removed |= !has_key(keys, n, &p->conf.psk[i]);
	memcpy(p->conf.psk, keys, sizeof(keys));
	p->conf.n_psk = n;
	sync_wipe(keys, sizeof(keys));
	if (!removed)
		return;
	log_notice("sync: a key is not accepted any more; all peers are met anew");
	if (sync_session_renew(p->session, clock_now_us()))
		abort();
}

void peering_configure(struct peering *p, const struct sync_block *block,
		       const struct notes_config *own)
{
	bool goes_on = block && p->block && peering_runs(p) && sync_block_same_paths(block, p->block);

	if (!goes_on)
		stop(p);
	sync_block_free(p->block);
	p->block = NULL;
	if (!block)
		return;
	p->block = sync_block_copy(block);
	p->table.max = block->max_connections;
	if (goes_on) {
		take_keys(p);
		peering_set_own(p, own);
		return;
	}
	p->conf = (struct sync_conf){
		.expected = block->expected,
		.suite = sync_suite_preferred(),
		.frame_max = SYNC_FRAME_DEFAULT,
		.heartbeat_us = HEARTBEAT_US,
		.batch_us = BATCH_US,
	};
	memset(p->link_trouble, 0, sizeof(p->link_trouble));
	p->own = *own;
	start(p);
}

void peering_roles_changed(struct peering *p, bool gained)
{
	if (!peering_runs(p))
		return;
	if (gained) {
		p->facts.gained_us = clock_now_us();
		sync_session_take_over(p->session);
	}
	update_shield(p, clock_now_us());
}

void peering_done(struct peering *p)
{
	stop(p);
	ev_timer_stop(p->loop, &p->second);
	sync_block_free(p->block);
	p->block = NULL;
	sync_roles_done(&p->roles);
	sync_table_done(&p->table);
}
