#include "planner.h"

#include <string.h>

#include "weiri/numtext.h"
#include "weiri/timetext.h"

weiri_expr *
weiri_find_param(const weiri_planner *self, const char *name, bool *is_param)
{
    uint32_t i = weiri_names_find(&self->param_names, name);
    *is_param  = i != WEIRI_NONE;
    return *is_param ? self->params[i].value : NULL;
}

/* ---- constants ---- */

static weiri_expr *
resolve_constant(void *context, const weiri_ast_expr *node, bool *is_handled)
{
    const weiri_planner *self = context;
    if (node->kind >= WEIRI_AST_INDEX) { /* calls and operators of constants */
        *is_handled = false;
        return NULL;
    }
    bool        is_param = false;
    weiri_expr *value    = NULL;
    if (node->kind == WEIRI_AST_NAME) {
        value = weiri_find_param(self, node->name.text, &is_param);
    }
    if (!is_param && !self->has_lost_names) {
        weiri_report(self->diagnostics, WEIRI_E_NOT_CONSTANT, node->at,
            "only constants and parameters can stand here");
        if (node->kind == WEIRI_AST_MEMBER) {
            weiri_report_hint(self->diagnostics, "a text stands in quotes: \"...\"");
            return value;
        }
        if (!weiri_report_seeks_nearest(self->diagnostics, self->n_params)) {
            return value;
        }
        const char **names =
            weiri_arena_alloc(self->arena, (self->n_params + 1) * sizeof *names);
        for (uint32_t i = 0; i < self->n_params; i++) {
            names[i] = self->params[i].declared->name.text;
        }
        if (node->kind == WEIRI_AST_NAME) {
            weiri_report_nearest(
                self->diagnostics, node->name.text, names, self->n_params);
        }
    }
    return value;
}

const weir_value *
weiri_constant(
    weiri_planner *self, const weiri_ast_expr *node, weir_type type, const char *what)
{
    weiri_scope scope = { self->arena, self->diagnostics, self, resolve_constant,
        self->functions };
    weiri_expr *value = weiri_type_as(&scope, node, type, what);
    if (value == NULL) {
        return NULL;
    }
    if (value->kind != WEIRI_EXPR_CONSTANT || value->as.constant.is_null) {
        weiri_report(self->diagnostics, WEIRI_E_NOT_CONSTANT, node->at,
            "%s has to be known before the events come", what);
        return NULL;
    }
    return &value->as.constant;
}

const weir_value *
weiri_constant_any(weiri_planner *self, const weiri_ast_expr *node, const char *what)
{
    weiri_scope scope = { self->arena, self->diagnostics, self, resolve_constant,
        self->functions };
    weiri_expr *value = weiri_type_expr(&scope, node);
    if (value != NULL
        && (value->kind != WEIRI_EXPR_CONSTANT || value->as.constant.is_null)) {
        weiri_report(self->diagnostics, WEIRI_E_NOT_CONSTANT, node->at,
            "%s has to be known before the events come", what);
        return NULL;
    }
    return value == NULL ? NULL : &value->as.constant;
}

int64_t
weiri_constant_duration(
    weiri_planner *self, const weiri_ast_expr *node, bool may_be_zero, const char *what)
{
    weiri_scope scope = { self->arena, self->diagnostics, self, resolve_constant,
        self->functions };
    weiri_expr *value = weiri_type_expr(&scope, node);
    if (value == NULL) {
        return -1;
    }
    bool is_duration = value->kind == WEIRI_EXPR_CONSTANT && value->type == WEIR_DURATION;
    if (!is_duration || value->as.constant.as.i < (may_be_zero ? 0 : 1)) {
        weiri_report(self->diagnostics, WEIRI_E_DURATION_NEEDED, node->at,
            is_duration ? "%s has to be above zero" : "%s is a duration, as in 10s",
            what);
        return -1;
    }
    return value->as.constant.as.i;
}

/* ---- declarations and --set ---- */

