/* What the planning of one `match` rule shares between its files. */
#ifndef WEIRI_PLANNER_MATCH_H
#define WEIRI_PLANNER_MATCH_H

#include "planner_query.h"

/* A node of the pattern as written, so that it can be said what comes before what. */
typedef struct weiri_element {
    const weiri_ast_pattern *ast;
    uint32_t                 parent;   /* index; WEIRI_NONE: the whole pattern */
    uint32_t                 position; /* among the parent's items           */
    uint32_t                 min;
    uint32_t                 max;
} weiri_element;

typedef struct weiri_match_step {
    const weiri_ast_pattern *ast;
    uint32_t                 element;
    uint32_t                 stream;
    bool                     is_named;   /* it has a name that may be used         */
    bool                     is_leading; /* a not before all steps that take events */
} weiri_match_step;

typedef struct weiri_until {
    weiri_pattern *pattern;
    uint32_t       element;
} weiri_until;

/* Where an expression stands, which decides what a name in it means. */
typedef enum weiri_stand {
    WEIRI_STAND_CONDITION, /* of a step or until: bare names are fields of the event */
    WEIRI_STAND_ARGUMENT,  /* of an aggregate: fields of one step's event            */
    WEIRI_STAND_EMIT,
    WEIRI_STAND_TIMEOUT
} weiri_stand;

typedef struct weiri_matching {
    weiri_planner        *planner;
    const weiri_ast_rule *rule;
    weiri_match          *match;
    weiri_element        *elements;
    uint32_t              n_elements;
    weiri_match_step      steps[WEIRI_STEPS]; /* same index as match->steps */
    weiri_step            plan_steps[WEIRI_STEPS];
    weiri_until          *untils;
    uint32_t              n_untils;
    const char          **key_names; /* shape (n_keys,): as emit may call them, or NULL */
    const weir_type      *key_types;
    bool                  is_broken; /* something was reported */

    /* of the expression being typed */
    weiri_stand stand;
    uint32_t    input;   /* whose event is under test                    */
    uint32_t    element; /* whose condition it is; WEIRI_NONE in an emit */
    uint32_t    argument_step;
    bool        is_key; /* of a lookup: of the input's event */

    weiri_querying **looking; /* shape (n_inputs,): what each input's events are looked up
                               * with; NULL: nothing                           */
} weiri_matching;

/* How a step's events stand in time to the place of an expression. */
typedef enum weiri_relation {
    WEIRI_SURELY_BEFORE,
    WEIRI_MAYBE_BEFORE,
    WEIRI_NOT_BEFORE,
    WEIRI_OTHER_ALTERNATIVE,
    WEIRI_ITSELF
} weiri_relation;

/* ---- planner_pattern.c ---- */

/* The tree of the pattern and its steps, without conditions. */
void
weiri_plan_pattern(weiri_matching *self);

/* ---- planner_condition.c ---- */

/* Conditions of steps and untils. */
void
weiri_plan_conditions(weiri_matching *self);

weiri_relation
weiri_relation_of(const weiri_matching *self, uint32_t step, uint32_t element);

/* ---- planner_steps.c ---- */

/* A scope's resolve; context is a weiri_matching. */
weiri_expr *
weiri_resolve_step(void *context, const weiri_ast_expr *node, bool *is_handled);

/* The step of this name; WEIRI_NONE if there is none. */
uint32_t
weiri_find_step(const weiri_matching *self, const char *name);

/* The same, and a report if there is none. */
uint32_t
weiri_need_step(weiri_matching *self, weiri_ast_name name);

/* A field of an input's event; NULL after a report. */
weiri_expr *
weiri_field_of_input(weiri_matching *self, uint32_t input, weiri_ast_name name);

/* Report why the events of a step cannot be read here, if so. */
bool
weiri_check_step_readable(weiri_matching *self, uint32_t step, weiri_span at);

/* ---- planner_lookup.c ---- */

/* The value of a lookup: `card[txn.card].limit`. NULL after a report. */
weiri_expr *
weiri_match_lookup(weiri_matching *self, const weiri_ast_expr *node);

/* What a name before a field means in the key of a lookup: a field of the event. */
weiri_expr *
weiri_match_lookup_member(weiri_matching *self, const weiri_ast_expr *node);

/* The match is planned: let it read what lookups have added to its inputs. Before its
 * fields are marked. */
void
weiri_match_read_lookups(weiri_matching *self);

/* The rule is planned, and marked: let its lookups go before it. */
void
weiri_match_keep_lookups(weiri_matching *self);

/* ---- planner_registers.c ---- */

/* A register with this argument for events of `step`; one that is there already is used
 * again. `argument` NULL: it has none. */
weiri_expr *
weiri_add_register(weiri_matching *self, weiri_register_kind kind, uint32_t step,
    uint32_t index, weiri_expr *argument);

/* prev: arguments by input, NULL where no such event can be the one before. */
weiri_expr *
weiri_add_previous(weiri_matching *self, const weiri_expr **arguments);

weiri_expr *
weiri_key_register(weiri_matching *self, uint32_t key);

/* Aggregates and time(step). */
weiri_expr *
weiri_resolve_aggregate(
    weiri_matching *self, const weiri_ast_expr *node, bool *is_handled);

/* ---- planner_key.c ---- */

void
weiri_plan_keys(weiri_matching *self);

/* ---- planner_warn.c ---- */

void
weiri_warn_match(weiri_matching *self);

#endif
