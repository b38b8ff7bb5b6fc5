#include "state_rig.h"
#include "keyed_bytes.h"

#include <stdio.h>
#include <string.h>

#include "random.h"
#include "weiri/assert.h"

enum { KEYS = 5, LONG_TEXT = 9000, SECOND = 1000000000 };

static const char STREAMS[] =
    "stream e { at time, k string, n int, s string?, x float?, b bool }\n"
    "source e from stdin()\nsink o to stdout()\n";

static const char *const RULES[] = {
    "match a: e(n < 3){3,} -> c: e(n == 5) by k within 20s\n"
    "emit o { k, first: first(a.s), all: collect(a.s), total: sum(a.n), end: c.s }",

    "match a: e(n == 0) -> b: e(n == 1) -> c: e(n == 2) by k, b within 30s\n"
    "emit o { a: a.s, m: b.x, z: c.s, p: a.n }",

    "match a: e(n == 0) -> c: e(n == 1) -> not e(n == 2) by k within 10s\n"
    "emit o { k, a: a.s, c: c.s }",

    "match a: e(n == 0) ->> m: e(n == 1 or n == 3){1,4} any\n"
    "-> c: e(n == 2 and n > a.n) by k within 12s skip none\n"
    "emit o { a: a.s, texts: collect(m.s), floats: collect(m.x), ns: collect(m.n) }",

    "match a: e(n < 4) -> c: e(n == 5 and s == a.s) within 90s skip none\n"
    "emit o { a: a.s, since: a.at, c: c.k }",

    "match not e(n == 3) -> a: e(n == 1) -> c: e(n == 2) by k within 9s skip to next\n"
    "emit o { k, a: a.x, c: c.s } on timeout emit o { k, a: a.x, c: a.s }",

    "match a: e(n == 0) -> m: e(n < 3) within 4s of previous -> c: e(n == 4) by k\n"
    "within 40s skip past last\n"
    "emit o { a: a.s, m: m.s, c: c.n } on timeout emit o { a: a.s, m: m.s, c: a.n }",

    "match a: e(n < 4){3,6} -> c: e(n == 5) by k skip used within 60s\n"
    "emit o { avg: avg(a.x), dev: stddev(a.n), low: min(a.s), high: max(a.s),\n"
    "  third: a[2].s, late: a[-2].s, sum: sum(a.x), true: count(a.b), long: max(a.x) }",

    "match not e for 8s by k emit o { k }",

    "match a: e(n < 3){2,4} -> c: e(n == 4) by k within 25s skip past last\n"
    "emit o { k, n: count(a), s: collect(a.s), last: last(a.x) }",

    "match a: e(n == 0) -> c: e(n == 1) by x, b, n * 0 within 50s skip used latest\n"
    "emit o { a: a.s, c: c.s }",

    "from e by k window tumbling 20s\n"
    "emit o { k, cnt: count(), t: sum(n), f: sum(x), a: avg(x), low: min(s), high: "
    "max(x),\n"
    "  q: median(x), d: distinct(s), g: first(s), l: last(b), all: collect(s) where b,\n"
    "  top: top(2, s), dev: stddev(n), e: ewma(x, 3s), r: slope(x),\n"
    "  c: correlation(n, x), from: window.start }",

    "from e window tumbling 9s every 2s early\n"
    "emit o { cnt: count(x), b: count(b), t: collect(n), q: quantile(n, 0.3) }\n"
    "order by cnt desc limit 2",

    "from e by k, b window hopping 15s every 6s\n"
    "having cnt > 1\n"
    "emit o { k, cnt: count(), f: sum(x), q: quantile(x, 0.9), d: distinct(n),\n"
    "  all: collect(b), top: top(3, n), dev: variance(x), r: slope(n), to: window.end }\n"
    "when changes",

    "from e by k window hopping 8s every 2s fill every 3s early\n"
    "emit o { k, cnt: count(), low: min(n), last: last(s) }\n"
    "limit 3 per 20s",

    "from e by k window session 4s every 2s early\n"
    "emit o { k, cnt: count(), d: distinct(x), t: avg(n), all: collect(s), e: ewma(n, "
    "9s) "
    "}\n"
    "limit 2 per 30s",

    "from e by k window sliding 12s\n"
    "emit o { k, cnt: count(), t: sum(n), f: sum(x), low: min(s), high: max(x),\n"
    "  q: median(x), d: distinct(s), l: last(s), top: top(2, s) }",

    "from e by s, n * 0 window sliding 15s before\n"
    "having cnt >= 1\n"
    "emit o { s, cnt: count(), a: avg(x), first: first(k), all: collect(x), dev: "
    "stddev(x),\n"
    "  e: ewma(n, 2s), r: slope(x), c: correlation(n, x), from: window.start }\n"
    "when changes limit 2 per 9s",

    "from e where n != 5 by x window last 4 reset\n"
    "having cnt == 3\n"
    "emit o { x, cnt: count(), dev: variance(n), first: first(s), q: quantile(n, 0.25) }",

    "from e by b window last 7\n"
    "emit o { b, f: sum(x), g: first(s) where n > 2, dev: stddev(x), m: max(k) }\n"
    "limit 90",

    "from e by k window all reset\n"
    "having cnt >= 7\n"
    "emit o { k, cnt: count(), t: sum(n), f: sum(x), q: median(x), d: distinct(s),\n"
    "  l: last(s), dev: stddev(x), e: ewma(n, 3s), from: window.start }\n"
    "when changes",

    "from e by k, b window tumbling 3\n"
    "emit o { k, cnt: count(), all: collect(s), low: min(x), to: window.end }\n"
    "limit 2 per 20s",

    "match a: e(n < 4){2,} -> c: e(n == 5) by k, b within 15s\n"
    "emit o { k, cnt: count(a), q: median(a.x), d: distinct(a.s), c: c.s }\n"
    "limit 2 per 40s",

    "match a: e(n == 0) ->> m: e(n == 1){2} any -> c: e(n == 2) by k\n"
    "within 20s skip none\n"
    "emit o { a: a.s, m: collect(m.s), x: first(m.x), c: c.n }",

    "match a: e(n == 0) -> b: e(n == 1) ->> c: e(n == 2) by k, b skip none\n"
    "emit o { a: a.s, b: b.x, c: c.s }",

    "match a: e(n == 0) ->> (b: e(n < 3) or c: e(n > 1))+ any -> d: e(n == 5) by k\n"
    "within 8s skip none\n"
    "emit o { a: a.s, b: collect(b.s), n: count(c), sum: sum(c.x), d: d.s }",

    "match a: e(n == 0)? -> (b: e(n == 1) -> c: e(n == 2)){1,2} -> not e(n == 3)\n"
    "-> d: e(n > 3) within 15s skip none\n"
    "emit o { a: a.s, b: first(b.s), c: c.s, d: d.k }",

    "match a: e(n < 2) => b: e(n < 4)+ next => not e(n == 5) by k skip none\n"
    "emit o { k, a: a.s, n: count(b), s: last(b.s) }",

    "from a: e join c: e on a.k == c.k and a.n < c.n within 9s\n"
    "emit o { k: a.k, a: a.s, c: c.s, n: c.n }",

    "from a: e left join c: e on a.s == c.s and c.n == 1 and a.b within 5s\n"
    "full at 12 drop oldest\n"
    "emit o { a: a.n, s: a.s, x: c.x, cs: c.s }",

    "from a: e asof left join c: e on a.n == c.n and a.k == c.k and c.b within 20s\n"
    "emit o { a: a.s, c: c.s, x: c.x }",
};

