/* An aggregate of a plugin over a window that slides: in each of its forms it gives what
 * adding the window's rows one by one would, and in the form that merges at a bounded
 * cost. The aggregate is a hash of its values in order, so that a value that is missing,
 * comes twice, or in another place is seen. */
#include "weir_test.h"

#include <stdlib.h>
#include <string.h>

#include "../support/random.h"
#include "aggregate/slide.h"
#include "weiri/expr.h"

enum { STRIDE = WEIRI_ROW_CELLS + 1, CAPACITY = 1 << 12, UNLUCKY = 13 };

static const uint64_t FACTOR = UINT64_C(0x9e3779b97f4a7c15);

typedef struct folded {
    uint64_t hash;
    uint64_t power; /* FACTOR to the number of values */
} folded;

static uint64_t n_adds;
static uint64_t n_merges;
static int64_t  n_states;

static bool
fold_new(weir_plugin_call *call, const weir_plugin_setup *setup, void **out)
{
    folded *self = calloc(1, sizeof *self);
    (void)call;
    (void)setup;
    assert_non_null(self);
    self->power = 1;
    *out        = self;
    n_states++;
    return true;
}

static void
fold_free(void *state)
{
    n_states--;
    free(state);
}

static bool
fold_add(weir_plugin_call *call, void *state, int64_t time_ns, const weir_value *values)
{
    folded *self = state;
    (void)call;
    n_adds++;
    self->hash = self->hash * FACTOR + (uint64_t)values[0].as.i + 7 * (uint64_t)time_ns;
    self->power *= FACTOR;
    return values[0].as.i != UNLUCKY;
}

static bool
fold_merge(weir_plugin_call *call, void *state, const void *later)
{
    folded       *self  = state;
    const folded *other = later;
    (void)call;
    n_merges++;
    self->hash = self->hash * other->power + other->hash;
    self->power *= other->power;
    return true;
}

/* The oldest value has the highest power. */
static bool
fold_remove(
    weir_plugin_call *call, void *state, int64_t time_ns, const weir_value *values)
{
    enum { BITS = 64 };
    folded  *self    = state;
    uint64_t inverse = 1; /* of FACTOR, by Newton */
    (void)call;
    for (int i = 0; i < BITS; i++) {
        inverse *= 2 - FACTOR * inverse;
    }
    self->power *= inverse;
    self->hash -= ((uint64_t)values[0].as.i + 7 * (uint64_t)time_ns) * self->power;
    return true;
}

static bool
fold_finish(weir_plugin_call *call, const void *state, weir_value *out)
{
    (void)call;
    *out = weir_plugin_int(WEIR_INT, (int64_t)((const folded *)state)->hash);
    return true;
}

static bool
fold_save(weir_plugin_call *call, const void *state)
{
    call->host->write(call, state, sizeof(folded));
    return true;
}

static bool
fold_load(weir_plugin_call *call, const weir_plugin_setup *setup, const void *bytes,
    size_t size, void **out)
{
    assert_int_equal(size, sizeof(folded));
    assert_true(fold_new(call, setup, out));
    memcpy(*out, bytes, size);
    return true;
}

static const weir_plugin_field INPUTS[] = { { .name = "x", .type = WEIR_INT } };

static weir_plugin_aggregate
table_of(bool can_remove, bool can_merge)
{
    return (weir_plugin_aggregate){ .size = sizeof(weir_plugin_aggregate),
        .name                             = "fold",
        .inputs                           = INPUTS,
        .n_inputs                         = 1,
        .result                           = WEIR_INT,
        .state_new                        = fold_new,
        .state_free                       = fold_free,
        .add                              = fold_add,
        .remove                           = can_remove ? fold_remove : NULL,
        .merge                            = can_merge ? fold_merge : NULL,
        .finish                           = fold_finish,
        .state_save                       = fold_save,
        .state_load                       = fold_load };
}

/* A window, and the aggregate over it. */
typedef struct sliding {
    weir_plugin_aggregate table;
    weiri_foreign         foreign;
    weiri_expr            argument;
    weiri_aggregate       plan;
    weiri_slide_spec      spec;
    weiri_ring            ring;
    uint64_t              words[CAPACITY * STRIDE];
    void                 *state;
    weiri_results         results;
} sliding;

