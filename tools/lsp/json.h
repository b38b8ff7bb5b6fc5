/* JSON as messages have it: read into a tree with bounds, and texts written.
 *
 * The source of values is the arena; a tree borrows nothing from the text. (RFC 8259) */
#ifndef LSP_JSON_H
#define LSP_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "weiri/arena.h"

enum { LSP_JSON_DEPTH = 64, LSP_JSON_VALUES = 1 << 18 };

typedef enum lsp_json_kind {
    LSP_JSON_NULL,
    LSP_JSON_BOOL,
    LSP_JSON_NUMBER,
    LSP_JSON_STRING,
    LSP_JSON_ARRAY,
    LSP_JSON_OBJECT
} lsp_json_kind;

typedef struct lsp_json lsp_json;
struct lsp_json {
    lsp_json_kind kind;
    bool          truth;  /* of a BOOL                                            */
    double        number; /* of a NUMBER                                          */
    const char   *text;   /* of a STRING, UTF-8; of a NUMBER as it was written; a zero
                           * byte after it                                        */
    size_t      size;     /* of it */
    const char *name;     /* in an OBJECT */
    lsp_json   *first;    /* of an ARRAY or OBJECT; NULL: none */
    lsp_json   *next;     /* beside it */
};

/* NULL: it is not JSON, or beyond the bounds. Bytes that are not UTF-8 and halves of
 * surrogates become U+FFFD. */
const lsp_json *
lsp_json_read(weiri_arena *arena, const char *text, size_t size);

/* What stands at "a.b.c"; NULL if any of it is not there. NULL is taken for nothing. */
const lsp_json *
lsp_json_at(const lsp_json *self, const char *path);

/* A text there, without a zero byte in it; NULL if there is none. */
const char *
lsp_json_text(const lsp_json *self, const char *path);

/* A whole number from 0 to 2^32 - 1 there; `otherwise` if there is none. */
uint32_t
lsp_json_uint(const lsp_json *self, const char *path, uint32_t otherwise);

/* A text as JSON writes it. */
void
lsp_put_text(FILE *out, const char *text, size_t size);
void
lsp_put_string(FILE *out, const char *text);

#endif
