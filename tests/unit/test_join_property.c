/* Random streams and joins, cut at random, saved and loaded in between, against every
 * pair looked at. */
#include "weir_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/random.h"
#include "join_naive.h"
#include "keyed_bytes.h"
#include "weiri/limits.h"
#include "weiri/plan.h"

enum { N_CASES = 3000, MOST_ROWS = 120, N_TEXTS = 6, N_NUMBERS = 8 };

/* Both sides: the same fields but for the type of `number`. */
enum { AT_TEXT, AT_NUMBER, AT_FLAG, AT_X, AT_INDEX, AT_NOTE, AT_CHANGE, N_FIELDS };

static const weir_field LEFT_FIELDS[N_FIELDS] = {
    { .name = "text", .type = WEIR_STRING, .is_nullable = true },
    { .name = "number", .type = WEIR_INT, .is_nullable = true },
    { .name = "flag", .type = WEIR_BOOL, .is_nullable = true },
    { .name = "x", .type = WEIR_INT },
    { .name = "index", .type = WEIR_INT },
    { .name = "note", .type = WEIR_STRING, .is_nullable = true },
    { .name = "change", .type = WEIR_INT },
};
static const weir_field RIGHT_FIELDS[N_FIELDS] = {
    { .name = "text", .type = WEIR_STRING, .is_nullable = true },
    { .name = "number", .type = WEIR_FLOAT, .is_nullable = true },
    { .name = "flag", .type = WEIR_BOOL, .is_nullable = true },
    { .name = "x", .type = WEIR_INT },
    { .name = "index", .type = WEIR_INT },
    { .name = "note", .type = WEIR_STRING, .is_nullable = true },
    { .name = "change", .type = WEIR_INT },
};
static const weir_schema SCHEMAS[2] = {
    { .name = "l", .fields = LEFT_FIELDS, .n_fields = N_FIELDS, .time_field = -1 },
    { .name = "r", .fields = RIGHT_FIELDS, .n_fields = N_FIELDS, .time_field = -1 },
};

/* The last one's zero equals the first number's: zero has no sign. */
static const char *const TEXTS[N_TEXTS] = { "", "a", "b", "a long key of its own", "ab",
    "\xc3\xa4" };
static const int64_t NUMBERS[N_NUMBERS] = { 0, 1, -1, 1000000, -1000000, INT64_C(1) << 62,
    INT64_MIN, 3 };

static int64_t
below(uint64_t *seed, int64_t n)
{
    return (int64_t)((next_random(seed) >> 11) % (uint64_t)n);
}

static bool
one_in(uint64_t *seed, int64_t n)
{
    return below(seed, n) == 0;
}

/* ---- a case ---- */

struct test_case {
    uint64_t     seed;
    naive_join   naive;
    weiri_join   plan;
    weir_schema  joined;
    weir_field   fields[2 * N_FIELDS];
    bool         used[2 * N_FIELDS];
    weiri_arena *arena;
    naive_row    rows[MOST_ROWS];
    uint32_t     n_rows;
    uint32_t     first_key; /* the plan's first key: text, number or flag */
    naive_pair  *expected;
    uint32_t     n_expected;
    /* what came */
    naive_pair *came;
    uint32_t    n_came;
    uint64_t    last_order;
    int64_t     last_ns;
};

static int64_t
note_number(int side, int index)
{
    return index * 7 + side;
}

static weiri_expr *
field(struct test_case *c, int side, uint32_t at)
{
    return weiri_expr_field(c->arena, &SCHEMAS[side], at);
}

static weiri_expr *
call(struct test_case *c, const char *name, weiri_expr *a, weiri_expr *b)
{
    weiri_expr *args[2] = { a, b };
    weiri_expr *out     = NULL;
    weir_error  err     = { .status = WEIR_OK };
    assert_ok(weiri_expr_call(c->arena, name, args, 2, &out, &err));
    return out;
}

