/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_detect by the hour, and in faults by the hundred.
 *
 *	tests/fake/detect_sim                    300 faults of each kind, deaths beside hold-ups of
 *	                                         the Backup, and 10 hours
 *	tests/fake/detect_sim --deaths 10000     only deaths, so many of each kind: how many are
 *	                                         found by heartbeats, and how soon?
 *	tests/fake/detect_sim --hours 10000      only that: how often does a Backup take over from an
 *	                                         Active that lives?
 *	[--seed N] [--loss PERCENT] [--interval MS] [--one-lan] [--trace]
 */
#include "tests/fake/detect_world.h"

#include "core/clock.h"
#include "tests/fake/rng.h"

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
static unsigned late; /* take-overs by three advertisements instead of three heartbeats */

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
		late += r.left_to_vrrp;
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

/* Deaths and hold-ups */

enum beside { QUIET, BEFORE, IN, AFTER, IN_A_ROW };

static const char *const beside_names[] = {
	[QUIET] = "no hold-up", [BEFORE] = "before one", [IN] = "in one",
	[AFTER] = "after one",	[IN_A_ROW] = "in a row of them",
};

/* From the death, or from the end of the hold-up that it is in or before. */
struct tally {
	int64_t *found_us;
	unsigned n_found;
	unsigned left_to_vrrp;
};

/* 5 to 300 ms; short ones as often as long ones. */
static int64_t some_length_us(struct rng *rng)
{
	int64_t least_us = (5 * USEC_PER_MSEC) << rng_below(rng, 6);

	return rng_between(rng, least_us, least_us < 160 * USEC_PER_MSEC ? 2 * least_us
									 : 300 * USEC_PER_MSEC);
}

static void add_hold(struct detect_world_conf *c, unsigned node, int64_t at_us, int64_t for_us,
		     bool whole)
{
	struct detect_hold *h = &c->holds[c->n_holds++];

	*h = (struct detect_hold){.node = node, .at_us = at_us, .for_us = for_us, .whole = whole};
}

/* Of all Backups. */
static int64_t hold_backups(struct detect_world_conf *c, int64_t at_us, int64_t for_us, bool whole)
{
	for (unsigned i = 1; i < c->nodes; i++)
		add_hold(c, i, at_us, for_us, whole);
	return at_us + for_us;
}

/* Returns when the last one is over. */
static int64_t hold_beside(struct detect_world_conf *c, enum beside beside, struct rng *rng)
{
	int64_t for_us = some_length_us(rng), at_us = c->crash_us;
	bool whole = rng_percent(rng, 50);

	switch (beside) {
	case QUIET:
		break;
	case BEFORE:
		at_us += rng_between(rng, 0, 3 * c->interval_us);
		return hold_backups(c, at_us, for_us, whole);
	case IN:
		return hold_backups(c, at_us - rng_between(rng, 0, for_us), for_us, whole);
	case AFTER:
		at_us -= for_us + rng_between(rng, 0, 20 * c->interval_us);
		return hold_backups(c, at_us, for_us, whole);
	case IN_A_ROW:
		at_us -= rng_between(rng, 0, 60 * USEC_PER_MSEC);
		for (int i = 0; i < 4; i++) {
			at_us = hold_backups(c, at_us, rng_between(rng, 6000, 30000), whole);
			at_us += rng_between(rng, 500, 15000);
		}
	}
	return at_us;
}

