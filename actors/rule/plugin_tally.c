/* What the hosts of actors have in common, in this process and in one of its own. */
#include "../remote/link.h"
#include "plugin_host.h"

weir_status
weiri_plugin_host_programs(
    const weiri_actor_plan *plan, weiri_program **inputs, weiri_program **keys)
{
    weir_status status = WEIR_OK;
    if (plan->n_inputs > 0) {
        status = weiri_program_new_narrow(plan->values, plan->n_inputs, inputs);
    }
    return status == WEIR_OK && plan->n_keys > 0
               ? weiri_program_new_narrow(plan->keys, plan->n_keys, keys)
               : status;
}

/* Timers that are not due when time stops never fire. */
weir_status
weiri_plugin_host_finish(void *context, weir_error *err)
{
    (void)context;
    (void)err;
    return WEIR_OK;
}

void
weiri_plugin_host_count(const void *context, weiri_rule_counts *counts)
{
    const weiri_plugin_tally *self = context;
    counts->n_failed               = self->n_failed;
    counts->match.null_keys        = self->n_null_keys;
    counts->position               = self->position;
}

void
weiri_plugin_host_save_counts(const void *context, weiri_pack *out)
{
    const weiri_plugin_tally *self = context;
    weiri_pack_number(out, self->n_failed);
    weiri_pack_number(out, self->n_null_keys);
    weiri_pack_number(out, self->n_in_a_row);
}

void
weiri_plugin_host_load_counts(void *context, weiri_unpack *in)
{
    weiri_plugin_tally *self = context;
    _Static_assert((int)WEIRI_PLUGIN_RESTARTS == (int)WEIRI_REMOTE_RESTARTS,
        "an actor may fail as often in a process of its own");
    self->n_failed += weiri_unpack_number(in);
    self->n_null_keys += weiri_unpack_number(in);
    uint32_t n = (uint32_t)weiri_unpack_below(
        in, WEIRI_PLUGIN_RESTARTS + 1, "it has failed too often");
    self->n_in_a_row = n > self->n_in_a_row ? n : self->n_in_a_row;
}
