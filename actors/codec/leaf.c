#include "leaf.h"

#include <stdlib.h>

#include "cell.h"
#include "weiri/assert.h"
#include "weiri/limits.h"

static leaf_kind
kind_of(const weir_field *field)
{
    switch (field->type) {
    case WEIR_BOOL: return LEAF_BOOL;
    case WEIR_INT: return LEAF_INT;
    case WEIR_FLOAT: return LEAF_FLOAT;
    case WEIR_STRING: return LEAF_STRING;
    case WEIR_TIME:
        return field->form == WEIR_TIME_AUTO      ? LEAF_TEXT_TIME
               : field->form == WEIR_TIME_PATTERN ? LEAF_OTHER
                                                  : LEAF_COUNT_TIME;
    case WEIR_DURATION:
    case WEIR_NULL:
    case WEIR_LIST: break;
    }
    return LEAF_OTHER;
}

weir_status
leaves_init(field_leaves *self, const weir_schema *schema)
{
    *self        = (field_leaves){ .schema = schema };
    self->of     = calloc(schema->n_fields + 1, sizeof *self->of);
    self->unread = calloc(WEIRI_CHUNK_ROWS, sizeof *self->unread);
    if (self->of == NULL || self->unread == NULL) {
        leaves_fini(self);
        return WEIR_ENOMEM;
    }
    for (uint32_t f = 0; f < schema->n_fields; f++) {
        field_leaf *it = &self->of[f];
        it->bit        = UINT64_C(1) << (f % 64);
        it->word       = f / 64;
        it->kind       = kind_of(&schema->fields[f]);
        if (it->kind == LEAF_COUNT_TIME) {
            weiri_time_from_int(schema->fields[f].form, 1, &it->unit_ns);
        }
    }
    return WEIR_OK;
}

void
leaves_fini(field_leaves *self)
{
    free(self->of);
    free(self->unread);
    *self = (field_leaves){ 0 };
}

static int64_t *
place_without_column(const field_leaves *self, uint32_t field, weir_chunk *chunk)
{
    if ((int32_t)field == self->schema->time_field) {
        return chunk->time;
    }
    return self->schema->fields[field].type == WEIR_STRING ? NULL : self->unread;
}

void
leaves_bind(field_leaves *self, weir_chunk *chunk)
{
    weiri_assert(chunk->capacity <= WEIRI_CHUNK_ROWS);
    for (uint32_t f = 0; f < self->schema->n_fields; f++) {
        const weir_column *column = &chunk->columns[f];
        field_leaf        *it     = &self->of[f];
        if (column->is_present) {
            it->as.i  = column->as.i;
            it->nulls = column->nulls;
        } else {
            it->as.i  = place_without_column(self, f, chunk);
            it->nulls = (uint8_t *)self->unread;
        }
    }
}

void
leaves_append(const field_leaves *self, weir_chunk *chunk)
{
    int32_t  field   = self->schema->time_field;
    uint32_t row     = chunk->n_rows;
    chunk->time[row] = field < 0 ? 0 : self->of[field].as.i[row];
    chunk->n_rows++;
}
