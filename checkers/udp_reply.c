/* SPDX-License-Identifier: Apache-2.0 */
/* UDP_CHECK's replies: see udp_reply.h. */
#include "checkers/udp_reply.h"

#include "core/hex.h"

#include <stdbool.h>

static bool nibble_fits(char wanted, uint8_t nibble)
{
	return wanted == 'x' || hex_value(wanted) == nibble;
}

/* As keepalived: as far as both go. A shorter reply is min_reply_length's business. */
static bool bytes_fit(const char *wanted, const uint8_t *at, size_t len, size_t *ret_where)
{
	for (size_t i = 0; i < len && wanted[2 * i] && wanted[2 * i + 1]; i++) {
		if (nibble_fits(wanted[2 * i], at[i] >> 4) &&
		    nibble_fits(wanted[2 * i + 1], at[i] & 15))
			continue;
		*ret_where = i;
		return false;
	}
	return true;
}

void udp_reply_judge(const struct check_udp *conf, const uint8_t *at, size_t len,
		     struct check_result *ret)
{
	size_t where = 0;

	ret->outcome = CHECK_FAIL;
	if (conf->require_reply && (len < conf->min_reply_length || len > conf->max_reply_length)) {
		text_set(&ret->reason, "a reply of %zu bytes, wanted %u to %u", len,
			 conf->min_reply_length, conf->max_reply_length);
	} else if (!bytes_fit(conf->reply, at, len, &where)) {
		text_set(&ret->reason, "a reply of %zu bytes with %02x at offset %zu, wanted %.2s",
			 len, at[where], where, conf->reply + 2 * where);
	} else {
		ret->outcome = CHECK_PASS;
		text_set(&ret->reason, "a reply of %zu bytes", len);
	}
}
