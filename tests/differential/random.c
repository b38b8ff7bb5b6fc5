/* How random cases are drawn: small alphabets and short streams, so that much happens. */
#include "spec.h"

typedef struct drawing {
    weiri_arena *arena;
    uint64_t     seed;
    uint32_t     n_inputs;
    uint32_t     n_ids;
    uint32_t     n_left;   /* steps that may still be made */
    bool         is_alone; /* conditions read their own event, whenever it comes */
} drawing;

static spec_element *
draw_sequence(drawing *d, uint32_t depth);

static bool
chance(drawing *d, uint32_t percent)
{
    return spec_below(&d->seed, 100) < percent;
}

static uint32_t
below(drawing *d, uint32_t n)
{
    return spec_below(&d->seed, n);
}

static spec_test
draw_field_test(drawing *d)
{
    static const uint32_t fields[] = { FIELD_V, FIELD_V, FIELD_V, FIELD_W, FIELD_X,
        FIELD_S };
    spec_test             t        = { .kind = TEST_FIELD };
    t.field                        = fields[below(d, 6)];
    t.op                           = below(d, 6);
    t.constant                     = below(d, 4);
    return t;
}

static spec_test
draw_correlated_test(drawing *d)
{
    spec_test t = { .kind = (spec_test_kind)(TEST_LAST + below(d, N_TESTS - TEST_LAST)) };
    t.step      = below(d, d->n_ids); /* the step itself or one made before it */
    t.op        = below(d, 6);
    t.constant  = t.kind == TEST_SUM     ? 3 + below(d, 6)
                  : t.kind == TEST_COUNT ? 1 + below(d, 3)
                                         : below(d, 2);
    return t;
}

static spec_where
draw_where(drawing *d, uint32_t correlated_percent)
{
    spec_where w = { 0 };
    if (chance(d, 80)) {
        w.tests[0] = draw_field_test(d);
    }
    if (!d->is_alone && chance(d, correlated_percent)) {
        w.tests[1] = draw_correlated_test(d);
    }
    return w;
}

static spec_element *
new_element(drawing *d, weiri_pattern_kind kind)
{
    spec_element *e = weiri_arena_alloc(d->arena, sizeof *e);
    e->kind         = kind;
    e->contiguity   = WEIRI_FIRST;
    e->min          = 1;
    e->max          = 1;
    e->gap_s        = -1;
    return e;
}

static spec_element *
draw_step(drawing *d, uint32_t correlated_percent)
{
    spec_element *e = new_element(d, WEIRI_PATTERN_STEP);
    e->id           = d->n_ids++;
    e->input        = below(d, d->n_inputs);
    e->where        = draw_where(d, correlated_percent);
    d->n_left -= d->n_left > 0;
    return e;
}

static void
draw_quantifier(drawing *d, spec_element *e)
{
    static const uint32_t ranges[][2] = { { 0, 1 }, { 0, 1 }, { 1, WEIRI_UNBOUNDED },
        { 1, WEIRI_UNBOUNDED }, { 0, WEIRI_UNBOUNDED }, { 2, 2 }, { 1, 2 }, { 2, 3 },
        { 0, 2 }, { 2, WEIRI_UNBOUNDED }, { 1, 3 } };
    uint32_t              i           = below(d, sizeof ranges / sizeof *ranges);
    e->min                            = ranges[i][0];
    e->max                            = ranges[i][1];
    if (e->max == 1) {
        return;
    }
    e->inner     = (weiri_inner)below(d, 3);
    bool is_step = e->kind == WEIRI_PATTERN_STEP;
    if (chance(d, is_step ? 40 : 10)) {
        e->preference = chance(d, 50) ? WEIRI_PREFER_GREEDY : WEIRI_PREFER_LAZY;
    }
    if (chance(d, 15)) {
        e->has_until = true;
        e->until     = draw_where(d, 15);
    }
}

static spec_element *
draw_choice(drawing *d, uint32_t depth)
{
    spec_element *e =
        new_element(d, chance(d, 50) ? WEIRI_PATTERN_OR : WEIRI_PATTERN_AND);
    uint32_t n = 2 + (chance(d, 20) ? 1 : 0);
    for (uint32_t i = 0; i < n; i++) {
        bool is_group = depth > 0 && d->n_left > 1 && chance(d, 20);
        e->items[i]   = is_group ? draw_sequence(d, depth - 1) : draw_step(d, 20);
        if (chance(d, 15)) {
            draw_quantifier(d, e->items[i]);
        }
    }
    e->n_items = n;
    if (e->kind == WEIRI_PATTERN_AND && chance(d, 40)) {
        e->items[e->n_items]               = draw_step(d, 10);
        e->items[e->n_items++]->is_negated = true;
    }
    return e;
}

