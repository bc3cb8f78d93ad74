/* SPDX-License-Identifier: Apache-2.0 */
/* The keyword table and how to find one's way in it. Acts on nothing. */
#include "core/config/keyword.h"

#include <stdbool.h>
#include <string.h>

#include "core/config/check.h"

#define FIELD(type, field)                                                                         \
	.offset = offsetof(struct type, field), .size = sizeof(((struct type *)0)->field)

#define NUMBER(p, name_, type, field, lo_, hi_)                                                    \
	{.place = PLACE_##p,                                                                       \
	 .name = name_,                                                                            \
	 .min = 1,                                                                                 \
	 .max = 1,                                                                                 \
	 .kind = KEYWORD_NUMBER,                                                                   \
	 FIELD(type, field),                                                                       \
	 .lo = lo_,                                                                                \
	 .hi = hi_},
#define SECONDS(p, name_, type, field, lo_, hi_)                                                   \
	{.place = PLACE_##p,                                                                       \
	 .name = name_,                                                                            \
	 .min = 1,                                                                                 \
	 .max = 1,                                                                                 \
	 .kind = KEYWORD_SECONDS,                                                                  \
	 FIELD(type, field),                                                                       \
	 .lo = lo_,                                                                                \
	 .hi = hi_},
#define WHOLE_SECONDS(p, name_, type, field, lo_, hi_)                                             \
	{.place = PLACE_##p,                                                                       \
	 .name = name_,                                                                            \
	 .min = 1,                                                                                 \
	 .max = 1,                                                                                 \
	 .kind = KEYWORD_WHOLE_SECONDS,                                                            \
	 FIELD(type, field),                                                                       \
	 .lo = lo_,                                                                                \
	 .hi = hi_},
#define BOOL(p, name_, type, field)                                                                \
	{.place = PLACE_##p,                                                                       \
	 .name = name_,                                                                            \
	 .min = 0,                                                                                 \
	 .max = 1,                                                                                 \
	 .kind = KEYWORD_BOOL,                                                                     \
	 FIELD(type, field)},
#define FLAG(p, name_, type, field, value)                                                         \
	{.place = PLACE_##p,                                                                       \
	 .name = name_,                                                                            \
	 .min = 0,                                                                                 \
	 .max = 0,                                                                                 \
	 .kind = KEYWORD_FLAG,                                                                     \
	 FIELD(type, field),                                                                       \
	 .lo = value},
#define CALL(p, name_, min_, max_, block_, fn)                                                     \
	{.place = PLACE_##p,                                                                       \
	 .name = name_,                                                                            \
	 .min = min_,                                                                              \
	 .max = max_,                                                                              \
	 .kind = KEYWORD_CALL,                                                                     \
	 block_,                                                                                   \
	 .set = fn},
#define ALWAYS(p, name_, min_, max_, note_)                                                        \
	{.place = PLACE_##p,                                                                       \
	 .name = name_,                                                                            \
	 .min = min_,                                                                              \
	 .max = max_,                                                                              \
	 .kind = KEYWORD_ALWAYS,                                                                   \
	 .note = note_},
#define LATER(p, name_, min_, max_, block_, note_)                                                 \
	{.place = PLACE_##p,                                                                       \
	 .name = name_,                                                                            \
	 .min = min_,                                                                              \
	 .max = max_,                                                                              \
	 .kind = KEYWORD_LATER,                                                                    \
	 block_,                                                                                   \
	 .note = note_},
#define INSTEAD(p, name_, min_, max_, block_, note_)                                               \
	{.place = PLACE_##p,                                                                       \
	 .name = name_,                                                                            \
	 .min = min_,                                                                              \
	 .max = max_,                                                                              \
	 .kind = KEYWORD_INSTEAD,                                                                  \
	 block_,                                                                                   \
	 .note = note_},
#define KNOWN(p, name_, min_, max_, block_)                                                        \
	{.place = PLACE_##p,                                                                       \
	 .name = name_,                                                                            \
	 .min = min_,                                                                              \
	 .max = max_,                                                                              \
	 .kind = KEYWORD_LATER,                                                                    \
	 block_},
