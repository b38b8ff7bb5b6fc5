#include "weir_test.h"

#include <math.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weiri/codec.h"
#include "weiri/limits.h"
#include "weiri/timetext.h"

/* What came out of a decoder: rows in one chunk, dead records by their reason. */
struct result {
    weir_chunk *chunk;
    uint32_t    n_dead;
    char        reason[256]; /* of the last */
    uint64_t    position;
    uint64_t    line;
    size_t      raw_size;
    size_t      consumed;
    weir_status status;
    weir_error  err;
};

static void
note_dead(void *context, const weiri_dead_record *record)
{
    struct result *result = context;
    result->n_dead++;
    result->position = record->position;
    result->line     = record->line;
    result->raw_size = record->size;
    snprintf(result->reason, sizeof result->reason, "%s", record->reason);
}

static weiri_decoder *
new_decoder(const weir_schema *schema, const bool *used, struct result *result)
{
    weiri_decoder       *decoder = NULL;
    weiri_decoder_config config  = { .schema = schema,
         .used                               = used,
         .format                             = WEIRI_FORMAT_MSGPACK,
         .on_dead                            = note_dead,
         .context                            = result };
    *result                      = (struct result){ 0 };
    assert_ok(weiri_decoder_new(&config, &decoder, NULL));
    assert_ok(weir_chunk_new(schema, used, &result->chunk));
    return decoder;
}

static void
free_result(struct result *result)
{
    const weir_chunk *chunk = result->chunk;
    weir_chunk_unref(&chunk);
}

/* All of the bytes at once, in a place of exactly their size. */
static struct result
decode_bytes(const weir_schema *schema, const void *bytes, size_t size)
{
    struct result  result;
    weiri_decoder *decoder = new_decoder(schema, NULL, &result);
    char          *exact   = malloc(size > 0 ? size : 1);
    memcpy(exact, bytes, size);
    result.status = weiri_decoder_decode(
        decoder, exact, size, true, result.chunk, &result.consumed, &result.err);
    free(exact);
    weiri_decoder_destroy(&decoder);
    return result;
}

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