static sliding *
sliding_new(bool can_remove, bool can_merge)
{
    sliding *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->table    = table_of(can_remove, can_merge);
    self->foreign  = (weiri_foreign){ .name = "fold", .table = &self->table };
    self->argument = (weiri_expr){ .kind = WEIRI_EXPR_FIELD, .type = WEIR_INT };
    self->plan     = (weiri_aggregate){ .kind = WEIRI_AGGREGATE_PLUGIN,
            .argument                         = &self->argument,
            .foreign                          = &self->foreign,
            .type                             = WEIR_INT };
    self->spec     = (weiri_slide_spec){ .plan = &self->plan,
            .type                              = WEIR_INT,
            .x                                 = WEIRI_ROW_CELLS,
            .y                                 = WEIRI_ROW_CELLS,
            .stride                            = STRIDE };
    self->ring     = (weiri_ring){ .words = self->words, .capacity = CAPACITY };
    self->state    = calloc(1, weiri_slide_size(&self->plan));
    assert_non_null(self->state);
    return self;
}

static void
sliding_destroy(sliding *self)
{
    weiri_slide_clear(&self->spec, self->state);
    assert_int_equal(n_states, 0);
    free(self->state);
    free(self);
}

static void
push(sliding *self, uint64_t *seed, bool may_fail)
{
    uint64_t  number     = self->ring.tail++;
    uint64_t *row        = weiri_ring_row(&self->ring, STRIDE, number);
    row[WEIRI_ROW_TIME]  = number;
    row[WEIRI_ROW_MASK]  = next_random(seed) % 4 > 0;
    row[WEIRI_ROW_CELLS] = next_random(seed) % 1000 + UNLUCKY + 1;
    if (may_fail && next_random(seed) % 200 == 0) {
        row[WEIRI_ROW_CELLS] = UNLUCKY;
    }
    if (row[WEIRI_ROW_MASK] != 0) {
        assert_true(weiri_slide_add(&self->spec, self->state, &self->ring, number));
    }
}

static void
evict(sliding *self)
{
    if (weiri_ring_row(&self->ring, STRIDE, self->ring.head)[WEIRI_ROW_MASK] != 0) {
        assert_true(weiri_slide_evict(&self->spec, self->state, &self->ring));
    }
    self->ring.head++;
}

/* What adding all rows would give. Null: there is none, or one fails. */
static weir_value
expected(const sliding *self)
{
    uint64_t hash  = 0;
    uint64_t n     = 0;
    bool     fails = false;
    for (uint64_t i = self->ring.head; i < self->ring.tail; i++) {
        const uint64_t *row = weiri_ring_row(&self->ring, STRIDE, i);
        if (row[WEIRI_ROW_MASK] != 0) {
            hash  = hash * FACTOR + row[WEIRI_ROW_CELLS] + 7 * row[WEIRI_ROW_TIME];
            fails = fails || row[WEIRI_ROW_CELLS] == UNLUCKY;
            n++;
        }
    }
    return n > 0 && !fails ? weir_plugin_int(WEIR_INT, (int64_t)hash)
                           : weir_plugin_null(WEIR_INT);
}

static void
check(sliding *self)
{
    weir_value want = expected(self);
    weir_value got;
    assert_true(
        weiri_slide_value(&self->spec, self->state, &self->ring, &self->results, &got));
    assert_int_equal(got.is_null, want.is_null);
    if (!want.is_null) {
        assert_int_equal(got.as.i, want.as.i);
    }
}

/* Saved, forgotten, and made again: the rows are there first. */
static void
reload(sliding *self)
{
    weiri_pack out = { 0 };
    assert_true(weiri_slide_save(&self->spec, self->state, &self->ring, &out));
    weiri_slide_clear(&self->spec, self->state);
    for (uint64_t i = self->ring.head; i < self->ring.tail; i++) {
        if (weiri_ring_row(&self->ring, STRIDE, i)[WEIRI_ROW_MASK] != 0) {
            assert_true(weiri_slide_add(&self->spec, self->state, &self->ring, i));
        }
    }
    weiri_unpack in = { .at = out.bytes, .end = out.bytes + out.size };
    assert_true(weiri_slide_load(&self->spec, self->state, &self->ring, &in));
    assert_ptr_equal(in.at, in.end);
    weiri_pack again = { 0 };
    assert_true(weiri_slide_save(&self->spec, self->state, &self->ring, &again));
    assert_int_equal(again.size, out.size);
    assert_memory_equal(again.bytes, out.bytes, out.size);
    weiri_pack_fini(&again);
    weiri_pack_fini(&out);
}

