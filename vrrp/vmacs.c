/* SPDX-License-Identifier: Apache-2.0 */
/* Makes, keeps and removes the interfaces of virtual addresses: see vmacs.h. */
#include "vrrp/vmacs.h"

#include "core/log.h"
#include "vrrp/config.h"
#include "vrrp/vmac.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROC_NET "/proc/sys/net"

static uint32_t all_rp_filter(void)
{
	char text[16] = "";
	int fd = open(PROC_NET "/ipv4/conf/all/rp_filter", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return (uint32_t)strtoul(text, NULL, 10);
}

/* 0 or -errno; a kernel without IPv6 is as quiet as can be. */
static int set_ipv6(const char *ifname, bool on)
{
	char path[64 + IFNAMSIZ];
	int fd, err = 0;

	snprintf(path, sizeof(path), PROC_NET "/ipv6/conf/%s/disable_ipv6", ifname);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (write(fd, on ? "0" : "1", 1) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* An interface that always speaks IPv6 works as well, but for the switches. Said once. */
static void quiet(const char *ifname, bool on)
{
	static bool told;
	int err = set_ipv6(ifname, on);

	if (err && !told)
		log_warning("interface %s: net.ipv6.conf.%s.disable_ipv6 can't be written: %s",
			    ifname, ifname,
			    err == -EROFS ? "/proc/sys is read-only here: see ReadWritePaths= in "
					    "tandem.service"
					  : strerror(-err));
	told |= err != 0;
}

/* With a MAC address of its own it has to be quiet while another router has that. */
static bool speaks_ipv6(const struct vmac *v, bool awake)
{
	return v->family == AF_INET6 && (awake || v->kind == VMAC_IPVLAN);
}

static int create(struct netifs *n, const struct vmac *v, const struct link_wish *w, bool awake)
{
	char buf[LINK_REQUEST_MAX];
	const struct netif *made;
	int err = netifs_request(n, link_put_create(buf, w));

	if (err)
		return err;
	made = netif_by_name(n, w->ifname);
	if (!made)
		return -ENODEV;
	quiet(w->ifname, speaks_ipv6(v, awake));
	return netifs_request(n, link_put_set(buf, made->index, w));
}

static int change(struct netifs *n, const struct link_wish *w, int index)
{
	char buf[LINK_REQUEST_MAX];

	return netifs_request(n, link_put_set(buf, index, w));
}

static int replace(struct netifs *n, const struct vmac *v, const struct link_wish *w, int index,
		   bool awake)
{
	char buf[LINK_REQUEST_MAX];
	int err = netifs_request(n, link_put_delete(buf, index));

	return err ? err : create(n, v, w, awake);
}

/* The address that an ipvlan interface has of its own. */
static int add_address(struct netifs *n, const struct vmac *v)
{
	const struct netif *made = netif_by_name(n, v->ifname);
	struct netif_change change = {.add = true,
				      .address = v->address,
				      .prefixlen = v->prefixlen,
				      .preferred_lft_s = UINT32_MAX,
				      .flags = v->address.family == AF_INET6 ? IFA_F_NODAD : 0};
	int failed;

	if (!addr_is_set(&v->address) || !made || netif_find_addr(n, made->index, &v->address))
		return 0;
	change.index = made->index;
	failed = netifs_apply(n, &change, 1, NULL, NULL);
	return failed > 0 ? change.error : failed;
}

static const char *format_mac(const struct link_wish *w, char text[24])
{
	if (w->has_mac)
		snprintf(text, 24, ", %02x:%02x:%02x:%02x:%02x:%02x", w->mac[0], w->mac[1],
			 w->mac[2], w->mac[3], w->mac[4], w->mac[5]);
	else
		text[0] = '\0';
	return text;
}

/* netlink_notify_msg: a base that knows no filter for addresses becomes promiscuous by this, and
 * the kernel tells nobody. */
static void touch_base(struct netifs *n, const struct vmac *v)
{
	const struct netif *base = netif_by_name(n, v->base);
	char buf[LINK_REQUEST_MAX];

	if (v->notify && base)
		netifs_request(n, link_put_touch(buf, base));
}

/* 0 or -errno. */
static int perform(struct netifs *n, const struct vmac *v, const struct link_wish *w,
		   enum vmac_step step, int index, bool awake)
{
	switch (step) {
	case VMAC_FITS:
		return 0;
	case VMAC_REFUSE:
		return -EEXIST;
	case VMAC_CREATE:
		return create(n, v, w, awake);
	case VMAC_REPLACE:
		return replace(n, v, w, index, awake);
	case VMAC_SET:
		return change(n, w, index);
	}
	return -EINVAL;
}

static const char *reason_of(int err)
{
	return err == -EEXIST	    ? "there is one, and it is not ours"
	       : err == -EOPNOTSUPP ? "this kernel has no such interfaces"
				    : strerror(-err);
}

static bool ensure(struct netifs *n, const struct vrrp_instance *c, const struct vmac *v,
		   uint32_t rp_filter, bool awake, struct text *ret_fault)
{
	const struct netif *base = netif_by_name(n, v->base);
	const struct netif *found;
	enum vmac_step step;
	struct link_wish wish;
	char alias[64], mac[24];
	int err;

	if (!base) {
		text_set(ret_fault, "interface %s does not exist", v->base);
		return v != vrrp_config_own_vmac(c);
	}
	snprintf(alias, sizeof(alias), NETIF_ALIAS "%s", c->name);
	wish = vmac_wish(v, base, alias, rp_filter);
	do {
		found = netif_by_name(n, v->ifname);
		step = vmac_plan(&wish, found);
		err = perform(n, v, &wish, step, found ? found->index : 0, awake);
		/* It was just being removed, which is known by now. */
	} while (err == -ENODEV && step == VMAC_SET && !netif_by_name(n, v->ifname));
	err = err ? err : add_address(n, v);
	if (err) {
		text_set(ret_fault, "interface %s can't be made on %s: %s", v->ifname, v->base,
			 reason_of(err));
		return false;
	}
	if (step != VMAC_FITS) {
		log_notice("%s: interface %s: %s on %s%s", c->name, v->ifname,
			   step == VMAC_SET ? "set up" : "made", v->base, format_mac(&wish, mac));
		touch_base(n, v);
	}
	return true;
}

bool vmacs_ensure(struct netifs *netifs, const struct vrrp_instance *c, bool awake,
		  struct text *ret_fault)
{
	uint32_t rp_filter = c->n_vmacs ? all_rp_filter() : 0;

	for (uint32_t i = 0; i < c->n_vmacs; i++)
		if (!ensure(netifs, c, &c->vmacs[i], rp_filter, awake, ret_fault))
			return false;
	return true;
}

void vmacs_wake(const struct vrrp_instance *c, bool awake)
{
	for (uint32_t i = 0; i < c->n_vmacs; i++)
		if (c->vmacs[i].family == AF_INET6)
			quiet(c->vmacs[i].ifname, speaks_ipv6(&c->vmacs[i], awake));
}

/* Removing one changes the list. */
static const struct netif *first_unwanted(const struct netifs *n,
					  bool (*wanted)(void *ctx, const char *ifname), void *ctx)
{
	for (size_t i = 0; i < n->n; i++)
		if (n->list[i].ours && !wanted(ctx, n->list[i].name))
			return &n->list[i];
	return NULL;
}

void vmacs_prune(struct netifs *netifs, bool (*wanted)(void *ctx, const char *ifname), void *ctx)
{
	const struct netif *l;

	while ((l = first_unwanted(netifs, wanted, ctx))) {
		char buf[LINK_REQUEST_MAX], name[IFNAMSIZ];
		int err;

		memcpy(name, l->name, sizeof(name));
		err = netifs_request(netifs, link_put_delete(buf, l->index));
		if (err) {
			log_error("interface %s can't be removed: %s", name, strerror(-err));
			return;
		}
		log_notice("interface %s: removed", name);
	}
}
