/* Precedence climbing over: || && == != < <= > >= + - * / % ! - ( ). */
#include "case_expr.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

typedef struct parser {
    case_scope *scope;
    const char *at;
} parser;

typedef struct operator_row {
    const char *written;
    const char *name;
    int         level;
} operator_row;

/* Longer ones first. */
static const operator_row OPERATORS[] = {
    { "||", "or", 1 },
    { "&&", "and", 2 },
    { "==", "==", 3 },
    { "!=", "!=", 3 },
    { "<=", "<=", 4 },
    { ">=", ">=", 4 },
    { "<", "<", 4 },
    { ">", ">", 4 },
    { "+", "+", 5 },
    { "-", "-", 5 },
    { "*", "*", 6 },
    { "/", "/", 6 },
    { "%", "%", 6 },
};

static weiri_expr *
parse_level(parser *p, int level);

static weiri_expr *
fail(parser *p, const char *what)
{
    if (p->scope->failure == NULL) {
        p->scope->failure =
            weiri_arena_format(p->scope->arena, "%s at '%.20s'", what, p->at);
    }
    weir_value null = { .type = WEIR_FLOAT, .is_null = true };
    return weiri_expr_constant(p->scope->arena, &null);
}

static void
skip_space(parser *p)
{
    p->at += strspn(p->at, " ");
}

static bool
accept(parser *p, const char *token)
{
    skip_space(p);
    size_t n = strlen(token);
    if (strncmp(p->at, token, n) != 0) {
        return false;
    }
    p->at += n;
    return true;
}

static const char *
read_name(parser *p)
{
    skip_space(p);
    size_t n = 0;
    while (isalnum((unsigned char)p->at[n]) || p->at[n] == '_') {
        n++;
    }
    p->at += n;
    return weiri_arena_text(p->scope->arena, p->at - n, n);
}

static weiri_expr *
call(parser *p, const char *name, weiri_expr *a, weiri_expr *b)
{
    weiri_expr *args[] = { a, b };
    weiri_expr *out    = NULL;
    weir_error  err    = { 0 };
    if (weiri_expr_call(p->scope->arena, name, args, b != NULL ? 2 : 1, &out, &err)
        != WEIR_OK) {
        return fail(p, err.text);
    }
    return out;
}

static weiri_expr *
field(parser *p, const char *name)
{
    int32_t i = weir_schema_find(p->scope->schema, name);
    return i < 0 ? fail(p, name)
                 : weiri_expr_field(p->scope->arena, p->scope->schema, (uint32_t)i);
}

static uint32_t
step_called(parser *p, const char *name)
{
    for (uint32_t i = 0; i < p->scope->n_steps; i++) {
        if (strcmp(p->scope->steps[i].name, name) == 0) {
            return i;
        }
    }
    fail(p, "no such variable");
    return 0;
}

static weiri_expr *
add_register(parser *p, weiri_register_kind kind, uint32_t step, const char *attribute)
{
    case_scope    *s   = p->scope;
    weiri_register reg = { .kind = kind, .step = step, .in_condition = true };
    reg.type           = WEIR_INT;
    if (attribute != NULL) {
        weiri_expr *argument = field(p, attribute);
        reg.type             = argument->type;
        reg.arguments        = weiri_arena_alloc(s->arena, sizeof *reg.arguments);
        reg.arguments[0]     = argument;
    }
    WEIRI_ARENA_PUSH(s->arena, s->registers, s->n_registers, reg);
    return weiri_expr_register(s->arena, s->n_registers - 1, reg.type, WEIR_NULL, true);
}

typedef struct aggregate_row {
    const char         *name;
    weiri_register_kind kind;
} aggregate_row;

static const aggregate_row AGGREGATES[] = {
    { "sum", WEIRI_REGISTER_SUM },
    { "avg", WEIRI_REGISTER_AVG },
    { "min", WEIRI_REGISTER_MIN },
    { "max", WEIRI_REGISTER_MAX },
    { "count", WEIRI_REGISTER_COUNT },
    { "first", WEIRI_REGISTER_FIRST },
    { "last", WEIRI_REGISTER_LAST },
};

