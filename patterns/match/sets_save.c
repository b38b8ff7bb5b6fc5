/* The executor "sets" as bytes.
 *
 * A partition is the events that some partial match holds, the nodes, each after those
 * that it refers to by how far back they are, and the lists, each with the states of its
 * set: which numbers sets have depends on what came first to any partition.
 */
#include <stdlib.h>
#include <string.h>

#include "match/fingerprint.h"
#include "match/sets.h"

#define MAX_ORDER (UINT64_C(1) << 56)

/* Differences of times may wrap around: adding one gives the time back all the same. */
static int64_t
minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t
plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* ---- for all partitions ---- */

/* States are saved by their numbers, so they must be made as they were. */
void
weiri_sets_save(const weiri_executor *self, weiri_pack *out)
{
    weiri_pack_fixed(out, weiri_automaton_fingerprint(self->core->automaton));
    weiri_watches_save(&self->watches, out);
}

void
weiri_sets_load(weiri_executor *self, weiri_unpack *in)
{
    uint64_t fingerprint = weiri_unpack_fixed(in);
    if (fingerprint != weiri_automaton_fingerprint(self->core->automaton)) {
        weiri_unpack_fail(in, "its rule was made into other states");
    }
    weiri_watches_load(&self->watches, in);
}

/* ---- saving a partition ---- */

static void
save_taken(const weiri_executor *self, const weiri_sets_state *state, uint32_t *taken,
    weiri_pack *out, weiri_seen *seen)
{
    uint64_t order   = 0;
    int64_t  time_ns = 0;
    uint32_t n       = 0;
    for (uint32_t i = 0; i < state->n_taken; i++) {
        n += taken[i];
    }
    weiri_pack_number(out, n);
    n = 0;
    for (uint32_t i = 0; i < state->n_taken; i++) {
        const weiri_set_taken *at = weiri_sets_taken(self, state, i);
        if (taken[i] == 0) {
            continue;
        }
        taken[i] = n++;
        weiri_pack_number(out, at->order - order);
        weiri_pack_time(out, minus(at->time_ns, time_ns));
        weiri_pack_number(out, at->step);
        weiri_registers_save_kept(self->core->registers, at->step, at->kept, out, seen);
        order   = at->order;
        time_ns = at->time_ns;
    }
}

/* Marks become numbers. How far back the left child is, and whether it is a union, come
 * as one number. */
static uint32_t
save_nodes(const weiri_sets_state *state, uint32_t *nodes, const uint32_t *taken,
    weiri_pack *out)
{
    uint32_t n        = 0;
    uint32_t last     = 0;
    uint32_t n_marked = 0;
    for (uint32_t i = 1; i < state->n_nodes; i++) {
        n_marked += nodes[i];
    }
    weiri_pack_number(out, n_marked);
    for (uint32_t i = 1; i < state->n_nodes; i++) {
        const weiri_set_node *node     = &state->nodes[i];
        bool                  is_union = weiri_set_is_union(node);
        if (nodes[i] == 0) {
            nodes[i] = is_union ? nodes[node->left] : 0;
            continue;
        }
        nodes[i]      = ++n;
        uint64_t back = node->left == 0 ? 0 : n - nodes[node->left];
        weiri_pack_number(out, back << 1 | is_union);
        if (is_union) {
            weiri_pack_number(out, n - nodes[node->right]);
        } else {
            uint32_t number = taken[node->right & ~(uint32_t)WEIRI_SET_TAKEN];
            weiri_pack_signed(out, (int64_t)number - last);
            last = number;
        }
    }
    return n;
}

static void
save_set(const weiri_sets *sets, uint32_t set, weiri_pack *out)
{
    const uint32_t *members = &sets->members[sets->sets[set].first];
    uint32_t        before  = 0;
    weiri_pack_number(out, sets->sets[set].n);
    for (uint32_t k = 0; k < sets->sets[set].n; k++) {
        weiri_pack_number(out, members[k] - before);
        before = members[k];
    }
}

static void
save_lists(const weiri_sets *sets, const weiri_sets_state *state, const uint32_t *nodes,
    uint32_t n_nodes, weiri_pack *out)
{
    weiri_pack_number(out, state->n_lists);
    for (uint32_t at = 0; at < state->n_words; at += 2 + state->lists[at + 1]) {
        save_set(sets, state->lists[at], out);
        weiri_pack_number(out, state->lists[at + 1]);
        for (uint32_t i = 0; i < state->lists[at + 1]; i++) {
            weiri_pack_number(out, n_nodes - nodes[state->lists[at + 2 + i]]);
        }
    }
}

