/* Sections in a store. */
#include "durable/checkpoint.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "int_keys.h"
#include "test_place.h"

enum { KEYS = 20000 };

static weiri_store *
open_store(void **state)
{
    const struct place       *place   = *state;
    const weiri_store_options options = { .max_bytes = 64 << 20 };
    weiri_store              *store   = NULL;
    weir_error                err     = { .status = WEIR_OK };
    assert_ok(weiri_store_open(place->path, &options, &store, &err));
    return store;
}

/* A rule with keys, one of which has so many bytes; and another part, of one byte. */
static void
make_sections(weiri_sections *out, int64_t changed, size_t size, uint8_t byte)
{
    weiri_keyed keyed = { 0 };
    for (int64_t i = 0; i < KEYS; i++) {
        add_int_key(&keyed, i, 0, i == changed ? size : 30, 'a');
    }
    weiri_pack  bytes = finish_keys(&keyed);
    weiri_pack *pack  = weiri_sections_begin(out, "rule", "r");
    assert_non_null(pack);
    weiri_pack_bytes(pack, bytes.bytes, bytes.size);
    pack = weiri_sections_begin(out, "engine", "run");
    assert_non_null(pack);
    weiri_pack_bytes(pack, &byte, 1);
    weiri_pack_fini(&bytes);
}

static void
assert_same_sections(const weiri_sections *want, const weiri_sections *got)
{
    assert_int_equal(want->n, got->n);
    for (uint32_t i = 0; i < want->n; i++) {
        const weiri_section *a = &want->items[i];
        const weiri_section *b = &got->items[i];
        assert_string_equal(a->name, b->name);
        assert_int_equal(a->bytes.size, b->bytes.size);
        assert_memory_equal(a->bytes.bytes, b->bytes.bytes, a->bytes.size);
    }
}

static void
what_is_written_over_again_and_again_is_read_as_it_was_last(void **state)
{
    weiri_store        *store   = open_store(state);
    weir_error          err     = { .status = WEIR_OK };
    static const size_t SIZES[] = { 30, 0, 31, 100000, 5, 30000, 30 };
    for (size_t i = 0; i < sizeof SIZES / sizeof SIZES[0]; i++) {
        weiri_sections sections = { 0 };
        weiri_sections read     = { 0 };
        make_sections(&sections, (int64_t)i % 3, SIZES[i], (uint8_t)i);
        assert_ok(weiri_checkpoint_write(store, &sections, i, &err));
        assert_ok(weiri_checkpoint_read(store, &read, &err));
        assert_same_sections(&sections, &read);
        weiri_sections_fini(&sections);
        weiri_sections_fini(&read);
    }
    weiri_store_close(&store);
}

static void
a_store_that_is_empty_has_no_checkpoint(void **state)
{
    weiri_store   *store = open_store(state);
    weiri_sections read  = { 0 };
    weir_error     err   = { .status = WEIR_OK };
    assert_int_equal(weiri_checkpoint_read(store, &read, &err), WEIR_ENOENT);
    weiri_store_close(&store);
}

static void
state_of_the_format_before_is_left_alone_and_says_how_to_go_on(void **state)
{
    weiri_store     *store    = open_store(state);
    weiri_store_txn *txn      = NULL;
    weiri_sections   sections = { 0 };
    weiri_sections   read     = { 0 };
    weir_error       err      = { .status = WEIR_OK };
    assert_ok(weiri_store_begin(store, true, &txn, &err));
    assert_ok(weiri_store_put(txn, ".", 2, "old", 3, &err));
    assert_ok(weiri_store_commit(&txn, &err));
    make_sections(&sections, 0, 1, 1);
    assert_int_equal(weiri_checkpoint_read(store, &read, &err), WEIR_EDATA);
    assert_non_null(strstr(err.text,
        "in the format of an older version of weir: go on with that version, or begin "
        "anew in another directory"));
    assert_int_equal(read.n, 0);
    assert_int_equal(weiri_checkpoint_write(store, &sections, 1, &err), WEIR_EDATA);
    const uint8_t *value = NULL;
    size_t         size  = 0;
    assert_ok(weiri_store_begin(store, false, &txn, &err));
    assert_ok(weiri_store_get(txn, ".", 2, &value, &size, &err));
    assert_memory_equal(value, "old", size);
    assert_int_equal(weiri_store_get(txn, ".2", 3, &value, &size, &err), WEIR_ENOENT);
    weiri_store_abort(&txn);
    weiri_sections_fini(&sections);
    weiri_store_close(&store);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            what_is_written_over_again_and_again_is_read_as_it_was_last, make_place,
            remove_place),
        cmocka_unit_test_setup_teardown(
            a_store_that_is_empty_has_no_checkpoint, make_place, remove_place),
        cmocka_unit_test_setup_teardown(
            state_of_the_format_before_is_left_alone_and_says_how_to_go_on, make_place,
            remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
