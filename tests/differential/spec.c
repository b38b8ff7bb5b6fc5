/* Random cases: names, copies, validity, features. */
#include "spec.h"

const char *const SPEC_OPERATORS[6] = { "==", "!=", "<", "<=", ">", ">=" };

const char *const SPEC_TEXT_VALUES[SPEC_TEXTS] = { "", "a", "b", "a longer text, a",
    "a longer text, b" };

uint32_t
spec_below(uint64_t *seed, uint32_t n)
{
    return (uint32_t)(next_random(seed) % n);
}

const char *
spec_feature_text(spec_feature feature)
{
    static const char *const texts[] = {
#define X(name, text) text,
        SPEC_FEATURE_LIST(X)
#undef X
    };
    return texts[feature];
}

static spec_element *
copy_element(weiri_arena *arena, const spec_element *e)
{
    spec_element *copy = weiri_arena_alloc(arena, sizeof *copy);
    *copy              = *e;
    for (uint32_t i = 0; i < e->n_items; i++) {
        copy->items[i] = copy_element(arena, e->items[i]);
    }
    return copy;
}

spec
spec_copy(weiri_arena *arena, const spec *self)
{
    spec copy = *self;
    copy.root = copy_element(arena, self->root);
    return copy;
}

/* ---- validity ---- */

static bool
can_be_empty(const spec_element *e)
{
    if (e->is_negated || e->min == 0) {
        return true;
    }
    if (e->kind == WEIRI_PATTERN_STEP) {
        return false;
    }
    bool is_any = e->kind == WEIRI_PATTERN_OR;
    for (uint32_t i = 0; i < e->n_items; i++) {
        if (can_be_empty(e->items[i]) == is_any) {
            return is_any;
        }
    }
    return !is_any;
}

/* Of the whole pattern: one that ends a group needs no time to wait. */
static bool
ends_in_absence(const spec_element *e)
{
    const spec_element *last = e->n_items > 0 ? e->items[e->n_items - 1] : NULL;
    return e->kind == WEIRI_PATTERN_SEQUENCE && last->is_negated
           && last->contiguity != WEIRI_NEXT;
}

static uint32_t
n_positive(const spec_element *e)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < e->n_items; i++) {
        n += !e->items[i]->is_negated;
    }
    return n;
}

static bool
reads_own_event_only(const spec_where *w)
{
    for (uint32_t i = 0; i < SPEC_TESTS; i++) {
        if (w->tests[i].kind > TEST_FIELD) {
            return false;
        }
    }
    return true;
}

static bool
is_valid_element(const spec_element *e, bool begins);

static bool
are_valid_items(const spec_element *e, bool begins)
{
    bool is_sequence = e->kind == WEIRI_PATTERN_SEQUENCE;
    bool only_nots   = true;
    if (n_positive(e)
        < (is_sequence ? 1U : 2U) - (e->kind == WEIRI_PATTERN_AND ? 1 : 0)) {
        return false;
    }
    for (uint32_t i = 0; i < e->n_items; i++) {
        const spec_element *item  = e->items[i];
        bool                first = begins && (!is_sequence || only_nots);
        if (item->is_negated && e->kind == WEIRI_PATTERN_OR) {
            return false;
        }
        if (item->is_negated && is_sequence && i > 0 && e->items[i - 1]->min == 0) {
            return false;
        }
        if (item->is_negated && is_sequence && first
            && !reads_own_event_only(&item->where)) {
            return false;
        }
        only_nots = only_nots && item->is_negated;
        if (!is_valid_element(item, first)) {
            return false;
        }
    }
    return true;
}

static bool
is_valid_element(const spec_element *e, bool begins)
{
    if (e->is_negated
        && (e->kind != WEIRI_PATTERN_STEP || e->min != 1 || e->max != 1
            || e->has_until)) {
        return false;
    }
    if (e->kind == WEIRI_PATTERN_STEP) {
        return true;
    }
    return e->n_items > 0 && are_valid_items(e, begins);
}

/* Gaps on negated steps only where the wait for an absence may read them. */
static bool
has_idle_gap(const spec_element *e, bool is_last)
{
    if (e->is_negated) {
        return e->gap_s >= 0 && (!is_last || e->contiguity == WEIRI_NEXT);
    }
    for (uint32_t i = 0; i < e->n_items; i++) {
        bool last = is_last && e->kind == WEIRI_PATTERN_SEQUENCE && i + 1 == e->n_items;
        if (has_idle_gap(e->items[i], last)) {
            return true;
        }
    }
    return false;
}

/* With nothing that has to happen after it, the negation has no meaning. */
static bool
begins_with_not(const spec_element *e)
{
    return e->is_negated || (e->n_items > 0 && begins_with_not(e->items[0]));
}

/* ---- features ---- */

static uint64_t
bit(spec_feature f)
{
    return (uint64_t)1 << f;
}

