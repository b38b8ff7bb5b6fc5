#include "weir_test.h"

#include <math.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weiri/codec.h"
#include "weiri/numtext.h"
#include "weiri/timetext.h"

static const weir_field FIELDS[] = {
    { .name = "at", .type = WEIR_TIME },
    { .name = "n", .type = WEIR_INT, .is_nullable = true },
    { .name = "x", .type = WEIR_FLOAT, .is_nullable = true },
    { .name = "s", .type = WEIR_STRING, .is_nullable = true },
    { .name = "b", .type = WEIR_BOOL, .is_nullable = true },
    { .name = "d", .type = WEIR_DURATION, .is_nullable = true },
    { .name = "l", .type = WEIR_LIST, .element = WEIR_STRING, .is_nullable = true },
};
enum { AT, N, X, S, B, D, L, N_FIELDS };
static const weir_schema SCHEMA = {
    .name = "all", .fields = FIELDS, .n_fields = N_FIELDS, .time_field = 0
};

static weir_chunk *
new_chunk(const weir_schema *schema)
{
    weir_chunk *chunk = NULL;
    assert_ok(weir_chunk_new(schema, NULL, &chunk));
    return chunk;
}

static void
drop(weir_chunk *chunk)
{
    const weir_chunk *mine = chunk;
    weir_chunk_unref(&mine);
}

static void
set(weir_chunk *chunk, uint32_t row, uint32_t field, weir_value value)
{
    value.type = (uint8_t)chunk->schema->fields[field].type;
    assert_ok(weir_chunk_set(chunk, row, field, &value));
}

static weir_value
bytes(const char *s, size_t size)
{
    return (weir_value){ .as.s = s, .size = (uint32_t)size };
}

static weir_value
text(const char *s)
{
    return bytes(s, strlen(s));
}

static const weir_value NIL = { .is_null = true };

/* A row in which everything is null but the time. */
static void
add_empty_row(weir_chunk *chunk)
{
    for (uint32_t f = 0; f < chunk->schema->n_fields; f++) {
        set(chunk, chunk->n_rows, f, NIL);
    }
    set(chunk, chunk->n_rows, AT, (weir_value){ .as.i = 0 });
    chunk->time[chunk->n_rows++] = 0;
}

/* What an encoder makes of all rows, its header included. */
static weiri_buffer
encoded(const weir_chunk *chunk, weiri_format format)
{
    weiri_encoder *encoder = NULL;
    weiri_buffer   out     = { 0 };
    weir_rows      rows    = { chunk, 0, chunk->n_rows };
    assert_ok(weiri_encoder_new(chunk->schema, format, &encoder, NULL));
    assert_ok(weiri_encoder_begin(encoder, &out));
    assert_ok(weiri_encoder_encode(encoder, rows, &out));
    assert_true(out.used <= out.size);
    weiri_encoder_destroy(&encoder);
    assert_null(encoder);
    return out;
}

static void
assert_encoded(const weir_chunk *chunk, weiri_format format, const char *expected)
{
    weiri_buffer out = encoded(chunk, format);
    assert_ok(weiri_buffer_reserve(&out, 1));
    out.bytes[out.used] = '\0';
    assert_string_equal(out.bytes, expected);
    assert_int_equal(out.used, strlen(expected));
    weiri_buffer_fini(&out);
}

/* Two strings and a null between them. */
static const char LIST[] = "\x04\x00\x01\x00\x00\x00"
                           "a\x01\x00\x02\x00\x00\x00"
                           "\"b";

static weir_chunk *
one_full_and_one_empty_row(void)
{
    weir_chunk *chunk = new_chunk(&SCHEMA);
    int64_t     at_ns = INT64_C(1490796950500000000);
    set(chunk, 0, AT, (weir_value){ .as.i = at_ns });
    set(chunk, 0, N, (weir_value){ .as.i = INT64_MIN });
    set(chunk, 0, X, (weir_value){ .as.f = 0.1 });
    set(chunk, 0, S, text("a, \"b\"\n\\\x01ü"));
    set(chunk, 0, B, (weir_value){ .as.b = true });
    set(chunk, 0, D, (weir_value){ .as.i = 90 * WEIRI_NS_PER_S });
    set(chunk, 0, L, bytes(LIST, sizeof LIST - 1));
    chunk->time[0] = at_ns;
    chunk->n_rows  = 1;
    add_empty_row(chunk);
    return chunk;
}

