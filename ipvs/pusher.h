/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service on lo that tandem-sync sends packets to, so that the kernel's master thread has
 * something to tell (sync/push.h). It stands in the kernel beside the model's, while there is a sync
 * block.
 */
#ifndef TANDEM_IPVS_PUSHER_H
#define TANDEM_IPVS_PUSHER_H

#include "core/model.h"

const struct virtual_server *pusher_service(void);

#endif
