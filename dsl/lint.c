#include "lint.h"

#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "planner.h"

/* ---- what comments allow ---- */

/* `# weir: allow CODE …`: one code and where it is allowed. */
struct allow {
    uint32_t    file;
    uint32_t    begin; /* bytes of the file */
    uint32_t    end;
    weiri_span  at; /* of the code in the comment */
    const char *code;
    bool        is_idle; /* it has silenced nothing */
};

struct allows {
    weiri_arena       *arena;
    weiri_diagnostics *diagnostics;
    struct allow      *items;
    uint32_t           n;
};

static uint32_t
line_begin(const weiri_text_file *text, uint32_t offset)
{
    while (offset > 0 && text->text[offset - 1] != '\n') {
        offset--;
    }
    return offset;
}

static uint32_t
line_end(const weiri_text_file *text, uint32_t offset)
{
    while (offset < text->size && text->text[offset] != '\n') {
        offset++;
    }
    return offset;
}

/* What a comment is about: its line, the statement that follows, or the line that does.
 */
static struct allow
scope_of(
    const weiri_ast_file *file, const weiri_text_file *text, const weiri_comment *comment)
{
    if (!comment->starts_line) {
        return (struct allow){ .file = file->file,
            .begin                   = line_begin(text, comment->offset),
            .end                     = comment->offset };
    }
    uint32_t next = file->tokens.items[comment->token].offset;
    for (uint32_t i = 0; i < file->n_statements; i++) {
        weiri_span at = file->statements[i].at;
        if (at.offset == next) {
            return (struct allow){
                .file = file->file, .begin = next, .end = at.offset + at.size
            };
        }
    }
    return (
        struct allow){ .file = file->file, .begin = next, .end = line_end(text, next) };
}

static void
collect_comment(struct allows *self, const weiri_ast_file *file,
    const weiri_text_file *text, const weiri_comment *comment)
{
    static const char MARK[]    = "weir: allow";
    static const char BETWEEN[] = " \t\r,";
    uint32_t          end       = comment->offset + comment->size;
    uint32_t          at        = comment->offset + 1;
    uint32_t          first     = (uint32_t)strspn(text->text + at, " \t");
    at += first;
    if (end - at < sizeof MARK || strncmp(text->text + at, MARK, sizeof MARK - 1) != 0) {
        return;
    }
    struct allow allow = scope_of(file, text, comment);
    allow.is_idle      = true;
    for (at += sizeof MARK - 1; at < end;) {
        at += (uint32_t)strspn(text->text + at, BETWEEN);
        uint32_t size = (uint32_t)strcspn(text->text + at, " \t\r,\n");
        if (size > 0 && at < end) {
            allow.code = weiri_arena_text(self->arena, text->text + at, size);
            allow.at   = (weiri_span){ file->file, at, size };
            WEIRI_ARENA_PUSH(self->arena, self->items, self->n, allow);
        }
        at += size > 0 ? size : 1;
    }
}

static bool
is_kept(void *context, weiri_code code, weiri_span at)
{
    struct allows *self    = context;
    bool           is_kept = true;
    const char    *text    = weiri_diagnostics_code(code);
    for (uint32_t i = 0; text[0] == 'W' && i < self->n; i++) {
        struct allow *allow = &self->items[i];
        if (allow->file == at.file && at.offset >= allow->begin && at.offset <= allow->end
            && strcmp(allow->code, text) == 0) {
            allow->is_idle = false;
            is_kept        = false;
        }
    }
    return is_kept;
}

static void
tell_idle(const struct allows *self)
{
    for (uint32_t i = 0; i < self->n; i++) {
        if (self->items[i].is_idle) {
            weiri_report(self->diagnostics, WEIRI_W_ALLOWS_NOTHING, self->items[i].at,
                "there is no warning %.40s to allow here", self->items[i].code);
        }
    }
}

