/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory without which a program can't go on. For what the configuration asks for; what a peer or a
 * client could ask for without end needs a limit of its own.
 */
#ifndef TANDEM_CORE_MUST_H
#define TANDEM_CORE_MUST_H

#include <stdio.h>
#include <stdlib.h>

/* Returns `p`, as malloc() and its like gave it; NULL ends the program. */
static inline void *must(void *p)
{
	if (!p) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return p;
}

#endif
