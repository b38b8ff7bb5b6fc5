/* Gaps that are filled: random streams, cut at random, saved and loaded on the way,
 * against the definition; and what is said of bounds and of bytes that are damaged. */
#include "weir_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/random.h"
#include "keyed_bytes.h"

#define SECOND INT64_C(1000000000)

enum { KEY, ID, TEXT, X, Z, N_FIELDS, MOST_EVENTS = 128, N_CASES = 1500, N_FILLED = 2 };

static const weir_field FIELDS[N_FIELDS] = {
    { .name = "key", .type = WEIR_INT, .is_nullable = true },
    { .name = "id", .type = WEIR_INT },
    { .name = "text", .type = WEIR_STRING, .is_nullable = true },
    { .name = "x", .type = WEIR_FLOAT, .is_nullable = true },
    { .name = "z", .type = WEIR_FLOAT, .is_nullable = true },
};
static const weir_schema SCHEMA = { "in", FIELDS, N_FIELDS, -1 };

typedef struct event {
    int64_t t;
    int64_t key; /* below 0: null */
    bool    has[N_FILLED];
    double  value[N_FILLED];
} event;

/* When something is settled: with an event, or by a deadline after all events of its
 * time. */
typedef struct moment {
    int64_t  t;
    bool     is_deadline;
    uint32_t event; /* that comes, or with which the gap began */
} moment;

typedef struct filled {
    uint32_t id;
    moment   at;
    bool     has[N_FILLED];
    double   value[N_FILLED];
} filled;

/* ---- the definition ---- */

static int
compare_moments(const moment *a, const moment *b)
{
    if (a->t != b->t) {
        return a->t < b->t ? -1 : 1;
    }
    if (a->is_deadline != b->is_deadline) {
        return a->is_deadline ? 1 : -1;
    }
    return (a->event > b->event) - (a->event < b->event);
}

static int
compare_filled(const void *a, const void *b)
{
    const filled *x     = a;
    const filled *y     = b;
    int           order = compare_moments(&x->at, &y->at);
    return order != 0 ? order : (x->id > y->id) - (x->id < y->id);
}

/* The nearest event of the key on one side that has a value. */
static int64_t
neighbour(const event *events, int64_t n, int64_t i, uint32_t f, int64_t step)
{
    for (int64_t k = i + step; k >= 0 && k < n; k += step) {
        if (events[k].key == events[i].key && events[k].has[f]) {
            return k;
        }
    }
    return -1;
}

static moment
fill_field(const event *events, uint32_t n, uint32_t i, uint32_t f, int64_t within_ns,
    filled *out)
{
    moment  own   = { .t = events[i].t, .event = i };
    int64_t a     = neighbour(events, n, i, f, -1);
    int64_t b     = neighbour(events, n, i, f, 1);
    out->has[f]   = events[i].has[f];
    out->value[f] = events[i].value[f];
    if (out->has[f] || a < 0 || events[i].t - events[a].t > within_ns) {
        return own;
    }
    if (b < 0 || events[b].t - events[a].t > within_ns) {
        return (moment){ events[a].t + within_ns, true, (uint32_t)a };
    }
    double span   = (double)(events[b].t - events[a].t);
    double part   = (double)(events[i].t - events[a].t);
    double from   = events[a].value[f];
    out->has[f]   = true;
    out->value[f] = span > 0 ? from + (events[b].value[f] - from) * (part / span) : from;
    return (moment){ .t = events[b].t, .event = (uint32_t)b };
}

