/* A random case as a small tree that can be built, printed and made smaller.
 *
 * Values are plain and copied freely; all memory is in the arena that made them.
 */
#ifndef WEIR_TEST_SPEC_H
#define WEIR_TEST_SPEC_H

#include "../support/random.h"
#include "weiri/arena.h"
#include "weiri/pattern.h"

enum {
    SPEC_INPUTS = 2,
    SPEC_EVENTS = 24,
    SPEC_ITEMS  = 4,
    SPEC_TESTS  = 2,
    SPEC_EMITS  = 4,
    SPEC_TEXTS  = 5 /* different values of the field s */
};

enum { SPEC_SECOND = 1000000000 };

/* Fields of every input's events; the schema's last one is their time. */
enum { FIELD_K, FIELD_G, FIELD_V, FIELD_W, FIELD_X, FIELD_S, FIELD_AT, N_FIELDS };

/* One comparison of a condition. */
typedef enum spec_test_kind {
    TEST_NONE,     /* true                       */
    TEST_FIELD,    /* field op constant          */
    TEST_LAST,     /* v op s.v                   */
    TEST_FIRST,    /* v op first(s.v)            */
    TEST_SUM,      /* sum(s.v) + v op constant   */
    TEST_COUNT,    /* count(s) op constant       */
    TEST_MIN,      /* v op min(s.w)              */
    TEST_MAX,      /* v op max(s.v)              */
    TEST_AVG,      /* v op avg(s.v)              */
    TEST_NTH,      /* v op s[constant].v         */
    TEST_NTH_LAST, /* v op s[-1 - constant].v    */
    TEST_PREV,     /* v op prev.v                */
    TEST_FIRST_X,  /* x op first(s.x)            */
    TEST_LAST_S,   /* s op s.s                   */
    TEST_KEY,      /* v op k, or s op s: the partition's key */
    N_TESTS
} spec_test_kind;

typedef struct spec_test {
    spec_test_kind kind;
    uint32_t       field;
    uint32_t       op; /* index of SPEC_OPERATORS */
    int64_t        constant;
    uint32_t       step; /* id of the step that it reads */
} spec_test;

extern const char *const SPEC_OPERATORS[6];

/* Short, equal in the first bytes, and too long to be kept in place. */
extern const char *const SPEC_TEXT_VALUES[SPEC_TEXTS];

typedef struct spec_where {
    spec_test tests[SPEC_TESTS];
} spec_where;

typedef struct spec_element {
    weiri_pattern_kind   kind;
    weiri_contiguity     contiguity;
    bool                 is_negated;
    uint32_t             min;
    uint32_t             max;
    weiri_inner          inner;
    weiri_preference     preference;
    bool                 has_until;
    spec_where           until;
    uint32_t             id; /* of a step, for references */
    uint32_t             input;
    int64_t              gap_s; /* -1: none */
    spec_where           where;
    struct spec_element *items[SPEC_ITEMS];
    uint32_t             n_items;
} spec_element;

typedef struct spec_emit {
    weiri_register_kind kind;
    uint32_t            step;  /* id     */
    uint32_t            field; /* V, W, X or S */
    uint32_t            index;
} spec_emit;

typedef struct spec_event {
    uint32_t input;
    int64_t  time_s;
    int64_t  values[FIELD_AT]; /* INT64_MIN: null */
} spec_event;

typedef struct spec {
    spec_element *root;
    uint32_t      n_inputs;
    uint32_t      n_keys;
    bool          is_text_key; /* by s, and not by k */
    int64_t       within_s;    /* -1: none */
    int64_t       silence_s;   /* -1: none */
    weiri_skip    skip;
    uint32_t      skip_step; /* id */
    bool          has_timeout;
    uint32_t      max_matches;
    uint32_t      max_runs; /* UINT32_MAX: no bound */
    spec_emit     emits[SPEC_EMITS];
    uint32_t      n_emits;
    spec_event    events[SPEC_EVENTS];
    uint32_t      n_events;
    uint64_t      reload;    /* seed of where its state is saved and loaded; 0: nowhere */
    uint64_t      cut;       /* seed of how the input is cut into batches */
    bool          is_closed; /* a watermark after the last event          */
} spec;

