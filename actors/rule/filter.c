/* A query without a window: filter and map, a column at a time. */
#include <stdlib.h>

#include "host.h"
#include "weiri/limits.h"

enum { FEW_ROWS = 8 }; /* up to here rows are worked off one by one */

struct filter_host {
    weiri_host_frame frame;
    weiri_program   *where; /* NULL: all */
    weiri_program   *values;
    weiri_vector    *columns;       /* shape (n_fields of the emit,) */
    weir_value      *row;           /* shape (n_fields of the emit,) */
    bool            *picked_fields; /* fields that `values` reads    */
    weir_chunk      *picked;
    uint64_t         faults; /* of the state that was loaded */
};

/* The rows where `mask` is 1, as a chunk of their own with the fields that are needed. */
static weir_status
pick_rows(struct filter_host *self, weir_rows rows, const uint8_t *mask)
{
    weir_status status = WEIR_OK;
    if (self->picked == NULL) {
        status = weir_chunk_new(rows.chunk->schema, self->picked_fields, &self->picked);
        if (status != WEIR_OK) {
            return status;
        }
    }
    weir_chunk_clear(self->picked);
    for (uint32_t i = 0; i < rows.n && status == WEIR_OK; i++) {
        if (mask[i]) {
            status = weir_chunk_append(self->picked, rows.chunk, rows.first + i);
        }
    }
    return status;
}

static weir_status
emit_rows(struct filter_host *self, weir_rows rows)
{
    if (rows.n == 0) {
        return WEIR_OK;
    }
    weiri_program_run(self->values, rows, self->columns);
    return weiri_collector_add_columns(
        self->frame.emitted, rows.chunk->time + rows.first, rows.n, self->columns);
}

static weir_status
run_row(struct filter_host *self, const weir_chunk *chunk, uint32_t row)
{
    if (self->where != NULL) {
        weir_value holds = weiri_program_eval(self->where, 0, chunk, row, NULL);
        if (holds.is_null || !holds.as.b) {
            return WEIR_OK;
        }
    }
    for (uint32_t i = 0; i < self->frame.emitted->schema->n_fields; i++) {
        self->row[i] = weiri_program_eval(self->values, i, chunk, row, NULL);
    }
    return weiri_collector_add(self->frame.emitted, chunk->time[row], self->row);
}

static weir_status
run_rows(struct filter_host *self, weir_rows rows)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < rows.n && status == WEIR_OK; i++) {
        status = run_row(self, rows.chunk, rows.first + i);
        if (self->where != NULL) {
            weiri_program_forget(self->where);
        }
        weiri_program_forget(self->values);
    }
    return status;
}

static weir_status
widen(struct filter_host *self)
{
    weir_status status = weiri_program_widen(self->values);
    return status == WEIR_OK && self->where != NULL ? weiri_program_widen(self->where)
                                                    : status;
}

static weir_status
run_query(struct filter_host *self, weir_rows rows)
{
    if (rows.n <= FEW_ROWS) {
        return run_rows(self, rows);
    }
    weir_status widened = widen(self);
    if (widened != WEIR_OK) {
        return widened;
    }
    if (self->where == NULL) {
        return emit_rows(self, rows);
    }
    uint8_t  mask[WEIRI_CHUNK_ROWS];
    uint32_t n_true = 0;
    weiri_program_filter(self->where, rows, mask);
    for (uint32_t i = 0; i < rows.n; i++) {
        n_true += mask[i];
    }
    if (n_true == rows.n) {
        return emit_rows(self, rows);
    }
    if (n_true == 0) {
        return WEIR_OK;
    }
    weir_status status = pick_rows(self, rows, mask);
    if (status != WEIR_OK) {
        return status;
    }
    return emit_rows(
        self, (weir_rows){ .chunk = self->picked, .n = self->picked->n_rows });
}

