#include "weir_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/decode_assert.h"
#include "weiri/limits.h"

static const weir_field FIELDS[] = {
    { .name = "at", .type = WEIR_TIME },
    { .name = "user", .type = WEIR_STRING },
    { .name = "n", .type = WEIR_INT, .is_nullable = true },
    { .name = "ip", .type = WEIR_STRING, .is_nullable = true, .from = "address" },
};
static const weir_schema SCHEMA = {
    .name = "auth", .fields = FIELDS, .n_fields = 4, .time_field = 0
};

static const weir_field YEARLESS[] = {
    { .name      = "at",
        .type    = WEIR_TIME,
        .form    = WEIR_TIME_PATTERN,
        .pattern = "%b %d %H:%M:%S" },
};
static const weir_schema YEARLESS_SCHEMA = {
    .name = "log", .fields = YEARLESS, .n_fields = 1, .time_field = 0
};

static weiri_decoder_config
lines_of(const weir_schema *schema, const char *pattern)
{
    return (weiri_decoder_config){
        .schema = schema, .format = WEIRI_FORMAT_LINES, .lines = { .pattern = pattern }
    };
}

static void
assert_reads(const char *text, const char *expected)
{
    weiri_decoder_config config = lines_of(
        &SCHEMA, "^(?<at>\\S+) (?<user>\\w*)( (?<n>[^ @]*))?( @(?<address>.*))?$");
    assert_decodes(&config, text, expected);
}

static void
groups_fill_the_fields_of_their_names(void **state)
{
    (void)state;
    assert_reads("1970-01-01T00:00:01Z root 5 @10.0.0.9\n1970-01-01T00:00:02Z bob\n",
        "1000000000|\"root\"|5|\"10.0.0.9\"\n2000000000|\"bob\"|null|null\n");
}

static void
lines_may_end_in_any_way_and_empty_ones_are_skipped(void **state)
{
    (void)state;
    assert_reads("\n\r\n1970-01-01T00:00:01Z a\r\n\n1970-01-01T00:00:02Z b",
        "1000000000|\"a\"|null|null\n2000000000|\"b\"|null|null\n");
    assert_reads("", "");
}

static void
what_is_empty_is_text_or_null(void **state)
{
    (void)state;
    assert_reads("1970-01-01T00:00:01Z   @\n", "1000000000|\"\"|null|null\n");
}

static void
lines_that_the_pattern_does_not_fit_are_dead_and_so_are_wrong_values(void **state)
{
    (void)state;
    assert_reads("hello\n1970-01-01T00:00:01Z a x\nnow b\n\xFF\n1970-01-01T00:00:02Z b\n",
        "2000000000|\"b\"|null|null\n"
        "! line 1 at 0 after 0 rows: the pattern does not fit this line [hello]\n"
        "! line 2 at 6 after 0 rows: field 'n': x is not an int "
        "[1970-01-01T00:00:01Z a x]\n"
        "! line 3 at 31 after 0 rows: field 'at': now is not a time [now b]\n"
        "! line 4 at 37 after 0 rows: not UTF-8 [\xFF]\n");
}

static void
line_on_which_the_pattern_takes_too_long_is_dead(void **state)
{
    (void)state;
    static const char    A[]    = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    weiri_decoder_config config = lines_of(&SCHEMA, "^(?<at>\\S+) (?<user>(a+)+)$");
    char                 text[256];
    char                 expected[256];
    snprintf(text, sizeof text, "%s %s!\n1970-01-01T00:00:02Z aa\n", A, A);
    snprintf(expected, sizeof expected,
        "2000000000|\"aa\"|null|null\n! line 1 at 0 after 0 rows: the pattern takes too "
        "many steps on this line [%s %s!]\n",
        A, A);
    assert_decodes(&config, text, expected);
}

static void
field_that_has_to_be_there_is_missed(void **state)
{
    (void)state;
    weiri_decoder_config config = lines_of(&SCHEMA, "^(?<at>\\S+)( (?<user>\\w+))?$");
    assert_decodes(&config, "1970-01-01T00:00:01Z\n",
        "! line 1 at 0 after 0 rows: field 'user' is missing [1970-01-01T00:00:01Z]\n");
}

static void
years_that_are_not_said_go_on_at_their_end(void **state)
{
    (void)state;
    weiri_decoder_config config = lines_of(&YEARLESS_SCHEMA, "^(?<at>.*)$");
    config.lines.year           = 2019;
    assert_decodes(&config,
        "Dec 31 23:59:59\nJan 1 00:00:00\nDec 31 23:59:58\nFeb 29 12:00:00\nJan 1 "
        "00:00:01\n",
        "1577836799000000000\n1577836800000000000\n1577836798000000000\n"
        "1582977600000000000\n1577836801000000000\n");
}

static size_t
cut_large(void *context)
{
    (void)context;
    return 300007;
}

static void
line_that_is_too_long_is_dead_once(void **state)
{
    (void)state;
    weiri_decoder_config config = lines_of(&YEARLESS_SCHEMA, "^(?<at>.*)$");
    config.lines.year           = 1970;
    size_t      size            = 3 * (size_t)WEIRI_RECORD_BYTES;
    char       *text            = malloc(size + 32);
    decode_dump whole;
    decode_dump cut;
    assert_non_null(text);
    memset(text, 'x', size);
    strcpy(text + size, "\nJan 1 00:00:01\n");
    decode_dump_run(&whole, &config, text, strlen(text), decode_cut_whole, NULL);
    decode_dump_run(&cut, &config, text, strlen(text), cut_large, NULL);
    assert_int_equal(whole.n_dead, 1);
    assert_int_equal(whole.n_rows, 1);
    assert_string_equal(whole.out.bytes, cut.out.bytes);
    decode_dump_fini(&whole);
    decode_dump_fini(&cut);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_fill_the_fields_of_their_names),
        cmocka_unit_test(lines_may_end_in_any_way_and_empty_ones_are_skipped),
        cmocka_unit_test(what_is_empty_is_text_or_null),
        cmocka_unit_test(
            lines_that_the_pattern_does_not_fit_are_dead_and_so_are_wrong_values),
        cmocka_unit_test(line_on_which_the_pattern_takes_too_long_is_dead),
        cmocka_unit_test(field_that_has_to_be_there_is_missed),
        cmocka_unit_test(years_that_are_not_said_go_on_at_their_end),
        cmocka_unit_test(line_that_is_too_long_is_dead_once),
    };
    return cmocka_run_group_tests_name("decode_lines", tests, NULL, NULL);
}
