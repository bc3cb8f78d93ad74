/* SPDX-License-Identifier: Apache-2.0 */
/* What a mail says: see mail_text.h. */
#include "core/mail_text.h"

#include "core/notify_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What comes from files and from servers must not make lines of its own (RFC 5322 §2.2). */
static void one_line(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = ' ';
}

static void __attribute__((format(printf, 3, 4)))
set_subject(struct mail *mail, const struct model *m, const char *fmt, ...)
{
	int n = snprintf(mail->subject, sizeof(mail->subject), "[%.100s] ", m->global->router_id);
	va_list args;

	va_start(args, fmt);
	vsnprintf(mail->subject + n, sizeof(mail->subject) - (size_t)n, fmt, args);
	va_end(args);
	one_line(mail->subject);
}

static void __attribute__((format(printf, 2, 3)))
set_body(struct mail *mail, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(mail->body, sizeof(mail->body), fmt, args);
	va_end(args);
	one_line(mail->body);
}

/* NULL: none is sent. */
static const char *state_subject(enum vrrp_state_id state)
{
	switch (state) {
	case VRRP_STATE_INITIALIZE:
		return NULL;
	case VRRP_STATE_BACKUP:
		return "Entering BACKUP state";
	case VRRP_STATE_ACTIVE:
		return "Entering MASTER state";
	case VRRP_STATE_FAULT:
		return "Entering FAULT state";
	case VRRP_STATE_STOP:
		return "Stopping";
	}
	return NULL;
}

static const char *instance_body(enum vrrp_state_id state)
{
	if (state == VRRP_STATE_ACTIVE)
		return "=> VRRP Instance is now owning VRRP VIPs <=";
	if (state == VRRP_STATE_STOP)
		return "=> VRRP Instance stopping <=";
	return "=> VRRP Instance is no longer owning VRRP VIPs <=";
}

bool mail_of_instance(struct mail *ret, const struct model *m, const char *name,
		      enum vrrp_state_id state)
{
	const char *subject = state_subject(state);

	if (!subject)
		return false;
	set_subject(ret, m, "VRRP Instance %s - %s", name, subject);
	set_body(ret, "%s", instance_body(state));
	return true;
}

bool mail_of_group(struct mail *ret, const struct model *m, const char *name,
		   enum vrrp_state_id state)
{
	const char *subject = state_subject(state);

	if (!subject)
		return false;
	set_subject(ret, m, "VRRP Group %s - %s", name, subject);
	if (state == VRRP_STATE_STOP)
		set_body(ret, "=> All VRRP group instances are now stopping <=");
	else
		set_body(ret, "=> All VRRP group instances are now in %s state <=",
			 vrrp_state_name(state));
	return true;
}

void mail_of_removed(struct mail *ret, const struct model *m, const char *name)
{
	set_subject(ret, m, "VRRP Instance %s - Deleted", name);
	set_body(ret, "=> VRRP Deleted at reload <=");
}

static const char *up_or_down(bool up)
{
	return up ? "UP" : "DOWN";
}

void mail_of_server(struct mail *ret, const struct model *m, const struct virtual_server *vs,
		    const struct real_server *r, bool up, const char *why)
{
	char service[NOTIFY_NAME_MAX], server[NOTIFY_NAME_MAX];

	set_subject(ret, m, "Realserver %s of virtual server %s - %s",
		    notify_server_name(vs, r, server), notify_service_name(vs, service),
		    up_or_down(up));
	if (!strncmp(why, "=> ", 3))
		set_body(ret, "%s", why);
	else if (up)
		set_body(ret, "=> CHECK succeed on service <=");
	else if (why[0])
		set_body(ret, "=> CHECK failed on service : %s <=", why);
	else
		set_body(ret, "=> CHECK failed on service <=");
}

void mail_of_service(struct mail *ret, const struct model *m, const struct virtual_server *vs,
		     bool up, enum mail_quorum why, uint32_t weight_up)
{
	int64_t hysteresis = up ? (int64_t)vs->hysteresis : -(int64_t)vs->hysteresis;
	char service[NOTIFY_NAME_MAX];

	set_subject(ret, m, "Virtualserver %s - %s", notify_service_name(vs, service),
		    up_or_down(up));
	if (why == MAIL_SHUTTING_DOWN)
		set_body(ret, MAIL_SHUT_DOWN_WHY);
	else
		set_body(ret, "=> %s quorum %s%u%+lld=%lld %s %u <=",
			 why == MAIL_QUORUM_FIRST ? "Starting with"
			 : up			  ? "Gained"
						  : "Lost",
			 why != MAIL_QUORUM_FIRST ? ""
			 : up			  ? "up "
						  : "down ",
			 vs->quorum, (long long)hysteresis, (long long)vs->quorum + hysteresis,
			 up ? "<=" : ">", weight_up);
}

const char *mail_sender(const struct global *g, const char *host, char *sender, size_t size)
{
	if (g->mail_from[0])
		snprintf(sender, size, "%s", g->mail_from);
	else
		snprintf(sender, size, "keepalived@%s", host);
	return sender;
}

/* What did not fit before does not fit now. */
static void __attribute__((format(printf, 4, 5)))
add(char *message, size_t size, size_t *len, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(message + *len, size - *len, fmt, args);
	va_end(args);
	if (n > 0)
		*len += (size_t)n < size - *len ? (size_t)n : size - *len - 1;
}

size_t mail_write(const struct mail *mail, const struct global *g, const char *host,
		  const struct tm *when, char *message, size_t size)
{
	char date[64], sender[400];
	size_t len = 0;

	/* RFC 5322 §3.3; tandemd sets no locale. */
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S %z", when);
	message[0] = '\0';
	add(message, size, &len, "Date: %s\r\nFrom: %s\r\nSubject: %s\r\nX-Mailer: Keepalived\r\nTo: ",
	    date, mail_sender(g, host, sender, sizeof(sender)), mail->subject);
	for (uint32_t i = 0; i < g->n_mail_to; i++)
		add(message, size, &len, "%s%s", i ? ",\r\n " : "", g->mail_to[i].address);
	add(message, size, &len, "\r\n\r\n%s\r\n", mail->body);
	return len;
}

bool mail_outcome_is_final(int status)
{
	return status >= MAIL_REFUSED + 500 - MAIL_REFUSED_CODE_MIN;
}

const char *mail_outcome_text(int status, char text[64])
{
	static const char *const words[] = {
		[MAIL_SENT] = "was sent",
		[MAIL_BAD_ARGUMENTS] = "tandem-mail was called wrongly",
		[MAIL_NO_SUCH_HOST] = "its name is not known",
		[MAIL_NO_CONNECTION] = "can't connect",
		[MAIL_TOO_LATE] = "does not answer in time",
		[MAIL_NONSENSE] = "answers with what is not SMTP",
		[MAIL_BROKEN_OFF] = "breaks the connection off",
		[MAIL_FAILED] = "the talk with it failed",
	};

	if (status >= MAIL_REFUSED)
		snprintf(text, 64, "refuses it with %d",
			 status - MAIL_REFUSED + MAIL_REFUSED_CODE_MIN);
	else if (status >= 0 && (size_t)status < sizeof(words) / sizeof(*words))
		snprintf(text, 64, "%s", words[status]);
	else
		snprintf(text, 64, "tandem-mail: exit status %d", status);
	return text;
}
