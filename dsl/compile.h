/* Reading files into a tree, without planning them: for tools on the text. */
#ifndef WEIRI_COMPILE_H
#define WEIRI_COMPILE_H

#include "ast.h"

/* The whole of a file, at most one byte beyond WEIRI_FILE_BYTES.
 *
 *   errors  WEIR_ENOENT, WEIR_EIO
 */
WEIR_MUST_CHECK weir_status
weiri_read_file(
    weiri_arena *arena, const char *path, char **text, size_t *size, weir_error *err);

/* Parse files and what they include, and put their functions in where they are called.
 *
 *   ast     untouched on error; lives in `arena`
 *   errors  WEIR_ENOENT, WEIR_EIO  a file of `paths` cannot be read, see err.
 *           What is wrong in the text is in `diagnostics`, with WEIR_OK
 */
WEIR_MUST_CHECK weir_status
weiri_read_files(weiri_arena *arena, weiri_diagnostics *diagnostics,
    const char *const *paths, size_t n_paths, const weiri_compile_options *options,
    weiri_ast *ast, weir_error *err);

/* The same for one text; its includes are relative to `name`. */
void
weiri_read_text(weiri_arena *arena, weiri_diagnostics *diagnostics, const char *name,
    const char *text, size_t size, const weiri_compile_options *options, weiri_ast *ast);

/* ---- declared.c ---- */

/* Note in the plan what the files declare. */
void
weiri_note_declared(weiri_arena *arena, weiri_diagnostics *diagnostics,
    const weiri_compile_options *options, const weiri_ast *ast, weiri_plan *plan);

#endif
