#include "weir_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/decode_assert.h"
#include "weiri/limits.h"

static const weir_field FIELDS[] = {
    { .name = "at", .type = WEIR_TIME },
    { .name = "n", .type = WEIR_INT },
    { .name = "s", .type = WEIR_STRING },
    { .name = "x", .type = WEIR_FLOAT, .is_nullable = true },
    { .name = "t", .type = WEIR_STRING, .is_nullable = true, .from = "the text" },
};
static const weir_schema SCHEMA = {
    .name = "all", .fields = FIELDS, .n_fields = 5, .time_field = 0
};

#define HEADER "at,n,s,x,the text\n"
#define DAY    "1970-01-02"
#define DAY_NS "86400000000000"

static weiri_decoder_config
csv_of(const weir_schema *schema, bool has_header)
{
    return (weiri_decoder_config){ .schema = schema,
        .format                            = WEIRI_FORMAT_CSV,
        .has_header                        = has_header,
        .delimiter                         = ',' };
}

static void
assert_reads(const char *text, const char *expected)
{
    weiri_decoder_config config = csv_of(&SCHEMA, true);
    assert_decodes(&config, text, expected);
}

/* A record of two cells without header: the cell, then 1. */
static void
assert_cell_reads(weir_field field, const char *cell, const char *expected)
{
    weir_field           fields[] = { field, { .name = "last", .type = WEIR_INT } };
    weir_schema          schema   = { .fields = fields, .n_fields = 2, .time_field = -1 };
    weiri_decoder_config config   = csv_of(&schema, false);
    char                 line[512];
    char                 result[1024];
    snprintf(line, sizeof line, "%s,1\n", cell);
    if (expected[0] == '!') {
        snprintf(result, sizeof result, "! line 1 at 0 after 0 rows: %s [%s,1]\n",
            expected + 2, cell);
    } else {
        snprintf(result, sizeof result, "%s|1\n", expected);
    }
    assert_decodes(&config, line, result);
}

static void
columns_are_found_by_the_header_in_any_order(void **state)
{
    (void)state;
    assert_reads("the text,other,x,s,n,at\n"
                 "text,!,0.5,w\u00f6rd,-5," DAY "\n",
        DAY_NS "|-5|\"w\u00f6rd\"|0.5|\"text\"\n");
    assert_reads("\"at\",\"n\",s,x,\"the text\"\r\n" DAY ",1,a,2,b\r\n",
        DAY_NS "|1|\"a\"|2.0|\"b\"\n");
}

static void
without_a_header_columns_are_the_fields_in_order(void **state)
{
    (void)state;
    weiri_decoder_config config = csv_of(&SCHEMA, false);
    assert_decodes(&config, DAY ",1,a,2,b\n" DAY ",2,b,,",
        DAY_NS "|1|\"a\"|2.0|\"b\"\n" DAY_NS "|2|\"b\"|null|null\n");
}

static void
delimiter_may_be_another(void **state)
{
    (void)state;
    weiri_decoder_config config = csv_of(&SCHEMA, true);
    config.delimiter            = ';';
    assert_decodes(&config, "at;n;s;x;the text\n" DAY ";1;\"a;b\";2;c,d\n",
        DAY_NS "|1|\"a;b\"|2.0|\"c,d\"\n");
    config.delimiter = '\t';
    assert_decodes(&config, "at\tn\ts\tx\tthe text\n" DAY "\t1\ta\t2\tc\n",
        DAY_NS "|1|\"a\"|2.0|\"c\"\n");
    config.delimiter = '"';
    assert_decodes(&config, "", "error: this character cannot be a CSV delimiter\n");
}

static void
a_header_without_a_declared_column_ends_the_input(void **state)
{
    (void)state;
    assert_reads("at,num,s,x,the_text\n" DAY ",1,a,2,b\n",
        "error: the header has no column 'n'; its columns are 'at', 'num', 's', 'x', "
        "'the_text'; 'from \"NAME\"' after a field names another\n");
    assert_reads("at,n,s,x,the_text\n", "error: the header has no column 'the text' (did "
                                        "you mean 'the_text'?); its columns "
                                        "are 'at', 'n', 's', 'x', 'the_text'\n");
    assert_reads(
        "at,n,n,s,x,the text\n", "error: the header has more than one column 'n'\n");
    assert_reads("at,\"n\n", "error: the header is wrong: a quote is not closed\n");
    assert_reads("at,\xFF\n", "error: the header is not UTF-8\n");
}

