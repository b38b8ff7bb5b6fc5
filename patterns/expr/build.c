/* Expressions: made and checked here, one node at a time.
 *
 * An operation's overloads are tried in the order of the table; the one that needs the
 * fewest conversions of arguments is taken, the first of those that need the same.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "expr/fold.h"
#include "expr/operations.h"
#include "weiri/timetext.h"

static weiri_expr *
new_expr(weiri_arena *arena, weiri_expr_kind kind, weir_type type, bool is_nullable)
{
    weiri_expr *self  = weiri_arena_alloc(arena, sizeof *self);
    self->kind        = kind;
    self->type        = type;
    self->is_nullable = is_nullable;
    return self;
}

weiri_expr *
weiri_expr_constant(weiri_arena *arena, const weir_value *value)
{
    weiri_expr *self =
        new_expr(arena, WEIRI_EXPR_CONSTANT, (weir_type)value->type, value->is_null);
    self->as.constant = *value;
    if (value->is_null) {
        self->as.constant = (weir_value){ .type = value->type, .is_null = true };
        return self;
    }
    if (value->type == WEIR_STRING || value->type == WEIR_LIST) {
        self->as.constant.as.s = weiri_arena_text(arena, value->as.s, value->size);
    }
    if (value->type == WEIR_LIST && value->size > 0) {
        self->element = (weir_type)value->as.s[0];
    }
    return self;
}

weiri_expr *
weiri_expr_field(weiri_arena *arena, const weir_schema *schema, uint32_t field)
{
    const weir_field *of   = &schema->fields[field];
    weiri_expr       *self = new_expr(arena, WEIRI_EXPR_FIELD, of->type, of->is_nullable);
    self->element          = of->element;
    self->as.field         = field;
    return self;
}

weiri_expr *
weiri_expr_time(weiri_arena *arena)
{
    return new_expr(arena, WEIRI_EXPR_TIME, WEIR_TIME, false);
}

weiri_expr *
weiri_expr_register(
    weiri_arena *arena, uint32_t reg, weir_type type, weir_type element, bool is_nullable)
{
    weiri_expr *self = new_expr(arena, WEIRI_EXPR_REGISTER, type, is_nullable);
    self->element    = element;
    self->as.reg     = reg;
    return self;
}

/* ---- conversion of arguments ---- */

static weiri_expr *
new_call(weiri_arena *arena, const weiri_operation *operation, weiri_expr *const *args,
    uint32_t n_args)
{
    weiri_expr *self        = new_expr(arena, WEIRI_EXPR_CALL, WEIR_NULL, true);
    self->as.call.operation = operation;
    self->as.call.n_args    = n_args;
    self->as.call.args      = weiri_arena_alloc(arena, n_args * sizeof(weiri_expr *));
    if (n_args > 0) {
        memcpy(self->as.call.args, args, n_args * sizeof(weiri_expr *));
    }
    return self;
}

static weiri_expr *
to_float(weiri_arena *arena, weiri_expr *value)
{
    if (value->kind == WEIRI_EXPR_CONSTANT) {
        weir_value widened = { .type = WEIR_FLOAT, .is_null = value->is_nullable };
        widened.as.f       = (double)value->as.constant.as.i;
        return weiri_expr_constant(arena, &widened);
    }
    weiri_expr *self =
        new_call(arena, weiri_operation_at(WEIRI_OP_FLOAT_OF_INT), &value, 1);
    self->type        = WEIR_FLOAT;
    self->is_nullable = value->is_nullable;
    return self;
}

static bool
is_time_literal(const weiri_expr *value)
{
    return value->kind == WEIRI_EXPR_CONSTANT && value->type == WEIR_STRING
           && !value->is_nullable;
}

