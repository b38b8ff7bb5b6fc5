#include "weir_test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/random.h"
#include "aggregate/distinct.h"
#include "aggregate/exact_sum.h"
#include "aggregate/moments.h"
#include "aggregate/multiset.h"
#include "aggregate/quantile.h"
#include "aggregate/sorted.h"
#include "aggregate/tally.h"
#include "weiri/window.h"

static double
sum_of(const weiri_exact_sum *sum)
{
    int    exponent = 0;
    double value    = weiri_exact_sum_value(sum, &exponent);
    return ldexp(value, exponent);
}

static void
what_is_added_and_taken_away_leaves_nothing(void **state)
{
    static const double HARD[] = { 1e300, 1.0, -1e300, 0x1p-1074, 0.1, -1e16, 3.5e-20,
        1e16, 0x1.fffffffffffffp1023, -0x1.fffffffffffffp1023 };
    weiri_exact_sum     sum    = { 0 };
    (void)state;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof HARD / sizeof HARD[0]; i++) {
            assert_true(weiri_exact_sum_add(&sum, HARD[i], 1));
        }
    }
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof HARD / sizeof HARD[0]; i++) {
            if (HARD[i] != 0.1) {
                assert_true(weiri_exact_sum_add(&sum, HARD[i], -1));
            }
        }
    }
    assert_true(sum_of(&sum) == 0.1 * 3.0); /* rounded once, as the product is */
    weiri_exact_sum_fini(&sum);
}

static void
a_sum_is_that_of_the_exact_values(void **state)
{
    (void)state;
    weiri_exact_sum sum = { 0 };
    assert_true(weiri_exact_sum_add(&sum, 1e16, 1));
    assert_true(weiri_exact_sum_add(&sum, 1.0, 1));
    assert_true(weiri_exact_sum_add(&sum, 1.0, 1));
    assert_true(sum_of(&sum) == 1e16 + 2.0);
    assert_true(weiri_exact_sum_add(&sum, -1e16, 1));
    assert_true(sum_of(&sum) == 2.0);
    assert_true(weiri_exact_sum_add(&sum, -0x1p-1074, 1));
    assert_true(weiri_exact_sum_add(&sum, -2.0, 1));
    assert_true(sum_of(&sum) == -0x1p-1074);
    weiri_exact_sum_fini(&sum);
}

static void
a_variance_far_from_zero_is_right_to_ten_digits(void **state)
{
    (void)state;
    weiri_moments left  = { 0 };
    weiri_moments right = { 0 };
    for (int i = 0; i < 1000; i++) {
        weiri_moments_add(i < 300 ? &left : &right, weiri_double2_of(1e12 + i % 10));
    }
    weiri_moments_merge(&left, &right);
    assert_true(fabs(weiri_moments_variance(&left) - 8.25) < 1e-10);
}

static void
a_thousand_values_have_exact_quantiles(void **state)
{
    (void)state;
    weiri_quantile *sketch  = weiri_quantile_new();
    int64_t         low     = 0;
    int64_t         high    = 0;
    double          between = 0.0;
    for (int64_t i = 0; i < 1001; i++) {
        assert_true(
            weiri_quantile_add(sketch, i * 379 % 1001)); /* each of 0 … 1000 once */
    }
    assert_true(weiri_quantile_find(sketch, 0.9905, &low, &high, &between));
    assert_int_equal(low, 990);
    assert_int_equal(high, 991);
    assert_true(fabs(between - 0.5) < 1e-9);
    weiri_quantile_destroy(&sketch);
}

/* The worst error of a rank, as a share of n, of a sketch of 0 … n - 1. */
static double
worst_rank(weiri_quantile *sketch, int64_t n)
{
    double worst = 0.0;
    for (int i = 0; i <= 1000; i++) {
        int64_t low     = 0;
        int64_t high    = 0;
        double  between = 0.0;
        assert_true(weiri_quantile_find(sketch, i / 1000.0, &low, &high, &between));
        double error = fabs((double)low - i / 1000.0 * (double)(n - 1)) / (double)n;
        worst        = error > worst ? error : worst;
    }
    return worst;
}

