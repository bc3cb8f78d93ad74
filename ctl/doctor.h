/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of this machine will hurt the services that run on it, the worst first, each with the line
 * that mends it. The judgement is a pure function of facts.
 */
#ifndef TANDEM_CTL_DOCTOR_H
#define TANDEM_CTL_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json_object;

#define DOCTOR_UNKNOWN (-1)

struct doctor_facts {
	/* Of the services. */
	unsigned services;
	bool nat_ipv4;
	bool nat_ipv6;
	bool mh;
	bool other_than_mh;
	bool persistent;
	bool both_daemons;
	int64_t connections;
	/* Of the machine; DOCTOR_UNKNOWN: not there, or may not be read. */
	int64_t ip_forward;
	int64_t ipv6_forwarding;
	int64_t sloppy_tcp;
	int64_t expire_nodest_conn;
	int64_t expire_quiescent_template;
	int64_t conntrack;
	int64_t conn_reuse_mode;
	int64_t backup_only;
	int64_t table_size; /* of connections; 0: the kernel has no IPVS */
};

/* From the answer to "services". */
void doctor_read_services(struct doctor_facts *f, struct json_object *doc);
/* From /proc of the namespace that we are in. */
void doctor_read_machine(struct doctor_facts *f);

/* Returns how many of the findings will hurt; the others are advice. JSON is a line each. */
unsigned doctor_examine(FILE *out, bool as_json, const struct doctor_facts *f);

#endif
