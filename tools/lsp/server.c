#define _XOPEN_SOURCE 700 /* open_memstream, realpath */

#include "server.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "weiri/format.h"

void
lsp_fail(weiri_lsp *self, int code, const char *format, ...)
{
    char    text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    self->failure = code;
    self->why     = weiri_arena_text(self->arena, text, strlen(text));
}

void
lsp_send(FILE *out, const char *body, size_t size)
{
    fprintf(out, "Content-Length: %zu\r\n\r\n", size);
    fwrite(body, 1, size, out);
}

/* ---- documents ---- */

static lsp_document *
find_document(const weiri_lsp *self, const char *uri)
{
    for (uint32_t i = 0; i < self->n_documents && uri != NULL; i++) {
        if (strcmp(self->documents[i]->uri, uri) == 0) {
            return self->documents[i];
        }
    }
    return NULL;
}

lsp_document *
lsp_need_document(weiri_lsp *self, const lsp_json *params)
{
    const char   *uri      = lsp_json_text(params, "textDocument.uri");
    lsp_document *document = find_document(self, uri);
    if (document == NULL) {
        lsp_fail(
            self, LSP_INVALID_PARAMS, "'%.200s' is not open", uri == NULL ? "" : uri);
    }
    return document;
}

lsp_position
lsp_json_position(const lsp_json *value, const char *path)
{
    const lsp_json *at = lsp_json_at(value, path);
    return (lsp_position){ .line = lsp_json_uint(at, "line", 0),
        .character               = lsp_json_uint(at, "character", 0) };
}

lsp_document *
lsp_need_place(weiri_lsp *self, const lsp_json *params, uint32_t *offset)
{
    lsp_document *document = lsp_need_document(self, params);
    if (document == NULL) {
        return NULL;
    }
    if (document->analysis.root == NULL) {
        lsp_fail(self, LSP_REQUEST_FAILED, "the file is too large");
        return NULL;
    }
    const weiri_text_file *file =
        weiri_diagnostics_file(document->analysis.diagnostics, 0);
    *offset = (uint32_t)lsp_offset_of(
        file->text, file->size, lsp_json_position(params, "position"), self->unit);
    return document;
}

static void
destroy_document(lsp_document **document_p)
{
    lsp_document *document = *document_p;
    if (document != NULL) {
        lsp_analysis_fini(&document->analysis);
        free(document->uri);
        free(document->path);
        free(document->real);
        free(document->text);
        free(document);
        *document_p = NULL;
    }
}

