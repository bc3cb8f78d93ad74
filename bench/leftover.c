/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others leave of a processor: turns a wheel for so many seconds, whenever nobody else wants to run,
 * and prints how often it went round. Who compares that with a machine that has nothing to do knows
 * what the others took. Clocks that look a hundred times a second who runs do not know that of what
 * runs by timers.
 *
 *	leftover SECONDS
 */
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 1000000 /* between two looks at the clock */

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct sched_param param = {0};
	volatile uint32_t wheel = 0;
	double begun_s, span_s;
	uint64_t rounds = 0;

	if (argc != 2) {
		fprintf(stderr, "leftover SECONDS\n");
		return 2;
	}
	if (sched_setscheduler(0, SCHED_IDLE, &param)) {
		perror("leftover");
		return 1;
	}
	begun_s = now_s();
	do {
		for (unsigned i = 0; i < ROUNDS; i++)
			wheel++;
		rounds += ROUNDS;
		span_s = now_s() - begun_s;
	} while (span_s < atof(argv[1]));
	printf("%.0f\n", (double)rounds / span_s);
	return 0;
}
