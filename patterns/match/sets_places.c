/* What leads to the matches that an event completes. */
#include <stdlib.h>
#include <string.h>

#include "match/sets.h"

enum { MAX_WORDS = 1 << 22 }; /* of exact lengths; without them a walk may err */

static bool
is_union(const weiri_executor *self, uint32_t place)
{
    return self->walk.places[place].is_union;
}

/* ---- what leads to a match ---- */

static uint32_t
children_of(const weiri_executor *self, uint32_t number, uint32_t children[2])
{
    const weiri_sets_state *state = self->state;
    const weiri_set_node   *node  = &state->nodes[number];
    uint32_t                n     = 0;
    if (node->left != 0) {
        children[n++] = node->left;
    }
    if (weiri_set_is_union(node) && state->nodes[node->right].start >= state->cut) {
        children[n++] = node->right;
    }
    return n;
}

static bool
push(weiri_executor *self, uint32_t *n, uint32_t item)
{
    weiri_set_walk *walk = &self->walk;
    if (!weiri_sets_reserve(
            self, &walk->stack, &walk->n_stack, *n + (size_t)1, sizeof *walk->stack)) {
        return false;
    }
    walk->stack[(*n)++] = item;
    return true;
}

static void
add_place(weiri_executor *self, uint32_t number)
{
    weiri_set_walk *walk = &self->walk;
    if (!weiri_sets_reserve(self, &walk->places, &walk->n_places,
            walk->used_places + (size_t)1, sizeof *walk->places)) {
        return;
    }
    const weiri_set_node *node  = &self->state->nodes[number];
    weiri_set_place      *place = &walk->places[walk->used_places];
    *place                      = (weiri_set_place){ .node = number, .next = WEIRI_NONE };
    if (weiri_set_is_union(node)) {
        place->is_union = true;
    } else {
        const weiri_set_taken *taken = weiri_sets_taken(self, self->state, node->right);
        place->order                 = taken->order;
        place->step                  = taken->step;
    }
    walk->map[number] = ++walk->used_places;
}

/* A place for each node below the roots, children first. */
void
weiri_sets_find_places(weiri_executor *self)
{
    enum { DONE = 1U << 31, OPEN = UINT32_MAX };
    weiri_set_walk *walk  = &self->walk;
    size_t          known = walk->n_map;
    uint32_t        n     = 0;
    walk->used_places     = 0;
    if (!weiri_sets_reserve(
            self, &walk->map, &walk->n_map, self->state->n_nodes, sizeof *walk->map)) {
        return;
    }
    memset(&walk->map[known], 0, (walk->n_map - known) * sizeof *walk->map);
    for (uint32_t i = 0; i < self->n_roots; i++) {
        (void)push(self, &n, self->roots[i]);
    }
    while (n > 0 && self->core->status == WEIR_OK) {
        uint32_t at = walk->stack[--n];
        if ((at & DONE) != 0) {
            add_place(self, at & ~(uint32_t)DONE);
        } else if (walk->map[at] == 0) {
            uint32_t children[2];
            walk->map[at] = OPEN;
            (void)push(self, &n, at | DONE);
            for (uint32_t k = children_of(self, at, children); k-- > 0;) {
                (void)push(self, &n, children[k]);
            }
        }
    }
}

void
weiri_sets_forget_places(weiri_executor *self)
{
    for (uint32_t i = 0; i < self->walk.used_places; i++) {
        self->walk.map[self->walk.places[i].node] = 0;
    }
}

/* How many matches there are; at UINT64_MAX it stays. */
uint64_t
weiri_sets_count(weiri_executor *self)
{
    weiri_set_walk *walk = &self->walk;
    uint64_t        n    = 0;
    if (!weiri_sets_reserve(
            self, &walk->words, &walk->n_words, walk->used_places, sizeof *walk->words)) {
        return 0;
    }
    for (uint32_t i = 0; i < walk->used_places; i++) {
        uint32_t children[2];
        uint64_t ways = 0;
        uint32_t k    = children_of(self, walk->places[i].node, children);
        ways          = k == 0;
        while (k-- > 0) {
            uint64_t more = walk->words[walk->map[children[k]] - 1];
            ways          = ways > UINT64_MAX - more ? UINT64_MAX : ways + more;
        }
        walk->words[i] = ways;
    }
    for (uint32_t i = 0; i < self->n_roots; i++) {
        uint64_t more = walk->words[walk->map[self->roots[i]] - 1];
        n             = n > UINT64_MAX - more ? UINT64_MAX : n + more;
    }
    return n;
}

