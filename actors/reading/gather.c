#include "weiri/gather.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/exprtext.h"
#include "weiri/rows_merge.h"

enum { MAX_EVENTS = 1 << 20, FEW_ROWS = 64 };

struct weiri_gather {
    weiri_arena        *arena;
    const weiri_plan   *plan;
    const weiri_match  *match;
    const char         *key;  /* NULL: all */
    weiri_program     **keys; /* of each input, NULL without keys */
    weiri_rows_cursor  *cursors;
    weir_chunk        **open;   /* of each input: being filled, NULL: none */
    const weir_chunk  **chunks; /* all of them */
    uint32_t            n_chunks;
    weiri_gathered     *gathered;
    uint32_t            n_gathered;
    uint32_t           *n_orders; /* of each gathered */
    uint32_t            n_order_lists;
    weiri_trace_event  *lates;
    uint32_t            n_lates;
    uint64_t            n_events;
    weiri_gather_event *listener;
    void               *context;
};

const weiri_match *
weiri_inputs_of(weiri_arena *arena, const weiri_rule *rule)
{
    if (rule->match != NULL) {
        return rule->match;
    }
    const weiri_query *query  = rule->query;
    weiri_match       *inputs = weiri_arena_alloc(arena, sizeof *inputs);
    weiri_match_input *input  = weiri_arena_alloc(arena, sizeof *input);
    *input  = (weiri_match_input){ .stream = query->stream, .schema = query->schema };
    *inputs = (weiri_match){ .inputs = input, .n_inputs = 1 };
    if (query->window != NULL) {
        input->keys    = query->window->keys;
        inputs->n_keys = query->window->n_keys;
    }
    return inputs;
}

/* ---- keys ---- */

/* NULL: a value of it is null. In `arena`. */
static const char *
key_of(weiri_gather *self, weiri_arena *arena, uint32_t input, const weir_chunk *chunk,
    uint32_t row)
{
    uint32_t    n       = self->match->n_keys;
    weir_value *values  = weiri_arena_alloc(arena, (n + (size_t)1) * sizeof *values);
    bool        is_null = false;
    for (uint32_t i = 0; i < n && !is_null; i++) {
        values[i] = weiri_program_eval(self->keys[input], i, chunk, row, NULL);
        is_null   = values[i].is_null;
    }
    const char *text = is_null ? NULL : weiri_key_text(arena, values, n);
    if (self->match->n_keys > 0) {
        weiri_program_forget(self->keys[input]);
    }
    return text;
}

static weiri_gathered *
find(weiri_gather *self, const char *key)
{
    for (uint32_t i = 0; i < self->n_gathered; i++) {
        if (strcmp(self->gathered[i].key, key) == 0) {
            return &self->gathered[i];
        }
    }
    weiri_gathered made = { .key = weiri_arena_text(self->arena, key, strlen(key)) };
    WEIRI_ARENA_PUSH(self->arena, self->gathered, self->n_gathered, made);
    return &self->gathered[self->n_gathered - 1];
}

/* ---- events ---- */

/* Room for a row of an input: the chunk that is being filled, or a new one. */
static weir_status
open_chunk(weiri_gather *self, uint32_t input, bool is_fresh)
{
    weir_chunk *open = self->open[input];
    if (open != NULL && !is_fresh && open->n_rows < open->capacity) {
        return WEIR_OK;
    }
    const weiri_match_input *of     = &self->match->inputs[input];
    weir_status              status = weiri_chunk_new_small(
                     of->schema, self->plan->streams[of->stream].used, FEW_ROWS, &self->open[input]);
    if (status == WEIR_OK) {
        WEIRI_ARENA_PUSH(self->arena, self->chunks, self->n_chunks, self->open[input]);
    }
    return status;
}

static weir_status
copy_row(weiri_gather *self, uint32_t input, const weir_chunk *chunk, uint32_t row,
    weiri_trace_event *out)
{
    weir_status status = open_chunk(self, input, false);
    if (status == WEIR_OK) {
        status = weir_chunk_append(self->open[input], chunk, row);
    }
    if (status == WEIR_EFULL) {
        status = open_chunk(self, input, true);
        if (status == WEIR_OK) {
            status = weir_chunk_append(self->open[input], chunk, row);
        }
    }
    *out = (weiri_trace_event){ .input = input, .chunk = self->open[input] };
    if (status == WEIR_OK) {
        out->row     = self->open[input]->n_rows - 1;
        out->time_ns = chunk->time[row];
    }
    return status;
}

static weir_status
keep(weiri_gather *self, uint32_t input, const weir_chunk *chunk, uint32_t row,
    const char *key, weir_error *err)
{
    weiri_gathered   *to = find(self, key);
    weiri_trace_event event;
    if (to->n == MAX_EVENTS) {
        return WEIR_FAIL(
            err, WEIR_EFULL, "more than %d events of key '%s'", MAX_EVENTS, key);
    }
    weir_status status = copy_row(self, input, chunk, row, &event);
    if (status != WEIR_OK) {
        return WEIR_FAIL(err, status, "%s", weir_status_text(status));
    }
    to->orders = weiri_arena_room(self->arena, to->orders, to->n, sizeof *to->orders);
    to->orders[to->n] = self->n_events;
    WEIRI_ARENA_PUSH(self->arena, to->events, to->n, event);
    return WEIR_OK;
}

