/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's findings as text for people, or as the document tandem.doctor/1. */
#ifndef TANDEM_CTL_DOCTOR_SHOW_H
#define TANDEM_CTL_DOCTOR_SHOW_H

#include "ctl/doctor.h"

#include <stdio.h>

/* The gravest that was found; DOCTOR_NOT_SEEN also when there was nothing. */
enum doctor_severity doctor_show(FILE *out, bool as_json, const struct doctor_facts *f);

#endif
