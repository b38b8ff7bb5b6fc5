#include "weir_test.h"

#include <string.h>

#include "weiri/expr.h"
#include "weiri/limits.h"

enum { N, X, S, AT, N_FIELDS };
static const weir_field FIELDS[N_FIELDS] = {
    [N]  = { .name = "n", .type = WEIR_INT },
    [X]  = { .name = "x", .type = WEIR_FLOAT, .is_nullable = true },
    [S]  = { .name = "s", .type = WEIR_STRING },
    [AT] = { .name = "at", .type = WEIR_TIME },
};
static const weir_schema SCHEMA = {
    .name = "events", .fields = FIELDS, .n_fields = N_FIELDS, .time_field = AT
};

struct fixture {
    weiri_arena *arena;
    weir_chunk  *chunk; /* n: 0 … 1023, x: n / 2 but null each 7th, s: "key-n" */
};

static int
setup(void **state)
{
    static struct fixture fixture;
    fixture.arena = weiri_arena_new();
    assert_ok(weir_chunk_new(&SCHEMA, NULL, &fixture.chunk));
    for (uint32_t row = 0; row < WEIRI_CHUNK_ROWS; row++) {
        const char *key = weiri_arena_format(fixture.arena, "key-%u", row);
        weir_value  n   = { .type = WEIR_INT, .as.i = row };
        weir_value x = { .type = WEIR_FLOAT, .as.f = row / 2.0, .is_null = row % 7 == 0 };
        weir_value s = {
            .type = WEIR_STRING, .as.s = key, .size = (uint32_t)strlen(key)
        };
        assert_ok(weir_chunk_set(fixture.chunk, row, N, &n));
        assert_ok(weir_chunk_set(fixture.chunk, row, X, &x));
        assert_ok(weir_chunk_set(fixture.chunk, row, S, &s));
        fixture.chunk->columns[AT].as.i[row] = row * INT64_C(86400000000000);
        fixture.chunk->time[row]             = fixture.chunk->columns[AT].as.i[row];
    }
    fixture.chunk->n_rows = WEIRI_CHUNK_ROWS;
    *state                = &fixture;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture   *self = *state;
    const weir_chunk *mine = self->chunk;
    weir_chunk_unref(&mine);
    weiri_arena_destroy(&self->arena);
    return 0;
}

static weiri_expr *
field(const struct fixture *self, uint32_t i)
{
    return weiri_expr_field(self->arena, &SCHEMA, i);
}

static weiri_expr *
text(const struct fixture *self, const char *s)
{
    weir_value value = { .type = WEIR_STRING, .as.s = s, .size = (uint32_t)strlen(s) };
    return weiri_expr_constant(self->arena, &value);
}

static weiri_expr *
whole(const struct fixture *self, int64_t i)
{
    weir_value value = { .type = WEIR_INT, .as.i = i };
    return weiri_expr_constant(self->arena, &value);
}

static weiri_expr *
real(const struct fixture *self, double f)
{
    weir_value value = { .type = WEIR_FLOAT, .as.f = f };
    return weiri_expr_constant(self->arena, &value);
}

static weiri_expr *
call_n(const struct fixture *self, const char *name, weiri_expr *const *args, uint32_t n)
{
    weiri_expr *out = NULL;
    weir_error  err = { 0 };
    if (weiri_expr_call(self->arena, name, args, n, &out, &err) != WEIR_OK) {
        fail_msg("%s", err.text);
    }
    return out;
}

static weiri_expr *
call(const struct fixture *self, const char *name, weiri_expr *a, weiri_expr *b)
{
    weiri_expr *args[] = { a, b };
    return call_n(self, name, args, b == NULL ? 1 : 2);
}

static weiri_program *
program_of(const weiri_expr *root)
{
    weiri_program *program = NULL;
    assert_ok(weiri_program_new(&root, 1, &program));
    return program;
}

