/* The gate of a stream: each rule gets every row that may matter to it, in order. */
#include "weir_test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "weiri/gate.h"
#include "weiri/limits.h"

enum { ID, X, Y, Z }; /* string, float, int, int? */

static const weir_field FIELDS[] = {
    { .name = "id", .type = WEIR_STRING },
    { .name = "x", .type = WEIR_FLOAT },
    { .name = "y", .type = WEIR_INT },
    { .name = "z", .type = WEIR_INT, .is_nullable = true },
};

static const weir_schema SCHEMA = {
    .name = "s", .fields = FIELDS, .n_fields = 4, .time_field = -1
};

typedef struct fixture {
    weiri_arena    *arena;
    weiri_gate     *gate;
    weir_chunk     *chunk;
    weiri_rows_list rows;
} fixture;

static int
setup(void **state)
{
    static fixture self;
    self       = (fixture){ .arena = weiri_arena_new() };
    *state     = &self;
    bool is_ok = self.arena != NULL && weiri_gate_new(&SCHEMA, &self.gate) == WEIR_OK
                 && weir_chunk_new(&SCHEMA, NULL, &self.chunk) == WEIR_OK;
    return is_ok ? 0 : 1;
}

static int
teardown(void **state)
{
    fixture          *self  = *state;
    const weir_chunk *chunk = self->chunk;
    weiri_rows_list_fini(&self->rows);
    weir_chunk_unref(&chunk);
    weiri_gate_destroy(&self->gate);
    weiri_arena_destroy(&self->arena);
    return 0;
}

/* ---- expressions ---- */

static weiri_expr *
field(fixture *self, uint32_t index)
{
    return weiri_expr_field(self->arena, &SCHEMA, index);
}

static weiri_expr *
text(fixture *self, const char *value)
{
    const weir_value constant = {
        .type = WEIR_STRING, .as.s = value, .size = (uint32_t)strlen(value)
    };
    return weiri_expr_constant(self->arena, &constant);
}

static weiri_expr *
number(fixture *self, double value)
{
    const weir_value constant = { .type = WEIR_FLOAT, .as.f = value };
    return weiri_expr_constant(self->arena, &constant);
}

static weiri_expr *
whole(fixture *self, int64_t value)
{
    const weir_value constant = { .type = WEIR_INT, .as.i = value };
    return weiri_expr_constant(self->arena, &constant);
}

static weiri_expr *
call(fixture *self, const char *name, weiri_expr *a, weiri_expr *b)
{
    weiri_expr *const args[] = { a, b };
    weiri_expr       *out    = NULL;
    weir_error        err    = { 0 };
    assert_ok(weiri_expr_call(self->arena, name, args, 2, &out, &err));
    return out;
}

static weiri_expr *
between(fixture *self, weiri_expr *a, weiri_expr *low, weiri_expr *high)
{
    weiri_expr *const args[] = { a, low, high };
    weiri_expr       *out    = NULL;
    weir_error        err    = { 0 };
    assert_ok(weiri_expr_call(self->arena, "between", args, 3, &out, &err));
    return out;
}

static weiri_expr *
id_is(fixture *self, const char *value)
{
    return call(self, "==", field(self, ID), text(self, value));
}

static weiri_expr *
faulting(fixture *self)
{
    weiri_expr *ratio = call(self, "/", whole(self, 1), field(self, Y));
    return call(self, ">", ratio, number(self, 0));
}

/* ---- the gate ---- */

static bool
add(fixture *self, uint32_t rule, const weiri_expr *condition)
{
    bool is_gated = false;
    assert_ok(weiri_gate_add(self->gate, rule, &condition, 1, &is_gated));
    return is_gated;
}

static void
append(fixture *self, const char *id, double x, int64_t y)
{
    weir_value values[] = {
        { .type = WEIR_STRING, .as.s = id, .size = (uint32_t)strlen(id) },
        { .type = WEIR_FLOAT, .as.f = x },
        { .type = WEIR_INT, .as.i = y },
        { .type = WEIR_INT, .as.i = y, .is_null = y < 0 },
    };
    for (uint32_t i = 0; i < 4; i++) {
        assert_ok(weir_chunk_set(self->chunk, self->chunk->n_rows, i, &values[i]));
    }
    self->chunk->n_rows++;
}