void
weiri_apply_allows(weiri_diagnostics *diagnostics, const weiri_ast *ast, bool tells_idle)
{
    struct allows self = { .arena = weiri_arena_new(), .diagnostics = diagnostics };
    if (self.arena == NULL) {
        return;
    }
    for (uint32_t i = 0; i < ast->n_files; i++) {
        const weiri_ast_file  *file = &ast->files[i];
        const weiri_text_file *text = weiri_diagnostics_file(diagnostics, file->file);
        for (uint32_t k = 0; k < file->tokens.n_comments; k++) {
            collect_comment(&self, file, text, &file->tokens.comments[k]);
        }
    }
    if (self.n > 0) {
        weiri_report_filter(diagnostics, is_kept, &self);
    }
    if (tells_idle) {
        tell_idle(&self);
    }
    weiri_arena_destroy(&self.arena);
}

/* ---- what several lints ask ---- */

const weiri_stream *
weiri_lint_stream(const weiri_lint *self, const char *name)
{
    uint32_t i = weiri_names_find(&self->streams, name);
    return i != UINT32_MAX ? &self->plan->streams[i] : NULL;
}

static void
index_names(weiri_lint *self)
{
    for (uint32_t i = 0; i < self->plan->n_streams; i++) {
        weiri_names_add(
            &self->streams, self->arena, self->plan->streams[i].schema.name, i);
    }
    for (uint32_t i = 0; i < self->plan->n_rules; i++) {
        weiri_names_add(&self->rules, self->arena, self->plan->rules[i].name, i);
    }
}

uint32_t
weiri_lint_token(const weiri_ast_file *file, uint32_t offset)
{
    uint32_t low  = 0;
    uint32_t high = file->tokens.n_items - 1; /* the END is behind all */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (file->tokens.items[middle].offset < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* ---- the whole ---- */

static void
lint(weiri_lint *self)
{
    index_names(self);
    for (uint32_t i = 0; i < self->ast->n_files; i++) {
        self->file = &self->ast->files[i];
        for (uint32_t k = 0; k < self->file->n_statements; k++) {
            const weiri_ast_statement *statement = &self->file->statements[k];
            if (statement->kind != WEIRI_WORD_RULE) {
                continue;
            }
            weiri_lint_rule(self, statement->as.rule);
            if (statement->as.rule->pattern != NULL) {
                weiri_lint_match(self, statement->as.rule);
            }
        }
    }
    weiri_lint_names(self);
    weiri_lint_pairs(self);
}

void
weiri_lint_plan(weiri_arena *arena, weiri_diagnostics *diagnostics, const weiri_ast *ast,
    const weiri_plan *plan)
{
    weiri_lint self = {
        .arena = arena, .diagnostics = diagnostics, .ast = ast, .plan = plan
    };
    lint(&self);
    weiri_apply_allows(diagnostics, ast, true);
}

/* Plan, and look if that went well. */
static weir_status
finish(weiri_arena *arena, weiri_diagnostics *diagnostics,
    const weiri_compile_options *options, const weiri_ast *ast)
{
    const weiri_plan *plan = weiri_plan_files(arena, diagnostics, options, ast);
    if (plan == NULL) {
        weiri_apply_allows(diagnostics, ast, false);
        return WEIR_ESYNTAX;
    }
    weiri_lint_plan(arena, diagnostics, ast, plan);
    return WEIR_OK;
}

weir_status
weiri_lint_files(const char *const *paths, size_t n_paths,
    const weiri_compile_options *options, weiri_diagnostics *diagnostics, weir_error *err)
{
    weiri_ast    ast;
    weiri_arena *arena = weiri_arena_new();
    if (arena == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "out of memory");
    }
    weir_status status =
        weiri_read_files(arena, diagnostics, paths, n_paths, options, &ast, err);
    if (status == WEIR_OK) {
        status = finish(arena, diagnostics, options, &ast);
    }
    weiri_arena_destroy(&arena);
    return status;
}

weir_status
weiri_lint_text(const char *name, const char *text, size_t size,
    const weiri_compile_options *options, weiri_diagnostics *diagnostics, weir_error *err)
{
    weiri_ast    ast;
    weiri_arena *arena = weiri_arena_new();
    if (arena == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "out of memory");
    }
    weiri_read_text(arena, diagnostics, name, text, size, options, &ast);
    weir_status status = finish(arena, diagnostics, options, &ast);
    weiri_arena_destroy(&arena);
    return status;
}
