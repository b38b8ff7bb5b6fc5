#define _DEFAULT_SOURCE /* timegm */

#include "weir_test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../support/random.h"
#include "weiri/timetext.h"

static int64_t
parsed(const char *text)
{
    int64_t ns = INT64_C(-12345);
    if (!weiri_time_parse(text, strlen(text), &ns)) {
        fail_msg("'%s' is refused", text);
    }
    return ns;
}

static void
assert_refused(const char *text)
{
    int64_t ns = 42;
    if (weiri_time_parse(text, strlen(text), &ns)) {
        fail_msg("'%s' is taken for a time", text);
    }
    assert_int_equal(ns, 42);
}

static void
assert_formatted(int64_t ns, const char *expected)
{
    char text[WEIRI_TIME_TEXT];
    assert_int_equal(weiri_time_format(ns, text), strlen(expected));
    assert_string_equal(text, expected);
}

static int64_t
by_pattern(const char *text, const char *pattern)
{
    int64_t     ns      = INT64_C(-12345);
    const char *problem = weiri_time_pattern_check(pattern);
    if (problem != NULL) {
        fail_msg("pattern '%s': %s", pattern, problem);
    }
    if (!weiri_time_parse_pattern(text, strlen(text), pattern, &ns)) {
        fail_msg("'%s' is refused by '%s'", text, pattern);
    }
    return ns;
}

static bool
fits_pattern(const char *text, const char *pattern)
{
    int64_t ns = 42;
    bool    ok = weiri_time_parse_pattern(text, strlen(text), pattern, &ns);
    if (!ok) {
        assert_int_equal(ns, 42);
    }
    return ok;
}

static void
every_form_of_one_time_is_read_alike(void **state)
{
    (void)state;
    int64_t t = INT64_C(1490620089) * WEIRI_NS_PER_S;
    assert_int_equal(parsed("2017-03-27T13:08:09Z"), t);
    assert_int_equal(parsed("2017-03-27t13:08:09z"), t);
    assert_int_equal(parsed("2017-03-27 13:08:09"), t);
    assert_int_equal(parsed("2017-03-27T13:08:09"), t);
    assert_int_equal(parsed("2017-03-27T15:08:09+02:00"), t);
    assert_int_equal(parsed("2017-03-27T07:38:09-05:30"), t);
    assert_int_equal(parsed("2017-03-27T13:08:09-00:00"), t);
    assert_int_equal(parsed("2017-03-27T13:08:09.000000000Z"), t);
    assert_int_equal(parsed("2017-03-27 13:08"), t - 9 * WEIRI_NS_PER_S);
    assert_int_equal(parsed("2017-03-27"), INT64_C(1490572800) * WEIRI_NS_PER_S);
}

static void
fraction_is_exact_to_the_nanosecond(void **state)
{
    (void)state;
    assert_int_equal(parsed("1970-01-01T00:00:00.5Z"), 500000000);
    assert_int_equal(parsed("1970-01-01T00:00:00.123456789Z"), 123456789);
    assert_int_equal(parsed("1970-01-01 00:00:00.000000001"), 1);
    assert_int_equal(parsed("1969-12-31T23:59:59.999999999Z"), -1);
    assert_int_equal(parsed("1969-12-31T23:59:59.9Z"), -100000000);
}

static void
leap_second_is_the_next_second(void **state)
{
    (void)state;
    assert_int_equal(parsed("2016-12-31T23:59:60Z"), parsed("2017-01-01T00:00:00Z"));
    assert_refused("2016-12-31T23:59:61Z");
}

static void
february_has_its_29th_only_in_leap_years(void **state)
{
    (void)state;
    assert_int_equal(
        parsed("2000-02-29T00:00:00Z") + 86400 * WEIRI_NS_PER_S, parsed("2000-03-01"));
    assert_int_equal(parsed("2016-02-29") / WEIRI_NS_PER_S, 1456704000);
    assert_refused("1900-02-29");
    assert_refused("2100-02-29 10:00");
    assert_refused("2017-02-29T00:00:00Z");
    assert_refused("2017-04-31");
}

