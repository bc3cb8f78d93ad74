/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Firewall tables of ours, by libnftables, which a process loads only when it first sets one: most
 * never do. Owns nothing: each table has one process that sets and removes it. Needs CAP_NET_ADMIN.
 */
#ifndef TANDEM_NFT_H
#define TANDEM_NFT_H

#include "core/record.h"

/*
 * Replaces `table inet TABLE` by one with these rules (what stands between its braces), in one
 * transaction: packets meet the former rules or the new ones. 0, or -errno with the reason in
 * words; then the former table stands.
 * -EOPNOTSUPP: this kernel has no nftables, or not for inet; -ENOENT: the library is not installed.
 */
int nft_table_set(const char *table, const char *rules, struct text *ret_reason);

/* Somebody may have flushed the ruleset. False also when that can't be found out. */
bool nft_table_exists(const char *table);

/*
 * All tables of the namespace, everybody's, as libnftables-json(5) has them: the caller's to free,
 * NULL when the kernel has no nftables. Else as nft_table_set().
 */
int nft_list_ruleset(char **ret_json, struct text *ret_reason);

/* 0 also when there is none, or could be none. Else -errno. */
int nft_table_remove(const char *table);

#endif
