/* What kind of thing could stand at a place, judged by the tokens before it: while
 * somebody types, the tree is the least reliable just there. */
#ifndef LSP_SITUATION_H
#define LSP_SITUATION_H

#include "server.h"

enum {
    LSP_WANTS_STATEMENTS = 1 << 0,
    LSP_WANTS_CLAUSES    = 1 << 1,
    LSP_WANTS_STREAMS    = 1 << 2,
    LSP_WANTS_TYPES      = 1 << 3,
    LSP_WANTS_VALUES     = 1 << 4, /* functions, steps, fields, words of expressions */
    LSP_WANTS_FIELDS     = 1 << 5, /* of `stream`                                    */
    LSP_WANTS_STEPS      = 1 << 6,
    LSP_WANTS_PARAMS     = 1 << 7,
    LSP_WANTS_ALL_FIELDS = 1 << 8, /* of all streams of the rule                   */
    LSP_WANTS_CONNECTORS = 1 << 9,
    LSP_WANTS_CODECS     = 1 << 10,
    LSP_WANTS_ACTORS     = 1 << 11
};

typedef struct lsp_situation {
    unsigned              wants;
    const char *const    *words;  /* up to NULL; NULL: none                          */
    const char           *stream; /* whose fields can stand bare, or behind the dot  */
    const weiri_ast_rule *rule;   /* NULL: not in a rule                             */
} lsp_situation;

lsp_situation
lsp_situation_at(weiri_arena *arena, const lsp_analysis *of, uint32_t offset);

#endif
