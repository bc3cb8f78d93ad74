/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS messages (RFC 1035 §4.1), as much as a check needs: one question, and whether a message
 * answers it. Pure. Compressed names are never followed: only the question is read, which a server
 * repeats as it was asked.
 */
#ifndef TANDEM_CHECKERS_DNS_PACKET_H
#define TANDEM_CHECKERS_DNS_PACKET_H

#include "checkers/machine.h"
#include "core/model.h"

#define DNS_QUESTION_MAX 300 /* header, a name of 255, type, class */

/* The length. The configuration's checker has seen to it that the name is one. */
size_t dns_question(const struct check_dns *conf, uint16_t id, uint8_t buf[DNS_QUESTION_MAX]);

/* False: it is no answer to this question. */
bool dns_judge(const struct check_dns *conf, uint16_t id, const uint8_t *at, size_t len,
	       struct check_result *ret);

#endif
