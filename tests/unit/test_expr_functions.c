/* Every operation by example. An example is written like (+ 1 2), a list of a name and
 * its arguments, and evaluated three ways: with constants, which are folded; with fields,
 * row by row; and with fields, as a column. All must agree, in value and in faults.
 */
#include "weir_test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weiri/expr.h"
#include "weiri/numtext.h"
#include "weiri/timetext.h"

enum { FIELDS = 32, ROWS = 5 };

struct bench {
    weiri_arena *arena;
    const char  *at;        /* what is left to read */
    bool         as_fields; /* literals become fields */
    weir_field   fields[FIELDS];
    weir_value   values[FIELDS];
    weir_schema  schema;
};

/* ---- reading examples ---- */

static void
skip_space(struct bench *bench)
{
    while (*bench->at == ' ') {
        bench->at++;
    }
}

static weir_value
literal(struct bench *bench)
{
    const char *start = bench->at;
    if (*start == '\'') {
        size_t size = strcspn(start + 1, "'");
        bench->at += size + 2;
        return (
            weir_value){ .type = WEIR_STRING, .as.s = start + 1, .size = (uint32_t)size };
    }
    size_t     size  = strcspn(start, " )");
    weir_value value = { 0 };
    bench->at += size;
    if (strncmp(start, "true", size) == 0 || strncmp(start, "false", size) == 0) {
        value = (weir_value){ .type = WEIR_BOOL, .as.b = *start == 't' };
    } else if (strncmp(start, "null:", 5) == 0) { /* null:int and so on */
        for (int type = WEIR_BOOL; type <= WEIR_LIST; type++) {
            const char *name = weir_type_text((weir_type)type);
            if (strlen(name) == size - 5 && memcmp(start + 5, name, size - 5) == 0) {
                value = (weir_value){ .type = (uint8_t)type, .is_null = true };
            }
        }
        assert_true(value.is_null);
    } else if (*start == '@') {
        value.type = WEIR_TIME;
        assert_true(weiri_time_parse(start + 1, size - 1, &value.as.i));
    } else if (weiri_int_parse(start, size, &value.as.i)) {
        value.type = WEIR_INT;
    } else if (weiri_float_parse(start, size, &value.as.f)) {
        value.type = WEIR_FLOAT;
    } else if (weiri_duration_parse(start, size, &value.as.i)) {
        value.type = WEIR_DURATION;
    } else {
        fail_msg("what is '%.*s'?", (int)size, start);
    }
    return value;
}

static weiri_expr *
expression(struct bench *bench);

static weiri_expr *
call(struct bench *bench)
{
    char        name[32] = { 0 };
    size_t      size     = strcspn(bench->at, " )");
    weiri_expr *args[16];
    uint32_t    n   = 0;
    weiri_expr *out = NULL;
    weir_error  err = { 0 };
    memcpy(name, bench->at, size);
    for (size_t i = 1; i < size; i++) {
        if (name[i] == '-') { /* is-null */
            name[i] = ' ';
        }
    }
    bench->at += size;
    for (skip_space(bench); *bench->at != ')'; skip_space(bench)) {
        args[n++] = expression(bench);
    }
    bench->at++;
    if (weiri_expr_call(bench->arena, name, args, n, &out, &err) != WEIR_OK) {
        fail_msg("%s", err.text);
    }
    return out;
}

static weiri_expr *
expression(struct bench *bench)
{
    skip_space(bench);
    if (*bench->at == '(') {
        bench->at++;
        return call(bench);
    }
    weir_value value = literal(bench);
    if (!bench->as_fields) {
        return weiri_expr_constant(bench->arena, &value);
    }
    uint32_t i       = bench->schema.n_fields++;
    bench->values[i] = value;
    bench->fields[i] = (weir_field){ .name = weiri_arena_format(bench->arena, "f%u", i),
        .type                              = (weir_type)value.type,
        .is_nullable                       = value.is_null };
    return weiri_expr_field(bench->arena, &bench->schema, i);
}

/* ---- printing results ---- */

static const char *
text_of(struct bench *bench, weir_value value)
{
    char out[64] = "";
    if (value.is_null) {
        return "null";
    }
    switch ((weir_type)value.type) {
    case WEIR_BOOL: return value.as.b ? "true" : "false";
    case WEIR_STRING: return weiri_arena_text(bench->arena, value.as.s, value.size);
    case WEIR_FLOAT: out[weiri_float_format(value.as.f, out)] = 0; break;
    case WEIR_TIME: weiri_time_format(value.as.i, out); break;
    case WEIR_DURATION: out[weiri_duration_format(value.as.i, out)] = 0; break;
    default: out[weiri_int_format(value.as.i, out)] = 0; break;
    }
    return weiri_arena_text(bench->arena, out, strlen(out));
}

