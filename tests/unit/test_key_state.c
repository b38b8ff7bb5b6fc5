/* State by key as bytes: the order, the heads, and what is refused. */
#include "int_keys.h"

#include "weiri/hash.h"

enum { KEYS = 300, CHECKSUM = 8, MAGIC = 5 };

static const char MAGIC_TEXT[] = "weirK";

/* ---- what is written ---- */

static void
add_head(weiri_keyed *keyed, uint8_t byte)
{
    weiri_keyed_add_type(keyed, 0, WEIR_INT);
    weiri_pack_bytes(&keyed->head, &byte, 1);
    weiri_keyed_end_head(keyed);
}

/* Each key in both parts; `is_down`: the last comes first. */
static weiri_pack
write_keys(bool is_down, const weiri_groups *groups)
{
    weiri_keyed keyed = { .groups = groups };
    add_head(&keyed, 'h');
    for (int64_t i = 0; i < KEYS; i++) {
        int64_t number = is_down ? KEYS - 1 - i : i;
        add_int_key(&keyed, number, is_down, (size_t)(number % 7), 'a');
        add_int_key(&keyed, number, !is_down, 3, 'b');
    }
    return finish_keys(&keyed);
}

static uint32_t
count_keys(const weiri_pack *bytes, const weiri_groups *groups, const char **wrong)
{
    weiri_keyed_reader from;
    weiri_keyed_entry  entry;
    uint32_t           n = 0;
    if (weiri_keyed_open(&from, bytes->bytes, bytes->size)) {
        while (weiri_keyed_next(&from, groups, &entry)) {
            n++;
        }
    }
    *wrong = from.in.wrong;
    return n;
}

static void
assert_refused(const weiri_pack *bytes, const char *text)
{
    const char *wrong = NULL;
    (void)count_keys(bytes, NULL, &wrong);
    assert_non_null(wrong);
    assert_non_null(strstr(wrong, text));
}

static void
seal(weiri_pack *bytes)
{
    weiri_pack_fixed(bytes, weiri_checksum(WEIRI_HASH_BEGIN, bytes->bytes, bytes->size));
}

/* ---- */

static void
the_bytes_do_not_depend_on_the_order_in_which_keys_come(void **state)
{
    (void)state;
    weiri_keyed a = { 0 };
    weiri_keyed b = { 0 };
    for (int64_t i = 0; i < KEYS; i++) {
        for (uint32_t part = 0; part < 2; part++) {
            add_int_key(&a, i, part, 5, (uint8_t)(i + part));
            add_int_key(&b, KEYS - 1 - i, 1 - part, 5, (uint8_t)(KEYS - i - part));
        }
    }
    weiri_pack x = finish_keys(&a);
    weiri_pack y = finish_keys(&b);
    assert_int_equal(x.size, y.size);
    assert_memory_equal(x.bytes, y.bytes, x.size);
    weiri_pack_fini(&x);
    weiri_pack_fini(&y);
}

static void
keys_come_by_place_in_their_groups_and_once_in_each_part(void **state)
{
    (void)state;
    weiri_pack         bytes  = write_keys(true, NULL);
    weiri_keyed_entry  before = { .place = 0 };
    weiri_keyed_reader from;
    weiri_keyed_entry  entry;
    bool               is_had[KEYS][2] = { { false } };
    assert_true(weiri_keyed_open(&from, bytes.bytes, bytes.size));
    while (weiri_keyed_next(&from, NULL, &entry)) {
        weir_value key = weiri_key_value_unpack(WEIR_INT, &entry.key);
        assert_int_equal(weiri_key_place(&key, 1), entry.place);
        assert_int_equal(weiri_place_group(entry.place), entry.group);
        assert_true(entry.place >= before.place);
        assert_in_range(key.as.i, 0, KEYS - 1);
        assert_false(is_had[key.as.i][entry.part]);
        is_had[key.as.i][entry.part] = true;
        before                       = entry;
    }
    assert_null(from.in.wrong);
    for (int i = 0; i < KEYS; i++) {
        assert_true(is_had[i][0] && is_had[i][1]);
    }
    weiri_pack_fini(&bytes);
}

