/* Conditions of an event and a partial match. */
#include <stdlib.h>

#include "trace/trace.h"

static void
mark_reads(const weiri_expr *expr, bool *reads)
{
    if (expr->kind == WEIRI_EXPR_REGISTER) {
        reads[expr->as.reg] = true;
    }
    for (uint32_t i = 0; expr->kind == WEIRI_EXPR_CALL && i < expr->as.call.n_args; i++) {
        mark_reads(expr->as.call.args[i], reads);
    }
}

static uint32_t
add_root(const weiri_expr **roots, uint32_t *n, const weiri_expr *expr)
{
    if (expr == NULL) {
        return WEIRI_NONE;
    }
    roots[*n] = expr;
    return (*n)++;
}

/* The key of the partition is that of its first event, whose strings stay. */
weir_status
weiri_trace_read_key(weiri_trace *self)
{
    uint32_t n = self->plan->n_keys;
    self->key  = weiri_arena_alloc(self->arena, (n + 1) * sizeof *self->key);
    if (n == 0 || self->n_events == 0) {
        return WEIR_OK;
    }
    const weiri_trace_event *first  = &self->events[0];
    weir_status              status = weiri_program_new_narrow(
                     self->plan->inputs[first->input].keys, n, &self->key_program);
    for (uint32_t i = 0; i < n && status == WEIR_OK; i++) {
        self->key[i] =
            weiri_program_eval(self->key_program, i, first->chunk, first->row, NULL);
    }
    return status;
}

weir_status
weiri_trace_test_new(weiri_trace *self)
{
    weiri_arena       *arena   = self->arena;
    uint32_t           n_atoms = self->automaton->n_atoms;
    uint32_t           n       = 0;
    const weiri_expr **roots =
        weiri_arena_alloc(arena, (2 * (size_t)n_atoms + 1) * sizeof *roots);
    self->unary      = weiri_arena_alloc(arena, n_atoms * sizeof *self->unary);
    self->correlated = weiri_arena_alloc(arena, n_atoms * sizeof *self->correlated);
    self->n_judged =
        weiri_arena_alloc(arena, 2 * (size_t)n_atoms * sizeof *self->n_judged);
    self->seen_ns = weiri_arena_alloc(arena, n_atoms * sizeof *self->seen_ns);
    self->is_seen = weiri_arena_alloc(arena, n_atoms);
    self->is_just = weiri_arena_alloc(arena, n_atoms);
    self->reads   = weiri_arena_alloc(arena, self->plan->n_registers + 1);
    self->values =
        weiri_arena_alloc(arena, (self->plan->n_registers + 1) * sizeof *self->values);
    for (uint32_t a = 0; a < n_atoms; a++) {
        const weiri_atom *atom     = &self->automaton->atoms[a];
        bool              is_event = atom->kind == WEIRI_ATOM_EVENT;
        self->unary[a] = add_root(roots, &n, is_event ? atom->where.unary : NULL);
        self->correlated[a] =
            add_root(roots, &n, is_event ? atom->where.correlated : NULL);
        if (self->correlated[a] != WEIRI_NONE) {
            mark_reads(atom->where.correlated, self->reads);
        }
    }
    weir_status status =
        n == 0 ? WEIR_OK : weiri_program_new_narrow(roots, n, &self->program);
    return status == WEIR_OK ? weiri_trace_read_key(self) : status;
}

const weir_value *
weiri_trace_values(weiri_trace *self, uint32_t node)
{
    const weiri_trace_node *at     = weiri_trace_at(self, node);
    weiri_moment            moment = { .key = self->key };
    if (at->n_taken > 0) {
        moment.start_ns = self->events[at->first].time_ns;
        moment.end_ns   = self->events[at->event].time_ns;
    }
    weiri_registers_begin_values(self->registers);
    for (uint32_t r = 0; r < self->plan->n_registers; r++) {
        if (self->reads[r]) {
            self->values[r] =
                weiri_registers_value(self->registers, self->cells[node], r, &moment);
        }
    }
    return self->values;
}

static bool
is_true(weir_value value)
{
    return !value.is_null && value.as.b;
}