static weiri_expr *
number(struct test_case *c, int64_t i)
{
    weir_value value = { .type = WEIR_INT, .as.i = i };
    return weiri_expr_constant(c->arena, &value);
}

/* Key k of the naive rows is text, number or flag. */
static void
plan_keys(struct test_case *c)
{
    for (int side = 0; side < 2; side++) {
        const weiri_expr **keys =
            weiri_arena_alloc(c->arena, NAIVE_KEYS * sizeof(const weiri_expr *));
        for (uint32_t i = 0; i < c->naive.n_keys; i++) {
            uint32_t    at  = (c->first_key + i) % NAIVE_KEYS;
            weiri_expr *key = field(c, side, at);
            weir_error  err = { .status = WEIR_OK };
            if (at == AT_NUMBER) {
                assert_ok(weiri_expr_convert(c->arena, key, WEIR_FLOAT, &key, &err));
            }
            keys[i] = key;
        }
        c->plan.sides[side].keys = keys;
    }
    c->plan.n_keys = c->naive.n_keys;
}

static void
plan_joined(struct test_case *c)
{
    for (uint32_t i = 0; i < 2 * N_FIELDS; i++) {
        c->fields[i]             = SCHEMAS[i / N_FIELDS].fields[i % N_FIELDS];
        c->fields[i].is_nullable = true;
        c->used[i]               = i % N_FIELDS == AT_INDEX || i % N_FIELDS == AT_NOTE
                     || (c->naive.has_where && i % N_FIELDS == AT_X)
                     || one_in(&c->seed, 4);
    }
    c->joined = (weir_schema){
        .name = "joined", .fields = c->fields, .n_fields = 2 * N_FIELDS, .time_field = -1
    };
    c->plan.schema = &c->joined;
    c->plan.used   = c->used;
    if (c->naive.has_where) {
        c->plan.where = call(c, "<=", weiri_expr_field(c->arena, &c->joined, AT_X),
            weiri_expr_field(c->arena, &c->joined, N_FIELDS + AT_X));
    }
}

static void
make_plan(struct test_case *c, bool has_sides_where)
{
    naive_join *n     = &c->naive;
    uint64_t   *seed  = &c->seed;
    n->is_asof        = one_in(seed, 2);
    n->is_left        = one_in(seed, 2);
    n->n_keys         = (uint32_t)below(seed, NAIVE_KEYS + 1);
    n->ranks[0]       = (uint32_t)below(seed, 2);
    n->ranks[1]       = (uint32_t)below(seed, 2);
    n->within_ns      = below(seed, 30);
    n->has_where      = !n->is_asof && one_in(seed, 3);
    n->is_right_first = n->is_asof && one_in(seed, 2);
    if (n->is_asof && one_in(seed, 3)) {
        n->within_ns = -1;
    }
    if (one_in(seed, 20)) {
        n->within_ns = INT64_MAX;
    }
    c->plan = (weiri_join){ .kind = n->is_asof ? WEIRI_JOIN_ASOF : WEIRI_JOIN_INTERVAL,
        .is_left                  = n->is_left,
        .is_right_first           = n->is_right_first,
        .within_ns                = n->within_ns };
    for (uint32_t side = 0; side < 2; side++) {
        c->plan.sides[side] = (weiri_join_side){
            .stream = side, .rank = n->ranks[side], .schema = &SCHEMAS[side]
        };
        if (has_sides_where) {
            c->plan.sides[side].where =
                call(c, ">", field(c, (int)side, AT_X), number(c, 1));
        }
    }
    c->first_key = (uint32_t)below(seed, NAIVE_KEYS);
    plan_keys(c);
    plan_joined(c);
    if (n->is_asof) {
        c->plan.change = field(c, 1, AT_CHANGE);
    }
}

