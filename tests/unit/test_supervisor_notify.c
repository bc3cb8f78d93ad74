/* SPDX-License-Identifier: Apache-2.0 */
/* Which scripts a change of state calls for (core/notify.c); they are noted, not run. */
#include "core/fifos.h"
#include "core/mails.h"
#include "core/notify.h"
#include "core/scripts.h"
#include "core/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <netinet/in.h>
#include <stdio.h>

#include <cmocka.h>

static char calls[512];
static char lines[512];
static char mails[1024];
static enum vrrp_state_id mailed;
static const struct notify_outlets outlets;

int scripts_notify(struct scripts *s, uint64_t object, const char *owner, const char *event,
		   const struct notify *n, const struct global *g, const char *const *args)
{
	size_t at = strlen(calls);

	at += (size_t)snprintf(calls + at, sizeof(calls) - at, "%s:%s", n->command, owner);
	for (; args && *args; args++)
		at += (size_t)snprintf(calls + at, sizeof(calls) - at, ",%s", *args);
	snprintf(calls + at, sizeof(calls) - at, ";");
	return 0;
}

static struct notify on_instance[] = {
	{.on = NOTIFY_ANY, .command = "any"},	    {.on = NOTIFY_MASTER, .command = "master"},
	{.on = NOTIFY_BACKUP, .command = "backup"}, {.on = NOTIFY_FAULT, .command = "fault"},
	{.on = NOTIFY_STOP, .command = "stop"},
	{.on = NOTIFY_DELETED, .command = "deleted"},
	{.on = NOTIFY_MASTER_RX_LOWER_PRI, .command = "rival"},
};
static struct notify on_server[] = {
	{.on = NOTIFY_UP, .command = "up"},
	{.on = NOTIFY_DOWN, .command = "down"},
};
static struct notify on_service[] = {
	{.on = NOTIFY_UP, .command = "quorum_up"},
	{.on = NOTIFY_DOWN, .command = "quorum_down"},
};
static struct check check = {.id = 4};
static struct real_server server = {.id = 3,
				    .address = {.family = AF_INET, .b = {10, 0, 0, 3}},
				    .port = 80,
				    .checks = &check,
				    .n_checks = 1,
				    .notifies = on_server,
				    .n_notifies = 2};
static struct virtual_server service = {.id = 2,
					.fwmark = 7,
					.family = AF_INET,
					.group = "",
					.servers = &server,
					.n_servers = 1,
					.notifies = on_service,
					.n_notifies = 2};
static struct vrrp_instance instance = {
	.id = 1, .name = "web", .notifies = on_instance, .n_notifies = 7};
static struct sync_group group = {
	.id = 5, .name = "all", .notifies = on_instance, .n_notifies = 7};
static struct global settings = {.router_id = "R1"};
static struct model model = {.global = &settings,
			     .n_global = 1,
			     .instances = &instance,
			     .n_instances = 1,
			     .groups = &group,
			     .n_groups = 1,
			     .services = &service,
			     .n_services = 1};

void fifos_write(struct fifos *f, enum notify_fifo_kind kind, const char *line)
{
	size_t at = strlen(lines);

	snprintf(lines + at, sizeof(lines) - at, "%s%s", kind == NOTIFY_FIFO_LVS ? "lvs " : "",
		 line);
}

void mails_send(struct mails *m, const struct mail *mail)
{
	size_t at = strlen(mails);

	snprintf(mails + at, sizeof(mails) - at, "%s; ", mail->subject);
}

bool mails_is_news(struct mails *m, uint64_t object, enum vrrp_state_id state)
{
	bool news = mailed != state;

	mailed = state;
	return news;
}

static const char *change(const struct msg *now, const struct msg *former)
{
	calls[0] = lines[0] = mails[0] = 0;
	notify_change(&outlets, &model, now, former);
	return calls;
}

static struct msg vrrp(enum vrrp_state_id state)
{
	return (struct msg){
		.type = MSG_VRRP_STATE,
		.vrrp_state = {.instance = 1, .state = (uint8_t)state, .priority = 150}};
}

