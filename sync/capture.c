/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams of the kernel's master thread taken apart: see capture.h. */
#include "sync/capture.h"

#include "core/sync_kernel.h"
#include "sync/push.h"
#include "sync/record.h"

#include <string.h>
#include <sys/socket.h>

static void count_overflow(struct sync_capture *c, struct msghdr *mh)
{
	uint32_t now;

	for (struct cmsghdr *m = CMSG_FIRSTHDR(mh); m; m = CMSG_NXTHDR(mh, m)) {
		if (m->cmsg_level != SOL_SOCKET || m->cmsg_type != SO_RXQ_OVFL)
			continue;
		memcpy(&now, CMSG_DATA(m), sizeof(now));
		c->drops += now - c->overflow;
		c->overflow = now;
	}
}

static void take_datagram(struct sync_capture *c, int64_t now_us, const uint8_t *bytes, size_t len,
			  sync_capture_record *each, void *ctx)
{
	struct sync_datagram d;
	const uint8_t *record;
	size_t record_len;
	bool own = false;
	int more;

	if (sync_datagram_open(bytes, len, &d) || d.syncid != SYNC_KERNEL_ID) {
		c->malformed++;
		return;
	}
	while ((more = sync_datagram_next(&d, &record, &record_len)) > 0) {
		own = sync_push_is_own(record);
		if (own)
			continue;
		c->records++;
		each(ctx, now_us, record, record_len);
	}
	if (more < 0)
		c->malformed++;
	/* Who comes last has made it full: what is still held back is younger. */
	if (!own)
		c->heard_us = now_us;
}

void sync_capture_batch(struct sync_capture *c, int64_t now_us, struct mmsghdr *messages,
			unsigned n, sync_capture_record *each, void *ctx)
{
	for (unsigned i = 0; i < n; i++) {
		count_overflow(c, &messages[i].msg_hdr);
		take_datagram(c, now_us, messages[i].msg_hdr.msg_iov->iov_base, messages[i].msg_len,
			      each, ctx);
	}
}