/* Rows come and leave at random around a size that changes, and states are reloaded. */
static void
slide_at_random(sliding *self, uint64_t seed, bool may_fail)
{
    enum { STEPS = 1500 };
    for (int i = 0; i < STEPS; i++) {
        uint64_t n    = self->ring.tail - self->ring.head;
        uint64_t room = 1 + (seed % 7) * (seed % 7) * 8;
        if (n < room || next_random(&seed) % 3 == 0) {
            push(self, &seed, may_fail);
        }
        while (self->ring.tail - self->ring.head > room
               || (self->ring.head < self->ring.tail && next_random(&seed) % 5 == 0)) {
            evict(self);
        }
        if (next_random(&seed) % 50 == 0) {
            reload(self);
        }
        check(self);
    }
}

static void
each_form_gives_what_adding_the_rows_would(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        for (int form = 0; form < 4; form++) {
            bool     can_remove = (form & 1) != 0;
            sliding *self       = sliding_new(can_remove, (form & 2) != 0);
            slide_at_random(self, seed * 977, false);
            sliding_destroy(self);
        }
    }
}

static void
a_value_that_fails_does_so_as_long_as_it_is_in_the_window(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        for (int form = 0; form < 2; form++) {
            sliding *self = sliding_new(false, form == 1);
            slide_at_random(self, seed * 1009, true);
            assert_true(self->results.faults > 0);
            sliding_destroy(self);
        }
    }
}

/* Where it is saved does not show later: the states begin at the same rows again. */
static void
a_reload_is_not_seen_in_what_is_merged(void **state)
{
    enum { ROWS = 900 };
    uint64_t n[2];
    (void)state;
    for (int reloads = 0; reloads < 2; reloads++) {
        uint64_t seed = 5;
        sliding *self = sliding_new(false, true);
        for (int i = 0; i < ROWS; i++) {
            push(self, &seed, false);
        }
        for (int i = 0; i < ROWS / 3; i++) {
            evict(self);
        }
        if (reloads == 1) {
            reload(self);
        }
        n_adds = 0;
        for (int i = 0; i < ROWS; i++) {
            push(self, &seed, false);
            evict(self);
            check(self);
        }
        n[reloads] = n_adds;
        sliding_destroy(self);
    }
    assert_int_equal(n[0], n[1]);
}

static void
a_result_costs_the_root_of_the_rows_where_it_merges(void **state)
{
    enum { ROWS = 2500, ROOT = 50, EVENTS = 5000 };
    (void)state;
    uint64_t seed = 3;
    sliding *self = sliding_new(false, true);
    for (int i = 0; i < ROWS; i++) {
        push(self, &seed, false);
    }
    n_adds              = 0;
    n_merges            = 0;
    int64_t most_states = 0;
    for (int i = 0; i < EVENTS; i++) {
        weir_value got;
        push(self, &seed, false);
        evict(self);
        assert_true(weiri_slide_value(
            &self->spec, self->state, &self->ring, &self->results, &got));
        most_states = n_states > most_states ? n_states : most_states;
    }
    assert_in_range(n_adds, 0, EVENTS * (ROOT + 3));
    assert_in_range(n_merges, 0, EVENTS * 3);
    assert_in_range(most_states, 1, ROOT + 3);
    check(self);
    sliding_destroy(self);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_gives_what_adding_the_rows_would),
        cmocka_unit_test(a_value_that_fails_does_so_as_long_as_it_is_in_the_window),
        cmocka_unit_test(a_reload_is_not_seen_in_what_is_merged),
        cmocka_unit_test(a_result_costs_the_root_of_the_rows_where_it_merges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
