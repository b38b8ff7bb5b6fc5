/* The events of a case in chunks. */
#include <string.h>

#include "spec.h"
#include "weiri/assert.h"

void
spec_add_event(weir_chunk *chunk, const spec_event *e, uint64_t order)
{
    uint32_t row = chunk->n_rows++;
    for (uint32_t f = 0; f < N_FIELDS; f++) {
        const weir_field *field = &spec_schema()->fields[f];
        weir_value        v     = { .type = (uint8_t)field->type };
        int64_t           n     = f == FIELD_AT ? e->time_s * SPEC_SECOND : e->values[f];
        v.is_null               = n == INT64_MIN;
        if (f == FIELD_S) {
            v.as.s = v.is_null ? "" : SPEC_TEXT_VALUES[n];
            v.size = (uint32_t)strlen(v.as.s);
        } else if (f == FIELD_X) {
            v.as.f = v.is_null ? 0 : (double)n / 2;
        } else {
            v.as.i = v.is_null ? 0 : n;
        }
        weiri_assert(weir_chunk_set(chunk, row, f, &v) == WEIR_OK);
    }
    chunk->time[row]  = e->time_s * SPEC_SECOND;
    chunk->order[row] = order;
}

weir_chunk *
spec_new_chunk(void)
{
    weir_chunk *chunk = NULL;
    weiri_assert(weir_chunk_new(spec_schema(), NULL, &chunk) == WEIR_OK);
    return chunk;
}
