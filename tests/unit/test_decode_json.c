#include "weir_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/decode_assert.h"
#include "weiri/limits.h"

static const weir_field FIELDS[] = {
    { .name = "at", .type = WEIR_TIME, .form = WEIR_TIME_MS },
    { .name = "n", .type = WEIR_INT },
    { .name = "x", .type = WEIR_FLOAT, .is_nullable = true },
    { .name = "s", .type = WEIR_STRING, .is_nullable = true },
    { .name = "ok", .type = WEIR_BOOL, .is_nullable = true },
    { .name = "d", .type = WEIR_DURATION, .is_nullable = true },
};
static const weir_schema SCHEMA = {
    .name = "all", .fields = FIELDS, .n_fields = 6, .time_field = 0
};

static weiri_decoder_config
json_of(const weir_schema *schema)
{
    return (weiri_decoder_config){ .schema = schema, .format = WEIRI_FORMAT_JSON };
}

static void
assert_reads(const char *text, const char *expected)
{
    weiri_decoder_config config = json_of(&SCHEMA);
    assert_decodes(&config, text, expected);
}

/* One field of one type. */
static void
assert_field_reads(weir_field field, const char *json, const char *expected)
{
    weir_schema          schema = { .name = "one",
                 .fields                  = &field,
                 .n_fields                = 1,
                 .time_field              = field.type == WEIR_TIME ? 0 : -1 };
    weiri_decoder_config config = json_of(&schema);
    char                 line[512];
    char                 result[1024];
    (void)snprintf(line, sizeof line, "{\"%s\":%s}", field.name, json);
    if (expected[0] == '!') {
        snprintf(result, sizeof result, "! line 1 at 0 after 0 rows: %s [%s]\n",
            expected + 2, line);
    } else {
        snprintf(result, sizeof result, "%s\n", expected);
    }
    assert_decodes(&config, line, result);
}

static void
every_type_is_read_from_its_json(void **state)
{
    (void)state;
    assert_reads(
        "{\"at\":1490620089500,\"n\":-5,\"x\":0.1,\"s\":\"w\u00f6rd\",\"ok\":true,"
        "\"d\":\"1m30s\"}\n",
        "1490620089500000000|-5|0.1|\"w\u00f6rd\"|true|90000000000\n");
}

static void
lines_may_end_in_any_way_and_blank_ones_are_skipped(void **state)
{
    (void)state;
    assert_reads(
        "{\"at\":1,\"n\":1}\r\n\n  \t\r\n{\"at\":2,\"n\":2}\n\r\n{\"at\":3,\"n\":3}",
        "1000000|1|null|null|null|null\n2000000|2|null|null|null|null\n"
        "3000000|3|null|null|null|null\n");
    assert_reads("", "");
    assert_reads("\n\n", "");
    assert_reads("{\"at\":1,\"n\":1}\r", "1000000|1|null|null|null|null\n");
}

static void
byte_order_mark_before_the_first_line_is_skipped(void **state)
{
    (void)state;
    assert_reads("\xEF\xBB\xBF{\"at\":1,\"n\":1}\n", "1000000|1|null|null|null|null\n");
    assert_reads("\xEF\xBB\xBF", "");
    assert_reads("\xEF\xBB", "! line 1 at 0 after 0 rows: not JSON at character 1: a "
                             "record has to be an object, "
                             "{...} [\xEF\xBB]\n");
    assert_reads("\xEF\xBB\xBF!\n", "! line 1 at 3 after 0 rows: not JSON at character "
                                    "1: a record has to be an object, "
                                    "{...} [!]\n");
}

