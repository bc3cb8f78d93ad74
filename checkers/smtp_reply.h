/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of an SMTP server (RFC 5321 §4.2), of one line or several, as they come in. Pure. */
#ifndef TANDEM_CHECKERS_SMTP_REPLY_H
#define TANDEM_CHECKERS_SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SMTP_REPLY_MAX 8192 /* bytes of all lines */

struct smtp_reply {
	size_t bytes;
	size_t column; /* of the line */
	uint16_t code;
	bool last; /* this line ends the reply */
};

enum smtp_progress {
	SMTP_MORE,
	SMTP_REPLIED, /* the code is in r->code */
	SMTP_NONSENSE,
};

/* Takes bytes up to the end of a reply; *ret_used says how many. Begin with an empty one. */
enum smtp_progress smtp_reply_feed(struct smtp_reply *r, const char *at, size_t len,
				   size_t *ret_used);

#endif
