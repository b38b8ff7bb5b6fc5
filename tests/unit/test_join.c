/* What a join does at its bounds, and with bytes that it did not write. */
#include "weir_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keyed_bytes.h"
#include "weiri/plan.h"

enum { KEY, TEXT, CHANGE, N_FIELDS, N_JOINED = 2 * N_FIELDS };

static const weir_field FIELDS[N_FIELDS] = {
    { .name = "key", .type = WEIR_INT, .is_nullable = true },
    { .name = "text", .type = WEIR_STRING },
    { .name = "change", .type = WEIR_INT },
};
static const weir_schema SCHEMA = {
    .name = "s", .fields = FIELDS, .n_fields = N_FIELDS, .time_field = -1
};
static const weir_field JOINED_FIELDS[N_JOINED] = {
    { .name = "l.key", .type = WEIR_INT, .is_nullable = true },
    { .name = "l.text", .type = WEIR_STRING },
    { .name = "l.change", .type = WEIR_INT },
    { .name = "r.key", .type = WEIR_INT, .is_nullable = true },
    { .name = "r.text", .type = WEIR_STRING, .is_nullable = true },
    { .name = "r.change", .type = WEIR_INT, .is_nullable = true },
};
static const weir_schema JOINED = {
    .name = "j", .fields = JOINED_FIELDS, .n_fields = N_JOINED, .time_field = -1
};
static const bool USED[N_JOINED] = { true, true, false, true, true, false };

struct rig {
    weiri_arena  *arena;
    weiri_join    plan;
    weiri_joiner *joiner;
    uint64_t      n_given;
    char          last_text[64]; /* of the right of the last row given, its first bytes */
    uint32_t      last_size;
};

static weir_status
on_joined(void *context, weir_chunk **chunk_p)
{
    struct rig *self = context;
    self->n_given += (*chunk_p)->n_rows;
    weir_value text = weir_chunk_get(*chunk_p, (*chunk_p)->n_rows - 1, N_FIELDS + TEXT);
    self->last_size = text.is_null ? 0 : text.size;
    memset(self->last_text, 0, sizeof self->last_text);
    if (!text.is_null) {
        memcpy(self->last_text, text.as.s, text.size < 60 ? text.size : 60);
    }
    weir_chunk_drop(chunk_p);
    return WEIR_OK;
}

static weiri_joiner *
new_joiner(struct rig *self)
{
    const weiri_join_sink sink = { .context = self, .joined = on_joined };
    weir_error            err  = { .status = WEIR_OK };
    weiri_joiner         *out  = NULL;
    assert_ok(weiri_joiner_new(&self->plan, &sink, &out, &err));
    return out;
}

static struct rig
open_rig(weiri_join plan)
{
    struct rig         self = { .arena = weiri_arena_new(), .plan = plan };
    const weiri_expr **keys = weiri_arena_alloc(self.arena, sizeof(const weiri_expr *));
    keys[0]                 = weiri_expr_field(self.arena, &SCHEMA, KEY);
    for (uint32_t side = 0; side < 2; side++) {
        self.plan.sides[side] =
            (weiri_join_side){ .stream = side, .schema = &SCHEMA, .keys = keys };
    }
    self.plan.n_keys = 1;
    self.plan.schema = &JOINED;
    self.plan.used   = USED;
    if (plan.kind == WEIRI_JOIN_ASOF) {
        self.plan.change = weiri_expr_field(self.arena, &SCHEMA, CHANGE);
    }
    return self;
}

static void
close_rig(struct rig *self)
{
    weiri_joiner_destroy(&self->joiner);
    weiri_arena_destroy(&self->arena);
}

/* One row of a side. */
static void
feed(struct rig *self, int side, int64_t time_ns, int64_t key, const char *text,
    uint32_t size)
{
    weir_chunk *chunk            = NULL;
    weir_value  values[N_FIELDS] = { { .type = WEIR_INT, .as.i = key },
         { .type = WEIR_STRING, .as.s = text, .size = size }, { .type = WEIR_INT } };
    weir_error  err              = { .status = WEIR_OK };
    assert_ok(weir_chunk_new(&SCHEMA, NULL, &chunk));
    for (uint32_t i = 0; i < N_FIELDS; i++) {
        assert_ok(weir_chunk_set(chunk, 0, i, &values[i]));
    }
    chunk->time[0]              = time_ns;
    chunk->n_rows               = 1;
    weir_rows              rows = { .chunk = chunk, .n = 1 };
    const weiri_rows_list  one  = { .items = &rows, .n = 1 };
    const weiri_rows_list  none = { .n = 0 };
    const weiri_rows_list *left = side == 0 ? &one : &none;
    assert_ok(weiri_joiner_feed(self->joiner, left, side == 0 ? &none : &one, &err));
    weir_chunk_drop(&chunk);
}

/* Right rows first … first + n - 1, a chunk at a time: each has its number as its time
 * and key, and as its text. */
