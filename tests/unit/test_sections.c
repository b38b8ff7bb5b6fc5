#include "weir_test.h"

#include <stdio.h>
#include <string.h>

#include "weiri/sections.h"

static void
add(weiri_sections *sections, const char *kind, const char *name, const char *bytes)
{
    weiri_pack *pack = weiri_sections_begin(sections, kind, name);
    assert_non_null(pack);
    weiri_pack_bytes(pack, bytes, strlen(bytes));
}

static void
expect(
    const weiri_sections *sections, const char *kind, const char *name, const char *bytes)
{
    weiri_unpack in = { 0 };
    if (bytes == NULL) {
        assert_false(weiri_sections_find(sections, kind, name, &in));
        return;
    }
    assert_true(weiri_sections_find(sections, kind, name, &in));
    assert_int_equal(in.end - in.at, strlen(bytes));
    assert_memory_equal(in.at, bytes, strlen(bytes));
}

static void
make_long_name(char name[1000], char last)
{
    memset(name, 'n', 998);
    name[998] = last;
    name[999] = '\0';
}

static void
fill(weiri_sections *sections)
{
    char long_name[1000];
    add(sections, "rule", "a", "one");
    add(sections, "rule", "b", "");
    make_long_name(long_name, '1');
    add(sections, "rule", long_name, "two");
    make_long_name(long_name, '2');
    add(sections, "rule", long_name, "three");
}

static void
expect_all(const weiri_sections *sections)
{
    char long_name[1000];
    expect(sections, "rule", "a", "one");
    expect(sections, "rule", "b", "");
    expect(sections, "rule", "c", NULL);
    expect(sections, "stream", "a", NULL);
    make_long_name(long_name, '1');
    expect(sections, "rule", long_name, "two");
    make_long_name(long_name, '2');
    expect(sections, "rule", long_name, "three");
}

static void
sections_are_found_by_their_names(void **state)
{
    (void)state;
    weiri_sections sections = { 0 };
    const char    *name     = NULL;
    fill(&sections);
    expect_all(&sections);
    assert_true(weiri_section_is(&sections.items[0], "rule", &name));
    assert_string_equal(name, "a");
    assert_false(weiri_section_is(&sections.items[0], "rul", &name));
    assert_false(weiri_sections_failed(&sections));
    weiri_sections_fini(&sections);
}

static void
they_are_one_string_of_bytes_and_back(void **state)
{
    (void)state;
    weir_error     err      = { .status = WEIR_OK };
    weiri_sections sections = { 0 };
    weiri_sections back     = { 0 };
    weiri_pack     pack     = { 0 };
    fill(&sections);
    weiri_sections_pack(&sections, &pack);
    assert_ok(weiri_sections_unpack(&back, pack.bytes, pack.size, &err));
    assert_int_equal(back.n, sections.n);
    expect_all(&back);
    weiri_sections_fini(&back);
    for (size_t i = 0; i < pack.size; i++) {
        assert_int_equal(weiri_sections_unpack(&back, pack.bytes, i, &err), WEIR_EDATA);
        pack.bytes[i] ^= 4;
        assert_int_equal(
            weiri_sections_unpack(&back, pack.bytes, pack.size, &err), WEIR_EDATA);
        assert_int_equal(back.n, 0);
        pack.bytes[i] ^= 4;
    }
    weiri_pack_fini(&pack);
    weiri_sections_fini(&sections);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_are_found_by_their_names),
        cmocka_unit_test(they_are_one_string_of_bytes_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