uint32_t
state_rig_rules(void)
{
    return sizeof RULES / sizeof *RULES;
}

/* ---- what is given ---- */

static void
log_value(weiri_pack *log, const weir_value *value)
{
    weiri_pack_number(log, value->type);
    weiri_pack_number(log, value->is_null);
    if (value->is_null) {
        return;
    }
    switch ((weir_type)value->type) {
    case WEIR_STRING:
    case WEIR_LIST: weiri_pack_text(log, value->as.s, value->size); break;
    case WEIR_FLOAT: weiri_pack_float(log, value->as.f); break;
    case WEIR_BOOL: weiri_pack_number(log, value->as.b); break;
    default: weiri_pack_signed(log, value->as.i); break;
    }
}

static weir_status
log_result(void *context, int64_t time_ns, const weir_value *values)
{
    state_rig *self = context;
    weiri_pack_time(&self->log, time_ns);
    for (uint32_t i = 0; i < self->query->emit->schema->n_fields; i++) {
        log_value(&self->log, &values[i]);
    }
    return WEIR_OK;
}

static weir_status
log_event(void *context, bool is_timeout, int64_t time_ns, const weir_value *values)
{
    state_rig        *self = context;
    const weiri_emit *emit = is_timeout ? self->match->on_timeout : self->match->emit;
    weiri_pack_time(&self->log, time_ns);
    for (uint32_t i = 0; i < emit->schema->n_fields; i++) {
        log_value(&self->log, &values[i]);
    }
    return WEIR_OK;
}

