#include "weiri/rows_pack.h"

#include "weiri/limits.h"
#include "weiri/merge.h"

/* ---- schema ---- */

uint64_t
weiri_schema_hash(const weir_schema *schema)
{
    uint64_t hash = weiri_hash_number(WEIRI_HASH_BEGIN, schema->n_fields);
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        const weir_field *field = &schema->fields[i];
        hash                    = weiri_hash_text(hash, field->name);
        hash                    = weiri_hash_number(
                               hash, (uint64_t)field->type << 8 | (uint64_t)field->element);
    }
    return hash;
}

/* ---- packing ---- */

static void
pack_cell(
    const weir_chunk *chunk, const weir_column *column, uint32_t row, weiri_pack *out)
{
    switch ((weir_type)column->type) {
    case WEIR_BOOL: weiri_pack_number(out, column->as.b[row]); break;
    case WEIR_FLOAT: weiri_pack_float(out, column->as.f[row]); break;
    case WEIR_STRING:
    case WEIR_LIST: {
        weir_text text = column->as.s[row];
        weiri_pack_text(out, text.size > 0 ? chunk->heap + text.offset : "", text.size);
        break;
    }
    case WEIR_TIME:
    case WEIR_DURATION: weiri_pack_time(out, column->as.i[row]); break;
    case WEIR_NULL:
    case WEIR_INT: weiri_pack_signed(out, column->as.i[row]); break;
    }
}

enum column_kind { COLUMN_ABSENT, COLUMN_FULL, COLUMN_WITH_NULLS };

static void
pack_column(weir_rows rows, const weir_column *column, weiri_pack *out)
{
    if (!column->is_present) {
        weiri_pack_number(out, COLUMN_ABSENT);
        return;
    }
    weiri_pack_number(out, column->has_nulls ? COLUMN_WITH_NULLS : COLUMN_FULL);
    for (uint32_t i = rows.first; i < rows.first + rows.n; i++) {
        bool is_null = column->has_nulls && column->nulls[i] != 0;
        if (column->has_nulls) {
            weiri_pack_number(out, is_null);
        }
        if (!is_null) {
            pack_cell(rows.chunk, column, i, out);
        }
    }
}

void
weiri_rows_pack(weir_rows rows, weiri_pack *out)
{
    const weir_chunk *chunk = rows.chunk;
    int64_t           time  = 0;
    uint64_t          order = 0;
    weiri_pack_fixed(out, weiri_schema_hash(chunk->schema));
    weiri_pack_number(out, rows.n);
    for (uint32_t i = rows.first; i < rows.first + rows.n; i++) {
        weiri_pack_time(out, (int64_t)((uint64_t)chunk->time[i] - (uint64_t)time));
        weiri_pack_signed(out, (int64_t)(chunk->order[i] - order));
        time  = chunk->time[i];
        order = chunk->order[i];
    }
    for (uint32_t f = 0; f < chunk->schema->n_fields; f++) {
        pack_column(rows, &chunk->columns[f], out);
    }
}

/* ---- unpacking ---- */

static weir_value
unpack_cell(weir_type type, weiri_unpack *in)
{
    weir_value value = { .type = (uint8_t)type };
    switch (type) {
    case WEIR_BOOL: value.as.b = weiri_unpack_below(in, 2, "it is no bool") != 0; break;
    case WEIR_FLOAT: value.as.f = weiri_unpack_float(in); break;
    case WEIR_STRING:
    case WEIR_LIST: value.as.s = weiri_unpack_text(in, &value.size); break;
    case WEIR_TIME:
    case WEIR_DURATION: value.as.i = weiri_unpack_time(in); break;
    case WEIR_NULL:
    case WEIR_INT: value.as.i = weiri_unpack_signed(in); break;
    }
    return value;
}

/* Columns that nobody needs are read over: weir_chunk_set ignores them. */
static weir_status
unpack_column(weir_chunk *chunk, uint32_t field, uint32_t n, weiri_unpack *in)
{
    weir_type type = (weir_type)chunk->schema->fields[field].type;
    uint64_t  kind = weiri_unpack_below(in, COLUMN_WITH_NULLS + 1, "it is no column");
    if (kind == COLUMN_ABSENT) {
        if (chunk->columns[field].is_present) {
            weiri_unpack_fail(in, "a field that is read now was not kept");
        }
        return in->wrong == NULL ? WEIR_OK : WEIR_EDATA;
    }
    for (uint32_t i = 0; i < n && in->wrong == NULL; i++) {
        weir_value value = { .type = (uint8_t)type };
        value.is_null =
            kind == COLUMN_WITH_NULLS && weiri_unpack_below(in, 2, "it is no null") != 0;
        if (!value.is_null) {
            value = unpack_cell(type, in);
        }
        if (in->wrong == NULL) {
            weir_status status = weir_chunk_set(chunk, i, field, &value);
            if (status != WEIR_OK) {
                return status;
            }
        }
    }
    return in->wrong == NULL ? WEIR_OK : WEIR_EDATA;
}

static void
unpack_stamps(weir_chunk *chunk, uint32_t n, weiri_unpack *in)
{
    int64_t  time  = 0;
    uint64_t order = 0;
    for (uint32_t i = 0; i < n; i++) {
        time = (int64_t)((uint64_t)time + (uint64_t)weiri_unpack_time(in));
        order += (uint64_t)weiri_unpack_signed(in);
        chunk->time[i]  = time;
        chunk->order[i] = order;
    }
}

weir_status
weiri_rows_unpack(
    weiri_unpack *in, const weir_schema *schema, const bool *used, weir_chunk **out)
{
    *out              = NULL;
    weir_chunk *chunk = NULL;
    if (weiri_unpack_fixed(in) != weiri_schema_hash(schema)) {
        weiri_unpack_fail(in, "the stream's fields are others now");
    }
    uint32_t n =
        (uint32_t)weiri_unpack_below(in, WEIRI_CHUNK_ROWS + 1, "it has too many rows");
    if (in->wrong != NULL) {
        return WEIR_EDATA;
    }
    uint32_t    capacity = n > 0 ? (n + 7) / 8 * 8 : 8;
    weir_status status   = weiri_chunk_new_small(schema, used, capacity, &chunk);
    if (status != WEIR_OK) {
        return status;
    }
    unpack_stamps(chunk, n, in);
    for (uint32_t f = 0; f < schema->n_fields && status == WEIR_OK; f++) {
        status = unpack_column(chunk, f, n, in);
    }
    if (status == WEIR_OK && in->wrong != NULL) {
        status = WEIR_EDATA;
    }
    if (status != WEIR_OK) {
        weir_chunk_drop(&chunk);
        return status;
    }
    chunk->n_rows = n;
    *out          = chunk;
    return WEIR_OK;
}
