/* From the syntax tree to a plan.
 *
 *   planner.c            the order of work
 *   planner_streams.c    which streams there are, and their fields
 *   planner_table.c      tables: what fills them, what is written into them
 *   planner_params.c     parameters and constants
 *   planner_io.c         sources and sinks
 *   planner_order.c      which rule feeds which
 *   planner_plugin.c     plugins, and their parts but actors
 *   planner_actor.c      actors of plugins
 *   planner_query.c      rules that begin with `from`: clauses and names
 *   planner_join.c       … the streams that they join
 *   planner_window.c     … their window, key, order and limits
 *   planner_aggregate.c  … what they compute over a window
 *   planner_emit.c       what rules emit
 *   planner_match.c      rules that begin with `match`: clauses
 *   planner_pattern.c    … the pattern
 *   planner_steps.c      … names in its conditions and emits
 *   planner_registers.c  … values that are kept of earlier events
 *   planner_test.c       tests of rules
 *   planner_warn.c       what is legal and probably not meant
 */
#ifndef WEIRI_PLANNER_H
#define WEIRI_PLANNER_H

#include "names.h"
#include "types.h"
#include "weiri/limits.h"

enum { WEIRI_LOOKUPS = 16 /* different ones of one rule */ };

/* What is known of a stream beside its row in the plan (same index). */
typedef struct weiri_stream_info {
    weiri_span              at;       /* declared, or emitted first     */
    const weiri_ast_stream *declared; /* NULL: derived, fields inferred */
    bool                    has_source;
    bool                    is_emitted;
    bool                    is_known;   /* its fields are                  */
    bool                    is_broken;  /* something about it was reported */
    const char             *first_rule; /* whose emit gave the fields     */
    uint32_t                n_pending;  /* emits of rules not placed yet  */
} weiri_stream_info;

typedef struct weiri_param {
    const weiri_ast_param *declared;
    weiri_expr            *value; /* a constant; NULL: reported */
} weiri_param;

typedef struct weiri_actor_info {
    const weiri_ast_plugin  *declared;
    const weir_plugin_actor *actor;  /* NULL: reported */
    const weir_value        *params; /* NULL: reported */
    weiri_on_error           on_error;
    uint32_t                 dead; /* index of its stream; WEIRI_NONE: nobody reads it */
    int64_t                  idle_ns;   /* -1: for ever */
    int64_t                  budget_ns; /* -1: default  */
    const char              *path;      /* of the library, or the program */
} weiri_actor_info;

/* connector name from "plugin" */
typedef struct weiri_connector {
    const char               *name;
    weiri_span                at;
    const weir_plugin_source *source; /* NULL: it has none */
    const weir_plugin_sink   *sink;   /* likewise */
    bool                      is_broken;
} weiri_connector;

/* codec name from "plugin" */
typedef struct weiri_codec_info {
    const char              *name;
    const weir_plugin_codec *codec; /* NULL: reported */
} weiri_codec_info;

/* What `from geo(auth) by ip` gives is a stream of this name. */
typedef struct weiri_actor_use {
    const weiri_ast_rule *rule; /* the first that asks for it */
    uint32_t              actor;
    uint32_t              stream;
    bool                  is_keyed;
} weiri_actor_use;

/* A table is two streams without a name: what its file has, and every change of it. The
 * fields of the second may be null where they are not part of the key, and the last says
 * what the change is (weiri_join_change). */
typedef struct weiri_table_info {
    const weiri_ast_stream *declared;
    uint32_t                contents;
    uint32_t                changes;
    uint32_t                gone; /* rows that its file has no longer; WEIRI_NONE */
    uint32_t               *keys; /* shape (n_keys,): fields */
    uint32_t                n_keys;
    uint32_t                max_rows; /* 0: default */
    int64_t                 keep_ns;  /* -1: for ever */
    bool                    has_file;
    uint32_t                n_writers; /* rules       */
} weiri_table_info;

