/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: see control.h. */
#include "core/control.h"

#include "core/log.h"
#include "core/must.h"
#include "core/status.h"
#include "core/status_sync.h"
#include "core/supervisor.h"

#include <errno.h>
#include <grp.h>
#include <json-c/json.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define REQUEST_BYTES_MAX 4096
#define CLIENTS_MAX	  32
/* Longer than any reload may take. */
#define CLIENT_TIMEOUT_S 60.0
/* An operator's word holds at once; longer than this nobody waits for the disk to have it. */
#define SAVE_TIMEOUT_S 5.0

enum waiting {
	WAITS_FOR_REQUEST,
	WAITS_FOR_RELOAD,
	WAITS_FOR_SNAPSHOT,
	WAITS_FOR_SAVING,
	WAITS_FOR_UPGRADE, /* for its beginning: the end is the next program's to tell */
	WAITS_FOR_NOTHING, /* its answer is on the way */
};

struct control_client {
	struct control_client *next;
	struct supervisor *s;
	int sock;
	uid_t uid;
	enum waiting waiting;
	uint64_t reload_serial;
	char file[1024]; /* of the request */
	char confirm_within[32];
	struct operator_request operator;
	uint64_t words;		     /* of operators, to be saved before `said` is */
	struct json_object *said;    /* NULL: no answer waits */
	struct json_object *(*answer)(struct control_client *c); /* once the snapshot is there */
	char request[REQUEST_BYTES_MAX];
	size_t n_request;
	char *reply;
	size_t n_reply;
	size_t n_sent;
	ev_io io;
	ev_timer timeout;
};

static void client_free(struct control_client *c)
{
	struct supervisor *s = c->s;
	struct control_client **at = &s->control.clients;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	s->control.n_clients--;
	ev_io_stop(s->loop, &c->io);
	ev_timer_stop(s->loop, &c->timeout);
	close(c->sock);
	json_object_put(c->said);
	free(c->reply);
	free(c);
}

/* Takes the document over. */
static void reply(struct control_client *c, struct json_object *doc)
{
	const char *text = json_object_to_json_string_length(
		doc, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &c->n_reply);

	c->reply = must(malloc(c->n_reply + 1));
	memcpy(c->reply, text, c->n_reply);
	c->reply[c->n_reply++] = '\n';
	json_object_put(doc);
	c->waiting = WAITS_FOR_NOTHING;
	ev_io_stop(c->s->loop, &c->io);
	ev_io_set(&c->io, c->sock, EV_WRITE);
	ev_io_start(c->s->loop, &c->io);
}

static void answer_from_snapshot(struct control_client *c,
				 struct json_object *(*answer)(struct control_client *c))
{
	c->waiting = WAITS_FOR_SNAPSHOT;
	c->answer = answer;
	snapshot_take(c->s);
}

static struct json_object *answer_status(struct control_client *c)
{
	return status_of_all(c->s);
}

static void run_status(struct control_client *c)
{
	answer_from_snapshot(c, answer_status);
}

static struct json_object *answer_services(struct control_client *c)
{
	return status_of_services(c->s);
}

static void run_services(struct control_client *c)
{
	answer_from_snapshot(c, answer_services);
}

static struct json_object *answer_explain(struct control_client *c)
{
	return operator_explain(c->s, &c->operator);
}

static void run_explain(struct control_client *c)
{
	if (c->operator.server[0] || c->operator.service[0])
		answer_from_snapshot(c, answer_explain);
	else
		reply(c, status_of_error("explain wants a \"server\" or a \"service\""));
}

static struct json_object *answer_diff(struct control_client *c)
{
	return status_of_diff(c->s, c->file);
}

static struct json_object *answer_sync(struct control_client *c)
{
	return status_of_sync(c->s);
}

static void run_sync(struct control_client *c)
{
	answer_from_snapshot(c, answer_sync);
}