static weir_status
to_time(weiri_arena *arena, const weiri_expr *value, weiri_expr **out, weir_error *err)
{
    const weir_value *text = &value->as.constant;
    weir_value        time = { .type = WEIR_TIME };
    if (!weiri_time_parse(text->as.s, text->size, &time.as.i)) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "'%.40s' is not a time: write it like \"2024-05-17T09:30:00Z\"", text->as.s);
    }
    *out = weiri_expr_constant(arena, &time);
    return WEIR_OK;
}

weir_status
weiri_expr_convert(weiri_arena *arena, weiri_expr *value, weir_type type,
    weiri_expr **out, weir_error *err)
{
    if (value->type == type) {
        *out = value;
        return WEIR_OK;
    }
    if (value->type == WEIR_NULL) {
        weir_value null = { .type = (uint8_t)type, .is_null = true };
        *out            = weiri_expr_constant(arena, &null);
        return WEIR_OK;
    }
    if (value->type == WEIR_INT && type == WEIR_FLOAT) {
        *out = to_float(arena, value);
        return WEIR_OK;
    }
    if (type == WEIR_TIME && is_time_literal(value)) {
        return to_time(arena, value, out, err);
    }
    const char *article = type == WEIR_INT ? "an" : "a";
    const char *is      = value->type == WEIR_INT ? "an" : "a";
    return WEIR_FAIL(err, WEIR_EINVAL, "is %s %s, not %s %s", is,
        weir_type_text(value->type), article, weir_type_text(type));
}

/* ---- which overload ---- */

/* What T and E of a signature stand for, and what taking the arguments costs. */
struct match {
    const weiri_operation *operation;
    weiri_signature        signature;
    weir_type              same; /* T */
    weir_type              same_element;
    weir_type              element; /* E */
    int                    cost;    /* conversions; -1: does not take the arguments */
};

enum { NO_MATCH = -1 };

static uint8_t
param_at(const weiri_signature *signature, uint32_t i)
{
    uint32_t last = signature->n_params - 1;
    return signature->params[i < last ? i : last];
}

static bool
takes_count(const weiri_signature *signature, uint32_t n_args)
{
    return n_args == signature->n_params
           || (signature->repeats && n_args > signature->n_params);
}

/* Make T wide enough for an argument. */
static bool
unify(struct match *match, const weiri_expr *arg)
{
    if (arg->type == WEIR_NULL) {
        return true;
    }
    if (match->same == WEIR_TIME && is_time_literal(arg)) {
        return true;
    }
    if (match->same == WEIR_NULL) {
        match->same         = arg->type;
        match->same_element = arg->element;
        return true;
    }
    bool is_mixed = (match->same == WEIR_INT && arg->type == WEIR_FLOAT)
                    || (match->same == WEIR_FLOAT && arg->type == WEIR_INT);
    if (is_mixed) {
        match->same = WEIR_FLOAT;
        return true;
    }
    return match->same == arg->type && match->same_element == arg->element;
}

static bool
bind_variables(struct match *match, weiri_expr *const *args, uint32_t n_args)
{
    for (uint32_t i = 0; i < n_args; i++) {
        if (param_at(&match->signature, i) == WEIR_LIST) {
            match->element = args[i]->element;
        }
    }
    /* Text in quotes last: it is a time if another argument is one. */
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < n_args; i++) {
            bool is_same = param_at(&match->signature, i) == WEIRI_PARAM_SAME;
            bool is_now  = is_time_literal(args[i]) == (pass == 1);
            if (is_same && is_now && !unify(match, args[i])) {
                return false;
            }
        }
    }
    /* in, between, greatest and the like want an order, which lists do not have. */
    bool is_choice = match->operation->kind == WEIRI_LAZY;
    return is_choice || match->same != WEIR_LIST;
}

/* The type that an argument has to be of; WEIR_NULL: it stays as it is. */
static weir_type
wanted_type(const struct match *match, uint32_t i)
{
    uint8_t param = param_at(&match->signature, i);
    switch (param) {
    case WEIRI_PARAM_ANY: return WEIR_NULL;
    case WEIRI_PARAM_SAME: return match->same;
    case WEIRI_PARAM_ELEMENT: return match->element;
    case WEIRI_PARAM_NUMBERS: return WEIR_LIST;
    default: return (weir_type)param;
    }
}

