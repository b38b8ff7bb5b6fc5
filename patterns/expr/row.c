/* Expressions over one row: a stack machine.
 *
 * Arguments lie side by side on the stack, so that a kernel gets a pointer to them and
 * its result takes their place. Comparisons and arithmetic, which conditions between
 * events are made of, are done in the loop itself; the rest goes through the table.
 */
#include "expr/lanes.h"
#include "expr/prepare.h"
#include "expr/program.h"
#include "weiri/assert.h"

/* ---- compilation ---- */

struct compiler {
    weiri_arena   *arena;
    weiri_row_code code;
    uint32_t       depth; /* values on the stack at this point */
};

static uint32_t
add_step(struct compiler *self, weiri_step_code step)
{
    WEIRI_ARENA_PUSH(self->arena, self->code.steps, self->code.n_steps, step);
    return self->code.n_steps - 1;
}

static void
add_value(struct compiler *self, weiri_step_code step)
{
    (void)add_step(self, step);
    self->depth++;
    if (self->depth > self->code.depth) {
        self->code.depth = self->depth;
    }
}

static void
land_here(struct compiler *self, uint32_t step)
{
    self->code.steps[step].index = self->code.n_steps;
}

static uint16_t
code_of_field(weir_type type)
{
    switch (type) {
    case WEIR_BOOL: return WEIRI_CODE_BOOL;
    case WEIR_FLOAT: return WEIRI_CODE_FLOAT;
    case WEIR_STRING:
    case WEIR_LIST: return WEIRI_CODE_TEXT;
    case WEIR_NULL:
    case WEIR_INT:
    case WEIR_TIME:
    case WEIR_DURATION: break;
    }
    return WEIRI_CODE_INT;
}

static void
compile(struct compiler *self, const weiri_expr *expr);

static void
compile_operation(struct compiler *self, const weiri_expr *expr)
{
    const weiri_operation *operation = expr->as.call.operation;
    (void)add_step(self, (weiri_step_code){ .code = (uint16_t)operation->id,
                             .type                = (uint8_t)expr->type,
                             .n_args              = expr->as.call.n_args,
                             .operation           = operation,
                             .prepared            = weiri_prepare(self->arena, expr) });
    self->depth -= expr->as.call.n_args;
    self->depth++;
}

/* and, or: the second only if the first does not decide. */
static void
compile_logic(struct compiler *self, const weiri_expr *expr, uint16_t unless)
{
    compile(self, expr->as.call.args[0]);
    uint32_t decided = add_step(self, (weiri_step_code){ .code = unless });
    compile(self, expr->as.call.args[1]);
    compile_operation(self, expr);
    land_here(self, decided);
}

static void
compile_if(struct compiler *self, const weiri_expr *expr)
{
    compile(self, expr->as.call.args[0]);
    uint32_t when = add_step(self, (weiri_step_code){ .code = WEIRI_CODE_WHEN });
    self->depth--;
    compile(self, expr->as.call.args[1]);
    uint32_t skip = add_step(self, (weiri_step_code){ .code = WEIRI_CODE_SKIP });
    self->depth--;
    land_here(self, when);
    compile(self, expr->as.call.args[2]);
    land_here(self, skip);
}

/* Each argument but the last jumps to the end if it is set. Until the end is known the
 * jumps are chained through their targets. */
static void
compile_coalesce(struct compiler *self, const weiri_expr *expr)
{
    uint32_t last  = expr->as.call.n_args - 1;
    uint32_t chain = UINT32_MAX;
    for (uint32_t i = 0; i < last; i++) {
        compile(self, expr->as.call.args[i]);
        chain = add_step(
            self, (weiri_step_code){ .code = WEIRI_CODE_UNLESS_SET, .index = chain });
        self->depth--;
    }
    compile(self, expr->as.call.args[last]);
    while (chain != UINT32_MAX) {
        uint32_t before = self->code.steps[chain].index;
        land_here(self, chain);
        chain = before;
    }
}

