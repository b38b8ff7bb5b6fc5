/* Deadlines that were saved come in the order of keys, and are put back into their own.
 */
#include "weir_test.h"

#include "../support/random.h"
#include "match/timers.h"

enum { MANY = 5000, WITHIN = 600 };

static void
add(weiri_timers *timers, int64_t deadline_ns, uint64_t start, uint32_t partition)
{
    if (weiri_timers_is_full(timers)) {
        assert_true(weiri_timers_grow(timers));
    }
    weiri_timers_append(
        timers, (weiri_timer){
                    .deadline_ns = deadline_ns, .start = start, .partition = partition });
}

/* They are taken by deadline, then by first event, then by partition. */
static void
expect_in_order(weiri_timers *timers, uint32_t n)
{
    weiri_timer before = { .deadline_ns = INT64_MIN };
    weiri_timers_sort(timers);
    for (; n > 0; n--) {
        assert_non_null(weiri_timers_first(timers));
        weiri_timer next = weiri_timers_pop(timers);
        assert_true(before.deadline_ns <= next.deadline_ns);
        if (before.deadline_ns == next.deadline_ns) {
            assert_true(before.start <= next.start);
            assert_true(before.start != next.start || before.partition <= next.partition);
        }
        before = next;
    }
    assert_null(weiri_timers_first(timers));
    weiri_timers_fini(timers);
}

static void
deadlines_in_the_order_of_events_are_put_in_order(void **state)
{
    (void)state;
    for (uint32_t bits = 1; bits < 64; bits += 6) {
        weiri_timers timers = { 0 };
        uint64_t     seed   = bits;
        for (uint32_t i = 0; i < MANY; i++) {
            uint64_t start = next_random(&seed) >> (64 - bits);
            add(&timers, (int64_t)(start / 4) + WITHIN, start, i);
        }
        expect_in_order(&timers, MANY);
    }
}

static void
deadlines_against_the_order_of_events_are_put_in_order(void **state)
{
    (void)state;
    weiri_timers timers = { 0 };
    uint64_t     seed   = 7;
    for (uint32_t i = 0; i < MANY; i++) {
        uint64_t start = next_random(&seed) % MANY;
        add(&timers, (int64_t)(next_random(&seed) % WITHIN), start, MANY - i);
    }
    expect_in_order(&timers, MANY);
}

static void
a_few_deadlines_are_put_in_order(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 5; n++) {
        weiri_timers timers = { 0 };
        for (uint32_t i = 0; i < n; i++) {
            add(&timers, WITHIN, 1, n - i);
        }
        expect_in_order(&timers, n);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deadlines_in_the_order_of_events_are_put_in_order),
        cmocka_unit_test(deadlines_against_the_order_of_events_are_put_in_order),
        cmocka_unit_test(a_few_deadlines_are_put_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
