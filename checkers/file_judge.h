/* SPDX-License-Identifier: Apache-2.0 */
/* What the number in a track_file says of a FILE_CHECK's server. Pure. */
#ifndef TANDEM_CHECKERS_FILE_JUDGE_H
#define TANDEM_CHECKERS_FILE_JUDGE_H

#include "checkers/machine.h"
#include "core/model.h"

/*
 * With a weight, value × weight is what the server's weight is moved by: result->weight, less than
 * zero too. At INT32_MIN, where keepalived's fault is, and with weight 0 and a value that is not 0,
 * the check fails.
 */
void file_judge(const struct check_file *conf, int32_t value, struct check_result *result);

#endif
