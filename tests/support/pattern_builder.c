#include "pattern_builder.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "weiri/assert.h"
#include "weiri/limits.h"

static const weir_field FIELDS[PB_N_FIELDS] = {
    { .name = "at", .type = WEIR_TIME },
    { .name = "type", .type = WEIR_INT },
    { .name = "id", .type = WEIR_INT, .is_nullable = true },
    { .name = "k", .type = WEIR_INT, .is_nullable = true },
    { .name = "v", .type = WEIR_INT, .is_nullable = true },
    { .name = "x", .type = WEIR_FLOAT, .is_nullable = true },
    { .name = "s", .type = WEIR_STRING, .is_nullable = true },
};
static const weir_schema SCHEMA = {
    .name = "e", .fields = FIELDS, .n_fields = PB_N_FIELDS, .time_field = PB_AT
};

const weir_schema *
pb_schema(void)
{
    return &SCHEMA;
}

pattern_builder
pb_new(weiri_arena *arena)
{
    weiri_match *plan    = weiri_arena_alloc(arena, sizeof *plan);
    plan->inputs         = weiri_arena_alloc(arena, sizeof *plan->inputs);
    plan->inputs->schema = &SCHEMA;
    plan->n_inputs       = 1;
    plan->within_ns      = -1;
    plan->silence_ns     = -1;
    plan->skip           = WEIRI_SKIP_NONE;
    plan->max_runs       = WEIRI_RUNS_PER_KEY;
    plan->max_matches    = WEIRI_MATCHES_PER_EVENT;
    pattern_builder b    = { .arena = arena, .plan = plan };
    plan->emit           = pb_emit(&b, NULL);
    return b;
}

weiri_expr *
pb_field(pattern_builder *b, uint32_t field)
{
    return weiri_expr_field(b->arena, &SCHEMA, field);
}

weiri_expr *
pb_int(pattern_builder *b, int64_t i)
{
    weir_value value = { .type = WEIR_INT, .as.i = i };
    return weiri_expr_constant(b->arena, &value);
}

weiri_expr *
pb_call(pattern_builder *b, const char *name, weiri_expr *left, weiri_expr *right)
{
    weiri_expr       *out    = NULL;
    weiri_expr *const args[] = { left, right };
    weir_error        err    = { 0 };
    weir_status       status = weiri_expr_call(b->arena, name, args, 2, &out, &err);
    if (status != WEIR_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return out;
}

weiri_expr *
pb_type_is(pattern_builder *b, int64_t type)
{
    return pb_call(b, "==", pb_field(b, PB_TYPE), pb_int(b, type));
}

weiri_expr *
pb_register(pattern_builder *b, weiri_register_kind kind, uint32_t step, uint32_t index,
    const weiri_expr *argument, weir_type type)
{
    weiri_register reg = { .kind = kind, .step = step, .index = index, .type = type };
    reg.in_condition   = true;
    if (argument != NULL) {
        reg.arguments    = weiri_arena_alloc(b->arena, sizeof *reg.arguments);
        reg.arguments[0] = argument;
        reg.element      = argument->type;
    }
    WEIRI_ARENA_PUSH(b->arena, b->plan->registers, b->plan->n_registers, reg);
    return weiri_expr_register(
        b->arena, b->plan->n_registers - 1, type, reg.element, true);
}

uint32_t
pb_step(pattern_builder *b, const char *name, weiri_expr *unary, weiri_expr *correlated)
{
    weiri_step step = { .name = name, .gap_ns = -1 };
    step.where      = (weiri_condition){ .unary = unary, .correlated = correlated };
    WEIRI_ARENA_PUSH(b->arena, b->plan->steps, b->plan->n_steps, step);
    return b->plan->n_steps - 1;
}

uint32_t
pb_typed(pattern_builder *b, const char *name, int64_t type)
{
    return pb_step(b, name, pb_type_is(b, type), NULL);
}

weiri_pattern *
pb_take(pattern_builder *b, weiri_contiguity contiguity, uint32_t step)
{
    weiri_pattern *p = weiri_arena_alloc(b->arena, sizeof *p);
    p->kind          = WEIRI_PATTERN_STEP;
    p->contiguity    = contiguity;
    p->step          = step;
    return pb_repeat(p, 1, 1);
}

weiri_pattern *
pb_not(pattern_builder *b, weiri_contiguity contiguity, uint32_t step)
{
    weiri_pattern *p = pb_take(b, contiguity, step);
    p->is_negated    = true;
    return p;
}

weiri_pattern *
pb_group(pattern_builder *b, weiri_pattern_kind kind, weiri_contiguity contiguity, ...)
{
    weiri_pattern *p = weiri_arena_alloc(b->arena, sizeof *p);
    p->kind          = kind;
    p->contiguity    = contiguity;
    va_list items;
    va_start(items, contiguity);
    for (weiri_pattern *item = va_arg(items, weiri_pattern *); item != NULL;
         item                = va_arg(items, weiri_pattern *)) {
        WEIRI_ARENA_PUSH(b->arena, p->items, p->n_items, item);
    }
    va_end(items);
    return pb_repeat(p, 1, 1);
}

weiri_pattern *
pb_repeat(weiri_pattern *p, uint32_t min, uint32_t max)
{
    p->min = min;
    p->max = max;
    return p;
}

void
pb_by(pattern_builder *b, uint32_t field)
{
    const weiri_expr *key = pb_field(b, field);
    WEIRI_ARENA_PUSH(b->arena, b->plan->inputs->keys, b->plan->n_keys, key);
}

weiri_emit *
pb_emit(pattern_builder *b, ...)
{
    weiri_emit *emit   = weiri_arena_alloc(b->arena, sizeof *emit);
    weir_schema schema = { .name = "m", .time_field = -1 };
    weir_field *fields = NULL;
    uint32_t    n      = 0;
    va_list     values;
    va_start(values, b);
    for (const weiri_expr *value = va_arg(values, const weiri_expr *); value != NULL;
         value                   = va_arg(values, const weiri_expr *)) {
        weir_field field = { .type = value->type, .element = value->element };
        field.name       = weiri_arena_format(b->arena, "f%u", n);
        WEIRI_ARENA_PUSH(b->arena, emit->values, schema.n_fields, value);
        WEIRI_ARENA_PUSH(b->arena, fields, n, field);
    }
    va_end(values);
    schema.fields   = fields;
    weir_schema *to = weiri_arena_alloc(b->arena, sizeof *to);
    *to             = schema;
    emit->schema    = to;
    return emit;
}

static void
set_int(weir_chunk *chunk, uint32_t row, uint32_t field, int64_t i)
{
    weir_value value = { .type = (uint8_t)FIELDS[field].type, .as.i = i };
    value.is_null    = i == INT64_MIN;
    weiri_assert(weir_chunk_set(chunk, row, field, &value) == WEIR_OK);
}

void
pb_event(weir_chunk *chunk, double at_s, int64_t type, int64_t id, int64_t k, int64_t v)
{
    uint32_t row      = chunk->n_rows++;
    chunk->time[row]  = (int64_t)(at_s * (double)PB_SECOND);
    chunk->order[row] = row;
    set_int(chunk, row, PB_AT, chunk->time[row]);
    set_int(chunk, row, PB_TYPE, type);
    set_int(chunk, row, PB_ID, id);
    set_int(chunk, row, PB_K, k);
    set_int(chunk, row, PB_V, v);
}
