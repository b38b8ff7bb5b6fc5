/* Random typed expressions over random chunks: a column at a time, row by row and a plain
 * walk of the tree must give the same values, the same nulls and the same faults.
 *
 * The seed of a case is printed when it fails; WEIR_SEED and WEIR_CASES in the
 * environment choose others.
 */
#include "weir_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/random.h"
#include "expr/scalar/kernels.h"
#include "weiri/limits.h"

enum { CASES = 3000, DEPTH = 4, ROOTS = 3, ARGS = 8, MADE = 64 };

static uint32_t
below(uint64_t *state, uint32_t n)
{
    return (uint32_t)(next_random(state) % n);
}

/* ---- the stream ---- */

#define NAME(kind, i)                                                                    \
    {                                                                                    \
        .name = #kind #i, .type = WEIR_##kind, .is_nullable = (i) > 0                    \
    }
static const weir_field FIELDS[] = {
    NAME(BOOL, 0),
    NAME(BOOL, 1),
    NAME(INT, 0),
    NAME(INT, 1),
    NAME(FLOAT, 0),
    NAME(FLOAT, 1),
    NAME(STRING, 0),
    NAME(STRING, 1),
    NAME(TIME, 0),
    NAME(TIME, 1),
    NAME(DURATION, 0),
    NAME(DURATION, 1),
    { .name = "ints", .type = WEIR_LIST, .element = WEIR_INT, .is_nullable = true },
    { .name = "texts", .type = WEIR_LIST, .element = WEIR_STRING, .is_nullable = true },
};
enum { N_FIELDS = sizeof FIELDS / sizeof *FIELDS };
static const weir_schema SCHEMA = {
    .name = "all", .fields = FIELDS, .n_fields = N_FIELDS, .time_field = 8
};

/* ---- random values: edges more often than not ---- */

static int64_t
random_int(uint64_t *rng)
{
    static const int64_t EDGES[] = { 0, 1, -1, 2, 3, 7, 10, -5, INT64_MAX, INT64_MIN,
        INT64_MAX - 1, (INT64_C(1) << 53) + 1, 1000000000, 86400000000000 };
    uint32_t             i       = below(rng, 2 * sizeof EDGES / sizeof *EDGES);
    if (i < sizeof EDGES / sizeof *EDGES) {
        return EDGES[i];
    }
    return (int64_t)(next_random(rng) >> below(rng, 64)) - (i % 2);
}

static double
random_float(uint64_t *rng)
{
    static const double EDGES[] = { 0.0, -0.0, 0.5, 1.0, -1.5, 3.0, 1e308, -1e308, 1e-308,
        0x1p53, 0x1p63, -0x1p63, 0.1, 90.0 };
    uint32_t            i       = below(rng, 2 * sizeof EDGES / sizeof *EDGES);
    if (i < sizeof EDGES / sizeof *EDGES) {
        return EDGES[i];
    }
    return (double)random_int(rng) / (double)(1 + below(rng, 1000));
}

static const char *
random_text(uint64_t *rng)
{
    static const char *const TEXTS[] = { "", "a", "abc", "ab%", "_b%", "%b%", "a%c",
        "Ünïcödé", "true", "12", "1.5", "2024-02-29", "10s", "longer than eight",
        "longer than nine", "ms", "s", ",", "a,b,,c", "  x ", "€", "12345678",
        "%d.%m.%Y" };
    return TEXTS[below(rng, sizeof TEXTS / sizeof *TEXTS)];
}

static weir_value
random_list(uint64_t *rng, weiri_arena *arena, weir_type element)
{
    char  *bytes  = weiri_arena_alloc(arena, 512);
    size_t size   = 0;
    bytes[size++] = (char)element;
    for (uint32_t n = below(rng, 5); n > 0; n--) {
        bytes[size++] = below(rng, 5) == 0 ? '\1' : '\0';
        if (bytes[size - 1]) {
            continue;
        }
        int64_t     i      = random_int(rng);
        const char *text   = random_text(rng);
        uint32_t    n_text = (uint32_t)strlen(text);
        if (element == WEIR_INT) {
            memcpy(bytes + size, &i, sizeof i);
            size += sizeof i;
        } else {
            memcpy(bytes + size, &n_text, sizeof n_text);
            /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): sized */
            memcpy(bytes + size + sizeof n_text, text, n_text);
            size += sizeof n_text + n_text;
        }
    }
    return (weir_value){ .type = WEIR_LIST, .as.s = bytes, .size = (uint32_t)size };
}

