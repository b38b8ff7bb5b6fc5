#include "weir_test.h"

#include <math.h>
#include <stdlib.h>

#include "weiri/rows_pack.h"

enum { ROWS = 200, ROUNDS = 40 };

static const weir_field FIELDS[] = {
    { .name = "at", .type = WEIR_TIME },
    { .name = "n", .type = WEIR_INT, .is_nullable = true },
    { .name = "x", .type = WEIR_FLOAT, .is_nullable = true },
    { .name = "s", .type = WEIR_STRING, .is_nullable = true },
    { .name = "b", .type = WEIR_BOOL },
    { .name = "d", .type = WEIR_DURATION },
};
enum { N_FIELDS = sizeof FIELDS / sizeof FIELDS[0] };
static const weir_schema SCHEMA = {
    .name = "s", .fields = FIELDS, .n_fields = N_FIELDS, .time_field = 0
};

static uint64_t
next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static weir_value
random_value(uint64_t *seed, uint32_t field)
{
    static const char TEXT[] = "what a person wrote, with \xC3\xA4 and \"quotes\"";
    weir_value        value  = { .type = (uint8_t)FIELDS[field].type };
    uint64_t          bits   = next(seed);
    value.is_null            = FIELDS[field].is_nullable && bits % 5 == 0;
    switch (FIELDS[field].type) {
    case WEIR_BOOL: value.as.b = bits % 2 == 0; break;
    case WEIR_FLOAT:
        value.as.f = bits % 7 == 0 ? -INFINITY : (double)(bits >> 40) / 8;
        break;
    case WEIR_STRING:
        value.as.s = TEXT;
        value.size = (uint32_t)(bits % sizeof TEXT);
        break;
    default: value.as.i = bits % 3 == 0 ? INT64_MIN : (int64_t)bits >> bits % 60; break;
    }
    return value;
}

static weir_chunk *
random_chunk(uint64_t *seed, const bool *used)
{
    weir_chunk *chunk = NULL;
    assert_ok(weir_chunk_new(&SCHEMA, used, &chunk));
    for (uint32_t i = 0; i < ROWS; i++) {
        for (uint32_t f = 0; f < N_FIELDS; f++) {
            weir_value value = random_value(seed, f);
            assert_ok(weir_chunk_set(chunk, i, f, &value));
        }
        chunk->time[i]  = (int64_t)next(seed);
        chunk->order[i] = next(seed);
    }
    chunk->n_rows = ROWS;
    return chunk;
}

static void
expect_same_value(
    const weir_chunk *a, uint32_t i, const weir_chunk *b, uint32_t j, uint32_t f)
{
    weir_value x = weir_chunk_get(a, i, f);
    weir_value y = weir_chunk_get(b, j, f);
    assert_int_equal(x.type, y.type);
    assert_int_equal(x.is_null, y.is_null);
    if (x.is_null) {
        return;
    }
    if (x.type == WEIR_STRING) {
        assert_int_equal(x.size, y.size);
        assert_memory_equal(x.as.s, y.as.s, x.size);
    } else if (x.type == WEIR_BOOL) {
        assert_int_equal(x.as.b, y.as.b);
    } else {
        assert_memory_equal(&x.as.i, &y.as.i, sizeof x.as.i);
    }
}

static void
rows_come_back_as_they_were(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252U;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        bool used[N_FIELDS];
        for (uint32_t f = 0; f < N_FIELDS; f++) {
            used[f] = next(&seed) % 4 != 0;
        }
        weir_chunk *chunk = random_chunk(&seed, used);
        weir_chunk *back  = NULL;
        weiri_pack  pack  = { 0 };
        uint32_t    first = (uint32_t)(next(&seed) % ROWS);
        uint32_t    n     = (uint32_t)(next(&seed) % (ROWS - first + 1));
        weiri_rows_pack((weir_rows){ .chunk = chunk, .first = first, .n = n }, &pack);
        weiri_unpack in = { .at = pack.bytes, .end = pack.bytes + pack.size };
        assert_ok(weiri_rows_unpack(&in, &SCHEMA, used, &back));
        assert_true(in.at == in.end);
        assert_int_equal(back->n_rows, n);
        for (uint32_t i = 0; i < n; i++) {
            assert_true(back->time[i] == chunk->time[first + i]);
            assert_true(back->order[i] == chunk->order[first + i]);
            for (uint32_t f = 0; f < N_FIELDS; f++) {
                expect_same_value(chunk, first + i, back, i, f);
            }
        }
        weir_chunk_drop(&back);
        weir_chunk_drop(&chunk);
        weiri_pack_fini(&pack);
    }
}