static spec_element *
draw_element(drawing *d, uint32_t depth)
{
    spec_element *e = NULL;
    if (depth > 0 && d->n_left > 1 && chance(d, 14)) {
        e = draw_sequence(d, depth - 1);
    } else if (depth > 0 && d->n_left > 1 && chance(d, 12)) {
        e = draw_choice(d, depth - 1);
    } else {
        e = draw_step(d, 30);
    }
    if (chance(d, 45)) {
        draw_quantifier(d, e);
    }
    if (e->kind == WEIRI_PATTERN_STEP && !d->is_alone && chance(d, 8)) {
        e->gap_s = below(d, 4);
    }
    return e;
}

static spec_element *
draw_sequence(drawing *d, uint32_t depth)
{
    spec_element *e = new_element(d, WEIRI_PATTERN_SEQUENCE);
    uint32_t      n = 1 + below(d, 3);
    for (uint32_t i = 0; i < n && i < SPEC_ITEMS; i++) {
        bool is_not             = chance(d, i == 0 ? 7 : 16);
        e->items[i]             = is_not ? draw_step(d, 15) : draw_element(d, depth);
        e->items[i]->is_negated = is_not;
        if (i > 0) {
            e->items[i]->contiguity = chance(d, 55)   ? WEIRI_FOLLOWED
                                      : chance(d, 55) ? WEIRI_NEXT
                                                      : WEIRI_FOLLOWED_ANY;
        }
        if (is_not && e->items[i]->contiguity == WEIRI_FOLLOWED_ANY) {
            e->items[i]->contiguity = WEIRI_FOLLOWED;
        }
        e->n_items++;
    }
    return e;
}

/* A rule of the kind that all matches are wanted of, without correlated conditions. */
static void
draw_all_matches(drawing *d, spec *s)
{
    spec_element *e = new_element(d, WEIRI_PATTERN_SEQUENCE);
    e->n_items      = 1 + below(d, 4);
    for (uint32_t i = 0; i < e->n_items; i++) {
        spec_element *item = draw_step(d, 0);
        if (chance(d, 20)) {
            item->min   = 2 + below(d, 2);
            item->max   = item->min;
            item->inner = chance(d, 50) ? WEIRI_INNER_ANY : WEIRI_INNER_RELAXED;
        }
        if (i > 0) {
            item->contiguity = chance(d, 50) ? WEIRI_FOLLOWED : WEIRI_FOLLOWED_ANY;
        }
        e->items[i] = item;
    }
    if (e->n_items > 2 && chance(d, 25)) {
        uint32_t before                           = chance(d, 70) ? 2 : 1 + below(d, 2);
        e->items[e->n_items - before]             = draw_step(d, 0);
        e->items[e->n_items - before]->is_negated = true;
        e->items[e->n_items - before]->contiguity = WEIRI_FOLLOWED;
    }
    s->root        = e;
    s->skip        = WEIRI_SKIP_NONE;
    s->has_timeout = false;
    if (chance(d, 15)) {
        s->max_matches = 1 + below(d, 6);
    }
}

/* All matches of any pattern, as the executor "sets" takes them. */
static void
draw_all_ways(drawing *d, spec *s)
{
    d->is_alone    = true;
    s->root        = draw_sequence(d, 2);
    s->skip        = WEIRI_SKIP_NONE;
    s->has_timeout = false;
    if (chance(d, 10)) {
        s->max_matches = 1 + below(d, 6);
    }
}

static void
draw_events(drawing *d, spec *s)
{
    int64_t time = below(d, 3);
    s->n_events  = 6 + below(d, 12);
    for (uint32_t i = 0; i < s->n_events; i++) {
        static const int64_t steps[] = { 0, 0, 1, 1, 1, 2, 3 };
        spec_event          *e       = &s->events[i];
        time += steps[below(d, 7)];
        e->time_s          = time;
        e->input           = below(d, s->n_inputs);
        e->values[FIELD_K] = chance(d, 4) ? INT64_MIN : (int64_t)below(d, 2);
        e->values[FIELD_G] = below(d, 2);
        e->values[FIELD_V] = below(d, 5);
        e->values[FIELD_W] = chance(d, 25) ? INT64_MIN : (int64_t)below(d, 4);
        e->values[FIELD_S] = chance(d, 8) ? INT64_MIN : (int64_t)below(d, SPEC_TEXTS);
        e->values[FIELD_X] = chance(d, 15) ? INT64_MIN : (int64_t)below(d, 4);
    }
}

static bool
is_number(weiri_register_kind kind)
{
    return kind == WEIRI_REGISTER_SUM || kind == WEIRI_REGISTER_AVG
           || kind == WEIRI_REGISTER_STDDEV || kind == WEIRI_REGISTER_VARIANCE;
}