static void run_diff(struct control_client *c)
{
	if (c->file[0] == '/')
		answer_from_snapshot(c, answer_diff);
	else
		reply(c, status_of_error("diff wants a \"file\" with its whole path"));
}

/* serial 0: it was not begun, for this reason. */
static void wait_for_reload(struct control_client *c, uint64_t serial, const char *reason)
{
	c->reload_serial = serial;
	if (!serial)
		reply(c, status_of_error(reason));
	else if (c->s->reload.last.serial >= serial)
		reply(c, status_of_reload(c->s));
	else
		c->waiting = WAITS_FOR_RELOAD;
}

static void run_reload(struct control_client *c)
{
	wait_for_reload(c, reload_request(c->s), NULL);
}

static void run_apply(struct control_client *c)
{
	const char *reason = NULL;
	int64_t within_us = 0;

	if (c->file[0] != '/')
		reply(c, status_of_error("apply wants a \"file\" with its whole path"));
	else if (c->confirm_within[0] &&
		 (duration_parse(c->confirm_within, &within_us) < 0 ||
		  within_us > APPLY_CONFIRM_MAX_US))
		reply(c, status_of_error("--confirm-within wants a time such as 60, 90s or 10m, a "
					 "day at the most"));
	else
		wait_for_reload(c, apply_file(c->s, c->file, within_us, &reason), reason);
}

static void run_rollback(struct control_client *c)
{
	const char *reason = NULL;
	uint64_t serial = apply_rollback(c->s, &reason);

	wait_for_reload(c, serial, reason);
}

static void run_confirm(struct control_client *c)
{
	if (apply_confirm(c->s))
		reply(c, status_of_confirmed(c->s));
	else
		reply(c, status_of_error("nothing waits to be confirmed"));
}

static void run_version(struct control_client *c)
{
	reply(c, status_of_versions(c->s));
}

static void say(struct control_client *c)
{
	struct json_object *doc = c->said;

	c->said = NULL;
	operator_answered(c->s, c->words, doc);
	reply(c, doc);
}

static void run_operator(struct control_client *c)
{
	if (!c->operator.server[0]) {
		reply(c, status_of_error("this wants a \"server\" such as 10.0.0.7:80"));
		return;
	}
	c->said = operator_run(c->s, &c->operator);
	c->words = operator_words(c->s);
	if (operator_has_saved(c->s, c->words)) {
		say(c);
		return;
	}
	c->waiting = WAITS_FOR_SAVING;
	ev_timer_stop(c->s->loop, &c->timeout);
	ev_timer_set(&c->timeout, SAVE_TIMEOUT_S, CLIENT_TIMEOUT_S);
	ev_timer_start(c->s->loop, &c->timeout);
}

static void run_upgrade(struct control_client *c)
{
	struct text reason;

	if (handover_upgrade(c->s, &reason) < 0)
		reply(c, status_of_error(reason.s));
	else
		c->waiting = WAITS_FOR_UPGRADE;
}

static void run_leave(struct control_client *c)
{
	struct text reason;

	reply(c, handover_leave(c->s, &reason) < 0 ? status_of_error(reason.s)
						   : status_of_versions(c->s));
}

