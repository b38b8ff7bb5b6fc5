/* What names mean in the conditions and emits of a match. */
#include "planner_match.h"

#include <string.h>

static weiri_diagnostics *
diagnostics_of(const weiri_matching *self)
{
    return self->planner->diagnostics;
}

uint32_t
weiri_find_step(const weiri_matching *self, const char *name)
{
    for (uint32_t i = 0; i < self->match->n_steps; i++) {
        if (self->steps[i].is_named && strcmp(self->match->steps[i].name, name) == 0) {
            return i;
        }
    }
    return WEIRI_NONE;
}

static bool
is_ambiguous_stream(const weiri_matching *self, const char *name)
{
    for (uint32_t i = 0; i < self->match->n_steps; i++) {
        if (strcmp(self->steps[i].ast->stream.text, name) == 0) {
            return true;
        }
    }
    return false;
}

uint32_t
weiri_need_step(weiri_matching *self, weiri_ast_name name)
{
    uint32_t step = weiri_find_step(self, name.text);
    if (step != WEIRI_NONE) {
        return step;
    }
    if (is_ambiguous_stream(self, name.text)) {
        weiri_report(diagnostics_of(self), WEIRI_E_STEP_AMBIGUOUS, name.at,
            "which step of stream '%s' is meant?", name.text);
        weiri_report_hint(
            diagnostics_of(self), "give the step a name: 'name: %s(...)'", name.text);
        return WEIRI_NONE;
    }
    const char *names[WEIRI_STEPS];
    uint32_t    n = 0;
    for (uint32_t i = 0; i < self->match->n_steps; i++) {
        if (self->steps[i].is_named) {
            names[n++] = self->match->steps[i].name;
        }
    }
    weiri_report(diagnostics_of(self), WEIRI_E_UNKNOWN_STEP, name.at,
        "the pattern has no step '%s'", name.text);
    weiri_report_nearest(diagnostics_of(self), name.text, names, n);
    return WEIRI_NONE;
}

static bool
report_relation(weiri_matching *self, uint32_t step, weiri_span at)
{
    const char *name = self->match->steps[step].name;
    switch (weiri_relation_of(self, step, self->element)) {
    case WEIRI_ITSELF:
        weiri_report(diagnostics_of(self), WEIRI_E_STEP_ITSELF, at,
            "step '%s' holds no event yet while its own condition is tested", name);
        weiri_report_hint(diagnostics_of(self),
            "a field of the event under test is written without a step");
        return false;
    case WEIRI_NOT_BEFORE:
        weiri_report(diagnostics_of(self), WEIRI_E_STEP_NOT_BEFORE, at,
            "step '%s' comes later, its event is not known here", name);
        weiri_report_hint(
            diagnostics_of(self), "compare the two in the condition of '%s'", name);
        return false;
    case WEIRI_OTHER_ALTERNATIVE:
        weiri_report(diagnostics_of(self), WEIRI_E_STEP_ALTERNATIVE, at,
            "step '%s' is another alternative, it never is in the same match", name);
        return false;
    default: return true;
    }
}

bool
weiri_check_step_readable(weiri_matching *self, uint32_t step, weiri_span at)
{
    bool is_silence = self->match->silence_ns >= 0;
    if (self->steps[step].ast->not_at.size > 0 && !is_silence) {
        weiri_report(diagnostics_of(self), WEIRI_E_STEP_NEVER_TAKEN, at,
            "step '%s' is negated, no match holds an event of it",
            self->match->steps[step].name);
        return false;
    }
    return self->element == WEIRI_NONE || report_relation(self, step, at);
}

/* ---- fields ---- */

weiri_expr *
weiri_field_of_input(weiri_matching *self, uint32_t input, weiri_ast_name name)
{
    const weiri_match_input *from  = &self->match->inputs[input];
    int32_t                  field = weir_schema_find(from->schema, name.text);
    if (field < 0) {
        weiri_report_no_field(self->planner, from->stream, name);
        return NULL;
    }
    return weiri_expr_field(self->planner->arena, from->schema, (uint32_t)field);
}

/* step.x, step[i].x */
static weiri_expr *
field_of_step(weiri_matching *self, weiri_ast_name step_name, weiri_ast_name name,
    weiri_register_kind kind, uint32_t index)
{
    uint32_t step = weiri_need_step(self, step_name);
    if (step == WEIRI_NONE) {
        return NULL;
    }
    weiri_expr *field = weiri_field_of_input(self, self->match->steps[step].input, name);
    if (!weiri_check_step_readable(self, step, step_name.at) || field == NULL) {
        return NULL;
    }
    return weiri_add_register(self, kind, step, index, field);
}

/* ---- prev ---- */

