#include "match/condition.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_NODES = 64 };

static uint32_t
bucket_of(const weiri_conditions *self, weiri_formula_node node)
{
    uint64_t h = (uint64_t)node.kind * 0x9E3779B97F4A7C15u;
    h          = (h ^ node.a) * 0xBF58476D1CE4E5B9u;
    h          = (h ^ (h >> 29) ^ node.b) * 0x94D049BB133111EBu;
    return (uint32_t)(h >> 32) & (self->n_buckets - 1);
}

static uint32_t
find_slot(const weiri_conditions *self, weiri_formula_node node)
{
    uint32_t slot = bucket_of(self, node);
    while (self->buckets[slot] != 0) {
        const weiri_formula_node *other = &self->nodes[self->buckets[slot]];
        if (other->kind == node.kind && other->a == node.a && other->b == node.b) {
            break;
        }
        slot = (slot + 1) & (self->n_buckets - 1);
    }
    return slot;
}

static bool
grow(weiri_conditions *self, uint32_t capacity)
{
    weiri_formula_node *nodes = realloc(self->nodes, capacity * sizeof *nodes);
    if (nodes != NULL) {
        self->nodes = nodes;
    }
    uint32_t *buckets = calloc(2 * (size_t)capacity, sizeof *buckets);
    if (nodes == NULL || buckets == NULL) {
        free(buckets);
        self->is_out_of_memory = true;
        return false;
    }
    free(self->buckets);
    self->buckets   = buckets;
    self->n_buckets = 2 * capacity;
    self->capacity  = capacity;
    for (uint32_t i = WEIRI_TRUE + 1; i < self->n_nodes; i++) {
        self->buckets[find_slot(self, self->nodes[i])] = i;
    }
    return true;
}

static weiri_formula
intern(weiri_conditions *self, weiri_formula_kind kind, uint32_t a, uint32_t b)
{
    weiri_formula_node node = { .kind = kind, .a = a, .b = b };
    uint32_t           slot = find_slot(self, node);
    if (self->buckets[slot] != 0) {
        return self->buckets[slot];
    }
    if (self->n_nodes == self->capacity) {
        if (self->capacity > UINT32_MAX / 4 || !grow(self, 2 * self->capacity)) {
            return WEIRI_FALSE;
        }
        slot = find_slot(self, node);
    }
    self->buckets[slot]        = self->n_nodes;
    self->nodes[self->n_nodes] = node;
    return self->n_nodes++;
}

bool
weiri_conditions_init(weiri_conditions *self)
{
    *self = (weiri_conditions){ 0 };
    if (!grow(self, FIRST_NODES)) {
        weiri_conditions_fini(self);
        return false;
    }
    memset(self->nodes, 0, 2 * sizeof *self->nodes);
    self->n_nodes = 2;
    return true;
}

void
weiri_conditions_fini(weiri_conditions *self)
{
    free(self->nodes);
    free(self->buckets);
    *self = (weiri_conditions){ 0 };
}

weiri_formula
weiri_formula_atom(weiri_conditions *self, uint32_t atom)
{
    return intern(self, WEIRI_FORMULA_ATOM, atom, 0);
}

weiri_formula
weiri_formula_not(weiri_conditions *self, weiri_formula a)
{
    if (a <= WEIRI_TRUE) {
        return WEIRI_TRUE - a;
    }
    if (self->nodes[a].kind == WEIRI_FORMULA_NOT) {
        return self->nodes[a].a;
    }
    return intern(self, WEIRI_FORMULA_NOT, a, 0);
}

/* Whether `part` is one of the operands of the tree of `kind` that is `whole`. */
static bool
contains(const weiri_conditions *self, weiri_formula_kind kind, weiri_formula whole,
    weiri_formula part)
{
    if (whole == part) {
        return true;
    }
    const weiri_formula_node *node = &self->nodes[whole];
    return whole > WEIRI_TRUE && node->kind == kind
           && (contains(self, kind, node->a, part)
               || contains(self, kind, node->b, part));
}