static void
whole_range_of_int64_is_read_and_written(void **state)
{
    (void)state;
    assert_int_equal(parsed("2262-04-11T23:47:16.854775807Z"), INT64_MAX);
    assert_true(parsed("1677-09-21T00:12:43.145224192Z") == INT64_MIN);
    assert_formatted(INT64_MAX, "2262-04-11T23:47:16.854775807Z");
    assert_formatted(INT64_MIN, "1677-09-21T00:12:43.145224192Z");
    assert_refused("2262-04-11T23:47:16.854775808Z");
    assert_refused("2262-04-11T23:47:17Z");
    assert_refused("1677-09-21T00:12:43.145224191Z");
    assert_refused("1677-09-21T00:12:43Z");
    assert_refused("0000-01-01T00:00:00Z");
    assert_refused("9999-12-31T23:59:59Z");
    /* An offset may bring back into the range what its digits leave. */
    assert_int_equal(parsed("2262-04-12T00:47:16.854775807+01:00"), INT64_MAX);
    assert_refused("2262-04-11T23:47:16.854775807-00:01");
}

static void
what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const WRONG[] = { "", "2017", "2017-03", "2017-3-27", "2017/03/27",
        "2017-03-27T", "2017-03-27Z", "2017-03-27T13", "2017-03-27T13:0", "2017-13-01",
        "2017-00-01", "2017-01-00", "2017-01-32", "2017-03-27T24:00:00Z",
        "2017-03-27T13:60:00Z", "2017-03-27T13:08:09.", "2017-03-27T13:08:09.Z",
        "2017-03-27T13:08:09.1234567890Z", "2017-03-27T13:08:09+0200",
        "2017-03-27T13:08:09+02", "2017-03-27T13:08:09+24:00",
        "2017-03-27T13:08:09+02:60", "2017-03-27T13:08:09ZZ", "2017-03-27T13:08:09 ",
        " 2017-03-27T13:08:09", "2017-03-27T13:08:9Z", "2017-03-27X13:08:09Z",
        "2017-03-27T13-08-09Z", "2017-03-27T1::08:09Z", "20a7-03-27T13:08:09Z",
        "2017-03-27T13:08:0\xb9Z", "\xb2\xb0\xb1\xb7-03-27T13:08:09Z",
        "2017-03-2/T13:08:09Z", "2017-03-2:", "+017-03-27T13:08:09Z",
        "2017-03-27T13:08:09.5.5Z", "2017-03-27T13:08:09,5Z" };
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        assert_refused(WRONG[i]);
    }
}

/* One wrong byte anywhere in a time, of any value, is seen unless it is a digit or one of
 * the separators that are allowed there. */
static void
each_byte_of_a_time_is_checked(void **state)
{
    (void)state;
    static const char GOOD[] = "2017-03-27T13:08:09Z";
    for (size_t i = 0; i < sizeof GOOD - 1; i++) {
        for (int byte = 0; byte < 256; byte++) {
            char    text[sizeof GOOD];
            int64_t ns = 0;
            memcpy(text, GOOD, sizeof GOOD);
            text[i]       = (char)byte;
            bool is_digit = byte >= '0' && byte <= '9';
            bool was_one  = GOOD[i] >= '0' && GOOD[i] <= '9';
            bool taken    = weiri_time_parse(text, sizeof GOOD - 1, &ns);
            if (was_one ? !is_digit && taken
                        : taken
                              != (text[i] == GOOD[i]
                                  || (i == 10 && (byte == ' ' || byte == 't'))
                                  || (i == 19 && byte == 'z'))) {
                fail_msg("byte %d at %zu", byte, i);
            }
        }
    }
}

