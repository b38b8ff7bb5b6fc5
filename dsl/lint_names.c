/* Names that nobody reads, and names that hide others. */
#include <string.h>

#include "lint.h"
#include "std.h"

/* ---- reading ---- */

/* How often a word stands among the tokens of all files. A parameter may be read wherever
 * a value can stand, and its own declaration is one time. */
static uint32_t
count_word(const weiri_lint *self, const char *word)
{
    uint32_t n    = 0;
    size_t   size = strlen(word);
    for (uint32_t i = 0; i < self->ast->n_files; i++) {
        const weiri_ast_file  *file = &self->ast->files[i];
        const weiri_text_file *text =
            weiri_diagnostics_file(self->diagnostics, file->file);
        if (weiri_std_is_path(text->name)) {
            continue; /* reads no parameter of anybody's */
        }
        for (uint32_t k = 0; k < file->tokens.n_items; k++) {
            const weiri_token *token = &file->tokens.items[k];
            n += token->kind == WEIRI_TOKEN_NAME && token->size == size
                 && memcmp(text->text + token->offset, word, size) == 0;
        }
    }
    return n;
}

/* How often a word stands within a place. */
static uint32_t
count_within(const weiri_lint *self, weiri_span at, const char *word)
{
    const weiri_tokens *tokens = &self->file->tokens;
    const char *text = weiri_diagnostics_file(self->diagnostics, self->file->file)->text;
    size_t      size = strlen(word);
    uint32_t    n    = 0;
    uint32_t    end  = weiri_lint_token(self->file, at.offset + at.size);
    for (uint32_t i = weiri_lint_token(self->file, at.offset); i < end; i++) {
        const weiri_token *token = &tokens->items[i];
        n += token->kind == WEIRI_TOKEN_NAME && token->size == size
             && memcmp(text + token->offset, word, size) == 0;
    }
    return n;
}

static void
report_unused(const weiri_lint *self, weiri_ast_name name, const char *what)
{
    weiri_report(self->diagnostics, WEIRI_W_NAME_UNUSED, name.at, "nobody reads %s '%s'",
        what, name.text);
}

/* ---- steps ---- */

static void
check_step(const weiri_lint *self, const weiri_ast_pattern *step, weiri_span rule)
{
    const weiri_stream *stream = weiri_lint_stream(self, step->stream.text);
    const char         *name   = step->name.text;
    if (name == NULL) {
        return;
    }
    if (step->not_at.size == 0 && count_within(self, rule, name) < 2) {
        report_unused(self, step->name, "the name of step");
        weiri_report_hint(self->diagnostics, "write '%s' alone", step->stream.text);
    }
    if (stream != NULL && weir_schema_find(&stream->schema, name) >= 0) {
        weiri_report(self->diagnostics, WEIRI_W_NAME_HIDES, step->name.at,
            "step '%s' is called as a field of '%s' is", name, step->stream.text);
    } else if (strcmp(name, step->stream.text) != 0
               && weiri_lint_stream(self, name) != NULL) {
        weiri_report(self->diagnostics, WEIRI_W_NAME_HIDES, step->name.at,
            "step '%s' is called as a stream is that it does not read", name);
    }
}

static void
check_steps(const weiri_lint *self, const weiri_ast_pattern *pattern, weiri_span rule)
{
    if (pattern->kind == WEIRI_AST_STEP) {
        check_step(self, pattern, rule);
    }
    for (uint32_t i = 0; i < pattern->n_items; i++) {
        check_steps(self, pattern->items[i], rule);
    }
}

/* ---- parameters ---- */

/* A field of a stream that rules read, which stands before a parameter of its name. */
static void
check_hidden(const weiri_lint *self, const weiri_ast_param *param)
{
    for (uint32_t i = 0; i < self->plan->n_streams; i++) {
        const weir_schema *schema = &self->plan->streams[i].schema;
        if (weir_schema_find(schema, param->name.text) >= 0) {
            weiri_report(self->diagnostics, WEIRI_W_NAME_HIDES, param->name.at,
                "where events of '%s' are looked at, its field '%s' hides this "
                "parameter",
                schema->name, param->name.text);
            return;
        }
    }
}

static void
check_param(const weiri_lint *self, const weiri_ast_param *param)
{
    check_hidden(self, param);
    if (count_word(self, param->name.text) < 2) {
        report_unused(self, param->name, "parameter");
    }
}

void
weiri_lint_names(weiri_lint *self)
{
    for (uint32_t i = 0; i < self->ast->n_files; i++) {
        self->file = &self->ast->files[i];
        for (uint32_t k = 0; k < self->file->n_statements; k++) {
            const weiri_ast_statement *statement = &self->file->statements[k];
            if (statement->kind == WEIRI_WORD_PARAM) {
                check_param(self, statement->as.param);
            } else if (statement->kind == WEIRI_WORD_RULE
                       && statement->as.rule->pattern != NULL) {
                check_steps(self, statement->as.rule->pattern, statement->at);
            }
        }
    }
}
