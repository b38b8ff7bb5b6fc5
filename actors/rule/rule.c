/* weiri_rule_actor: a query works on columns, a match on the ordered batch of its inputs.
 *
 * The rows of several inputs are merged in the total order (time, rank of the stream,
 * order in the stream) as places in a batch; the rows themselves stay where they are.
 */
#include "rule.h"

#include <stdlib.h>
#include <string.h>

#include "collector.h"
#include "weiri/limits.h"
#include "weiri/rows_merge.h"

enum {
    ORDER_BITS   = 48,
    BATCH_EVENTS = 4 * WEIRI_CHUNK_ROWS,
    FEW_ROWS     = 8 /* up to here rows are worked off one by one */
};

/* One input of a match. */
struct input {
    uint32_t part; /* of the range that the merge stands in, if is_in_batch */
    bool     is_in_batch;
};

struct weiri_rule_actor {
    const weiri_plan *plan;
    const weiri_rule *rule;
    uint64_t          n_events;
    weiri_collector   emitted;
    weiri_collector   timeouts;
    /* of a match */
    weiri_matcher     *matcher;
    weiri_rows_cursor *cursors; /* shape (n_inputs,)      */
    struct input      *inputs;  /* shape (n_inputs,)      */
    weiri_part        *parts;   /* shape (BATCH_EVENTS,)  */
    weiri_place       *order;   /* shape (BATCH_EVENTS,)  */
    /* of a query */
    weiri_program *where; /* NULL: all              */
    weiri_program *values;
    weiri_vector  *columns;       /* shape (n_fields of the emit,) */
    weir_value    *row;           /* shape (n_fields of the emit,) */
    bool          *picked_fields; /* fields that `values` reads */
    weir_chunk    *picked;
};

weiri_rule_counts
weiri_rule_actor_counts(const weiri_rule_actor *self)
{
    weiri_rule_counts counts = { .n_events = self->n_events,
        .n_emitted = self->emitted.n_emitted + self->timeouts.n_emitted };
    if (self->matcher != NULL) {
        counts.match = weiri_matcher_counts(self->matcher);
    } else {
        counts.match.matches = counts.n_emitted;
    }
    return counts;
}

/* ---- query: filter and map ---- */

/* The rows where `mask` is 1, as a chunk of their own with the fields that are needed. */
static weir_status
pick_rows(weiri_rule_actor *self, weir_rows rows, const uint8_t *mask)
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
emit_rows(weiri_rule_actor *self, weir_rows rows)
{
    if (rows.n == 0) {
        return WEIR_OK;
    }
    weiri_program_run(self->values, rows, self->columns);
    return weiri_collector_add_columns(
        &self->emitted, rows.chunk->time + rows.first, rows.n, self->columns);
}

static weir_status
run_query_row(weiri_rule_actor *self, const weir_chunk *chunk, uint32_t row)
{
    if (self->where != NULL) {
        weir_value holds = weiri_program_eval(self->where, 0, chunk, row, NULL);
        if (holds.is_null || !holds.as.b) {
            return WEIR_OK;
        }
    }
    for (uint32_t i = 0; i < self->emitted.schema->n_fields; i++) {
        self->row[i] = weiri_program_eval(self->values, i, chunk, row, NULL);
    }
    return weiri_collector_add(&self->emitted, chunk->time[row], self->row);
}

static weir_status
run_query_rows(weiri_rule_actor *self, weir_rows rows)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < rows.n && status == WEIR_OK; i++) {
        status = run_query_row(self, rows.chunk, rows.first + i);
        if (self->where != NULL) {
            weiri_program_forget(self->where);
        }
        weiri_program_forget(self->values);
    }
    return status;
}

static weir_status
widen(weiri_rule_actor *self)
{
    weir_status status = weiri_program_widen(self->values);
    return status == WEIR_OK && self->where != NULL ? weiri_program_widen(self->where)
                                                    : status;
}