static void
ranks_of_a_sketch_are_within_one_percent(void **state)
{
    (void)state;
    for (int64_t n = 70000; n <= 2100000; n *= 5) {
        for (int shape = 0; shape < 3; shape++) {
            weiri_quantile *sketch = weiri_quantile_new();
            for (int64_t i = 0; i < n; i++) {
                int64_t value = shape == 0 ? i : shape == 1 ? n - 1 - i : i * 7919 % n;
                assert_true(weiri_quantile_add(sketch, value));
            }
            assert_true(worst_rank(sketch, n) < 0.01);
            weiri_quantile_destroy(&sketch);
        }
    }
}

static void
merged_sketches_are_within_one_percent(void **state)
{
    enum { PARTS = 60, EACH = 5000 };
    (void)state;
    weiri_quantile *all = weiri_quantile_new();
    for (int64_t part = 0; part < PARTS; part++) {
        weiri_quantile *sketch = weiri_quantile_new();
        for (int64_t i = 0; i < EACH; i++) {
            assert_true(weiri_quantile_add(sketch, i * PARTS + part));
        }
        assert_true(weiri_quantile_merge(all, sketch));
        weiri_quantile_destroy(&sketch);
    }
    assert_true(worst_rank(all, (int64_t)PARTS * EACH) < 0.01);
    weiri_quantile_destroy(&all);
}

static void
distinct_is_exact_to_its_bound_and_then_near(void **state)
{
    (void)state;
    weiri_distinct *values = weiri_distinct_new(WEIR_INT);
    int64_t         n      = 0;
    double          worst  = 0.0;
    for (; n < 1000000; n++) {
        assert_true(weiri_distinct_add(values, (weiri_cell){ .i = n * 7 }));
        assert_true(weiri_distinct_add(values, (weiri_cell){ .i = n * 7 }));
        if (n + 1 <= WEIRI_DISTINCT_EXACT) {
            assert_int_equal(weiri_distinct_count(values), n + 1);
        } else if (n % 997 == 0) {
            double off = fabs((double)(weiri_distinct_count(values) - n - 1)) / (double)n;
            worst      = off > worst ? off : worst;
        }
    }
    assert_true(worst < 0.05); /* three standard errors */
    weiri_distinct_destroy(&values);
}

static void
merged_distinct_counts_are_those_of_all(void **state)
{
    (void)state;
    weiri_distinct *a   = weiri_distinct_new(WEIR_INT);
    weiri_distinct *b   = weiri_distinct_new(WEIR_INT);
    weiri_distinct *all = weiri_distinct_new(WEIR_INT);
    for (int64_t i = 0; i < 40000; i++) {
        assert_true(weiri_distinct_add(i % 50 == 0 ? a : b, (weiri_cell){ .i = i }));
        assert_true(weiri_distinct_add(all, (weiri_cell){ .i = i }));
    }
    assert_true(weiri_distinct_merge(a, b)); /* exact with estimated */
    assert_int_equal(weiri_distinct_count(a), weiri_distinct_count(all));
    weiri_distinct_destroy(&a);
    weiri_distinct_destroy(&b);
    weiri_distinct_destroy(&all);
}

static void
a_multiset_counts_what_is_in_it(void **state)
{
    enum { RANGE = 300 };
    (void)state;
    uint64_t       seed          = 4711;
    uint64_t       counts[RANGE] = { 0 };
    size_t         n             = 0;
    weiri_multiset set;
    weiri_multiset_init(&set, WEIR_INT);
    for (int i = 0; i < 100000; i++) {
        int64_t value = (int64_t)(next_random(&seed) % RANGE);
        if (next_random(&seed) % 2 == 0) {
            assert_true(weiri_multiset_add(&set, (weiri_cell){ .i = value }, 1));
            n += counts[value]++ == 0;
        } else if (counts[value] > 0) {
            weiri_multiset_remove(&set, (weiri_cell){ .i = value });
            n -= --counts[value] == 0;
        }
        assert_int_equal(set.n, n);
    }
    const weiri_multiset_slot *top[RANGE];
    assert_int_equal(weiri_multiset_top(&set, top, RANGE), n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(top[i]->count, counts[top[i]->cell.i]);
    }
    weiri_multiset_fini(&set);
}

