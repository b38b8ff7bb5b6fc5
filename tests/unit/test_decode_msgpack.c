#include "weir_test.h"

#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/msgpack_rig.h"
#include "weiri/limits.h"
#include "weiri/timetext.h"

#define decode_literal(schema, literal)                                                  \
    decode_bytes((schema), (literal), sizeof(literal) - 1)

static const weir_field FIELDS[] = {
    { .name = "at", .type = WEIR_TIME },
    { .name = "n", .type = WEIR_INT, .is_nullable = true },
    { .name = "x", .type = WEIR_FLOAT, .is_nullable = true },
    { .name = "s", .type = WEIR_STRING, .is_nullable = true },
    { .name = "b", .type = WEIR_BOOL, .is_nullable = true },
    { .name = "d", .type = WEIR_DURATION, .is_nullable = true },
};
static const weir_schema SCHEMA = {
    .name = "all", .fields = FIELDS, .n_fields = 6, .time_field = 0
};
enum { AT, N, X, S, B, D };

static const weir_field  INT_FIELDS[] = { { .name = "n", .type = WEIR_INT } };
static const weir_schema INTS         = {
            .name = "ints", .fields = INT_FIELDS, .n_fields = 1, .time_field = -1
};

static void
assert_text(
    const struct result *result, uint32_t row, uint32_t field, const char *expected)
{
    weir_value value = weir_chunk_get(result->chunk, row, field);
    assert_false(value.is_null);
    assert_int_equal(value.size, strlen(expected));
    assert_memory_equal(value.as.s, expected, value.size);
}

static void
map_and_array_give_the_same_row(void **state)
{
    (void)state;
    static const char MAP[] =
        "\x86\xa2"
        "at\xd6\xff\x00\x00\x00\x05\xa1n\x07\xa1x\xcb\x3f\xf8\0\0\0\0\0\0"
        "\xa1s\xa3"
        "abc\xa1"
        "b\xc3\xa1"
        "d\xa5"
        "1m30s";
    static const char ARRAY[] = "\x96\xd6\xff\x00\x00\x00\x05\x07\xcb\x3f\xf8\0\0\0\0\0\0"
                                "\xa3"
                                "abc\xc3\xa5"
                                "1m30s";
    for (int i = 0; i < 2; i++) {
        struct result r =
            i == 0 ? decode_literal(&SCHEMA, MAP) : decode_literal(&SCHEMA, ARRAY);
        assert_ok(r.status);
        assert_int_equal(r.n_dead, 0);
        assert_int_equal(r.chunk->n_rows, 1);
        assert_int_equal(r.chunk->time[0], 5 * WEIRI_NS_PER_S);
        assert_int_equal(weir_chunk_get(r.chunk, 0, AT).as.i, 5 * WEIRI_NS_PER_S);
        assert_int_equal(weir_chunk_get(r.chunk, 0, N).as.i, 7);
        assert_true(weir_chunk_get(r.chunk, 0, X).as.f == 1.5);
        assert_text(&r, 0, S, "abc");
        assert_true(weir_chunk_get(r.chunk, 0, B).as.b);
        assert_int_equal(weir_chunk_get(r.chunk, 0, D).as.i, 90 * WEIRI_NS_PER_S);
        free_result(&r);
    }
}

static void
every_width_of_int_is_read(void **state)
{
    (void)state;
    static const char BYTES[] =
        "\x91\x7f\x91\xe0\x91\xff\x91\xcc\xff\x91\xcd\xff\xff"
        "\x91\xce\xff\xff\xff\xff\x91\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"
        "\x91\xd0\x80\x91\xd1\x80\x00\x91\xd2\x80\x00\x00\x00"
        "\x91\xd3\x80\x00\x00\x00\x00\x00\x00\x00"
        "\x91\xcb\x40\x14\0\0\0\0\0\0"
        "\x91\xca\xc0\xa0\0\0";
    static const int64_t EXPECTED[] = { 127, -32, -1, 255, 65535, 4294967295, INT64_MAX,
        -128, -32768, INT32_MIN, INT64_MIN, 5, -5 };
    struct result        r          = decode_literal(&INTS, BYTES);
    assert_ok(r.status);
    assert_int_equal(r.n_dead, 0);
    assert_int_equal(r.chunk->n_rows, 13);
    for (uint32_t i = 0; i < 13; i++) {
        assert_true(weir_chunk_get(r.chunk, i, 0).as.i == EXPECTED[i]);
    }
    free_result(&r);
}

