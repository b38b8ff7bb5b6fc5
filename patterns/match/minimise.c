#include "match/minimise.h"

#include <string.h>

/* Refinement takes a round for each length of a chain: beyond this many states the time
 * is worth more than the states. */
enum { MAX_STATES = 2048 };

static bool
is_same_move(const weiri_arc *a, const weiri_arc *b)
{
    return a->action == b->action && a->target == b->target
           && (a->action != WEIRI_TAKE || a->step == b->step);
}

void
weiri_draft_add_way(weiri_draft *self, int64_t gap_ns)
{
    self->has_way = true;
    self->has_open |= gap_ns < 0;
    self->gap_ns = gap_ns > self->gap_ns ? gap_ns : self->gap_ns;
}

void
weiri_draft_add(
    weiri_draft *self, weiri_arena *arena, weiri_conditions *conditions, weiri_arc arc)
{
    for (uint32_t i = 0; i < self->n_arcs; i++) {
        weiri_arc *other = &self->arcs[i];
        if (!is_same_move(other, &arc)) {
            continue;
        }
        if (other->completes != arc.completes) {
            other->completes = weiri_formula_or(conditions,
                weiri_formula_and(conditions, other->when, other->completes),
                weiri_formula_and(conditions, arc.when, arc.completes));
        }
        other->when = weiri_formula_or(conditions, other->when, arc.when);
        return;
    }
    WEIRI_ARENA_PUSH(arena, self->arcs, self->n_arcs, arc);
}

static bool
has_arc(const weiri_draft *draft, const weiri_arc *arc, const uint32_t *group)
{
    for (uint32_t i = 0; i < draft->n_arcs; i++) {
        const weiri_arc *other = &draft->arcs[i];
        uint32_t to = other->target == WEIRI_NONE ? WEIRI_NONE : group[other->target];
        if (other->action == arc->action && to == arc->target && other->when == arc->when
            && other->completes == arc->completes
            && (arc->action != WEIRI_TAKE || other->step == arc->step)) {
            return true;
        }
    }
    return false;
}

static bool
covers(const weiri_draft *a, const weiri_draft *b, const uint32_t *group)
{
    for (uint32_t i = 0; i < b->n_arcs; i++) {
        weiri_arc arc = b->arcs[i];
        arc.target    = arc.target == WEIRI_NONE ? WEIRI_NONE : group[arc.target];
        if (!has_arc(a, &arc, group)) {
            return false;
        }
    }
    return true;
}

static bool
is_alike(const weiri_draft *a, const weiri_draft *b, const uint32_t *group)
{
    return a->is_pending == b->is_pending && a->has_way == b->has_way
           && a->has_open == b->has_open && a->gap_ns == b->gap_ns && covers(a, b, group)
           && covers(b, a, group);
}

/* Order does not matter in it. */
static uint64_t
signature(const weiri_draft *draft, const uint32_t *group)
{
    uint64_t sum = draft->is_pending;
    for (uint32_t i = 0; i < draft->n_arcs; i++) {
        const weiri_arc *arc = &draft->arcs[i];
        uint64_t         h   = arc->target == WEIRI_NONE ? 1 : group[arc->target] + 2;
        h                    = h * 0x9E3779B97F4A7C15u + arc->when;
        h                    = (h ^ (h >> 31)) * 0xBF58476D1CE4E5B9u + arc->completes;
        h                    = (h ^ (h >> 27)) * 0x94D049BB133111EBu + arc->action;
        h                    = h * 31 + (arc->action == WEIRI_TAKE ? arc->step : 0);
        sum |= h ^ (h >> 32); /* arcs may occur twice after a merge */
    }
    return sum;
}

/* One round: split groups whose members differ. Returns how many there are now. */
static uint32_t
refine(const weiri_draft *drafts, uint32_t n, const uint32_t *group, uint32_t *split,
    uint64_t *signatures)
{
    uint32_t n_groups = 0;
    for (uint32_t i = 0; i < n; i++) {
        signatures[i] = signature(&drafts[i], group);
        split[i]      = n_groups;
        for (uint32_t j = 1; j < i; j++) { /* 0 stands alone */
            if (group[j] == group[i] && signatures[j] == signatures[i]
                && is_alike(&drafts[i], &drafts[j], group)) {
                split[i] = split[j];
                break;
            }
        }
        n_groups += split[i] == n_groups;
    }
    return n_groups;
}

/* Point every arc at its group's first member. */
static void
redirect(weiri_arena *arena, weiri_conditions *conditions, weiri_draft *drafts,
    uint32_t n, const uint32_t *group, uint32_t *first)
{
    for (uint32_t i = n; i-- > 0;) {
        first[group[i]] = i;
    }
    for (uint32_t i = 0; i < n; i++) {
        weiri_draft merged = drafts[i];
        merged.arcs        = NULL;
        merged.n_arcs      = 0;
        for (uint32_t a = 0; a < drafts[i].n_arcs; a++) {
            weiri_arc arc = drafts[i].arcs[a];
            arc.target = arc.target == WEIRI_NONE ? WEIRI_NONE : first[group[arc.target]];
            weiri_draft_add(&merged, arena, conditions, arc);
        }
        drafts[i] = merged;
    }
}

static uint32_t
drop_unreached(weiri_arena *arena, weiri_draft *drafts, uint32_t n)
{
    uint32_t *order  = weiri_arena_alloc(arena, n * sizeof *order);
    uint32_t *number = weiri_arena_alloc(arena, n * sizeof *number);
    memset(number, 0xFF, n * sizeof *number);
    uint32_t n_kept = 1;
    number[0]       = 0;
    for (uint32_t k = 0; k < n_kept; k++) {
        weiri_draft *draft = &drafts[order[k]];
        for (uint32_t a = 0; a < draft->n_arcs; a++) {
            uint32_t to = draft->arcs[a].target;
            if (to == WEIRI_NONE) {
                continue;
            }
            if (number[to] == WEIRI_NONE) {
                number[to]      = n_kept;
                order[n_kept++] = to;
            }
            draft->arcs[a].target = number[to];
        }
    }
    weiri_draft *kept = weiri_arena_alloc(arena, n_kept * sizeof *kept);
    for (uint32_t k = 0; k < n_kept; k++) {
        kept[k] = drafts[order[k]];
    }
    memcpy(drafts, kept, n_kept * sizeof *kept);
    return n_kept;
}

uint32_t
weiri_minimise(
    weiri_arena *arena, weiri_conditions *conditions, weiri_draft *drafts, uint32_t n)
{
    if (n > MAX_STATES) {
        return n;
    }
    uint32_t *group      = weiri_arena_alloc(arena, n * sizeof *group);
    uint32_t *split      = weiri_arena_alloc(arena, n * sizeof *split);
    uint64_t *signatures = weiri_arena_alloc(arena, n * sizeof *signatures);
    uint32_t  n_groups   = 1;
    for (uint32_t now = 0; now != n_groups;) {
        now      = n_groups;
        n_groups = refine(drafts, n, group, split, signatures);
        memcpy(group, split, n * sizeof *group);
    }
    redirect(arena, conditions, drafts, n, group, split);
    return drop_unreached(arena, drafts, n);
}
