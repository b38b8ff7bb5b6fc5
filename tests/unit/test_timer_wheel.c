#include "weir_test.h"

#include <stdlib.h>

#include "../support/random.h"
#include "weiri/timer_wheel.h"

static int64_t
draw(uint64_t *seed, uint64_t below)
{
    return (int64_t)(next_random(seed) % below);
}

/* ---- a naive wheel: a list in the order of setting ---- */

enum { MAX = 4096 };

struct naive {
    int64_t  deadline_ns[MAX];
    uint64_t id[MAX]; /* 0: gone */
    uint32_t n;
};

static int64_t
naive_next(const struct naive *self, int64_t limit)
{
    int64_t best = -1;
    for (uint32_t i = 0; i < self->n; i++) {
        if (self->id[i] != 0 && self->deadline_ns[i] < limit
            && (best < 0 || self->deadline_ns[i] < self->deadline_ns[best])) {
            best = i;
        }
    }
    return best;
}

static void
set(weiri_timer_wheel *wheel, struct naive *naive, int64_t deadline_ns)
{
    const weiri_timer timer      = { .deadline_ns = deadline_ns, .tag = naive->n };
    naive->deadline_ns[naive->n] = deadline_ns;
    assert_ok(weiri_timer_wheel_set(wheel, &timer, &naive->id[naive->n]));
    naive->n++;
}

/* Near, far, and many at the same time. */
static int64_t
some_deadline(uint64_t *seed, int64_t now)
{
    switch (draw(seed, 4)) {
    case 0: return now + draw(seed, 100) - 20;
    case 1: return now + draw(seed, UINT64_C(1) << draw(seed, 50));
    case 2: return (now / 1000 + draw(seed, 5)) * 1000;
    default: return draw(seed, 2) == 0 ? INT64_MAX - draw(seed, 3) : now;
    }
}

static void
expect_next(weiri_timer_wheel *wheel, struct naive *naive, int64_t limit, uint64_t seed)
{
    const weiri_timer *timer = weiri_timer_wheel_peek(wheel);
    int64_t            best  = naive_next(naive, limit);
    if (timer == NULL || best < 0) {
        if (timer != NULL || best >= 0) {
            fail_msg("seed %llu: one of both has a timer", (unsigned long long)seed);
        }
        return;
    }
    if (timer->tag != (uint64_t)best) {
        fail_msg("seed %llu: timer %llu, not %lld", (unsigned long long)seed,
            (unsigned long long)timer->tag, (long long)best);
    }
    naive->id[best] = 0;
    weiri_timer_wheel_pop(wheel);
}

static void
run(uint64_t seed)
{
    weiri_timer_wheel *wheel  = NULL;
    uint64_t           random = seed * 2654435761U + 1;
    struct naive      *naive  = calloc(1, sizeof *naive);
    int64_t            now    = draw(&random, 2) == 0 ? -1000000 : 1700000000000000000;
    assert_non_null(naive);
    assert_ok(weiri_timer_wheel_new(MAX, &wheel));
    weiri_timer_wheel_advance(wheel, now);
    for (uint32_t i = 0; i < 3000 && naive->n < MAX; i++) {
        int64_t choice = draw(&random, 10);
        if (choice < 4) {
            set(wheel, naive, some_deadline(&random, now));
        } else if (choice < 5 && naive->n > 0) {
            uint32_t which = (uint32_t)draw(&random, naive->n);
            assert_int_equal(
                weiri_timer_wheel_cancel(wheel, naive->id[which]), naive->id[which] != 0);
            naive->id[which] = 0;
        } else if (choice < 6) {
            now += draw(&random, UINT64_C(1) << draw(&random, 40));
            weiri_timer_wheel_advance(wheel, now);
        } else {
            expect_next(wheel, naive, now, seed);
        }
    }
    weiri_timer_wheel_advance(wheel, INT64_MAX);
    while (naive_next(naive, INT64_MAX) >= 0) {
        expect_next(wheel, naive, INT64_MAX, seed);
    }
    assert_null(weiri_timer_wheel_peek(wheel));
    weiri_timer_wheel_destroy(&wheel);
    free(naive);
}

