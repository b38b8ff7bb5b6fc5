/* Rows as bytes, the same on every machine: for checkpoints and for the wire.
 *
 * Columns one after another; times and orders as differences to the row before. What is
 * read back is a chunk that holds the same rows. Columns that the rows do not have are
 * named, so that a reader who needs one is told.
 */
#ifndef WEIRI_ROWS_PACK_H
#define WEIRI_ROWS_PACK_H

#include "weir/chunk.h"
#include "weiri/pack.h"

/* A hash of the names and types of a schema's fields; the stream's name does not count.
 */
uint64_t
weiri_schema_hash(const weir_schema *schema);

/* Append rows to `out`, which notes when memory is out. */
void
weiri_rows_pack(weir_rows rows, weiri_pack *out);

/* Read what weiri_rows_pack wrote. `in` is not trusted: what is wrong is noted there.
 *
 *   schema  of the rows; outlives the chunk
 *   used    shape (schema->n_fields,): columns that are needed; others are skipped
 *   out     a chunk with one reference
 *   errors  WEIR_EDATA   the bytes are damaged, of another schema, or lack a column that
 *                        is needed: `in->wrong` says which of these
 *           WEIR_EFULL   more text than a chunk holds
 *           WEIR_ENOMEM
 *           *out is NULL after any of them
 */
WEIR_MUST_CHECK weir_status
weiri_rows_unpack(
    weiri_unpack *in, const weir_schema *schema, const bool *used, weir_chunk **out);

#endif
