/* From the state of a window to an emitted event: having, changes, order, limits. */
#include "window/windower.h"

static bool
read_register(
    weiri_windower *self, const weiri_evaluation *e, uint32_t index, weir_value *out)
{
    const weiri_aggregate *plan  = &self->window->aggregates[index];
    char                  *state = e->states + self->offset[index];
    switch (plan->kind) {
    case WEIRI_AGGREGATE_KEY:
        *out = weiri_cell_value(self->key_types[plan->index], e->keys[plan->index]);
        return true;
    case WEIRI_AGGREGATE_START:
        *out = (weir_value){ .type = WEIR_TIME, .as.i = e->start };
        return true;
    case WEIRI_AGGREGATE_END:
        *out = (weir_value){ .type = WEIR_TIME, .as.i = e->end };
        return true;
    default:
        return e->ring != NULL
                   ? weiri_slide_value(
                       &self->slides[index], state, e->ring, &self->values, out)
                   : weiri_tally_value(plan, index, state, &self->values, out);
    }
}

static bool
read_registers(weiri_windower *self, const weiri_evaluation *e, uint64_t wanted)
{
    for (; wanted != 0; wanted &= wanted - 1) {
        uint32_t index = (uint32_t)__builtin_ctzll(wanted);
        if (!read_register(self, e, index, &self->registers[index])) {
            return false;
        }
    }
    return true;
}

/* ---- limits ---- */

/* Give values to the sink unless a limit holds them back. */
static weir_status
emit(weiri_windower *self, weiri_emission *emission, int64_t time_ns,
    const weir_value *values, bool *is_emitted)
{
    const weiri_window *window = self->window;
    *is_emitted                = false;
    if (window->limit > 0 && window->limit_ns < 0 && self->n_emitted >= window->limit) {
        self->counts.limited++;
        return WEIR_OK;
    }
    if (window->limit > 0 && window->limit_ns >= 0) {
        bool is_allowed = false;
        if (!weiri_emission_allow(
                emission, window->limit, window->limit_ns, time_ns, &is_allowed)) {
            return WEIR_ENOMEM;
        }
        if (!is_allowed) {
            self->counts.limited++;
            return WEIR_OK;
        }
    }
    self->n_emitted++;
    self->counts.emitted++;
    *is_emitted = true;
    return self->sink.emitted(self->sink.context, time_ns, values);
}

/* ---- order ---- */

/* Nulls last, whatever the direction. */
static int
compare_values(const weir_value *a, const weir_value *b, bool is_descending)
{
    if (a->is_null || b->is_null) {
        return (int)a->is_null - (int)b->is_null;
    }
    int order = 0;
    switch (a->type) {
    case WEIR_BOOL: order = (int)a->as.b - (int)b->as.b; break;
    case WEIR_STRING:
    case WEIR_LIST: order = weiri_text_compare(a, b); break;
    default: {
        weiri_cell x = { .i = a->as.i };
        weiri_cell y = { .i = b->as.i };
        order        = weiri_cell_compare((weir_type)a->type, x, y);
        break;
    }
    }
    return is_descending ? -order : order;
}

/* By values [first, end) of `order`. */
static int
compare_pending(const weiri_windower *self, const weiri_pending *a,
    const weiri_pending *b, uint32_t first, uint32_t end)
{
    uint32_t n_fields = self->plan->emit->schema->n_fields;
    int      order    = 0;
    for (uint32_t i = first; i < end && order == 0; i++) {
        order = compare_values(&a->values[n_fields + i], &b->values[n_fields + i],
            self->window->order[i].is_descending);
    }
    return order;
}

static uint32_t
n_ordering(const weiri_windower *self)
{
    return self->window->n_order - self->window->n_each;
}

/* Which of `each` they belong to. */
static int
compare_groups(const weiri_windower *self, const weiri_pending *a, const weiri_pending *b)
{
    return compare_pending(self, a, b, n_ordering(self), self->window->n_order);
}

static bool
is_before(const weiri_windower *self, const weiri_pending *a, const weiri_pending *b,
    bool is_grouped)
{
    int order = is_grouped ? compare_groups(self, a, b) : 0;
    if (order == 0) {
        order = compare_pending(self, a, b, 0, n_ordering(self));
    }
    return order != 0 ? order < 0 : a->place < b->place;
}

static void
sift(const weiri_windower *self, weiri_pending *items, uint32_t root, uint32_t n,
    bool is_grouped)
{
    weiri_pending item = items[root];
    for (uint32_t child = 2 * root + 1; child < n; child = 2 * root + 1) {
        if (child + 1 < n
            && is_before(self, &items[child], &items[child + 1], is_grouped)) {
            child++;
        }
        if (!is_before(self, &item, &items[child], is_grouped)) {
            break;
        }
        items[root] = items[child];
        root        = child;
    }
    items[root] = item;
}