static void
an_input_without_records_is_no_error(void **state)
{
    (void)state;
    assert_reads("", "");
    assert_reads("\n\r\n", "");
    assert_reads(HEADER, "");
    assert_reads("\xEF\xBB\xBF" HEADER, "");
}

static void
byte_order_mark_is_skipped_and_counts_in_positions(void **state)
{
    (void)state;
    assert_reads("\xEF\xBB\xBF\"at\",n,s,x,the text\n" DAY ",1,a,2,b\nx\n",
        DAY_NS "|1|\"a\"|2.0|\"b\"\n! line 3 at 42 after 1 rows: 1 cell, not 5 [x]\n");
}

static void
quoted_cells_hold_delimiters_quotes_and_lines(void **state)
{
    (void)state;
    assert_reads(HEADER DAY ",1,\"a,b\",2,\"say \"\"hi\"\"\"\n" DAY
                            ",\"2\",\"one\ntwo\r\nthree\",\"3.5\",\"\"\"\"\n"
                            "\"" DAY "\",3,plain,,\"\"\n" DAY ",x,,,\n",
        DAY_NS "|1|\"a,b\"|2.0|\"say \"hi\"\"\n" DAY_NS
               "|2|\"one\ntwo\r\nthree\"|3.5|\"\"\"\n" DAY_NS "|3|\"plain\"|null|null\n"
               "! line 7 at 120 after 3 rows: field 'n': \"x\" is not an int [" DAY
               ",x,,,]\n");
}

static void
wrong_quotes_are_dead_and_end_with_their_line(void **state)
{
    (void)state;
    const char *good = DAY_NS "|1|\"a\"|null|null\n";
    static const struct {
        const char *line;
        const char *reason;
    } CASES[] = {
        { "a\"b", "a quote inside a cell that does not begin with one" },
        { "x,a\"b\",c", "a quote inside a cell that does not begin with one" },
        { "\"a\"b", "something follows the closing quote of a cell" },
        { "\"a\" ,\"", "something follows the closing quote of a cell" },
        { "\"a\"\r\"b", "something follows the closing quote of a cell" },
        { "\"a\"\r,b", "something follows the closing quote of a cell" },
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char text[200];
        char expected[300];
        snprintf(text, sizeof text, HEADER "%s\n" DAY ",1,a,,\n", CASES[i].line);
        snprintf(expected, sizeof expected, "%s! line 2 at 18 after 0 rows: %s [%s]\n",
            good, CASES[i].reason, CASES[i].line);
        assert_reads(text, expected);
    }
    assert_reads(HEADER DAY ",1,a,,\n" DAY ",1,\"a,,\n" DAY ",1,b,,\n",
        DAY_NS "|1|\"a\"|null|null\n"
               "! line 3 at 35 after 1 rows: a quote is not closed [" DAY ",1,\"a,,\n" DAY
               ",1,b,,\n]\n");
}

static void
a_record_has_as_many_cells_as_the_header(void **state)
{
    (void)state;
    assert_reads(HEADER DAY ",1,a,,\n" DAY ",1,a,\n" DAY ",1,a,,,\n" DAY ",2,b,,\n",
        DAY_NS "|1|\"a\"|null|null\n" DAY_NS "|2|\"b\"|null|null\n"
               "! line 3 at 35 after 1 rows: 4 cells, not 5 [" DAY ",1,a,]\n"
               "! line 4 at 51 after 1 rows: 6 cells, not 5 [" DAY ",1,a,,,]\n");
}

static void
lines_may_end_in_any_way_and_empty_ones_are_skipped(void **state)
{
    (void)state;
    assert_reads("\n" HEADER "\n\r\n" DAY ",1,a,,\r\n\n\n" DAY ",2,b,,\n" DAY ",3,c,,",
        DAY_NS "|1|\"a\"|null|null\n" DAY_NS "|2|\"b\"|null|null\n" DAY_NS
               "|3|\"c\"|null|null\n");
    assert_reads(HEADER DAY ",1,a,,b\r", DAY_NS "|1|\"a\"|null|\"b\"\n");
    assert_reads(HEADER "\n\nx\r\n", "! line 4 at 20 after 0 rows: 1 cell, not 5 [x]\n");
    assert_reads(HEADER " \n", "! line 2 at 18 after 0 rows: 1 cell, not 5 [ ]\n");
}