static void
log_match(void *context, bool is_timeout, int64_t time_ns, const weiri_taken *taken,
    uint32_t n_taken)
{
    state_rig *self = context;
    weiri_pack_number(&self->log, is_timeout);
    weiri_pack_time(&self->log, time_ns);
    for (uint32_t i = 0; i < n_taken; i++) {
        weiri_pack_number(&self->log, taken[i].step);
        weiri_pack_time(&self->log, taken[i].time_ns);
        weiri_pack_number(&self->log, taken[i].order);
    }
}

static weir_status
log_joined(void *context, weir_chunk **chunk_p)
{
    state_rig *self = context;
    for (uint32_t row = 0; row < (*chunk_p)->n_rows; row++) {
        weiri_pack_time(&self->log, (*chunk_p)->time[row]);
        for (uint32_t i = 0; i < (*chunk_p)->schema->n_fields; i++) {
            weir_value value = weir_chunk_get(*chunk_p, row, i);
            log_value(&self->log, &value);
        }
    }
    weir_chunk_drop(chunk_p);
    return WEIR_OK;
}

/* ---- life ---- */

weir_status
state_rig_renew(state_rig *self)
{
    weiri_match_sink sink = {
        .context = self, .emitted = log_event, .matched = log_match
    };
    weiri_window_sink results = { .context = self, .emitted = log_result };
    weir_error        err     = { .status = WEIR_OK };
    weiri_matcher_destroy(&self->matcher);
    weiri_windower_destroy(&self->windower);
    const weiri_join_sink joined = { .context = self, .joined = log_joined };
    weiri_joiner_destroy(&self->joiner);
    if (self->join != NULL) {
        return weiri_joiner_new(self->join, &joined, &self->joiner, &err);
    }
    if (self->query != NULL) {
        return weiri_windower_new(self->query, &results, &self->windower, &err);
    }
    return weiri_matcher_new(self->match, &sink, &self->matcher, &err);
}

static const int64_t BEGIN_NS = 1700000000 * (int64_t)SECOND;

weir_status
state_rig_reset(state_rig *self, uint64_t seed)
{
    self->seed     = seed;
    self->now_ns   = BEGIN_NS;
    self->n_fed    = 0;
    self->log.size = 0;
    return state_rig_renew(self);
}

