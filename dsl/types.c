#include "types.h"

#include <string.h>

#include "foreign_words.h"
#include "std.h"
#include "weiri/timetext.h"

enum { CASE_BRANCHES = 100 };

static weiri_expr *
constant(const weiri_scope *scope, weir_type type, int64_t i)
{
    weir_value value = { .type = (uint8_t)type, .as.i = i };
    return weiri_expr_constant(scope->arena, &value);
}

static weiri_expr *
type_literal(const weiri_scope *scope, const weiri_ast_expr *node)
{
    weir_value value = { .type = WEIR_NULL, .is_null = true };
    switch (node->kind) {
    case WEIRI_AST_BOOL:
        value = (weir_value){ .type = WEIR_BOOL, .as.b = node->value.b };
        break;
    case WEIRI_AST_INT: return constant(scope, WEIR_INT, node->value.i);
    case WEIRI_AST_DURATION: return constant(scope, WEIR_DURATION, node->value.i);
    case WEIRI_AST_FLOAT:
        value = (weir_value){ .type = WEIR_FLOAT, .as.f = node->value.f };
        break;
    case WEIRI_AST_STRING:
        value = (weir_value){
            .type = WEIR_STRING, .as.s = node->value.s.text, .size = node->value.s.size
        };
        break;
    default: break;
    }
    return weiri_expr_constant(scope->arena, &value);
}

void
weiri_hint_std(weiri_diagnostics *diagnostics, const char *name)
{
    const weiri_std_file *file = weiri_std_with_function(name);
    if (file != NULL) {
        weiri_report_hint(diagnostics, "include \"%s\" has it", file->name);
    }
}

/* What the table of functions suggests is left out where it is known what was meant. */
static void
report_no_function(
    const weiri_scope *scope, weiri_span at, const char *name, const char *text)
{
    const char *end = strchr(text, ';');
    int         n   = end != NULL ? (int)(end - text) : (int)strlen(text);
    weiri_report(scope->diagnostics, WEIRI_E_UNKNOWN_FUNCTION, at, "%.*s", n, text);
    if (!weiri_hint_foreign(scope->diagnostics, WEIRI_FOREIGN_FUNCTION, name)) {
        if (end != NULL) {
            weiri_report_hint(scope->diagnostics, "%s", end + 2);
        }
        weiri_hint_std(scope->diagnostics, name);
    }
}

/* Two values of types that are never compared: what each is, not what could be. */
static bool
report_not_comparable(const weiri_scope *scope, weiri_span at, const char *name,
    weiri_expr *const *args, uint32_t n_args)
{
    static const char *const COMPARISONS[] = { "==", "!=", "<", "<=", ">", ">=" };
    bool                     is_one        = false;
    for (size_t i = 0; i < sizeof COMPARISONS / sizeof COMPARISONS[0]; i++) {
        is_one = is_one || strcmp(name, COMPARISONS[i]) == 0;
    }
    if (!is_one || n_args != 2 || args[0]->type == WEIR_LIST
        || args[1]->type == WEIR_LIST) {
        return false;
    }
    weiri_report(scope->diagnostics, WEIRI_E_WRONG_TYPE, at,
        "'%s' compares values of one type, not %s %s with %s %s", name,
        args[0]->type == WEIR_INT ? "an" : "a", weir_type_text(args[0]->type),
        args[1]->type == WEIR_INT ? "an" : "a", weir_type_text(args[1]->type));
    bool is_text           = args[0]->type == WEIR_STRING || args[1]->type == WEIR_STRING;
    const weiri_expr *text = args[0]->type == WEIR_STRING ? args[0] : args[1];
    const weiri_expr *other = text == args[0] ? args[1] : args[0];
    if (is_text && text->kind == WEIRI_EXPR_CONSTANT) {
        weiri_report_hint(scope->diagnostics, "without quotes it is no text");
    } else if (is_text && other->type != WEIR_NULL) {
        weiri_report_hint(scope->diagnostics,
            "make them alike: text(...), or %s(...) of the text",
            weir_type_text(other->type));
    }
    return true;
}

