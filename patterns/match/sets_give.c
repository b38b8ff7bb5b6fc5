/* All matches that an event completes, in the order of docs/semantics.md 5.
 *
 * From the nodes that are complete, what leads to them is found (sets_places.c): each of
 * these nodes is part of a match. Upward from an event, through the unions that it is
 * part of, are the events that may follow it; a walk from the first events on, guided by
 * how many events are still to come, gives the matches by their lengths and positions
 * without a detour. Events of several steps at one position are followed together, since
 * positions count before steps. The work before the first match is bounded by the size of
 * all matches, memory by the nodes and by what is given.
 */
#include <stdlib.h>

#include "match/sets.h"

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

static bool
is_over(const weiri_executor *self)
{
    return self->walk.n_given >= self->core->plan->max_matches
           || self->core->status != WEIR_OK;
}

static weiri_cell *
cells_of(const weiri_executor *self, uint32_t depth)
{
    return self->walk.cells + (size_t)depth * self->n_cells;
}

/* What was taken beyond `depth` events is taken no more. */
static void
untake(weiri_executor *self, uint32_t depth)
{
    for (; self->n_cells > 0 && self->walk.depth > depth; self->walk.depth--) {
        weiri_registers_release(
            self->core->registers, cells_of(self, self->walk.depth - 1));
    }
    self->walk.depth = depth;
}

static void
take(weiri_executor *self, uint32_t place)
{
    weiri_registers       *registers = self->core->registers;
    weiri_set_walk        *walk      = &self->walk;
    uint32_t               depth     = walk->depth++;
    const weiri_set_node  *node      = &self->state->nodes[walk->places[place].node];
    const weiri_set_taken *taken     = weiri_sets_taken(self, self->state, node->right);
    walk->path[depth]                = place;
    walk->taken[depth]               = (weiri_taken){
                      .step = taken->step, .time_ns = taken->time_ns, .order = taken->order
    };
    if (self->n_cells == 0) {
        return;
    }
    if (depth == 0) {
        weiri_registers_clear(registers, cells_of(self, 0));
    } else {
        weiri_registers_copy(registers, cells_of(self, depth), cells_of(self, depth - 1));
    }
    weiri_registers_take_kept(registers, cells_of(self, depth), taken->step, taken->kept);
}

/* Room for matches of up to `n` events. */
static bool
reserve_depth(weiri_executor *self, size_t n)
{
    weiri_set_walk *walk = &self->walk;
    return weiri_sets_reserve(
               self, &walk->frames, &walk->n_frames, n, sizeof *walk->frames)
           && weiri_sets_reserve(self, &walk->path, &walk->n_path, n, sizeof *walk->path)
           && weiri_sets_reserve(
               self, &walk->taken, &walk->n_taken, n, sizeof *walk->taken)
           && weiri_sets_reserve(self, &walk->cells, &walk->n_cells,
               n * self->n_cells + 1, sizeof *walk->cells);
}

static uint32_t
chosen(const weiri_executor *self, uint32_t depth)
{
    const weiri_set_frame *frame = &self->walk.frames[depth];
    return self->walk.fronts[frame->first + frame->choice].place;
}

/* The match that is chosen in frames 0 … n - 1; the first `same` of its events are those
 * of the match given last. */