/* Which of the values a row has: equal numbers are equal keys. */
static void
make_row(struct test_case *c, naive_row *row, bool has_sides_where)
{
    uint64_t *seed    = &c->seed;
    int64_t   n_texts = 1 + below(seed, N_TEXTS);
    row->side         = (int)below(seed, 2);
    row->x            = below(seed, 6);
    row->has_where    = !has_sides_where || row->x > 1;
    row->change       = row->side == 1 && c->naive.is_asof && one_in(seed, 5)
                            ? 1 + (one_in(seed, 8) ? 1 : 0)
                            : 0;
    for (uint32_t i = 0; i < NAIVE_KEYS; i++) {
        row->nulls[i] = one_in(seed, 10);
    }
    row->keys[0] = below(seed, n_texts);
    row->keys[1] = below(seed, N_NUMBERS);
    row->keys[2] = below(seed, 2);
}

static void
make_rows(struct test_case *c, bool has_sides_where)
{
    static const int64_t BEGINNINGS[] = { 0, -50, INT64_MIN, INT64_MAX - 900 };
    int64_t              t            = BEGINNINGS[below(&c->seed, 4)];
    int                  n_of[2]      = { 0, 0 };
    c->n_rows                         = (uint32_t)below(&c->seed, MOST_ROWS);
    for (uint32_t i = 0; i < c->n_rows; i++) {
        naive_row *row = &c->rows[i];
        naive_row  of  = { .side = 0 };
        make_row(c, &of, has_sides_where);
        t += one_in(&c->seed, 2) ? 0 : below(&c->seed, one_in(&c->seed, 10) ? 60 : 6);
        t          = t > INT64_MAX - 300 ? INT64_MAX - 300 : t;
        of.time_ns = t;
        of.index   = n_of[of.side]++;
        of.order   = (uint64_t)of.index;
        *row       = of;
        for (uint32_t k = 0; k < NAIVE_KEYS; k++) { /* in the order of the plan's keys */
            uint32_t at   = (c->first_key + k) % NAIVE_KEYS;
            row->keys[k]  = of.keys[at];
            row->nulls[k] = of.nulls[at];
        }
    }
    c->naive.end_ns = one_in(&c->seed, 2) ? t : t + below(&c->seed, 40);
}

/* ---- chunks ---- */

static weir_value
text_value(const char *text)
{
    return (
        weir_value){ .type = WEIR_STRING, .as.s = text, .size = (uint32_t)strlen(text) };
}

static void
append(const struct test_case *c, weir_chunk *chunk, const naive_row *row)
{
    char     note[64];
    int64_t  keys[NAIVE_KEYS];
    bool     nulls[NAIVE_KEYS];
    uint32_t at = chunk->n_rows;
    for (uint32_t k = 0; k < NAIVE_KEYS; k++) {
        keys[(c->first_key + k) % NAIVE_KEYS]  = row->keys[k];
        nulls[(c->first_key + k) % NAIVE_KEYS] = row->nulls[k];
    }
    (void)snprintf(
        note, sizeof note, "%lld", (long long)note_number(row->side, row->index));
    weir_value values[N_FIELDS] = {
        [AT_TEXT]   = text_value(TEXTS[keys[0]]),
        [AT_NUMBER] = { .type = WEIR_INT, .as.i = NUMBERS[keys[1]] },
        [AT_FLAG]   = { .type = WEIR_BOOL, .as.b = keys[2] != 0 },
        [AT_X]      = { .type = WEIR_INT, .as.i = row->x },
        [AT_INDEX]  = { .type = WEIR_INT, .as.i = row->index },
        [AT_NOTE]   = text_value(note),
        [AT_CHANGE] = { .type = WEIR_INT, .as.i = row->change },
    };
    if (row->side == 1) {
        double f          = (double)NUMBERS[keys[1]];
        values[AT_NUMBER] = (weir_value){ .type = WEIR_FLOAT,
            .as.f = keys[1] == 0 && row->index % 2 == 1 ? -0.0 : f };
    }
    for (uint32_t i = 0; i < NAIVE_KEYS; i++) {
        values[i].is_null = nulls[i];
    }
    values[AT_NOTE].is_null = row->index % 5 == 4;
    for (uint32_t i = 0; i < N_FIELDS; i++) {
        assert_ok(weir_chunk_set(chunk, at, i, &values[i]));
    }
    chunk->time[at]  = row->time_ns;
    chunk->order[at] = row->order;
    chunk->n_rows++;
}

