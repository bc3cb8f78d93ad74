/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of virtual_ipaddress and virtual_ipaddress_excluded, from the model: see dump.h. */
#include "core/config/check.h"
#include "core/config/dump.h"
#include "core/config/names.h"

static void dump_vip_flags(FILE *out, const struct vip *v)
{
	fputs(v->nodad ? " -nodad" : "", out);
	fputs(v->home ? " home" : "", out);
	fputs(v->mngtmpaddr ? " mngtmpaddr" : "", out);
	fputs(v->noprefixroute ? " noprefixroute" : "", out);
	fputs(v->autojoin ? " autojoin" : "", out);
	fputs(v->no_track ? " no_track" : "", out);
}

static void dump_vip(FILE *out, const struct vip *v)
{
	char text[ADDR_TEXT_MAX];

	fprintf(out, TAB TAB "%s/%u", addr_format(&v->address, text), v->prefixlen);
	if (addr_is_set(&v->broadcast))
		fprintf(out, " brd %s", addr_format(&v->broadcast, text));
	if (addr_is_set(&v->peer))
		fprintf(out, " peer %s", addr_format(&v->peer, text));
	if (v->ifname[0]) {
		fputs(" dev ", out);
		dump_string(out, v->ifname);
	}
	if (v->address.family == AF_INET && name_scope(v->scope))
		fprintf(out, " scope %s", name_scope(v->scope));
	else if (v->address.family == AF_INET)
		fprintf(out, " scope %u", v->scope);
	if (v->label[0]) {
		fputs(" label ", out);
		dump_string(out, v->label);
	}
	if (v->preferred_lft_s == UINT32_MAX && vip_default_preferred_lft_s(v) != UINT32_MAX)
		fputs(" preferred_lft forever", out);
	else if (v->preferred_lft_s != vip_default_preferred_lft_s(v))
		fprintf(out, " preferred_lft %u", v->preferred_lft_s);
	dump_vip_flags(out, v);
	fputc('\n', out);
}

void dump_vips(FILE *out, const char *keyword, const struct vip *list, uint32_t n)
{
	if (!n)
		return;
	fprintf(out, TAB "%s {\n", keyword);
	for (uint32_t i = 0; i < n; i++)
		dump_vip(out, &list[i]);
	fputs(TAB "}\n", out);
}