static void
some_key_groups_are_written_or_read_by_themselves(void **state)
{
    (void)state;
    weiri_groups some  = { { 0 } };
    weiri_groups other = { { 0 } };
    const char  *wrong = NULL;
    for (uint32_t g = 0; g < WEIRI_KEY_GROUPS; g++) {
        weiri_groups_add(g % 3 == 0 ? &some : &other, g);
    }
    weiri_pack all   = write_keys(false, NULL);
    weiri_pack third = write_keys(false, &some);
    uint32_t   n     = count_keys(&all, &some, &wrong);
    assert_null(wrong);
    assert_in_range(n, 1, 2 * KEYS - 1);
    assert_int_equal(count_keys(&third, NULL, &wrong), n);
    assert_int_equal(count_keys(&third, &other, &wrong), 0);
    assert_int_equal(count_keys(&all, &other, &wrong), 2 * KEYS - n);
    assert_int_equal(count_keys(&all, NULL, &wrong), 2 * KEYS);
    weiri_pack_fini(&all);
    weiri_pack_fini(&third);
}

static void
of_what_two_have_saved_both_heads_are_there_and_one_counts(void **state)
{
    (void)state;
    weiri_groups       mine   = { { 0 } };
    weiri_groups       theirs = { { 0 } };
    weiri_keyed        joined = { 0 };
    weiri_keyed_reader from;
    weiri_keyed_head   head;
    const char        *wrong = NULL;
    for (uint32_t g = 0; g < WEIRI_KEY_GROUPS; g++) {
        weiri_groups_add(g % 2 == 0 ? &mine : &theirs, g);
    }
    weiri_keyed moved = { .groups = &theirs, .is_moved = true };
    add_head(&moved, 'm');
    for (int64_t i = 0; i < KEYS; i++) {
        add_int_key(&moved, i, 0, 3, 'a');
    }
    weiri_pack other = finish_keys(&moved);
    weiri_pack own   = write_keys(false, &mine);
    assert_true(weiri_keyed_open(&from, own.bytes, own.size));
    weiri_keyed_add(&joined, &from);
    assert_null(from.in.wrong);
    assert_true(weiri_keyed_open(&from, other.bytes, other.size));
    weiri_keyed_add(&joined, &from);
    assert_null(from.in.wrong);
    weiri_pack both = finish_keys(&joined);
    assert_true(weiri_keyed_open(&from, both.bytes, both.size));
    assert_true(weiri_keyed_next_head(&from, &head));
    assert_true(head.counts && *head.in.at == 'h' && head.frame.at == head.frame.end);
    assert_true(weiri_keyed_next_head(&from, &head));
    assert_true(!head.counts && *head.in.at == 'm');
    assert_false(weiri_keyed_next_head(&from, &head));
    assert_null(from.in.wrong);
    uint32_t n = count_keys(&own, NULL, &wrong) + count_keys(&other, NULL, &wrong);
    assert_int_equal(count_keys(&both, NULL, &wrong), n);
    assert_null(wrong);
    weiri_pack_fini(&own);
    weiri_pack_fini(&other);
    weiri_pack_fini(&both);
}

static void
values_of_every_type_are_read_as_they_were(void **state)
{
    (void)state;
    static const weir_value VALUES[] = {
        { .type = WEIR_BOOL, .as.b = true },
        { .type = WEIR_INT, .as.i = INT64_MIN },
        { .type = WEIR_INT, .as.i = INT64_MAX },
        { .type = WEIR_FLOAT, .as.f = -1.5 },
        { .type = WEIR_STRING, .as.s = "a key", .size = 5 },
        { .type = WEIR_STRING, .as.s = "", .size = 0 },
        { .type = WEIR_TIME, .as.i = INT64_MIN },
        { .type = WEIR_DURATION, .as.i = -1 },
    };
    for (size_t i = 0; i < sizeof VALUES / sizeof VALUES[0]; i++) {
        weiri_pack pack = { 0 };
        weiri_key_value_pack(&VALUES[i], &pack);
        weiri_unpack in   = { .at = pack.bytes, .end = pack.bytes + pack.size };
        weir_value   back = weiri_key_value_unpack((weir_type)VALUES[i].type, &in);
        assert_null(in.wrong);
        assert_ptr_equal(in.at, in.end);
        assert_int_equal(weiri_key_place(&back, 1), weiri_key_place(&VALUES[i], 1));
        assert_int_equal(back.size, VALUES[i].size);
        if (VALUES[i].type != WEIR_STRING && VALUES[i].type != WEIR_BOOL) {
            assert_int_equal(back.as.i, VALUES[i].as.i);
        }
        weiri_pack_fini(&pack);
    }
    const weir_value zero  = { .type = WEIR_FLOAT, .as.f = 0.0 };
    const weir_value minus = { .type = WEIR_FLOAT, .as.f = -0.0 };
    assert_int_equal(weiri_key_place(&zero, 1), weiri_key_place(&minus, 1));
}

