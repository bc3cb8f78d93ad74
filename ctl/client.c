/* SPDX-License-Identifier: Apache-2.0 */
/* One question to tandemd: see client.h. */
#include "ctl/client.h"

#include "core/control.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_AT_ONCE 65536

/* A descriptor or -errno. */
static int connect_to(const char *run_dir)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int sock;

	if (snprintf(at.sun_path, sizeof(at.sun_path), "%s/" CONTROL_SOCKET, run_dir) >=
	    (int)sizeof(at.sun_path))
		return -ENAMETOOLONG;
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	if (connect(sock, (struct sockaddr *)&at, sizeof(at)) < 0) {
		int err = -errno;

		close(sock);
		return err;
	}
	return sock;
}

static int read_answer(int sock, struct json_object **ret)
{
	struct json_tokener *t = json_tokener_new();
	struct json_object *o = NULL;
	char buf[READ_AT_ONCE];
	ssize_t n;

	do {
		n = read(sock, buf, sizeof(buf));
		if (n > 0)
			o = json_tokener_parse_ex(t, buf, (int)n);
	} while (n > 0 && json_tokener_get_error(t) == json_tokener_continue);
	json_tokener_free(t);
	if (n < 0)
		return -errno;
	if (!json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		return -EBADMSG;
	}
	*ret = o;
	return 0;
}

static int send_request(int sock, struct json_object *question)
{
	size_t n;
	const char *text =
		json_object_to_json_string_length(question, JSON_C_TO_STRING_PLAIN, &n);

	if (send(sock, text, n, MSG_NOSIGNAL) != (ssize_t)n ||
	    send(sock, "\n", 1, MSG_NOSIGNAL) != 1)
		return -errno;
	return 0;
}

int client_ask(const char *run_dir, struct json_object *question, struct json_object **ret)
{
	int sock = connect_to(run_dir);
	int err;

	if (sock < 0)
		return sock;
	err = send_request(sock, question);
	if (!err)
		err = read_answer(sock, ret);
	close(sock);
	return err;
}
