/* SPDX-License-Identifier: Apache-2.0 */
/* vrrp_track_process and track_file: what matches, when it is enough, what the kernel tells. */
#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/file_value.h"
#include "core/process_event.h"
#include "core/process_match.h"

#define ARGS(text) text, sizeof(text) /* the 0 behind the last word, too */

static struct process_word words[4];

static struct track_process of(enum process_match match, bool full, const char *name,
			       const char *first, const char *second)
{
	struct track_process p = {.command = words, .match = (uint8_t)match, .full_command = full};

	words[p.n_command++].word = name;
	if (first)
		words[p.n_command++].word = first;
	if (second)
		words[p.n_command++].word = second;
	return p;
}

static void test_by_name(void **state)
{
	struct track_process p = of(PROCESS_ANY, false, "nginx", NULL, NULL);

	assert_true(process_matches(&p, "nginx", "", 0));
	assert_false(process_matches(&p, "nginx2", "", 0));
	assert_false(process_matches(&p, "ngin", ARGS("nginx")));
}

static void test_by_command_line(void **state)
{
	struct track_process p = of(PROCESS_ANY, true, "/bin/d", NULL, NULL);

	assert_true(process_matches(&p, "x", ARGS("/bin/d\0-a")));
	assert_false(process_matches(&p, "/bin/d", "", 0));
	assert_false(process_matches(&p, "d", ARGS("/bin/dd")));
	p = of(PROCESS_EXACT, true, "/bin/d", NULL, NULL);
	assert_true(process_matches(&p, "d", ARGS("/bin/d")));
	assert_false(process_matches(&p, "d", ARGS("/bin/d\0-a")));
	p = of(PROCESS_EXACT, true, "/bin/d", "-a", "b c");
	assert_true(process_matches(&p, "d", ARGS("/bin/d\0-a\0b c")));
	assert_false(process_matches(&p, "d", ARGS("/bin/d\0-a\0b")));
	assert_false(process_matches(&p, "d", ARGS("/bin/d\0-a")));
	assert_false(process_matches(&p, "d", ARGS("/bin/d\0-a\0b c\0d")));
	p.match = PROCESS_PARTIAL;
	assert_true(process_matches(&p, "d", ARGS("/bin/d\0-a\0b c\0d")));
	assert_false(process_matches(&p, "d", ARGS("/bin/d\0-a\0b cd")));
	p.match = PROCESS_INITIAL;
	assert_true(process_matches(&p, "d", ARGS("/bin/d\0-a\0b cd\0e")));
	assert_false(process_matches(&p, "d", ARGS("/bin/d\0-ax\0b c")));
	/* A command line that was cut has no 0 behind it. */
	assert_true(process_matches(&p, "d", "/bin/d\0-a\0b c", 13));
}

static bool step(struct process_quorum *q, const struct track_process *p, uint32_t n,
		 enum process_change how, int64_t at_s)
{
	return process_quorum_step(q, p, n, how, at_s * USEC_PER_SEC);
}

static void test_quorum(void **state)
{
	const struct track_process p = {.quorum = 2, .quorum_max = 3};
	struct process_quorum q;

	process_quorum_init(&q);
	assert_true(step(&q, &p, 1, PROCESS_COUNTED, 0));
	assert_false(q.up);
	assert_false(step(&q, &p, 1, PROCESS_FORKED, 0));
	assert_true(step(&q, &p, 2, PROCESS_FORKED, 0));
	assert_true(q.up);
	assert_false(step(&q, &p, 3, PROCESS_FORKED, 0));
	assert_true(step(&q, &p, 4, PROCESS_FORKED, 0));
	assert_false(q.up);
	assert_true(step(&q, &p, 3, PROCESS_ENDED, 0));
	assert_true(q.up);
}

static void test_delays(void **state)
{
	const struct track_process p = {.quorum = 1,
					.quorum_max = UINT32_MAX,
					.fork_delay_us = 2 * USEC_PER_SEC,
					.terminate_delay_us = 5 * USEC_PER_SEC};
	struct process_quorum q;

	process_quorum_init(&q);
	assert_true(step(&q, &p, 1, PROCESS_COUNTED, 0)); /* the first word is at once */
	assert_false(step(&q, &p, 0, PROCESS_ENDED, 10));
	assert_false(step(&q, &p, 0, PROCESS_WAITED, 14));
	assert_false(step(&q, &p, 1, PROCESS_RENAMED, 14)); /* it is back: nothing was lost */
	assert_int_equal(q.at_us, USEC_NEVER);
	assert_false(step(&q, &p, 0, PROCESS_ENDED, 20));
	assert_false(step(&q, &p, 0, PROCESS_COUNTED, 24)); /* counts from the first time on */
	assert_true(step(&q, &p, 0, PROCESS_WAITED, 25));
	assert_false(q.up);
	assert_false(step(&q, &p, 1, PROCESS_FORKED, 30));
	assert_false(step(&q, &p, 0, PROCESS_ENDED, 31));
	assert_int_equal(q.at_us, USEC_NEVER);
	assert_false(step(&q, &p, 1, PROCESS_FORKED, 40));
	assert_true(step(&q, &p, 1, PROCESS_WAITED, 42));
	assert_true(step(&q, &p, 0, PROCESS_RENAMED, 50)); /* another program now: at once */
}

