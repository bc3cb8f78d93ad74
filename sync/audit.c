/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel has against what it should have: see audit.h. */
#include "sync/audit.h"

#include "core/log.h"
#include "sync/push.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CONNS "/proc/self/net/ip_vs_conn"
#define DESTS "/proc/self/net/ip_vs"

#define PASS_US	    (30 * USEC_PER_SEC)
#define PASS_SOON_US (3 * USEC_PER_SEC) /* when something was not seen: to be sure */
#define PASS_SHORT_US (10 * USEC_PER_SEC)
#define PASS_DEAR_US (600 * USEC_PER_SEC)
#define LOOK_US	    USEC_PER_SEC
#define STEP_US	    (16 * USEC_PER_MSEC)
/* Pages of the list a step, as long as they are cheap: a turn of the loop for each would cost more than
 * they do. */
#define PAGES	 8
#define PAGES_US USEC_PER_MSEC
/* For one unit of work, so many of rest. */
#define REST 19
#define REST_FIRST 1
/* One read() of the list that takes longer stops everything else for too long. Each is a little
 * dearer than the one before; a machine that is busy makes one dear alone. */
#define DEAR_US	      (20 * USEC_PER_MSEC)
#define DEAR_IN_A_ROW 3
/* Before the first pass is over, connections that nobody has heard of are worth more; but not more
 * than this in all. */
#define DEAR_FIRST_US (100 * USEC_PER_MSEC)
#define FIRST_MAX_US  (2 * USEC_PER_SEC)
/* Entries a step, and the time between two. */
#define ENTRIES 4096
#define WALK_US (20 * USEC_PER_MSEC)

static int64_t cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * USEC_PER_SEC + t.tv_nsec / 1000;
}

/* Till the first pass is over, connections that nobody has heard of can be lost. */
static int64_t rest_us(const struct sync_audit *a, int64_t spent_us)
{
	int64_t us = spent_us * (a->counters.passes ? REST : REST_FIRST);

	return us > STEP_US ? us : STEP_US;
}

void sync_audit_open(struct sync_audit *a, struct sync_table *t, int64_t now_us,
		     void (*adopt)(void *ctx, const uint8_t *record, size_t len), void *ctx)
{
	*a = (struct sync_audit){
		.adopt = adopt, .ctx = ctx, .conns = -1, .pass_us = now_us + SYNC_AUDIT_FIRST_US};
	sync_cursor_open(t, &a->cursor);
}

void sync_audit_close(struct sync_audit *a, struct sync_table *t)
{
	if (a->conns >= 0)
		close(a->conns);
	a->conns = -1;
	sync_cursor_close(t, &a->cursor);
	proc_dests_done(&a->dests);
	proc_dests_done(&a->added);
	proc_dests_done(&a->fresh);
}

/* Real servers */

static int read_dests(struct proc_dests *d)
{
	FILE *f = fopen(DESTS, "re");
	char line[256];
	int err = f ? 0 : -errno;

	while (!err && fgets(line, sizeof(line), f))
		err = proc_dests_line(d, line);
	if (f)
		fclose(f);
	proc_dests_sort(d);
	return err;
}

/* How many the kernel should count; it does not count templates. */
static uint64_t believed(const struct sync_table *t)
{
	return t->n - t->n_templates;
}

/* Which are there, and which of them were not when it was looked last. */
static int look(struct sync_audit *a, const struct sync_table *t)
{
	struct proc_dests now = {0};
	int err = read_dests(&now);

	if (err) {
		proc_dests_done(&now);
		return err;
	}
	if (a->looked)
		proc_dests_new(&now, &a->dests, &a->fresh);
	else
		a->begun = now.connections;
	proc_dests_done(&a->dests);
	a->dests = now;
	a->looked = true;
	/* What the kernel is still to be given it can't have. */
	a->is_short = 4 * (now.connections + t->version - a->given) < 3 * believed(t);
	return 0;
}

bool sync_audit_kernel_knows(const struct sync_audit *a)
{
	return a->begun && !a->counters.passes && !a->counters.given_up;
}

/* Walks */

static void walk(struct sync_audit *a, struct sync_table *t, enum sync_audit_phase phase)
{
	a->phase = phase;
	sync_cursor_seek(t, &a->cursor, 0);
}

static struct sync_entry *next_entry(struct sync_audit *a, const struct sync_table *t)
{
	struct sync_entry *e = sync_cursor_peek(t, &a->cursor);

	return e && e->version <= a->until ? e : NULL;
}

/* A line that was missed, as others came and went, is not in the table either. */
int64_t sync_audit_pause_us(const struct sync_audit *a)
{
	return a->unseen || a->adopted || a->again ? PASS_SOON_US : PASS_US;
}

/* Connections of servers that have come, if any has. */
static bool begin_binding(struct sync_audit *a, struct sync_table *t)
{
	for (size_t i = 0; i < a->added.n; i++)
		if (proc_dests_add(&a->fresh, &a->added.list[i]))
			break; /* out of memory: those that fit */
	a->added.n = 0;
	if (!a->fresh.n)
		return false;
	proc_dests_sort(&a->fresh);
	a->until = t->version; /* also what it is being given: it may have been there before the server */
	walk(a, t, SYNC_AUDIT_BINDING);
	return true;
}

