#include <stdlib.h>

#include "join/copy.h"
#include "join/joiner.h"

enum { FEWEST_ROWS = 8 };

/* ---- chunks ---- */

/* They grow with what is given at once, for most joins give little. */
static void
choose_capacity(weiri_join_out *self)
{
    uint32_t n = self->chunk->n_rows;
    if (n == self->capacity && n < WEIRI_CHUNK_ROWS) {
        self->capacity = 2 * n;
    } else if (n < self->capacity / 4 && self->capacity > FEWEST_ROWS) {
        self->capacity /= 2;
    }
}

weir_status
weiri_join_out_flush(weiri_joiner *self)
{
    weiri_join_out *out = &self->out;
    if (out->chunk == NULL || out->chunk->n_rows == 0) {
        return WEIR_OK;
    }
    choose_capacity(out);
    return self->sink.joined(self->sink.context, &out->chunk);
}

static weir_status
open_chunk(weiri_joiner *self)
{
    weiri_join_out *out = &self->out;
    if (out->chunk != NULL && out->chunk->n_rows < out->chunk->capacity) {
        return WEIR_OK;
    }
    weir_status status = weiri_join_out_flush(self);
    return status == WEIR_OK ? weiri_chunk_new_small(
               self->plan->schema, self->plan->used, out->capacity, &out->chunk)
                             : status;
}

/* ---- rows ---- */

static weir_status
copy_side(const weiri_join_out *self, uint32_t side, weiri_join_row from)
{
    weir_chunk *to     = self->chunk;
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->n_values[side] && status == WEIR_OK; i++) {
        const weiri_join_value *value = &self->values[side][i];
        if (from.chunk == NULL) {
            weiri_copy_null(to, to->n_rows, value->to);
        } else {
            status = weiri_copy_value(to, to->n_rows, value->to, from.chunk, from.row,
                from.is_kept ? value->kept : value->field);
        }
    }
    return status;
}

static bool
holds(weiri_join_out *self)
{
    if (self->where == NULL) {
        return true;
    }
    weir_value value =
        weiri_program_eval(self->where, 0, self->chunk, self->chunk->n_rows, NULL);
    weiri_program_forget(self->where);
    return !value.is_null && value.as.b;
}

weir_status
weiri_join_out_give(weiri_joiner *self, weiri_join_row left, weiri_join_row right,
    int64_t time_ns, uint64_t order, bool *is_given)
{
    weiri_join_out *out = &self->out;
    for (;;) {
        weir_status status = open_chunk(self);
        if (status != WEIR_OK) {
            return status;
        }
        weir_chunk *chunk           = out->chunk;
        uint32_t    heap_used       = chunk->heap_used;
        chunk->time[chunk->n_rows]  = time_ns;
        chunk->order[chunk->n_rows] = order;
        status                      = copy_side(out, WEIRI_LEFT, left);
        if (status == WEIR_OK) {
            status = copy_side(out, WEIRI_RIGHT, right);
        }
        *is_given = status == WEIR_OK && (right.chunk == NULL || holds(out));
        if (!*is_given) {
            chunk->heap_used = heap_used;
        }
        if (status == WEIR_OK) {
            chunk->n_rows += *is_given;
            out->n_given += *is_given;
            return WEIR_OK;
        }
        if (status != WEIR_EFULL || chunk->n_rows == 0) {
            return status;
        }
        status = weiri_join_out_flush(self); /* the heap is full: try an empty chunk */
        if (status != WEIR_OK) {
            return status;
        }
    }
}

/* ---- making and ending ---- */

static void
add_values(weiri_joiner *self, uint32_t side, uint32_t first)
{
    const weiri_join *plan = self->plan;
    weiri_join_out   *out  = &self->out;
    for (uint32_t i = 0; i < plan->sides[side].schema->n_fields; i++) {
        if (plan->used[first + i]) {
            out->values[side][out->n_values[side]++] = (weiri_join_value){
                .to = first + i, .field = i, .kept = self->stores[side].columns[i]
            };
        }
    }
}

weir_status
weiri_join_out_init(weiri_joiner *self)
{
    const weiri_join *plan   = self->plan;
    weiri_join_out   *out    = &self->out;
    uint32_t          n_left = plan->sides[WEIRI_LEFT].schema->n_fields;
    out->capacity            = FEWEST_ROWS;
    for (uint32_t i = 0; i < 2; i++) {
        out->values[i] =
            calloc(plan->sides[i].schema->n_fields + (size_t)1, sizeof *out->values[i]);
        if (out->values[i] == NULL) {
            return WEIR_ENOMEM;
        }
        add_values(self, i, i == WEIRI_LEFT ? 0 : n_left);
    }
    return plan->where == NULL ? WEIR_OK
                               : weiri_program_new_narrow(&plan->where, 1, &out->where);
}

void
weiri_join_out_fini(weiri_join_out *self)
{
    free(self->values[0]);
    free(self->values[1]);
    weiri_program_destroy(&self->where);
    weir_chunk_drop(&self->chunk);
}
