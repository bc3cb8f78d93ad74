/* SPDX-License-Identifier: Apache-2.0 */
/* The table into the kernel, burst by burst: see inject.h. */
#include "sync/inject.h"

#include "core/sync_kernel.h"
#include "sync/record.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

/* 255 records of IPv6 with options. */
#define DATAGRAM_MAX 32768
/* An echo that is not there by then will not come. */
#define ECHO_US (200 * USEC_PER_MSEC)
/* Between bursts, so that a trickle of changes does not cost one each. */
#define PAUSE_US (5 * USEC_PER_MSEC)
/* When the backup thread is behind, and when it is not there. */
#define BEHIND_US  (2 * USEC_PER_MSEC)
#define NO_SINK_US (200 * USEC_PER_MSEC)

void sync_inject_open(struct sync_inject *in, struct sync_table *table,
		      const struct sync_inject_port *port)
{
	*in = (struct sync_inject){.port = *port};
	sync_cursor_open(table, &in->cursor);
}

void sync_inject_close(struct sync_inject *in, struct sync_table *table)
{
	sync_cursor_close(table, &in->cursor);
}

bool sync_inject_echo(struct sync_inject *in)
{
	return ++in->echoed == in->sent;
}

bool sync_sink_read(const char *line, uint64_t own_inode, struct sync_sink *ret)
{
	unsigned address, port;

	return sscanf(line,
		      "%*u: %x:%x %*x:%*x %*x %*x:%" SCNx64 " %*x:%*x %*x %*u %*u %" SCNu64
		      " %*u %*s %" SCNu64,
		      &address, &port, &ret->queued, &ret->inode, &ret->drops) == 5 &&
	       address == htonl(SYNC_KERNEL_SINK_GROUP) && port == SYNC_KERNEL_SINK_PORT &&
	       ret->inode != own_inode;
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
static size_t fill(struct sync_inject *in, struct sync_table *table, uint8_t *bytes, uint32_t now_s)
{
	uint8_t record[SYNC_RECORD_MAX];
	struct sync_batch batch;
	struct sync_entry *e;

	sync_batch_init(&batch, bytes, DATAGRAM_MAX, SYNC_KERNEL_ID);
	while ((e = sync_cursor_peek(table, &in->cursor))) {
		if (is_for_kernel(e)) {
			if (!add_move(&batch, e, now_s))
				break;
			sync_entry_copy(e, now_s, record);
			if (!sync_batch_add(&batch, record, e->len))
				break;
			in->burst_records++;
		}
		sync_cursor_pass(&in->cursor, e);
	}
	return sync_batch_finish(&batch);
}

static void send_burst(struct sync_inject *in, struct sync_table *table, int64_t now_us)
{
	static uint8_t bytes[DATAGRAM_MAX];
	uint32_t now_s = (uint32_t)(now_us / USEC_PER_SEC);
	size_t len;

	in->burst_from = in->cursor.version;
	in->burst_records = in->echoed = 0;
	in->sent_us = now_us;
	while (in->sent < SYNC_BURST && (len = fill(in, table, bytes, now_s))) {
		in->port.send(in->port.ctx, bytes, len);
		in->sent++;
	}
}

static void repeat(struct sync_inject *in, struct sync_table *table)
{
	in->repeats++;
	in->sent = 0;
	sync_cursor_seek(table, &in->cursor, in->burst_from);
}

static void take_sink(struct sync_inject *in, const struct sync_sink *s)
{
	in->sink_inode = s->inode;
	in->sink_drops = s->drops;
}

/* Is the way free for another burst? */
static bool settle(struct sync_inject *in, struct sync_table *table, int64_t now_us)
{
	struct sync_sink s;

	if (!in->sent)
		return true;
	if (in->echoed < in->sent && now_us < in->sent_us + ECHO_US) {
		in->next_us = in->sent_us + ECHO_US;
		return false;
	}
	s = in->port.look(in->port.ctx);
	if (s.inode && s.queued) {
		in->next_us = now_us + BEHIND_US;
		return false;
	}
	in->next_us = in->sent_us + PAUSE_US;
	if (!s.inode || s.inode != in->sink_inode || s.drops != in->sink_drops ||
	    in->echoed < in->sent) {
		in->drops += s.inode == in->sink_inode ? s.drops - in->sink_drops : 0;
		repeat(in, table);
	} else {
		in->records += in->burst_records;
		if (in->sent == SYNC_BURST)
			in->next_us = now_us; /* there is more */
		in->sent = 0;
		table->given = in->cursor.version;
	}
	take_sink(in, &s);
	return true;
}

/* What it has told itself, and notes: nothing to wait for the backup thread with. */
static struct sync_entry *next_for_kernel(struct sync_inject *in, struct sync_table *table)
{
	struct sync_entry *e;

	while ((e = sync_cursor_peek(table, &in->cursor)) && !is_for_kernel(e))
		sync_cursor_pass(&in->cursor, e);
	return e;
}

void sync_inject_run(struct sync_inject *in, struct sync_table *table, int64_t now_us)
{
	struct sync_sink s;

	if (!settle(in, table, now_us) || now_us < in->next_us || !next_for_kernel(in, table))
		return;
	/* When it was there after the burst before, what has become of it is seen after this one. */
	if (!in->sink_inode) {
		s = in->port.look(in->port.ctx);
		take_sink(in, &s);
	}
	if (!in->sink_inode) {
		in->next_us = now_us + NO_SINK_US;
		return;
	}
	send_burst(in, table, now_us);
	in->next_us = now_us + (in->sent ? ECHO_US : 0);
}

int64_t sync_inject_deadline(const struct sync_inject *in, const struct sync_table *table)
{
	return in->sent || in->cursor.version < table->version ? in->next_us : USEC_NEVER;
}

uint64_t sync_inject_version(const struct sync_inject *in)
{
	return in->sent ? in->burst_from : in->cursor.version;
}