static weir_status
run_query(weiri_rule_actor *self, weir_rows rows)
{
    if (rows.n <= FEW_ROWS) {
        return run_query_rows(self, rows);
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

/* ---- match: merge the inputs ---- */

static weir_status
on_emitted(void *context, bool is_timeout, int64_t time_ns, const weir_value *values)
{
    weiri_rule_actor *self     = context;
    bool              is_apart = is_timeout && self->timeouts.schema != NULL;
    return weiri_collector_add(
        is_apart ? &self->timeouts : &self->emitted, time_ns, values);
}

/* Put the next event into the batch; its range becomes a part with its first row. */
static void
add_to_batch(weiri_rule_actor *self, weiri_rows_cursor *cursor, weiri_batch *batch)
{
    uint32_t      index = (uint32_t)(cursor - self->cursors);
    struct input *input = &self->inputs[index];
    if (!input->is_in_batch) {
        input->part              = batch->n_parts++;
        input->is_in_batch       = true;
        self->parts[input->part] = (weiri_part){
            .input = index,
            .rows  = { .chunk = cursor->list->items[cursor->range].chunk,
                 .first       = cursor->row },
        };
    }
    self->parts[input->part].rows.n++;
    self->order[batch->n_events++] =
        (weiri_place){ .part = (uint16_t)input->part, .row = (uint16_t)cursor->row };
    if (weiri_rows_cursor_step(cursor)) {
        input->is_in_batch = false;
    }
}

static void
open_cursors(weiri_rule_actor *self, const weiri_rows_list *const *inputs)
{
    const weiri_match *match = self->rule->match;
    for (uint32_t i = 0; i < match->n_inputs; i++) {
        uint32_t stream = match->inputs[i].stream;
        weiri_rows_cursor_init(
            &self->cursors[i], inputs[i], self->plan->streams[stream].rank, stream);
    }
}

static weir_status
match_merged(
    weiri_rule_actor *self, const weiri_rows_list *const *inputs, weir_error *err)
{
    uint32_t n_inputs = self->rule->match->n_inputs;
    open_cursors(self, inputs);
    for (;;) {
        weiri_batch batch = { .parts = self->parts, .order = self->order };
        for (uint32_t i = 0; i < n_inputs; i++) {
            self->inputs[i].is_in_batch = false;
        }
        weiri_rows_cursor *next = weiri_rows_merge_next(self->cursors, n_inputs);
        while (next != NULL && batch.n_events < BATCH_EVENTS) {
            add_to_batch(self, next, &batch);
            next = weiri_rows_merge_next(self->cursors, n_inputs);
        }
        if (batch.n_events == 0) {
            return WEIR_OK;
        }
        self->n_events += batch.n_events;
        weir_status status = weiri_matcher_feed(self->matcher, &batch, err);
        if (status != WEIR_OK) {
            return status;
        }
    }
}

static weir_status
match_one_input(weiri_rule_actor *self, const weiri_rows_list *rows, weir_error *err)
{
    for (uint32_t i = 0; i < rows->n; i++) {
        weiri_part  part  = { .input = 0, .rows = rows->items[i] };
        weiri_batch batch = { .parts = &part, .n_parts = 1, .n_events = part.rows.n };
        self->n_events += part.rows.n;
        weir_status status = weiri_matcher_feed(self->matcher, &batch, err);
        if (status != WEIR_OK) {
            return status;
        }
    }
    return WEIR_OK;
}

/* ---- both ---- */

static weir_status
run_all_queries(weiri_rule_actor *self, const weiri_rows_list *rows)
{
    for (uint32_t i = 0; i < rows->n; i++) {
        self->n_events += rows->items[i].n;
        weir_status status = run_query(self, rows->items[i]);
        if (status != WEIR_OK) {
            return status;
        }
    }
    return WEIR_OK;
}

static weir_status
flush(weiri_rule_actor *self, weir_error *err)
{
    weir_status status = weiri_collector_flush(&self->emitted);
    if (status == WEIR_OK) {
        status = weiri_collector_flush(&self->timeouts);
    }
    return status == WEIR_OK ? status
                             : WEIR_FAIL(err, status, "rule '%s'", self->rule->name);
}

weir_status
weiri_rule_actor_run(weiri_rule_actor *self, const weiri_rows_list *const *inputs,
    int64_t watermark_ns, weir_error *err)
{
    weir_status status = WEIR_OK;
    if (self->matcher == NULL) {
        status = run_all_queries(self, inputs[0]);
    } else {
        status = self->rule->match->n_inputs == 1 ? match_one_input(self, inputs[0], err)
                                                  : match_merged(self, inputs, err);
        if (status == WEIR_OK) {
            status = weiri_matcher_advance(self->matcher, watermark_ns, err);
        }
    }
    return status == WEIR_OK ? flush(self, err)
                             : WEIR_FAIL(err, status, "rule '%s': %s", self->rule->name,
                                 status == WEIR_EFULL
                                     ? "an emitted event is too large, or too many wait"
                                     : weir_status_text(status));
}

int64_t
weiri_rule_actor_next_deadline(const weiri_rule_actor *self)
{
    return self->matcher == NULL ? INT64_MAX : weiri_matcher_next_deadline(self->matcher);
}

weir_status
weiri_rule_actor_finish(weiri_rule_actor *self, weir_error *err)
{
    if (self->matcher != NULL) {
        weir_status status = weiri_matcher_finish(self->matcher, err);
        if (status != WEIR_OK) {
            return WEIR_CONTEXT(err, status, "rule '%s'", self->rule->name);
        }
    }
    return flush(self, err);
}

/* ---- making and ending ---- */

static void
init_collector(
    weiri_collector *collector, const weiri_rule_config *config, const weiri_emit *emit)
{
    *collector = (weiri_collector){
        .schema = emit->schema,
        .used   = config->plan->streams[emit->stream].used,
        .to     = config->streams[emit->stream],
        .order  = (uint64_t)config->index << ORDER_BITS,
    };
}

static weir_status
init_match(const weiri_rule_config *config, weiri_rule_actor *self, weir_error *err)
{
    const weiri_match *match = self->rule->match;
    if (match->on_timeout != NULL && match->on_timeout->stream != match->emit->stream) {
        init_collector(&self->timeouts, config, match->on_timeout);
    }
    self->cursors = calloc(match->n_inputs, sizeof *self->cursors);
    self->inputs  = calloc(match->n_inputs, sizeof *self->inputs);
    if (match->n_inputs > 1) {
        self->parts = calloc(BATCH_EVENTS, sizeof *self->parts);
        self->order = calloc(BATCH_EVENTS, sizeof *self->order);
    }
    if (self->cursors == NULL || self->inputs == NULL
        || (match->n_inputs > 1 && (self->parts == NULL || self->order == NULL))) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "rule '%s'", self->rule->name);
    }
    const weiri_match_sink sink   = { .context = self, .emitted = on_emitted };
    weir_status            status = weiri_matcher_new(match, &sink, &self->matcher, err);
    return status == WEIR_OK ? status
                             : WEIR_CONTEXT(err, status, "rule '%s'", self->rule->name);
}

