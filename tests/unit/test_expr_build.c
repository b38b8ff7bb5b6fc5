#include "weir_test.h"

#include <string.h>

#include "weiri/expr.h"

static const weir_field FIELDS[] = {
    { .name = "n", .type = WEIR_INT },
    { .name = "x", .type = WEIR_FLOAT, .is_nullable = true },
    { .name = "s", .type = WEIR_STRING },
    { .name = "at", .type = WEIR_TIME },
    { .name = "d", .type = WEIR_DURATION },
    { .name = "b", .type = WEIR_BOOL, .is_nullable = true },
};
static const weir_schema SCHEMA = {
    .name = "all", .fields = FIELDS, .n_fields = 6, .time_field = 3
};

static int
setup(void **state)
{
    *state = weiri_arena_new();
    return *state == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
    weiri_arena *arena = *state;
    weiri_arena_destroy(&arena);
    return 0;
}

static weiri_expr *
field(weiri_arena *arena, const char *name)
{
    return weiri_expr_field(arena, &SCHEMA, (uint32_t)weir_schema_find(&SCHEMA, name));
}

static weiri_expr *
call(weiri_arena *arena, const char *name, weiri_expr *a, weiri_expr *b)
{
    weiri_expr *args[] = { a, b };
    weiri_expr *out    = NULL;
    weir_error  err    = { 0 };
    weir_status status =
        weiri_expr_call(arena, name, args, b == NULL ? 1 : 2, &out, &err);
    if (status != WEIR_OK) {
        fail_msg("%s", err.text);
    }
    return out;
}

static void
result_types_follow_the_arguments(void **state)
{
    weiri_arena *arena = *state;
    weiri_expr  *n     = field(arena, "n");
    weiri_expr  *x     = field(arena, "x");
    weiri_expr  *at    = field(arena, "at");
    weiri_expr  *d     = field(arena, "d");

    assert_int_equal(call(arena, "+", n, n)->type, WEIR_INT);
    assert_int_equal(call(arena, "/", n, n)->type, WEIR_FLOAT);
    assert_int_equal(call(arena, "-", at, at)->type, WEIR_DURATION);
    assert_int_equal(call(arena, "-", at, d)->type, WEIR_TIME);
    assert_int_equal(call(arena, "*", d, n)->type, WEIR_DURATION);
    assert_int_equal(call(arena, "*", x, d)->type, WEIR_DURATION);
    assert_int_equal(call(arena, "/", d, d)->type, WEIR_FLOAT);
    assert_int_equal(call(arena, "-", d, NULL)->type, WEIR_DURATION);
    assert_int_equal(call(arena, "<", n, x)->type, WEIR_BOOL);
    assert_int_equal(call(arena, "??", n, x)->type, WEIR_FLOAT);
}

static void
int_is_widened_where_a_float_is_wanted(void **state)
{
    weiri_arena *arena = *state;
    weiri_expr  *sum   = call(arena, "+", field(arena, "n"), field(arena, "x"));

    assert_int_equal(sum->type, WEIR_FLOAT);
    assert_int_equal(sum->as.call.args[0]->type, WEIR_FLOAT);
    assert_int_equal(sum->as.call.args[0]->kind, WEIRI_EXPR_CALL);
    assert_int_equal(call(arena, "sqrt", field(arena, "n"), NULL)->type, WEIR_FLOAT);
}

static void
null_takes_the_type_that_is_wanted(void **state)
{
    weiri_arena *arena   = *state;
    weir_value   nothing = { .type = WEIR_NULL, .is_null = true };
    weiri_expr  *null    = weiri_expr_constant(arena, &nothing);
    weiri_expr  *call_   = call(arena, "??", field(arena, "x"), null);

    assert_int_equal(call_->type, WEIR_FLOAT);
    assert_true(call_->is_nullable);
    assert_int_equal(call_->as.call.args[1]->type, WEIR_FLOAT);
}