static void
assert_dead(const weir_schema *schema, const char *bytes, size_t size, const char *reason)
{
    /* What follows the dead message is read. */
    char   stream[256];
    size_t n = size;
    memcpy(stream, bytes, size);
    if (schema == &INTS) {
        memcpy(stream + n, "\x91\x2a", 2);
        n += 2;
    }
    struct result r = decode_bytes(schema, stream, n);
    assert_ok(r.status);
    assert_int_equal(r.n_dead, 1);
    assert_string_equal(r.reason, reason);
    assert_int_equal(r.raw_size, size);
    assert_int_equal(r.consumed, n);
    if (schema == &INTS) {
        assert_int_equal(r.chunk->n_rows, 1);
        assert_int_equal(weir_chunk_get(r.chunk, 0, 0).as.i, 42);
    }
    assert_int_equal(r.chunk->heap_used, 0);
    free_result(&r);
}

#define assert_int_dead(literal, reason)                                                 \
    assert_dead(&INTS, (literal), sizeof(literal) - 1, (reason))

static void
message_of_wrong_types_is_dead_and_decoding_goes_on(void **state)
{
    (void)state;
    assert_int_dead("\x91\xa1x", "field 'n': \"x\" is not an int");
    assert_int_dead("\x91\xc0", "field 'n' is null");
    assert_int_dead("\x91\xc3", "field 'n': true is not an int");
    assert_int_dead("\x91\xcf\x80\0\0\0\0\0\0\0",
        "field 'n': 9223372036854775808 does not fit an int");
    assert_int_dead("\x91\xcb\x3f\xf8\0\0\0\0\0\0", "field 'n': 1.5 is not an int");
    assert_int_dead("\x91\xca\x7f\x80\0\0", "field 'n': infinity is not an int");
    assert_int_dead("\x91\x81\xa1x\x91\x01", "field 'n': a map is not an int");
    assert_int_dead("\x91\x92\x01\xc0", "field 'n': an array is not an int");
    assert_int_dead("\x91\xc4\x01x", "field 'n': binary data is not an int");
    assert_int_dead("\x91\xd4\x05x", "field 'n': an extension value is not an int");
    assert_int_dead("\x90", "field 'n' is missing");
    assert_int_dead("\x81\xa1m\x05", "field 'n' is missing");
    assert_int_dead("\x05", "a message has to be a map or an array");
    assert_int_dead("\xa3"
                    "abc",
        "a message has to be a map or an array");
}

static void
strings_are_checked_and_kept_whole(void **state)
{
    (void)state;
    static const weir_field  FIELD[] = { { .name = "s", .type = WEIR_STRING } };
    static const weir_schema TEXTS   = {
          .name = "texts", .fields = FIELD, .n_fields = 1, .time_field = -1
    };
    struct result r = decode_literal(&TEXTS, "\x91\xa2\xc3\xa4\x91\xc4\x03"
                                             "bin\x91\xa0\x91\xd9\x02ok\x91\xda\x00\x02ok"
                                             "\x91\xdb\x00\x00\x00\x02ok");
    assert_ok(r.status);
    assert_int_equal(r.n_dead, 0);
    assert_int_equal(r.chunk->n_rows, 6);
    assert_text(&r, 0, 0, "ä");
    assert_text(&r, 1, 0, "bin");
    assert_text(&r, 2, 0, "");
    assert_text(&r, 5, 0, "ok");
    free_result(&r);
    assert_dead(&TEXTS,
        "\x91\xa2"
        "a\xff",
        4, "field 's': \"a?\" is not a string");
    assert_dead(&TEXTS, "\x91\xc4\x01\x80", 4, "field 's': binary data is not a string");
    assert_dead(&TEXTS, "\x91\x01", 2, "field 's': 1 is not a string");

    /* Of every length, with what is not ASCII at every place, and much behind or nothing.
     */
    for (size_t size = 1; size < 40; size++) {
        for (size_t at = 0; at < size; at++) {
            char bytes[128] = { 0 };
            bytes[0]        = (char)0x91;
            bytes[1]        = (char)0xd9;
            bytes[2]        = (char)size;
            memset(bytes + 3, 'a', size);
            bytes[3 + at] = (char)0xe4;
            memset(bytes + 3 + size, 0x90, 40); /* empty arrays: each a dead record */
            struct result bad = decode_bytes(&TEXTS, bytes, 3 + size + (at % 2) * 40);
            assert_int_equal(bad.n_dead, 1 + (at % 2) * 40);
            assert_int_equal(bad.chunk->n_rows, 0);
            free_result(&bad);
        }
    }
}