static void
scan(fixture *self, uint32_t first, uint32_t n)
{
    const weir_rows rows = { .chunk = self->chunk, .first = first, .n = n };
    assert_ok(weiri_gate_scan(self->gate, rows));
}

static void
scan_all(fixture *self)
{
    assert_ok(weiri_gate_seal(self->gate));
    scan(self, 0, self->chunk->n_rows);
}

static bool
is_hit(fixture *self, uint32_t rule)
{
    uint32_t        n    = 0;
    uint32_t        seen = 0;
    const uint32_t *hits = weiri_gate_hits(self->gate, &n);
    for (uint32_t i = 0; i < n; i++) {
        seen += hits[i] == rule;
    }
    assert_true(seen <= 1);
    return seen == 1;
}

/* The ranges that a rule gets, as "first+n first+n". */
static const char *
ranges_of(fixture *self, uint32_t rule)
{
    static char out[256];
    size_t      used = 0;
    out[0]           = '\0';
    weiri_rows_list_clear(&self->rows);
    assert_ok(weiri_gate_rows(self->gate, rule, &self->rows));
    for (uint32_t i = 0; i < self->rows.n; i++) {
        used += (size_t)snprintf(out + used, sizeof out - used, "%s%u+%u",
            i == 0 ? "" : " ", self->rows.items[i].first, self->rows.items[i].n);
    }
    assert_int_equal(used > 0, is_hit(self, rule));
    return out;
}

/* Enough rows that matter to nobody, so that few are not most of them. */
static void
append_dull(fixture *self, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        append(self, "dull", 0, -1000);
    }
}

/* ---- tests ---- */

static void
equality_gives_each_rule_the_rows_with_its_value(void **state)
{
    fixture *self = *state;
    assert_true(add(self, 3, id_is(self, "a")));
    assert_true(add(self, 7, id_is(self, "a longer text than eight")));
    assert_true(add(self, 8, id_is(self, "never")));
    append_dull(self, 20);
    append(self, "a", 0, 0);
    append(self, "a longer text than eight", 0, 0);
    append(self, "a longer text than nine!", 0, 0);
    append(self, "a", 0, 0);
    append(self, "a", 0, 0);
    scan_all(self);
    assert_string_equal(ranges_of(self, 3), "20+1 23+2");
    assert_string_equal(ranges_of(self, 7), "21+1");
    assert_string_equal(ranges_of(self, 8), "");
}

static void
thresholds_give_what_is_beyond_them(void **state)
{
    fixture *self = *state;
    assert_true(add(self, 0, call(self, ">", field(self, X), number(self, 10))));
    assert_true(add(self, 1, call(self, ">=", field(self, X), number(self, 10))));
    assert_true(add(self, 2, call(self, "<", field(self, X), number(self, -1.5))));
    assert_true(add(self, 3, call(self, "<=", number(self, 11), field(self, X))));
    append_dull(self, 40);
    append(self, "", 10, 0);
    append(self, "", nextafter(10, 11), 0);
    append(self, "", -1.5, 0);
    append(self, "", -2, 0);
    append(self, "", 11, 0);
    scan_all(self);
    assert_string_equal(ranges_of(self, 0), "41+1 44+1");
    assert_string_equal(ranges_of(self, 1), "40+2 44+1");
    assert_string_equal(ranges_of(self, 2), "43+1");
    assert_string_equal(ranges_of(self, 3), "44+1");
}

static void
whole_numbers_are_compared_with_fractions_exactly(void **state)
{
    fixture *self = *state;
    assert_true(add(self, 0, call(self, ">", field(self, Y), number(self, 2.5))));
    assert_true(add(self, 1, call(self, "<=", field(self, Y), number(self, -2000.5))));
    assert_true(add(self, 2, call(self, "==", field(self, Y), number(self, 2.5))));
    assert_true(add(self, 3, call(self, "==", field(self, Y), number(self, 3))));
    append_dull(self, 20);
    append(self, "", 0, 2);
    append(self, "", 0, 3);
    append(self, "", 0, -2000);
    append(self, "", 0, -2001);
    scan_all(self);
    assert_string_equal(ranges_of(self, 0), "21+1");
    assert_string_equal(ranges_of(self, 1), "23+1");
    assert_string_equal(ranges_of(self, 2), "");
    assert_string_equal(ranges_of(self, 3), "21+1");
}