/* ---- what is refused ---- */

static void
every_cut_and_every_flipped_bit_is_refused(void **state)
{
    (void)state;
    weiri_pack  bytes = write_keys(false, NULL);
    const char *wrong = NULL;
    for (size_t i = 0; i < bytes.size; i++) {
        weiri_pack cut = { .bytes = bytes.bytes, .size = i };
        (void)count_keys(&cut, NULL, &wrong);
        assert_non_null(wrong);
        bytes.bytes[i] ^= (uint8_t)(1U << i % 8);
        (void)count_keys(&bytes, NULL, &wrong);
        assert_non_null(wrong);
        bytes.bytes[i] ^= (uint8_t)(1U << i % 8);
    }
    assert_int_equal(count_keys(&bytes, NULL, &wrong), 2 * KEYS);
    weiri_pack_fini(&bytes);
}

/* The checksum is right: what is read stays within the bytes, whatever they say. */
static void
forged_bytes_are_read_to_an_end_or_refused(void **state)
{
    (void)state;
    weiri_pack  bytes = write_keys(false, NULL);
    const char *wrong = NULL;
    uint32_t    n     = 0;
    for (size_t i = MAGIC; i + CHECKSUM < bytes.size; i++) {
        uint8_t byte   = bytes.bytes[i];
        bytes.bytes[i] = (uint8_t)(byte + 1 + i % 255);
        bytes.size -= CHECKSUM;
        seal(&bytes);
        assert_true(count_keys(&bytes, NULL, &wrong) <= bytes.size);
        n += wrong != NULL;
        bytes.bytes[i] = byte;
    }
    assert_true(n > bytes.size / 4);
    weiri_pack_fini(&bytes);
}

static void
another_version_says_how_to_go_on(void **state)
{
    (void)state;
    weiri_pack bytes = write_keys(false, NULL);
    bytes.bytes[MAGIC]--;
    assert_refused(&bytes, "format of another version of weir: go on with that version");
    memcpy(bytes.bytes, "weirM", MAGIC);
    assert_refused(&bytes, "no state by key, or one of an older version");
    weiri_pack_fini(&bytes);
}

/* Of one head, and key groups as they are given. */
static weiri_pack
forge(uint64_t n_heads, const uint64_t *groups, const weiri_pack *of_group, uint32_t n)
{
    weiri_pack  out     = { 0 };
    weiri_keyed empty   = { 0 };
    weiri_pack  none    = finish_keys(&empty);
    uint8_t     version = none.bytes[MAGIC];
    weiri_pack_bytes(&out, MAGIC_TEXT, MAGIC);
    weiri_pack_number(&out, version);
    weiri_pack_text(&out, (const char[]){ WEIR_INT }, 1);
    weiri_pack_number(&out, n_heads);
    for (uint32_t i = 0; i < n; i++) {
        weiri_pack_number(&out, groups[i] + 1);
        weiri_pack_text(&out, of_group[i].bytes, of_group[i].size);
    }
    weiri_pack_number(&out, 0);
    seal(&out);
    weiri_pack_fini(&none);
    return out;
}

static void
write_key(weiri_pack *out, int64_t number, uint32_t part)
{
    weiri_pack_number(out, part);
    weiri_pack_signed(out, number);
}