static void
json_lines_have_every_type(void **state)
{
    (void)state;
    weir_chunk *chunk = one_full_and_one_empty_row();
    assert_encoded(chunk, WEIRI_FORMAT_JSON,
        "{\"at\":\"2017-03-29T14:15:50.5Z\",\"n\":-9223372036854775808,\"x\":0.1,"
        "\"s\":\"a, \\\"b\\\"\\n\\\\\\u0001ü\",\"b\":true,\"d\":\"1m30s\","
        "\"l\":[\"a\",null,\"\\\"b\"]}\n"
        "{\"at\":\"1970-01-01T00:00:00Z\",\"n\":null,\"x\":null,\"s\":null,\"b\":null,"
        "\"d\":null,\"l\":null}\n");
    drop(chunk);
}

static void
csv_has_a_header_and_quotes_where_it_must(void **state)
{
    (void)state;
    weir_chunk *chunk = one_full_and_one_empty_row();
    assert_encoded(chunk, WEIRI_FORMAT_CSV,
        "at,n,x,s,b,d,l\n"
        "2017-03-29T14:15:50.5Z,-9223372036854775808,0.1,\"a, \"\"b\"\"\n\\\x01ü\",true,"
        "1m30s,\"[\"\"a\"\",null,\"\"\\\"\"b\"\"]\"\n"
        "1970-01-01T00:00:00Z,,,,,,\n");
    drop(chunk);
}

static void
text_for_people_leads_with_time_and_name(void **state)
{
    (void)state;
    weir_chunk *chunk = one_full_and_one_empty_row();
    set(chunk, 1, S, text("plain"));
    set(chunk, 1, N, (weir_value){ .as.i = 5 });
    assert_encoded(chunk, WEIRI_FORMAT_TEXT,
        "2017-03-29T14:15:50.5Z all n=-9223372036854775808 x=0.1 "
        "s=\"a, \\\"b\\\"\\n\\\\\\u0001ü\" b=true d=1m30s l=[\"a\",null,\"\\\"b\"]\n"
        "1970-01-01T00:00:00Z all n=5 x=null s=plain b=null d=null l=null\n");
    drop(chunk);
}

static void
text_for_people_never_steers_the_terminal(void **state)
{
    (void)state;
    static const weir_field  FIELD[] = { { .name = "s", .type = WEIR_STRING } };
    static const weir_schema LINE    = {
           .name = "line", .fields = FIELD, .n_fields = 1, .time_field = -1
    };
    weir_chunk              *chunk = new_chunk(&LINE);
    static const char *const IN[]  = { "", "a b", "a=b", "\x1b[31m", "\xc2\x9b\x33\x31m",
         "\x7f", "Zürich", "x\xffy" };
    for (uint32_t i = 0; i < 8; i++) {
        set(chunk, i, 0, text(IN[i]));
        chunk->time[i] = 0;
    }
    chunk->n_rows = 8;
    assert_encoded(chunk, WEIRI_FORMAT_TEXT,
        "1970-01-01T00:00:00Z line s=\"\"\n"
        "1970-01-01T00:00:00Z line s=\"a b\"\n"
        "1970-01-01T00:00:00Z line s=\"a=b\"\n"
        "1970-01-01T00:00:00Z line s=\"\\u001b[31m\"\n"
        "1970-01-01T00:00:00Z line s=\"\\u009b31m\"\n"
        "1970-01-01T00:00:00Z line s=\"\\u007f\"\n"
        "1970-01-01T00:00:00Z line s=Zürich\n"
        "1970-01-01T00:00:00Z line s=x\ufffdy\n");
    drop(chunk);
}