static void
members_come_in_any_order_and_with_any_space(void **state)
{
    (void)state;
    assert_reads("{\"at\":1,\"n\":1,\"s\":\"a\"}\n"
                 "{\"s\":\"b\",\"n\":2,\"at\":2}\n"
                 "{\"n\":3,\"at\":3}\n"
                 " { \"at\" : 4 , \"n\" : 4 , \"s\" : \"c\" } \n"
                 "{ \"at\" : 5 , \"n\" : 5 , \"s\" : \"d\" }\n"
                 "{\t\"at\"\t:\t6\t,\t\"n\"\t:\t6\t}\t\n"
                 "{\"at\": 7, \"n\": 7, \"s\": \"e\"}\n"
                 "{\"at\": 8, \"n\": 8, \"s\": \"f\"}\n"
                 "{\"at\":9,\"n\": 9,  \"s\":\"g\"}\n",
        "1000000|1|null|\"a\"|null|null\n2000000|2|null|\"b\"|null|null\n"
        "3000000|3|null|null|null|null\n4000000|4|null|\"c\"|null|null\n"
        "5000000|5|null|\"d\"|null|null\n6000000|6|null|null|null|null\n"
        "7000000|7|null|\"e\"|null|null\n8000000|8|null|\"f\"|null|null\n"
        "9000000|9|null|\"g\"|null|null\n");
}

static void
undeclared_members_are_skipped_whatever_they_are(void **state)
{
    (void)state;
    assert_reads(
        "{\"z\":{\"n\":9,\"y\":[1,[],{},{\"a\":[true,false,null]}]},\"at\":1,"
        "\"q\":\"\\u00e9\\n\\\"\",\"n\":1,\"r\":-1.5e+3}\n"
        "{\"at\":2,\"a very long name that is longer than any literal that is kept\":1,"
        "\"n\":2}\n"
        "{\"at\":3,\"a very long name that is longer than any literal that is kept\":1,"
        "\"n\":3,\"\":0}\n",
        "1000000|1|null|null|null|null\n2000000|2|null|null|null|null\n"
        "3000000|3|null|null|null|null\n");
}

static void
more_undeclared_names_than_are_remembered_do_no_harm(void **state)
{
    (void)state;
    enum { N = 500 };
    char   text[N * 64];
    char   expected[N * 48];
    size_t n = 0;
    size_t m = 0;
    for (int i = 0; i < N; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n,
            "{\"at\":%d,\"u%d\":%d,\"n\":%d}\n", i, i * 7919 % 300, i, i);
        m += (size_t)snprintf(expected + m, sizeof expected - m,
            "%d%s|%d|null|null|null|null\n", i, i == 0 ? "" : "000000", i);
    }
    assert_reads(text, expected);
}

static void
string_escapes_are_undone(void **state)
{
    (void)state;
    weir_field s = { .name = "s", .type = WEIR_STRING };
    assert_field_reads(s, "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\"\\/\b\f\n\r\t\"");
    assert_field_reads(s, "\"a\\u00e9b\"", "\"a\u00e9b\"");
    assert_field_reads(s, "\"\\u20AC\\u20ac\"", "\"\u20ac\u20ac\"");
    assert_field_reads(s, "\"\\ud83d\\ude00\"", "\"\U0001F600\"");
    assert_field_reads(s, "\"\\u007F\"", "\"\x7F\"");
    assert_field_reads(s, "\"\U0001F600 caf\u00e9, and on and on and on and \\u00e9\"",
        "\"\U0001F600 caf\u00e9, and on and on and on and \u00e9\"");
    assert_field_reads(s, "\"\"", "\"\"");
    assert_field_reads(s, "\"0123456789abcde\"", "\"0123456789abcde\"");
    assert_field_reads(s, "\"0123456789abcdef\"", "\"0123456789abcdef\"");
    assert_field_reads(s, "\"0123456789abcdef0\"", "\"0123456789abcdef0\"");
}

