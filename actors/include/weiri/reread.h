/* weiri_reread: the way back to what a run has read.
 *
 * The journal of a state directory, and files as far as the run had read them, made ready
 * for an engine that reads them again. The directory is not touched and may be in use.
 * Where the journal does not go back to the start it begins at the oldest moment from
 * which it is whole, with the state as of then.
 */
#ifndef WEIRI_REREAD_H
#define WEIRI_REREAD_H

#include "weiri/engine.h"

typedef struct weiri_reread weiri_reread;

/* `plan`, `redirects` and `context` outlive it.
 *
 *   told    where it begins, for people; NULL: nobody
 *   errors  WEIR_ENOENT  no such directory, or nothing in it
 *           WEIR_EINVAL  a source is neither in the journal nor a file
 *           WEIR_EDATA   damaged, or trimmed meanwhile; WEIR_EIO, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_reread_open(const weiri_plan *plan, const char *state,
    const weiri_redirect *redirects, size_t              n_redirects,
    void (*told)(void *context, const char *text), void *context, weiri_reread **out,
    weir_error *err);

void
weiri_reread_close(weiri_reread **self_p);

/* Set redirects, tape, extents and restore; what they point to lives as long as `self`.
 * The engine's plan has the same sources. */
void
weiri_reread_lend(const weiri_reread *self, weiri_engine_options *options);

#endif