static void
csv_tells_an_empty_string_from_null_and_never_writes_an_empty_line(void **state)
{
    (void)state;
    static const weir_field FIELD[] = {
        { .name = "s", .type = WEIR_STRING, .is_nullable = true }
    };
    static const weir_schema LINE = {
        .name = "line", .fields = FIELD, .n_fields = 1, .time_field = -1
    };
    weir_chunk *chunk = new_chunk(&LINE);
    set(chunk, 0, 0, NIL);
    set(chunk, 1, 0, text(""));
    chunk->n_rows = 2;
    assert_encoded(chunk, WEIRI_FORMAT_CSV, "s\n\"\"\n\"\"\n");
    drop(chunk);

    chunk = new_chunk(&SCHEMA);
    add_empty_row(chunk);
    set(chunk, 0, S, text(""));
    assert_encoded(
        chunk, WEIRI_FORMAT_CSV, "at,n,x,s,b,d,l\n1970-01-01T00:00:00Z,,,\"\",,,\n");
    drop(chunk);
}

static void
invalid_utf8_never_leaves(void **state)
{
    (void)state;
    static const char *const  WRONG[]   = { "\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf",
           "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "ok\xe2\x82",
           "\xff\"\xfe", "a\xc3(", "\xf0\x9f\x98" };
    static const weiri_format FORMATS[] = { WEIRI_FORMAT_JSON, WEIRI_FORMAT_CSV,
        WEIRI_FORMAT_MSGPACK, WEIRI_FORMAT_TEXT };
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        weir_chunk *chunk = new_chunk(&SCHEMA);
        add_empty_row(chunk);
        set(chunk, 0, S, text(WRONG[i]));
        for (size_t k = 0; k < 4; k++) {
            weiri_buffer out = encoded(chunk, FORMATS[k]);
            assert_ok(weiri_buffer_reserve(&out, 1));
            if (FORMATS[k] != WEIRI_FORMAT_MSGPACK) {
                assert_true(weiri_utf8_is_valid(out.bytes, out.used));
            }
            out.bytes[out.used] = '\0';
            bool is_there       = false;
            for (size_t at = 0; at + 3 <= out.used; at++) {
                is_there = is_there || memcmp(out.bytes + at, "\xef\xbf\xbd", 3) == 0;
            }
            assert_true(is_there);
            weiri_buffer_fini(&out);
        }
        drop(chunk);
    }
}

static void
every_byte_is_escaped_as_json_demands(void **state)
{
    (void)state;
    weir_chunk *chunk = new_chunk(&SCHEMA);
    char        all[128];
    for (size_t shift = 0; shift < 9; shift++) { /* at every place in a word */
        weir_chunk_clear(chunk);
        add_empty_row(chunk);
        memset(all, 'x', shift);
        for (size_t i = 0; i < 128 - shift; i++) {
            all[shift + i] = (char)i;
        }
        set(chunk, 0, S, bytes(all, 128));
        weiri_buffer out = encoded(chunk, WEIRI_FORMAT_JSON);
        char         expected[1024];
        size_t       n = 0;
        for (size_t i = 0; i < 128; i++) {
            unsigned char c  = (unsigned char)all[i];
            const char   *at = c != 0 ? strchr("\bb\tt\nn\ff\rr\"\"\\\\", c) : NULL;
            if (c < 0x20 || c == '"' || c == '\\') {
                n += (size_t)(at != NULL ? sprintf(expected + n, "\\%c", at[1])
                                         : sprintf(expected + n, "\\u%04x", c));
            } else {
                expected[n++] = (char)c;
            }
        }
        const char *start =
            "{\"at\":\"1970-01-01T00:00:00Z\",\"n\":null,\"x\":null,\"s\":\"";
        assert_memory_equal(out.bytes, start, strlen(start));
        assert_memory_equal(out.bytes + strlen(start), expected, n);
        assert_int_equal(out.bytes[strlen(start) + n], '"');
        weiri_buffer_fini(&out);
    }
    drop(chunk);
}

static const msgpack_object *
member(const msgpack_object *map, const char *key)
{
    for (uint32_t i = 0; i < map->via.map.size; i++) {
        const msgpack_object_kv *pair = &map->via.map.ptr[i];
        if (pair->key.via.str.size == strlen(key)
            && memcmp(pair->key.via.str.ptr, key, strlen(key)) == 0) {
            return &pair->val;
        }
    }
    fail_msg("no key '%s'", key);
    return NULL;
}

