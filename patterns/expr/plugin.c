/* Functions of plugins as operations: one more kernel, which calls out. What comes back
 * is checked; what is wrong is null and a fault. */
#include <string.h>

#include "expr/operations.h"
#include "expr/texts.h"
#include "weiri/limits.h"
#include "weiri/plugin.h"

struct calling {
    weiri_plugin_call base;
    weiri_text_pool  *texts;
};

static char *
make_text(weir_plugin_call *call, size_t size)
{
    struct calling *self = (struct calling *)(void *)call;
    return size <= WEIRI_RECORD_BYTES ? weiri_text_pool_make(self->texts, size) : NULL;
}

static const weir_plugin_host HOST = { sizeof(weir_plugin_host), weiri_plugin_fail,
    weiri_plugin_log, weiri_plugin_no_emit, weiri_plugin_no_timer, weiri_plugin_nothing,
    weiri_plugin_no_write, make_text, weiri_plugin_count, weiri_plugin_gauge,
    weiri_plugin_nothing };

static weir_value
evaluate(weiri_call *call, const weir_value *args, uint32_t n_args)
{
    const weir_plugin_function *function = call->prepared;
    struct calling              calling  = { .base = { .base = { .host = &HOST } },
                      .texts                       = call->texts };
    weir_value                  value    = weir_plugin_null((weir_type)function->result);
    (void)n_args;
    if (!function->evaluate(&calling.base.base, args, &value)
        || weiri_plugin_value_fault(&value, (weir_type)function->result) != NULL) {
        call->faults++;
        return weir_plugin_null((weir_type)function->result);
    }
    return value;
}

static const char *
signature_of(weiri_arena *arena, const weir_plugin_function *function)
{
    char *text = weiri_arena_text(arena, "(", 1);
    for (uint32_t i = 0; i < function->n_params; i++) {
        text = weiri_arena_format(arena, "%s%s%s", text, i == 0 ? "" : ", ",
            weir_type_text((weir_type)function->params[i].type));
    }
    return weiri_arena_format(
        arena, "%s) -> %s", text, weir_type_text((weir_type)function->result));
}

weiri_operation *
weiri_operation_of_plugin(
    weiri_arena *arena, const char *name, const weir_plugin_function *function)
{
    weiri_operation *self = weiri_arena_alloc(arena, sizeof *self);
    self->id              = WEIRI_OP_PLUGIN;
    self->kind            = WEIRI_MAYBE;
    self->name            = name;
    self->signature       = signature_of(arena, function);
    self->scalar          = evaluate;
    self->plugin          = function;
    return self;
}

static bool
fits(weiri_arena *arena, const weir_plugin_function *function, weiri_expr *const *args,
    uint32_t n_args, weiri_expr **out)
{
    if (n_args != function->n_params) {
        return false;
    }
    for (uint32_t i = 0; i < n_args; i++) {
        weir_error err  = { .status = WEIR_OK };
        weir_type  type = (weir_type)function->params[i].type;
        if (weiri_expr_convert(arena, args[i], type, &out[i], &err) != WEIR_OK) {
            return false;
        }
    }
    return true;
}

weir_status
weiri_expr_call_plugin(weiri_arena *arena, const weiri_operation *operation,
    weiri_expr *const *args, uint32_t n_args, weiri_expr **out, weir_error *err)
{
    weiri_expr  *self = weiri_arena_alloc(arena, sizeof *self);
    weiri_expr **converted =
        weiri_arena_alloc(arena, (n_args + 1) * sizeof(weiri_expr *));
    if (!fits(arena, operation->plugin, args, n_args, converted)) {
        char *given = weiri_arena_text(arena, "", 0);
        for (uint32_t i = 0; i < n_args; i++) {
            given = weiri_arena_format(arena, "%s%s%s", given, i == 0 ? "" : ", ",
                weir_type_text(args[i]->type));
        }
        return WEIR_FAIL(err, WEIR_EINVAL, "'%s' takes %s, not (%s)", operation->name,
            operation->signature, given);
    }
    self->kind              = WEIRI_EXPR_CALL;
    self->type              = (weir_type)operation->plugin->result;
    self->element           = WEIR_NULL;
    self->is_nullable       = true;
    self->as.call.operation = operation;
    self->as.call.args      = converted;
    self->as.call.n_args    = n_args;
    *out                    = self;
    return WEIR_OK;
}
