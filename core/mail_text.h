/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a mail says: keepalived's subjects, bodies and headers for a change of state, so that filters
 * that know them go on working. Pure: knows neither the clock nor how mail is sent.
 */
#ifndef TANDEM_MAIL_TEXT_H
#define TANDEM_MAIL_TEXT_H

#include "core/model.h"
#include "core/vrrp_state.h"

#include <stddef.h>
#include <time.h>

#define MAIL_SUBJECT_MAX 700
#define MAIL_BODY_MAX	 400

struct mail {
	char subject[MAIL_SUBJECT_MAX];
	char body[MAIL_BODY_MAX];
};

/* False: no mail is sent of this state. `m` gives the router's name. */
bool mail_of_instance(struct mail *ret, const struct model *m, const char *name,
		      enum vrrp_state_id state);
bool mail_of_group(struct mail *ret, const struct model *m, const char *name,
		   enum vrrp_state_id state);
/* A reload has removed it. */
void mail_of_removed(struct mail *ret, const struct model *m, const char *name);
/* `why` is the checks' word; "": none. */
void mail_of_server(struct mail *ret, const struct model *m, const struct virtual_server *vs,
		    const struct real_server *r, bool up, const char *why);

enum mail_quorum {
	MAIL_QUORUM_CHANGED,
	MAIL_QUORUM_FIRST, /* nothing was known of it */
	MAIL_SHUTTING_DOWN,
};
void mail_of_service(struct mail *ret, const struct model *m, const struct virtual_server *vs,
		     bool up, enum mail_quorum why, uint32_t weight_up);
#define MAIL_SHUT_DOWN_WHY "=> Shutting down <="

/*
 * The message as it goes over the wire but for the dots of RFC 5321 §4.5.2: headers, an empty line,
 * the body; lines end with CR LF. `host` completes the sender's default. Returns the length without
 * the zero; beyond `size` (of at least 1) it is cut.
 */
size_t mail_write(const struct mail *mail, const struct global *g, const char *host,
		  const struct tm *when, char *message, size_t size);
/* Whom it is from: notification_email_from or keepalived@host. */
const char *mail_sender(const struct global *g, const char *host, char *sender, size_t size);

/* Exit statuses of tandem-mail. */
enum mail_outcome {
	MAIL_SENT,
	MAIL_BAD_ARGUMENTS,
	MAIL_NO_SUCH_HOST,
	MAIL_NO_CONNECTION,
	MAIL_TOO_LATE,
	MAIL_NONSENSE,
	MAIL_BROKEN_OFF,
	MAIL_FAILED,
	/* Refused with a code of 400..599: MAIL_REFUSED + that code - 400. */
	MAIL_REFUSED = 56,
};
#define MAIL_REFUSED_CODE_MIN 400
#define MAIL_REFUSED_CODE_MAX 599
/* Trying again is no use: 5yz (RFC 5321 §4.2.1). */
bool mail_outcome_is_final(int status);
const char *mail_outcome_text(int status, char text[64]);

#endif