weiri_expr *
weiri_type_call(const weiri_scope *scope, weiri_span at, const char *name,
    weiri_expr *const *args, uint32_t n_args)
{
    weir_error  err    = { .status = WEIR_OK };
    weiri_expr *out    = NULL;
    weir_status status = weiri_expr_call(scope->arena, name, args, n_args, &out, &err);
    if (status == WEIR_OK) {
        return out;
    }
    if (status == WEIR_ENOENT) {
        report_no_function(scope, at, name, err.text);
    } else if (strcmp(name, "if") == 0) {
        weiri_report(scope->diagnostics, WEIRI_E_BRANCHES_DIFFER, at,
            "the branches are of different types: %s and %s",
            weir_type_text(args[n_args > 1 ? 1 : 0]->type),
            weir_type_text(args[n_args > 2 ? 2 : 0]->type));
    } else if (!report_not_comparable(scope, at, name, args, n_args)) {
        weiri_report(scope->diagnostics, WEIRI_E_WRONG_TYPE, at, "%s", err.text);
    }
    return NULL;
}

weiri_expr *
weiri_type_join(const weiri_scope *scope, weiri_span at, const char *name,
    weiri_expr *const *items, uint32_t n_items)
{
    if (n_items == 1) {
        return items[0];
    }
    uint32_t    half    = n_items / 2;
    weiri_expr *pair[2] = { weiri_type_join(scope, at, name, items, half),
        weiri_type_join(scope, at, name, items + half, n_items - half) };
    return pair[0] == NULL || pair[1] == NULL ? NULL
                                              : weiri_type_call(scope, at, name, pair, 2);
}

/* ---- texts that stand for times ---- */

static weiri_expr *
as_time(const weiri_scope *scope, const weiri_ast_expr *node, weiri_expr *value)
{
    int64_t ns = 0;
    if (value == NULL || value->type != WEIR_STRING || node->kind != WEIRI_AST_STRING) {
        return value;
    }
    if (!weiri_time_parse(node->value.s.text, node->value.s.size, &ns)) {
        weiri_report(scope->diagnostics, WEIRI_E_BAD_TIME, node->at,
            "a time is needed here, and this text is none");
        weiri_report_hint(scope->diagnostics,
            "times look like \"2026-03-27T13:08:09Z\" or \"2026-03-27\"");
        return NULL;
    }
    return constant(scope, WEIR_TIME, ns);
}

/* Among values that are to be of one type, a text next to a time is one itself. */
static bool
unify_times(const weiri_scope *scope, weiri_ast_expr *const *nodes, weiri_expr **values,
    uint32_t n, uint32_t step)
{
    bool has_time = false;
    for (uint32_t i = 0; i < n; i += step) {
        has_time = has_time || values[i]->type == WEIR_TIME;
    }
    for (uint32_t i = 0; has_time && i < n; i += step) {
        values[i] = as_time(scope, nodes[i], values[i]);
        if (values[i] == NULL) {
            return false;
        }
    }
    return true;
}

/* ---- operators ---- */

/* All items typed; NULL if one of them was wrong, but all are looked at. */
static weiri_expr **
type_items(const weiri_scope *scope, const weiri_ast_expr *node)
{
    weiri_expr **items =
        weiri_arena_alloc(scope->arena, (node->n_items + 1) * sizeof(weiri_expr *));
    bool is_ok = true;
    for (uint32_t i = 0; i < node->n_items; i++) {
        items[i] = weiri_type_expr(scope, node->items[i]);
        is_ok    = is_ok && items[i] != NULL;
    }
    return is_ok ? items : NULL;
}

static bool
is_comparison(const char *name)
{
    return strchr("=!<>", name[0]) != NULL;
}

