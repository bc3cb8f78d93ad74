/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets as a check's configuration wants them, and what their errors mean for the server. What
 * all methods share that make connections; knows no method, no loop.
 */
#ifndef TANDEM_CHECKERS_SOCKET_H
#define TANDEM_CHECKERS_SOCKET_H

#include "checkers/machine.h"
#include "core/model.h"

/* Not blocking, with bindto, bind_port, bind_if and fwmark. -errno and why, in words. */
int check_socket_open(const struct check *c, int type, int protocol, struct text *ret_reason);

/* Where it is to be connected. */
socklen_t check_socket_target(const struct check *c, struct sockaddr_storage *ret);

/* What an error of connect(), send() or recv() says. */
void check_socket_judge(int error, struct check_result *ret);

#endif
