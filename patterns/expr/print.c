#include <string.h>

#include "expr/operations.h"
#include "weiri/exprtext.h"
#include "weiri/numtext.h"
#include "weiri/timetext.h"

/* ---- values ---- */

/* A text in quotes, as the language reads it back. */
static const char *
quoted(weiri_arena *arena, const char *text, uint32_t size)
{
    static const char DIGITS[] = "0123456789abcdef";
    char             *out      = weiri_arena_alloc(arena, 6 * (size_t)size + 3);
    size_t            n        = 0;
    out[n++]                   = '"';
    for (uint32_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\') {
            out[n++] = '\\';
            out[n++] = (char)c;
        } else if (c == '\n' || c == '\t') {
            out[n++] = '\\';
            out[n++] = c == '\n' ? 'n' : 't';
        } else if (c < 0x20) {
            memcpy(out + n, "\\u00", 4);
            out[n + 4] = DIGITS[c >> 4];
            out[n + 5] = DIGITS[c & 15];
            n += 6;
        } else {
            out[n++] = (char)c;
        }
    }
    out[n++] = '"';
    out[n]   = '\0';
    return out;
}

/* One element of a packed list; moves *at behind it. */
static weir_value
unpack_element(weir_type type, const char **at)
{
    weir_value value = { .type = (uint8_t)type, .is_null = *(*at)++ != 0 };
    if (value.is_null) {
        return value;
    }
    if (type == WEIR_STRING) {
        memcpy(&value.size, *at, sizeof value.size);
        value.as.s = *at + sizeof value.size;
        *at += sizeof value.size + value.size;
    } else {
        size_t size = type == WEIR_BOOL ? 1 : sizeof value.as;
        memcpy(&value.as, *at, size);
        *at += size;
    }
    return value;
}

static const char *
list_text(weiri_arena *arena, const weir_value *list)
{
    const char *text = "";
    const char *at   = list->as.s + 1;
    const char *end  = list->as.s + list->size;
    for (uint32_t n = 0; list->size > 0 && at < end; n++) {
        weir_value element = unpack_element((weir_type)list->as.s[0], &at);
        text               = weiri_arena_format(
                          arena, "%s%s%s", text, n > 0 ? ", " : "", weiri_value_text(arena, &element));
    }
    return weiri_arena_format(arena, "[%s]", text);
}

const char *
weiri_value_text(weiri_arena *arena, const weir_value *value)
{
    char text[WEIRI_DURATION_TEXT];
    if (value->is_null) {
        return "null";
    }
    switch ((weir_type)value->type) {
    case WEIR_BOOL: return value->as.b ? "true" : "false";
    case WEIR_STRING: return quoted(arena, value->as.s, value->size);
    case WEIR_LIST: return list_text(arena, value);
    case WEIR_FLOAT: (void)weiri_float_format(value->as.f, text); break;
    case WEIR_TIME: (void)weiri_time_format(value->as.i, text); break;
    case WEIR_DURATION: (void)weiri_duration_format(value->as.i, text); break;
    case WEIR_INT: (void)weiri_int_format(value->as.i, text); break;
    case WEIR_NULL: return "null";
    }
    return weiri_arena_text(arena, text, strlen(text));
}

const char *
weiri_key_text(weiri_arena *arena, const weir_value *values, uint32_t n)
{
    const char *text = "";
    for (uint32_t i = 0; i < n; i++) {
        const weir_value *value = &values[i];
        const char       *one   = value->type == WEIR_STRING && !value->is_null
                                      ? weiri_arena_text(arena, value->as.s, value->size)
                                      : weiri_value_text(arena, value);
        text = i == 0 ? one : weiri_arena_format(arena, "%s,%s", text, one);
    }
    return text;
}

/* ---- expressions ---- */

/* How tightly an operation binds its operands; what is written like a function, most. */
enum binding {
    BIND_OR = 1,
    BIND_AND,
    BIND_NOT,
    BIND_COMPARE,
    BIND_ELSE,
    BIND_ADD,
    BIND_MULTIPLY,
    BIND_MINUS,
    BIND_CALL
};

typedef struct printing {
    weiri_arena            *arena;
    const weiri_expr_names *names;
} printing;

static const char *
print(const printing *self, const weiri_expr *expr, enum binding around);