static void
zero_character_is_a_character(void **state)
{
    (void)state;
    weir_field           s      = { .name = "s", .type = WEIR_STRING };
    weir_schema          schema = { .fields = &s, .n_fields = 1, .time_field = -1 };
    weiri_decoder_config config = json_of(&schema);
    static const char    LINE[] = "{\"s\":\"a\\u0000b\"}";
    decode_dump          dump;
    decode_dump_run(&dump, &config, LINE, sizeof LINE - 1, decode_cut_whole, NULL);
    assert_int_equal(dump.out.used, 6);
    assert_memory_equal(dump.out.bytes, "\"a\0b\"\n", 6);
    decode_dump_fini(&dump);
}

static void
broken_strings_are_dead(void **state)
{
    (void)state;
    weir_field s = { .name = "s", .type = WEIR_STRING };
    assert_field_reads(s, "\"\\x\"", "! not JSON at character 7: no such escape");
    assert_field_reads(
        s, "\"\\u12g4\"", "! not JSON at character 7: \\u takes four hexadecimal digits");
    assert_field_reads(
        s, "\"\\ud83d\"", "! not JSON at character 7: half of a surrogate pair");
    assert_field_reads(
        s, "\"\\ude00\\ud83d\"", "! not JSON at character 7: half of a surrogate pair");
    assert_field_reads(
        s, "\"\\ud83d\\u0041\"", "! not JSON at character 7: half of a surrogate pair");
    assert_field_reads(
        s, "\"a\tb\"", "! not JSON at character 8: control character in a string");
    assert_field_reads(
        s, "\"a\xFF\"", "! not JSON at character 7: the string is not UTF-8");
    assert_field_reads(
        s, "\"\xED\xA0\x80\"", "! not JSON at character 7: the string is not UTF-8");
    assert_field_reads(
        s, "\"\xC3\\u00a9\"", "! not JSON at character 7: the string is not UTF-8");
    assert_field_reads(
        s, "\"\xC0\x80\"", "! not JSON at character 7: the string is not UTF-8");
    assert_field_reads(
        s, "\"abc}", "! not JSON at character 12: the string does not end");
    /* In a member that nobody declared, and in a name, too. */
    assert_reads("{\"at\":1,\"n\":1,\"z\":\"\xFF\"}\n",
        "! line 1 at 0 after 0 rows: not JSON at character 20: the string is not UTF-8 "
        "[{\"at\":1,\"n\":1,\"z\":\"\xFF\"}]\n");
    assert_reads("{\"at\":1,\"n\":1,\"\xFF\":0}\n",
        "! line 1 at 0 after 0 rows: not JSON at character 16: the string is not UTF-8 "
        "[{\"at\":1,\"n\":1,\"\xFF\":0}]\n");
}

static void
integers_are_exact_or_dead(void **state)
{
    (void)state;
    weir_field n = { .name = "n", .type = WEIR_INT };
    assert_field_reads(n, "0", "0");
    assert_field_reads(n, "-0", "0");
    assert_field_reads(n, "12345678", "12345678");
    assert_field_reads(n, "123456789", "123456789");
    assert_field_reads(n, "1234567890123456", "1234567890123456");
    assert_field_reads(n, "12345678901234567", "12345678901234567");
    assert_field_reads(n, "9223372036854775807", "9223372036854775807");
    assert_field_reads(n, "-9223372036854775808", "-9223372036854775808");
    assert_field_reads(n, "5.0", "5");
    assert_field_reads(n, "1e3", "1000");
    assert_field_reads(n, "-1.5E+1", "-15");
    assert_field_reads(n, "2500e-2", "25");
    assert_field_reads(n, "9.223372036854775807e18", "9223372036854775807");
    assert_field_reads(n, "0e999999999999999999", "0");
    assert_field_reads(
        n, "9223372036854775808", "! field 'n': 9223372036854775808 does not fit an int");
    assert_field_reads(n, "-9223372036854775809",
        "! field 'n': -9223372036854775809 does not fit an int");
    assert_field_reads(n, "99999999999999999999999",
        "! field 'n': 99999999999999999999999 does not fit an int");
    assert_field_reads(n, "0.5", "! field 'n': 0.5 is not an int");
    assert_field_reads(n, "1e19", "! field 'n': 1e19 is not an int");
    assert_field_reads(n, "\"5\"", "! field 'n': \"5\" is not an int");
    assert_field_reads(n, "true", "! field 'n': true is not an int");
    assert_field_reads(n, "[1]", "! field 'n': [1] is not an int");
    assert_field_reads(n, "{\"a\":1}", "! field 'n': {\"a\":1} is not an int");
    assert_field_reads(n, "null", "! field 'n' is null");
}