static weiri_expr *
resolve_prev(weiri_matching *self, const weiri_ast_expr *node)
{
    weiri_match       *match     = self->match;
    const weiri_expr **arguments = weiri_arena_alloc(
        self->planner->arena, match->n_inputs * sizeof(const weiri_expr *));
    bool has_any = false;
    if (self->stand != WEIRI_STAND_CONDITION) {
        weiri_report(diagnostics_of(self), WEIRI_E_PREV_NOT_HERE, node->items[0]->at,
            "'prev' has a meaning in conditions only");
        weiri_report_hint(
            diagnostics_of(self), "name the step: step.%s", node->name.text);
        return NULL;
    }
    for (uint32_t i = 0; i < match->n_steps; i++) {
        weiri_relation relation = weiri_relation_of(self, i, self->element);
        bool           comes =
            self->steps[i].ast->not_at.size == 0
            && (relation == WEIRI_SURELY_BEFORE || relation == WEIRI_MAYBE_BEFORE);
        uint32_t input = match->steps[i].input;
        if (comes && arguments[input] == NULL) {
            arguments[input] = weiri_field_of_input(self, input, node->name);
            if (arguments[input] == NULL) {
                return NULL;
            }
            has_any = true;
        }
    }
    if (!has_any) {
        weiri_report(diagnostics_of(self), WEIRI_E_PREV_NOT_HERE, node->items[0]->at,
            "no event is taken before this one");
        return NULL;
    }
    weir_type type = WEIR_NULL;
    for (uint32_t i = 0; i < match->n_inputs; i++) {
        if (arguments[i] != NULL && type != WEIR_NULL && arguments[i]->type != type) {
            weiri_report(diagnostics_of(self), WEIRI_E_WRONG_TYPE, node->at,
                "'prev.%s' is %s in one stream and %s in another", node->name.text,
                weir_type_text(type), weir_type_text(arguments[i]->type));
            return NULL;
        }
        type = arguments[i] != NULL ? arguments[i]->type : type;
    }
    return weiri_add_previous(self, arguments);
}

/* ---- names alone ---- */

static void
report_step_needed(weiri_matching *self, weiri_ast_name name)
{
    const char *like = NULL;
    for (uint32_t i = 0; i < self->match->n_steps && like == NULL; i++) {
        const weir_schema *schema =
            self->match->inputs[self->match->steps[i].input].schema;
        bool is_usable = self->steps[i].is_named && self->steps[i].ast->not_at.size == 0;
        if (is_usable && weir_schema_find(schema, name.text) >= 0) {
            like = self->match->steps[i].name;
        }
    }
    if (like != NULL) {
        weiri_report(diagnostics_of(self), WEIRI_E_STEP_NEEDED, name.at,
            "which event's '%s' is meant?", name.text);
        weiri_report_hint(
            diagnostics_of(self), "name the step, as in %s.%s", like, name.text);
        return;
    }
    bool is_unsure = self->planner->has_lost_names;
    for (uint32_t i = 0; i < self->match->n_inputs; i++) {
        is_unsure =
            is_unsure || self->planner->streams[self->match->inputs[i].stream].is_broken;
    }
    if (!is_unsure) {
        weiri_report(diagnostics_of(self), WEIRI_E_UNKNOWN_NAME, name.at,
            "'%s' is neither a key of 'by' nor a parameter", name.text);
        weiri_report_nearest(
            diagnostics_of(self), name.text, self->key_names, self->match->n_keys);
    }
}

static void
report_field_needed(weiri_matching *self, weiri_ast_name name)
{
    weiri_report(diagnostics_of(self), WEIRI_E_STEP_FIELD_NEEDED, name.at,
        "'%s' is a step, and here a field of it is needed", name.text);
    weiri_report_hint(
        diagnostics_of(self), "write %s.field, or count(%s)", name.text, name.text);
}

static weiri_expr *
resolve_name(weiri_matching *self, const weiri_ast_expr *node)
{
    bool        is_param = false;
    weiri_expr *param    = weiri_find_param(self->planner, node->name.text, &is_param);
    const char *name     = node->name.text;
    if (self->stand == WEIRI_STAND_CONDITION) {
        const weir_schema *schema = self->match->inputs[self->input].schema;
        int32_t            field  = weir_schema_find(schema, name);
        if (field < 0 && is_param) {
            return param;
        }
        if (field < 0 && weiri_find_step(self, name) != WEIRI_NONE) {
            report_field_needed(self, node->name);
            return NULL;
        }
        return weiri_field_of_input(self, self->input, node->name);
    }
    for (uint32_t i = 0; i < self->match->n_keys && self->stand != WEIRI_STAND_ARGUMENT;
         i++) {
        if (self->key_names[i][0] != '\0' && strcmp(self->key_names[i], name) == 0) {
            bool is_known = self->key_types[i] != WEIR_NULL;
            return is_known ? weiri_key_register(self, i) : NULL;
        }
    }
    if (is_param) {
        return param;
    }
    if (weiri_find_step(self, name) != WEIRI_NONE) {
        report_field_needed(self, node->name);
    } else {
        report_step_needed(self, node->name);
    }
    return NULL;
}

