#include "weir_test.h"

#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "../support/random.h"
#include "codec/mp_cursor.h"
#include "weiri/limits.h"

static void
pack_random(msgpack_packer *packer, uint64_t *seed, int depth)
{
    static const char LETTERS[70000];
    uint64_t          r      = next_random(seed);
    int64_t           number = (int64_t)next_random(seed) >> (r >> 32 & 63);
    size_t            size   = (r >> 8) % 5 == 0 ? (r >> 16) % 70000 : (r >> 16) % 40;
    switch (r % (depth > 0 ? 11 : 8)) {
    case 0: msgpack_pack_nil(packer); break;
    case 1: msgpack_pack_true(packer); break;
    case 2: msgpack_pack_int64(packer, number); break;
    case 3: msgpack_pack_uint64(packer, (uint64_t)number); break;
    case 4: msgpack_pack_double(packer, (double)number); break;
    case 5: msgpack_pack_str_with_body(packer, LETTERS, size); break;
    case 6: msgpack_pack_bin_with_body(packer, LETTERS, size); break;
    case 7: msgpack_pack_ext_with_body(packer, LETTERS, size, (int8_t)r); break;
    case 8:
    case 9:
        msgpack_pack_array(packer, size % 40);
        for (size_t i = 0; i < size % 40; i++) {
            pack_random(packer, seed, depth - 1);
        }
        break;
    default:
        msgpack_pack_map(packer, size % 20);
        for (size_t i = 0; i < 2 * (size % 20); i++) {
            pack_random(packer, seed, depth - 1);
        }
        break;
    }
}

/* Walk over an object beside msgpack-c's tree of it. */
static void
assert_same(weiri_mp_cursor *cursor, const msgpack_object *object)
{
    weiri_mp_token token;
    assert_int_equal(weiri_mp_read(cursor, &token), WEIRI_MP_OK);
    switch (object->type) {
    case MSGPACK_OBJECT_NIL: assert_int_equal(token.kind, WEIRI_MP_NIL); break;
    case MSGPACK_OBJECT_BOOLEAN:
        assert_int_equal(token.kind, WEIRI_MP_BOOL);
        assert_true(token.as.b == object->via.boolean);
        break;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        assert_int_equal(
            token.kind, object->via.u64 > INT64_MAX ? WEIRI_MP_UINT : WEIRI_MP_INT);
        assert_true(token.as.u == object->via.u64);
        break;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        assert_int_equal(token.kind, WEIRI_MP_INT);
        assert_true(token.as.i == object->via.i64);
        break;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        assert_int_equal(token.kind, WEIRI_MP_FLOAT);
        assert_true(token.as.f == object->via.f64);
        break;
    case MSGPACK_OBJECT_STR:
    case MSGPACK_OBJECT_BIN:
        assert_int_equal(
            token.kind, object->type == MSGPACK_OBJECT_STR ? WEIRI_MP_STR : WEIRI_MP_BIN);
        assert_int_equal(token.size, object->via.str.size);
        assert_true(token.size == 0 || token.bytes == object->via.str.ptr);
        break;
    case MSGPACK_OBJECT_EXT:
        assert_int_equal(token.kind, WEIRI_MP_EXT);
        assert_int_equal(token.size, object->via.ext.size);
        assert_true(token.size == 0 || token.bytes == object->via.ext.ptr);
        assert_int_equal(token.ext_type, object->via.ext.type);
        break;
    case MSGPACK_OBJECT_ARRAY:
        assert_int_equal(token.kind, WEIRI_MP_ARRAY);
        assert_int_equal(token.as.n_items, object->via.array.size);
        for (uint32_t i = 0; i < token.as.n_items; i++) {
            assert_same(cursor, &object->via.array.ptr[i]);
        }
        break;
    case MSGPACK_OBJECT_MAP:
        assert_int_equal(token.kind, WEIRI_MP_MAP);
        assert_int_equal(token.as.n_items, object->via.map.size);
        for (uint32_t i = 0; i < token.as.n_items; i++) {
            assert_same(cursor, &object->via.map.ptr[i].key);
            assert_same(cursor, &object->via.map.ptr[i].val);
        }
        break;
    }
}