static void end_pass(struct sync_audit *a, struct sync_table *t, int64_t now_us)
{
	if (!begin_binding(a, t))
		walk(a, t, SYNC_AUDIT_IDLE);
	a->counters.passes++;
	a->pass_us = now_us + sync_audit_pause_us(a);
	if (a->repaired)
		log_warning("sync: the kernel has lost %u connections; they are given to it again",
			    a->repaired);
}

static bool is_compared(const struct sync_record *r)
{
	/* The list shows no persistence engine's data as it is. */
	return !(r->flags & SYNC_FLAG_TEMPLATE && r->options_len);
}

enum sync_audit_verdict sync_audit_judge(const struct sync_table *t, const struct sync_entry *e,
					 const struct proc_dests *dests, unsigned passes,
					 uint32_t now_s)
{
	uint8_t unseen = (uint8_t)(t->pass - e->pass);
	const struct proc_dest *dest;
	struct sync_record r;

	if (sync_record_is_note(e->record) || !unseen)
		return SYNC_AUDIT_SEEN;
	sync_record_decode(e->record, &r);
	if (!is_compared(&r))
		return SYNC_AUDIT_SEEN;
	if (e->expires_s <= now_s + SYNC_REFRESH_S)
		return SYNC_AUDIT_ENDED;
	dest = proc_dests_find(dests, e->record);
	/* Templates to a server that takes no more connections may have been let go of. */
	if (!dest || (r.flags & SYNC_FLAG_TEMPLATE && dest->weight <= 0))
		return SYNC_AUDIT_ENDED;
	return unseen >= passes ? SYNC_AUDIT_LOST : SYNC_AUDIT_UNSEEN;
}

static void judge_entries(struct sync_audit *a, struct sync_table *t, uint32_t now_s)
{
	struct sync_entry *e;

	for (unsigned i = 0; i < ENTRIES && (e = next_entry(a, t)); i++) {
		sync_cursor_pass(&a->cursor, e);
		switch (sync_audit_judge(t, e, &a->dests, a->is_short ? 1 : 2, now_s)) {
		case SYNC_AUDIT_SEEN:
			break;
		case SYNC_AUDIT_UNSEEN:
			a->unseen++;
			break;
		case SYNC_AUDIT_ENDED:
			e->pass = t->pass; /* until it is there again, and lost again */
			break;
		case SYNC_AUDIT_LOST:
			sync_table_give_again(t, e);
			a->repaired++;
			a->counters.repairs++;
			break;
		}
	}
}

/* Those that the kernel was given before it had their real server are without one there. */
static void bind_entries(struct sync_audit *a, struct sync_table *t)
{
	struct sync_entry *e;

	for (unsigned i = 0; i < ENTRIES && (e = next_entry(a, t)); i++) {
		sync_cursor_pass(&a->cursor, e);
		if (e->owner == SYNC_OWNER_OWN || e->not_for_kernel ||
		    sync_record_is_note(e->record) || !proc_dests_find(&a->fresh, e->record))
			continue;
		sync_table_give_again(t, e);
		a->counters.rebound++;
	}
}

/* The list */

static int start_pass(struct sync_audit *a, struct sync_table *t)
{
	a->conns = open(CONNS, O_RDONLY | O_CLOEXEC);
	if (a->conns < 0)
		return -errno;
	a->phase = SYNC_AUDIT_READING;
	a->text_len = 0;
	a->again = false;
	a->unseen = a->repaired = a->adopted = a->dear = 0;
	a->spent_us = 0;
	t->pass++;
	return 0;
}

bool sync_audit_complete(const struct proc_dests *dests, uint8_t *record)
{
	const struct proc_dest *dest = proc_dests_find(dests, record);
	struct sync_record r;

	sync_record_decode(record, &r);
	if (!dest || !r.timeout_s || r.protocol == IPPROTO_SCTP)
		return false;
	if (r.protocol == IPPROTO_TCP && !(r.flags & SYNC_FLAG_TEMPLATE) &&
	    (r.state == SYNC_STATE_NONE || r.state == SYNC_STATE_SYN_SENT ||
	     r.state == SYNC_STATE_SYN_RECV || r.state > SYNC_STATE_CLOSE_WAIT))
		return false;
	sync_record_set_flags(record, r.flags | dest->forward);
	return true;
}

static void see(struct sync_audit *a, struct sync_table *t, const char *line)
{
	uint8_t record[SYNC_RECORD_MAX];
	size_t len = proc_conn_parse(line, record);
	struct sync_entry *e = len ? sync_table_find(t, record) : NULL;
	bool taken;

	if (e) {
		e->pass = t->pass;
	} else if (len && !sync_push_is_own(record) && sync_audit_complete(&a->dests, record)) {
		a->adopt(a->ctx, record, len);
		taken = sync_table_find(t, record) != NULL;
		a->adopted += taken;
		a->counters.adopted += taken;
	}
}

