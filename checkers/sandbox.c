/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls that may be made: see sandbox.h. */
#include "checkers/sandbox.h"

#include "core/log.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <ucontext.h>
#include <unistd.h>

/* By name: not every architecture has all of them, and libseccomp knows which. */
static const char *const allowed[] = {
	/* waiting */
	"epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd2",
	"poll", "ppoll", "select", "pselect6", "timerfd_create", "timerfd_settime",
	"timerfd_gettime", "nanosleep", "clock_nanosleep", "clock_gettime", "clock_getres",
	"gettimeofday", "time", "pipe", "pipe2", "restart_syscall",
	/* talking; socket() is below */
	"socketpair", "connect", "bind", "getsockname", "getpeername", "getsockopt", "setsockopt",
	"sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg", "shutdown",
	/* files: certificates, plugins and their libraries, what the supervisor sends */
	"open", "openat", "read", "readv", "pread64", "preadv", "write", "writev", "pwrite64",
	"close", "close_range", "lseek", "_llseek", "stat", "stat64", "lstat", "lstat64", "fstat",
	"fstat64", "newfstatat", "fstatat64", "statx", "statfs", "fstatfs", "access", "faccessat",
	"faccessat2", "readlink", "readlinkat", "getdents64", "getcwd", "fcntl", "fcntl64",
	"flock", "dup", "dup2", "dup3", "ioctl", "fadvise64",
	/* memory and itself */
	"mmap", "mmap2", "munmap", "mremap", "mprotect", "madvise", "brk", "futex", "getrandom",
	"membarrier", "rseq", "sched_yield", "sched_getaffinity", "rt_sigaction", "rt_sigprocmask",
	"rt_sigreturn", "sigreturn", "sigaltstack", "getpid", "getppid", "gettid", "getuid",
	"geteuid", "getgid", "getegid", "getresuid", "getresgid", "getrlimit", "ugetrlimit",
	"mlockall", "munlockall", "getrusage", "sysinfo", "uname", "tgkill", "exit", "exit_group",
};

/* CAP_NET_RAW would open packet sockets, too. NETLINK is how libc finds interfaces. */
static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

/* The call has not been made; what it returns is in the register that the kernel would have set. */
static bool refuse(ucontext_t *at)
{
#if defined(__x86_64__)
	at->uc_mcontext.gregs[REG_RAX] = -EPERM;
	return true;
#elif defined(__aarch64__)
	at->uc_mcontext.regs[0] = (unsigned long long)-EPERM;
	return true;
#else
	return false;
#endif
}

static void on_refused(int sig, siginfo_t *info, void *context)
{
	static bool told[1024];
	unsigned call = (unsigned)info->si_syscall;
	char *name;

	if (call >= sizeof(told) || !told[call]) {
		name = seccomp_syscall_resolve_num_arch(info->si_arch, info->si_syscall);
		log_error("refused itself the system call %s (%d): a fault of tandem's, or an "
			  "attack by a real server", name ? name : "of the number", (int)call);
		free(name);
	}
	if (call < sizeof(told))
		told[call] = true;
	if (!refuse(context))
		_exit(EXIT_FAILURE);
}

static struct scmp_arg_cmp equals(unsigned argument, scmp_datum_t value)
{
	return (struct scmp_arg_cmp){.arg = argument, .op = SCMP_CMP_EQ, .datum_a = value};
}

static int allow_calls(scmp_filter_ctx filter)
{
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(allowed) / sizeof(*allowed); i++) {
		int call = seccomp_syscall_resolve_name(allowed[i]);

		if (call != __NR_SCMP_ERROR)
			err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
	}
	for (size_t i = 0; !err && i < sizeof(families) / sizeof(*families); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				       equals(0, (scmp_datum_t)families[i]));
	/* Limits may be read, not set: but for what role_tune() changes at a reload. */
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
				       equals(2, 0));
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
				       equals(1, RLIMIT_RTTIME));
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
				       equals(0, PR_SET_NAME));
	return err;
}

int sandbox_enter(void)
{
	struct sigaction action = {.sa_sigaction = on_refused, .sa_flags = SA_SIGINFO};
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
	int err;

	if (!filter)
		return -ENOMEM;
	err = allow_calls(filter);
	if (!err && sigaction(SIGSYS, &action, NULL) < 0)
		err = -errno;
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}
