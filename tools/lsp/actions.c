/* Mending: what the hint of a report says to write, and a comment that silences it. */
#include <string.h>

#include "server.h"

/* What a hint proposes, between quotes behind these words; NULL: nothing. */
static const char *
quoted_after(weiri_arena *arena, const char *hint, const char *words)
{
    const char *found = strstr(hint, words);
    const char *from  = found == NULL ? NULL : found + strlen(words);
    const char *end   = from == NULL ? NULL : strchr(from, '\'');
    return end == NULL ? NULL : weiri_arena_text(arena, from, (size_t)(end - from));
}

/* The text that stands for the place of a report; NULL: it is not that simple. */
static const char *
remedy(weiri_lsp *self, const weiri_diagnostic *report)
{
    if (strcmp(report->code, "E0214") == 0) {
        return ",";
    }
    if (report->hint == NULL || report->size == 0) {
        return NULL;
    }
    const char *meant = quoted_after(self->arena, report->hint, "did you mean '");
    bool        is_sign =
        strcmp(report->code, "E0102") == 0 || strcmp(report->code, "E0212") == 0;
    return meant == NULL && is_sign ? quoted_after(self->arena, report->hint, "write '")
                                    : meant;
}

struct fix {
    const char *title;
    weiri_span  at;
    const char *text;
};

static void
put_fix(weiri_lsp *self, const lsp_document *document, const weiri_diagnostic *report,
    const struct fix *fix, FILE *out)
{
    fputs("{\"kind\":\"quickfix\",\"title\":", out);
    lsp_put_string(out, fix->title);
    fputs(",\"diagnostics\":[", out);
    lsp_put_diagnostic(self, document, report, out);
    fputs("],\"edit\":{\"changes\":{", out);
    lsp_put_string(out, document->uri);
    fputs(":[{\"range\":", out);
    lsp_put_range(self, &document->analysis, fix->at, out);
    fputs(",\"newText\":", out);
    lsp_put_string(out, fix->text);
    fputs("}]}}}", out);
}

/* `# weir: allow CODE` at the end of the line, where no comment stands yet. */
static bool
silence(weiri_lsp *self, const lsp_document *document, const weiri_diagnostic *report,
    struct fix *fix)
{
    const weiri_text_file *file =
        weiri_diagnostics_file(document->analysis.diagnostics, 0);
    uint32_t end = report->offset;
    while (end < file->size && file->text[end] != '\n' && file->text[end] != '\r') {
        end++;
    }
    const weiri_tokens *tokens = &document->analysis.root->tokens;
    for (uint32_t i = 0; i < tokens->n_comments; i++) {
        if (tokens->comments[i].offset + tokens->comments[i].size == end) {
            return false;
        }
    }
    fix->title = weiri_arena_format(self->arena, "Allow %s here", report->code);
    fix->at    = (weiri_span){ 0, end, 0 };
    fix->text  = weiri_arena_format(self->arena, "  # weir: allow %s", report->code);
    return true;
}

static bool
find_fix(weiri_lsp *self, const lsp_document *document, const weiri_diagnostic *report,
    struct fix *fix)
{
    if (!report->is_error) {
        return silence(self, document, report, fix);
    }
    fix->text = remedy(self, report);
    if (fix->text == NULL) {
        return false;
    }
    fix->at    = (weiri_span){ 0, report->offset, report->size };
    fix->title = weiri_arena_format(
        self->arena, report->size > 0 ? "Write '%s'" : "Insert '%s'", fix->text);
    return true;
}

void
lsp_actions(weiri_lsp *self, const lsp_json *params, FILE *out)
{
    const lsp_document *document = lsp_need_document(self, params);
    const char         *comma    = "";
    weiri_diagnostic    report;
    if (document == NULL) {
        return;
    }
    const weiri_diagnostics *diagnostics = document->analysis.diagnostics;
    const weiri_text_file   *file        = weiri_diagnostics_file(diagnostics, 0);
    size_t                   start       = lsp_offset_of(
                                file->text, file->size, lsp_json_position(params, "range.start"), self->unit);
    size_t end = lsp_offset_of(
        file->text, file->size, lsp_json_position(params, "range.end"), self->unit);
    fputc('[', out);
    for (size_t i = 0; document->analysis.root != NULL
                       && weiri_diagnostics_get(diagnostics, i, &report);
         i++) {
        struct fix fix;
        bool       is_here = report.place.file == file->name && report.offset <= end
                       && start <= report.offset + report.size;
        if (is_here && find_fix(self, document, &report, &fix)) {
            fputs(comma, out);
            put_fix(self, document, &report, &fix, out);
            comma = ",";
        }
    }
    fputc(']', out);
}