static uint64_t
features_of_where(const spec_where *w)
{
    uint64_t set = 0;
    for (uint32_t i = 0; i < SPEC_TESTS; i++) {
        switch (w->tests[i].kind) {
        case TEST_NONE: break;
        case TEST_FIELD:
            set |= w->tests[i].field == FIELD_S ? bit(FEATURE_TEXT) : 0;
            break;
        case TEST_LAST_S: set |= bit(FEATURE_TEXT) | bit(FEATURE_CORRELATED); break;
        case TEST_KEY: set |= bit(FEATURE_KEY); break;
        case TEST_PREV: set |= bit(FEATURE_PREV); break;
        case TEST_LAST:
        case TEST_FIRST:
        case TEST_FIRST_X: set |= bit(FEATURE_CORRELATED); break;
        default: set |= bit(FEATURE_AGGREGATE); break;
        }
    }
    return set;
}

static uint64_t
features_of_quantifier(const spec_element *e)
{
    uint64_t set = 0;
    set |= e->min == 0 ? bit(FEATURE_OPTIONAL) : 0;
    if (e->max == 1) {
        return set;
    }
    set |= bit(e->max == WEIRI_UNBOUNDED ? FEATURE_LOOP : FEATURE_TIMES);
    set |= e->kind != WEIRI_PATTERN_STEP ? bit(FEATURE_QUANTIFIED_GROUP) : 0;
    set |= e->inner == WEIRI_INNER_NEXT ? bit(FEATURE_INNER_NEXT) : 0;
    set |= e->inner == WEIRI_INNER_ANY ? bit(FEATURE_INNER_ANY) : 0;
    set |= e->preference == WEIRI_PREFER_GREEDY ? bit(FEATURE_GREEDY) : 0;
    set |= e->preference == WEIRI_PREFER_LAZY ? bit(FEATURE_LAZY) : 0;
    set |= e->has_until ? bit(FEATURE_UNTIL) | features_of_where(&e->until) : 0;
    return set;
}

static uint64_t
features_of_not(const spec_element *parent, uint32_t i)
{
    const spec_element *e = parent->items[i];
    if (parent->kind == WEIRI_PATTERN_AND) {
        return bit(FEATURE_NOT_IN_AND);
    }
    uint64_t set = i + 1 == parent->n_items ? bit(FEATURE_NOT_LAST) : 0;
    if (i == 0) {
        return set | bit(FEATURE_NOT_FIRST);
    }
    return set
           | bit(e->contiguity == WEIRI_NEXT ? FEATURE_NOT_NEXT : FEATURE_NOT_FOLLOWED);
}

static uint64_t
features_of(const spec_element *e, bool is_root)
{
    uint64_t set = features_of_quantifier(e);
    if (e->kind == WEIRI_PATTERN_STEP) {
        return set | features_of_where(&e->where)
               | (e->gap_s >= 0 ? bit(FEATURE_GAP) : 0);
    }
    set |= e->kind == WEIRI_PATTERN_AND  ? bit(FEATURE_AND)
           : e->kind == WEIRI_PATTERN_OR ? bit(FEATURE_OR)
           : !is_root                    ? bit(FEATURE_GROUP)
                                         : 0;
    for (uint32_t i = 0; i < e->n_items; i++) {
        const spec_element *item = e->items[i];
        set |= features_of(item, false);
        if (item->is_negated) {
            set |= features_of_not(e, i);
        } else if (e->kind == WEIRI_PATTERN_SEQUENCE && i > 0) {
            set |= item->contiguity == WEIRI_NEXT       ? bit(FEATURE_NEXT)
                   : item->contiguity == WEIRI_FOLLOWED ? bit(FEATURE_FOLLOWED)
                                                        : bit(FEATURE_FOLLOWED_ANY);
        }
    }
    return set;
}

bool
spec_is_valid(const spec *self)
{
    const spec_element *root = self->root;
    if (self->max_runs != UINT32_MAX && self->within_s < 0) {
        return false; /* not all that could begin is kept (section 6) */
    }
    if (self->silence_s >= 0) {
        return root->kind == WEIRI_PATTERN_STEP && root->is_negated
               && reads_own_event_only(&root->where);
    }
    if (!is_valid_element(root, true) || root->is_negated || has_idle_gap(root, true)
        || (can_be_empty(root) && begins_with_not(root))) {
        return false;
    }
    return self->within_s >= 0 || !ends_in_absence(root);
}

uint64_t
spec_features(const spec *self)
{
    if (self->silence_s >= 0) {
        return bit(FEATURE_SILENCE);
    }
    uint64_t set = features_of(self->root, true);
    set |= self->within_s >= 0 ? bit(FEATURE_WITHIN) : 0;
    set |= self->n_keys == 1   ? bit(FEATURE_ONE_KEY)
           : self->n_keys == 2 ? bit(FEATURE_TWO_KEYS)
                               : 0;
    set |= self->n_keys > 0 && self->is_text_key ? bit(FEATURE_TEXT_KEY) : 0;
    set |= self->max_runs != UINT32_MAX ? bit(FEATURE_MAX_RUNS) : 0;
    set |= self->max_matches != UINT32_MAX ? bit(FEATURE_MAX_MATCHES) : 0;
    set |= self->n_inputs == 2 ? bit(FEATURE_TWO_INPUTS) : 0;
    set |= self->has_timeout ? bit(FEATURE_TIMEOUT) : 0;
    return set | bit((spec_feature)(FEATURE_SKIP_OVERLAPS + (int)self->skip));
}
