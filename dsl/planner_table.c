/* Tables: streams of changes, looked up by key. */
#include "planner.h"

#include <string.h>

#include "weiri/join.h"

/* The field of a table's changes that says what they are. No rule can call it so. */
#define CHANGE_FIELD ".change"

/* ---- names ---- */

weiri_table_info *
weiri_find_table(const weiri_planner *self, const char *name)
{
    uint32_t table = weiri_names_find(&self->table_names, name);
    return table == WEIRI_NONE ? NULL : &self->tables[table];
}

weiri_table_info *
weiri_need_table(weiri_planner *self, weiri_ast_name name)
{
    weiri_table_info *table = weiri_find_table(self, name.text);
    if (table != NULL || self->has_lost_names) {
        return table;
    }
    weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_TABLE, name.at,
        "there is no table '%s'", name.text);
    const char **names =
        weiri_arena_alloc(self->arena, (self->n_tables + 1) * sizeof *names);
    for (uint32_t i = 0; self->tables != NULL && i < self->n_tables; i++) {
        names[i] = self->tables[i].declared->name.text;
    }
    weiri_report_nearest(self->diagnostics, name.text, names, self->n_tables);
    if (weiri_find_stream(self, name.text) != WEIRI_NONE) {
        weiri_report_hint(
            self->diagnostics, "'%s' is a stream; a table has a key", name.text);
    }
    return NULL;
}

weiri_table_info *
weiri_table_of_lookup(const weiri_planner *self, const weiri_ast_expr *node)
{
    const weiri_ast_expr *object = node->kind == WEIRI_AST_MEMBER ? node->items[0] : NULL;
    bool                  is_lookup = object != NULL && object->kind == WEIRI_AST_INDEX
                     && object->items[0]->kind == WEIRI_AST_NAME;
    return is_lookup ? weiri_find_table(self, object->items[0]->name.text) : NULL;
}

void
weiri_each_lookup(const weiri_planner *self, const weiri_ast_expr *node,
    void (*found)(void *context, weiri_table_info *table), void   *context)
{
    if (node == NULL) {
        return;
    }
    weiri_table_info *table = weiri_table_of_lookup(self, node);
    if (table != NULL) {
        found(context, table);
    }
    for (uint32_t i = 0; i < node->n_items; i++) {
        weiri_each_lookup(self, node->items[i], found, context);
    }
    weiri_each_lookup(self, node->filter, found, context);
}

/* ---- what a table is ---- */

static bool
is_key_already(const weiri_table_info *table, uint32_t field)
{
    for (uint32_t i = 0; i < table->n_keys; i++) {
        if (table->keys[i] == field) {
            return true;
        }
    }
    return false;
}

static bool
set_key(weiri_planner *self, weiri_table_info *table, const weir_schema *schema)
{
    const weiri_ast_stream *declared = table->declared;
    if (declared->n_keys > WEIRI_JOIN_KEYS) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_TABLE, declared->name.at,
            "a key has at most %d fields", WEIRI_JOIN_KEYS);
        return false;
    }
    for (uint32_t i = 0; i < declared->n_keys; i++) {
        weiri_ast_name name = declared->keys[i];
        int32_t field = name.text != NULL ? weir_schema_find(schema, name.text) : -1;
        if (field < 0 && name.text != NULL) {
            weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_FIELD, name.at,
                "table '%s' has no field '%s' that could be its key", schema->name,
                name.text);
        }
        if (field < 0) {
            return false;
        }
        if (is_key_already(table, (uint32_t)field)) {
            weiri_report(self->diagnostics, WEIRI_E_FIELD_TWICE, name.at,
                "field '%s' is part of the key already", name.text);
            return false;
        }
        if (schema->fields[field].is_nullable) {
            weiri_report(self->diagnostics, WEIRI_E_BAD_TABLE, name.at,
                "a key is never null, and field '%s' can be", name.text);
            return false;
        }
        WEIRI_ARENA_PUSH(self->arena, table->keys, table->n_keys, (uint32_t)field);
    }
    return true;
}

/* The time of a row that begins to hold at a time. */
static bool
set_since(weiri_planner *self, const weiri_table_info *table, weir_schema *schema)
{
    weiri_ast_name since = table->declared->since;
    if (since.text == NULL) {
        return true;
    }
    int32_t field = weir_schema_find(schema, since.text);
    if (field < 0 || schema->fields[field].type != WEIR_TIME
        || schema->fields[field].is_nullable) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_TABLE, since.at,
            "after 'since' stands a field of type time, which is never null");
        return false;
    }
    schema->time_field = field;
    return true;
}

