/* SPDX-License-Identifier: Apache-2.0 */
/* The secret that the configuration has, as a key. */
#ifndef TANDEM_SYNC_KEY_H
#define TANDEM_SYNC_KEY_H

#include "core/codec.h"
#include "sync/crypt.h"

/* From 32 to 64 bytes in hexadecimal (core/config/secret.h). 0, or -errno with the reason in words. */
int sync_key_load(const char *digits, struct sync_key *ret, struct text *ret_reason);

#endif