static weir_value
value_of(const weiri_vector *vector, uint32_t i)
{
    weir_value value = { .type = (uint8_t)vector->type };
    if (vector->has_nulls && vector->nulls[i]) {
        value.is_null = true;
        return value;
    }
    switch (vector->type) {
    case WEIR_BOOL: value.as.b = vector->as.b[i] != 0; break;
    case WEIR_FLOAT: value.as.f = vector->as.f[i]; break;
    case WEIR_STRING:
    case WEIR_LIST: return vector->as.v[i];
    default: value.as.i = vector->as.i[i]; break;
    }
    return value;
}

/* ---- the three ways ---- */

static weir_chunk *
chunk_of(struct bench *bench)
{
    weir_chunk *chunk = NULL;
    assert_ok(weir_chunk_new(&bench->schema, NULL, &chunk));
    for (uint32_t row = 0; row < ROWS; row++) {
        for (uint32_t i = 0; i < bench->schema.n_fields; i++) {
            assert_ok(weir_chunk_set(chunk, row, i, &bench->values[i]));
        }
    }
    chunk->n_rows = ROWS;
    return chunk;
}

static void
check_rows(struct bench *bench, weiri_program *program, const weir_chunk *chunk,
    const char *expected, uint64_t faults)
{
    for (uint32_t row = 0; row < ROWS; row++) {
        weir_value value = weiri_program_eval(program, 0, chunk, row, NULL);
        assert_string_equal(text_of(bench, value), expected);
    }
    assert_int_equal(weiri_program_faults(program), ROWS * faults);
}

static void
check_range(struct bench *bench, weiri_program *program, const weir_chunk *chunk,
    const char *expected, uint64_t faults)
{
    uint64_t     before = weiri_program_faults(program);
    weiri_vector vector = { 0 };
    weiri_program_run(program, (weir_rows){ chunk, 1, ROWS - 1 }, &vector);
    for (uint32_t i = 0; i < ROWS - 1; i++) {
        assert_string_equal(text_of(bench, value_of(&vector, i)), expected);
    }
    assert_int_equal(weiri_program_faults(program) - before, (ROWS - 1) * faults);
}

static void
check_with(const char *example, const char *expected, uint64_t faults, bool as_fields)
{
    struct bench bench = { .at = example, .as_fields = as_fields };
    bench.arena        = weiri_arena_new();
    bench.schema =
        (weir_schema){ .name = "example", .fields = bench.fields, .time_field = -1 };
    const weiri_expr *root    = expression(&bench);
    weiri_program    *program = NULL;
    if (!as_fields && strstr(example, "(/ 1 0)") == NULL && faults == 0) {
        assert_int_equal(root->kind, WEIRI_EXPR_CONSTANT);
    }
    weir_chunk *chunk = chunk_of(&bench);
    assert_ok(weiri_program_new(&root, 1, &program));
    check_rows(&bench, program, chunk, expected, faults);
    check_range(&bench, program, chunk, expected, faults);
    weiri_program_destroy(&program);
    const weir_chunk *mine = chunk;
    weir_chunk_unref(&mine);
    weiri_arena_destroy(&bench.arena);
}

struct example {
    const char *expression;
    const char *result;
    uint64_t    faults;
};

static void
check_all(const struct example *examples, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        print_message("%s\n", examples[i].expression);
        check_with(examples[i].expression, examples[i].result, examples[i].faults, false);
        check_with(examples[i].expression, examples[i].result, examples[i].faults, true);
    }
}

#define CHECK(...)                                                                       \
    do {                                                                                 \
        const struct example examples[] = { __VA_ARGS__ };                               \
        check_all(examples, sizeof examples / sizeof *examples);                         \
    } while (0)

#define MIN "-9223372036854775808"
#define MAX "9223372036854775807"