/* Rows first … end - 1 of one side, cut into chunks at random. */
static weiri_rows_list
list_of(struct test_case *c, int side, uint32_t first, uint32_t end)
{
    weiri_rows_list list  = { .n = 0 };
    weir_chunk     *chunk = NULL;
    for (uint32_t i = first; i <= end; i++) {
        if (chunk != NULL && (i == end || one_in(&c->seed, 8))) {
            assert_ok(weiri_rows_list_add(&list, (weir_rows){ chunk, 0, chunk->n_rows }));
            weir_chunk_drop(&chunk);
        }
        if (i < end && c->rows[i].side == side) {
            if (chunk == NULL) {
                assert_ok(weir_chunk_new(&SCHEMAS[side], NULL, &chunk));
            }
            append(c, chunk, &c->rows[i]);
        }
    }
    return list;
}

/* ---- what comes ---- */

static weir_status
on_joined(void *context, weir_chunk **chunk_p)
{
    struct test_case *c = context;
    for (uint32_t i = 0; i < (*chunk_p)->n_rows; i++) {
        int64_t    now         = (*chunk_p)->time[i];
        uint64_t   order       = (*chunk_p)->order[i];
        weir_value left        = weir_chunk_get(*chunk_p, i, AT_INDEX);
        weir_value right       = weir_chunk_get(*chunk_p, i, N_FIELDS + AT_INDEX);
        naive_pair pair        = { now, (int)left.as.i,
            right.is_null ? NAIVE_ALONE : (int)right.as.i };
        bool       is_in_order = c->n_came == 0 || now > c->last_ns
                           || (now == c->last_ns && order > c->last_order);
        assert_true(is_in_order);
        for (uint32_t side = 0; side < 2; side++) {
            int        index = side == 0 ? pair.left : pair.right;
            weir_value note  = weir_chunk_get(*chunk_p, i, side * N_FIELDS + AT_NOTE);
            char       text[64];
            assert_int_equal(note.is_null, index < 0 || index % 5 == 4);
            (void)snprintf(
                text, sizeof text, "%lld", (long long)note_number((int)side, index));
            assert_true(note.is_null
                        || (note.size == strlen(text)
                            && memcmp(note.as.s, text, note.size) == 0));
        }
        c->came[c->n_came++] = pair;
        c->last_ns           = now;
        c->last_order        = order;
    }
    weir_chunk_drop(chunk_p);
    return WEIR_OK;
}

/* Go on in another joiner, from bytes. */
static void
move(struct test_case *c, weiri_joiner **joiner)
{
    const weiri_join_sink sink  = { .context = c, .joined = on_joined };
    weir_error            err   = { .status = WEIR_OK };
    weiri_pack            pack  = { .size = 0 };
    weiri_pack            again = { .size = 0 };
    weiri_joiner         *next  = NULL;
    assert_ok(joiner_to_bytes(*joiner, &pack, &err));
    assert_ok(weiri_joiner_new(&c->plan, &sink, &next, &err));
    assert_ok(joiner_of_bytes(next, pack.bytes, pack.size, &err));
    assert_ok(joiner_to_bytes(next, &again, &err));
    assert_int_equal(pack.size, again.size);
    assert_memory_equal(pack.bytes, again.bytes, pack.size);
    assert_int_equal(
        weiri_joiner_counts(next).live_rows, weiri_joiner_counts(*joiner).live_rows);
    assert_int_equal(
        weiri_joiner_counts(next).live_keys, weiri_joiner_counts(*joiner).live_keys);
    weiri_joiner_destroy(joiner);
    *joiner = next;
    weiri_pack_fini(&pack);
    weiri_pack_fini(&again);
}