static void
an_empty_cell_is_empty_text_or_null(void **state)
{
    (void)state;
    weir_field s = { .name = "s", .type = WEIR_STRING };
    weir_field n = { .name = "n", .type = WEIR_INT };
    assert_cell_reads(s, "", "\"\"");
    assert_cell_reads(s, "\"\"", "\"\"");
    assert_cell_reads(n, "", "! field 'n' is empty");
    assert_cell_reads(n, "\"\"", "! field 'n' is empty");
    s.is_nullable = true;
    n.is_nullable = true;
    assert_cell_reads(s, "", "null");
    assert_cell_reads(s, "\"\"", "null");
    assert_cell_reads(n, "", "null");
    assert_cell_reads(s, "null", "\"null\"");
}

static void
an_event_has_a_time_even_if_the_field_may_be_null(void **state)
{
    (void)state;
    weir_field  fields[] = { { .name = "at", .type = WEIR_TIME, .is_nullable = true },
         { .name = "n", .type = WEIR_INT } };
    weir_schema schema   = { .fields = fields, .n_fields = 2, .time_field = 0 };
    weiri_decoder_config config = csv_of(&schema, false);
    assert_decodes(&config, ",1\n" DAY ",2\n",
        DAY_NS "|2\n! line 1 at 0 after 0 rows: field 'at' is empty [,1]\n");
}

static void
cells_of_every_type_are_read_exactly(void **state)
{
    (void)state;
    weir_field n  = { .name = "n", .type = WEIR_INT };
    weir_field x  = { .name = "x", .type = WEIR_FLOAT };
    weir_field ok = { .name = "ok", .type = WEIR_BOOL };
    weir_field d  = { .name = "d", .type = WEIR_DURATION };
    weir_field at = { .name = "at", .type = WEIR_TIME };
    assert_cell_reads(n, "0", "0");
    assert_cell_reads(n, "+5", "5");
    assert_cell_reads(n, "007", "7");
    assert_cell_reads(n, "5.0", "5");
    assert_cell_reads(n, "1e3", "1000");
    assert_cell_reads(n, "-9223372036854775808", "-9223372036854775808");
    assert_cell_reads(
        n, "9223372036854775808", "! field 'n': \"9223372036854775808\" is not an int");
    assert_cell_reads(n, "0.5", "! field 'n': \"0.5\" is not an int");
    assert_cell_reads(n, " 5", "! field 'n': \" 5\" is not an int");
    assert_cell_reads(n, "5x", "! field 'n': \"5x\" is not an int");
    assert_cell_reads(x, "0.1", "0.1");
    assert_cell_reads(x, "-1e-7", "-1e-7");
    assert_cell_reads(x, ".5", "0.5");
    assert_cell_reads(x, "12345678.12345678", "12345678.12345678");
    assert_cell_reads(x, "nan", "! field 'x': \"nan\" is not a float");
    assert_cell_reads(x, "1e999", "! field 'x': \"1e999\" is not a float");
    assert_cell_reads(ok, "true", "true");
    assert_cell_reads(ok, "false", "false");
    assert_cell_reads(ok, "1", "true");
    assert_cell_reads(ok, "0", "false");
    assert_cell_reads(ok, "yes", "! field 'ok': \"yes\" is not a bool");
    assert_cell_reads(d, "1m30s", "90000000000");
    assert_cell_reads(d, "90", "! field 'd': \"90\" is not a duration");
    assert_cell_reads(at, "2017-03-27T13:08:09Z", "1490620089000000000");
    assert_cell_reads(at, "\"2017-03-27 13:08:09\"", "1490620089000000000");
    assert_cell_reads(at, "soon", "! field 'at': \"soon\" is not a time");
    at.form = WEIR_TIME_S;
    assert_cell_reads(at, "1490620089.5", "1490620089500000000");
    at.form    = WEIR_TIME_PATTERN;
    at.pattern = "%d.%m.%Y %H:%M";
    assert_cell_reads(at, "27.03.2017 13:08", "1490620080000000000");
}

static void
cells_that_are_not_utf8_are_dead(void **state)
{
    (void)state;
    assert_reads(HEADER DAY ",1,\xFF,,\n" DAY ",1,\"\xC3\",,\n" DAY ",1,\u00e9,,\n",
        DAY_NS "|1|\"\u00e9\"|null|null\n"
               "! line 2 at 18 after 0 rows: not UTF-8 [" DAY ",1,\xFF,,]\n"
               "! line 3 at 35 after 0 rows: not UTF-8 [" DAY ",1,\"\xC3\",,]\n");
}

