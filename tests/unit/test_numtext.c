#include "weir_test.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/random.h"
#include "weiri/numtext.h"

static uint64_t
bits_of(double value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double
double_of(uint64_t bits)
{
    double value = 0;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static bool
parse(const char *text, double *out)
{
    return weiri_float_parse(text, strlen(text), out);
}

/* What the C library says; the tests run in the C locale. */
static void
assert_reads_as_strtod_does(const char *text)
{
    double expected = strtod(text, NULL);
    double actual   = -1;
    bool   is_ok    = parse(text, &actual);
    if (is_ok != (isfinite(expected) != 0)
        || (is_ok && bits_of(expected) != bits_of(actual))) {
        fail_msg("%s: %.17g, not %.17g", text, actual, expected);
    }
}

static void
floats_read_as_the_c_library_reads_them(void **state)
{
    (void)state;
    static const char *const TEXTS[] = { "0", "-0", "0.0", "1", "-1", "+1.5", "0.1",
        "1e0", "1E22", "1e23", "123456789012345678", "9007199254740993",
        "9007199254740992", "9007199254740991",
        "9007199254740993.00000000000000000000000000000000001",
        "9007199254740992.99999999999999999999999999999999999", "4.9e-324", "2.5e-324",
        "2.4703282292062327e-324", "2.4703282292062328e-324", "1.7976931348623157e308",
        "1.7976931348623158e308", "1.7976931348623159e308", "1.797693134862315808e308",
        "2.2250738585072011e-308", "2.2250738585072014e-308", "2.2250738585072012e-308",
        "1e308", "1e309", "1e-323", "1e-324", "1e-400", "0e999999999999",
        "1e999999999999", "1e-999999999999", "8.5", "5e-1", "123.456e-7",
        "6.631236846766476e-316", "3.2378839133029012895883524125015321748630094e-319",
        "1090544144181609348671888949248", "1090544144181609348835077142190",
        "2.47032822920623272e-324",
        "0.000000000000000000000000000000000000000000000000000000000000000000000000001",
        "100000000000000000000000000000000000000000000000000000000000000000000000000000",
        "6929495644600919.5", "3.5845377448137456e15", "1448997445238699", "7e22", "8e22",
        "1.00000000000000011102230246251565404", "1.00000000000000011102230246251565405",
        "1.00000000000000011102230246251565403", "7.2057594037927933e16",
        "4503599627475353.5e-1",
        "9355950000000000000.0000000000000000000000000001e-310" };
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        assert_reads_as_strtod_does(TEXTS[i]);
    }
}

static void
texts_that_are_no_numbers_are_refused(void **state)
{
    (void)state;
    static const char *const TEXTS[] = { "", "-", "+", ".", "e5", "1e", "1e+", "1e5x",
        "1x", "x", " 1", "1 ", "--1", "+-1", "inf", "nan", "Infinity", "0x10", "1.2.3",
        "1e5.5", "1_000", "1,5", "-.e1" };
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        double value = 42;
        assert_false(parse(TEXTS[i], &value));
        assert_true(value == 42);
    }
    double value = 0;
    assert_true(parse(".5", &value) && value == 0.5);
    assert_true(parse("5.", &value) && value == 5.0);
}

static void
random_bit_patterns_survive_formatting_and_parsing(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252;
    for (int i = 0; i < 300000; i++) {
        double value = double_of(next_random(&seed));
        if (!isfinite(value)) {
            continue;
        }
        char   text[WEIRI_FLOAT_TEXT];
        double back = 0;
        size_t size = weiri_float_format(value, text);
        assert_true(size < sizeof text && text[size] == '\0');
        if (!weiri_float_parse(text, size, &back) || bits_of(back) != bits_of(value)
            || bits_of(strtod(text, NULL)) != bits_of(value)) {
            fail_msg("%.17g became %s", value, text);
        }
    }
}