static void
int_arithmetic_is_exact_or_null(void **state)
{
    (void)state;
    CHECK({ "(+ 1 2)", "3", 0 }, { "(- 1 2)", "-1", 0 }, { "(* 6 7)", "42", 0 },
        { "(+ " MAX " 1)", "null", 1 }, { "(+ " MIN " -1)", "null", 1 },
        { "(+ " MAX " " MIN ")", "-1", 0 }, { "(- " MIN " 1)", "null", 1 },
        { "(- 0 " MIN ")", "null", 1 }, { "(- -1 " MIN ")", MAX, 0 },
        { "(* " MIN " -1)", "null", 1 }, { "(* 4294967296 2147483648)", "null", 1 },
        { "(* 4294967296 -2147483648)", MIN, 0 }, { "(- " MIN ")", "null", 1 },
        { "(- 5)", "-5", 0 }, { "(/ 1 2)", "0.5", 0 }, { "(/ 1 0)", "null", 1 },
        { "(/ 0 0)", "null", 1 }, { "(% 7 3)", "1", 0 }, { "(% -7 3)", "-1", 0 },
        { "(% 7 -3)", "1", 0 }, { "(% 7 0)", "null", 1 }, { "(% " MIN " -1)", "0", 0 },
        { "(+ 1 null:int)", "null", 0 }, { "(/ null:int 0)", "null", 0 },
        { "(+ (/ 1 0) (/ 1 0))", "null", 2 });
}

static void
float_arithmetic_stays_finite(void **state)
{
    (void)state;
    CHECK({ "(+ 0.5 1)", "1.5", 0 }, { "(- 0.5)", "-0.5", 0 },
        { "(* 1e308 10.0)", "null", 1 }, { "(+ 1.7e308 1.7e308)", "null", 1 },
        { "(- -1.7e308 1.7e308)", "null", 1 }, { "(/ 1.0 0.0)", "null", 1 },
        { "(/ 0.0 0.0)", "null", 1 }, { "(/ 1.0 4)", "0.25", 0 },
        { "(mod 7.5 2)", "1.5", 0 }, { "(mod -7.5 2.0)", "-1.5", 0 },
        { "(mod 1.0 0.0)", "null", 1 }, { "(mod 7 4)", "3", 0 },
        { "(mod 70s 1m)", "10s", 0 });
}

static void
time_and_duration_arithmetic(void **state)
{
    (void)state;
    CHECK({ "(- @2024-01-02 @2024-01-01)", "1d", 0 },
        { "(+ @2024-01-01 90m)", "2024-01-01T01:30:00Z", 0 },
        { "(+ 90m @2024-01-01)", "2024-01-01T01:30:00Z", 0 },
        { "(- @2024-01-01 1s)", "2023-12-31T23:59:59Z", 0 }, { "(+ 1m 1s)", "1m1s", 0 },
        { "(- 1m 1s)", "59s", 0 }, { "(- 1m)", "-1m", 0 }, { "(* 10s 3)", "30s", 0 },
        { "(* 3 10s)", "30s", 0 }, { "(* 10s 1.5)", "15s", 0 },
        { "(* 0.5 10s)", "5s", 0 }, { "(* 100000d 1e9)", "null", 1 },
        { "(* 100000d 1000000000)", "null", 1 }, { "(/ 10s 4)", "2s500ms", 0 },
        { "(/ 10s 0)", "null", 1 }, { "(/ 10s 2.5)", "4s", 0 },
        { "(/ 10s 0.0)", "null", 1 }, { "(/ 90s 1m)", "1.5", 0 },
        { "(/ 90s 0s)", "null", 1 }, { "(% 70s 1m)", "10s", 0 },
        { "(- @2262-04-11 @1677-09-22)", "null", 1 });
}

static void
comparisons_are_by_value(void **state)
{
    (void)state;
    CHECK({ "(== 1 1)", "true", 0 }, { "(!= 1 1)", "false", 0 }, { "(< 1 2)", "true", 0 },
        { "(<= 2 2)", "true", 0 }, { "(> 1 2)", "false", 0 }, { "(>= 2 3)", "false", 0 },
        { "(== 1 1.0)", "true", 0 }, { "(< 1 1.5)", "true", 0 },
        { "(> 1.5 1)", "true", 0 }, { "(>= -1 -1.5)", "true", 0 },
        { "(< -2 -1.5)", "true", 0 }, { "(<= 1.5 2)", "true", 0 },
        { "(== 9007199254740993 9007199254740992.0)", "false", 0 },
        { "(> 9007199254740993 9007199254740992.0)", "true", 0 },
        { "(< 9007199254740992.0 9007199254740993)", "true", 0 },
        { "(< " MAX " 9223372036854775808.0)", "true", 0 },
        { "(== " MAX " 9223372036854775808.0)", "false", 0 },
        { "(== " MIN " -9223372036854775808.0)", "true", 0 },
        { "(> " MIN " -1e300)", "true", 0 }, { "(< 1e300 " MAX ")", "false", 0 },
        { "(== 0.0 -0.0)", "true", 0 }, { "(== 'a' 'a')", "true", 0 },
        { "(!= 'a' 'ab')", "true", 0 }, { "(== '' '')", "true", 0 },
        { "(== 'longer than eight' 'longer than nine')", "false", 0 },
        { "(== 'longer than eight' 'longer than eight')", "true", 0 },
        { "(< 'a' 'ab')", "true", 0 }, { "(> 'b' 'ab')", "true", 0 },
        { "(<= 'é' 'z')", "false", 0 }, { "(>= 'z' 'z')", "true", 0 },
        { "(< false true)", "true", 0 }, { "(== true true)", "true", 0 },
        { "(< 1s 1m)", "true", 0 }, { "(>= @2024-01-02 @2024-01-01)", "true", 0 });
}

