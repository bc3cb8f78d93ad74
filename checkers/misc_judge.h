/* SPDX-License-Identifier: Apache-2.0 */
/* What the end of a MISC_CHECK's script says of its server. Pure. */
#ifndef TANDEM_CHECKERS_MISC_JUDGE_H
#define TANDEM_CHECKERS_MISC_JUDGE_H

#include "checkers/machine.h"
#include "core/model.h"
#include "core/msg.h"

/* result->latency_us is how long it took. */
void misc_judge(const struct check_misc *conf, const struct msg_script_end *end,
		struct check_result *result);

#endif
