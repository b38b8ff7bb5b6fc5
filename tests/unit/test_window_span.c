/* Months, quarters and years of windows, against a calendar that is walked day by day. */
#include "weir_test.h"

#include "window/time.h"

#define DAY  INT64_C(86400000000000)
#define HOUR INT64_C(3600000000000)

enum { FIRST_YEAR = 1700, LAST_YEAR = 2250, MONTHS = 12 };

static bool
is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
days_in(int year, int month)
{
    static const int DAYS[MONTHS] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return month == 2 && is_leap(year) ? 29 : DAYS[month - 1];
}

/* Days from 1970-01-01 to the first of FIRST_YEAR. */
static int64_t
first_day(void)
{
    int64_t day = 0;
    for (int year = FIRST_YEAR; year < 1970; year++) {
        day -= is_leap(year) ? 366 : 365;
    }
    return day;
}

static void
check_span(const weiri_window *window, int64_t start, int64_t end)
{
    const int64_t inside[] = { start, start + 1, start + (end - start) / 2, end - 1 };
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
        int64_t got_start = 0;
        int64_t got_end   = 0;
        weiri_window_span(window, inside[i], &got_start, &got_end);
        assert_int_equal(got_start, start);
        assert_int_equal(got_end, end);
    }
}

static void
each_month_quarter_and_year_ends_where_the_next_begins(void **state)
{
    (void)state;
    static const int64_t OFFSETS[] = { 0, 6 * HOUR, -1 * HOUR, 27 * DAY };
    for (uint32_t months = 1; months <= MONTHS; months *= months == 1 ? 3 : 4) {
        for (size_t i = 0; i < sizeof OFFSETS / sizeof OFFSETS[0]; i++) {
            const weiri_window window = { .kind = WEIRI_WINDOW_TUMBLING,
                .width_ns                       = 28 * DAY * months,
                .months                         = months,
                .offset_ns                      = OFFSETS[i] };
            int64_t            day    = first_day();
            int64_t            start  = day * DAY;
            for (int month = 0; month < (LAST_YEAR - FIRST_YEAR) * MONTHS; month++) {
                day += days_in(FIRST_YEAR + month / MONTHS, month % MONTHS + 1);
                if ((month + 1) % (int)months == 0) {
                    check_span(&window, start + OFFSETS[i], day * DAY + OFFSETS[i]);
                    start = day * DAY;
                }
            }
        }
    }
}

static void
what_is_beyond_the_ends_of_time_is_held_there(void **state)
{
    (void)state;
    const weiri_window window = {
        .kind = WEIRI_WINDOW_TUMBLING, .width_ns = 336 * DAY, .months = 12
    };
    int64_t start = 0;
    int64_t end   = 0;
    weiri_window_span(&window, INT64_MAX - 1, &start, &end);
    assert_true(start < INT64_MAX && end == INT64_MAX);
    weiri_window_span(&window, INT64_MIN, &start, &end);
    assert_true(start == INT64_MIN && end > INT64_MIN);
}

static void
an_offset_moves_windows_of_a_width(void **state)
{
    (void)state;
    const weiri_window window = {
        .kind = WEIRI_WINDOW_TUMBLING, .width_ns = 7 * DAY, .offset_ns = 4 * DAY
    };
    check_span(&window, 4 * DAY, 11 * DAY);
    check_span(&window, -3 * DAY, 4 * DAY);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_month_quarter_and_year_ends_where_the_next_begins),
        cmocka_unit_test(what_is_beyond_the_ends_of_time_is_held_there),
        cmocka_unit_test(an_offset_moves_windows_of_a_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