static void
feed_many(struct rig *self, int64_t first, int64_t n)
{
    char        text[32];
    weir_chunk *chunk = NULL;
    weir_error  err   = { .status = WEIR_OK };
    assert_ok(weir_chunk_new(&SCHEMA, NULL, &chunk));
    for (int64_t i = first; i < first + n; i++) {
        int        size = snprintf(text, sizeof text, "row %lld", (long long)i);
        weir_value values[N_FIELDS] = { { .type = WEIR_INT, .as.i = i },
            { .type = WEIR_STRING, .as.s = text, .size = (uint32_t)size },
            { .type = WEIR_INT } };
        for (uint32_t k = 0; k < N_FIELDS; k++) {
            assert_ok(weir_chunk_set(chunk, chunk->n_rows, k, &values[k]));
        }
        chunk->time[chunk->n_rows++] = i;
        if (chunk->n_rows == chunk->capacity || i == first + n - 1) {
            weir_rows             rows = { .chunk = chunk, .n = chunk->n_rows };
            const weiri_rows_list one  = { .items = &rows, .n = 1 };
            const weiri_rows_list none = { .n = 0 };
            assert_ok(weiri_joiner_feed(self->joiner, &none, &one, &err));
            weir_chunk_clear(chunk);
        }
    }
    weir_chunk_drop(&chunk);
}

/* A left row at `time_ns` finds the right row of this number. */
static void
assert_finds(struct rig *self, int64_t time_ns, int64_t number)
{
    char     text[32];
    uint64_t n_before = self->n_given;
    (void)snprintf(text, sizeof text, "row %lld", (long long)number);
    feed(self, 0, time_ns, number, "", 0);
    assert_int_equal(self->n_given, n_before + 1);
    assert_string_equal(self->last_text, text);
}

/* More than lie in blocks of their own; they go, and as many come in their place. */
static void
hundreds_of_thousands_of_rows_are_found_until_they_expire(void **state)
{
    enum { N = 300000 };
    (void)state;
    struct rig rig = open_rig((weiri_join){ .within_ns = N });
    rig.joiner     = new_joiner(&rig);
    for (int64_t first = 0; first < 3 * N; first += N) {
        feed_many(&rig, first, N);
        int64_t now = first + N - 1;
        for (int64_t i = first; i < first + N; i += N / 7) {
            assert_finds(&rig, now, i);
        }
        assert_finds(&rig, now, now);
        assert_true(weiri_joiner_counts(rig.joiner).live_rows <= N + N / 1000);
    }
    weir_error err = { .status = WEIR_OK };
    assert_ok(weiri_joiner_advance(rig.joiner, 5 * (int64_t)N, &err));
    assert_int_equal(weiri_joiner_counts(rig.joiner).live_rows, 0);
    feed_many(&rig, 6 * (int64_t)N, 10);
    assert_finds(&rig, 6 * (int64_t)N + 9, 6 * (int64_t)N);
    close_rig(&rig);
}

static void
beyond_its_bound_the_oldest_row_is_dropped_and_counted(void **state)
{
    (void)state;
    struct rig rig = open_rig((weiri_join){ .within_ns = 1000, .max_rows = 3 });
    rig.joiner     = new_joiner(&rig);
    for (int64_t i = 0; i < 5; i++) {
        feed(&rig, 0, i, i, "", 0);
    }
    assert_int_equal(weiri_joiner_counts(rig.joiner).dropped_rows, 2);
    assert_int_equal(weiri_joiner_counts(rig.joiner).live_rows, 3);
    for (int64_t i = 0; i < 5; i++) {
        feed(&rig, 1, 10, i, "", 0);
    }
    assert_int_equal(rig.n_given, 3);
    close_rig(&rig);
}

static void
a_key_that_is_written_over_and_over_keeps_one_row(void **state)
{
    (void)state;
    struct rig rig = open_rig((weiri_join){ .kind = WEIRI_JOIN_ASOF, .within_ns = -1 });
    rig.joiner     = new_joiner(&rig);
    for (int64_t i = 0; i < 20000; i++) {
        feed(&rig, 1, i, i % 3, i == 19999 ? "last" : "before", i == 19999 ? 4 : 6);
    }
    assert_int_equal(weiri_joiner_counts(rig.joiner).live_rows, 3);
    assert_int_equal(weiri_joiner_counts(rig.joiner).live_keys, 3);
    feed(&rig, 0, 20000, 19999 % 3, "", 0);
    assert_string_equal(rig.last_text, "last");
    close_rig(&rig);
}

static void
of_a_table_with_a_limit_the_row_written_longest_ago_goes(void **state)
{
    (void)state;
    struct rig rig =
        open_rig((weiri_join){ .kind = WEIRI_JOIN_ASOF, .within_ns = -1, .max_rows = 2 });
    rig.joiner = new_joiner(&rig);
    feed(&rig, 1, 1, 1, "one", 3);
    feed(&rig, 1, 2, 2, "two", 3);
    feed(&rig, 1, 3, 1, "one again", 9);
    feed(&rig, 1, 4, 3, "three", 5);
    assert_int_equal(weiri_joiner_counts(rig.joiner).dropped_rows, 1);
    feed(&rig, 0, 5, 2, "", 0);
    assert_int_equal(rig.n_given, 0);
    feed(&rig, 0, 5, 1, "", 0);
    assert_string_equal(rig.last_text, "one again");
    close_rig(&rig);
}

