/* The server's inside: open documents, what is known of each, and who answers what.
 *
 *   serve.c      messages from and to streams of bytes
 *   server.c     the order of messages, which request goes where, text synchronisation
 *   analysis.c   a document with what it includes: tree, plan, diagnostics, index
 *   publish.c    diagnostics
 *   complete.c   what could stand at a place; place_kind.c decides what kind of place it
 * is hover.c      what is known of what stands there navigate.c   definitions,
 * references, outline rename.c     new names, and whether everything still means the same
 *   actions.c    mending
 *   colours.c    semantic tokens
 *   json.c, place.c, index.c, words.c   what all of them stand on
 */
#ifndef LSP_SERVER_H
#define LSP_SERVER_H

#include "ast.h"
#include "index.h"
#include "json.h"
#include "place.h"
#include "weiri/lsp.h"

/* A text read as the root of a set of rule files. */
typedef struct lsp_analysis {
    weiri_arena          *arena;
    weiri_diagnostics    *diagnostics; /* file 0 is the root */
    weiri_ast             ast;
    const weiri_plan     *plan;
    const weiri_ast_file *root; /* NULL: the text is too large */
    lsp_index             index;
} lsp_analysis;

typedef struct lsp_document {
    char        *uri;
    char        *path; /* NULL: it is no file */
    char        *real; /* the same, canonical */
    char        *text;
    size_t       size;
    lsp_analysis analysis;
} lsp_document;

struct weiri_lsp {
    weiri_lsp_options options;
    lsp_unit          unit;
    bool              is_initialized;
    bool              is_shut_down;
    bool              is_over;
    lsp_document     *documents[WEIRI_LSP_DOCUMENTS];
    uint32_t          n_documents;
    /* of the message that is being handled */
    weiri_arena *arena;
    FILE        *out;
    int          failure; /* JSON-RPC's code; 0: none */
    const char  *why;
};

enum {
    LSP_PARSE_ERROR     = -32700,
    LSP_INVALID_REQUEST = -32600,
    LSP_NO_METHOD       = -32601,
    LSP_INVALID_PARAMS  = -32602,
    LSP_NOT_INITIALIZED = -32002,
    LSP_REQUEST_FAILED  = -32803
};

/* Answers a request: writes its result. What was written counts for nothing after
 * lsp_fail. */
typedef void
lsp_answer(weiri_lsp *self, const lsp_json *params, FILE *out);

/* ---- server.c ---- */

void
lsp_fail(weiri_lsp *self, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Send a message: a header and `body`. */
void
lsp_send(FILE *out, const char *body, size_t size);

/* The document that the parameters name; NULL, and a failure, if it is not open. */
lsp_document *
lsp_need_document(weiri_lsp *self, const lsp_json *params);

/* The same, and the place they name in its analysis' text. */
lsp_document *
lsp_need_place(weiri_lsp *self, const lsp_json *params, uint32_t *offset);

lsp_position
lsp_json_position(const lsp_json *value, const char *path);

/* ---- analysis.c ---- */

/* Read a text with what it includes; open documents stand for their files.
 *
 *   errors  WEIR_ENOMEM: `self` is empty
 */
WEIR_MUST_CHECK weir_status
lsp_analysis_init(lsp_analysis *self, const weiri_lsp *server,
    const lsp_document *document, const weiri_overlay *overlays, size_t n_overlays);

void
lsp_analysis_fini(lsp_analysis *self);

/* The texts of open documents, in the server's arena. */
const weiri_overlay *
lsp_overlays(const weiri_lsp *self, size_t *n);

/* A file's path as its owner means it; NULL: the URI names no file. To be freed. */
char *
lsp_path_of_uri(const char *uri);

/* A path without links and dots, if there is such a file; else as it is. In the server's
 * arena; `path` is freed. */
const char *
lsp_real_path(const weiri_lsp *self, char *path);

/* URI of a file of an analysis, as the client calls it if it is open. In the server's
 * arena. */
const char *
lsp_uri_of(const weiri_lsp *self, const lsp_document *document, uint32_t file);

/* A document that stands for a file of an analysis; NULL: it is not open. */
lsp_document *
lsp_document_of(const weiri_lsp *self, const lsp_document *document, uint32_t file);

/* Where a relative path leads from a document. */
const char *
lsp_path_from(const weiri_lsp *self, const lsp_document *document, const char *path);

const char *
lsp_uri_of_path(const weiri_lsp *self, const char *path);

/* Write "start" and "end" of a place as an object. */
void
lsp_put_range(const weiri_lsp *self, const lsp_analysis *of, weiri_span at, FILE *out);

/* Write an object with "uri" and "range". */
void
lsp_put_location(
    const weiri_lsp *self, const lsp_document *document, weiri_span at, FILE *out);

/* The statement that holds an offset of the root, or that ended last before it. */
const weiri_ast_statement *
lsp_statement_at(const lsp_analysis *self, uint32_t offset);

/* ---- publish.c ---- */

void
lsp_publish(weiri_lsp *self, const lsp_document *document);

/* For a document that is not looked after any more. */
void
lsp_publish_nothing(weiri_lsp *self, const char *uri);

/* Write a diagnostic as an object. */
void
lsp_put_diagnostic(weiri_lsp *self, const lsp_document *document,
    const weiri_diagnostic *report, FILE *out);

/* ---- answers ---- */

lsp_answer lsp_complete, lsp_hover, lsp_definition, lsp_references, lsp_highlight,
    lsp_outline, lsp_prepare_rename, lsp_rename, lsp_format, lsp_actions, lsp_colours;

/* Names of the kinds of semantic tokens, as a JSON array. */
void
lsp_put_colour_names(FILE *out);

/* What another document knows under the same definition; NULL: nothing. */
const lsp_symbol *
lsp_same_symbol(const weiri_lsp *self, const lsp_document *document,
    const lsp_symbol *symbol, const lsp_document *other);

/* Every occurrence of what an occurrence means, in all open documents, each place once.
 * The spans are of the document's analysis. */
typedef struct lsp_place {
    lsp_document         *document;
    const lsp_occurrence *occurrence;
    const char           *uri;
} lsp_place;

lsp_place *
lsp_places_of(weiri_lsp *self, lsp_document *document, const lsp_symbol *symbol,
    uint32_t *n_places);

#endif