static weir_status
feed(void *context, const weiri_rows_list *const *inputs, weir_error *err)
{
    (void)err;
    struct filter_host    *self = context;
    const weiri_rows_list *rows = inputs[0];
    for (uint32_t i = 0; i < rows->n; i++) {
        *self->frame.n_events += rows->items[i].n;
        weir_status status = run_query(self, rows->items[i]);
        if (status != WEIR_OK) {
            return status;
        }
    }
    return WEIR_OK;
}

static weir_status
advance(void *context, int64_t watermark_ns, weir_error *err)
{
    (void)context;
    (void)watermark_ns;
    (void)err;
    return WEIR_OK;
}

static int64_t
next_deadline(const void *self)
{
    (void)self;
    return INT64_MAX;
}

static weir_status
finish(void *context, weir_error *err)
{
    (void)context;
    (void)err;
    return WEIR_OK;
}

static uint64_t
faults_of(const struct filter_host *self)
{
    uint64_t faults = self->faults + weiri_program_faults(self->values);
    return self->where != NULL ? faults + weiri_program_faults(self->where) : faults;
}

static void
count(const void *context, weiri_rule_counts *counts)
{
    const struct filter_host *self = context;
    counts->match.matches          = self->frame.emitted->n_emitted;
    counts->match.faults           = faults_of(self);
}

/* Each event is judged by itself: there is nothing to remember but a count. */
static weir_status
save(const void *context, weiri_keyed *out, weir_error *err)
{
    (void)context;
    (void)err;
    weiri_keyed_end_head(out);
    return WEIR_OK;
}

static weir_status
load(void *context, const weiri_keyed_load *how, weir_error *err)
{
    (void)context;
    weiri_keyed_reader from = how->from;
    weiri_keyed_head   head;
    weiri_keyed_entry  entry;
    while (weiri_keyed_next_head(&from, &head)) {
        if (head.in.at != head.in.end) {
            weiri_unpack_fail(&from.in, "something follows a head");
        }
    }
    if (weiri_keyed_next(&from, NULL, &entry)) {
        weiri_unpack_fail(&from.in, "its rule keeps nothing of a key");
    }
    return from.in.wrong == NULL ? WEIR_OK
                                 : WEIR_FAIL(err, WEIR_EDATA,
                                     "the state cannot be loaded: %s", from.in.wrong);
}

static void
save_counts(const void *context, weiri_pack *out)
{
    weiri_pack_number(out, faults_of(context));
}

static void
load_counts(void *context, weiri_unpack *in)
{
    struct filter_host *self = context;
    self->faults += weiri_unpack_number(in);
}

static weir_status
make(const weiri_host_frame *frame, void **out, weir_error *err)
{
    (void)err;
    const weiri_query  *query    = frame->rule->query;
    uint32_t            n_values = query->emit->schema->n_fields;
    struct filter_host *self     = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    *out                = self;
    self->frame         = *frame;
    self->columns       = calloc(n_values + 1, sizeof *self->columns);
    self->row           = calloc(n_values + 1, sizeof *self->row);
    self->picked_fields = calloc(query->schema->n_fields + 1, sizeof(bool));
    if (self->columns == NULL || self->row == NULL || self->picked_fields == NULL) {
        return WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < n_values; i++) {
        weiri_expr_mark_fields(query->emit->values[i], self->picked_fields);
    }
    weir_status status = WEIR_OK;
    if (query->where != NULL) {
        status = weiri_program_new_narrow(&query->where, 1, &self->where);
    }
    return status == WEIR_OK
               ? weiri_program_new_narrow(query->emit->values, n_values, &self->values)
               : status;
}

static void
destroy(void *context)
{
    struct filter_host *self = context;
    weir_chunk_drop(&self->picked);
    weiri_program_destroy(&self->where);
    weiri_program_destroy(&self->values);
    free(self->columns);
    free(self->row);
    free(self->picked_fields);
    free(self);
}

const weiri_host_ops weiri_filter_host = { make, destroy, feed, advance, next_deadline,
    finish, count, save, load, save_counts, load_counts, NULL };
