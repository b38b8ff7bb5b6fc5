/* The graph of a partition's partial matches, and the lists that lead into it. */
#include <stdlib.h>
#include <string.h>

#include "match/sets.h"

/* ---- memory ---- */

/* An array of a partition with room for `n` items more or fewer. */
static bool
resize(weiri_executor *self, void *array_p, uint32_t used, uint32_t *capacity, uint32_t n,
    size_t size)
{
    void **array = array_p;
    void  *moved = weiri_blocks_take(&self->blocks, n * size);
    if (moved == NULL) {
        self->core->status = WEIR_ENOMEM;
        return false;
    }
    if (used > 0) {
        memcpy(moved, *array, used * size);
    }
    if (*capacity > 0) {
        weiri_blocks_give(&self->blocks, *array, *capacity * size);
    }
    *array    = moved;
    *capacity = n;
    return true;
}

static bool
grow(weiri_executor *self, void *array_p, uint32_t used, uint32_t *capacity, uint32_t n,
    size_t size)
{
    enum { MOST = 1U << 30 };
    uint32_t room = *capacity > 0 ? *capacity : 4;
    while (room < n) {
        if (room >= MOST) {
            self->core->status = WEIR_ENOMEM;
            return false;
        }
        room *= 2;
    }
    return room == *capacity || resize(self, array_p, used, capacity, room, size);
}

uint32_t
weiri_sets_push(weiri_executor *self, weiri_sets_state *state, uint64_t start,
    uint32_t left, uint32_t right)
{
    uint32_t made = state->n_nodes > 0 ? state->n_nodes : 1;
    if (!grow(self, &state->nodes, state->n_nodes, &state->capacity_nodes, made + 1,
            sizeof *state->nodes)) {
        return 0;
    }
    state->nodes[made] = (weiri_set_node){ .start = start, .left = left, .right = right };
    state->n_nodes     = made + 1;
    return made;
}

uint32_t
weiri_sets_push_taken(weiri_executor *self, weiri_sets_state *state)
{
    if (!grow(self, &state->taken, state->n_taken, &state->capacity_taken,
            state->n_taken + 1, self->taken_size)) {
        return WEIRI_NONE;
    }
    return state->n_taken++;
}

static void
release_taken(weiri_executor *self, const weiri_sets_state *state, uint32_t number)
{
    weiri_set_taken *taken = weiri_sets_taken(self, state, number);
    weiri_registers_release_kept(self->core->registers, taken->step, taken->kept);
}

static void
give_back(weiri_executor *self, void *array, uint32_t capacity, size_t size)
{
    if (capacity > 0) {
        weiri_blocks_give(&self->blocks, array, capacity * size);
    }
}

/* Nodes of all lists. */
static uint32_t
count_in_lists(const weiri_sets_state *state)
{
    return state->n_words - 2 * state->n_lists;
}

void
weiri_sets_clear(weiri_executor *self, weiri_sets_state *state)
{
    for (uint32_t i = 0; i < state->n_taken; i++) {
        release_taken(self, state, i);
    }
    self->n_nodes -= count_in_lists(state);
    give_back(self, state->nodes, state->capacity_nodes, sizeof *state->nodes);
    give_back(self, state->taken, state->capacity_taken, self->taken_size);
    give_back(self, state->lists, state->capacity_words, sizeof *state->lists);
    *state = (weiri_sets_state){ .watch = state->watch, .limit = WEIRI_SETS_COLLECT };
}

/* ---- unions ---- */

static bool
is_over(const weiri_sets_state *state, uint32_t node)
{
    return state->nodes[node].start < state->cut;
}

static uint32_t
unite(weiri_executor *self, weiri_sets_state *state, uint32_t left, uint32_t right)
{
    return weiri_sets_push(self, state, state->nodes[left].start, left, right);
}

uint32_t
weiri_sets_merge(
    weiri_executor *self, weiri_sets_state *state, const uint32_t *nodes, uint32_t n)
{
    uint32_t merged = nodes[n - 1];
    for (uint32_t i = n - 1; i-- > 0;) {
        merged = unite(self, state, nodes[i], merged);
    }
    return merged;
}

/* A union one side of which is over is the other side. */
static uint32_t
alive(const weiri_sets_state *state, uint32_t node)
{
    while (weiri_set_is_union(&state->nodes[node])
           && is_over(state, state->nodes[node].right)) {
        node = state->nodes[node].left;
    }
    return node;
}

/* Of two nodes with the same start, so that from each node few unions lead to an event
 * by their left sides: a left side of the result is no union, nor is that of its right
 * side, and so on for three. */