/* After the name and its opening parenthesis: `V.a)`, `V)` or `V).a`. */
static weiri_expr *
parse_aggregate(parser *p, weiri_register_kind kind)
{
    uint32_t    step      = step_called(p, read_name(p));
    const char *attribute = accept(p, ".") ? read_name(p) : NULL;
    if (!accept(p, ")")) {
        return fail(p, "expected )");
    }
    if (kind == WEIRI_REGISTER_FIRST || kind == WEIRI_REGISTER_LAST) {
        if (!accept(p, ".")) {
            return fail(p, "expected .");
        }
        attribute = read_name(p);
    }
    return add_register(p, kind, step, attribute);
}

static weiri_expr *
parse_call(parser *p, const char *name)
{
    for (size_t i = 0; i < sizeof AGGREGATES / sizeof *AGGREGATES; i++) {
        if (strcmp(name, AGGREGATES[i].name) == 0) {
            return parse_aggregate(p, AGGREGATES[i].kind);
        }
    }
    weiri_expr *a = parse_level(p, 1);
    weiri_expr *b = accept(p, ",") ? parse_level(p, 1) : NULL;
    if (!accept(p, ")")) {
        return fail(p, "expected )");
    }
    return call(p,
        strcmp(name, "startsWith") == 0 ? "starts_with"
        : strcmp(name, "endsWith") == 0 ? "ends_with"
                                        : name,
        a, b);
}

static weiri_expr *
parse_text(parser *p)
{
    size_t     n = strcspn(p->at, "'");
    weir_value v = { .type = WEIR_STRING, .as.s = p->at, .size = (uint32_t)n };
    p->at += n + (p->at[n] != 0);
    return weiri_expr_constant(p->scope->arena, &v);
}

static weiri_expr *
parse_number(parser *p)
{
    char      *end = NULL;
    weir_value v   = { .type = WEIR_FLOAT, .as.f = strtod(p->at, &end) };
    p->at          = end;
    return weiri_expr_constant(p->scope->arena, &v);
}

static weiri_expr *
parse_atom(parser *p)
{
    if (accept(p, "(")) {
        weiri_expr *inner = parse_level(p, 1);
        return accept(p, ")") ? inner : fail(p, "expected )");
    }
    if (accept(p, "!")) {
        return call(p, "not", parse_atom(p), NULL);
    }
    if (accept(p, "-")) {
        return call(p, "-", parse_atom(p), NULL);
    }
    if (accept(p, "'")) {
        return parse_text(p);
    }
    skip_space(p);
    if (isdigit((unsigned char)*p->at)) {
        return parse_number(p);
    }
    if (!isalpha((unsigned char)*p->at)) {
        return fail(p, "expected a value");
    }
    const char *name = read_name(p);
    if (strcmp(name, "true") == 0 || strcmp(name, "false") == 0) {
        weir_value v = { .type = WEIR_BOOL, .as.b = name[0] == 't' };
        return weiri_expr_constant(p->scope->arena, &v);
    }
    return accept(p, "(") ? parse_call(p, name) : field(p, name);
}

static const operator_row *
accept_operator(parser *p, int level)
{
    for (size_t i = 0; i < sizeof OPERATORS / sizeof *OPERATORS; i++) {
        if (OPERATORS[i].level == level && accept(p, OPERATORS[i].written)) {
            return &OPERATORS[i];
        }
    }
    return NULL;
}

static weiri_expr *
parse_level(parser *p, int level)
{
    if (level > 6) {
        return parse_atom(p);
    }
    weiri_expr         *left = parse_level(p, level + 1);
    const operator_row *op;
    while ((op = accept_operator(p, level)) != NULL) {
        left = call(p, op->name, left, parse_level(p, level + 1));
    }
    return left;
}

weiri_expr *
case_expr_parse(case_scope *scope, const char *text)
{
    parser      p   = { .scope = scope, .at = text };
    weiri_expr *out = parse_level(&p, 1);
    skip_space(&p);
    if (*p.at != 0) {
        fail(&p, "more than a condition");
    }
    return scope->failure == NULL ? out : NULL;
}
