/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What RFC 9568 says about a Backup's Active_Down_Timer, worked out beside the machine from what
 * this router hears: the earliest and the latest moment at which it becomes Active for silence.
 * They differ where the RFC leaves room, or where ours goes beyond it.
 */
#ifndef TANDEM_FAKE_REFERENCE_H
#define TANDEM_FAKE_REFERENCE_H

#include "vrrp/machine.h"

/* An Active that was heard; until when it is surely alive, and not silent. */
struct heard {
	struct addr src;
	uint8_t priority;
	int64_t alive_us;
	int64_t until_us;
};

struct reference {
	int64_t early_us; /* not Active for silence before this … */
	int64_t late_us;  /* … and surely after this */
	struct heard best, last;
	int64_t least_int_us; /* Active_Adver_Interval, as far as it is certain */
	int64_t most_int_us;
	bool learned;		 /* the interval is an Active's */
	int64_t rival_us;	 /* the first advertisement of the present lower Active … */
	int64_t rival_surely_us; /* … that it surely obeyed */
	/* Ours: a timer that has fired is put off while another way tells that the Active lives, and
	 * when a preemption asks for connections. */
	int64_t told_until_us;
	int64_t put_off_us;  /* not longer than until then … */
	int64_t asked_until_us; /* … or, for an answer, until then */
	int64_t overdue_us;  /* the first moment that it may have been, since there was a better Active */
};

/* It became Backup by this event. */
void reference_begin(struct reference *ref, const struct vrrp_conf *c, const struct vrrp_event *e);
/* It is Backup, and this happens. */
void reference_event(struct reference *ref, const struct vrrp_conf *c, const struct vrrp_event *e);

/* It lacks connections from now on: sync_wait begins with the next lower Active. */
void reference_lacks(struct reference *ref);
/* It has asked for connections. */
void reference_asked(struct reference *ref, const struct vrrp_conf *c, int64_t now_us);
/* late_us, and what it may be put off beyond that; `sync_wait_us`: while it lacked connections. */
int64_t reference_late_us(const struct reference *ref, const struct vrrp_conf *c,
			  int64_t sync_wait_us);
/* Not Active for silence now: it lacks connections of an Active that is said to live. */
bool reference_waits(const struct reference *ref, const struct vrrp_conf *c, int64_t now_us);
/* §6.1: the owner does, whatever is configured. */
bool reference_preempts(const struct vrrp_conf *c);

#endif