/* How many rows the filter lets pass; each must be one that evaluation lets pass. */
static uint32_t
count_passing(const struct fixture *self, const weiri_expr *root)
{
    weiri_program *program = program_of(root);
    uint8_t        out[WEIRI_CHUNK_ROWS];
    uint32_t       n = 0;
    weiri_program_filter(program, (weir_rows){ self->chunk, 0, WEIRI_CHUNK_ROWS }, out);
    for (uint32_t i = 0; i < WEIRI_CHUNK_ROWS; i++) {
        weir_value value = weiri_program_eval(program, 0, self->chunk, i, NULL);
        assert_int_equal(out[i], !value.is_null && value.as.b);
        n += out[i];
    }
    weiri_program_destroy(&program);
    return n;
}

static void
registers_are_read_by_index(void **state)
{
    struct fixture *self = *state;
    weiri_expr *amount = weiri_expr_register(self->arena, 1, WEIR_FLOAT, WEIR_NULL, true);
    weiri_expr *key   = weiri_expr_register(self->arena, 0, WEIR_STRING, WEIR_NULL, true);
    weiri_expr *twice = call(self, "*", amount, whole(self, 2));
    weiri_expr *more  = call(self, ">", field(self, X), twice);
    weiri_expr *same  = call(self, "==", field(self, S), key);
    weiri_program *program     = program_of(call(self, "and", more, same));
    weir_value     registers[] = {
            { .type = WEIR_STRING, .as.s = "key-100", .size = 7 },
            { .type = WEIR_FLOAT, .as.f = 20 },
    };

    assert_true(weiri_program_eval(program, 0, self->chunk, 100, registers).as.b);
    assert_false(weiri_program_eval(program, 0, self->chunk, 101, registers).as.b);
    registers[1].as.f = 25;
    assert_false(weiri_program_eval(program, 0, self->chunk, 100, registers).as.b);
    registers[1].is_null = true;
    assert_true(weiri_program_eval(program, 0, self->chunk, 100, registers).is_null);
    assert_int_equal(weiri_program_faults(program), 0);
    registers[1] = (weir_value){ .type = WEIR_FLOAT, .as.f = 1.7e308 };
    assert_true(weiri_program_eval(program, 0, self->chunk, 100, registers).is_null);
    assert_int_equal(weiri_program_faults(program), 1);
    weiri_program_destroy(&program);
    assert_null(program);
}

static void
made_strings_stay_until_they_are_forgotten(void **state)
{
    struct fixture *self    = *state;
    weiri_program  *program = program_of(call(self, "upper", field(self, S), NULL));
    weir_value      values[200];
    for (int lap = 0; lap < 100; lap++) {
        for (uint32_t i = 0; i < 200; i++) {
            values[i] = weiri_program_eval(program, 0, self->chunk, 100 + i, NULL);
        }
        for (uint32_t i = 0; i < 200; i++) {
            const char *expected = weiri_arena_format(self->arena, "KEY-%u", 100 + i);
            assert_int_equal(values[i].size, 7);
            assert_memory_equal(values[i].as.s, expected, 7);
        }
        weiri_program_forget(program);
    }
    weiri_program_destroy(&program);
}

static void
text_in_quotes_beside_a_time_is_a_time(void **state)
{
    struct fixture *self  = *state;
    weiri_expr     *late  = call(self, ">=", field(self, AT), text(self, "1970-01-11"));
    weiri_expr     *out   = NULL;
    weir_error      err   = { 0 };
    weiri_expr     *bad[] = { field(self, AT), text(self, "noon") };

    assert_int_equal(count_passing(self, late), WEIRI_CHUNK_ROWS - 10);
    assert_int_equal(weiri_expr_call(self->arena, "<", bad, 2, &out, &err), WEIR_EINVAL);
    assert_non_null(strstr(err.text, "'noon' is not a time"));
}

