/* What a state does on a class, worked out when first met. */
#include "match/runs.h"

#include <stdlib.h>

static const weiri_class *
class_at(const weiri_executor *self, uint32_t class)
{
    return class == WEIRI_CLASS_OTHER ? &self->other
                                      : weiri_classes_at(self->core->classes, class);
}

bool
weiri_runs_class_fits(const weiri_executor *self, uint32_t class, uint32_t atom)
{
    return weiri_class_fits(class_at(self, class), atom);
}

/* An atom is decided by the class unless it reads registers or the partition. */
static weiri_formula
class_fact(void *context, uint32_t atom)
{
    weiri_executor   *self = context;
    const weiri_atom *a    = &self->core->automaton->atoms[atom];
    if (a->kind == WEIRI_ATOM_EVENT) {
        if (!weiri_class_fits(self->fact_class, atom)) {
            return WEIRI_FALSE;
        }
        if (a->where.correlated == NULL) {
            return WEIRI_TRUE;
        }
    }
    return weiri_formula_atom(&self->core->automaton->conditions, atom);
}

static void
make_move(weiri_executor *self, uint32_t class, uint32_t state, weiri_move *move)
{
    weiri_automaton   *automaton = self->core->automaton;
    const weiri_state *from      = &automaton->states[state];
    self->fact_class             = class_at(self, class);
    *move = (weiri_move){ .arcs = malloc((from->n_arcs + 1) * sizeof *move->arcs) };
    if (move->arcs == NULL) {
        self->core->status = WEIR_ENOMEM;
        return;
    }
    for (uint32_t i = 0; i < from->n_arcs; i++) {
        weiri_arc arc = from->arcs[i];
        arc.when =
            weiri_formula_restrict(&automaton->conditions, arc.when, class_fact, self);
        if (arc.when == WEIRI_FALSE) {
            continue;
        }
        arc.completes = weiri_formula_restrict(
            &automaton->conditions, arc.completes, class_fact, self);
        move->arcs[move->n_arcs++] = arc;
    }
    const weiri_arc *only       = &move->arcs[0];
    bool             is_nothing = move->n_arcs == 1 && only->action == WEIRI_IGNORE
                      && only->target == state && only->when == WEIRI_TRUE;
    move->kind  = move->n_arcs == 0 ? WEIRI_MOVE_DIE
                  : is_nothing      ? WEIRI_MOVE_NOTHING
                                    : WEIRI_MOVE_ARCS;
    move->waits = move->kind == WEIRI_MOVE_ARCS
                  && weiri_runs_waits(self, state, move->arcs, move->n_arcs);
    if (move->kind == WEIRI_MOVE_NOTHING && class < 64) {
        self->quiet[state] |= UINT64_C(1) << class;
    }
    if (automaton->conditions.is_out_of_memory) {
        self->core->status = WEIR_ENOMEM;
    }
}

static bool
make_row(weiri_executor *self, uint32_t class)
{
    uint32_t n           = self->core->automaton->n_states;
    self->moves[class]   = calloc(n, sizeof *self->moves[class]);
    self->is_made[class] = calloc(n, sizeof *self->is_made[class]);
    if (self->moves[class] == NULL || self->is_made[class] == NULL) {
        self->core->status = WEIR_ENOMEM;
        return false;
    }
    return true;
}

const weiri_move *
weiri_runs_make_move(weiri_executor *self, uint32_t class, uint32_t state)
{
    static const weiri_move DEAD = { .kind = WEIRI_MOVE_DIE };
    if (self->moves[class] == NULL && !make_row(self, class)) {
        return &DEAD;
    }
    make_move(self, class, state, &self->moves[class][state]);
    self->is_made[class][state] = 1;
    return &self->moves[class][state];
}

void
weiri_runs_set_other(weiri_executor *self, const weiri_class *class)
{
    uint32_t n = self->core->automaton->n_states;
    if (self->is_made[WEIRI_CLASS_OTHER] != NULL) {
        for (uint32_t s = 0; s < n; s++) {
            free(self->moves[WEIRI_CLASS_OTHER][s].arcs);
            self->moves[WEIRI_CLASS_OTHER][s]   = (weiri_move){ 0 };
            self->is_made[WEIRI_CLASS_OTHER][s] = 0;
        }
    }
    self->other = *class;
}

unsigned
weiri_runs_use_of(weiri_executor *self, uint32_t class)
{
    const weiri_automaton *automaton = self->core->automaton;
    unsigned               use       = 0;
    weiri_runs_note_equality(self, class);
    if (weiri_runs_move(self, class, 0)->n_arcs > 0) {
        use |= WEIRI_CLASS_BEGINS;
    }
    for (uint32_t i = 0; i < self->n_leading; i++) {
        uint32_t of = automaton->atoms[self->leading[i]].of;
        if (weiri_class_fits(class_at(self, class), of)) {
            use |= WEIRI_CLASS_BEGINS;
        }
    }
    if (use != 0 || self->has_just_before) {
        return use | WEIRI_CLASS_MATTERS;
    }
    for (uint32_t s = 1; s < automaton->n_states; s++) {
        if (weiri_runs_move(self, class, s)->kind != WEIRI_MOVE_NOTHING) {
            return use | WEIRI_CLASS_MATTERS;
        }
    }
    return use;
}
