/* The syntax tree: what was written, with its places, before names are resolved.
 *
 * Everything lives in one arena. A formatter, a language server and `weir test` read the
 * same tree; comments are in the tokens of each file (lexer.h), found by their offsets.
 * A part that could not be read is marked is_broken, and nothing is concluded from it.
 */
#ifndef WEIRI_AST_H
#define WEIRI_AST_H

#include "lexer.h"

typedef struct weiri_ast_name {
    const char *text; /* NULL: not given; a stream's may be "late.auth" */
    weiri_span  at;
} weiri_ast_name;

/* ---- expressions ---- */

typedef enum weiri_ast_kind {
    WEIRI_AST_BROKEN,
    WEIRI_AST_NULL,
    WEIRI_AST_BOOL,
    WEIRI_AST_INT,
    WEIRI_AST_FLOAT,
    WEIRI_AST_STRING,
    WEIRI_AST_DURATION,
    WEIRI_AST_NAME,    /* name                                                     */
    WEIRI_AST_MEMBER,  /* items[0] . name                                          */
    WEIRI_AST_INDEX,   /* items[0] [ items[1] ]                                    */
    WEIRI_AST_CALL,    /* name ( items )                                           */
    WEIRI_AST_UNARY,   /* name ("not", "-") items[0]                               */
    WEIRI_AST_BINARY,  /* items[0] name items[1]                                   */
    WEIRI_AST_LOGIC,   /* items joined by name: "and" or "or", two or more         */
    WEIRI_AST_IN,      /* items[0] [not] in ( items[1] … )                         */
    WEIRI_AST_BETWEEN, /* items[0] [not] between items[1] and items[2]             */
    WEIRI_AST_LIKE,    /* items[0] [not] like items[1]                             */
    WEIRI_AST_IS_NULL, /* items[0] is [not] null                                   */
    WEIRI_AST_CASE,    /* when items[0] then items[1] …; an odd one out is the else */
    WEIRI_AST_LIST     /* [ items ]                                                */
} weiri_ast_kind;

typedef struct weiri_ast_expr weiri_ast_expr;
struct weiri_ast_expr {
    weiri_ast_kind   kind;
    weiri_span       at;
    uint32_t         depth;      /* of the tree below it, itself included */
    bool             is_negated; /* not in, not between, not like, is not null */
    weiri_ast_name   name;       /* of the operator or function too            */
    weiri_ast_expr **items;
    uint32_t         n_items;
    weiri_ast_expr  *filter; /* of a CALL: `sum(x) where c`; NULL: none */
    union {
        bool    b;
        int64_t i; /* int, duration */
        double  f;
        struct {
            const char *text; /* with a zero byte after it */
            uint32_t    size;
        } s;
    } value;
};

/* name: value; either may be missing. */
typedef struct weiri_ast_option {
    weiri_ast_name  name;  /* text NULL: by its position        */
    weiri_ast_expr *value; /* NULL: short for `name: name`      */
} weiri_ast_option;

typedef struct weiri_ast_options {
    weiri_ast_option *items;
    uint32_t          n_items;
} weiri_ast_options;

/* ---- patterns ---- */

typedef enum weiri_ast_pattern_kind {
    WEIRI_AST_STEP,
    WEIRI_AST_SEQUENCE,
    WEIRI_AST_ANY_OF, /* or  */
    WEIRI_AST_ALL_OF, /* and */
    WEIRI_AST_GROUP   /* items[0] in parentheses */
} weiri_ast_pattern_kind;

typedef struct weiri_ast_quantifier {
    weiri_span       at;         /* size 0: none is written                  */
    weiri_ast_expr  *min;        /* a number or a parameter; NULL: 0         */
    weiri_ast_expr  *max;        /* NULL: unbounded                          */
    weiri_token_kind sign;       /* PLUS, STAR, QUESTION, LEFT_BRACE         */
    weiri_word       inner;      /* NEXT, ANY, OTHER                   */
    weiri_word       preference; /* GREEDY, LAZY, OTHER                */
    weiri_span       preference_at;
    weiri_ast_expr  *until; /* NULL: none                              */
    weiri_span       until_at;
} weiri_ast_quantifier;

typedef struct weiri_ast_pattern weiri_ast_pattern;
struct weiri_ast_pattern {
    weiri_ast_pattern_kind kind;
    weiri_span             at;
    weiri_token_kind       arrow; /* before it: FOLLOWED, NEXT, FOLLOWED_ANY; END: none */
    weiri_span           not_at;  /* size 0: not negated                                */
    weiri_ast_quantifier quantifier;
    weiri_ast_pattern  **items; /* of all kinds but STEP */
    uint32_t             n_items;
    weiri_ast_name       name; /* of a STEP, and below   */
    weiri_ast_name       stream;
    weiri_ast_expr      *where; /* NULL: every event      */
    weiri_ast_expr      *gap;   /* within … of previous   */
    weiri_span           gap_at;
};

