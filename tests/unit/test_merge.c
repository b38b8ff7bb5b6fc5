#include "weir_test.h"

#include <stdlib.h>

#include "../support/random.h"
#include "weiri/limits.h"
#include "weiri/merge.h"
#include "weiri/rows_merge.h"

static const weir_field  FIELDS[] = { { .name = "n", .type = WEIR_INT } };
static const weir_schema SCHEMA   = {
      .name = "s", .fields = FIELDS, .n_fields = 1, .time_field = -1
};

static weir_chunk *
chunk_of(const int64_t *times, uint32_t n, uint64_t order)
{
    weir_chunk *chunk = NULL;
    assert_ok(weir_chunk_new(&SCHEMA, NULL, &chunk));
    for (uint32_t i = 0; i < n; i++) {
        chunk->time[i]            = times[i];
        chunk->order[i]           = order + i;
        chunk->columns[0].as.i[i] = times[i] * 1000 + (int64_t)(order + i);
    }
    chunk->n_rows = n;
    return chunk;
}

static void
push(weiri_merge *merge, const int64_t *times, uint32_t n, uint64_t order)
{
    weir_chunk *chunk = chunk_of(times, n, order);
    assert_ok(weiri_merge_push(merge, &chunk));
    assert_null(chunk);
}

/* All released rows must continue the order; returns how many there were. */
static uint64_t
check_order(const weiri_rows_list *list, int64_t *last_time, uint64_t *last_order)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < list->n; i++) {
        for (uint32_t r = 0; r < list->items[i].n; r++) {
            const weir_chunk *chunk = list->items[i].chunk;
            uint32_t          row   = list->items[i].first + r;
            assert_true(
                chunk->time[row] > *last_time
                || (chunk->time[row] == *last_time && chunk->order[row] > *last_order));
            assert_true(chunk->columns[0].as.i[row]
                        == chunk->time[row] * 1000 + (int64_t)chunk->order[row]);
            *last_time  = chunk->time[row];
            *last_order = chunk->order[row];
            n++;
        }
    }
    return n;
}

static void
only_rows_before_the_watermark_are_released(void **state)
{
    (void)state;
    weiri_merge    *merge = NULL;
    weiri_rows_list rows  = { 0 };
    assert_ok(weiri_merge_new(1000, &merge));
    push(merge, (const int64_t[]){ 1, 3, 3, 5 }, 4, 0);
    push(merge, (const int64_t[]){ 2, 3, 4 }, 3, 100);
    assert_ok(weiri_merge_release(merge, 4, &rows));
    int64_t  time  = INT64_MIN;
    uint64_t order = 0;
    assert_int_equal(check_order(&rows, &time, &order), 5);
    assert_int_equal(time, 3);
    assert_int_equal(order, 101); /* the tie at 3 goes by order */
    assert_int_equal(weiri_merge_waiting(merge), 2);
    weiri_rows_list_clear(&rows);
    assert_ok(weiri_merge_release(merge, INT64_MAX, &rows));
    assert_int_equal(check_order(&rows, &time, &order), 2);
    weiri_rows_list_fini(&rows);
    weiri_merge_destroy(&merge);
}

static void
sorted_input_is_released_without_copies(void **state)
{
    (void)state;
    weiri_merge    *merge = NULL;
    weiri_rows_list rows  = { 0 };
    int64_t         times[WEIRI_CHUNK_ROWS];
    assert_ok(weiri_merge_new(1 << 20, &merge));
    for (int64_t c = 0; c < 3; c++) {
        for (int64_t i = 0; i < WEIRI_CHUNK_ROWS; i++) {
            times[i] = c * WEIRI_CHUNK_ROWS + i;
        }
        push(merge, times, WEIRI_CHUNK_ROWS, (uint64_t)c * WEIRI_CHUNK_ROWS);
    }
    assert_ok(weiri_merge_release(merge, INT64_MAX, &rows));
    assert_int_equal(rows.n, 3);
    assert_int_equal(rows.items[1].n, WEIRI_CHUNK_ROWS);
    weiri_rows_list_fini(&rows);
    weiri_merge_destroy(&merge);
}

