/* What runs wait for: comparisons of an event's value with what a run has taken.
 *
 * Of `b.id == a.id` and `b.price > a.price * 1.1` the side that reads the event is worked
 * out once an event, and the side that reads registers once a run, when it comes to the
 * state that asks. A state waits on a class of events if a run in it passes over them and
 * stays as it is unless one of its comparisons holds; then a number is compared
 * with a number instead of a condition evaluated, and the index (runs_index.c) finds
 * those for which it holds.
 */
#include <stdlib.h>
#include <string.h>

#include "expr/lanes.h"
#include "expr/operations.h"
#include "gate/test.h"
#include "match/runs.h"

enum { MAX_WAITS = 16 }; /* of a state: bits of weiri_run.nulls */

/* ---- which comparisons ---- */

static bool
is_call_of(const weiri_expr *expr, const char *name)
{
    return expr->kind == WEIRI_EXPR_CALL
           && strcmp(expr->as.call.operation->name, name) == 0;
}

static bool
reads_event(const weiri_expr *expr)
{
    bool reads = expr->kind == WEIRI_EXPR_FIELD || expr->kind == WEIRI_EXPR_TIME;
    for (uint32_t i = 0; expr->kind == WEIRI_EXPR_CALL && i < expr->as.call.n_args; i++) {
        reads = reads || reads_event(expr->as.call.args[i]);
    }
    return reads;
}

static bool
is_number(weir_type type)
{
    return type == WEIR_INT || type == WEIR_FLOAT || type == WEIR_TIME
           || type == WEIR_DURATION;
}

/* `value OP side` for a comparison, either way round. */
static bool
split(weiri_wait *wait, const weiri_expr *left, const weiri_expr *right, bool is_less)
{
    bool is_turned = weiri_expr_reads_registers(left);
    wait->value    = is_turned ? right : left;
    wait->side     = is_turned ? left : right;
    wait->is_less  = is_less != is_turned;
    return !weiri_expr_reads_registers(wait->value)
           && weiri_expr_reads_registers(wait->side) && !reads_event(wait->side);
}

static bool
find_order(const weiri_expr *expr, weiri_wait *wait)
{
    static const struct {
        const char *name;
        bool        is_less;
        bool        is_strict;
    } ORDERS[] = { { "<", true, true }, { "<=", true, false }, { ">", false, true },
        { ">=", false, false } };
    for (size_t i = 0; i < sizeof ORDERS / sizeof ORDERS[0]; i++) {
        if (is_call_of(expr, ORDERS[i].name)) {
            weiri_expr *const *args = expr->as.call.args;
            wait->is_equal          = false;
            wait->is_strict         = ORDERS[i].is_strict;
            return is_number(args[0]->type) && is_number(args[1]->type)
                   && split(wait, args[0], args[1], ORDERS[i].is_less);
        }
    }
    return false;
}

static bool
find_equality(const weiri_expr *expr, weiri_wait *wait)
{
    wait->is_equal = true;
    return is_call_of(expr, "==")
           && expr->as.call.args[0]->type == expr->as.call.args[1]->type
           && split(wait, expr->as.call.args[0], expr->as.call.args[1], false);
}

/* A comparison without which the condition does not hold. */
static bool
find_comparison(const weiri_expr *expr, weiri_wait *wait,
    bool (*find)(const weiri_expr *, weiri_wait *))
{
    if (!is_call_of(expr, "and")) {
        return find(expr, wait);
    }
    for (uint32_t i = 0; i < expr->as.call.n_args; i++) {
        if (find_comparison(expr->as.call.args[i], wait, find)) {
            return true;
        }
    }
    return false;
}

static bool
has_atom(const weiri_executor *self, uint32_t state, uint32_t atom)
{
    const weiri_state *s = &self->core->automaton->states[state];
    for (uint32_t i = 0; i < s->n_arcs; i++) {
        if (weiri_formula_has_atom(
                &self->core->automaton->conditions, s->arcs[i].when, atom)) {
            return true;
        }
    }
    return false;
}

