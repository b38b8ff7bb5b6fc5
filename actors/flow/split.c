#include "split.h"

#include <string.h>

#include "../graph/dispatch.h"
#include "weiri/assert.h"
#include "weiri/window.h"

/* Whether each key of an actor is a matter of its own, so that shards have the actor once
 * each. One that begins anew when it is opened again does so with all keys. */
static bool
is_by_key(const weiri_actor_plan *plan)
{
    bool is_lost = !plan->is_program && plan->on_error == WEIRI_ON_ERROR_RESTART
                   && plan->actor->state_save == NULL;
    return plan->n_keys > 0 && !is_lost && !weiri_actor_comes(plan);
}

weiri_split
weiri_split_of(const weiri_rule *rule)
{
    if (rule->spread == WEIRI_SPREAD_WHOLE) {
        return WEIRI_SPLIT_NOT;
    }
    if (rule->join != NULL || (rule->query != NULL && rule->query->fold != NULL)) {
        return WEIRI_SPLIT_NOT;
    }
    if (rule->query != NULL && rule->query->actor != NULL) {
        return is_by_key(rule->query->actor) ? WEIRI_SPLIT_KEYS : WEIRI_SPLIT_NOT;
    }
    if (rule->match != NULL) { /* a limit without `per` is one of all keys */
        const weiri_match *match    = rule->match;
        bool               is_bound = match->limit > 0 && match->limit_ns < 0;
        return match->n_keys > 0 && !is_bound ? WEIRI_SPLIT_KEYS : WEIRI_SPLIT_NOT;
    }
    weiri_assert(rule->query != NULL);
    if (rule->query->window == NULL) {
        return WEIRI_SPLIT_TURNS;
    }
    return weiri_window_is_by_key(rule->query->window) ? WEIRI_SPLIT_KEYS
                                                       : WEIRI_SPLIT_NOT;
}

const weiri_expr *const *
weiri_split_keys(const weiri_rule *rule, uint32_t stream, uint32_t *n)
{
    const weiri_match *match = rule->match;
    if (match == NULL && rule->query->actor != NULL) {
        *n = rule->query->actor->n_keys;
        return rule->query->actor->keys;
    }
    if (match == NULL) {
        *n = rule->query->window->n_keys;
        return rule->query->window->keys;
    }
    *n = match->n_keys;
    for (uint32_t i = 0; i < match->n_inputs; i++) {
        if (match->inputs[i].stream == stream) {
            return match->inputs[i].keys;
        }
    }
    return NULL;
}

static bool
is_same_value(const weir_value *a, const weir_value *b)
{
    if (a->type != b->type || a->is_null != b->is_null) {
        return false;
    }
    if (a->is_null) {
        return true;
    }
    if (a->type == WEIR_STRING || a->type == WEIR_LIST) {
        return a->size == b->size && memcmp(a->as.s, b->as.s, a->size) == 0;
    }
    return a->type == WEIR_BOOL ? a->as.b == b->as.b : a->as.i == b->as.i;
}

static bool
is_same_expr(const weiri_expr *a, const weiri_expr *b)
{
    if (a->kind != b->kind || a->type != b->type || a->element != b->element) {
        return false;
    }
    switch (a->kind) {
    case WEIRI_EXPR_TIME: return true;
    case WEIRI_EXPR_FIELD: return a->as.field == b->as.field;
    case WEIRI_EXPR_REGISTER: return a->as.reg == b->as.reg;
    case WEIRI_EXPR_CONSTANT: return is_same_value(&a->as.constant, &b->as.constant);
    case WEIRI_EXPR_CALL: break;
    }
    bool is_same = a->as.call.operation == b->as.call.operation
                   && a->as.call.n_args == b->as.call.n_args;
    for (uint32_t i = 0; is_same && i < a->as.call.n_args; i++) {
        is_same = is_same_expr(a->as.call.args[i], b->as.call.args[i]);
    }
    return is_same;
}

bool
weiri_split_is_same(const weiri_rule *a, const weiri_rule *b)
{
    for (uint32_t i = 0; i < weiri_rule_n_inputs(a); i++) {
        uint32_t                 n_a     = 0;
        uint32_t                 n_b     = 0;
        uint32_t                 stream  = weiri_rule_input(a, i);
        const weiri_expr *const *x       = weiri_split_keys(a, stream, &n_a);
        const weiri_expr *const *y       = weiri_split_keys(b, stream, &n_b);
        bool                     is_same = n_a == n_b;
        for (uint32_t k = 0; is_same && k < n_a; k++) {
            is_same = is_same_expr(x[k], y[k]);
        }
        if (!is_same) {
            return false;
        }
    }
    return true;
}