static bool
set_text(lsp_document *document, const char *text, size_t size)
{
    char *copy = malloc(size + 1);
    if (copy == NULL || size > WEIRI_LSP_MESSAGE_BYTES) {
        free(copy);
        return false;
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    free(document->text);
    document->text = copy;
    document->size = size;
    return true;
}

static void
analyse(weiri_lsp *self, lsp_document *document)
{
    size_t               n_overlays = 0;
    const weiri_overlay *overlays   = lsp_overlays(self, &n_overlays);
    lsp_analysis         fresh;
    if (lsp_analysis_init(&fresh, self, document, overlays, n_overlays) == WEIR_OK) {
        lsp_analysis_fini(&document->analysis);
        document->analysis = fresh;
        lsp_publish(self, document);
    }
}

/* Whether a document reads a file, which may have been missing when it was looked at. */
static bool
includes(const weiri_lsp *self, const lsp_document *document, const char *real)
{
    const weiri_ast_file *root = document->analysis.root;
    for (uint32_t i = 0; i < document->analysis.ast.n_files; i++) {
        uint32_t            file = document->analysis.ast.files[i].file;
        const lsp_document *open =
            file == 0 ? NULL : lsp_document_of(self, document, file);
        if (open != NULL && strcmp(open->real, real) == 0) {
            return true;
        }
    }
    for (uint32_t i = 0; root != NULL && i < root->n_statements; i++) {
        const char *path = root->statements[i].kind == WEIRI_WORD_INCLUDE
                               ? root->statements[i].as.include->path
                               : NULL;
        if (path != NULL && strcmp(lsp_path_from(self, document, path), real) == 0) {
            return true;
        }
    }
    return false;
}

/* A document has changed: look at it, and at those that include it. */
static void
refresh(weiri_lsp *self, lsp_document *changed)
{
    analyse(self, changed);
    for (uint32_t i = 0; i < self->n_documents && changed->real != NULL; i++) {
        if (self->documents[i] != changed
            && includes(self, self->documents[i], changed->real)) {
            analyse(self, self->documents[i]);
        }
    }
}

static void
close_document(weiri_lsp *self, const char *uri)
{
    for (uint32_t i = 0; i < self->n_documents; i++) {
        if (strcmp(self->documents[i]->uri, uri) == 0) {
            destroy_document(&self->documents[i]);
            self->documents[i] = self->documents[--self->n_documents];
            return;
        }
    }
}

static lsp_document *
new_document(const weiri_lsp *self, const char *uri)
{
    lsp_document *document = calloc(1, sizeof *document);
    if (document == NULL) {
        return NULL;
    }
    document->uri  = strdup(uri);
    document->path = lsp_path_of_uri(uri);
    if (document->path != NULL && !self->options.no_files) {
        document->real = realpath(document->path, NULL);
    }
    if (document->real == NULL && document->path != NULL) {
        document->real = strdup(document->path);
    }
    if (document->uri == NULL) {
        destroy_document(&document);
    }
    return document;
}

static void
did_open(weiri_lsp *self, const lsp_json *params, FILE *out)
{
    (void)out;
    const char     *uri  = lsp_json_text(params, "textDocument.uri");
    const lsp_json *text = lsp_json_at(params, "textDocument.text");
    if (uri == NULL || text == NULL || text->kind != LSP_JSON_STRING) {
        return;
    }
    close_document(self, uri);
    if (self->n_documents == WEIRI_LSP_DOCUMENTS) {
        return;
    }
    lsp_document *document = new_document(self, uri);
    if (document == NULL || !set_text(document, text->text, text->size)) {
        destroy_document(&document);
        return;
    }
    self->documents[self->n_documents++] = document;
    refresh(self, document);
}

/* Replace a range of the text, or all of it. */
static bool
apply_change(const weiri_lsp *self, lsp_document *document, const lsp_json *change)
{
    const lsp_json *text = lsp_json_at(change, "text");
    if (text == NULL || text->kind != LSP_JSON_STRING) {
        return true;
    }
    if (lsp_json_at(change, "range") == NULL) {
        return set_text(document, text->text, text->size);
    }
    size_t start = lsp_offset_of(document->text, document->size,
        lsp_json_position(change, "range.start"), self->unit);
    size_t end   = lsp_offset_of(document->text, document->size,
          lsp_json_position(change, "range.end"), self->unit);
    end          = end < start ? start : end;
    size_t size  = document->size - (end - start) + text->size;
    char  *made  = malloc(size + 1);
    if (made == NULL) {
        return false;
    }
    memcpy(made, document->text, start);
    memcpy(made + start, text->text, text->size);
    memcpy(made + start + text->size, document->text + end, document->size - end);
    bool is_set = set_text(document, made, size);
    free(made);
    return is_set;
}

/* A text that can no longer be followed is closed: a wrong one would be worse. */
static void
did_change(weiri_lsp *self, const lsp_json *params, FILE *out)
{
    (void)out;
    const char     *uri      = lsp_json_text(params, "textDocument.uri");
    lsp_document   *document = find_document(self, uri);
    const lsp_json *changes  = lsp_json_at(params, "contentChanges");
    if (document == NULL || changes == NULL || changes->kind != LSP_JSON_ARRAY) {
        return;
    }
    for (const lsp_json *change = changes->first; change != NULL; change = change->next) {
        if (!apply_change(self, document, change)) {
            lsp_publish_nothing(self, uri);
            close_document(self, uri);
            return;
        }
    }
    refresh(self, document);
}

static void
refresh_all(weiri_lsp *self, const lsp_json *params, FILE *out)
{
    (void)params;
    (void)out;
    for (uint32_t i = 0; i < self->n_documents; i++) {
        analyse(self, self->documents[i]);
    }
}

static void
did_close(weiri_lsp *self, const lsp_json *params, FILE *out)
{
    const char *uri = lsp_json_text(params, "textDocument.uri");
    if (find_document(self, uri) != NULL) {
        lsp_publish_nothing(self, uri);
        close_document(self, uri);
        refresh_all(self, params, out); /* what the file says counts again */
    }
}

/* ---- the life of a session ---- */

static bool
takes_utf8(const lsp_json *params)
{
    const lsp_json *units = lsp_json_at(params, "capabilities.general.positionEncodings");
    const lsp_json *unit =
        units != NULL && units->kind == LSP_JSON_ARRAY ? units->first : NULL;
    while (unit != NULL
           && (unit->kind != LSP_JSON_STRING || strcmp(unit->text, "utf-8") != 0)) {
        unit = unit->next;
    }
    return unit != NULL;
}

static void
initialize(weiri_lsp *self, const lsp_json *params, FILE *out)
{
    if (self->is_initialized) {
        lsp_fail(self, LSP_INVALID_REQUEST, "the session has begun already");
        return;
    }
    self->is_initialized = true;
    self->unit           = takes_utf8(params) ? LSP_UTF8 : LSP_UTF16;
    fprintf(out,
        "{\"capabilities\":{\"positionEncoding\":\"%s\","
        "\"textDocumentSync\":{\"openClose\":true,\"change\":2,\"save\":true},"
        "\"completionProvider\":{\"triggerCharacters\":[\".\"]},"
        "\"hoverProvider\":true,\"definitionProvider\":true,"
        "\"referencesProvider\":true,\"documentHighlightProvider\":true,"
        "\"documentSymbolProvider\":true,\"documentFormattingProvider\":true,"
        "\"renameProvider\":{\"prepareProvider\":true},"
        "\"codeActionProvider\":{\"codeActionKinds\":[\"quickfix\"]},"
        "\"semanticTokensProvider\":{\"full\":true,\"legend\":{\"tokenModifiers\":[],"
        "\"tokenTypes\":",
        self->unit == LSP_UTF8 ? "utf-8" : "utf-16");
    lsp_put_colour_names(out);
    fputs("}}},\"serverInfo\":{\"name\":\"weir\"", out);
    if (self->options.version != NULL) {
        fputs(",\"version\":", out);
        lsp_put_string(out, self->options.version);
    }
    fputs("}}", out);
}

static void
shut_down(weiri_lsp *self, const lsp_json *params, FILE *out)
{
    (void)params;
    self->is_shut_down = true;
    fputs("null", out);
}

static void
leave(weiri_lsp *self, const lsp_json *params, FILE *out)
{
    (void)params;
    (void)out;
    self->is_over = true;
}

/* ---- methods ---- */

static const struct method {
    const char *name;
    lsp_answer *answer;
    bool        is_request;
} METHODS[] = {
    { "initialize", initialize, true },
    { "shutdown", shut_down, true },
    { "exit", leave, false },
    { "textDocument/didOpen", did_open, false },
    { "textDocument/didChange", did_change, false },
    { "textDocument/didClose", did_close, false },
    { "textDocument/didSave", refresh_all, false },
    { "workspace/didChangeWatchedFiles", refresh_all, false },
    { "textDocument/completion", lsp_complete, true },
    { "textDocument/hover", lsp_hover, true },
    { "textDocument/definition", lsp_definition, true },
    { "textDocument/references", lsp_references, true },
    { "textDocument/documentHighlight", lsp_highlight, true },
    { "textDocument/documentSymbol", lsp_outline, true },
    { "textDocument/prepareRename", lsp_prepare_rename, true },
    { "textDocument/rename", lsp_rename, true },
    { "textDocument/formatting", lsp_format, true },
    { "textDocument/codeAction", lsp_actions, true },
    { "textDocument/semanticTokens/full", lsp_colours, true },
};

static const struct method *
find_method(const char *name)
{
    for (size_t i = 0; i < sizeof METHODS / sizeof METHODS[0]; i++) {
        if (strcmp(METHODS[i].name, name) == 0) {
            return &METHODS[i];
        }
    }
    return NULL;
}

static void
put_id(const lsp_json *id, FILE *out)
{
    if (id != NULL && id->kind == LSP_JSON_NUMBER) {
        fwrite(id->text, 1, id->size, out);
    } else if (id != NULL && id->kind == LSP_JSON_STRING) {
        lsp_put_text(out, id->text, id->size);
    } else {
        fputs("null", out);
    }
}

static void
respond(weiri_lsp *self, const lsp_json *id, const char *result, size_t size)
{
    char  *body      = NULL;
    size_t body_size = 0;
    FILE  *out       = open_memstream(&body, &body_size);
    if (out == NULL) {
        return;
    }
    fputs("{\"jsonrpc\":\"2.0\",\"id\":", out);
    put_id(id, out);
    if (self->failure != 0) {
        fprintf(out, ",\"error\":{\"code\":%d,\"message\":", self->failure);
        lsp_put_string(out, self->why);
        fputs("}}", out);
    } else {
        fputs(",\"result\":", out);
        fwrite(result, 1, size, out);
        fputs("}", out);
    }
    fclose(out);
    lsp_send(self->out, body, body_size);
    free(body);
}

/* What is asked for must be known, and fit the state of the session. */
static const struct method *
admit(weiri_lsp *self, const char *name, bool is_request)
{
    const struct method *method = name == NULL ? NULL : find_method(name);
    if (name == NULL) {
        lsp_fail(self, LSP_INVALID_REQUEST, "this is no request");
    } else if (method == NULL || method->is_request != is_request) {
        lsp_fail(self, LSP_NO_METHOD, "there is no method '%.100s'", name);
    } else if (!self->is_initialized && method->answer != initialize
               && method->answer != leave) {
        lsp_fail(self, LSP_NOT_INITIALIZED, "the session has not begun");
    } else if (self->is_shut_down && method->answer != leave) {
        lsp_fail(self, LSP_INVALID_REQUEST, "the session is shut down");
    } else {
        return method;
    }
    return NULL;
}

static void
dispatch(weiri_lsp *self, const lsp_json *message)
{
    const lsp_json *id         = lsp_json_at(message, "id");
    bool            is_request = id != NULL;
    bool            is_answer =
        lsp_json_at(message, "result") != NULL || lsp_json_at(message, "error") != NULL;
    if (is_answer) {
        return; /* to what was never asked */
    }
    const struct method *method =
        admit(self, lsp_json_text(message, "method"), is_request);
    char  *result = NULL;
    size_t size   = 0;
    FILE  *out    = open_memstream(&result, &size);
    if (out == NULL) {
        lsp_fail(self, LSP_REQUEST_FAILED, "out of memory");
    } else if (method != NULL) {
        method->answer(self, lsp_json_at(message, "params"), out);
    }
    if (out != NULL) {
        fclose(out);
    }
    if (is_request) {
        respond(self, id, result, size);
    }
    free(result);
}

void
weiri_lsp_handle(weiri_lsp *self, const char *body, size_t size, FILE *out)
{
    self->arena = weiri_arena_new();
    if (self->arena == NULL || self->is_over) {
        weiri_arena_destroy(&self->arena);
        return;
    }
    self->out               = out;
    self->failure           = 0;
    const lsp_json *message = lsp_json_read(self->arena, body, size);
    if (message == NULL) {
        lsp_fail(self, LSP_PARSE_ERROR, "this is not JSON, or too large");
        respond(self, NULL, NULL, 0);
    } else if (message->kind != LSP_JSON_OBJECT) {
        lsp_fail(self, LSP_INVALID_REQUEST, "a message is an object");
        respond(self, NULL, NULL, 0);
    } else {
        dispatch(self, message);
    }
    weiri_arena_destroy(&self->arena);
}

weir_status
weiri_lsp_new(const weiri_lsp_options *options, weiri_lsp **out)
{
    weiri_lsp *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    self->options = *options;
    *out          = self;
    return WEIR_OK;
}

void
weiri_lsp_destroy(weiri_lsp **self_p)
{
    weiri_lsp *self = *self_p;
    if (self != NULL) {
        for (uint32_t i = 0; i < self->n_documents; i++) {
            destroy_document(&self->documents[i]);
        }
        free(self);
        *self_p = NULL;
    }
}

bool
weiri_lsp_is_over(const weiri_lsp *self, int *status)
{
    *status = self->is_shut_down ? 0 : 1;
    return self->is_over;
}

/* ---- formatting ---- */

/* The lines that differ, as one edit; nothing where the text is as it should be. */
static void
put_edit(weiri_lsp *self, const lsp_document *document, const char *made, size_t size,
    FILE *out)
{
    const char *text  = document->text;
    size_t      least = size < document->size ? size : document->size;
    size_t      head  = 0;
    size_t      tail  = 0;
    while (head < least && text[head] == made[head]) {
        head++;
    }
    if (head == size && head == document->size) {
        return;
    }
    while (head > 0 && text[head - 1] != '\n') {
        head--;
    }
    while (
        tail < least - head && text[document->size - 1 - tail] == made[size - 1 - tail]) {
        tail++;
    }
    while (tail > 0 && text[document->size - tail - 1] != '\n') {
        tail--;
    }
    weiri_span at = { 0, (uint32_t)head, (uint32_t)(document->size - tail - head) };
    fputs("{\"range\":", out);
    lsp_put_range(self, &document->analysis, at, out);
    fputs(",\"newText\":", out);
    lsp_put_text(out, made + head, size - tail - head);
    fputc('}', out);
}

void
lsp_format(weiri_lsp *self, const lsp_json *params, FILE *out)
{
    lsp_document      *document    = lsp_need_document(self, params);
    weiri_diagnostics *diagnostics = NULL;
    char              *made        = NULL;
    size_t             size        = 0;
    weir_error         err         = { .status = WEIR_OK };
    if (document == NULL) {
        return;
    }
    if (document->analysis.root == NULL
        || weiri_diagnostics_new(&diagnostics) != WEIR_OK) {
        lsp_fail(self, LSP_REQUEST_FAILED, "the file is too large");
        return;
    }
    weir_status status = weiri_format_text(
        "", document->text, document->size, diagnostics, &made, &size, &err);
    if (status == WEIR_OK) {
        fputc('[', out);
        put_edit(self, document, made, size, out);
        fputc(']', out);
    } else {
        lsp_fail(self, LSP_REQUEST_FAILED, "a file with mistakes is not formatted");
    }
    free(made);
    weiri_diagnostics_destroy(&diagnostics);
}