/* The significant digits alone. */
static void
strip(const char *text, char out[64])
{
    size_t n = 0;
    for (; *text != '\0' && *text != 'e'; text++) {
        if ((*text > '0' && *text <= '9') || (*text == '0' && n > 0)) {
            out[n++] = *text;
        }
    }
    while (n > 0 && out[n - 1] == '0') {
        n--;
    }
    out[n] = '\0';
}

/* The first precision at which the closest decimal reads back. */
static void
shortest_by_trial(double value, char digits[64])
{
    char text[64];
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(text, sizeof text, "%.*e", precision - 1, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    strip(text, digits);
}

static void
formatted_floats_are_as_short_as_can_be(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int i = 0; i < 30000; i++) {
        uint64_t bits  = next_random(&seed);
        double   value = double_of(bits);
        if (i % 3 == 1) {
            value = (double)(int64_t)(bits >> 40) / 1000.0;
        } else if (i % 3 == 2) {
            value = double_of(bits & UINT64_C(0xFFF0000000000000)); /* powers of two */
        }
        if (!isfinite(value) || value == 0) {
            continue;
        }
        char text[WEIRI_FLOAT_TEXT];
        char digits[64];
        char expected[64];
        weiri_float_format(value, text);
        strip(text, digits);
        shortest_by_trial(value, expected);
        /* Beside a power of two the closest decimal of a length may lie outside while
         * another of that length reads back: then ours is shorter. */
        bool is_shorter = strlen(digits) < strlen(expected);
        if ((is_shorter && i % 3 != 2)
            || (!is_shorter && strcmp(digits, expected) != 0)) {
            fail_msg("%.17g became %s", value, text);
        }
        assert_true(strtod(text, NULL) == value);
    }
}

static void
floats_are_laid_out_so_that_they_are_seen_to_be_floats(void **state)
{
    (void)state;
    static const struct {
        double      value;
        const char *text;
    } CASES[] = { { 0, "0.0" }, { -0.0, "-0.0" }, { 1, "1.0" }, { -17, "-17.0" },
        { 0.1, "0.1" }, { 0.00001, "0.00001" }, { 0.000001, "1e-6" },
        { 1.5e-7, "1.5e-7" }, { 123.456, "123.456" }, { 1e14, "100000000000000.0" },
        { 999999999999999, "999999999999999.0" }, { 1e15, "1e15" },
        { 1234567890123456, "1.234567890123456e15" }, { 1e22, "1e22" }, { 1e23, "1e23" },
        { 5e-324, "5e-324" }, { DBL_MAX, "1.7976931348623157e308" },
        { DBL_MIN, "2.2250738585072014e-308" },
        { 9007199254740992, "9.007199254740992e15" }, { 0.3, "0.3" },
        { 0.1 + 0.2, "0.30000000000000004" }, { 100, "100.0" },
        { -1.7976931348623157e308, "-1.7976931348623157e308" }, { 2e-44, "2e-44" },
        { 9.5367431640625e-7, "9.5367431640625e-7" }, { (double)INFINITY, "null" },
        { -2.2250738585072014e-308, "-2.2250738585072014e-308" } };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char text[WEIRI_FLOAT_TEXT];
        assert_int_equal(weiri_float_format(CASES[i].value, text), strlen(CASES[i].text));
        assert_string_equal(text, CASES[i].text);
    }
}

static void
random_decimal_texts_read_as_the_c_library_reads_them(void **state)
{
    (void)state;
    uint64_t seed = 4711;
    for (int i = 0; i < 200000; i++) {
        char     text[96];
        uint64_t a        = next_random(&seed);
        uint64_t b        = next_random(&seed);
        int      exponent = (int)(next_random(&seed) % 680) - 345;
        switch (i % 4) {
        case 0: snprintf(text, sizeof text, "%" PRIu64 "e%d", a, exponent); break;
        case 1: snprintf(text, sizeof text, "-%" PRIu64 ".%" PRIu64, a, b); break;
        case 2:
            snprintf(text, sizeof text, "%" PRIu64 "%" PRIu64 "e%d", a, b, exponent);
            break;
        default:
            snprintf(text, sizeof text, "%d.%03d", (int)(a % 1000000), (int)(b % 1000));
        }
        assert_reads_as_strtod_does(text);
    }
}

