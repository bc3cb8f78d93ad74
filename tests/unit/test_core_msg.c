/* SPDX-License-Identifier: Apache-2.0 */
/* Every message of msg.def: there and back, cut short, with something left over. */
#include "core/msg.h"

#include "tests/unit/random_record.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define ROUNDS 200

MSG_RECORDS(RECORD_RANDOM)
#define MSG_EQUAL(record) static RECORD_EQUAL(record)
MSG_RECORDS(MSG_EQUAL)

#define MSG_TEST(NAME, from, to, payload)                                                          \
	static void random_##NAME(struct arena *a, struct msg *m)                                  \
	{                                                                                          \
		random_msg_##payload(a, &m->payload);                                              \
	}                                                                                          \
	static bool equal_##NAME(const struct msg *a, const struct msg *b)                         \
	{                                                                                          \
		return msg_##payload##_equal(&a->payload, &b->payload);                            \
	}
MSG_LIST(MSG_TEST)

#define MSG_TEST_ROW(NAME, from, to, payload) {random_##NAME, equal_##NAME},
static const struct {
	void (*random)(struct arena *a, struct msg *m);
	bool (*equal)(const struct msg *a, const struct msg *b);
} messages[] = {MSG_LIST(MSG_TEST_ROW)};

static void test_there_and_back(void **state)
{
	uint8_t buf[MSG_BYTES_MAX];
	struct msg m, got;

	for (unsigned type = 0; type < MSG_TYPES; type++)
		for (int i = 0; i < ROUNDS; i++) {
			m = (struct msg){.type = (enum msg_type)type};
			messages[type].random(NULL, &m);
			assert_int_equal(msg_decode(buf, msg_encode(&m, buf), &got), 0);
			assert_int_equal(got.type, type);
			assert_true(messages[type].equal(&m, &got));
		}
}

static void test_cut_short_or_too_long(void **state)
{
	uint8_t buf[MSG_BYTES_MAX + 1] = {0};
	struct msg m, got = {.type = MSG_TYPES};

	for (unsigned type = 0; type < MSG_TYPES; type++)
		for (int i = 0; i < 10; i++) {
			size_t len;

			m = (struct msg){.type = (enum msg_type)type};
			messages[type].random(NULL, &m);
			len = msg_encode(&m, buf);
			for (size_t cut = 0; cut < len; cut++)
				assert_int_equal(msg_decode(buf, cut, &got), -EBADMSG);
			assert_int_equal(msg_decode(buf, len + 1, &got), -EBADMSG);
		}
	assert_int_equal(got.type, MSG_TYPES); /* set on success only */
}

/* The longest texts and addresses still fit the buffer that every sender uses. */
static void test_the_longest_fits(void **state)
{
	uint8_t buf[MSG_BYTES_MAX];
	struct msg m, got;

	memset(&m, 1, sizeof(m));
	memset(m.vrrp_state.reason.s, 'x', TEXT_MAX - 1);
	m.vrrp_state.reason.s[TEXT_MAX - 1] = '\0';
	m.vrrp_state.active.family = AF_INET6;
	m.type = MSG_VRRP_STATE;
	assert_true(msg_encode(&m, buf) <= MSG_BYTES_MAX);
	assert_int_equal(msg_decode(buf, msg_encode(&m, buf), &got), 0);
	assert_string_equal(got.vrrp_state.reason.s, m.vrrp_state.reason.s);
}

