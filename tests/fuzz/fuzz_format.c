#define _POSIX_C_SOURCE 200809L
/* Any bytes as a file of rules: what can be read is formatted; the text that comes of it
 * has the same tree, and formatting it again changes nothing. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parser.h"
#include "tree_text.h"
#include "weiri/format.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *
tree_of(const char *text, size_t size)
{
    weiri_diagnostics *diagnostics = NULL;
    weiri_arena       *arena       = weiri_arena_new();
    char              *tree        = NULL;
    size_t             tree_size   = 0;
    FILE              *out         = open_memstream(&tree, &tree_size);
    if (arena == NULL || out == NULL || weiri_diagnostics_new(&diagnostics) != WEIR_OK) {
        abort();
    }
    uint32_t       index = weiri_diagnostics_add_file(diagnostics, "t", text, size);
    weiri_ast_file file  = weiri_parse(arena, diagnostics, index);
    if (weiri_diagnostics_count(diagnostics, true) > 0) {
        abort(); /* what was formatted can be read */
    }
    tree_print(out, &file);
    fclose(out);
    weiri_diagnostics_destroy(&diagnostics);
    weiri_arena_destroy(&arena);
    return tree;
}

/* NULL if the text is wrong. */
static char *
format(const char *text, size_t size, size_t *out_size)
{
    weiri_diagnostics *diagnostics = NULL;
    weir_error         err         = { .status = WEIR_OK };
    char              *out         = NULL;
    if (weiri_diagnostics_new(&diagnostics) != WEIR_OK) {
        abort();
    }
    weir_status status =
        weiri_format_text("t", text, size, diagnostics, &out, out_size, &err);
    if ((status == WEIR_OK) != (out != NULL)) {
        abort();
    }
    weiri_diagnostics_destroy(&diagnostics);
    return out;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t n    = 0;
    size_t m    = 0;
    char  *once = format((const char *)data, size, &n);
    if (once == NULL) {
        return 0;
    }
    char *twice  = format(once, n, &m);
    char *before = tree_of((const char *)data, size);
    char *after  = tree_of(once, n);
    if (twice == NULL || m != n || memcmp(once, twice, n) != 0) {
        abort(); /* not canonical */
    }
    if (strcmp(before, after) != 0) {
        abort(); /* another meaning */
    }
    free(once);
    free(twice);
    free(before);
    free(after);
    return 0;
}
