/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any body, in any pieces, under one of a few demanding regexes: it is judged without a step too
 * far. The first byte picks the regex, the second the size of the pieces. The protocol itself is
 * libcurl's.
 */
#include "checkers/http_reply.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const regexes[] = {"", "^a", "(a+)+b", "(?<=ab)c|(?=x)y", "\\bup\\b.*\\d$"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct status_range any = {100, 599};
	struct check_url url = {.path = "/",
				.virtualhost = "",
				.digest = "00000000000000000000000000000000",
				.statuses = &any,
				.n_statuses = 1,
				.regex_max_offset = UINT32_MAX};
	struct check_result result;
	struct http_reply r;
	size_t piece;

	if (size < 2)
		return 0;
	url.regex = regexes[data[0] % 5];
	url.digest += data[0] & 0x80 ? 0 : 32;
	url.regex_min_offset = data[0] & 0x40 ? data[1] : 0;
	piece = data[1] + 1u;
	http_reply_init(&r, &url);
	for (size_t at = 2; at < size; at += piece)
		http_reply_body(&r, (const char *)data + at, piece < size - at ? piece : size - at);
	http_reply_judge(&r, &url, 200, &result);
	if (result.outcome == CHECK_UNKNOWN)
		abort();
	http_reply_done(&r);
	return 0;
}