static int
cost_of(const struct match *match, uint32_t i, const weiri_expr *arg)
{
    if (param_at(&match->signature, i) == WEIRI_PARAM_ANY) {
        return arg->type == WEIR_LIST ? NO_MATCH : 0;
    }
    bool is_numbers = arg->element == WEIR_INT || arg->element == WEIR_FLOAT;
    if (param_at(&match->signature, i) == WEIRI_PARAM_NUMBERS && arg->type == WEIR_LIST
        && !is_numbers) {
        return NO_MATCH;
    }
    weir_type wanted = wanted_type(match, i);
    if (arg->type == wanted || arg->type == WEIR_NULL) {
        return 0;
    }
    if (wanted == WEIR_TIME && is_time_literal(arg)) {
        return 2;
    }
    return arg->type == WEIR_INT && wanted == WEIR_FLOAT ? 1 : NO_MATCH;
}

static struct match
match_with(const weiri_operation *operation, weiri_expr *const *args, uint32_t n_args)
{
    struct match match = { .operation = operation, .cost = NO_MATCH };
    match.signature    = weiri_signature_of(operation);
    if (!takes_count(&match.signature, n_args) || !bind_variables(&match, args, n_args)) {
        return match;
    }
    int total = 0;
    for (uint32_t i = 0; i < n_args; i++) {
        int cost = cost_of(&match, i, args[i]);
        if (cost == NO_MATCH) {
            return match;
        }
        total += cost;
    }
    match.cost = total;
    return match;
}

static struct match
best_match(const char *name, weiri_expr *const *args, uint32_t n_args)
{
    struct match           best      = { .cost = NO_MATCH };
    const weiri_operation *operation = weiri_operation_find(name, NULL);
    for (; operation != NULL; operation = weiri_operation_find(name, operation)) {
        struct match match = match_with(operation, args, n_args);
        if (match.cost != NO_MATCH && (best.cost == NO_MATCH || match.cost < best.cost)) {
            best = match;
        }
    }
    return best;
}

/* ---- what to say when nothing fits ---- */

struct text {
    char   bytes[200];
    size_t size;
};

static void
add_text(struct text *self, const char *text, size_t size)
{
    size_t room = sizeof self->bytes - 1 - self->size;
    size        = size < room ? size : room;
    memcpy(self->bytes + self->size, text, size);
    self->size += size;
    self->bytes[self->size] = 0;
}

static void
add_types(struct text *self, weiri_expr *const *args, uint32_t n_args)
{
    add_text(self, "(", 1);
    for (uint32_t i = 0; i < n_args; i++) {
        const char *type = weir_type_text(args[i]->type);
        add_text(self, i > 0 ? ", " : "", i > 0 ? 2 : 0);
        add_text(self, type, strlen(type));
    }
    add_text(self, ")", 1);
}

static weir_status
refuse(const char *name, weiri_expr *const *args, uint32_t n_args, weir_error *err)
{
    enum { ROOM_FOR_TAKES = 120 };
    struct text            takes = { .size = 0 };
    struct text            given = { .size = 0 };
    const weiri_operation *row   = weiri_operation_find(name, NULL);
    for (; row != NULL; row = weiri_operation_find(name, row)) {
        size_t size = (size_t)(strchr(row->signature, ')') - row->signature) + 1;
        add_text(&takes, ", ", takes.size > 0 ? 2 : 0);
        if (takes.size + size > ROOM_FOR_TAKES) {
            add_text(&takes, "…", strlen("…"));
            break;
        }
        add_text(&takes, row->signature, size);
    }
    add_types(&given, args, n_args);
    return WEIR_FAIL(
        err, WEIR_EINVAL, "'%s' takes %s, not %.60s", name, takes.bytes, given.bytes);
}