static void
draw_emits(drawing *d, spec *s)
{
    static const weiri_register_kind kinds[] = { WEIRI_REGISTER_LAST,
        WEIRI_REGISTER_FIRST, WEIRI_REGISTER_NTH, WEIRI_REGISTER_NTH_LAST,
        WEIRI_REGISTER_COUNT, WEIRI_REGISTER_SUM, WEIRI_REGISTER_AVG, WEIRI_REGISTER_MIN,
        WEIRI_REGISTER_MAX, WEIRI_REGISTER_STDDEV, WEIRI_REGISTER_VARIANCE,
        WEIRI_REGISTER_COLLECT, WEIRI_REGISTER_START, WEIRI_REGISTER_END };
    s->n_emits                               = 1 + below(d, SPEC_EMITS);
    for (uint32_t i = 0; i < s->n_emits; i++) {
        spec_emit *e = &s->emits[i];
        e->kind      = kinds[below(d, sizeof kinds / sizeof *kinds)];
        e->step      = below(d, d->n_ids);
        e->field     = FIELD_V + below(d, is_number(e->kind) ? 3 : 4);
        e->index     = below(d, 2);
    }
}

/* A chain of steps as the executor "rings" takes it, with what it may carry: a first step
 * that repeats, a closing `not`, a bound on partial matches. */
static void
draw_chain(drawing *d, spec *s)
{
    spec_element *e          = new_element(d, WEIRI_PATTERN_SEQUENCE);
    uint32_t      n          = 1 + below(d, SPEC_ITEMS - 1);
    bool          is_absence = s->within_s >= 0 && chance(d, 30);
    for (uint32_t i = 0; i < n; i++) {
        e->items[i]             = draw_step(d, 0);
        e->items[i]->contiguity = i == 0 ? WEIRI_FIRST : WEIRI_FOLLOWED;
    }
    if (is_absence) {
        e->items[n]               = draw_step(d, 0);
        e->items[n]->contiguity   = WEIRI_FOLLOWED;
        e->items[n++]->is_negated = true;
    } else if (n <= 2 && chance(d, 50)) {
        static const uint32_t ranges[][2] = { { 1, WEIRI_UNBOUNDED }, { 2, 2 }, { 1, 2 },
            { 2, WEIRI_UNBOUNDED }, { 3, 3 }, { 2, 4 }, { 3, WEIRI_UNBOUNDED } };
        uint32_t              i           = below(d, sizeof ranges / sizeof *ranges);
        e->items[0]->min                  = ranges[i][0];
        e->items[0]->max                  = ranges[i][1];
        bool is_lazy                      = ranges[i][0] != ranges[i][1] && chance(d, 20);
        e->items[0]->preference = is_lazy ? WEIRI_PREFER_LAZY : WEIRI_PREFER_BOTH;
    }
    e->n_items     = n;
    s->root        = n == 1 && chance(d, 50) ? e->items[0] : e;
    s->skip        = chance(d, 92) ? WEIRI_SKIP_OVERLAPS : s->skip;
    s->has_timeout = chance(d, 3);
    if (s->within_s >= 0 && chance(d, 35)) { /* else later starts may not be kept (6) */
        s->max_runs = 1 + below(d, 4);
    }
}

static void
draw_silence(drawing *d, spec *s)
{
    s->silence_s        = 1 + below(d, 3);
    s->root             = draw_step(d, 0);
    s->root->is_negated = true;
    s->skip             = WEIRI_SKIP_OVERLAPS;
    s->has_timeout      = false;
    s->within_s         = -1;
}

static spec
draw(weiri_arena *arena, uint64_t *seed)
{
    drawing d     = { .arena = arena, .seed = *seed, .n_left = 5 };
    spec    s     = { .within_s = -1, .silence_s = -1, .max_matches = UINT32_MAX };
    s.max_runs    = UINT32_MAX;
    uint32_t keys = below(&d, 10);
    s.n_inputs    = chance(&d, 25) ? 2 : 1;
    s.n_keys      = keys < 6 ? 0 : keys < 8 ? 1 : 2;
    s.skip        = (weiri_skip)below(&d, 8);
    d.n_inputs    = s.n_inputs;
    if (chance(&d, 60)) {
        s.within_s = 1 + below(&d, 10);
    }
    s.has_timeout = chance(&d, 40);
    s.is_closed   = chance(&d, 50);
    s.cut         = next_random(&d.seed);
    if (chance(&d, 5)) {
        s.max_matches = 1 + below(&d, 3);
    }
    s.is_text_key = chance(&d, 30);
    if (chance(&d, 27)) {
        draw_chain(&d, &s);
    } else if (chance(&d, 36)) {
        draw_all_matches(&d, &s);
    } else if (chance(&d, 40)) {
        draw_all_ways(&d, &s);
    } else {
        s.root = draw_sequence(&d, 2);
        if (chance(&d, 4)) {
            draw_silence(&d, &s);
        }
    }
    if (s.within_s >= 0 && chance(&d, 12)) {
        s.max_runs = 1 + below(&d, 4);
    }
    s.skip_step = below(&d, d.n_ids);
    draw_emits(&d, &s);
    draw_events(&d, &s);
    *seed = d.seed;
    return s;
}

spec
spec_random(weiri_arena *arena, uint64_t seed)
{
    uint64_t state = seed;
    spec     s     = draw(arena, &state);
    while (!spec_is_valid(&s)) {
        s = draw(arena, &state);
    }
    uint64_t reload = ~seed;
    s.reload        = seed % 3 == 0 ? next_random(&reload) : 0;
    return s;
}
