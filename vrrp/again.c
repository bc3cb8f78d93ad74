/* SPDX-License-Identifier: Apache-2.0 */
/* Asking again for what was refused: see again.h. */
#include "vrrp/again.h"

#include "core/backoff.h"

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct again *a = w->data;

	a->ask(a->ctx);
}

void again_init(struct again *a, const struct netifs *netifs, void (*ask)(void *ctx), void *ctx)
{
	*a = (struct again){.netifs = netifs, .ask = ask, .ctx = ctx};
	ev_init(&a->timer, on_timer);
	a->timer.data = a;
}

void again_stop(struct again *a)
{
	a->times = 0;
	ev_timer_stop(a->netifs->loop, &a->timer);
}

bool again_note(struct again *a, bool refused)
{
	unsigned times = refused ? a->times + 1 : 0;
	bool over = a->times && !refused;

	again_stop(a);
	if (!refused)
		return over;
	a->times = times;
	a->links_gen = a->netifs->links_gen;
	ev_now_update(a->netifs->loop);
	ev_timer_set(&a->timer, (double)backoff_after_us(times) / USEC_PER_SEC, 0);
	ev_timer_start(a->netifs->loop, &a->timer);
	return false;
}

bool again_waits(const struct again *a)
{
	return ev_is_active(&a->timer) && a->links_gen == a->netifs->links_gen;
}