static void
walk_and_skip_agree_with_msgpack_c(void **state)
{
    (void)state;
    uint64_t seed = 21;
    for (int i = 0; i < 1000; i++) {
        msgpack_sbuffer  buffer;
        msgpack_packer   packer;
        msgpack_unpacked object;
        size_t           offset = 0;
        msgpack_sbuffer_init(&buffer);
        msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
        pack_random(&packer, &seed, 3);
        msgpack_pack_int(&packer, 7);
        msgpack_unpacked_init(&object);
        assert_int_equal(msgpack_unpack_next(&object, buffer.data, buffer.size, &offset),
            MSGPACK_UNPACK_SUCCESS);
        weiri_mp_cursor walk = weiri_mp_cursor_at(buffer.data, buffer.size, SIZE_MAX);
        weiri_mp_cursor skip = walk;
        assert_same(&walk, &object.data);
        assert_ptr_equal(walk.at, buffer.data + offset);
        assert_int_equal(weiri_mp_skip(&skip, 0), WEIRI_MP_OK);
        assert_ptr_equal(skip.at, walk.at);
        msgpack_unpacked_destroy(&object);
        msgpack_sbuffer_destroy(&buffer);
    }
}

/* Each prefix of a value waits for more, and reads nothing behind its end. */
static void
value_that_is_cut_anywhere_waits_for_more(void **state)
{
    (void)state;
    static const char *const VALUES[] = { "\xcc\x01", "\xcd\1\2", "\xce\1\2\3\4",
        "\xcf\1\2\3\4\5\6\7\x08", "\xd0\x80", "\xca\1\2\3\4", "\xcb\1\2\3\4\5\6\7\x08",
        "\xa3xyz", "\xd9\3xyz", "\xc4\3xyz", "\xd4\1x", "\xd8\1xxxxxxxxxxxxxxxx",
        "\xc7\3\1xyz", "\x93\1\2\3", "\x82\1\2\3\4", "\x91\x91\x91\1" };
    for (size_t i = 0; i < sizeof VALUES / sizeof VALUES[0]; i++) {
        size_t size = strlen(VALUES[i]);
        for (size_t cut = 0; cut <= size; cut++) {
            char *exact = malloc(cut + (cut == 0));
            memcpy(exact, VALUES[i], cut);
            weiri_mp_cursor cursor = weiri_mp_cursor_at(exact, cut, 1000);
            assert_int_equal(
                weiri_mp_skip(&cursor, 0), cut < size ? WEIRI_MP_MORE : WEIRI_MP_OK);
            assert_true(cursor.at <= cursor.end);
            free(exact);
        }
    }
}

static void
declared_length_beyond_the_bound_is_refused_before_its_bytes_come(void **state)
{
    (void)state;
    static const char *const HEADS[] = { "\xd9\x0b", "\xa9", "\xc4\x09", "\x99", "\x85",
        "\xd8\x01" };
    for (size_t i = 0; i < sizeof HEADS / sizeof HEADS[0]; i++) {
        weiri_mp_token  token;
        weiri_mp_cursor cursor = weiri_mp_cursor_at(HEADS[i], strlen(HEADS[i]), 9);
        assert_int_equal(weiri_mp_read(&cursor, &token), WEIRI_MP_LONG);
        assert_ptr_equal(cursor.at, HEADS[i]);
    }
    weiri_mp_token  token;
    weiri_mp_cursor cursor = weiri_mp_cursor_at("\xdd\xff\xff\xff\xff", 5, 1 << 20);
    assert_int_equal(weiri_mp_read(&cursor, &token), WEIRI_MP_LONG);
    cursor = weiri_mp_cursor_at("\xdb\xff\xff\xff\xff", 5, 1 << 20);
    assert_int_equal(weiri_mp_read(&cursor, &token), WEIRI_MP_LONG);
    cursor = weiri_mp_cursor_at("\xc9\xff\xff\xff\xff\x01", 6, 1 << 20);
    assert_int_equal(weiri_mp_read(&cursor, &token), WEIRI_MP_LONG);
}

