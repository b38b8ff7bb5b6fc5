/* Making a windower from its plan, and taking it down. */
#include "window/windower.h"

enum { MAX_PANES = WEIRI_WINDOW_PANES };

/* ---- checks ---- */

/* Windows from which rows leave one by one. */
static bool
has_rows(const weiri_window *window)
{
    return window->kind == WEIRI_WINDOW_SLIDING || window->kind == WEIRI_WINDOW_LAST;
}

/* Windows that give a result for each event. */
static bool
is_per_event(const weiri_window *window)
{
    return has_rows(window) || window->kind == WEIRI_WINDOW_ALL;
}

static int64_t
common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a            = b;
        b            = rest;
    }
    return a;
}

static weir_status
check_sizes(const weiri_window *window, weir_error *err)
{
    bool is_last    = window->kind == WEIRI_WINDOW_LAST;
    bool is_counted = is_last || window->kind == WEIRI_WINDOW_BATCH;
    bool is_hopping = window->kind == WEIRI_WINDOW_HOPPING;
    if (window->kind != WEIRI_WINDOW_ALL
        && (is_counted ? window->n_rows == 0 : window->width_ns <= 0)) {
        return WEIR_FAIL(err, WEIR_EINVAL, "a window's size must be above zero");
    }
    if (is_last && window->n_rows > WEIRI_WINDOW_ROWS) {
        return WEIR_FAIL(
            err, WEIR_EINVAL, "'last' takes at most %d rows", WEIRI_WINDOW_ROWS);
    }
    if (is_hopping && window->every_ns <= 0) {
        return WEIR_FAIL(err, WEIR_EINVAL, "'every' must be above zero");
    }
    if (is_hopping
        && window->width_ns / common_divisor(window->width_ns, window->every_ns)
               > MAX_PANES) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "a hopping window may have %d parts of the common divisor of its times",
            MAX_PANES);
    }
    if (window->n_aggregates > WEIRI_AGGREGATES) {
        return WEIR_FAIL(
            err, WEIR_EINVAL, "a rule may have %d aggregates", WEIRI_AGGREGATES);
    }
    if (window->limit_ns >= 0 && window->limit > WEIRI_LIMIT_COUNT) {
        return WEIR_FAIL(err, WEIR_EINVAL, "'limit' takes at most %d", WEIRI_LIMIT_COUNT);
    }
    return WEIR_OK;
}

static weir_status
check_linear(const weiri_window *window, weir_error *err)
{
    bool is_linear = window->kind == WEIRI_WINDOW_LINEAR;
    bool is_ok     = is_linear == (window->linear != 0);
    for (uint32_t a = 0; is_linear && a < window->n_aggregates; a++) {
        const weiri_aggregate *it = &window->aggregates[a];
        bool is_own    = it->kind == WEIRI_AGGREGATE_LAST && it->filter == NULL;
        bool is_filled = ((window->linear >> a) & 1) != 0;
        is_ok          = is_ok && (is_own || it->kind == WEIRI_AGGREGATE_KEY)
                && (!is_filled || (is_own && it->type == WEIR_FLOAT));
    }
    if (!is_ok || (is_linear && (window->has_changes || window->limit > 0))) {
        return WEIR_FAIL(err, WEIR_EINVAL, "filling takes floats, and gives each event");
    }
    return WEIR_OK;
}

static weir_status
check_calendar(const weiri_window *window, weir_error *err)
{
    bool is_tumbling = window->kind == WEIRI_WINDOW_TUMBLING;
    if (window->offset_ns != 0 && !is_tumbling && window->kind != WEIRI_WINDOW_HOPPING) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "'offset' goes with 'tumbling' and 'hopping' windows of a time");
    }
    if (window->offset_ns >= window->width_ns || -window->offset_ns >= window->width_ns) {
        return window->offset_ns == 0 ? WEIR_OK
                                      : WEIR_FAIL(err, WEIR_EINVAL,
                                          "an 'offset' is shorter than the window");
    }
    if (window->months > 0
        && (!is_tumbling || window->has_fill || window->has_changes
            || (window->limit > 0 && window->limit_ns >= 0))) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "'fill', 'when changes' and 'limit per' do not go with windows of the "
            "calendar; let a rule read what this one emits");
    }
    return WEIR_OK;
}

