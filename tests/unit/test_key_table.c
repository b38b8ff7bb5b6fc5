/* The table of keys, and what its bound means for a part of the keys. */
#include "weir_test.h"

#include "weiri/hash.h"
#include "window/key_table.h"

enum { KEYS = 6 * WEIRI_KEY_GROUPS, OF_GROUP = 4 };

static const weir_type TYPES[] = { WEIR_INT };

static void
setup_table(weiri_key_table *table)
{
    assert_ok(weiri_key_table_init(table, TYPES, 1, 0, 0));
    assert_ok(weiri_key_table_bound_groups(table, OF_GROUP * WEIRI_KEY_GROUPS));
}

static weir_status
add(weiri_key_table *table, int64_t key, uint32_t *entry)
{
    const weiri_cell cell   = { .i = key };
    bool             is_new = false;
    return weiri_key_table_need(
        table, weiri_key_hash(TYPES, &cell, 1), &cell, entry, &is_new);
}

/* Which of two tables has a key if the groups are split between them. */
static uint32_t
half_of(int64_t key)
{
    const weiri_cell cell = { .i = key };
    return weiri_key_group(weiri_key_hash(TYPES, &cell, 1)) >= WEIRI_KEY_GROUPS / 2;
}

static void
two_tables_of_half_the_groups_refuse_what_one_table_refuses(void **state)
{
    (void)state;
    weiri_key_table whole;
    weiri_key_table halves[2];
    uint32_t        entry     = 0;
    uint32_t        n_refused = 0;
    setup_table(&whole);
    setup_table(&halves[0]);
    setup_table(&halves[1]);
    for (int64_t key = 0; key < KEYS; key++) {
        weir_status of_whole = add(&whole, key, &entry);
        weir_status of_half  = add(&halves[half_of(key)], key, &entry);
        assert_int_equal(of_whole, of_half);
        n_refused += of_whole == WEIR_EFULL;
    }
    assert_true(n_refused > KEYS / 4 && n_refused < KEYS / 2);
    weiri_key_table_fini(&whole);
    weiri_key_table_fini(&halves[0]);
    weiri_key_table_fini(&halves[1]);
}

static void
a_key_that_goes_leaves_its_place_to_another_of_its_group(void **state)
{
    (void)state;
    weiri_key_table table;
    uint32_t        first   = 0;
    uint32_t        entry   = 0;
    int64_t         refused = 1;
    int64_t         group   = -1;
    setup_table(&table);
    assert_ok(add(&table, 0, &first));
    const weiri_cell zero = { .i = 0 };
    group                 = weiri_key_group(weiri_key_hash(TYPES, &zero, 1));
    for (;; refused++) {
        const weiri_cell cell = { .i = refused };
        if (weiri_key_group(weiri_key_hash(TYPES, &cell, 1)) == group
            && add(&table, refused, &entry) != WEIR_OK) {
            break;
        }
    }
    assert_ok(weiri_key_table_remove(&table, first));
    assert_ok(add(&table, refused, &entry));
    assert_int_equal(add(&table, 0, &entry), WEIR_EFULL);
    weiri_key_table_clear(&table);
    assert_ok(add(&table, 0, &entry));
    weiri_key_table_fini(&table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_tables_of_half_the_groups_refuse_what_one_table_refuses),
        cmocka_unit_test(a_key_that_goes_leaves_its_place_to_another_of_its_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
