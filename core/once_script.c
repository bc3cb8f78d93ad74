/* SPDX-License-Identifier: Apache-2.0 */
/* The scripts that run once: see once_script.h. */
#include "core/once_script.h"

#include "core/log.h"
#include "core/scripts.h"

/* Of no object in the model: their ids are hashes. */
#define OBJECT 1

static void tell(const struct once_script *o, const struct script_end *end)
{
	switch (end->how) {
	case SCRIPT_EXITED:
		if (end->value)
			log_warning("%s: exit status %d", o->keyword, end->value);
		else
			log_info("%s: done", o->keyword);
		break;
	case SCRIPT_SIGNALLED:
		log_warning("%s: ended by signal %d", o->keyword, end->value);
		break;
	case SCRIPT_TOO_LATE:
		log_warning("%s: takes longer than %s_timeout: ended", o->keyword, o->keyword);
		break;
	case SCRIPT_NOT_RUN:
		log_error("%s: not run: %s", o->keyword, end->why);
		break;
	}
}

static void on_ended(void *ctx, uint64_t object, const struct script_end *end)
{
	const struct once_script *o = ctx;

	tell(o, end);
	if (o->then)
		o->then(o->ctx);
}

void once_script_run(struct once_script *o, struct scripts *s, const struct notify *script,
		     const struct global *g, int64_t timeout_us)
{
	struct script_request r = scripts_request_for(script, g);

	r.object = OBJECT;
	r.name = o->keyword;
	r.timeout_us = timeout_us;
	r.ended = on_ended;
	r.ctx = o;
	log_info("%s: runs", o->keyword);
	if (scripts_run(s, &r) < 0 && o->then)
		o->then(o->ctx);
}

void once_script_end(struct scripts *s)
{
	scripts_end(s, OBJECT);
}
