/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator should look at, as sentences: judged from the supervisor's state alone. */
#ifndef TANDEM_WARNINGS_H
#define TANDEM_WARNINGS_H

struct supervisor;

/* Calls `warn` with each sentence, the gravest first. */
void warnings_each(const struct supervisor *s, void (*warn)(void *ctx, const char *sentence),
		   void *ctx);

#endif