static void
find_parents(weiri_executor *self)
{
    weiri_set_walk *walk = &self->walk;
    uint32_t        children[2];
    uint32_t        n = 0;
    for (uint32_t i = 0; i < walk->used_places; i++) {
        for (uint32_t k = children_of(self, walk->places[i].node, children); k-- > 0;) {
            walk->places[walk->map[children[k]] - 1].n_parents++;
        }
    }
    for (uint32_t i = 0; i < walk->used_places; i++) {
        walk->places[i].parents = n;
        n += walk->places[i].n_parents;
        walk->places[i].n_parents = 0;
    }
    if (!weiri_sets_reserve(
            self, &walk->parents, &walk->n_parents, n, sizeof *walk->parents)) {
        return;
    }
    for (uint32_t i = 0; i < walk->used_places; i++) {
        for (uint32_t k = children_of(self, walk->places[i].node, children); k-- > 0;) {
            weiri_set_place *child = &walk->places[walk->map[children[k]] - 1];
            walk->parents[child->parents + child->n_parents++] = i;
        }
    }
    for (uint32_t i = walk->used_places; i-- > 0;) {
        weiri_set_place *place = &walk->places[i];
        uint32_t         only = place->n_parents == 1 ? walk->parents[place->parents] : i;
        place->up = only != i && is_union(self, only) ? walk->places[only].up : i;
    }
}

/* ---- how many events are still to come ---- */

/* Numbers min, min + stride, … max. */
typedef struct lengths {
    uint32_t min;
    uint32_t max;
    uint32_t stride; /* 0: one number */
    bool     is_inexact;
} lengths;

static uint32_t
common_divisor(uint32_t a, uint32_t b)
{
    while (b != 0) {
        uint32_t rest = a % b;
        a             = b;
        b             = rest;
    }
    return a;
}

/* The numbers of both, and where it cannot be helped others. */
static lengths
join(lengths a, lengths b)
{
    uint32_t apart  = a.min > b.min ? a.min - b.min : b.min - a.min;
    uint32_t stride = common_divisor(common_divisor(a.stride, b.stride), apart);
    uint32_t reach  = (a.max < b.max ? a.max : b.max) + stride;
    bool     is_met = (a.min > b.min ? a.min : b.min) <= reach;
    bool     is_a   = a.stride == stride || a.stride == 0;
    bool     is_b   = b.stride == stride || b.stride == 0;
    return (lengths){ .min = a.min < b.min ? a.min : b.min,
        .max               = a.max > b.max ? a.max : b.max,
        .stride            = stride,
        .is_inexact        = a.is_inexact || b.is_inexact || !is_a || !is_b || !is_met };
}

/* Those of a parent, one more if it is an event itself. */
static lengths
lengths_by(const weiri_executor *self, uint32_t parent)
{
    const weiri_set_place *place = &self->walk.places[parent];
    uint32_t               more  = is_union(self, parent) ? 0 : 1;
    return (lengths){ .min = place->min + more,
        .max               = place->max + more,
        .stride            = place->stride,
        .is_inexact        = place->is_inexact };
}

bool
weiri_sets_has_length(const weiri_executor *self, uint32_t place, uint32_t length)
{
    const weiri_set_place *at = &self->walk.places[place];
    if (length < at->min || length > at->max) {
        return false;
    }
    uint32_t i = length - at->min;
    if (at->n_words > 0) {
        return (self->walk.words[at->words + i / 64] >> i % 64 & 1) != 0;
    }
    return at->stride == 0 || i % at->stride == 0;
}

