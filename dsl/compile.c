#define _XOPEN_SOURCE 700 /* realpath */

#include "compile.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "expand.h"
#include "lint.h"
#include "parser.h"
#include "planner.h"
#include "std.h"

struct reader {
    weiri_arena                 *arena;
    weiri_diagnostics           *diagnostics;
    const weiri_compile_options *options;
    weiri_ast                   *ast;
    const char                 **paths; /* canonical, of all files begun   */
    uint32_t                     n_paths;
    uint32_t                    *open; /* indexes of those being read now */
    uint32_t                     n_open;
};

weir_status
weiri_read_file(
    weiri_arena *arena, const char *path, char **text, size_t *size, weir_error *err)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL && errno == ENOENT) {
        return WEIR_FAIL(err, WEIR_ENOENT, "there is no file '%s'", path);
    }
    if (file == NULL) {
        return WEIR_FAIL_OS(err, errno, "cannot open '%s'", path);
    }
    size_t room = 1 << 14;
    *text       = weiri_arena_alloc(arena, room);
    *size       = 0;
    for (;;) {
        size_t n = fread(*text + *size, 1, room - *size, file);
        *size += n;
        if (n == 0 || *size > WEIRI_FILE_BYTES) {
            break;
        }
        if (*size == room) {
            *text = weiri_arena_grow(arena, *text, room, 2 * room);
            room *= 2;
        }
    }
    int failed = ferror(file) ? errno : 0;
    fclose(file);
    return failed != 0 ? WEIR_FAIL_OS(err, failed, "cannot read '%s'", path) : WEIR_OK;
}

static void
parse_includes(struct reader *self, const weiri_ast_file *file, const char *directory);

static const char *
directory_of(weiri_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? "" : weiri_arena_text(arena, path, (size_t)(slash - path) + 1);
}

static void
parse_text(struct reader *self, const char *name, const char *text, size_t size)
{
    bool     is_large = size > WEIRI_FILE_BYTES;
    uint32_t index =
        weiri_diagnostics_add_file(self->diagnostics, name, text, is_large ? 0 : size);
    if (is_large) {
        weiri_report(self->diagnostics, WEIRI_E_FILE_TOO_LARGE,
            (weiri_span){ .file = index },
            "a file of rules has at most 4 MB, this one is larger");
        return;
    }
    weiri_ast_file file = weiri_parse(self->arena, self->diagnostics, index);
    parse_includes(self, &file, directory_of(self->arena, name));
    WEIRI_ARENA_PUSH(self->arena, self->ast->files, self->ast->n_files, file);
}

static const char *
canonical(weiri_arena *arena, const char *path)
{
    char       *real = realpath(path, NULL);
    const char *text = real == NULL ? path : real;
    const char *copy = weiri_arena_text(arena, text, strlen(text));
    free(real);
    return copy;
}

static uint32_t
find_path(const struct reader *self, const char *path)
{
    for (uint32_t i = 0; i < self->n_paths; i++) {
        if (strcmp(self->paths[i], path) == 0) {
            return i;
        }
    }
    return WEIRI_NONE;
}

/* The text that stands for a file, or NULL. */
static const weiri_overlay *
find_overlay(const struct reader *self, const char *real)
{
    for (size_t i = 0; i < self->options->n_overlays; i++) {
        if (strcmp(self->options->overlays[i].path, real) == 0) {
            return &self->options->overlays[i];
        }
    }
    return NULL;
}

static weir_status
parse_path(struct reader *self, const char *path, weir_error *err)
{
    const char          *real    = canonical(self->arena, path);
    const weiri_overlay *overlay = find_overlay(self, real);
    char                *read    = NULL;
    size_t               size    = overlay != NULL ? overlay->size : 0;
    weir_status          status =
        overlay != NULL ? WEIR_OK : weiri_read_file(self->arena, path, &read, &size, err);
    if (status != WEIR_OK) {
        return status;
    }
    const char *text = overlay != NULL ? overlay->text : read;
    WEIRI_ARENA_PUSH(self->arena, self->paths, self->n_paths, real);
    self->open[self->n_open++] = self->n_paths - 1;
    parse_text(self, path, text, size);
    self->n_open--;
    return WEIR_OK;
}

static bool
is_open(const struct reader *self, uint32_t path)
{
    for (uint32_t i = 0; i < self->n_open; i++) {
        if (self->open[i] == path) {
            return true;
        }
    }
    return false;
}

/* A file of the standard library, which is part of the program. */
static void
parse_std(struct reader *self, const weiri_ast_include *include)
{
    const weiri_std_file *file = weiri_std_find(include->path);
    if (file == NULL) {
        weiri_report(self->diagnostics, WEIRI_E_INCLUDE_MISSING, include->at,
            "there is no '%s' in the standard library", include->path);
        weiri_report_hint(self->diagnostics,
            "a file of your own in a folder 'std' is \"./%s\"", include->path);
    } else if (find_path(self, file->name) == WEIRI_NONE) {
        WEIRI_ARENA_PUSH(self->arena, self->paths, self->n_paths, file->name);
        parse_text(self, file->name, file->text, strlen(file->text));
    }
}