#define ALIAS(p, name_, of) {.place = PLACE_##p, .name = name_, .kind = KEYWORD_ALIAS, .note = of},
#define NONE		    .block = BLOCK_NONE
#define VALUES		    .block = BLOCK_VALUES
#define MAYBE		    .block = BLOCK_MAYBE
#define INNER(p)	    .block = BLOCK_KEYWORDS, .inner = PLACE_##p

const struct keyword keywords[] = {
#include "core/config/keyword.def"
};
const size_t n_keywords = sizeof(keywords) / sizeof(*keywords);

const char *keyword_place_name(enum keyword_place place)
{
	static const char *const names[] = {
#define PLACE_NAME(place, name) [PLACE_##place] = name,
		KEYWORD_PLACES(PLACE_NAME)
#undef PLACE_NAME
	};

	return names[place];
}

/* More than twice as many places as keywords: most are found at the first look. */
#define INDEX_SIZE 2048

static size_t index_start(enum keyword_place place, const char *name)
{
	size_t h = place;

	for (; *name; name++)
		h = h * 31 + (unsigned char)*name;
	return h % INDEX_SIZE;
}

/* keywords[] by place and name: each line of a file asks for one. */
static const struct keyword *const *keyword_index(void)
{
	static const struct keyword *index[INDEX_SIZE];

	_Static_assert(sizeof(keywords) / sizeof(*keywords) < INDEX_SIZE / 2, "INDEX_SIZE");
	if (index[index_start(keywords[0].place, keywords[0].name)])
		return index;
	for (size_t i = 0; i < n_keywords; i++) {
		size_t at = index_start(keywords[i].place, keywords[i].name);

		while (index[at])
			at = (at + 1) % INDEX_SIZE;
		index[at] = &keywords[i];
	}
	return index;
}

const struct keyword *keyword_find(enum keyword_place place, const char *name)
{
	const struct keyword *const *index = keyword_index();
	size_t i = index_start(place, name);

	while (index[i] && (index[i]->place != place || strcmp(index[i]->name, name) != 0))
		i = (i + 1) % INDEX_SIZE;
	return index[i];
}

#define NAME_MAX_LEN 40

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Damerau-Levenshtein (restricted): a swap of two neighbours counts once. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	size_t row[NAME_MAX_LEN + 1][NAME_MAX_LEN + 1];

	if (la > NAME_MAX_LEN || lb > NAME_MAX_LEN)
		return SIZE_MAX;
	for (size_t i = 0; i <= la; i++)
		row[i][0] = i;
	for (size_t j = 0; j <= lb; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		for (size_t j = 1; j <= lb; j++) {
			size_t same = a[i - 1] == b[j - 1] ? 0 : 1;

			row[i][j] = min3(row[i - 1][j] + 1, row[i][j - 1] + 1,
					 row[i - 1][j - 1] + same);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    row[i - 2][j - 2] + 1 < row[i][j])
				row[i][j] = row[i - 2][j - 2] + 1;
		}
	}
	return row[la][lb];
}

/* Too far apart in length alone? Saves most of the work. */
static bool edit_hopeless(const char *a, const char *b, size_t limit)
{
	size_t la = strlen(a), lb = strlen(b);

	return (la > lb ? la - lb : lb - la) > limit;
}

const struct keyword *keyword_suggest(enum keyword_place place, const char *name)
{
	size_t best = strlen(name) / 3 + 1, distance;
	const struct keyword *found = NULL;

	for (size_t i = 0; i < n_keywords; i++) {
		if (keywords[i].place != place || keywords[i].kind == KEYWORD_ALIAS ||
		    edit_hopeless(name, keywords[i].name, best))
			continue;
		distance = edit_distance(name, keywords[i].name);
		if (distance <= best && (!found || distance < best)) {
			best = distance;
			found = &keywords[i];
		}
	}
	for (size_t i = 0; !found && i < n_keywords; i++)
		if (!strcmp(keywords[i].name, name))
			found = &keywords[i];
	return found;
}

enum keyword_place keyword_around(enum keyword_place place, const char *name)
{
	enum keyword_place found = PLACE_COUNT;

	for (size_t i = 0; i < n_keywords && found == PLACE_COUNT; i++) {
		const struct keyword *k = &keywords[i];

		if (k->block == BLOCK_KEYWORDS && k->inner == place)
			found = keyword_find(k->place, name) ? k->place
							     : keyword_around(k->place, name);
	}
	return found;
}
