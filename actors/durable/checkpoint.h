/* Sections in a store, all of one moment.
 *
 *   ".2"                -> names and sizes of the sections
 *   name '\0' number    -> their bytes, in pieces by ascending numbers, see pieces.h
 */
#ifndef WEIRI_CHECKPOINT_H
#define WEIRI_CHECKPOINT_H

#include "weiri/sections.h"
#include "weiri/store.h"

/* Replace what the store holds, in one transaction; pieces that have not changed are left
 * as they are.
 *
 *   n       how many checkpoints were begun: for fault points
 *   errors  WEIR_ENOSPC, WEIR_EIO, WEIR_ENOMEM: the store holds what it held
 */
WEIR_MUST_CHECK weir_status
weiri_checkpoint_write(
    weiri_store *store, const weiri_sections *sections, uint64_t n, weir_error *err);

/* errors  WEIR_ENOENT  the store is empty
 *         WEIR_EDATA   damaged
 *         WEIR_ENOMEM
 *         *out is empty after any of them
 */
WEIR_MUST_CHECK weir_status
weiri_checkpoint_read(weiri_store *store, weiri_sections *out, weir_error *err);

#endif