static weir_value
random_value(uint64_t *rng, weiri_arena *arena, weir_type type, weir_type element)
{
    weir_value value = { .type = (uint8_t)type };
    switch (type) {
    case WEIR_BOOL: value.as.b = below(rng, 2) == 1; break;
    case WEIR_FLOAT: value.as.f = random_float(rng); break;
    case WEIR_STRING:
        value.as.s = random_text(rng);
        value.size = (uint32_t)strlen(value.as.s);
        break;
    case WEIR_LIST: return random_list(rng, arena, element);
    default: value.as.i = random_int(rng); break;
    }
    return value;
}

static weir_chunk *
random_chunk(uint64_t *rng, weiri_arena *arena)
{
    bool used[N_FIELDS];
    for (uint32_t i = 0; i < N_FIELDS; i++) {
        used[i] = below(rng, 12) > 0;
    }
    weir_chunk *chunk = NULL;
    assert_ok(weir_chunk_new(&SCHEMA, used, &chunk));
    uint32_t n = below(rng, 8) == 0 ? WEIRI_CHUNK_ROWS : below(rng, 40);
    for (uint32_t i = 0; i < N_FIELDS; i++) {
        uint32_t nulls = FIELDS[i].is_nullable ? below(rng, 3) : 0; /* of four */
        for (uint32_t row = 0; row < n; row++) {
            weir_value value =
                random_value(rng, arena, FIELDS[i].type, FIELDS[i].element);
            value.is_null = below(rng, 4) < nulls;
            assert_ok(weir_chunk_set(chunk, row, i, &value));
        }
    }
    for (uint32_t row = 0; row < n; row++) {
        chunk->time[row] = random_int(rng);
    }
    chunk->n_rows = n;
    return chunk;
}

/* ---- random expressions: every operation of the table can come up ---- */

struct maker {
    uint64_t     rng;
    weiri_arena *arena;
    weiri_expr  *made[MADE]; /* what was made before, to be used again now and then */
    uint32_t     n_made;
};

static weiri_expr *
make(struct maker *maker, weir_type type, weir_type element, uint32_t depth);

static weiri_expr *
make_leaf(struct maker *maker, weir_type type, weir_type element)
{
    uint32_t choice = below(&maker->rng, 10);
    if (type == WEIR_TIME && choice == 0) {
        return weiri_expr_time(maker->arena);
    }
    if (choice < 3 || (choice < 4 && type == WEIR_LIST)) {
        weir_value value = random_value(&maker->rng, maker->arena, type, element);
        value.is_null    = below(&maker->rng, 8) == 0 && type != WEIR_LIST;
        return weiri_expr_constant(maker->arena, &value);
    }
    uint32_t field = below(&maker->rng, N_FIELDS);
    while (FIELDS[field].type != type || FIELDS[field].element != element) {
        field = (field + 1) % N_FIELDS;
    }
    return weiri_expr_field(maker->arena, &SCHEMA, field);
}

static weir_type
random_scalar(struct maker *maker)
{
    static const weir_type TYPES[] = { WEIR_BOOL, WEIR_INT, WEIR_FLOAT, WEIR_STRING,
        WEIR_TIME, WEIR_DURATION };
    return TYPES[below(&maker->rng, sizeof TYPES / sizeof *TYPES)];
}

/* A list that is written out. */
static weiri_expr *
make_numbers(struct maker *maker, uint32_t depth)
{
    weiri_expr *items[3];
    weiri_expr *out = NULL;
    weir_error  err = { 0 };
    uint32_t    n   = 1 + below(&maker->rng, 3);
    for (uint32_t i = 0; i < n; i++) {
        weir_type type = below(&maker->rng, 2) == 0 ? WEIR_INT : WEIR_FLOAT;
        items[i]       = make(maker, type, WEIR_NULL, depth);
    }
    assert_ok(weiri_expr_call(maker->arena, "[]", items, n, &out, &err));
    return out;
}