static struct msg health(bool up)
{
	return (struct msg){.type = MSG_SERVER_HEALTH,
			    .server_health = {.service = 2, .server = 3, .up = up}};
}

static struct msg quorum(bool up)
{
	return (struct msg){.type = MSG_SERVICE_STATE,
			    .service_state = {.service = 2, .quorum_up = up}};
}

static void test_instance_states(void **state)
{
	struct msg init = vrrp(VRRP_STATE_INITIALIZE), backup = vrrp(VRRP_STATE_BACKUP);
	struct msg active = vrrp(VRRP_STATE_ACTIVE), fault = vrrp(VRRP_STATE_FAULT);
	struct msg stop = vrrp(VRRP_STATE_STOP);

	assert_string_equal(change(&init, NULL), "");
	assert_string_equal(change(&backup, &init), "backup:web;any:web,INSTANCE,web,BACKUP,150;");
	assert_string_equal(change(&active, &backup),
			    "master:web;any:web,INSTANCE,web,MASTER,150;");
	assert_string_equal(change(&fault, &active), "fault:web;any:web,INSTANCE,web,FAULT,150;");
	assert_string_equal(change(&stop, &active), "stop:web;any:web,INSTANCE,web,STOP,150;");
}

static void test_group_states(void **state)
{
	struct msg backup = {.type = MSG_GROUP_STATE,
			     .group_state = {.group = 5, .state = VRRP_STATE_BACKUP}};
	struct msg active = {.type = MSG_GROUP_STATE,
			     .group_state = {.group = 5, .state = VRRP_STATE_ACTIVE}};

	assert_string_equal(change(&active, &backup), "master:all;any:all,GROUP,all,MASTER,0;");
	assert_string_equal(change(&backup, NULL), "backup:all;any:all,GROUP,all,BACKUP,0;");
	assert_string_equal(change(&active, &active), "");
	active.group_state.group = 99;
	assert_string_equal(change(&active, NULL), "");
}

static void test_the_same_state_again_is_no_transition(void **state)
{
	struct msg former = vrrp(VRRP_STATE_ACTIVE), now = former;

	now.vrrp_state.priority = 100;
	now.vrrp_state.adver_timer_us = 5;
	assert_string_equal(change(&now, &former), "");
}

static void test_server_health(void **state)
{
	struct msg up = health(true), down = health(false);

	assert_string_equal(change(&down, &up), "down:10.0.0.3:80;");
	assert_string_equal(change(&up, &down), "up:10.0.0.3:80;");
	assert_string_equal(change(&down, &down), "");
}

/* Before its first verdict a server is up, with alpha it is down. */
static void test_first_verdict(void **state)
{
	struct msg up = health(true), down = health(false);

	assert_string_equal(change(&up, NULL), "");
	assert_string_equal(change(&down, NULL), "down:10.0.0.3:80;");
	check.alpha = true;
	assert_string_equal(change(&up, NULL), "up:10.0.0.3:80;");
	assert_string_equal(change(&down, NULL), "");
	check.alpha = false;
}

static void test_quorum(void **state)
{
	struct msg up = quorum(true), down = quorum(false), more = up;

	more.service_state.servers_up = 5;
	assert_string_equal(change(&up, NULL), "quorum_up:fwmark 7;");
	assert_string_equal(change(&more, &up), "");
	assert_string_equal(change(&down, &more), "quorum_down:fwmark 7;");
}

static void test_objects_that_left_the_model(void **state)
{
	struct msg m = vrrp(VRRP_STATE_ACTIVE), h = health(false), s = quorum(false);

	m.vrrp_state.instance = h.server_health.server = s.service_state.service = 99;
	assert_string_equal(change(&m, NULL), "");
	assert_string_equal(change(&h, NULL), "");
	assert_string_equal(change(&s, NULL), "");
}