static bool
set_bounds(weiri_planner *self, weiri_table_info *table)
{
    const weiri_ast_stream *declared = table->declared;
    table->keep_ns                   = -1;
    if (declared->keep != NULL) {
        table->keep_ns = weiri_constant_duration(self, declared->keep, false, "'keep'");
        if (table->keep_ns >= 0 && table->has_file && declared->since.text == NULL) {
            weiri_report(self->diagnostics, WEIRI_E_BAD_TABLE, declared->keep->at,
                "the rows of a file are there from the beginning and grow no older");
            weiri_report_hint(self->diagnostics,
                "with a field that says from when on a row holds: 'since at'");
            return false;
        }
        if (table->keep_ns < 0) {
            return false;
        }
    }
    if (declared->limit != NULL) {
        const weir_value *limit =
            weiri_constant(self, declared->limit, WEIR_INT, "the limit of a table");
        if (limit == NULL || limit->as.i < 1 || limit->as.i > WEIRI_JOIN_ROWS) {
            weiri_report(self->diagnostics, WEIRI_E_BAD_COUNT, declared->limit->at,
                "the limit of a table is from 1 to %d rows", WEIRI_JOIN_ROWS);
            return false;
        }
        table->max_rows = (uint32_t)limit->as.i;
    }
    if (declared->full.rows != NULL) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_TABLE, declared->full.rows->at,
            "how many rows a table has is said by 'limit'");
        return false;
    }
    return true;
}

/* Fields of the table, which a removal leaves null, and what the change is. */
static void
set_changes(weiri_planner *self, const weiri_table_info *table)
{
    const weir_schema *from = &self->plan->streams[table->contents].schema;
    weiri_stream      *to   = &self->plan->streams[table->changes];
    weir_field        *fields =
        weiri_arena_alloc(self->arena, (from->n_fields + (size_t)1) * sizeof *fields);
    for (uint32_t i = 0; i < from->n_fields; i++) {
        fields[i]             = from->fields[i];
        fields[i].is_nullable = true;
    }
    for (uint32_t i = 0; i < table->n_keys; i++) {
        fields[table->keys[i]].is_nullable = false;
    }
    fields[from->n_fields] = (weir_field){ .name = CHANGE_FIELD, .type = WEIR_INT };
    to->schema.fields      = fields;
    to->schema.n_fields    = from->n_fields + 1;
    to->rank               = 1;
    to->used               = weiri_arena_alloc(self->arena, to->schema.n_fields);
}

/* The rows that a file does not have any more when it is read again. */
static void
add_gone(weiri_planner *self, weiri_table_info *table)
{
    const weir_schema *contents = &self->plan->streams[table->contents].schema;
    table->gone                 = weiri_add_hidden_stream(self,
                        weiri_arena_format(self->arena, "%s, gone", contents->name), WEIRI_ORIGIN_TABLE,
                        table->declared->name.at);
    weiri_stream *gone          = &self->plan->streams[table->gone];
    const char   *name          = gone->schema.name;
    gone->schema                = *contents;
    gone->schema.name           = name;
    gone->used = weiri_arena_alloc(self->arena, contents->n_fields + (size_t)1);
}

static void
add_table(weiri_planner *self, const weiri_ast_stream *declared)
{
    weiri_table_info table = { .declared = declared,
        .has_file                        = declared->io.endpoint.name.text != NULL };
    const char      *name  = declared->name.text;
    table.contents =
        weiri_add_hidden_stream(self, name, WEIRI_ORIGIN_TABLE, declared->name.at);
    table.changes                               = weiri_add_hidden_stream(self,
                                      weiri_arena_format(self->arena, "%s, changes", name), WEIRI_ORIGIN_TABLE,
                                      declared->name.at);
    self->plan->streams[table.contents].is_read = table.has_file;
    self->streams[table.contents].declared      = declared;
    self->streams[table.changes].declared       = declared;
    weiri_set_fields(self, table.contents);
    weiri_stream *contents = &self->plan->streams[table.contents];
    bool          is_ok    = set_key(self, &table, &contents->schema)
                 && set_since(self, &table, &contents->schema) && set_bounds(self, &table)
                 && !declared->is_broken;
    contents->used =
        weiri_arena_alloc(self->arena, contents->schema.n_fields + (size_t)1);
    set_changes(self, &table);
    table.gone = WEIRI_NONE;
    if (declared->io.refresh != NULL && is_ok) {
        add_gone(self, &table);
    }
    self->streams[table.contents].is_broken = !is_ok;
    self->streams[table.changes].is_broken  = !is_ok;
    weiri_names_add(&self->table_names, self->arena, name, self->n_tables);
    WEIRI_ARENA_PUSH(self->arena, self->tables, self->n_tables, table);
}

