#include "weiri/format.h"

#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "nodefile.h"
#include "weiri/assert.h"

/* ---- nothing but layout has changed ---- */

/* The next token that is kept. */
static uint32_t
next_kept(const weiri_layout *self, uint32_t token)
{
    while (self->marks[token].is_dropped) {
        token++;
    }
    return token;
}

static bool
is_same_token(const weiri_layout *a, uint32_t i, const weiri_layout *b, uint32_t k)
{
    const weiri_token *x = &a->tokens.items[i];
    const weiri_token *y = &b->tokens.items[k];
    return x->kind == y->kind && x->size == y->size
           && a->marks[i].kind == b->marks[k].kind
           && memcmp(a->text + x->offset, b->text + y->offset, x->size) == 0;
}

/* Marks follow the tree, so two files whose tokens and marks are the same were understood
 * the same way. */
static bool
has_same_tokens(const weiri_layout *a, const weiri_layout *b)
{
    uint32_t i = 0;
    uint32_t k = 0;
    for (;; i++, k++) {
        i = next_kept(a, i);
        k = next_kept(b, k);
        if (!is_same_token(a, i, b, k)) {
            return false;
        }
        if (a->tokens.items[i].kind == WEIRI_TOKEN_END) {
            return a->n_groups == b->n_groups;
        }
    }
}

static uint32_t
trimmed(const weiri_layout *self, const weiri_comment *comment)
{
    uint32_t size = comment->size;
    while (size > 1 && strchr(" \t\r", self->text[comment->offset + size - 1]) != NULL) {
        size--;
    }
    return size;
}

static bool
has_same_comments(const weiri_layout *a, const weiri_layout *b)
{
    if (a->tokens.n_comments != b->tokens.n_comments) {
        return false;
    }
    for (uint32_t i = 0; i < a->tokens.n_comments; i++) {
        const weiri_comment *x    = &a->tokens.comments[i];
        const weiri_comment *y    = &b->tokens.comments[i];
        uint32_t             size = trimmed(a, x);
        if (size != trimmed(b, y)
            || memcmp(a->text + x->offset, b->text + y->offset, size) != 0) {
            return false;
        }
    }
    return true;
}

/* ---- the whole ---- */

static weiri_layout
read_layout(weiri_arena *arena, weiri_diagnostics *diagnostics, const char *name,
    const char *text, size_t size)
{
    uint32_t        index = weiri_diagnostics_add_file(diagnostics, name, text, size);
    const char     *copy  = weiri_diagnostics_file(diagnostics, index)->text;
    bool            is_of_node = weiri_nodefile_is(text, size);
    weiri_node_tree tree       = { .n_blocks = 0 };
    weiri_ast_file  file       = { .n_statements = 0 };
    if (is_of_node) {
        weiri_nodefile ignored = { .arena = arena };
        tree                   = weiri_nodefile_tree(diagnostics, index, &ignored);
    } else {
        file = weiri_parse(arena, diagnostics, index);
    }
    if (weiri_diagnostics_count(diagnostics, true) > 0) {
        return (weiri_layout){ .marks = NULL };
    }
    return is_of_node ? weiri_layout_nodefile(arena, &tree, copy)
                      : weiri_layout_file(arena, &file, copy);
}

/* Format, and read what came of it once more. NULL if the text is wrong. */
static const char *
format(weiri_arena *arena, weiri_diagnostics *diagnostics, weiri_diagnostics *scratch,
    const char *name, const char *text, size_t *size)
{
    weiri_layout layout = read_layout(arena, diagnostics, name, text, *size);
    if (layout.marks == NULL) {
        return NULL;
    }
    const char  *out   = weiri_layout_print(&layout, size);
    weiri_layout again = read_layout(arena, scratch, name, out, *size);
    weiri_assert(again.marks != NULL);
    weiri_assert(has_same_tokens(&layout, &again));
    weiri_assert(has_same_comments(&layout, &again));
    return out;
}

static weir_status
copy_out(const char *text, size_t size, char **out, size_t *out_size, weir_error *err)
{
    char *copy = malloc(size + 1);
    if (copy == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "out of memory");
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    *out       = copy;
    *out_size  = size;
    return WEIR_OK;
}

weir_status
weiri_format_text(const char *name, const char *text, size_t size,
    weiri_diagnostics *diagnostics, char **out, size_t *out_size, weir_error *err)
{
    weiri_diagnostics *scratch = NULL;
    weiri_arena       *arena   = weiri_arena_new();
    weir_status        status  = WEIR_ENOMEM;
    if (size > WEIRI_FILE_BYTES) {
        uint32_t file = weiri_diagnostics_add_file(diagnostics, name, "", 0);
        weiri_report(diagnostics, WEIRI_E_FILE_TOO_LARGE, (weiri_span){ .file = file },
            "a file of rules has at most 4 MB, this one is larger");
        status = WEIR_ESYNTAX;
    } else if (arena != NULL && weiri_diagnostics_new(&scratch) == WEIR_OK) {
        const char *done = format(arena, diagnostics, scratch, name, text, &size);
        status = done == NULL ? WEIR_ESYNTAX : copy_out(done, size, out, out_size, err);
    }
    weiri_diagnostics_destroy(&scratch);
    weiri_arena_destroy(&arena);
    return status;
}