static void
nesting_is_bounded(void **state)
{
    (void)state;
    char deep[WEIRI_NESTING + 2];
    memset(deep, 0x91, sizeof deep);
    deep[WEIRI_NESTING]    = 0;
    weiri_mp_cursor cursor = weiri_mp_cursor_at(deep, WEIRI_NESTING + 1, 1000);
    assert_int_equal(weiri_mp_skip(&cursor, 0), WEIRI_MP_OK);
    assert_int_equal(weiri_mp_left(&cursor), 0);
    cursor = weiri_mp_cursor_at(deep, WEIRI_NESTING + 1, 1000);
    assert_int_equal(weiri_mp_skip(&cursor, 1), WEIRI_MP_DEEP);
    deep[WEIRI_NESTING]     = (char)0x91;
    deep[WEIRI_NESTING + 1] = 0;
    cursor                  = weiri_mp_cursor_at(deep, sizeof deep, 1000);
    assert_int_equal(weiri_mp_skip(&cursor, 0), WEIRI_MP_DEEP);
}

/* The shortcuts take the same values as the full reading, or nothing. */
static void
shortcuts_agree_with_the_full_reading(void **state)
{
    (void)state;
    uint64_t seed = 22;
    for (int tag = 0; tag < 256; tag++) {
        for (int i = 0; i < 200; i++) {
            char   bytes[16];
            size_t size = 1 + next_random(&seed) % 15;
            for (size_t k = 0; k < sizeof bytes; k++) {
                bytes[k] = (char)next_random(&seed);
            }
            bytes[0]    = (char)tag;
            char *exact = malloc(size);
            memcpy(exact, bytes, size);
            weiri_mp_cursor full  = weiri_mp_cursor_at(exact, size, 1000);
            weiri_mp_cursor start = full;
            weiri_mp_cursor fast  = full;
            weiri_mp_token  token;
            bool            is_read = weiri_mp_read(&full, &token) == WEIRI_MP_OK;
            int64_t         n       = 0;
            double          x       = 0;
            bool            b       = false;
            const char     *text    = NULL;
            uint32_t        length  = 0;
            if (weiri_mp_take_int(&fast, &n)) {
                assert_true(is_read && token.kind == WEIRI_MP_INT && token.as.i == n);
            } else if (weiri_mp_take_float(&fast, &x)) {
                assert_true(is_read && token.kind == WEIRI_MP_FLOAT);
                assert_memory_equal(&x, &token.as.f, sizeof x);
            } else if (weiri_mp_take_bool(&fast, &b)) {
                assert_true(is_read && token.kind == WEIRI_MP_BOOL && token.as.b == b);
            } else if (weiri_mp_take_str(&fast, &text, &length)) {
                assert_true(is_read && token.kind == WEIRI_MP_STR);
                assert_ptr_equal(text, token.bytes);
                assert_int_equal(length, token.size);
            } else {
                assert_ptr_equal(fast.at, start.at);
            }
            assert_true(fast.at == start.at || fast.at == full.at);
            free(exact);
        }
    }
}

static void
timestamps_are_taken_in_their_three_sizes(void **state)
{
    (void)state;
    int64_t ns = 42;
    assert_true(weiri_mp_timestamp("\xff\xff\xff\xff", 4, &ns));
    assert_int_equal(ns, INT64_C(4294967295000000000));
    assert_true(weiri_mp_timestamp("\xee\x6b\x27\xfc\0\0\0\x01", 8, &ns));
    assert_int_equal(ns, INT64_C(1999999999));
    assert_true(
        weiri_mp_timestamp("\0\0\0\x01\xff\xff\xff\xff\xff\xff\xff\xff", 12, &ns));
    assert_int_equal(ns, -999999999);
    ns = 42;
    assert_false(weiri_mp_timestamp("\xee\x6b\x28\0\0\0\0\x01", 8, &ns)); /* 10^9 ns */
    assert_false(weiri_mp_timestamp("\0\0\0\0\x7f\0\0\0\0\0\0\0", 12, &ns));
    assert_false(weiri_mp_timestamp("\0\0\0\0\0", 5, &ns));
    assert_false(weiri_mp_timestamp("", 0, &ns));
    assert_int_equal(ns, 42);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walk_and_skip_agree_with_msgpack_c),
        cmocka_unit_test(value_that_is_cut_anywhere_waits_for_more),
        cmocka_unit_test(
            declared_length_beyond_the_bound_is_refused_before_its_bytes_come),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(shortcuts_agree_with_the_full_reading),
        cmocka_unit_test(timestamps_are_taken_in_their_three_sizes),
    };
    return cmocka_run_group_tests_name("mp_cursor", tests, NULL, NULL);
}
