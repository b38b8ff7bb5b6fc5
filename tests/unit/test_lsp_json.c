#define _POSIX_C_SOURCE 200809L /* open_memstream */
#include "weir_test.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "place.h"

static int
set_up(void **state)
{
    *state = weiri_arena_new();
    return *state == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
    weiri_arena *arena = *state;
    weiri_arena_destroy(&arena);
    return 0;
}

static const lsp_json *
read(void **state, const char *text)
{
    return lsp_json_read(*state, text, strlen(text));
}

static void
values_are_found_by_their_path(void **state)
{
    const lsp_json *value = read(
        state, " {\"a\": {\"b\": [1, 2.5e1, true, null]}, \"ab\": \"x\", \"n\": 7} ");
    assert_non_null(value);
    assert_int_equal(lsp_json_uint(value, "n", 0), 7);
    assert_string_equal(lsp_json_text(value, "ab"), "x");
    assert_null(lsp_json_at(value, "a.c"));
    assert_null(lsp_json_at(value, "ab.c"));
    const lsp_json *list = lsp_json_at(value, "a.b");
    assert_int_equal(list->kind, LSP_JSON_ARRAY);
    assert_true(list->first->next->number == 25.0);
    assert_true(list->first->next->next->truth);
    assert_int_equal(list->first->next->next->next->kind, LSP_JSON_NULL);
    assert_null(lsp_json_at(NULL, "a"));
}

static void
numbers_that_are_no_positions_are_not_taken_for_one(void **state)
{
    const lsp_json *value =
        read(state, "{\"a\":-1,\"b\":1e99,\"c\":\"1\",\"d\":4294967295}");
    assert_int_equal(lsp_json_uint(value, "a", 5), 5);
    assert_int_equal(lsp_json_uint(value, "b", 5), 5);
    assert_int_equal(lsp_json_uint(value, "c", 5), 5);
    assert_int_equal(lsp_json_uint(value, "d", 5), UINT32_MAX);
}

static void
escapes_and_what_is_no_utf_8_become_text(void **state)
{
    const lsp_json *value =
        read(state, "\"\\ud83d\\udd11 \\u00e4 \\ud83d \\n\\\"\\/ \xff\"");
    assert_non_null(value);
    assert_string_equal(value->text, "\xF0\x9F\x94\x91 \xC3\xA4 \xEF\xBF\xBD \n\"/ "
                                     "\xEF\xBF\xBD");
    value = read(state, "{\"a\":\"x\\u0000y\"}");
    assert_int_equal(lsp_json_at(value, "a")->size, 3);
    assert_null(lsp_json_text(value, "a"));
}

static void
what_is_not_json_is_refused(void **state)
{
    static const char *const WRONG[] = { "", " ", "{", "[1,]", "[1 2]", "{\"a\"}",
        "{\"a\":1,}", "{a:1}", "01x", "-", "1.", "1e", "tru", "nul", "\"", "\"\\",
        "\"\\u12", "\"\\x\"", "\"\n\"", "1 1", "[}", "'a'", "{\"a\":}", "+1", ".5" };
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        if (read(state, WRONG[i]) != NULL) {
            fail_msg("%s was read", WRONG[i]);
        }
    }
}

static char *
repeated(void **state, const char *text, size_t n)
{
    size_t size = strlen(text);
    char  *out  = weiri_arena_alloc(*state, n * size + 1);
    for (size_t i = 0; i < n; i++) {
        memcpy(out + i * size, text, size);
    }
    return out;
}

static void
depth_and_number_of_values_have_a_bound(void **state)
{
    weiri_arena *arena = *state;
    for (size_t depth = LSP_JSON_DEPTH; depth <= LSP_JSON_DEPTH + 1; depth++) {
        const char *text = weiri_arena_format(
            arena, "%s%s", repeated(state, "[", depth), repeated(state, "]", depth));
        assert_int_equal(read(state, text) != NULL, depth == LSP_JSON_DEPTH);
    }
    for (size_t n = LSP_JSON_VALUES - 1; n <= LSP_JSON_VALUES; n++) {
        char *text        = repeated(state, "0,", n);
        text[2 * n - 1]   = ']';
        const char *whole = weiri_arena_format(arena, "[%s", text);
        assert_int_equal(read(state, whole) != NULL, n == LSP_JSON_VALUES - 1);
    }
}

static void
what_is_written_can_be_read_again(void **state)
{
    static const char TEXT[] = "a\"\\\n\t\x01 \xC3\xA4\xF0\x9F\x94\x91";
    char             *out    = NULL;
    size_t            size   = 0;
    FILE             *stream = open_memstream(&out, &size);
    lsp_put_text(stream, TEXT, sizeof TEXT); /* the zero byte, too */
    fclose(stream);
    const lsp_json *value = lsp_json_read(*state, out, size);
    assert_non_null(value);
    assert_int_equal(value->size, sizeof TEXT);
    assert_memory_equal(value->text, TEXT, sizeof TEXT);
    free(out);
}

/* ---- places ---- */

static void
every_offset_is_found_again_by_its_place(void **state)
{
    (void)state;
    static const char     TEXT[]  = "a\xC3\xA4\r\n\xF0\x9F\x94\x91x\rb\n\n\xFF!";
    static const lsp_unit UNITS[] = { LSP_UTF16, LSP_UTF8 };
    for (size_t unit = 0; unit < 2; unit++) {
        for (size_t at = 0; at < sizeof TEXT; at++) {
            bool is_inside = ((uint8_t)TEXT[at] & 0xC0) == 0x80
                             || (at > 0 && TEXT[at] == '\n' && TEXT[at - 1] == '\r');
            lsp_position place = lsp_position_of(
                TEXT, sizeof TEXT - 1, at, UNITS[unit], (lsp_position){ 0, 0 }, 0);
            if (!is_inside) {
                assert_int_equal(
                    lsp_offset_of(TEXT, sizeof TEXT - 1, place, UNITS[unit]), at);
            }
        }
    }
}

static void
a_key_of_two_surrogates_is_two_units_and_four_bytes(void **state)
{
    (void)state;
    static const char TEXT[] = "\n\xF0\x9F\x94\x91x";
    lsp_position      none   = { 0, 0 };
    assert_int_equal(lsp_position_of(TEXT, 6, 5, LSP_UTF16, none, 0).character, 2);
    assert_int_equal(lsp_position_of(TEXT, 6, 5, LSP_UTF8, none, 0).character, 4);
    assert_int_equal(lsp_offset_of(TEXT, 6, (lsp_position){ 1, 1 }, LSP_UTF16), 1);
}

static void
places_beyond_a_line_or_the_text_are_its_end(void **state)
{
    (void)state;
    static const char TEXT[] = "ab\ncd";
    assert_int_equal(lsp_offset_of(TEXT, 5, (lsp_position){ 0, 99 }, LSP_UTF16), 2);
    assert_int_equal(lsp_offset_of(TEXT, 5, (lsp_position){ 9, 0 }, LSP_UTF16), 5);
    assert_int_equal(
        lsp_offset_of(TEXT, 5, (lsp_position){ UINT32_MAX, 9 }, LSP_UTF8), 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            values_are_found_by_their_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            numbers_that_are_no_positions_are_not_taken_for_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            escapes_and_what_is_no_utf_8_become_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_json_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            depth_and_number_of_values_have_a_bound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            what_is_written_can_be_read_again, set_up, tear_down),
        cmocka_unit_test(every_offset_is_found_again_by_its_place),
        cmocka_unit_test(a_key_of_two_surrogates_is_two_units_and_four_bytes),
        cmocka_unit_test(places_beyond_a_line_or_the_text_are_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
