/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a reply to UDP_CHECK is the wanted one. Pure. */
#ifndef TANDEM_CHECKERS_UDP_REPLY_H
#define TANDEM_CHECKERS_UDP_REPLY_H

#include "checkers/machine.h"
#include "core/model.h"

void udp_reply_judge(const struct check_udp *conf, const uint8_t *at, size_t len,
		     struct check_result *ret);

#endif