static void
null_is_unknown(void **state)
{
    (void)state;
    CHECK({ "(== null:int 1)", "null", 0 }, { "(== null:string 'a')", "null", 0 },
        { "(and true true)", "true", 0 }, { "(and true false)", "false", 0 },
        { "(and null:bool false)", "false", 0 }, { "(and false null:bool)", "false", 0 },
        { "(and null:bool true)", "null", 0 }, { "(and true null:bool)", "null", 0 },
        { "(and null:bool null:bool)", "null", 0 }, { "(or false false)", "false", 0 },
        { "(or false true)", "true", 0 }, { "(or null:bool true)", "true", 0 },
        { "(or true null:bool)", "true", 0 }, { "(or null:bool false)", "null", 0 },
        { "(or false null:bool)", "null", 0 }, { "(not true)", "false", 0 },
        { "(not null:bool)", "null", 0 }, { "(is-null null:int)", "true", 0 },
        { "(is-null 1)", "false", 0 }, { "(is-not-null 'a')", "true", 0 },
        { "(is-not-null null:string)", "false", 0 }, { "(is-null (/ 1 0))", "true", 1 },
        { "(is-null null:list)", "true", 0 });
}

static void
what_is_not_needed_does_not_count(void **state)
{
    (void)state;
    CHECK({ "(and false (> (/ 1 0) 1.0))", "false", 0 },
        { "(and (> (/ 1 0) 1.0) false)", "false", 1 },
        { "(or true (> (/ 1 0) 1.0))", "true", 0 },
        { "(or (> (/ 1 0) 1.0) true)", "true", 1 }, { "(if true 1.0 (/ 1 0))", "1.0", 0 },
        { "(if false 1.0 (/ 1 0))", "null", 1 }, { "(if false (/ 1 0) 2.5)", "2.5", 0 },
        { "(?? 1.0 (/ 1 0))", "1.0", 0 }, { "(?? (/ 1 0) 1.0)", "1.0", 1 },
        { "(coalesce null:float 2.0 (/ 1 0))", "2.0", 0 },
        { "(and (is-null (/ 1 0)) (is-null (/ 1 0)))", "true", 2 });
}

static void
choices(void **state)
{
    (void)state;
    CHECK({ "(if true 1 2)", "1", 0 }, { "(if false 1 2)", "2", 0 },
        { "(if null:bool 1 2)", "2", 0 }, { "(if true 1 2.5)", "1.0", 0 },
        { "(if true 'a' 'b')", "a", 0 }, { "(if true null:int 2)", "null", 0 },
        { "(if false true false)", "false", 0 }, { "(?? null:int 3)", "3", 0 },
        { "(?? 1 3)", "1", 0 }, { "(?? null:bool true)", "true", 0 },
        { "(?? null:string 'b')", "b", 0 }, { "(coalesce null:int null:int 3)", "3", 0 },
        { "(coalesce null:int null:int)", "null", 0 },
        { "(coalesce null:string '' 'x')", "", 0 }, { "(greatest 1 3 2)", "3", 0 },
        { "(greatest 1 2.5)", "2.5", 0 }, { "(least 'b' 'a')", "a", 0 },
        { "(least 1 null:int)", "null", 0 }, { "(clamp 5 1 3)", "3", 0 },
        { "(clamp 0.5 1.0 3.0)", "1.0", 0 }, { "(clamp 2 1 3)", "2", 0 });
}

