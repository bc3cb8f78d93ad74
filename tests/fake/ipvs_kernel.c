/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel's IPVS table made of values: see ipvs_kernel.h. */
#include "tests/fake/ipvs_kernel.h"

#include <assert.h>
#include <errno.h>
#include <linux/ip_vs.h>
#include <string.h>

void fake_ipvs_clear(struct fake_ipvs *f)
{
	memset(f, 0, sizeof(*f));
	f->table.services = f->services;
}

void fake_ipvs_copy(struct fake_ipvs *to, const struct fake_ipvs *from)
{
	fake_ipvs_clear(to);
	to->table.n_services = from->table.n_services;
	to->table.timeouts = from->table.timeouts;
	for (uint32_t i = 0; i < from->table.n_services; i++) {
		const struct ipvs_service *s = &from->services[i];

		to->services[i] = *s;
		to->services[i].dests = to->dests[i];
		memcpy(to->dests[i], s->dests, s->n_dests * sizeof(*s->dests));
	}
}

struct ipvs_service *fake_ipvs_add(struct fake_ipvs *f, const struct ipvs_key *key)
{
	struct ipvs_service *s = &f->services[f->table.n_services];

	assert(f->table.n_services < FAKE_SERVICES_MAX);
	*s = (struct ipvs_service){.key = *key, .scheduler = "rr", .prefixlen = 32};
	s->dests = f->dests[f->table.n_services++];
	return s;
}

static void make_room_at_head(struct ipvs_service *s)
{
	for (uint32_t i = 0; i < s->n_dests; i++)
		s->dests[i].place++;
}

struct ipvs_dest *fake_ipvs_add_dest(struct ipvs_service *s, unsigned n, int32_t weight)
{
	struct ipvs_dest *d = &s->dests[s->n_dests];

	assert(s->n_dests < FAKE_DESTS_MAX);
	make_room_at_head(s);
	s->n_dests++;
	*d = (struct ipvs_dest){.port = 80, .weight = weight, .forward = IP_VS_CONN_F_DROUTE};
	d->address = addr_from_bytes(AF_INET, (uint8_t[]){10, 0, 0, (uint8_t)n});
	return d;
}

struct ipvs_service *fake_ipvs_find(struct fake_ipvs *f, const struct ipvs_key *key)
{
	for (uint32_t i = 0; i < f->table.n_services; i++)
		if (ipvs_key_compare(&f->services[i].key, key) == 0)
			return &f->services[i];
	return NULL;
}

struct ipvs_dest *fake_ipvs_find_dest(struct ipvs_service *s, const struct ipvs_dest *d)
{
	for (uint32_t i = 0; i < s->n_dests; i++)
		if (ipvs_dest_compare(&s->dests[i], d) == 0)
			return &s->dests[i];
	return NULL;
}

/* The settings of one, the destinations of the other. */
static void set_service(struct ipvs_service *s, const struct ipvs_service *wanted)
{
	struct ipvs_service former = *s;

	*s = *wanted;
	s->dests = former.dests;
	s->n_dests = former.n_dests;
}

static void remove_service(struct fake_ipvs *f, struct ipvs_service *s)
{
	for (size_t i = (size_t)(s - f->services); i + 1 < f->table.n_services; i++) {
		f->services[i] = f->services[i + 1];
		memcpy(f->dests[i], f->dests[i + 1], sizeof(f->dests[i]));
		f->services[i].dests = f->dests[i];
	}
	f->table.n_services--;
}

static int apply_service(struct fake_ipvs *f, const struct ipvs_edit *e)
{
	struct ipvs_service *s = fake_ipvs_find(f, &e->service->key);

	if (e->kind == IPVS_EDIT_NEW_SERVICE) {
		if (s)
			return -EEXIST;
		set_service(fake_ipvs_add(f, &e->service->key), e->service);
		return 0;
	}
	if (!s)
		return -ESRCH;
	if (e->kind == IPVS_EDIT_SET_SERVICE)
		set_service(s, e->service);
	else
		remove_service(f, s);
	return 0;
}

static void set_dest(struct ipvs_dest *d, const struct ipvs_dest *wanted)
{
	uint32_t place = d->place;

	*d = *wanted;
	d->place = place;
}

static void remove_dest(struct ipvs_service *s, struct ipvs_dest *d)
{
	for (uint32_t i = 0; i < s->n_dests; i++)
		s->dests[i].place -= s->dests[i].place > d->place;
	*d = s->dests[--s->n_dests];
}

static int apply_dest(struct fake_ipvs *f, const struct ipvs_edit *e)
{
	struct ipvs_service *s = fake_ipvs_find(f, &e->service->key);
	struct ipvs_dest *d;

	if (!s)
		return -ESRCH;
	d = fake_ipvs_find_dest(s, e->dest);
	if (e->kind == IPVS_EDIT_NEW_DEST) {
		if (d)
			return -EEXIST;
		assert(s->n_dests < FAKE_DESTS_MAX);
		make_room_at_head(s);
		s->dests[s->n_dests] = *e->dest;
		s->dests[s->n_dests++].place = 0;
		return 0;
	}
	if (!d)
		return -ENOENT;
	if (e->kind == IPVS_EDIT_SET_DEST)
		set_dest(d, e->dest);
	else
		remove_dest(s, d);
	return 0;
}

static void set_timeouts(struct ipvs_timeouts *t, const struct ipvs_timeouts *wanted)
{
	if (wanted->tcp_s)
		t->tcp_s = wanted->tcp_s;
	if (wanted->tcpfin_s)
		t->tcpfin_s = wanted->tcpfin_s;
	if (wanted->udp_s)
		t->udp_s = wanted->udp_s;
}

static int apply_daemon(struct fake_ipvs *f, const struct ipvs_edit *e)
{
	struct ipvs_daemon *d = &f->table.daemons.of[e->daemon_kind];

	if (e->kind == IPVS_EDIT_DEL_DAEMON && !d->runs)
		return -ESRCH;
	if (e->kind == IPVS_EDIT_NEW_DAEMON && d->runs)
		return -EEXIST;
	if (e->kind == IPVS_EDIT_NEW_DAEMON)
		*d = *e->daemon;
	d->runs = e->kind == IPVS_EDIT_NEW_DAEMON;
	return 0;
}

int fake_ipvs_apply(struct fake_ipvs *f, const struct ipvs_edit *e)
{
	switch (e->kind) {
	case IPVS_EDIT_NEW_SERVICE:
	case IPVS_EDIT_SET_SERVICE:
	case IPVS_EDIT_DEL_SERVICE:
		return apply_service(f, e);
	case IPVS_EDIT_NEW_DEST:
	case IPVS_EDIT_SET_DEST:
	case IPVS_EDIT_DEL_DEST:
		return apply_dest(f, e);
	case IPVS_EDIT_SET_TIMEOUTS:
		set_timeouts(&f->table.timeouts, &e->timeouts);
		return 0;
	case IPVS_EDIT_NEW_DAEMON:
	case IPVS_EDIT_DEL_DAEMON:
		return apply_daemon(f, e);
	case IPVS_EDIT_KINDS:
		break;
	}
	return -EINVAL;
}