static void
numbers_follow_the_grammar_of_json(void **state)
{
    (void)state;
    weir_field               n     = { .name = "n", .type = WEIR_INT };
    weir_field               x     = { .name = "x", .type = WEIR_FLOAT };
    static const char *const BAD[] = { "-", "01", "-01", "1.", "1.e5", "1e", "1e+", "00",
        "0123456789", "-a" };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        const char *reason =
            "! not JSON at character 6: not a number as JSON writes them";
        assert_field_reads(n, BAD[i], reason);
        assert_field_reads(x, BAD[i], reason);
    }
    assert_field_reads(n, "+1", "! not JSON at character 6: expected a value");
    assert_field_reads(x, ".5", "! not JSON at character 6: expected a value");
    assert_field_reads(x, "NaN", "! not JSON at character 6: expected a value");
    assert_field_reads(
        x, "1x", "! not JSON at character 7: expected ',' or '}' after a member");
    assert_field_reads(
        n, "1 2", "! not JSON at character 8: expected ',' or '}' after a member");
}

static void
floats_are_rounded_correctly(void **state)
{
    (void)state;
    weir_field x = { .name = "x", .type = WEIR_FLOAT };
    assert_field_reads(x, "0", "0.0");
    assert_field_reads(x, "-0", "-0.0");
    assert_field_reads(x, "-0.0", "-0.0");
    assert_field_reads(x, "5", "5.0");
    assert_field_reads(x, "0.1", "0.1");
    assert_field_reads(x, "123.456", "123.456");
    assert_field_reads(x, "0.30000000000000004", "0.30000000000000004");
    assert_field_reads(x, "1e23", "1e23");
    assert_field_reads(x, "12345678.12345678", "12345678.12345678");
    assert_field_reads(x, "9007199254740993", "9.007199254740992e15");
    assert_field_reads(x, "9007199254740993.0", "9.007199254740992e15");
    assert_field_reads(x, "123456789012345678901234567890.5", "1.2345678901234568e29");
    assert_field_reads(x, "0.00000000000000000001", "1e-20");
    assert_field_reads(x, "1.0000000000000000000000001e0", "1.0");
    assert_field_reads(x, "5e-324", "5e-324");
    assert_field_reads(x, "1e-400", "0.0");
    assert_field_reads(x, "1e400", "! field 'x': 1e400 is not a float");
    assert_field_reads(x, "\"1\"", "! field 'x': \"1\" is not a float");
}