static void
any_time_survives_format_and_parse(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 200000; i++) {
        int64_t ns = (int64_t)next_random(&seed);
        if (i % 3 == 0) {
            ns -= ns % WEIRI_NS_PER_S;
        } else if (i % 3 == 1) {
            ns -= ns % WEIRI_NS_PER_MS;
        }
        char    text[WEIRI_TIME_TEXT];
        int64_t back = 0;
        size_t  size = weiri_time_format(ns, text);
        assert_int_equal(size, strlen(text));
        assert_true(weiri_time_parse(text, size, &back));
        assert_true(back == ns);
    }
}

static void
calendar_agrees_with_the_c_library(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int i = 0; i < 100000; i++) {
        int64_t   ns      = (int64_t)next_random(&seed);
        time_t    seconds = (time_t)(ns / WEIRI_NS_PER_S - (ns % WEIRI_NS_PER_S < 0));
        struct tm tm;
        assert_non_null(gmtime_r(&seconds, &tm));
        weiri_civil c = weiri_civil_of(ns);
        assert_int_equal(c.year, tm.tm_year + 1900);
        assert_int_equal(c.month, tm.tm_mon + 1);
        assert_int_equal(c.day, tm.tm_mday);
        assert_int_equal(c.hour, tm.tm_hour);
        assert_int_equal(c.minute, tm.tm_min);
        assert_int_equal(c.second, tm.tm_sec);
        assert_int_equal(c.weekday % 7, tm.tm_wday);
        assert_int_equal(c.nanosecond, ns - (int64_t)seconds * WEIRI_NS_PER_S);
        tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
        assert_int_equal(weiri_days_of(c.year, c.month, c.day), timegm(&tm) / 86400);
    }
}

