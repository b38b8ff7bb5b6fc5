/* How fast conditions are: filters over chunks, beside the same loop written by hand for
 * the very fields, and conditions between events, one at a time.
 */
#include <string.h>

#include "bench.h"
#include "weiri/expr.h"

enum { CHUNKS = 256, ROWS = 1024, EVENTS = CHUNKS * ROWS, LAPS = 8 };

enum { X, Y, N, M, KIND, ID, N_FIELDS };
static const weir_field FIELDS[N_FIELDS] = {
    [X]    = { .name = "x", .type = WEIR_FLOAT },
    [Y]    = { .name = "y", .type = WEIR_FLOAT },
    [N]    = { .name = "n", .type = WEIR_INT },
    [M]    = { .name = "m", .type = WEIR_INT },
    [KIND] = { .name = "kind", .type = WEIR_STRING },
    [ID]   = { .name = "id", .type = WEIR_STRING, .is_nullable = true },
};
static const weir_schema SCHEMA = {
    .name = "events", .fields = FIELDS, .n_fields = N_FIELDS, .time_field = -1
};

/* ---- input ---- */

static void
must(weir_status status)
{
    if (status != WEIR_OK) {
        fprintf(stderr, "bench_expr: %s\n", weir_status_text(status));
        abort();
    }
}

static weir_value
text(const char *s)
{
    return (weir_value){ .type = WEIR_STRING, .as.s = s, .size = (uint32_t)strlen(s) };
}

static void
fill_row(weir_chunk *chunk, uint32_t row, uint64_t *seed)
{
    static const char *const KINDS[] = { "a", "buy", "sell", "withdrawal" };
    char                     id[16];
    uint64_t                 r  = bench_random(seed);
    chunk->columns[X].as.f[row] = (double)(r & 1023) / 100;
    chunk->columns[Y].as.f[row] = (double)(r >> 10 & 1023) / 100;
    chunk->columns[N].as.i[row] = (int64_t)(r >> 20 & 1023);
    chunk->columns[M].as.i[row] = (int64_t)(r >> 30 & 1023);
    weir_value kind             = text(KINDS[r >> 40 & 3]);
    must(weir_chunk_set(chunk, row, KIND, &kind));
    snprintf(id, sizeof id, "acct-%05u", (unsigned)(r >> 42 & 0x7FFF));
    weir_value value = text(id);
    value.is_null    = (r >> 57 & 15) == 0;
    must(weir_chunk_set(chunk, row, ID, &value));
}

static void
fill(weir_chunk *chunks[CHUNKS])
{
    uint64_t seed = 42;
    for (int i = 0; i < CHUNKS; i++) {
        must(weir_chunk_new(&SCHEMA, NULL, &chunks[i]));
        for (uint32_t row = 0; row < ROWS; row++) {
            fill_row(chunks[i], row, &seed);
        }
        chunks[i]->n_rows = ROWS;
    }
}

/* ---- expressions ---- */

typedef struct bench_filter {
    weir_chunk   **chunks;
    weiri_program *program;
    void (*by_hand)(const weir_chunk *chunk, uint8_t *out);
    uint64_t n_true;
} bench_filter;

static weiri_expr *
call(weiri_arena *arena, const char *name, weiri_expr *a, weiri_expr *b)
{
    weiri_expr *args[] = { a, b };
    weiri_expr *out    = NULL;
    weir_error  err    = { 0 };
    must(weiri_expr_call(arena, name, args, 2, &out, &err));
    return out;
}

static weiri_expr *
against(weiri_arena *arena, uint32_t field, const char *name, weir_value value)
{
    return call(arena, name, weiri_expr_field(arena, &SCHEMA, field),
        weiri_expr_constant(arena, &value));
}

static weir_value
number(double value)
{
    return (weir_value){ .type = WEIR_FLOAT, .as.f = value };
}

static weir_value
whole(int64_t value)
{
    return (weir_value){ .type = WEIR_INT, .as.i = value };
}

static weiri_program *
program_of(const weiri_expr *root)
{
    weiri_program *program = NULL;
    must(weiri_program_new(&root, 1, &program));
    return program;
}

