/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions: see pattern.h. */
#include "core/pattern.h"

#include "core/codec.h"
#include "core/must.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

/* A hundredth of a second or so: the loop stands still meanwhile. */
#define MATCH_STEPS_MAX 100000
#define MATCH_HEAP_KIB	1024

struct pattern {
	pcre2_code *code;
	pcre2_match_context *context;
};

static const struct {
	const char *name;
	uint32_t bit;
} options[] = {
	{"allow_empty_class", PCRE2_ALLOW_EMPTY_CLASS},
	{"alt_bsux", PCRE2_ALT_BSUX},
	{"alt_circumflex", PCRE2_ALT_CIRCUMFLEX},
	{"alt_verbnames", PCRE2_ALT_VERBNAMES},
	{"auto_callout", PCRE2_AUTO_CALLOUT},
	{"caseless", PCRE2_CASELESS},
	{"dollar_endonly", PCRE2_DOLLAR_ENDONLY},
	{"dotall", PCRE2_DOTALL},
	{"dupnames", PCRE2_DUPNAMES},
	{"extended", PCRE2_EXTENDED},
	{"firstline", PCRE2_FIRSTLINE},
	{"match_unset_backref", PCRE2_MATCH_UNSET_BACKREF},
	{"multiline", PCRE2_MULTILINE},
	{"never_backslash_c", PCRE2_NEVER_BACKSLASH_C},
	{"never_ucp", PCRE2_NEVER_UCP},
	{"never_utf", PCRE2_NEVER_UTF},
	{"no_auto_capture", PCRE2_NO_AUTO_CAPTURE},
	{"no_auto_possess", PCRE2_NO_AUTO_POSSESS},
	{"no_dotstar_anchor", PCRE2_NO_DOTSTAR_ANCHOR},
	{"no_start_optimize", PCRE2_NO_START_OPTIMIZE},
	{"ucp", PCRE2_UCP},
	{"ungreedy", PCRE2_UNGREEDY},
	{"use_offset_limit", PCRE2_USE_OFFSET_LIMIT},
	{"utf", PCRE2_UTF},
};
#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

bool pattern_option_parse(const char *name, uint32_t *ret_bit)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		if (strcmp(options[i].name, name) != 0)
			continue;
		*ret_bit = options[i].bit;
		return true;
	}
	return false;
}

const char *pattern_option_name(uint32_t bit)
{
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (options[i].bit == bit)
			return options[i].name;
	return NULL;
}

int pattern_new(const char *regex, uint32_t bits, struct pattern **ret, struct text *ret_reason)
{
	PCRE2_UCHAR words[TEXT_MAX / 2];
	struct pattern *p;
	pcre2_code *code;
	size_t where;
	int error;

	code = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED,
			     bits | PCRE2_USE_OFFSET_LIMIT, &error, &where, NULL);
	if (!code) {
		pcre2_get_error_message(error, words, sizeof(words));
		text_set(ret_reason, "%s, at character %zu", (const char *)words, where + 1);
		return -EINVAL;
	}
	p = must(calloc(1, sizeof(*p)));
	p->code = code;
	p->context = must(pcre2_match_context_create(NULL));
	pcre2_set_match_limit(p->context, MATCH_STEPS_MAX);
	pcre2_set_heap_limit(p->context, MATCH_HEAP_KIB);
	*ret = p;
	return 0;
}

void pattern_free(struct pattern *p)
{
	if (!p)
		return;
	pcre2_match_context_free(p->context);
	pcre2_code_free(p->code);
	free(p);
}

enum pattern_result pattern_match(const struct pattern *p, const char *subject, size_t len,
				  size_t min, size_t max)
{
	pcre2_match_data *data;
	int n;

	if (min > len)
		return PATTERN_NO_MATCH;
	data = must(pcre2_match_data_create_from_pattern(p->code, NULL));
	pcre2_set_offset_limit(p->context, max);
	n = pcre2_match(p->code, (PCRE2_SPTR)subject, len, min, 0, data, p->context);
	pcre2_match_data_free(data);
	if (n >= 0)
		return PATTERN_MATCH;
	return n == PCRE2_ERROR_NOMATCH ? PATTERN_NO_MATCH : PATTERN_GIVEN_UP;
}
