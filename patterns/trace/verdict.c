/* A query's window beside itself without what holds results back. */
#include "weiri/verdict.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/exprtext.h"

enum { MOST_VERDICTS = 1 << 20 };

/* A result of the window as it is, to be found among the verdicts. */
typedef struct given {
    int64_t     time_ns;
    uint64_t    number;
    weir_value *all; /* shape (n_fields of the schema,) */
} given;

struct weiri_verdicts {
    weiri_arena       *arena;
    const weiri_query *plan;
    const char        *key;
    const weiri_expr **terms;
    uint32_t           n_terms;
    /* both windows give the plan's aggregates, then what follows, then what is emitted */
    uint32_t              first_key;
    uint32_t              first_term;
    uint32_t              first_made;
    weir_schema           schema;
    weiri_emit            emit;
    weiri_query           as_it_is;
    weiri_query           open; /* without what holds back */
    weiri_window          windows[2];
    weiri_windower       *given_by;
    weiri_windower       *open_by;
    weiri_verdict        *items;
    uint32_t              n;
    weir_value          **alls; /* of each verdict: all that the open window gave */
    uint32_t              n_alls;
    given                *given;
    uint32_t              n_given; /* of the key                    */
    uint64_t              number;  /* of all keys                   */
    uint64_t              n_fed;   /* rows of the key that were let in */
    weiri_program        *where;
    bool                  is_full;
    weiri_verdicts_given *listener;
    void                 *context;
};

/* What follows the plan's aggregates, behind its keys. */
enum { START, END, ROWS, N_ADDED };

/* ---- what the windows give ---- */

static weir_value *
keep_values(weiri_verdicts *self, const weir_value *values)
{
    uint32_t    n    = self->schema.n_fields;
    weir_value *kept = weiri_arena_alloc(self->arena, (n + (size_t)1) * sizeof *kept);
    for (uint32_t i = 0; i < n; i++) {
        kept[i]      = values[i];
        bool is_text = values[i].type == WEIR_STRING || values[i].type == WEIR_LIST;
        if (is_text && !values[i].is_null) {
            kept[i].as.s = weiri_arena_text(self->arena, values[i].as.s, values[i].size);
        }
    }
    return kept;
}

static const char *
key_of(const weiri_verdicts *self, weiri_arena *arena, const weir_value *values)
{
    return weiri_key_text(arena, values + self->first_key, self->plan->window->n_keys);
}

/* Whether a result is of the key; WEIR_ENOMEM is a "no" that shows elsewhere. */
static bool
is_of_key(const weiri_verdicts *self, const weir_value *values)
{
    weiri_arena *scratch = weiri_arena_new();
    bool         is_it   = scratch != NULL && self->key != NULL
                 && strcmp(key_of(self, scratch, values), self->key) == 0;
    weiri_arena_destroy(&scratch);
    return is_it;
}

static weir_status
on_open(void *context, int64_t time_ns, const weir_value *values)
{
    weiri_verdicts *self = context;
    if (!is_of_key(self, values)) {
        return WEIR_OK;
    }
    if (self->n == MOST_VERDICTS) {
        self->is_full = true;
        return WEIR_EFULL;
    }
    weir_value       *all   = keep_values(self, values);
    const weir_value *added = all + self->first_key + self->plan->window->n_keys;
    weiri_verdict     made  = { .time_ns = time_ns,
             .start_ns                   = added[START].as.i,
             .end_ns                     = added[END].as.i,
             .n_rows                     = (uint64_t)added[ROWS].as.i,
             .n_fed                      = self->n_fed,
             .values                     = all,
             .terms                      = all + self->first_term,
             .made                       = all + self->first_made };
    WEIRI_ARENA_PUSH(self->arena, self->items, self->n, made);
    WEIRI_ARENA_PUSH(self->arena, self->alls, self->n_alls, all);
    return WEIR_OK;
}