static void
in_and_between(void **state)
{
    (void)state;
    CHECK({ "(in 2 1 2 3)", "true", 0 }, { "(in 4 1 2 3)", "false", 0 },
        { "(in 4 1 null:int)", "null", 0 }, { "(in 1 1 null:int)", "true", 0 },
        { "(in null:int 1)", "null", 0 }, { "(in 3 2.5 3.0)", "true", 0 },
        { "(in 3 2.5 3.5)", "false", 0 }, { "(in 2.0 1 2)", "true", 0 },
        { "(in 9007199254740992.0 9007199254740993)", "false", 0 },
        { "(in 'b' 'a' 'b')", "true", 0 }, { "(in 'c' 'a' 'b')", "false", 0 },
        { "(in '' 'a' '')", "true", 0 }, { "(in true false)", "false", 0 },
        { "(in 'longer than eight' 'a' 'longer than eight')", "true", 0 },
        { "(in 2s 1s 2s)", "true", 0 }, { "(between 2 1 3)", "true", 0 },
        { "(between 1 1 1)", "true", 0 }, { "(between 4 1 3)", "false", 0 },
        { "(between 2.5 1 3)", "true", 0 }, { "(between 'b' 'a' 'c')", "true", 0 },
        { "(between 2 null:int 3)", "null", 0 }, { "(between 4 null:int 3)", "false", 0 },
        { "(between 0 1 null:int)", "false", 0 }, { "(between null:int 1 3)", "null", 0 },
        { "(between 1.5 1.0 2.0)", "true", 0 });
}

static void
like_matches_as_in_sql(void **state)
{
    (void)state;
    CHECK({ "(like 'abc' 'abc')", "true", 0 }, { "(like 'abc' 'ab')", "false", 0 },
        { "(like 'abc' 'a%')", "true", 0 }, { "(like 'abc' '%c')", "true", 0 },
        { "(like 'abc' '%b%')", "true", 0 }, { "(like 'abc' '%x%')", "false", 0 },
        { "(like 'abc' 'a_c')", "true", 0 }, { "(like 'aéc' 'a_c')", "true", 0 },
        { "(like 'aéc' 'a__c')", "false", 0 }, { "(like 'é' '%_')", "true", 0 },
        { "(like 'é' '%__')", "false", 0 }, { "(like 'abcbd' 'a%b_')", "true", 0 },
        { "(like 'aXbXc' 'a%b%c')", "true", 0 }, { "(like 'acb' 'a%b%c')", "false", 0 },
        { "(like '10%' '10\\%')", "true", 0 }, { "(like '10x' '10\\%')", "false", 0 },
        { "(like 'a_b' 'a\\_b')", "true", 0 }, { "(like 'axb' 'a\\_b')", "false", 0 },
        { "(like 'a\\b' 'a\\\\b')", "true", 0 }, { "(like 'a\\' 'a\\')", "true", 0 },
        { "(like '' '')", "true", 0 }, { "(like '' '%')", "true", 0 },
        { "(like '' '_')", "false", 0 }, { "(like 'aaa' 'a%%a')", "true", 0 },
        { "(like null:string 'a')", "null", 0 }, { "(like 'a' null:string)", "null", 0 });
}

static void
mathematics(void **state)
{
    (void)state;
    CHECK({ "(abs -3)", "3", 0 }, { "(abs " MIN ")", "null", 1 },
        { "(abs -2.5)", "2.5", 0 }, { "(abs (- 3s))", "3s", 0 }, { "(sign -3)", "-1", 0 },
        { "(sign 0.0)", "0", 0 }, { "(sign 2s)", "1", 0 }, { "(round 2.5)", "3.0", 0 },
        { "(round -2.5)", "-3.0", 0 }, { "(round 7)", "7", 0 },
        { "(round 2.345 1)", "2.3", 0 }, { "(round 1234.5 -2)", "1200.0", 0 },
        { "(round 1e300 3)", "1e300", 0 }, { "(round 5.0 400)", "5.0", 0 },
        { "(round 5.0 -400)", "0.0", 0 }, { "(floor -1.5)", "-2.0", 0 },
        { "(ceil -1.5)", "-1.0", 0 }, { "(floor 3)", "3", 0 }, { "(ceil 3)", "3", 0 },
        { "(sqrt 2.25)", "1.5", 0 }, { "(sqrt -1)", "null", 1 }, { "(exp 0)", "1.0", 0 },
        { "(exp 1000)", "null", 1 }, { "(ln 1)", "0.0", 0 }, { "(ln 0)", "null", 1 },
        { "(ln -1)", "null", 1 }, { "(log10 1000)", "3.0", 0 },
        { "(pow 2 10)", "1024.0", 0 }, { "(pow -1 0.5)", "null", 1 },
        { "(pow 10 400)", "null", 1 }, { "(sin 0)", "0.0", 0 }, { "(cos 0)", "1.0", 0 },
        { "(tan 0)", "0.0", 0 }, { "(asin 2)", "null", 1 }, { "(acos 1)", "0.0", 0 },
        { "(atan 0)", "0.0", 0 }, { "(atan2 0 1)", "0.0", 0 },
        { "(pi)", "3.141592653589793", 0 }, { "(bucket 17 5)", "15", 0 },
        { "(bucket -1 5)", "-5", 0 }, { "(bucket 17 0)", "null", 1 },
        { "(bucket " MIN " 3)", "null", 1 }, { "(bucket 2.7 0.5)", "2.5", 0 },
        { "(bucket 1.0 0.0)", "null", 1 }, { "(bucket 70s 1m)", "1m", 0 },
        { "(bucket @2024-01-01T00:07:09 5m)", "2024-01-01T00:05:00Z", 0 });
}