static uint32_t
place_of(int64_t number)
{
    return weiri_key_place(&(weir_value){ .type = WEIR_INT, .as.i = number }, 1);
}

static void
groups_and_keys_out_of_order_or_twice_are_refused(void **state)
{
    (void)state;
    int64_t other = 1;
    while (weiri_place_group(place_of(other)) != weiri_place_group(place_of(0))) {
        other++;
    }
    const bool    is_first  = place_of(0) < place_of(other);
    const int64_t low       = is_first ? 0 : other;
    const int64_t high      = is_first ? other : 0;
    uint64_t      groups[2] = { weiri_place_group(place_of(0)), 0 };
    static const struct {
        int64_t     keys[2]; /* 0: the lower one */
        uint32_t    parts[2];
        const char *wrong;
    } CASES[] = {
        { { 0, 1 }, { 0, 0 }, NULL },
        { { 0, 0 }, { 0, 1 }, NULL },
        { { 1, 0 }, { 0, 0 }, "keys are out of order" },
        { { 0, 0 }, { 0, 0 }, "keys are out of order" },
        { { 0, 0 }, { 1, 0 }, "keys are out of order" },
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        weiri_pack  of_group = { 0 };
        const char *wrong    = NULL;
        for (int k = 0; k < 2; k++) {
            write_key(&of_group, CASES[i].keys[k] == 0 ? low : high, CASES[i].parts[k]);
        }
        weiri_pack bytes = forge(0, groups, &of_group, 1);
        if (CASES[i].wrong == NULL) {
            assert_int_equal(count_keys(&bytes, NULL, &wrong), 2);
            assert_null(wrong);
        } else {
            assert_refused(&bytes, CASES[i].wrong);
        }
        weiri_pack_fini(&bytes);
        weiri_pack_fini(&of_group);
    }
    weiri_pack twice[2] = { { 0 } };
    write_key(&twice[0], low, 0);
    write_key(&twice[1], high, 0);
    groups[1]        = groups[0];
    weiri_pack bytes = forge(0, groups, twice, 2);
    assert_refused(&bytes, "key groups are out of order");
    weiri_pack_fini(&bytes);
    groups[0] ^= 1;
    bytes = forge(0, groups, twice, 1);
    assert_refused(&bytes, "a key is in the key group of others");
    weiri_pack_fini(&bytes);
    groups[0] = WEIRI_KEY_GROUPS;
    bytes     = forge(0, groups, twice, 1);
    assert_refused(&bytes, "a key group is not known");
    weiri_pack_fini(&bytes);
    weiri_pack_fini(&twice[0]);
    weiri_pack_fini(&twice[1]);
}

/* The number of heads decides nothing but where reading stops. */
static void
heads_that_are_not_there_are_refused(void **state)
{
    (void)state;
    static const uint64_t NUMBERS[] = { 1, 2, UINT64_MAX };
    for (size_t i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0]; i++) {
        weiri_pack         bytes = forge(NUMBERS[i], NULL, NULL, 0);
        weiri_keyed_reader from;
        weiri_keyed_head   head;
        assert_true(weiri_keyed_open(&from, bytes.bytes, bytes.size));
        while (weiri_keyed_next_head(&from, &head)) {
        }
        assert_non_null(from.in.wrong);
        weiri_pack_fini(&bytes);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_do_not_depend_on_the_order_in_which_keys_come),
        cmocka_unit_test(keys_come_by_place_in_their_groups_and_once_in_each_part),
        cmocka_unit_test(some_key_groups_are_written_or_read_by_themselves),
        cmocka_unit_test(of_what_two_have_saved_both_heads_are_there_and_one_counts),
        cmocka_unit_test(values_of_every_type_are_read_as_they_were),
        cmocka_unit_test(every_cut_and_every_flipped_bit_is_refused),
        cmocka_unit_test(forged_bytes_are_read_to_an_end_or_refused),
        cmocka_unit_test(another_version_says_how_to_go_on),
        cmocka_unit_test(groups_and_keys_out_of_order_or_twice_are_refused),
        cmocka_unit_test(heads_that_are_not_there_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
