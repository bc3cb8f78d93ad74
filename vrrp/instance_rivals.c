/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an instance that is Active says and does about another router that is Active too, and about
 * another machine that has one of its addresses. When: rival.h.
 */
#include "vrrp/instance_private.h"

#include "vrrp/config.h"
#include "vrrp/vips.h"

#include <stdio.h>
#include <string.h>

#define CLAIM_AGAIN_US USEC_PER_SEC
#define CLAIM_OVER_US  (30 * USEC_PER_SEC)

static struct rival_conf router_conf(const struct instance *in)
{
	return (struct rival_conf){
		.grace_us = in->conf.adver_int_us,
		.over_us = (in->conf.down_adverts + 1) * in->conf.adver_int_us,
	};
}

static struct rival_conf claim_conf(const struct instance *in)
{
	return (struct rival_conf){.grace_us = in->conf.adver_int_us,
				   .over_us = CLAIM_OVER_US,
				   .again_us = CLAIM_AGAIN_US};
}

static double lasted_s(const struct rival *r)
{
	return (double)(r->last_us - r->first_us) / USEC_PER_SEC;
}

static const char *format_mac(const uint8_t mac[6], char text[18])
{
	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		 mac[5]);
	return text;
}

static void arm(struct instance *in)
{
	const struct rival_conf router = router_conf(in), claim = claim_conf(in);
	int64_t at_us = rival_deadline(&in->rival, &router);
	int64_t claim_us = rival_deadline(&in->claimant, &claim);
	double left_s;

	at_us = claim_us < at_us ? claim_us : at_us;
	ev_timer_stop(in->shell->loop, &in->rival_timer);
	if (at_us == USEC_NEVER)
		return;
	left_s = (double)(at_us - clock_now_us()) / USEC_PER_SEC;
	ev_timer_set(&in->rival_timer, left_s > 0 ? left_s : 0, 0);
	ev_timer_start(in->shell->loop, &in->rival_timer);
}

/* The machine has answered, and announced the addresses as garp_lower_prio_repeat says. */
static void act_on_router(struct instance *in, enum rival_act act)
{
	char text[ADDR_TEXT_MAX];

	addr_format(&in->rival_address, text);
	if (act == RIVAL_TELL) {
		in->counters.split_brains++;
		log_warning("%s: split brain: %s is MASTER too, with priority %u; ours is %u",
			    in->config->name, text, in->rival_priority, in->conf.priority);
	} else if (act == RIVAL_OVER) {
		log_notice("%s: split brain is over: %s is not heard as MASTER any more; it was "
			   "for %.1f s",
			   in->config->name, text, lasted_s(&in->rival));
	}
}

static void act_on_claim(struct instance *in, enum rival_act act)
{
	char address[ADDR_TEXT_MAX], mac[18];

	addr_format(&in->claim.address, address);
	format_mac(in->claim.mac, mac);
	if (act == RIVAL_TELL) {
		in->counters.address_conflicts++;
		log_warning("%s: %s says that %s is its own: announced anew", in->config->name, mac,
			    address);
	} else if (act == RIVAL_OVER) {
		log_notice("%s: %s no longer says that %s is its own; it did for %.1f s",
			   in->config->name, mac, address, lasted_s(&in->claimant));
	}
	if (act == RIVAL_TELL || act == RIVAL_ANSWER)
		in->counters.garp_sent +=
			vips_announce(&in->shell->netifs, &in->shell->announcer, in->config, 1);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct instance *in = w->data;
	const struct rival_conf router = router_conf(in), claim = claim_conf(in);
	int64_t now_us = clock_now_us();

	act_on_router(in, rival_wait(&in->rival, &router, now_us));
	act_on_claim(in, rival_wait(&in->claimant, &claim, now_us));
	arm(in);
}

void instance_init_rivals(struct instance *in)
{
	ev_timer_init(&in->rival_timer, on_timer, 0, 0);
	in->rival_timer.data = in;
}

void instance_forget_rivals(struct instance *in)
{
	if (!in->rival.heard && !in->claimant.heard)
		return;
	rival_forget(&in->rival);
	rival_forget(&in->claimant);
	ev_timer_stop(in->shell->loop, &in->rival_timer);
}

/* Not more often than we advertise, however many they send: each is told, and runs a script. */
static bool count_rival(struct instance *in, int64_t now_us)
{
	if (now_us < in->rival_us + in->conf.adver_int_us / 2)
		return false;
	in->rival_us = now_us;
	in->rivals++;
	return true;
}

bool instance_hear_rival(struct instance *in, const struct vrrp_event *advert)
{
	const struct rival_conf conf = router_conf(in);
	bool counted = count_rival(in, advert->now_us);

	/* Of several the first is told of until it is over. */
	if (in->rival.told && !addr_equal(&in->rival_address, &advert->src))
		return counted;
	in->rival_address = advert->src;
	in->rival_priority = advert->priority;
	act_on_router(in, rival_advertises(&in->rival, &conf, advert->now_us, in->m.since_us));
	arm(in);
	return counted;
}

/* The interface's own, and the virtual one of RFC 9568 §7.3, which the other router has too. */
static bool is_own_mac(const struct instance *in, const struct netif *nif, const uint8_t mac[6])
{
	static const uint8_t virtual_mac[4] = {0x00, 0x00, 0x5e, 0x00};

	return (nif->has_mac && memcmp(nif->mac, mac, sizeof(nif->mac)) == 0) ||
	       (memcmp(mac, virtual_mac, sizeof(virtual_mac)) == 0 && mac[5] == in->config->vrid);
}

static bool is_about(const struct instance *in, const struct claim *claim)
{
	for (uint32_t i = 0; i < vrrp_config_vips(in->config); i++) {
		const struct vip *vip = vrrp_config_vip(in->config, i);
		const struct netif *nif;

		if (!addr_equal(&vip->address, &claim->address))
			continue;
		nif = netif_by_name(&in->shell->netifs, vrrp_config_vip_ifname(in->config, vip));
		if (nif && nif->index == claim->index && !is_own_mac(in, nif, claim->mac))
			return true;
	}
	return false;
}

void instance_hear_claim(struct instance *in, const struct claim *claim)
{
	const struct rival_conf conf = claim_conf(in);

	if (in->m.state != VRRP_STATE_ACTIVE || !is_about(in, claim))
		return;
	if (!in->claimant.told)
		in->claim = *claim;
	act_on_claim(in, rival_claims(&in->claimant, &conf, clock_now_us()));
	arm(in);
}