static weiri_formula
combine(weiri_conditions *self, weiri_formula_kind kind, weiri_formula a, weiri_formula b)
{
    weiri_formula_kind other =
        kind == WEIRI_FORMULA_AND ? WEIRI_FORMULA_OR : WEIRI_FORMULA_AND;
    if (contains(self, kind, a, b) || contains(self, other, b, a)) {
        return a; /* a & (b in a) = a; a & (a | x) = a */
    }
    if (contains(self, kind, b, a) || contains(self, other, a, b)) {
        return b;
    }
    return a < b ? intern(self, kind, a, b) : intern(self, kind, b, a);
}

weiri_formula
weiri_formula_and(weiri_conditions *self, weiri_formula a, weiri_formula b)
{
    if (a <= WEIRI_TRUE || b <= WEIRI_TRUE) {
        return a == WEIRI_FALSE || b == WEIRI_FALSE ? WEIRI_FALSE
               : a == WEIRI_TRUE                    ? b
                                                    : a;
    }
    weiri_formula_node node = self->nodes[b];
    if (node.kind == WEIRI_FORMULA_AND) { /* one operand at a time: finds x & !x */
        return weiri_formula_and(self, weiri_formula_and(self, a, node.a), node.b);
    }
    if (contains(self, WEIRI_FORMULA_AND, a, weiri_formula_not(self, b))
        || contains(self, WEIRI_FORMULA_AND, b, weiri_formula_not(self, a))) {
        return WEIRI_FALSE;
    }
    return combine(self, WEIRI_FORMULA_AND, a, b);
}

weiri_formula
weiri_formula_or(weiri_conditions *self, weiri_formula a, weiri_formula b)
{
    if (a <= WEIRI_TRUE || b <= WEIRI_TRUE) {
        return a == WEIRI_TRUE || b == WEIRI_TRUE ? WEIRI_TRUE : a == WEIRI_FALSE ? b : a;
    }
    if (weiri_formula_not(self, a) == b) {
        return WEIRI_TRUE;
    }
    return combine(self, WEIRI_FORMULA_OR, a, b);
}

weiri_formula
weiri_formula_restrict(
    weiri_conditions *self, weiri_formula formula, weiri_atom_fact *fact, void *context)
{
    weiri_formula_node node = self->nodes[formula];
    weiri_formula      a    = 0;
    switch (node.kind) {
    case WEIRI_FORMULA_CONSTANT: return formula;
    case WEIRI_FORMULA_ATOM: return fact(context, node.a);
    case WEIRI_FORMULA_NOT:
        return weiri_formula_not(
            self, weiri_formula_restrict(self, node.a, fact, context));
    case WEIRI_FORMULA_AND:
        a = weiri_formula_restrict(self, node.a, fact, context);
        return a == WEIRI_FALSE ? a
                                : weiri_formula_and(self, a,
                                    weiri_formula_restrict(self, node.b, fact, context));
    case WEIRI_FORMULA_OR:
        a = weiri_formula_restrict(self, node.a, fact, context);
        return a == WEIRI_TRUE ? a
                               : weiri_formula_or(self, a,
                                   weiri_formula_restrict(self, node.b, fact, context));
    }
    return formula;
}

bool
weiri_formula_has_atom(const weiri_conditions *self, weiri_formula formula, uint32_t atom)
{
    const weiri_formula_node *node = &self->nodes[formula];
    switch (node->kind) {
    case WEIRI_FORMULA_CONSTANT: return false;
    case WEIRI_FORMULA_ATOM: return node->a == atom;
    case WEIRI_FORMULA_NOT: return weiri_formula_has_atom(self, node->a, atom);
    case WEIRI_FORMULA_AND:
    case WEIRI_FORMULA_OR:
        return weiri_formula_has_atom(self, node->a, atom)
               || weiri_formula_has_atom(self, node->b, atom);
    }
    return false;
}
