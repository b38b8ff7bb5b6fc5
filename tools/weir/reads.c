#include "reads.h"

#include <string.h>

weir_value
reads_eval(const reads_place *self, const weiri_expr *expr)
{
    const weiri_trace_event *event   = self->event;
    weiri_program           *program = NULL;
    weir_value               value   = { .type = (uint8_t)expr->type, .is_null = true };
    if (weiri_program_new_narrow(&expr, 1, &program) != WEIR_OK) {
        return value;
    }
    value = weiri_program_eval(program, 0, event != NULL ? event->chunk : NULL,
        event != NULL ? event->row : 0, self->registers);
    if (!value.is_null && (value.type == WEIR_STRING || value.type == WEIR_LIST)) {
        value.as.s = weiri_arena_text(self->arena, value.as.s, value.size);
    }
    weiri_program_destroy(&program);
    return value;
}

static const char *
add_reads(const reads_place *self, const weiri_expr *expr, const char *text)
{
    if (expr->kind == WEIRI_EXPR_CALL) {
        for (uint32_t i = 0; i < expr->as.call.n_args; i++) {
            text = add_reads(self, expr->as.call.args[i], text);
        }
        return text;
    }
    bool is_register = expr->kind == WEIRI_EXPR_REGISTER;
    if (expr->kind == WEIRI_EXPR_CONSTANT || (!is_register && self->event == NULL)) {
        return text;
    }
    weir_value  value = reads_eval(self, expr);
    const char *one   = weiri_arena_format(self->arena, "%s is %s",
          weiri_expr_text(self->arena, expr, &self->names),
          weiri_value_text(self->arena, &value));
    return strstr(text, one) != NULL ? text
                                     : weiri_arena_format(self->arena, "%s%s%s", text,
                                         text[0] != '\0' ? ", " : "", one);
}

const char *
reads_text(const reads_place *self, const weiri_expr *expr)
{
    return add_reads(self, expr, "");
}

const char *
reads_false_text(const reads_place *self, const weiri_expr *term)
{
    weir_value value = reads_eval(self, term);
    if (!value.is_null && value.as.b) {
        return NULL;
    }
    return weiri_arena_format(self->arena, "`%s` is %s: %s",
        weiri_expr_text(self->arena, term, &self->names),
        value.is_null ? "null" : "false", reads_text(self, term));
}
