/* SPDX-License-Identifier: Apache-2.0 */
/* The process connector's messages: see process_event.h. */
#include "core/process_event.h"

#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <string.h>

/* Up to the largest of the parts that are read. */
#define EVENT_BYTES (offsetof(struct proc_event, event_data) + sizeof(struct fork_proc_event))

/* Of the shape {process_pid, process_tgid, ...}: threads are left out. */
static void set_process(struct process_event *ret, enum process_event_kind kind, int32_t pid,
			int32_t tgid)
{
	ret->pid = tgid;
	ret->kind = pid == tgid ? kind : PROCESS_EVENT_OTHER;
}

static void read_event(const struct proc_event *e, struct process_event *ret)
{
	switch ((unsigned)e->what) {
	case PROC_EVENT_NONE:
		ret->kind = PROCESS_EVENT_LISTEN;
		ret->error = e->event_data.ack.err;
		break;
	case PROC_EVENT_FORK:
		set_process(ret, PROCESS_EVENT_FORK, e->event_data.fork.child_pid,
			    e->event_data.fork.child_tgid);
		ret->parent = e->event_data.fork.parent_tgid;
		break;
	case PROC_EVENT_EXEC:
		/* Whichever thread calls it becomes the process. */
		set_process(ret, PROCESS_EVENT_EXEC, e->event_data.exec.process_tgid,
			    e->event_data.exec.process_tgid);
		break;
	case PROC_EVENT_COMM:
		set_process(ret, PROCESS_EVENT_NAME, e->event_data.comm.process_pid,
			    e->event_data.comm.process_tgid);
		break;
	case PROC_EVENT_EXIT:
		set_process(ret, PROCESS_EVENT_EXIT, e->event_data.exit.process_pid,
			    e->event_data.exit.process_tgid);
		break;
	}
}

int process_event_parse(const void *bytes, size_t n, struct process_event *ret)
{
	struct proc_event e = {0};
	struct nlmsghdr h;
	struct cn_msg cn;

	*ret = (struct process_event){.kind = PROCESS_EVENT_OTHER};
	if (n < NLMSG_HDRLEN + sizeof(cn))
		return -EBADMSG;
	memcpy(&h, bytes, sizeof(h));
	memcpy(&cn, (const char *)bytes + NLMSG_HDRLEN, sizeof(cn));
	if (h.nlmsg_len > n || cn.id.idx != CN_IDX_PROC || cn.id.val != CN_VAL_PROC)
		return -EBADMSG;
	if (cn.len < EVENT_BYTES || n - NLMSG_HDRLEN - sizeof(cn) < EVENT_BYTES)
		return -EBADMSG;
	memcpy(&e, (const char *)bytes + NLMSG_HDRLEN + sizeof(cn), EVENT_BYTES);
	read_event(&e, ret);
	return 0;
}

size_t process_event_request(void *buf, bool listen)
{
	enum proc_cn_mcast_op op = listen ? PROC_CN_MCAST_LISTEN : PROC_CN_MCAST_IGNORE;
	struct cn_msg cn = {.id = {CN_IDX_PROC, CN_VAL_PROC}, .len = sizeof(op)};
	struct nlmsghdr h = {.nlmsg_len = NLMSG_HDRLEN + sizeof(cn) + sizeof(op),
			     .nlmsg_type = NLMSG_DONE};

	memcpy(buf, &h, sizeof(h));
	memcpy((char *)buf + NLMSG_HDRLEN, &cn, sizeof(cn));
	memcpy((char *)buf + NLMSG_HDRLEN + sizeof(cn), &op, sizeof(op));
	return h.nlmsg_len;
}
