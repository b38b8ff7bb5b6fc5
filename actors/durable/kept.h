/* Moments of a run that are kept beside its last checkpoint, for replay to begin at.
 *
 *   DIR/kept/NUMBER.state   all sections as of the moment
 *   DIR/kept/NUMBER.head    those of the run, its sources and its sinks; written last, so
 *                           that a moment is there as a whole or not at all
 *
 * The head alone says where the journal has to begin for the moment to be of use.
 */
#ifndef WEIRI_KEPT_H
#define WEIRI_KEPT_H

#include "weiri/sections.h"

typedef struct weiri_moment {
    uint64_t       number;       /* of the checkpoint, over all runs in the folder */
    int64_t        watermark_ns; /* INT64_MIN: no event yet                        */
    uint64_t       n_bytes;      /* taken in that only the journal has             */
    weiri_sections head;
} weiri_moment;

/* `{0}` is empty. By number. */
typedef struct weiri_kept_moments {
    weiri_moment *items; /* shape (n,) */
    uint32_t      n;
} weiri_kept_moments;

void
weiri_kept_fini(weiri_kept_moments *self);

/* The moments in `path`/kept; none if there is no such folder.
 *
 *   errors  WEIR_EDATA  one is damaged, `err` says which; WEIR_EIO, WEIR_ENOMEM
 *           `out` is empty after any of them
 */
WEIR_MUST_CHECK weir_status
weiri_kept_list(const char *path, weiri_kept_moments *out, weir_error *err);

/* Keep a moment; the folder is made if it is not there.
 *
 *   errors  WEIR_EIO, WEIR_ENOSPC, WEIR_ENOMEM: it is not kept
 */
WEIR_MUST_CHECK weir_status
weiri_kept_write(
    const char *path, uint64_t number, const weiri_sections *sections, weir_error *err);

/* All sections of a moment. errors  WEIR_ENOENT, WEIR_EDATA, WEIR_EIO, WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_kept_read(const char *path, uint64_t number, weiri_sections *out, weir_error *err);

/* Add a moment that was written to the list. Likewise. */
WEIR_MUST_CHECK weir_status
weiri_kept_add(
    const char *path, uint64_t number, weiri_kept_moments *to, weir_error *err);

/* Remove the oldest moment, from the list and the folder. */
void
weiri_kept_drop_oldest(const char *path, weiri_kept_moments *self);

/* What a head says. Where a source stood; false: it was not there. */
bool
weiri_kept_position(
    const weiri_sections *head, const char *source_name, uint64_t *position);

#endif
