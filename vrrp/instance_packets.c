/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An instance's advertisements, out and in: whom they go to, which ones count, what is said and
 * counted of those that do not.
 */
#include "vrrp/instance_private.h"

#include "vrrp/config.h"
#include "vrrp/detector.h"

#include <string.h>

/* Out */

/* Of one advertisement, for all whom it goes to. NULL: it is not signed. */
static const uint8_t *sign(struct instance *in, uint8_t priority, uint8_t trailer[VRRP_TRAILER_LEN])
{
	struct vrrp_path path = {.src = in->conf.source, .dst = vrrp_config_group(in->config)};
	uint8_t buf[VRRP_PACKET_MAX];
	int len;

	if (!in->hmac || !in->hmac->sign)
		return NULL;
	len = vrrp_config_encode(in->config, &path, priority, NULL, buf);
	if (len < 0)
		return NULL; /* nor can it be sent */
	vrrp_hmac_sign(in->hmac, in->memory, &path.src, clock_realtime_us(), buf, (size_t)len,
		       trailer);
	return trailer;
}

void instance_cannot_send(struct instance *in, const struct addr *dst, int err)
{
	char text[ADDR_TEXT_MAX];

	if (log_limit_pass(&in->limit, clock_now_us()))
		log_warning("%s: can't send an advertisement to %s: %s%s", in->config->name,
			    addr_format(dst, text), strerror(-err), log_limit_suffix(&in->limit));
}

static void send_to(struct instance *in, const struct addr *dst, int ttl, uint8_t priority,
		    const uint8_t *trailer)
{
	struct vrrp_path path = {.src = in->conf.source, .dst = *dst};
	uint8_t buf[VRRP_PACKET_MAX];
	int len = vrrp_config_encode(in->config, &path, priority, trailer, buf);

	if (len < 0)
		instance_cannot_send(in, dst, len);
	else
		vrrp_port_send(in->port, &path, ttl, buf, (size_t)len);
}

void instance_send_advert(struct instance *in, uint8_t priority)
{
	const struct vrrp_instance *c = in->config;
	struct addr group = vrrp_config_group(c);
	uint8_t bytes[VRRP_TRAILER_LEN];
	const uint8_t *trailer;

	if (!in->port)
		return;
	instance_set_awake(in, true);
	trailer = sign(in, priority, bytes);
	if (!c->unicast)
		send_to(in, &group, VRRP_TTL, priority, trailer);
	for (uint32_t i = 0; c->unicast && i < c->n_peers; i++)
		send_to(in, &c->peers[i].address, c->unicast_ttl ? c->unicast_ttl : VRRP_TTL,
			priority, trailer);
	in->sent_us = clock_now_us();
	in->counters.adverts_sent++;
	in->counters.priority_zero_sent += priority == 0;
}

/* In */

static void count_error(struct instance *in, enum vrrp_packet_result result)
{
	struct msg_vrrp_counters *c = &in->counters;

	switch (result) {
	case VRRP_PACKET_OK:
		break;
	case VRRP_PACKET_LENGTH:
		c->packet_length_errors++;
		break;
	case VRRP_PACKET_VERSION:
		c->version_errors++;
		break;
	case VRRP_PACKET_TYPE:
		c->invalid_type_received++;
		break;
	case VRRP_PACKET_CHECKSUM:
		c->checksum_errors++;
		break;
	case VRRP_PACKET_VRID:
		c->vrid_errors++;
		break;
	case VRRP_PACKET_TTL:
		c->ttl_errors++;
		break;
	case VRRP_PACKET_INTERVAL:
		c->interval_errors++;
		break;
	case VRRP_PACKET_AUTH_TYPE:
	case VRRP_PACKET_AUTH_MISMATCH:
	case VRRP_PACKET_AUTH_FAILURE:
	case VRRP_PACKET_AUTH_MISSING:
	case VRRP_PACKET_AUTH_TIME:
	case VRRP_PACKET_AUTH_KEY:
		c->auth_failures++;
		break;
	case VRRP_PACKET_AUTH_REPLAY:
		c->replays++;
		break;
	}
}

