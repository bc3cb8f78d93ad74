/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What directors tell each other beside connections: each says what is configured, so that a
 * difference that would cost connections at a failover is seen before; what operators want of real
 * servers, which holds everywhere; and what it makes of them itself. Only the bytes: knows no session and no log.
 */
#ifndef TANDEM_SYNC_NOTES_H
#define TANDEM_SYNC_NOTES_H

#include "sync/record.h"

#include "core/msg.h"
#include "core/record.h"

enum notes_topic {
	NOTES_CONFIG = 1,
	NOTES_OVERRIDE, /* msg_server_override; its id is the server's */
	NOTES_ROUTERS,
	NOTES_SERVER, /* msg_server_view; its id is the server's */
	NOTES_LED,    /* msg_service_led; its id is the service's */
	NOTES_DRAIN,
	NOTES_DRAINED, /* its id is the node's that has asked */
};

#define RECORD_notes_config(F, L)                                                                  \
	F(u64, services)    /* model_services_hash() */                                            \
	F(u64, addresses)   /* model_addresses_hash() */                                           \
	F(text, name)	    /* router_id */
RECORD_STRUCT(notes_config)
bool notes_config_equal(const struct notes_config *a, const struct notes_config *b);

/* Its virtual routers, for people: "VI_1 MASTER 150, VI_2 BACKUP 100"; cut when there are many. */
#define RECORD_notes_routers(F, L) F(text, words)
RECORD_STRUCT(notes_routers)

/*
 * A hand-over's two words. Who is about to take over wants whatever the others' kernels have told
 * until now; the answer is in the same log behind that, so who reads the one has the other. Questions
 * are told apart by their time, on the clock of the node that asks.
 */
#define RECORD_notes_drain(F, L) F(i64, asked_us)
RECORD_STRUCT(notes_drain)
#define RECORD_notes_drained(F, L)                                                                 \
	F(u64, node)	    /* that has asked */                                                   \
	F(i64, asked_us)
RECORD_STRUCT(notes_drained)

/* Each note's value to `bytes` (SYNC_NOTE_MAX), and its length; and back: 0 or -EBADMSG. */
size_t notes_config_encode(const struct notes_config *v, uint8_t *bytes);
int notes_config_decode(const uint8_t *value, size_t len, struct notes_config *ret);
size_t notes_override_encode(const struct msg_server_override *v, uint8_t *bytes);
int notes_override_decode(const uint8_t *value, size_t len, struct msg_server_override *ret);
size_t notes_routers_encode(const struct notes_routers *v, uint8_t *bytes);
int notes_routers_decode(const uint8_t *value, size_t len, struct notes_routers *ret);
size_t notes_server_encode(const struct msg_server_view *v, uint8_t *bytes);
int notes_server_decode(const uint8_t *value, size_t len, struct msg_server_view *ret);
size_t notes_led_encode(const struct msg_service_led *v, uint8_t *bytes);
int notes_led_decode(const uint8_t *value, size_t len, struct msg_service_led *ret);
size_t notes_drain_encode(const struct notes_drain *v, uint8_t *bytes);
int notes_drain_decode(const uint8_t *value, size_t len, struct notes_drain *ret);
size_t notes_drained_encode(const struct notes_drained *v, uint8_t *bytes);
int notes_drained_decode(const uint8_t *value, size_t len, struct notes_drained *ret);

/* "its virtual servers are not ours", "" when all that matters is the same. */
const char *notes_config_difference(const struct notes_config *ours,
				    const struct notes_config *theirs);

#endif