static weiri_expr *
type_binary(const weiri_scope *scope, const weiri_ast_expr *node)
{
    const char *name = node->name.text;
    for (uint32_t i = 0; i < 2 && is_comparison(name); i++) {
        if (node->items[i]->kind == WEIRI_AST_NULL) {
            weiri_report(scope->diagnostics, WEIRI_E_NULL_COMPARISON, node->at,
                "a comparison with null is never true");
            weiri_report_hint(scope->diagnostics, "write '%s'",
                name[0] == '!' ? "... is not null" : "... is null");
            return NULL;
        }
    }
    weiri_expr **items = type_items(scope, node);
    if (items == NULL) {
        return NULL;
    }
    bool is_alike = is_comparison(name) || name[0] == '?' || name[0] == '-';
    if (is_alike && !unify_times(scope, node->items, items, 2, 1)) {
        return NULL;
    }
    return weiri_type_call(scope, node->at, name, items, 2);
}

static weiri_expr *
negate(const weiri_scope *scope, const weiri_ast_expr *node, weiri_expr *value)
{
    return value == NULL || !node->is_negated
               ? value
               : weiri_type_call(scope, node->at, "not", &value, 1);
}

static weiri_expr *
type_test(const weiri_scope *scope, const weiri_ast_expr *node)
{
    weiri_expr **items = type_items(scope, node);
    if (items == NULL) {
        return NULL;
    }
    switch (node->kind) {
    case WEIRI_AST_IS_NULL:
        return weiri_type_call(
            scope, node->at, node->is_negated ? "is not null" : "is null", items, 1);
    case WEIRI_AST_LIKE:
        return negate(scope, node, weiri_type_call(scope, node->at, "like", items, 2));
    default: break;
    }
    if (!unify_times(scope, node->items, items, node->n_items, 1)) {
        return NULL;
    }
    const char *name = node->kind == WEIRI_AST_IN ? "in" : "between";
    return negate(
        scope, node, weiri_type_call(scope, node->at, name, items, node->n_items));
}

static weiri_expr *
type_case(const weiri_scope *scope, const weiri_ast_expr *node)
{
    if (node->n_items / 2 > CASE_BRANCHES) {
        weiri_report(scope->diagnostics, WEIRI_E_NESTED_TOO_DEEPLY, node->at,
            "a case has at most %d branches", CASE_BRANCHES);
        return NULL;
    }
    weiri_expr **items = type_items(scope, node);
    if (items == NULL) {
        return NULL;
    }
    weir_value  null     = { .type = WEIR_NULL, .is_null = true };
    bool        has_else = node->n_items % 2 == 1;
    weiri_expr *result =
        has_else ? items[node->n_items - 1] : weiri_expr_constant(scope->arena, &null);
    for (uint32_t i = node->n_items / 2; i > 0 && result != NULL; i--) {
        weiri_expr *args[3] = { items[2 * i - 2], items[2 * i - 1], result };
        if (args[0]->type != WEIR_BOOL && args[0]->type != WEIR_NULL) {
            weiri_report(scope->diagnostics, WEIRI_E_NOT_A_CONDITION,
                node->items[2 * i - 2]->at, "a condition is true or false, this is %s %s",
                args[0]->type == WEIR_INT ? "an" : "a", weir_type_text(args[0]->type));
            return NULL;
        }
        result = weiri_type_call(scope, node->at, "if", args, 3);
    }
    return result;
}

/* The values are brought to one type, as the branches of an `if` are. */
static weiri_expr *
type_list(const weiri_scope *scope, const weiri_ast_expr *node)
{
    weiri_expr **items = type_items(scope, node);
    if (items == NULL || !unify_times(scope, node->items, items, node->n_items, 1)) {
        return NULL;
    }
    weir_error  err = { .status = WEIR_OK };
    weiri_expr *out = NULL;
    weir_status status =
        weiri_expr_call(scope->arena, "[]", items, node->n_items, &out, &err);
    if (status == WEIR_OK) {
        return out;
    }
    for (uint32_t i = 0; i < node->n_items; i++) {
        if (items[i]->type == WEIR_LIST) {
            weiri_report(scope->diagnostics, WEIRI_E_WRONG_TYPE, node->items[i]->at,
                "a list cannot stand in a list");
            return NULL;
        }
    }
    weiri_report(scope->diagnostics, WEIRI_E_WRONG_TYPE, node->at,
        "the values of a list are of one type");
    return NULL;
}

