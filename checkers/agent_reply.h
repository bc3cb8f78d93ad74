/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an agent on a real server says of it, in the words of HAProxy's agent-check (its
 * configuration manual, "agent-check"): one line of words between spaces, tabs or commas.
 *
 *	75%			the weight, of the configured one
 *	up			the service is well
 *	down, stopped, fail	it is not; "#" and what follows says why
 *	ready, drain, maint	the administrative state
 *	maxconn:30		connections that the server takes at most
 *
 * What a line does not speak of stays as it was, which is machine.c's business. Pure.
 */
#ifndef TANDEM_CHECKERS_AGENT_REPLY_H
#define TANDEM_CHECKERS_AGENT_REPLY_H

#include "checkers/machine.h"

#include <stddef.h>

#define AGENT_LINE_MAX 512

/*
 * The line's end is looked for by the caller; `words` is it, fit to be printed. False: no word of
 * it is known, or a number is wrong.
 */
bool agent_reply_parse(const char *at, size_t len, struct check_agent_said *ret,
		       struct text *ret_words);

#endif