static void
timers_fire_in_the_order_of_deadline_and_setting(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        run(seed);
    }
}

static void
a_deadline_is_due_once_time_has_passed_it(void **state)
{
    weiri_timer_wheel *wheel = NULL;
    const weiri_timer  timer = { .deadline_ns = 100 };
    (void)state;
    assert_ok(weiri_timer_wheel_new(1, &wheel));
    assert_ok(weiri_timer_wheel_set(wheel, &timer, NULL));
    weiri_timer_wheel_advance(wheel, 100);
    assert_null(weiri_timer_wheel_peek(wheel));
    weiri_timer_wheel_advance(wheel, 101);
    assert_non_null(weiri_timer_wheel_peek(wheel));
    weiri_timer_wheel_destroy(&wheel);
}

static void
a_wheel_that_is_full_refuses_and_one_that_fired_makes_room(void **state)
{
    weiri_timer_wheel *wheel = NULL;
    const weiri_timer  timer = { .deadline_ns = 1 };
    (void)state;
    assert_ok(weiri_timer_wheel_new(1, &wheel));
    assert_ok(weiri_timer_wheel_set(wheel, &timer, NULL));
    assert_int_equal(weiri_timer_wheel_set(wheel, &timer, NULL), WEIR_EFULL);
    weiri_timer_wheel_advance(wheel, 5);
    weiri_timer_wheel_pop(wheel);
    assert_ok(weiri_timer_wheel_set(wheel, &timer, NULL));
    weiri_timer_wheel_destroy(&wheel);
}

static void
a_timer_that_fired_cannot_be_cancelled_nor_the_one_in_its_place(void **state)
{
    weiri_timer_wheel *wheel = NULL;
    uint64_t           first = 0;
    uint64_t           other = 0;
    const weiri_timer  timer = { .deadline_ns = 1 };
    (void)state;
    assert_ok(weiri_timer_wheel_new(8, &wheel));
    assert_ok(weiri_timer_wheel_set(wheel, &timer, &first));
    weiri_timer_wheel_advance(wheel, 5);
    weiri_timer_wheel_pop(wheel);
    assert_ok(weiri_timer_wheel_set(wheel, &timer, &other));
    assert_false(weiri_timer_wheel_cancel(wheel, first));
    assert_true(weiri_timer_wheel_cancel(wheel, other));
    assert_false(weiri_timer_wheel_cancel(wheel, other));
    weiri_timer_wheel_destroy(&wheel);
}

/* Half are set when the deadline is far, half when it is near. */
static void
many_timers_of_one_deadline_fire_in_the_order_of_setting(void **state)
{
    enum { N = 200000 };
    weiri_timer_wheel *wheel = NULL;
    (void)state;
    assert_ok(weiri_timer_wheel_new(N, &wheel));
    weiri_timer_wheel_advance(wheel, 0);
    for (uint64_t i = 0; i < N; i++) {
        const weiri_timer timer = { .deadline_ns = 1000000000, .tag = i };
        assert_ok(weiri_timer_wheel_set(wheel, &timer, NULL));
        if (i == N / 2) {
            weiri_timer_wheel_advance(wheel, 999999999);
            assert_null(weiri_timer_wheel_peek(wheel));
        }
    }
    weiri_timer_wheel_advance(wheel, 1000000001);
    for (uint64_t i = 0; i < N; i++) {
        const weiri_timer *timer = weiri_timer_wheel_peek(wheel);
        assert_non_null(timer);
        assert_int_equal(timer->tag, i);
        weiri_timer_wheel_pop(wheel);
    }
    weiri_timer_wheel_destroy(&wheel);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_the_order_of_deadline_and_setting),
        cmocka_unit_test(a_deadline_is_due_once_time_has_passed_it),
        cmocka_unit_test(a_wheel_that_is_full_refuses_and_one_that_fired_makes_room),
        cmocka_unit_test(a_timer_that_fired_cannot_be_cancelled_nor_the_one_in_its_place),
        cmocka_unit_test(many_timers_of_one_deadline_fire_in_the_order_of_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