static void test_lines(void **state)
{
	struct msg backup = vrrp(VRRP_STATE_BACKUP), active = vrrp(VRRP_STATE_ACTIVE);
	struct msg group_up = {.type = MSG_GROUP_STATE,
			       .group_state = {.group = 5, .state = VRRP_STATE_ACTIVE}};
	struct msg up = health(true), down = health(false), met = quorum(true);

	change(&active, &backup);
	assert_string_equal(lines, "INSTANCE \"web\" MASTER 150\n");
	change(&group_up, NULL);
	assert_string_equal(lines, "GROUP \"all\" MASTER 0\n");
	change(&down, &up);
	assert_string_equal(lines, "lvs RS [10.0.0.3]:none:80 FWM 7 DOWN\n");
	change(&met, NULL);
	assert_string_equal(lines, "lvs VS FWM 7 UP\n");
	service.fwmark = 0;
	service.protocol = IPPROTO_UDP;
	service.port = 53;
	addr_parse("2001:db8::1", &service.address);
	change(&up, &down);
	assert_string_equal(lines, "lvs RS [10.0.0.3]:udp:80 [2001:db8::1]:udp:53 UP\n");
	service.group = "pool";
	service.port = 0;
	change(&met, NULL);
	assert_string_equal(lines, "lvs VS [pool]:0 UP\n");
	service.group = "";
	service.fwmark = 7;
	service.protocol = 0;
}

/* The lines are told only when asked for; that the priority has changed is nothing to a script. */
static void test_priority_changes(void **state)
{
	struct msg active = vrrp(VRRP_STATE_ACTIVE), lower = active, backup;

	lower.vrrp_state.priority = 90;
	assert_string_equal(change(&lower, &active), "");
	assert_string_equal(lines, "");
	instance.notify_priority_changes = true;
	assert_string_equal(change(&lower, &active), "");
	assert_string_equal(lines, "INSTANCE \"web\" MASTER_PRIORITY 90\n");
	backup = lower;
	backup.vrrp_state.state = VRRP_STATE_BACKUP;
	change(&backup, &active);
	assert_string_equal(lines, "INSTANCE \"web\" BACKUP 90\n");
	active.vrrp_state.state = VRRP_STATE_BACKUP;
	change(&backup, &active);
	assert_string_equal(lines, "INSTANCE \"web\" BACKUP_PRIORITY 90\n");
	instance.notify_priority_changes = false;
}

/* A new process counts from 0 again. */
static void test_rivals(void **state)
{
	struct msg former = vrrp(VRRP_STATE_ACTIVE), now = former;

	now.vrrp_state.rivals = 2;
	assert_string_equal(change(&now, &former), "rival:web;");
	assert_string_equal(lines, "INSTANCE \"web\" MASTER_RX_LOWER_PRI 150\n");
	assert_string_equal(change(&former, &now), "");
	assert_string_equal(change(&now, NULL), "master:web;any:web,INSTANCE,web,MASTER,150;");
}

static const char *replace(const struct model *former, const struct model *now,
			   const struct store *s)
{
	calls[0] = lines[0] = 0;
	notify_model(&outlets, former, now, s);
	return calls;
}

static void test_models(void **state)
{
	struct global global = {.router_id = "R1", .script_user = ""};
	struct model empty = {.global = &global}, now = model;
	struct msg active = vrrp(VRRP_STATE_ACTIVE);
	struct store s;

	now.global = &global;
	store_init(&s);
	active.vrrp_state.priority = 77;
	store_put(&s, &active, NULL);
	assert_string_equal(replace(NULL, &now, &s), "");
	assert_string_equal(replace(&now, &now, &s), "");
	assert_string_equal(lines, "");
	assert_string_equal(replace(&now, &empty, &s), "fault:web;any:web,INSTANCE,web,FAULT,77;");
	instance.notify_deleted = true;
	assert_string_equal(replace(&now, &empty, &s),
			    "deleted:web;any:web,INSTANCE,web,DELETED,77;");
	instance.notify_deleted = false;
	global.fifo_write_vrrp_states_on_reload = true;
	assert_string_equal(replace(NULL, &now, &s), "");
	assert_string_equal(lines, "");
	assert_string_equal(replace(&now, &now, &s), "");
	assert_string_equal(lines, "INSTANCE \"web\" MASTER 77\n");
	store_done(&s);
}