static void run_death(struct detect_world_conf c, enum beside beside, struct tally *t)
{
	struct detect_world_result r;
	struct rng rng;
	int64_t over_us;

	rng_init(&rng, c.seed);
	/* Active after 3.2 s, and surely watched after some 64 pings. */
	c.crash_us = 6 * USEC_PER_SEC + 100 * c.interval_us + rng_between(&rng, 0, USEC_PER_SEC);
	c.duration_us = c.crash_us + 5 * USEC_PER_SEC;
	over_us = hold_beside(&c, beside, &rng);
	detect_world_run(&c, &r);
	expect(r.takeover_us >= 0 && r.actives == 1, &c, "death: nobody, or two, took over");
	expect(r.false_takeovers == 0, &c, "before its death a Backup takes over");
	if (r.left_to_vrrp)
		t->left_to_vrrp++;
	else
		t->found_us[t->n_found++] =
			r.takeover_us - (over_us > c.crash_us ? over_us - c.crash_us : 0);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double found_ms(struct tally *t, unsigned percent)
{
	if (!t->n_found)
		return 0;
	qsort(t->found_us, t->n_found, sizeof(*t->found_us), compare);
	return (double)t->found_us[(t->n_found - 1) * percent / 100] / USEC_PER_MSEC;
}

static void run_deaths(unsigned n)
{
	for (enum beside beside = QUIET; beside <= IN_A_ROW; beside++) {
		struct tally t = {.found_us = calloc(n, sizeof(*t.found_us))};

		for (unsigned i = 0; i < n; i++) {
			struct detect_world_conf c = options;

			c.seed += i;
			c.stalls = false;
			c.loss_percent = c.seed % 2 ? options.loss_percent : 0;
			run_death(c, beside, &t);
		}
		printf("%u deaths, %s: %u left to VRRP; else %.1f ms (median), %.1f (90 %%), "
		       "%.1f (all)\n", n, beside_names[beside], t.left_to_vrrp, found_ms(&t, 50),
		       found_ms(&t, 90), found_ms(&t, 100));
		fflush(stdout);
		expect(t.left_to_vrrp <= n / 100, &options, "too many deaths were left to VRRP");
		free(t.found_us);
	}
}

/* Answers have ended for another reason, then the Backup is held up, and at its end the Active's
 * process. */
static void run_cut_and_held(struct detect_world_conf c)
{
	int64_t at_us = 5 * USEC_PER_SEC + (int64_t)(c.seed * 7919 % 1000000);
	struct detect_world_result r;
	struct rng rng;

	rng_init(&rng, c.seed);
	c.stalls = false;
	c.loss_percent = 0;
	c.cut_lan_us = at_us;
	at_us += 8 * c.interval_us;
	at_us = hold_backups(&c, at_us, some_length_us(&rng), rng_percent(&rng, 50));
	add_hold(&c, 0, at_us - c.interval_us, USEC_PER_SEC, false);
	c.duration_us = at_us + USEC_PER_SEC;
	detect_world_run(&c, &r);
	expect(r.doubts == 0, &c, "answers had ended before a hold-up, and it is called lost");
}

/* One host carries both, and goes on with the Backup first. */
static void run_both_held(struct detect_world_conf c)
{
	int64_t at_us = 5 * USEC_PER_SEC + (int64_t)(c.seed * 7919 % 1000000), for_us;
	struct detect_world_result r;
	struct rng rng;

	rng_init(&rng, c.seed);
	for_us = some_length_us(&rng);
	c.stalls = false;
	hold_backups(&c, at_us, for_us, true);
	add_hold(&c, 0, at_us, for_us + rng_between(&rng, 0, for_us / 2), true);
	c.duration_us = at_us + 2 * USEC_PER_SEC;
	detect_world_run(&c, &r);
	expect(r.false_takeovers == 0, &c, "both were held up, and a Backup takes over");
}

static void run_faults(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct detect_world_conf c = options;

		c.seed += i;
		c.nodes = 2 + c.seed % 2;
		c.loss_percent = c.seed / 2 % 2 ? options.loss_percent : 0;
		c.stalls = c.seed / 4 % 2;
		run_crash(c);
		run_cut(c, true, false);
		run_cut(c, false, true);
		run_cut(c, true, true);
		if (i < n / 10)
			run_limited(c);
		run_cut_and_held(c);
		run_both_held(c);
		c.one_lan = true;
		run_crash(c);
		run_cut(c, false, true);
	}
	printf("%u times: a crash, each way cut, both cut; two and three directors; %u crashes were left "
	       "to VRRP\n", n, late);
	expect(late <= n / 50, &options, "too many crashes were left to VRRP");
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"hours", required_argument, NULL, 'h'},    {"seed", required_argument, NULL, 's'},
		{"loss", required_argument, NULL, 'l'},	    {"one-lan", no_argument, NULL, 'o'},
		{"interval", required_argument, NULL, 'i'}, {"trace", no_argument, NULL, 't'},
		{"deaths", required_argument, NULL, 'd'},
		{NULL, 0, NULL, 0}};
	long hours = 0;
	unsigned deaths = 0;
	int o;

	while ((o = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
		switch (o) {
		case 'h':
			hours = atol(optarg);
			break;
		case 'd':
			deaths = (unsigned)atoi(optarg);
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
	if (!hours && !deaths) {
		run_faults(300);
		deaths = 300;
		hours = 10;
	}
	if (deaths)
		run_deaths(deaths);
	run_hours(hours);
	printf("%s\n", failures ? "FAILED" : "ok");
	return failures != 0;
}