static void
feed(struct test_case *c)
{
    const weiri_join_sink sink   = { .context = c, .joined = on_joined };
    weir_error            err    = { .status = WEIR_OK };
    weiri_joiner         *joiner = NULL;
    assert_ok(weiri_joiner_new(&c->plan, &sink, &joiner, &err));
    for (uint32_t first = 0; first < c->n_rows;) {
        uint32_t end          = first + 1 + (uint32_t)below(&c->seed, 40);
        end                   = end > c->n_rows ? c->n_rows : end;
        weiri_rows_list left  = list_of(c, 0, first, end);
        weiri_rows_list right = list_of(c, 1, first, end);
        assert_ok(weiri_joiner_feed(joiner, &left, &right, &err));
        if (one_in(&c->seed, 2)) {
            assert_ok(weiri_joiner_advance(joiner, c->rows[end - 1].time_ns, &err));
        }
        weiri_rows_list_fini(&left);
        weiri_rows_list_fini(&right);
        if (one_in(&c->seed, 3)) {
            move(c, &joiner);
        }
        first = end;
    }
    assert_ok(weiri_joiner_advance(joiner, c->naive.end_ns, &err));
    assert_ok(weiri_joiner_finish(joiner, &err));
    assert_int_equal(weiri_joiner_counts(joiner).joined, c->n_came);
    weiri_joiner_destroy(&joiner);
}

static void
compare(const struct test_case *c, uint64_t number_of_case)
{
    uint32_t n = c->n_expected < c->n_came ? c->n_expected : c->n_came;
    for (uint32_t i = 0; i < n; i++) {
        const naive_pair *a = &c->expected[i];
        const naive_pair *b = &c->came[i];
        if (a->time_ns != b->time_ns || a->left != b->left || a->right != b->right) {
            fail_msg("case %llu (%s, %s): row %u: expected %lld %d %d, came %lld %d %d",
                (unsigned long long)number_of_case,
                c->naive.is_asof ? "as-of" : "interval",
                c->naive.is_left ? "left" : "inner", i, (long long)a->time_ns, a->left,
                a->right, (long long)b->time_ns, b->left, b->right);
        }
    }
    if (c->n_expected != c->n_came) {
        fail_msg("case %llu (%s, %s): %u expected, %u came",
            (unsigned long long)number_of_case, c->naive.is_asof ? "as-of" : "interval",
            c->naive.is_left ? "left" : "inner", c->n_expected, c->n_came);
    }
}

static void
every_join_gives_what_looking_at_every_pair_gives(void **state)
{
    (void)state;
    uint64_t          n_given = 0;
    struct test_case *c       = calloc(1, sizeof *c);
    assert_non_null(c);
    c->expected = calloc(MOST_ROWS * (MOST_ROWS + 2), sizeof *c->expected);
    c->came     = calloc(MOST_ROWS * (MOST_ROWS + 2), sizeof *c->came);
    assert_true(c->expected != NULL && c->came != NULL);
    for (uint64_t i = 0; i < N_CASES; i++) {
        c->seed = UINT64_C(0x9e3779b97f4a7c15) * (i + 1);
        for (int k = 0; k < 3; k++) {
            (void)next_random(&c->seed);
        }
        bool has_sides_where = one_in(&c->seed, 3);
        c->arena             = weiri_arena_new();
        assert_non_null(c->arena);
        c->n_came = 0;
        c->plan   = (weiri_join){ .within_ns = 0 };
        c->naive  = (naive_join){ .within_ns = 0 };
        make_plan(c, has_sides_where);
        make_rows(c, has_sides_where);
        c->n_expected = naive_run(&c->naive, c->rows, c->n_rows, c->expected);
        feed(c);
        compare(c, i);
        n_given += c->n_came;
        weiri_arena_destroy(&c->arena);
    }
    assert_true(n_given > (uint64_t)N_CASES * 10); /* the cases are not empty */
    free(c->expected);
    free(c->came);
    free(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_join_gives_what_looking_at_every_pair_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
