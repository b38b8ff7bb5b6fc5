/* From a row of one chunk to a row of another, value by value. */
#ifndef WEIRI_JOIN_COPY_H
#define WEIRI_JOIN_COPY_H

#include <string.h>

#include "aggregate/cell.h"
#include "weir/chunk.h"

static inline void
weiri_copy_null(weir_chunk *to, uint32_t row, uint32_t field)
{
    weir_column *column = &to->columns[field];
    column->nulls[row]  = 1;
    column->has_nulls   = true;
    if (column->type == WEIR_BOOL) {
        column->as.b[row] = 0;
    } else {
        column->as.i[row] = 0;
    }
}

static inline weir_status
weiri_copy_text(
    weir_chunk *to, uint32_t row, uint32_t field, const char *text, uint32_t size)
{
    uint32_t    offset = 0;
    weir_status status = weir_chunk_reserve_text(to, size, &offset);
    if (status != WEIR_OK) {
        return status;
    }
    if (size > 0) {
        memcpy(to->heap + offset, text, size);
    }
    to->columns[field].as.s[row] = (weir_text){ .offset = offset, .size = size };
    return WEIR_OK;
}

/* Store the value at (from_row, from_field) of `from` at (row, field) of `to`, where the
 * column is present and of the same type.
 *
 *   errors  WEIR_EFULL, WEIR_ENOMEM as weir_chunk_set
 */
static inline weir_status
weiri_copy_value(weir_chunk *to, uint32_t row, uint32_t field, const weir_chunk *from,
    uint32_t from_row, uint32_t from_field)
{
    const weir_column *source = &from->columns[from_field];
    weir_column       *column = &to->columns[field];
    if (!source->is_present || (source->has_nulls && source->nulls[from_row])) {
        weiri_copy_null(to, row, field);
        return WEIR_OK;
    }
    column->nulls[row] = 0;
    if (weiri_cell_is_text((weir_type)column->type)) {
        weir_text text = source->as.s[from_row];
        return weiri_copy_text(
            to, row, field, text.size > 0 ? from->heap + text.offset : "", text.size);
    }
    if (column->type == WEIR_BOOL) {
        column->as.b[row] = source->as.b[from_row];
    } else {
        column->as.i[row] = source->as.i[from_row];
    }
    return WEIR_OK;
}

#endif