/* ---- what is written ---- */

static weiri_expr *
change(const weiri_planner *self, weiri_join_change what)
{
    weir_value value = { .type = WEIR_INT, .as.i = what };
    return weiri_expr_constant(self->arena, &value);
}

weiri_emit *
weiri_table_emit(weiri_planner *self, const weiri_table_info *table,
    const weiri_ast_emit *emit, const weiri_expr **values)
{
    const weir_schema *schema = &self->plan->streams[table->changes].schema;
    weiri_emit        *out    = weiri_arena_alloc(self->arena, sizeof *out);
    bool               is_put = emit == NULL || !emit->is_delete;
    out->schema               = schema;
    out->stream               = table->changes;
    out->values = weiri_arena_alloc(self->arena, schema->n_fields * sizeof *out->values);
    for (uint32_t i = 0; i + 1 < schema->n_fields; i++) {
        weir_value null = { .type = (uint8_t)schema->fields[i].type, .is_null = true };
        out->values[i] =
            values[i] != NULL ? values[i] : weiri_expr_constant(self->arena, &null);
    }
    out->values[schema->n_fields - 1] =
        change(self, is_put ? WEIRI_JOIN_PUT : WEIRI_JOIN_REMOVE);
    return out;
}

/* What a stream of rows does to the table, one by one. */
static void
add_file_rule(weiri_planner *self, const weiri_table_info *table, uint32_t stream,
    const char *what, const weiri_ast_emit *emit)
{
    weiri_stream      *rows   = &self->plan->streams[stream];
    const weir_schema *schema = &rows->schema;
    weiri_query       *query  = weiri_arena_alloc(self->arena, sizeof *query);
    const weiri_expr **values =
        weiri_arena_alloc(self->arena, (schema->n_fields + 1) * sizeof *values);
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        if (emit == NULL || is_key_already(table, i)) {
            values[i]     = weiri_expr_field(self->arena, schema, i);
            rows->used[i] = true;
        }
    }
    query->stream   = stream;
    query->schema   = schema;
    query->emit     = weiri_table_emit(self, table, emit, values);
    weiri_rule rule = { .name = weiri_arena_format(
                            self->arena, "%s, %s", table->declared->name.text, what),
        .query   = query,
        .is_made = true,
        .place   = weiri_planner_place(self, table->declared->name.at) };
    WEIRI_ARENA_PUSH(self->arena, self->plan->rules, self->plan->n_rules, rule);
}

static void
add_file_rules(weiri_planner *self, const weiri_table_info *table)
{
    static const weiri_ast_emit DELETE = { .is_into = true, .is_delete = true };
    add_file_rule(self, table, table->contents, "file", NULL);
    if (table->gone != WEIRI_NONE) {
        add_file_rule(self, table, table->gone, "gone from file", &DELETE);
    }
}

void
weiri_plan_tables(weiri_planner *self)
{
    const weiri_ast_statement *statement;
    for (uint64_t i = 0;
         (statement = weiri_planner_next(self, WEIRI_WORD_TABLE, &i)) != NULL;) {
        const weiri_ast_stream *declared = statement->as.stream;
        const char             *name     = declared->name.text;
        if (name == NULL) {
            self->has_lost_names = true;
            continue;
        }
        bool is_stream = weiri_find_stream(self, name) != WEIRI_NONE;
        if (is_stream || weiri_find_table(self, name) != NULL) {
            weiri_report(self->diagnostics, WEIRI_E_NAME_TAKEN, declared->name.at,
                "there is a %s '%s' already", is_stream ? "stream" : "table", name);
            continue;
        }
        add_table(self, declared);
    }
    for (uint32_t i = 0; i < self->n_tables; i++) {
        if (self->tables[i].has_file
            && !self->streams[self->tables[i].contents].is_broken) {
            add_file_rules(self, &self->tables[i]);
        }
    }
}