bool
state_rig_init(state_rig *self, uint32_t rule, uint64_t seed)
{
    char               text[2048];
    weiri_diagnostics *diagnostics = NULL;
    weir_error         err         = { .status = WEIR_OK };
    *self    = (state_rig){ .seed = seed, .now_ns = 1700000000 * (int64_t)SECOND };
    int size = snprintf(text, sizeof text, "%srule r {\n%s\n}\n", STREAMS, RULES[rule]);
    weiri_assert(size > 0 && (size_t)size < sizeof text);
    weiri_assert(weiri_diagnostics_new(&diagnostics) == WEIR_OK);
    weir_status status = weiri_compile_text(
        "rule", text, (size_t)size, NULL, diagnostics, &self->plan, &err);
    if (status != WEIR_OK) {
        weiri_diagnostics_print(diagnostics, stderr, false);
    } else {
        self->match = self->plan->rules[0].match;
        self->query = self->plan->rules[0].query;
        self->join  = self->plan->rules[0].join;
        status      = state_rig_reset(self, seed);
    }
    weiri_diagnostics_destroy(&diagnostics);
    return status == WEIR_OK;
}

void
state_rig_fini(state_rig *self)
{
    weiri_matcher_destroy(&self->matcher);
    weiri_windower_destroy(&self->windower);
    weiri_joiner_destroy(&self->joiner);
    weiri_plan_destroy(&self->plan);
    weiri_pack_fini(&self->log);
}

weir_status
state_rig_load_again(state_rig *self, const uint8_t *bytes, size_t size, weir_error *err)
{
    if (self->join != NULL) {
        return joiner_of_bytes(self->joiner, bytes, size, err);
    }
    return self->query != NULL ? windower_of_bytes(self->windower, bytes, size, err)
                               : matcher_of_bytes(self->matcher, bytes, size, err);
}

weir_status
state_rig_load(state_rig *self, const uint8_t *bytes, size_t size, weir_error *err)
{
    weir_status status = state_rig_renew(self);
    return status != WEIR_OK ? status : state_rig_load_again(self, bytes, size, err);
}

weir_status
state_rig_save(const state_rig *self, weiri_pack *out, weir_error *err)
{
    if (self->join != NULL) {
        return joiner_to_bytes(self->joiner, out, err);
    }
    return self->query != NULL ? windower_to_bytes(self->windower, out, err)
                               : matcher_to_bytes(self->matcher, out, err);
}

bool
state_rig_counts_agree(const state_rig *self, const state_rig *other)
{
    if (self->join != NULL) {
        weiri_join_counts a = weiri_joiner_counts(self->joiner);
        weiri_join_counts b = weiri_joiner_counts(other->joiner);
        return memcmp(&a, &b, sizeof a) == 0;
    }
    if (self->query == NULL) {
        weiri_match_counts a = weiri_matcher_counts(self->matcher);
        weiri_match_counts b = weiri_matcher_counts(other->matcher);
        return memcmp(&a, &b, sizeof a) == 0;
    }
    weiri_window_counts a = weiri_windower_counts(self->windower);
    weiri_window_counts b = weiri_windower_counts(other->windower);
    a.live_keys           = b.live_keys; /* some of which may be due to be freed, */
    a.live_rows           = b.live_rows; /* with their rows */
    return memcmp(&a, &b, sizeof a) == 0;
}

/* ---- events ---- */

static uint32_t
below(uint64_t *seed, uint32_t n)
{
    return (uint32_t)(next_random(seed) % n);
}

typedef struct made_event {
    char   key[32];
    size_t text_size; /* 0: null */
    char   letter;
    int    n;
    int    x; /* 0: null */
    bool   b;
} made_event;

static made_event
draw(state_rig *self)
{
    made_event e       = { .n = (int)below(&self->seed, 6) };
    uint32_t   key     = below(&self->seed, KEYS);
    bool       is_long = below(&self->seed, 40) == 0;
    (void)snprintf(e.key, sizeof e.key, key % 2 == 0 ? "k%u" : "a-longer-key-of-%u", key);
    e.text_size = is_long ? LONG_TEXT : below(&self->seed, 30);
    e.letter    = (char)('a' + below(&self->seed, 3));
    e.x         = (int)below(&self->seed, 4);
    e.b         = below(&self->seed, 2) == 0;
    self->now_ns += below(&self->seed, 3) * (int64_t)SECOND;
    self->n_fed++;
    return e;
}

