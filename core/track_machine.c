/* SPDX-License-Identifier: Apache-2.0 */
/* Rise and fall of a vrrp_script: see track_machine.h. */
#include "core/track_machine.h"

#include "core/model.h"

void track_machine_init(struct track_machine *m, const struct track_script *conf)
{
	*m = (struct track_machine){.known = conf->init_fail};
}

bool track_machine_step(struct track_machine *m, const struct track_script *conf, bool passed)
{
	if (m->known && m->up == passed) {
		m->against = 0;
		return false;
	}
	if (m->known && ++m->against < (passed ? conf->rise : conf->fall))
		return false;
	*m = (struct track_machine){.known = true, .up = passed};
	return true;
}