static weir_status
refuse_name(const char *name, weir_error *err)
{
    const char *nearest = weiri_operation_nearest(name);
    if (nearest == NULL) {
        return WEIR_FAIL(err, WEIR_ENOENT, "there is no function '%.40s'", name);
    }
    return WEIR_FAIL(err, WEIR_ENOENT, "there is no function '%.40s'; did you mean '%s'?",
        name, nearest);
}

/* ---- calls ---- */

static bool
any_is_nullable(const weiri_expr *call)
{
    for (uint32_t i = 0; i < call->as.call.n_args; i++) {
        if (call->as.call.args[i]->is_nullable) {
            return true;
        }
    }
    return false;
}

static bool
all_are_nullable(const weiri_expr *call)
{
    for (uint32_t i = 0; i < call->as.call.n_args; i++) {
        if (!call->as.call.args[i]->is_nullable) {
            return false;
        }
    }
    return true;
}

static bool
can_be_null(const weiri_expr *call)
{
    weiri_expr *const *args = call->as.call.args;
    switch (call->as.call.operation->kind) {
    case WEIRI_FAULTS:
    case WEIRI_MAYBE: return true;
    case WEIRI_SEES_NULL: return false;
    case WEIRI_STRICT:
    case WEIRI_COMPARES: return any_is_nullable(call);
    case WEIRI_LAZY: break;
    }
    switch (call->as.call.operation->id) {
    case WEIRI_OP_IF: return args[1]->is_nullable || args[2]->is_nullable;
    case WEIRI_OP_ELSE:
    case WEIRI_OP_COALESCE: return all_are_nullable(call);
    default: return any_is_nullable(call);
    }
}

/* Give the arguments the types that the signature wants. */
static weir_status
convert_args(
    weiri_arena *arena, weiri_expr *call, const struct match *match, weir_error *err)
{
    weiri_expr **args    = call->as.call.args;
    bool         may_mix = match->operation->kind == WEIRI_COMPARES;
    for (uint32_t i = 0; i < call->as.call.n_args; i++) {
        weir_type wanted   = wanted_type(match, i);
        bool      is_mixed = may_mix && args[i]->type == WEIR_INT;
        if (wanted == WEIR_NULL || is_mixed) {
            continue;
        }
        weir_status status = weiri_expr_convert(arena, args[i], wanted, &args[i], err);
        if (status != WEIR_OK) {
            return status;
        }
    }
    return WEIR_OK;
}

static void
set_result(weiri_expr *call, const struct match *match)
{
    switch (match->signature.result) {
    case WEIRI_PARAM_SAME:
        call->type    = match->same;
        call->element = match->same_element;
        break;
    case WEIRI_PARAM_ELEMENT: call->type = match->element; break;
    case WEIRI_PARAM_SAMES:
        call->type    = WEIR_LIST;
        call->element = match->same;
        break;
    case WEIRI_PARAM_ELEMENTS:
        call->type    = WEIR_LIST;
        call->element = match->element;
        break;
    case WEIRI_PARAM_INTS:
        call->type    = WEIR_LIST;
        call->element = WEIR_INT;
        break;
    default: call->type = (weir_type)match->signature.result; break;
    }
    call->is_nullable = can_be_null(call);
}

weir_status
weiri_expr_call(weiri_arena *arena, const char *name, weiri_expr *const *args,
    uint32_t n_args, weiri_expr **out, weir_error *err)
{
    if (weiri_operation_find(name, NULL) == NULL) {
        return refuse_name(name, err);
    }
    struct match match = best_match(name, args, n_args);
    if (match.cost == NO_MATCH) {
        return refuse(name, args, n_args, err);
    }
    weiri_expr *call   = new_call(arena, match.operation, args, n_args);
    weir_status status = convert_args(arena, call, &match, err);
    if (status != WEIR_OK) {
        return status;
    }
    set_result(call, &match);
    *out = weiri_fold(arena, call);
    return WEIR_OK;
}
