/* SPDX-License-Identifier: Apache-2.0 */
/* The sync block at work: see peering.h. */
#include "sync/peering.h"

#include "sync/key.h"
#include "sync/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX	 4000000
#define BUFFER		 (8 << 20)
#define FRAMES_AT_ONCE	 64
#define CAPTURE_AT_ONCE	 256
#define EXPIRE_AT_ONCE	 65536
#define HEARTBEAT_US	 (100 * USEC_PER_MSEC)
#define BATCH_US	 USEC_PER_MSEC

static uint32_t now_s(int64_t now_us)
{
	return (uint32_t)(now_us / USEC_PER_SEC);
}

/* The same after a restart, and another one than the peers'. FNV-1a. */
static uint64_t node_of(const struct addr *a)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < sizeof(a->b); i++)
		h = (h ^ a->b[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* What the session tells */

struct addr peering_address(const struct peering *p, uint64_t node, const struct addr *other)
{
	for (uint32_t i = 0; i < p->block->n_peers; i++)
		if (node_of(&p->block->peers[i].address) == node)
			return p->block->peers[i].address;
	return *other;
}

static void on_event(void *ctx, const struct sync_event *event)
{
	struct peering *p = ctx;
	struct addr address = peering_address(p, event->node, &event->path.address);
	char text[ADDR_TEXT_MAX];
	const char *who = addr_format(&address, text);

	switch (event->kind) {
	case SYNC_EVENT_FOLLOWING:
	case SYNC_EVENT_SYNCED:
	case SYNC_EVENT_RESTARTED:
	case SYNC_EVENT_FOLLOWED:
		log_info("peer %s: %s", who, sync_event_name(event->kind));
		break;
	case SYNC_EVENT_SILENT:
	case SYNC_EVENT_LEFT:
		log_warning("peer %s: %s", who, sync_event_name(event->kind));
		break;
	case SYNC_EVENT_FOREIGN_KEY:
	case SYNC_EVENT_FOREIGN_VERSION:
	case SYNC_EVENT_SAME_NODE:
		if (log_limit_pass(&p->limit, clock_now_us())) /* anybody can send these */
			log_warning("peer %s: %s%s", who, sync_event_name(event->kind),
				    log_limit_suffix(&p->limit));
		break;
	case SYNC_EVENT_NOTE:
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

static void on_record(void *ctx, const uint8_t *record, size_t len)
{
	struct peering *p = ctx;

	sync_session_put(p->session, clock_now_us(), record, len);
}

static void on_kernel(struct ev_loop *loop, ev_io *w, int events)
{
	struct peering *p = w->data;

	sync_kernel_capture(&p->kernel, CAPTURE_AT_ONCE, on_record, p);
	sync_session_set_drops(p->session, p->kernel.drops);
}

static void on_echo(struct ev_loop *loop, ev_io *w, int events)
{
	sync_kernel_echo(&((struct peering *)w->data)->kernel);
}

static void on_peers(struct ev_loop *loop, ev_io *w, int events)
{
	struct peering *p = w->data;

	sync_transport_receive(p->transport, 0, FRAMES_AT_ONCE, p->session, clock_now_us());
}

/* What the peers knew is of use when our kernel knows it. */
static void look_at_synced(struct peering *p)
{
	bool all_heard = sync_session_is_synced(p->session), was = p->synced;

	if (!all_heard)
		p->target = 0;
	else if (!p->target)
		p->target = p->table.version;
	p->synced = all_heard && (p->synced || sync_kernel_version(&p->kernel) >= p->target);
	if (p->synced != was) {
		if (p->synced)
			log_notice("synced: the kernel has all %zu connections that the peers knew",
				   p->table.n);
		p->changed();
	}
}

/* Before the loop waits: whatever has come in, frames and records go out once. */
static void on_work(struct ev_loop *loop, ev_prepare *w, int events)
{
	struct peering *p = w->data;
	int64_t now_us = clock_now_us(), at_us, kernel_us;
	bool more;

	sync_kernel_inject(&p->kernel, &p->table, now_us);
	more = sync_transport_send(p->transport, p->session, now_us, FRAMES_AT_ONCE);
	look_at_synced(p);
	at_us = sync_session_deadline(p->session, now_us);
	kernel_us = sync_kernel_deadline(&p->kernel, &p->table);
	if (kernel_us < at_us)
		at_us = kernel_us;
	ev_timer_stop(loop, &p->deadline);
	if (!more && at_us == USEC_NEVER)
		return;
	ev_now_update(loop);
	ev_timer_set(&p->deadline,
		     more || at_us <= now_us ? 0 : (double)(at_us - now_us) / USEC_PER_SEC, 0);
	ev_timer_start(loop, &p->deadline);
}

/* To wake the loop is all it is for. */
static void on_deadline(struct ev_loop *loop, ev_timer *w, int events)
{
}

static void watch(struct peering *p, ev_io *w, int fd)
{
	ev_io_set(w, fd, EV_READ);
	ev_io_start(p->loop, w);
}

static void unwatch(struct peering *p)
{
	ev_io_stop(p->loop, &p->peers_readable);
	ev_io_stop(p->loop, &p->kernel_readable);
	ev_io_stop(p->loop, &p->echo_readable);
	ev_prepare_stop(p->loop, &p->work);
	ev_timer_stop(p->loop, &p->deadline);
}

/* Its start and its end */

static void stop(struct peering *p)
{
	if (!p->transport)
		return;
	unwatch(p);
	sync_kernel_close(&p->kernel, &p->table);
	sync_session_free(p->session);
	sync_transport_free(p->transport);
	p->session = NULL;
	p->transport = NULL;
	p->synced = false;
	p->target = 0;
	p->changed();
}

static int open_transport(struct peering *p, char *why, size_t size)
{
	const struct sync_block *b = p->block;
	struct addr peers[SYNC_PEERS_MAX];
	struct sync_link_conf link = {.ifname = b->ifname,
				      .source = b->address,
				      .port = b->port,
				      .buffer = BUFFER,
				      .peers = peers};

	for (uint32_t i = 0; i < b->n_peers && i < SYNC_PEERS_MAX; i++)
		peers[link.n_peers++] = b->peers[i].address;
	return sync_transport_new(&link, 1, &p->transport, why, size);
}

static int open_all(struct peering *p, struct text *why)
{
	const char *what;
	int err = sync_key_load(p->block->key, &p->conf.psk[0], why);

	if (err)
		return err;
	err = open_transport(p, why->s, sizeof(why->s));
	if (err)
		return err;
	err = sync_kernel_open(&p->kernel, &p->table, &what);
	if (err) {
		text_set(why, "%s: %s", what, strerror(-err));
		sync_transport_free(p->transport);
		p->transport = NULL;
		return err;
	}
	p->session = sync_session_new(&p->conf, &p->table, &p->roles, &session_ops, p,
				      clock_now_us());
	if (!p->session)
		abort();
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
	watch(p, &p->peers_readable, sync_transport_fd(p->transport, 0));
	watch(p, &p->kernel_readable, p->kernel.capture);
	watch(p, &p->echo_readable, p->kernel.echo);
	ev_prepare_start(p->loop, &p->work);
	log_notice("sync runs on port %u with %u peers", p->block->port, p->conf.expected);
	if (sync_roles_has_active(&p->roles))
		sync_session_take_over(p->session);
}

static void on_second(struct ev_loop *loop, ev_timer *w, int events)
{
	struct peering *p = w->data;

	if (p->block && !peering_runs(p))
		start(p);
	sync_table_expire(&p->table, now_s(clock_now_us()), EXPIRE_AT_ONCE);
	report_second(p);
	p->changed();
}

void peering_init(struct peering *p, struct ev_loop *loop, void (*changed)(void))
{
	uint64_t random[2];

	*p = (struct peering){.loop = loop,
			      .changed = changed,
			      .limit = {.interval_us = 10 * USEC_PER_SEC, .burst = 3}};
	sync_random(random, sizeof(random));
	if (sync_table_init(&p->table, random[0], random[1], ENTRIES_MAX))
		abort();
	sync_roles_init(&p->roles);
	ev_init(&p->peers_readable, on_peers);
	ev_init(&p->kernel_readable, on_kernel);
	ev_init(&p->echo_readable, on_echo);
	ev_init(&p->deadline, on_deadline);
	ev_prepare_init(&p->work, on_work);
	ev_timer_init(&p->second, on_second, 1, 1);
	p->peers_readable.data = p->kernel_readable.data = p->echo_readable.data = p;
	p->work.data = p->second.data = p;
	ev_timer_start(loop, &p->second);
}

int peering_check(const struct sync_block *block, struct text *ret_reason)
{
	struct sync_key key;
	int err = sync_key_load(block->key, &key, ret_reason);

	sync_wipe(&key, sizeof(key));
	return err;
}

static struct sync_block *block_copy(const struct sync_block *b)
{
	struct sync_block *copy = malloc(sizeof(*copy));
	struct sync_peer *peers = calloc(b->n_peers, sizeof(*peers));
	char *key = strdup(b->key), *ifname = strdup(b->ifname);

	if (!copy || !peers || !key || !ifname)
		abort();
	*copy = *b;
	memcpy(peers, b->peers, b->n_peers * sizeof(*peers));
	copy->peers = peers;
	copy->key = key;
	copy->ifname = ifname;
	return copy;
}

static void block_free(struct sync_block *b)
{
	if (!b)
		return;
	free((void *)b->peers);
	free((void *)b->key);
	free((void *)b->ifname);
	free(b);
}

void peering_configure(struct peering *p, const struct sync_block *block)
{
	if (block && p->block && sync_block_equal(block, p->block))
		return;
	stop(p);
	block_free(p->block);
	p->block = NULL;
	if (!block)
		return;
	p->block = block_copy(block);
	p->conf = (struct sync_conf){
		.node = node_of(&block->address),
		.expected = block->n_peers,
		.n_psk = 1,
		.suite = sync_suite_preferred(),
		.frame_max = SYNC_FRAME_DEFAULT,
		.heartbeat_us = HEARTBEAT_US,
		.batch_us = BATCH_US,
	};
	start(p);
}

void peering_roles_changed(struct peering *p, bool gained)
{
	if (gained && peering_runs(p))
		sync_session_take_over(p->session);
}

void peering_done(struct peering *p)
{
	stop(p);
	ev_timer_stop(p->loop, &p->second);
	block_free(p->block);
	p->block = NULL;
	sync_roles_done(&p->roles);
	sync_table_done(&p->table);
}