/* Two lists that are written out and cannot be multiplied, value by value. */
static bool
check_dot(const weiri_scope *scope, const weiri_ast_expr *node)
{
    bool is_written = strcmp(node->name.text, "dot") == 0 && node->n_items == 2
                      && node->items[0]->kind == WEIRI_AST_LIST
                      && node->items[1]->kind == WEIRI_AST_LIST;
    if (!is_written || node->items[0]->n_items == node->items[1]->n_items) {
        return true;
    }
    weiri_report(scope->diagnostics, WEIRI_E_BAD_ARGUMENTS, node->items[1]->at,
        "'dot' takes two lists of one length, these have %u and %u values",
        node->items[0]->n_items, node->items[1]->n_items);
    return false;
}

static const weiri_operation *
find_function(const weiri_scope *scope, const char *name)
{
    for (uint32_t i = 0; scope->functions != NULL && i < scope->functions->n; i++) {
        if (strcmp(scope->functions->names[i], name) == 0) {
            return scope->functions->items[i];
        }
    }
    return NULL;
}

static weiri_expr *
type_function(const weiri_scope *scope, const weiri_ast_expr *node)
{
    const weiri_operation *function = find_function(scope, node->name.text);
    weiri_expr **items = check_dot(scope, node) ? type_items(scope, node) : NULL;
    weiri_expr  *out   = NULL;
    weir_error   err   = { .status = WEIR_OK };
    if (items == NULL || function == NULL) {
        return items == NULL ? NULL
                             : weiri_type_call(
                                 scope, node->at, node->name.text, items, node->n_items);
    }
    if (weiri_expr_call_plugin(scope->arena, function, items, node->n_items, &out, &err)
        != WEIR_OK) {
        weiri_report(scope->diagnostics, WEIRI_E_WRONG_TYPE, node->at, "%s", err.text);
    }
    return out;
}

static weiri_expr *
type_named(const weiri_scope *scope, const weiri_ast_expr *node)
{
    bool        is_handled = true;
    weiri_expr *special    = scope->resolve(scope->context, node, &is_handled);
    if (is_handled) {
        return special;
    }
    if (node->kind == WEIRI_AST_CALL) {
        return type_function(scope, node);
    }
    if (node->kind == WEIRI_AST_INDEX) {
        weiri_expr **items = type_items(scope, node);
        return items == NULL
                   ? NULL
                   : weiri_type_call(scope, node->at, "at", items, node->n_items);
    }
    weiri_report(scope->diagnostics, WEIRI_E_UNKNOWN_NAME, node->at,
        "this is one value and has no fields");
    return NULL;
}

weiri_expr *
weiri_type_expr(const weiri_scope *scope, const weiri_ast_expr *node)
{
    weiri_expr **items = NULL;
    if (node->kind >= WEIRI_AST_UNARY) {
        bool        is_handled = true;
        weiri_expr *special    = scope->resolve(scope->context, node, &is_handled);
        if (is_handled) {
            return special;
        }
    }
    switch (node->kind) {
    case WEIRI_AST_BROKEN: return NULL;
    case WEIRI_AST_NULL:
    case WEIRI_AST_BOOL:
    case WEIRI_AST_INT:
    case WEIRI_AST_FLOAT:
    case WEIRI_AST_STRING:
    case WEIRI_AST_DURATION: return type_literal(scope, node);
    case WEIRI_AST_NAME:
    case WEIRI_AST_MEMBER:
    case WEIRI_AST_INDEX:
    case WEIRI_AST_CALL: return type_named(scope, node);
    case WEIRI_AST_UNARY:
        items = type_items(scope, node);
        return items == NULL
                   ? NULL
                   : weiri_type_call(scope, node->at, node->name.text, items, 1);
    case WEIRI_AST_BINARY: return type_binary(scope, node);
    case WEIRI_AST_LOGIC:
        items = type_items(scope, node);
        return items == NULL ? NULL
                             : weiri_type_join(
                                 scope, node->at, node->name.text, items, node->n_items);
    case WEIRI_AST_IN:
    case WEIRI_AST_BETWEEN:
    case WEIRI_AST_LIKE:
    case WEIRI_AST_IS_NULL: return type_test(scope, node);
    case WEIRI_AST_CASE: return type_case(scope, node);
    case WEIRI_AST_LIST: return type_list(scope, node);
    }
    return NULL;
}