/* The waits of a state; 0 if some condition of it is no comparison. */
static uint32_t
find_waits(const weiri_executor *self, uint32_t state, weiri_wait *out)
{
    const weiri_automaton *automaton = self->core->automaton;
    uint32_t               n         = 0;
    for (uint32_t a = 0; a < automaton->n_atoms; a++) {
        const weiri_expr *correlated = automaton->atoms[a].where.correlated;
        bool              is_plain =
            automaton->atoms[a].kind == WEIRI_ATOM_EVENT && correlated == NULL;
        if (is_plain || !has_atom(self, state, a)) {
            continue;
        }
        weiri_wait wait = { .state = state, .atom = a, .place = (uint8_t)n };
        if (n == MAX_WAITS || correlated == NULL
            || (!find_comparison(correlated, &wait, find_equality)
                && !find_comparison(correlated, &wait, find_order))) {
            return 0;
        }
        bool is_exact = is_number(wait.value->type) || wait.value->type == WEIR_BOOL;
        wait.is_whole = is_exact && !is_call_of(correlated, "and");
        out[n++]      = wait;
    }
    return n;
}

/* ---- making and ending ---- */

static bool
add_waits(weiri_executor *self, const weiri_wait *found, uint32_t n)
{
    weiri_wait *waits = realloc(self->waits, (self->n_waits + n) * sizeof *waits);
    if (waits == NULL) {
        return false;
    }
    self->waits = waits;
    memcpy(waits + self->n_waits, found, n * sizeof *found);
    self->n_waits += n;
    self->max_waits = n > self->max_waits ? n : self->max_waits;
    return true;
}

static uint32_t
list_reads(const weiri_expr *expr, uint32_t *list, uint32_t n)
{
    if (expr->kind == WEIRI_EXPR_REGISTER) {
        list[n++] = expr->as.reg;
    }
    for (uint32_t i = 0; expr->kind == WEIRI_EXPR_CALL && i < expr->as.call.n_args; i++) {
        n = list_reads(expr->as.call.args[i], list, n);
    }
    return n;
}

static uint32_t
count_reads(const weiri_expr *expr)
{
    uint32_t n = expr->kind == WEIRI_EXPR_REGISTER;
    for (uint32_t i = 0; expr->kind == WEIRI_EXPR_CALL && i < expr->as.call.n_args; i++) {
        n += count_reads(expr->as.call.args[i]);
    }
    return n;
}

static bool
make_reads(const weiri_match *plan, weiri_wait *wait)
{
    wait->reads = malloc((count_reads(wait->side) + (size_t)1) * sizeof *wait->reads);
    if (wait->reads == NULL) {
        return false;
    }
    uint32_t n     = list_reads(wait->side, wait->reads, 0);
    wait->reads[n] = WEIRI_NONE;
    for (uint32_t i = 0; i < n; i++) {
        wait->reads_key |= plan->registers[wait->reads[i]].kind == WEIRI_REGISTER_KEY;
    }
    return true;
}

static weir_status
make_programs(weiri_executor *self)
{
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    const weiri_expr **roots   = calloc(2 * ((size_t)self->n_waits + 1), sizeof *roots);
    const weiri_expr **sides   = roots + self->n_waits + 1;
    uint32_t           n       = 0;
    uint32_t           n_sides = 0;
    weir_status        status  = roots == NULL ? WEIR_ENOMEM : WEIR_OK;
    for (uint32_t i = 0; roots != NULL && i < self->n_waits; i++) {
        weiri_wait *wait = &self->waits[i];
        wait->value_root = wait->side_root = WEIRI_NONE;
        if (wait->value->kind != WEIRI_EXPR_FIELD) {
            wait->value_root = n;
            roots[n++]       = wait->value;
        }
        if (wait->side->kind != WEIRI_EXPR_REGISTER) {
            wait->side_root  = n_sides;
            sides[n_sides++] = wait->side;
        }
    }
    if (status == WEIR_OK && n > 0) {
        status = weiri_program_new_narrow(roots, n, &self->wait_values);
    }
    if (status == WEIR_OK && n_sides > 0) {
        status = weiri_program_new_narrow(sides, n_sides, &self->wait_sides);
    }
    free(roots);
    return status;
}