static void
times_are_read_in_their_form(void **state)
{
    (void)state;
    weir_field at = { .name = "at", .type = WEIR_TIME };
    assert_field_reads(at, "\"2017-03-27T13:08:09.5Z\"", "1490620089500000000");
    assert_field_reads(at, "\"2017-03-27T13:08:09\\u005a\"", "1490620089000000000");
    assert_field_reads(at, "1490620089", "! field 'at': 1490620089 is not a time");
    assert_field_reads(at, "\"soon\"", "! field 'at': \"soon\" is not a time");
    assert_field_reads(at, "null", "! field 'at' is null");
    at.form = WEIR_TIME_S;
    assert_field_reads(at, "1490620089", "1490620089000000000");
    assert_field_reads(at, "1490620089.123", "1490620089123000000");
    assert_field_reads(at, "1490620089.1234567891", "1490620089123456789");
    assert_field_reads(at, "-0.0000000015", "-2");
    assert_field_reads(at, "1.5e9", "1500000000000000000");
    assert_field_reads(at, "\"1490620089.5\"", "1490620089500000000");
    assert_field_reads(
        at, "9223372037", "! field 'at': 9223372037 is not a time in seconds");
    at.form = WEIR_TIME_MS;
    assert_field_reads(at, "1490620089123", "1490620089123000000");
    at.form = WEIR_TIME_US;
    assert_field_reads(at, "-1", "-1000");
    at.form = WEIR_TIME_NS;
    assert_field_reads(at, "1490620089123456789", "1490620089123456789");
    assert_field_reads(at, "0.5", "1");
    at.form    = WEIR_TIME_PATTERN;
    at.pattern = "%d.%m.%Y %H:%M";
    assert_field_reads(at, "\"27.03.2017 13:08\"", "1490620080000000000");
    assert_field_reads(
        at, "\"x\"", "! field 'at': \"x\" is not a time of the form \"%d.%m.%Y %H:%M\"");
    at.pattern = "%Y%m%d";
    assert_field_reads(at, "20170327", "1490572800000000000");
}

static void
durations_are_text_and_bools_are_words(void **state)
{
    (void)state;
    weir_field d  = { .name = "d", .type = WEIR_DURATION };
    weir_field ok = { .name = "ok", .type = WEIR_BOOL };
    assert_field_reads(d, "\"1m30s\"", "90000000000");
    assert_field_reads(d, "90", "! field 'd': 90 is not a duration");
    assert_field_reads(d, "\"x\"", "! field 'd': \"x\" is not a duration");
    assert_field_reads(ok, "true", "true");
    assert_field_reads(ok, "false", "false");
    assert_field_reads(ok, "1", "! field 'ok': 1 is not a bool");
    assert_field_reads(ok, "\"true\"", "! field 'ok': \"true\" is not a bool");
    assert_field_reads(ok, "tru", "! not JSON at character 7: expected a value");
}

static void
missing_and_null_are_null_where_allowed_and_dead_elsewhere(void **state)
{
    (void)state;
    assert_reads("{\"at\":1,\"n\":1,\"x\":null,\"s\":null,\"ok\":null,\"d\":null}\n"
                 "{\"at\":2}\n"
                 "{\"n\":3}\n"
                 "{}\n"
                 "{\"at\":5,\"n\":null}\n"
                 "{\"at\":6,\"n\":6,\"x\":6,\"s\":\"six\",\"ok\":true,\"d\":\"6s\"}\n",
        "1000000|1|null|null|null|null\n"
        "6000000|6|6.0|\"six\"|true|6000000000\n"
        "! line 2 at 52 after 1 rows: field 'n' is missing [{\"at\":2}]\n"
        "! line 3 at 61 after 1 rows: field 'at' is missing [{\"n\":3}]\n"
        "! line 4 at 69 after 1 rows: field 'at' is missing [{}]\n"
        "! line 5 at 72 after 1 rows: field 'n' is null [{\"at\":5,\"n\":null}]\n");
}

static void
an_event_has_a_time_even_if_the_field_may_be_null(void **state)
{
    (void)state;
    weir_field at = { .name = "at", .type = WEIR_TIME, .is_nullable = true };
    assert_field_reads(at, "null", "! field 'at' is null");
    assert_field_reads(at, "\"1970-01-01\",\"z\":0", "0");
}

static void
of_a_name_that_occurs_twice_the_last_value_counts(void **state)
{
    (void)state;
    assert_reads("{\"at\":1,\"n\":1,\"n\":2,\"s\":\"a\",\"s\":\"b\"}\n"
                 "{\"at\":1,\"n\":\"x\",\"n\":2}\n"
                 "{\"at\":1,\"n\":2,\"n\":\"x\"}\n"
                 "{\"at\":1,\"n\":2,\"s\":\"a\",\"s\":null}\n"
                 "{\"at\":1,\"n\":2,\"s\":null,\"s\":\"a\"}\n",
        "1000000|2|null|\"b\"|null|null\n1000000|2|null|null|null|null\n"
        "1000000|2|null|null|null|null\n1000000|2|null|\"a\"|null|null\n"
        "! line 3 at 60 after 2 rows: field 'n': \"x\" is not an int "
        "[{\"at\":1,\"n\":2,\"n\":\"x\"}]\n");
}

