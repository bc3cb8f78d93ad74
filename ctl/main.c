/* SPDX-License-Identifier: Apache-2.0 */
/* tandemctl: asks tandemd, and shows the answer as text or as the JSON that it is. */
#include "ctl/client.h"
#include "ctl/doctor_facts.h"
#include "ctl/doctor_show.h"
#include "ctl/explain.h"
#include "ctl/handover.h"
#include "ctl/list.h"
#include "ctl/text.h"

#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_RUN_DIR TANDEM_RUNSTATEDIR "/tandem"

enum exit_status {
	EXIT_REFUSED = 1, /* tandemd said no */
	EXIT_WARNING = 1, /* what the doctor has found */
	EXIT_SERIOUS = 2,
	EXIT_USAGE = 2,
	EXIT_NOT_REACHED = 3,
};

struct options {
	const char *run_dir;
	bool json;
	unsigned taken; /* enum taken: those that are given */
	struct list_options list;
	struct json_object *question; /* but for its verb: what the command line says besides */
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

static bool diff_is_good(struct json_object *doc)
{
	struct json_object *usable = NULL;

	return json_object_object_get_ex(doc, "usable", &usable) && json_object_get_boolean(usable);
}

#define OPERANDS_MAX 2

/* The options that only go with some verbs. */
enum taken {
	TAKES_STATS = 1 << 0,
	TAKES_RATE = 1 << 1,
	TAKES_SORT = 1 << 2,
	TAKES_SERVICE = 1 << 3,
	TAKES_FOR = 1 << 4,
	TAKES_UNTIL_IDLE = 1 << 5,
	TAKES_CONFIRM_WITHIN = 1 << 6,
	/* What of these goes with which of an operator's words tandemd says. */
	TAKES_TERM = TAKES_SERVICE | TAKES_FOR | TAKES_UNTIL_IDLE,
};

static int show_connections(const struct options *o);
static int run_doctor(const struct options *o);
static int run_upgrade(const struct options *o);
static int run_leave(const struct options *o);
static int run_digest(const struct options *o);

static const struct verb {
	const char *name;
	const char *help;
	void (*show)(FILE *out, struct json_object *doc);
	bool (*is_good)(struct json_object *doc);
	unsigned takes; /* enum taken */
	/* What stands behind the verb, as it is called in the question. */
	const char *operands[OPERANDS_MAX];
	/* Or what does it all. */
	int (*run)(const struct options *o);
	/* Or, for a list: what is asked of tandemd, and how it is shown. */
	const char *ask;
	void (*list)(FILE *out, struct json_object *doc, const struct list_options *o);
} verbs[] = {
	{.name = "status",
	 .help = "the node, its instances and services, warnings last",
	 .show = text_status,
	 .is_good = always_good},
	{.name = "reload",
	 .help = "read the configuration again; waits, and exits with the result",
	 .show = text_reload,
	 .is_good = reload_is_good},
	{.name = "apply",
	 .help = "FILE: run this file instead; --confirm-within TIME takes it back unless confirmed",
	 .show = text_reload,
	 .is_good = reload_is_good,
	 .takes = TAKES_CONFIRM_WITHIN,
	 .operands = {"file"}},
	{.name = "confirm",
	 .help = "keep what was applied",
	 .show = text_confirmed,
	 .is_good = always_good},
	{.name = "rollback",
	 .help = "back to the configuration that ran before",
	 .show = text_reload,
	 .is_good = reload_is_good},
	{.name = "version", .help = "what runs", .show = text_version, .is_good = always_good},
	{.name = "services",
	 .help = "virtual servers with their real servers; --stats, --rate, --sort=KEY",
	 .is_good = always_good,
	 .takes = TAKES_STATS | TAKES_RATE | TAKES_SORT,
	 .ask = "services",
	 .list = list_services},
	{.name = "servers",
	 .help = "a line for each real server, and why it is up or down; --sort=KEY",
	 .is_good = always_good,
	 .takes = TAKES_SORT,
	 .ask = "services",
	 .list = list_servers},
	{.name = "sync",
	 .help = "the copying of connections: each peer and direction, lag, repairs, drops",
	 .show = text_sync,
	 .is_good = always_good},
	{.name = "diff",
	 .help = "FILE: what a reload with this file would change; root only",
	 .show = text_diff,
	 .is_good = diff_is_good,
	 .operands = {"file"}},
	{.name = "explain",
	 .help = "rs SERVER | vs SERVICE: from its checks to its weight in the kernel",
	 .show = explain_show,
	 .is_good = always_good,
	 .operands = {"what", "name"}},
	{.name = "drain",
	 .help = "SERVER: no new connections; --for TIME, --until-idle, --service SERVICE; root only",
	 .show = text_done,
	 .is_good = always_good,
	 .takes = TAKES_TERM,
	 .operands = {"server"}},
	{.name = "maint",
	 .help = "SERVER: out of its pools; --for TIME, --service SERVICE; root only",
	 .show = text_done,
	 .is_good = always_good,
	 .takes = TAKES_TERM,
	 .operands = {"server"}},
	{.name = "disable",
	 .help = "SERVER: as if its checks failed; --for TIME, --service SERVICE; root only",
	 .show = text_done,
	 .is_good = always_good,
	 .takes = TAKES_TERM,
	 .operands = {"server"}},
	{.name = "ready",
	 .help = "SERVER: ends drain, maint and disable; root only",
	 .show = text_done,
	 .is_good = always_good,
	 .takes = TAKES_TERM,
	 .operands = {"server"}},
	{.name = "weight",
	 .help = "SERVER N: instead of the configured weight, or \"configured\" again; root only",
	 .show = text_done,
	 .is_good = always_good,
	 .takes = TAKES_TERM,
	 .operands = {"server", "weight"}},
	{.name = "check-now",
	 .help = "SERVER: runs its checks at once; root only",
	 .show = text_done,
	 .is_good = always_good,
	 .takes = TAKES_TERM,
	 .operands = {"server"}},
	{.name = "connections",
	 .help = "the kernel's connections, as it has them",
	 .run = show_connections},
	{.name = "doctor",
	 .help = "what of this machine will hurt the services, and what mends it",
	 .run = run_doctor},
	{.name = "digest",
	 .help = "URL: the MD5 of a page, for HTTP_GET; --virtualhost NAME",
	 .run = run_digest},
	{.name = "upgrade",
	 .help = "run the programs that are installed now, without a gap; root only",
	 .run = run_upgrade},
	{.name = "leave",
	 .help = "tandemd ends; its roles serve on until the next one adopts them; root only",
	 .run = run_leave},
};

static void usage(FILE *out)
{
	fputs("Usage: tandemctl [--run-dir=DIR] [--json] VERB\n", out);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		fprintf(out, "  %-11s %s\n", verbs[i].name, verbs[i].help);
	fprintf(out, "KEY is one of %s.\n", list_sort_keys);
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
	else if (v->list)
		v->list(stdout, doc, &o->list);
	else
		v->show(good ? stdout : stderr, doc);
	return good ? EXIT_SUCCESS : EXIT_REFUSED;
}

/* 0, or the exit status after saying why. */
static int ask_document(const struct options *o, const char *verb, struct json_object **ret)
{
	int err;

	json_object_object_add(o->question, "verb", json_object_new_string(verb));
	err = client_ask(o->run_dir, o->question, ret);
	if (!err)
		return EXIT_SUCCESS;
	fprintf(stderr, "tandemctl: %s/control.sock: %s%s\n", o->run_dir, strerror(-err),
		err == -ENOENT || err == -ECONNREFUSED ? ": tandemd does not run here" : "");
	return EXIT_NOT_REACHED;
}

static int ask(const struct verb *v, const struct options *o)
{
	struct json_object *doc;
	int status = ask_document(o, v->ask ? v->ask : v->name, &doc);

	if (status)
		return status;
	status = show(v, o, doc);
	json_object_put(doc);
	return status;
}

/* Of the doctor, who may find what is serious, too. */
static int doctor_status(enum doctor_severity gravest)
{
	switch (gravest) {
	case DOCTOR_SERIOUS:
		return EXIT_SERIOUS;
	case DOCTOR_WARNING:
		return EXIT_WARNING;
	case DOCTOR_NOT_SEEN:
		break;
	}
	return EXIT_SUCCESS;
}

static int examine(const struct options *o, const struct doctor_documents *docs)
{
	struct arena *arena = arena_new();
	struct doctor_facts f = {0};
	enum doctor_severity gravest;

	doctor_read_documents(&f, arena, docs);
	doctor_read_machine(&f, arena, docs);
	doctor_read_firewall(&f, arena, docs);
	gravest = doctor_show(stdout, o->json, &f);
	arena_free(arena);
	return doctor_status(gravest);
}

/* tandemd knows the services; the machine we see ourselves, so we must be in its namespace. */
static int run_doctor(const struct options *o)
{
	struct doctor_documents docs = {NULL, NULL};
	int status = ask_document(o, "services", &docs.services);

	if (!status)
		status = ask_document(o, "status", &docs.status);
	if (!status)
		status = examine(o, &docs);
	json_object_put(docs.services);
	json_object_put(docs.status);
	return status;
}

static int handover_status(int err)
{
	return !err ? EXIT_SUCCESS : err == -ENOTCONN ? EXIT_NOT_REACHED : EXIT_REFUSED;
}

static int run_upgrade(const struct options *o)
{
	return handover_status(handover_upgrade(o->run_dir));
}

static int run_leave(const struct options *o)
{
	return handover_status(handover_leave(o->run_dir));
}

/* tandemd has no part in it: the kernel tells them to whoever is in the namespace. */
static int show_connections(const struct options *o)
{
	FILE *f = fopen("/proc/net/ip_vs_conn_sync", "re");
	char line[256];

	if (!f) {
		fprintf(stderr, "tandemctl: /proc/net/ip_vs_conn_sync: %s%s\n", strerror(errno),
			errno == ENOENT ? ": ip_vs is not loaded" : "");
		return EXIT_REFUSED;
	}
	if (!o->json)
		puts("pro expire state       origin client                 virtual server         "
		     "real server");
	while (fgets(line, sizeof(line), f))
		list_connection(stdout, line, o->json);
	fclose(f);
	return EXIT_SUCCESS;
}

static int parse_sort(struct options *o, const char *key)
{
	if (!list_can_sort(key)) {
		fprintf(stderr, "tandemctl: --sort=%s: not one of %s\n", key, list_sort_keys);
		return EXIT_USAGE;
	}
	o->list.sort = key;
	return -1;
}

static void say(struct options *o, const char *key, const char *value)
{
	json_object_object_add(o->question, key, json_object_new_string(value));
}

static const struct {
	int option; /* as getopt_long() has it */
	enum taken taken;
	const char *name;
} taken_names[] = {
	{'s', TAKES_STATS, "--stats"},
	{'R', TAKES_RATE, "--rate"},
	{'S', TAKES_SORT, "--sort"},
	{'V', TAKES_SERVICE, "--service"},
	{'F', TAKES_FOR, "--for"},
	{'I', TAKES_UNTIL_IDLE, "--until-idle"},
	{'C', TAKES_CONFIRM_WITHIN, "--confirm-within"},
};

static void note_taken(struct options *o, int option)
{
	for (size_t i = 0; i < sizeof(taken_names) / sizeof(taken_names[0]); i++)
		if (taken_names[i].option == option)
			o->taken |= taken_names[i].taken;
}

/* EXIT_SUCCESS or the exit status, after saying why. */
static int check_taken(const struct options *o, const struct verb *v)
{
	for (size_t i = 0; i < sizeof(taken_names) / sizeof(taken_names[0]); i++) {
		if (!(o->taken & taken_names[i].taken & ~v->takes))
			continue;
		fprintf(stderr, "tandemctl: %s does not take %s\n", v->name, taken_names[i].name);
		return EXIT_USAGE;
	}
	if ((o->taken & TAKES_STATS) && (o->taken & TAKES_RATE)) {
		fputs("tandemctl: --stats and --rate are two lists: one of them\n", stderr);
		return EXIT_USAGE;
	}
	return EXIT_SUCCESS;
}

/* -1: go on; else the exit status. */
static int parse_options(struct options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{"run-dir", required_argument, NULL, 'r'}, {"json", no_argument, NULL, 'j'},
		{"stats", no_argument, NULL, 's'},	   {"rate", no_argument, NULL, 'R'},
		{"sort", required_argument, NULL, 'S'},	   {"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},	   {"service", required_argument, NULL, 'V'},
		{"for", required_argument, NULL, 'F'},	   {"until-idle", no_argument, NULL, 'I'},
		{"confirm-within", required_argument, NULL, 'C'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "r:jvh", options, NULL)) != -1) {
		note_taken(o, c);
		if (c == 'r') {
			o->run_dir = optarg;
		} else if (c == 'j') {
			o->json = true;
		} else if (c == 's') {
			o->list.columns = LIST_STATS;
		} else if (c == 'R') {
			o->list.columns = LIST_RATE;
		} else if (c == 'S') {
			if (parse_sort(o, optarg) >= 0)
				return EXIT_USAGE;
		} else if (c == 'V') {
			say(o, "service", optarg);
		} else if (c == 'F') {
			say(o, "for", optarg);
		} else if (c == 'C') {
			say(o, "confirm_within", optarg);
		} else if (c == 'I') {
			json_object_object_add(o->question, "until_idle",
					       json_object_new_boolean(true));
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

/* The daemon may be in another directory. */
static bool say_file(struct options *o, const char *name)
{
	char *path = realpath(name, NULL);

	if (path)
		say(o, "file", path);
	else
		fprintf(stderr, "tandemctl: %s: %s\n", name, strerror(errno));
	free(path);
	return path;
}

static bool say_operand(struct options *o, const char *key, const char *value)
{
	if (strcmp(key, "file") == 0)
		return say_file(o, value);
	say(o, key, value);
	return true;
}

static const char *said(const struct options *o, const char *key)
{
	struct json_object *value = NULL;

	return json_object_object_get_ex(o->question, key, &value) ? json_object_get_string(value)
								    : "";
}

/* "explain rs NAME" asks for a server, "explain vs NAME" for a service. */
static bool say_what(struct options *o)
{
	if (strcmp(said(o, "what"), "rs") == 0)
		say(o, "server", said(o, "name"));
	else if (strcmp(said(o, "what"), "vs") == 0)
		say(o, "service", said(o, "name"));
	else
		return *said(o, "what") == '\0';
	return true;
}

static size_t count_operands(const struct verb *v)
{
	size_t n = 0;

	while (n < OPERANDS_MAX && v->operands[n])
		n++;
	return n;
}

/* EXIT_SUCCESS or the exit status, after saying why. */
static int take_operands(struct options *o, const struct verb *v, char **words, int n_words)
{
	size_t n = count_operands(v);

	if (n_words != (int)n) {
		if (n)
			fprintf(stderr, "tandemctl: usage: tandemctl %s %s\n", v->name, v->help);
		else
			fprintf(stderr, "tandemctl: %s takes nothing behind it: %s\n", v->name,
				words[0]);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < n; i++)
		if (!say_operand(o, v->operands[i], words[i]))
			return EXIT_USAGE;
	if (!say_what(o)) {
		fprintf(stderr, "tandemctl: explain %s: neither rs nor vs\n", said(o, "what"));
		return EXIT_USAGE;
	}
	return EXIT_SUCCESS;
}

static int run(struct options *o, int argc, char **argv)
{
	int status = parse_options(o, argc, argv);
	const struct verb *v;

	if (status >= 0)
		return status;
	v = optind < argc ? find_verb(argv[optind]) : NULL;
	if (!v && optind < argc)
		fprintf(stderr, "tandemctl: %s: no such verb: see tandemctl --help\n", argv[optind]);
	else if (!v)
		usage(stderr);
	if (!v)
		return EXIT_USAGE;
	status = check_taken(o, v);
	if (!status)
		status = take_operands(o, v, argv + optind + 1, argc - optind - 1);
	if (status)
		return status;
	return v->run ? v->run(o) : ask(v, o);
}

/* Its options are its own. */
static int run_digest(const struct options *o)
{
	fputs("tandemctl: digest is the first word: tandemctl digest URL\n", stderr);
	return EXIT_USAGE;
}

static int exec_digest(char **argv)
{
	const char *dir = getenv("TANDEM_LIBEXECDIR");
	char program[PATH_MAX];

	snprintf(program, sizeof(program), "%s/tandem-digest", dir ? dir : TANDEM_LIBEXECDIR);
	execv(program, argv);
	fprintf(stderr, "tandemctl: %s: %s\n", program, strerror(errno));
	return EXIT_REFUSED;
}

int main(int argc, char **argv)
{
	struct options o = {.run_dir = DEFAULT_RUN_DIR, .question = json_object_new_object()};
	int status;

	if (argc > 1 && strcmp(argv[1], "digest") == 0)
		return exec_digest(argv + 1);
	status = run(&o, argc, argv);
	json_object_put(o.question);
	return status;
}