static weir_status
check_words(const weiri_window *window, weir_error *err)
{
    bool is_event = is_per_event(window);
    bool is_timed = !is_event && window->kind != WEIRI_WINDOW_BATCH
                    && window->kind != WEIRI_WINDOW_LINEAR;
    if ((window->is_before || window->is_reset) && !is_event) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "'before' and 'reset' go with 'sliding', 'last' and 'all' windows");
    }
    for (uint32_t a = 0; a < window->n_aggregates; a++) {
        if (window->aggregates[a].kind == WEIRI_AGGREGATE_LAG
            && window->kind != WEIRI_WINDOW_SLIDING
            && window->kind != WEIRI_WINDOW_LAST) {
            return WEIR_FAIL(
                err, WEIR_EINVAL, "'lag' goes with 'sliding' and 'last' windows");
        }
    }
    for (uint32_t a = 0; a < window->n_aggregates; a++) {
        const weiri_foreign *foreign = window->aggregates[a].foreign;
        if (foreign != NULL && foreign->table->merge == NULL
            && (window->kind == WEIRI_WINDOW_HOPPING || window->early_ns > 0)) {
            return WEIR_FAIL(err, WEIR_EINVAL,
                "'%s' has no merge, which 'hopping' windows and 'early' need",
                foreign->name);
        }
    }
    if (window->early_ns > 0 && !is_timed) {
        return WEIR_FAIL(
            err, WEIR_EINVAL, "'early' goes with windows that close as time passes");
    }
    if (window->has_fill && (!is_timed || window->kind == WEIRI_WINDOW_SESSION)) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "'fill' goes with 'tumbling' and 'hopping' windows of a time");
    }
    if ((window->n_order > 0 || window->order_limit > 0) && !is_timed) {
        return WEIR_FAIL(
            err, WEIR_EINVAL, "'order by' goes with windows that close as time passes");
    }
    weir_status status = check_calendar(window, err);
    return status == WEIR_OK ? check_linear(window, err) : status;
}

weir_status
weiri_window_check(const weiri_window *self, weir_error *err)
{
    weir_status status = check_sizes(self, err);
    return status == WEIR_OK ? check_words(self, err) : status;
}

bool
weiri_window_is_by_key(const weiri_window *self)
{
    bool is_early_twice = self->early_ns > 0 && self->kind != WEIRI_WINDOW_TUMBLING;
    return self->n_keys > 0 && self->n_order == 0 && self->order_limit == 0
           && (self->limit == 0 || self->limit_ns >= 0) && !self->has_fill
           && !is_early_twice && self->kind != WEIRI_WINDOW_BATCH && self->max_keys == 0;
}

/* ---- what expressions read ---- */

static uint64_t
registers_of(const weiri_expr *expr)
{
    if (expr->kind == WEIRI_EXPR_REGISTER) {
        return UINT64_C(1) << expr->as.reg;
    }
    uint64_t all = 0;
    if (expr->kind == WEIRI_EXPR_CALL) {
        for (uint32_t i = 0; i < expr->as.call.n_args; i++) {
            all |= registers_of(expr->as.call.args[i]);
        }
    }
    return all;
}

static bool
reads_event(const weiri_expr *expr)
{
    if (expr->kind == WEIRI_EXPR_FIELD || expr->kind == WEIRI_EXPR_TIME) {
        return true;
    }
    for (uint32_t i = 0; expr->kind == WEIRI_EXPR_CALL && i < expr->as.call.n_args; i++) {
        if (reads_event(expr->as.call.args[i])) {
            return true;
        }
    }
    return false;
}

/* ---- programs ---- */

typedef struct roots {
    const weiri_expr **items;
    uint32_t           n;
} roots;

/* The number of a root, added if it is not there. */
static uint32_t
need_root(roots *self, const weiri_expr *expr)
{
    if (expr == NULL) {
        return WEIRI_NONE;
    }
    for (uint32_t i = 0; i < self->n; i++) {
        const weiri_expr *other = self->items[i];
        if (other == expr
            || (other->kind == WEIRI_EXPR_FIELD && expr->kind == WEIRI_EXPR_FIELD
                && other->as.field == expr->as.field)) {
            return i;
        }
    }
    self->items[self->n] = expr;
    return self->n++;
}

/* Columns: where, keys, then what the aggregates read. Keys are not shared with where, so
 * that they stand together. */
static weir_status
make_columns(weiri_windower *self)
{
    const weiri_window *window = self->window;
    size_t              most   = 1 + window->n_keys + 3 * (size_t)window->n_aggregates;
    roots               all    = { malloc(most * sizeof(const weiri_expr *)), 0 };
    if (all.items == NULL) {
        return WEIR_ENOMEM;
    }
    if (self->plan->where != NULL) {
        all.items[all.n++] = self->plan->where;
    }
    self->key_root = all.n;
    for (uint32_t i = 0; i < window->n_keys; i++) {
        all.items[all.n++] = window->keys[i];
    }
    for (uint32_t a = 0; a < window->n_aggregates; a++) {
        self->x_root[a]      = need_root(&all, window->aggregates[a].argument);
        self->y_root[a]      = need_root(&all, window->aggregates[a].second);
        self->filter_root[a] = need_root(&all, window->aggregates[a].filter);
    }
    self->n_roots    = all.n;
    self->vectors    = calloc(all.n + 1, sizeof *self->vectors);
    self->root_cells = calloc(all.n + 1, sizeof(const weiri_cell *));
    self->cells = malloc((all.n + (size_t)1) * WEIRI_CHUNK_ROWS * sizeof *self->cells);
    weir_status status =
        self->vectors == NULL || self->root_cells == NULL || self->cells == NULL
            ? WEIR_ENOMEM
            : WEIR_OK;
    for (uint32_t i = 0; status == WEIR_OK && i < all.n; i++) {
        self->vectors[i].type = all.items[i]->type; /* rows may come as bytes first */
    }
    if (status == WEIR_OK && all.n > 0) {
        status = weiri_program_new(all.items, all.n, &self->columns);
    }
    free(all.items);
    return status;
}

