/* SPDX-License-Identifier: Apache-2.0 */
/* "tandem.explain/1" as text: the chain from a server's checks to its weight in the kernel. */
#ifndef TANDEM_CTL_EXPLAIN_H
#define TANDEM_CTL_EXPLAIN_H

#include <stdio.h>

struct json_object;

void explain_show(FILE *out, struct json_object *doc);

#endif
