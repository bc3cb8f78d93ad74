/* SPDX-License-Identifier: Apache-2.0 */
/* Words of the language that stand for numbers, both ways. Internal to core/config. */
#ifndef TANDEM_CONFIG_NAMES_H
#define TANDEM_CONFIG_NAMES_H

#include <stdbool.h>
#include <stdint.h>

/* RT_SCOPE_*; -1: unknown. A number from 0 to 255 is taken too, as ip(8) does. */
int name_scope_parse(const char *s);
const char *name_scope(uint8_t scope); /* NULL: no name, write the number */

/* Of a DNS record type, "SOA", or TYPE6 (RFC 3597). False: unknown. */
bool name_dns_type_parse(const char *s, uint16_t *ret);
const char *name_dns_type(uint16_t type); /* NULL: write TYPEn */

bool name_is_scheduler(const char *s);

#endif
