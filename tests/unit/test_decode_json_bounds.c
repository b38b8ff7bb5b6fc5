/* Where records, chunks and their heaps end: the longest record, and what does not fit.
 */
#include "weir_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/decode_dump.h"
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

/* A line {"at":1,"n":1,"s":"aaa…"} of `size` bytes without its end. */
static char *
make_long_line(size_t size, const char *line_end, size_t *total)
{
    static const char HEAD[] = "{\"at\":1,\"n\":1,\"s\":\"";
    size_t            n_end  = strlen(line_end);
    char             *text   = malloc(size + n_end + 1);
    assert_non_null(text);
    memset(text, 'a', size);
    memcpy(text, HEAD, sizeof HEAD - 1);
    memcpy(text + size - 2, "\"}", 2);
    memcpy(text + size, line_end, n_end + 1);
    *total = size + n_end;
    return text;
}

static size_t
cut_64k(void *context)
{
    (void)context;
    return 65536;
}

static void
the_longest_record_is_read_and_a_longer_one_is_dead_once(void **state)
{
    (void)state;
    static const struct {
        size_t      size;
        const char *end;
        bool        is_dead;
    } CASES[]                   = { { WEIRI_RECORD_BYTES, "\n", false },
                          { WEIRI_RECORD_BYTES, "\r\n", false }, { WEIRI_RECORD_BYTES, "", false },
                          { WEIRI_RECORD_BYTES, "\r", false }, { WEIRI_RECORD_BYTES, "\r\r\n", true },
                          { WEIRI_RECORD_BYTES + 1, "\n", true }, { WEIRI_RECORD_BYTES + 1, "", true },
                          { WEIRI_RECORD_BYTES + 1, "\r\n", true },
                          { 10 * WEIRI_RECORD_BYTES, "\r\n", true },
                          { 10 * WEIRI_RECORD_BYTES, "", true } };
    weiri_decoder_config config = json_of(&SCHEMA);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        size_t     size   = 0;
        char      *text   = make_long_line(CASES[i].size, CASES[i].end, &size);
        decode_cut cuts[] = { decode_cut_whole, cut_64k };
        for (int k = 0; k < 2; k++) {
            decode_dump dump;
            decode_dump_run(&dump, &config, text, size, cuts[k], NULL);
            const char *expected = "! line 1 at 0 after 0 rows: longer than the 1048576 "
                                   "bytes a record may have "
                                   "[{";
            assert_int_equal(dump.n_rows, CASES[i].is_dead ? 0 : 1);
            assert_memory_equal(dump.out.bytes,
                CASES[i].is_dead ? expected : "1000000|1|null|\"aaa",
                CASES[i].is_dead ? strlen(expected) : 19);
            assert_in_range(dump.out.used, WEIRI_RECORD_BYTES, WEIRI_RECORD_BYTES + 120);
            decode_dump_fini(&dump);
        }
        free(text);
    }
}

static void
decoding_goes_on_after_a_record_that_is_too_long(void **state)
{
    (void)state;
    size_t               size   = 0;
    char                *text   = make_long_line(3 * WEIRI_RECORD_BYTES,
                         "\n{\"at\":2,\"n\":2}\n{\"at\":3}\n{\"at\":4,\"n\":4}", &size);
    weiri_decoder_config config = json_of(&SCHEMA);
    decode_cut           cuts[] = { decode_cut_whole, cut_64k };
    char                 dead[200];
    snprintf(dead, sizeof dead,
        "! line 3 at %d after 1 rows: field 'n' is missing [{\"at\":3}]\n",
        3 * WEIRI_RECORD_BYTES + 16);
    for (int k = 0; k < 2; k++) {
        decode_dump dump;
        decode_dump_run(&dump, &config, text, size, cuts[k], NULL);
        assert_memory_equal(dump.out.bytes,
            "2000000|2|null|null|null|null\n4000000|4|null|null|null|null\n"
            "! line 1 at 0 after 0 rows: longer",
            94);
        assert_string_equal(dump.out.bytes + dump.out.used - strlen(dead), dead);
        decode_dump_fini(&dump);
    }
    free(text);
}