static void
names_with_escapes_are_the_names_they_say(void **state)
{
    (void)state;
    assert_reads(
        "{\"\\u0061t\":1,\"n\":1}\n{\"\\u0061t\":2,\"\\u006e\":2}\n{\"at\":3,\"n\":3}\n",
        "1000000|1|null|null|null|null\n2000000|2|null|null|null|null\n"
        "3000000|3|null|null|null|null\n");
}

static void
fields_are_found_by_pointer_or_name(void **state)
{
    (void)state;
    weir_field fields[] = {
        { .name = "a", .type = WEIR_INT, .from = "/p/a" },
        { .name = "b", .type = WEIR_STRING, .is_nullable = true, .from = "/p/q/b" },
        { .name = "c", .type = WEIR_INT, .is_nullable = true, .from = "/list/1" },
        { .name = "d", .type = WEIR_INT, .is_nullable = true, .from = "a/b" },
        { .name = "e", .type = WEIR_INT, .is_nullable = true, .from = "/a~1b" },
        { .name = "f", .type = WEIR_INT, .is_nullable = true, .from = "/m~0n/x" },
        { .name = "g", .type = WEIR_INT, .is_nullable = true, .from = "/list/2/g" },
        { .name = "h", .type = WEIR_STRING, .is_nullable = true, .from = "/p/q/b" },
        { .name = "i", .type = WEIR_INT, .is_nullable = true, .from = "/" },
    };
    weir_schema          schema = { .fields = fields, .n_fields = 9, .time_field = -1 };
    weiri_decoder_config config = json_of(&schema);
    const char          *text =
        "{\"p\":{\"q\":{\"z\":0,\"b\":\"bee\"},\"a\":1},\"list\":[7,8,{\"g\":9}],\"a/"
        "b\":3,"
        "\"m~n\":{\"x\":4},\"\":5}\n"
        "{\"p\":{\"a\":1,\"q\":[]},\"list\":{\"1\":6,\"2\":null},\"m~n\":5}\n"
        "{\"p\":{\"a\":1,\"a\":2}, \"p\":{}}\n"
        "{\"p\":{\"a\":\"x\"}, \"p\":{\"a\":3}}\n"
        "{\"p\":1}\n"
        "{\"p\":{\"a\":1},\"list\":[]}\n"
        "{\"p\":{\"a\":1},\"list\":[1,]}\n";
    assert_decodes(&config, text,
        "1|\"bee\"|8|3|3|4|9|\"bee\"|5\n"
        "1|null|6|null|null|null|null|null|null\n"
        "3|null|null|null|null|null|null|null|null\n"
        "1|null|null|null|null|null|null|null|null\n"
        "! line 3 at 137 after 2 rows: field 'a' is missing "
        "[{\"p\":{\"a\":1,\"a\":2}, \"p\":{}}]\n"
        "! line 5 at 194 after 3 rows: field 'a' is missing [{\"p\":1}]\n"
        "! line 7 at 226 after 4 rows: not JSON at character 24: expected a value "
        "[{\"p\":{\"a\":1},\"list\":[1,]}]\n");
}