/* The argument for a parameter; for T now and then an int where a float is fine. */
static weiri_expr *
make_arg(
    struct maker *maker, uint8_t param, weir_type same, weir_type element, uint32_t depth)
{
    switch (param) {
    case WEIRI_PARAM_ANY: return make(maker, random_scalar(maker), WEIR_NULL, depth);
    case WEIRI_PARAM_SAME:
        if (same == WEIR_FLOAT && below(&maker->rng, 3) == 0) {
            return make(maker, WEIR_INT, WEIR_NULL, depth);
        }
        return make(maker, same, WEIR_NULL, depth);
    case WEIRI_PARAM_ELEMENT: return make(maker, element, WEIR_NULL, depth);
    case WEIR_LIST: return make_leaf(maker, WEIR_LIST, element);
    case WEIRI_PARAM_NUMBERS:
        return below(&maker->rng, 2) == 0 ? make_leaf(maker, WEIR_LIST, WEIR_INT)
                                          : make_numbers(maker, depth);
    default: return make(maker, (weir_type)param, WEIR_NULL, depth);
    }
}

/* A call of `operation` that gives `type`, or NULL. */
static weiri_expr *
make_call(
    struct maker *maker, const weiri_operation *operation, weir_type type, uint32_t depth)
{
    weiri_signature signature = weiri_signature_of(operation);
    bool            gives_any =
        signature.result == WEIRI_PARAM_SAME || signature.result == WEIRI_PARAM_ELEMENT;
    if (!gives_any && signature.result != type) {
        return NULL;
    }
    if (signature.result == WEIRI_PARAM_ELEMENT && type != WEIR_INT
        && type != WEIR_STRING) {
        return NULL;
    }
    weir_type   same    = gives_any ? type : random_scalar(maker);
    weir_type   element = signature.result == WEIRI_PARAM_ELEMENT ? type
                          : below(&maker->rng, 2) == 0            ? WEIR_INT
                                                                  : WEIR_STRING;
    uint32_t    n = signature.n_params + (signature.repeats ? below(&maker->rng, 4) : 0);
    weiri_expr *args[ARGS];
    for (uint32_t i = 0; i < n; i++) {
        uint32_t last  = signature.n_params - 1;
        uint8_t  param = signature.params[i < last ? i : last];
        args[i] = i > 0 && operation->id == WEIRI_OP_IN && below(&maker->rng, 3) > 0
                      ? make_arg(maker, param, same, element, 0)
                      : make_arg(maker, param, same, element, depth);
    }
    weiri_expr *out = NULL;
    weir_error  err = { 0 };
    if (weiri_expr_call(maker->arena, operation->name, args, n, &out, &err) != WEIR_OK) {
        /* A constant text for a T that another argument made a time. */
        assert_non_null(strstr(err.text, "is not a time"));
        return NULL;
    }
    return out->type == type ? out : NULL; /* all ints where T was a float */
}

static weiri_expr *
make(struct maker *maker, weir_type type, weir_type element, uint32_t depth)
{
    if (depth == 0 || type == WEIR_LIST) {
        return make_leaf(maker, type, element);
    }
    if (maker->n_made > 0 && below(&maker->rng, 5) == 0) {
        weiri_expr *again = maker->made[below(&maker->rng, maker->n_made)];
        if (again->type == type) {
            return again;
        }
    }
    weiri_expr *call = NULL;
    while (call == NULL) {
        const weiri_operation *operation =
            weiri_operation_at(below(&maker->rng, WEIRI_N_OPERATIONS));
        call = make_call(maker, operation, type, depth - 1);
    }
    if (maker->n_made < MADE) {
        maker->made[maker->n_made++] = call;
    }
    return call;
}

/* ---- the plain walk ---- */

static weir_value
walk(const weiri_expr *expr, const weir_chunk *chunk, uint32_t row, weiri_call *call);

/* Which argument decides; n_args if the kernel has to see them all. */
static uint32_t
walk_lazily(const weiri_expr *expr, const weir_chunk *chunk, uint32_t row,
    weiri_call *call, weir_value *args)
{
    weiri_expr *const *of = expr->as.call.args;
    uint32_t           n  = expr->as.call.n_args;
    switch (expr->as.call.operation->id) {
    case WEIRI_OP_AND:
    case WEIRI_OP_OR: {
        args[0]      = walk(of[0], chunk, row, call);
        bool decides = expr->as.call.operation->id == WEIRI_OP_OR;
        if (!args[0].is_null && args[0].as.b == decides) {
            return 0;
        }
        args[1] = walk(of[1], chunk, row, call);
        return n;
    }
    case WEIRI_OP_IF: {
        args[0]        = walk(of[0], chunk, row, call);
        uint32_t taken = !args[0].is_null && args[0].as.b ? 1 : 2;
        args[taken]    = walk(of[taken], chunk, row, call);
        return taken;
    }
    default:
        for (uint32_t i = 0; i < n; i++) {
            args[i] = walk(of[i], chunk, row, call);
            if (!args[i].is_null) {
                return i;
            }
        }
        return n - 1;
    }
}

