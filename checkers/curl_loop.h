/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl's transfers on our event loop: sockets and timers of one multi handle, and the handles
 * of single transfers, which are used again. Knows not what is transferred.
 */
#ifndef TANDEM_CHECKERS_CURL_LOOP_H
#define TANDEM_CHECKERS_CURL_LOOP_H

#include <curl/curl.h>
#include <stdbool.h>

struct ev_loop;

/* A part of the owner's own struct. `done` is called once, from the loop. */
struct curl_transfer {
	void (*done)(struct curl_transfer *t, CURLcode code);
	void *owner;
};

/*
 * A handle that is new, prepared by `prepare`, of which there is one in a process; or one that was
 * so and has served. NULL: new, with nothing set, not to serve again. There is one loop, too.
 */
CURL *curl_loop_easy(struct ev_loop *loop, void (*prepare)(CURL *easy));
/* Begins a transfer. Its handle stays with the loop until it is dropped. */
void curl_loop_add(CURL *easy, struct curl_transfer *t);
/*
 * Ends a transfer, whether or not it is done, and takes the handle back. `again`: it may serve
 * another owner, who sets all that is not prepare()'s. Not from its callbacks.
 */
void curl_loop_drop(CURL *easy, bool again);

#endif