void
weiri_sets_save_partition(const weiri_executor *self, const weiri_partition *partition,
    weiri_pack *out, weiri_seen *seen)
{
    const weiri_sets_state *state = weiri_sets_state_of(partition);
    uint32_t *nodes = calloc(state->n_nodes + (size_t)state->n_taken + 1, sizeof *nodes);
    if (nodes == NULL) {
        out->is_out_of_memory = true;
        return;
    }
    uint32_t *taken = nodes + state->n_nodes;
    (void)weiri_sets_mark(self, state, nodes, taken);
    save_taken(self, state, taken, out, seen);
    uint32_t n = save_nodes(state, nodes, taken, out);
    save_lists(&self->sets, state, nodes, n, out);
    weiri_pack_number(out, state->n_made);
    weiri_pack_number(out, state->limit);
    weiri_watch_save(&state->watch, out);
    free(nodes);
}

/* ---- loading a partition ---- */

static void
load_taken(
    weiri_executor *self, weiri_sets_state *state, weiri_unpack *in, weiri_shared *shared)
{
    uint64_t order   = 0;
    int64_t  time_ns = 0;
    for (uint64_t n = weiri_unpack_number(in); n > 0 && in->wrong == NULL; n--) {
        uint32_t number = weiri_sets_push_taken(self, state);
        if (number == WEIRI_NONE) {
            weiri_unpack_fail(in, "there is no memory for it");
            return;
        }
        weiri_set_taken *at = weiri_sets_taken(self, state, number);
        uint64_t more       = weiri_unpack_below(in, MAX_ORDER, "an event has no order");
        int64_t  then       = plus(time_ns, weiri_unpack_time(in));
        at->order           = order + more;
        at->time_ns         = then;
        at->step            = (uint32_t)weiri_unpack_below(
                       in, self->core->plan->n_steps, "an event is of no known step");
        weiri_registers_load_kept(self->core->registers, at->step, at->kept, in, shared);
        if (at->order >= MAX_ORDER
            || (number > 0 && (then < time_ns || (more == 0 && then != time_ns)))) {
            weiri_unpack_fail(in, "events are out of order");
        }
        order   = at->order;
        time_ns = then;
    }
}

/* What is known of the nodes that were read: per node the latest event of the matches
 * that it stands for, by its order. */
typedef struct loading {
    uint64_t *latest;
    size_t    n_latest;
    uint64_t  order; /* of the last event node */
    int64_t   number;
} loading;

static uint32_t
load_back(const weiri_sets_state *state, uint64_t back, weiri_unpack *in)
{
    uint32_t n = state->n_nodes > 0 ? state->n_nodes : 1;
    if (back == 0 || back >= n) {
        weiri_unpack_fail(in, "a partial match refers to none");
        return 0;
    }
    return n - (uint32_t)back;
}

static void
load_union(weiri_executor *self, weiri_sets_state *state, loading *at, uint32_t left,
    weiri_unpack *in)
{
    uint32_t right = load_back(state, weiri_unpack_number(in), in);
    if (in->wrong != NULL) {
        return;
    }
    if (left == 0 || left == right
        || state->nodes[left].start < state->nodes[right].start) {
        weiri_unpack_fail(in, "partial matches are joined that cannot be");
        return;
    }
    uint64_t latest =
        at->latest[left] > at->latest[right] ? at->latest[left] : at->latest[right];
    at->latest[state->n_nodes] = latest;
    (void)weiri_sets_push(self, state, state->nodes[left].start, left, right);
}

static void
load_event(weiri_executor *self, weiri_sets_state *state, loading *at, uint32_t left,
    weiri_unpack *in)
{
    int64_t number = plus(at->number, weiri_unpack_signed(in));
    if (in->wrong != NULL) {
        return;
    }
    if (number < 0 || number >= state->n_taken) {
        weiri_unpack_fail(in, "a partial match holds no known event");
        return;
    }
    uint64_t order = weiri_sets_taken(self, state, (uint32_t)number)->order;
    if (order < at->order || (left != 0 && at->latest[left] >= order)) {
        weiri_unpack_fail(in, "a partial match holds events out of order");
        return;
    }
    at->order                                           = order;
    at->number                                          = number;
    at->latest[state->n_nodes > 0 ? state->n_nodes : 1] = order;
    (void)weiri_sets_push(self, state, left != 0 ? state->nodes[left].start : order, left,
        (uint32_t)number | WEIRI_SET_TAKEN);
    state->n_made++;
}

static void
load_nodes(weiri_executor *self, weiri_sets_state *state, weiri_unpack *in)
{
    loading at = { .order = 0 };
    for (uint64_t n = weiri_unpack_number(in); n > 0 && in->wrong == NULL; n--) {
        uint64_t back     = weiri_unpack_number(in);
        bool     is_union = (back & 1) != 0;
        uint32_t left     = back >> 1 == 0 ? 0 : load_back(state, back >> 1, in);
        if (!weiri_sets_reserve(self, &at.latest, &at.n_latest,
                state->n_nodes + (size_t)2, sizeof *at.latest)) {
            weiri_unpack_fail(in, "there is no memory for it");
        } else if (is_union) {
            load_union(self, state, &at, left, in);
        } else {
            load_event(self, state, &at, left, in);
        }
        if (self->core->status != WEIR_OK) {
            weiri_unpack_fail(in, "there is no memory for it");
        }
    }
    free(at.latest);
}