static void
texts_of_many_megabytes_are_kept_whole(void **state)
{
    (void)state;
    enum { SIZE = 100000, N = 200 };
    struct rig rig  = open_rig((weiri_join){ .within_ns = INT64_MAX });
    char      *text = malloc(SIZE);
    assert_non_null(text);
    rig.joiner = new_joiner(&rig);
    for (int64_t i = 0; i < N; i++) {
        memset(text, 'a' + (int)(i % 26), SIZE);
        feed(&rig, 1, i, i, text, SIZE);
    }
    for (int64_t i = 0; i < N; i++) {
        feed(&rig, 0, N, i, "", 0);
        assert_int_equal(rig.last_size, SIZE);
        assert_int_equal(rig.last_text[0], 'a' + (int)(i % 26));
    }
    assert_int_equal(rig.n_given, N);
    free(text);
    close_rig(&rig);
}

/* Bytes with a right hash, wrong otherwise. */
static void
forge(weiri_pack *pack, size_t at, uint8_t bits)
{
    size_t     body = pack->size - sizeof(uint64_t);
    weiri_pack hash = { .size = 0 };
    pack->bytes[at] ^= bits;
    weiri_pack_fixed(&hash, weiri_checksum(WEIRI_HASH_BEGIN, pack->bytes, body));
    memcpy(pack->bytes + body, hash.bytes, sizeof(uint64_t));
    weiri_pack_fini(&hash);
}

static void
damaged_and_forged_bytes_are_refused_or_harmless(void **state)
{
    (void)state;
    for (int kind = WEIRI_JOIN_INTERVAL; kind <= WEIRI_JOIN_ASOF; kind++) {
        struct rig rig    = open_rig((weiri_join){
               .kind = (weiri_join_kind)kind, .is_left = true, .within_ns = 50 });
        weir_error err    = { .status = WEIR_OK };
        weiri_pack pack   = { .size = 0 };
        uint32_t   n_lost = 0;
        rig.joiner        = new_joiner(&rig);
        for (int64_t i = 0; i < 12; i++) {
            feed(&rig, (int)(i % 2), 3 * i, i % 5, "text", 4);
        }
        assert_ok(joiner_to_bytes(rig.joiner, &pack, &err));
        for (size_t at = 0; at < pack.size; at++) {
            weiri_joiner *joiner = new_joiner(&rig);
            pack.bytes[at] ^= 1;
            assert_int_equal(
                joiner_of_bytes(joiner, pack.bytes, pack.size, &err), WEIR_EDATA);
            pack.bytes[at] ^= 1;
            weiri_joiner_destroy(&joiner);
        }
        for (size_t at = 0; at + sizeof(uint64_t) < pack.size; at++) {
            for (int bit = 0; bit < 8; bit++) {
                weiri_joiner *kept = rig.joiner;
                rig.joiner         = new_joiner(&rig);
                forge(&pack, at, (uint8_t)(1 << bit));
                if (joiner_of_bytes(rig.joiner, pack.bytes, pack.size, &err) == WEIR_OK) {
                    feed(&rig, 0, INT64_MAX, 1, "", 0); /* what it holds can be used */
                    assert_ok(weiri_joiner_finish(rig.joiner, &err));
                } else {
                    n_lost++;
                }
                forge(&pack, at, (uint8_t)(1 << bit));
                weiri_joiner_destroy(&rig.joiner);
                rig.joiner = kept;
            }
        }
        assert_true(n_lost > 0);
        weiri_pack_fini(&pack);
        close_rig(&rig);
    }
}

static void
state_of_another_join_is_refused(void **state)
{
    (void)state;
    struct rig a    = open_rig((weiri_join){ .within_ns = 50 });
    struct rig b    = open_rig((weiri_join){ .within_ns = 51 });
    weir_error err  = { .status = WEIR_OK };
    weiri_pack pack = { .size = 0 };
    a.joiner        = new_joiner(&a);
    b.joiner        = new_joiner(&b);
    assert_ok(joiner_to_bytes(a.joiner, &pack, &err));
    assert_int_equal(joiner_of_bytes(b.joiner, pack.bytes, pack.size, &err), WEIR_EDATA);
    assert_non_null(strstr(err.text, "another rule"));
    weiri_pack_fini(&pack);
    close_rig(&a);
    close_rig(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beyond_its_bound_the_oldest_row_is_dropped_and_counted),
        cmocka_unit_test(a_key_that_is_written_over_and_over_keeps_one_row),
        cmocka_unit_test(of_a_table_with_a_limit_the_row_written_longest_ago_goes),
        cmocka_unit_test(texts_of_many_megabytes_are_kept_whole),
        cmocka_unit_test(damaged_and_forged_bytes_are_refused_or_harmless),
        cmocka_unit_test(state_of_another_join_is_refused),
        cmocka_unit_test(hundreds_of_thousands_of_rows_are_found_until_they_expire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
