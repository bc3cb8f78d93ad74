/* SPDX-License-Identifier: Apache-2.0 */
/* The secret that the configuration names, as a key. Knows files and nothing else of sync. */
#ifndef TANDEM_SYNC_KEY_H
#define TANDEM_SYNC_KEY_H

#include "core/record.h"
#include "sync/crypt.h"

/* file:/PATH or hex:DIGITS. 0, or -errno with the reason in words. */
int sync_key_load(const char *spec, struct sync_key *ret, struct text *ret_reason);

#endif