static void
assert_str(const msgpack_object *object, const char *expected)
{
    assert_int_equal(object->type, MSGPACK_OBJECT_STR);
    assert_int_equal(object->via.str.size, strlen(expected));
    assert_memory_equal(object->via.str.ptr, expected, strlen(expected));
}

static void
msgpack_c_reads_what_is_written(void **state)
{
    (void)state;
    weir_chunk       *chunk = one_full_and_one_empty_row();
    weiri_buffer      out   = encoded(chunk, WEIRI_FORMAT_MSGPACK);
    msgpack_unpacked  message;
    msgpack_timestamp time;
    size_t            offset = 0;
    msgpack_unpacked_init(&message);
    assert_int_equal(msgpack_unpack_next(&message, out.bytes, out.used, &offset),
        MSGPACK_UNPACK_SUCCESS);
    const msgpack_object *map = &message.data;
    assert_int_equal(map->type, MSGPACK_OBJECT_MAP);
    assert_int_equal(map->via.map.size, N_FIELDS);
    assert_true(msgpack_object_to_timestamp(member(map, "at"), &time));
    assert_int_equal(time.tv_sec, 1490796950);
    assert_int_equal(time.tv_nsec, 500000000);
    assert_true(member(map, "n")->via.i64 == INT64_MIN);
    assert_true(member(map, "x")->via.f64 == 0.1);
    assert_str(member(map, "s"), "a, \"b\"\n\\\x01ü");
    assert_int_equal(member(map, "b")->type, MSGPACK_OBJECT_BOOLEAN);
    assert_true(member(map, "b")->via.boolean);
    assert_str(member(map, "d"), "1m30s");
    const msgpack_object *list = member(map, "l");
    assert_int_equal(list->type, MSGPACK_OBJECT_ARRAY);
    assert_int_equal(list->via.array.size, 3);
    assert_str(&list->via.array.ptr[0], "a");
    assert_int_equal(list->via.array.ptr[1].type, MSGPACK_OBJECT_NIL);
    assert_str(&list->via.array.ptr[2], "\"b");
    assert_int_equal(msgpack_unpack_next(&message, out.bytes, out.used, &offset),
        MSGPACK_UNPACK_SUCCESS);
    assert_int_equal(member(&message.data, "l")->type, MSGPACK_OBJECT_NIL);
    assert_int_equal(offset, out.used);
    msgpack_unpacked_destroy(&message);
    weiri_buffer_fini(&out);
    drop(chunk);
}

/* msgpack-c writes the shortest forms, so the bytes have to be the same. */
static void
msgpack_is_written_in_the_shortest_forms(void **state)
{
    (void)state;
    static const weir_field  FIELD[] = { { .name = "n", .type = WEIR_INT },
         { .name = "s", .type = WEIR_STRING }, { .name = "t", .type = WEIR_TIME } };
    static const weir_schema LINE    = {
           .name = "line", .fields = FIELD, .n_fields = 3, .time_field = 2
    };
    static const size_t SIZES[] = { 0, 1, 31, 32, 255, 256, 65535, 65536 };
    char               *letters = malloc(65536);
    memset(letters, 'k', 65536);
    for (int i = 0; i < 64 * 8; i++) {
        weir_chunk     *chunk = new_chunk(&LINE);
        uint64_t        n     = (UINT64_C(1) << i / 8) + (uint64_t)(i % 3) - 1;
        int64_t         value = (int64_t)(i % 2 == 0 ? n : 0 - n);
        size_t          size  = SIZES[i % 8];
        msgpack_sbuffer buffer;
        msgpack_packer  packer;
        set(chunk, 0, 0, (weir_value){ .as.i = value });
        set(chunk, 0, 1, bytes(letters, size));
        set(chunk, 0, 2, (weir_value){ .as.i = value });
        chunk->n_rows = 1;
        msgpack_sbuffer_init(&buffer);
        msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
        msgpack_pack_map(&packer, 3);
        msgpack_pack_str_with_body(&packer, "n", 1);
        msgpack_pack_int64(&packer, value);
        msgpack_pack_str_with_body(&packer, "s", 1);
        msgpack_pack_str_with_body(&packer, letters, size);
        msgpack_pack_str_with_body(&packer, "t", 1);
        int64_t           seconds = value / WEIRI_NS_PER_S - (value % WEIRI_NS_PER_S < 0);
        msgpack_timestamp time    = { .tv_sec = seconds,
               .tv_nsec                       = (uint32_t)((uint64_t)value
                                  - (uint64_t)seconds * (uint64_t)WEIRI_NS_PER_S) };
        msgpack_pack_timestamp(&packer, &time);
        weiri_buffer out = encoded(chunk, WEIRI_FORMAT_MSGPACK);
        assert_int_equal(out.used, buffer.size);
        assert_memory_equal(out.bytes, buffer.data, buffer.size);
        weiri_buffer_fini(&out);
        msgpack_sbuffer_destroy(&buffer);
        drop(chunk);
    }
    free(letters);
}

