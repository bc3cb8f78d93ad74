/* SPDX-License-Identifier: Apache-2.0 */
/* The words of the VRRP machine, for logs and people. Pure; the machine knows nothing of it. */
#include "vrrp/machine.h"

#include <stdio.h>

static const char *format_span(int64_t span_us, char *text, size_t size)
{
	if (span_us < USEC_PER_SEC)
		snprintf(text, size, "%lld ms", (long long)(span_us / USEC_PER_MSEC));
	else
		snprintf(text, size, "%.1f s", (double)span_us / (double)USEC_PER_SEC);
	return text;
}

static void format_silence(const struct vrrp_change *c, const char *peer, char *text, size_t size)
{
	char span[32];

	format_span(c->silence_us, span, sizeof(span));
	if (addr_is_set(&c->peer))
		snprintf(text, size, "no advertisement from %s for %s", peer, span);
	else
		snprintf(text, size, "no advertisement for %s", span);
}

const char *vrrp_change_reason(const struct vrrp_change *c, char *text, size_t size)
{
	char peer[ADDR_TEXT_MAX], span[32];

	addr_format(&c->peer, peer);
	switch (c->reason) {
	case VRRP_REASON_STARTED:
		snprintf(text, size, "started");
		break;
	case VRRP_REASON_OWNER:
		snprintf(text, size, "started as owner of the addresses (priority 255)");
		break;
	case VRRP_REASON_RESUMED:
		snprintf(text, size, "resumed");
		break;
	case VRRP_REASON_SILENCE:
		format_silence(c, peer, text, size);
		break;
	case VRRP_REASON_PEER_LEFT:
		snprintf(text, size, "%s left (priority 0)", peer);
		break;
	case VRRP_REASON_PEER_LOST:
		snprintf(text, size, "no heartbeat, answer or advertisement from %s for %s", peer,
			 format_span(c->silence_us, span, sizeof(span)));
		break;
	case VRRP_REASON_PEER_GAVE_UP:
		snprintf(text, size, "%s says that it is Active no more", peer);
		break;
	case VRRP_REASON_PREEMPT:
		snprintf(text, size, "priority %u is higher than the %u of %s%s", c->priority,
			 c->peer_priority, peer,
			 c->undrained ? ", which does not say that we have all connections" : "");
		break;
	case VRRP_REASON_HIGHER:
		snprintf(text, size, "%s has a higher priority (%u, ours %u)", peer,
			 c->peer_priority, c->priority);
		break;
	case VRRP_REASON_HIGHER_ADDRESS:
		snprintf(text, size, "%s has the same priority (%u) and a higher address", peer,
			 c->priority);
		break;
	case VRRP_REASON_FAULT:
	case VRRP_REASON_FAULT_OVER:
	case VRRP_REASON_GROUP:
		snprintf(text, size, "%s", c->why ? c->why : "no reason given");
		break;
	case VRRP_REASON_HELD_UP:
		snprintf(text, size, "was held up for longer than another router waits");
		break;
	case VRRP_REASON_STOPPED:
		snprintf(text, size, "stopped");
		break;
	}
	return text;
}

const char *vrrp_change_format(const char *name, const struct vrrp_change *c, char *text,
			       size_t size)
{
	char reason[256];

	vrrp_change_reason(c, reason, sizeof(reason));
	if (c->from == c->to)
		snprintf(text, size, "%s: %s: %s", name, vrrp_state_name(c->to), reason);
	else
		snprintf(text, size, "%s: %s → %s: %s", name, vrrp_state_name(c->from),
			 vrrp_state_name(c->to), reason);
	return text;
}
