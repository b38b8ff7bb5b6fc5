/* Many short ranges of a merge become chunks of their own; rows and order stay. */
#include "weir_test.h"

#include <stdio.h>
#include <string.h>

#include "weiri/limits.h"
#include "weiri/merge.h"

static const weir_field  FIELDS[] = { { .name = "n", .type = WEIR_INT },
     { .name = "ok", .type = WEIR_BOOL }, { .name = "text", .type = WEIR_STRING },
     { .name = "x", .type = WEIR_FLOAT } };
static const weir_schema SCHEMA   = {
      .name = "s", .fields = FIELDS, .n_fields = 4, .time_field = -1
};
static const bool WITHOUT_TEXT[] = { true, true, false, true };

static void
set(weir_chunk *chunk, uint32_t row, int64_t time)
{
    char       text[24];
    weir_value n  = { .type = WEIR_INT, .as.i = time };
    weir_value ok = { .type = WEIR_BOOL, .as.b = time % 3 == 0 };
    weir_value x  = {
         .type = WEIR_FLOAT, .as.f = (double)time / 4, .is_null = time % 5 == 0
    };
    weir_value s = { .type = WEIR_STRING, .as.s = text, .is_null = time % 7 == 0 };
    s.size =
        (uint32_t)snprintf(text, sizeof text, "%.*s", (int)(time % 11), "abcdefghijk");
    assert_ok(weir_chunk_set(chunk, row, 0, &n));
    assert_ok(weir_chunk_set(chunk, row, 1, &ok));
    assert_ok(weir_chunk_set(chunk, row, 2, &s));
    assert_ok(weir_chunk_set(chunk, row, 3, &x));
    chunk->time[row]  = time;
    chunk->order[row] = (uint64_t)time + 1000;
}

/* Rows at first, first + step ...: what their times say is in their fields. */
static void
push(weiri_merge *merge, const bool *used, uint32_t n, int64_t first, int64_t step)
{
    weir_chunk *chunk = NULL;
    assert_ok(weir_chunk_new(&SCHEMA, used, &chunk));
    for (uint32_t i = 0; i < n; i++) {
        set(chunk, i, first + i * step);
    }
    chunk->n_rows = n;
    assert_ok(weiri_merge_push(merge, &chunk));
}

static void
assert_same_row(const weir_chunk *chunk, uint32_t row, const weir_chunk *other)
{
    assert_true(
        chunk->time[row] == other->time[0] && chunk->order[row] == other->order[0]);
    for (uint32_t f = 0; f < SCHEMA.n_fields; f++) {
        weir_value a = weir_chunk_get(chunk, row, f);
        weir_value b = weir_chunk_get(other, 0, f);
        assert_int_equal(a.is_null, b.is_null);
        if (b.type == WEIR_STRING && !b.is_null) {
            assert_int_equal(a.size, b.size);
            assert_memory_equal(a.as.s, b.as.s, b.size);
        } else if (b.type == WEIR_BOOL) {
            assert_int_equal(a.as.b, b.as.b);
        } else if (!b.is_null) {
            assert_true(a.as.i == b.as.i);
        }
    }
}

/* Rows with the times 0, 1 ...; returns how many. */
static int64_t
check(const weiri_rows_list *rows)
{
    weir_chunk *one  = NULL;
    int64_t     time = 0;
    assert_ok(weir_chunk_new(&SCHEMA, NULL, &one));
    for (uint32_t k = 0; k < rows->n; k++) {
        const weir_rows range = rows->items[k];
        for (uint32_t i = 0; i < range.n; i++, time++) {
            weir_chunk_clear(one);
            set(one, 0, time);
            one->n_rows = 1;
            assert_same_row(range.chunk, range.first + i, one);
        }
    }
    weir_chunk_drop(&one);
    return time;
}

static void
events_of_three_sources_in_turn_become_one_range(void **state)
{
    (void)state;
    weiri_merge    *merge = NULL;
    weiri_rows_list rows  = { 0 };
    assert_ok(weiri_merge_new(1 << 20, &merge));
    for (int64_t source = 0; source < 3; source++) {
        push(merge, NULL, 200, source, 3);
    }
    assert_ok(weiri_merge_release(merge, 450, &rows));
    assert_int_equal(rows.n, 1);
    assert_int_equal(check(&rows), 450);
    assert_ok(
        weiri_merge_release(merge, INT64_MAX, &rows)); /* behind what stands there */
    assert_int_equal(rows.n, 2);
    assert_int_equal(check(&rows), 600);
    weiri_rows_list_fini(&rows);
    weiri_merge_destroy(&merge);
}