static weir_value
walk_call(const weiri_expr *expr, const weir_chunk *chunk, uint32_t row, weiri_call *call)
{
    const weiri_operation *operation  = expr->as.call.operation;
    uint32_t               n          = expr->as.call.n_args;
    weir_value             args[ARGS] = { 0 };
    bool                   has_null   = false;
    weir_value             null       = { .type = (uint8_t)expr->type, .is_null = true };
    if (operation->kind == WEIRI_LAZY) {
        uint32_t decided = walk_lazily(expr, chunk, row, call, args);
        if (decided < n) {
            return args[decided];
        }
    } else {
        for (uint32_t i = 0; i < n; i++) {
            args[i] = walk(expr->as.call.args[i], chunk, row, call);
            has_null |= args[i].is_null;
        }
    }
    bool sees_null = operation->kind == WEIRI_LAZY || operation->kind == WEIRI_COMPARES
                     || operation->kind == WEIRI_SEES_NULL;
    if (has_null && !sees_null) {
        return null;
    }
    weir_value result = operation->scalar(call, args, n);
    result.type       = (uint8_t)expr->type;
    return result;
}

static weir_value
walk(const weiri_expr *expr, const weir_chunk *chunk, uint32_t row, weiri_call *call)
{
    switch (expr->kind) {
    case WEIRI_EXPR_CONSTANT: return expr->as.constant;
    case WEIRI_EXPR_FIELD: return weir_chunk_get(chunk, row, expr->as.field);
    case WEIRI_EXPR_TIME:
        return (weir_value){ .type = WEIR_TIME, .as.i = chunk->time[row] };
    case WEIRI_EXPR_CALL: return walk_call(expr, chunk, row, call);
    case WEIRI_EXPR_REGISTER: break;
    }
    fail_msg("an expression over a chunk reads no register");
    return (weir_value){ 0 };
}

/* ---- agreement ---- */

static weir_value
value_of(const weiri_vector *vector, uint32_t i)
{
    weir_value value = { .type = (uint8_t)vector->type };
    if (vector->has_nulls && vector->nulls[i]) {
        value.is_null = true;
        return value;
    }
    switch (vector->type) {
    case WEIR_BOOL:
        assert_true(vector->as.b[i] <= 1);
        value.as.b = vector->as.b[i] != 0;
        break;
    case WEIR_FLOAT: value.as.f = vector->as.f[i]; break;
    case WEIR_STRING:
    case WEIR_LIST: return vector->as.v[i];
    default: value.as.i = vector->as.i[i]; break;
    }
    return value;
}

static bool
is_same(const weir_value *a, const weir_value *b)
{
    if (a->type != b->type || a->is_null != b->is_null) {
        return false;
    }
    if (a->is_null) {
        return true;
    }
    switch ((weir_type)a->type) {
    case WEIR_BOOL: return a->as.b == b->as.b;
    case WEIR_STRING:
    case WEIR_LIST:
        return a->size == b->size
               && (a->size == 0 || memcmp(a->as.s, b->as.s, a->size) == 0);
    default: return a->as.i == b->as.i; /* of a float the bits */
    }
}

static void
print(const weiri_expr *expr)
{
    if (expr->kind != WEIRI_EXPR_CALL) {
        const char *kinds[] = { "constant", "field", "time", "register" };
        print_error("%s:%s", kinds[expr->kind], weir_type_text(expr->type));
        return;
    }
    print_error("(%s", expr->as.call.operation->name);
    for (uint32_t i = 0; i < expr->as.call.n_args; i++) {
        print_error(" ");
        print(expr->as.call.args[i]);
    }
    print_error(")");
}

static void
disagree(uint64_t seed, const weiri_expr *expr, const char *what)
{
    print_error("seed %llu: ", (unsigned long long)seed);
    print(expr);
    print_error("\n");
    fail_msg("%s", what);
}