static void
wide_streams_and_long_names_fit(void **state)
{
    (void)state;
    enum { WIDE = 200 };
    static weir_field fields[WIDE];
    static char       names[WIDE][300];
    for (int i = 0; i < WIDE; i++) {
        snprintf(names[i], sizeof names[i], "field \"%d\" %0*d", i, i, i);
        fields[i] = (weir_field){ .name = names[i],
            .type                       = i % 2 == 0 ? WEIR_FLOAT : WEIR_DURATION };
    }
    weir_schema wide = {
        .name = "wide", .fields = fields, .n_fields = WIDE, .time_field = -1
    };
    weir_chunk *chunk = new_chunk(&wide);
    for (uint32_t i = 0; i < WIDE; i++) {
        if (i % 2 == 0) {
            set(chunk, 0, i, (weir_value){ .as.f = -2.2250738585072014e-308 });
        } else {
            set(chunk, 0, i, (weir_value){ .as.i = INT64_MIN });
        }
    }
    chunk->time[0]                      = INT64_MIN;
    chunk->n_rows                       = 1;
    static const weiri_format FORMATS[] = { WEIRI_FORMAT_JSON, WEIRI_FORMAT_CSV,
        WEIRI_FORMAT_MSGPACK, WEIRI_FORMAT_TEXT };
    for (size_t k = 0; k < 4; k++) {
        weiri_buffer out = encoded(chunk, FORMATS[k]);
        assert_true(out.used > WIDE * WIDE / 2);
        if (FORMATS[k] == WEIRI_FORMAT_MSGPACK) {
            msgpack_unpacked message;
            size_t           offset = 0;
            msgpack_unpacked_init(&message);
            assert_int_equal(msgpack_unpack_next(&message, out.bytes, out.used, &offset),
                MSGPACK_UNPACK_SUCCESS);
            assert_int_equal(offset, out.used);
            assert_int_equal(message.data.via.map.size, WIDE);
            msgpack_unpacked_destroy(&message);
        }
        weiri_buffer_fini(&out);
    }
    drop(chunk);
}

static void
lists_of_every_type_are_written(void **state)
{
    (void)state;
    weir_chunk *chunk = new_chunk(&SCHEMA);
    char        list[64];
    int64_t     number = -5;
    double      real   = 2.5;
    add_empty_row(chunk);
    list[0] = WEIR_BOOL;
    memcpy(list + 1, "\0\1\0\0\1", 5);
    set(chunk, 0, L, bytes(list, 6));
    add_empty_row(chunk);
    list[0] = WEIR_INT;
    list[1] = 0;
    memcpy(list + 2, &number, 8);
    set(chunk, 1, L, bytes(list, 10));
    add_empty_row(chunk);
    list[0] = WEIR_FLOAT;
    memcpy(list + 2, &real, 8);
    set(chunk, 2, L, bytes(list, 10));
    add_empty_row(chunk);
    list[0] = WEIR_TIME;
    memcpy(list + 2, &number, 8);
    set(chunk, 3, L, bytes(list, 10));
    add_empty_row(chunk);
    list[0] = WEIR_DURATION;
    set(chunk, 4, L, bytes(list, 10));
    add_empty_row(chunk);
    set(chunk, 5, L, bytes(list, 1));
    static const char *const EXPECTED[] = { "[true,false,null]", "[-5]", "[2.5]",
        "[\"1969-12-31T23:59:59.999999995Z\"]", "[\"-5ns\"]", "[]" };
    char                     line[512];
    char                     all[4096] = "";
    for (int i = 0; i < 6; i++) {
        snprintf(line, sizeof line,
            "{\"at\":\"1970-01-01T00:00:00Z\",\"n\":null,\"x\":null,\"s\":null,\"b\":"
            "null,"
            "\"d\":null,\"l\":%s}\n",
            EXPECTED[i]);
        strcat(all, line);
    }
    assert_encoded(chunk, WEIRI_FORMAT_JSON, all);
    drop(chunk);
}

