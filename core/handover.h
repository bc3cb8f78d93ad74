/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a supervisor that has a successor: the roles serve on, the state is written down, and
 * the next supervisor adopts them (adopt.h). Either we become it ourselves, by executing the
 * program again (an upgrade: the process number stays, and with it what a service manager watches;
 * every role is replaced), or we leave and somebody else starts it (a restart).
 */
#ifndef TANDEM_HANDOVER_H
#define TANDEM_HANDOVER_H

#include "core/codec.h"

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

struct options;
struct supervisor;

enum handover_kind {
	HANDOVER_NONE,
	HANDOVER_EXECUTE, /* an upgrade */
	HANDOVER_LEAVE,
};

struct handover {
	enum handover_kind kind; /* under way; the loop ends for it */
	bool testing;		 /* the new program is asked whether it takes the configuration */
	int64_t until_us;
	ev_timer timer;
};

void handover_init(struct supervisor *s);
void handover_done(struct supervisor *s);

/* 0; or -EBUSY with the reason. */
int handover_leave(struct supervisor *s, struct text *ret_reason);
/* 0: control_upgrade_tested() follows; or -errno with the reason. */
int handover_upgrade(struct supervisor *s, struct text *ret_reason);

/* The loop has ended, and all is closed: runs the program again. Returns only when that fails. */
int handover_execute(const struct options *o);
/* Are we the program that was run so? Asked once, at the start. */
bool handover_is_successor(void);

#endif
