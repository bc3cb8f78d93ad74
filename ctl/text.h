/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents of the control socket as text for people: one screen, one line a fact, warnings
 * last. Shows nothing that is not in the document.
 */
#ifndef TANDEM_CTL_TEXT_H
#define TANDEM_CTL_TEXT_H

#include <stdio.h>

struct json_object;

void text_status(FILE *out, struct json_object *doc);
void text_sync(FILE *out, struct json_object *doc);
/* What became of the operator's word, a line for each server. */
void text_done(FILE *out, struct json_object *doc);
void text_reload(FILE *out, struct json_object *doc);
void text_confirmed(FILE *out, struct json_object *doc);
void text_diff(FILE *out, struct json_object *doc);
void text_version(FILE *out, struct json_object *doc);

#endif
