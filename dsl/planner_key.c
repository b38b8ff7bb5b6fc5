/* The partition: one expression for each input and part of the key. */
#include "planner_match.h"

#include <string.h>

/* The typing of one side of a part for one input. */
struct side {
    weiri_matching *matching;
    uint32_t        input;
};

/* The input that a qualifier means: a stream of the pattern, or a step. */
static uint32_t
find_input(const weiri_matching *self, const char *name)
{
    for (uint32_t i = 0; i < self->match->n_inputs; i++) {
        if (strcmp(self->match->inputs[i].schema->name, name) == 0) {
            return i;
        }
    }
    uint32_t step = weiri_find_step(self, name);
    return step == WEIRI_NONE ? WEIRI_NONE : self->match->steps[step].input;
}

static weiri_expr *
resolve_field(struct side *self, weiri_ast_name name)
{
    weiri_planner           *planner = self->matching->planner;
    const weiri_match_input *input   = &self->matching->match->inputs[self->input];
    int32_t                  field   = weir_schema_find(input->schema, name.text);
    if (field >= 0) {
        return weiri_expr_field(planner->arena, input->schema, (uint32_t)field);
    }
    bool is_several = self->matching->match->n_inputs > 1;
    if (is_several && !planner->streams[input->stream].is_broken) {
        weiri_report(planner->diagnostics, WEIRI_E_KEY_NOT_IN_STREAM, name.at,
            "stream '%s' has no field '%s', and every stream of the pattern needs the "
            "key",
            input->schema->name, name.text);
        weiri_report_hint(planner->diagnostics,
            "where names differ write 'by %s.field = %s.field'",
            self->matching->match->inputs[0].schema->name,
            self->matching->match->inputs[1].schema->name);
        return NULL;
    }
    weiri_report_no_field(planner, input->stream, name);
    return NULL;
}

static weiri_expr *
resolve_key(void *context, const weiri_ast_expr *node, bool *is_handled)
{
    struct side *self = context;
    switch (node->kind) {
    case WEIRI_AST_NAME: {
        const weir_schema *schema   = self->matching->match->inputs[self->input].schema;
        bool               is_param = false;
        weiri_expr        *param =
            weiri_find_param(self->matching->planner, node->name.text, &is_param);
        bool is_field = weir_schema_find(schema, node->name.text) >= 0;
        return is_param && !is_field ? param : resolve_field(self, node->name);
    }
    case WEIRI_AST_MEMBER:
        if (node->items[0]->kind == WEIRI_AST_NAME
            && find_input(self->matching, node->items[0]->name.text) == self->input) {
            return resolve_field(self, node->name);
        }
        weiri_report(self->matching->planner->diagnostics, WEIRI_E_KEY_SIDES, node->at,
            "here a field of stream '%s' is needed",
            self->matching->match->inputs[self->input].schema->name);
        return NULL;
    default: *is_handled = false; return NULL;
    }
}

