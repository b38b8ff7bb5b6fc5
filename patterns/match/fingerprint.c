#include "match/fingerprint.h"

#include <stdlib.h>
#include <string.h>

#include "expr/operations.h"
#include "weiri/pack.h"

static uint64_t
add(uint64_t hash, uint64_t value)
{
    uint8_t bytes[8];
    for (uint32_t i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(value >> 8 * i);
    }
    return weiri_hash_bytes(hash, bytes, sizeof bytes);
}

static uint64_t
add_text(uint64_t hash, const char *text)
{
    size_t size = strlen(text);
    return weiri_hash_bytes(add(hash, size), text, size);
}

static uint64_t
add_constant(uint64_t hash, const weir_value *value)
{
    uint64_t bits = 0;
    hash          = add(add(hash, value->type), value->is_null);
    if (value->is_null) {
        return hash;
    }
    switch ((weir_type)value->type) {
    case WEIR_STRING:
    case WEIR_LIST:
        return value->size == 0
                   ? add(hash, 0)
                   : weiri_hash_bytes(add(hash, value->size), value->as.s, value->size);
    case WEIR_FLOAT: memcpy(&bits, &value->as.f, sizeof bits); return add(hash, bits);
    case WEIR_BOOL: return add(hash, value->as.b);
    case WEIR_NULL:
    case WEIR_INT:
    case WEIR_TIME:
    case WEIR_DURATION: break;
    }
    return add(hash, (uint64_t)value->as.i);
}

uint64_t
weiri_hash_expr(uint64_t hash, const weiri_expr *expr, const weir_schema *schema)
{
    if (expr == NULL) {
        return add(hash, 0);
    }
    hash = add(add(add(hash, 1 + (uint64_t)expr->kind), expr->type), expr->element);
    switch (expr->kind) {
    case WEIRI_EXPR_CONSTANT: return add_constant(hash, &expr->as.constant);
    case WEIRI_EXPR_FIELD: return add_text(hash, schema->fields[expr->as.field].name);
    case WEIRI_EXPR_TIME: return hash;
    case WEIRI_EXPR_REGISTER: return add(hash, expr->as.reg);
    case WEIRI_EXPR_CALL: break;
    }
    hash = add_text(hash, expr->as.call.operation->name);
    hash = add(hash, expr->as.call.n_args);
    for (uint32_t i = 0; i < expr->as.call.n_args; i++) {
        hash = weiri_hash_expr(hash, expr->as.call.args[i], schema);
    }
    return hash;
}

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
    hash = add(add(add(hash, p->kind), p->contiguity), p->is_negated);
    hash = add(add(hash, p->min), p->max);
    hash = add(add(hash, p->inner), p->preference);
    hash = add(hash, p->until != NULL);
    if (p->until != NULL) {
        hash = add_condition(hash, p->until, schema_of(plan, p));
    }
    if (p->kind == WEIRI_PATTERN_STEP) {
        return add(hash, p->step);
    }
    hash = add(hash, p->n_items);
    for (uint32_t i = 0; i < p->n_items; i++) {
        hash = add_pattern(hash, plan, p->items[i]);
    }
    return hash;
}

static uint64_t
add_register(uint64_t hash, const weiri_match *plan, const weiri_register *reg)
{
    hash = add(add(add(hash, reg->kind), reg->step), reg->index);
    hash = add(add(hash, reg->type), reg->element);
    for (uint32_t i = 0; reg->arguments != NULL && i < plan->n_inputs; i++) {
        hash = weiri_hash_expr(hash, reg->arguments[i], plan->inputs[i].schema);
    }
    return add(hash, reg->arguments != NULL);
}

static uint64_t
add_input(uint64_t hash, const weiri_match *plan, const weiri_match_input *input)
{
    hash = add_text(hash, input->schema->name);
    for (uint32_t k = 0; k < plan->n_keys; k++) {
        hash = weiri_hash_expr(hash, input->keys[k], input->schema);
    }
    return hash;
}

uint64_t
weiri_match_fingerprint(const weiri_match *plan)
{
    uint64_t hash = add(add(WEIRI_HASH_BEGIN, plan->n_inputs), plan->n_keys);
    for (uint32_t i = 0; i < plan->n_inputs; i++) {
        hash = add_input(hash, plan, &plan->inputs[i]);
    }
    hash = add(hash, plan->n_steps);
    for (uint32_t i = 0; i < plan->n_steps; i++) {
        const weiri_step *step = &plan->steps[i];
        hash                   = add(add(hash, step->input), (uint64_t)step->gap_ns);
        hash = add_condition(hash, &step->where, plan->inputs[step->input].schema);
    }
    hash = add_pattern(hash, plan, plan->pattern);
    hash = add(hash, plan->n_registers);
    for (uint32_t i = 0; i < plan->n_registers; i++) {
        hash = add_register(hash, plan, &plan->registers[i]);
    }
    hash = add(add(hash, (uint64_t)plan->within_ns), (uint64_t)plan->silence_ns);
    hash = add(add(hash, plan->skip), plan->skip_step);
    hash = add(add(hash, plan->max_runs), plan->max_matches);
    return add(hash, plan->on_timeout != NULL);
}

/* ---- automata ---- */

/* Formulas refer to those made before them. */
static uint64_t *
hash_formulas(const weiri_conditions *conditions)
{
    uint64_t *hashes = malloc((conditions->n_nodes + (size_t)1) * sizeof *hashes);
    for (uint32_t i = 0; hashes != NULL && i < conditions->n_nodes; i++) {
        const weiri_formula_node *node = &conditions->nodes[i];
        uint64_t                  hash = add(WEIRI_HASH_BEGIN, node->kind);
        switch (node->kind) {
        case WEIRI_FORMULA_CONSTANT: hash = add(hash, i); break;
        case WEIRI_FORMULA_ATOM: hash = add(hash, node->a); break;
        case WEIRI_FORMULA_NOT: hash = add(hash, hashes[node->a]); break;
        case WEIRI_FORMULA_AND:
        case WEIRI_FORMULA_OR: hash = add(add(hash, hashes[node->a]), hashes[node->b]);
        }
        hashes[i] = hash;
    }
    return hashes;
}

static uint64_t
add_state(uint64_t hash, const weiri_state *state, const uint64_t *formulas)
{
    hash = add(add(hash, state->is_pending), (uint64_t)state->gap_ns);
    hash = add(hash, state->n_arcs);
    for (uint32_t i = 0; i < state->n_arcs; i++) {
        const weiri_arc *arc = &state->arcs[i];
        hash = add(add(hash, arc->action), arc->action == WEIRI_TAKE ? arc->step : 0);
        hash = add(hash, arc->target);
        hash = add(hash, formulas[arc->when]);
        if (arc->action == WEIRI_TAKE) {
            hash = add(hash, formulas[arc->completes]);
        }
    }
    return hash;
}

uint64_t
weiri_automaton_fingerprint(const weiri_automaton *self)
{
    uint64_t *formulas = hash_formulas(&self->conditions);
    uint64_t  hash     = add(add(WEIRI_HASH_BEGIN, self->n_states), self->n_atoms);
    if (formulas == NULL) {
        return 0;
    }
    for (uint32_t i = 0; i < self->n_atoms; i++) {
        const weiri_atom *atom = &self->atoms[i];
        hash                   = add(add(hash, atom->kind), atom->of);
    }
    for (uint32_t i = 0; i < self->n_states; i++) {
        hash = add_state(hash, &self->states[i], formulas);
    }
    free(formulas);
    return hash == 0 ? 1 : hash;
}