static void
int_field_against_a_fraction_is_exact(void **state)
{
    struct fixture *self = *state;
    weiri_expr     *n    = field(self, N);

    assert_int_equal(count_passing(self, call(self, "<", n, real(self, 2.5))), 3);
    assert_int_equal(count_passing(self, call(self, "<=", n, real(self, 2.5))), 3);
    assert_int_equal(count_passing(self, call(self, "<", n, real(self, 2.0))), 2);
    assert_int_equal(count_passing(self, call(self, ">", n, real(self, 1020.5))), 3);
    assert_int_equal(count_passing(self, call(self, ">=", n, real(self, 1020.5))), 3);
    assert_int_equal(count_passing(self, call(self, "==", n, real(self, 2.5))), 0);
    assert_int_equal(count_passing(self, call(self, "!=", n, real(self, 2.5))), 1024);
    assert_int_equal(count_passing(self, call(self, ">", real(self, 2.5), n)), 3);
    assert_int_equal(count_passing(self, call(self, ">=", real(self, 2.5), n)), 3);
    assert_int_equal(count_passing(self, call(self, "<", real(self, 1020.5), n)), 3);
    assert_int_equal(count_passing(self, call(self, "<=", real(self, 1020.5), n)), 3);
    assert_int_equal(count_passing(self, call(self, "<", n, real(self, 1e30))), 1024);
}

static void
large_sets_find_what_is_in_them(void **state)
{
    struct fixture *self = *state;
    enum { MEMBERS = 100 };
    weiri_expr *ints[MEMBERS + 1]   = { field(self, N) };
    weiri_expr *floats[MEMBERS + 1] = { field(self, X) };
    weiri_expr *texts[MEMBERS + 1]  = { field(self, S) };
    for (int i = 1; i <= MEMBERS; i++) {
        ints[i]   = whole(self, 2000 - 17 * i); /* some are in the chunk, some not */
        floats[i] = real(self, 0.5 * (3 * i + 1));
        texts[i]  = text(self, weiri_arena_format(self->arena, "key-%d", 20 * i));
    }
    uint32_t n_floats = 0;
    for (int i = 1; i <= MEMBERS; i++) {
        n_floats += (3 * i + 1) % 7 != 0 && 3 * i + 1 < WEIRI_CHUNK_ROWS;
    }

    assert_int_equal(count_passing(self, call_n(self, "in", ints, MEMBERS + 1)), 43);
    assert_int_equal(
        count_passing(self, call_n(self, "in", floats, MEMBERS + 1)), n_floats);
    assert_int_equal(count_passing(self, call_n(self, "in", texts, MEMBERS + 1)), 51);
}

static void
texts_of_all_sizes_are_found_by_equality(void **state)
{
    struct fixture *self  = *state;
    weir_chunk     *chunk = NULL;
    char            bytes[64];
    assert_ok(weir_chunk_new(&SCHEMA, NULL, &chunk));
    memset(bytes, 'x', sizeof bytes);
    for (uint32_t row = 0; row < 41; row++) {
        weir_value s = { .type = WEIR_STRING, .as.s = bytes, .size = row };
        assert_ok(weir_chunk_set(chunk, row, S, &s));
    }
    chunk->n_rows = 41;
    /* The heap ends with the last text: nothing behind it may be read. */
    chunk->heap_size = chunk->heap_used;
    for (uint32_t size = 0; size < 41; size++) {
        weir_value     s        = { .type = WEIR_STRING, .as.s = bytes, .size = size };
        weiri_expr    *constant = weiri_expr_constant(self->arena, &s);
        weiri_program *program  = program_of(call(self, "==", constant, field(self, S)));
        uint8_t        out[41];
        weiri_program_filter(program, (weir_rows){ chunk, 0, 41 }, out);
        for (uint32_t row = 0; row < 41; row++) {
            assert_int_equal(out[row], row == size);
        }
        weiri_program_destroy(&program);
    }
    const weir_chunk *mine = chunk;
    weir_chunk_unref(&mine);
}