static uint32_t
define(const event *events, uint32_t n, int64_t within_ns, filled *out)
{
    uint32_t n_out = 0;
    for (uint32_t i = 0; i < n; i++) {
        filled *it = &out[n_out];
        *it        = (filled){ .id = i };
        if (events[i].key < 0) {
            continue;
        }
        n_out++;
        for (uint32_t f = 0; f < N_FILLED; f++) {
            moment at = fill_field(events, n, i, f, within_ns, it);
            it->at    = f == 0 || compare_moments(&at, &it->at) > 0 ? at : it->at;
        }
        for (uint32_t k = 0; k + 1 < n_out; k++) { /* none before those of its key */
            bool is_same = events[out[k].id].key == events[i].key;
            it->at =
                is_same && compare_moments(&out[k].at, &it->at) > 0 ? out[k].at : it->at;
        }
    }
    qsort(out, n_out, sizeof *out, compare_filled);
    return n_out;
}

/* ---- the plan ---- */

typedef struct fixture {
    weiri_arena      *arena;
    weiri_window      window;
    weiri_aggregate   aggregates[N_FIELDS];
    const weiri_expr *keys[1];
    const weiri_expr *values[N_FIELDS];
    weiri_emit        emit;
    weiri_query       query;
    weiri_window_sink sink;
    weiri_windower   *windower;
    event             events[MOST_EVENTS];
    uint32_t          n_events;
    filled            expected[MOST_EVENTS];
    uint32_t          n_expected;
    uint32_t          n_got;
    uint64_t          seed;
} fixture;

static weir_status
emitted(void *context, int64_t time_ns, const weir_value *values)
{
    fixture *self = context;
    if (self->n_got >= self->n_expected) {
        fail_msg("seed %llu: more than %u", (unsigned long long)self->seed, self->n_got);
    }
    const filled *it = &self->expected[self->n_got++];
    char          text[24];
    (void)snprintf(text, sizeof text, "event %u", it->id);
    bool is_same =
        values[ID].as.i == it->id && time_ns == it->at.t
        && values[KEY].as.i == self->events[it->id].key
        && (it->id % 3 == 0 ? values[TEXT].is_null
                            : values[TEXT].size == strlen(text)
                                  && memcmp(values[TEXT].as.s, text, strlen(text)) == 0);
    for (uint32_t f = 0; f < N_FILLED; f++) {
        is_same = is_same && values[X + f].is_null == !it->has[f]
                  && (!it->has[f] || values[X + f].as.f == it->value[f]);
    }
    if (!is_same) {
        fail_msg("seed %llu: result %u: event %lld at %lld, not %u at %lld",
            (unsigned long long)self->seed, self->n_got - 1, (long long)values[ID].as.i,
            (long long)time_ns, it->id, (long long)it->at.t);
    }
    return WEIR_OK;
}

static void
make_plan(fixture *self, int64_t within_ns, bool is_by_key)
{
    self->arena   = weiri_arena_new();
    self->keys[0] = weiri_expr_field(self->arena, &SCHEMA, KEY);
    for (uint32_t a = 0; a < N_FIELDS; a++) {
        weiri_aggregate *it = &self->aggregates[a];
        *it                 = (weiri_aggregate){ .kind = WEIRI_AGGREGATE_LAST,
                            .argument                  = weiri_expr_field(self->arena, &SCHEMA, a) };
        if (a == KEY && is_by_key) {
            *it = (weiri_aggregate){ .kind = WEIRI_AGGREGATE_KEY, .type = WEIR_INT };
        }
        assert_ok(weiri_aggregate_resolve(it, NULL));
        self->values[a] =
            weiri_expr_register(self->arena, a, it->type, it->element, it->is_nullable);
    }
    self->window = (weiri_window){ .kind = WEIRI_WINDOW_LINEAR,
        .width_ns                        = within_ns,
        .early_ns                        = -1,
        .limit_ns                        = -1,
        .keys                            = self->keys,
        .n_keys                          = is_by_key,
        .aggregates                      = self->aggregates,
        .n_aggregates                    = N_FIELDS,
        .linear                          = 1U << X | 1U << Z };
    self->emit   = (weiri_emit){ &SCHEMA, self->values, 0 };
    self->query =
        (weiri_query){ .schema = &SCHEMA, .emit = &self->emit, .window = &self->window };
    self->sink = (weiri_window_sink){ .context = self, .emitted = emitted };
    assert_ok(weiri_windower_new(&self->query, &self->sink, &self->windower, NULL));
}

