/* From tokens to the syntax tree.
 *
 * Recursive descent. After an error the parser is lost: it takes no token and reports
 * nothing more until whoever can (a field, a clause, a statement) skips to a place where
 * it knows its way again. So one mistake makes one report, and the rest is still read.
 */
#ifndef WEIRI_PARSER_H
#define WEIRI_PARSER_H

#include "ast.h"

enum { WEIRI_AST_DEPTH = 200 }; /* of an expression or pattern */

typedef struct weiri_parser {
    weiri_arena       *arena;
    weiri_diagnostics *diagnostics;
    uint32_t           file;
    const char        *text;
    weiri_tokens       tokens;
    uint32_t           at;    /* index of the next token            */
    uint32_t           depth; /* of the call stack, roughly         */
    bool               is_lost;
} weiri_parser;

/* Parse one file that the diagnostics hold. */
weiri_ast_file
weiri_parse(weiri_arena *arena, weiri_diagnostics *diagnostics, uint32_t file);

/* ---- shared between the parser's files ---- */

const weiri_token *
weiri_parser_peek(const weiri_parser *self, uint32_t ahead);

/* Kind of the next token; END while lost, so that every loop ends. */
weiri_token_kind
weiri_parser_kind(const weiri_parser *self);

/* The next token's word; OTHER while lost or if it is no name. */
weiri_word
weiri_parser_word(const weiri_parser *self);

/* Word of a token further on. */
weiri_word
weiri_parser_word_at(const weiri_parser *self, uint32_t ahead);

weiri_span
weiri_parser_span(const weiri_parser *self);

/* From the token with index `first` to the one taken last. */
weiri_span
weiri_parser_span_from(const weiri_parser *self, uint32_t first);

/* Take the next token if it is this one. */
bool
weiri_parser_take(weiri_parser *self, weiri_token_kind kind);
bool
weiri_parser_take_word(weiri_parser *self, weiri_word word);

/* The same, and an error if it is not: "expected WHAT, found …". */
bool
weiri_parser_expect(weiri_parser *self, weiri_token_kind kind, const char *what);
bool
weiri_parser_expect_word(weiri_parser *self, weiri_word word);

/* Whether a clause or a statement begins at the next token, though a name could stand
 * here too: what was expected is missing. */
bool
weiri_parser_is_at_clause(const weiri_parser *self);

/* Report that `what` was expected at the next token, and be lost. */
void
weiri_parser_fail(weiri_parser *self, const char *what);

/* Report something else there, and be lost. */
void
weiri_parser_fail_as(weiri_parser *self, weiri_code code, const char *text);

weiri_ast_name
weiri_parser_name(weiri_parser *self, const char *what);

/* NAME or late.NAME or dead.NAME */
weiri_ast_name
weiri_parser_stream(weiri_parser *self);

/* A text without a zero byte inside; NULL if there is none. */
const char *
weiri_parser_string(weiri_parser *self, const char *what, weiri_span *at);

/* One level deeper; false, reported and lost, past the bound. Pair with leave. */
bool
weiri_parser_enter(weiri_parser *self);
void
weiri_parser_leave(weiri_parser *self);

/* Skip to the next of these that stands directly inside the braces that `open` opened
 * (NULL: outside of all); takes none of them. Their '}' always ends it, and so does
 * a statement at a line's left margin. May skip nothing: the caller sees to it that
 * it gets on. */
typedef enum weiri_sync {
    WEIRI_SYNC_STATEMENT,
    WEIRI_SYNC_CLAUSE, /* a clause at the beginning of a line     */
    WEIRI_SYNC_LINE,   /* a comma, or the beginning of a line     */
    WEIRI_SYNC_COMMA   /* a comma, or a clause as above           */
} weiri_sync;

void
weiri_parser_recover(weiri_parser *self, weiri_sync sync, const weiri_token *open);

/* parser_expr.c */
weiri_ast_expr *
weiri_parse_expr(weiri_parser *self);

/* A duration, a number or the name of a parameter. */
weiri_ast_expr *
weiri_parse_amount(weiri_parser *self, const char *what);

/* [name:] value {, …} up to `close`, which is taken. */
weiri_ast_options
weiri_parse_options(weiri_parser *self, weiri_token_kind close);

/* { name: value, … }, a bare name allowed; both braces are taken. */
weiri_ast_options
weiri_parse_record(weiri_parser *self, bool *is_broken);

/* parser_pattern.c */
weiri_ast_pattern *
weiri_parse_pattern(weiri_parser *self);

/* `full at N stop`, `full drop oldest`; false: it does not stand here. */
bool
weiri_parse_full(weiri_parser *self, weiri_ast_full *out);

/* parser_rule.c, parser_clause.c */
weiri_ast_rule *
weiri_parse_rule(weiri_parser *self);
void
weiri_parse_from(weiri_parser *self, weiri_ast_rule *rule);
void
weiri_parse_fill(weiri_parser *self, weiri_ast_rule *rule);
void
weiri_parse_window(weiri_parser *self, weiri_ast_rule *rule);
void
weiri_parse_skip(weiri_parser *self, weiri_ast_rule *rule);
void
weiri_parse_limit(weiri_parser *self, weiri_ast_rule *rule);
void
weiri_parse_order(weiri_parser *self, weiri_ast_rule *rule);
void
weiri_parse_by(weiri_parser *self, weiri_ast_rule *rule);

/* parser_stream.c */
weiri_ast_stream *
weiri_parse_stream(weiri_parser *self, bool is_table);
weiri_ast_io *
weiri_parse_io(weiri_parser *self, bool is_sink);
/* from file("x.csv") format csv: what feeds a stream in a test. */
weiri_ast_io *
weiri_parse_feed(weiri_parser *self, weiri_ast_name stream);
weiri_ast_type
weiri_parse_type(weiri_parser *self);
weiri_ast_name
weiri_parse_on_error(weiri_parser *self);
/* { name type, … }: both braces are taken. */
void
weiri_parse_fields(weiri_parser *self, weiri_ast_stream *stream);
/* Report what begins at token `first` if it is given a second time. */
void
weiri_parser_no_twice(weiri_parser *self, bool is_twice, uint32_t first);

/* parser_test.c */
weiri_ast_test *
weiri_parse_test(weiri_parser *self);

#endif