/* The side is a field of an event of some step. */
static void
find_side_field(const weiri_match *plan, weiri_wait *wait)
{
    wait->side_field = WEIRI_NONE;
    if (wait->side->kind != WEIRI_EXPR_REGISTER) {
        return;
    }
    const weiri_register *reg = &plan->registers[wait->side->as.reg];
    if (reg->kind != WEIRI_REGISTER_LAST || reg->step == WEIRI_NONE) {
        return;
    }
    const weiri_expr *argument = reg->arguments[plan->steps[reg->step].input];
    if (argument != NULL && argument->kind == WEIRI_EXPR_FIELD) {
        wait->side_atom  = reg->step;
        wait->side_field = argument->as.field;
    }
}

weir_status
weiri_runs_wait_new(weiri_executor *self)
{
    uint32_t n_states = self->core->automaton->n_states;
    self->first_wait  = calloc((size_t)n_states + 1, sizeof *self->first_wait);
    self->side_registers =
        calloc((size_t)self->core->plan->n_registers + 1, sizeof *self->side_registers);
    if (self->first_wait == NULL || self->side_registers == NULL) {
        return WEIR_ENOMEM;
    }
    for (uint32_t s = 1; s < n_states; s++) {
        weiri_wait found[MAX_WAITS];
        uint32_t   n        = find_waits(self, s, found);
        self->first_wait[s] = self->n_waits;
        if (n > 0 && !add_waits(self, found, n)) {
            return WEIR_ENOMEM;
        }
    }
    self->first_wait[n_states] = self->n_waits;
    self->first_equal          = WEIRI_NONE;
    for (uint32_t i = 0; i < self->n_waits; i++) {
        weiri_wait *wait = &self->waits[i];
        wait->heap       = wait->is_equal ? WEIRI_NONE : self->n_heaps++;
        if (wait->is_equal && self->first_equal == WEIRI_NONE) {
            self->first_equal = i;
        }
        find_side_field(self->core->plan, wait);
        if (!make_reads(self->core->plan, wait)) {
            return WEIR_ENOMEM;
        }
    }
    return make_programs(self);
}

void
weiri_runs_wait_destroy(weiri_executor *self)
{
    for (uint32_t i = 0; i < self->n_waits; i++) {
        free(self->waits[i].reads);
    }
    weiri_program_destroy(&self->wait_values);
    weiri_program_destroy(&self->wait_sides);
    free(self->waits);
    free(self->first_wait);
    free(self->side_registers);
}

/* ---- states ---- */

static weiri_formula
false_if_compared(void *context, uint32_t atom)
{
    const weiri_executor *self = context;
    return self->core->automaton->atoms[atom].where.correlated != NULL
               ? WEIRI_FALSE
               : weiri_formula_atom(&self->core->automaton->conditions, atom);
}

bool
weiri_runs_waits(
    weiri_executor *self, uint32_t state, const weiri_arc *arcs, uint32_t n_arcs)
{
    weiri_conditions *all    = &self->core->automaton->conditions;
    uint32_t          n_ways = 0;
    bool              stays  = false;
    if (self->first_wait[state] == self->first_wait[state + 1]) {
        return false;
    }
    for (uint32_t i = 0; i < n_arcs; i++) {
        weiri_formula when =
            weiri_formula_restrict(all, arcs[i].when, false_if_compared, self);
        n_ways += when != WEIRI_FALSE;
        stays |= when == WEIRI_TRUE && arcs[i].action == WEIRI_IGNORE
                 && arcs[i].target == state;
    }
    return stays && n_ways == 1;
}

/* ---- numbers ---- */

