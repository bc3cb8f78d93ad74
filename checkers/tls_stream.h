/* SPDX-License-Identifier: Apache-2.0 */
/* TLS for a check that is a conversation. */
#ifndef TANDEM_CHECKERS_TLS_STREAM_H
#define TANDEM_CHECKERS_TLS_STREAM_H

#include "checkers/stream.h"

extern const struct stream_transport stream_tls;

#endif
