#include "weiri/condition.h"

#include <string.h>

#include "parser.h"
#include "types.h"

enum { CONDITION_BYTES = 1 << 16 };

/* What the names of a condition mean. */
typedef struct reading {
    weiri_arena       *arena;
    weiri_diagnostics *diagnostics;
    const weir_schema *schema;
} reading;

static weiri_expr *
field_named(reading *self, const weiri_ast_name *name)
{
    const weir_schema *schema = self->schema;
    const char       **names =
        weiri_arena_alloc(self->arena, (schema->n_fields + (size_t)1) * sizeof *names);
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        names[i] = schema->fields[i].name;
        if (strcmp(names[i], name->text) == 0) {
            return weiri_expr_field(self->arena, schema, i);
        }
    }
    weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_FIELD, name->at,
        "'%s' has no field '%s'", schema->name, name->text);
    weiri_report_nearest(self->diagnostics, name->text, names, schema->n_fields);
    return NULL;
}

static weiri_expr *
resolve(void *context, const weiri_ast_expr *node, bool *is_handled)
{
    reading *self         = context;
    bool     is_of_stream = node->kind == WEIRI_AST_MEMBER
                        && node->items[0]->kind == WEIRI_AST_NAME
                        && strcmp(node->items[0]->name.text, self->schema->name) == 0;
    if (node->kind == WEIRI_AST_NAME || is_of_stream) {
        return field_named(self, &node->name);
    }
    if (node->kind == WEIRI_AST_CALL && node->n_items == 0
        && strcmp(node->name.text, "time") == 0) {
        return weiri_expr_time(self->arena);
    }
    *is_handled = false;
    return NULL;
}

static const weiri_expr *
read(reading *self, uint32_t file)
{
    const weiri_scope     scope  = { .arena = self->arena,
             .diagnostics                   = self->diagnostics,
             .context                       = self,
             .resolve                       = resolve };
    weiri_parser          parser = { .arena = self->arena,
                 .diagnostics               = self->diagnostics,
                 .file                      = file,
                 .text   = weiri_diagnostics_file(self->diagnostics, file)->text,
                 .tokens = weiri_lex(self->arena, self->diagnostics, file) };
    const weiri_ast_expr *node   = weiri_parse_expr(&parser);
    if (!parser.is_lost && weiri_parser_kind(&parser) != WEIRI_TOKEN_END) {
        weiri_parser_fail(&parser, "the end of the condition");
    }
    return weiri_diagnostics_count(self->diagnostics, true) == 0
               ? weiri_type_condition(&scope, node)
               : NULL;
}

static weir_status
fail(const weiri_diagnostics *diagnostics, weir_error *err)
{
    weiri_diagnostic first = { .text = "it is no condition" };
    (void)weiri_diagnostics_get(diagnostics, 0, &first);
    return WEIR_FAIL(err, WEIR_ESYNTAX, "column %u: %s%s%s", first.place.column,
        first.text, first.hint != NULL ? "; " : "", first.hint != NULL ? first.hint : "");
}

weir_status
weiri_condition_of_text(weiri_arena *arena, const weir_schema *schema, const char *text,
    const weiri_expr **out, weir_error *err)
{
    weiri_diagnostics *diagnostics = NULL;
    size_t             size        = strlen(text);
    if (size > CONDITION_BYTES) {
        return WEIR_FAIL(
            err, WEIR_ESYNTAX, "a condition has at most %d bytes", CONDITION_BYTES);
    }
    weir_status status = weiri_diagnostics_new(&diagnostics);
    if (status != WEIR_OK) {
        return WEIR_FAIL(err, status, "%s", weir_status_text(status));
    }
    reading self = { .arena = arena, .diagnostics = diagnostics, .schema = schema };
    *out         = read(&self, weiri_diagnostics_add_file(diagnostics, "", text, size));
    if (*out == NULL || weiri_diagnostics_count(diagnostics, true) > 0) {
        status = fail(diagnostics, err);
    }
    weiri_diagnostics_destroy(&diagnostics);
    return status;
}