static weir_status
on_given(void *context, int64_t time_ns, const weir_value *values)
{
    weiri_verdicts *self    = context;
    weir_status     status  = WEIR_OK;
    weiri_arena    *scratch = weiri_arena_new();
    if (scratch == NULL) {
        return WEIR_ENOMEM;
    }
    const char *key = key_of(self, scratch, values);
    self->number++;
    if (self->listener != NULL) {
        status = self->listener(
            self->context, self->number, key, time_ns, values + self->first_made);
    }
    if (status == WEIR_OK && self->key != NULL && strcmp(key, self->key) == 0) {
        given g = { time_ns, self->number, keep_values(self, values) };
        WEIRI_ARENA_PUSH(self->arena, self->given, self->n_given, g);
    }
    weiri_arena_destroy(&scratch);
    return status;
}

/* ---- making the two ---- */

static void
add_aggregate(weiri_window *window, weiri_aggregate aggregate)
{
    window->aggregates[window->n_aggregates++] = aggregate;
}

/* The plan's window with its key and its bounds among the aggregates. */
static weiri_window
with_more(weiri_verdicts *self, const weiri_window *plan)
{
    size_t       n      = plan->n_aggregates + (size_t)plan->n_keys + N_ADDED;
    weiri_window window = *plan;
    window.aggregates   = weiri_arena_alloc(self->arena, n * sizeof *window.aggregates);
    if (plan->n_aggregates > 0) {
        memcpy(window.aggregates, plan->aggregates,
            plan->n_aggregates * sizeof *plan->aggregates);
    }
    for (uint32_t i = 0; i < plan->n_keys; i++) {
        add_aggregate(&window, (weiri_aggregate){ .kind = WEIRI_AGGREGATE_KEY,
                                   .index               = i,
                                   .type                = plan->keys[i]->type,
                                   .is_nullable         = plan->keys[i]->is_nullable });
    }
    add_aggregate(
        &window, (weiri_aggregate){ .kind = WEIRI_AGGREGATE_START, .type = WEIR_TIME });
    add_aggregate(
        &window, (weiri_aggregate){ .kind = WEIRI_AGGREGATE_END, .type = WEIR_TIME });
    add_aggregate(
        &window, (weiri_aggregate){ .kind = WEIRI_AGGREGATE_COUNT, .type = WEIR_INT });
    return window;
}

static void
make_emit(weiri_verdicts *self)
{
    const weiri_window *window = &self->windows[0];
    const weiri_emit   *emit   = self->plan->emit;
    uint32_t            n      = window->n_aggregates + self->n_terms;
    uint32_t            n_all  = n + emit->schema->n_fields;
    const weiri_expr  **values =
        weiri_arena_alloc(self->arena, (n_all + (size_t)1) * sizeof *values);
    weir_field *fields =
        weiri_arena_alloc(self->arena, (n_all + (size_t)1) * sizeof *fields);
    for (uint32_t i = 0; i < window->n_aggregates; i++) {
        const weiri_aggregate *a = &window->aggregates[i];
        values[i] =
            weiri_expr_register(self->arena, i, a->type, a->element, a->is_nullable);
    }
    for (uint32_t i = 0; i < self->n_terms; i++) {
        values[window->n_aggregates + i] = self->terms[i];
    }
    for (uint32_t i = 0; i < emit->schema->n_fields; i++) {
        values[n + i] = emit->values[i];
    }
    for (uint32_t i = 0; i < n_all; i++) {
        fields[i] = (weir_field){ .name = "",
            .type                       = values[i]->type,
            .is_nullable                = true,
            .element                    = values[i]->element };
    }
    self->first_key  = self->plan->window->n_aggregates;
    self->first_term = window->n_aggregates;
    self->first_made = n;
    self->schema     = (weir_schema){
            .name = "verdict", .fields = fields, .n_fields = n_all, .time_field = -1
    };
    self->emit = (weiri_emit){ .schema = &self->schema, .values = values };
}