/* ---- members ---- */

static weiri_expr *
resolve_match_time(weiri_matching *self, const weiri_ast_expr *node)
{
    const char *name = node->name.text;
    if (strcmp(name, "start") == 0) {
        return weiri_add_register(self, WEIRI_REGISTER_START, WEIRI_NONE, 0, NULL);
    }
    if (strcmp(name, "end") == 0 && self->stand != WEIRI_STAND_CONDITION) {
        return weiri_add_register(self, WEIRI_REGISTER_END, WEIRI_NONE, 0, NULL);
    }
    weiri_report(diagnostics_of(self), WEIRI_E_UNKNOWN_FIELD, node->name.at,
        strcmp(name, "end") == 0 ? "the match has not ended yet where '%s' is tested"
                                 : "a match has no '%s'",
        name);
    weiri_report_hint(diagnostics_of(self), "it has match.start%s",
        self->stand == WEIRI_STAND_CONDITION ? "" : " and match.end");
    return NULL;
}

static weiri_expr *
resolve_argument(weiri_matching *self, const weiri_ast_expr *node)
{
    const weiri_ast_expr *object = node->items[0];
    if (object->kind == WEIRI_AST_NAME
        && weiri_find_step(self, object->name.text) == self->argument_step) {
        return weiri_field_of_input(
            self, self->match->steps[self->argument_step].input, node->name);
    }
    if (object->kind != WEIRI_AST_BROKEN) {
        weiri_report(diagnostics_of(self), WEIRI_E_BAD_AGGREGATE, node->at,
            "an aggregate reads the events of one step");
    }
    return NULL;
}

/* a[i].x: the i-th event, or from the end the one before -i. */
static weiri_expr *
resolve_indexed(weiri_matching *self, const weiri_ast_expr *node)
{
    const weiri_ast_expr *object = node->items[0];
    const weir_value     *index =
        weiri_constant(self->planner, object->items[1], WEIR_INT, "an index");
    if (index == NULL) {
        return NULL;
    }
    if (object->n_items > 2) {
        weiri_report(diagnostics_of(self), WEIRI_E_BAD_INDEX, object->items[2]->at,
            "the events of a step have one index");
        return NULL;
    }
    if (index->as.i > 1000000 || index->as.i < -1000000) {
        weiri_report(diagnostics_of(self), WEIRI_E_BAD_INDEX, object->items[1]->at,
            "an index is at most a million");
        return NULL;
    }
    bool from_end = index->as.i < 0;
    return field_of_step(self, object->items[0]->name, node->name,
        from_end ? WEIRI_REGISTER_NTH_LAST : WEIRI_REGISTER_NTH,
        (uint32_t)(from_end ? -1 - index->as.i : index->as.i));
}

static weiri_expr *
resolve_member(weiri_matching *self, const weiri_ast_expr *node, bool *is_handled)
{
    const weiri_ast_expr *object = node->items[0];
    if (weiri_table_of_lookup(self->planner, node) != NULL
        && weiri_find_step(self, object->items[0]->name.text) == WEIRI_NONE) {
        return weiri_match_lookup(self, node);
    }
    if (self->is_key && object->kind == WEIRI_AST_NAME) {
        return weiri_match_lookup_member(self, node);
    }
    if (self->stand == WEIRI_STAND_ARGUMENT) {
        return resolve_argument(self, node);
    }
    if (object->kind == WEIRI_AST_INDEX && object->items[0]->kind == WEIRI_AST_NAME) {
        return resolve_indexed(self, node);
    }
    if (object->kind != WEIRI_AST_NAME) {
        *is_handled = false;
        return NULL;
    }
    if (strcmp(object->name.text, "prev") == 0) {
        return resolve_prev(self, node);
    }
    if (strcmp(object->name.text, "match") == 0) {
        return resolve_match_time(self, node);
    }
    return field_of_step(self, object->name, node->name, WEIRI_REGISTER_LAST, 0);
}

weiri_expr *
weiri_resolve_step(void *context, const weiri_ast_expr *node, bool *is_handled)
{
    weiri_matching *self = context;
    switch (node->kind) {
    case WEIRI_AST_NAME: return resolve_name(self, node);
    case WEIRI_AST_MEMBER: return resolve_member(self, node, is_handled);
    case WEIRI_AST_CALL: return weiri_resolve_aggregate(self, node, is_handled);
    case WEIRI_AST_INDEX: break;
    default: *is_handled = false; return NULL;
    }
    const weiri_ast_expr *object = node->items[0];
    if (object->kind == WEIRI_AST_NAME
        && weiri_find_step(self, object->name.text) != WEIRI_NONE) {
        report_field_needed(self, object->name);
        return NULL;
    }
    *is_handled = false;
    return NULL;
}