static void
take_down(fixture *self)
{
    weiri_windower_destroy(&self->windower);
    weiri_arena_destroy(&self->arena);
}

static weir_chunk *
make_chunk(const fixture *self)
{
    weir_chunk *chunk = NULL;
    assert_ok(weir_chunk_new(&SCHEMA, NULL, &chunk));
    for (uint32_t i = 0; i < self->n_events; i++) {
        const event *it = &self->events[i];
        char         text[24];
        (void)snprintf(text, sizeof text, "event %u", i);
        weir_value key  = { .type = WEIR_INT, .is_null = it->key < 0, .as.i = it->key };
        weir_value id   = { .type = WEIR_INT, .as.i = i };
        weir_value name = { .type = WEIR_STRING, .is_null = i % 3 == 0, .as.s = text };
        name.size       = (uint32_t)strlen(text);
        chunk->time[i]  = it->t;
        chunk->order[i] = i;
        assert_ok(weir_chunk_set(chunk, i, KEY, &key));
        assert_ok(weir_chunk_set(chunk, i, ID, &id));
        assert_ok(weir_chunk_set(chunk, i, TEXT, &name));
        for (uint32_t f = 0; f < N_FILLED; f++) {
            weir_value value = { .type = WEIR_FLOAT, .is_null = !it->has[f] };
            value.as.f       = it->value[f];
            assert_ok(weir_chunk_set(chunk, i, X + f, &value));
        }
        chunk->n_rows = i + 1;
    }
    return chunk;
}

/* ---- random ---- */

static int64_t
below(uint64_t *seed, int64_t n)
{
    return (int64_t)((next_random(seed) >> 11) % (uint64_t)n);
}

static void
make_events(fixture *self, uint64_t *seed, bool is_by_key)
{
    int64_t t      = (below(seed, 100) - 50) * SECOND;
    int64_t n_keys = is_by_key ? 1 + below(seed, 4) : 1;
    int64_t nulls  = 1 + below(seed, 6);
    self->n_events = 1 + (uint32_t)below(seed, below(seed, 3) == 0 ? MOST_EVENTS : 24);
    for (uint32_t i = 0; i < self->n_events; i++) {
        event *it = &self->events[i];
        t += below(seed, 3) == 0 ? 0 : below(seed, 5) * SECOND + below(seed, 2);
        *it = (event){ .t = t, .key = below(seed, n_keys) };
        if (is_by_key && below(seed, 20) == 0) {
            it->key = -1;
        }
        for (uint32_t f = 0; f < N_FILLED; f++) {
            it->has[f]   = below(seed, 7) >= nulls;
            it->value[f] = (double)(below(seed, 2000) - 1000) / 7.0;
        }
    }
}

/* A new operator in the place of one, from its bytes. */
static void
reload(fixture *self)
{
    weir_error err   = { 0 };
    weiri_pack saved = { .size = 0 };
    weiri_pack again = { .size = 0 };
    assert_ok(windower_to_bytes(self->windower, &saved, &err));
    weiri_windower_destroy(&self->windower);
    assert_ok(weiri_windower_new(&self->query, &self->sink, &self->windower, &err));
    if (windower_of_bytes(self->windower, saved.bytes, saved.size, &err) != WEIR_OK) {
        fail_msg("seed %llu: %s", (unsigned long long)self->seed, err.text);
    }
    assert_ok(windower_to_bytes(self->windower, &again, &err));
    assert_int_equal(saved.size, again.size);
    assert_memory_equal(saved.bytes, again.bytes, saved.size);
    weiri_pack_fini(&saved);
    weiri_pack_fini(&again);
}