static bool
read_setting(weiri_arena *arena, const char *text, weir_type type, weir_value *out)
{
    size_t size = strlen(text);
    *out        = (weir_value){ .type = (uint8_t)type };
    switch (type) {
    case WEIR_BOOL:
        out->as.b = strcmp(text, "true") == 0;
        return out->as.b || strcmp(text, "false") == 0;
    case WEIR_INT: return weiri_int_parse(text, size, &out->as.i);
    case WEIR_FLOAT: return weiri_float_parse(text, size, &out->as.f);
    case WEIR_TIME: return weiri_time_parse(text, size, &out->as.i);
    case WEIR_DURATION: return weiri_duration_parse(text, size, &out->as.i);
    case WEIR_STRING:
        out->as.s = weiri_arena_text(arena, text, size);
        out->size = (uint32_t)size;
        return weiri_utf8_is_valid(text, size);
    default: return false;
    }
}

static const weiri_setting *
find_setting(const weiri_planner *self, const char *name)
{
    const weiri_setting *found = NULL; /* of two, the later one holds */
    for (size_t i = 0; i < self->options->n_settings; i++) {
        if (strcmp(self->options->settings[i].name, name) == 0) {
            found = &self->options->settings[i];
        }
    }
    return found;
}

/* A setting as a file of its own, so that its reports have a place. */
static weiri_span
setting_span(weiri_planner *self, const weiri_setting *setting)
{
    char  *text = weiri_arena_format(self->arena, "%s=%s", setting->name, setting->value);
    size_t size = strlen(text) < WEIRI_FILE_BYTES ? strlen(text) : WEIRI_FILE_BYTES;
    return (weiri_span){
        .file = weiri_diagnostics_add_file(self->diagnostics, "--set", text, size),
        .size = (uint32_t)size,
    };
}

static weiri_expr *
value_of(weiri_planner *self, const weiri_ast_param *param)
{
    const weiri_setting *setting = find_setting(self, param->name.text);
    if (setting != NULL) {
        weir_value value;
        if (read_setting(self->arena, setting->value, param->type.type, &value)) {
            return weiri_expr_constant(self->arena, &value);
        }
        weiri_report(self->diagnostics, WEIRI_E_BAD_SETTING, setting_span(self, setting),
            "parameter '%s' is %s %s, and '%.40s' is none", param->name.text,
            param->type.type == WEIR_INT ? "an" : "a", weir_type_text(param->type.type),
            setting->value);
        return NULL;
    }
    if (param->value == NULL) {
        weiri_report(self->diagnostics, WEIRI_E_PARAM_UNSET, param->name.at,
            "parameter '%s' has no value", param->name.text);
        weiri_report_hint(self->diagnostics,
            "set it with --set %s=..., or give it one here: '= ...'", param->name.text);
        return NULL;
    }
    const char *what =
        weiri_arena_format(self->arena, "parameter '%s'", param->name.text);
    const weir_value *value = weiri_constant(self, param->value, param->type.type, what);
    return value == NULL ? NULL : weiri_expr_constant(self->arena, value);
}

static void
check_settings(weiri_planner *self)
{
    const char **names =
        weiri_arena_alloc(self->arena, (self->n_params + 1) * sizeof *names);
    for (uint32_t i = 0; i < self->n_params; i++) {
        names[i] = self->params[i].declared->name.text;
    }
    for (size_t i = 0; i < self->options->n_settings; i++) {
        const weiri_setting *setting  = &self->options->settings[i];
        bool                 is_param = false;
        weiri_find_param(self, setting->name, &is_param);
        if (!is_param && !self->has_lost_names) {
            weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_SETTING,
                setting_span(self, setting), "the rules have no parameter '%s'",
                setting->name);
            weiri_report_nearest(self->diagnostics, setting->name, names, self->n_params);
        }
    }
}

void
weiri_plan_params(weiri_planner *self)
{
    const weiri_ast_statement *statement;
    for (uint64_t i = 0;
         (statement = weiri_planner_next(self, WEIRI_WORD_PARAM, &i)) != NULL;) {
        const weiri_ast_param *param    = statement->as.param;
        bool                   is_taken = false;
        if (param->name.text == NULL) {
            self->has_lost_names = true;
            continue;
        }
        weiri_find_param(self, param->name.text, &is_taken);
        if (is_taken) {
            weiri_report(self->diagnostics, WEIRI_E_NAME_TAKEN, param->name.at,
                "there is a parameter '%s' already", param->name.text);
            continue;
        }
        weiri_param row = { .declared = param };
        row.value       = param->is_broken ? NULL : value_of(self, param);
        weiri_names_add(
            &self->param_names, self->arena, param->name.text, self->n_params);
        WEIRI_ARENA_PUSH(self->arena, self->params, self->n_params, row);
    }
    check_settings(self);
}
