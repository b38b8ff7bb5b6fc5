/* weiri_plugin: a shared object that was loaded and looked through. */
#ifndef WEIRI_PLUGIN_H
#define WEIRI_PLUGIN_H

#include "weir/error.h"
#include "weir/plugin.h"

typedef struct weiri_plugin weiri_plugin;

/* Load a shared object and check what it declares.
 *
 *   path    of the file; never searched for elsewhere
 *   errors  WEIR_ENOENT  there is no such file
 *           WEIR_EIO     it cannot be loaded: `err` says what the system says
 *           WEIR_EABI    it is no plugin, was built for another ABI, or declares what
 *                        cannot be: `err` says what and how to mend it
 *           WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_plugin_open(const char *path, weiri_plugin **out, weir_error *err);

/* Unload. What was found in it, and all that it made, may not be used any more. NULL is
 * fine. */
void
weiri_plugin_close(weiri_plugin **self_p);

/* Its own name. */
const char *
weiri_plugin_name(const weiri_plugin *self);

/* The i-th actor or function, in the layout of this Weir; NULL past the end. */
const weir_plugin_actor *
weiri_plugin_actor(const weiri_plugin *self, uint32_t i);
const weir_plugin_function *
weiri_plugin_function(const weiri_plugin *self, uint32_t i);

#endif
