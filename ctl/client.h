/* SPDX-License-Identifier: Apache-2.0 */
/* One question to tandemd's control socket, and its answer. */
#ifndef TANDEM_CTL_CLIENT_H
#define TANDEM_CTL_CLIENT_H

struct json_object;

/*
 * Asks and waits; the question is an object with a "verb". 0: *ret is the answer, the caller's.
 * -errno of the connection; -EBADMSG when the answer is not a JSON object.
 */
int client_ask(const char *run_dir, struct json_object *question, struct json_object **ret);

#endif
