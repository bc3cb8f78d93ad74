/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets that the configuration only names: see secrets.h. */
#include "core/secrets.h"

#include "core/arena.h"
#include "core/config/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX 512 /* a key of 64 bytes, as digits and with room to spare */

/* "file:/PATH", or "credential:NAME" where systemd puts those of the unit. */
static int path_of(const char *source, char *path, size_t size, const char **ret_why)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	int n;

	if (!strncmp(source, "file:", 5)) {
		n = snprintf(path, size, "%s", source + 5);
	} else if (directory) {
		n = snprintf(path, size, "%s/%s", directory, source + strlen("credential:"));
	} else {
		*ret_why =
			"systemd has given no credentials: LoadCredential= in the unit names them";
		return -ENOENT;
	}
	*ret_why = strerror(ENAMETOOLONG);
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/* A key that others can read, or write, or whose file is theirs, is none. NULL: it is one. */
static const char *not_ours(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "it is not a file";
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "it belongs to somebody else: chown root";
	if (st->st_mode & S_IROTH)
		return "others can read it: chmod 600";
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return "others can change it: chmod 600";
	return NULL;
}

/* Its text without the end of the line. */
static int read_text(const char *path, char text[FILE_MAX], const char **ret_why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || (n = read(fd, text, FILE_MAX - 1)) < 0) {
		*ret_why = strerror(errno);
		if (fd >= 0)
			close(fd);
		return -EIO;
	}
	close(fd);
	while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	text[n] = '\0';
	*ret_why = not_ours(&st);
	if (*ret_why)
		return -EPERM;
	*ret_why = "it has a zero byte: it is text, or hex: and digits";
	return strlen(text) == (size_t)n ? 0 : -EINVAL;
}

static const char *read_key(const char *source, struct arena *arena, const char **ret_why)
{
	char path[512], text[FILE_MAX];
	const char *secret = NULL;

	if (path_of(source, path, sizeof(path), ret_why) == 0 &&
	    read_text(path, text, ret_why) == 0)
		secret = secret_key(arena, text, ret_why);
	explicit_bzero(text, sizeof(text));
	return secret;
}

static struct sync_block *copy_peering(struct model *m, const struct model *of, struct arena *arena)
{
	m->global = arena_alloc(arena, sizeof(*m->global));
	*m->global = *of->global;
	if (!of->global->n_peering)
		return NULL;
	m->global->peering = arena_alloc(arena, sizeof(*m->global->peering));
	*m->global->peering = *of->global->peering;
	return m->global->peering;
}

/* The instances and the sync block, to be changed, with lists of keys of their own. */
static struct model *copy(const struct model *of, struct arena *arena)
{
	struct model *m = arena_alloc(arena, sizeof(*m));

	*m = *of;
	copy_peering(m, of, arena);
	m->instances = arena_array(arena, of->n_instances, sizeof(*m->instances));
	for (uint32_t i = 0; i < of->n_instances; i++) {
		struct vrrp_instance *v = &m->instances[i];

		*v = of->instances[i];
		if (!v->n_hmac)
			continue;
		v->hmac = arena_alloc(arena, sizeof(*v->hmac));
		*v->hmac = *of->instances[i].hmac;
		v->hmac->keys = arena_array(arena, v->hmac->n_keys, sizeof(*v->hmac->keys));
		memcpy(v->hmac->keys, of->instances[i].hmac->keys,
		       v->hmac->n_keys * sizeof(*v->hmac->keys));
	}
	return m;
}

static bool read_keys(struct vrrp_instance *v, struct arena *arena, struct diags *diags)
{
	bool all = true;

	for (uint32_t i = 0; i < v->hmac->n_keys; i++) {
		struct hmac_key *key = &v->hmac->keys[i];
		const char *why = NULL;

		if (!key->source[0])
			continue;
		key->secret = read_key(key->source, arena, &why);
		if (key->secret)
			continue;
		diags_add(diags, DIAG_ERROR, NULL, "%s: auth_hmac: key %u, %s: %s", v->name,
			  key->id, key->source, why);
		all = false;
	}
	return all;
}

/* What stands in the file itself is there already. */
static bool read_sync_key(const char *source, const char **secret, struct arena *arena,
			  struct diags *diags)
{
	const char *why = NULL, *got;

	if (!source[0] || (*secret)[0])
		return true;
	got = read_key(source, arena, &why);
	if (got)
		*secret = got;
	else
		diags_add(diags, DIAG_ERROR, NULL, "sync: key %s: %s", source, why);
	return got;
}