static void note_stranger(struct instance *in, const struct vrrp_frame *f, const char *why,
			  const char *detail)
{
	in->heard.stranger_us = clock_now_us();
	in->heard.stranger = f->path.src;
	text_set(&in->heard.why, "%s%s", why, detail);
}

void instance_hear_other(struct instance *in, const struct vrrp_frame *f, uint8_t vrid)
{
	in->heard.other_us = clock_now_us();
	in->heard.other = f->path.src;
	in->heard.other_vrid = vrid;
}

static void refuse(struct instance *in, const struct vrrp_frame *f, enum vrrp_packet_result result,
		   const struct text *detail)
{
	char text[ADDR_TEXT_MAX];

	count_error(in, result);
	note_stranger(in, f, vrrp_packet_result_name(result), detail->s);
	if (log_limit_pass(&in->limit, clock_now_us()))
		log_warning("%s: advertisement from %s dropped: %s%s%s", in->config->name,
			    addr_format(&f->path.src, text), vrrp_packet_result_name(result),
			    detail->s, log_limit_suffix(&in->limit));
}

static const struct unicast_peer *find_peer(const struct vrrp_instance *c, const struct addr *src)
{
	for (uint32_t i = 0; i < c->n_peers; i++)
		if (addr_equal(&c->peers[i].address, src))
			return &c->peers[i];
	return NULL;
}

/* Sent to us in the way that we listen: to the group, or by one of the configured peers. */
static bool is_meant_for(const struct vrrp_instance *c, const struct vrrp_frame *f)
{
	struct addr group = vrrp_config_group(c);

	if (c->unicast)
		return !addr_is_multicast(&f->path.dst) &&
		       (!c->check_unicast_src || find_peer(c, &f->path.src));
	return addr_equal(&f->path.dst, &group);
}

static enum vrrp_packet_result check_unicast_ttl(const struct vrrp_instance *c,
						 const struct vrrp_frame *f)
{
	const struct unicast_peer *peer = c->unicast ? find_peer(c, &f->path.src) : NULL;

	if (!peer || !peer->max_ttl)
		return VRRP_PACKET_OK;
	return f->ttl < peer->min_ttl || f->ttl > peer->max_ttl ? VRRP_PACKET_TTL : VRRP_PACKET_OK;
}

static void note_clock(struct instance *in, const struct vrrp_frame *f,
		       const struct vrrp_packet *p, int64_t ahead_s)
{
	if (!p->trailer || in->hmac->monotonic)
		return;
	in->heard.clock_us = clock_now_us();
	in->heard.clock = f->path.src;
	in->heard.clock_ahead_s = ahead_s;
}

static enum vrrp_packet_result check_hmac(struct instance *in, const struct vrrp_frame *f,
					  const struct vrrp_packet *p, struct text *ret_detail)
{
	size_t len = f->len - (p->trailer ? VRRP_TRAILER_LEN : 0);
	enum vrrp_packet_result result;
	int64_t ahead_s = 0;

	if (!in->hmac)
		return VRRP_PACKET_OK;
	result = vrrp_hmac_check(in->hmac, in->memory, &f->path.src, clock_realtime_us(), f->bytes,
				 len, p->trailer, &ahead_s);
	if (result == VRRP_PACKET_OK || result == VRRP_PACKET_AUTH_TIME)
		note_clock(in, f, p, ahead_s);
	if (result == VRRP_PACKET_AUTH_TIME)
		text_set(ret_detail, ": it is %lld s %s ours",
			 (long long)(ahead_s < 0 ? -ahead_s : ahead_s),
			 ahead_s < 0 ? "behind" : "ahead of");
	if (result == VRRP_PACKET_AUTH_KEY)
		text_set(ret_detail, " %u", p->trailer[1]);
	return result;
}

