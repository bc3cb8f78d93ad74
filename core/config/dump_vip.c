/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual addresses of an instance, and the interfaces made for them, from the model: see dump.h. */
#include <inttypes.h>
#include <linux/if_link.h>

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
	fputs(v->use_vmac ? " use_vmac" : "", out);
}

static void dump_vip(FILE *out, const struct model *m, const struct vip *v)
{
	char text[ADDR_TEXT_MAX];

	fprintf(out, TAB "%s/%u", addr_format(&v->address, text), v->prefixlen);
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
	dump_track_group_of(out, m, v->track_group);
	fputc('\n', out);
}

void dump_vips(FILE *out, const char *indent, const char *keyword, const struct model *m,
	       const struct vip *list, uint32_t n)
{
	if (!n)
		return;
	fprintf(out, "%s%s {\n", indent, keyword);
	for (uint32_t i = 0; i < n; i++) {
		fputs(indent, out);
		dump_vip(out, m, &list[i]);
	}
	fprintf(out, "%s}\n", indent);
}

static void dump_mac(FILE *out, uint64_t mac)
{
	for (int shift = 40; shift >= 0; shift -= 8)
		fprintf(out, "%c%02x", shift == 40 ? ' ' : ':', (unsigned)(mac >> shift & 0xff));
}

static void dump_ipvlan(FILE *out, const struct vmac *m)
{
	char text[ADDR_TEXT_MAX];

	if (addr_is_set(&m->address))
		fprintf(out, " %s/%u", addr_format(&m->address, text), m->prefixlen);
	fputs(m->ipvlan_flags & IPVLAN_F_PRIVATE ? " private"
	      : m->ipvlan_flags & IPVLAN_F_VEPA	 ? " vepa"
						 : " bridge",
	      out);
}

/* The names of the others follow from the addresses. */
static void dump_own_vmac(FILE *out, const struct vmac *m)
{
	fprintf(out, TAB "%s ", m->kind == VMAC_MACVLAN ? "use_vmac" : "use_ipvlan");
	dump_string(out, m->ifname);
	if (m->kind == VMAC_IPVLAN)
		dump_ipvlan(out, m);
	else if (!vmac_mac_is_usual(m->mac))
		dump_mac(out, m->mac);
	if (m->notify)
		fputs(" netlink_notify_msg", out);
	if (m->group >= 0)
		fprintf(out, " group %" PRId64, m->group);
	fputc('\n', out);
}

void dump_vmacs(FILE *out, const struct vrrp_instance *v)
{
	if (v->use_vmac)
		dump_own_vmac(out, &v->vmacs[0]);
	dump_flag(out, TAB, "use_vmac_addr", v->use_vmac_addr);
	dump_flag(out, TAB, "vmac_xmit_base", v->vmac_xmit_base);
}