static uint64_t
ordered_int(int64_t i)
{
    return (uint64_t)i ^ UINT64_C(1) << 63;
}

/* Numbers as numbers that are ordered as they are. */
static uint64_t
ordered(const weir_value *value)
{
    return ordered_int(
        value->type == WEIR_FLOAT ? weiri_gate_key(value->as.f) : value->as.i);
}

/* Equal values have equal hashes; numbers only they. */
static uint64_t
hash_of(const weir_value *value)
{
    uint64_t h = value->size;
    switch ((weir_type)value->type) {
    case WEIR_STRING:
    case WEIR_LIST:
        for (uint32_t i = 0; i < value->size; i++) {
            h = (h ^ (uint8_t)value->as.s[i]) * 0x100000001B3u;
        }
        return h;
    case WEIR_BOOL: return value->as.b;
    case WEIR_NULL:
    case WEIR_INT:
    case WEIR_FLOAT:
    case WEIR_TIME:
    case WEIR_DURATION: break;
    }
    return ordered(value);
}

static uint64_t
key_of(const weiri_wait *wait, const weir_value *side)
{
    if (wait->is_equal) {
        return hash_of(side);
    }
    return wait->is_less ? ~ordered(side) : ordered(side);
}

/* The value as one of the side's type, and whether the comparison with that is strict:
 * between an int and the float nearest to it there is no other float, and between a float
 * and the int below it no other int.
 *
 *   returns  -1: it is below every side, 1: above, 0: *value is a side
 */
static int
convert(const weiri_wait *wait, weir_value *value, bool *is_strict)
{
    *is_strict = wait->is_strict;
    if (value->type == wait->side->type) {
        return 0;
    }
    if (value->type == WEIR_INT) {
        double f     = (double)value->as.i;
        int    order = weiri_compare_int_float(value->as.i, f);
        if (order != 0) {
            *is_strict = (order < 0) != wait->is_less;
        }
        *value = (weir_value){ .type = WEIR_FLOAT, .as.f = f };
        return 0;
    }
    if (value->as.f < -0x1p63 || value->as.f >= 0x1p63) {
        return value->as.f < 0 ? -1 : 1;
    }
    int64_t i     = (int64_t)value->as.f; /* toward zero */
    int     order = weiri_compare_int_float(i, value->as.f);
    if (order != 0) {
        *is_strict = (order > 0) != wait->is_less;
    }
    *value = (weir_value){ .type = WEIR_INT, .as.i = i };
    return 0;
}

/* Keys up to *bound are of sides for which the comparison holds; false: there are none.
 */
static bool
find_bound(const weiri_wait *wait, weir_value value, uint64_t *bound)
{
    bool is_strict = false;
    if (wait->is_equal) {
        *bound = hash_of(&value);
        return true;
    }
    int beyond = convert(wait, &value, &is_strict);
    if (beyond != 0) {
        *bound = UINT64_MAX;
        return (beyond > 0) != wait->is_less;
    }
    uint64_t key = wait->is_less ? ~ordered(&value) : ordered(&value);
    *bound       = key - is_strict;
    return !is_strict || key != 0;
}

/* ---- sides and values ---- */

static weir_value
side_of(weiri_executor *self, const weiri_wait *wait, const weiri_run *run)
{
    weiri_registers *registers = self->core->registers;
    weiri_moment     moment    = { .start_ns = run->start_ns, .end_ns = run->last_ns };
    if (wait->reads_key) {
        moment.key = weiri_runs_key(self, self->partition);
    }
    if (wait->side_root == WEIRI_NONE) {
        return weiri_registers_value(registers, run->cells, wait->side->as.reg, &moment);
    }
    for (const uint32_t *r = wait->reads; *r != WEIRI_NONE; r++) {
        self->side_registers[*r] =
            weiri_registers_value(registers, run->cells, *r, &moment);
    }
    self->has_made_sides = true;
    uint64_t   n_faults  = weiri_program_faults(self->wait_sides);
    weir_value value     = weiri_program_eval(
            self->wait_sides, wait->side_root, NULL, 0, self->side_registers);
    if (self->is_loading) { /* they were counted when the run came to its state */
        self->lost_faults += weiri_program_faults(self->wait_sides) - n_faults;
    }
    return value;
}