static void
a_range_has_no_more_rows_than_a_chunk(void **state)
{
    (void)state;
    weiri_merge    *merge = NULL;
    weiri_rows_list rows  = { 0 };
    assert_ok(weiri_merge_new(1 << 20, &merge));
    push(merge, NULL, WEIRI_CHUNK_ROWS, 0, 2);
    push(merge, NULL, WEIRI_CHUNK_ROWS, 1, 2);
    assert_ok(weiri_merge_release(merge, INT64_MAX, &rows));
    assert_int_equal(rows.n, 2);
    assert_int_equal(rows.items[0].n, WEIRI_CHUNK_ROWS);
    assert_int_equal(check(&rows), 2 * WEIRI_CHUNK_ROWS);
    weiri_rows_list_fini(&rows);
    weiri_merge_destroy(&merge);
}

static void
long_ranges_stay_where_they_are(void **state)
{
    (void)state;
    weiri_merge    *merge = NULL;
    weiri_rows_list rows  = { 0 };
    assert_ok(weiri_merge_new(1 << 20, &merge));
    push(merge, NULL, 200, 0, 1);
    push(merge, NULL, 200, 200, 2);
    push(merge, NULL, 200, 201, 2);
    push(merge, NULL, 200, 600, 1);
    assert_ok(weiri_merge_release(merge, INT64_MAX, &rows));
    assert_int_equal(rows.n, 3);
    assert_int_equal(rows.items[1].n, 400);
    assert_int_equal(check(&rows), 800);
    weiri_rows_list_fini(&rows);
    weiri_merge_destroy(&merge);
}

static void
chunks_of_other_columns_are_not_put_together(void **state)
{
    (void)state;
    weiri_merge    *merge = NULL;
    weiri_rows_list rows  = { 0 };
    assert_ok(weiri_merge_new(1 << 20, &merge));
    push(merge, NULL, 10, 0, 2);
    push(merge, WITHOUT_TEXT, 10, 1, 2);
    assert_ok(weiri_merge_release(merge, INT64_MAX, &rows));
    assert_int_equal(rows.n, 20);
    weiri_rows_list_fini(&rows);
    weiri_merge_destroy(&merge);
}

static void
texts_that_no_chunk_has_room_for_stay_where_they_are(void **state)
{
    (void)state;
    enum { ROWS = 3, SIZE = WEIRI_CHUNK_HEAP / ROWS };
    static const char text[SIZE];
    const weir_value  value = { .type = WEIR_STRING, .as.s = text, .size = SIZE };
    weiri_merge      *merge = NULL;
    weiri_rows_list   rows  = { 0 };
    assert_ok(weiri_merge_new(1 << 20, &merge));
    for (uint32_t source = 0; source < 2; source++) {
        weir_chunk *chunk = NULL;
        assert_ok(weir_chunk_new(&SCHEMA, NULL, &chunk));
        for (uint32_t i = 0; i < ROWS; i++) {
            chunk->time[i] = 2 * i + source;
            assert_ok(weir_chunk_set(chunk, i, 2, &value));
        }
        chunk->n_rows = ROWS;
        assert_ok(weiri_merge_push(merge, &chunk));
    }
    assert_ok(weiri_merge_release(merge, INT64_MAX, &rows));
    assert_int_equal(rows.n, 2 * ROWS);
    for (uint32_t k = 0; k < rows.n; k++) {
        assert_int_equal(rows.items[k].chunk->time[rows.items[k].first], k);
    }
    weiri_rows_list_fini(&rows);
    weiri_merge_destroy(&merge);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_of_three_sources_in_turn_become_one_range),
        cmocka_unit_test(a_range_has_no_more_rows_than_a_chunk),
        cmocka_unit_test(long_ranges_stay_where_they_are),
        cmocka_unit_test(chunks_of_other_columns_are_not_put_together),
        cmocka_unit_test(texts_that_no_chunk_has_room_for_stay_where_they_are),
    };
    return cmocka_run_group_tests_name("gather", tests, NULL, NULL);
}