/* The event is of the atom's input and its unary part holds. */
static bool
fits(weiri_trace *self, uint32_t atom, uint32_t event)
{
    const weiri_trace_event *e = &self->events[event];
    return self->automaton->atoms[atom].input == e->input
           && (self->unary[atom] == WEIRI_NONE
               || is_true(weiri_program_eval(
                   self->program, self->unary[atom], e->chunk, e->row, NULL)));
}

static bool
was_before(const weiri_trace *self, const weiri_atom *atom, uint32_t event)
{
    int64_t within_ns = self->automaton->within_ns;
    if (atom->kind == WEIRI_ATOM_JUST_BEFORE) {
        return self->is_just[atom->of];
    }
    return self->is_seen[atom->of]
           && (within_ns < 0
               || (uint64_t)self->events[event].time_ns
                          - (uint64_t)self->seen_ns[atom->of]
                      <= (uint64_t)within_ns);
}

bool
weiri_trace_atom(weiri_trace *self, uint32_t atom, uint32_t event, uint32_t node)
{
    const weiri_atom        *a = &self->automaton->atoms[atom];
    const weiri_trace_event *e = &self->events[event];
    if (a->kind != WEIRI_ATOM_EVENT) {
        return was_before(self, a, event);
    }
    if (!fits(self, atom, event)) {
        return false;
    }
    bool holds = self->correlated[atom] == WEIRI_NONE
                 || is_true(weiri_program_eval(self->program, self->correlated[atom],
                     e->chunk, e->row, weiri_trace_values(self, node)));
    self->n_judged[2 * atom + holds]++;
    return holds;
}

void
weiri_trace_judged(const weiri_trace *self, uint32_t step, uint64_t counts[2])
{
    counts[0] += self->n_judged[2 * (size_t)step];
    counts[1] += self->n_judged[2 * (size_t)step + 1];
}

bool
weiri_trace_holds(weiri_trace *self, weiri_formula formula, uint32_t event, uint32_t node)
{
    const weiri_formula_node *f = &self->automaton->conditions.nodes[formula];
    switch (f->kind) {
    case WEIRI_FORMULA_CONSTANT: return formula == WEIRI_TRUE;
    case WEIRI_FORMULA_ATOM:
        return weiri_trace_atom(self, f->a, event, node) != (f->a == self->flipped);
    case WEIRI_FORMULA_NOT: return !weiri_trace_holds(self, f->a, event, node);
    case WEIRI_FORMULA_AND:
        return weiri_trace_holds(self, f->a, event, node)
               && weiri_trace_holds(self, f->b, event, node);
    case WEIRI_FORMULA_OR:
        return weiri_trace_holds(self, f->a, event, node)
               || weiri_trace_holds(self, f->b, event, node);
    }
    return false;
}

void
weiri_trace_note_before(weiri_trace *self, uint32_t event)
{
    for (uint32_t a = 0; a < self->automaton->n_atoms; a++) {
        const weiri_atom *atom = &self->automaton->atoms[a];
        if (atom->kind == WEIRI_ATOM_EVENT) {
            continue;
        }
        bool is_fitting         = fits(self, atom->of, event);
        self->is_just[atom->of] = is_fitting;
        if (is_fitting) {
            self->is_seen[atom->of] = true;
            self->seen_ns[atom->of] = self->events[event].time_ns;
        }
    }
}

weir_value
weiri_trace_eval(weiri_trace *self, weiri_arena *arena, const weiri_expr *expr,
    uint32_t event, uint32_t node)
{
    const weiri_trace_event *e       = &self->events[event];
    weiri_program           *program = NULL;
    weir_value               value   = { .type = (uint8_t)expr->type, .is_null = true };
    if (weiri_program_new_narrow(&expr, 1, &program) != WEIR_OK) {
        return value;
    }
    value =
        weiri_program_eval(program, 0, e->chunk, e->row, weiri_trace_values(self, node));
    if (!value.is_null && (value.type == WEIR_STRING || value.type == WEIR_LIST)) {
        value.as.s = weiri_arena_text(arena, value.as.s, value.size);
    }
    weiri_program_destroy(&program);
    return value;
}