static void test_unknown_type(void **state)
{
	static const uint8_t unknown[] = {0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t first_unused[] = {0, MSG_TYPES, 0, 0, 0, 0, 0, 0, 0, 0};
	struct msg got;

	assert_int_equal(msg_decode(unknown, sizeof(unknown), &got), -EBADMSG);
	assert_int_equal(msg_decode(first_unused, sizeof(first_unused), &got), -EBADMSG);
}

static void test_nonsense_in_fields(void **state)
{
	struct msg m = {.type = MSG_SERVER_HEALTH, .server_health = {.up = true}}, got;
	uint8_t buf[MSG_BYTES_MAX];
	size_t len = msg_encode(&m, buf);

	buf[2 + 8 + 8] = 2; /* a flag is 0 or 1 */
	assert_int_equal(msg_decode(buf, len, &got), -EBADMSG);
	buf[2 + 8 + 8] = 1;
	assert_int_equal(msg_decode(buf, len, &got), 0);
	/* A zero inside a text would hide what follows it. */
	text_set(&m.server_health.reason, "ab");
	len = msg_encode(&m, buf);
	buf[len - 2] = 0;
	assert_int_equal(msg_decode(buf, len, &got), -EBADMSG);
}

static void test_edges(void **state)
{
	assert_true(msg_allowed(MSG_SERVER_HEALTH, ROLE_CHECK, ROLE_IPVS));
	assert_true(msg_allowed(MSG_SERVER_HEALTH, ROLE_CHECK, ROLE_SUPERVISOR));
	assert_false(msg_allowed(MSG_SERVER_HEALTH, ROLE_VRRP, ROLE_IPVS));
	assert_false(msg_allowed(MSG_SERVER_HEALTH, ROLE_IPVS, ROLE_CHECK));
	/* Only the supervisor tells anybody what to do. */
	for (unsigned role = ROLE_VRRP; role & ROLE_ROLES; role <<= 1) {
		assert_false(msg_allowed(MSG_STOP, (enum role_id)role, ROLE_VRRP));
		assert_false(msg_allowed(MSG_PREPARE, (enum role_id)role, ROLE_CHECK));
		assert_false(msg_allowed(MSG_COMMIT, (enum role_id)role, ROLE_IPVS));
		assert_false(msg_allowed(MSG_LINK, (enum role_id)role, ROLE_IPVS));
		assert_true(msg_allowed(MSG_HELLO, (enum role_id)role, ROLE_SUPERVISOR));
	}
	assert_string_equal(msg_name(MSG_SERVER_HEALTH), "SERVER_HEALTH");
	assert_string_equal(role_name(ROLE_CHECK), "check");
	assert_string_equal(vrrp_state_name(VRRP_STATE_ACTIVE), "MASTER");
}

static void test_descriptor_travels(void **state)
{
	struct msg m = {.type = MSG_LINK, .link = {.peer = ROLE_IPVS}}, got;
	int pair[2], ends[2], fd = -1;
	char c = 'x';

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(msg_send(pair[0], &m, ends[1]), 0);
	assert_int_equal(msg_send(pair[0], &m, -1), 0);
	assert_int_equal(msg_receive(pair[1], &got, &fd), 0);
	assert_true(fd >= 0);
	assert_int_equal(got.link.peer, ROLE_IPVS);
	assert_int_equal(write(fd, &c, 1), 1);
	c = 0;
	assert_int_equal(read(ends[0], &c, 1), 1);
	assert_int_equal(c, 'x');
	close(fd);
	assert_int_equal(msg_receive(pair[1], &got, &fd), 0);
	assert_int_equal(fd, -1);
	assert_int_equal(msg_receive(pair[1], &got, &fd), -EAGAIN);
	close(pair[0]);
	assert_int_equal(msg_receive(pair[1], &got, &fd), -ENOTCONN);
	close(pair[1]);
	close(ends[0]);
	close(ends[1]);
}

static int next_free_descriptor(void)
{
	int fd = dup(STDIN_FILENO);

	close(fd);
	return fd;
}

/* The room for one has room for two: neither may stay open in who receives them. */
static void test_two_descriptors_are_refused(void **state)
{
	struct msg m = {.type = MSG_LINK, .link = {.peer = ROLE_IPVS}}, got;
	char control[CMSG_SPACE(2 * sizeof(int))] = "";
	struct msg_batch batch;
	uint8_t buf[MSG_BYTES_MAX];
	struct iovec iov = {.iov_base = buf, .iov_len = msg_encode(&m, buf)};
	struct msghdr h = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	int two[] = {STDIN_FILENO, STDOUT_FILENO};
	int pair[2], fd = -1, free_before;

	*CMSG_FIRSTHDR(&h) = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(two)),
					      .cmsg_level = SOL_SOCKET,
					      .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&h)), two, sizeof(two));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	free_before = next_free_descriptor();
	assert_true(sendmsg(pair[0], &h, 0) > 0);
	assert_int_equal(msg_receive(pair[1], &got, &fd), -EBADMSG);
	assert_int_equal(next_free_descriptor(), free_before);
	assert_true(sendmsg(pair[0], &h, 0) > 0);
	msg_receive_many(pair[1], &batch);
	assert_int_equal(batch.err, -EBADMSG);
	assert_int_equal(next_free_descriptor(), free_before);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_cut_short_or_too_long),
		cmocka_unit_test(test_the_longest_fits),
		cmocka_unit_test(test_unknown_type),
		cmocka_unit_test(test_nonsense_in_fields),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_descriptor_travels),
		cmocka_unit_test(test_two_descriptors_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
