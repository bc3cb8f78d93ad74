/* SPDX-License-Identifier: Apache-2.0 */
/* The table of lvs_method SNAT: see translation.h. */
#include "ipvs/translation.h"

#include "core/log.h"
#include "core/nft.h"
#include "ipvs/snat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The same complaint is made once, however often it is tried. */
static bool is_news(struct translation *t, const struct text *reason)
{
	bool news = strcmp(reason->s, t->told.s) != 0;

	t->told = *reason;
	return news;
}

static void set(struct translation *t, const char *what)
{
	struct text reason = {""};
	int err = nft_table_set(SNAT_TABLE, t->rules, &reason);
	bool news = is_news(t, &reason);

	t->there = !err;
	t->leftover = false;
	if (!err)
		log_notice("nftables: table " SNAT_TABLE " %s: SNAT of clients' addresses", what);
	else if (news)
		log_error("SNAT: table " SNAT_TABLE " can't be set, real servers see the clients' "
			  "own addresses: %s",
			  reason.s);
}

static void remove_table(struct translation *t)
{
	bool there = t->there || t->leftover || nft_table_exists(SNAT_TABLE);
	int err = there ? nft_table_remove(SNAT_TABLE) : 0;
	struct text reason = {""};

	t->there = false;
	t->leftover = err;
	if (err)
		text_set(&reason, "%s", strerror(-err));
	if (is_news(t, &reason) && err)
		log_error("SNAT: table " SNAT_TABLE
			  " can't be removed, clients' addresses are still "
			  "translated: %s",
			  reason.s);
	else if (there && !err)
		log_notice("nftables: table " SNAT_TABLE " removed");
}

void translation_commit(struct translation *t, const struct model *model)
{
	char *former = t->rules;

	t->rules = snat_is_wanted(model) ? snat_rules(model) : NULL;
	if (!former || !t->rules || strcmp(former, t->rules) != 0)
		t->dirty = true;
	free(former);
}

/* A table that a former life left goes, too. */
void translation_run(struct translation *t)
{
	if (!t->dirty)
		return;
	t->dirty = false;
	if (t->rules)
		set(t, "set");
	else
		remove_table(t);
}

void translation_check(struct translation *t)
{
	if (t->leftover)
		remove_table(t);
	if (!t->rules || (t->there && nft_table_exists(SNAT_TABLE)))
		return;
	set(t, t->there ? "was gone: set again" : "set");
}

void translation_stop(struct translation *t)
{
	if (t->rules || t->leftover)
		remove_table(t);
	free(t->rules);
	t->rules = NULL;
}