static void
distance_is_in_kilometres(void **state)
{
    (void)state;
    /* A degree of a meridian is 6371.0088 * pi / 180 km. */
    CHECK({ "(round (distance 0 0 1 0) 4)", "111.1951", 0 },
        { "(distance 48.1 11.5 48.1 11.5)", "0.0", 0 },
        { "(round (distance 0 0 0 180) 3)", "20015.114", 0 },
        { "(round (distance 90 0 -90 0) 3)", "20015.114", 0 },
        { "(round (distance 52.52 13.405 48.8566 2.3522) 0)", "877.0", 0 });
}

static void
hash_is_stable(void **state)
{
    (void)state;
    /* FNV-1a of "" is its offset basis, of "a" af63dc4c8601ec8c; the top bit is off. */
    CHECK({ "(hash '')", "5472609002491880229", 0 },
        { "(hash 'a')", "3414815163700866188", 0 },
        { "(== (hash 1) (hash 1.0))", "true", 0 },
        { "(== (hash 1) (hash 1.5))", "false", 0 },
        { "(== (hash 'a') (hash 'b'))", "false", 0 }, { "(hash null:int)", "null", 0 });
}

static void
sample_takes_a_part_that_a_larger_part_contains(void **state)
{
    (void)state;
    enum { KEYS = 10000 };
    weiri_arena *arena    = weiri_arena_new();
    int          n_tenth  = 0;
    int          n_fourth = 0;
    for (int64_t i = 0; i < KEYS; i++) {
        bool taken[2];
        for (int k = 0; k < 2; k++) {
            const char *text = weiri_arena_format(arena, "user%d", (int)i);
            weir_value  key  = {
                  .type = WEIR_STRING, .as.s = text, .size = (uint32_t)strlen(text)
            };
            weir_value  part    = { .type = WEIR_FLOAT, .as.f = k == 0 ? 0.1 : 0.25 };
            weiri_expr *args[2] = { weiri_expr_constant(arena, &key),
                weiri_expr_constant(arena, &part) };
            weiri_expr *out     = NULL;
            weir_error  err     = { 0 };
            assert_ok(weiri_expr_call(arena, "sample", args, 2, &out, &err));
            taken[k] = out->as.constant.as.b;
        }
        assert_true(taken[1] || !taken[0]);
        n_tenth += taken[0];
        n_fourth += taken[1];
    }
    assert_in_range(n_tenth, 900, 1100); /* of 10,000; standard deviation 30 */
    assert_in_range(n_fourth, 2350, 2650);
    weiri_arena_destroy(&arena);
}

static void
samples_are_the_same_everywhere(void **state)
{
    (void)state;
    CHECK({ "(sample 'a' 1.0)", "true", 0 }, { "(sample 'a' 0)", "false", 0 },
        { "(sample 7 0.5)", "false", 0 }, { "(sample 8 0.5)", "true", 0 },
        { "(== (sample 7 0.5) (sample 7.0 0.5))", "true", 0 },
        { "(sample null:int 0.5)", "null", 0 });
}

static void
bins_count_the_edges_below(void **state)
{
    (void)state;
    CHECK({ "(bin 5 10 20)", "0", 0 }, { "(bin 10 10 20)", "1", 0 },
        { "(bin 20.5 10 20)", "2", 0 }, { "(bin 'm' 'a' 'k' 'z')", "2", 0 },
        { "(bin 90s 1m)", "1", 0 }, { "(bin 1 null:int)", "null", 0 });
}