static size_t event(char *buf, uint32_t what, const void *data, size_t n_data)
{
	struct proc_event e = {.what = what};
	struct cn_msg cn = {.id = {CN_IDX_PROC, CN_VAL_PROC}, .len = sizeof(e)};
	struct nlmsghdr h = {.nlmsg_len = NLMSG_HDRLEN + sizeof(cn) + sizeof(e)};

	memcpy(&e.event_data, data, n_data);
	memcpy(buf, &h, sizeof(h));
	memcpy(buf + NLMSG_HDRLEN, &cn, sizeof(cn));
	memcpy(buf + NLMSG_HDRLEN + sizeof(cn), &e, sizeof(e));
	return h.nlmsg_len;
}

static void test_events(void **state)
{
	const struct fork_proc_event forked = {7, 7, 8, 8}, thread = {7, 7, 9, 7};
	const struct exec_proc_event exec = {8, 8};
	const struct exit_proc_event ended = {.process_pid = 8, .process_tgid = 8};
	struct process_event e;
	char buf[256];
	size_t n = event(buf, PROC_EVENT_FORK, &forked, sizeof(forked));

	assert_int_equal(process_event_parse(buf, n, &e), 0);
	assert_int_equal(e.kind, PROCESS_EVENT_FORK);
	assert_int_equal(e.pid, 8);
	assert_int_equal(e.parent, 7);
	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(process_event_parse(buf, cut, &e), -EBADMSG);
	event(buf, PROC_EVENT_FORK, &thread, sizeof(thread));
	assert_int_equal(process_event_parse(buf, n, &e), 0);
	assert_int_equal(e.kind, PROCESS_EVENT_OTHER);
	event(buf, PROC_EVENT_EXEC, &exec, sizeof(exec));
	assert_int_equal(process_event_parse(buf, n, &e), 0);
	assert_int_equal(e.kind, PROCESS_EVENT_EXEC);
	event(buf, PROC_EVENT_EXIT, &ended, sizeof(ended));
	assert_int_equal(process_event_parse(buf, n, &e), 0);
	assert_int_equal(e.kind, PROCESS_EVENT_EXIT);
	assert_int_equal(e.pid, 8);
	event(buf, PROC_EVENT_UID, &ended, sizeof(ended));
	assert_int_equal(process_event_parse(buf, n, &e), 0);
	assert_int_equal(e.kind, PROCESS_EVENT_OTHER);
}

static void test_file_values(void **state)
{
	static const struct {
		const char *text;
		enum file_value kind;
		int32_t value;
	} cases[] = {
		{"5\n", FILE_VALUE_NUMBER, 5},	       {"  -20 drain", FILE_VALUE_NUMBER, -20},
		{"0x10", FILE_VALUE_NUMBER, 16},       {"", FILE_VALUE_NONE, 0},
		{"up", FILE_VALUE_NONE, 0},	       {"2147483647", FILE_VALUE_NUMBER, INT32_MAX},
		{"2147483648", FILE_VALUE_RANGE, 0},   {"-2147483649", FILE_VALUE_RANGE, 0},
		{"99999999999999999999", FILE_VALUE_RANGE, 0},
	};
	char long_text[400];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int32_t value = 0;

		assert_int_equal(file_value_parse(cases[i].text, strlen(cases[i].text), &value),
				 cases[i].kind);
		assert_int_equal(value, cases[i].value);
	}
	memset(long_text, ' ', sizeof(long_text));
	assert_int_equal(file_value_parse(long_text, sizeof(long_text), &(int32_t){0}),
			 FILE_VALUE_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_name),	    cmocka_unit_test(test_by_command_line),
		cmocka_unit_test(test_quorum),	    cmocka_unit_test(test_delays),
		cmocka_unit_test(test_events),	    cmocka_unit_test(test_file_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
