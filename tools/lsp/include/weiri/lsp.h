/* A language server for rule files: the Language Server Protocol 3.17 as messages in and
 * messages out. Who moves the bytes is the caller's business; no message and no order of
 * messages is more than an error in the answer. */
#ifndef WEIRI_LSP_H
#define WEIRI_LSP_H

#include <stdbool.h>
#include <stdio.h>

#include "weiri/plan.h"

enum {
    WEIRI_LSP_MESSAGE_BYTES = 32 << 20, /* of one message; a longer one is passed over */
    WEIRI_LSP_HEADER_BYTES  = 4096,     /* of one line of a header                     */
    WEIRI_LSP_DOCUMENTS     = 256       /* open at once                                */
};

typedef struct weiri_lsp weiri_lsp;

typedef struct weiri_lsp_options {
    const char *version;  /* of the command, told to the client; NULL: not told */
    bool        no_files; /* nothing is read but what messages bring            */
    /* What a rule means, in one paragraph in the arena; NULL: nobody can say. */
    const char *(*explain)(
        weiri_arena *arena, const weiri_plan *plan, const weiri_rule *rule);
} weiri_lsp_options;

WEIR_MUST_CHECK weir_status
weiri_lsp_new(const weiri_lsp_options *options, weiri_lsp **out);

void
weiri_lsp_destroy(weiri_lsp **self_p);

/* Take one message, without its header, and write what it brings about: none or several
 * messages, each with its header.
 *
 *   body    shape (size,); any bytes
 *   thread  owner
 */
void
weiri_lsp_handle(weiri_lsp *self, const char *body, size_t size, FILE *out);

/* Whether `exit` came, and the exit status it asks for: 0 after `shutdown`, else 1. */
bool
weiri_lsp_is_over(const weiri_lsp *self, int *status);

/* Read messages until `exit` or the end of the input. Returns the exit status.
 *
 *   in   messages with headers; what cannot be read as such is passed over
 *   out  flushed after each
 */
int
weiri_lsp_serve(weiri_lsp *self, FILE *in, FILE *out);

#endif