static void see_lines(struct sync_audit *a, struct sync_table *t)
{
	char *at = a->text, *end = a->text + a->text_len, *newline;

	while ((newline = memchr(at, '\n', (size_t)(end - at)))) {
		*newline = '\0';
		see(a, t, at);
		at = newline + 1;
	}
	a->text_len = (size_t)(end - at);
	if (a->text_len == sizeof(a->text))
		a->text_len = 0; /* no line is so long */
	memmove(a->text, at, a->text_len);
}

/* 1: there is more; 0: that was all; -errno. */
static int read_some(struct sync_audit *a, struct sync_table *t)
{
	ssize_t n = read(a->conns, a->text + a->text_len, sizeof(a->text) - a->text_len);

	if (n < 0)
		return -errno;
	a->text_len += (size_t)n;
	see_lines(a, t);
	return n > 0;
}

static void end_reading(struct sync_audit *a)
{
	close(a->conns);
	a->conns = -1;
}

static void give_up(struct sync_audit *a, int64_t now_us)
{
	end_reading(a);
	a->phase = SYNC_AUDIT_IDLE;
	a->counters.given_up++;
	a->pass_us = now_us + PASS_DEAR_US;
}

bool sync_audit_is_too_dear(struct sync_audit *a, int64_t spent_us)
{
	bool first = !a->counters.passes;

	a->spent_us += spent_us;
	a->dear = spent_us > (first ? DEAR_FIRST_US : DEAR_US) ? a->dear + 1 : 0;
	return a->dear >= DEAR_IN_A_ROW || (first && a->spent_us > FIRST_MAX_US);
}

/* 1: there is more; 0: that was all; -EFBIG: it takes too long; -errno. */
static int read_pages(struct sync_audit *a, struct sync_table *t, int64_t *ret_spent_us)
{
	int64_t begun_us = cpu_us(), before_us, now_us = begun_us;
	int more = 1;

	for (unsigned i = 0; i < PAGES && more > 0 && now_us - begun_us < PAGES_US; i++) {
		before_us = now_us;
		more = read_some(a, t);
		now_us = cpu_us();
		if (more > 0 && sync_audit_is_too_dear(a, now_us - before_us))
			more = -EFBIG;
	}
	*ret_spent_us = now_us - begun_us;
	return more;
}

static int64_t read_step(struct sync_audit *a, struct sync_table *t, int64_t now_us)
{
	int64_t spent_us;
	int more = read_pages(a, t, &spent_us);

	if (more < 0 || (!more && look(a, t))) {
		give_up(a, now_us);
	} else if (!more) {
		end_reading(a);
		walk(a, t, SYNC_AUDIT_JUDGING);
	}
	return now_us + rest_us(a, spent_us);
}

static int64_t idle_step(struct sync_audit *a, struct sync_table *t, int64_t now_us)
{
	int64_t before_us = cpu_us();

	if (begin_binding(a, t))
		return now_us;
	if (now_us < a->look_us)
		return a->look_us;
	a->until = a->given;
	if (look(a, t) == 0 && a->is_short && now_us >= a->short_us) {
		a->pass_us = now_us;
		a->short_us = now_us + PASS_SHORT_US;
	}
	if (!begin_binding(a, t) && now_us >= a->pass_us &&
	    ((!t->n && !a->dests.connections) || start_pass(a, t)))
		a->pass_us = now_us + PASS_US;
	a->look_us = now_us + LOOK_US + REST * 10 * (cpu_us() - before_us);
	return a->phase == SYNC_AUDIT_IDLE ? a->look_us : now_us + STEP_US;
}

int64_t sync_audit_hurry(struct sync_audit *a, int64_t at_us)
{
	if (a->phase != SYNC_AUDIT_IDLE) {
		a->again = true;
		return USEC_NEVER;
	}
	if (at_us < a->pass_us)
		a->pass_us = at_us;
	if (a->pass_us < a->look_us)
		a->look_us = a->pass_us;
	return a->look_us;
}

int64_t sync_audit_server_added(struct sync_audit *a, const struct proc_dest *dest)
{
	if (proc_dests_add(&a->added, dest))
		return USEC_NEVER; /* out of memory: the next look may see it */
	return a->phase == SYNC_AUDIT_IDLE ? 0 : USEC_NEVER;
}

int64_t sync_audit_step(struct sync_audit *a, struct sync_table *t, uint64_t given, int64_t now_us)
{
	a->given = given;
	switch (a->phase) {
	case SYNC_AUDIT_IDLE:
		return idle_step(a, t, now_us);
	case SYNC_AUDIT_READING:
		return read_step(a, t, now_us);
	case SYNC_AUDIT_JUDGING:
		judge_entries(a, t, (uint32_t)(now_us / USEC_PER_SEC));
		if (!next_entry(a, t))
			end_pass(a, t, now_us);
		break;
	case SYNC_AUDIT_BINDING:
		bind_entries(a, t);
		if (!next_entry(a, t)) {
			a->fresh.n = 0;
			a->phase = SYNC_AUDIT_IDLE;
			a->pass_us = now_us; /* who took the service away took connections, too */
		}
		break;
	}
	return now_us + WALK_US;
}
