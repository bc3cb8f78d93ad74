/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of another version of this program. Each version can say what its messages look like,
 * by names; with that text beside them, their bytes can be read by any other version: fields that
 * both know are taken over, those that only we know are zero, and messages that we do not know are
 * skipped. Pure.
 */
#ifndef TANDEM_MSG_SCHEMA_H
#define TANDEM_MSG_SCHEMA_H

#include "core/msg.h"

/* Our own messages: a line each, in the order of their numbers: "HELLO u8:role u32:pid …". */
const char *msg_schema_text(void);
/* Of that text: equal for two programs that understand each other. */
uint64_t msg_schema_hash(void);

struct msg_schema;

/* Of another version's text. NULL: it is nonsense. */
struct msg_schema *msg_schema_parse(const char *text);
void msg_schema_free(struct msg_schema *s); /* NULL is fine */

/*
 * Reads one encoded message of that version. 0; -ENOMSG: it is one that we do not have; -EBADMSG:
 * short, long, or against its own schema.
 */
int msg_schema_decode(const struct msg_schema *s, const uint8_t *bytes, size_t len,
		      struct msg *ret);

#endif