/* 20 records of half a megabyte fill the heap several times: each comes whole. */
static void
a_full_heap_ends_the_chunk_before_the_record(void **state)
{
    (void)state;
    enum { N = 40, SIZE = WEIRI_RECORD_BYTES / 2 };
    char  *text = malloc((size_t)N * (SIZE + 1));
    size_t used = 0;
    assert_non_null(text);
    for (int i = 0; i < N; i++) {
        size_t size = 0;
        char  *line = make_long_line(SIZE - (size_t)i, "\n", &size);
        memcpy(text + used, line, size);
        used += size;
        free(line);
    }
    weiri_decoder_config config  = json_of(&SCHEMA);
    weiri_decoder       *decoder = NULL;
    weir_chunk          *chunk   = NULL;
    assert_ok(weiri_decoder_new(&config, &decoder, NULL));
    assert_ok(weir_chunk_new(&SCHEMA, NULL, &chunk));
    size_t start  = 0;
    int    n_rows = 0;
    while (start < used) {
        size_t      consumed = 0;
        weir_status status   = weiri_decoder_decode(
              decoder, text + start, used - start, true, chunk, &consumed, NULL);
        start += consumed;
        assert_int_equal(status, start < used ? WEIR_EFULL : WEIR_OK);
        assert_in_range(chunk->n_rows, 1, 17);
        for (uint32_t row = 0; row < chunk->n_rows; row++, n_rows++) {
            assert_int_equal(weir_chunk_get(chunk, row, 3).size, SIZE - n_rows - 21);
        }
        weir_chunk_clear(chunk);
    }
    assert_int_equal(n_rows, N);
    const weir_chunk *mine = chunk;
    weir_chunk_unref(&mine);
    weiri_decoder_destroy(&decoder);
    free(text);
}

static void
a_full_chunk_is_said_only_when_records_are_left(void **state)
{
    (void)state;
    enum { LINE = 16 };
    size_t n_lines = WEIRI_CHUNK_ROWS + 1;
    char  *text    = malloc(n_lines * LINE + 1);
    assert_non_null(text);
    for (size_t i = 0; i < n_lines; i++) {
        snprintf(text + i * LINE, LINE + 1, "{\"at\":1,\"n\":10}\n");
    }
    weiri_decoder_config config   = json_of(&SCHEMA);
    weiri_decoder       *decoder  = NULL;
    weir_chunk          *chunk    = NULL;
    size_t               consumed = 0;
    assert_ok(weiri_decoder_new(&config, &decoder, NULL));
    assert_ok(weir_chunk_new(&SCHEMA, NULL, &chunk));
    size_t exactly = WEIRI_CHUNK_ROWS * (size_t)LINE;
    assert_ok(weiri_decoder_decode(
        decoder, text, exactly + LINE / 2, false, chunk, &consumed, NULL));
    assert_int_equal(consumed, exactly);
    assert_int_equal(chunk->n_rows, WEIRI_CHUNK_ROWS);
    assert_int_equal(weiri_decoder_decode(
                         decoder, text + exactly, LINE, false, chunk, &consumed, NULL),
        WEIR_EFULL);
    assert_int_equal(consumed, 0);
    weir_chunk_clear(chunk);
    assert_ok(weiri_decoder_decode(
        decoder, text + exactly, LINE, true, chunk, &consumed, NULL));
    assert_int_equal(consumed, LINE);
    assert_int_equal(chunk->n_rows, 1);
    const weir_chunk *mine = chunk;
    weir_chunk_unref(&mine);
    weiri_decoder_destroy(&decoder);
    free(text);
}

static void
fields_from_one_place_share_their_text(void **state)
{
    (void)state;
    enum { N = 200 };
    weir_field fields[N];
    for (int i = 0; i < N; i++) {
        fields[i] = (weir_field){ .name = "s", .type = WEIR_STRING, .from = "/s" };
    }
    weir_schema          schema   = { .fields = fields, .n_fields = N, .time_field = -1 };
    weiri_decoder_config config   = json_of(&schema);
    weiri_decoder       *decoder  = NULL;
    weir_chunk          *chunk    = NULL;
    size_t               consumed = 0;
    size_t               size     = 0;
    char                *text     = make_long_line(WEIRI_RECORD_BYTES, "\n", &size);
    assert_ok(weiri_decoder_new(&config, &decoder, NULL));
    assert_ok(weir_chunk_new(&schema, NULL, &chunk));
    assert_ok(weiri_decoder_decode(decoder, text, size, true, chunk, &consumed, NULL));
    assert_int_equal(chunk->n_rows, 1);
    assert_true(chunk->heap_used < WEIRI_RECORD_BYTES);
    assert_int_equal(weir_chunk_get(chunk, 0, N - 1).size, WEIRI_RECORD_BYTES - 21);
    const weir_chunk *mine = chunk;
    weir_chunk_unref(&mine);
    weiri_decoder_destroy(&decoder);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_record_is_read_and_a_longer_one_is_dead_once),
        cmocka_unit_test(decoding_goes_on_after_a_record_that_is_too_long),
        cmocka_unit_test(a_full_heap_ends_the_chunk_before_the_record),
        cmocka_unit_test(a_full_chunk_is_said_only_when_records_are_left),
        cmocka_unit_test(fields_from_one_place_share_their_text),
    };
    return cmocka_run_group_tests_name("decode_json_bounds", tests, NULL, NULL);
}