/* Feed in pieces, with watermarks and reloads between them. */
static void
feed_cut(fixture *self, uint64_t *seed)
{
    weir_error        err    = { 0 };
    weir_chunk       *chunk  = make_chunk(self);
    const weir_chunk *shared = chunk;
    for (uint32_t first = 0; first < self->n_events;) {
        uint32_t n = 1 + (uint32_t)below(seed, below(seed, 2) == 0 ? 3 : 100);
        n          = n < self->n_events - first ? n : self->n_events - first;
        assert_ok(
            weiri_windower_feed(self->windower, (weir_rows){ chunk, first, n }, &err));
        first += n;
        if (first < self->n_events && below(seed, 3) == 0) {
            int64_t from = self->events[first - 1].t;
            int64_t step = below(seed, self->events[first].t - from + 1);
            assert_ok(weiri_windower_advance(self->windower, from + step, &err));
        }
        if (below(seed, 3) == 0) {
            reload(self);
        }
    }
    assert_ok(weiri_windower_finish(self->windower, &err));
    weir_chunk_unref(&shared);
}

static void
every_gap_is_filled_as_defined_however_the_input_is_cut(void **state)
{
    (void)state;
    static fixture it;
    uint32_t       n_filled = 0;
    uint32_t       n_late   = 0;
    for (uint64_t s = 1; s <= N_CASES; s++) {
        uint64_t seed      = s * 977 + 4242;
        bool     is_by_key = below(&seed, 4) != 0;
        int64_t  within    = 1 + below(&seed, 20) * SECOND;
        it                 = (fixture){ .seed = s };
        make_events(&it, &seed, is_by_key);
        make_plan(&it, within, is_by_key);
        it.n_expected = define(it.events, it.n_events, within, it.expected);
        feed_cut(&it, &seed);
        assert_int_equal(it.n_got, it.n_expected);
        weiri_window_counts counts = weiri_windower_counts(it.windower);
        assert_int_equal(counts.live_rows, 0);
        for (uint32_t i = 0; i < it.n_expected; i++) {
            const filled *row = &it.expected[i];
            n_filled += row->has[0] && !it.events[row->id].has[0];
            n_late += row->at.is_deadline;
        }
        take_down(&it);
    }
    print_message("%u gaps filled, %u events given by a deadline\n", n_filled, n_late);
    assert_true(n_filled > N_CASES && n_late > N_CASES);
}

/* ---- by hand ---- */

static void
feed_all(fixture *self)
{
    weir_error        err    = { 0 };
    weir_chunk       *chunk  = make_chunk(self);
    const weir_chunk *shared = chunk;
    const weir_rows   rows   = { chunk, 0, self->n_events };
    assert_ok(weiri_windower_feed(self->windower, rows, &err));
    weir_chunk_unref(&shared);
}

static void
when_too_many_wait_the_oldest_is_given_as_it_is_and_counted(void **state)
{
    (void)state;
    static fixture it;
    it = (fixture){ .n_events = 5 };
    for (uint32_t i = 0; i < 5; i++) {
        it.events[i] = (event){
            .t = i * SECOND, .has = { i == 0 || i == 4, true }, .value = { 10.0 * i, 1.0 }
        };
    }
    make_plan(&it, 60 * SECOND, true);
    it.window.max_rows      = 2;
    const filled expected[] = {
        { .id = 0, .at = { .t = 0 }, .has = { true, true }, .value = { 0.0, 1.0 } },
        { .id      = 1,
            .at    = { .t = 3 * SECOND },
            .has   = { false, true },
            .value = { 0, 1.0 } },
        { .id      = 2,
            .at    = { .t = 4 * SECOND },
            .has   = { true, true },
            .value = { 20, 1.0 } },
        { .id      = 3,
            .at    = { .t = 4 * SECOND },
            .has   = { true, true },
            .value = { 30, 1.0 } },
        { .id      = 4,
            .at    = { .t = 4 * SECOND },
            .has   = { true, true },
            .value = { 40, 1.0 } },
    };
    memcpy(it.expected, expected, sizeof expected);
    it.n_expected = 5;
    feed_all(&it);
    assert_int_equal(it.n_got, 5);
    assert_int_equal(weiri_windower_counts(it.windower).dropped_rows, 1);
    take_down(&it);
}

