/* Every change is numbered; change number i of a case is tried, for all i, until none is
 * left that keeps the failure. */
#include "shrink.h"

#include <string.h>

/* Walks the changes until the wanted one is reached, and makes it. */
typedef struct change {
    uint32_t left; /* changes before the wanted one */
    bool     is_made;
} change;

/* True for the wanted change, once. */
static bool
now(change *c, bool applies)
{
    if (!applies || c->is_made) {
        return false;
    }
    c->is_made = c->left == 0;
    c->left -= c->left > 0;
    return c->is_made;
}

static void
remove_item(spec_element *e, uint32_t i)
{
    memmove(&e->items[i], &e->items[i + 1], (e->n_items - i - 1) * sizeof *e->items);
    e->n_items--;
    if (i == 0 && e->n_items > 0) {
        e->items[0]->contiguity = WEIRI_FIRST;
    }
}

static void
change_where(change *c, spec_where *w)
{
    for (uint32_t i = 0; i < SPEC_TESTS; i++) {
        if (now(c, w->tests[i].kind != TEST_NONE)) {
            w->tests[i].kind = TEST_NONE;
        }
    }
}

static void
change_quantifier(change *c, spec_element *e)
{
    if (now(c, e->min != 1 || e->max != 1)) {
        e->min = e->max = 1;
        e->has_until    = false;
        e->inner        = WEIRI_INNER_RELAXED;
        e->preference   = WEIRI_PREFER_BOTH;
    }
    if (now(c, e->max == WEIRI_UNBOUNDED || e->max > 2)) {
        e->max = 2;
        e->min = e->min > 2 ? 2 : e->min;
    }
    if (now(c, e->inner != WEIRI_INNER_RELAXED)) {
        e->inner = WEIRI_INNER_RELAXED;
    }
    if (now(c, e->preference != WEIRI_PREFER_BOTH)) {
        e->preference = WEIRI_PREFER_BOTH;
    }
    if (now(c, e->has_until)) {
        e->has_until = false;
    }
    if (e->has_until) {
        change_where(c, &e->until);
    }
}

/* A group gives way to one of its items. */
static void
replace_by_item(spec_element *e, uint32_t i)
{
    weiri_contiguity contiguity = e->contiguity;
    *e                          = *e->items[i];
    e->contiguity               = contiguity;
}

static void
change_element(change *c, spec_element *e, bool is_root)
{
    for (uint32_t i = 0; i < e->n_items; i++) {
        if (now(c, e->n_items > 1)) {
            remove_item(e, i);
            return;
        }
    }
    for (uint32_t i = 0; !is_root && i < e->n_items; i++) {
        if (now(c, true)) {
            replace_by_item(e, i);
            return;
        }
    }
    for (uint32_t i = 0; i < e->n_items; i++) {
        change_element(c, e->items[i], false);
    }
    change_quantifier(c, e);
    if (e->kind == WEIRI_PATTERN_STEP) {
        change_where(c, &e->where);
    }
    if (now(c, e->gap_s >= 0)) {
        e->gap_s = -1;
    }
    if (now(c, e->input > 0)) {
        e->input = 0;
    }
    if (now(c, e->is_negated && !is_root)) {
        e->is_negated = false;
    }
    if (now(c, e->contiguity == WEIRI_FOLLOWED_ANY || e->contiguity == WEIRI_NEXT)) {
        e->contiguity = WEIRI_FOLLOWED;
    }
}

static void
remove_event(spec *s, uint32_t i)
{
    memmove(&s->events[i], &s->events[i + 1], (s->n_events - i - 1) * sizeof *s->events);
    s->n_events--;
}

static void
change_events(change *c, spec *s)
{
    for (uint32_t i = s->n_events; i > 0; i--) {
        if (now(c, true)) {
            remove_event(s, i - 1);
            return;
        }
    }
    for (uint32_t i = 0; i < s->n_events; i++) {
        spec_event *e = &s->events[i];
        for (uint32_t f = 0; f < FIELD_AT; f++) {
            if (now(c, e->values[f] != 0)) {
                e->values[f] = 0;
            }
        }
        if (now(c, e->input != 0)) {
            e->input = 0;
        }
    }
}

static void
change_clauses(change *c, spec *s)
{
    if (now(c, s->within_s >= 0)) {
        s->within_s = -1;
    }
    if (now(c, s->within_s > 1)) {
        s->within_s--;
    }
    if (now(c, s->n_keys > 0)) {
        s->n_keys--;
    }
    if (now(c, s->skip != WEIRI_SKIP_NONE)) {
        s->skip = WEIRI_SKIP_NONE;
    }
    if (now(c, s->has_timeout)) {
        s->has_timeout = false;
    }
    if (now(c, s->is_closed)) {
        s->is_closed = false;
    }
    if (now(c, s->max_matches != UINT32_MAX)) {
        s->max_matches = UINT32_MAX;
    }
    if (now(c, s->is_text_key)) {
        s->is_text_key = false;
    }
    if (now(c, s->max_runs != UINT32_MAX)) {
        s->max_runs = UINT32_MAX;
    }
    if (now(c, s->reload != 0)) {
        s->reload = 0;
    }
    if (now(c, s->cut != 0)) { /* one batch */
        s->cut = 0;
    }
    for (uint32_t i = 0; i < s->n_emits; i++) {
        if (now(c, true)) {
            s->emits[i] = s->emits[--s->n_emits];
        }
    }
}

/* False: the case has no such change. */
static bool
make_change(spec *s, uint32_t number)
{
    change c = { .left = number };
    change_events(&c, s);
    change_element(&c, s->root, true);
    change_clauses(&c, s);
    return c.is_made;
}

spec
spec_shrink(weiri_arena *arena, const spec *failing, shrink_fails *fails, void *context,
    uint32_t budget)
{
    spec     best   = spec_copy(arena, failing);
    uint32_t number = 0;
    while (budget-- > 0) {
        spec candidate = spec_copy(arena, &best);
        if (!make_change(&candidate, number)) {
            break;
        }
        if (spec_is_valid(&candidate) && fails(context, &candidate)) {
            best   = candidate;
            number = 0;
        } else {
            number++;
        }
    }
    return best;
}
