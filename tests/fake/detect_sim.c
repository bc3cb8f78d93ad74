/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_detect by the hour, and in faults by the hundred.
 *
 *	tests/fake/detect_sim                    300 faults of each kind, and 10 hours
 *	tests/fake/detect_sim --hours 10000      only that: how often does a Backup take over from an
 *	                                         Active that lives?
 *	[--seed N] [--loss PERCENT] [--interval MS] [--one-lan] [--trace]
 */
#include "tests/fake/detect_world.h"

#include "core/clock.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_US (3600 * USEC_PER_SEC)

static struct detect_world_conf options = {.seed = 1,
					   .nodes = 2,
					   .interval_us = 5 * USEC_PER_MSEC,
					   .adver_int_us = USEC_PER_SEC,
					   .loss_percent = 5,
					   .stalls = true,
					   .pauses = true};
static int failures;
static unsigned late; /* take-overs in three advertisements instead of three heartbeats */

static void expect(bool holds, const struct detect_world_conf *c, const char *what)
{
	if (holds)
		return;
	failures++;
	printf("not ok - seed %llu: %s\n", (unsigned long long)c->seed, what);
}

static void run_hours(long hours)
{
	unsigned long long beats = 0, pings = 0, losses = 0;
	unsigned by_beats = 0, by_silence = 0, called_off = 0;
	struct detect_world_conf c = options;
	struct detect_world_result r;

	c.duration_us = HOUR_US;
	for (long i = 0; i < hours; i++, c.seed++) {
		detect_world_run(&c, &r);
		expect(r.false_takeovers == 0, &c, "the Active lives, and a Backup takes over");
		beats += r.beats;
		pings += r.pings;
		losses += r.losses;
		by_beats += r.false_takeovers;
		by_silence += r.silence_takeovers;
		called_off += r.doubts - r.false_takeovers;
		if ((i + 1) % 100 == 0 || i + 1 == hours) {
			printf("%ld h: %llu heartbeats, %llu pings, %llu frames lost; false take-overs: "
			       "%u by heartbeats, %u by three lost advertisements; called off: %u\n",
			       i + 1, beats, pings, losses, by_beats, by_silence, called_off);
			fflush(stdout);
		}
	}
}

/* 3 intervals and Skew_Time after the last sign of life, one interval of which may be over; more
 * when a heartbeat or a pair of pings was lost before, or the process was held up. */
static void run_crash(struct detect_world_conf c)
{
	struct detect_world_result r;
	bool clean = !c.loss_percent && !c.stalls;

	c.crash_us = 6 * USEC_PER_SEC + (int64_t)(c.seed * 7919 % 1000000);
	c.duration_us = c.crash_us + 5 * USEC_PER_SEC;
	detect_world_run(&c, &r);
	expect(r.takeover_us >= 0 && r.actives == 1, &c, "crash: nobody, or two, took over");
	if (clean)
		expect(r.armed && r.takeover_us < 4 * c.interval_us, &c, "crash: it took too long");
	else
		late += r.takeover_us > 400 * USEC_PER_MSEC;
}

static void run_cut(struct detect_world_conf c, bool between, bool lan)
{
	int64_t at_us = 5 * USEC_PER_SEC + (int64_t)(c.seed * 7919 % 1000000);
	struct detect_world_result r;

	c.cut_between_us = between ? at_us : 0;
	c.cut_lan_us = lan ? at_us : 0;
	c.heal_us = at_us + 5 * USEC_PER_SEC;
	c.duration_us = c.heal_us + 15 * USEC_PER_SEC;
	detect_world_run(&c, &r);
	expect(r.false_takeovers == 0, &c, "a cut of one way: a Backup takes over by heartbeats");
	/* Without loss; with it, VRRP itself may be about to take over at the end. */
	if (!c.loss_percent)
		expect(r.actives == 1, &c, "healed: there is not one Active");
	if (lan && between && !c.loss_percent && !c.stalls)
		expect(r.doubts > 0, &c, "a cut of both ways: not noticed");
}

/* Somebody limits the answers: as many as there are would not be enough in doubt. */
static void run_limited(struct detect_world_conf c)
{
	struct detect_world_result r;

	c.answer_gap_us = 5 * c.interval_us;
	c.cut_between_us = 20 * USEC_PER_SEC;
	c.duration_us = 60 * USEC_PER_SEC;
	detect_world_run(&c, &r);
	expect(r.false_takeovers == 0 && !r.armed, &c, "answers are limited, and are relied upon");
}

static void run_faults(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct detect_world_conf c = options;

		c.seed += i;
		c.nodes = 2 + i % 2;
		c.loss_percent = i / 2 % 2 ? options.loss_percent : 0;
		c.stalls = i / 4 % 2;
		run_crash(c);
		run_cut(c, true, false);
		run_cut(c, false, true);
		run_cut(c, true, true);
		if (i < n / 10)
			run_limited(c);
		c.one_lan = true;
		run_crash(c);
		run_cut(c, false, true);
	}
	printf("%u times: a crash, each way cut, both cut; two and three directors; %u crashes were left "
	       "to VRRP\n", n, late);
	expect(late <= n / 25, &options, "too many crashes were left to VRRP");
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"hours", required_argument, NULL, 'h'},    {"seed", required_argument, NULL, 's'},
		{"loss", required_argument, NULL, 'l'},	    {"one-lan", no_argument, NULL, 'o'},
		{"interval", required_argument, NULL, 'i'}, {"trace", no_argument, NULL, 't'},
		{NULL, 0, NULL, 0}};
	long hours = 0;
	int o;

	while ((o = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
		switch (o) {
		case 'h':
			hours = atol(optarg);
			break;
		case 's':
			options.seed = strtoull(optarg, NULL, 10);
			break;
		case 'l':
			options.loss_percent = (unsigned)atoi(optarg);
			break;
		case 'i':
			options.interval_us = atoi(optarg) * USEC_PER_MSEC;
			break;
		case 'o':
			options.one_lan = true;
			break;
		case 't':
			options.trace = true;
			break;
		default:
			return 2;
		}
	}
	if (!hours)
		run_faults(300);
	run_hours(hours ? hours : 10);
	printf("%s\n", failures ? "FAILED" : "ok");
	return failures != 0;
}