static bool
all_are_present(const weir_chunk *chunk)
{
    for (uint32_t i = 0; i < N_FIELDS; i++) {
        if (!chunk->columns[i].is_present) {
            return false; /* an absent column reads as null, whatever the schema says */
        }
    }
    return true;
}

static void
check_filter(uint64_t seed, const weiri_expr *root, weir_rows rows)
{
    static const uint8_t UNTOUCHED = 7;
    uint8_t              out[WEIRI_CHUNK_ROWS + 1];
    weiri_program       *program = NULL;
    assert_ok(weiri_program_new(&root, 1, &program));
    memset(out, UNTOUCHED, sizeof out);
    weiri_program_filter(program, rows, out);
    for (uint32_t i = 0; i < rows.n; i++) {
        weir_value value =
            weiri_program_eval(program, 0, rows.chunk, rows.first + i, NULL);
        if (out[i] != (!value.is_null && value.as.b)) {
            disagree(seed, root, "filter and row differ");
        }
    }
    assert_int_equal(out[rows.n], UNTOUCHED);
    weiri_program_destroy(&program);
}

static void
check_rows(
    uint64_t seed, const weiri_expr *const *roots, uint32_t n_roots, weir_rows rows)
{
    weiri_program  *program        = NULL;
    weiri_vector    vectors[ROOTS] = { 0 };
    weiri_text_pool texts          = { 0 };
    weiri_call      call           = { .texts = &texts };
    uint64_t        row_faults     = 0;
    assert_ok(weiri_program_new(roots, n_roots, &program));
    weiri_program_run(program, rows, vectors);
    uint64_t range_faults = weiri_program_faults(program);
    for (uint32_t root = 0; root < n_roots; root++) {
        for (uint32_t i = 0; i < rows.n; i++) {
            uint32_t   row    = rows.first + i;
            weir_value ranged = value_of(&vectors[root], i);
            weir_value single = weiri_program_eval(program, root, rows.chunk, row, NULL);
            weir_value walked = walk(roots[root], rows.chunk, row, &call);
            if (!is_same(&single, &walked)) {
                disagree(seed, roots[root], "row and walk differ");
            }
            if (!is_same(&ranged, &single)) {
                disagree(seed, roots[root], "column and row differ");
            }
            if (single.is_null && !roots[root]->is_nullable
                && all_are_present(rows.chunk)) {
                disagree(seed, roots[root], "null though it cannot be");
            }
        }
        weiri_program_forget(program);
        weiri_text_pool_clear(&texts);
    }
    row_faults = weiri_program_faults(program) - range_faults;
    if (row_faults != call.faults || range_faults != call.faults) {
        disagree(seed, roots[0], "faults differ");
    }
    weiri_program_destroy(&program);
    weiri_text_pool_fini(&texts);
}

static void
check_case(uint64_t seed)
{
    struct maker maker = { .rng = seed };
    maker.arena        = weiri_arena_new();
    assert_non_null(maker.arena);
    const weiri_expr *roots[ROOTS];
    uint32_t          n_roots = 1 + below(&maker.rng, ROOTS);
    for (uint32_t i = 0; i < n_roots; i++) {
        uint32_t depth = below(&maker.rng, DEPTH + 1);
        roots[i] =
            make(&maker, i == 0 ? WEIR_BOOL : random_scalar(&maker), WEIR_NULL, depth);
    }
    weir_chunk *chunk = random_chunk(&maker.rng, maker.arena);
    uint32_t    first = chunk->n_rows == 0 ? 0 : below(&maker.rng, chunk->n_rows);
    uint32_t    n     = below(&maker.rng, 2) == 0 ? chunk->n_rows - first
                                                  : below(&maker.rng, chunk->n_rows - first + 1);
    check_rows(seed, roots, n_roots, (weir_rows){ chunk, first, n });
    check_filter(seed, roots[0], (weir_rows){ chunk, first, n });
    const weir_chunk *mine = chunk;
    weir_chunk_unref(&mine);
    weiri_arena_destroy(&maker.arena);
}

static uint64_t
setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name); /* NOLINT(concurrency-mt-unsafe): one thread */
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void
column_row_and_walk_agree(void **state)
{
    (void)state;
    uint64_t seed = setting("WEIR_SEED", 1);
    uint64_t n    = setting("WEIR_CASES", CASES);
    for (uint64_t i = 0; i < n; i++) {
        check_case(seed + i);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(column_row_and_walk_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
