/* What `weir repl` holds: statements, the events that were fed, and the rules at work. */
#ifndef WEIR_REPL_SESSION_H
#define WEIR_REPL_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/error.h"

enum { SESSION_EVENTS = 100000 }; /* that are kept, to be fed to rules that come later */

typedef struct session session;

WEIR_MUST_CHECK weir_status
session_new(session **out);

void
session_destroy(session **self_p);

/* Add a statement; one of the same kind and name gives way to it. What has been fed is
 * fed again, and what comes out of a rule that is new is printed.
 *
 *   returns  false if the rules would be wrong: told on standard error, nothing changed
 */
bool
session_add(session *self, const char *statement);

/* Add all of a file. */
bool
session_load(session *self, const char *path);

/* Feed an event, a JSON object, and print what comes out; false if it was refused, which
 * is told on standard error. */
bool
session_feed(session *self, const char *stream, const char *json);

/* Let time pass, and print what comes out. */
bool
session_wait(session *self, const char *duration);

/* Print the statements. */
void
session_print(const session *self);

/* Forget the events, or the statements too. */
void
session_forget(session *self, bool is_all);

#endif