/* ---- rules ---- */

typedef struct weiri_ast_emit {
    weiri_span        at;        /* size 0: not written */
    bool              is_into;   /* a table             */
    bool              is_delete; /* from a table          */
    bool              has_fields;
    bool              is_broken;
    weiri_ast_name    stream;
    weiri_ast_options fields;
    weiri_span        when_changes; /* size 0: not written */
} weiri_ast_emit;

/* One part of the partition: an expression, or several that are equal. */
typedef struct weiri_ast_key {
    weiri_span       at;
    weiri_ast_expr **sides;
    uint32_t         n_sides;
} weiri_ast_key;

/* `full at 100000 stop`: what happens when no more rows can be kept. */
typedef struct weiri_ast_full {
    weiri_span      at;   /* size 0: not written  */
    weiri_ast_expr *rows; /* NULL: the usual bound */
    bool            is_stop;
} weiri_ast_full;

typedef struct weiri_ast_join {
    weiri_span      at;
    weiri_word      kind;    /* JOIN, ASOF             */
    bool            is_left; /* left join, asof left join */
    weiri_ast_name  alias;
    weiri_ast_name  stream;
    weiri_ast_expr *on;
    weiri_ast_expr *within;
    weiri_ast_full  full;
} weiri_ast_join;

typedef struct weiri_ast_from {
    weiri_span      at; /* size 0: not written */
    weiri_ast_name  alias;
    weiri_ast_name  stream;
    weiri_ast_name  actor; /* from actor(stream) */
    weiri_ast_join *joins;
    uint32_t        n_joins;
} weiri_ast_from;

/* `fill a, b linear within 10m` */
typedef struct weiri_ast_fill {
    weiri_span       at; /* size 0: not written */
    weiri_ast_expr **fields;
    uint32_t         n_fields;
    weiri_ast_expr  *within;
} weiri_ast_fill;

typedef struct weiri_ast_window {
    weiri_span      at;    /* size 0: not written                          */
    weiri_word      kind;  /* TUMBLING, HOPPING, SLIDING, LAST, ALL, SESSION */
    weiri_word      unit;  /* of TUMBLING: WEEK, MONTH, QUARTER, YEAR; else OTHER */
    weiri_ast_expr *width; /* NULL: of ALL, and of a unit                 */
    weiri_ast_expr *offset;
    weiri_ast_expr *every; /* of HOPPING                                  */
    weiri_ast_expr *early; /* every D early; NULL: no                     */
    bool            is_before;
    bool            is_reset;
    bool            is_filled;
} weiri_ast_window;

typedef struct weiri_ast_skip {
    weiri_span     at;   /* size 0: not written                                   */
    weiri_word     mode; /* OVERLAPS, USED, LATEST, NONE, NEXT, PAST, FIRST, LAST */
    weiri_ast_name step;
} weiri_ast_skip;

typedef struct weiri_ast_order_item {
    weiri_ast_expr *value;
    bool            is_descending;
} weiri_ast_order_item;

typedef struct weiri_ast_rule {
    weiri_ast_name        name;
    const char           *title; /* NULL: none */
    bool                  is_broken;
    weiri_span            match_at; /* size 0: not written */
    weiri_ast_pattern    *pattern;
    weiri_ast_expr       *silence; /* match not … for D   */
    weiri_ast_from        from;
    weiri_span            where_at;
    weiri_ast_expr       *where;
    weiri_span            by_at;
    weiri_ast_key        *keys;
    uint32_t              n_keys;
    weiri_span            within_at;
    weiri_ast_expr       *within;
    weiri_ast_fill        fill;
    weiri_ast_window      window;
    weiri_span            having_at;
    weiri_ast_expr       *having;
    weiri_ast_emit        emit;
    weiri_ast_emit        on_timeout;
    weiri_ast_skip        skip;
    weiri_span            limit_at;
    weiri_ast_expr       *limit;
    weiri_ast_expr       *limit_per;
    weiri_span            order_at;
    weiri_ast_order_item *order;
    uint32_t              n_order; /* with those of `each`, which are the last */
    uint32_t              n_each;
    weiri_ast_expr       *order_limit;
} weiri_ast_rule;

/* ---- other statements ---- */

typedef struct weiri_ast_type {
    weiri_span at;
    weir_type  type;
    bool       is_nullable;
} weiri_ast_type;

typedef struct weiri_ast_field {
    weiri_ast_name name;
    weiri_ast_type type;
    const char    *from; /* NULL: its own name */
    weiri_span     from_at;
    weiri_ast_name unit; /* text NULL: none */
    const char    *form; /* NULL: none      */
    weiri_span     form_at;
} weiri_ast_field;

typedef struct weiri_ast_endpoint {
    weiri_ast_name    name; /* file, stdin, kafka, … */
    weiri_ast_options options;
} weiri_ast_endpoint;

