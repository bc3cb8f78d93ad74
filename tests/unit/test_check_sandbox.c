/* SPDX-License-Identifier: Apache-2.0 */
/* Which system calls are refused, and that this is told. In a child: there is no way back. */
#include "checkers/sandbox.h"
#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Which is the first that is not as it should be; 0: none. */
static int try_calls(void)
{
	char *const argv[] = {"true", NULL};
	struct rlimit limit = {0};

	if (sandbox_enter() < 0)
		return 1;
	if (execv("/bin/true", argv) == 0 || errno != EPERM)
		return 2;
	if (execv("/bin/true", argv) == 0 || errno != EPERM)
		return 3;
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 || errno != EPERM)
		return 4;
	if (socket(AF_PACKET, SOCK_RAW, 0) >= 0 || errno != EPERM)
		return 5;
	if (kill(getppid(), 0) == 0 || errno != EPERM)
		return 6;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || setrlimit(RLIMIT_NOFILE, &limit) == 0)
		return 7;
	if (prctl(PR_SET_NAME, "other") < 0 || prctl(PR_SET_DUMPABLE, 0) == 0 || munlockall() < 0)
		return 9;
	if (getrlimit(RLIMIT_RTTIME, &limit) < 0 || setrlimit(RLIMIT_RTTIME, &limit) < 0)
		return 10;
	if (socket(AF_INET, SOCK_STREAM, 0) < 0 || open("/dev/null", O_RDONLY) < 0)
		return 8;
	return 0;
}

static int run_child(char *log, size_t size)
{
	int ends[2], status;
	ssize_t n, at = 0;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		log_open("child", true, LOG_LEVEL_INFO);
		_exit(try_calls());
	}
	close(ends[1]);
	while ((n = read(ends[0], log + at, size - 1 - (size_t)at)) > 0)
		at += n;
	log[at] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int count(const char *text, const char *word)
{
	int n = 0;

	while ((text = strstr(text, word))) {
		n++;
		text += strlen(word);
	}
	return n;
}

static void test_refused_and_told(void **state)
{
	char log[4096];

	assert_int_equal(run_child(log, sizeof(log)), 0);
	assert_int_equal(count(log, "refused itself the system call execve ("), 1);
	assert_int_equal(count(log, "the system call ptrace ("), 1);
	assert_int_equal(count(log, "the system call socket ("), 1);
	assert_int_equal(count(log, "the system call kill ("), 1);
	assert_int_equal(count(log, "the system call prctl ("), 1);
	assert_int_equal(count(log, "refused itself"), 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_and_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