static void
bound_refuses_a_chunk_and_keeps_it_the_callers(void **state)
{
    (void)state;
    weiri_merge *merge = NULL;
    assert_ok(weiri_merge_new(3, &merge));
    push(merge, (const int64_t[]){ 1, 2 }, 2, 0);
    weir_chunk *chunk = chunk_of((const int64_t[]){ 3, 4 }, 2, 2);
    assert_int_equal(weiri_merge_push(merge, &chunk), WEIR_EFULL);
    assert_non_null(chunk);
    assert_int_equal(weiri_merge_waiting(merge), 2);
    const weir_chunk *mine = chunk;
    weir_chunk_unref(&mine);
    weiri_merge_destroy(&merge);
}

static void
random_chunks_come_out_in_total_order(void **state)
{
    (void)state;
    uint64_t random = 0x9E3779B97F4A7C15u;
    for (int round = 0; round < 300; round++) {
        weiri_merge    *merge = NULL;
        weiri_rows_list rows  = { 0 };
        uint64_t        n_in  = 0;
        uint64_t        n_out = 0;
        int64_t         time  = INT64_MIN;
        uint64_t        order = 0;
        assert_ok(weiri_merge_new(1 << 20, &merge));
        for (int64_t turn = 0; turn < 40; turn++) {
            int64_t  times[16];
            uint32_t n  = (uint32_t)(next_random(&random) % 16);
            int64_t  at = turn * 4;
            for (uint32_t i = 0; i < n; i++) {
                at += (int64_t)(next_random(&random) % 3);
                times[i] = at;
            }
            push(merge, times, n, n_in);
            n_in += n;
            if (next_random(&random) % 3 == 0) {
                assert_ok(weiri_merge_release(merge, turn * 4, &rows));
                n_out += check_order(&rows, &time, &order);
                assert_true(time < turn * 4);
                weiri_rows_list_clear(&rows);
            }
        }
        assert_ok(weiri_merge_release(merge, INT64_MAX, &rows));
        n_out += check_order(&rows, &time, &order);
        assert_int_equal(n_in, n_out);
        weiri_rows_list_fini(&rows);
        weiri_merge_destroy(&merge);
    }
}

static void
streams_are_walked_by_time_then_rank_then_order(void **state)
{
    (void)state;
    weir_chunk       *low      = chunk_of((const int64_t[]){ 1, 5, 5 }, 3, 50);
    weir_chunk       *high     = chunk_of((const int64_t[]){ 1, 1, 6 }, 3, 0);
    weiri_rows_list   lists[2] = { { 0 }, { 0 } };
    weiri_rows_cursor cursors[2];
    assert_ok(weiri_rows_list_add(&lists[0], (weir_rows){ .chunk = high, .n = 3 }));
    assert_ok(weiri_rows_list_add(&lists[1], (weir_rows){ .chunk = low, .n = 1 }));
    assert_ok(
        weiri_rows_list_add(&lists[1], (weir_rows){ .chunk = low, .first = 1, .n = 2 }));
    weiri_rows_cursor_init(&cursors[0], &lists[0], 1, 0);
    weiri_rows_cursor_init(&cursors[1], &lists[1], 0, 1);

    const uint32_t expected[] = { 1, 0, 0, 1, 1, 0 };
    for (size_t i = 0; i < 6; i++) {
        weiri_rows_cursor *next = weiri_rows_merge_next(cursors, 2);
        assert_non_null(next);
        assert_int_equal(next - cursors, expected[i]);
        weiri_rows_cursor_step(next);
    }
    assert_null(weiri_rows_merge_next(cursors, 2));
    for (int i = 0; i < 2; i++) {
        weiri_rows_list_fini(&lists[i]);
    }
    const weir_chunk *mine[] = { low, high };
    weir_chunk_unref(&mine[0]);
    weir_chunk_unref(&mine[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_rows_before_the_watermark_are_released),
        cmocka_unit_test(sorted_input_is_released_without_copies),
        cmocka_unit_test(bound_refuses_a_chunk_and_keeps_it_the_callers),
        cmocka_unit_test(random_chunks_come_out_in_total_order),
        cmocka_unit_test(streams_are_walked_by_time_then_rank_then_order),
    };
    return cmocka_run_group_tests_name("merge", tests, NULL, NULL);
}
