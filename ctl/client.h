/* SPDX-License-Identifier: Apache-2.0 */
/* One question to tandemd's control socket, and its answer. */
#ifndef TANDEM_CTL_CLIENT_H
#define TANDEM_CTL_CLIENT_H

struct json_object;

/*
 * Asks and waits; `file` goes with the question, or is NULL. 0: *ret is the answer, the caller's.
 * -errno of the connection; -EBADMSG when the answer is not a JSON object.
 */
int client_ask(const char *run_dir, const char *verb, const char *file, struct json_object **ret);

#endif
