/* What is known of what stands at a place, as Markdown. */
#define _POSIX_C_SOURCE 200809L /* open_memstream */

#include <stdlib.h>
#include <string.h>

#include "server.h"
#include "words.h"

static void
print_field(const weir_field *field, FILE *out)
{
    fprintf(out, "%s %s", field->name, weir_type_text(field->type));
    if (field->type == WEIR_LIST && field->element != WEIR_NULL) {
        fprintf(out, " of %s", weir_type_text(field->element));
    }
    fputs(field->is_nullable ? "?" : "", out);
}

static void
print_fields(const weir_schema *schema, FILE *out)
{
    for (uint32_t i = 0; schema != NULL && i < schema->n_fields; i++) {
        fputs("  ", out);
        print_field(&schema->fields[i], out);
        fputc('\n', out);
    }
}

static void
print_stream(const lsp_index *index, const char *name, FILE *out)
{
    fprintf(out, "```weir\nstream %s {\n", name);
    print_fields(lsp_index_schema(index, name), out);
    fputs("}\n```\n", out);
}

static const char *
origin_of(const lsp_index *index, const char *name)
{
    uint32_t i = weiri_names_find(&index->streams, name);
    if (i == UINT32_MAX) {
        return "";
    }
    return index->plan->streams[i].origin == WEIRI_ORIGIN_RULE ? "\nRules emit it.\n"
                                                               : "";
}

static void
print_text(const lsp_analysis *of, weiri_span at, FILE *out)
{
    const weiri_text_file *file = weiri_diagnostics_file(of->diagnostics, at.file);
    fputs("```weir\n", out);
    fwrite(file->text + at.offset, 1, at.size, out);
    fputs("\n```\n", out);
}

static void
print_step(const lsp_analysis *of, const lsp_symbol *symbol, FILE *out)
{
    if (symbol->step != NULL) {
        print_text(of, symbol->step->at, out);
    } else {
        fprintf(out, "`%s` is an event of `%s`\n", symbol->name, symbol->stream);
    }
    fputc('\n', out);
    print_stream(&of->index, symbol->stream, out);
}

static const weiri_rule *
find_rule(const weiri_plan *plan, const char *name)
{
    for (uint32_t i = 0; i < plan->n_rules; i++) {
        if (!plan->rules[i].is_made && strcmp(plan->rules[i].name, name) == 0) {
            return &plan->rules[i];
        }
    }
    return NULL;
}

/* What it means, where all rules are right. */
static void
print_meaning(
    const weiri_lsp *self, const lsp_analysis *of, const lsp_symbol *symbol, FILE *out)
{
    const weiri_rule *rule = find_rule(of->plan, symbol->name);
    if (self->options.explain != NULL && rule != NULL
        && weiri_diagnostics_count(of->diagnostics, true) == 0) {
        fprintf(out, "\n%s\n", self->options.explain(self->arena, of->plan, rule));
    }
}

static void
print_rule(
    const weiri_lsp *self, const lsp_analysis *of, const lsp_symbol *symbol, FILE *out)
{
    const weiri_ast_rule *rule = symbol->statement->as.rule;
    fprintf(out, "```weir\nrule %s\n```\n", symbol->name);
    if (rule->title != NULL) {
        fprintf(out, "\n%s\n", rule->title);
    }
    print_meaning(self, of, symbol, out);
    if (rule->emit.stream.text != NULL) {
        fprintf(out, "\nEmits `%s`.\n", rule->emit.stream.text);
    }
    if (rule->on_timeout.stream.text != NULL) {
        fprintf(out, "\nEmits `%s` when the time is up.\n", rule->on_timeout.stream.text);
    }
}

static void
print_symbol(
    const weiri_lsp *self, const lsp_analysis *of, const lsp_symbol *symbol, FILE *out)
{
    const weir_schema *schema;
    int32_t            field;
    switch (symbol->kind) {
    case LSP_STREAM:
        print_stream(&of->index, symbol->name, out);
        fputs(origin_of(&of->index, symbol->name), out);
        break;
    case LSP_FIELD:
        schema = lsp_index_schema(&of->index, symbol->stream);
        field  = schema == NULL ? -1 : weir_schema_find(schema, symbol->name);
        if (field >= 0) {
            fputs("```weir\n", out);
            print_field(&schema->fields[field], out);
            fputs("\n```\n", out);
        }
        fprintf(out, "\nField of `%s`%s.\n", symbol->stream,
            schema != NULL && field == schema->time_field && field >= 0
                ? ", the event's time"
                : "");
        break;
    case LSP_STEP: print_step(of, symbol, out); break;
    case LSP_PLUGIN:
    case LSP_DEFINED:
    case LSP_PARAM: print_text(of, symbol->statement->at, out); break;
    case LSP_RULE: print_rule(self, of, symbol, out); break;
    case LSP_FUNCTION: lsp_function_print(out, symbol->name); break;
    case LSP_FILE: fprintf(out, "`%s`\n", symbol->name); break;
    }
}

/* What all reports with a code have in common, for those at the place. */
static void
print_reports(const lsp_analysis *of, uint32_t offset, FILE *out)
{
    const char      *root = weiri_diagnostics_file(of->diagnostics, 0)->name;
    weiri_diagnostic report;
    for (size_t i = 0; weiri_diagnostics_get(of->diagnostics, i, &report); i++) {
        if (report.place.file == root && report.offset <= offset
            && offset <= report.offset + report.size) {
            fprintf(out, "\n**%s**: %s\n", report.code, report.about);
        }
    }
}

void
lsp_hover(weiri_lsp *self, const lsp_json *params, FILE *out)
{
    uint32_t            offset   = 0;
    uint32_t            first    = 0;
    char               *text     = NULL;
    size_t              size     = 0;
    const lsp_document *document = lsp_need_place(self, params, &offset);
    FILE               *told     = document == NULL ? NULL : open_memstream(&text, &size);
    if (told == NULL) {
        return;
    }
    const lsp_analysis *of = &document->analysis;
    uint32_t            n  = lsp_index_at(&of->index, 0, offset, &first);
    for (uint32_t i = first; i < first + n; i++) {
        fputs(i > first ? "\n---\n\n" : "", told);
        print_symbol(self, of, &of->index.symbols[of->index.occurrences[i].symbol], told);
    }
    print_reports(of, offset, told);
    fclose(told);
    if (size == 0) {
        fputs("null", out);
    } else {
        fputs("{\"contents\":{\"kind\":\"markdown\",\"value\":", out);
        lsp_put_text(out, text, size);
        fputc('}', out);
        if (n > 0) {
            fputs(",\"range\":", out);
            lsp_put_range(self, of, of->index.occurrences[first].at, out);
        }
        fputc('}', out);
    }
    free(text);
}
