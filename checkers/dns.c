/* SPDX-License-Identifier: Apache-2.0 */
/* DNS_CHECK: a question, over UDP, that the server answers without an error. */
#include "checkers/datagram.h"
#include "checkers/dns_packet.h"

static size_t ask(struct datagram *d, uint8_t *buf, size_t size)
{
	d->id = datagram_random();
	return dns_question(d->probe.conf->dns, d->id, buf);
}

static bool judge(struct datagram *d, const uint8_t *at, size_t len, struct check_result *ret)
{
	return dns_judge(d->probe.conf->dns, d->id, at, len, ret);
}

static const struct datagram_ops dns = {
	.open = datagram_open_udp,
	.ask = ask,
	.judge = judge,
};

static void dns_start(struct check_probe *p)
{
	datagram_start((struct datagram *)p, &dns);
}

const struct check_method_ops check_dns_ops = {
	.probe_bytes = sizeof(struct datagram),
	.start = dns_start,
	.cancel = datagram_cancel,
};