/* The number that a set of states has here. */
static uint32_t
load_set(weiri_executor *self, uint32_t *members, weiri_unpack *in)
{
    uint32_t n_states = self->core->automaton->n_states;
    uint64_t n        = weiri_unpack_below(
               in, n_states + (uint64_t)1, "a set has more states than there are");
    uint32_t before = 0;
    for (uint64_t k = 0; k < n && in->wrong == NULL; k++) {
        uint64_t more = weiri_unpack_below(in, n_states - before, "a state is not known");
        if (k > 0 && more == 0) {
            weiri_unpack_fail(in, "a set has a state twice");
        }
        members[k] = before + (uint32_t)more;
        before     = members[k];
    }
    uint32_t set =
        in->wrong == NULL ? weiri_sets_intern(self, members, (uint32_t)n) : WEIRI_NONE;
    if (set == WEIRI_NONE || set == WEIRI_SETS_LOST) {
        weiri_unpack_fail(in, "a set is empty, or there are too many");
        return 0;
    }
    return set;
}

static void
load_list(weiri_executor *self, weiri_sets_state *state, weiri_set_list *list,
    uint32_t *members, weiri_unpack *in)
{
    uint64_t start = UINT64_MAX;
    size_t   room  = list->capacity;
    list->set      = load_set(self, members, in);
    list->n        = 0;
    uint64_t n     = weiri_unpack_number(in);
    for (; n > 0 && in->wrong == NULL; n--) {
        uint32_t node = load_back(state, weiri_unpack_number(in) + 1, in);
        if (in->wrong != NULL
            || !weiri_sets_reserve(
                self, &list->nodes, &room, list->n + (size_t)1, sizeof *list->nodes)) {
            break;
        }
        /* The second one may have the start of the first. */
        if (state->nodes[node].start > start
            || (list->n > 1 && state->nodes[node].start == start)) {
            weiri_unpack_fail(in, "partial matches are out of order");
        }
        start                  = state->nodes[node].start;
        list->nodes[list->n++] = node;
    }
    list->capacity = (uint32_t)room;
    if (list->n == 0) {
        weiri_unpack_fail(in, "a list is empty");
    }
}

/* Lists of different sets, by their latest starts. */
static void
load_lists(weiri_executor *self, weiri_sets_state *state, weiri_unpack *in)
{
    uint64_t  start   = UINT64_MAX;
    uint64_t  n       = weiri_unpack_number(in);
    uint32_t *members = malloc(self->core->automaton->n_states * sizeof *members);
    self->stamp++;
    self->n_lists = 0;
    if (members == NULL) {
        self->core->status = WEIR_ENOMEM;
    }
    for (; n > 0 && in->wrong == NULL && self->core->status == WEIR_OK; n--) {
        weiri_set_list *list = weiri_sets_add_list(self);
        if (list == NULL) {
            break;
        }
        load_list(self, state, list, members, in);
        if (in->wrong == NULL
            && (state->nodes[list->nodes[0]].start > start
                || self->sets.sets[list->set].stamp == self->stamp)) {
            weiri_unpack_fail(in, "lists are out of order");
        }
        if (in->wrong == NULL) {
            start                            = state->nodes[list->nodes[0]].start;
            self->sets.sets[list->set].stamp = self->stamp;
        }
    }
    free(members);
    if (in->wrong == NULL && self->core->status == WEIR_OK) {
        weiri_sets_store(self, state, self->lists, self->n_lists);
    }
}

void
weiri_sets_load_partition(weiri_executor *self, weiri_partition *partition,
    weiri_unpack *in, weiri_shared *shared)
{
    weiri_sets_state *state = weiri_sets_state_of(partition);
    uint64_t          most  = 2 * (uint64_t)self->core->plan->max_runs;
    load_taken(self, state, in, shared);
    load_nodes(self, state, in);
    load_lists(self, state, in);
    uint64_t n_made = weiri_unpack_number(in);
    uint64_t limit  = weiri_unpack_below(in,
         (most > WEIRI_SETS_COLLECT ? most : WEIRI_SETS_COLLECT) + 1,
         "its bound is too high");
    if (n_made < state->n_made || n_made >= limit) {
        weiri_unpack_fail(in, "it holds more than its bound");
    }
    state->n_made = (uint32_t)n_made;
    state->limit  = (uint32_t)limit;
    if (!weiri_watch_load(&self->watches, &state->watch, partition->self, in)
        || weiri_registers_is_out_of_memory(self->core->registers)) {
        self->core->status = WEIR_ENOMEM;
    }
}

void
weiri_sets_loaded(weiri_executor *self)
{
    weiri_watches_loaded(&self->watches);
}
