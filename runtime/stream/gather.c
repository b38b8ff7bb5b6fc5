/* Sources whose events alternate are released as ranges of a row or two, and what a rule
 * does once a range it would do for every row: two files read together cost twice as much
 * as one. Copying the rows costs a tenth of that.
 */
#include "gather.h"

#include <string.h>

#include "weiri/limits.h"

enum {
    SHORT_ROWS = 32, /* a range of fewer is short            */
    FEW_RANGES = 4,  /* of fewer no chunk is made            */
    CHUNK_STEP = 8   /* of the capacity of a chunk           */
};

bool
weiri_chunk_is_alike(const weir_chunk *a, const weir_chunk *b)
{
    bool is_alike = a->schema == b->schema;
    for (uint32_t f = 0; is_alike && f < a->schema->n_fields; f++) {
        is_alike = a->columns[f].is_present == b->columns[f].is_present;
    }
    return is_alike;
}

/* ---- columns ---- */

static void
copy_words(weir_chunk *to, uint32_t field, const weir_rows *ranges, uint32_t n)
{
    int64_t *out = to->columns[field].as.i;
    for (uint32_t k = 0; k < n; k++) {
        const int64_t *in = ranges[k].chunk->columns[field].as.i + ranges[k].first;
        for (uint32_t i = 0; i < ranges[k].n; i++) {
            *out++ = in[i];
        }
    }
}

static void
copy_bools(weir_chunk *to, uint32_t field, const weir_rows *ranges, uint32_t n)
{
    uint8_t *out = to->columns[field].as.b;
    for (uint32_t k = 0; k < n; k++) {
        const uint8_t *in = ranges[k].chunk->columns[field].as.b + ranges[k].first;
        for (uint32_t i = 0; i < ranges[k].n; i++) {
            *out++ = in[i];
        }
    }
}

static weir_status
copy_texts(weir_chunk *to, uint32_t field, const weir_rows *ranges, uint32_t n)
{
    weir_text *out = to->columns[field].as.s;
    for (uint32_t k = 0; k < n; k++) {
        const weir_chunk *from = ranges[k].chunk;
        const weir_text  *in   = from->columns[field].as.s + ranges[k].first;
        for (uint32_t i = 0; i < ranges[k].n; i++, out++) {
            weir_status status = weir_chunk_reserve_text(to, in[i].size, &out->offset);
            if (status != WEIR_OK) {
                return status;
            }
            out->size = in[i].size;
            if (out->size > 0) {
                memcpy(to->heap + out->offset, from->heap + in[i].offset, out->size);
            }
        }
    }
    return WEIR_OK;
}

static void
copy_nulls(weir_chunk *to, uint32_t field, const weir_rows *ranges, uint32_t n)
{
    weir_column *column = &to->columns[field];
    uint32_t     at     = 0;
    for (uint32_t k = 0; k < n; k++) {
        const weir_column *in = &ranges[k].chunk->columns[field];
        for (uint32_t i = 0; in->has_nulls && i < ranges[k].n; i++) {
            column->nulls[at + i] = in->nulls[ranges[k].first + i];
            column->has_nulls     = column->has_nulls || column->nulls[at + i] != 0;
        }
        at += ranges[k].n;
    }
}

static weir_status
copy_column(weir_chunk *to, uint32_t field, const weir_rows *ranges, uint32_t n)
{
    weir_status status = WEIR_OK;
    switch ((weir_type)to->columns[field].type) {
    case WEIR_BOOL: copy_bools(to, field, ranges, n); break;
    case WEIR_STRING:
    case WEIR_LIST: status = copy_texts(to, field, ranges, n); break;
    case WEIR_NULL:
    case WEIR_INT:
    case WEIR_FLOAT:
    case WEIR_TIME:
    case WEIR_DURATION: copy_words(to, field, ranges, n); break;
    }
    copy_nulls(to, field, ranges, n);
    return status;
}

static void
copy_order(weir_chunk *to, const weir_rows *ranges, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        const weir_chunk *from = ranges[k].chunk;
        for (uint32_t i = ranges[k].first; i < ranges[k].first + ranges[k].n; i++) {
            to->time[to->n_rows]    = from->time[i];
            to->order[to->n_rows++] = from->order[i];
        }
    }
}

/* errors  WEIR_EFULL  their texts are more than a chunk holds */
static weir_status
gather(const weir_rows *ranges, uint32_t n, uint32_t n_rows, weir_chunk **out)
{
    const weir_chunk *like = ranges[0].chunk;
    bool              used[WEIRI_FIELDS];
    for (uint32_t f = 0; f < like->schema->n_fields; f++) {
        used[f] = like->columns[f].is_present;
    }
    uint32_t    capacity = (n_rows + CHUNK_STEP - 1) / CHUNK_STEP * CHUNK_STEP;
    weir_status status   = weiri_chunk_new_small(like->schema, used, capacity, out);
    for (uint32_t f = 0; f < like->schema->n_fields && status == WEIR_OK; f++) {
        status = used[f] ? copy_column(*out, f, ranges, n) : WEIR_OK;
    }
    if (status != WEIR_OK) {
        weir_chunk_drop(out);
        return status;
    }
    copy_order(*out, ranges, n);
    return WEIR_OK;
}

/* ---- ranges ---- */

/* How many short ranges stand together, of no more rows than a chunk has. */
static uint32_t
find_short(const weir_rows *ranges, uint32_t n, uint32_t *n_rows)
{
    uint32_t k = 0;
    *n_rows    = 0;
    while (
        k < n && ranges[k].n < SHORT_ROWS && *n_rows + ranges[k].n <= WEIRI_CHUNK_ROWS) {
        *n_rows += ranges[k++].n;
    }
    return k;
}

/* Ranges first .. first + n become one of a new chunk, at `to`; whether they do. */
static weir_status
replace(weiri_rows_list *self, uint32_t first, uint32_t n, uint32_t n_rows, uint32_t to,
    bool *is_done)
{
    weir_chunk *chunk  = NULL;
    weir_status status = gather(&self->items[first], n, n_rows, &chunk);
    *is_done           = status == WEIR_OK;
    for (uint32_t k = first; *is_done && k < first + n; k++) {
        weir_chunk_unref(&self->items[k].chunk);
    }
    if (*is_done) {
        self->items[to] = (weir_rows){ .chunk = chunk, .n = n_rows };
    }
    return status == WEIR_EFULL ? WEIR_OK : status;
}

weir_status
weiri_rows_gather(weiri_rows_list *self, uint32_t from)
{
    weir_status status = WEIR_OK;
    uint32_t    to     = from;
    for (uint32_t at = from; at < self->n;) {
        uint32_t n_rows  = 0;
        bool     is_done = false;
        uint32_t n       = find_short(&self->items[at], self->n - at, &n_rows);
        if (n >= FEW_RANGES && status == WEIR_OK) {
            status = replace(self, at, n, n_rows, to, &is_done);
        }
        n = n > 0 ? n : 1;
        if (!is_done) {
            memmove(&self->items[to], &self->items[at], n * sizeof *self->items);
        }
        to += is_done ? 1 : n;
        at += n;
    }
    self->n = to;
    return status;
}
