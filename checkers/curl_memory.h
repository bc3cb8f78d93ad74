/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for libcurl. Each transfer takes a hundred pieces of memory, up to some kilobytes, and gives
 * them all back a moment later; when many are under way, malloc() splits and joins its blocks for
 * that all the time. Here a block that is given back waits for the next of about its size.
 *
 * For a process of one thread. ISO C's words for each: NULL, where there is no memory.
 */
#ifndef TANDEM_CHECKERS_CURL_MEMORY_H
#define TANDEM_CHECKERS_CURL_MEMORY_H

#include <stddef.h>

/* As curl_global_init_mem() wants them. */
void *curl_memory_malloc(size_t bytes);
void *curl_memory_calloc(size_t n, size_t bytes);
void *curl_memory_realloc(void *at, size_t bytes);
char *curl_memory_strdup(const char *text);
void curl_memory_free(void *at);

#endif