static void
times_come_as_timestamps_units_or_text(void **state)
{
    (void)state;
    weir_field  field  = { .name = "at", .type = WEIR_TIME };
    weir_schema schema = {
        .name = "t", .fields = &field, .n_fields = 1, .time_field = 0
    };
    static const char AUTO[] =
        "\x91\xd6\xff\xff\xff\xff\xff"
        "\x91\xd7\xff\x00\x00\x00\x04\x00\x00\x00\x02"
        "\x91\xc7\x0c\xff\x3b\x9a\xc9\xff\xff\xff\xff\xff\xff\xff\xff\xff"
        "\x91\xb4"
        "1970-01-01T00:00:03Z";
    struct result r = decode_literal(&schema, AUTO);
    assert_ok(r.status);
    assert_int_equal(r.n_dead, 0);
    assert_int_equal(r.chunk->n_rows, 4);
    assert_int_equal(r.chunk->time[0], INT64_C(4294967295) * WEIRI_NS_PER_S);
    assert_int_equal(r.chunk->time[1], 2 * WEIRI_NS_PER_S + 1);
    assert_int_equal(r.chunk->time[2], -1);
    assert_int_equal(r.chunk->time[3], 3 * WEIRI_NS_PER_S);
    free_result(&r);
    assert_dead(&schema, "\x91\x05", 2, "field 'at': 5 is not a time");
    assert_dead(&schema, "\x91\xd7\xff\xff\xff\xff\xff\x00\x00\x00\x02", 11,
        "field 'at': an extension value is not a time");
    assert_dead(&schema, "\x91\xd6\x01\x00\x00\x00\x02", 7,
        "field 'at': an extension value is not a time");
    assert_dead(&schema, "\x91\xc0", 2, "field 'at' is null");

    field.form = WEIR_TIME_MS;
    r          = decode_literal(&schema, "\x91\x05\x91\xcb\x3f\xf8\0\0\0\0\0\0\x91\xa1"
                                                  "7\x91\xd6\xff\x00\x00\x00\x01\x91\xff");
    assert_ok(r.status);
    assert_int_equal(r.chunk->n_rows, 5);
    assert_int_equal(r.chunk->time[0], 5 * WEIRI_NS_PER_MS);
    assert_int_equal(r.chunk->time[1], 1500 * WEIRI_NS_PER_US);
    assert_int_equal(r.chunk->time[2], 7 * WEIRI_NS_PER_MS);
    assert_int_equal(r.chunk->time[3], WEIRI_NS_PER_S);
    assert_int_equal(r.chunk->time[4], -WEIRI_NS_PER_MS);
    free_result(&r);
    assert_dead(&schema, "\x91\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", 10,
        "field 'at': 9223372036854775807 is not a time in milliseconds");

    field.form    = WEIR_TIME_PATTERN;
    field.pattern = "%Y%m%d";
    r             = decode_literal(&schema, "\x91\xce\x01\x33\xc6\x59"); /* 20170329 */
    assert_int_equal(r.chunk->n_rows, 1);
    assert_int_equal(
        r.chunk->time[0], weiri_days_of(2017, 3, 29) * 86400 * WEIRI_NS_PER_S);
    free_result(&r);
}