static void
make_plans(weiri_verdicts *self)
{
    const weiri_query *plan = self->plan;
    self->n_terms    = weiri_expr_terms(self->arena, plan->window->having, &self->terms);
    self->windows[0] = with_more(self, plan->window);
    self->windows[1] = self->windows[0];
    self->windows[1].having      = NULL;
    self->windows[1].has_changes = false;
    self->windows[1].is_reset    = false;
    self->windows[1].limit       = 0;
    self->windows[1].limit_ns    = -1;
    self->windows[1].order_limit = 0;
    make_emit(self);
    self->as_it_is        = *plan;
    self->as_it_is.emit   = &self->emit;
    self->as_it_is.window = &self->windows[0];
    self->open            = self->as_it_is;
    self->open.window     = &self->windows[1];
}

/* A window that was emptied begins anew. */
static weir_status
begin_open(weiri_verdicts *self, weir_error *err)
{
    const weiri_window_sink sink = { .context = self, .emitted = on_open };
    weiri_windower_destroy(&self->open_by);
    return weiri_windower_new(&self->open, &sink, &self->open_by, err);
}

static weir_status
prepare(weiri_verdicts *self, weir_error *err)
{
    const weiri_window_sink sink   = { .context = self, .emitted = on_given };
    weir_status             status = WEIR_OK;
    make_plans(self);
    if (self->windows[0].n_aggregates > WEIRI_AGGREGATES) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "a rule with %u aggregates and %u values in its key is too wide to tell of",
            self->plan->window->n_aggregates, self->plan->window->n_keys);
    }
    if (self->plan->where != NULL) {
        status = weiri_program_new_narrow(&self->plan->where, 1, &self->where);
    }
    if (status == WEIR_OK) {
        status = weiri_windower_new(&self->as_it_is, &sink, &self->given_by, err);
    }
    return status == WEIR_OK ? begin_open(self, err) : status;
}

