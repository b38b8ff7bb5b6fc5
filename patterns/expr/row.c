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

static uint32_t
add_constant(struct compiler *self, const weir_value *value)
{
    WEIRI_ARENA_PUSH(self->arena, self->code.constants, self->code.n_constants, *value);
    return self->code.n_constants - 1;
}

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

/* Operations of two arguments that weiri_row_run does in place. */
static bool
is_in_place(weiri_operation_id id)
{
    switch (id) {
#define X(ID)                                                                            \
    case WEIRI_OP_##ID##_INT:                                                            \
    case WEIRI_OP_##ID##_TIME:                                                           \
    case WEIRI_OP_##ID##_DURATION:                                                       \
    case WEIRI_OP_##ID##_FLOAT:
        X(EQ)
        X(NE)
        X(LT)
        X(LE)
        X(GT)
        X(GE)
#undef X
    case WEIRI_OP_EQ_STRING:
    case WEIRI_OP_NE_STRING:
    case WEIRI_OP_ADD_INT:
    case WEIRI_OP_ADD_DURATION:
    case WEIRI_OP_ADD_TIME_DURATION:
    case WEIRI_OP_ADD_DURATION_TIME:
    case WEIRI_OP_SUB_INT:
    case WEIRI_OP_SUB_DURATION:
    case WEIRI_OP_SUB_TIME_DURATION:
    case WEIRI_OP_SUB_TIME:
    case WEIRI_OP_MUL_INT:
    case WEIRI_OP_ADD_FLOAT:
    case WEIRI_OP_SUB_FLOAT:
    case WEIRI_OP_MUL_FLOAT:
    case WEIRI_OP_DIV_FLOAT: return true;
    default: return false;
    }
}

/* Constants and registers are read where they are. */
static void
compile_in_place(struct compiler *self, const weiri_expr *expr)
{
    weiri_step_code step = { .code = (uint16_t)expr->as.call.operation->id,
        .type                      = (uint8_t)expr->type };
    for (uint32_t i = 0; i < 2; i++) {
        const weiri_expr *arg = expr->as.call.args[i];
        if (arg->kind == WEIRI_EXPR_CONSTANT) {
            step.args[i].from  = WEIRI_FROM_CONSTANTS;
            step.args[i].index = add_constant(self, &arg->as.constant);
        } else if (arg->kind == WEIRI_EXPR_REGISTER) {
            step.args[i].from  = WEIRI_FROM_REGISTERS;
            step.args[i].index = arg->as.reg;
        } else {
            compile(self, arg);
            step.args[i].index = step.n_popped++;
        }
    }
    self->depth -= step.n_popped;
    add_value(self, step);
}

/* and, or: the second only if the first does not decide. */
static void
compile_logic(struct compiler *self, const weiri_expr *expr, uint16_t unless)
{
    const weiri_expr *first = expr->as.call.args[0];
    compile(self, first);
    /* A comparison decides by itself, without a step of its own. */
    bool is_fused = unless == WEIRI_CODE_UNLESS_FALSE && first->kind == WEIRI_EXPR_CALL
                    && first->type == WEIR_BOOL
                    && is_in_place(first->as.call.operation->id);
    uint32_t decided = is_fused ? self->code.n_steps - 1
                                : add_step(self, (weiri_step_code){ .code = unless });
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
    if (is_in_place(expr->as.call.operation->id)) {
        compile_in_place(self, expr);
        return;
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
        step.code  = WEIRI_CODE_CONSTANT;
        step.index = add_constant(self, &expr->as.constant);
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

static inline const weir_value *
operand(const weiri_operand *from, const weir_value *top, const weir_value *registers,
    const weir_value *constants)
{
    const weir_value *base = from->from == WEIRI_FROM_STACK       ? top
                             : from->from == WEIRI_FROM_REGISTERS ? registers
                                                                  : constants;
    return base + from->index;
}

/* All eight bytes are written, which is how they are read back at once. */
static inline weir_value
bool_of(bool b, bool is_null)
{
    weir_value value = { .as.i = 0, .type = WEIR_BOOL, .is_null = is_null };
    value.as.b       = b;
    return value;
}

/* Operations done in place on `a` and `b`. */
#define TAKE_TWO                                                                         \
    top -= step->n_popped;                                                               \
    const weir_value *a       = operand(&step->args[0], top, registers, constants);      \
    const weir_value *b       = operand(&step->args[1], top, registers, constants);      \
    const bool        is_null = a->is_null | b->is_null;

/* Push what a comparison gives; if an `and` waits for it and it is false, go there. */
#define PUSH_TEST(RESULT)                                                                \
    const bool result = (RESULT);                                                        \
    *top++            = bool_of(result, is_null);                                        \
    if (step->index != 0 && !result && !is_null) {                                       \
        step = code->steps + step->index - 1;                                            \
    }                                                                                    \
    break;

#define TEST(RESULT)                                                                     \
    {                                                                                    \
        TAKE_TWO                                                                         \
        PUSH_TEST((RESULT) & !is_null)                                                   \
    }

#define TEST_TEXT(RESULT)                                                                \
    {                                                                                    \
        TAKE_TWO                                                                         \
        PUSH_TEST(!is_null && (RESULT))                                                  \
    }

#define COMPARE(ID, op)                                                                  \
    case WEIRI_OP_##ID##_INT:                                                            \
    case WEIRI_OP_##ID##_TIME:                                                           \
    case WEIRI_OP_##ID##_DURATION: TEST(a->as.i op b->as.i)                              \
    case WEIRI_OP_##ID##_FLOAT:                                                          \
        TEST(a->as.f op b->as.f)

#define FAULTING(MEMBER, LANE)                                                           \
    {                                                                                    \
        TAKE_TWO                                                                         \
        uint64_t   fault = 0;                                                            \
        weir_value value = { .as.MEMBER = LANE(a->as.MEMBER, b->as.MEMBER, &fault),      \
            .type                       = step->type,                                    \
            .is_null                    = is_null | (fault != 0) };                                         \
        row->call->faults += (uint64_t)(!is_null & (fault != 0));                        \
        *top++ = value;                                                                  \
        break;                                                                           \
    }

/* The dispatch loop: one case a step, none of them long.
 * NOLINTBEGIN(readability-function-size, readability-function-cognitive-complexity) */
weir_value
weiri_row_run(const weiri_row_code *code, const weiri_row *row)
{
    const weiri_step_code  *step      = code->steps;
    weir_value             *top       = row->stack;
    const weir_value *const registers = row->registers;
    const weir_value *const constants = code->constants;
    for (;; step++) {
        switch (step->code) {
        case WEIRI_CODE_CONSTANT: *top++ = constants[step->index]; break;
        case WEIRI_CODE_REGISTER: *top++ = registers[step->index]; break;
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
            TEST_TEXT(weiri_equal_text(a->as.s, a->size, b->as.s, b->size))
        case WEIRI_OP_NE_STRING:
            TEST_TEXT(!weiri_equal_text(a->as.s, a->size, b->as.s, b->size))
        case WEIRI_OP_AND: /* the first is not false: that went another way */
            top--;
            top[-1] = bool_of(
                top->is_null | top->as.b, top->is_null | (top[-1].is_null & top->as.b));
            break;
        case WEIRI_OP_OR: /* the first is not true */
            top--;
            top[-1] = bool_of(
                !top->is_null & top->as.b, top->is_null | (top[-1].is_null & !top->as.b));
            break;
        case WEIRI_OP_NOT: top[-1] = bool_of(!top[-1].as.b, top[-1].is_null); break;
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
/* NOLINTEND(readability-function-size, readability-function-cognitive-complexity) */
