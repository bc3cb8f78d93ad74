/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator: VRRP machines on a virtual LAN, in virtual time, one seed after the other. An odd
 * seed is one virtual router on two to five directors, looked at to the microsecond (world.h); an
 * even one is several of them, in sync groups, on two to four (many.h).
 *
 *	sim                      10,000 seeds; the first that violates a property is told
 *	sim --seeds N            as many
 *	sim --seed S --trace     one, with all that every director saw and did
 *	sim --properties         what must be true, with the RFC's sections
 */
#include "tests/fake/many.h"
#include "tests/fake/script.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS 10000

static struct world world; /* large: the frames in flight */
static struct many many;

/* What a run came to. */
struct outcome {
	uint64_t n_events;
	unsigned act;
	int64_t violated_us;
	const char *violation; /* "": none */
};

static struct outcome run_many(uint64_t seed, FILE *trace, unsigned trace_from)
{
	many_run(&many, seed, trace, trace_from);
	return (struct outcome){many.n_events, many.act, many.violated_us, many.violation};
}

static struct outcome run(uint64_t seed, FILE *trace, unsigned trace_from)
{
	if (seed % 2 == 0)
		return run_many(seed, trace, trace_from);
	world_init(&world, seed);
	world.trace = trace;
	world.trace_from = trace_from;
	setup_draw(&world);
	script_run(&world);
	return (struct outcome){world.n_events, world.act, world.watch.violated_us,
				world.watch.violation};
}

/* The act in which it happened, once more and with every step. */
static int report_violation(uint64_t seed, unsigned act, const char *program)
{
	struct outcome o = run(seed, stdout, act);

	printf("sim: seed %" PRIu64 ", act %u, at %.3f ms: %s\n", seed, o.act,
	       (double)o.violated_us / USEC_PER_MSEC, o.violation);
	printf("sim: all of it: %s --seed %" PRIu64 " --trace\n", program, seed);
	return 1;
}

static int run_seeds(uint64_t n_seeds, const char *program)
{
	uint64_t n_events = 0;

	for (uint64_t seed = 1; seed <= n_seeds; seed++) {
		struct outcome o = run(seed, NULL, 0);

		if (o.violation[0])
			return report_violation(seed, o.act, program);
		n_events += o.n_events;
	}
	printf("sim: %" PRIu64 " seeds, %" PRIu64 " events, no property violated\n", n_seeds,
	       n_events);
	return 0;
}

static int run_one(uint64_t seed, bool trace, const char *program)
{
	struct outcome o = run(seed, trace ? stdout : NULL, 0);

	if (!trace && o.violation[0])
		return report_violation(seed, o.act, program);
	if (o.violation[0]) {
		printf("sim: seed %" PRIu64 ": %s\n", seed, o.violation);
		return 1;
	}
	printf("sim: seed %" PRIu64 ", %" PRIu64 " events, no property violated\n", seed,
	       o.n_events);
	return 0;
}

static int usage(const char *program)
{
	fprintf(stderr, "usage: %s [--seeds N] [--seed S [--trace]] [--properties]\n", program);
	return 2;
}

static bool parse_number(const char *text, uint64_t *ret)
{
	char *end;

	*ret = strtoull(text, &end, 10);
	return *text && !*end;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"seeds", required_argument, NULL, 'n'},
						{"seed", required_argument, NULL, 's'},
						{"trace", no_argument, NULL, 't'},
						{"properties", no_argument, NULL, 'p'},
						{NULL, 0, NULL, 0}};
	uint64_t n_seeds = SEEDS, seed = 0;
	bool trace = false, one = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'p') {
			watch_print_properties();
			return 0;
		} else if (option == 't') {
			trace = true;
		} else if (option == 's' && parse_number(optarg, &seed)) {
			one = true;
		} else if (option != 'n' || !parse_number(optarg, &n_seeds)) {
			return usage(argv[0]);
		}
	}
	if (optind != argc || (trace && !one))
		return usage(argv[0]);
	return one ? run_one(seed, trace, argv[0]) : run_seeds(n_seeds, argv[0]);
}