static void
fields_are_found_by_path_and_unknown_keys_are_skipped(void **state)
{
    (void)state;
    static const weir_field FIELD[] = {
        { .name = "n", .type = WEIR_INT, .from = "/a/n" },
        { .name = "m", .type = WEIR_INT, .from = "/a/n" },
        { .name = "second", .type = WEIR_INT, .from = "/list/1", .is_nullable = true },
        { .name = "plain", .type = WEIR_INT, .from = "other", .is_nullable = true },
    };
    static const weir_schema SCHEMA_PATH = {
        .name = "p", .fields = FIELD, .n_fields = 4, .time_field = -1
    };
    static const char BYTES[] = "\x85\xa1z\x91\x81\xa1n\x09\xa1"
                                "a\x82\xa1q\xc0\xa1n\x05\xa4"
                                "list\x93\x01\x02\x03\xa5"
                                "other\x08\x2a\x2b";
    struct result     r       = decode_literal(&SCHEMA_PATH, BYTES);
    assert_ok(r.status);
    assert_int_equal(r.n_dead, 0);
    assert_int_equal(r.chunk->n_rows, 1);
    assert_int_equal(weir_chunk_get(r.chunk, 0, 0).as.i, 5);
    assert_int_equal(weir_chunk_get(r.chunk, 0, 1).as.i, 5);
    assert_int_equal(weir_chunk_get(r.chunk, 0, 2).as.i, 2);
    assert_int_equal(weir_chunk_get(r.chunk, 0, 3).as.i, 8);
    free_result(&r);
}

static void
of_a_key_that_comes_twice_the_last_value_counts(void **state)
{
    (void)state;
    static const weir_field FIELD[] = {
        { .name = "n", .type = WEIR_INT, .is_nullable = true },
        { .name = "m", .type = WEIR_INT, .from = "/a/m", .is_nullable = true },
    };
    static const weir_schema TWO = {
        .name = "two", .fields = FIELD, .n_fields = 2, .time_field = -1
    };
    static const char BYTES[] = "\x82\xa1n\xa1x\xa1n\x05" /* wrong, then right   */
                                "\x82\xa1n\xc0\xa1n\x06"  /* null, then a value  */
                                "\x82\xa1n\x07\xa1n\xc0"  /* a value, then null  */
                                "\x82\xa1"
                                "a\x81\xa1m\x08\xa1"
                                "a\x80"                    /* gone with its map   */
                                "\x82\xa1n\x05\xa1n\xa1x"; /* right, then wrong   */
    struct result r = decode_literal(&TWO, BYTES);
    assert_ok(r.status);
    assert_int_equal(r.chunk->n_rows, 4);
    assert_int_equal(weir_chunk_get(r.chunk, 0, 0).as.i, 5);
    assert_int_equal(weir_chunk_get(r.chunk, 1, 0).as.i, 6);
    assert_false(weir_chunk_get(r.chunk, 1, 0).is_null);
    assert_true(weir_chunk_get(r.chunk, 2, 0).is_null);
    assert_true(weir_chunk_get(r.chunk, 3, 1).is_null);
    assert_int_equal(r.n_dead, 1);
    assert_int_equal(r.line, 5);
    free_result(&r);
}

static void
keys_may_change_their_order_and_lengths(void **state)
{
    (void)state;
    static const weir_field FIELD[] = {
        { .name = "a", .type = WEIR_INT },
        { .name = "seven77", .type = WEIR_INT },
        { .name = "eight888", .type = WEIR_INT },
        { .name = "a_key_of_thirty_one_characters_", .type = WEIR_INT },
        { .name = "a_key_of_thirty_two_characters__", .type = WEIR_INT },
    };
    static const weir_schema KEYS = {
        .name = "keys", .fields = FIELD, .n_fields = 5, .time_field = -1
    };
    msgpack_sbuffer buffer;
    msgpack_packer  packer;
    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    for (int i = 0; i < 1000; i++) {
        msgpack_pack_map(&packer, 5);
        for (int k = 0; k < 5; k++) {
            int field = (k * (1 + i / 100 % 4) + i / 50) % 5;
            msgpack_pack_str_with_body(
                &packer, FIELD[field].name, strlen(FIELD[field].name));
            msgpack_pack_int(&packer, i * 10 + field);
        }
    }
    struct result r = decode_bytes(&KEYS, buffer.data, buffer.size);
    assert_ok(r.status);
    assert_int_equal(r.n_dead, 0);
    assert_int_equal(r.chunk->n_rows, 1000);
    for (uint32_t i = 0; i < 1000; i++) {
        for (uint32_t f = 0; f < 5; f++) {
            assert_int_equal(weir_chunk_get(r.chunk, i, f).as.i, i * 10 + f);
        }
    }
    free_result(&r);
    msgpack_sbuffer_destroy(&buffer);
}