static enum binding
binding_of(const char *name, uint32_t n_args)
{
    static const struct {
        const char  *name;
        enum binding binding;
    } INFIX[] = {
        { "or", BIND_OR },
        { "and", BIND_AND },
        { "==", BIND_COMPARE },
        { "!=", BIND_COMPARE },
        { "<", BIND_COMPARE },
        { "<=", BIND_COMPARE },
        { ">", BIND_COMPARE },
        { ">=", BIND_COMPARE },
        { "like", BIND_COMPARE },
        { "??", BIND_ELSE },
        { "+", BIND_ADD },
        { "-", BIND_ADD },
        { "*", BIND_MULTIPLY },
        { "/", BIND_MULTIPLY },
        { "%", BIND_MULTIPLY },
    };
    for (size_t i = 0; n_args == 2 && i < sizeof INFIX / sizeof *INFIX; i++) {
        if (strcmp(name, INFIX[i].name) == 0) {
            return INFIX[i].binding;
        }
    }
    return BIND_CALL;
}

/* Arguments first … from the call, joined by commas. */
static const char *
print_arguments(const printing *self, const weiri_expr *expr, uint32_t first)
{
    const char *text = "";
    for (uint32_t i = first; i < expr->as.call.n_args; i++) {
        text = weiri_arena_format(self->arena, "%s%s%s", text, i > first ? ", " : "",
            print(self, expr->as.call.args[i], BIND_OR));
    }
    return text;
}

/* What is neither infix nor written like a function; NULL: it is. */
static const char *
print_special(const printing *self, const weiri_expr *expr, enum binding *binding)
{
    weiri_expr *const *args = expr->as.call.args;
    const char        *name = expr->as.call.operation->name;
    uint32_t           n    = expr->as.call.n_args;
    *binding                = BIND_COMPARE;
    if (strcmp(name, "is null") == 0 || strcmp(name, "is not null") == 0) {
        return weiri_arena_format(
            self->arena, "%s %s", print(self, args[0], BIND_ELSE), name);
    }
    if (strcmp(name, "in") == 0) {
        return weiri_arena_format(self->arena, "%s in (%s)",
            print(self, args[0], BIND_ELSE), print_arguments(self, expr, 1));
    }
    if (strcmp(name, "between") == 0) {
        return weiri_arena_format(self->arena, "%s between %s and %s",
            print(self, args[0], BIND_ELSE), print(self, args[1], BIND_ELSE),
            print(self, args[2], BIND_ELSE));
    }
    if (strcmp(name, "not") == 0) {
        *binding = BIND_NOT;
        return weiri_arena_format(self->arena, "not %s", print(self, args[0], BIND_NOT));
    }
    if (strcmp(name, "[]") == 0) {
        *binding = BIND_CALL;
        return weiri_arena_format(self->arena, "[%s]", print_arguments(self, expr, 0));
    }
    if (strcmp(name, "-") == 0 && n == 1) {
        *binding = BIND_MINUS;
        return weiri_arena_format(self->arena, "-%s", print(self, args[0], BIND_MINUS));
    }
    return NULL;
}

static const char *
print_call(const printing *self, const weiri_expr *expr, enum binding around)
{
    weiri_expr *const *args = expr->as.call.args;
    const char        *name = expr->as.call.operation->name;
    if (strcmp(name, "float") == 0 && args[0]->type == WEIR_INT) {
        return print(self, args[0], around);
    }
    enum binding binding;
    const char  *text = print_special(self, expr, &binding);
    if (text == NULL) {
        binding = binding_of(name, expr->as.call.n_args);
        if (binding == BIND_CALL) {
            return weiri_arena_format(
                self->arena, "%s(%s)", name, print_arguments(self, expr, 0));
        }
        /* Comparisons do not chain; the others associate to the left. */
        enum binding left  = binding == BIND_COMPARE ? BIND_ELSE : binding;
        enum binding right = (enum binding)(binding + 1);
        text = weiri_arena_format(self->arena, "%s %s %s", print(self, args[0], left),
            name, print(self, args[1], right));
    }
    return binding < around ? weiri_arena_format(self->arena, "(%s)", text) : text;
}

static const char *
print(const printing *self, const weiri_expr *expr, enum binding around)
{
    const weiri_expr_names *names  = self->names;
    const char             *prefix = names->prefix != NULL ? names->prefix : "";
    switch (expr->kind) {
    case WEIRI_EXPR_CONSTANT: return weiri_value_text(self->arena, &expr->as.constant);
    case WEIRI_EXPR_FIELD:
        return weiri_arena_format(
            self->arena, "%s%s", prefix, names->schema->fields[expr->as.field].name);
    case WEIRI_EXPR_TIME: return weiri_arena_format(self->arena, "%sat", prefix);
    case WEIRI_EXPR_REGISTER:
        return names->registers != NULL ? names->registers[expr->as.reg] : "?";
    case WEIRI_EXPR_CALL: return print_call(self, expr, around);
    }
    return "";
}

