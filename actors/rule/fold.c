/* A query that reads and writes one table: row by row, for each row reads what the rows
 * before it have written. */
#include <stdlib.h>

#include "host.h"
#include "weiri/limits.h"

struct fold_host {
    weiri_host_frame frame;
    weiri_joiner    *joiner;
    weiri_program   *where; /* NULL: all */
    weiri_program   *values;
    weir_value      *row;    /* shape (n_fields of the emit,)          */
    weir_chunk      *joined; /* the row that came, with that of the table */
    weir_chunk      *change; /* what it made of it                     */
    uint64_t         faults; /* of the state that was loaded           */
};

static weir_status
on_joined(void *context, weir_chunk **chunk_p)
{
    struct fold_host *self = context;
    weir_chunk_drop(&self->joined);
    self->joined = *chunk_p;
    *chunk_p     = NULL;
    return WEIR_OK;
}

static bool
holds(struct fold_host *self)
{
    if (self->where == NULL) {
        return true;
    }
    weir_value value = weiri_program_eval(self->where, 0, self->joined, 0, NULL);
    weiri_program_forget(self->where);
    return !value.is_null && value.as.b;
}

/* The change as a chunk of its own, so that the table can read it. */
static weir_status
make_change(struct fold_host *self, int64_t time_ns)
{
    const weir_schema *schema = self->frame.rule->query->emit->schema;
    weir_status        status = WEIR_OK;
    weir_chunk_drop(&self->change);
    status = weiri_chunk_new_small(schema, NULL, 8, &self->change);
    for (uint32_t i = 0; i < schema->n_fields && status == WEIR_OK; i++) {
        self->row[i] = weiri_program_eval(self->values, i, self->joined, 0, NULL);
        status       = weir_chunk_set(self->change, 0, i, &self->row[i]);
    }
    if (status == WEIR_OK) {
        self->change->time[0] = time_ns;
        self->change->n_rows  = 1;
    }
    return status;
}

static weir_status
write_table(struct fold_host *self, weir_error *err)
{
    int64_t     time_ns = self->joined->time[0];
    weir_status status  = make_change(self, time_ns);
    if (status == WEIR_OK) {
        status = weiri_collector_add(self->frame.emitted, time_ns, self->row);
    }
    weiri_program_forget(self->values);
    if (status != WEIR_OK) {
        return status;
    }
    weir_rows             row   = { .chunk = self->change, .n = 1 };
    const weiri_rows_list right = { .items = &row, .n = 1 };
    const weiri_rows_list none  = { .n = 0 };
    return weiri_joiner_feed(self->joiner, &none, &right, err);
}

static weir_status
feed_row(struct fold_host *self, const weir_chunk *chunk, uint32_t at, weir_error *err)
{
    weir_rows             row  = { .chunk = chunk, .first = at, .n = 1 };
    const weiri_rows_list left = { .items = &row, .n = 1 };
    const weiri_rows_list none = { .n = 0 };
    weir_chunk_drop(&self->joined);
    weir_status status = weiri_joiner_feed(self->joiner, &left, &none, err);
    return status == WEIR_OK && self->joined != NULL && holds(self)
               ? write_table(self, err)
               : status;
}

static weir_status
feed(void *context, const weiri_rows_list *const *inputs, weir_error *err)
{
    struct fold_host *self   = context;
    weir_status       status = WEIR_OK;
    for (uint32_t i = 0; i < inputs[0]->n; i++) {
        weir_rows rows = inputs[0]->items[i];
        *self->frame.n_events += rows.n;
        for (uint32_t k = 0; k < rows.n && status == WEIR_OK; k++) {
            status = feed_row(self, rows.chunk, rows.first + k, err);
        }
    }
    return status;
}

static weir_status
advance(void *context, int64_t watermark_ns, weir_error *err)
{
    struct fold_host *self = context;
    return weiri_joiner_advance(self->joiner, watermark_ns, err);
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
    struct fold_host *self = context;
    return weiri_joiner_finish(self->joiner, err);
}

static uint64_t
faults_of(const struct fold_host *self)
{
    uint64_t faults = self->faults + weiri_program_faults(self->values);
    return self->where != NULL ? faults + weiri_program_faults(self->where) : faults;
}

static void
count(const void *context, weiri_rule_counts *counts)
{
    const struct fold_host *self = context;
    counts->join                 = weiri_joiner_counts(self->joiner);
    counts->match.matches        = self->frame.emitted->n_emitted;
    counts->match.faults         = faults_of(self);
}

static weir_status
make(const weiri_host_frame *frame, void **out, weir_error *err)
{
    const weiri_query *query = frame->rule->query;
    struct fold_host  *self  = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    *out        = self;
    self->frame = *frame;
    self->row   = calloc(query->emit->schema->n_fields + (size_t)1, sizeof *self->row);
    if (self->row == NULL) {
        return WEIR_ENOMEM;
    }
    weir_status status = WEIR_OK;
    if (query->where != NULL) {
        status = weiri_program_new_narrow(&query->where, 1, &self->where);
    }
    if (status == WEIR_OK) {
        status = weiri_program_new_narrow(
            query->emit->values, query->emit->schema->n_fields, &self->values);
    }
    const weiri_join_sink sink = { .context = self, .joined = on_joined };
    return status == WEIR_OK ? weiri_joiner_new(query->fold, &sink, &self->joiner, err)
                             : status;
}

static void
destroy(void *context)
{
    struct fold_host *self = context;
    weiri_joiner_destroy(&self->joiner);
    weiri_program_destroy(&self->where);
    weiri_program_destroy(&self->values);
    weir_chunk_drop(&self->joined);
    weir_chunk_drop(&self->change);
    free(self->row);
    free(self);
}

static weir_status
save(const void *context, weiri_keyed *out, weir_error *err)
{
    const struct fold_host *self = context;
    return weiri_joiner_save(self->joiner, out, err);
}

static weir_status
load(void *context, const weiri_keyed_load *from, weir_error *err)
{
    struct fold_host *self = context;
    return weiri_joiner_load(self->joiner, from, err);
}

static void
save_counts(const void *context, weiri_pack *out)
{
    weiri_pack_number(out, faults_of(context));
}

static void
load_counts(void *context, weiri_unpack *in)
{
    struct fold_host *self = context;
    self->faults += weiri_unpack_number(in);
}

static weir_status
inspect(const void *context, const weiri_inspector *inspector, bool *is_whole,
    weir_error *err)
{
    const struct fold_host *self = context;
    (void)err;
    *is_whole = true;
    weiri_joiner_inspect(self->joiner, inspector);
    return WEIR_OK;
}

const weiri_host_ops weiri_fold_host = { make, destroy, feed, advance, next_deadline,
    finish, count, save, load, save_counts, load_counts, inspect };
