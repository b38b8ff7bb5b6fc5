/* Expressions by walking their tree: the operations that random rules use. */
#include <math.h>
#include <string.h>

#include "expr/operations.h"
#include "reference.h"
#include "weiri/assert.h"

static weir_value
null_of(weir_type type)
{
    return (weir_value){ .type = (uint8_t)type, .is_null = true };
}

static weir_value
truth(bool b)
{
    return (weir_value){ .type = WEIR_BOOL, .as.b = b };
}

static double
number(weir_value v)
{
    return v.type == WEIR_FLOAT ? v.as.f : (double)v.as.i;
}

static int
order_of_text(weir_value a, weir_value b)
{
    uint32_t n = a.size < b.size ? a.size : b.size;
    int      c = n == 0 ? 0 : memcmp(a.as.s, b.as.s, n);
    return c != 0 ? c : (a.size > b.size) - (a.size < b.size);
}

static int
order_of(weir_value a, weir_value b)
{
    if (a.type == WEIR_STRING) {
        return order_of_text(a, b);
    }
    if (a.type == WEIR_BOOL) {
        return (int)a.as.b - (int)b.as.b;
    }
    if (a.type == WEIR_FLOAT || b.type == WEIR_FLOAT) {
        double x = number(a);
        double y = number(b);
        return (x > y) - (x < y);
    }
    return (a.as.i > b.as.i) - (a.as.i < b.as.i);
}

static bool
compared(const char *op, int order)
{
    switch (op[0]) {
    case '=': return order == 0;
    case '!': return order != 0;
    case '<': return op[1] == '=' ? order <= 0 : order < 0;
    default: return op[1] == '=' ? order >= 0 : order > 0;
    }
}

/* A float result that is not finite is null. */
static weir_value
real(double f)
{
    weir_value v = { .type = WEIR_FLOAT, .as.f = f };
    return isfinite(f) ? v : null_of(WEIR_FLOAT);
}

static weir_value
integer_sum(char op, weir_value a, weir_value b, weir_type type)
{
    int64_t    sum  = 0;
    bool       over = op == '+'   ? __builtin_add_overflow(a.as.i, b.as.i, &sum)
                      : op == '-' ? __builtin_sub_overflow(a.as.i, b.as.i, &sum)
                                  : __builtin_mul_overflow(a.as.i, b.as.i, &sum);
    weir_value v    = { .type = (uint8_t)type, .as.i = sum };
    return over ? null_of(type) : v;
}

static weir_value
arithmetic(char op, weir_value a, weir_value b, weir_type type)
{
    if (op == '%') {
        weir_value v = { .type = (uint8_t)type };
        v.as.i       = b.as.i == 0 || b.as.i == -1 ? 0 : a.as.i % b.as.i;
        return b.as.i == 0 ? null_of(type) : v;
    }
    if (type != WEIR_FLOAT) {
        return integer_sum(op, a, b, type);
    }
    double x = number(a);
    double y = number(b);
    switch (op) {
    case '+': return real(x + y);
    case '-': return real(x - y);
    case '*': return real(x * y);
    default: return y == 0.0 ? null_of(type) : real(x / y);
    }
}

static weir_value
starts_or_ends(weir_value text, weir_value part, bool at_end)
{
    if (part.size > text.size) {
        return truth(false);
    }
    const char *from = text.as.s + (at_end ? text.size - part.size : 0);
    return truth(part.size == 0 || memcmp(from, part.as.s, part.size) == 0);
}

static weir_value
contains(weir_value text, weir_value part)
{
    for (uint32_t i = 0; i + part.size <= text.size; i++) {
        if (part.size == 0 || memcmp(text.as.s + i, part.as.s, part.size) == 0) {
            return truth(true);
        }
    }
    return truth(false);
}

static weir_value
logical(bool is_and, weir_value a, weir_value b)
{
    bool decides = !is_and;
    if ((!a.is_null && a.as.b == decides) || (!b.is_null && b.as.b == decides)) {
        return truth(decides);
    }
    return a.is_null || b.is_null ? null_of(WEIR_BOOL) : truth(!decides);
}

/* Operations that see nulls. */
static bool
call_with_nulls(const char *name, weir_value a, weir_value b, weir_value *out)
{
    if (strcmp(name, "and") == 0 || strcmp(name, "or") == 0) {
        *out = logical(name[0] == 'a', a, b);
    } else if (strcmp(name, "is null") == 0) {
        *out = truth(a.is_null);
    } else if (strcmp(name, "is not null") == 0) {
        *out = truth(!a.is_null);
    } else if (strcmp(name, "??") == 0 || strcmp(name, "coalesce") == 0) {
        *out = a.is_null ? b : a;
    } else {
        return false;
    }
    return true;
}

static weir_value
call_strict(const char *name, weir_type type, weir_value a, weir_value b, uint32_t n)
{
    if (strcmp(name, "not") == 0) {
        return truth(!a.as.b);
    }
    if (strcmp(name, "-") == 0 && n == 1) {
        weir_value zero = { .type = a.type };
        return type == WEIR_FLOAT ? real(-a.as.f) : integer_sum('-', zero, a, type);
    }
    if (strcmp(name, "abs") == 0) {
        return type == WEIR_FLOAT ? real(fabs(a.as.f))
               : a.as.i < 0 ? integer_sum('-', (weir_value){ .type = a.type }, a, type)
                            : a;
    }
    if (strchr("=!<>", name[0]) != NULL) {
        return truth(compared(name, order_of(a, b)));
    }
    if (strchr("+-*/%", name[0]) != NULL) {
        return arithmetic(name[0], a, b, type);
    }
    if (strcmp(name, "contains") == 0) {
        return contains(a, b);
    }
    if (strcmp(name, "starts_with") == 0 || strcmp(name, "ends_with") == 0) {
        return starts_or_ends(a, b, name[0] == 'e');
    }
    if (strcmp(name, "float") == 0) {
        return real(number(a));
    }
    bool is_known = false; /* an operation that is not among those above */
    weiri_assert(is_known);
    return null_of(type);
}

static weir_value
call(const weiri_expr *expr, const weir_chunk *chunk, uint32_t row,
    const weir_value *registers)
{
    const char *name    = expr->as.call.operation->name;
    uint32_t    n       = expr->as.call.n_args;
    weir_value  args[2] = { { .is_null = true }, { .is_null = true } };
    weiri_assert(n >= 1 && n <= 2);
    for (uint32_t i = 0; i < n; i++) {
        args[i] = weir_reference_eval(expr->as.call.args[i], chunk, row, registers);
    }
    weir_value out;
    if (call_with_nulls(name, args[0], args[1], &out)) {
        return out;
    }
    if (args[0].is_null || (n == 2 && args[1].is_null)) {
        return null_of(expr->type);
    }
    out      = call_strict(name, expr->type, args[0], args[1], n);
    out.type = (uint8_t)expr->type;
    return out;
}

weir_value
weir_reference_eval(const weiri_expr *expr, const weir_chunk *chunk, uint32_t row,
    const weir_value *registers)
{
    switch (expr->kind) {
    case WEIRI_EXPR_CONSTANT: return expr->as.constant;
    case WEIRI_EXPR_FIELD: return weir_chunk_get(chunk, row, expr->as.field);
    case WEIRI_EXPR_TIME:
        return (weir_value){ .type = WEIR_TIME, .as.i = chunk->time[row] };
    case WEIRI_EXPR_REGISTER: return registers[expr->as.reg];
    case WEIRI_EXPR_CALL: return call(expr, chunk, row, registers);
    }
    return null_of(expr->type);
}