static void
a_line_that_leaves_the_numbers_is_a_fault_and_fills_nothing(void **state)
{
    (void)state;
    static fixture it;
    it           = (fixture){ .n_events = 3 };
    it.events[0] = (event){ .has = { true, true }, .value = { 1.7e308, 0.0 } };
    it.events[1] = (event){ .t = SECOND, .has = { false, true } };
    it.events[2] =
        (event){ .t = 2 * SECOND, .has = { true, true }, .value = { -1.7e308, 0.0 } };
    make_plan(&it, 60 * SECOND, true);
    it.n_expected = define(it.events, 3, 60 * SECOND, it.expected);
    assert_int_equal(it.expected[1].id, 1);
    it.expected[1].has[0] = false;
    feed_all(&it);
    assert_int_equal(it.n_got, 3);
    assert_int_equal(weiri_windower_counts(it.windower).faults, 1);
    take_down(&it);
}

/* What a key is kept for is over when its last value can reach no event any more. */
static void
a_key_is_forgotten_when_its_last_value_is_too_old(void **state)
{
    (void)state;
    static fixture it;
    it = (fixture){ .n_events = MOST_EVENTS };
    for (uint32_t i = 0; i < MOST_EVENTS; i++) {
        it.events[i] =
            (event){ .t = i * SECOND, .key = i, .has = { true, true }, .value = { i } };
    }
    make_plan(&it, 10 * SECOND, true);
    it.n_expected   = define(it.events, MOST_EVENTS, 10 * SECOND, it.expected);
    weiri_pack save = { .size = 0 };
    feed_all(&it);
    assert_ok(windower_to_bytes(it.windower, &save, NULL));
    assert_true(save.size < 11 * 40 + 200); /* of 128 keys eleven matter */
    weiri_pack_fini(&save);
    take_down(&it);
}

static void
damaged_bytes_are_refused_or_are_those_of_some_state(void **state)
{
    (void)state;
    static fixture it;
    weir_error     err   = { 0 };
    weiri_pack     saved = { .size = 0 };
    uint64_t       seed  = 77;
    it                   = (fixture){ .n_events = 40 };
    for (uint32_t i = 0; i < 40; i++) {
        it.events[i] = (event){
            .t = i * SECOND, .key = i % 4, .has = { i < 4, i < 8 }, .value = { i, i }
        };
    }
    make_plan(&it, 100 * SECOND, true);
    it.n_expected = define(it.events, 40, 100 * SECOND, it.expected);
    feed_all(&it);
    assert_ok(windower_to_bytes(it.windower, &saved, &err));
    for (int i = 0; i < 3000; i++) {
        uint8_t *bytes = malloc(saved.size);
        assert_non_null(bytes);
        memcpy(bytes, saved.bytes, saved.size);
        for (int64_t n = 1 + below(&seed, 3); n > 0; n--) {
            bytes[below(&seed, (int64_t)saved.size)] ^= (uint8_t)(1 + below(&seed, 255));
        }
        weiri_windower *other = NULL;
        weir_status     status;
        assert_ok(weiri_windower_new(&it.query, &it.sink, &other, &err));
        status = windower_of_bytes(other, bytes, saved.size, &err);
        assert_true(status == WEIR_OK || status == WEIR_EDATA);
        weiri_windower_destroy(&other);
        free(bytes);
    }
    weiri_pack_fini(&saved);
    take_down(&it);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_gap_is_filled_as_defined_however_the_input_is_cut),
        cmocka_unit_test(when_too_many_wait_the_oldest_is_given_as_it_is_and_counted),
        cmocka_unit_test(a_line_that_leaves_the_numbers_is_a_fault_and_fills_nothing),
        cmocka_unit_test(a_key_is_forgotten_when_its_last_value_is_too_old),
        cmocka_unit_test(damaged_bytes_are_refused_or_are_those_of_some_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
