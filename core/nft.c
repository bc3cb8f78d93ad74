/* SPDX-License-Identifier: Apache-2.0 */
/* Firewall tables of ours: see nft.h. */
#include "core/nft.h"

#include <dlfcn.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY "libnftables.so.1"

struct library {
	void *handle;
	__typeof__(&nft_ctx_new) ctx_new;
	__typeof__(&nft_ctx_free) ctx_free;
	__typeof__(&nft_ctx_buffer_output) buffer_output;
	__typeof__(&nft_ctx_buffer_error) buffer_error;
	__typeof__(&nft_ctx_get_output_buffer) output_buffer;
	__typeof__(&nft_ctx_get_error_buffer) error_buffer;
	__typeof__(&nft_ctx_output_set_flags) set_flags;
	__typeof__(&nft_run_cmd_from_buffer) run;
};

/* POSIX makes an object pointer of a function; ISO C has no cast for it. */
static bool find(const struct library *l, const char *name, void *ret_function)
{
	void *at = dlsym(l->handle, name);

	memcpy(ret_function, &at, sizeof(at));
	return at;
}

static int load(struct library *ret, struct text *ret_reason)
{
	*ret = (struct library){.handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL)};
	if (!ret->handle) {
		text_set(ret_reason, "nftables is not installed: %s", dlerror());
		return -ENOENT;
	}
	if (find(ret, "nft_ctx_new", &ret->ctx_new) && find(ret, "nft_ctx_free", &ret->ctx_free) &&
	    find(ret, "nft_ctx_buffer_output", &ret->buffer_output) &&
	    find(ret, "nft_ctx_buffer_error", &ret->buffer_error) &&
	    find(ret, "nft_ctx_get_output_buffer", &ret->output_buffer) &&
	    find(ret, "nft_ctx_get_error_buffer", &ret->error_buffer) &&
	    find(ret, "nft_ctx_output_set_flags", &ret->set_flags) &&
	    find(ret, "nft_run_cmd_from_buffer", &ret->run))
		return 0;
	text_set(ret_reason, LIBRARY ": %s", dlerror());
	dlclose(ret->handle);
	return -ENOENT;
}

/* 0 or -errno: -EINVAL without nf_tables. Asks without the library: it ends the process when the
 * kernel has no netfilter, and most of the time there is nothing to ask it for. */
static int find_table(const char *table)
{
	char buf[MNL_SOCKET_BUFFER_SIZE];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	struct mnl_socket *sock = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	ssize_t n = -1;
	int err;

	if (!sock)
		return -errno;
	h->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	*g = (struct nfgenmsg){.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};
	mnl_attr_put_strz(h, NFTA_TABLE_NAME, table);
	if (mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) == 0 &&
	    mnl_socket_sendto(sock, h, h->nlmsg_len) >= 0)
		n = mnl_socket_recvfrom(sock, buf, sizeof(buf));
	if (n >= 0)
		n = mnl_cb_run(buf, (size_t)n, 0, mnl_socket_get_portid(sock), NULL, NULL);
	err = n < 0 ? -errno : 0;
	mnl_socket_close(sock);
	return err;
}

/* "…: Error: Could not process rule: Operation not supported": from the line, what says why. */
static void set_reason(const char *said, struct text *ret)
{
	static const char *const before[] = {"Error: ", "Could not process rule: "};
	size_t n;

	for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++) {
		const char *at = strstr(said, before[i]);

		if (at)
			said = at + strlen(before[i]);
	}
	n = strcspn(said, "\n");
	text_set(ret, "nftables: %.*s", (int)n, said);
}

/* What a kernel that lacks the family, the hook or an expression says to a rule that is right. */
static bool is_lacking(const struct text *reason)
{
	static const int errors[] = {ENOENT, EOPNOTSUPP, EAFNOSUPPORT, EPROTONOSUPPORT};

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (strstr(reason->s, strerror(errors[i])))
			return true;
	return false;
}

/* ret_said, what it prints with these flags, is the caller's to free; NULL: nobody asks for it. */
static int run(const struct library *l, const char *commands, unsigned flags, char **ret_said,
	       struct text *ret_reason)
{
	struct nft_ctx *ctx = l->ctx_new(NFT_CTX_DEFAULT);
	struct text said;
	int err = 0;

	if (!ctx)
		return -ENOMEM;
	l->buffer_output(ctx);
	l->buffer_error(ctx);
	l->set_flags(ctx, flags);
	if (l->run(ctx, commands)) {
		set_reason(l->error_buffer(ctx), &said);
		err = is_lacking(&said) ? -EOPNOTSUPP : -EINVAL;
		*ret_reason = said;
		if (err == -EOPNOTSUPP)
			text_set(ret_reason,
				 "%s: this kernel lacks what it needs of nftables "
				 "(CONFIG_NF_TABLES_INET, _IPV4, _IPV6)",
				 said.s);
	} else if (ret_said) {
		*ret_said = strdup(l->output_buffer(ctx));
		err = *ret_said ? 0 : -ENOMEM;
	}
	l->ctx_free(ctx);
	return err;
}

static int run_alone(const char *commands, unsigned flags, char **ret_said,
		     struct text *ret_reason)
{
	struct library l;
	int err = load(&l, ret_reason);

	if (err)
		return err;
	err = run(&l, commands, flags, ret_said, ret_reason);
	dlclose(l.handle);
	return err;
}

/* 0, whether or not the table is there, or -errno with the reason. */
static int look_for(const char *table, struct text *ret_reason)
{
	int err = find_table(table);

	if (err == -EPERM) {
		text_set(ret_reason, "nftables: %s", strerror(EPERM));
		return err;
	}
	if (!err || err == -ENOENT)
		return 0;
	text_set(ret_reason, "this kernel has no nftables (CONFIG_NF_TABLES): %s", strerror(-err));
	return -EOPNOTSUPP;
}

int nft_table_set(const char *table, const char *rules, struct text *ret_reason)
{
	int err = look_for(table, ret_reason);
	char *commands;

	if (err)
		return err;
	/* To delete a table it must be there. */
	if (asprintf(&commands,
		     "table inet %s\n"
		     "delete table inet %s\n"
		     "table inet %s {\n%s\n}\n",
		     table, table, table, rules) < 0)
		return -ENOMEM;
	err = run_alone(commands, 0, NULL, ret_reason);
	free(commands);
	return err;
}

bool nft_table_exists(const char *table)
{
	return find_table(table) == 0;
}

int nft_table_remove(const char *table)
{
	struct text reason;
	char command[128];

	if (find_table(table) < 0)
		return 0;
	snprintf(command, sizeof(command), "delete table inet %s\n", table);
	return run_alone(command, 0, NULL, &reason);
}

int nft_list_ruleset(char **ret_json, struct text *ret_reason)
{
	int err = look_for("any", ret_reason);

	*ret_json = NULL;
	if (err)
		return err == -EOPNOTSUPP ? 0 : err;
	return run_alone("list ruleset\n",
			 NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_HANDLE | NFT_CTX_OUTPUT_NUMERIC_PROTO,
			 ret_json, ret_reason);
}