/* A rule with the streams it reads and writes, as indexes. */
typedef struct weiri_rule_info {
    const weiri_ast_rule  *rule;
    uint32_t              *reads;
    uint32_t               n_reads;
    uint32_t               writes[2]; /* emit, on timeout; WEIRI_NONE: no such */
    const weiri_actor_use *use; /* NULL; else it is `from actor(stream)` of `rule` */
    bool                   is_broken; /* not planned                           */
    bool                   is_placed;
    bool                   reads_own; /* the table that it writes */
} weiri_rule_info;

typedef struct weiri_planner {
    weiri_arena                 *arena;
    weiri_diagnostics           *diagnostics;
    const weiri_compile_options *options;
    const weiri_ast             *ast;
    weiri_plan                  *plan;
    weiri_names                  stream_names;
    weiri_names                  param_names;
    weiri_names                  rule_names;
    weiri_names                  table_names;
    weiri_table_info            *tables;
    uint32_t                     n_tables;
    weiri_stream_info           *streams; /* as many as plan->n_streams */
    weiri_param                 *params;
    uint32_t                     n_params;
    weiri_functions             *functions; /* of plugins */
    const weiri_foreign        **foreigns;  /* aggregates of plugins */
    uint32_t                     n_foreigns;
    weiri_connector             *connectors;
    uint32_t                     n_connectors;
    weiri_codec_info            *codecs;
    uint32_t                     n_codecs;
    weiri_actor_info            *actors;
    uint32_t                     n_actors;
    weiri_actor_use             *uses;
    uint32_t                     n_uses;
    weiri_rule_info             *rules; /* as written */
    uint32_t                     n_rules;
    bool has_lost_names; /* unknown names may be our fault and are not reported */
} weiri_planner;

/* Plan all files of the tree; NULL if anything was reported as an error. */
weiri_plan *
weiri_plan_files(weiri_arena *arena, weiri_diagnostics *diagnostics,
    const weiri_compile_options *options, const weiri_ast *ast);

/* The same, but what could be planned is given in any case, never NULL: for tools that
 * help while rules are being written. It cannot be run if anything was reported. */
weiri_plan *
weiri_plan_partly(weiri_arena *arena, weiri_diagnostics *diagnostics,
    const weiri_compile_options *options, const weiri_ast *ast);

/* ---- planner.c ---- */

/* The next statement of a kind, over all files; NULL past the last. Begin at *i = 0. */
const weiri_ast_statement *
weiri_planner_next(const weiri_planner *self, weiri_word kind, uint64_t *i);

/* A place with a file name that lives as long as the plan. */
weiri_place_in_text
weiri_planner_place(const weiri_planner *self, weiri_span at);

void
weiri_report_not_yet(const weiri_planner *self, weiri_span at, const char *what);

/* ---- planner_streams.c ---- */

void
weiri_plan_streams(weiri_planner *self);

/* Index of the stream of this name, WEIRI_NONE if there is none. */
uint32_t
weiri_find_stream(const weiri_planner *self, const char *name);

/* The same, and a report if there is none. */
uint32_t
weiri_need_stream(weiri_planner *self, weiri_ast_name name);

/* A stream without a name that rules could use, for which there is room: one for each
 * join of a rule. */
uint32_t
weiri_add_hidden_stream(
    weiri_planner *self, const char *name, weiri_origin origin, weiri_span at);

/* What users call a stream: a table's by the table's name. */
const char *
weiri_stream_name(const weiri_planner *self, uint32_t stream);

/* Likewise what it is: "stream" or "table". */
const char *
weiri_stream_word(const weiri_planner *self, uint32_t stream);

/* Report that a stream has no such field, with the nearest; nothing for a broken one. */
void
weiri_report_no_field(weiri_planner *self, uint32_t stream, weiri_ast_name name);

uint32_t
weiri_add_stream(
    weiri_planner *self, const char *name, weiri_origin origin, weiri_span at);

