#include "match/automaton.h"

#include <stdlib.h>
#include <string.h>

#include "match/flatten.h"
#include "weiri/limits.h"

weiri_formula
weiri_automaton_fits(weiri_automaton *self, uint64_t steps)
{
    weiri_formula any = WEIRI_FALSE;
    for (uint32_t i = 0; i < WEIRI_STEPS; i++) {
        if ((steps >> i & 1) != 0) {
            any = weiri_formula_or(
                &self->conditions, any, weiri_formula_atom(&self->conditions, i));
        }
    }
    return any;
}

/* ---- the finished automaton ---- */

/* Copy what was drafted, with dead ends marked. */
static bool
finish(weiri_automaton *self, const weiri_draft *drafts, uint32_t n)
{
    uint32_t n_arcs = 0;
    for (uint32_t i = 0; i < n; i++) {
        n_arcs += drafts[i].n_arcs;
    }
    self->states = calloc((size_t)n + 1, sizeof *self->states);
    self->arcs   = calloc(n_arcs + 1, sizeof *self->arcs);
    if (self->states == NULL || self->arcs == NULL) {
        return false;
    }
    self->n_states = n;
    weiri_arc *to  = self->arcs;
    for (uint32_t i = 0; i < n; i++) {
        self->states[i] = (weiri_state){ .arcs = to,
            .n_arcs                            = drafts[i].n_arcs,
            .is_pending                        = drafts[i].is_pending,
            .gap_ns = drafts[i].has_open ? -1 : drafts[i].gap_ns };
        for (uint32_t a = 0; a < drafts[i].n_arcs; a++, to++) {
            *to = drafts[i].arcs[a];
            if (to->target != WEIRI_NONE && !drafts[to->target].has_way) {
                to->target = WEIRI_NONE;
            }
        }
    }
    return true;
}

static weir_status
build(weiri_automaton *self, const weiri_match *plan, weiri_arena *arena, weir_error *err)
{
    weiri_builder builder = { .plan = plan, .arena = arena, .automaton = self };
    uint32_t      n       = 0;
    weiri_draft  *drafts =
        weiri_builder_run(&builder) ? weiri_builder_fold(&builder, &n) : NULL;
    if (self->conditions.is_out_of_memory) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the pattern");
    }
    if (drafts == NULL) {
        return WEIR_FAIL(err, WEIR_EINVAL, "the pattern %s", builder.failure);
    }
    n = weiri_minimise(arena, &self->conditions, drafts, n);
    if (!finish(self, drafts, n)) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the pattern");
    }
    return WEIR_OK;
}

weir_status
weiri_automaton_new(const weiri_match *plan, weiri_automaton **out, weir_error *err)
{
    if (plan->n_steps > WEIRI_STEPS || plan->n_steps == 0) {
        return WEIR_FAIL(err, WEIR_EINVAL, "the pattern has too many (or no) steps");
    }
    weiri_automaton *self  = calloc(1, sizeof *self);
    weiri_arena     *arena = weiri_arena_new();
    weir_status      status;
    if (self == NULL || arena == NULL || !weiri_conditions_init(&self->conditions)
        || (self->atoms = calloc(WEIRI_AUTOMATON_ATOMS, sizeof *self->atoms)) == NULL) {
        status = WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the pattern");
        goto fail;
    }
    self->within_ns = plan->silence_ns >= 0 ? plan->silence_ns : plan->within_ns;
    self->n_atoms   = plan->n_steps;
    for (uint32_t i = 0; i < plan->n_steps; i++) {
        self->atoms[i] = (weiri_atom){ .kind = WEIRI_ATOM_EVENT,
            .input                           = plan->steps[i].input,
            .where                           = plan->steps[i].where };
    }
    status = build(self, plan, arena, err);
    if (status != WEIR_OK) {
        goto fail;
    }
    weiri_arena_destroy(&arena);
    *out = self;
    return WEIR_OK;
fail:
    weiri_arena_destroy(&arena);
    weiri_automaton_destroy(&self);
    return status;
}

void
weiri_automaton_destroy(weiri_automaton **self_p)
{
    weiri_automaton *self = *self_p;
    *self_p               = NULL;
    if (self != NULL) {
        weiri_conditions_fini(&self->conditions);
        free(self->atoms);
        free(self->states);
        free(self->arcs);
        free(self);
    }
}

/* ---- for people ---- */

static void
print_atom(const weiri_automaton *self, const weiri_match *plan, uint32_t i, FILE *file)
{
    const weiri_atom *atom = &self->atoms[i];
    switch (atom->kind) {
    case WEIRI_ATOM_EVENT:
        if (i < plan->n_steps) {
            (void)fputs(plan->steps[i].name, file);
        } else {
            (void)fprintf(file, "until#%u", i - plan->n_steps + 1);
        }
        break;
    case WEIRI_ATOM_BEFORE:
        (void)fprintf(file, "seen(%s)", plan->steps[atom->of].name);
        break;
    case WEIRI_ATOM_JUST_BEFORE:
        (void)fprintf(file, "just before(%s)", plan->steps[atom->of].name);
        break;
    }
}

static void
print_formula(const weiri_automaton *self, const weiri_match *plan, weiri_formula formula,
    FILE *file)
{
    const weiri_formula_node *node = &self->conditions.nodes[formula];
    switch (node->kind) {
    case WEIRI_FORMULA_CONSTANT:
        (void)fputs(formula == WEIRI_TRUE ? "always" : "never", file);
        break;
    case WEIRI_FORMULA_ATOM: print_atom(self, plan, node->a, file); break;
    case WEIRI_FORMULA_NOT:
        (void)fputs("not ", file);
        print_formula(self, plan, node->a, file);
        break;
    case WEIRI_FORMULA_AND:
    case WEIRI_FORMULA_OR:
        (void)fputc('(', file);
        print_formula(self, plan, node->a, file);
        (void)fputs(node->kind == WEIRI_FORMULA_AND ? " and " : " or ", file);
        print_formula(self, plan, node->b, file);
        (void)fputc(')', file);
        break;
    }
}

static void
print_arc(const weiri_automaton *self, const weiri_match *plan, const weiri_arc *arc,
    FILE *file)
{
    static const char *const VERBS[] = { "take", "ignore", "complete" };
    (void)fprintf(file, "  %s", VERBS[arc->action]);
    if (arc->action == WEIRI_TAKE) {
        (void)fprintf(file, " %s", plan->steps[arc->step].name);
    }
    (void)fputs(" when ", file);
    print_formula(self, plan, arc->when, file);
    if (arc->completes != WEIRI_FALSE) {
        (void)fputs(", complete ", file);
        print_formula(self, plan, arc->completes, file);
    }
    if (arc->target != WEIRI_NONE) {
        (void)fprintf(file, " -> %u", arc->target);
    }
    (void)fputc('\n', file);
}

void
weiri_automaton_print(const weiri_automaton *self, const weiri_match *plan, FILE *file)
{
    for (uint32_t i = 0; i < self->n_states; i++) {
        const weiri_state *state = &self->states[i];
        (void)fprintf(file, "state %u%s%s\n", i, i == 0 ? ", begin" : "",
            state->is_pending ? ", complete at its deadline" : "");
        for (uint32_t a = 0; a < state->n_arcs; a++) {
            print_arc(self, plan, &state->arcs[a], file);
        }
    }
}
