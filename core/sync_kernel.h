/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where tandem-ipvs has the kernel's sync threads, and tandem-sync meets them: both on lo, each
 * with a group and a port of its own, or the kernel would hear what it has said itself.
 */
#ifndef TANDEM_SYNC_KERNEL_H
#define TANDEM_SYNC_KERNEL_H

#define SYNC_KERNEL_IFNAME "lo"
#define SYNC_KERNEL_ID	   84
/* The master thread binds to the interface's address, and without one there to any address of the
 * host: when that is a virtual one and moves away, nothing is ever sent again. RFC 7600's dummy. */
#define SYNC_KERNEL_ADDRESS 0xc0000008U /* 192.0.0.8 */
/* What the master thread says. Short datagrams: what is in one that is not full is lost with the
 * host, and four connections are less than forty. */
#define SYNC_KERNEL_SOURCE_GROUP 0xe0000054U /* 224.0.0.84 */
#define SYNC_KERNEL_SOURCE_PORT	 8850
#define SYNC_KERNEL_SOURCE_MAX	 152
/* What the backup thread hears: it takes datagrams of up to lo's MTU, 255 records fit. */
#define SYNC_KERNEL_SINK_GROUP 0xe0000055U /* 224.0.0.85 */
#define SYNC_KERNEL_SINK_PORT  8851
/* A service at SYNC_KERNEL_ADDRESS, UDP: what is sent there makes the master thread speak. */
#define SYNC_KERNEL_PUSH_PORT 8852

#endif
