/* weiri_child: a program that this process starts, and that ends with it. */
#ifndef WEIRI_CHILD_H
#define WEIRI_CHILD_H

#include <stdbool.h>

#include "weir/error.h"

typedef struct weiri_child weiri_child;

typedef struct weiri_child_config {
    const char *const *words;   /* a program and its arguments, NULL at the end; */
    const char        *command; /* or, if NULL, what the shell is given          */
    const char        *folder;  /* where it runs */
    const char        *name;    /* of a variable of its environment, */
    const char        *value;   /* and what that is */
} weiri_child_config;

/* Start it, in a process group of its own. It reads nothing; what it writes to standard
 * output goes to standard error, which is ours. It is killed when this process ends,
 * whatever becomes of the thread that called.
 *
 *   out     to be given to weiri_child_end, or has_ended, by any one thread at a time
 *   errors  WEIR_ENOMEM
 *           WEIR_EIO  there is no process or thread left; that there is no such program
 *                     is seen when it has ended
 */
WEIR_MUST_CHECK weir_status
weiri_child_start(const weiri_child_config *config, weiri_child **out, weir_error *err);

/* Whether it has ended. Then it is forgotten, *self_p is NULL, and `how` says how it did.
 * Of NULL: false.
 *
 *   how  shape (64,): "it ended with status 1", "it was ended by signal 11"
 */
bool
weiri_child_has_ended(weiri_child **self_p, char how[64]);

/* End it, at once, if it has not ended within so long; and forget it. */
void
weiri_child_end(weiri_child **self_p, int patience_ms);

/* The folder for its socket, made; to be removed with weiri_child_no_folder. NULL: it
 * cannot be. */
char *
weiri_child_folder(void);
void
weiri_child_no_folder(char **folder_p);

#endif
