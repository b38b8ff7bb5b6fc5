#include "plug.h"

#include <stdlib.h>

static bool
emit(weir_plugin_call *call, uint32_t row, const weir_value *values, uint32_t n_values)
{
    weiri_plug_call *self = (weiri_plug_call *)(void *)call;
    if (self->emit == NULL || row != 0) {
        return weiri_plugin_no_emit(call, row, values, n_values);
    }
    return !self->base.is_failed && self->emit(self, values, n_values);
}

static void
write_bytes(weir_plugin_call *call, const void *bytes, size_t size)
{
    const weiri_plug_call *self = (weiri_plug_call *)(void *)call;
    if (self->out == NULL || size > self->most || self->out->size > self->most - size) {
        weiri_plugin_fail(
            call, "it writes more than %zu bytes, or when it was not asked", self->most);
    } else {
        weiri_pack_bytes(self->out, bytes, size);
    }
}

static const weir_plugin_host HOST = { sizeof(weir_plugin_host), weiri_plugin_fail,
    weiri_plugin_log, emit, weiri_plugin_no_timer, weiri_plugin_nothing, write_bytes,
    weiri_plugin_no_text, weiri_plugin_count, weiri_plugin_gauge, weiri_plugin_nothing };

void
weiri_plug_call_init(weiri_plug_call *self, const weiri_plug *part,
    weiri_metrics *metrics, uint32_t *n_logged)
{
    *self = (weiri_plug_call){ .base = { .base = { .host = &HOST },
                                   .name       = part->name,
                                   .metrics    = metrics,
                                   .n_logged   = n_logged } };
}

bool
weiri_plug_check(weiri_plug_call *call, const weir_schema *schema,
    const weir_value *values, uint32_t n)
{
    weir_plugin_call *of = &call->base.base;
    if (n != schema->n_fields || values == NULL) {
        return weiri_plugin_fail(of, "it gives an event of %u values, and %u are meant",
            (unsigned)n, (unsigned)schema->n_fields);
    }
    for (uint32_t i = 0; i < n; i++) {
        const weir_field *field = &schema->fields[i];
        const char       *fault = weiri_plugin_value_fault(&values[i], field->type);
        if (fault != NULL) {
            return weiri_plugin_fail(of, "it gives %s as '%s'", fault, field->name);
        }
        if (values[i].is_null && !field->is_nullable) {
            return weiri_plugin_fail(
                of, "it gives null as '%s', which is never null", field->name);
        }
    }
    return true;
}

weir_field *
weiri_plug_fields(const weir_plugin_field *fields, uint32_t n)
{
    weir_field *out = calloc(n + (size_t)1, sizeof *out);
    for (uint32_t i = 0; out != NULL && i < n; i++) {
        out[i] = (weir_field){ .name = fields[i].name,
            .type                    = (weir_type)fields[i].type,
            .is_nullable             = fields[i].is_nullable };
    }
    return out;
}

weir_plugin_field *
weiri_plug_inputs(const weir_schema *schema)
{
    weir_plugin_field *out = calloc(schema->n_fields + (size_t)1, sizeof *out);
    for (uint32_t i = 0; out != NULL && i < schema->n_fields; i++) {
        out[i] = (weir_plugin_field){ .name = schema->fields[i].name,
            .type                           = (uint8_t)schema->fields[i].type,
            .is_nullable                    = schema->fields[i].is_nullable };
    }
    return out;
}

weir_value *
weiri_plug_values(weir_rows rows)
{
    uint32_t    n_fields = rows.chunk->schema->n_fields;
    weir_value *out      = malloc(((size_t)rows.n * n_fields + 1) * sizeof *out);
    for (uint32_t i = 0; out != NULL && i < rows.n; i++) {
        for (uint32_t j = 0; j < n_fields; j++) {
            weir_value *value = &out[(size_t)i * n_fields + j];
            *value            = weir_chunk_get(rows.chunk, rows.first + i, j);
            value->type       = (uint8_t)rows.chunk->schema->fields[j].type;
        }
    }
    return out;
}

weir_status
weiri_plug_failed(
    const weiri_plug_call *call, const char *kind, const char *name, weir_error *err)
{
    return WEIR_FAIL(
        err, WEIR_EIO, "%s '%s': %s", kind, name, weiri_plugin_reason(&call->base));
}