static void
sorted_values_come_in_order_while_others_leave(void **state)
{
    enum { RANGE = 5000 };
    (void)state;
    uint64_t      seed          = 99;
    uint32_t      counts[RANGE] = { 0 };
    weiri_sorted *sorted        = weiri_sorted_new();
    for (int i = 0; i < 60000; i++) {
        int64_t value = (int64_t)(next_random(&seed) % RANGE);
        if (i < 20000 || next_random(&seed) % 2 == 0) {
            assert_true(weiri_sorted_add(sorted, value));
            counts[value]++;
        } else if (counts[value] > 0) {
            weiri_sorted_remove(sorted, value);
            counts[value]--;
        }
    }
    size_t place = 0;
    for (int64_t value = 0; value < RANGE; value++) {
        for (uint32_t i = 0; i < counts[value]; i++) {
            assert_int_equal(weiri_sorted_at(sorted, place++), value);
        }
    }
    assert_int_equal(place, weiri_sorted_size(sorted));
    weiri_sorted_destroy(&sorted);
}

static void
aggregates_take_what_fits_and_say_what_does_not(void **state)
{
    static const weir_field  FIELD  = { .name = "s", .type = WEIR_STRING };
    static const weir_schema SCHEMA = { "in", &FIELD, 1, -1 };
    (void)state;
    weiri_arena         *arena = weiri_arena_new();
    weir_error           err   = { 0 };
    weiri_aggregate_kind kind  = WEIRI_AGGREGATE_KEY;
    assert_true(weiri_aggregate_find("avg", &kind));
    assert_int_equal(kind, WEIRI_AGGREGATE_AVG);
    assert_false(weiri_aggregate_find("", &kind));
    assert_false(weiri_aggregate_find("mean", &kind));
    weiri_aggregate avg = { .kind = WEIRI_AGGREGATE_AVG };
    avg.argument        = weiri_expr_field(arena, &SCHEMA, 0);
    assert_int_equal(weiri_aggregate_resolve(&avg, &err), WEIR_EINVAL);
    assert_string_equal(
        err.text, "'avg' takes an int, a float or a duration, not a string");
    weiri_aggregate top = { .kind = WEIRI_AGGREGATE_TOP, .argument = avg.argument };
    assert_int_equal(weiri_aggregate_resolve(&top, &err), WEIR_EINVAL); /* k = 0 */
    top.k = 3;
    assert_ok(weiri_aggregate_resolve(&top, &err));
    assert_int_equal(top.type, WEIR_LIST);
    assert_int_equal(top.element, WEIR_STRING);
    weiri_arena_destroy(&arena);
}

/* ---- bytes ---- */

enum { TALLY_BYTES = 256, SAMPLES = 9000 };

typedef union tally {
    char     bytes[TALLY_BYTES];
    uint64_t words[TALLY_BYTES / sizeof(uint64_t)];
} tally;

static weiri_sample
sample_of(weir_type type, uint64_t *seed, weir_value *text, char *room)
{
    weiri_sample sample = { .time_ns = (int64_t)(next_random(seed) >> 20) };
    uint64_t     drawn  = next_random(seed) >> 40;
    sample.x.i          = (int64_t)(drawn % 5000) - 99;
    if (type == WEIR_FLOAT) {
        sample.x.f = ldexp((double)drawn - 9e6, (int)(drawn % 1900) - 950);
    } else if (type == WEIR_STRING) {
        int size   = sprintf(room, "%llu", (unsigned long long)(drawn % 3000));
        *text      = (weir_value){ .type = WEIR_STRING, .size = (uint32_t)size };
        text->as.s = room;
        sample.x.s = text;
    }
    sample.y = (weiri_cell){ .i = (int64_t)(drawn % 77) };
    return sample;
}

