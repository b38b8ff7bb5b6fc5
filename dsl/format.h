/* How a file is laid out: marks on its tokens, made from its tree and printed with its
 * comments.
 *
 *   format_marks.c  statements but rules: which tokens begin a line, belong together, …
 *   format_rule.c   … rules: clauses, patterns, records
 *   format_expr.c   … expressions
 *   format_node.c   … node files
 *   format_print.c  from marks to text
 *   format.c        the whole, and the proof that nothing but layout has changed
 *
 * What has no marks is printed with single spaces, so a clause that is new to the
 * language comes out right on its line before anybody teaches it here where to break.
 */
#ifndef WEIRI_FORMAT_INNER_H
#define WEIRI_FORMAT_INNER_H

#include "ast.h"

enum { WEIRI_FORMAT_COLUMNS = 100, WEIRI_FORMAT_INDENT = 2 };

typedef enum weiri_break {
    WEIRI_BREAK_NONE,
    WEIRI_BREAK_SOFT, /* where its group is broken */
    WEIRI_BREAK_HARD
} weiri_break;

/* What stands before a token. */
typedef struct weiri_mark {
    uint8_t  kind;       /* weiri_break                                               */
    bool     is_tight;   /* no space                                            */
    bool     is_dropped; /* the token is not needed                             */
    bool     is_apart;   /* HARD: a blank line, though none is written          */
    bool     is_list;    /* a bracket that begins a list                        */
    uint32_t indent;     /* HARD: columns                                       */
    uint32_t group;      /* SOFT: index                                         */
    uint32_t hang;       /* SOFT: columns to the left of the group's            */
    uint32_t pad;        /* further spaces                                      */
    uint32_t pad_group;  /* only where this one is broken; UINT32_MAX: always   */
} weiri_mark;

/* Tokens that stand on one line or are broken at all their SOFT marks together. */
typedef struct weiri_group {
    uint32_t first;
    uint32_t last;
    bool     is_block; /* indented from its line; else from its first token        */
    bool     is_fill;  /* broken only where the line is full                       */
    bool     is_open;  /* broken in any case: the author did                       */
} weiri_group;

typedef struct weiri_layout {
    weiri_arena *arena;
    const char  *text; /* of the file */
    weiri_tokens tokens;
    weiri_mark  *marks;  /* shape (tokens.n_items,)    */
    weiri_group *groups; /* an outer one before an inner */
    uint32_t     n_groups;
} weiri_layout;

/* format_marks.c */
weiri_layout
weiri_layout_file(weiri_arena *arena, const weiri_ast_file *file, const char *text);

/* format_print.c; the text lives in the layout's arena. */
const char *
weiri_layout_print(const weiri_layout *layout, size_t *size);

/* ---- shared between the files that mark ---- */

/* Index of the token at an offset. */
uint32_t
weiri_layout_token(const weiri_layout *self, uint32_t offset);

/* Index of the first and the last token of a place. */
uint32_t
weiri_layout_first(const weiri_layout *self, weiri_span at);
uint32_t
weiri_layout_last(const weiri_layout *self, weiri_span at);

weiri_token_kind
weiri_layout_kind(const weiri_layout *self, uint32_t token);

/* Index of the bracket that closes the one at `open`. */
uint32_t
weiri_layout_closing(const weiri_layout *self, uint32_t open);

/* Columns of tokens first .. last on one line; dropped ones count for nothing. */
uint32_t
weiri_layout_width(const weiri_layout *self, uint32_t first, uint32_t last);

/* Columns of the space before a token that stands on one line with the one before. */
uint32_t
weiri_layout_space(const weiri_layout *self, uint32_t token);

/* Columns of one token. */
uint32_t
weiri_layout_columns(const weiri_layout *self, uint32_t token);

/* Whether a comment stands before a token of first .. last. */
bool
weiri_layout_has_comment(const weiri_layout *self, uint32_t first, uint32_t last);

void
weiri_layout_hard(weiri_layout *self, uint32_t token, uint32_t indent);

uint32_t
weiri_layout_group(weiri_layout *self, weiri_group group);

void
weiri_layout_soft(weiri_layout *self, uint32_t token, uint32_t group, uint32_t hang);

/* Move a token to the right of the widest of several; begin with width 0. */
typedef struct weiri_column {
    uint32_t *tokens; /* what is moved */
    uint32_t *widths; /* of what stands left of it */
    uint32_t  n_tokens;
    uint32_t  n_widths;
} weiri_column;

void
weiri_column_add(
    weiri_layout *self, weiri_column *column, uint32_t token, uint32_t width);

/* `group`: where it is broken; UINT32_MAX: always. The column is empty afterwards. */
void
weiri_column_align(weiri_layout *self, weiri_column *column, uint32_t group);

/* format_expr.c; NULL is nothing. */
void
weiri_layout_expr(weiri_layout *self, const weiri_ast_expr *expr);

/* The '(' of a call and the named values in it. */
void
weiri_layout_options(
    weiri_layout *self, uint32_t paren, const weiri_ast_options *options);

/* The braces at `open` and the values in them. */
void
weiri_layout_record(weiri_layout *self, uint32_t open, const weiri_ast_options *record);

/* format_rule.c; from the word `rule` to the '}'. */
void
weiri_layout_rule(weiri_layout *self, const weiri_ast_statement *statement);

#endif