static weir_status
take(weiri_gather *self, uint32_t input, const weir_chunk *chunk, uint32_t row,
    weir_error *err)
{
    weiri_arena *scratch = weiri_arena_new();
    if (scratch == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    const char *key    = key_of(self, scratch, input, chunk, row);
    weir_status status = WEIR_OK;
    if (key != NULL && (self->key == NULL || strcmp(self->key, key) == 0)) {
        status = keep(self, input, chunk, row, key, err);
    }
    if (status == WEIR_OK && self->listener != NULL) {
        status =
            self->listener(self->context, input, chunk, row, self->n_events, key, err);
    }
    self->n_events++;
    weiri_arena_destroy(&scratch);
    return status;
}

weir_status
weiri_gather_rows(weiri_gather *self, const weiri_rows_list *rows, weir_error *err)
{
    const weiri_match *match  = self->match;
    weir_status        status = WEIR_OK;
    for (uint32_t i = 0; i < match->n_inputs; i++) {
        uint32_t stream = weiri_plan_place(self->plan, match->inputs[i].stream);
        weiri_rows_cursor_init(&self->cursors[i], &rows[match->inputs[i].stream],
            self->plan->streams[stream].rank, stream);
    }
    weiri_rows_cursor *next = weiri_rows_merge_next(self->cursors, match->n_inputs);
    while (next != NULL && status == WEIR_OK) {
        status = take(self, (uint32_t)(next - self->cursors),
            next->list->items[next->range].chunk, next->row, err);
        (void)weiri_rows_cursor_step(next);
        next = weiri_rows_merge_next(self->cursors, match->n_inputs);
    }
    return status;
}

/* ---- late events ---- */

/* The fields of a late event under its own time, which stands behind them. */
static weir_status
copy_late(weiri_gather *self, uint32_t input, const weir_chunk *chunk, uint32_t row,
    weiri_trace_event *out)
{
    const weir_schema *schema   = self->match->inputs[input].schema;
    weir_value         original = weir_chunk_get(chunk, row, schema->n_fields);
    weir_status        status   = open_chunk(self, input, true);
    weir_chunk        *to       = self->open[input];
    for (uint32_t f = 0; f < schema->n_fields && status == WEIR_OK; f++) {
        weir_value value = weir_chunk_get(chunk, row, f);
        status           = weir_chunk_set(
                      to, 0, f, (int32_t)f == schema->time_field ? &original : &value);
    }
    if (status == WEIR_OK) {
        to->time[0]  = original.as.i;
        to->order[0] = 0;
        to->n_rows   = 1;
        *out         = (weiri_trace_event){
                    .input = input, .chunk = to, .row = 0, .time_ns = original.as.i
        };
    }
    return status;
}

weir_status
weiri_gather_late(weiri_gather *self, uint32_t input, const weir_chunk *chunk,
    uint32_t row, weir_error *err)
{
    weiri_trace_event event;
    weir_status       status = copy_late(self, input, chunk, row, &event);
    if (status != WEIR_OK) {
        return WEIR_FAIL(err, status, "%s", weir_status_text(status));
    }
    const char *key = key_of(self, self->arena, input, event.chunk, event.row);
    if (key != NULL && (self->key == NULL || strcmp(self->key, key) == 0)) {
        WEIRI_ARENA_PUSH(self->arena, self->lates, self->n_lates, event);
    }
    return WEIR_OK;
}

static int
by_time(const void *a, const void *b)
{
    const weiri_trace_event *x = a;
    const weiri_trace_event *y = b;
    return (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

const weiri_trace_event *
weiri_gather_lates(weiri_gather *self, uint32_t *n)
{
    *n = self->n_lates;
    if (self->n_lates > 1) {
        qsort(self->lates, self->n_lates, sizeof *self->lates, by_time);
    }
    return self->lates;
}

/* ---- life ---- */

const weiri_gathered *
weiri_gather_keys(const weiri_gather *self, uint32_t *n)
{
    *n = self->n_gathered;
    return self->gathered;
}

void
weiri_gather_listen(weiri_gather *self, weiri_gather_event *listener, void *context)
{
    self->listener = listener;
    self->context  = context;
}

static weir_status
prepare(weiri_gather *self)
{
    const weiri_match *match = self->match;
    size_t             n     = match->n_inputs + (size_t)1;
    self->keys    = weiri_arena_alloc(self->arena, n * sizeof(weiri_program *));
    self->cursors = weiri_arena_alloc(self->arena, n * sizeof *self->cursors);
    self->open    = weiri_arena_alloc(self->arena, n * sizeof(weir_chunk *));
    for (uint32_t i = 0; i < match->n_inputs && match->n_keys > 0; i++) {
        weir_status status = weiri_program_new_narrow(
            match->inputs[i].keys, match->n_keys, &self->keys[i]);
        if (status != WEIR_OK) {
            return status;
        }
    }
    return WEIR_OK;
}

weir_status
weiri_gather_new(const weiri_plan *plan, const weiri_rule *rule, const char *key,
    weiri_gather **out, weir_error *err)
{
    weiri_gather *self  = calloc(1, sizeof *self);
    weiri_arena  *arena = weiri_arena_new();
    if (self == NULL || arena == NULL) {
        free(self);
        weiri_arena_destroy(&arena);
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    self->arena        = arena;
    self->plan         = plan;
    self->match        = rule->match;
    self->key          = key;
    weir_status status = prepare(self);
    if (status != WEIR_OK) {
        weiri_gather_destroy(&self);
        return WEIR_FAIL(err, status, "%s", weir_status_text(status));
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_gather_destroy(weiri_gather **self_p)
{
    weiri_gather *self = *self_p;
    *self_p            = NULL;
    if (self == NULL) {
        return;
    }
    for (uint32_t i = 0; self->keys != NULL && i < self->match->n_inputs; i++) {
        weiri_program_destroy(&self->keys[i]);
    }
    for (uint32_t i = 0; i < self->n_chunks; i++) {
        weir_chunk_unref(&self->chunks[i]);
    }
    weiri_arena_destroy(&self->arena);
    free(self);
}
