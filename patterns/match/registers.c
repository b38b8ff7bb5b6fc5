#include "match/registers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "match/registers_inner.h"
#include "weiri/assert.h"
#include "weiri/limits.h"

/* ---- layout ---- */

static const weiri_expr *
argument_of(const weiri_match *plan, uint32_t r, uint32_t input)
{
    const weiri_register *reg = &plan->registers[r];
    return reg->arguments == NULL ? NULL : reg->arguments[input];
}

static weir_type
argument_type(const weiri_match *plan, uint32_t r)
{
    for (uint32_t i = 0; i < plan->n_inputs; i++) {
        const weiri_expr *expr = argument_of(plan, r, i);
        if (expr != NULL) {
            return expr->type;
        }
    }
    return WEIR_NULL;
}

static uint32_t
cells_of(const weiri_register *reg)
{
    switch (reg->kind) {
    case WEIRI_REGISTER_KEY:
    case WEIRI_REGISTER_START:
    case WEIRI_REGISTER_END: return 0;
    case WEIRI_REGISTER_COUNT: return 1;
    case WEIRI_REGISTER_LAST:
    case WEIRI_REGISTER_FIRST:
    case WEIRI_REGISTER_MIN:
    case WEIRI_REGISTER_MAX:
    case WEIRI_REGISTER_COLLECT: return 2;
    case WEIRI_REGISTER_NTH:
    case WEIRI_REGISTER_SUM:
    case WEIRI_REGISTER_AVG:
    case WEIRI_REGISTER_STDDEV:
    case WEIRI_REGISTER_VARIANCE: return 3;
    case WEIRI_REGISTER_NTH_LAST: return 3 + 2 * reg->index;
    }
    return 0;
}

static bool
is_text(weir_type type)
{
    return type == WEIR_STRING || type == WEIR_LIST;
}

static bool
lay_out(weiri_registers *self)
{
    const weiri_match *plan = self->plan;
    for (uint32_t r = 0; r < plan->n_registers; r++) {
        slot *s     = &self->slots[r];
        s->cell     = self->n_cells;
        s->n_cells  = cells_of(&plan->registers[r]);
        s->of       = argument_type(plan, r);
        s->is_text  = is_text(s->of);
        s->is_exact = plan->registers[r].type != WEIR_FLOAT;
        s->roots    = malloc((plan->n_inputs + 1) * sizeof *s->roots);
        if (s->roots == NULL || plan->registers[r].index > WEIRI_LIST_ITEMS) {
            return false;
        }
        self->n_cells += s->n_cells;
        if (s->is_text || plan->registers[r].kind == WEIRI_REGISTER_COLLECT) {
            self->counted[self->n_counted++] = r;
        }
    }
    return true;
}

static bool
list_by_step(weiri_registers *self)
{
    const weiri_match *plan = self->plan;
    for (uint32_t step = 0; step < plan->n_steps; step++) {
        uint32_t *list = malloc((plan->n_registers + 1) * sizeof *list);
        uint32_t  n    = 0;
        if (list == NULL) {
            return false;
        }
        for (uint32_t r = 0; r < plan->n_registers; r++) {
            const weiri_register *reg = &plan->registers[r];
            if (self->slots[r].n_cells > 0
                && (reg->step == step || reg->step == WEIRI_NONE)) {
                list[n++] = r;
            }
        }
        list[n]             = WEIRI_NONE;
        self->by_step[step] = list;
    }
    return true;
}

static bool
is_direct(const weiri_expr *expr)
{
    return expr == NULL || expr->kind == WEIRI_EXPR_FIELD || expr->kind == WEIRI_EXPR_TIME
           || expr->kind == WEIRI_EXPR_CONSTANT;
}

static bool
make_programs(weiri_registers *self)
{
    const weiri_match *plan = self->plan;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    const weiri_expr **roots = calloc(plan->n_registers + 1, sizeof *roots);
    for (uint32_t i = 0; roots != NULL && i < plan->n_inputs; i++) {
        uint32_t n = 0;
        for (uint32_t r = 0; r < plan->n_registers; r++) {
            const weiri_expr *expr  = argument_of(plan, r, i);
            self->slots[r].roots[i] = is_direct(expr) ? WEIRI_NONE : n;
            if (!is_direct(expr)) {
                roots[n++] = expr;
            }
        }
        if (n > 0 && weiri_program_new(roots, n, &self->programs[i]) != WEIR_OK) {
            free(roots);
            return false;
        }
    }
    free(roots);
    return roots != NULL;
}

