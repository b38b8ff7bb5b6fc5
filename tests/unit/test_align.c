/* What two sequences have in common, against the table of all lengths. */
#include "weir_test.h"

#include <stdlib.h>
#include <string.h>

#include "../../actors/replay/align.h"

enum { MOST = 40 };

static uint32_t
naive_length(const uint64_t *a, uint32_t n_a, const uint64_t *b, uint32_t n_b)
{
    uint32_t table[MOST + 1][MOST + 1];
    memset(table, 0, sizeof table);
    for (uint32_t i = 1; i <= n_a; i++) {
        for (uint32_t k = 1; k <= n_b; k++) {
            uint32_t up =
                table[i - 1][k] > table[i][k - 1] ? table[i - 1][k] : table[i][k - 1];
            table[i][k] = a[i - 1] == b[k - 1] ? table[i - 1][k - 1] + 1 : up;
        }
    }
    return table[n_a][n_b];
}

static uint32_t
next_random(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525U + 1013904223U;
    return (*seed >> 8) % below;
}

static void
check(const uint64_t *a, uint32_t n_a, const uint64_t *b, uint32_t n_b)
{
    weiri_align_pair pairs[MOST];
    uint32_t         n = 0;
    assert_ok(weiri_align(a, n_a, b, n_b, pairs, &n));
    assert_int_equal(n, naive_length(a, n_a, b, n_b));
    for (uint32_t i = 0; i < n; i++) {
        assert_true(pairs[i].a < n_a && pairs[i].b < n_b);
        assert_true(a[pairs[i].a] == b[pairs[i].b]);
        assert_true(
            i == 0 || (pairs[i].a > pairs[i - 1].a && pairs[i].b > pairs[i - 1].b));
    }
}

static void
as_much_as_can_be_is_in_common(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (int round = 0; round < 2000; round++) {
        uint64_t a[MOST];
        uint64_t b[MOST];
        uint32_t n_a    = next_random(&seed, MOST + 1);
        uint32_t n_b    = next_random(&seed, MOST + 1);
        uint32_t values = 4 + next_random(&seed, 60); /* few occurrences of each */
        for (uint32_t i = 0; i < n_a; i++) {
            a[i] = next_random(&seed, values);
        }
        for (uint32_t i = 0; i < n_b; i++) {
            b[i] = next_random(&seed, values);
        }
        check(a, n_a, b, n_b);
    }
}

static void
a_sequence_has_all_in_common_with_itself_however_often_a_value_comes(void **state)
{
    (void)state;
    enum { LONG = 5000 };
    uint64_t         *same  = calloc(LONG, sizeof *same);
    weiri_align_pair *pairs = calloc(LONG, sizeof *pairs);
    uint32_t          n     = 0;
    assert_non_null(same);
    assert_non_null(pairs);
    assert_ok(weiri_align(same, LONG, same, LONG, pairs, &n));
    assert_int_equal(n, LONG);
    free(same);
    free(pairs);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_much_as_can_be_is_in_common),
        cmocka_unit_test(
            a_sequence_has_all_in_common_with_itself_however_often_a_value_comes),
    };
    return cmocka_run_group_tests_name("align", tests, NULL, NULL);
}