/* Exactly between two doubles, and a hair beside it: no short cut can tell. */
static void
midpoints_of_doubles_round_to_even_and_their_neighbours_do_not(void **state)
{
    (void)state;
    uint64_t seed = 99;
    for (int i = 0; i < 3000; i++) {
        uint64_t bits = next_random(&seed) & INT64_MAX;
        if (i % 3 == 0) {
            bits >>= 12 + next_random(&seed) % 40; /* subnormal */
        }
        if (bits >= UINT64_C(0x7FE0000000000000)) {
            continue;
        }
        /* In long double the middle is exact, and "%.800Le" shows every digit. */
        long double middle = ((long double)double_of(bits) + double_of(bits + 1)) / 2;
        char        text[1000];
        int         n = snprintf(text, sizeof text, "%.800Le", middle);
        assert_true(n > 0 && (size_t)n < sizeof text - 1);
        assert_reads_as_strtod_does(text);
        double value = 0;
        assert_true(parse(text, &value));
        assert_int_equal(bits_of(value), (bits & 1) == 0 ? bits : bits + 1);
        *(strchr(text, 'e') - 1) = '1';
        assert_true(parse(text, &value));
        assert_int_equal(bits_of(value), bits + 1);
    }
}

static void
very_long_numbers_are_read_exactly(void **state)
{
    (void)state;
    enum { SIZE = 100000 };
    char *text = malloc(SIZE + 16);
    assert_non_null(text);
    memset(text, '0', SIZE);
    memcpy(text, "9007199254740993.", 17);
    text[SIZE]   = '\0';
    double value = 0;
    assert_true(parse(text, &value));
    assert_true(value == 9007199254740992.0);
    text[SIZE - 1] = '1';
    assert_true(parse(text, &value));
    assert_true(value == 9007199254740994.0);
    memset(text, '0', SIZE);
    text[1] = '.';
    memcpy(text + SIZE, "7e100000", 9);
    assert_true(parse(text, &value));
    assert_true(value == 70.0);
    free(text);
}

static void
decimals_scanned_elsewhere_are_rounded_alike(void **state)
{
    (void)state;
    uint64_t seed = 3;
    int      sure = 0;
    for (int i = 0; i < 100000; i++) {
        uint64_t word     = next_random(&seed) >> (next_random(&seed) % 64);
        int      exponent = (int)(next_random(&seed) % 660) - 340;
        char     text[64];
        snprintf(text, sizeof text, "-%" PRIu64 "e%d", word, exponent);
        double value = 1;
        if (weiri_float_from_decimal(word, exponent, true, &value)) {
            assert_int_equal(bits_of(value), bits_of(strtod(text, NULL)));
            sure++;
        } else {
            assert_true(value == 1);
        }
    }
    assert_true(sure > 90000);
}

static void
integers_are_read_to_their_bounds_and_no_further(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t     value;
    } CASES[] = { { "0", 0 }, { "-0", 0 }, { "+7", 7 }, { "007", 7 }, { "-12", -12 },
        { "9223372036854775807", INT64_MAX }, { "-9223372036854775808", INT64_MIN } };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int64_t value = 1;
        assert_true(weiri_int_parse(CASES[i].text, strlen(CASES[i].text), &value));
        assert_true(value == CASES[i].value);
    }
    static const char *const BAD[] = { "", "-", "+", "9223372036854775808",
        "-9223372036854775809", "18446744073709551616", "99999999999999999999", "1.0",
        "1e3", " 1", "1 ", "0x1", "--1", "1/", "1:" };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        int64_t value = 42;
        assert_false(weiri_int_parse(BAD[i], strlen(BAD[i]), &value));
        assert_true(value == 42);
    }
}

