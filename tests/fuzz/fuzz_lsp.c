#define _POSIX_C_SOURCE 200809L
/* Any bytes as what an editor says.
 *
 * Where the first byte is '=', the rest is what comes on standard input, headers and all.
 * Otherwise the input, up to a zero byte, is a document; what follows are acts of five
 * bytes each: what is done, and at which places, edits taking their text from the
 * document itself. Afterwards every answer must be a message that can be read again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "weiri/lsp.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const METHODS[] = { "completion", "hover", "definition", "references",
    "documentHighlight", "documentSymbol", "prepareRename", "rename", "formatting",
    "codeAction", "semanticTokens/full" };

enum { N_METHODS = sizeof METHODS / sizeof METHODS[0], ACT_BYTES = 5, ACTS = 100 };

struct session {
    weiri_lsp  *server;
    const char *text; /* of the document as it was opened */
    size_t      size;
};

/* What was sent is a header and JSON, as often as there are messages. */
static void
check(const char *sent, size_t size)
{
    weiri_arena *arena = weiri_arena_new();
    size_t       at    = 0;
    while (at < size) {
        size_t length = 0;
        int    header = 0;
        if (sscanf(sent + at, "Content-Length: %zu\r\n\r\n%n", &length, &header) != 1
            || header == 0) {
            abort();
        }
        at += (size_t)header;
        if (length > size - at) {
            abort();
        }
        /* More values than are read again is no mistake. */
        if (length < 4096 && lsp_json_read(arena, sent + at, length) == NULL) {
            abort();
        }
        at += length;
    }
    weiri_arena_destroy(&arena);
}

static void
handle(struct session *self, const char *body, size_t size)
{
    char  *sent      = NULL;
    size_t sent_size = 0;
    FILE  *out       = open_memstream(&sent, &sent_size);
    if (out == NULL) {
        abort();
    }
    weiri_lsp_handle(self->server, body, size, out);
    fclose(out);
    check(sent, sent_size);
    free(sent);
}

static void
say(struct session *self, const char *method, const char *params, const char *text,
    size_t size)
{
    char  *body      = NULL;
    size_t body_size = 0;
    FILE  *out       = open_memstream(&body, &body_size);
    if (out == NULL) {
        abort();
    }
    fprintf(
        out, "{\"id\":1,\"method\":\"textDocument/%s\",\"params\":{%s", method, params);
    if (text != NULL) {
        lsp_put_text(out, text, size);
        fputs("}]", out);
    }
    fputs("}}", out);
    fclose(out);
    /* What is told and not asked has no id. */
    if (strncmp(method, "did", 3) == 0) {
        memcpy(body, "{\"ix\"", 5);
    }
    handle(self, body, body_size);
    free(body);
}

static void
act(struct session *self, const uint8_t *bytes)
{
    char     params[400];
    unsigned what = bytes[0];
    size_t   from = self->size == 0 ? 0 : bytes[2] * 7u % self->size;
    size_t   n = self->size - from < bytes[4] % 16u ? self->size - from : bytes[4] % 16u;
    if (what >= 128) {
        snprintf(params, sizeof params,
            "\"textDocument\":{\"uri\":\"u\"},\"contentChanges\":[{\"range\":{\"start\":{"
            "\"line\":%u,\"character\":%u},\"end\":{\"line\":%u,\"character\":%u}},"
            "\"text\":",
            bytes[1] % 64u, bytes[2] % 64u, bytes[1] % 64u + bytes[3] % 3u,
            bytes[3] % 64u);
        say(self, "didChange", params, self->text + from, n);
        return;
    }
    snprintf(params, sizeof params,
        "\"textDocument\":{\"uri\":\"u\"},\"position\":{\"line\":%u,\"character\":%u},"
        "\"newName\":\"n%u\",\"range\":{\"start\":{\"line\":%u,\"character\":0},\"end\":{"
        "\"line\":%u,\"character\":9}}",
        bytes[1] % 64u, bytes[2] % 64u, bytes[3] % 4u, bytes[1] % 64u, bytes[3] % 64u);
    say(self, METHODS[what % N_METHODS], params, NULL, 0);
}

static void
edit(struct session *self, const uint8_t *data, size_t size)
{
    static const char BEGIN[] = "{\"id\":0,\"method\":\"initialize\",\"params\":{}}";
    static const char OPEN[]  = "{\"method\":\"textDocument/didOpen\",\"params\":{"
                                "\"textDocument\":{\"uri\":\"u\",\"text\":";
    const uint8_t    *end     = size == 0 ? NULL : memchr(data, 0, size);
    char             *body    = NULL;
    size_t            n       = 0;
    FILE             *out     = open_memstream(&body, &n);
    if (out == NULL) {
        abort();
    }
    self->text = (const char *)data;
    self->size = end == NULL ? size : (size_t)(end - data);
    handle(self, BEGIN, sizeof BEGIN - 1);
    fputs(OPEN, out);
    lsp_put_text(out, self->text, self->size);
    fputs("}}}", out);
    fclose(out);
    handle(self, body, n);
    free(body);
    if (self->size == size) {
        return;
    }
    data += self->size + 1;
    for (size_t i = 0; i < ACTS && self->size + 1 + (i + 1) * ACT_BYTES <= size; i++) {
        act(self, data + i * ACT_BYTES);
    }
}

static void
serve(weiri_lsp *server, const uint8_t *data, size_t size)
{
    char  *sent      = NULL;
    size_t sent_size = 0;
    FILE  *in        = fmemopen((void *)(uintptr_t)data, size, "rb"); /* only read */
    FILE  *out       = open_memstream(&sent, &sent_size);
    if (in == NULL || out == NULL) {
        abort();
    }
    (void)weiri_lsp_serve(server, in, out);
    fclose(in);
    fclose(out);
    check(sent, sent_size);
    free(sent);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const weiri_lsp_options options = { .no_files = true };
    struct session          self    = { .server = NULL };
    if (weiri_lsp_new(&options, &self.server) != WEIR_OK) {
        abort();
    }
    if (size > 1 && data[0] == '=') {
        serve(self.server, data + 1, size - 1);
    } else {
        edit(&self, data, size);
    }
    weiri_lsp_destroy(&self.server);
    return 0;
}