/* source, sink, and the way a table is filled */
typedef struct weiri_ast_io {
    weiri_ast_name     stream;
    weiri_ast_endpoint endpoint;
    weiri_ast_name     format; /* text NULL: none */
    weiri_ast_options  format_options;
    weiri_ast_expr    *lateness;
    weiri_ast_expr    *idle;
    weiri_ast_expr    *refresh;
    weiri_ast_name     on_error; /* skip, stop, restart */
    bool               is_broken;
} weiri_ast_io;

typedef struct weiri_ast_stream { /* and table */
    weiri_ast_name  name;
    weiri_ast_name *keys; /* of a table */
    uint32_t        n_keys;
    weiri_ast_name  since; /* of a table: the field that says when a row begins to hold */
    weiri_ast_expr *limit; /* of a table: rows; NULL: none                              */
    weiri_ast_expr *keep;  /* of a table: how long; NULL: for ever                      */
    weiri_ast_full  full;  /* of a table                                                */
    weiri_ast_field *fields;
    uint32_t         n_fields;
    bool             is_broken; /* a field could not be read */
    weiri_ast_io     io;        /* of a table                */
} weiri_ast_stream;

typedef struct weiri_ast_param {
    weiri_ast_name  name;
    weiri_ast_type  type;
    weiri_ast_expr *value; /* NULL: has to be set */
    bool            is_broken;
} weiri_ast_param;

/* model, actor, aggregate, connector, codec, and function from a plugin */
typedef struct weiri_ast_plugin {
    weiri_ast_name    name;
    const char       *path;
    weiri_ast_field  *inputs; /* of a model */
    uint32_t          n_inputs;
    weiri_ast_type    output;
    weiri_ast_options options;    /* of an actor or an aggregate */
    bool              is_process; /* of an actor: it runs in a process of its own */
    weiri_span        path_at;
    weiri_ast_stream *takes;     /* of an actor; NULL: the plugin says it */
    weiri_ast_stream *gives;     /* likewise */
    bool              is_adding; /* `adds`: to the event's own fields */
    weiri_ast_expr   *idle;      /* likewise; NULL: none */
    weiri_ast_expr   *budget;
    weiri_ast_name    on_error;
} weiri_ast_plugin;

/* function name(params) = body, or function name from "plugin" */
typedef struct weiri_ast_function {
    weiri_ast_plugin *plugin; /* NULL: defined here, by the rest */
    weiri_ast_name    name;
    weiri_ast_name   *params;
    uint32_t          n_params;
    weiri_ast_expr   *body;
    weiri_span        at; /* all of it */
    bool              is_broken;
} weiri_ast_function;

typedef struct weiri_ast_include {
    const char *path;
    weiri_span  at;
    uint32_t    file; /* index in weiri_ast.files; UINT32_MAX: not read */
} weiri_ast_include;

/* One line of a test: events in, or what is expected. */
typedef struct weiri_ast_test_line {
    weiri_span        at;
    bool              is_expect;
    bool              is_absent; /* expect no */
    bool              has_fields;
    weiri_ast_expr   *count; /* expect 3 s; NULL: one */
    weiri_ast_name    stream;
    weiri_ast_options fields;
    weiri_ast_io     *from; /* s from file("x.csv"); NULL: the event stands here */
    weiri_ast_expr
        *wait; /* `wait D`, and nothing else; NULL: an event or an expectation */
    weiri_ast_expr *repeat; /* NULL: once */
    weiri_ast_expr *every;
} weiri_ast_test_line;

typedef struct weiri_ast_test {
    const char          *title;
    weiri_ast_test_line *lines;
    uint32_t             n_lines;
    bool                 is_broken;
} weiri_ast_test;

typedef struct weiri_ast_statement {
    weiri_word kind; /* STREAM … TEST */
    weiri_span at;   /* from its word to its last token */
    union {
        weiri_ast_stream   *stream; /* and TABLE */
        weiri_ast_io       *io;     /* SOURCE, SINK */
        weiri_ast_rule     *rule;
        weiri_ast_param    *param;
        weiri_ast_plugin   *plugin; /* MODEL, ACTOR, AGGREGATE, CONNECTOR, CODEC */
        weiri_ast_include  *include;
        weiri_ast_function *function;
        weiri_ast_test     *test;
    } as;
} weiri_ast_statement;

typedef struct weiri_ast_file {
    uint32_t             file; /* in the diagnostics */
    weiri_tokens         tokens;
    weiri_ast_statement *statements;
    uint32_t             n_statements;
    bool                 has_lost_names; /* a statement could not be read, and whatever it
                                          * declares is unknown                        */
} weiri_ast_file;

/* All files of a compilation, those included before those that include them. */
typedef struct weiri_ast {
    weiri_ast_file *files;
    uint32_t        n_files;
} weiri_ast;

#endif