static void
set(weir_chunk *chunk, const char *name, weir_value value)
{
    int32_t field = weir_schema_find(chunk->schema, name);
    weiri_assert(field >= 0);
    value.type = (uint8_t)chunk->schema->fields[field].type;
    weiri_assert(weir_chunk_set(chunk, 0, (uint32_t)field, &value) == WEIR_OK);
}

static void
fill(weir_chunk *chunk, const state_rig *self, const made_event *e)
{
    char text[LONG_TEXT];
    memset(text, e->letter, sizeof text);
    chunk->n_rows     = 1;
    chunk->time[0]    = self->now_ns;
    chunk->order[0]   = self->n_fed;
    uint32_t key_size = (uint32_t)strlen(e->key);
    set(chunk, "at", (weir_value){ .as.i = self->now_ns });
    set(chunk, "k", (weir_value){ .as.s = e->key, .size = key_size });
    set(chunk, "n", (weir_value){ .as.i = e->n });
    set(chunk, "s",
        (weir_value){
            .is_null = e->text_size == 0, .as.s = text, .size = (uint32_t)e->text_size });
    set(chunk, "x", (weir_value){ .is_null = e->x == 0, .as.f = e->x / 3.0 });
    set(chunk, "b", (weir_value){ .as.b = e->b });
}

static weir_status
feed_one(state_rig *self)
{
    made_event         e      = draw(self);
    weir_chunk        *chunk  = NULL;
    weir_error         err    = { .status = WEIR_OK };
    const weir_schema *schema = self->join != NULL    ? self->join->sides[0].schema
                                : self->query != NULL ? self->query->schema
                                                      : self->match->inputs[0].schema;
    weiri_assert(weir_chunk_new(schema, NULL, &chunk) == WEIR_OK);
    fill(chunk, self, &e);
    weiri_part            part  = { .rows = { .chunk = chunk, .n = 1 } };
    weiri_batch           batch = { .parts = &part, .n_parts = 1, .n_events = 1 };
    const weiri_rows_list list  = { .items = &part.rows, .n = 1 };
    weir_status           status =
        self->join != NULL ? weiri_joiner_feed(self->joiner, &list, &list, &err)
                  : self->query != NULL ? weiri_windower_feed(self->windower, part.rows, &err)
                                        : weiri_matcher_feed(self->matcher, &batch, &err);
    const weir_chunk *mine = chunk;
    weir_chunk_unref(&mine);
    return status;
}

weir_status
state_rig_feed(state_rig *self, uint32_t n)
{
    weir_status status = WEIR_OK;
    for (; n > 0 && status == WEIR_OK; n--) {
        status = feed_one(self);
    }
    return status;
}

void
state_rig_pass(state_rig *self, uint32_t n)
{
    for (; n > 0; n--) {
        (void)draw(self);
    }
}

weir_status
state_rig_end(state_rig *self)
{
    weir_error err  = { .status = WEIR_OK };
    int64_t    then = self->now_ns + 11 * (int64_t)SECOND;
    if (self->join != NULL) {
        weir_status status = weiri_joiner_advance(self->joiner, then, &err);
        return status != WEIR_OK ? status : weiri_joiner_finish(self->joiner, &err);
    }
    if (self->query != NULL) {
        weir_status status = weiri_windower_advance(self->windower, then, &err);
        return status != WEIR_OK ? status : weiri_windower_finish(self->windower, &err);
    }
    weir_status status = weiri_matcher_advance(self->matcher, then, &err);
    return status != WEIR_OK ? status : weiri_matcher_finish(self->matcher, &err);
}
