/* weiri_serve: an actor of a plugin at work for another process: the far side of
 * `actor … from process "lib.so"`. */
#ifndef WEIRI_SERVE_H
#define WEIRI_SERVE_H

#include "weir/error.h"

#define WEIRI_SERVE_VARIABLE "WEIR_ACTOR_ADDRESS"

/* Load a library, go to an address, and do what is asked there until goodbye is said.
 *
 *   errors  as of weiri_plugin_open; WEIR_EIO the other side cannot be reached;
 *           WEIR_EDATA  it sent what is no message
 */
WEIR_MUST_CHECK weir_status
weiri_serve(const char *path, const char *address, weir_error *err);

#endif