static void
one_column_may_be_several_fields(void **state)
{
    (void)state;
    weir_field fields[] = {
        { .name = "a", .type = WEIR_STRING, .from = "c" },
        { .name = "b", .type = WEIR_STRING, .from = "c", .is_nullable = true },
        { .name = "n", .type = WEIR_INT, .from = "c", .is_nullable = true },
        { .name = "e", .type = WEIR_STRING, .from = "c" },
    };
    weir_schema          schema = { .fields = fields, .n_fields = 4, .time_field = -1 };
    weiri_decoder_config config = csv_of(&schema, true);
    assert_decodes(&config, "c,d\n12345,\n,\n\"67890\",\nx,\n",
        "\"12345\"|\"12345\"|12345|\"12345\"\n\"\"|null|null|\"\"\n"
        "\"67890\"|\"67890\"|67890|\"67890\"\n"
        "! line 5 at 22 after 3 rows: field 'n': \"x\" is not an int [x,]\n");
}

static void
unused_fields_are_checked_and_not_stored(void **state)
{
    (void)state;
    static const bool    USED[] = { false, false, true, false, false };
    weiri_decoder_config config = csv_of(&SCHEMA, true);
    config.used                 = USED;
    assert_decodes(&config, HEADER DAY ",1,a,2,b\n" DAY ",x,a,2,b\n",
        "null|null|\"a\"|null|null\n"
        "! line 3 at 37 after 1 rows: field 'n': \"x\" is not an int [" DAY
        ",x,a,2,b]\n");
}

static size_t
cut_64k(void *context)
{
    (void)context;
    return 65536;
}

/* 1970-01-02,1,aaa…,, of `size` bytes, in quotes with lines inside if asked for. */
static char *
make_long_record(size_t size, bool is_quoted, const char *tail, size_t *total)
{
    size_t n_head = strlen(HEADER DAY ",1,");
    char  *text   = malloc(strlen(HEADER) + size + strlen(tail) + 1);
    assert_non_null(text);
    memcpy(text, HEADER DAY ",1,", n_head);
    char *record = text + strlen(HEADER);
    memset(text + n_head, 'a', strlen(HEADER) + size - n_head);
    for (size_t i = 100; is_quoted && i + 100 < size; i += 1000) {
        record[i] = '\n';
    }
    memcpy(record + size - 3, is_quoted ? "\",," : "a,,", 3);
    if (is_quoted) {
        text[n_head] = '"';
    }
    strcpy(record + size, tail);
    *total = strlen(text);
    return text;
}

static void
the_longest_record_is_read_and_a_longer_one_is_dead_once(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        bool   is_quoted;
        bool   is_dead;
    } CASES[]                       = { { WEIRI_RECORD_BYTES, false, false },
                              { WEIRI_RECORD_BYTES, true, false }, { WEIRI_RECORD_BYTES + 1, false, true },
                              { WEIRI_RECORD_BYTES + 1, true, true }, { 5 * WEIRI_RECORD_BYTES, false, true },
                              { 5 * WEIRI_RECORD_BYTES, true, true } };
    static const char *const ENDS[] = { "\n", "\r\n" };
    weiri_decoder_config     config = csv_of(&SCHEMA, true);
    for (size_t i = 0; i < 2 * sizeof CASES / sizeof CASES[0]; i++) {
        size_t     size = 0;
        char       tail[64];
        decode_cut cuts[] = { decode_cut_whole, cut_64k };
        snprintf(tail, sizeof tail, "%s" DAY ",2,b,,\n", ENDS[i % 2]);
        char *text =
            make_long_record(CASES[i / 2].size, CASES[i / 2].is_quoted, tail, &size);
        for (int k = 0; k < 2; k++) {
            decode_dump dump;
            decode_dump_run(&dump, &config, text, size, cuts[k], NULL);
            bool is_dead = CASES[i / 2].is_dead;
            assert_int_equal(dump.n_rows, is_dead ? 1 : 2);
            assert_memory_equal(
                dump.out.bytes, is_dead ? DAY_NS "|2|" : DAY_NS "|1|", 17);
            assert_non_null(strstr(dump.out.bytes, DAY_NS "|2|\"b\"|null|null\n"));
            assert_int_equal(
                strstr(dump.out.bytes, "! line 2 at 18 after 0 rows: longer than the "
                                       "1048576 bytes a record may have [" DAY)
                    != NULL,
                is_dead);
            decode_dump_fini(&dump);
        }
        free(text);
    }
}