static void
paths_that_cannot_be_are_refused(void **state)
{
    (void)state;
    weir_field  field  = { .name = "a", .type = WEIR_INT, .from = "/a~2" };
    weir_schema schema = {
        .name = "s", .fields = &field, .n_fields = 1, .time_field = -1
    };
    weiri_decoder_config config = json_of(&schema);
    assert_decodes(&config, "",
        "error: field 'a': in the path '/a~2', '~' has to be written ~0, and '/' inside "
        "a "
        "name ~1\n");
    char deep[WEIRI_NESTING * 2 + 3] = "";
    for (int i = 0; i <= WEIRI_NESTING; i++) {
        memcpy(deep + 2 * i, "/a", 3);
    }
    field.from = deep;
    assert_decodes(&config, "", "error: field 'a': its path has more than 64 parts\n");
    field.from = NULL;
    field.type = WEIR_LIST;
    assert_decodes(&config, "", "error: field 'a': a list cannot be read from input\n");
}

/* {"z":[[…]]}: the record is one level itself. */
static void
assert_depth(const char *from, int depth, const char *expected)
{
    weir_field  n = { .name = "n", .type = WEIR_INT, .is_nullable = true, .from = from };
    weir_schema schema             = { .fields = &n, .n_fields = 1, .time_field = -1 };
    weiri_decoder_config config    = json_of(&schema);
    char                 text[400] = "{\"z\":";
    char                 result[600];
    memset(text + 5, '[', (size_t)depth);
    memset(text + 5 + depth, ']', (size_t)depth);
    memcpy(text + 5 + 2 * depth, "}", 2);
    snprintf(
        result, sizeof result, "! line 1 at 0 after 0 rows: %s [%s]\n", expected, text);
    assert_decodes(&config, text, strcmp(expected, "null\n") == 0 ? expected : result);
}

static void
nesting_ends_at_its_bound(void **state)
{
    (void)state;
    const char *deep = "not JSON at character 69: nested too deeply";
    assert_depth("n", WEIRI_NESTING - 1, "null\n");
    assert_depth("n", WEIRI_NESTING, deep);
    assert_depth("/z/0/0/1", WEIRI_NESTING - 1, "null\n");
    assert_depth("/z/0/0/1", WEIRI_NESTING, deep);
}

static void
what_is_no_object_is_dead(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *reason;
    } CASES[] = {
        { "[1]", "1: a record has to be an object, {...}" },
        { "5", "1: a record has to be an object, {...}" },
        { "{", "2: expected a name in quotes" },
        { "{\"at\"}", "6: expected ':' after a name" },
        { "{\"at\":}", "7: expected a value" },
        { "{\"at\":1,}", "9: expected a name in quotes" },
        { "{,}", "2: expected a name in quotes" },
        { "{\"at\":1 \"n\":1}", "9: expected ',' or '}' after a member" },
        { "{\"at\":1,\"n\":1} x", "16: something follows the object" },
        { "{\"at\":1,\"n\":1}{}", "15: something follows the object" },
        { "{\"at\":1,\"n\":1", "14: expected ',' or '}' after a member" },
        { "{'at':1}", "2: expected a name in quotes" },
        { "{\"z\":[1 2]}", "9: expected ',' or ']' after an item" },
        { "{\"z\":[1}", "8: expected ',' or ']' after an item" },
        { "{\"z\":{\"a\" 1}}", "11: expected ':' after a name" },
        { "{\"z\":{\"a\":1]}", "12: expected ',' or '}' after a member" },
        { "{\"z\":{1:1}}", "7: expected a name in quotes" },
        { "{\"z\":nul}", "6: expected a value" },
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char text[200];
        char expected[400];
        snprintf(text, sizeof text, "%s\n{\"at\":1,\"n\":1}\n", CASES[i].line);
        snprintf(expected, sizeof expected,
            "1000000|1|null|null|null|null\n"
            "! line 1 at 0 after 0 rows: not JSON at character %s [%s]\n",
            CASES[i].reason, CASES[i].line);
        assert_reads(text, expected);
    }
}

static void
long_values_are_shortened_in_reasons(void **state)
{
    (void)state;
    weir_field n = { .name = "n", .type = WEIR_INT };
    assert_field_reads(n,
        "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\u00e9\u00e9\"",
        "! field 'n': \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\u2026 "
        "is not an int");
}

