/* All matches that an event completes, in the order of docs/semantics.md 5.
 *
 * From the nodes that are complete, what leads to them is found: each of these nodes is
 * part of a match. Upward from an event, through the unions that it is part of, are the
 * events that may follow it; a walk from the first events on, guided by how many events
 * are still to come, gives the matches by their lengths and positions without a detour.
 * Events of several steps at one position are followed together, since positions count
 * before steps. The work before the first match is bounded by the size of all matches,
 * memory by the nodes and by what is given.
 */
#include <stdlib.h>
#include <string.h>

#include "match/sets.h"

enum { MAX_WORDS = 1 << 22 }; /* of exact lengths; without them a walk may err */

void
weiri_sets_give_fini(weiri_executor *self)
{
    weiri_set_walk *walk = &self->walk;
    free(walk->map);
    free(walk->stack);
    free(walk->places);
    free(walk->parents);
    free(walk->words);
    free(walk->next);
    free(walk->starts);
    free(walk->fronts);
    free(walk->frames);
    free(walk->taken);
    free(walk->path);
    free(walk->cells);
}

static const weiri_set_node *
node_of(const weiri_executor *self, uint32_t place)
{
    return &self->state->nodes[self->walk.places[place].node];
}

static bool
is_union(const weiri_executor *self, uint32_t place)
{
    return weiri_set_is_union(node_of(self, place));
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
add_place(weiri_executor *self, uint32_t node)
{
    weiri_set_walk *walk = &self->walk;
    if (weiri_sets_reserve(self, &walk->places, &walk->n_places,
            walk->used_places + (size_t)1, sizeof *walk->places)) {
        walk->places[walk->used_places] =
            (weiri_set_place){ .node = node, .next = WEIRI_NONE };
        walk->map[node] = ++walk->used_places;
    }
}

/* A place for each node below the roots, children first. */
static void
find_places(weiri_executor *self)
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

static void
forget_places(weiri_executor *self)
{
    for (uint32_t i = 0; i < self->walk.used_places; i++) {
        self->walk.map[self->walk.places[i].node] = 0;
    }
}

/* How many matches there are; at UINT64_MAX it stays. */
static uint64_t
count(weiri_executor *self)
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

static bool
has_length(const weiri_executor *self, uint32_t place, uint32_t length)
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
            if (has_length(self, parent, l - (is_union(self, parent) ? 0 : 1))) {
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

/* ---- what may follow an event ---- */

static int
compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void
sort_numbers(uint32_t *numbers, uint32_t n)
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

/* List the nodes that take the next event after `place`, by their numbers: a later event
 * has larger ones. */
static void
find_next(weiri_executor *self, uint32_t place)
{
    weiri_set_walk *walk  = &self->walk;
    uint32_t        first = walk->used_next;
    uint32_t        n     = 0;
    walk->visit++;
    (void)push(self, &n, place);
    while (n > 0 && self->core->status == WEIR_OK) {
        const weiri_set_place *at = &walk->places[walk->stack[--n]];
        for (uint32_t k = 0; k < at->n_parents; k++) {
            uint32_t parent = walk->parents[at->parents + k];
            uint32_t up     = walk->places[parent].up;
            if (is_union(self, parent)) {
                if (visit(self, up)) {
                    (void)push(self, &n, up);
                }
            } else if (visit(self, parent)
                       && weiri_sets_reserve(self, &walk->next, &walk->n_next,
                           walk->used_next + (size_t)1, sizeof *walk->next)) {
                walk->next[walk->used_next++] = walk->places[parent].node;
            }
        }
    }
    walk->places[place].next   = first;
    walk->places[place].n_next = walk->used_next - first;
    sort_numbers(&walk->next[first], walk->used_next - first);
}

static uint64_t
order_of(const weiri_executor *self, uint32_t node)
{
    return weiri_sets_taken(self, self->state, self->state->nodes[node].right)->order;
}

static uint32_t
step_of(const weiri_executor *self, uint32_t place)
{
    return weiri_sets_taken(self, self->state, node_of(self, place)->right)->step;
}

/* ---- giving ---- */

static bool
is_over(const weiri_executor *self)
{
    return self->walk.n_given >= self->core->plan->max_matches
           || self->core->status != WEIR_OK;
}

/* Cells of a row; one more, so that there is a row in any case. */
static uint32_t
row_of(const weiri_executor *self)
{
    return weiri_registers_cells(self->core->registers) + 1;
}

static weiri_cell *
cells_of(const weiri_executor *self, uint32_t depth)
{
    return self->walk.cells + (size_t)depth * row_of(self);
}

/* What was taken beyond `depth` events is taken no more. */
static void
untake(weiri_executor *self, uint32_t depth)
{
    while (self->walk.depth > depth) {
        weiri_registers_release(
            self->core->registers, cells_of(self, --self->walk.depth));
    }
}

static void
take(weiri_executor *self, uint32_t place)
{
    weiri_registers       *registers = self->core->registers;
    weiri_set_walk        *walk      = &self->walk;
    uint32_t               depth     = walk->depth;
    const weiri_set_taken *taken =
        weiri_sets_taken(self, self->state, node_of(self, place)->right);
    if (!weiri_sets_reserve(
            self, &walk->path, &walk->n_path, depth + (size_t)1, sizeof *walk->path)
        || !weiri_sets_reserve(
            self, &walk->taken, &walk->n_taken, depth + (size_t)1, sizeof *walk->taken)
        || !weiri_sets_reserve(self, &walk->cells, &walk->n_rows, depth + (size_t)1,
            row_of(self) * sizeof *walk->cells)) {
        return;
    }
    walk->path[depth]  = place;
    walk->taken[depth] = (weiri_taken){
        .step = taken->step, .time_ns = taken->time_ns, .order = taken->order
    };
    if (depth == 0) {
        weiri_registers_clear(registers, cells_of(self, 0));
    } else {
        weiri_registers_copy(registers, cells_of(self, depth), cells_of(self, depth - 1));
    }
    weiri_registers_take_kept(registers, cells_of(self, depth), taken->step, taken->kept);
    walk->depth++;
}

static uint32_t
chosen(const weiri_executor *self, uint32_t depth)
{
    const weiri_set_frame *frame = &self->walk.frames[depth];
    return self->walk.fronts[frame->first + frame->choice].place;
}

/* The match that is chosen in frames 0 … n - 1. */
static void
give_one(weiri_executor *self, uint32_t n)
{
    weiri_set_walk *walk = &self->walk;
    uint32_t        same = 0;
    while (same < walk->depth && same < n && walk->path[same] == chosen(self, same)) {
        same++;
    }
    untake(self, same);
    for (uint32_t i = same; i < n && self->core->status == WEIR_OK; i++) {
        take(self, chosen(self, i));
    }
    if (self->core->status != WEIR_OK) {
        return;
    }
    const weiri_given match = {
        .taken   = walk->taken,
        .n_taken = n,
        .cells   = cells_of(self, n - 1),
        .moment  = { .key = self->key,
             .start_ns    = walk->taken[0].time_ns,
             .end_ns      = self->event->time_ns },
    };
    self->core->counts.matches++;
    walk->n_given++;
    weiri_core_give(self->core, &match);
}

/* Whether the event of `place` may be followed by that of `next`. */
static bool
is_next(const weiri_executor *self, uint32_t place, uint32_t next)
{
    const weiri_set_place *at   = &self->walk.places[place];
    uint32_t               node = self->walk.places[next].node;
    uint32_t               from = at->next;
    uint32_t               to   = at->next + at->n_next;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (self->walk.next[middle] < node) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from < at->next + at->n_next && self->walk.next[from] == node;
}

/* Drop from the frames what leads to nothing in the frame after it. */
static void
drop_dead_ends(weiri_executor *self, uint32_t n)
{
    weiri_set_walk *walk = &self->walk;
    for (uint32_t d = n - 1; d-- > 0;) {
        weiri_set_frame       *frame = &walk->frames[d];
        const weiri_set_frame *after = &walk->frames[d + 1];
        for (uint32_t i = 0; i < frame->n; i++) {
            weiri_set_front *front = &walk->fronts[frame->first + i];
            bool             leads = false;
            for (uint32_t k = 0; k < after->n && !leads; k++) {
                const weiri_set_front *to = &walk->fronts[after->first + k];
                leads = !to->is_dead && is_next(self, front->place, to->place);
            }
            front->is_dead = !leads;
        }
    }
}

/* The next choice of a frame after `choice` that follows the choice before it. */
static bool
choose(weiri_executor *self, uint32_t depth, uint32_t choice)
{
    weiri_set_frame *frame = &self->walk.frames[depth];
    for (frame->choice = choice; frame->choice < frame->n; frame->choice++) {
        if (!self->walk.fronts[frame->first + frame->choice].is_dead
            && (depth == 0
                || is_next(self, chosen(self, depth - 1), chosen(self, depth)))) {
            return true;
        }
    }
    return false;
}

/* All matches with the positions of frames 0 … n - 1: mostly there is one, else they come
 * by their steps, as which each frame is sorted. */
static void
give_steps(weiri_executor *self, uint32_t n)
{
    uint32_t depth    = 0;
    bool     is_plain = true;
    for (uint32_t d = 0; d < n; d++) {
        is_plain                    = is_plain && self->walk.frames[d].n == 1;
        self->walk.frames[d].choice = 0;
    }
    if (is_plain) {
        give_one(self, n);
        return;
    }
    drop_dead_ends(self, n);
    bool is_found = choose(self, 0, 0);
    while (!is_over(self)) {
        if (is_found && depth + 1 < n) {
            is_found = choose(self, ++depth, 0);
            continue;
        }
        if (is_found) {
            give_one(self, n);
        } else if (depth == 0) {
            return;
        } else {
            depth--;
        }
        is_found = choose(self, depth, self->walk.frames[depth].choice + 1);
    }
}

/* ---- the walk ---- */

/* Add a place to a frame that is being made, by its step, unless it is there. */
static void
add_front(weiri_executor *self, weiri_set_frame *frame, uint32_t place)
{
    weiri_set_walk *walk = &self->walk;
    uint32_t        end  = frame->first + frame->n;
    uint32_t        i    = end;
    if (!weiri_sets_reserve(self, &walk->fronts, &walk->n_fronts, end + (size_t)1,
            sizeof *walk->fronts)) {
        return;
    }
    for (uint32_t k = frame->first; k < end; k++) {
        if (walk->fronts[k].place == place) {
            return;
        }
    }
    while (i > frame->first
           && step_of(self, walk->fronts[i - 1].place) > step_of(self, place)) {
        walk->fronts[i] = walk->fronts[i - 1];
        i--;
    }
    walk->fronts[i] = (weiri_set_front){ .place = place };
    frame->n++;
}

/* The place of the next event after a front from which `rest` more complete the match;
 * WEIRI_NONE: no more. */
static uint32_t
peek(weiri_executor *self, weiri_set_front *front, uint32_t rest)
{
    const weiri_set_walk  *walk = &self->walk;
    const weiri_set_place *at   = &walk->places[front->place];
    for (; front->cursor < at->n_next; front->cursor++) {
        uint32_t next = walk->map[walk->next[at->next + front->cursor]] - 1;
        if (has_length(self, next, rest)) {
            return next;
        }
    }
    return WEIRI_NONE;
}

static uint64_t
order_at(const weiri_executor *self, uint32_t place)
{
    return order_of(self, self->walk.places[place].node);
}

/* Make the frame after `depth` of the next position there. False: there is none. */
static bool
advance(weiri_executor *self, uint32_t depth, uint32_t rest)
{
    weiri_set_walk *walk  = &self->walk;
    uint64_t        order = UINT64_MAX;
    if (!weiri_sets_reserve(self, &walk->frames, &walk->n_frames, depth + (size_t)2,
            sizeof *walk->frames)) {
        return false;
    }
    const weiri_set_frame *frame = &walk->frames[depth];
    weiri_set_frame        made  = { .first = frame->first + frame->n };
    for (uint32_t i = 0; i < frame->n; i++) {
        uint32_t next = peek(self, &walk->fronts[frame->first + i], rest);
        if (next != WEIRI_NONE && order_at(self, next) < order) {
            order = order_at(self, next);
        }
    }
    for (uint32_t i = 0; i < frame->n && order != UINT64_MAX; i++) {
        for (;;) {
            weiri_set_front *front = &walk->fronts[frame->first + i];
            uint32_t         next  = peek(self, front, rest);
            if (next == WEIRI_NONE || order_at(self, next) != order) {
                break;
            }
            front->cursor++;
            add_front(self, &made, next);
        }
    }
    walk->frames[depth + 1] = made;
    return made.n > 0 && self->core->status == WEIR_OK;
}

/* Before its fronts are followed. */
static void
open_frame(weiri_executor *self, uint32_t depth)
{
    const weiri_set_frame *frame = &self->walk.frames[depth];
    for (uint32_t i = 0; i < frame->n; i++) {
        uint32_t place = self->walk.fronts[frame->first + i].place;
        if (self->walk.places[place].next == WEIRI_NONE) {
            find_next(self, place);
        }
    }
}

/* All matches of `length` events that begin as frame 0 says. */
static void
walk_length(weiri_executor *self, uint32_t length)
{
    uint32_t depth = 0;
    if (length == 1) {
        give_steps(self, 1);
        return;
    }
    open_frame(self, 0);
    while (!is_over(self)) {
        uint32_t rest = length - depth - 2; /* after the next event */
        if (!advance(self, depth, rest)) {
            if (depth-- == 0) {
                return;
            }
        } else if (rest == 0) {
            give_steps(self, depth + 2);
        } else {
            open_frame(self, ++depth);
        }
    }
}

/* Matches that begin with one event, which several steps may take: starts[0 … n - 1]. */
static void
walk_start(weiri_executor *self, const uint32_t *starts, uint32_t n)
{
    weiri_set_walk *walk = &self->walk;
    uint32_t        min  = UINT32_MAX;
    uint32_t        max  = 0;
    for (uint32_t i = 0; i < n; i++) {
        const weiri_set_place *place = &walk->places[walk->map[starts[i]] - 1];
        min                          = place->min < min ? place->min : min;
        max                          = place->max > max ? place->max : max;
    }
    for (uint32_t rest = max + 1; rest-- > min && !is_over(self);) {
        weiri_set_frame frame = { .first = 0 };
        for (uint32_t i = 0; i < n; i++) {
            uint32_t place = walk->map[starts[i]] - 1;
            if (has_length(self, place, rest)) {
                add_front(self, &frame, place);
            }
        }
        if (frame.n > 0
            && weiri_sets_reserve(
                self, &walk->frames, &walk->n_frames, 1, sizeof *walk->frames)) {
            walk->frames[0] = frame;
            walk_length(self, rest + 1);
        }
    }
}

static void
walk_all(weiri_executor *self)
{
    weiri_set_walk *walk = &self->walk;
    uint32_t        n    = 0;
    for (uint32_t i = 0; i < walk->used_places; i++) {
        if (node_of(self, i)->left == 0
            && weiri_sets_reserve(self, &walk->starts, &walk->n_starts, n + (size_t)1,
                sizeof *walk->starts)) {
            walk->starts[n++] = walk->places[i].node;
        }
    }
    sort_numbers(walk->starts, n);
    for (uint32_t i = 0, to = 0; i < n && !is_over(self); i = to) {
        while (to < n
               && order_of(self, walk->starts[to]) == order_of(self, walk->starts[i])) {
            to++;
        }
        walk_start(self, &walk->starts[i], to - i);
    }
    untake(self, 0);
}

void
weiri_sets_give(weiri_executor *self, const weiri_partition *partition)
{
    weiri_core     *core       = self->core;
    weiri_set_walk *walk       = &self->walk;
    bool            has_reader = core->sink.emitted != NULL || core->sink.matched != NULL;
    walk->n_given              = 0;
    walk->used_next            = 0;
    walk->depth                = 0;
    walk->visit                = 0;
    find_places(self);
    if (core->status == WEIR_OK && has_reader) {
        weiri_keys_values(core->keys, partition, self->key);
        find_parents(self);
        find_lengths(self);
        walk_all(self);
    }
    if (core->status == WEIR_OK
        && (!has_reader || walk->n_given >= core->plan->max_matches)) {
        uint64_t n     = count(self);
        uint64_t given = has_reader                    ? walk->n_given
                         : n < core->plan->max_matches ? n
                                                       : core->plan->max_matches;
        core->counts.matches += has_reader ? 0 : given;
        core->counts.dropped_matches += n - given;
    }
    forget_places(self);
}