static const struct verb {
	const char *name;
	bool root_only;
	void (*run)(struct control_client *c);
} verbs[] = {
	{"drain", true, run_operator},
	{"ready", true, run_operator},
	{"maint", true, run_operator},
	{"disable", true, run_operator},
	{"weight", true, run_operator},
	{"check-now", true, run_operator},
	{"status", false, run_status},
	{"services", false, run_services},
	{"sync", false, run_sync},
	{"explain", false, run_explain},
	{"diff", true, run_diff},
	{"reload", true, run_reload},
	{"apply", true, run_apply},
	{"confirm", true, run_confirm},
	{"rollback", true, run_rollback},
	{"version", false, run_version},
	{"upgrade", true, run_upgrade},
	{"leave", true, run_leave},
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

/* Where each word of a request goes. */
static const struct word {
	const char *key;
	size_t at, size; /* in struct control_client */
} words[] = {
#define WORD(key, member)                                                                          \
	{key, offsetof(struct control_client, member), sizeof(((struct control_client *)0)->member)}
	WORD("verb", operator.verb),
	WORD("server", operator.server),
	WORD("service", operator.service),
	WORD("for", operator.duration),
	WORD("weight", operator.weight),
	WORD("file", file),
	WORD("confirm_within", confirm_within),
#undef WORD
};

/* A word cut short would name something else. */
static bool take_word(struct control_client *c, struct json_object *request, const struct word *w)
{
	struct json_object *value = NULL;
	const char *text;

	/* null is as good as not there. */
	if (!json_object_object_get_ex(request, w->key, &value) || !value)
		return true;
	text = json_object_get_string(value);
	if (strlen(text) >= w->size)
		return false;
	strcpy((char *)c + w->at, text);
	return true;
}

/* The first word that is longer than anything it may stand for, or NULL. */
static const struct word *take_words(struct control_client *c, struct json_object *request)
{
	struct json_object *until_idle = NULL;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!take_word(c, request, &words[i]))
			return &words[i];
	json_object_object_get_ex(request, "until_idle", &until_idle);
	c->operator.until_idle = json_object_get_boolean(until_idle);
	return NULL;
}

static void refuse_word(struct control_client *c, const struct word *w)
{
	struct text reason;

	text_set(&reason, "\"%s\" is longer than the %zu bytes it may have", w->key, w->size - 1);
	reply(c, status_of_error(reason.s));
}

static void on_request(struct control_client *c)
{
	struct json_object *request = json_tokener_parse(c->request);
	const struct word *too_long = NULL;
	const struct verb *v;

	if (json_object_is_type(request, json_type_object))
		too_long = take_words(c, request);
	v = find_verb(c->operator.verb);
	json_object_put(request);
	if (too_long)
		refuse_word(c, too_long);
	else if (!v)
		reply(c, status_of_error("unknown request: {\"verb\": \"status\"} and the other verbs of "
					 "tandemctl(8) are understood"));
	else if (v->root_only && c->uid != 0)
		reply(c, status_of_error("only root may ask for this"));
	else if (c->confirm_within[0] && v->run != run_apply)
		reply(c, status_of_error("--confirm-within goes with apply only"));
	else
		v->run(c);
}

static void read_request(struct control_client *c)
{
	ssize_t n = read(c->sock, c->request + c->n_request, sizeof(c->request) - 1 - c->n_request);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* It has said all, and waits for the answer. */
	if (n == 0 && c->waiting != WAITS_FOR_REQUEST) {
		ev_io_stop(c->s->loop, &c->io);
		return;
	}
	if (n <= 0) {
		client_free(c);
		return;
	}
	c->n_request += (size_t)n;
	c->request[c->n_request] = 0;
	if (strchr(c->request, '\n') && c->waiting == WAITS_FOR_REQUEST)
		on_request(c);
	else if (c->n_request == sizeof(c->request) - 1)
		client_free(c);
}

static void write_reply(struct control_client *c)
{
	ssize_t n = send(c->sock, c->reply + c->n_sent, c->n_reply - c->n_sent, MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		c->n_sent += (size_t)n;
	if (n < 0 || c->n_sent == c->n_reply)
		client_free(c);
}

static void on_io(struct ev_loop *loop, ev_io *w, int events)
{
	struct control_client *c = w->data;

	if (c->reply)
		write_reply(c);
	else
		read_request(c);
}

static void on_timeout(struct ev_loop *loop, ev_timer *w, int events)
{
	struct control_client *c = w->data;

	if (c->waiting == WAITS_FOR_SAVING)
		say(c);
	else
		client_free(c);
}

static void client_new(struct supervisor *s, int sock)
{
	struct control_client *c = calloc(1, sizeof(*c));
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t size = sizeof(peer);

	if (!c) {
		close(sock);
		return;
	}
	getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &size);
	c->s = s;
	c->sock = sock;
	c->uid = peer.uid;
	c->next = s->control.clients;
	s->control.clients = c;
	s->control.n_clients++;
	ev_io_init(&c->io, on_io, sock, EV_READ);
	ev_timer_init(&c->timeout, on_timeout, CLIENT_TIMEOUT_S, 0);
	c->io.data = c;
	c->timeout.data = c;
	ev_io_start(s->loop, &c->io);
	ev_timer_start(s->loop, &c->timeout);
}