static void
days_are_counted_one_by_one_far_beyond_int64_nanoseconds(void **state)
{
    (void)state;
    static const int DAYS[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int64_t          day    = weiri_days_of(-1000, 1, 1);
    for (int64_t year = -1000; year < 3000; year++) {
        for (int month = 1; month <= 12; month++) {
            assert_int_equal(weiri_days_of(year, month, 1), day);
            bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            day += DAYS[month - 1] + (month == 2 && leap);
        }
    }
    assert_int_equal(weiri_days_of(1970, 1, 1), 0);
    assert_int_equal(weiri_days_of(2000, 3, 1), 11017);
}

static void
pattern_reads_what_strftime_writes(void **state)
{
    (void)state;
    /* Through a pointer: the compiler would want a literal pattern. */
    size_t (*print)(char *, size_t, const char *, const struct tm *) = strftime;

    static const char *const PATTERNS[] = { "%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S",
        "%a, %d %b %Y %H:%M:%S", "%A %B %e %H:%M:%S %Y", "%Y %j %H%M%S",
        "%m/%d/%Y %I:%M:%S %p", "%Y%m%d%H%M%S", "%s", "%d %B %Y %H:%M:%S %Z",
        "%%%Y-%m-%dT%H:%M:%S%z" };
    uint64_t                 seed       = 3;
    for (int i = 0; i < 50000; i++) {
        time_t    seconds = (time_t)(next_random(&seed) % UINT64_C(8000000000));
        struct tm tm;
        assert_non_null(gmtime_r(&seconds, &tm));
        tm.tm_zone          = "UTC";
        const char *pattern = PATTERNS[i % (int)(sizeof PATTERNS / sizeof PATTERNS[0])];
        char        text[128];
        if (strcmp(pattern, "%s") == 0) { /* strftime would take it for local time */
            snprintf(text, sizeof text, "%lld", (long long)seconds);
        } else {
            assert_true(print(text, sizeof text, pattern, &tm) > 0);
        }
        assert_int_equal(by_pattern(text, pattern), seconds * WEIRI_NS_PER_S);
    }
}

static void
pattern_takes_what_people_write(void **state)
{
    (void)state;
    int64_t t = parsed("2017-03-07T13:08:09Z");
    assert_int_equal(by_pattern("7.3.2017 13:8:9", "%d.%m.%Y %H:%M:%S"), t);
    assert_int_equal(by_pattern("07/Mar/2017:15:08:09 +0200", "%d/%b/%Y:%H:%M:%S %z"), t);
    assert_int_equal(by_pattern("7 MARCH 17  1:08:09 pm", "%d %b %y %I:%M:%S %p"), t);
    assert_int_equal(by_pattern("Mar  7 2017 13:08:09", "%b %e %Y %H:%M:%S"), t);
    assert_int_equal(
        by_pattern("2017-03-07 13:08:09.25", "%Y-%m-%d %H:%M:%S.%f"), t + 250000000);
    assert_int_equal(by_pattern("1488892089.5", "%s.%f"), t + 500000000);
    assert_int_equal(by_pattern("2017-03-07T13:08:09-00", "%Y-%m-%dT%H:%M:%S%z"), t);
    assert_int_equal(by_pattern("70-01-01", "%y-%m-%d"), 0);
    assert_int_equal(by_pattern("68-01-01", "%y-%m-%d"), parsed("2068-01-01"));
    assert_int_equal(by_pattern("69-01-01", "%y-%m-%d"), parsed("1969-01-01"));
    assert_int_equal(by_pattern("2017 12 AM", "%Y %I %p"), parsed("2017-01-01"));
    assert_int_equal(by_pattern("2017 12 PM", "%Y %I %p"), parsed("2017-01-01 12:00"));
    assert_int_equal(by_pattern("2016 366", "%Y %j"), parsed("2016-12-31"));
    assert_int_equal(by_pattern("May 2017", "%B %Y"), parsed("2017-05-01"));
}

static void
pattern_refuses_what_does_not_fit(void **state)
{
    (void)state;
    assert_false(fits_pattern("2017 366", "%Y %j"));
    assert_false(fits_pattern("30.02.2017", "%d.%m.%Y"));
    assert_false(fits_pattern("01.13.2017", "%d.%m.%Y"));
    assert_false(fits_pattern("01.12.217", "%d.%m.%Y"));
    assert_false(fits_pattern("01.12.2017x", "%d.%m.%Y"));
    assert_false(fits_pattern("01.12.2017", "%d.%m.%Y %H"));
    assert_false(fits_pattern("01.12.201712", "%d.%m.%Y %H"));
    assert_false(fits_pattern("Mai 2017", "%B %Y"));
    assert_false(fits_pattern("13 pm 2017", "%I %p %Y"));
    assert_false(fits_pattern("2017 CEST", "%Y %Z"));
    assert_false(fits_pattern("2017+2", "%Y%z"));
    assert_false(fits_pattern("2017+02:", "%Y%z"));
    assert_false(fits_pattern("1600-01-01", "%Y-%m-%d"));
    assert_false(fits_pattern("99999999999", "%s"));
    assert_false(fits_pattern("9999999999999999999", "%s"));
    assert_false(fits_pattern("", "%Y"));
}

static void
pattern_that_cannot_make_a_time_is_found_before_any_text(void **state)
{
    (void)state;
    assert_null(weiri_time_pattern_check("%d.%m.%Y %H:%M"));
    assert_null(weiri_time_pattern_check("%s"));
    assert_non_null(weiri_time_pattern_check(""));
    assert_non_null(weiri_time_pattern_check("%H:%M"));
    assert_non_null(weiri_time_pattern_check("%Y %d"));
    assert_non_null(weiri_time_pattern_check("%Y %I"));
    assert_non_null(weiri_time_pattern_check("%Y %p %H"));
    assert_non_null(weiri_time_pattern_check("%Y %I %p %H"));
    assert_non_null(weiri_time_pattern_check("%Y %q"));
    assert_non_null(weiri_time_pattern_check("%Y %"));
}

static void
assert_duration(const char *text, int64_t expected)
{
    int64_t ns = 42;
    if (!weiri_duration_parse(text, strlen(text), &ns)) {
        fail_msg("'%s' is refused", text);
    }
    assert_true(ns == expected);
}

static void
durations_are_read(void **state)
{
    (void)state;
    assert_duration("250ms", 250 * WEIRI_NS_PER_MS);
    assert_duration("0s", 0);
    assert_duration("-0s", 0);
    assert_duration("1m30s", 90 * WEIRI_NS_PER_S);
    assert_duration("90s", 90 * WEIRI_NS_PER_S);
    assert_duration("-2h", -7200 * WEIRI_NS_PER_S);
    assert_duration("1.5s", 1500 * WEIRI_NS_PER_MS);
    assert_duration("-0.25d", -21600 * WEIRI_NS_PER_S);
    assert_duration("1.5us", 1500);
    assert_duration("2.0ns", 2);
    assert_duration("1d2h3m4s5ms6us7ns", INT64_C(93784005006007));
    assert_duration("9223372036854775807ns", INT64_MAX);
    assert_duration("-9223372036854775808ns", INT64_MIN);
}

static void
what_is_no_duration_is_refused(void **state)
{
    (void)state;
    static const char *const WRONG[] = { "", "-", "5", "s", "5x", "5S", "1s1m", "1s1s",
        "1.s", ".5s", "1m1.5s", "1.5m1s", "1.5ns", "1.0000000001s", " 1s", "1 s", "1s ",
        "+1s", "--1s", "9223372036854775808ns", "-9223372036854775809ns", "106752d",
        "99999999999999999999s", "1s-1ms" };
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        int64_t ns = 42;
        if (weiri_duration_parse(WRONG[i], strlen(WRONG[i]), &ns)) {
            fail_msg("'%s' is taken for a duration", WRONG[i]);
        }
        assert_int_equal(ns, 42);
    }
}