/* Vigna's splitmix64. */
static uint64_t
next_random(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    z          = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z          = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void
pack_text(msgpack_packer *packer, const char *text, size_t size)
{
    msgpack_pack_str(packer, size);
    msgpack_pack_str_body(packer, text, size);
}

/* Any object, as deep as `depth`. */
static void
pack_random(msgpack_packer *packer, uint64_t *seed, int depth)
{
    static const char *const TEXTS[] = { "", "x", "2017-03-27T13:08:09Z", "1m30s", "\xff",
        "ä", "a text that is longer than the thirty-one bytes of the shortest form" };
    uint64_t                 r       = next_random(seed);
    int64_t                  number  = (int64_t)next_random(seed) >> (r >> 32 & 63);
    switch (r % (depth > 0 ? 12 : 10)) {
    case 0: msgpack_pack_nil(packer); break;
    case 1: msgpack_pack_true(packer); break;
    case 2: msgpack_pack_int64(packer, number); break;
    case 3: msgpack_pack_uint64(packer, (uint64_t)number); break;
    case 4: msgpack_pack_double(packer, (double)number / 8); break;
    case 5: msgpack_pack_float(packer, (float)number); break;
    case 6:
    case 7: {
        const char *text = TEXTS[(r >> 8) % 7];
        pack_text(packer, text, strlen(text));
        break;
    }
    case 8: {
        msgpack_timestamp time = { number / 1000000000,
            (uint32_t)(r >> 40) % 1000000000 };
        msgpack_pack_timestamp(packer, &time);
        break;
    }
    case 9: msgpack_pack_bin_with_body(packer, "bin", 3); break;
    case 10: {
        size_t n = (r >> 8) % 20;
        msgpack_pack_array(packer, n);
        for (size_t i = 0; i < n; i++) {
            pack_random(packer, seed, depth - 1);
        }
        break;
    }
    default: {
        size_t n = (r >> 8) % 20;
        msgpack_pack_map(packer, n);
        for (size_t i = 0; i < n; i++) {
            pack_random(packer, seed, 0);
            pack_random(packer, seed, depth - 1);
        }
        break;
    }
    }
}

/* A map with some of the fields, often with the right types, and with other keys. */
static void
pack_message(msgpack_packer *packer, uint64_t *seed)
{
    size_t n_keys = next_random(seed) % 9;
    msgpack_pack_map(packer, n_keys + 1);
    pack_text(packer, "at", 2);
    msgpack_timestamp time = { (int64_t)(next_random(seed) % 100000), 5 };
    msgpack_pack_timestamp(packer, &time);
    for (size_t i = 0; i < n_keys; i++) {
        uint64_t r = next_random(seed);
        if (r % 8 == 0) {
            pack_random(packer, seed, 0); /* any key */
            pack_random(packer, seed, 3);
            continue;
        }
        uint32_t field = (uint32_t)(1 + (r >> 8) % 5);
        pack_text(packer, FIELDS[field].name, 1);
        if (r % 8 < 3) {
            pack_random(packer, seed, 2);
        } else if (field == N) {
            msgpack_pack_int64(packer, (int64_t)next_random(seed) >> (r >> 32 & 63));
        } else if (field == X) {
            msgpack_pack_double(packer, (double)(int64_t)next_random(seed));
        } else if (field == S) {
            pack_text(packer, "some text", (r >> 20) % 10);
        } else if (field == B) {
            msgpack_pack_false(packer);
        } else {
            pack_text(packer, "2h", 2);
        }
    }
}

/* The value of `object` for `field` by the rules of the types, told by msgpack-c's
 * reading of it. False: it is none. */
static bool
expected_value(const weir_field *field, const msgpack_object *object, weir_value *out)
{
    bool is_float =
        object->type == MSGPACK_OBJECT_FLOAT32 || object->type == MSGPACK_OBJECT_FLOAT64;
    bool is_int = object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER
                  || (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER
                      && object->via.u64 <= INT64_MAX);
    *out = (weir_value){ .type = (uint8_t)field->type,
        .is_null = object->type == MSGPACK_OBJECT_NIL && field->is_nullable };
    if (out->is_null) {
        return true;
    }
    switch (field->type) {
    case WEIR_BOOL:
        if (object->type != MSGPACK_OBJECT_BOOLEAN) {
            return false;
        }
        out->as.b = object->via.boolean;
        return true;
    case WEIR_INT:
        if (is_float && fabs(object->via.f64) < 9e18
            && floor(object->via.f64) == object->via.f64) {
            out->as.i = (int64_t)object->via.f64;
            return true;
        }
        out->as.i = object->via.i64;
        return is_int;
    case WEIR_FLOAT:
        out->as.f = is_float ? object->via.f64
                    : object->type == MSGPACK_OBJECT_POSITIVE_INTEGER
                        ? (double)object->via.u64
                        : (double)object->via.i64;
        return is_float || is_int || object->type == MSGPACK_OBJECT_POSITIVE_INTEGER;
    case WEIR_STRING:
        out->as.s = object->via.str.ptr;
        out->size = object->via.str.size;
        return (object->type == MSGPACK_OBJECT_STR || object->type == MSGPACK_OBJECT_BIN)
               && !(out->size == 1 && out->as.s[0] == '\xff');
    case WEIR_TIME: {
        msgpack_timestamp time;
        return msgpack_object_to_timestamp(object, &time)
               && weiri_time_join(time.tv_sec, time.tv_nsec, &out->as.i);
    }
    case WEIR_DURATION:
        return object->type == MSGPACK_OBJECT_STR
               && weiri_duration_parse(
                   object->via.str.ptr, object->via.str.size, &out->as.i);
    case WEIR_NULL:
    case WEIR_LIST: break;
    }
    return false;
}

static bool
same_value(const weir_value *a, const weir_value *b)
{
    if (a->is_null || b->is_null) {
        return a->is_null == b->is_null;
    }
    switch ((weir_type)a->type) {
    case WEIR_BOOL: return a->as.b == b->as.b;
    case WEIR_FLOAT: return a->as.f == b->as.f;
    case WEIR_STRING: return a->size == b->size && memcmp(a->as.s, b->as.s, a->size) == 0;
    default: return a->as.i == b->as.i;
    }
}

/* The row that msgpack-c's reading of a message asks for; false: a dead record. */
static bool
expected_row(const msgpack_object *message, weir_value *row)
{
    bool is_good[6];
    for (uint32_t f = 0; f < 6; f++) {
        row[f]     = (weir_value){ .type = (uint8_t)FIELDS[f].type, .is_null = true };
        is_good[f] = FIELDS[f].is_nullable;
        for (uint32_t i = 0; i < message->via.map.size; i++) {
            const msgpack_object_kv *pair = &message->via.map.ptr[i];
            if (pair->key.type == MSGPACK_OBJECT_STR
                && pair->key.via.str.size == strlen(FIELDS[f].name)
                && memcmp(pair->key.via.str.ptr, FIELDS[f].name, pair->key.via.str.size)
                       == 0) {
                is_good[f] = expected_value(&FIELDS[f], &pair->val, &row[f]);
            }
        }
    }
    for (uint32_t f = 0; f < 6; f++) {
        if (!is_good[f]) {
            return false;
        }
    }
    return true;
}

static void
random_messages_read_as_msgpack_c_reads_them(void **state)
{
    (void)state;
    uint64_t seed   = 11;
    uint32_t n_rows = 0;
    uint32_t n_dead = 0;
    for (int round = 0; round < 60; round++) {
        msgpack_sbuffer buffer;
        msgpack_packer  packer;
        msgpack_sbuffer_init(&buffer);
        msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
        for (int i = 0; i < 200; i++) {
            pack_message(&packer, &seed);
        }
        struct result    r   = decode_bytes(&SCHEMA, buffer.data, buffer.size);
        uint32_t         row = 0, dead = 0;
        msgpack_unpacked message;
        size_t           offset = 0;
        msgpack_unpacked_init(&message);
        assert_ok(r.status);
        while (msgpack_unpack_next(&message, buffer.data, buffer.size, &offset)
               == MSGPACK_UNPACK_SUCCESS) {
            weir_value expected[6];
            if (!expected_row(&message.data, expected)) {
                dead++;
                continue;
            }
            assert_true(row < r.chunk->n_rows);
            for (uint32_t f = 0; f < 6; f++) {
                weir_value got = weir_chunk_get(r.chunk, row, f);
                assert_true(same_value(&expected[f], &got));
            }
            assert_true(r.chunk->time[row] == expected[AT].as.i);
            row++;
        }
        assert_int_equal(r.chunk->n_rows, row);
        assert_int_equal(r.n_dead, dead);
        n_rows += row;
        n_dead += dead;
        msgpack_unpacked_destroy(&message);
        msgpack_sbuffer_destroy(&buffer);
        free_result(&r);
    }
    assert_true(n_rows > 3000); /* both are met often */
    assert_true(n_dead > 3000);
}

/* However the input is cut, the rows and dead records are the same. */
static void
cuts_change_nothing(void **state)
{
    (void)state;
    uint64_t        seed = 12;
    msgpack_sbuffer buffer;
    msgpack_packer  packer;
    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    for (int i = 0; i < 40; i++) {
        pack_message(&packer, &seed);
    }
    struct result whole = decode_bytes(&SCHEMA, buffer.data, buffer.size);
    assert_ok(whole.status);
    for (size_t step = 1; step < 100; step++) {
        struct result  r;
        weiri_decoder *decoder = new_decoder(&SCHEMA, NULL, &r);
        size_t         start   = 0;
        for (size_t end = step; start < buffer.size; end += step) {
            end             = end < buffer.size ? end : buffer.size;
            char  *exact    = malloc(end - start + 1);
            size_t consumed = 0;
            memcpy(exact, buffer.data + start, end - start);
            assert_ok(weiri_decoder_decode(decoder, exact, end - start,
                end == buffer.size, r.chunk, &consumed, NULL));
            free(exact);
            start += consumed;
        }
        assert_int_equal(r.n_dead, whole.n_dead);
        assert_int_equal(r.position, whole.position);
        assert_int_equal(r.line, whole.line);
        assert_int_equal(r.chunk->n_rows, whole.chunk->n_rows);
        for (uint32_t i = 0; i < r.chunk->n_rows; i++) {
            for (uint32_t f = 0; f < 6; f++) {
                weir_value a = weir_chunk_get(r.chunk, i, f);
                weir_value b = weir_chunk_get(whole.chunk, i, f);
                assert_true(same_value(&a, &b));
            }
        }
        weiri_decoder_destroy(&decoder);
        free_result(&r);
    }
    free_result(&whole);
    msgpack_sbuffer_destroy(&buffer);
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
        cmocka_unit_test(random_messages_read_as_msgpack_c_reads_them),
        cmocka_unit_test(cuts_change_nothing),
    };
    return cmocka_run_group_tests_name("decode_msgpack", tests, NULL, NULL);
}