static void
compile_call(struct compiler *self, const weiri_expr *expr)
{
    switch (expr->as.call.operation->id) {
    case WEIRI_OP_AND: compile_logic(self, expr, WEIRI_CODE_UNLESS_FALSE); return;
    case WEIRI_OP_OR: compile_logic(self, expr, WEIRI_CODE_UNLESS_TRUE); return;
    case WEIRI_OP_IF: compile_if(self, expr); return;
    case WEIRI_OP_ELSE:
    case WEIRI_OP_COALESCE: compile_coalesce(self, expr); return;
    default: break;
    }
    for (uint32_t i = 0; i < expr->as.call.n_args; i++) {
        compile(self, expr->as.call.args[i]);
    }
    compile_operation(self, expr);
}

static void
compile(struct compiler *self, const weiri_expr *expr)
{
    weiri_step_code step = { .type = (uint8_t)expr->type };
    switch (expr->kind) {
    case WEIRI_EXPR_CALL: compile_call(self, expr); return;
    case WEIRI_EXPR_CONSTANT:
        step.code     = WEIRI_CODE_CONSTANT;
        step.prepared = &expr->as.constant;
        break;
    case WEIRI_EXPR_FIELD:
        step.code  = code_of_field(expr->type);
        step.index = expr->as.field;
        break;
    case WEIRI_EXPR_TIME: step.code = WEIRI_CODE_TIME; break;
    case WEIRI_EXPR_REGISTER:
        step.code  = WEIRI_CODE_REGISTER;
        step.index = expr->as.reg;
        break;
    }
    add_value(self, step);
}

weiri_row_code
weiri_row_compile(weiri_arena *arena, const weiri_expr *root)
{
    struct compiler compiler = { .arena = arena };
    compile(&compiler, root);
    weiri_assert(compiler.depth == 1);
    (void)add_step(&compiler, (weiri_step_code){ .code = WEIRI_CODE_END });
    return compiler.code;
}

/* ---- running ---- */

static weir_value
null_of(uint8_t type)
{
    return (weir_value){ .type = type, .is_null = true };
}

static weir_value
text_of(const weir_chunk *chunk, const weir_column *column, uint32_t row, uint8_t type)
{
    weir_text text = column->as.s[row];
    return (weir_value){ .as.s = text.size == 0 ? "" : chunk->heap + text.offset,
        .size                  = text.size,
        .type                  = type };
}

static bool
any_null(const weir_value *args, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (args[i].is_null) {
            return true;
        }
    }
    return false;
}

static weir_value
call_operation(const weiri_step_code *step, const weir_value *args, weiri_call *call)
{
    bool is_strict = step->operation->kind <= WEIRI_MAYBE;
    if (is_strict && any_null(args, step->n_args)) {
        return null_of(step->type);
    }
    call->prepared    = step->prepared;
    weir_value result = step->operation->scalar(call, args, step->n_args);
    result.type       = step->type;
    return result;
}

_Static_assert(WEIRI_STRICT < WEIRI_MAYBE && WEIRI_FAULTS < WEIRI_MAYBE
                   && WEIRI_SEES_NULL > WEIRI_MAYBE,
    "kinds up to MAYBE are null where an argument is");

#define FIELD(VALUE)                                                                     \
    {                                                                                    \
        const weir_column *column  = &row->chunk->columns[step->index];                  \
        bool               is_null = !column->is_present || column->nulls[row->row];     \
        *top++                     = is_null ? null_of(step->type) : (VALUE);            \
        break;                                                                           \
    }

/* Operations done in place: `a` and `b` are the two topmost values. */
#define TWO(MEMBER, TYPE, RESULT)                                                        \
    {                                                                                    \
        const weir_value *a = top - 2;                                                   \
        const weir_value *b = top - 1;                                                   \
        top--;                                                                           \
        top[-1] = a->is_null | b->is_null                                                \
                      ? null_of(TYPE)                                                    \
                      : (weir_value){ .as.MEMBER = (RESULT), .type = (TYPE) };           \
        break;                                                                           \
    }

#define COMPARE(ID, op)                                                                  \
    case WEIRI_OP_##ID##_INT:                                                            \
    case WEIRI_OP_##ID##_TIME:                                                           \
    case WEIRI_OP_##ID##_DURATION: TWO(b, WEIR_BOOL, a->as.i op b->as.i)                 \
    case WEIRI_OP_##ID##_FLOAT:                                                          \
        TWO(b, WEIR_BOOL, a->as.f op b->as.f)

