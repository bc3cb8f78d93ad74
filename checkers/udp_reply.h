/* SPDX-License-Identifier: Apache-2.0 */
/* UDP_CHECK's hex strings, and whether a reply is the wanted one. Pure. */
#ifndef TANDEM_CHECKERS_UDP_REPLY_H
#define TANDEM_CHECKERS_UDP_REPLY_H

#include "checkers/machine.h"
#include "core/model.h"

/* "0a1b": the bytes; at most `size` of them. */
size_t udp_payload(const char *hex, uint8_t *buf, size_t size);

void udp_reply_judge(const struct check_udp *conf, const uint8_t *at, size_t len,
		     struct check_result *ret);

#endif
