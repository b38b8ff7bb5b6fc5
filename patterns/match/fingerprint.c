#include "match/fingerprint.h"

#include <stdlib.h>

#include "expr/fingerprint.h"

static uint64_t
add_condition(uint64_t hash, const weiri_condition *where, const weir_schema *schema)
{
    return weiri_hash_expr(
        weiri_hash_expr(hash, where->unary, schema), where->correlated, schema);
}

/* All steps under an `until` read one input. */
static const weir_schema *
schema_of(const weiri_match *plan, const weiri_pattern *pattern)
{
    while (pattern->kind != WEIRI_PATTERN_STEP) {
        pattern = pattern->items[0];
    }
    return plan->inputs[plan->steps[pattern->step].input].schema;
}

static uint64_t
add_pattern(uint64_t hash, const weiri_match *plan, const weiri_pattern *p)
{
    hash = weiri_hash_number(
        weiri_hash_number(weiri_hash_number(hash, p->kind), p->contiguity),
        p->is_negated);
    hash = weiri_hash_number(weiri_hash_number(hash, p->min), p->max);
    hash = weiri_hash_number(weiri_hash_number(hash, p->inner), p->preference);
    hash = weiri_hash_number(hash, p->until != NULL);
    if (p->until != NULL) {
        hash = add_condition(hash, p->until, schema_of(plan, p));
    }
    if (p->kind == WEIRI_PATTERN_STEP) {
        return weiri_hash_number(hash, p->step);
    }
    hash = weiri_hash_number(hash, p->n_items);
    for (uint32_t i = 0; i < p->n_items; i++) {
        hash = add_pattern(hash, plan, p->items[i]);
    }
    return hash;
}

static uint64_t
add_register(uint64_t hash, const weiri_match *plan, const weiri_register *reg)
{
    hash = weiri_hash_number(
        weiri_hash_number(weiri_hash_number(hash, reg->kind), reg->step), reg->index);
    hash = weiri_hash_number(weiri_hash_number(hash, reg->type), reg->element);
    for (uint32_t i = 0; reg->arguments != NULL && i < plan->n_inputs; i++) {
        hash = weiri_hash_expr(hash, reg->arguments[i], plan->inputs[i].schema);
    }
    return weiri_hash_number(hash, reg->arguments != NULL);
}

static uint64_t
add_input(uint64_t hash, const weiri_match *plan, const weiri_match_input *input)
{
    hash = weiri_hash_text(hash, input->schema->name);
    for (uint32_t k = 0; k < plan->n_keys; k++) {
        hash = weiri_hash_expr(hash, input->keys[k], input->schema);
    }
    return hash;
}

uint64_t
weiri_match_fingerprint(const weiri_match *plan)
{
    uint64_t hash = weiri_hash_number(
        weiri_hash_number(WEIRI_HASH_BEGIN, plan->n_inputs), plan->n_keys);
    for (uint32_t i = 0; i < plan->n_inputs; i++) {
        hash = add_input(hash, plan, &plan->inputs[i]);
    }
    hash = weiri_hash_number(hash, plan->n_steps);
    for (uint32_t i = 0; i < plan->n_steps; i++) {
        const weiri_step *step = &plan->steps[i];
        hash                   = weiri_hash_number(
                              weiri_hash_number(hash, step->input), (uint64_t)step->gap_ns);
        hash = add_condition(hash, &step->where, plan->inputs[step->input].schema);
    }
    hash = add_pattern(hash, plan, plan->pattern);
    hash = weiri_hash_number(hash, plan->n_registers);
    for (uint32_t i = 0; i < plan->n_registers; i++) {
        hash = add_register(hash, plan, &plan->registers[i]);
    }
    hash = weiri_hash_number(
        weiri_hash_number(hash, (uint64_t)plan->within_ns), (uint64_t)plan->silence_ns);
    hash = weiri_hash_number(weiri_hash_number(hash, plan->skip), plan->skip_step);
    hash = weiri_hash_number(weiri_hash_number(hash, plan->max_runs), plan->max_matches);
    if (plan->limit > 0) {
        hash = weiri_hash_number(
            weiri_hash_number(hash, plan->limit), (uint64_t)plan->limit_ns);
    }
    return weiri_hash_number(hash, plan->on_timeout != NULL);
}

/* ---- automata ---- */

/* Formulas refer to those made before them. */
static uint64_t *
hash_formulas(const weiri_conditions *conditions)
{
    uint64_t *hashes = malloc((conditions->n_nodes + (size_t)1) * sizeof *hashes);
    for (uint32_t i = 0; hashes != NULL && i < conditions->n_nodes; i++) {
        const weiri_formula_node *node = &conditions->nodes[i];
        uint64_t                  hash = weiri_hash_number(WEIRI_HASH_BEGIN, node->kind);
        switch (node->kind) {
        case WEIRI_FORMULA_CONSTANT: hash = weiri_hash_number(hash, i); break;
        case WEIRI_FORMULA_ATOM: hash = weiri_hash_number(hash, node->a); break;
        case WEIRI_FORMULA_NOT: hash = weiri_hash_number(hash, hashes[node->a]); break;
        case WEIRI_FORMULA_AND:
        case WEIRI_FORMULA_OR:
            hash = weiri_hash_number(
                weiri_hash_number(hash, hashes[node->a]), hashes[node->b]);
        }
        hashes[i] = hash;
    }
    return hashes;
}

static uint64_t
add_state(uint64_t hash, const weiri_state *state, const uint64_t *formulas)
{
    hash = weiri_hash_number(
        weiri_hash_number(hash, state->is_pending), (uint64_t)state->gap_ns);
    hash = weiri_hash_number(hash, state->n_arcs);
    for (uint32_t i = 0; i < state->n_arcs; i++) {
        const weiri_arc *arc = &state->arcs[i];
        hash                 = weiri_hash_number(weiri_hash_number(hash, arc->action),
            arc->action == WEIRI_TAKE ? arc->step : 0);
        hash                 = weiri_hash_number(hash, arc->target);
        hash                 = weiri_hash_number(hash, formulas[arc->when]);
        if (arc->action == WEIRI_TAKE) {
            hash = weiri_hash_number(hash, formulas[arc->completes]);
        }
    }
    return hash;
}

uint64_t
weiri_automaton_fingerprint(const weiri_automaton *self)
{
    uint64_t *formulas = hash_formulas(&self->conditions);
    uint64_t  hash     = weiri_hash_number(
             weiri_hash_number(WEIRI_HASH_BEGIN, self->n_states), self->n_atoms);
    if (formulas == NULL) {
        return 0;
    }
    for (uint32_t i = 0; i < self->n_atoms; i++) {
        const weiri_atom *atom = &self->atoms[i];
        hash = weiri_hash_number(weiri_hash_number(hash, atom->kind), atom->of);
    }
    for (uint32_t i = 0; i < self->n_states; i++) {
        hash = add_state(hash, &self->states[i], formulas);
    }
    free(formulas);
    return hash == 0 ? 1 : hash;
}
