/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Methods that bring heavy libraries with them are loaded when a model first asks for one: libcurl
 * alone maps thirty, and a start that never makes an HTTP request takes a fourth of the memory
 * without. Knows where they are (beside the program), and that they are of the same build.
 */
#include "checkers/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The directory of the running program, with a slash at its end. */
static int program_dir(char *dir, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", dir, size - 1);
	char *slash;

	if (n < 0)
		return -errno;
	dir[n] = '\0';
	slash = strrchr(dir, '/');
	if (!slash)
		return -ENOENT;
	slash[1] = '\0';
	return 0;
}

/* Never unloaded: checks in flight may run its code. */
int check_plugin_load(const char *file, const struct check_plugin **ret, struct text *ret_reason)
{
	char dir[PATH_MAX / 2], path[PATH_MAX];
	const struct check_plugin *plugin;
	void *object;
	int err = program_dir(dir, sizeof(dir));

	if (err) {
		text_set(ret_reason, "%s: can't be found: %s", file, strerror(-err));
		return err;
	}
	snprintf(path, sizeof(path), "%s%s", dir, file);
	object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	plugin = object ? dlsym(object, "check_plugin") : NULL;
	if (!plugin) {
		text_set(ret_reason, "%s: can't be loaded: %s", file, dlerror());
		return -ENOENT;
	}
	if (strcmp(plugin->version, PACKAGE_VERSION) != 0) {
		text_set(ret_reason, "%s: is version %s, not %s", path, plugin->version,
			 PACKAGE_VERSION);
		return -ENOEXEC;
	}
	*ret = plugin;
	return 0;
}
