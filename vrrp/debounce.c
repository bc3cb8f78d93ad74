/* SPDX-License-Identifier: Apache-2.0 */
/* Links that come and go too often: see debounce.h. */
#include "vrrp/debounce.h"

void debounce_note(struct debounce *d, bool up, int64_t delay_us, int64_t now_us)
{
	if (up == d->up)
		d->turns_us = 0;
	else if (!delay_us)
		*d = (struct debounce){.up = up};
	else if (!d->turns_us)
		d->turns_us = now_us + delay_us;
}

bool debounce_turn(struct debounce *d, int64_t now_us)
{
	if (!d->turns_us || d->turns_us > now_us)
		return false;
	*d = (struct debounce){.up = !d->up};
	return true;
}