static weiri_pack
bytes_of(const weiri_aggregate *plan, const tally *it)
{
    weiri_pack out = { .size = 0 };
    assert_true(weiri_tally_save(plan, it, &out));
    return out;
}

static void
assert_same_bytes(const weiri_aggregate *plan, const tally *a, const tally *b)
{
    weiri_pack x = bytes_of(plan, a);
    weiri_pack y = bytes_of(plan, b);
    if (x.size != y.size || (x.size > 0 && memcmp(x.bytes, y.bytes, x.size) != 0)) {
        fail_msg("aggregate kind %d differs after it was read", plan->kind);
    }
    weiri_pack_fini(&x);
    weiri_pack_fini(&y);
}

/* Add to one tally, and to one that is written and read now and then. */
static void
compare_with_reload(weiri_aggregate_kind kind, weir_type type)
{
    weiri_expr      x    = { .kind = WEIRI_EXPR_FIELD, .type = type };
    weiri_expr      y    = { .kind = WEIRI_EXPR_FIELD, .type = WEIR_INT };
    weiri_aggregate plan = { .kind = kind, .argument = &x, .second = &y, .k = 3 };
    weir_error      err  = { 0 };
    plan.width_ns        = INT64_C(5000000000);
    if (weiri_aggregate_resolve(&plan, &err) != WEIR_OK) {
        return;
    }
    assert_true(weiri_tally_size(&plan) <= TALLY_BYTES);
    tally    plain = { .words = { 0 } };
    tally    other = { .words = { 0 } };
    uint64_t seed  = 41 + (uint64_t)kind;
    for (int i = 0; i < SAMPLES; i++) {
        char         room[32];
        weir_value   text   = { 0 };
        weiri_sample sample = sample_of(type, &seed, &text, room);
        assert_true(weiri_tally_add(&plan, &plain, &sample));
        assert_true(weiri_tally_add(&plan, &other, &sample));
        if (i % 1000 == 7) {
            weiri_pack   saved = bytes_of(&plan, &other);
            weiri_unpack in    = { .at = saved.bytes, .end = saved.bytes + saved.size };
            weiri_tally_clear(&plan, &other);
            assert_true(weiri_tally_load(&plan, &other, &in));
            assert_ptr_equal(in.at, in.end);
            weiri_pack_fini(&saved);
            assert_same_bytes(&plan, &plain, &other);
        }
    }
    assert_same_bytes(&plan, &plain, &other);
    weiri_tally_clear(&plan, &plain);
    weiri_tally_clear(&plan, &other);
}

static void
every_tally_is_read_as_it_was_written_sketches_too(void **state)
{
    static const weir_type TYPES[] = { WEIR_INT, WEIR_FLOAT, WEIR_STRING, WEIR_DURATION };
    (void)state;
    for (int kind = WEIRI_AGGREGATE_COUNT; kind <= WEIRI_AGGREGATE_CORRELATION; kind++) {
        for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
            compare_with_reload((weiri_aggregate_kind)kind, TYPES[i]);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_and_taken_away_leaves_nothing),
        cmocka_unit_test(a_sum_is_that_of_the_exact_values),
        cmocka_unit_test(a_variance_far_from_zero_is_right_to_ten_digits),
        cmocka_unit_test(a_thousand_values_have_exact_quantiles),
        cmocka_unit_test(ranks_of_a_sketch_are_within_one_percent),
        cmocka_unit_test(merged_sketches_are_within_one_percent),
        cmocka_unit_test(distinct_is_exact_to_its_bound_and_then_near),
        cmocka_unit_test(merged_distinct_counts_are_those_of_all),
        cmocka_unit_test(a_multiset_counts_what_is_in_it),
        cmocka_unit_test(sorted_values_come_in_order_while_others_leave),
        cmocka_unit_test(aggregates_take_what_fits_and_say_what_does_not),
        cmocka_unit_test(every_tally_is_read_as_it_was_written_sketches_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
