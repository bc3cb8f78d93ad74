/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP_CHECK: sends a datagram. Without require_reply it passes unless the server, or a router,
 * says within connect_timeout that nobody is there.
 */
#include "checkers/datagram.h"
#include "checkers/udp_reply.h"
#include "core/hex.h"

#include <string.h>

static size_t ask(struct datagram *d, uint8_t *buf, size_t size)
{
	static const char text[] = "keepalive check";
	const struct check_udp *conf = d->probe.conf->udp;

	if (conf->payload[0])
		return hex_decode(conf->payload, buf, size);
	memcpy(buf, text, sizeof(text));
	return sizeof(text);
}

static bool judge(struct datagram *d, const uint8_t *at, size_t len, struct check_result *ret)
{
	udp_reply_judge(d->probe.conf->udp, at, len, ret);
	return true;
}

static const char *silence(const struct datagram *d)
{
	return d->probe.conf->udp->require_reply ? NULL : "nobody has said that it is closed";
}

static const struct datagram_ops udp = {
	.open = datagram_open_udp,
	.ask = ask,
	.judge = judge,
	.silence = silence,
};

static void udp_start(struct check_probe *p)
{
	datagram_start((struct datagram *)p, &udp);
}

const struct check_method_ops check_udp_ops = {
	.probe_bytes = sizeof(struct datagram),
	.start = udp_start,
	.cancel = datagram_cancel,
};
