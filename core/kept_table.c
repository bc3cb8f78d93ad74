/* SPDX-License-Identifier: Apache-2.0 */
/* A firewall table that stays: see kept_table.h. */
#include "core/kept_table.h"

#include "core/log.h"
#include "core/nft.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The same complaint is made once, however often it is tried. */
static bool is_news(struct kept_table *t, const struct text *reason)
{
	bool news = strcmp(reason->s, t->told.s) != 0;

	t->told = *reason;
	return news;
}

static void set(struct kept_table *t, const char *what)
{
	struct text reason = {""};
	int err = nft_table_set(t->name, t->rules, &reason);
	bool news = is_news(t, &reason);

	t->there = !err;
	t->leftover = false;
	if (!err)
		log_notice("nftables: table %s %s: %s", t->name, what, t->purpose);
	else if (news)
		log_error("nftables: table %s can't be set, %s: %s", t->name, t->unset, reason.s);
}

static void remove_table(struct kept_table *t)
{
	bool there = t->there || t->leftover || nft_table_exists(t->name);
	int err = there ? nft_table_remove(t->name) : 0;
	struct text reason = {""};

	t->there = false;
	t->leftover = err;
	if (err)
		text_set(&reason, "%s", strerror(-err));
	if (is_news(t, &reason) && err)
		log_error("nftables: table %s can't be removed, %s: %s", t->name, t->unremoved,
			  reason.s);
	else if (there && !err)
		log_notice("nftables: table %s removed", t->name);
}

void kept_table_want(struct kept_table *t, char *rules)
{
	if (!t->rules || !rules || strcmp(t->rules, rules) != 0)
		t->dirty = true;
	free(t->rules);
	t->rules = rules;
}

/* A table that a former life left goes, too. */
void kept_table_run(struct kept_table *t)
{
	if (!t->dirty)
		return;
	t->dirty = false;
	if (t->rules)
		set(t, "set");
	else
		remove_table(t);
}

void kept_table_check(struct kept_table *t)
{
	if (t->leftover)
		remove_table(t);
	if (!t->rules || (t->there && nft_table_exists(t->name)))
		return;
	set(t, t->there ? "was gone: set again" : "set");
}

void kept_table_stop(struct kept_table *t)
{
	if (t->rules || t->leftover)
		remove_table(t);
	free(t->rules);
	t->rules = NULL;
}
