/* Rows as columns of bytes, for links between nodes: copied in whole columns where they
 * can be, and checked to the last byte before anything is made of them.
 *
 * Little-endian: the schema's hash (8 bytes), the times of the rows (8 each), then for
 * each field a kind (1 byte), with nulls a bit a row (1: null), and the cells: 8 bytes
 * each, of a bool 1; of strings first the sizes (4 each), then the bytes.
 */
#ifndef WEIRI_COLUMNS_H
#define WEIRI_COLUMNS_H

#include "weir/chunk.h"
#include "weiri/pack.h"

/* How many rows from the front of `rows` fill `most` bytes, one at least.
 *
 *   size  of those rows as weiri_columns_write writes them, bytes
 */
uint32_t
weiri_columns_fit(weir_rows rows, size_t most, size_t *size);

/* Append rows, all columns of which are present and none of which is a list. `out` notes
 * when memory is out. */
void
weiri_columns_write(weir_rows rows, weiri_pack *out);

/* Look at bytes that nobody vouches for.
 *
 *   bytes    shape (size,)
 *   n_rows   that they are said to be; 1 … WEIRI_CHUNK_ROWS, else that is wrong
 *   returns  what is wrong with them, static text; NULL: they are rows of the schema
 *   cost     one pass, nothing is allocated
 */
const char *
weiri_columns_check(
    const uint8_t *bytes, size_t size, const weir_schema *schema, uint32_t n_rows);

/* Append rows that have been checked to a chunk of the schema, but for the first `skip`;
 * orders are the caller's.
 *
 *   errors  WEIR_EFULL   the chunk has no room for these rows or their text
 *           WEIR_ENOMEM  the chunk is as it was after either
 */
WEIR_MUST_CHECK weir_status
weiri_columns_read(const uint8_t *bytes, uint32_t n_rows, uint32_t skip, weir_chunk *to);

#endif