/* The stream or step that a side names first; NULL if it names none. */
static const weiri_ast_expr *
qualifier_of(const weiri_ast_expr *node)
{
    if (node->kind == WEIRI_AST_MEMBER && node->items[0]->kind == WEIRI_AST_NAME) {
        return node->items[0];
    }
    for (uint32_t i = 0; i < node->n_items; i++) {
        const weiri_ast_expr *found = qualifier_of(node->items[i]);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

static weiri_expr *
type_side(weiri_matching *self, const weiri_ast_expr *node, uint32_t input)
{
    struct side side  = { self, input };
    weiri_scope scope = { self->planner->arena, self->planner->diagnostics, &side,
        resolve_key, self->planner->functions };
    return weiri_type_expr(&scope, node);
}

static bool
plan_side(
    weiri_matching *self, const weiri_ast_expr *node, bool is_only, weiri_expr **by_input)
{
    const weiri_ast_expr *qualifier = qualifier_of(node);
    if (qualifier == NULL && is_only) {
        bool is_ok = true;
        for (uint32_t i = 0; i < self->match->n_inputs && is_ok; i++) {
            by_input[i] = type_side(self, node, i);
            is_ok       = by_input[i] != NULL;
        }
        return is_ok;
    }
    if (qualifier == NULL) {
        weiri_report(self->planner->diagnostics, WEIRI_E_KEY_SIDES, node->at,
            "of which stream is this?");
        weiri_report_hint(self->planner->diagnostics, "name it: 'by auth.ip = flow.src'");
        return false;
    }
    uint32_t input = find_input(self, qualifier->name.text);
    if (input == WEIRI_NONE) {
        weiri_report(self->planner->diagnostics, WEIRI_E_KEY_SIDES, qualifier->at,
            "'%s' is no stream or step of the pattern", qualifier->name.text);
        return false;
    }
    if (by_input[input] != NULL) {
        weiri_report(self->planner->diagnostics, WEIRI_E_KEY_SIDES, node->at,
            "stream '%s' has a side already", self->match->inputs[input].schema->name);
        return false;
    }
    by_input[input] = type_side(self, node, input);
    return by_input[input] != NULL;
}

/* One type in all inputs: int becomes float where another is one. */
static bool
unify(weiri_matching *self, const weiri_ast_key *key, weiri_expr **by_input)
{
    weir_type type = by_input[0]->type;
    for (uint32_t i = 1; i < self->match->n_inputs; i++) {
        if (type == WEIR_INT && by_input[i]->type == WEIR_FLOAT) {
            type = WEIR_FLOAT;
        }
    }
    for (uint32_t i = 0; i < self->match->n_inputs; i++) {
        weir_error err = { .status = WEIR_OK };
        if (by_input[i]->type == WEIR_NULL || by_input[i]->type == WEIR_LIST
            || weiri_expr_convert(
                   self->planner->arena, by_input[i], type, &by_input[i], &err)
                   != WEIR_OK) {
            weiri_report(self->planner->diagnostics, WEIRI_E_KEY_TYPES_DIFFER, key->at,
                "this key is %s %s in '%s' and %s %s in '%s'",
                type == WEIR_INT ? "an" : "a", weir_type_text(type),
                self->match->inputs[0].schema->name,
                by_input[i]->type == WEIR_INT ? "an" : "a",
                weir_type_text(by_input[i]->type), self->match->inputs[i].schema->name);
            return false;
        }
    }
    return true;
}

static weiri_expr **
plan_key(weiri_matching *self, const weiri_ast_key *key)
{
    weiri_expr **by_input =
        weiri_arena_alloc(self->planner->arena, self->match->n_inputs * sizeof *by_input);
    bool is_ok = true;
    for (uint32_t i = 0; i < key->n_sides; i++) {
        is_ok = plan_side(self, key->sides[i], key->n_sides == 1, by_input) && is_ok;
    }
    if (!is_ok) {
        return NULL;
    }
    for (uint32_t i = 0; i < self->match->n_inputs; i++) {
        if (by_input[i] == NULL) {
            weiri_report(self->planner->diagnostics, WEIRI_E_KEY_SIDES, key->at,
                "this says nothing of stream '%s'", self->match->inputs[i].schema->name);
            return NULL;
        }
    }
    return unify(self, key, by_input) ? by_input : NULL;
}

/* What emit may call a part: its only field, or that of its first side. */
static const char *
name_of(const weiri_ast_key *key)
{
    const weiri_ast_expr *side = key->sides[0];
    bool is_field = side->kind == WEIRI_AST_NAME || side->kind == WEIRI_AST_MEMBER;
    return is_field ? side->name.text : "";
}

void
weiri_plan_keys(weiri_matching *self)
{
    weiri_arena          *arena = self->planner->arena;
    const weiri_ast_rule *rule  = self->rule;
    weiri_match          *match = self->match;
    weir_type *types = weiri_arena_alloc(arena, (rule->n_keys + 1) * sizeof *types);
    self->key_names =
        weiri_arena_alloc(arena, (rule->n_keys + 1) * sizeof *self->key_names);
    self->key_types = types;
    for (uint32_t i = 0; i < match->n_inputs; i++) {
        match->inputs[i].keys =
            weiri_arena_alloc(arena, (rule->n_keys + 1) * sizeof(weiri_expr *));
    }
    for (uint32_t k = 0; k < rule->n_keys; k++) {
        weiri_expr **by_input = plan_key(self, &rule->keys[k]);
        self->key_names[k]    = name_of(&rule->keys[k]);
        self->is_broken       = self->is_broken || by_input == NULL;
        types[k]              = by_input == NULL ? WEIR_NULL : by_input[0]->type;
        for (uint32_t i = 0; by_input != NULL && i < match->n_inputs; i++) {
            match->inputs[i].keys[k] = by_input[i];
        }
    }
    match->n_keys = rule->n_keys;
}
