/* SPDX-License-Identifier: Apache-2.0 */
/* What a file's number says: see file_judge.h. */
#include "checkers/file_judge.h"

static void judge_fault(const struct check_file *conf, int32_t value, struct check_result *r)
{
	r->outcome = (value != 0) == conf->reverse ? CHECK_PASS : CHECK_FAIL;
	text_set(&r->reason, "holds %d", value);
}

void file_judge(const struct check_file *conf, int32_t value, struct check_result *r)
{
	int64_t product = (int64_t)value * conf->weight * (conf->reverse ? -1 : 1);

	if (!conf->weight) {
		judge_fault(conf, value, r);
		return;
	}
	if (product <= INT32_MIN) {
		r->outcome = CHECK_FAIL;
		text_set(&r->reason, "holds %d: %lld, which is a fault", value, (long long)product);
		return;
	}
	r->outcome = CHECK_PASS;
	r->has_weight = true;
	r->weight = product > INT32_MAX ? INT32_MAX : (int32_t)product;
	text_set(&r->reason, "holds %d: %+d", value, r->weight);
}
