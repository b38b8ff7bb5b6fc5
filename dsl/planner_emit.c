/* What a rule emits, and what that says of the derived stream's fields. */
#include "planner.h"

#include <string.h>

/* The values of one emit, before they are put in the order of the stream's fields. */
struct values {
    const char           **names;
    weiri_span            *places;
    weiri_expr           **values;
    const weiri_ast_expr **nodes;
    uint32_t               n;
    bool                   is_broken;
};

static struct values
new_values(weiri_arena *arena, uint32_t n)
{
    return (struct values){ .names = weiri_arena_alloc(arena, (n + 1) * sizeof(char *)),
        .places = weiri_arena_alloc(arena, (n + 1) * sizeof(weiri_span)),
        .values = weiri_arena_alloc(arena, (n + 1) * sizeof(weiri_expr *)),
        .nodes  = weiri_arena_alloc(arena, (n + 1) * sizeof(weiri_ast_expr *)) };
}

static bool
is_given(const struct values *values, const char *name)
{
    for (uint32_t i = 0; i < values->n; i++) {
        if (strcmp(values->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* `hit.user` alone would be called user; it has to be said, as `x` alone is x: x. */
static const weiri_ast_expr *
node_of(weiri_planner *self, const weiri_ast_option *option)
{
    if (option->value != NULL) {
        return option->value;
    }
    weiri_ast_expr *node = weiri_arena_alloc(self->arena, sizeof *node);
    node->kind           = WEIRI_AST_NAME;
    node->name           = option->name;
    node->at             = option->name.at;
    node->depth          = 1;
    return node;
}

static const weir_field *
declared_field(const weiri_planner *self, uint32_t stream, const char *name)
{
    const weir_schema *schema = &self->plan->streams[stream].schema;
    int32_t field = self->streams[stream].is_known ? weir_schema_find(schema, name) : -1;
    return field < 0 ? NULL : &schema->fields[field];
}

static void
add_value(weiri_planner *self, const weiri_scope *scope, uint32_t stream,
    const weiri_ast_option *option, struct values *values)
{
    const weiri_ast_expr *node = node_of(self, option);
    const char           *name = option->name.text;
    if (name == NULL) {
        if (node->kind != WEIRI_AST_BROKEN) {
            weiri_report(self->diagnostics, WEIRI_E_EMIT_NAME_NEEDED, node->at,
                "this value needs a name: 'name: value'");
        }
        values->is_broken = true;
        return;
    }
    if (is_given(values, name)) {
        weiri_report(self->diagnostics, WEIRI_E_FIELD_TWICE, option->name.at,
            "field '%s' is given twice", name);
        values->is_broken = true;
        return;
    }
    /* A text is a time where the stream's field is one. */
    const weir_field *field = declared_field(self, stream, name);
    bool              is_time =
        field != NULL && field->type == WEIR_TIME && node->kind == WEIRI_AST_STRING;
    const char *what          = weiri_arena_format(self->arena, "field '%s'", name);
    weiri_expr *value         = is_time ? weiri_type_as(scope, node, WEIR_TIME, what)
                                        : weiri_type_expr(scope, node);
    values->is_broken         = values->is_broken || value == NULL;
    values->names[values->n]  = name;
    values->places[values->n] = node->at;
    values->nodes[values->n]  = node;
    values->values[values->n] = value;
    values->n++;
}

static struct values
read_fields(weiri_planner *self, const weiri_scope *scope, uint32_t stream,
    const weiri_ast_emit *emit)
{
    struct values values = new_values(self->arena, emit->fields.n_items);
    values.is_broken     = emit->is_broken;
    if (emit->fields.n_items > WEIRI_FIELDS) {
        weiri_report(self->diagnostics, WEIRI_E_TOO_MANY_FIELDS, emit->stream.at,
            "a stream has at most %d fields", WEIRI_FIELDS);
        values.is_broken = true;
        return values;
    }
    for (uint32_t i = 0; i < emit->fields.n_items; i++) {
        add_value(self, scope, stream, &emit->fields.items[i], &values);
    }
    return values;
}

static struct values
read_whole(weiri_planner *self, const weiri_ast_emit *emit, const weiri_whole *whole)
{
    uint32_t      n      = whole->schema == NULL ? 0 : whole->schema->n_fields;
    struct values values = new_values(self->arena, n);
    if (whole->schema == NULL) {
        weiri_report(
            self->diagnostics, WEIRI_E_EMIT_WHOLE_EVENT, emit->at, "%s", whole->why);
        weiri_report_hint(
            self->diagnostics, "name the fields: emit %s { ... }", emit->stream.text);
        values.is_broken = true;
    }
    for (uint32_t i = 0; i < n; i++) {
        values.names[i]  = whole->schema->fields[i].name;
        values.places[i] = emit->stream.at;
        values.values[i] = whole->field(whole->context, i);
    }
    values.n = n;
    return values;
}

/* ---- fields inferred ---- */

static bool
infer_fields(weiri_planner *self, uint32_t stream, const struct values *values)
{
    weir_schema *schema = &self->plan->streams[stream].schema;
    weir_field *fields = weiri_arena_alloc(self->arena, (values->n + 1) * sizeof *fields);
    bool        is_ok  = true;
    for (uint32_t i = 0; i < values->n; i++) {
        const weiri_expr *value = values->values[i];
        if (value->type == WEIR_NULL) {
            weiri_report(self->diagnostics, WEIRI_E_NULL_UNTYPED, values->places[i],
                "the type of field '%s' is not known from null alone", values->names[i]);
            weiri_report_hint(
                self->diagnostics, "declare it: stream %s { ... }", schema->name);
            is_ok = false;
        }
        fields[i] = (weir_field){ .name = values->names[i],
            .type                       = value->type,
            .element                    = value->element,
            .is_nullable                = value->is_nullable };
    }
    schema->fields   = fields;
    schema->n_fields = values->n;
    return is_ok;
}

/* ---- fields known ---- */

static uint32_t
find_value(const struct values *values, const char *name)
{
    for (uint32_t i = 0; i < values->n; i++) {
        if (strcmp(values->names[i], name) == 0) {
            return i;
        }
    }
    return WEIRI_NONE;
}

static weiri_expr *
missing_value(weiri_planner *self, uint32_t stream, const weiri_ast_emit *emit,
    const weir_field *field)
{
    const weiri_stream_info *info = &self->streams[stream];
    if (info->declared == NULL) {
        weiri_report(self->diagnostics, WEIRI_E_EMITS_DISAGREE, emit->stream.at,
            "rule '%s' emits '%s' with a field '%s', here it is missing",
            info->first_rule, emit->stream.text, field->name);
        return NULL;
    }
    if (!field->is_nullable) {
        weiri_report(self->diagnostics, WEIRI_E_EMIT_FIELD_MISSING, emit->stream.at,
            "field '%s' of %s '%s' is not given", field->name,
            weiri_stream_word(self, stream), emit->stream.text);
        return NULL;
    }
    weir_value null = { .type = (uint8_t)field->type, .is_null = true };
    return weiri_expr_constant(self->arena, &null);
}

static weiri_expr *
fitting_value(weiri_planner *self, uint32_t stream, const struct values *values,
    uint32_t i, weir_field *field)
{
    const weiri_stream_info *info = &self->streams[stream];
    weir_error               err  = { .status = WEIR_OK };
    weiri_expr              *out  = NULL;
    weir_status              status =
        weiri_expr_convert(self->arena, values->values[i], field->type, &out, &err);
    bool is_alike =
        status == WEIR_OK && (field->type != WEIR_LIST || out->element == field->element);
    if (!is_alike) {
        weiri_report(self->diagnostics,
            info->declared != NULL ? WEIRI_E_CANNOT_CONVERT : WEIRI_E_EMITS_DISAGREE,
            values->places[i], "field '%s' is %s %s%s%s%s, this is %s %s", field->name,
            field->type == WEIR_INT ? "an" : "a", weir_type_text(field->type),
            info->declared != NULL ? "" : " in rule '",
            info->declared != NULL ? "" : info->first_rule,
            info->declared != NULL ? "" : "'",
            values->values[i]->type == WEIR_INT ? "an" : "a",
            weir_type_text(values->values[i]->type));
        return NULL;
    }
    if (out->is_nullable && info->declared == NULL) {
        field->is_nullable = true; /* readers are planned later */
    }
    if (out->is_nullable && !field->is_nullable) {
        weiri_report(self->diagnostics, WEIRI_E_MAY_BE_NULL, values->places[i],
            "field '%s' is never null, and this value can be", field->name);
        weiri_report_hint(self->diagnostics,
            "declare it '%s %s?', or give a value for null, as in '(...) ?\? 0'",
            field->name, weir_type_text(field->type));
        return NULL;
    }
    return out;
}

static bool
check_unknown(weiri_planner *self, uint32_t stream, const struct values *values)
{
    const weir_schema *schema = &self->plan->streams[stream].schema;
    bool               is_ok  = true;
    for (uint32_t i = 0; i < values->n; i++) {
        if (weir_schema_find(schema, values->names[i]) >= 0) {
            continue;
        }
        const char **names =
            weiri_arena_alloc(self->arena, (schema->n_fields + 1) * sizeof *names);
        for (uint32_t j = 0; j < schema->n_fields; j++) {
            names[j] = schema->fields[j].name;
        }
        bool is_declared = self->streams[stream].declared != NULL;
        weiri_report(self->diagnostics,
            is_declared ? WEIRI_E_EMIT_FIELD_UNKNOWN : WEIRI_E_EMITS_DISAGREE,
            values->places[i],
            is_declared ? "%s '%s' has no field '%s'"
                        : "%s '%s' has no field '%s' where it is emitted first",
            weiri_stream_word(self, stream), schema->name, values->names[i]);
        weiri_report_nearest(
            self->diagnostics, values->names[i], names, schema->n_fields);
        is_ok = false;
    }
    return is_ok;
}

/* One value for each field of the stream; NULL after a report. */
static const weiri_expr **
arrange(weiri_planner *self, uint32_t stream, const weiri_ast_emit *emit,
    const struct values *values)
{
    const weir_schema *schema = &self->plan->streams[stream].schema;
    /* Inferred fields are ours to widen. */
    weir_field        *fields = (weir_field *)(uintptr_t)schema->fields;
    bool               is_ok  = check_unknown(self, stream, values);
    const weiri_expr **out =
        weiri_arena_alloc(self->arena, (schema->n_fields + 1) * sizeof *out);
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        uint32_t value = find_value(values, schema->fields[i].name);
        out[i]         = value == WEIRI_NONE
                             ? missing_value(self, stream, emit, &fields[i])
                             : fitting_value(self, stream, values, value, &fields[i]);
        is_ok          = is_ok && out[i] != NULL;
    }
    return is_ok ? out : NULL;
}

/* ---- tables ---- */

static bool
is_key(const weiri_table_info *table, uint32_t field)
{
    for (uint32_t i = 0; i < table->n_keys; i++) {
        if (table->keys[i] == field) {
            return true;
        }
    }
    return false;
}

/* A delete gives the key and nothing else. */
static const weiri_expr **
arrange_key(weiri_planner *self, const weiri_table_info *table,
    const weiri_ast_emit *emit, const struct values *values)
{
    const weir_schema *schema = &self->plan->streams[table->contents].schema;
    const weiri_expr **out =
        weiri_arena_alloc(self->arena, (schema->n_fields + 1) * sizeof *out);
    bool is_ok = check_unknown(self, table->contents, values);
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        uint32_t   value = find_value(values, schema->fields[i].name);
        weir_field field = schema->fields[i];
        if (is_key(table, i) != (value != WEIRI_NONE)) {
            weiri_report(self->diagnostics, WEIRI_E_BAD_TABLE,
                value != WEIRI_NONE ? values->places[value] : emit->stream.at,
                value != WEIRI_NONE
                    ? "a row is deleted by its key, and '%s' is no part of it"
                    : "a row is deleted by its key, and '%s' is not given",
                field.name);
            is_ok = false;
        } else if (value != WEIRI_NONE) {
            out[i] = fitting_value(self, table->contents, values, value, &field);
            is_ok  = is_ok && out[i] != NULL;
        }
    }
    return is_ok ? out : NULL;
}

static weiri_emit *
plan_into(weiri_planner *self, const weiri_scope *scope, const weiri_ast_emit *emit,
    const weiri_whole *whole)
{
    const weiri_table_info *table = weiri_find_table(self, emit->stream.text);
    if (table == NULL || self->streams[table->contents].is_broken) {
        return NULL;
    }
    struct values values = emit->has_fields
                               ? read_fields(self, scope, table->contents, emit)
                               : read_whole(self, emit, whole);
    if (values.is_broken) {
        return NULL;
    }
    const weiri_expr **arranged = emit->is_delete
                                      ? arrange_key(self, table, emit, &values)
                                      : arrange(self, table->contents, emit, &values);
    return arranged == NULL ? NULL : weiri_table_emit(self, table, emit, arranged);
}

weiri_emit *
weiri_plan_emit(weiri_planner *self, const weiri_scope *scope, const weiri_ast_rule *rule,
    const weiri_ast_emit *emit, const weiri_whole *whole)
{
    if (emit->stream.text == NULL) {
        return NULL;
    }
    if (emit->is_into) {
        return plan_into(self, scope, emit, whole);
    }
    uint32_t           stream = weiri_find_stream(self, emit->stream.text);
    weiri_stream      *row    = &self->plan->streams[stream];
    weiri_stream_info *info   = &self->streams[stream];
    struct values      values = emit->has_fields ? read_fields(self, scope, stream, emit)
                                                 : read_whole(self, emit, whole);
    if (values.is_broken) {
        info->is_broken = true;
        return NULL;
    }
    if (!info->is_known) {
        if (!infer_fields(self, stream, &values)) {
            info->is_broken = true;
            return NULL;
        }
        info->is_known   = true;
        info->first_rule = rule->name.text;
        row->used        = weiri_arena_alloc(
                   self->arena, (row->schema.n_fields + 1) * sizeof *row->used);
    }
    if (info->is_broken) {
        return NULL;
    }
    weiri_emit *out = weiri_arena_alloc(self->arena, sizeof *out);
    out->schema     = &row->schema;
    out->stream     = stream;
    out->values     = arrange(self, stream, emit, &values);
    return out->values == NULL ? NULL : out;
}
