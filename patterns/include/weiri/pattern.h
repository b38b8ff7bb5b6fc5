/* The plan of one `match` rule: what the rule compiler hands to the matcher.
 *
 * Plain data in an arena, immutable once made. The pattern stays a tree; automata are
 * made from it by whoever runs it (the matcher here, the reference matcher in tests).
 */
#ifndef WEIRI_PATTERN_H
#define WEIRI_PATTERN_H

#include "weiri/expr.h"

#define WEIRI_UNBOUNDED UINT32_MAX
#define WEIRI_NONE      UINT32_MAX

/* What led to an event that a rule emits, as a number that orders what the rule emits at
 * one time: the position in the rule's input of the event that completed it or, after all
 * those, WEIRI_TRIGGER_LATER + the position of the event with which began what the
 * passing of time has completed. */
#define WEIRI_TRIGGER_LATER (UINT64_C(1) << 63)

/* A condition on the event under test, split by what it reads. Holds where both are true;
 * a part that is NULL is true. */
typedef struct weiri_condition {
    const weiri_expr *unary;      /* reads the event only          */
    const weiri_expr *correlated; /* reads registers, and the event */
} weiri_condition;

typedef enum weiri_pattern_kind {
    WEIRI_PATTERN_STEP,     /* one event                          */
    WEIRI_PATTERN_SEQUENCE, /* items one after another            */
    WEIRI_PATTERN_OR,       /* one of the items                   */
    WEIRI_PATTERN_AND       /* all items, in any order            */
} weiri_pattern_kind;

/* How an element follows what stands before it in its sequence. */
typedef enum weiri_contiguity {
    WEIRI_FIRST,       /* it begins its sequence       */
    WEIRI_NEXT,        /* =>   the very next event     */
    WEIRI_FOLLOWED,    /* ->   the next that fits      */
    WEIRI_FOLLOWED_ANY /* ->>  any later that fits     */
} weiri_contiguity;

/* How a repetition follows the one before it. */
typedef enum weiri_inner {
    WEIRI_INNER_RELAXED, /* others between are skipped        */
    WEIRI_INNER_NEXT,    /* `next`: next to each other        */
    WEIRI_INNER_ANY      /* `any`: every combination          */
} weiri_inner;

/* Who gets an event that fits both the repetition and what comes after it. */
typedef enum weiri_preference {
    WEIRI_PREFER_BOTH,
    WEIRI_PREFER_GREEDY, /* the repetition       */
    WEIRI_PREFER_LAZY    /* the element after it */
} weiri_preference;

typedef struct weiri_pattern {
    weiri_pattern_kind     kind;
    weiri_contiguity       contiguity;
    bool                   is_negated; /* `not`: a step only, min = max = 1 */
    uint32_t               min;        /* repetitions; 1, 1 without a quantifier */
    uint32_t               max;        /* WEIRI_UNBOUNDED for no bound      */
    weiri_inner            inner;
    weiri_preference       preference;
    weiri_condition       *until; /* NULL: none. All steps of it read one input */
    uint32_t               step;  /* of WEIRI_PATTERN_STEP             */
    struct weiri_pattern **items; /* of the other kinds                */
    uint32_t               n_items;
} weiri_pattern;

typedef struct weiri_step {
    const char     *name;  /* unique in the rule; made up ("auth#2") if not given */
    uint32_t        input; /* index of weiri_match.inputs            */
    weiri_condition where;
    int64_t         gap_ns; /* `within D of previous`; -1: none       */
} weiri_step;

/* What a register holds, as of the events taken so far; null before the first. */
typedef enum weiri_register_kind {
    WEIRI_REGISTER_KEY,      /* value `index` of the partition's key         */
    WEIRI_REGISTER_LAST,     /* argument at the step's latest event          */
    WEIRI_REGISTER_FIRST,    /* argument at the step's first event           */
    WEIRI_REGISTER_NTH,      /* at its event `index` from the start, 0-based */
    WEIRI_REGISTER_NTH_LAST, /* at its event `index` from the end, 0 = last  */
    WEIRI_REGISTER_COUNT,    /* events taken by the step: 0 before the first; with an
                              * argument of type bool, those where it is true */
    WEIRI_REGISTER_SUM,      /* 0 before the first; null events left out      */
    WEIRI_REGISTER_AVG,
    WEIRI_REGISTER_MIN,
    WEIRI_REGISTER_MAX,
    WEIRI_REGISTER_STDDEV,   /* of the population */
    WEIRI_REGISTER_VARIANCE, /* of the population */
    WEIRI_REGISTER_COLLECT,  /* list, at most WEIRI_LIST_ITEMS, empty before the first */
    WEIRI_REGISTER_START,    /* time of the match's first event              */
    WEIRI_REGISTER_END       /* time of the match: of its last event or its deadline */
} weiri_register_kind;

typedef struct weiri_register {
    weiri_register_kind kind;
    uint32_t            step; /* whose events; WEIRI_NONE: of any step (`prev`)    */
    uint32_t            index;
    const weiri_expr **arguments; /* shape (n_inputs,): the argument over an event of that
                                   * input, NULL where the step cannot have one; reads the
                                   * event only. NULL for KEY, START, END, bare COUNT */
    weir_type type;               /* of the result */
    weir_type element;
    bool      in_condition; /* read by a condition, not by emit alone */
} weiri_register;

typedef enum weiri_skip {
    WEIRI_SKIP_OVERLAPS,
    WEIRI_SKIP_USED,
    WEIRI_SKIP_USED_LATEST,
    WEIRI_SKIP_NONE,
    WEIRI_SKIP_TO_NEXT,
    WEIRI_SKIP_PAST_LAST,
    WEIRI_SKIP_TO_FIRST, /* of weiri_match.skip_step */
    WEIRI_SKIP_TO_LAST
} weiri_skip;

typedef struct weiri_match_input {
    uint32_t           stream; /* index of weiri_plan.streams                    */
    const weir_schema *schema;
    const weiri_expr **keys; /* shape (n_keys,): the partition of an event; same
                              * types in every input                           */
} weiri_match_input;

/* One event to emit: a value for each field of `schema`. */
typedef struct weiri_emit {
    const weir_schema *schema; /* of the derived stream */
    const weiri_expr **values; /* shape (schema->n_fields,): over registers for a
                                * match, over the event's fields for a query      */
    uint32_t stream;           /* index of weiri_plan.streams                     */
} weiri_emit;

typedef struct weiri_match {
    weiri_match_input *inputs;
    uint32_t           n_inputs;
    uint32_t           n_keys; /* 0: one partition */
    weiri_pattern     *pattern;
    weiri_step        *steps;
    uint32_t           n_steps;
    weiri_register    *registers;
    uint32_t           n_registers;
    int64_t            within_ns; /* last event minus first is at most this; -1: none */
    int64_t silence_ns; /* `match not step for D`: the pattern is that one negated step;
                           -1: no */
    weiri_skip  skip;
    uint32_t    skip_step;
    weiri_emit *emit;       /* NULL: matches give nothing, timeouts do */
    weiri_emit *on_timeout; /* NULL: none */
    uint32_t    max_runs; /* events of a partition with partial matches that they began */
    uint32_t    max_matches; /* matches that one event may complete      */
    uint32_t    limit;       /* `limit n` of what `emit` gives; 0: none  */
    int64_t     limit_ns;    /* `per D`: of a key, at most n in any span of time shorter
                              * than D; -1: once for all                         */
} weiri_match;

#endif
