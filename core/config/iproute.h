/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of routes and rules that stand for numbers: as ip(8) has them, from the files of
 * iproute_etc_dir and iproute_usr_dir and the .d directories beside them. Internal to core/config.
 */
#ifndef TANDEM_CONFIG_IPROUTE_H
#define TANDEM_CONFIG_IPROUTE_H

#include "core/config/check.h"

/* Defaults of the two keywords. */
#define IPROUTE_ETC_DIR "/etc/iproute2"
#define IPROUTE_USR_DIR "/usr/share/iproute2"

/* A name of `file` ("rt_tables") or a number up to max; warns and is false for anything else. */
bool iproute_number(struct checker *c, const struct ast_word *w, const char *file, uint32_t max,
		    uint32_t *ret);
/* "10", "cosmos", "from/to" of rt_realms. */
bool iproute_realms(struct checker *c, const struct ast_word *w, uint32_t *ret);
/* An address with or without a prefix length, or default, any, all: of the family, 0: IPv4. */
bool iproute_prefix(struct checker *c, const struct ast_word *w, uint8_t family, struct addr *ret,
		    uint8_t *ret_len);

/* RTN_*; -1: none. */
int iproute_type_parse(const char *s);
const char *iproute_type(uint8_t type); /* never NULL */

#endif