static void
a_column_that_was_not_kept_is_missed(void **state)
{
    (void)state;
    const bool  kept[N_FIELDS]   = { true, true };
    const bool  wanted[N_FIELDS] = { true, true, true };
    uint64_t    seed             = 7;
    weir_chunk *chunk            = random_chunk(&seed, kept);
    weir_chunk *back             = NULL;
    weiri_pack  pack             = { 0 };
    weiri_rows_pack((weir_rows){ .chunk = chunk, .n = ROWS }, &pack);
    weiri_unpack in = { .at = pack.bytes, .end = pack.bytes + pack.size };
    assert_int_equal(weiri_rows_unpack(&in, &SCHEMA, wanted, &back), WEIR_EDATA);
    assert_null(back);
    assert_string_equal(in.wrong, "a field that is read now was not kept");
    weir_chunk_drop(&chunk);
    weiri_pack_fini(&pack);
}

static void
rows_of_other_fields_are_refused(void **state)
{
    (void)state;
    const weir_schema other = { .name = "s", .fields = FIELDS, .n_fields = 2 };
    uint64_t          seed  = 9;
    weir_chunk       *chunk = random_chunk(&seed, NULL);
    weir_chunk       *back  = NULL;
    weiri_pack        pack  = { 0 };
    weiri_rows_pack((weir_rows){ .chunk = chunk, .n = ROWS }, &pack);
    weiri_unpack in = { .at = pack.bytes, .end = pack.bytes + pack.size };
    assert_int_equal(weiri_rows_unpack(&in, &other, NULL, &back), WEIR_EDATA);
    assert_string_equal(in.wrong, "the stream's fields are others now");
    weir_chunk_drop(&chunk);
    weiri_pack_fini(&pack);
}

/* Cut anywhere, they are refused; changed anywhere, they are refused or read as others.
 */
static void
damaged_rows_do_no_harm(void **state)
{
    (void)state;
    uint64_t    seed  = 11;
    weir_chunk *chunk = random_chunk(&seed, NULL);
    weiri_pack  pack  = { 0 };
    weiri_rows_pack((weir_rows){ .chunk = chunk, .n = ROWS }, &pack);
    for (size_t size = 0; size < pack.size; size += 7) {
        weir_chunk  *back = NULL;
        weiri_unpack in   = { .at = pack.bytes, .end = pack.bytes + size };
        assert_int_equal(weiri_rows_unpack(&in, &SCHEMA, NULL, &back), WEIR_EDATA);
        assert_null(back);
        assert_non_null(in.wrong);
    }
    for (uint32_t round = 0; round < 20 * ROUNDS; round++) {
        weir_chunk *back = NULL;
        size_t      at   = next(&seed) % pack.size;
        uint8_t     flip = (uint8_t)(1U << next(&seed) % 8);
        pack.bytes[at] ^= flip;
        weiri_unpack in     = { .at = pack.bytes, .end = pack.bytes + pack.size };
        weir_status  status = weiri_rows_unpack(&in, &SCHEMA, NULL, &back);
        assert_true((status == WEIR_OK) == (back != NULL));
        weir_chunk_drop(&back);
        pack.bytes[at] ^= flip;
    }
    weir_chunk_drop(&chunk);
    weiri_pack_fini(&pack);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back_as_they_were),
        cmocka_unit_test(a_column_that_was_not_kept_is_missed),
        cmocka_unit_test(rows_of_other_fields_are_refused),
        cmocka_unit_test(damaged_rows_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