static void
ranges_that_overlap_are_all_found(void **state)
{
    fixture *self = *state;
    for (uint32_t i = 0; i < 100; i++) { /* i … 2 i */
        assert_true(add(self, i,
            between(self, field(self, Y), whole(self, i), whole(self, 2 * (int64_t)i))));
    }
    append_dull(self, 60);
    for (int64_t y = 0; y < 10; y++) {
        append(self, "", 0, 25 * y);
    }
    scan_all(self);
    for (uint32_t i = 0; i < 100; i++) {
        weiri_rows_list_clear(&self->rows);
        assert_ok(weiri_gate_rows(self->gate, i, &self->rows));
        uint32_t n        = 0;
        uint32_t expected = 0;
        for (uint32_t k = 0; k < self->rows.n; k++) {
            n += self->rows.items[k].n;
        }
        for (uint32_t y = 0; y < 250; y += 25) {
            expected += y >= i && y <= 2 * i;
        }
        assert_int_equal(n, expected);
    }
}

static void
minus_zero_is_zero(void **state)
{
    fixture *self = *state;
    assert_true(add(self, 0, call(self, "==", field(self, X), number(self, 0))));
    assert_true(add(self, 1, call(self, "<", field(self, X), number(self, -0.0))));
    append(self, "", 1, 0);
    append(self, "", -0.0, 0);
    append(self, "", 1, 0);
    append(self, "", 1, 0);
    append(self, "", 1, 0);
    scan_all(self);
    assert_string_equal(ranges_of(self, 0), "1+1");
    assert_string_equal(ranges_of(self, 1), "");
}

static void
null_fits_no_test(void **state)
{
    fixture *self = *state;
    assert_true(add(self, 0, call(self, "<", field(self, Z), whole(self, 5))));
    assert_true(add(self, 1, call(self, "==", field(self, Z), whole(self, 0))));
    append_dull(self, 20); /* z is null */
    append(self, "", 0, 0);
    append(self, "", 0, -1);
    scan_all(self);
    assert_string_equal(ranges_of(self, 0), "20+1");
    assert_string_equal(ranges_of(self, 1), "20+1");
}

static void
either_side_of_an_or_gives_rows_once_and_in_order(void **state)
{
    fixture    *self  = *state;
    weiri_expr *large = call(self, ">", field(self, X), number(self, 5));
    weiri_expr *seven = call(self, "==", field(self, Y), whole(self, 7));
    assert_true(
        add(self, 0, call(self, "or", call(self, "or", id_is(self, "a"), large), seven)));
    append_dull(self, 40);
    append(self, "", 0, 7);
    append_dull(self, 1);
    append(self, "a", 9, 7);
    append_dull(self, 1);
    append(self, "", 9, 0);
    append_dull(self, 1);
    append(self, "a", 0, 0);
    scan_all(self);
    assert_string_equal(ranges_of(self, 0), "40+1 42+1 44+1 46+1");
}

static void
a_condition_without_a_test_gates_nothing(void **state)
{
    fixture    *self  = *state;
    weiri_expr *other = call(self, "!=", field(self, ID), text(self, "a"));
    weiri_expr *both  = call(self, "<", field(self, Y), field(self, Z));
    assert_false(add(self, 0, other));
    assert_false(add(self, 1, both));
    assert_false(add(self, 2, call(self, "or", id_is(self, "a"), other)));
    assert_true(add(self, 3, call(self, "and", other, id_is(self, "b"))));
}

