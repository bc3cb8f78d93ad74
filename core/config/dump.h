/* SPDX-License-Identifier: Apache-2.0 */
/* How values are written: for the files that dump the objects. Internal to core/config. */
#ifndef TANDEM_CONFIG_DUMP_H
#define TANDEM_CONFIG_DUMP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/model.h"

#define TAB "    "

/* In quotes, with all that the language would take for itself in octal. */
void dump_string(FILE *out, const char *s);
/* As a line of its own in a list within a block. */
void dump_item(FILE *out, const char *s);
/* A line each. Nothing for "", an unset address and a flag that is off. */
void dump_str(FILE *out, const char *indent, const char *keyword, const char *s);
void dump_u32(FILE *out, const char *indent, const char *keyword, uint32_t value);
void dump_bool(FILE *out, const char *indent, const char *keyword, bool on);
void dump_flag(FILE *out, const char *indent, const char *keyword, bool on);
void dump_seconds(FILE *out, const char *indent, const char *keyword, int64_t us);
void dump_addr(FILE *out, const char *indent, const char *keyword, const struct addr *a);
void dump_notify(FILE *out, const char *indent, const char *keyword, const struct notify *n);

/* dump_global.c */
void dump_global(FILE *out, const struct model *m);
void dump_namespace(FILE *out, const struct global *g);
void dump_link_delays(FILE *out, const struct global *g);
void dump_garp_groups(FILE *out, const struct global *g);
/* Without `secrets`, keys are not told. */
void dump_peering(FILE *out, const struct sync_block *b, bool secrets);

/* dump_vip.c: a block of addresses; nothing when there are none. */
void dump_vips(FILE *out, const char *indent, const char *keyword, const struct model *m,
	       const struct vip *list, uint32_t n);
void dump_vmacs(FILE *out, const struct vrrp_instance *v);

/* dump_route.c: the same of routes and rules, and every track_group. */
void dump_routes(FILE *out, const char *indent, const char *keyword, const struct model *m,
		 const struct route *list, uint32_t n);
void dump_rules(FILE *out, const char *indent, const char *keyword, const struct model *m,
		const struct rule *list, uint32_t n);
void dump_track_groups(FILE *out, const struct model *m);
/* " track_group NAME"; nothing for 0. */
void dump_track_group_of(FILE *out, const struct model *m, uint64_t id);

/* dump_check.c */
/* Without `secrets`, passwords are not told. */
void dump_check(FILE *out, const struct check *k, bool secrets);

#endif
