/* What the language offers by name, with a line of explanation each. */
#ifndef LSP_WORDS_H
#define LSP_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A function or operator as docs/functions.md tells it. */
typedef struct lsp_function {
    const char *name;
    const char *example; /* in Markdown */
    const char *meaning; /* in Markdown */
} lsp_function;

/* The i-th; NULL past the end. */
const lsp_function *
lsp_function_at(size_t i);

/* An aggregate over a window or a step; some are functions of a list too. */
typedef struct lsp_aggregate {
    const char *name;
    const char *signature;
    const char *meaning;
} lsp_aggregate;

const lsp_aggregate *
lsp_aggregate_at(size_t i);

/* Whether a function or aggregate has this name. */
bool
lsp_function_is_known(const char *name);

/* All that is known of it, as Markdown; nothing if there is no such. */
void
lsp_function_print(FILE *out, const char *name);

/* The first signature, for a list of candidates; NULL: none. */
const char *
lsp_function_signature(const char *name);

#endif