const char *
weiri_expr_text(weiri_arena *arena, const weiri_expr *expr, const weiri_expr_names *names)
{
    const printing self = { .arena = arena, .names = names };
    return print(&self, expr, BIND_OR);
}

uint32_t
weiri_expr_terms(weiri_arena *arena, const weiri_expr *expr, const weiri_expr ***out)
{
    if (expr == NULL) {
        *out = NULL;
        return 0;
    }
    if (expr->kind == WEIRI_EXPR_CALL && expr->as.call.operation->id == WEIRI_OP_AND) {
        const weiri_expr **left   = NULL;
        const weiri_expr **right  = NULL;
        uint32_t           n_left = weiri_expr_terms(arena, expr->as.call.args[0], &left);
        uint32_t n_right = weiri_expr_terms(arena, expr->as.call.args[1], &right);
        *out             = weiri_arena_alloc(arena, (n_left + n_right) * sizeof **out);
        for (uint32_t i = 0; i < n_left + n_right; i++) {
            (*out)[i] = i < n_left ? left[i] : right[i - n_left];
        }
        return n_left + n_right;
    }
    *out  = weiri_arena_alloc(arena, sizeof **out);
    **out = expr;
    return 1;
}

/* ---- registers ---- */

static const char *
argument_text(weiri_arena *arena, const weiri_match *plan, const weiri_register *reg)
{
    const char *step = reg->step == WEIRI_NONE ? "prev" : plan->steps[reg->step].name;
    if (reg->arguments == NULL) {
        return step;
    }
    weiri_expr_names names = { .prefix = weiri_arena_format(arena, "%s.", step) };
    for (uint32_t i = 0; i < plan->n_inputs; i++) {
        if (reg->arguments[i] != NULL) {
            names.schema = plan->inputs[i].schema;
            return weiri_expr_text(arena, reg->arguments[i], &names);
        }
    }
    return step;
}

static const char *
key_text(weiri_arena *arena, const weiri_match *plan, uint32_t index)
{
    const weiri_expr_names names = { .schema = plan->inputs[0].schema };
    return weiri_expr_text(arena, plan->inputs[0].keys[index], &names);
}

/* "a[2].x": the argument with an index behind the step's name. */
static const char *
indexed_text(weiri_arena *arena, const weiri_match *plan, const weiri_register *reg,
    const char *sign, uint32_t index)
{
    const char *name = plan->steps[reg->step].name;
    const char *text = argument_text(arena, plan, reg);
    size_t      size = strlen(name);
    const char *rest = strncmp(text, name, size) == 0 ? text + size : text;
    return weiri_arena_format(arena, "%s[%s%u]%s", name, sign, index, rest);
}

static const char *
register_text(weiri_arena *arena, const weiri_match *plan, const weiri_register *reg)
{
    static const char *const FUNCTIONS[] = {
        [WEIRI_REGISTER_FIRST]    = "first",
        [WEIRI_REGISTER_COUNT]    = "count",
        [WEIRI_REGISTER_SUM]      = "sum",
        [WEIRI_REGISTER_AVG]      = "avg",
        [WEIRI_REGISTER_MIN]      = "min",
        [WEIRI_REGISTER_MAX]      = "max",
        [WEIRI_REGISTER_STDDEV]   = "stddev",
        [WEIRI_REGISTER_VARIANCE] = "variance",
        [WEIRI_REGISTER_COLLECT]  = "collect",
    };
    switch (reg->kind) {
    case WEIRI_REGISTER_KEY: return key_text(arena, plan, reg->index);
    case WEIRI_REGISTER_START: return "match.start";
    case WEIRI_REGISTER_END: return "match.end";
    case WEIRI_REGISTER_LAST: return argument_text(arena, plan, reg);
    case WEIRI_REGISTER_NTH: return indexed_text(arena, plan, reg, "", reg->index);
    case WEIRI_REGISTER_NTH_LAST:
        return indexed_text(arena, plan, reg, "-", reg->index + 1);
    default:
        return weiri_arena_format(
            arena, "%s(%s)", FUNCTIONS[reg->kind], argument_text(arena, plan, reg));
    }
}

const char *const *
weiri_register_texts(weiri_arena *arena, const weiri_match *plan)
{
    const char **texts =
        weiri_arena_alloc(arena, (plan->n_registers + 1) * sizeof *texts);
    for (uint32_t i = 0; i < plan->n_registers; i++) {
        texts[i] = register_text(arena, plan, &plan->registers[i]);
    }
    return texts;
}