/* Results: having, emit's values, order's values. */
static weir_status
make_results(weiri_windower *self, weir_error *err)
{
    const weiri_window *window   = self->window;
    const weiri_emit   *emit     = self->plan->emit;
    uint32_t            n_fields = emit->schema->n_fields;
    uint32_t            n        = 0;
    self->n_out                  = n_fields + window->n_order;
    const weiri_expr **all       = malloc((self->n_out + 1) * sizeof(const weiri_expr *));
    self->out                    = calloc(self->n_out + 1, sizeof *self->out);
    self->out_register           = calloc(self->n_out + 1, sizeof *self->out_register);
    if (all == NULL || self->out == NULL || self->out_register == NULL) {
        free(all);
        return WEIR_ENOMEM;
    }
    if (window->having != NULL) {
        all[n++]        = window->having;
        self->in_having = registers_of(window->having);
    }
    self->emit_root = n;
    for (uint32_t i = 0; i < n_fields; i++) {
        all[n++] = emit->values[i];
    }
    for (uint32_t i = 0; i < window->n_order; i++) {
        all[n++] = window->order[i].value;
    }
    for (uint32_t i = 0; i < self->n_out; i++) {
        const weiri_expr *value = all[self->emit_root + i];
        self->out_register[i] =
            value->kind == WEIRI_EXPR_REGISTER ? value->as.reg : WEIRI_NONE;
    }
    bool has_field = false;
    for (uint32_t i = 0; i < n; i++) {
        self->in_emit |= registers_of(all[i]);
        has_field = has_field || reads_event(all[i]);
    }
    self->in_emit &= ~self->in_having;
    weir_status status = WEIR_OK;
    if (has_field && !is_per_event(window)) {
        status = WEIR_FAIL(
            err, WEIR_EINVAL, "a closed window has no event whose fields could be read");
    } else if (n > 0) {
        status = weiri_program_new(all, n, &self->results);
    }
    free(all);
    return status;
}

/* ---- layout ---- */

static void
lay_out_row(weiri_windower *self, uint32_t a, const weiri_expr *expr, uint32_t root,
    uint32_t *word)
{
    *word = WEIRI_ROW_TIME;
    if (expr == NULL || self->window->aggregates[a].kind == WEIRI_AGGREGATE_COUNT) {
        return;
    }
    uint32_t i = 0;
    while (i < self->n_cells && self->cell_root[i] != root) {
        i++;
    }
    if (i == self->n_cells) {
        weir_type type                   = expr->type;
        self->has_text                   = self->has_text || weiri_cell_is_text(type);
        self->cell_root[self->n_cells++] = root;
    }
    *word = WEIRI_ROW_CELLS + i;
}

static void
lay_out(weiri_windower *self)
{
    const weiri_window *window = self->window;
    for (uint32_t a = 0; a < window->n_aggregates; a++) {
        const weiri_aggregate *plan = &window->aggregates[a];
        weiri_slide_spec      *spec = &self->slides[a];
        *spec                       = (weiri_slide_spec){ .plan = plan, .index = a };
        spec->type      = plan->argument == NULL ? WEIR_NULL : plan->argument->type;
        self->offset[a] = self->states_size;
        self->states_size +=
            has_rows(window) ? weiri_slide_size(plan) : weiri_tally_size(plan);
        if (plan->kind > WEIRI_AGGREGATE_END) {
            self->active[self->n_active++] = a;
            lay_out_row(self, a, plan->argument, self->x_root[a], &spec->x);
            lay_out_row(self, a, plan->second, self->y_root[a], &spec->y);
        }
        if (((window->linear >> a) & 1) != 0) {
            self->linear[self->n_linear++] = a;
        }
    }
    self->stride = WEIRI_ROW_CELLS + self->n_cells + (weiri_is_flowing(window) ? 1 : 0);
    for (uint32_t a = 0; a < window->n_aggregates; a++) {
        self->slides[a].stride = self->stride;
    }
}