/* Once, and once more when that is over: then all may enforce. Two senders of which one signs, or one
 * who pretends to be another, would have it said with each packet. */
static void note_unsigned(struct instance *in, const struct vrrp_frame *f,
			  const struct vrrp_packet *p)
{
	char text[ADDR_TEXT_MAX];

	if (!in->hmac || !p->trailer == in->told_unsigned)
		return;
	if (!log_limit_pass(&in->auth_limit, clock_now_us()))
		return;
	in->told_unsigned = !p->trailer;
	log_notice("%s: advertisements from %s are %s%s", in->config->name,
		   addr_format(&f->path.src, text),
		   p->trailer ? "authenticated now"
			      : "not authenticated: accepted, as auth_hmac's mode says",
		   log_limit_suffix(&in->auth_limit));
}

/* Differences that the operator should know of, and that must not split the pair. */
static void note_differences(struct instance *in, const struct vrrp_frame *f,
			     const struct vrrp_packet *p)
{
	const struct vrrp_instance *c = in->config;
	bool plain = p->checksum == VRRP_CHECKSUM_MESSAGE;
	char text[ADDR_TEXT_MAX];

	if (!vrrp_config_same_addresses(c, p)) {
		in->counters.address_list_errors++;
		note_stranger(in, f, "it advertises other addresses than ours", "");
		if (!c->skip_check_adv_addr && log_limit_pass(&in->limit, clock_now_us()))
			log_warning("%s: %s advertises other addresses than ours%s", c->name,
				    addr_format(&f->path.src, text), log_limit_suffix(&in->limit));
	}
	if (c->version == 3 && c->family == AF_INET && plain != c->checksum_as_v2 &&
	    !in->told_checksum) {
		in->told_checksum = true;
		log_warning("%s: %s computes checksums %s, we %s: it may refuse ours, set "
			    "v3_checksum_as_v2 alike",
			    c->name, addr_format(&f->path.src, text),
			    plain ? "as RFC 9568 says" : "with a pseudo-header",
			    plain ? "with a pseudo-header" : "as RFC 9568 says");
	}
}

void instance_receive(struct instance *in, const struct vrrp_frame *f)
{
	struct vrrp_expect expect = vrrp_config_expect(in->config);
	enum vrrp_packet_result result;
	struct text detail = {""};
	struct vrrp_packet p;

	/* It has been, or will be, heard by the listener as well. */
	if (in->listener && !f->listened)
		return;
	/* Our own come back over some bridges. */
	if (addr_equal(&f->path.src, &in->conf.source) || !is_meant_for(in->config, f))
		return;
	result = vrrp_config_decode(in->config, f->bytes, f->len, &f->path, &p);
	if (result == VRRP_PACKET_OK)
		result = vrrp_packet_check(&p, &expect, f->ttl);
	if (result == VRRP_PACKET_OK)
		result = check_unicast_ttl(in->config, f);
	if (result == VRRP_PACKET_OK)
		result = check_hmac(in, f, &p, &detail);
	if (result != VRRP_PACKET_OK) {
		refuse(in, f, result, &detail);
		return;
	}
	in->counters.adverts_received++;
	in->counters.priority_zero_received += p.priority == 0;
	if (in->config->owner_ignore_adverts && in->m.state == VRRP_STATE_ACTIVE &&
	    in->conf.priority == VRRP_PRIORITY_OWNER)
		return;
	note_differences(in, f, &p);
	note_unsigned(in, f, &p);
	instance_step(in, (struct vrrp_event){.kind = VRRP_EVENT_ADVERT,
					      .src = f->path.src,
					      .priority = p.priority,
					      .adver_int_us = p.adver_int_cs * USEC_PER_CSEC});
	/* After the machine: were it the last sign of life, and the machine's clock read later, the
	 * machine would take it for one that the detector does not know of. */
	if (in->watch && addr_equal(&f->path.src, &in->watch->peer))
		detector_hear_advert(in->watch);
}