static void
lists_are_written_and_multiplied(void **state)
{
    (void)state;
    CHECK({ "(dot ([] 1 2.5 3) ([] 2 2 0.5))", "8.5", 0 },
        { "(dot ([] 1 2) ([] 3 4))", "11.0", 0 }, { "(dot ([] 1 2) ([] 3))", "null", 1 },
        { "(dot ([] 1) ([] 3 4))", "null", 1 },
        { "(dot ([] 1e308) ([] 10.0))", "null", 1 },
        { "(dot ([] 1 null:int) ([] 3 4))", "null", 0 },
        { "(length ([] 'a' 'bc' ''))", "3", 0 }, { "(at ([] 'a' 'bc' '') 1)", "bc", 0 },
        { "(at ([] 'a' 'bc' '') 2)", "", 0 }, { "(at ([] true false) 0)", "true", 0 },
        { "(at ([] 1s 2s) -1)", "2s", 0 }, { "(contains ([] 1 2) 2)", "true", 0 },
        { "(median ([] 3 1 2))", "2.0", 0 }, { "(length ([] null:int))", "null", 0 });
}

static void
one_hot_says_which(void **state)
{
    (void)state;
    CHECK({ "(at (one_hot 'b' 'a' 'b') 0)", "0", 0 },
        { "(at (one_hot 'b' 'a' 'b') 1)", "1", 0 },
        { "(length (one_hot 'c' 'a' 'b'))", "2", 0 },
        { "(dot (one_hot 2 1 2 3) ([] 10 20 30))", "20.0", 0 },
        { "(one_hot null:string 'a')", "null", 0 });
}

static void
string_functions(void **state)
{
    (void)state;
    CHECK({ "(+ 'ab' 'c')", "abc", 0 }, { "(+ '' '')", "", 0 },
        { "(lower 'ABC xyz [1]')", "abc xyz [1]", 0 },
        { "(upper 'abc XYZ {1}')", "ABC XYZ {1}", 0 },
        { "(lower 'ÄÖÜ ŁŸ ΑΩΆ ЖЯЁ Ա')", "äöü łÿ αωά жяё ա", 0 },
        { "(upper 'äöüß łÿ αωά жяё ա €')", "ÄÖÜß ŁŸ ΑΩΆ ЖЯЁ Ա €", 0 },
        { "(trim '  a b ')", "a b", 0 }, { "(trim '   ')", "", 0 },
        { "(length 'aé€')", "3", 0 }, { "(length '')", "0", 0 },
        { "(substring 'hello' 2)", "ello", 0 }, { "(substring 'hello' 2 3)", "ell", 0 },
        { "(substring 'héllo' 2 1)", "é", 0 }, { "(substring 'hello' 0 2)", "h", 0 },
        { "(substring 'hello' -3)", "hello", 0 }, { "(substring 'hello' 9)", "", 0 },
        { "(substring 'hello' 2 -1)", "", 0 }, { "(substring 'hello' 4 99)", "lo", 0 },
        { "(substring 'hello' " MAX " " MAX ")", "", 0 },
        { "(substring 'hello' " MIN " " MIN ")", "", 0 },
        { "(substring 'hello' 2 " MAX ")", "ello", 0 },
        { "(starts_with 'hello' 'he')", "true", 0 },
        { "(starts_with 'h' 'he')", "false", 0 },
        { "(ends_with 'hello' 'lo')", "true", 0 }, { "(ends_with 'o' 'lo')", "false", 0 },
        { "(contains 'hello' 'll')", "true", 0 }, { "(contains 'hello' '')", "true", 0 },
        { "(contains '' 'a')", "false", 0 }, { "(replace 'banana' 'an' 'o')", "booa", 0 },
        { "(replace 'banana' 'na' '')", "ba", 0 }, { "(replace 'a' '' 'x')", "a", 0 },
        { "(replace 'aa' 'a' 'bb')", "bbbb", 0 },
        { "(split_part 'a,b,c' ',' 2)", "b", 0 },
        { "(split_part 'a,b,c' ',' -1)", "c", 0 }, { "(split_part 'a,b' ',' 3)", "", 0 },
        { "(split_part 'a,b' ',' 0)", "", 0 }, { "(split_part 'a,' ',' 2)", "", 0 },
        { "(split_part 'ab' '' 1)", "ab", 0 }, { "(split_part 'a::b' '::' 2)", "b", 0 },
        { "(concat 'a' 1 true 2.5)", "a1true2.5", 0 },
        { "(concat 'a' null:int)", "null", 0 }, { "(pad_left '7' 3 '0')", "007", 0 },
        { "(pad_left 'abcd' 3 '0')", "abcd", 0 }, { "(pad_left 'x' 5 'ab')", "ababx", 0 },
        { "(pad_left 'é' 3 '€')", "€€é", 0 }, { "(pad_left 'x' 5 '')", "x", 0 },
        { "(pad_left 'x' 5000000 'y')", "null", 1 });
}