static void
integers_survive_formatting_and_parsing(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (int i = 0; i < 100000; i++) {
        int64_t value = (int64_t)next_random(&seed) >> (next_random(&seed) % 64);
        value         = i == 0 ? INT64_MIN : i == 1 ? INT64_MAX : i == 2 ? 0 : value;
        char    text[WEIRI_INT_TEXT];
        char    expected[WEIRI_INT_TEXT];
        int64_t back = 0;
        size_t  size = weiri_int_format(value, text);
        snprintf(expected, sizeof expected, "%" PRId64, value);
        assert_string_equal(text, expected);
        assert_true(weiri_int_parse(text, size, &back) && back == value);
    }
}

/* RFC 3629 read aloud: decode, then refuse what is overlong, surrogate or too large. */
static bool
is_utf8_by_decoding(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size;) {
        int n = bytes[i] < 0x80             ? 0
                : (bytes[i] & 0xE0) == 0xC0 ? 1
                : (bytes[i] & 0xF0) == 0xE0 ? 2
                : (bytes[i] & 0xF8) == 0xF0 ? 3
                                            : -1;
        if (n < 0 || (size_t)n >= size - i) {
            return false;
        }
        uint32_t code = n == 0 ? bytes[i] : bytes[i] & (0x3Fu >> n);
        for (int k = 1; k <= n; k++) {
            if ((bytes[i + (size_t)k] & 0xC0) != 0x80) {
                return false;
            }
            code = code << 6 | (bytes[i + (size_t)k] & 0x3Fu);
        }
        static const uint32_t LEAST[] = { 0, 0x80, 0x800, 0x10000 };
        if (code < LEAST[n] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
            return false;
        }
        i += (size_t)n + 1;
    }
    return true;
}

static void
utf8_is_told_from_other_bytes(void **state)
{
    (void)state;
    static const unsigned char PARTS[] = { 'a', 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF,
        0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3,
        0xF4, 0xF5, 0xFF };
    enum { N = sizeof PARTS };
    unsigned char text[64];
    int           n_valid = 0;
    /* Every four bytes of these, at the start, across a block's end, and cut short. */
    for (size_t i = 0; i < (size_t)N * N * N * N; i++) {
        size_t front = i % 3 == 0 ? 0 : i % 3 == 1 ? 7 : 14;
        memset(text, 'x', sizeof text);
        text[front]     = PARTS[i % N];
        text[front + 1] = PARTS[i / N % N];
        text[front + 2] = PARTS[i / N / N % N];
        text[front + 3] = PARTS[i / N / N / N];
        size_t size     = i % 2 == 0 ? front + 4 : sizeof text;
        bool   is_valid = is_utf8_by_decoding(text, size);
        assert_int_equal(weiri_utf8_is_valid((const char *)text, size), is_valid);
        n_valid += is_valid ? 1 : 0;
    }
    assert_true(n_valid > 1000);
    assert_true(weiri_utf8_is_valid(NULL, 0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_read_as_the_c_library_reads_them),
        cmocka_unit_test(texts_that_are_no_numbers_are_refused),
        cmocka_unit_test(random_bit_patterns_survive_formatting_and_parsing),
        cmocka_unit_test(formatted_floats_are_as_short_as_can_be),
        cmocka_unit_test(floats_are_laid_out_so_that_they_are_seen_to_be_floats),
        cmocka_unit_test(random_decimal_texts_read_as_the_c_library_reads_them),
        cmocka_unit_test(midpoints_of_doubles_round_to_even_and_their_neighbours_do_not),
        cmocka_unit_test(very_long_numbers_are_read_exactly),
        cmocka_unit_test(decimals_scanned_elsewhere_are_rounded_alike),
        cmocka_unit_test(integers_are_read_to_their_bounds_and_no_further),
        cmocka_unit_test(integers_survive_formatting_and_parsing),
        cmocka_unit_test(utf8_is_told_from_other_bytes),
    };
    return cmocka_run_group_tests_name("numtext", tests, NULL, NULL);
}
