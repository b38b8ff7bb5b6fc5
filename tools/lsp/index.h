/* Which names stand where in a set of rule files, and what they mean.
 *
 * One table answers go to definition, references, rename, hover and the colours of names:
 * symbols, and their occurrences in order of file and place. A name can mean several
 * things: in `by ip` it is a field of each stream of the pattern. */
#ifndef LSP_INDEX_H
#define LSP_INDEX_H

#include "ast.h"
#include "names.h"
#include "weiri/plan.h"

#define LSP_SYMBOL_LIST(X)                                                               \
    X(STREAM, "stream")                                                                  \
    X(FIELD, "field")                                                                    \
    X(STEP, "step")                                                                      \
    X(PARAM, "parameter")                                                                \
    X(RULE, "rule")                                                                      \
    X(FUNCTION, "function")                                                              \
    X(DEFINED, "function of the rules")                                                  \
    X(PLUGIN, "plugin")                                                                  \
    X(FILE, "file")

typedef enum lsp_symbol_kind {
#define X(name, text) LSP_##name,
    LSP_SYMBOL_LIST(X)
#undef X
} lsp_symbol_kind;

typedef struct lsp_symbol {
    lsp_symbol_kind kind;
    const char     *name;
    const char     *stream; /* of a FIELD or STEP; NULL: none is known           */
    const char     *key;    /* kind, where it is known, name: one text, one symbol */
    weiri_span      at;     /* of its definition; size 0: it has none            */
    const weiri_ast_statement *statement; /* with the definition; NULL: none     */
    const weiri_ast_pattern   *step;      /* of a STEP of a pattern              */
} lsp_symbol;

typedef struct lsp_occurrence {
    weiri_span at;
    uint32_t   symbol;
    bool       is_definition;
    bool       is_short; /* `x` in a record, which is short for `x: x` */
} lsp_occurrence;

typedef struct lsp_index {
    weiri_arena      *arena;
    const weiri_ast  *ast;
    const weiri_plan *plan;
    weiri_names       streams; /* of the plan */
    weiri_names       keys;    /* of symbols  */
    lsp_symbol       *symbols;
    uint32_t          n_symbols;
    lsp_occurrence   *occurrences; /* in order of file and place */
    uint32_t          n_occurrences;
} lsp_index;

/* What a rule calls a stream: a step of its pattern, or what follows `from` or `join`. */
typedef struct lsp_speaker {
    const char              *name; /* NULL: it is called as the stream is */
    weiri_span               at;
    const char              *stream;
    const weiri_ast_pattern *step; /* NULL: not of a pattern */
} lsp_speaker;

typedef struct lsp_speakers {
    lsp_speaker *items;
    uint32_t     n;
} lsp_speakers;

/* Read a tree, its texts, and what could be planned of it; all are borrowed. */
void
lsp_index_build(lsp_index *self, weiri_arena *arena, const weiri_diagnostics *texts,
    const weiri_ast *ast, const weiri_plan *plan);

/* First of the occurrences at an offset, its last byte's end included, and how many there
 * are of this place; 0: none. */
uint32_t
lsp_index_at(const lsp_index *self, uint32_t file, uint32_t offset, uint32_t *first);

/* The symbol of a key, or NULL. */
const lsp_symbol *
lsp_index_symbol(const lsp_index *self, const char *key);

/* A stream's fields as far as they are known; NULL: there is no such stream. */
const weir_schema *
lsp_index_schema(const lsp_index *self, const char *stream);

/* Whom a rule speaks of. */
lsp_speakers
lsp_speakers_of(weiri_arena *arena, const weiri_ast_rule *rule);

const char *
lsp_symbol_text(lsp_symbol_kind kind);

#endif
