/* A match: the matcher, fed with the ordered batch of its inputs.
 *
 * The rows of several inputs are merged in the total order (time, rank of the stream,
 * order in the stream) as places in a batch; the rows themselves stay where they are.
 */
#include <stdlib.h>

#include "host.h"
#include "weiri/limits.h"
#include "weiri/rows_merge.h"

enum { BATCH_EVENTS = 4 * WEIRI_CHUNK_ROWS };

/* One input of a match. */
struct input {
    uint32_t part; /* of the range that the merge stands in, if is_in_batch */
    bool     is_in_batch;
};

struct match_host {
    weiri_host_frame   frame;
    weiri_matcher     *matcher;
    weiri_rows_cursor *cursors; /* shape (n_inputs,)      */
    struct input      *inputs;  /* shape (n_inputs,)      */
    weiri_part        *parts;   /* shape (BATCH_EVENTS,)  */
    weiri_place       *order;   /* shape (BATCH_EVENTS,)  */
};

static weir_status
on_emitted(void *context, bool is_timeout, int64_t time_ns, const weir_value *values)
{
    struct match_host *self     = context;
    bool               is_apart = is_timeout && self->frame.timeouts->schema != NULL;
    return weiri_collector_add(
        is_apart ? self->frame.timeouts : self->frame.emitted, time_ns, values);
}

/* Put the next event into the batch; its range becomes a part with its first row. */
static void
add_to_batch(struct match_host *self, weiri_rows_cursor *cursor, weiri_batch *batch)
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
open_cursors(struct match_host *self, const weiri_rows_list *const *inputs)
{
    const weiri_match *match = self->frame.rule->match;
    for (uint32_t i = 0; i < match->n_inputs; i++) {
        uint32_t stream = weiri_plan_place(self->frame.plan, match->inputs[i].stream);
        weiri_rows_cursor_init(
            &self->cursors[i], inputs[i], self->frame.plan->streams[stream].rank, stream);
    }
}

static weir_status
match_merged(
    struct match_host *self, const weiri_rows_list *const *inputs, weir_error *err)
{
    uint32_t n_inputs = self->frame.rule->match->n_inputs;
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
        *self->frame.n_events += batch.n_events;
        weir_status status = weiri_matcher_feed(self->matcher, &batch, err);
        if (status != WEIR_OK) {
            return status;
        }
    }
}

static weir_status
match_one_input(struct match_host *self, const weiri_rows_list *rows, weir_error *err)
{
    for (uint32_t i = 0; i < rows->n; i++) {
        weiri_part  part  = { .input = 0, .rows = rows->items[i] };
        weiri_batch batch = { .parts = &part, .n_parts = 1, .n_events = part.rows.n };
        *self->frame.n_events += part.rows.n;
        weir_status status = weiri_matcher_feed(self->matcher, &batch, err);
        if (status != WEIR_OK) {
            return status;
        }
    }
    return WEIR_OK;
}

static weir_status
feed(void *context, const weiri_rows_list *const *inputs, weir_error *err)
{
    struct match_host *self = context;
    return self->frame.rule->match->n_inputs == 1 ? match_one_input(self, inputs[0], err)
                                                  : match_merged(self, inputs, err);
}

static weir_status
advance(void *context, int64_t watermark_ns, weir_error *err)
{
    struct match_host *self = context;
    return weiri_matcher_advance(self->matcher, watermark_ns, err);
}

static int64_t
next_deadline(const void *self)
{
    const struct match_host *host = self;
    return weiri_matcher_next_deadline(host->matcher);
}

static weir_status
finish(void *context, weir_error *err)
{
    struct match_host *self = context;
    return weiri_matcher_finish(self->matcher, err);
}

static void
count(const void *context, weiri_rule_counts *counts)
{
    const struct match_host *self = context;
    counts->match                 = weiri_matcher_counts(self->matcher);
    counts->position              = weiri_matcher_position(self->matcher);
}

static weir_status
save(const void *context, weiri_keyed *out, weir_error *err)
{
    const struct match_host *self = context;
    return weiri_matcher_save(self->matcher, out, err);
}

static weir_status
load(void *context, const weiri_keyed_load *from, weir_error *err)
{
    struct match_host *self = context;
    return weiri_matcher_load(self->matcher, from, err);
}

static weir_status
make(const weiri_host_frame *frame, void **out, weir_error *err)
{
    const weiri_match *match = frame->rule->match;
    struct match_host *self  = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    *out          = self;
    self->frame   = *frame;
    self->cursors = calloc(match->n_inputs, sizeof *self->cursors);
    self->inputs  = calloc(match->n_inputs, sizeof *self->inputs);
    if (match->n_inputs > 1) {
        self->parts = calloc(BATCH_EVENTS, sizeof *self->parts);
        self->order = calloc(BATCH_EVENTS, sizeof *self->order);
    }
    if (self->cursors == NULL || self->inputs == NULL
        || (match->n_inputs > 1 && (self->parts == NULL || self->order == NULL))) {
        return WEIR_ENOMEM;
    }
    const weiri_match_sink sink = {
        .context = self, .emitted = on_emitted, .trigger = frame->trigger
    };
    return weiri_matcher_new(match, &sink, &self->matcher, err);
}

static void
destroy(void *context)
{
    struct match_host *self = context;
    weiri_matcher_destroy(&self->matcher);
    free(self->cursors);
    free(self->inputs);
    free(self->parts);
    free(self->order);
    free(self);
}

static weir_status
inspect(const void *context, const weiri_inspector *inspector, bool *is_whole,
    weir_error *err)
{
    const struct match_host *self = context;
    return weiri_matcher_inspect(self->matcher, inspector, is_whole, err);
}

const weiri_host_ops weiri_match_host = { make, destroy, feed, advance, next_deadline,
    finish, count, save, load, NULL, NULL, inspect };