static void
texts_that_differ_in_one_byte_are_not_equal(void **state)
{
    struct fixture *self = *state;
    for (uint32_t size = 1; size < 40; size++) {
        for (uint32_t at = 0; at < size; at++) {
            char a[40];
            char b[40];
            memset(a, 'x', sizeof a);
            memset(b, 'x', sizeof b);
            b[at]                = 'y';
            weir_value  s        = { .type = WEIR_STRING, .as.s = a, .size = size };
            weir_value  t        = { .type = WEIR_STRING, .as.s = b, .size = size };
            weiri_expr *is_equal = call(self, "==", weiri_expr_constant(self->arena, &s),
                weiri_expr_constant(self->arena, &t));
            assert_false(is_equal->as.constant.as.b);
        }
    }
}

static void
roots_of_every_form_come_out_as_vectors(void **state)
{
    struct fixture   *self    = *state;
    weiri_expr       *n       = field(self, N);
    weir_value        null    = { .type = WEIR_STRING, .is_null = true };
    const weiri_expr *roots[] = { n, field(self, S), text(self, "c"), whole(self, 7),
        call(self, "+", n, whole(self, 1)), weiri_expr_constant(self->arena, &null),
        weiri_expr_time(self->arena), call(self, "+", n, whole(self, 1)) };
    weiri_vector      out[8];
    weiri_program    *program = NULL;
    assert_ok(weiri_program_new(roots, 8, &program));
    weiri_program_run(program, (weir_rows){ self->chunk, 10, 5 }, out);

    assert_int_equal(out[0].as.i[4], 14);
    assert_memory_equal(out[1].as.v[0].as.s, "key-10", 6);
    assert_memory_equal(out[2].as.v[4].as.s, "c", 1);
    assert_int_equal(out[3].as.i[4], 7);
    assert_int_equal(out[4].as.i[0], 11);
    assert_true(out[5].has_nulls);
    assert_true(out[5].nulls[4]);
    assert_true(out[5].as.v[4].is_null);
    assert_true(out[6].as.i[1] == 11 * INT64_C(86400000000000));
    assert_ptr_equal(out[7].as.i, out[4].as.i); /* evaluated once */
    weiri_program_destroy(&program);
}

static void
faults_count_once_a_row_that_needs_them(void **state)
{
    struct fixture *self = *state;
    weiri_expr     *n    = field(self, N);
    weiri_expr     *quotient =
        call(self, "/", whole(self, 1), call(self, "%", n, whole(self, 2)));
    weiri_expr *is_odd =
        call(self, "==", call(self, "%", n, whole(self, 2)), whole(self, 1));
    weiri_expr    *positive = call(self, ">", quotient, whole(self, 0));
    weiri_program *bare     = program_of(positive);
    weiri_program *guarded  = program_of(call(self, "and", is_odd, positive));
    uint8_t        out[WEIRI_CHUNK_ROWS];
    weir_rows      rows = { self->chunk, 0, WEIRI_CHUNK_ROWS };
    weiri_program_filter(bare, rows, out);
    weiri_program_filter(guarded, rows, out);

    assert_int_equal(weiri_program_faults(bare), WEIRI_CHUNK_ROWS / 2);
    assert_int_equal(weiri_program_faults(guarded), 0);
    assert_int_equal(out[0], 0);
    assert_int_equal(out[1], 1);
    weiri_program_destroy(&bare);
    weiri_program_destroy(&guarded);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(registers_are_read_by_index),
        TEST(made_strings_stay_until_they_are_forgotten),
        TEST(text_in_quotes_beside_a_time_is_a_time),
        TEST(int_field_against_a_fraction_is_exact),
        TEST(large_sets_find_what_is_in_them),
        TEST(texts_of_all_sizes_are_found_by_equality),
        TEST(texts_that_differ_in_one_byte_are_not_equal),
        TEST(roots_of_every_form_come_out_as_vectors),
        TEST(faults_count_once_a_row_that_needs_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
