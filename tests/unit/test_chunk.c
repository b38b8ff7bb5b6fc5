#include "weir_test.h"

#include <string.h>

#include "weir/chunk.h"
#include "weiri/limits.h"

static const weir_field FIELDS[] = {
    { .name = "flag", .type = WEIR_BOOL, .is_nullable = true },
    { .name = "n", .type = WEIR_INT },
    { .name = "x", .type = WEIR_FLOAT },
    { .name = "s", .type = WEIR_STRING, .is_nullable = true },
    { .name = "at", .type = WEIR_TIME },
};
static const weir_schema SCHEMA = {
    .name = "all", .fields = FIELDS, .n_fields = 5, .time_field = 4
};

static weir_value
text(const char *s)
{
    return (weir_value){ .type = WEIR_STRING, .as.s = s, .size = (uint32_t)strlen(s) };
}

static weir_value
integer(int64_t i)
{
    return (weir_value){ .type = WEIR_INT, .as.i = i };
}

static void
values_read_back_as_they_were_set(void **state)
{
    (void)state;
    weir_chunk *chunk = NULL;
    assert_ok(weir_chunk_new(&SCHEMA, NULL, &chunk));
    weir_value n = integer(-7);
    weir_value s = text("wörd");
    weir_value x = { .type = WEIR_FLOAT, .as.f = 0.1 };
    weir_value b = { .type = WEIR_BOOL, .is_null = true };
    assert_ok(weir_chunk_set(chunk, 0, 1, &n));
    assert_ok(weir_chunk_set(chunk, 0, 3, &s));
    assert_ok(weir_chunk_set(chunk, 0, 2, &x));
    assert_ok(weir_chunk_set(chunk, 0, 0, &b));
    chunk->n_rows = 1;

    assert_int_equal(weir_chunk_get(chunk, 0, 1).as.i, -7);
    assert_true(weir_chunk_get(chunk, 0, 2).as.f == 0.1);
    assert_true(weir_chunk_get(chunk, 0, 0).is_null);
    weir_value got = weir_chunk_get(chunk, 0, 3);
    assert_int_equal(got.size, 5);
    assert_memory_equal(got.as.s, "wörd", 5);
    const weir_chunk *mine = chunk;
    weir_chunk_unref(&mine);
    assert_null(mine);
}

static void
unused_column_is_absent_and_reads_as_null(void **state)
{
    (void)state;
    const bool  used[] = { false, true, false, false, false };
    weir_chunk *chunk  = NULL;
    assert_ok(weir_chunk_new(&SCHEMA, used, &chunk));
    weir_value s = text("dropped");
    assert_ok(weir_chunk_set(chunk, 0, 3, &s));
    assert_true(weir_chunk_get(chunk, 0, 3).is_null);
    assert_int_equal(chunk->heap_used, 0);
    const weir_chunk *mine = chunk;
    weir_chunk_unref(&mine);
}

static void
cleared_chunk_has_no_nulls_left(void **state)
{
    (void)state;
    weir_chunk *chunk = NULL;
    assert_ok(weir_chunk_new(&SCHEMA, NULL, &chunk));
    weir_value null = { .type = WEIR_STRING, .is_null = true };
    assert_ok(weir_chunk_set(chunk, 0, 3, &null));
    chunk->n_rows = 1;
    weir_chunk_clear(chunk);
    assert_int_equal(chunk->n_rows, 0);
    assert_false(chunk->columns[3].has_nulls);
    assert_int_equal(chunk->columns[3].nulls[0], 0);
    const weir_chunk *mine = chunk;
    weir_chunk_unref(&mine);
}

static void
heap_bound_is_an_error_that_changes_nothing(void **state)
{
    (void)state;
    weir_chunk *chunk  = NULL;
    uint32_t    offset = 0;
    assert_ok(weir_chunk_new(&SCHEMA, NULL, &chunk));
    assert_ok(weir_chunk_reserve_text(chunk, WEIRI_CHUNK_HEAP, &offset));
    assert_int_equal(weir_chunk_reserve_text(chunk, 1, &offset), WEIR_EFULL);
    weir_value s = text("x");
    assert_int_equal(weir_chunk_set(chunk, 0, 3, &s), WEIR_EFULL);
    assert_int_equal(chunk->heap_used, WEIRI_CHUNK_HEAP);
    const weir_chunk *mine = chunk;
    weir_chunk_unref(&mine);
}

static void
empty_string_reads_back_from_a_chunk_without_a_heap(void **state)
{
    (void)state;
    weir_chunk *chunk = NULL;
    assert_ok(weir_chunk_new(&SCHEMA, NULL, &chunk));
    weir_value s = text("");
    assert_ok(weir_chunk_set(chunk, 0, 3, &s));
    weir_value got = weir_chunk_get(chunk, 0, 3);
    assert_false(got.is_null);
    assert_int_equal(got.size, 0);
    assert_non_null(got.as.s);
    const weir_chunk *mine = chunk;
    weir_chunk_unref(&mine);
}

static void
append_copies_a_row_with_its_time_and_order(void **state)
{
    (void)state;
    weir_chunk *from = NULL;
    weir_chunk *to   = NULL;
    assert_ok(weir_chunk_new(&SCHEMA, NULL, &from));
    assert_ok(weir_chunk_new(&SCHEMA, NULL, &to));
    weir_value s = text("copied");
    assert_ok(weir_chunk_set(from, 2, 3, &s));
    from->time[2]  = 99;
    from->order[2] = 5;
    from->n_rows   = 3;
    assert_ok(weir_chunk_append(to, from, 2));
    assert_int_equal(to->n_rows, 1);
    assert_int_equal(to->time[0], 99);
    assert_int_equal(to->order[0], 5);
    assert_memory_equal(weir_chunk_get(to, 0, 3).as.s, "copied", 6);
    const weir_chunk *a = from;
    const weir_chunk *b = to;
    weir_chunk_unref(&a);
    weir_chunk_unref(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_read_back_as_they_were_set),
        cmocka_unit_test(unused_column_is_absent_and_reads_as_null),
        cmocka_unit_test(cleared_chunk_has_no_nulls_left),
        cmocka_unit_test(heap_bound_is_an_error_that_changes_nothing),
        cmocka_unit_test(empty_string_reads_back_from_a_chunk_without_a_heap),
        cmocka_unit_test(append_copies_a_row_with_its_time_and_order),
    };
    return cmocka_run_group_tests_name("chunk", tests, NULL, NULL);
}
