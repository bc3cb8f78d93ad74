/* SPDX-License-Identifier: Apache-2.0 */
/* A service of our own: see pusher.h. */
#include "ipvs/pusher.h"

#include "core/sync_kernel.h"

#include <arpa/inet.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>

const struct virtual_server *pusher_service(void)
{
	static struct real_server server = {
		.port = SYNC_KERNEL_PUSH_PORT, .weight = 1, .forward = IP_VS_CONN_F_DROUTE};
	static struct virtual_server service = {.family = AF_INET,
						.protocol = IPPROTO_UDP,
						.port = SYNC_KERNEL_PUSH_PORT,
						.group = "",
						.scheduler = "rr",
						.persistence_engine = "",
						.servers = &server,
						.n_servers = 1};
	const uint32_t address = htonl(SYNC_KERNEL_ADDRESS);

	if (!service.id) {
		service.address = server.address = addr_from_bytes(AF_INET, &address);
		service.id = model_id_virtual_server(&service);
		server.id = model_id_real_server(service.id, &server.address, server.port);
	}
	return &service;
}
