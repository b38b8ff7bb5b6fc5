/* Looking at rules that are right for what is probably not meant.
 *
 *   lint.c        the order of work; what is allowed by comments
 *   lint_names.c  names that nobody reads, or that hide others
 *   lint_match.c  patterns: conditions of steps against each other, keys, time
 *   lint_rule.c   all rules: conditions, equality of floats, rules that are there twice
 *   lint_logic.c  whether conditions can hold together
 *
 * All of it reads the tree, for the places, and the plan, for what names mean. It runs
 * only over rules without an error.
 */
#ifndef WEIRI_LINT_H
#define WEIRI_LINT_H

#include "ast.h"
#include "names.h"
#include "weiri/plan.h"

typedef struct weiri_lint {
    weiri_arena          *arena;
    weiri_diagnostics    *diagnostics;
    const weiri_ast      *ast;
    const weiri_plan     *plan;
    const weiri_ast_file *file;    /* the one that is looked at */
    weiri_names           streams; /* of the plan, by name */
    weiri_names           rules;
} weiri_lint;

/* ---- lint.c ---- */

/* Look at a tree and its plan, of rules without an error; then do as
 * weiri_apply_allows. */
void
weiri_lint_plan(weiri_arena *arena, weiri_diagnostics *diagnostics, const weiri_ast *ast,
    const weiri_plan *plan);

/* The stream of this name, or NULL. */
const weiri_stream *
weiri_lint_stream(const weiri_lint *self, const char *name);

/* Index of the first token of a file at or behind an offset. */
uint32_t
weiri_lint_token(const weiri_ast_file *file, uint32_t offset);

/* Take out the warnings that comments allow: `# weir: allow CODE …` at the end of a line
 * is about that line, on a line of its own about the statement, or within one about the
 * line, that follows. With `tells_idle` a comment that allows nothing is told about. */
void
weiri_apply_allows(weiri_diagnostics *diagnostics, const weiri_ast *ast, bool tells_idle);

/* ---- lint_names.c, lint_match.c, lint_rule.c ---- */

void
weiri_lint_names(weiri_lint *self);

void
weiri_lint_match(weiri_lint *self, const weiri_ast_rule *rule);

void
weiri_lint_rule(weiri_lint *self, const weiri_ast_rule *rule);

void
weiri_lint_pairs(weiri_lint *self);

/* ---- lint_logic.c ---- */

enum { WEIRI_ATOMS = 64 };

/* What names in a condition mean: bare ones are fields of `step`; NULL: of no step. */
typedef struct weiri_speaker {
    weiri_lint *lint;
    const char *step;
} weiri_speaker;

/* A comparison of something with a constant or with something else. */
typedef struct weiri_atom {
    const char *left;      /* as text, its step named: one text, one value */
    const char *right;     /* NULL: a constant                             */
    unsigned    relations; /* that are true: 1 less, 2 equal, 4 greater    */
    double      number;
    const char *text; /* the constant is this; NULL: `number`        */
} weiri_atom;

typedef struct weiri_atoms {
    weiri_atom items[WEIRI_ATOMS];
    uint32_t   n;
} weiri_atoms;

/* Add what surely holds where `expr` is true, or where it is false. Parts that are no
 * comparisons add nothing. Returns whether all of it was understood. */
bool
weiri_atoms_add(weiri_atoms *self, const weiri_speaker *speaker,
    const weiri_ast_expr *expr, bool truth);

/* The value of a field of a step, as atoms name it. */
const char *
weiri_atom_name(weiri_lint *lint, const char *step, const char *field);

/* Whether no values make all of them true. false: unknown. */
bool
weiri_atoms_exclude(const weiri_atoms *self);

#endif
