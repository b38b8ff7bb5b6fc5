/* weiri_journal: a tape in a store.
 *
 *   'b' source position -> the bytes that the source gave there, as they came
 *   'i' source position number -> the time to which the source's clock was set there
 *
 * A source is named by a hash of its stream's name and its place among the stream's
 * sources, so that it is known again when a rule file has changed.
 */
#ifndef WEIRI_JOURNAL_H
#define WEIRI_JOURNAL_H

#include "../source/source.h"
#include "weiri/store.h"

typedef struct weiri_journal weiri_journal;

/* Before it is used it is to be told of which plan its sources are.
 *
 *   errors  as of weiri_store_open
 */
WEIR_MUST_CHECK weir_status
weiri_journal_open(
    const char *path, uint64_t max_bytes, weiri_journal **out, weir_error *err);

/* Sources are those of this plan from now on. What is left of an earlier life of one that
 * the plan before did not have is forgotten.
 *
 *   errors  WEIR_ENOMEM  the plan is the one before; never for one that it had already
 *           WEIR_EIO, WEIR_ENOSPC
 */
WEIR_MUST_CHECK weir_status
weiri_journal_use(weiri_journal *self, const weiri_plan *plan, weir_error *err);

/* Forget what is kept of sources that are in the plan no longer. errors  WEIR_EIO,
 * WEIR_ENOSPC */
WEIR_MUST_CHECK weir_status
weiri_journal_forget_gone(weiri_journal *self, weir_error *err);

/* Open a journal that another process may be writing, to play it and nothing else. What
 * it plays has no gap: where something was trimmed meanwhile it says so (WEIR_EDATA).
 *
 *   errors  WEIR_ENOENT  it is not there; as of weiri_store_open
 */
WEIR_MUST_CHECK weir_status
weiri_journal_open_to_read(
    const char *path, const weiri_plan *plan, weiri_journal **out, weir_error *err);

/* Where the first byte stands that is kept of a source; `has` false: none is. Likewise.
 */
WEIR_MUST_CHECK weir_status
weiri_journal_begin(
    weiri_journal *self, uint32_t source, uint64_t *begin, bool *has, weir_error *err);

void
weiri_journal_close(weiri_journal **self_p);

const weiri_tape *
weiri_journal_tape(const weiri_journal *self);

/* Behind the last byte that is kept of a source, from a journal's store; 0: none is.
 *
 *   stream, place  the source's stream, and its place among the stream's sources
 *   errors  WEIR_EDATA, WEIR_EIO
 */
WEIR_MUST_CHECK weir_status
weiri_journal_end(weiri_store *store, const char *stream, uint32_t place, uint64_t *end,
    weir_error *err);

/* Give back what stands before `position` of a source. errors  WEIR_EIO, WEIR_ENOSPC */
WEIR_MUST_CHECK weir_status
weiri_journal_trim(
    weiri_journal *self, uint32_t source, uint64_t position, weir_error *err);

#endif