static void
give_one(weiri_executor *self, uint32_t n, uint32_t same)
{
    weiri_set_walk *walk = &self->walk;
    untake(self, same);
    for (uint32_t i = same; i < n; i++) {
        take(self, chosen(self, i));
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
    walk->fresh = n;
    weiri_core_give(self->core, &match);
}

/* How many events of the match that is chosen are those of the match given last. */
static uint32_t
count_same(const weiri_executor *self, uint32_t n)
{
    const weiri_set_walk *walk = &self->walk;
    uint32_t              same = 0;
    while (same < walk->depth && same < n && walk->path[same] == chosen(self, same)) {
        same++;
    }
    return same;
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
        if (self->walk.places[self->walk.next[middle]].node < node) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from < at->next + at->n_next && self->walk.next[from] == next;
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

/* All matches with the positions of frames 0 … n - 1, by their steps, as which each frame
 * is sorted. */
static void
give_each(weiri_executor *self, uint32_t n)
{
    uint32_t depth = 0;
    drop_dead_ends(self, n);
    bool is_found = choose(self, 0, 0);
    while (!is_over(self)) {
        if (is_found && depth + 1 < n) {
            is_found = choose(self, ++depth, 0);
            continue;
        }
        if (is_found) {
            give_one(self, n, count_same(self, n));
        } else if (depth == 0) {
            break;
        } else {
            depth--;
        }
        is_found = choose(self, depth, self->walk.frames[depth].choice + 1);
    }
    for (uint32_t d = 0; d < n; d++) {
        self->walk.frames[d].choice = 0;
    }
    self->walk.fresh = 0; /* choices were others in between */
}

/* Mostly there is one. */
static void
give_steps(weiri_executor *self, uint32_t n)
{
    uint32_t fresh = self->walk.fresh;
    if (self->walk.frames[n - 1].n_wide > 0) {
        give_each(self, n);
    } else {
        give_one(self, n, fresh < self->walk.depth ? fresh : self->walk.depth);
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
           && walk->places[walk->fronts[i - 1].place].step > walk->places[place].step) {
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
        uint32_t next = walk->next[at->next + front->cursor];
        if (weiri_sets_has_length(self, next, rest)) {
            return next;
        }
    }
    return WEIRI_NONE;
}

/* The next event after any front of a frame, by its order; UINT64_MAX: there is none. */
static uint64_t
next_order(weiri_executor *self, const weiri_set_frame *frame, uint32_t rest)
{
    uint64_t order = UINT64_MAX;
    for (uint32_t i = 0; i < frame->n; i++) {
        uint32_t next = peek(self, &self->walk.fronts[frame->first + i], rest);
        if (next != WEIRI_NONE && self->walk.places[next].order < order) {
            order = self->walk.places[next].order;
        }
    }
    return order;
}

/* What takes the next event after the only front of a frame, WEIRI_NONE: nothing does.
 * False, and nothing has happened: there are several. */
static bool
advance_one(
    weiri_executor *self, const weiri_set_frame *frame, uint32_t rest, uint32_t *to)
{
    weiri_set_walk        *walk  = &self->walk;
    weiri_set_front       *front = &walk->fronts[frame->first];
    const weiri_set_place *at    = &walk->places[front->place];
    *to                          = peek(self, front, rest);
    if (*to == WEIRI_NONE) {
        return true;
    }
    uint32_t i = front->cursor + 1;
    if (i < at->n_next
        && walk->places[walk->next[at->next + i]].order == walk->places[*to].order) {
        return false;
    }
    front->cursor = i;
    return true;
}

/* Add to a frame all that takes the next event after any front of the one before. */
static void
advance_all(weiri_executor *self, const weiri_set_frame *frame, uint32_t rest,
    weiri_set_frame *made)
{
    weiri_set_walk *walk  = &self->walk;
    uint64_t        order = next_order(self, frame, rest);
    for (uint32_t i = 0; i < frame->n; i++) {
        for (;;) {
            weiri_set_front *front = &walk->fronts[frame->first + i];
            uint32_t         next  = peek(self, front, rest);
            if (next == WEIRI_NONE || walk->places[next].order != order) {
                break;
            }
            front->cursor++;
            add_front(self, made, next);
        }
    }
}

/* Make the frame after `depth` of the next position there. False: there is none. */
static bool
advance(weiri_executor *self, uint32_t depth, uint32_t rest)
{
    weiri_set_walk        *walk  = &self->walk;
    const weiri_set_frame *frame = &walk->frames[depth];
    weiri_set_frame        made  = { .first = frame->first + frame->n };
    uint32_t               only  = WEIRI_NONE;
    if (frame->n > 1 || !advance_one(self, frame, rest, &only)) {
        advance_all(self, frame, rest, &made);
    } else if (only != WEIRI_NONE) {
        add_front(self, &made, only);
    }
    made.n_wide             = frame->n_wide + (made.n > 1);
    walk->fresh             = depth + 1 < walk->fresh ? depth + 1 : walk->fresh;
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
            weiri_sets_find_next(self, place);
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
            if (weiri_sets_has_length(self, place, rest)) {
                add_front(self, &frame, place);
            }
        }
        if (frame.n > 0 && reserve_depth(self, rest + (size_t)1)) {
            frame.n_wide    = frame.n > 1;
            walk->frames[0] = frame;
            walk->fresh     = 0;
            walk_length(self, rest + 1);
        }
    }
}

static uint64_t
start_order(const weiri_executor *self, uint32_t i)
{
    return self->state->nodes[self->walk.starts[i]].start;
}

static void
walk_all(weiri_executor *self)
{
    weiri_set_walk *walk = &self->walk;
    uint32_t        n    = 0;
    for (uint32_t i = 0; i < walk->used_places; i++) {
        if (self->state->nodes[walk->places[i].node].left == 0
            && weiri_sets_reserve(self, &walk->starts, &walk->n_starts, n + (size_t)1,
                sizeof *walk->starts)) {
            walk->starts[n++] = walk->places[i].node;
        }
    }
    weiri_sets_sort(walk->starts, n);
    for (uint32_t i = 0, to = 0; i < n && !is_over(self); i = to) {
        while (to < n && start_order(self, to) == start_order(self, i)) {
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
    weiri_sets_find_places(self);
    if (core->status == WEIR_OK && has_reader) {
        weiri_keys_values(core->keys, partition, self->key);
        weiri_sets_connect(self);
        walk_all(self);
    }
    if (core->status == WEIR_OK
        && (!has_reader || walk->n_given >= core->plan->max_matches)) {
        uint64_t n     = weiri_sets_count(self);
        uint64_t given = has_reader                    ? walk->n_given
                         : n < core->plan->max_matches ? n
                                                       : core->plan->max_matches;
        core->counts.matches += has_reader ? 0 : given;
        core->counts.dropped_matches += n - given;
    }
    weiri_sets_forget_places(self);
}
