/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the doctor judges by: from tandemd's documents, which must outlive the facts, and from the
 * machine as it is seen in the namespace that we are in.
 */
#ifndef TANDEM_CTL_DOCTOR_FACTS_H
#define TANDEM_CTL_DOCTOR_FACTS_H

#include "core/arena.h"
#include "ctl/doctor.h"

struct json_object;

/* The answers to "services" and to "status". */
struct doctor_documents {
	struct json_object *services;
	struct json_object *status;
};

/* Pure. */
void doctor_read_documents(struct doctor_facts *f, struct arena *arena,
			   const struct doctor_documents *docs);
/* Then settings, interfaces, routes, modules, counters. */
void doctor_read_machine(struct doctor_facts *f, struct arena *arena,
			 const struct doctor_documents *docs);
/* Then the firewall. */
void doctor_read_firewall(struct doctor_facts *f, struct arena *arena,
			  const struct doctor_documents *docs);

/* The interface, noted when it was not. NULL without a name. */
struct doctor_device *doctor_device(struct doctor_facts *f, struct arena *arena, const char *name);

#endif