static void
parse_include(
    struct reader *self, const weiri_ast_include *include, const char *directory)
{
    weir_error  err  = { .status = WEIR_OK };
    const char *path = include->path[0] == '/' ? include->path
                                               : weiri_arena_format(self->arena, "%s%s",
                                                   directory, include->path);
    uint32_t    seen = find_path(self, canonical(self->arena, path));
    if (seen != WEIRI_NONE && !is_open(self, seen)) {
        return; /* once is enough */
    }
    if (seen != WEIRI_NONE) {
        weiri_report(self->diagnostics, WEIRI_E_INCLUDE_CYCLE, include->at,
            "'%s' includes itself, directly or through others", include->path);
    } else if (self->n_paths >= WEIRI_FILES) {
        weiri_report(self->diagnostics, WEIRI_E_INCLUDE_MISSING, include->at,
            "at most %d files can be read together", WEIRI_FILES);
    } else if (parse_path(self, path, &err) != WEIR_OK) {
        weiri_report(self->diagnostics, WEIRI_E_INCLUDE_MISSING, include->at,
            err.status == WEIR_ENOENT ? "there is no file '%s'" : "cannot read file '%s'",
            include->path);
    }
}

static void
parse_includes(struct reader *self, const weiri_ast_file *file, const char *directory)
{
    for (uint32_t i = 0; i < file->n_statements; i++) {
        const weiri_ast_statement *statement = &file->statements[i];
        if (statement->kind != WEIRI_WORD_INCLUDE
            || statement->as.include->path == NULL) {
            continue;
        }
        if (weiri_std_is_path(statement->as.include->path)) {
            parse_std(self, statement->as.include);
            continue;
        }
        if (self->options->no_includes) {
            weiri_report(self->diagnostics, WEIRI_E_INCLUDE_REFUSED,
                statement->as.include->at, "files cannot be included here");
            continue;
        }
        parse_include(self, statement->as.include, directory);
    }
}

static struct reader
new_reader(weiri_arena *arena, weiri_diagnostics *diagnostics,
    const weiri_compile_options *options, weiri_ast *ast)
{
    *ast = (weiri_ast){ .n_files = 0 };
    return (struct reader){ .arena = arena,
        .diagnostics               = diagnostics,
        .options                   = options,
        .ast                       = ast,
        .open = weiri_arena_alloc(arena, (WEIRI_FILES + 1) * sizeof(uint32_t)) };
}

weir_status
weiri_read_files(weiri_arena *arena, weiri_diagnostics *diagnostics,
    const char *const *paths, size_t n_paths, const weiri_compile_options *options,
    weiri_ast *ast, weir_error *err)
{
    struct reader self = new_reader(arena, diagnostics, options, ast);
    for (size_t i = 0; i < n_paths; i++) {
        if (find_path(&self, canonical(arena, paths[i])) != WEIRI_NONE) {
            continue;
        }
        weir_status status = parse_path(&self, paths[i], err);
        if (status != WEIR_OK) {
            return status;
        }
    }
    weiri_expand_functions(arena, diagnostics, ast);
    return WEIR_OK;
}

void
weiri_read_text(weiri_arena *arena, weiri_diagnostics *diagnostics, const char *name,
    const char *text, size_t size, const weiri_compile_options *options, weiri_ast *ast)
{
    struct reader self = new_reader(arena, diagnostics, options, ast);
    const char   *real = options->no_includes ? name : canonical(arena, name);
    WEIRI_ARENA_PUSH(arena, self.paths, self.n_paths, real);
    self.open[self.n_open++] = 0;
    parse_text(&self, name, text, size);
    weiri_expand_functions(arena, diagnostics, ast);
}

/* A rule that comes later may read what none does yet. */
static void
keep_fields(weiri_plan *plan)
{
    for (uint32_t i = 0; i < plan->n_streams; i++) {
        weiri_stream *stream = &plan->streams[i];
        for (uint32_t f = 0;
             stream->origin == WEIRI_ORIGIN_SOURCE && f < stream->schema.n_fields; f++) {
            stream->used[f] = true;
        }
    }
}

static weir_status
finish(weiri_arena *arena, weiri_diagnostics *diagnostics,
    const weiri_compile_options *options, const weiri_ast *ast, weiri_plan **out)
{
    weiri_plan *plan = weiri_plan_files(arena, diagnostics, options, ast);
    weiri_apply_allows(diagnostics, ast, false);
    if (plan == NULL) {
        weiri_arena_destroy(&arena);
        return WEIR_ESYNTAX;
    }
    if (options->keeps_fields) {
        keep_fields(plan);
    }
    weiri_note_declared(arena, diagnostics, options, ast, plan);
    *out = plan;
    return WEIR_OK;
}

static const weiri_compile_options DEFAULTS = { .n_settings = 0 };

weir_status
weiri_compile_files(const char *const *paths, size_t n_paths,
    const weiri_compile_options *options, weiri_diagnostics *diagnostics,
    weiri_plan **out, weir_error *err)
{
    weiri_arena *arena = weiri_arena_new();
    weiri_ast    ast;
    options = options != NULL ? options : &DEFAULTS;
    if (arena == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "out of memory");
    }
    weir_status status =
        weiri_read_files(arena, diagnostics, paths, n_paths, options, &ast, err);
    if (status != WEIR_OK) {
        weiri_arena_destroy(&arena);
        return status;
    }
    return finish(arena, diagnostics, options, &ast, out);
}

weir_status
weiri_compile_text(const char *name, const char *text, size_t size,
    const weiri_compile_options *options, weiri_diagnostics *diagnostics,
    weiri_plan **out, weir_error *err)
{
    weiri_arena *arena = weiri_arena_new();
    weiri_ast    ast;
    options = options != NULL ? options : &DEFAULTS;
    if (arena == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "out of memory");
    }
    weiri_read_text(arena, diagnostics, name, text, size, options, &ast);
    return finish(arena, diagnostics, options, &ast, out);
}