weir_status
weiri_registers_new(const weiri_match *plan, weiri_registers **out)
{
    weiri_registers *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    self->plan      = plan;
    self->slots     = calloc(plan->n_registers + 1, sizeof *self->slots);
    self->arguments = calloc(plan->n_registers + 1, sizeof *self->arguments);
    self->counted   = calloc(plan->n_registers + 1, sizeof *self->counted);
    self->by_step   = calloc(plan->n_steps, sizeof *self->by_step);
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    self->programs = calloc(plan->n_inputs, sizeof *self->programs);
    if (self->slots == NULL || self->arguments == NULL || self->counted == NULL
        || self->by_step == NULL || self->programs == NULL || !lay_out(self)
        || !list_by_step(self) || !make_programs(self)) {
        weiri_registers_destroy(&self);
        return WEIR_ENOMEM;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_registers_destroy(weiri_registers **self_p)
{
    weiri_registers *self = *self_p;
    *self_p               = NULL;
    if (self == NULL) {
        return;
    }
    weiri_registers_begin_values(self);
    for (uint32_t r = 0; self->slots != NULL && r < self->plan->n_registers; r++) {
        free(self->slots[r].roots);
        if (self->arguments != NULL) {
            weiri_strings_unref(&self->strings, self->arguments[r].string);
        }
    }
    for (uint32_t i = 0; self->by_step != NULL && i < self->plan->n_steps; i++) {
        free(self->by_step[i]);
    }
    for (uint32_t i = 0; self->programs != NULL && i < self->plan->n_inputs; i++) {
        weiri_program_destroy(&self->programs[i]);
    }
    weiri_strings_fini(&self->strings);
    free(self->slots);
    free(self->arguments);
    free(self->counted);
    free(self->by_step);
    free(self->programs);
    free(self->lists);
    free(self);
}

uint32_t
weiri_registers_cells(const weiri_registers *self)
{
    return self->n_cells;
}

weiri_strings *
weiri_registers_strings(weiri_registers *self)
{
    return &self->strings;
}

bool
weiri_registers_is_out_of_memory(const weiri_registers *self)
{
    return self->is_out_of_memory;
}

uint64_t
weiri_registers_faults(const weiri_registers *self)
{
    uint64_t faults = self->faults;
    for (uint32_t i = 0; i < self->plan->n_inputs; i++) {
        faults += self->programs[i] != NULL ? weiri_program_faults(self->programs[i]) : 0;
    }
    return faults;
}

/* ---- the event at hand ---- */

void
weiri_registers_begin_event(weiri_registers *self)
{
    self->stamp++;
    if (self->has_evaluated) {
        self->has_evaluated = false;
        for (uint32_t i = 0; i < self->plan->n_inputs; i++) {
            if (self->programs[i] != NULL) {
                weiri_program_forget(self->programs[i]);
            }
        }
    }
}

static weir_value
evaluate(weiri_registers *self, uint32_t r, const weiri_event *event)
{
    const weiri_expr *expr = argument_of(self->plan, r, event->input);
    if (expr == NULL) {
        return (weir_value){ .is_null = true };
    }
    switch (expr->kind) {
    case WEIRI_EXPR_FIELD:
        return weir_chunk_get(event->chunk, event->row, expr->as.field);
    case WEIRI_EXPR_TIME:
        return (weir_value){ .type = WEIR_TIME, .as.i = event->time_ns };
    case WEIRI_EXPR_CONSTANT: return expr->as.constant;
    case WEIRI_EXPR_REGISTER:
    case WEIRI_EXPR_CALL: break;
    }
    self->has_evaluated = true;
    return weiri_program_eval(self->programs[event->input],
        self->slots[r].roots[event->input], event->chunk, event->row, NULL);
}

static argument *
argument_at(weiri_registers *self, uint32_t r, const weiri_event *event)
{
    argument *a = &self->arguments[r];
    if (a->stamp != self->stamp) {
        weiri_assert(event != NULL); /* of a kept event everything is known */
        weiri_strings_unref(&self->strings, a->string);
        a->string = NULL;
        a->stamp  = self->stamp;
        a->value  = evaluate(self, r, event);
    }
    return a;
}

/* The argument as something that can be kept. Counted strings are referenced. */
static weiri_cell
kept(weiri_registers *self, uint32_t r, argument *a)
{
    weiri_cell cell = { .u = 0 };
    if (a->value.is_null) {
        return cell;
    }
    if (self->slots[r].is_text) {
        if (a->string == NULL) {
            a->string = weiri_strings_make(&self->strings, a->value.as.s, a->value.size);
        }
        if (a->string == NULL) {
            self->is_out_of_memory = true;
            return cell;
        }
        cell.text = weiri_string_ref(a->string);
    } else if (a->value.type == WEIR_FLOAT) {
        cell.f = a->value.as.f;
    } else if (a->value.type == WEIR_BOOL) {
        cell.i = a->value.as.b;
    } else {
        cell.i = a->value.as.i;
    }
    return cell;
}

static void
drop(weiri_registers *self, uint32_t r, const weiri_cell *pair)
{
    if (self->slots[r].is_text && pair[1].u == IS_VALUE) {
        weiri_strings_unref(&self->strings, pair[0].text);
    }
}

static void
store(weiri_registers *self, uint32_t r, weiri_cell *pair, argument *a)
{
    weiri_cell value = kept(self, r, a);
    drop(self, r, pair);
    pair[0]   = value;
    pair[1].u = a->value.is_null || (self->slots[r].is_text && value.text == NULL)
                    ? IS_NULL
                    : IS_VALUE;
}

/* ---- a run's cells ---- */

void
weiri_registers_clear(const weiri_registers *self, weiri_cell *cells)
{
    memset(cells, 0, self->n_cells * sizeof *cells);
}

/* The (value, state) pairs of a register. */
static weiri_cell *
pairs_of(const weiri_registers *self, weiri_cell *cells, uint32_t r, uint32_t *n)
{
    const weiri_register *reg = &self->plan->registers[r];
    weiri_cell           *at  = &cells[self->slots[r].cell];
    *n                        = 0;
    switch (reg->kind) {
    case WEIRI_REGISTER_LAST:
    case WEIRI_REGISTER_FIRST:
    case WEIRI_REGISTER_NTH:
    case WEIRI_REGISTER_MIN:
    case WEIRI_REGISTER_MAX: *n = 1; return at;
    case WEIRI_REGISTER_NTH_LAST: *n = reg->index + 1; return at + 1;
    case WEIRI_REGISTER_KEY:
    case WEIRI_REGISTER_COUNT:
    case WEIRI_REGISTER_SUM:
    case WEIRI_REGISTER_AVG:
    case WEIRI_REGISTER_STDDEV:
    case WEIRI_REGISTER_VARIANCE:
    case WEIRI_REGISTER_COLLECT:
    case WEIRI_REGISTER_START:
    case WEIRI_REGISTER_END: break;
    }
    return at;
}

static void
drop_links(weiri_registers *self, uint32_t r, weiri_string *newest)
{
    while (newest != NULL && newest->n_refs == 1) {
        link l;
        memcpy(&l, newest->bytes, sizeof l);
        const weiri_cell pair[2] = { l.value, { .u = l.state } };
        drop(self, r, pair);
        weiri_strings_unref(&self->strings, newest);
        newest = l.before;
    }
    weiri_strings_unref(&self->strings, newest);
}

/* Count what a copied register shares with its original. */
static void
share_register(weiri_registers *self, weiri_cell *cells, uint32_t r)
{
    uint32_t    n    = 0;
    weiri_cell *pair = pairs_of(self, cells, r, &n);
    if (self->plan->registers[r].kind == WEIRI_REGISTER_COLLECT) {
        if (pair->text != NULL) {
            weiri_string_ref(pair->text);
        }
        return;
    }
    for (; self->slots[r].is_text && n > 0; n--, pair += 2) {
        if (pair[1].u == IS_VALUE) {
            weiri_string_ref(pair->text);
        }
    }
}

void
weiri_registers_copy(weiri_registers *self, weiri_cell *to, const weiri_cell *from)
{
    memcpy(to, from, self->n_cells * sizeof *to);
    for (uint32_t i = 0; i < self->n_counted; i++) {
        share_register(self, to, self->counted[i]);
    }
}

static void
release_register(weiri_registers *self, weiri_cell *cells, uint32_t r)
{
    uint32_t    n    = 0;
    weiri_cell *pair = pairs_of(self, cells, r, &n);
    if (self->plan->registers[r].kind == WEIRI_REGISTER_COLLECT) {
        drop_links(self, r, pair->text);
        return;
    }
    for (; self->slots[r].is_text && n > 0; n--, pair += 2) {
        drop(self, r, pair);
    }
}

void
weiri_registers_release(weiri_registers *self, weiri_cell *cells)
{
    for (uint32_t i = 0; i < self->n_counted; i++) {
        release_register(self, cells, self->counted[i]);
    }
}

/* ---- taking ---- */

/* Kahan's summation as improved by Neumaier (1974). */
static void
add_float(weiri_cell *sum, double value)
{
    double total = sum[0].f + value;
    if (fabs(sum[0].f) >= fabs(value)) {
        sum[1].f += (sum[0].f - total) + value;
    } else {
        sum[1].f += (value - total) + sum[0].f;
    }
    sum[0].f = total;
}

static void
add(weiri_registers *self, const slot *s, weiri_cell *sum, const weir_value *value)
{
    sum[2].i++;
    if (!s->is_exact) {
        add_float(sum, value->type == WEIR_FLOAT ? value->as.f : (double)value->as.i);
        return;
    }
    int64_t a = sum[0].i;
    int64_t b = value->as.i;
    if (sum[1].u == 0 && ((b > 0 && a > INT64_MAX - b) || (b < 0 && a < INT64_MIN - b))) {
        sum[1].u = 1; /* null from now on */
        self->faults++;
    }
    sum[0].u = (uint64_t)a + (uint64_t)b;
}

/* Welford, "Note on a method for calculating corrected sums of squares", 1962. */
static void
add_variance(weiri_cell *at, const weir_value *value)
{
    double x     = value->type == WEIR_FLOAT ? value->as.f : (double)value->as.i;
    double delta = x - at[1].f;
    at[0].i++;
    at[1].f += delta / (double)at[0].i;
    at[2].f += delta * (x - at[1].f);
}

static int
compare_text(const weir_value *a, const weiri_string *b)
{
    uint32_t size  = a->size < b->size ? a->size : b->size;
    int      order = size > 0 ? memcmp(a->as.s, b->bytes, size) : 0;
    return order != 0 ? order : (a->size > b->size) - (a->size < b->size);
}

static int
compare(const weir_value *a, weiri_cell b)
{
    switch ((weir_type)a->type) {
    case WEIR_FLOAT: return (a->as.f > b.f) - (a->as.f < b.f);
    case WEIR_BOOL: return (int)a->as.b - (int)b.i;
    case WEIR_STRING:
    case WEIR_LIST: return compare_text(a, b.text);
    case WEIR_NULL:
    case WEIR_INT:
    case WEIR_TIME:
    case WEIR_DURATION: break;
    }
    return (a->as.i > b.i) - (a->as.i < b.i);
}

static void
take_extreme(weiri_registers *self, uint32_t r, weiri_cell *at, argument *a)
{
    bool is_max = self->plan->registers[r].kind == WEIRI_REGISTER_MAX;
    if (a->value.is_null) {
        return;
    }
    int order = at[1].u == IS_VALUE ? compare(&a->value, at[0]) : 0;
    if (at[1].u != IS_VALUE || (is_max ? order > 0 : order < 0)) {
        store(self, r, at, a);
    }
}

static void
take_collect(weiri_registers *self, uint32_t r, weiri_cell *at, argument *a)
{
    if (at[1].u == WEIRI_LIST_ITEMS) {
        return;
    }
    weiri_cell pair[2] = { { .u = 0 } };
    store(self, r, pair, a);
    link          l    = { .before = at[0].text, .value = pair[0], .state = pair[1].u };
    weiri_string *made = weiri_strings_make(&self->strings, (const char *)&l, sizeof l);
    if (made == NULL) {
        drop(self, r, pair);
        self->is_out_of_memory = true;
        return;
    }
    at[0].text = made;
    at[1].u++;
}

static void
take_nth(weiri_registers *self, uint32_t r, weiri_cell *at, argument *a)
{
    if (at[2].u++ == self->plan->registers[r].index) {
        store(self, r, at, a);
    }
}

static void
take_aggregate(weiri_registers *self, uint32_t r, weiri_cell *at, argument *a)
{
    if (a->value.is_null) {
        return;
    }
    weiri_register_kind kind = self->plan->registers[r].kind;
    if (kind == WEIRI_REGISTER_STDDEV || kind == WEIRI_REGISTER_VARIANCE) {
        add_variance(at, &a->value);
    } else {
        add(self, &self->slots[r], at, &a->value);
    }
}

static void
take_register(
    weiri_registers *self, weiri_cell *cells, uint32_t r, const weiri_event *event)
{
    const weiri_register *reg = &self->plan->registers[r];
    weiri_cell           *at  = &cells[self->slots[r].cell];
    if (reg->kind == WEIRI_REGISTER_COUNT && reg->arguments == NULL) {
        at->i++;
        return;
    }
    argument *a = argument_at(self, r, event);
    switch (reg->kind) {
    case WEIRI_REGISTER_KEY:
    case WEIRI_REGISTER_START:
    case WEIRI_REGISTER_END: break;
    case WEIRI_REGISTER_COUNT: at->i += !a->value.is_null && a->value.as.b; break;
    case WEIRI_REGISTER_LAST: store(self, r, at, a); break;
    case WEIRI_REGISTER_FIRST:
        if (at[1].u == UNSET) {
            store(self, r, at, a);
        }
        break;
    case WEIRI_REGISTER_NTH: take_nth(self, r, at, a); break;
    case WEIRI_REGISTER_NTH_LAST:
        store(self, r, at + 1 + 2 * (at->u % (reg->index + 1)), a);
        at->u++;
        break;
    case WEIRI_REGISTER_SUM:
    case WEIRI_REGISTER_AVG:
    case WEIRI_REGISTER_STDDEV:
    case WEIRI_REGISTER_VARIANCE: take_aggregate(self, r, at, a); break;
    case WEIRI_REGISTER_MIN:
    case WEIRI_REGISTER_MAX: take_extreme(self, r, at, a); break;
    case WEIRI_REGISTER_COLLECT: take_collect(self, r, at, a); break;
    }
}

void
weiri_registers_take(
    weiri_registers *self, weiri_cell *cells, uint32_t step, const weiri_event *event)
{
    for (const uint32_t *r = self->by_step[step]; *r != WEIRI_NONE; r++) {
        take_register(self, cells, *r, event);
    }
}

/* ---- events that are kept for later ---- */

static bool
has_argument(const weiri_registers *self, uint32_t r)
{
    return self->plan->registers[r].arguments != NULL;
}

uint32_t
weiri_registers_kept_cells(const weiri_registers *self, uint32_t step)
{
    uint32_t n = 0;
    for (const uint32_t *r = self->by_step[step]; *r != WEIRI_NONE; r++) {
        n += has_argument(self, *r) ? 2 : 0;
    }
    return n;
}

void
weiri_registers_keep(
    weiri_registers *self, weiri_cell *kept, uint32_t step, const weiri_event *event)
{
    for (const uint32_t *r = self->by_step[step]; *r != WEIRI_NONE; r++) {
        if (has_argument(self, *r)) {
            kept[1].u = UNSET;
            store(self, *r, kept, argument_at(self, *r, event));
            kept += 2;
        }
    }
}

/* A copy of a pair in place of another. */
static void
replace_pair(weiri_registers *self, uint32_t r, weiri_cell *pair, const weiri_cell *with)
{
    if (self->slots[r].is_text) {
        drop(self, r, pair);
        if (with[1].u == IS_VALUE) {
            weiri_string_ref(with->text);
        }
    }
    pair[0] = with[0];
    pair[1] = with[1];
}

void
weiri_registers_take_kept(
    weiri_registers *self, weiri_cell *cells, uint32_t step, const weiri_cell *kept)
{
    self->stamp++;
    for (const uint32_t *r = self->by_step[step]; *r != WEIRI_NONE; r++) {
        if (self->plan->registers[*r].kind == WEIRI_REGISTER_LAST) {
            replace_pair(self, *r, &cells[self->slots[*r].cell], kept);
            kept += 2;
            continue;
        }
        if (has_argument(self, *r)) {
            argument *a = &self->arguments[*r];
            weiri_strings_unref(&self->strings, a->string);
            a->string = self->slots[*r].is_text && kept[1].u == IS_VALUE
                            ? weiri_string_ref(kept->text)
                            : NULL;
            a->stamp  = self->stamp;
            a->value  = weiri_registers_pair_value(kept, self->slots[*r].of);
            kept += 2;
        }
        take_register(self, cells, *r, NULL);
    }
}

void
weiri_registers_retake(
    weiri_registers *self, weiri_cell *cells, uint32_t step, const weiri_cell *kept)
{
    for (const uint32_t *r = self->by_step[step]; *r != WEIRI_NONE; r++) {
        const slot *s = &self->slots[*r];
        if (self->plan->registers[*r].kind != WEIRI_REGISTER_LAST) {
            release_register(self, cells, *r);
            memset(&cells[s->cell], 0, s->n_cells * sizeof *cells);
        }
    }
    weiri_registers_take_kept(self, cells, step, kept);
}

bool
weiri_registers_are_of_one_step(const weiri_registers *self)
{
    for (uint32_t r = 0; r < self->plan->n_registers; r++) {
        if (self->slots[r].n_cells > 0 && self->plan->registers[r].step == WEIRI_NONE) {
            return false;
        }
    }
    return true;
}

void
weiri_registers_release_kept(weiri_registers *self, uint32_t step, weiri_cell *kept)
{
    for (const uint32_t *r = self->by_step[step]; *r != WEIRI_NONE; r++) {
        if (has_argument(self, *r)) {
            drop(self, *r, kept);
            kept += 2;
        }
    }
}