static void
nullability_is_known(void **state)
{
    weiri_arena *arena = *state;
    weiri_expr  *n     = field(arena, "n");
    weiri_expr  *x     = field(arena, "x");

    assert_false(call(arena, "<", n, n)->is_nullable);
    assert_true(call(arena, "<", x, n)->is_nullable);
    assert_true(call(arena, "+", n, n)->is_nullable); /* it can overflow */
    assert_false(call(arena, "is null", x, NULL)->is_nullable);
    assert_false(call(arena, "??", x, n)->is_nullable);
    assert_true(
        call(arena, "and", field(arena, "b"), call(arena, "<", n, n))->is_nullable);
}

static void
wrong_types_are_refused_with_what_is_taken(void **state)
{
    weiri_arena *arena  = *state;
    weiri_expr  *args[] = { field(arena, "n"), field(arena, "s") };
    weiri_expr  *out    = NULL;
    weir_error   err    = { 0 };

    assert_int_equal(weiri_expr_call(arena, "+", args, 2, &out, &err), WEIR_EINVAL);
    assert_null(out);
    assert_non_null(strstr(err.text, "'+' takes (int, int), (float, float), "));
    assert_non_null(strstr(err.text, ", not (int, string)"));
    assert_int_equal(weiri_expr_call(arena, "==", args, 2, &out, &err), WEIR_EINVAL);
    assert_non_null(strstr(err.text, ", …, not (int, string)"));

    assert_int_equal(weiri_expr_call(arena, "lower", args, 1, &out, &err), WEIR_EINVAL);
    assert_string_equal(err.text, "'lower' takes (string), not (int)");
    assert_int_equal(
        weiri_expr_call(arena, "lower", args + 1, 0, &out, &err), WEIR_EINVAL);
    assert_string_equal(err.text, "'lower' takes (string), not ()");
    assert_int_equal(weiri_expr_call(arena, "in", args, 2, &out, &err), WEIR_EINVAL);
    assert_string_equal(err.text, "'in' takes (T, T...), not (int, string)");
}

static void
unknown_name_suggests_the_nearest(void **state)
{
    weiri_arena *arena  = *state;
    weiri_expr  *args[] = { field(arena, "s") };
    weiri_expr  *out    = NULL;
    weir_error   err    = { 0 };

    assert_int_equal(weiri_expr_call(arena, "lenght", args, 1, &out, &err), WEIR_ENOENT);
    assert_string_equal(
        err.text, "there is no function 'lenght'; did you mean 'length'?");
    assert_int_equal(weiri_expr_call(arena, "uper", args, 1, &out, &err), WEIR_ENOENT);
    assert_string_equal(err.text, "there is no function 'uper'; did you mean 'upper'?");
    assert_int_equal(
        weiri_expr_call(arena, "frobnicate", args, 1, &out, &err), WEIR_ENOENT);
    assert_string_equal(err.text, "there is no function 'frobnicate'");
}

static void
convert_says_what_it_is_and_what_it_should_be(void **state)
{
    weiri_arena *arena = *state;
    weiri_expr  *out   = NULL;
    weir_error   err   = { 0 };

    assert_int_equal(
        weiri_expr_convert(arena, field(arena, "s"), WEIR_INT, &out, &err), WEIR_EINVAL);
    assert_string_equal(err.text, "is a string, not an int");
    assert_int_equal(
        weiri_expr_convert(arena, field(arena, "n"), WEIR_BOOL, &out, &err), WEIR_EINVAL);
    assert_string_equal(err.text, "is an int, not a bool");
    assert_ok(weiri_expr_convert(arena, field(arena, "n"), WEIR_FLOAT, &out, &err));
    assert_int_equal(out->type, WEIR_FLOAT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            result_types_follow_the_arguments, setup, teardown),
        cmocka_unit_test_setup_teardown(
            int_is_widened_where_a_float_is_wanted, setup, teardown),
        cmocka_unit_test_setup_teardown(
            null_takes_the_type_that_is_wanted, setup, teardown),
        cmocka_unit_test_setup_teardown(nullability_is_known, setup, teardown),
        cmocka_unit_test_setup_teardown(
            wrong_types_are_refused_with_what_is_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(
            unknown_name_suggests_the_nearest, setup, teardown),
        cmocka_unit_test_setup_teardown(
            convert_says_what_it_is_and_what_it_should_be, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
