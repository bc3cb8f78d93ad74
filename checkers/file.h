/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of the numbers in track_files, for FILE_CHECK. */
#ifndef TANDEM_CHECKERS_FILE_H
#define TANDEM_CHECKERS_FILE_H

#include "checkers/machine.h"
#include "core/model.h"

struct msg_file_value;

/* The supervisor has read a file. */
void check_file_told(const struct msg_file_value *told);

/* What a FILE_CHECK's file says of its server. False: nothing has been told of it yet. */
bool check_file_result(const struct check *conf, struct check_result *ret);

#endif
