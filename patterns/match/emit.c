/* From a match's registers to the fields of a derived event. */
#include "match/executor.h"

#include <stdlib.h>

struct weiri_emitter {
    const weiri_emit *emit;
    uint32_t          n_fields;
    weiri_program    *program; /* of values that are neither constants nor registers */
    uint32_t         *roots;   /* shape (n_fields,): their root in it                */
    uint32_t         *needed;  /* registers that are read                            */
    uint32_t          n_needed;
    weir_value       *registers; /* shape (n_registers,) */
    weir_value       *values;    /* shape (n_fields,)    */
};

static void
mark_registers(const weiri_expr *expr, bool *used)
{
    if (expr->kind == WEIRI_EXPR_REGISTER) {
        used[expr->as.reg] = true;
    }
    for (uint32_t i = 0; expr->kind == WEIRI_EXPR_CALL && i < expr->as.call.n_args; i++) {
        mark_registers(expr->as.call.args[i], used);
    }
}

static bool
prepare(weiri_emitter *self, const weiri_match *plan)
{
    uint32_t           n_fields = self->n_fields;
    const weiri_expr **roots    = calloc(n_fields + 1, sizeof *roots);
    bool              *used     = calloc(plan->n_registers + 1, sizeof *used);
    uint32_t           n        = 0;
    bool               is_fine  = roots != NULL && used != NULL;
    for (uint32_t i = 0; is_fine && i < n_fields; i++) {
        const weiri_expr *value = self->emit->values[i];
        mark_registers(value, used);
        self->roots[i] = n;
        if (value->kind == WEIRI_EXPR_CALL) {
            roots[n++] = value;
        }
    }
    for (uint32_t r = 0; is_fine && r < plan->n_registers; r++) {
        if (used[r]) {
            self->needed[self->n_needed++] = r;
        }
    }
    if (is_fine && n > 0) {
        is_fine = weiri_program_new(roots, n, &self->program) == WEIR_OK;
    }
    free(roots);
    free(used);
    return is_fine;
}

weir_status
weiri_emitter_new(const weiri_match *plan, const weiri_emit *emit, weiri_emitter **out)
{
    weiri_emitter *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    uint32_t n_fields = emit->schema != NULL ? emit->schema->n_fields : 0;
    self->emit        = emit;
    self->n_fields    = n_fields;
    self->roots       = calloc(n_fields + 1, sizeof *self->roots);
    self->needed      = calloc(plan->n_registers + 1, sizeof *self->needed);
    self->registers   = calloc(plan->n_registers + 1, sizeof *self->registers);
    self->values      = calloc(n_fields + 1, sizeof *self->values);
    if (self->roots == NULL || self->needed == NULL || self->registers == NULL
        || self->values == NULL || !prepare(self, plan)) {
        weiri_emitter_destroy(&self);
        return WEIR_ENOMEM;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_emitter_destroy(weiri_emitter **self_p)
{
    weiri_emitter *self = *self_p;
    *self_p             = NULL;
    if (self != NULL) {
        weiri_program_destroy(&self->program);
        free(self->roots);
        free(self->needed);
        free(self->registers);
        free(self->values);
        free(self);
    }
}

uint64_t
weiri_emitter_faults(const weiri_emitter *self)
{
    return self->program != NULL ? weiri_program_faults(self->program) : 0;
}

/* What is given late, a timeout (semantics 4.3) or a match that was held (5), has the
 * time of the event or deadline that led to it: what a rule emits does not go back in
 * time. */
static int64_t
time_of(const weiri_core *core, const weiri_given *match)
{
    int64_t end_ns = match->moment.end_ns;
    return end_ns < core->now_ns ? core->now_ns : end_ns;
}

static const weir_value *
evaluate(weiri_emitter *self, weiri_core *core, const weiri_given *match)
{
    for (uint32_t i = 0; i < self->n_needed; i++) {
        uint32_t r = self->needed[i];
        self->registers[r] =
            weiri_registers_value(core->registers, match->cells, r, &match->moment);
    }
    for (uint32_t i = 0; i < self->n_fields; i++) {
        const weiri_expr *value = self->emit->values[i];
        if (value->kind == WEIRI_EXPR_REGISTER) {
            self->values[i] = self->registers[value->as.reg];
        } else if (value->kind == WEIRI_EXPR_CONSTANT) {
            self->values[i] = value->as.constant;
        } else if (value->kind == WEIRI_EXPR_CALL) {
            self->values[i] = weiri_program_eval(
                self->program, self->roots[i], NULL, 0, self->registers);
        } else { /* the time of a match is that of its end */
            self->values[i] =
                (weir_value){ .type = WEIR_TIME, .as.i = time_of(core, match) };
        }
    }
    return self->values;
}

/* Whether `limit` lets it pass. */
static bool
is_allowed(weiri_core *self, const weiri_given *match, int64_t time_ns)
{
    bool is_given = true;
    if (self->limiter != NULL && !match->is_timeout && self->status == WEIR_OK) {
        self->status =
            weiri_limiter_allow(self->limiter, match->moment.key, time_ns, &is_given);
        self->counts.limited += !is_given;
    }
    return is_given;
}

void
weiri_core_give(weiri_core *self, const weiri_given *match)
{
    weiri_emitter *emitter = match->is_timeout ? self->on_timeout : self->emit;
    int64_t        time_ns = time_of(self, match);
    if (!is_allowed(self, match, time_ns)) {
        return;
    }
    if (self->sink.matched != NULL) {
        self->sink.matched(
            self->sink.context, match->is_timeout, time_ns, match->taken, match->n_taken);
    }
    bool              is_silent = !match->is_timeout && self->plan->emit == NULL;
    const weir_value *values    = evaluate(emitter, self, match);
    if (self->status == WEIR_OK && self->sink.emitted != NULL && !is_silent) {
        self->status =
            self->sink.emitted(self->sink.context, match->is_timeout, time_ns, values);
    }
    if (emitter->program != NULL) {
        weiri_program_forget(emitter->program);
    }
    weiri_registers_begin_values(self->registers);
}