static void on_acceptable(struct ev_loop *loop, ev_io *w, int events)
{
	struct supervisor *s = w->data;
	int sock = accept4(s->control.sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (sock < 0)
		return;
	if (s->control.n_clients < CLIENTS_MAX)
		client_new(s, sock);
	else
		close(sock);
}

static void answer_all(struct supervisor *s, enum waiting waiting)
{
	for (struct control_client *c = s->control.clients; c; c = c->next) {
		if (c->waiting != waiting)
			continue;
		if (waiting == WAITS_FOR_SNAPSHOT)
			reply(c, c->answer(c));
		else if (c->reload_serial <= s->reload.last.serial)
			reply(c, status_of_reload(s));
	}
}

void control_reload_ended(struct supervisor *s)
{
	answer_all(s, WAITS_FOR_RELOAD);
}

void control_upgrade_tested(struct supervisor *s, const struct text *reason)
{
	for (struct control_client *c = s->control.clients; c; c = c->next)
		if (c->waiting == WAITS_FOR_UPGRADE)
			reply(c, reason->s[0] ? status_of_error(reason->s) : status_of_versions(s));
}

void control_words_saved(struct supervisor *s)
{
	for (struct control_client *c = s->control.clients; c; c = c->next)
		if (c->waiting == WAITS_FOR_SAVING && operator_has_saved(s, c->words))
			say(c);
}

void control_snapshot_taken(struct supervisor *s)
{
	answer_all(s, WAITS_FOR_SNAPSHOT);
}

/* Where the group does not exist, root only. */
static int open_to_group(const char *path)
{
	const struct group *g = getgrnam(CONTROL_GROUP);

	if (g && chown(path, 0, g->gr_gid) < 0)
		return -errno;
	return chmod(path, g ? 0660 : 0600) < 0 ? -errno : 0;
}

static int listen_at(struct control *k)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	mode_t former;
	int err = 0;

	k->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (k->sock < 0)
		return -errno;
	memcpy(at.sun_path, k->path, sizeof(at.sun_path));
	unlink(k->path);
	former = umask(0177);
	if (bind(k->sock, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(k->sock, 8) < 0)
		err = -errno;
	umask(former);
	return err ? err : open_to_group(k->path);
}

int control_init(struct supervisor *s)
{
	struct control *k = &s->control;
	int err;

	ev_init(&k->acceptable, on_acceptable);
	k->acceptable.data = s;
	if (snprintf(k->path, sizeof(k->path), "%s/" CONTROL_SOCKET, s->options.run_dir) >=
	    (int)sizeof(k->path))
		err = -ENAMETOOLONG;
	else
		err = listen_at(k);
	if (err) {
		log_error("%s/" CONTROL_SOCKET ": can't listen: %s", s->options.run_dir,
			  strerror(-err));
		return err;
	}
	ev_io_set(&k->acceptable, k->sock, EV_READ);
	ev_io_start(s->loop, &k->acceptable);
	return 0;
}

void control_done(struct supervisor *s)
{
	struct control *k = &s->control;

	while (k->clients)
		client_free(k->clients);
	ev_io_stop(s->loop, &k->acceptable);
	if (k->sock < 0)
		return;
	close(k->sock);
	unlink(k->path);
}