static size_t
choose_kind(weiri_windower *self)
{
    const weiri_window *window = self->window;
    bool has_memory = window->has_fill || window->has_changes || window->limit_ns >= 0;
    switch (window->kind) {
    case WEIRI_WINDOW_TUMBLING:
        if (!has_memory) {
            self->ops = &weiri_tumbling_ops;
            return weiri_tumbling_entry_size(self);
        }
        self->ops     = &weiri_hopping_ops;
        self->pane_ns = window->width_ns;
        return weiri_hopping_entry_size(self);
    case WEIRI_WINDOW_HOPPING:
        self->ops     = &weiri_hopping_ops;
        self->pane_ns = common_divisor(window->width_ns, window->every_ns);
        return weiri_hopping_entry_size(self);
    case WEIRI_WINDOW_SESSION:
        self->ops = &weiri_session_ops;
        return weiri_session_entry_size(self);
    case WEIRI_WINDOW_ALL:
    case WEIRI_WINDOW_BATCH:
        self->ops = &weiri_running_ops;
        return weiri_running_entry_size(self);
    case WEIRI_WINDOW_LINEAR:
        self->ops = &weiri_linear_ops;
        return weiri_linear_entry_size(self);
    default:
        if (weiri_is_flowing(window)) {
            self->ops = &weiri_flowing_ops;
            return weiri_flowing_entry_size(self);
        }
        self->ops = &weiri_sliding_ops;
        return weiri_sliding_entry_size(self);
    }
}

static weir_status
make_table(weiri_windower *self)
{
    const weiri_window *window = self->window;
    self->key_types            = calloc(window->n_keys + 1, sizeof *self->key_types);
    self->batch.keys           = malloc(
                  (window->n_keys + 1) * (size_t)WEIRI_CHUNK_ROWS * sizeof *self->batch.keys);
    self->scratch = calloc(1, self->states_size + 1);
    if (self->key_types == NULL || self->batch.keys == NULL || self->scratch == NULL) {
        return WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < window->n_keys; i++) {
        self->key_types[i] = window->keys[i]->type;
    }
    size_t      size   = choose_kind(self);
    weir_status status = weiri_key_table_init(
        &self->keys, self->key_types, window->n_keys, size, window->max_keys);
    return status == WEIR_OK && window->max_keys == 0
               ? weiri_key_table_bound_groups(&self->keys, WEIRI_WINDOW_KEYS)
               : status;
}

weir_status
weiri_windower_new(const weiri_query *plan, const weiri_window_sink *sink,
    weiri_windower **out, weir_error *err)
{
    weir_status status = check_sizes(plan->window, err);
    if (status == WEIR_OK) {
        status = check_words(plan->window, err);
    }
    if (status != WEIR_OK) {
        return status;
    }
    weiri_windower *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    self->plan     = plan;
    self->window   = plan->window;
    self->sink     = *sink;
    self->due      = INT64_MAX;
    self->tick     = INT64_MAX;
    self->close_ns = INT64_MAX;
    self->full_ns  = INT64_MIN;
    status         = make_columns(self);
    if (status == WEIR_OK) {
        status = make_results(self, err);
    }
    if (status == WEIR_OK) {
        lay_out(self);
        status = make_table(self);
    }
    if (status != WEIR_OK) {
        weiri_windower_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

static void
clear_entries(weiri_windower *self)
{
    for (uint32_t i = 0; i < self->keys.n_used; i++) {
        weiri_entry *entry = weiri_key_table_at(&self->keys, i);
        if (self->ops == &weiri_tumbling_ops || entry->is_used) {
            self->ops->clear(self, entry);
        }
    }
}

void
weiri_windower_destroy(weiri_windower **self_p)
{
    weiri_windower *self = *self_p;
    if (self == NULL) {
        return;
    }
    if (self->ops != NULL) {
        clear_entries(self);
        if (!has_rows(self->window)) {
            weiri_windower_clear(self, self->scratch);
        }
    }
    weiri_flowing_fini(self);
    weiri_key_table_fini(&self->keys);
    for (uint32_t i = 0; i < self->n_pending; i++) {
        free(self->pending[i].values);
    }
    for (uint32_t i = 0; i < WEIRI_AGGREGATES; i++) {
        weiri_list_fini(&self->values.lists[i]);
    }
    weiri_program_destroy(&self->columns);
    weiri_program_destroy(&self->results);
    free(self->vectors);
    free((void *)self->root_cells);
    free(self->cells);
    free(self->key_types);
    free(self->batch.keys);
    free(self->scratch);
    free(self->out);
    free(self->out_register);
    free(self->dirty);
    free(self->live);
    free(self->dues);
    free(self->pending);
    free(self);
    *self_p = NULL;
}
