/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the answer to a DNS, ICMP, UDP or SMTP check, or as the file of a FILE_CHECK: nothing
 * is read past the end. The first byte picks the check, the second what of it varies.
 */
#include "checkers/dns_packet.h"
#include "checkers/icmp_echo.h"
#include "checkers/smtp_reply.h"
#include "checkers/udp_reply.h"
#include "core/file_value.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_smtp(const uint8_t *at, size_t len, size_t piece)
{
	struct smtp_reply r = {0};
	size_t used;

	while (len) {
		size_t n = piece < len ? piece : len;

		switch (smtp_reply_feed(&r, (const char *)at, n, &used)) {
		case SMTP_NONSENSE:
			return;
		case SMTP_REPLIED:
			if (r.code > 999)
				abort();
			r = (struct smtp_reply){0};
			break;
		case SMTP_MORE:
			break;
		}
		if (used == 0 || used > n)
			abort();
		at += used;
		len -= used;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct check_dns dns = {.type = 6, .name = "www.example", .require_answer = true};
	struct check_udp udp = {.require_reply = true, .reply = "0ax1ff", .max_reply_length = 255};
	struct check_result result;
	int32_t value;
	uint8_t *bytes;
	size_t len;

	if (size < 2)
		return 0;
	len = size - 2;
	bytes = malloc(len + !len); /* a block of its own: a read past the end is seen */
	if (!bytes)
		return 0;
	memcpy(bytes, data + 2, len);
	switch (data[0] % 5) {
	case 0:
		dns_judge(&dns, (uint16_t)(data[1] << 8 | data[1]), bytes, len, &result);
		break;
	case 1:
		icmp_echo_is_reply(data[1] & 1 ? AF_INET6 : AF_INET, 0x0101, 0x0101,
				   data[1] & 2, data[1] & 4, bytes, len);
		break;
	case 2:
		udp.min_reply_length = data[1];
		udp_reply_judge(&udp, bytes, len, &result);
		break;
	case 3:
		fuzz_smtp(bytes, len, data[1] + 1u);
		break;
	case 4:
		file_value_parse((const char *)bytes, len, &value);
		break;
	}
	free(bytes);
	return 0;
}
