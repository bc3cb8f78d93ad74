/* SPDX-License-Identifier: Apache-2.0 */
/* What the end of a script says: see misc_judge.h. */
#include "checkers/misc_judge.h"

#include "core/clock.h"
#include "core/scripts.h"

/* With misc_dynamic a status of 2 and more is a pass with that weight, less 2. */
static void judge_status(const struct check_misc *conf, uint8_t status, struct check_result *r)
{
	double took_ms = r->latency_us / 1000.0;

	if (status == 0) {
		r->outcome = CHECK_PASS;
		text_set(&r->reason, "exit status 0 in %.1f ms", took_ms);
	} else if (conf->dynamic && status >= 2) {
		r->outcome = CHECK_PASS;
		r->has_weight = true;
		r->weight = status - 2;
		text_set(&r->reason, "exit status %u, weight %d, in %.1f ms", status, r->weight,
			 took_ms);
	} else {
		r->outcome = CHECK_FAIL;
		text_set(&r->reason, "exit status %u after %.1f ms", status, took_ms);
	}
}

void misc_judge(const struct check_misc *conf, const struct msg_script_end *end,
		struct check_result *r)
{
	r->outcome = CHECK_FAIL;
	switch ((enum script_how)end->how) {
	case SCRIPT_EXITED:
		judge_status(conf, end->value, r);
		return;
	case SCRIPT_SIGNALLED:
		text_set(&r->reason, "ended by signal %u after %.1f ms", end->value,
			 r->latency_us / 1000.0);
		return;
	case SCRIPT_TOO_LATE:
		text_set(&r->reason, "not done in %.3f s: ended",
			 (double)conf->timeout_us / USEC_PER_SEC);
		return;
	case SCRIPT_NOT_RUN:
		break;
	}
	r->outcome = CHECK_UNKNOWN;
	text_set(&r->reason, "not run: %s", end->reason.s);
}
