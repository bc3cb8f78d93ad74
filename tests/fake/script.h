/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens in one run, all of it drawn from the seed: some directors are configured and
 * started (setup.c); then act after act, either a storm of faults on a bad LAN (storm.c) or one
 * thing done to a calm cluster (deeds.c); after each act all is calm until the cluster must have
 * settled (script.c).
 */
#ifndef TANDEM_FAKE_SCRIPT_H
#define TANDEM_FAKE_SCRIPT_H

#include "tests/fake/world.h"

/* The LAN, the directors and their configurations; nothing is started. */
void setup_draw(struct world *w);

/* Begins a storm; returns how long it lasts. */
int64_t storm_begin(struct world *w);
void storm_end(struct world *w);

/* Does one thing to a cluster that has settled, and tells the watch what to expect. */
void deed_do(struct world *w);

/* The longest Active_Down_Interval, and advertisement interval, that anybody may go by. */
int64_t script_down_us(const struct world *w);
int64_t script_interval_us(const struct world *w);

/* The client beside this director asks who has the addresses: the last answer counts. */
void script_client_asks(struct world *w, const struct node *beside, bool only_active);

/* One run. True: no property was violated. */
bool script_run(struct world *w);

#endif