static void
format_that_is_none_is_refused(void **state)
{
    (void)state;
    weiri_encoder *encoder = NULL;
    weir_error     err     = { 0 };
    assert_int_equal(
        weiri_encoder_new(&SCHEMA, WEIRI_FORMAT_AUTO, &encoder, &err), WEIR_EINVAL);
    assert_null(encoder);
    assert_non_null(strstr(err.text, "all"));
}

/* The last field of each row is its number, counted on from what came before. */
static void
rows_can_be_numbered_in_every_format(void **state)
{
    (void)state;
    static const weir_field  ONE[] = { { .name = "s", .type = WEIR_STRING } };
    static const weir_schema SMALL = {
        .name = "small", .fields = ONE, .n_fields = 1, .time_field = -1
    };
    static const struct {
        weiri_format format;
        const char  *expected;
    } CASES[] = {
        { WEIRI_FORMAT_JSON, "{\"s\":\"a\",\"id\":41}\n{\"s\":\"a\",\"id\":42}\n" },
        { WEIRI_FORMAT_CSV, "s,id\na,41\na,42\n" },
        { WEIRI_FORMAT_TEXT, "1970-01-01T00:00:00Z small s=a id=41\n1970-01-01T00:00:00Z "
                             "small s=a id=42\n" },
        { WEIRI_FORMAT_MSGPACK,
            "\x82\xa1s\xa1\x61\xa2id\x29\x82\xa1s\xa1\x61\xa2id\x2a" },
    };
    const bool  used[] = { true };
    weir_chunk *chunk  = NULL;
    assert_ok(weir_chunk_new(&SMALL, used, &chunk));
    for (int i = 0; i < 2; i++) {
        set(chunk, chunk->n_rows, 0, text("a"));
        chunk->time[chunk->n_rows++] = 0;
    }
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        weiri_encoder *encoder = NULL;
        weiri_buffer   out     = { 0 };
        weir_rows      rows    = { chunk, 0, chunk->n_rows };
        assert_ok(
            weiri_encoder_new_numbered(&SMALL, CASES[i].format, "id", &encoder, NULL));
        weiri_encoder_count(encoder, 40);
        assert_ok(weiri_encoder_begin(encoder, &out));
        assert_ok(weiri_encoder_encode(encoder, rows, &out));
        assert_int_equal(out.used, strlen(CASES[i].expected));
        assert_memory_equal(out.bytes, CASES[i].expected, out.used);
        weiri_encoder_destroy(&encoder);
        weiri_buffer_fini(&out);
    }
    weir_chunk_drop(&chunk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_lines_have_every_type),
        cmocka_unit_test(csv_has_a_header_and_quotes_where_it_must),
        cmocka_unit_test(text_for_people_leads_with_time_and_name),
        cmocka_unit_test(text_for_people_never_steers_the_terminal),
        cmocka_unit_test(
            csv_tells_an_empty_string_from_null_and_never_writes_an_empty_line),
        cmocka_unit_test(invalid_utf8_never_leaves),
        cmocka_unit_test(every_byte_is_escaped_as_json_demands),
        cmocka_unit_test(msgpack_c_reads_what_is_written),
        cmocka_unit_test(msgpack_is_written_in_the_shortest_forms),
        cmocka_unit_test(wide_streams_and_long_names_fit),
        cmocka_unit_test(lists_of_every_type_are_written),
        cmocka_unit_test(format_that_is_none_is_refused),
        cmocka_unit_test(rows_can_be_numbered_in_every_format),
    };
    return cmocka_run_group_tests_name("encode", tests, NULL, NULL);
}