static void test_servers_of_a_new_model(void **state)
{
	struct global global = {.router_id = "R1", .script_user = "", .rs_init_notifies = true};
	struct model now = model;
	struct msg down = health(false);
	struct store s;

	now.global = &global;
	store_init(&s);
	assert_string_equal(replace(NULL, &now, &s), "up:10.0.0.3:80;");
	assert_string_equal(replace(&now, &now, &s), "");
	check.alpha = true;
	assert_string_equal(replace(NULL, &now, &s), "");
	check.alpha = false;
	store_put(&s, &down, NULL);
	assert_string_equal(replace(NULL, &now, &s), "");
	store_done(&s);
}

static void test_omega(void **state)
{
	struct msg down = health(false), lost = quorum(false);
	struct store s;

	store_init(&s);
	calls[0] = lines[0] = 0;
	notify_omega(&outlets, &model, &s);
	assert_string_equal(calls, "");
	service.omega = true;
	notify_omega(&outlets, &model, &s);
	assert_string_equal(calls, "down:10.0.0.3:80;quorum_down:fwmark 7;");
	assert_string_equal(lines, "lvs RS [10.0.0.3]:none:80 FWM 7 DOWN\nlvs VS FWM 7 DOWN\n");
	store_put(&s, &down, NULL);
	store_put(&s, &lost, NULL);
	calls[0] = 0;
	notify_omega(&outlets, &model, &s);
	assert_string_equal(calls, "");
	service.omega = false;
	store_done(&s);
}

/* A fault that is not told is no reason to tell the state that was before. */
static void test_mail_of_instances(void **state)
{
	struct msg backup = vrrp(VRRP_STATE_BACKUP), fault = vrrp(VRRP_STATE_FAULT);

	change(&backup, NULL);
	assert_string_equal(mails, "");
	instance.smtp_alert = true;
	change(&backup, NULL);
	assert_string_equal(mails, "[R1] VRRP Instance web - Entering BACKUP state; ");
	change(&fault, &backup);
	assert_string_equal(mails, "[R1] VRRP Instance web - Entering FAULT state; ");
	change(&backup, &fault);
	settings.no_email_faults = true;
	change(&fault, &backup);
	assert_string_equal(mails, "");
	change(&backup, &fault);
	assert_string_equal(mails, "");
	settings.no_email_faults = false;
	instance.smtp_alert = false;
}

static void test_mail_of_servers(void **state)
{
	struct msg up = health(true), down = health(false), met = quorum(true);

	change(&down, &up);
	assert_string_equal(mails, "");
	server.smtp_alert = service.smtp_alert = true;
	change(&down, &up);
	assert_string_equal(mails,
			    "[R1] Realserver [10.0.0.3]:none:80 of virtual server FWM 7 - DOWN; ");
	change(&met, NULL);
	assert_string_equal(mails, "[R1] Virtualserver FWM 7 - UP; ");
	server.smtp_alert = service.smtp_alert = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_instance_states),
		cmocka_unit_test(test_group_states),
		cmocka_unit_test(test_the_same_state_again_is_no_transition),
		cmocka_unit_test(test_server_health),
		cmocka_unit_test(test_first_verdict),
		cmocka_unit_test(test_quorum),
		cmocka_unit_test(test_objects_that_left_the_model),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_priority_changes),
		cmocka_unit_test(test_rivals),
		cmocka_unit_test(test_models),
		cmocka_unit_test(test_servers_of_a_new_model),
		cmocka_unit_test(test_omega),
		cmocka_unit_test(test_mail_of_instances),
		cmocka_unit_test(test_mail_of_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
