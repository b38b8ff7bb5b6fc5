#include "weir_test.h"

#include "weiri/clock.h"

static void
event_before_the_clock_is_late(void **state)
{
    (void)state;
    weiri_clock clock;
    weiri_clock_init(&clock, 10);
    const int64_t times[]  = { 100, 95, 90, 89, 120, 109, 110 };
    uint8_t       late[7]  = { 0 };
    bool          in_order = true;
    assert_int_equal(weiri_clock_admit(&clock, times, 7, late, &in_order), 2);
    const uint8_t expected[] = { 0, 0, 0, 1, 0, 1, 0 };
    assert_memory_equal(late, expected, sizeof expected);
    assert_false(in_order);
    assert_int_equal(clock.now_ns, 110);
    assert_int_equal(clock.newest_ns, 120);
}

static void
without_lateness_what_is_not_late_is_in_order(void **state)
{
    (void)state;
    weiri_clock clock;
    weiri_clock_init(&clock, 0);
    const int64_t times[]  = { 5, 5, 7, 6, 7, 9 };
    uint8_t       late[6]  = { 0 };
    bool          in_order = false;
    assert_int_equal(weiri_clock_admit(&clock, times, 6, late, &in_order), 1);
    assert_int_equal(late[3], 1);
    assert_true(in_order);
}

static void
admission_does_not_depend_on_how_events_are_cut(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252u;
    for (int round = 0; round < 200; round++) {
        int64_t times[64];
        uint8_t whole_late[64];
        uint8_t cut_late[64];
        bool    in_order = true;
        for (int i = 0; i < 64; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            times[i] = i + (int64_t)(random % 12);
        }
        weiri_clock whole;
        weiri_clock cut;
        weiri_clock_init(&whole, round % 9);
        weiri_clock_init(&cut, round % 9);
        uint32_t n_whole = weiri_clock_admit(&whole, times, 64, whole_late, &in_order);
        uint32_t n_cut   = 0;
        for (uint32_t i = 0; i < 64;) {
            uint32_t n = 1 + (uint32_t)((random >> i) % 7);
            n          = i + n > 64 ? 64 - i : n;
            n_cut += weiri_clock_admit(&cut, times + i, n, cut_late + i, &in_order);
            i += n;
        }
        assert_int_equal(n_whole, n_cut);
        assert_memory_equal(whole_late, cut_late, sizeof whole_late);
        assert_int_equal(whole.now_ns, cut.now_ns);
    }
}

static void
idle_mark_makes_older_events_late_and_never_goes_back(void **state)
{
    (void)state;
    weiri_clock clock;
    weiri_clock_init(&clock, 5);
    const int64_t first    = 100;
    const int64_t second   = 110;
    uint8_t       late     = 0;
    bool          in_order = true;
    weiri_clock_admit(&clock, &first, 1, &late, &in_order);
    weiri_clock_advance(&clock, 111);
    weiri_clock_advance(&clock, 50);
    assert_int_equal(clock.now_ns, 111);
    assert_int_equal(weiri_clock_admit(&clock, &second, 1, &late, &in_order), 1);
    assert_int_equal(clock.newest_ns, 100);
}

static void
clock_at_the_edge_of_time_does_not_overflow(void **state)
{
    (void)state;
    weiri_clock clock;
    weiri_clock_init(&clock, INT64_MAX);
    const int64_t earliest = INT64_MIN + 1;
    uint8_t       late     = 0;
    bool          in_order = true;
    assert_int_equal(weiri_clock_admit(&clock, &earliest, 1, &late, &in_order), 0);
    assert_int_equal(clock.now_ns, INT64_MIN);
    assert_int_equal(clock.newest_ns, INT64_MIN + 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(event_before_the_clock_is_late),
        cmocka_unit_test(without_lateness_what_is_not_late_is_in_order),
        cmocka_unit_test(admission_does_not_depend_on_how_events_are_cut),
        cmocka_unit_test(idle_mark_makes_older_events_late_and_never_goes_back),
        cmocka_unit_test(clock_at_the_edge_of_time_does_not_overflow),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
