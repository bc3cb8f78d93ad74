/* SPDX-License-Identifier: Apache-2.0 */
/* Which connections are not copied: see uncopied.h. */
#include "sync/uncopied.h"

#include "sync/record.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	const struct uncopied *left = a, *right = b;

	return (left->id > right->id) - (left->id < right->id);
}

static bool has(const struct model *m, const struct virtual_server *service)
{
	const struct uncopied key = {.id = model_id_virtual_server(service)};

	return bsearch(&key, m->uncopied, m->n_uncopied, sizeof(key), compare);
}

/* A connection has its packets' mark, whether or not there is a service of that mark. */
bool sync_is_uncopied(const struct model *model, const uint8_t *record)
{
	struct sync_record r;
	bool marked;

	if (!model || !model->n_uncopied)
		return false;
	sync_record_decode(record, &r);
	marked = r.fwmark && has(model, &(struct virtual_server){.family = r.client.family,
								 .fwmark = r.fwmark});
	return marked || has(model, &(struct virtual_server){.family = r.vip.family,
							     .protocol = r.protocol,
							     .address = r.vip,
							     .port = r.vip_port});
}