/* What a case exercises; counted over those that match. */
#define SPEC_FEATURE_LIST(X)                                                             \
    X(NEXT, "=>")                                                                        \
    X(FOLLOWED, "->")                                                                    \
    X(FOLLOWED_ANY, "->>")                                                               \
    X(AND, "and")                                                                        \
    X(OR, "or")                                                                          \
    X(GROUP, "( )")                                                                      \
    X(OPTIONAL, "?")                                                                     \
    X(LOOP, "{m,}")                                                                      \
    X(TIMES, "{m,n}")                                                                    \
    X(QUANTIFIED_GROUP, "( ){m,n}")                                                      \
    X(INNER_NEXT, "next")                                                                \
    X(INNER_ANY, "any")                                                                  \
    X(GREEDY, "greedy")                                                                  \
    X(LAZY, "lazy")                                                                      \
    X(UNTIL, "until")                                                                    \
    X(NOT_FIRST, "not first")                                                            \
    X(NOT_NEXT, "=> not")                                                                \
    X(NOT_FOLLOWED, "-> not")                                                            \
    X(NOT_LAST, "not last")                                                              \
    X(NOT_IN_AND, "not in and")                                                          \
    X(CORRELATED, "a.x")                                                                 \
    X(TEXT, "s == \"a\"")                                                                \
    X(KEY, "the key in a condition")                                                     \
    X(AGGREGATE, "sum(a.x)")                                                             \
    X(PREV, "prev")                                                                      \
    X(GAP, "within of previous")                                                         \
    X(WITHIN, "within")                                                                  \
    X(ONE_KEY, "by k")                                                                   \
    X(TWO_KEYS, "by k, g")                                                               \
    X(TEXT_KEY, "by s")                                                                  \
    X(MAX_RUNS, "max_runs")                                                              \
    X(MAX_MATCHES, "max_matches")                                                        \
    X(TWO_INPUTS, "two inputs")                                                          \
    X(TIMEOUT, "on timeout")                                                             \
    X(SILENCE, "silence")                                                                \
    X(SKIP_OVERLAPS, "skip overlaps")                                                    \
    X(SKIP_USED, "skip used")                                                            \
    X(SKIP_USED_LATEST, "skip used latest")                                              \
    X(SKIP_NONE, "skip none")                                                            \
    X(SKIP_TO_NEXT, "skip to next")                                                      \
    X(SKIP_PAST_LAST, "skip past last")                                                  \
    X(SKIP_TO_FIRST, "skip to first")                                                    \
    X(SKIP_TO_LAST, "skip to last")

typedef enum spec_feature {
#define X(name, text) FEATURE_##name,
    SPEC_FEATURE_LIST(X)
#undef X
        N_FEATURES
} spec_feature;

const char *
spec_feature_text(spec_feature feature);

/* A set of features. */
uint64_t
spec_features(const spec *self);

/* A deep copy of the pattern; the rest by value. */
spec
spec_copy(weiri_arena *arena, const spec *self);

/* Whether the checker of rules would take it: where `not` may stand and the like. */
bool
spec_is_valid(const spec *self);

/* The case number `seed`. Always valid. */
spec
spec_random(weiri_arena *arena, uint64_t seed);

/* The plan of the case. */
weiri_match *
spec_plan(weiri_arena *arena, const spec *self);

const weir_schema *
spec_schema(void);

/* An empty chunk for events of the case. */
weir_chunk *
spec_new_chunk(void);

/* Append an event, as number `order` of its input. */
void
spec_add_event(weir_chunk *chunk, const spec_event *e, uint64_t order);

/* The rule as a person would write it, and its events, a line each. */
const char *
spec_text(weiri_arena *arena, const spec *self);

/* A number < n, see ../support/random.h. */
uint32_t
spec_below(uint64_t *seed, uint32_t n);

#endif
