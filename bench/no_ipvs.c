/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For keepalived on a kernel without IPVS, preloaded: its IPVS commands are answered with success,
 * so that its checks can be measured where they are as fast as they can be. It does no more than a
 * kernel would, and less work.
 */
#include <dlfcn.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define IS_IPVS(level, option) ((level) == IPPROTO_IP && (option) >= IP_VS_BASE_CTL && \
				(option) <= IP_VS_BASE_CTL + 64)

int setsockopt(int sock, int level, int option, const void *value, socklen_t size)
{
	static int (*next)(int, int, int, const void *, socklen_t);

	if (IS_IPVS(level, option))
		return 0;
	if (!next)
		next = dlsym(RTLD_NEXT, "setsockopt");
	return next(sock, level, option, value, size);
}

int getsockopt(int sock, int level, int option, void *value, socklen_t *size)
{
	static int (*next)(int, int, int, void *, socklen_t *);
	const struct ip_vs_getinfo info = {.version = 0x010201, .size = 4096};

	if (!next)
		next = dlsym(RTLD_NEXT, "getsockopt");
	if (!IS_IPVS(level, option))
		return next(sock, level, option, value, size);
	memset(value, 0, *size);
	if (option == IP_VS_SO_GET_INFO && *size >= sizeof(info))
		memcpy(value, &info, sizeof(info));
	return 0;
}
