/* The table of operations is well-formed, and the page for users says what is in it. */
#include "weir_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr/operations.h"

static void
every_signature_can_be_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < WEIRI_N_OPERATIONS; i++) {
        const weiri_operation *operation = weiri_operation_at(i);
        weiri_signature        signature = weiri_signature_of(operation);
        assert_int_equal(operation->id, i);
        assert_non_null(operation->scalar);
        assert_int_not_equal(signature.result, WEIR_NULL);
        for (uint32_t p = 0; p < signature.n_params; p++) {
            assert_int_not_equal(signature.params[p], WEIR_NULL);
        }
    }
    assert_null(weiri_operation_name(WEIRI_N_OPERATIONS));
    assert_null(weiri_operation_signature(WEIRI_N_OPERATIONS));
}

static void
every_row_can_be_found_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < WEIRI_N_OPERATIONS; i++) {
        const weiri_operation *wanted = weiri_operation_at(i);
        const weiri_operation *found  = weiri_operation_find(wanted->name, NULL);
        while (found != NULL && found != wanted) {
            found = weiri_operation_find(wanted->name, found);
        }
        assert_ptr_equal(found, wanted);
    }
}

static char *
read_page(void)
{
    enum { PAGE_MAX = 1 << 20 };
    FILE *file = fopen(FUNCTIONS_PAGE, "rb");
    char *page = calloc(1, PAGE_MAX);
    assert_non_null(file);
    assert_non_null(page);
    size_t size = fread(page, 1, PAGE_MAX - 1, file);
    assert_in_range(size, 1, PAGE_MAX - 2);
    fclose(file);
    return page;
}

static void
every_row_is_on_the_page(void **state)
{
    (void)state;
    char *page = read_page();
    for (size_t i = 0; i < WEIRI_N_OPERATIONS; i++) {
        char start[64];
        char signature[128];
        if (strchr(weiri_operation_name(i), '(') != NULL) {
            continue; /* the planner's own: nobody can write it */
        }
        snprintf(start, sizeof start, "\n| `%s` | ", weiri_operation_name(i));
        snprintf(signature, sizeof signature, "`%s`", weiri_operation_signature(i));
        const char *line = strstr(page, start);
        if (line == NULL) {
            fail_msg("'%s' is not on the page", weiri_operation_name(i));
            return;
        }
        const char *found = strstr(line, signature);
        const char *end   = strchr(line + 1, '\n');
        if (found == NULL || found > end) {
            fail_msg("'%s %s' is not on the page", weiri_operation_name(i),
                weiri_operation_signature(i));
        }
    }
    free(page);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_signature_can_be_read),
        cmocka_unit_test(every_row_can_be_found_by_name),
        cmocka_unit_test(every_row_is_on_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