static void
conversions(void **state)
{
    (void)state;
    CHECK({ "(text 12)", "12", 0 }, { "(text 2.5)", "2.5", 0 },
        { "(text true)", "true", 0 }, { "(text 'a')", "a", 0 },
        { "(text 90s)", "1m30s", 0 }, { "(text @2024-01-01)", "2024-01-01T00:00:00Z", 0 },
        { "(int 2.9)", "2", 0 }, { "(int -2.9)", "-2", 0 }, { "(int 1e19)", "null", 1 },
        { "(int -9223372036854775808.0)", MIN, 0 }, { "(int '42')", "42", 0 },
        { "(int 'x')", "null", 0 }, { "(int true)", "1", 0 }, { "(int 5)", "5", 0 },
        { "(float 3)", "3.0", 0 }, { "(float '2.5')", "2.5", 0 },
        { "(float 'x')", "null", 0 }, { "(float 1.5)", "1.5", 0 },
        { "(bool 'true')", "true", 0 }, { "(bool 'false')", "false", 0 },
        { "(bool 'yes')", "null", 0 }, { "(bool 2)", "true", 0 },
        { "(bool 0)", "false", 0 }, { "(bool true)", "true", 0 });
}

static void
time_functions(void **state)
{
    (void)state;
    CHECK({ "(year @2024-02-29T13:14:15)", "2024", 0 },
        { "(month @2024-02-29T13:14:15)", "2", 0 },
        { "(day @2024-02-29T13:14:15)", "29", 0 },
        { "(hour @2024-02-29T13:14:15)", "13", 0 },
        { "(minute @2024-02-29T13:14:15)", "14", 0 },
        { "(second @2024-02-29T13:14:15)", "15", 0 },
        { "(weekday @2024-02-29T13:14:15)", "4", 0 },
        { "(date @2024-02-29T13:14:15)", "2024-02-29T00:00:00Z", 0 },
        { "(date @1969-12-31T13:14:15)", "1969-12-31T00:00:00Z", 0 },
        { "(truncate @2024-02-29T13:14:15 1h)", "2024-02-29T13:00:00Z", 0 },
        { "(truncate @2024-02-29T13:14:15 0s)", "null", 1 },
        { "(format_time @2024-02-29T13:04:05 '%Y-%m-%d %H:%M:%S %j %a %b %I%p %%')",
            "2024-02-29 13:04:05 060 Thu Feb 01PM %", 0 },
        { "(format_time @1970-01-02 '%s.%f%')", "86400.000000000%", 0 },
        { "(time '2024-02-29')", "2024-02-29T00:00:00Z", 0 },
        { "(time 'noon')", "null", 0 },
        { "(time 1500 'ms')", "1970-01-01T00:00:01.5Z", 0 },
        { "(time 1.5 's')", "1970-01-01T00:00:01.5Z", 0 },
        { "(time 1 'year')", "null", 0 }, { "(time " MAX " 's')", "null", 1 },
        { "(duration '1m30s')", "1m30s", 0 }, { "(duration 'x')", "null", 0 },
        { "(duration 90 's')", "1m30s", 0 }, { "(duration 1.5 'h')", "1h30m", 0 },
        { "(duration 5s)", "5s", 0 }, { "(duration 1e300 'd')", "null", 1 },
        { "(seconds 1500ms)", "1.5", 0 }, { "(seconds @1970-01-01T00:01:00)", "60.0", 0 },
        { "(millis 1500ms)", "1500", 0 }, { "(millis (- 1us))", "-1", 0 },
        { "(nanos 1us)", "1000", 0 },
        { "(time @2024-01-01)", "2024-01-01T00:00:00Z", 0 });
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(int_arithmetic_is_exact_or_null),
        cmocka_unit_test(float_arithmetic_stays_finite),
        cmocka_unit_test(time_and_duration_arithmetic),
        cmocka_unit_test(comparisons_are_by_value),
        cmocka_unit_test(null_is_unknown),
        cmocka_unit_test(what_is_not_needed_does_not_count),
        cmocka_unit_test(choices),
        cmocka_unit_test(in_and_between),
        cmocka_unit_test(like_matches_as_in_sql),
        cmocka_unit_test(mathematics),
        cmocka_unit_test(distance_is_in_kilometres),
        cmocka_unit_test(hash_is_stable),
        cmocka_unit_test(sample_takes_a_part_that_a_larger_part_contains),
        cmocka_unit_test(samples_are_the_same_everywhere),
        cmocka_unit_test(bins_count_the_edges_below),
        cmocka_unit_test(lists_are_written_and_multiplied),
        cmocka_unit_test(one_hot_says_which),
        cmocka_unit_test(string_functions),
        cmocka_unit_test(conversions),
        cmocka_unit_test(time_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