static uint32_t
unite_equal(weiri_executor *self, weiri_sets_state *state, uint32_t a, uint32_t b)
{
    a                     = alive(state, a);
    b                     = alive(state, b);
    weiri_set_node node_a = state->nodes[a];
    weiri_set_node node_b = state->nodes[b];
    if (!weiri_set_is_union(&node_a)) {
        return unite(self, state, a, b);
    }
    if (!weiri_set_is_union(&node_b)) {
        return unite(self, state, b, a);
    }
    bool     is_a = state->nodes[node_a.right].start >= state->nodes[node_b.right].start;
    uint32_t rest = unite(self, state, is_a ? node_a.right : node_b.right,
        is_a ? node_b.right : node_a.right);
    return unite(self, state, node_a.left, unite(self, state, node_b.left, rest));
}

void
weiri_sets_insert(
    weiri_executor *self, weiri_sets_state *state, weiri_set_list *list, uint32_t node)
{
    uint64_t start = state->nodes[node].start;
    uint32_t i     = 1;
    while (i < list->n && state->nodes[list->nodes[i]].start > start) {
        i++;
    }
    if (i < list->n && state->nodes[list->nodes[i]].start == start) {
        list->nodes[i] = unite_equal(self, state, list->nodes[i], node);
        return;
    }
    size_t capacity = list->capacity;
    if (!weiri_sets_reserve(
            self, &list->nodes, &capacity, list->n + (size_t)1, sizeof *list->nodes)) {
        return;
    }
    list->capacity = (uint32_t)capacity;
    memmove(&list->nodes[i + 1], &list->nodes[i], (list->n - i) * sizeof *list->nodes);
    list->nodes[i] = node;
    list->n++;
}

/* ---- lists ---- */

void
weiri_sets_store(weiri_executor *self, weiri_sets_state *state,
    const weiri_set_list *lists, uint32_t n_lists)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < n_lists; i++) {
        n += 2 + lists[i].n;
    }
    self->n_nodes -= count_in_lists(state);
    state->n_words = 0;
    state->n_lists = 0;
    if (n > 0
        && !grow(
            self, &state->lists, 0, &state->capacity_words, n, sizeof *state->lists)) {
        return;
    }
    uint32_t *to = state->lists;
    for (uint32_t i = 0; i < n_lists; i++) {
        *to++ = lists[i].set;
        *to++ = lists[i].n;
        memcpy(to, lists[i].nodes, lists[i].n * sizeof *to);
        to += lists[i].n;
    }
    state->n_words = n;
    state->n_lists = n_lists;
    self->n_nodes += count_in_lists(state);
}

void
weiri_sets_prune(weiri_executor *self, weiri_sets_state *state, uint64_t cut)
{
    uint32_t to = 0;
    uint32_t n  = 0;
    state->cut  = cut;
    self->n_nodes -= count_in_lists(state);
    for (uint32_t at = 0; at < state->n_words;) {
        uint32_t *list = &state->lists[at];
        uint32_t  kept = list[1];
        at += 2 + kept;
        while (kept > 0 && is_over(state, list[1 + kept])) {
            kept--; /* the latest start comes first */
        }
        if (kept > 0) {
            if (list != &state->lists[to]) {
                memmove(&state->lists[to], list, (2 + kept) * sizeof *list);
            }
            state->lists[to + 1] = kept;
            to += 2 + kept;
            n++;
        }
    }
    state->n_words = to;
    state->n_lists = n;
    self->n_nodes += count_in_lists(state);
}

/* ---- what is over ---- */

static void
mark_lists(const weiri_sets_state *state, uint32_t *nodes)
{
    for (uint32_t at = 0; at < state->n_words; at += 2 + state->lists[at + 1]) {
        for (uint32_t i = 0; i < state->lists[at + 1]; i++) {
            nodes[alive(state, state->lists[at + 2 + i])] = 1;
        }
    }
}

/* Children have smaller numbers. */
uint32_t
weiri_sets_mark(const weiri_executor *self, const weiri_sets_state *state,
    uint32_t *nodes, uint32_t *taken)
{
    uint32_t n = 0;
    (void)self;
    mark_lists(state, nodes);
    for (uint32_t i = state->n_nodes; i-- > 1;) {
        const weiri_set_node *node = &state->nodes[i];
        if (nodes[i] == 0) {
            continue;
        }
        if (node->left != 0) {
            nodes[alive(state, node->left)] = 1;
        }
        if (weiri_set_is_union(node)) {
            nodes[alive(state, node->right)] = 1;
        } else {
            taken[node->right & ~(uint32_t)WEIRI_SET_TAKEN] = 1;
            n++;
        }
    }
    return n;
}

