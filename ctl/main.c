/* SPDX-License-Identifier: Apache-2.0 */
/* tandemctl: asks tandemd, and shows the answer as text or as the JSON that it is. */
#include "ctl/client.h"
#include "ctl/text.h"

#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_RUN_DIR TANDEM_RUNSTATEDIR "/tandem"

enum exit_status {
	EXIT_REFUSED = 1, /* tandemd said no */
	EXIT_USAGE = 2,
	EXIT_NOT_REACHED = 3,
};

struct options {
	const char *run_dir;
	bool json;
};

/* The document tells whether the wish came true. */
static bool always_good(struct json_object *doc)
{
	return true;
}

static bool reload_is_good(struct json_object *doc)
{
	struct json_object *outcome = NULL;
	const char *word;

	json_object_object_get_ex(doc, "outcome", &outcome);
	word = outcome ? json_object_get_string(outcome) : "";
	return strcmp(word, "committed") == 0 || strcmp(word, "unchanged") == 0;
}

static const struct verb {
	const char *name;
	const char *help;
	void (*show)(FILE *out, struct json_object *doc);
	bool (*is_good)(struct json_object *doc);
} verbs[] = {
	{"status", "the node, its instances and services, warnings last", text_status, always_good},
	{"reload", "read the configuration again; waits, and exits with the result", text_reload,
	 reload_is_good},
	{"version", "what runs", text_version, always_good},
};

static void usage(FILE *out)
{
	fputs("Usage: tandemctl [--run-dir=DIR] [--json] VERB\n", out);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		fprintf(out, "  %-8s %s\n", verbs[i].name, verbs[i].help);
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static int show(const struct verb *v, const struct options *o, struct json_object *doc)
{
	struct json_object *error = NULL;
	bool good;

	json_object_object_get_ex(doc, "error", &error);
	good = !error && v->is_good(doc);
	if (o->json)
		printf("%s\n",
		       json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PLAIN |
								   JSON_C_TO_STRING_NOSLASHESCAPE));
	else if (error)
		fprintf(stderr, "tandemctl: %s\n", json_object_get_string(error));
	else
		v->show(good ? stdout : stderr, doc);
	return good ? EXIT_SUCCESS : EXIT_REFUSED;
}

static int ask(const struct verb *v, const struct options *o)
{
	struct json_object *doc;
	int err = client_ask(o->run_dir, v->name, &doc);
	int status;

	if (err) {
		fprintf(stderr, "tandemctl: %s/control.sock: %s%s\n", o->run_dir, strerror(-err),
			err == -ENOENT || err == -ECONNREFUSED ? ": tandemd does not run here"
							       : "");
		return EXIT_NOT_REACHED;
	}
	status = show(v, o, doc);
	json_object_put(doc);
	return status;
}

/* -1: go on; else the exit status. */
static int parse_options(struct options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{"run-dir", required_argument, NULL, 'r'},
		{"json", no_argument, NULL, 'j'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "r:jvh", options, NULL)) != -1) {
		if (c == 'r') {
			o->run_dir = optarg;
		} else if (c == 'j') {
			o->json = true;
		} else if (c == 'v') {
			puts("tandemctl " PACKAGE_VERSION);
			return EXIT_SUCCESS;
		} else {
			usage(c == 'h' ? stdout : stderr);
			return c == 'h' ? EXIT_SUCCESS : EXIT_USAGE;
		}
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct options o = {.run_dir = DEFAULT_RUN_DIR};
	int status = parse_options(&o, argc, argv);
	const struct verb *v;

	if (status >= 0)
		return status;
	v = optind == argc - 1 ? find_verb(argv[optind]) : NULL;
	if (!v) {
		usage(stderr);
		return EXIT_USAGE;
	}
	return ask(v, &o);
}