static bool read_sync_keys(struct sync_block *b, struct arena *arena, struct diags *diags)
{
	bool key = read_sync_key(b->key, &b->secret, arena, diags);

	return read_sync_key(b->key_next, &b->secret_next, arena, diags) && key;
}

static bool has_hmac(const struct model *m)
{
	for (uint32_t i = 0; i < m->n_instances; i++)
		if (m->instances[i].n_hmac)
			return true;
	return false;
}

static bool has_keys(const struct model *m)
{
	for (uint32_t i = 0; i < m->n_instances; i++)
		if (m->instances[i].n_hmac || m->instances[i].auth_pass[0])
			return true;
	return m->global->n_peering;
}

static bool url_says(const struct check_url *u)
{
	return u->body[0] || u->n_headers;
}

static bool check_says(const struct check *k)
{
	for (uint32_t i = 0; k->n_http && i < k->http->n_urls; i++)
		if (url_says(&k->http->urls[i]))
			return true;
	return (k->n_http && k->http->user[0]) || k->n_steps || (k->n_agent && k->agent->bytes[0]) ||
	       (k->n_tls && k->tls->key_password[0]);
}

static bool server_says(const struct real_server *r)
{
	for (uint32_t i = 0; i < r->n_checks; i++)
		if (check_says(&r->checks[i]))
			return true;
	return false;
}

static bool service_says(const struct virtual_server *vs)
{
	for (uint32_t i = 0; i < vs->n_servers; i++)
		if (server_says(&vs->servers[i]))
			return true;
	return false;
}

unsigned secrets_kinds(const struct model *m)
{
	unsigned kinds = has_keys(m) ? SECRETS_KEYS : 0;

	for (uint32_t i = 0; i < m->n_services; i++)
		if (service_says(&m->services[i]))
			return kinds | SECRETS_CHECKS;
	return kinds;
}

const struct model *secrets_read(const struct model *of, struct arena *arena, struct diags *diags)
{
	struct model *m;
	bool all = true;

	if (!has_hmac(of) && !of->global->n_peering)
		return of;
	m = copy(of, arena);
	for (uint32_t i = 0; i < m->n_instances; i++)
		if (m->instances[i].n_hmac)
			all = read_keys(&m->instances[i], arena, diags) && all;
	if (m->global->n_peering)
		all = read_sync_keys(m->global->peering, arena, diags) && all;
	return all ? m : NULL;
}

static void *array_copy(struct arena *arena, const void *of, uint32_t n, size_t size)
{
	void *copied = arena_array(arena, n, size);

	if (n)
		memcpy(copied, of, n * size);
	return copied;
}

static void remove_keys(struct model *m)
{
	if (m->global->n_peering) {
		struct sync_block *b = m->global->peering;

		b->key = b->secret = b->key_next = b->secret_next = "";
	}
	for (uint32_t i = 0; i < m->n_instances; i++) {
		struct vrrp_instance *v = &m->instances[i];

		v->auth_pass = "";
		for (uint32_t k = 0; v->n_hmac && k < v->hmac->n_keys; k++)
			v->hmac->keys[k].secret = "";
	}
}

static void remove_from_server(struct real_server *r, struct arena *arena)
{
	r->checks = array_copy(arena, r->checks, r->n_checks, sizeof(*r->checks));
	for (uint32_t i = 0; i < r->n_checks; i++) {
		struct check *k = &r->checks[i];

		if (check_says(k))
			k->n_http = k->n_steps = k->n_agent = k->n_tls = 0;
	}
}

static void remove_from_checks(struct model *m, struct arena *arena)
{
	m->services = array_copy(arena, m->services, m->n_services, sizeof(*m->services));
	for (uint32_t i = 0; i < m->n_services; i++) {
		struct virtual_server *vs = &m->services[i];

		if (!service_says(vs))
			continue;
		vs->servers = array_copy(arena, vs->servers, vs->n_servers, sizeof(*vs->servers));
		for (uint32_t j = 0; j < vs->n_servers; j++)
			if (server_says(&vs->servers[j]))
				remove_from_server(&vs->servers[j], arena);
	}
}

const struct model *secrets_kept(const struct model *of, unsigned kinds, struct arena *arena)
{
	struct model *m = copy(of, arena);

	if (!(kinds & SECRETS_KEYS))
		remove_keys(m);
	if (!(kinds & SECRETS_CHECKS))
		remove_from_checks(m, arena);
	return m;
}
