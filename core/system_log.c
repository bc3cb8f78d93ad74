/* SPDX-License-Identifier: Apache-2.0 */
/* The system's log, as a datagram socket: see system_log.h. */
#include "core/system_log.h"

#include <errno.h>
#include <paths.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

/* A log daemon that was started again listens on a new socket: connected anew after an error. */
static int log_sock = -1;

static int connect_log(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = _PATH_LOG};
	int err;

	log_sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (log_sock < 0)
		return -errno;
	if (connect(log_sock, (struct sockaddr *)&at, sizeof(at)) == 0)
		return 0;
	err = -errno;
	close(log_sock);
	log_sock = -1;
	return err;
}

static int send_line(const char *line, size_t len, int patience_ms)
{
	struct pollfd room = {.events = POLLOUT};
	int err = log_sock < 0 ? connect_log() : 0;

	if (err || send(log_sock, line, len, MSG_NOSIGNAL) >= 0)
		return err;
	room.fd = log_sock;
	if (errno == EAGAIN && poll(&room, 1, patience_ms) != 1)
		return -EAGAIN;
	if (send(log_sock, line, len, MSG_NOSIGNAL) >= 0)
		return 0;
	if (errno == EAGAIN || errno == EINTR)
		return -EAGAIN;
	err = -errno;
	close(log_sock);
	log_sock = -1;
	return err;
}

int system_log_send(int priority, const char *program, const char *text, int patience_ms)
{
	time_t now = time(NULL);
	char line[2300], stamp[32];
	struct tm tm;
	int len, err;

	localtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%b %e %H:%M:%S", &tm);
	len = snprintf(line, sizeof(line), "<%d>%s %s[%d]: %s", LOG_DAEMON | priority, stamp,
		       program, (int)getpid(), text);
	if (len >= (int)sizeof(line))
		len = sizeof(line) - 1;
	err = send_line(line, (size_t)len, patience_ms);
	return err && err != -EAGAIN ? send_line(line, (size_t)len, 0) : err;
}