/* Heap sort: in place, and no two are equal, for each has its place. */
static void
sort_pending(weiri_windower *self, bool is_grouped)
{
    weiri_pending *items = self->pending;
    uint32_t       n     = self->n_pending;
    for (uint32_t i = n / 2; i-- > 0;) {
        sift(self, items, i, n, is_grouped);
    }
    for (uint32_t i = n; i-- > 1;) {
        weiri_pending last = items[i];
        items[i]           = items[0];
        items[0]           = last;
        sift(self, items, 0, i, is_grouped);
    }
}

/* The first of each group stay, which stand together. */
static void
cut_groups(weiri_windower *self)
{
    weiri_pending *items = self->pending;
    uint32_t       n     = 0; /* that stay                   */
    uint32_t       n_of  = 0; /* of the group that is looked at */
    for (uint32_t i = 0; i < self->n_pending; i++) {
        bool goes_on = n > 0 && compare_groups(self, &items[n - 1], &items[i]) == 0;
        n_of         = goes_on ? n_of : 0;
        if (n_of < self->window->order_limit) {
            items[n++] = items[i];
            n_of++;
        } else {
            free(items[i].values);
        }
    }
    self->n_pending = n;
}

/* Keep those that the limit leaves. */
static void
cut_pending(weiri_windower *self)
{
    if (self->window->order_limit > 0) {
        sort_pending(self, true);
        cut_groups(self);
    }
    self->n_cut = self->n_pending;
}

/* A copy of self->out in one block. */
static weir_value *
copy_out(const weiri_windower *self)
{
    size_t size = self->n_out * sizeof(weir_value);
    for (uint32_t i = 0; i < self->n_out; i++) {
        size += self->out[i].is_null ? 0 : self->out[i].size;
    }
    weir_value *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL) {
        return NULL;
    }
    char *text = (char *)(copy + self->n_out);
    for (uint32_t i = 0; i < self->n_out; i++) {
        copy[i] = self->out[i];
        if (!copy[i].is_null && weiri_cell_is_text((weir_type)copy[i].type)) {
            if (copy[i].size > 0) {
                memcpy(text, copy[i].as.s, copy[i].size);
            }
            copy[i].as.s = text;
            text += copy[i].size;
        }
    }
    return copy;
}

static weir_status
keep_pending(weiri_windower *self, const weiri_evaluation *e)
{
    enum { SLACK = 1024 };
    if (self->window->order_limit > 0
        && self->n_pending - self->n_cut >= self->n_cut + SLACK) {
        cut_pending(self);
    }
    if (!weiri_need_room((void **)&self->pending, self->n_pending, &self->pending_room,
            sizeof *self->pending)) {
        return WEIR_ENOMEM;
    }
    weir_value *values = copy_out(self);
    if (values == NULL) {
        return WEIR_ENOMEM;
    }
    self->pending[self->n_pending++] =
        (weiri_pending){ values, e->emission, e->time_ns, self->n_placed++ };
    return WEIR_OK;
}

weir_status
weiri_windower_flush(weiri_windower *self)
{
    if (self->n_pending == 0) {
        return WEIR_OK;
    }
    cut_pending(self);
    sort_pending(self, false);
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->n_pending; i++) {
        weiri_pending *item       = &self->pending[i];
        bool           is_emitted = false;
        if (status == WEIR_OK) {
            status = emit(self, item->emission, item->time_ns, item->values, &is_emitted);
        }
        free(item->values);
    }
    self->n_pending = 0;
    self->n_cut     = 0;
    return status;
}

/* ---- judging ---- */

/* Whether having holds, and by `when changes` matters. */
static weir_status
judge(weiri_windower *self, const weiri_evaluation *e, bool *holds)
{
    const weiri_window *window = self->window;
    *holds                     = true;
    if (!read_registers(self, e, self->in_having)) {
        return WEIR_ENOMEM;
    }
    if (window->having != NULL) {
        weir_value value =
            weiri_program_eval(self->results, 0, e->chunk, e->row, self->registers);
        *holds = !value.is_null && value.as.b;
    }
    if (window->has_changes) {
        bool was_true         = e->emission->was_true;
        e->emission->was_true = *holds;
        *holds                = *holds && !was_true;
    }
    return WEIR_OK;
}

weir_status
weiri_windower_give(weiri_windower *self, const weiri_evaluation *e, bool *is_emitted)
{
    bool        holds  = false;
    weir_status status = judge(self, e, &holds);
    if (self->sink.trigger != NULL) {
        *self->sink.trigger = e->trigger;
    }
    *is_emitted = false;
    if (status == WEIR_OK && holds) {
        if (!read_registers(self, e, self->in_emit)) {
            return WEIR_ENOMEM;
        }
        for (uint32_t i = 0; i < self->n_out; i++) {
            uint32_t r   = self->out_register[i];
            self->out[i] = r != WEIRI_NONE
                               ? self->registers[r]
                               : weiri_program_eval(self->results, self->emit_root + i,
                                   e->chunk, e->row, self->registers);
        }
        status = self->window->n_order > 0 || self->window->order_limit > 0
                     ? keep_pending(self, e)
                     : emit(self, e->emission, e->time_ns, self->out, is_emitted);
    }
    if (self->results != NULL) {
        weiri_program_forget(self->results);
    }
    return status;
}
