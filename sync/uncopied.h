/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which connections are not copied to the peers: those of services with resilience hash, for which
 * each director computes the same server (struct uncopied, core/model.def). Pure.
 */
#ifndef TANDEM_SYNC_UNCOPIED_H
#define TANDEM_SYNC_UNCOPIED_H

#include "core/model.h"

/* A record as record.h has checked it, also of a template. The model may be NULL. */
bool sync_is_uncopied(const struct model *model, const uint8_t *record);

#endif