static void
faults_are_not_left_out(void **state)
{
    fixture    *self     = *state;
    weiri_expr *nullable = call(self, "==", field(self, Z), whole(self, 1));
    assert_false(add(self, 0, call(self, "and", faulting(self), id_is(self, "a"))));
    assert_true(add(self, 1, call(self, "and", id_is(self, "a"), faulting(self))));
    /* Where z is null the right side is evaluated, and may fault. */
    assert_false(add(self, 2, call(self, "and", nullable, faulting(self))));
    assert_true(add(self, 3, call(self, "and", nullable, id_is(self, "a"))));
}

static void
of_two_conjuncts_the_rarer_value_is_looked_up(void **state)
{
    fixture *self = *state;
    for (uint32_t i = 0; i < 100; i++) {
        weiri_expr *above = call(self, ">", field(self, X), number(self, 1000.0 + i));
        assert_true(add(self, i, call(self, "and", id_is(self, "a"), above)));
    }
    append(self, "a", 0, 0); /* every rule's value, no rule's threshold */
    append_dull(self, 20);
    append(self, "b", 1000.5, 0);
    scan_all(self);
    uint32_t n = 0;
    (void)weiri_gate_hits(self->gate, &n);
    assert_int_equal(n, 1);
    assert_string_equal(ranges_of(self, 0), "21+1");
}

static void
where_most_rows_hit_a_rule_it_gets_all(void **state)
{
    fixture *self = *state;
    assert_true(add(self, 0, call(self, ">", field(self, X), number(self, 0))));
    for (uint32_t i = 0; i < 8; i++) {
        append(self, "", i % 2, 0);
    }
    scan_all(self);
    assert_string_equal(ranges_of(self, 0), "0+8");
}

static void
where_all_rules_are_hit_by_most_rows_each_gets_all(void **state)
{
    fixture *self = *state;
    for (uint32_t i = 0; i < 1000; i++) {
        assert_true(add(self, i, call(self, ">", field(self, X), number(self, i))));
    }
    append(self, "", 0.5, 0);
    append(self, "", 2.5, 0);
    append_dull(self, 10);
    append(self, "", 5000, 0);
    append(self, "", 5000, 0);
    append(self, "", 5000, 0);
    append_dull(self, 10);
    assert_ok(weiri_gate_seal(self->gate));
    scan(self, 0, 6);
    scan(self, 6, 9);
    scan(self, 15, 10);
    assert_string_equal(ranges_of(self, 0), "0+6 6+9");
    assert_string_equal(ranges_of(self, 999), "6+9");
}

static void
clear_forgets_what_was_scanned(void **state)
{
    fixture *self = *state;
    assert_true(add(self, 5, id_is(self, "a")));
    append_dull(self, 10);
    append(self, "a", 0, 0);
    scan_all(self);
    assert_true(is_hit(self, 5));
    weiri_gate_clear(self->gate);
    assert_false(is_hit(self, 5));
    assert_string_equal(ranges_of(self, 5), "");
    scan(self, 8, 3);
    assert_string_equal(ranges_of(self, 5), "10+1");
}

static void
what_cannot_hold_is_never_hit(void **state)
{
    fixture    *self = *state;
    weiri_expr *more = call(self, ">", field(self, Y), whole(self, 5));
    weiri_expr *less = call(self, "<", field(self, Y), whole(self, 5));
    assert_true(add(self, 0, call(self, "and", more, less)));
    append(self, "", 0, 5);
    append(self, "", 0, 6);
    scan_all(self);
    assert_string_equal(ranges_of(self, 0), "");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(equality_gives_each_rule_the_rows_with_its_value),
        TEST(thresholds_give_what_is_beyond_them),
        TEST(whole_numbers_are_compared_with_fractions_exactly),
        TEST(ranges_that_overlap_are_all_found),
        TEST(minus_zero_is_zero),
        TEST(null_fits_no_test),
        TEST(either_side_of_an_or_gives_rows_once_and_in_order),
        TEST(a_condition_without_a_test_gates_nothing),
        TEST(faults_are_not_left_out),
        TEST(of_two_conjuncts_the_rarer_value_is_looked_up),
        TEST(where_most_rows_hit_a_rule_it_gets_all),
        TEST(where_all_rules_are_hit_by_most_rows_each_gets_all),
        TEST(clear_forgets_what_was_scanned),
        TEST(what_cannot_hold_is_never_hit),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