static void
lines_inside_a_discarded_record_are_counted(void **state)
{
    (void)state;
    enum { SIZE = 2 * WEIRI_RECORD_BYTES };
    size_t               size     = 0;
    char                *text     = make_long_record(SIZE, true, "\nx\n", &size);
    weiri_decoder_config config   = csv_of(&SCHEMA, true);
    decode_cut           cuts[]   = { decode_cut_whole, cut_64k };
    int                  n_inside = 0;
    char                 dead[100];
    for (size_t i = 100; i + 100 < SIZE; i += 1000) {
        n_inside++;
    }
    snprintf(dead, sizeof dead, "! line %d at %d after 0 rows: 1 cell, not 5 [x]\n",
        3 + n_inside, 18 + SIZE + 1);
    for (int k = 0; k < 2; k++) {
        decode_dump dump;
        decode_dump_run(&dump, &config, text, size, cuts[k], NULL);
        assert_string_equal(dump.out.bytes + dump.out.used - strlen(dead), dead);
        decode_dump_fini(&dump);
    }
    free(text);
}

static void
more_columns_than_the_bound_are_told(void **state)
{
    (void)state;
    enum { N = 5000 };
    char text[2 * N + 200] = "at,n,s,x,the text";
    for (int i = 0; i < N; i++) {
        strcat(text, ",");
    }
    strcat(text, "\n");
    assert_reads(text, "error: the header has more than 4096 columns\n");
    char expected[2 * N + 400];
    snprintf(text, sizeof text, HEADER "%0*d\n", N, 0);
    for (char *p = text + strlen(HEADER); *p != '\n'; p++) {
        *p = ',';
    }
    snprintf(expected, sizeof expected,
        "! line 2 at 18 after 0 rows: %d cells, not 5 [%.*s]\n", N + 1, N,
        text + strlen(HEADER));
    assert_reads(text, expected);
}

static void
a_full_chunk_is_emptied_and_filled_again(void **state)
{
    (void)state;
    enum { N = 3000 };
    char  *text     = malloc(N * 32);
    char  *expected = malloc(N * 48);
    size_t n        = 0;
    size_t m        = 0;
    assert_non_null(text);
    assert_non_null(expected);
    for (int i = 0; i < N; i++) {
        n += (size_t)sprintf(text + n, DAY ",%d,\"q%d\",,\n", i, i);
        m += (size_t)sprintf(expected + m, DAY_NS "|%d|\"q%d\"|null|null\n", i, i);
    }
    weiri_decoder_config config = csv_of(&SCHEMA, false);
    assert_decodes(&config, text, expected);
    free(text);
    free(expected);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_found_by_the_header_in_any_order),
        cmocka_unit_test(without_a_header_columns_are_the_fields_in_order),
        cmocka_unit_test(delimiter_may_be_another),
        cmocka_unit_test(a_header_without_a_declared_column_ends_the_input),
        cmocka_unit_test(an_input_without_records_is_no_error),
        cmocka_unit_test(byte_order_mark_is_skipped_and_counts_in_positions),
        cmocka_unit_test(quoted_cells_hold_delimiters_quotes_and_lines),
        cmocka_unit_test(wrong_quotes_are_dead_and_end_with_their_line),
        cmocka_unit_test(a_record_has_as_many_cells_as_the_header),
        cmocka_unit_test(lines_may_end_in_any_way_and_empty_ones_are_skipped),
        cmocka_unit_test(an_empty_cell_is_empty_text_or_null),
        cmocka_unit_test(an_event_has_a_time_even_if_the_field_may_be_null),
        cmocka_unit_test(cells_of_every_type_are_read_exactly),
        cmocka_unit_test(cells_that_are_not_utf8_are_dead),
        cmocka_unit_test(one_column_may_be_several_fields),
        cmocka_unit_test(unused_fields_are_checked_and_not_stored),
        cmocka_unit_test(the_longest_record_is_read_and_a_longer_one_is_dead_once),
        cmocka_unit_test(lines_inside_a_discarded_record_are_counted),
        cmocka_unit_test(more_columns_than_the_bound_are_told),
        cmocka_unit_test(a_full_chunk_is_emptied_and_filled_again),
    };
    return cmocka_run_group_tests_name("decode_csv", tests, NULL, NULL);
}