/* ---- planner_actor.c ---- */

/* ---- planner_plugin.c ---- */

/* Load what a statement names; NULL after a report. */
struct weiri_plugin *
weiri_open_plugin(weiri_planner *self, const weiri_ast_plugin *declared);

/* A path in a file of rules, from where the rules are. */
const char *
weiri_path_beside(weiri_planner *self, uint32_t file, const char *path);

/* The values of parameters, in the order in which a plugin declares them; NULL after a
 * report.
 *
 *   kind  "actor", for reports
 */
const weir_value *
weiri_plugin_params(weiri_planner *self, const char *kind, weiri_ast_name name,
    const weiri_ast_options *options, const weir_plugin_field *params, uint32_t n_params);

/* Load what `function` statements name. */
void
weiri_plan_functions(weiri_planner *self);

/* The same for aggregates, connectors and codecs; after the parameters of the rules,
 * which may be given to them. */
void
weiri_plan_parts(weiri_planner *self);

/* What is called `name`; NULL: nothing. */
const weiri_foreign *
weiri_find_foreign(const weiri_planner *self, const char *name);
weiri_connector *
weiri_find_connector(const weiri_planner *self, const char *name);
weiri_codec_info *
weiri_find_codec(const weiri_planner *self, const char *name);

/* ---- planner_actor.c ---- */

/* After the parameters, which may be given to actors. */
void
weiri_plan_actors(weiri_planner *self);

/* The stream that a rule's `from actor(stream)` reads, added if it is new: after all
 * emits are known. */
void
weiri_collect_uses(weiri_planner *self);

/* What a rule that begins with `from` reads: the stream, or what an actor makes of it.
 * NULL: none; *use NULL: no actor. */
const char *
weiri_from_name(
    const weiri_planner *self, const weiri_ast_rule *rule, const weiri_actor_use **use);

/* Index of the actor of this name; WEIRI_NONE. */
uint32_t
weiri_find_actor(const weiri_planner *self, const char *name);

/* The rule that an actor at work is; false after a report. */
bool
weiri_plan_use(weiri_planner *self, const weiri_actor_use *use, weiri_rule *out);

/* What is read of events that actors pass on is needed of those that come. */
void
weiri_mark_actor_fields(weiri_planner *self);
/* The fields that a stream's declaration gives. */
void
weiri_set_fields(weiri_planner *self, uint32_t stream);

/* ---- planner_table.c ---- */

/* Which tables there are, and the rules that bring what their files have. */
void
weiri_plan_tables(weiri_planner *self);

/* NULL: there is none of this name. */
weiri_table_info *
weiri_find_table(const weiri_planner *self, const char *name);

/* The same, and a report if there is none. */
weiri_table_info *
weiri_need_table(weiri_planner *self, weiri_ast_name name);

/* The table that an expression looks up: `card[x].limit`. NULL: it is no lookup. */
weiri_table_info *
weiri_table_of_lookup(const weiri_planner *self, const weiri_ast_expr *node);

/* Tables whose lookups stand in an expression or below. */
void
weiri_each_lookup(const weiri_planner *self, const weiri_ast_expr *node,
    void (*found)(void *context, weiri_table_info *table), void   *context);

/* What an emit into a table, or a delete, writes: values in the order of its changes'
 * fields. NULL after a report.
 *
 *   values  shape (n_fields of its contents,): of a delete those of the key, the others
 *           are NULL
 */
weiri_emit *
weiri_table_emit(weiri_planner *self, const weiri_table_info *table,
    const weiri_ast_emit *emit, const weiri_expr **values);

/* ---- planner_params.c ---- */

void
weiri_plan_params(weiri_planner *self);

/* The value of a parameter; *is_param false and NULL if there is none. */
weiri_expr *
weiri_find_param(const weiri_planner *self, const char *name, bool *is_param);

