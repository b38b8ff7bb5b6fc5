/* Random messages, as msgpack-c reads them and however they are cut. */
#include "weir_test.h"

#include <math.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "../support/msgpack_rig.h"
#include "../support/random.h"
#include "weiri/limits.h"
#include "weiri/timetext.h"

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
enum { AT, N, X, S, B };

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
        cmocka_unit_test(random_messages_read_as_msgpack_c_reads_them),
        cmocka_unit_test(cuts_change_nothing),
    };
    return cmocka_run_group_tests_name("decode_msgpack_random", tests, NULL, NULL);
}
