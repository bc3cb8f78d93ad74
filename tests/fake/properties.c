/* SPDX-License-Identifier: Apache-2.0 */
/* The properties in words, for the reader of `sim --properties`; watch.c, reference.c and many_watch.c hold them. */
#include "tests/fake/watch.h"

#include <stdio.h>

static const struct {
	const char *rule; /* RFC 9568's section, or whose promise */
	const char *what;
} properties[] = {
	{"§5.2.4", "an advertisement carries the router's own priority, or 0"},
	{"§6.1", "Active_Down_Interval: when the Active is lost one takes over in that time"},
	{"§6.1", "the owner is Active whenever it is well"},
	{"§6.4.1", "an owner that starts without a fault is Active at once"},
	{"§6.4.2", "Active_Down_Timer: no Backup takes over before it, none is late"},
	{"§6.4.2", "Skew_Time after priority 0 one takes over"},
	{"§6.4.2", "Active_Adver_Interval is learned from the Active"},
	{"§6.4.2", "Preempt_Mode: in the end no better router obeys a worse one"},
	{"§6.4.2", "an advertisement alone makes no Backup Active"},
	{"§6.4.2", "only an Active advertises and announces addresses, and only those that it has"},
	{"§6.4.2", "in the end somebody is Active"},
	{"§6.4.3", "Adver_Timer: an Active advertises in each interval"},
	{"§6.4.3", "an Active yields to a better one, and to no worse one"},
	{"§6.4.3", "an Active has the addresses"},
	{"§6.4.3", "two are Active no longer than news take; in the end one is"},
	{"§6.4.3", "Shutdown: an Active that leaves says so, and only one that leaves"},
	{"ours", "what is done on purpose leaves no moment without the addresses"},
	{"ours", "every client sends to one that has them"},
	{"ours", "a living Active hears of its successor when that has the addresses"},
	{"ours", "a reload, the death of a process, a few lost packets change no state"},
	{"ours", "one that lacks an Active's connections does not take over as long as that is said to live"},
	{"ours", "… but for sync_wait; and at once when it lives no more, or gives up"},
	{"ours", "who preempts asks for the connections of the last moments first, and waits for a time"},
	{"ours", "what a reload changed is told at once"},
	{"ours", "no address is forgotten, kept for ever, or held on a dead interface"},
	{"ours", "no flood of advertisements, no waking without end"},
	{"§6.4.2", "of several virtual routers each is Active somewhere, and in the end once (§6.4.3)"},
	{"ours", "the members of a sync group are all Active, all Backup or all in FAULT, always"},
	{"ours", "one member's fault is a fault of all, and only of its group"},
	{"ours", "in the end a sync group is Active on one director, the best of those that can be"},
	{"ours", "a reload moves routers between groups, and all of the above holds again"},
	{"ours", "a planned move of a whole director leaves no router without its addresses"},
	{"ours", "an Active that was held up looks before it goes on, when it is asked to"},
	{"ours", "a rival is told of once and its end once; a former Active's last words are none"},
	{"ours", "a claim on an address is told once, answered at a limited rate, and over once"},
	{"ours", "nothing depends on when a director's clock began, or that it never leaps"},
};

void watch_print_properties(void)
{
	for (unsigned i = 0; i < sizeof(properties) / sizeof(properties[0]); i++)
		printf("%-8s%s\n", properties[i].rule, properties[i].what);
}