static weir_status
init_query(weiri_rule_actor *self, weir_error *err)
{
    const weiri_query *query    = self->rule->query;
    uint32_t           n_values = query->emit->schema->n_fields;
    weir_status        status   = WEIR_OK;
    self->columns               = calloc(n_values + 1, sizeof *self->columns);
    self->picked_fields         = calloc(query->schema->n_fields + 1, sizeof(bool));
    self->row                   = calloc(n_values + 1, sizeof *self->row);
    if (self->columns == NULL || self->picked_fields == NULL || self->row == NULL) {
        status = WEIR_ENOMEM;
    }
    if (status == WEIR_OK && query->where != NULL) {
        status = weiri_program_new_narrow(&query->where, 1, &self->where);
    }
    if (status == WEIR_OK) {
        status = weiri_program_new_narrow(query->emit->values, n_values, &self->values);
    }
    for (uint32_t i = 0; i < n_values && status == WEIR_OK; i++) {
        weiri_expr_mark_fields(query->emit->values[i], self->picked_fields);
    }
    return status == WEIR_OK ? status
                             : WEIR_FAIL(err, status, "rule '%s'", self->rule->name);
}

weir_status
weiri_rule_actor_new(
    const weiri_rule_config *config, weiri_rule_actor **out, weir_error *err)
{
    weiri_rule_actor *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    self->plan = config->plan;
    self->rule = &config->plan->rules[config->index];
    weir_status status;
    if (self->rule->match != NULL) {
        init_collector(&self->emitted, config, self->rule->match->emit);
        status = init_match(config, self, err);
    } else {
        init_collector(&self->emitted, config, self->rule->query->emit);
        status = init_query(self, err);
    }
    if (status != WEIR_OK) {
        weiri_rule_actor_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_rule_actor_destroy(weiri_rule_actor **self_p)
{
    weiri_rule_actor *self = *self_p;
    if (self == NULL) {
        return;
    }
    const weir_chunk *picked = self->picked;
    weir_chunk_unref(&picked);
    weiri_collector_fini(&self->emitted);
    weiri_collector_fini(&self->timeouts);
    weiri_matcher_destroy(&self->matcher);
    weiri_program_destroy(&self->where);
    weiri_program_destroy(&self->values);
    free(self->cursors);
    free(self->inputs);
    free(self->parts);
    free(self->order);
    free(self->columns);
    free(self->row);
    free(self->picked_fields);
    free(self);
    *self_p = NULL;
}