/* x > 3 and y < 5.5 and kind == "a" */
static weiri_program *
mixed_filter(weiri_arena *arena)
{
    weiri_expr *x    = against(arena, X, ">", whole(3));
    weiri_expr *y    = against(arena, Y, "<", number(5.5));
    weiri_expr *kind = against(arena, KIND, "==", text("a"));
    return program_of(call(arena, "and", call(arena, "and", x, y), kind));
}

static void
mixed_by_hand(const weir_chunk *chunk, uint8_t *out)
{
    const double    *x    = chunk->columns[X].as.f;
    const double    *y    = chunk->columns[Y].as.f;
    const weir_text *kind = chunk->columns[KIND].as.s;
    for (uint32_t i = 0; i < chunk->n_rows; i++) {
        out[i] = x[i] > 3 && y[i] < 5.5 && kind[i].size == 1
                 && chunk->heap[kind[i].offset] == 'a';
    }
}

/* x > 3 and y < 5.5 and n >= 100 and m != 7 */
static weiri_program *
numeric_filter(weiri_arena *arena)
{
    weiri_expr *x = against(arena, X, ">", whole(3));
    weiri_expr *y = against(arena, Y, "<", number(5.5));
    weiri_expr *n = against(arena, N, ">=", whole(100));
    weiri_expr *m = against(arena, M, "!=", whole(7));
    return program_of(
        call(arena, "and", call(arena, "and", call(arena, "and", x, y), n), m));
}

static void
numeric_by_hand(const weir_chunk *chunk, uint8_t *out)
{
    const double  *x = chunk->columns[X].as.f;
    const double  *y = chunk->columns[Y].as.f;
    const int64_t *n = chunk->columns[N].as.i;
    const int64_t *m = chunk->columns[M].as.i;
    for (uint32_t i = 0; i < chunk->n_rows; i++) {
        out[i] = (x[i] > 3) & (y[i] < 5.5) & (n[i] >= 100) & (m[i] != 7);
    }
}

/* (x + y) * 0.5 > 2.5 and n % 3 == 0 and id != "acct-00001"; id has nulls */
static weiri_program *
arithmetic_filter(weiri_arena *arena)
{
    weir_value  half = number(0.5);
    weir_value  low  = number(2.5);
    weir_value  zero = whole(0);
    weiri_expr *sum  = call(arena, "+", weiri_expr_field(arena, &SCHEMA, X),
         weiri_expr_field(arena, &SCHEMA, Y));
    weiri_expr *mean = call(arena, "*", sum, weiri_expr_constant(arena, &half));
    weiri_expr *a    = call(arena, ">", mean, weiri_expr_constant(arena, &low));
    weiri_expr *rest = against(arena, N, "%", whole(3));
    weiri_expr *b    = call(arena, "==", rest, weiri_expr_constant(arena, &zero));
    weiri_expr *c    = against(arena, ID, "!=", text("acct-00001"));
    return program_of(call(arena, "and", call(arena, "and", a, b), c));
}

static void
arithmetic_by_hand(const weir_chunk *chunk, uint8_t *out)
{
    const double    *x     = chunk->columns[X].as.f;
    const double    *y     = chunk->columns[Y].as.f;
    const int64_t   *n     = chunk->columns[N].as.i;
    const weir_text *id    = chunk->columns[ID].as.s;
    const uint8_t   *nulls = chunk->columns[ID].nulls;
    for (uint32_t i = 0; i < chunk->n_rows; i++) {
        out[i] = (x[i] + y[i]) * 0.5 > 2.5 && n[i] % 3 == 0 && !nulls[i]
                 && !(id[i].size == 10
                      && memcmp(chunk->heap + id[i].offset, "acct-00001", 10) == 0);
    }
}

/* ---- measuring ---- */

static void
count_true(bench_filter *self, const uint8_t *out)
{
    for (uint32_t i = 0; i < ROWS; i += 64) {
        self->n_true += out[i];
    }
}