/* Where a few numbers do not tell, a bit for each does. */
static void
spell_out(weiri_executor *self, uint32_t place)
{
    weiri_set_walk *walk = &self->walk;
    uint32_t        n    = (walk->places[place].max - walk->places[place].min) / 64 + 1;
    if (n > MAX_WORDS - walk->used_words
        || !weiri_sets_reserve(self, &walk->words, &walk->n_words,
            walk->used_words + (size_t)n, sizeof *walk->words)) {
        return;
    }
    weiri_set_place *at    = &walk->places[place];
    uint64_t        *words = &walk->words[walk->used_words];
    memset(words, 0, n * sizeof *words);
    words[0] |= at->is_end;
    for (uint32_t k = 0; k < at->n_parents; k++) {
        uint32_t parent = walk->parents[at->parents + k];
        lengths  by     = lengths_by(self, parent);
        for (uint32_t l = by.min; l <= by.max; l += by.stride > 0 ? by.stride : 1) {
            if (weiri_sets_has_length(
                    self, parent, l - (is_union(self, parent) ? 0 : 1))) {
                words[(l - at->min) / 64] |= UINT64_C(1) << (l - at->min) % 64;
            }
        }
    }
    at->words   = walk->used_words;
    at->n_words = n;
    walk->used_words += n;
}

static void
find_lengths(weiri_executor *self)
{
    weiri_set_walk *walk = &self->walk;
    walk->used_words     = 0;
    for (uint32_t i = 0; i < self->n_roots; i++) {
        walk->places[walk->map[self->roots[i]] - 1].is_end = true;
    }
    for (uint32_t i = walk->used_places; i-- > 0 && self->core->status == WEIR_OK;) {
        weiri_set_place *place = &walk->places[i];
        lengths          all   = { .min = 0 };
        uint32_t         k     = 0;
        if (!place->is_end) {
            all = lengths_by(self, walk->parents[place->parents + k++]);
        }
        for (; k < place->n_parents; k++) {
            all = join(all, lengths_by(self, walk->parents[place->parents + k]));
        }
        place->min        = all.min;
        place->max        = all.max;
        place->stride     = all.stride;
        place->is_inexact = all.is_inexact;
        if (all.is_inexact) {
            spell_out(self, i);
        }
    }
}

void
weiri_sets_connect(weiri_executor *self)
{
    find_parents(self);
    find_lengths(self);
}

/* ---- what may follow an event ---- */

static int
compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

void
weiri_sets_sort(uint32_t *numbers, uint32_t n)
{
    enum { FEW = 16 };
    if (n > FEW) {
        qsort(numbers, n, sizeof *numbers, compare_numbers);
        return;
    }
    for (uint32_t i = 1; i < n; i++) {
        uint32_t number = numbers[i];
        uint32_t k      = i;
        for (; k > 0 && numbers[k - 1] > number; k--) {
            numbers[k] = numbers[k - 1];
        }
        numbers[k] = number;
    }
}

static bool
visit(weiri_executor *self, uint32_t place)
{
    bool is_new                    = self->walk.places[place].visit != self->walk.visit;
    self->walk.places[place].visit = self->walk.visit;
    return is_new;
}

/* What is reached through a union is looked through by the caller, from the stack. */
static void
look_at_parent(weiri_executor *self, uint32_t *n, uint32_t parent)
{
    weiri_set_walk *walk = &self->walk;
    if (is_union(self, parent)) {
        uint32_t up = walk->places[parent].up;
        if (visit(self, up)) {
            (void)push(self, n, up);
        }
    } else if (visit(self, parent)
               && weiri_sets_reserve(self, &walk->next, &walk->n_next,
                   walk->used_next + (size_t)1, sizeof *walk->next)) {
        walk->next[walk->used_next++] = walk->places[parent].node;
    }
}

/* List the nodes that take the next event after `place`, by their numbers: a later event
 * has larger ones. */
void
weiri_sets_find_next(weiri_executor *self, uint32_t place)
{
    weiri_set_walk *walk  = &self->walk;
    uint32_t        first = walk->used_next;
    uint32_t        n     = 0;
    walk->visit++;
    (void)push(self, &n, place);
    while (n > 0 && self->core->status == WEIR_OK) {
        const weiri_set_place *at = &walk->places[walk->stack[--n]];
        for (uint32_t k = 0; k < at->n_parents; k++) {
            look_at_parent(self, &n, walk->parents[at->parents + k]);
        }
    }
    walk->places[place].next   = first;
    walk->places[place].n_next = walk->used_next - first;
    weiri_sets_sort(&walk->next[first], walk->used_next - first);
    for (uint32_t i = first; i < walk->used_next; i++) {
        walk->next[i] = walk->map[walk->next[i]] - 1;
    }
}