static void
any_duration_survives_format_and_parse(void **state)
{
    (void)state;
    char     text[WEIRI_DURATION_TEXT];
    uint64_t seed = 4;
    for (int i = 0; i < 100000; i++) {
        int64_t ns = (int64_t)next_random(&seed) >> (i % 64);
        if (i % 2 == 0) {
            ns -= ns % WEIRI_NS_PER_S;
        }
        int64_t back = 0;
        size_t  size = weiri_duration_format(ns, text);
        assert_int_equal(size, strlen(text));
        assert_true(weiri_duration_parse(text, size, &back));
        assert_true(back == ns);
    }
    assert_int_equal(weiri_duration_format(0, text), 2);
    assert_string_equal(text, "0s");
    weiri_duration_format(90 * WEIRI_NS_PER_S, text);
    assert_string_equal(text, "1m30s");
    weiri_duration_format(INT64_MIN, text);
    assert_string_equal(text, "-106751d23h47m16s854ms775us808ns");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_one_time_is_read_alike),
        cmocka_unit_test(fraction_is_exact_to_the_nanosecond),
        cmocka_unit_test(leap_second_is_the_next_second),
        cmocka_unit_test(february_has_its_29th_only_in_leap_years),
        cmocka_unit_test(whole_range_of_int64_is_read_and_written),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(each_byte_of_a_time_is_checked),
        cmocka_unit_test(any_time_survives_format_and_parse),
        cmocka_unit_test(calendar_agrees_with_the_c_library),
        cmocka_unit_test(days_are_counted_one_by_one_far_beyond_int64_nanoseconds),
        cmocka_unit_test(pattern_reads_what_strftime_writes),
        cmocka_unit_test(pattern_takes_what_people_write),
        cmocka_unit_test(pattern_refuses_what_does_not_fit),
        cmocka_unit_test(pattern_that_cannot_make_a_time_is_found_before_any_text),
        cmocka_unit_test(durations_are_read),
        cmocka_unit_test(what_is_no_duration_is_refused),
        cmocka_unit_test(any_duration_survives_format_and_parse),
    };
    return cmocka_run_group_tests_name("timetext", tests, NULL, NULL);
}