/* A constant; NULL after a report. */
const weir_value *
weiri_constant(
    weiri_planner *self, const weiri_ast_expr *node, weir_type type, const char *what);

/* The same of whatever type it is. */
const weir_value *
weiri_constant_any(weiri_planner *self, const weiri_ast_expr *node, const char *what);

/* A duration above zero (or from zero on), -1 after a report. */
int64_t
weiri_constant_duration(
    weiri_planner *self, const weiri_ast_expr *node, bool may_be_zero, const char *what);

/* ---- planner_io.c ---- */

void
weiri_plan_io(weiri_planner *self);

/* A source of a stream; false after a report. */
bool
weiri_plan_source(
    weiri_planner *self, const weiri_ast_io *ast, uint32_t stream, weiri_source *out);

/* ---- planner_lines.c ---- */

/* format lines(`(?<at>\S+) …`, year: 2026) of a source of `stream`, NULL if that is
 * broken. False after a report. */
bool
weiri_plan_lines(weiri_planner *self, const weiri_ast_io *ast, const weiri_stream *stream,
    weiri_lines *out);

/* Whether the times of a source of this stream say their year, or it is said of them.
 * False after a report. */
bool
weiri_check_years(weiri_planner *self, const weiri_ast_io *ast, const weir_schema *schema,
    const weiri_lines *lines);

/* ---- planner_wire.c ---- */

/* zmq("address", type: pull, bind: true, topic: "x"). False after a report. */
bool
weiri_plan_wire(weiri_planner *self, const weiri_ast_endpoint *endpoint, bool is_sink,
    weiri_wire_config *out);

/* ---- planner_node.c ---- */

/* node("name", silence: 3s), of a sink also backlog: "64mb" and full: drop. False after a
 * report.
 *
 *   path  the name, or a pattern
 */
bool
weiri_plan_node(weiri_planner *self, const weiri_ast_endpoint *endpoint, bool is_sink,
    const char **path, weiri_link_options *out);

/* The peers that a name or pattern means, sorted; without a node file itself. Returns how
 * many; 0 after a report. */
uint32_t
weiri_plan_peers(weiri_planner *self, const weiri_ast_endpoint *endpoint,
    const char *path, const char ***out);

/* ---- planner_order.c ---- */

/* Which streams each rule reads and writes. */
void
weiri_collect_rules(weiri_planner *self);

/* Plan the rules so that each comes after those that feed it; report cycles. */
void
weiri_plan_rules(weiri_planner *self);

/* ---- planner_emit.c ---- */

/* What an emit without braces gives: the value of a field of the one event. */
typedef struct weiri_whole {
    const weir_schema *schema; /* NULL: there is not one event, and `why` says why */
    const char        *why;
    weiri_expr *(*field)(void *context, uint32_t field);
    void *context;
} weiri_whole;

/* NULL after a report. */
weiri_emit *
weiri_plan_emit(weiri_planner *self, const weiri_scope *scope, const weiri_ast_rule *rule,
    const weiri_ast_emit *emit, const weiri_whole *whole);

/* ---- planner_window.c ---- */

/* `limit n per D` and `limit n` of a rule of either kind: 0 and -1 where there is none.
 * False after a report. */
bool
weiri_plan_limit(
    weiri_planner *self, const weiri_ast_rule *rule, uint32_t *limit, int64_t *limit_ns);

/* ---- planner_query.c, planner_match.c ---- */

weiri_query *
weiri_plan_query(weiri_planner *self, const weiri_ast_rule *rule);

weiri_match *
weiri_plan_match(weiri_planner *planner, const weiri_ast_rule *rule);

/* ---- planner_test.c ---- */

/* All tests are checked; only a compilation with tests reads every stream. */
void
weiri_plan_tests(weiri_planner *self);

/* ---- planner_warn.c ---- */

void
weiri_warn_streams(weiri_planner *self);

void
weiri_warn_tables(weiri_planner *self);

#endif