#define FAULTING(MEMBER, LANE)                                                             \
    {                                                                                      \
        const weir_value *a     = top - 2;                                                 \
        const weir_value *b     = top - 1;                                                 \
        uint64_t          fault = 0;                                                       \
        weir_value        value = { .as.MEMBER = LANE(a->as.MEMBER, b->as.MEMBER, &fault), \
                   .type                       = step->type };                                                   \
        bool              is_null = a->is_null | b->is_null;                               \
        row->call->faults += (uint64_t)(!is_null & (fault != 0));                          \
        top--;                                                                             \
        top[-1] = is_null | (fault != 0) ? null_of(step->type) : value;                    \
        break;                                                                             \
    }

/* NOLINTNEXTLINE(readability-function-size, readability-function-cognitive-complexity):
 * the dispatch loop. */
weir_value
weiri_row_run(const weiri_row_code *code, const weiri_row *row)
{
    const weiri_step_code *step = code->steps;
    weir_value            *top  = row->stack;
    for (;; step++) {
        switch (step->code) {
        case WEIRI_CODE_CONSTANT: *top++ = *(const weir_value *)step->prepared; break;
        case WEIRI_CODE_REGISTER: *top++ = row->registers[step->index]; break;
        case WEIRI_CODE_TIME:
            *top++ =
                (weir_value){ .as.i = row->chunk->time[row->row], .type = WEIR_TIME };
            break;
        case WEIRI_CODE_BOOL:
            FIELD(
                ((weir_value){ .as.b = column->as.b[row->row] != 0, .type = WEIR_BOOL }))
        case WEIRI_CODE_INT:
            FIELD(((weir_value){ .as.i = column->as.i[row->row], .type = step->type }))
        case WEIRI_CODE_FLOAT:
            FIELD(((weir_value){ .as.f = column->as.f[row->row], .type = WEIR_FLOAT }))
        case WEIRI_CODE_TEXT: FIELD(text_of(row->chunk, column, row->row, step->type))
        case WEIRI_CODE_UNLESS_FALSE:
            if (!top[-1].is_null && !top[-1].as.b) {
                step = code->steps + step->index - 1;
            }
            break;
        case WEIRI_CODE_UNLESS_TRUE:
            if (!top[-1].is_null && top[-1].as.b) {
                step = code->steps + step->index - 1;
            }
            break;
        case WEIRI_CODE_UNLESS_SET:
            if (!top[-1].is_null) {
                step = code->steps + step->index - 1;
            } else {
                top--;
            }
            break;
        case WEIRI_CODE_WHEN:
            top--;
            if (top->is_null || !top->as.b) {
                step = code->steps + step->index - 1;
            }
            break;
        case WEIRI_CODE_SKIP: step = code->steps + step->index - 1; break;
        case WEIRI_CODE_END:
            return row->stack[0];

            COMPARE(EQ, ==)
            COMPARE(NE, !=)
            COMPARE(LT, <)
            COMPARE(LE, <=)
            COMPARE(GT, >)
            COMPARE(GE, >=)
        case WEIRI_OP_EQ_STRING:
            TWO(b, WEIR_BOOL, weiri_equal_text(a->as.s, a->size, b->as.s, b->size))
        case WEIRI_OP_ADD_INT:
        case WEIRI_OP_ADD_DURATION:
        case WEIRI_OP_ADD_TIME_DURATION:
        case WEIRI_OP_ADD_DURATION_TIME: FAULTING(i, weiri_lane_add_int)
        case WEIRI_OP_SUB_INT:
        case WEIRI_OP_SUB_DURATION:
        case WEIRI_OP_SUB_TIME_DURATION:
        case WEIRI_OP_SUB_TIME: FAULTING(i, weiri_lane_sub_int)
        case WEIRI_OP_MUL_INT: FAULTING(i, weiri_lane_mul_int)
        case WEIRI_OP_ADD_FLOAT: FAULTING(f, weiri_lane_add_float)
        case WEIRI_OP_SUB_FLOAT: FAULTING(f, weiri_lane_sub_float)
        case WEIRI_OP_MUL_FLOAT: FAULTING(f, weiri_lane_mul_float)
        case WEIRI_OP_DIV_FLOAT: FAULTING(f, weiri_lane_div_float)

        default:
            top -= step->n_args;
            *top = call_operation(step, top, row->call);
            top++;
            break;
        }
    }
}