void
weiri_runs_wait(weiri_executor *self, weiri_run *run)
{
    weiri_waiting *waiting = weiri_run_waiting(self, run);
    run->nulls             = 0;
    for (uint32_t i = self->first_wait[run->state]; i < self->first_wait[run->state + 1];
         i++, waiting++) {
        weir_value side = side_of(self, &self->waits[i], run);
        run->nulls |= (uint16_t)(side.is_null << self->waits[i].place);
        waiting->key = side.is_null ? 0 : key_of(&self->waits[i], &side);
    }
    if (self->has_made_sides) {
        self->has_made_sides = false;
        weiri_program_forget(self->wait_sides);
    }
}

bool
weiri_wait_bound(weiri_executor *self, weiri_wait *wait, uint64_t *bound)
{
    const weiri_event *event = self->event;
    if (wait->stamp != self->event_stamp) {
        wait->stamp    = self->event_stamp;
        wait->can_hold = weiri_runs_class_fits(self, event->class, wait->atom);
        if (wait->can_hold) {
            weir_value value =
                wait->value_root == WEIRI_NONE
                    ? weir_chunk_get(event->chunk, event->row, wait->value->as.field)
                    : weiri_program_eval(self->wait_values, wait->value_root,
                        event->chunk, event->row, NULL);
            wait->can_hold = !value.is_null && find_bound(wait, value, &wait->bound);
        }
    }
    *bound = wait->bound;
    return wait->can_hold;
}

static bool
holds(weiri_executor *self, weiri_wait *wait, weiri_run *run)
{
    const weiri_waiting *waiting = weiri_run_waiting(self, run) + wait->place;
    uint64_t             bound   = 0;
    return (run->nulls >> wait->place & 1) == 0 && weiri_wait_bound(self, wait, &bound)
           && (wait->is_equal ? waiting->key == bound : waiting->key <= bound);
}

bool
weiri_runs_is_awaited(weiri_executor *self, weiri_run *run)
{
    uint32_t end = self->first_wait[run->state + 1];
    for (uint32_t i = self->first_wait[run->state]; i < end; i++) {
        if (holds(self, &self->waits[i], run)) {
            return true;
        }
    }
    return false;
}

int
weiri_runs_compare(weiri_executor *self, uint32_t atom, weiri_run *run)
{
    uint32_t end = self->first_wait[run->state + 1];
    for (uint32_t i = self->first_wait[run->state]; i < end; i++) {
        if (self->waits[i].atom == atom) {
            return self->waits[i].is_whole ? holds(self, &self->waits[i], run) : -1;
        }
    }
    return -1;
}

void
weiri_runs_note_equality(weiri_executor *self, uint32_t class)
{
    const weiri_wait *wait  = self->n_waits > 0 && self->first_equal != WEIRI_NONE
                                  ? &self->waits[self->first_equal]
                                  : NULL;
    uint32_t          field = WEIRI_NONE;
    if (wait == NULL) {
        return;
    }
    if (wait->value->kind == WEIRI_EXPR_FIELD
        && weiri_runs_class_fits(self, class, wait->atom)) {
        field = wait->value->as.field;
    } else if (wait->side_field != WEIRI_NONE
               && weiri_runs_class_fits(self, class, wait->side_atom)) {
        field = wait->side_field;
    }
    self->equality_field[class] = (uint16_t)(field + 1);
}

bool
weiri_runs_equality_key(
    const weiri_executor *self, const weiri_event *event, uint64_t *key)
{
    uint32_t field = self->equality_field[event->class];
    if (field == 0) {
        return false;
    }
    weir_value value = weir_chunk_get(event->chunk, event->row, field - 1);
    *key             = hash_of(&value);
    return !value.is_null;
}