weiri_expr *
weiri_type_as(const weiri_scope *scope, const weiri_ast_expr *node, weir_type type,
    const char *what)
{
    weiri_expr *value = weiri_type_expr(scope, node);
    if (value != NULL && type == WEIR_TIME) {
        value = as_time(scope, node, value);
    }
    if (value == NULL) {
        return NULL;
    }
    weir_error  err = { .status = WEIR_OK };
    weiri_expr *out = NULL;
    if (weiri_expr_convert(scope->arena, value, type, &out, &err) != WEIR_OK) {
        weiri_report(scope->diagnostics, WEIRI_E_CANNOT_CONVERT, node->at,
            "%s is %s %s, this is %s %s", what, type == WEIR_INT ? "an" : "a",
            weir_type_text(type), value->type == WEIR_INT ? "an" : "a",
            weir_type_text(value->type));
        return NULL;
    }
    return out;
}

weiri_expr *
weiri_type_condition(const weiri_scope *scope, const weiri_ast_expr *node)
{
    weiri_expr *value = weiri_type_expr(scope, node);
    if (value != NULL && value->type != WEIR_BOOL && value->type != WEIR_NULL) {
        weiri_report(scope->diagnostics, WEIRI_E_NOT_A_CONDITION, node->at,
            "a condition is true or false, this is %s %s",
            value->type == WEIR_INT ? "an" : "a", weir_type_text(value->type));
        return NULL;
    }
    weir_error  err = { .status = WEIR_OK };
    weiri_expr *out = value;
    if (value != NULL
        && weiri_expr_convert(scope->arena, value, WEIR_BOOL, &out, &err) != WEIR_OK) {
        return NULL;
    }
    return out;
}

static bool
is_same_value(const weir_value *a, const weir_value *b)
{
    if (a->type != b->type || a->is_null != b->is_null || a->size != b->size) {
        return false;
    }
    if (a->is_null) {
        return true;
    }
    switch (a->type) {
    case WEIR_BOOL: return a->as.b == b->as.b;
    case WEIR_FLOAT: return a->as.i == b->as.i; /* the same bits */
    case WEIR_STRING:
    case WEIR_LIST: return memcmp(a->as.s, b->as.s, a->size) == 0;
    default: return a->as.i == b->as.i;
    }
}

bool
weiri_expr_is_same(const weiri_expr *a, const weiri_expr *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    if (a->kind != b->kind || a->type != b->type) {
        return false;
    }
    switch (a->kind) {
    case WEIRI_EXPR_CONSTANT: return is_same_value(&a->as.constant, &b->as.constant);
    case WEIRI_EXPR_FIELD: return a->as.field == b->as.field;
    case WEIRI_EXPR_TIME: return true;
    case WEIRI_EXPR_REGISTER: return a->as.reg == b->as.reg;
    case WEIRI_EXPR_CALL: break;
    }
    bool is_same = a->as.call.operation == b->as.call.operation
                   && a->as.call.n_args == b->as.call.n_args;
    for (uint32_t i = 0; is_same && i < a->as.call.n_args; i++) {
        is_same = weiri_expr_is_same(a->as.call.args[i], b->as.call.args[i]);
    }
    return is_same;
}