static void
run_program(void *context)
{
    bench_filter *self = context;
    uint8_t       out[ROWS];
    self->n_true = 0;
    for (int i = 0; i < LAPS * CHUNKS; i++) {
        weiri_program_filter(
            self->program, (weir_rows){ self->chunks[i % CHUNKS], 0, ROWS }, out);
        count_true(self, out);
    }
}

static void
run_by_hand(void *context)
{
    bench_filter *self = context;
    uint8_t       out[ROWS];
    self->n_true = 0;
    for (int i = 0; i < LAPS * CHUNKS; i++) {
        self->by_hand(self->chunks[i % CHUNKS], out);
        count_true(self, out);
    }
}

static void
measure(
    bench_json *json, const char *name, bench_filter filter, uint64_t row_bytes, int runs)
{
    double   seconds  = bench_best(runs, run_program, &filter);
    uint64_t expected = filter.n_true;
    double   by_hand  = bench_best(runs, run_by_hand, &filter);
    if (filter.n_true != expected) {
        fprintf(stderr, "bench_expr: %s: results differ\n", name);
        abort();
    }
    bench_json_speed(json, name, seconds, (uint64_t)LAPS * EVENTS,
        (uint64_t)LAPS * EVENTS * row_bytes, by_hand);
    weiri_program_destroy(&filter.program);
}

/* b.amount > a.amount * 2 and b.id == a.id, a's in registers 0 and 1 */
static weiri_program *
between_events(weiri_arena *arena)
{
    weir_value  two    = whole(2);
    weiri_expr *amount = weiri_expr_register(arena, 0, WEIR_FLOAT, WEIR_NULL, true);
    weiri_expr *id     = weiri_expr_register(arena, 1, WEIR_STRING, WEIR_NULL, true);
    weiri_expr *twice  = call(arena, "*", amount, weiri_expr_constant(arena, &two));
    weiri_expr *more   = call(arena, ">", weiri_expr_field(arena, &SCHEMA, X), twice);
    weiri_expr *same   = call(arena, "==", weiri_expr_field(arena, &SCHEMA, ID), id);
    return program_of(call(arena, "and", more, same));
}

static void
run_between(void *context)
{
    bench_filter *self        = context;
    weir_value    registers[] = { number(2.0), text("acct-00001") };
    self->n_true              = 0;
    for (int i = 0; i < CHUNKS; i++) {
        for (uint32_t row = 0; row < ROWS; row++) {
            weir_value value =
                weiri_program_eval(self->program, 0, self->chunks[i], row, registers);
            self->n_true += !value.is_null && value.as.b;
        }
    }
}

int
main(int argc, char **argv)
{
    static weir_chunk *chunks[CHUNKS];
    int                runs  = bench_runs(argc, argv);
    weiri_arena       *arena = weiri_arena_new();
    bench_json         json  = { 0 };
    if (arena == NULL) {
        return 1;
    }
    fill(chunks);
    bench_json_open(&json, NULL);
    measure(&json, "filter_numbers_and_text",
        (bench_filter){ chunks, mixed_filter(arena), mixed_by_hand, 0 }, 24, runs);
    measure(&json, "filter_four_numbers",
        (bench_filter){ chunks, numeric_filter(arena), numeric_by_hand, 0 }, 32, runs);
    measure(&json, "filter_arithmetic_and_nulls",
        (bench_filter){ chunks, arithmetic_filter(arena), arithmetic_by_hand, 0 }, 33,
        runs);

    bench_filter between = { chunks, between_events(arena), NULL, 0 };
    double       seconds = bench_best(runs, run_between, &between);
    bench_json_open(&json, "condition_between_events");
    bench_json_number(&json, "ns_per_evaluation", seconds * 1e9 / EVENTS);
    bench_json_close(&json);
    bench_json_close(&json);

    weiri_program_destroy(&between.program);
    for (int i = 0; i < CHUNKS; i++) {
        const weir_chunk *mine = chunks[i];
        weir_chunk_unref(&mine);
    }
    weiri_arena_destroy(&arena);
    return 0;
}
