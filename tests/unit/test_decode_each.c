#include "weir_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/decode_assert.h"

static const weir_field FIELDS[] = {
    { .name = "session", .type = WEIR_INT },
    { .name = "note", .type = WEIR_STRING, .is_nullable = true },
    { .name = "ok", .type = WEIR_BOOL, .is_nullable = true },
    { .name = "at", .type = WEIR_TIME, .form = WEIR_TIME_S, .from = "/in/events/*/at" },
    { .name          = "kind",
        .type        = WEIR_STRING,
        .is_nullable = true,
        .from        = "/in/events/*/kind" },
};
static const weir_schema SCHEMA = {
    .name = "step", .fields = FIELDS, .n_fields = 5, .time_field = 3
};

static void
assert_reads(const char *text, const char *expected)
{
    weiri_decoder_config config = { .schema = &SCHEMA, .format = WEIRI_FORMAT_JSON };
    assert_decodes(&config, text, expected);
}

static void
each_item_is_a_row_with_what_stands_around(void **state)
{
    (void)state;
    assert_reads(
        "{\"session\":7,\"in\":{\"events\":[{\"at\":1,\"kind\":\"a\"},"
        "{\"kind\":null,\"at\":2,\"x\":[[]]} , {\"at\":3}]},\"note\":\"n\\u00e9\","
        "\"ok\":true}\n{\"session\":8,\"in\":{\"events\":[ {\"at\":4} ]}}",
        "7|\"n\u00e9\"|true|1000000000|\"a\"\n7|\"n\u00e9\"|true|2000000000|null\n"
        "7|\"n\u00e9\"|true|3000000000|null\n8|null|null|4000000000|null\n");
}

static void
an_empty_array_is_no_row(void **state)
{
    (void)state;
    assert_reads("{\"session\":7,\"in\":{\"events\":[ ]}}\n", "");
}

static void
an_item_that_is_wrong_is_dead_by_itself(void **state)
{
    (void)state;
    assert_reads("{\"session\":7,\"in\":{\"events\":[{\"at\":1},{\"at\":\"x\"}, 5 "
                 ",{\"at\":2}]}}\n",
        "7|null|null|1000000000|null\n7|null|null|2000000000|null\n"
        "! line 1 at 0 after 1 rows: field 'at': \"x\" is not a time in seconds "
        "[{\"at\":\"x\"}]\n"
        "! line 1 at 0 after 1 rows: field 'at' is missing [5]\n");
}

static void
without_what_stands_around_or_an_array_the_record_is_dead(void **state)
{
    (void)state;
    assert_reads("{\"in\":{\"events\":[{\"at\":1}]}}\n{\"session\":1}\n"
                 "{\"session\":1,\"in\":{\"events\":5}}\n"
                 "{\"session\":1,\"in\":{\"events\":[{\"at\":1},]}}\n",
        "! line 1 at 0 after 0 rows: field 'session' is missing "
        "[{\"in\":{\"events\":[{\"at\":1}]}}]\n"
        "! line 2 at 29 after 0 rows: there is no array 'events' [{\"session\":1}]\n"
        "! line 3 at 43 after 0 rows: there is no array 'events' "
        "[{\"session\":1,\"in\":{\"events\":5}}]\n"
        "! line 4 at 75 after 0 rows: not JSON at character 39: expected a value "
        "[{\"session\":1,\"in\":{\"events\":[{\"at\":1},]}}]\n");
}

/* A record of more rows than a chunk has, before and after others. */
static void
a_chunk_may_be_full_between_two_items(void **state)
{
    (void)state;
    enum { N = 2500, ROOM = 40 };
    char *text = malloc(ROOM * (N + 4));
    assert_non_null(text);
    size_t n =
        (size_t)sprintf(text, "{\"session\":1,\"in\":{\"events\":[{\"at\":0}]}}\n"
                              "{\"session\":2,\"note\":\"x\",\"in\":{\"events\":[");
    for (int i = 0; i < N; i++) {
        n += (size_t)sprintf(text + n, "%s{\"at\":%d}", i > 0 ? "," : "", i);
    }
    sprintf(text + n, "]}}\n");
    weiri_decoder_config config = { .schema = &SCHEMA, .format = WEIRI_FORMAT_JSON };
    decode_cut           cuts[] = { decode_cut_whole, decode_cut_random };
    uint64_t             seed   = 5;
    size_t               size   = strlen(text);
    char                *first  = NULL;
    for (int i = 0; i < 2; i++) {
        decode_dump dump;
        decode_dump_run(&dump, &config, text, size, cuts[i], &seed);
        assert_int_equal(dump.n_rows, N + 1);
        assert_int_equal(dump.n_dead, 0);
        assert_non_null(strstr(dump.out.bytes, "\n2|\"x\"|null|1023000000000|null\n"
                                               "2|\"x\"|null|1024000000000|null\n"));
        assert_non_null(strstr(dump.out.bytes, "\n2|\"x\"|null|2499000000000|null\n"));
        if (first != NULL) {
            assert_string_equal(first, dump.out.bytes);
        } else {
            first = strdup(dump.out.bytes);
        }
        decode_dump_fini(&dump);
    }
    free(first);
    free(text);
}

static void
other_formats_have_no_arrays(void **state)
{
    (void)state;
    weiri_decoder_config config = {
        .schema = &SCHEMA, .format = WEIRI_FORMAT_CSV, .delimiter = ','
    };
    weiri_decoder *decoder = NULL;
    weir_error     err     = { 0 };
    assert_int_equal(weiri_decoder_new(&config, &decoder, &err), WEIR_EINVAL);
    assert_string_equal(
        err.text, "stream 'step' takes each item of an array, which only JSON has");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_item_is_a_row_with_what_stands_around),
        cmocka_unit_test(an_empty_array_is_no_row),
        cmocka_unit_test(an_item_that_is_wrong_is_dead_by_itself),
        cmocka_unit_test(without_what_stands_around_or_an_array_the_record_is_dead),
        cmocka_unit_test(a_chunk_may_be_full_between_two_items),
        cmocka_unit_test(other_formats_have_no_arrays),
    };
    return cmocka_run_group_tests_name("decode_each", tests, NULL, NULL);
}