static void
unused_fields_are_checked_and_not_stored(void **state)
{
    (void)state;
    static const bool    USED[] = { true, false, false, false, false, false };
    weiri_decoder_config config = json_of(&SCHEMA);
    config.used                 = USED;
    const char *text =
        "{\"at\":1,\"n\":1,\"x\":1.5,\"s\":\"\\n\",\"ok\":true,\"d\":\"1s\"}\n"
        "{\"at\":2,\"n\":\"x\"}\n"
        "{\"at\":3,\"n\":3,\"s\":5}\n"
        "{\"at\":4,\"n\":3,\"d\":\"5\"}\n"
        "{\"at\":5,\"n\":5}\n";
    assert_decodes(&config, text,
        "1000000|null|null|null|null|null\n5000000|null|null|null|null|null\n"
        "! line 2 at 51 after 1 rows: field 'n': \"x\" is not an int "
        "[{\"at\":2,\"n\":\"x\"}]\n"
        "! line 3 at 68 after 1 rows: field 's': 5 is not a string "
        "[{\"at\":3,\"n\":3,\"s\":5}]\n"
        "! line 4 at 89 after 1 rows: field 'd': \"5\" is not a duration "
        "[{\"at\":4,\"n\":3,\"d\":\"5\"}]\n");
}

static void
a_dead_record_leaves_no_null_behind(void **state)
{
    (void)state;
    assert_reads("{\"at\":1,\"n\":1,\"s\":null,\"x\":null}\n{\"at\":2,\"n\":2,\"s\":"
                 "\"b\",\"x\":2}\n",
        "1000000|1|null|null|null|null\n2000000|2|2.0|\"b\"|null|null\n");
    assert_reads("{\"at\":1,\"s\":null,\"ok\":null}\n{\"at\":2,\"n\":2,\"s\":\"b\","
                 "\"ok\":false}\n",
        "2000000|2|null|\"b\"|false|null\n"
        "! line 1 at 0 after 0 rows: field 'n' is missing "
        "[{\"at\":1,\"s\":null,\"ok\":null}]\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_read_from_its_json),
        cmocka_unit_test(lines_may_end_in_any_way_and_blank_ones_are_skipped),
        cmocka_unit_test(byte_order_mark_before_the_first_line_is_skipped),
        cmocka_unit_test(members_come_in_any_order_and_with_any_space),
        cmocka_unit_test(undeclared_members_are_skipped_whatever_they_are),
        cmocka_unit_test(more_undeclared_names_than_are_remembered_do_no_harm),
        cmocka_unit_test(string_escapes_are_undone),
        cmocka_unit_test(zero_character_is_a_character),
        cmocka_unit_test(broken_strings_are_dead),
        cmocka_unit_test(integers_are_exact_or_dead),
        cmocka_unit_test(numbers_follow_the_grammar_of_json),
        cmocka_unit_test(floats_are_rounded_correctly),
        cmocka_unit_test(times_are_read_in_their_form),
        cmocka_unit_test(durations_are_text_and_bools_are_words),
        cmocka_unit_test(missing_and_null_are_null_where_allowed_and_dead_elsewhere),
        cmocka_unit_test(an_event_has_a_time_even_if_the_field_may_be_null),
        cmocka_unit_test(of_a_name_that_occurs_twice_the_last_value_counts),
        cmocka_unit_test(names_with_escapes_are_the_names_they_say),
        cmocka_unit_test(fields_are_found_by_pointer_or_name),
        cmocka_unit_test(paths_that_cannot_be_are_refused),
        cmocka_unit_test(nesting_ends_at_its_bound),
        cmocka_unit_test(what_is_no_object_is_dead),
        cmocka_unit_test(long_values_are_shortened_in_reasons),
        cmocka_unit_test(unused_fields_are_checked_and_not_stored),
        cmocka_unit_test(a_dead_record_leaves_no_null_behind),
    };
    return cmocka_run_group_tests_name("decode_json", tests, NULL, NULL);
}