static int
compare_starts(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x > y ? -1 : x < y;
}

/* What began first goes until there are no more events than the bound; `n` are marked. */
static void
bound(weiri_executor *self, weiri_sets_state *state, const uint32_t *nodes, uint32_t n)
{
    uint32_t  most   = self->core->plan->max_runs;
    uint64_t *starts = malloc(n * sizeof *starts);
    uint32_t  found  = 0;
    if (starts == NULL) {
        self->core->status = WEIR_ENOMEM;
        return;
    }
    for (uint32_t i = 1; i < state->n_nodes; i++) {
        if (nodes[i] != 0 && !weiri_set_is_union(&state->nodes[i])) {
            starts[found++] = state->nodes[i].start;
        }
    }
    qsort(starts, n, sizeof *starts, compare_starts);
    uint32_t kept = most;
    while (kept > 0 && starts[kept - 1] == starts[most]) {
        kept--;
    }
    self->core->counts.dropped_runs += n - kept;
    weiri_sets_prune(self, state, starts[most] + 1);
    free(starts);
}

/* Move what is marked together, in its order; marks become numbers. */
static void
pack_taken(weiri_executor *self, weiri_sets_state *state, uint32_t *taken)
{
    uint32_t to = 0;
    for (uint32_t i = 0; i < state->n_taken; i++) {
        if (taken[i] == 0) {
            release_taken(self, state, i);
            continue;
        }
        memmove(weiri_sets_taken(self, state, to), weiri_sets_taken(self, state, i),
            self->taken_size);
        taken[i] = to++;
    }
    state->n_taken     = to;
    state->first_taken = 0;
}

static void
pack_nodes(weiri_sets_state *state, uint32_t *nodes, const uint32_t *taken)
{
    uint32_t to = 1;
    for (uint32_t i = 1; i < state->n_nodes; i++) {
        weiri_set_node node = state->nodes[i];
        if (nodes[i] == 0) {
            nodes[i] = weiri_set_is_union(&node) ? nodes[node.left] : 0;
            continue;
        }
        node.left = nodes[node.left];
        node.right =
            weiri_set_is_union(&node)
                ? nodes[node.right]
                : taken[node.right & ~(uint32_t)WEIRI_SET_TAKEN] | WEIRI_SET_TAKEN;
        state->nodes[to] = node;
        nodes[i]         = to++;
    }
    state->n_nodes = to;
    for (uint32_t at = 0; at < state->n_words; at += 2 + state->lists[at + 1]) {
        for (uint32_t i = 0; i < state->lists[at + 1]; i++) {
            state->lists[at + 2 + i] = nodes[state->lists[at + 2 + i]];
        }
    }
}

static uint32_t
room_for(uint32_t n, uint32_t capacity)
{
    while (capacity > 8 && n < capacity / 4) {
        capacity /= 2;
    }
    return capacity;
}

static void
shrink(weiri_executor *self, weiri_sets_state *state)
{
    uint32_t nodes = room_for(state->n_nodes, state->capacity_nodes);
    uint32_t taken = room_for(state->n_taken, state->capacity_taken);
    if (nodes < state->capacity_nodes) {
        (void)resize(self, &state->nodes, state->n_nodes, &state->capacity_nodes, nodes,
            sizeof *state->nodes);
    }
    if (taken < state->capacity_taken) {
        (void)resize(self, &state->taken, state->n_taken, &state->capacity_taken, taken,
            self->taken_size);
    }
}

void
weiri_sets_collect(weiri_executor *self, weiri_sets_state *state)
{
    size_t n_all = state->n_nodes + (size_t)state->n_taken;
    if (!weiri_sets_reserve(
            self, &self->merged, &self->n_merged, n_all, sizeof *self->merged)) {
        return;
    }
    uint32_t *nodes = self->merged;
    uint32_t *taken = self->merged + state->n_nodes;
    memset(nodes, 0, n_all * sizeof *nodes);
    uint32_t n = weiri_sets_mark(self, state, nodes, taken);
    if (n > self->core->plan->max_runs) {
        bound(self, state, nodes, n);
        memset(nodes, 0, n_all * sizeof *nodes);
        n = weiri_sets_mark(self, state, nodes, taken);
    }
    pack_taken(self, state, taken);
    pack_nodes(state, nodes, taken);
    shrink(self, state);
    state->n_made = n;
    state->limit  = 2 * n > WEIRI_SETS_COLLECT ? 2 * n : WEIRI_SETS_COLLECT;
}
