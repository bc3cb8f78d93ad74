/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FILE_CHECK: what the supervisor has told of the numbers in track_files. Owns the table of them,
 * of all files that anything tracks: a reload may bring a check for any. Reads no file itself.
 */
#include "checkers/file.h"

#include "checkers/file_judge.h"
#include "checkers/method.h"
#include "core/msg.h"
#include "core/must.h"

#include <stdio.h>
#include <stdlib.h>

static struct msg_file_value *values;
static size_t n_values;

static struct msg_file_value *find(uint64_t file)
{
	for (size_t i = 0; i < n_values; i++)
		if (values[i].file == file)
			return &values[i];
	return NULL;
}

void check_file_told(const struct msg_file_value *told)
{
	struct msg_file_value *v = find(told->file);

	if (v) {
		*v = *told;
		return;
	}
	v = must(realloc(values, (n_values + 1) * sizeof(*values)));
	values = v;
	values[n_values++] = *told;
}

bool check_file_result(const struct check *conf, struct check_result *ret)
{
	const struct msg_file_value *v = find(conf->file->id);

	*ret = (struct check_result){.outcome = CHECK_UNKNOWN};
	if (v)
		file_judge(conf->file, v->value, ret);
	else
		text_set(&ret->reason, "not read yet");
	return v;
}

/* The number is looked at when it changes; in between there is nothing new to be learned. */
static void file_start(struct check_probe *p)
{
	struct check_result result;

	check_file_result(p->conf, &result);
	p->done(p, &result);
}

/* It is never in flight. */
static void file_cancel(struct check_probe *p)
{
}

const struct check_method_ops check_file_ops = {
	.probe_bytes = sizeof(struct check_probe),
	.start = file_start,
	.cancel = file_cancel,
};