static void
broken_stream_ends_with_the_place(void **state)
{
    (void)state;
    struct result r = decode_literal(&INTS, "\x91\x01\x91\x02\x91\xc1\x91\x03");
    assert_int_equal(r.status, WEIR_EDATA);
    assert_int_equal(r.chunk->n_rows, 2);
    assert_int_equal(r.consumed, 4);
    assert_non_null(strstr(r.err.text, "message 3"));
    assert_non_null(strstr(r.err.text, "byte 5"));
    free_result(&r);

    /* A declared length beyond the bound is refused at once, whatever has come of it. */
    r = decode_literal(&INTS, "\x91\xdb\x7f\xff\xff\xff");
    assert_int_equal(r.status, WEIR_EDATA);
    assert_non_null(strstr(r.err.text, "longer than"));
    free_result(&r);
    r = decode_literal(&INTS, "\xdd\x10\x00\x00\x00");
    assert_int_equal(r.status, WEIR_EDATA);
    free_result(&r);
    r = decode_literal(&INTS, "\xdf\x00\x08\x00\x01");
    assert_int_equal(r.status, WEIR_EDATA);
    free_result(&r);

    char deep[200];
    memset(deep, 0x91, sizeof deep);
    deep[64] = 0x05; /* 64 levels are taken, as a value that is no int */
    r        = decode_bytes(&INTS, deep, 65);
    assert_ok(r.status);
    assert_int_equal(r.n_dead, 1);
    free_result(&r);
    deep[64] = (char)0x91;
    r        = decode_bytes(&INTS, deep, sizeof deep);
    assert_int_equal(r.status, WEIR_EDATA);
    assert_non_null(strstr(r.err.text, "levels"));
    free_result(&r);
}

static void
message_longer_than_the_bound_ends_the_stream(void **state)
{
    (void)state;
    size_t size         = WEIRI_RECORD_BYTES + 100;
    char  *long_message = malloc(size);
    memset(long_message, 0xc0, size);
    memcpy(long_message, "\x91\xdd\x00\x0f\xff\xfa", 6); /* as long as it may be */
    struct result r = decode_bytes(&INTS, long_message, WEIRI_RECORD_BYTES);
    assert_ok(r.status);
    assert_int_equal(r.n_dead, 1);
    assert_string_equal(r.reason, "field 'n': an array is not an int");
    free_result(&r);
    long_message[5] = (char)0xfb;
    r               = decode_bytes(&INTS, long_message, size);
    assert_int_equal(r.status, WEIR_EDATA);
    assert_int_equal(r.consumed, 0);
    free_result(&r);
    free(long_message);
}

static void
input_that_ends_inside_a_message_is_one_dead_record(void **state)
{
    (void)state;
    struct result r = decode_literal(&INTS, "\x91\x01\x91\xcd\x01");
    assert_ok(r.status);
    assert_int_equal(r.chunk->n_rows, 1);
    assert_int_equal(r.n_dead, 1);
    assert_int_equal(r.position, 2);
    assert_int_equal(r.line, 2);
    assert_int_equal(r.raw_size, 3);
    assert_int_equal(r.consumed, 5);
    free_result(&r);
}

static void
full_chunk_stops_before_the_next_message(void **state)
{
    (void)state;
    struct result  r;
    weiri_decoder *decoder = new_decoder(&INTS, NULL, &r);
    char           bytes[2 * (WEIRI_CHUNK_ROWS + 2)];
    size_t         consumed = 0;
    for (size_t i = 0; i < sizeof bytes; i += 2) {
        memcpy(bytes + i, "\x91\x05", 2);
    }
    assert_int_equal(weiri_decoder_decode(
                         decoder, bytes, sizeof bytes, true, r.chunk, &consumed, NULL),
        WEIR_EFULL);
    assert_int_equal(r.chunk->n_rows, WEIRI_CHUNK_ROWS);
    assert_int_equal(consumed, 2 * WEIRI_CHUNK_ROWS);
    weir_chunk_clear(r.chunk);
    assert_ok(weiri_decoder_decode(decoder, bytes + consumed, sizeof bytes - consumed,
        true, r.chunk, &consumed, NULL));
    assert_int_equal(r.chunk->n_rows, 2);
    weiri_decoder_destroy(&decoder);
    free_result(&r);
}

