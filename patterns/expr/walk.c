#include "weiri/expr.h"

bool
weiri_expr_reads_registers(const weiri_expr *self)
{
    if (self->kind == WEIRI_EXPR_REGISTER) {
        return true;
    }
    if (self->kind == WEIRI_EXPR_CALL) {
        for (uint32_t i = 0; i < self->as.call.n_args; i++) {
            if (weiri_expr_reads_registers(self->as.call.args[i])) {
                return true;
            }
        }
    }
    return false;
}

void
weiri_expr_mark_fields(const weiri_expr *self, bool *used)
{
    if (self->kind == WEIRI_EXPR_FIELD) {
        used[self->as.field] = true;
    }
    if (self->kind == WEIRI_EXPR_CALL) {
        for (uint32_t i = 0; i < self->as.call.n_args; i++) {
            weiri_expr_mark_fields(self->as.call.args[i], used);
        }
    }
}
