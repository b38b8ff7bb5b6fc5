/* What the planner keeps while it plans one rule that begins with `from`. */
#ifndef WEIRI_PLANNER_QUERY_H
#define WEIRI_PLANNER_QUERY_H

#include "planner.h"

/* Where an expression stands: what a name means there. */
typedef enum weiri_query_stand {
    WEIRI_QUERY_WHERE,    /* one event                                         */
    WEIRI_QUERY_KEY,      /* likewise                                          */
    WEIRI_QUERY_ARGUMENT, /* likewise: what an aggregate reads, and its filter */
    WEIRI_QUERY_EMIT,     /* what a window holds; without one, the event       */
    WEIRI_QUERY_HAVING,   /* likewise, and names that emit gives               */
    WEIRI_QUERY_ORDER     /* likewise, these first                             */
} weiri_query_stand;

enum {
    WEIRI_JOINS = 15, /* written in one rule                              */
    WEIRI_PARTS = 1 + WEIRI_JOINS + WEIRI_LOOKUPS
};

/* One of the streams that a rule reads, and where its fields are in the joined row. */
typedef struct weiri_query_part {
    const char        *name; /* as the rule calls it; NULL: looked up, not named */
    uint32_t           stream;
    uint32_t           first; /* its fields are first … of query->schema */
    weiri_expr *const *keys;  /* looked up: by what; shape (the table's n_keys,)     */
    uint32_t           of_on; /* looked up for the `on` of a join, and as of its side's
                               * time: that join's number, from 1; 0: for all      */
} weiri_query_part;

/* `fill`, and the rule that is made of it. */
typedef struct weiri_filling {
    uint32_t           stream;    /* of the filled events                  */
    uint32_t           from;      /* what is filled                        */
    uint32_t           n_joins;   /* that come before it                   */
    bool              *is_filled; /* shape (the stream's n_fields,)      */
    const weiri_expr **keys;      /* shape (rule->n_keys,)               */
    int64_t            within_ns;
    weiri_query       *query; /* when the rest of the rule is planned    */
} weiri_filling;

typedef struct weiri_querying {
    weiri_planner        *planner;
    const weiri_ast_rule *rule;
    weiri_query          *query;
    weiri_query_stand     stand;
    bool                  is_closed; /* a window with an end: no event of its own */
    bool                  is_broken;
    weiri_query_part      parts[WEIRI_PARTS + 1]; /* those with names, as written */
    uint32_t              n_parts;
    uint32_t              n_named; /* of the parts, the first */
    weiri_join           *joins[WEIRI_PARTS];
    uint32_t              n_joins;
    uint32_t              of_on;    /* the `on` of this join is being planned; 0: none */
    uint32_t              n_before; /* joins of the same rule that others have  */
    weiri_filling         fill;
    const weiri_join     *own; /* of the table that the rule writes; NULL: none */
} weiri_querying;

/* ---- planner_query.c ---- */

/* Type an expression where it stands; NULL after a report. */
weiri_expr *
weiri_query_expr(
    weiri_querying *self, weiri_query_stand stand, const weiri_ast_expr *node);

weiri_expr *
weiri_query_condition(
    weiri_querying *self, weiri_query_stand stand, const weiri_ast_expr *node);

/* The field that a name, alone or with its stream's before it, is of the row that the
 * query reads; WEIRI_NONE: it is none, and nothing is reported. */
uint32_t
weiri_query_find(const weiri_querying *self, const weiri_ast_expr *node);

/* ---- planner_join.c ---- */

/* What the rule reads, in self->parts and self->query. False after a report. */
bool
weiri_plan_joins(weiri_querying *self);

/* The field of the joined row that a lookup is, joined if it is the first of its key.
 * WEIRI_NONE after a report. */
uint32_t
weiri_query_lookup(
    weiri_querying *self, const weiri_table_info *table, const weiri_ast_expr *node);

/* The same, the parts of the key typed by `type`. */
typedef weiri_expr *(*weiri_key_typing)(void *context, const weiri_ast_expr *node);

uint32_t
weiri_lookup(weiri_querying *self, const weiri_table_info *table,
    const weiri_ast_expr *node, weiri_key_typing type, void *context);

/* ---- planner_on.c ---- */

/* What expressions over a joined row read. */
enum {
    WEIRI_READS_NOTHING = 0,
    WEIRI_READS_LEFT    = 1,
    WEIRI_READS_RIGHT   = 2,
    WEIRI_READS_BOTH    = 3
};

/* Which sides an expression over the joined row reads. */
unsigned
weiri_join_reach(
    const weiri_querying *self, const weiri_join *join, const weiri_expr *expr);

/* An expression over one row as one over another, whose fields are `by` further. */
weiri_expr *
weiri_expr_shifted(
    weiri_arena *arena, const weiri_expr *expr, const weir_schema *schema, int64_t by);

/* Its equalities are the join's keys, the rest its conditions. self->is_broken after a
 * report. */
void
weiri_plan_on(weiri_querying *self, weiri_join *join, const weiri_ast_expr *node);

/* ---- planner_fill.c ---- */

/* What the rule asks to be filled: from here on the query reads the filled events. Its
 * lookups are there already, as of the time of the events. False after a report. */
bool
weiri_plan_fill(weiri_querying *self);

/* The rest of the rule is planned, and which of the filled events' fields it needs is
 * marked: make the rule that fills, and then let it go before this one. */
void
weiri_keep_fill(weiri_querying *self);
void
weiri_push_fill(weiri_querying *self);

/* ---- planner_own.c ---- */

/* The table that the rule writes; NULL: none. */
const weiri_table_info *
weiri_own_table(const weiri_querying *self);

/* Look up what the rule asks of other tables than the one that it writes, where its own
 * comes last, or where the events are filled. */
void
weiri_plan_other_lookups(weiri_querying *self);

/* Whether the rule may read and write its table; the query is planned. */
bool
weiri_check_own_table(weiri_querying *self);

/* The rule is planned, and which fields it needs is marked: let its joins go before it.
 */
void
weiri_keep_joins(weiri_querying *self);

/* ---- planner_window.c ---- */

/* The window that the rule asks for, in self->query->window: none without the clause,
 * unless results have to be counted or compared; that is done over the last event. */
void
weiri_plan_window(weiri_querying *self);

/* One part of the key; NULL after a report. */
const weiri_expr *
weiri_plan_query_key(weiri_querying *self, const weiri_ast_key *key);

/* The key, having, order and limits. */
void
weiri_plan_window_keys(weiri_querying *self);
void
weiri_plan_window_results(weiri_querying *self);

/* The register of an expression that is part of the key, as it is written there; NULL:
 * it is none. */
weiri_expr *
weiri_query_key(weiri_querying *self, const weiri_ast_expr *node);

/* ---- planner_aggregate.c ---- */

/* The register of an aggregate of this kind without arguments: window.start, window.end,
 * or value `index` of the key. */
weiri_expr *
weiri_query_register(weiri_querying *self, weiri_aggregate_kind kind, uint32_t index);

/* The register of a call; *is_handled false if it is no aggregate. */
weiri_expr *
weiri_query_aggregate(weiri_querying *self, const weiri_ast_expr *node, bool *is_handled);

#endif