static void
full_heap_takes_the_row_back(void **state)
{
    (void)state;
    static const weir_field FIELD[] = {
        { .name = "n", .type = WEIR_INT, .is_nullable = true },
        { .name = "s", .type = WEIR_STRING },
        { .name = "t", .type = WEIR_STRING },
    };
    static const weir_schema TEXTS = {
        .name = "texts", .fields = FIELD, .n_fields = 3, .time_field = -1
    };
    enum { HALF = 400000, MESSAGE = 2 + 2 * (5 + HALF) };
    struct result  r;
    weiri_decoder *decoder = new_decoder(&TEXTS, NULL, &r);
    char          *message = malloc(MESSAGE);
    memset(message, 'x', MESSAGE);
    memcpy(message, "\x93\xc0\xdb\x00\x06\x1a\x80", 7);
    memcpy(message + 7 + HALF, "\xdb\x00\x06\x1a\x80", 5);
    weir_status status   = WEIR_OK;
    size_t      consumed = 0;
    uint32_t    rows     = 0;
    while (status == WEIR_OK) {
        rows   = r.chunk->n_rows;
        status = weiri_decoder_decode(
            decoder, message, MESSAGE, false, r.chunk, &consumed, NULL);
        assert_int_equal(consumed, status == WEIR_OK ? MESSAGE : 0);
    }
    assert_int_equal(status, WEIR_EFULL);
    assert_int_equal(rows, WEIRI_CHUNK_HEAP / (2 * HALF));
    assert_int_equal(r.chunk->n_rows, rows);
    assert_int_equal(r.chunk->heap_used, rows * 2 * HALF);
    assert_int_equal(r.chunk->columns[0].nulls[rows], 0);
    free(message);
    weiri_decoder_destroy(&decoder);
    free_result(&r);
}

static void
field_that_nobody_reads_is_checked_and_not_kept(void **state)
{
    (void)state;
    static const bool USED[] = { true, true, false, false, false, false };
    struct result     r;
    weiri_decoder    *decoder  = new_decoder(&SCHEMA, USED, &r);
    size_t            consumed = 0;
    static const char BYTES[] =
        "\x96\xd6\xff\x00\x00\x00\x05\x07\xc0\xa3"
        "abc\xc3\xc0\x96\xd6\xff\x00\x00\x00\x06\x07\xa1y\xc0\xc3\xc0";
    assert_ok(weiri_decoder_decode(
        decoder, BYTES, sizeof BYTES - 1, true, r.chunk, &consumed, NULL));
    assert_int_equal(r.chunk->n_rows, 1);
    assert_int_equal(r.chunk->heap_used, 0);
    assert_int_equal(r.n_dead, 1);
    assert_string_equal(r.reason, "field 'x': \"y\" is not a float");
    weiri_decoder_destroy(&decoder);
    free_result(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_and_array_give_the_same_row),
        cmocka_unit_test(every_width_of_int_is_read),
        cmocka_unit_test(message_of_wrong_types_is_dead_and_decoding_goes_on),
        cmocka_unit_test(strings_are_checked_and_kept_whole),
        cmocka_unit_test(times_come_as_timestamps_units_or_text),
        cmocka_unit_test(fields_are_found_by_path_and_unknown_keys_are_skipped),
        cmocka_unit_test(of_a_key_that_comes_twice_the_last_value_counts),
        cmocka_unit_test(keys_may_change_their_order_and_lengths),
        cmocka_unit_test(broken_stream_ends_with_the_place),
        cmocka_unit_test(message_longer_than_the_bound_ends_the_stream),
        cmocka_unit_test(input_that_ends_inside_a_message_is_one_dead_record),
        cmocka_unit_test(full_chunk_stops_before_the_next_message),
        cmocka_unit_test(full_heap_takes_the_row_back),
        cmocka_unit_test(field_that_nobody_reads_is_checked_and_not_kept),
    };
    return cmocka_run_group_tests_name("decode_msgpack", tests, NULL, NULL);
}