weir_status
weiri_verdicts_new(
    const weiri_query *plan, const char *key, weiri_verdicts **out, weir_error *err)
{
    weiri_verdicts *self  = calloc(1, sizeof *self);
    weiri_arena    *arena = weiri_arena_new();
    if (self == NULL || arena == NULL) {
        free(self);
        weiri_arena_destroy(&arena);
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the story of a window");
    }
    self->arena        = arena;
    self->plan         = plan;
    self->key          = key;
    weir_status status = prepare(self, err);
    if (status != WEIR_OK) {
        weiri_verdicts_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_verdicts_destroy(weiri_verdicts **self_p)
{
    weiri_verdicts *self = *self_p;
    *self_p              = NULL;
    if (self == NULL) {
        return;
    }
    weiri_windower_destroy(&self->given_by);
    weiri_windower_destroy(&self->open_by);
    weiri_program_destroy(&self->where);
    weiri_arena_destroy(&self->arena);
    free(self);
}

/* ---- running them ---- */

static weir_status
judged(const weiri_verdicts *self, weir_status status, weir_error *err)
{
    return self->is_full ? WEIR_FAIL(err, WEIR_EFULL,
               "more than %d results of the key: too many to tell of", MOST_VERDICTS)
                         : status;
}

/* Whether `where` lets the row in. */
static bool
is_let_in(const weiri_verdicts *self, const weir_chunk *chunk, uint32_t row)
{
    if (self->where == NULL) {
        return true;
    }
    weir_value value = weiri_program_eval(self->where, 0, chunk, row, NULL);
    bool       is_in = !value.is_null && value.as.b;
    weiri_program_forget(self->where);
    return is_in;
}

bool
weiri_verdicts_want_all(const weiri_verdicts *self)
{
    return self->key == NULL || !weiri_window_is_by_key(self->plan->window);
}

weir_status
weiri_verdicts_feed(weiri_verdicts *self, const weir_chunk *chunk, uint32_t row,
    bool is_of_key, weir_error *err)
{
    const weir_rows one      = { .chunk = chunk, .first = row, .n = 1 };
    bool            is_reset = self->plan->window->is_reset;
    weir_status     status   = WEIR_OK;
    uint32_t        n_given  = self->n_given;
    if (is_of_key && is_let_in(self, chunk, row)) {
        self->n_fed++;
    }
    if (self->key != NULL && (is_of_key || !is_reset)) {
        status = weiri_windower_feed(self->open_by, one, err);
    }
    if (status == WEIR_OK) {
        status = weiri_windower_feed(self->given_by, one, err);
    }
    if (status == WEIR_OK && is_reset && self->n_given > n_given) {
        status = begin_open(self, err);
    }
    return judged(self, status, err);
}

weir_status
weiri_verdicts_advance(weiri_verdicts *self, int64_t watermark_ns, weir_error *err)
{
    weir_status status = weiri_windower_advance(self->open_by, watermark_ns, err);
    if (status == WEIR_OK) {
        status = weiri_windower_advance(self->given_by, watermark_ns, err);
    }
    return judged(self, status, err);
}

/* ---- the verdicts ---- */

static bool
is_same_value(const weir_value *a, const weir_value *b)
{
    if (a->is_null || b->is_null) {
        return a->is_null && b->is_null;
    }
    if (a->type == WEIR_STRING || a->type == WEIR_LIST) {
        return a->size == b->size
               && (a->size == 0 || memcmp(a->as.s, b->as.s, a->size) == 0);
    }
    return a->type == WEIR_BOOL ? a->as.b == b->as.b : a->as.i == b->as.i;
}

static bool
is_same(const weiri_verdicts *self, uint32_t verdict, const given *g)
{
    bool is_same = self->items[verdict].time_ns == g->time_ns;
    for (uint32_t i = 0; i < self->first_term && is_same; i++) {
        is_same = is_same_value(&self->alls[verdict][i], &g->all[i]);
    }
    return is_same;
}

static bool
holds(const weiri_verdicts *self, const weiri_verdict *verdict)
{
    bool is_true = true;
    for (uint32_t i = 0; i < self->n_terms; i++) {
        is_true = is_true && !verdict->terms[i].is_null && verdict->terms[i].as.b;
    }
    return is_true;
}

weir_status
weiri_verdicts_finish(weiri_verdicts *self, bool is_end, weir_error *err)
{
    bool        was_true = false;
    uint32_t    next     = 0;
    weir_status status   = is_end ? weiri_windower_finish(self->open_by, err) : WEIR_OK;
    if (status == WEIR_OK && is_end) {
        status = weiri_windower_finish(self->given_by, err);
    }
    for (uint32_t i = 0; i < self->n; i++) {
        weiri_verdict *verdict = &self->items[i];
        bool           is_true = holds(self, verdict);
        if (is_true && next < self->n_given && is_same(self, i, &self->given[next])) {
            verdict->number = self->given[next++].number;
        } else if (!is_true) {
            verdict->held = WEIRI_HELD_HAVING;
        } else {
            verdict->held = self->plan->window->has_changes && was_true
                                ? WEIRI_HELD_CHANGES
                                : WEIRI_HELD_LIMIT;
        }
        was_true = is_true;
    }
    return judged(self, status, err);
}

const weiri_verdict *
weiri_verdicts_all(const weiri_verdicts *self, uint32_t *n)
{
    *n = self->n;
    return self->items;
}

uint32_t
weiri_verdicts_terms(const weiri_verdicts *self, const weiri_expr *const **out)
{
    *out = self->terms;
    return self->n_terms;
}

void
weiri_verdicts_listen(weiri_verdicts *self, weiri_verdicts_given *listener, void *context)
{
    self->listener = listener;
    self->context  = context;
}
