/* The plan of a case, as the compiler of rules would make it. */
#include <string.h>

#include "spec.h"
#include "weiri/assert.h"

static const weir_field FIELDS[N_FIELDS] = {
    { .name = "k", .type = WEIR_INT, .is_nullable = true },
    { .name = "g", .type = WEIR_INT },
    { .name = "v", .type = WEIR_INT },
    { .name = "w", .type = WEIR_INT, .is_nullable = true },
    { .name = "x", .type = WEIR_FLOAT, .is_nullable = true },
    { .name = "s", .type = WEIR_STRING, .is_nullable = true },
    { .name = "at", .type = WEIR_TIME },
};
static const weir_schema SCHEMA = {
    .name = "events", .fields = FIELDS, .n_fields = N_FIELDS, .time_field = FIELD_AT
};

const weir_schema *
spec_schema(void)
{
    return &SCHEMA;
}

typedef struct building {
    weiri_arena *arena;
    const spec  *spec;
    weiri_match *plan;
    uint32_t    *ids; /* of the steps, in the order of the plan */
    uint32_t     n_ids;
} building;

static void
collect_ids(building *b, const spec_element *e)
{
    if (e->kind == WEIRI_PATTERN_STEP) {
        WEIRI_ARENA_PUSH(b->arena, b->ids, b->n_ids, e->id);
    }
    for (uint32_t i = 0; i < e->n_items; i++) {
        collect_ids(b, e->items[i]);
    }
}

/* WEIRI_NONE: the step was taken out of the case. */
static uint32_t
step_of(const building *b, uint32_t id)
{
    for (uint32_t i = 0; i < b->n_ids; i++) {
        if (b->ids[i] == id) {
            return i;
        }
    }
    return WEIRI_NONE;
}

static weiri_expr *
call(building *b, const char *name, weiri_expr *x, weiri_expr *y)
{
    weiri_expr *args[] = { x, y };
    weiri_expr *out    = NULL;
    weiri_assert(weiri_expr_call(b->arena, name, args, 2, &out, NULL) == WEIR_OK);
    return out;
}

static weiri_expr *
number(building *b, uint32_t field, int64_t n)
{
    weir_value v = { .type = WEIR_INT, .as.i = n };
    if (field == FIELD_X) {
        v = (weir_value){ .type = WEIR_FLOAT, .as.f = (double)n / 2 };
    }
    if (field == FIELD_S) {
        v      = (weir_value){ .type = WEIR_STRING, .as.s = SPEC_TEXT_VALUES[n] };
        v.size = (uint32_t)strlen(v.as.s);
    }
    return weiri_expr_constant(b->arena, &v);
}

static weiri_expr *
field(building *b, uint32_t f)
{
    return weiri_expr_field(b->arena, &SCHEMA, f);
}

static weir_type
type_of(weiri_register_kind kind, uint32_t f)
{
    switch (kind) {
    case WEIRI_REGISTER_COUNT: return WEIR_INT;
    case WEIRI_REGISTER_AVG:
    case WEIRI_REGISTER_STDDEV:
    case WEIRI_REGISTER_VARIANCE: return WEIR_FLOAT;
    case WEIRI_REGISTER_COLLECT: return WEIR_LIST;
    case WEIRI_REGISTER_START:
    case WEIRI_REGISTER_END: return WEIR_TIME;
    default: return FIELDS[f].type;
    }
}

static weiri_expr *
add_register(building *b, const spec_emit *what, uint32_t step, bool in_condition)
{
    weiri_match   *plan = b->plan;
    weiri_register reg  = { .kind = what->kind, .step = step, .index = what->index };
    reg.in_condition    = in_condition;
    reg.type            = type_of(what->kind, what->field);
    if (reg.type == WEIR_LIST) {
        reg.element = FIELDS[what->field].type;
    }
    if (reg.kind != WEIRI_REGISTER_COUNT && reg.type != WEIR_TIME) {
        reg.arguments = weiri_arena_alloc(b->arena, SPEC_INPUTS * sizeof *reg.arguments);
        for (uint32_t i = 0; i < plan->n_inputs; i++) {
            if (step == WEIRI_NONE || plan->steps[step].input == i) {
                reg.arguments[i] = field(b, what->field);
            }
        }
    }
    WEIRI_ARENA_PUSH(b->arena, plan->registers, plan->n_registers, reg);
    return weiri_expr_register(
        b->arena, plan->n_registers - 1, reg.type, reg.element, true);
}

typedef struct reading {
    weiri_register_kind kind;
    uint32_t            field;
} reading;

static reading
reading_of(spec_test_kind kind)
{
    static const reading readings[N_TESTS] = {
        [TEST_LAST]     = { WEIRI_REGISTER_LAST, FIELD_V },
        [TEST_FIRST]    = { WEIRI_REGISTER_FIRST, FIELD_V },
        [TEST_SUM]      = { WEIRI_REGISTER_SUM, FIELD_V },
        [TEST_COUNT]    = { WEIRI_REGISTER_COUNT, FIELD_V },
        [TEST_MIN]      = { WEIRI_REGISTER_MIN, FIELD_W },
        [TEST_MAX]      = { WEIRI_REGISTER_MAX, FIELD_V },
        [TEST_AVG]      = { WEIRI_REGISTER_AVG, FIELD_V },
        [TEST_NTH]      = { WEIRI_REGISTER_NTH, FIELD_V },
        [TEST_NTH_LAST] = { WEIRI_REGISTER_NTH_LAST, FIELD_V },
        [TEST_PREV]     = { WEIRI_REGISTER_LAST, FIELD_V },
        [TEST_FIRST_X]  = { WEIRI_REGISTER_FIRST, FIELD_X },
        [TEST_LAST_S]   = { WEIRI_REGISTER_LAST, FIELD_S },
    };
    return readings[kind];
}

static weiri_expr *
key_register(building *b, uint32_t index, bool in_condition)
{
    bool           is_text = index == 0 && b->spec->is_text_key;
    weiri_register key     = { .kind = WEIRI_REGISTER_KEY, .index = index };
    key.type               = is_text ? WEIR_STRING : WEIR_INT;
    key.in_condition       = in_condition;
    WEIRI_ARENA_PUSH(b->arena, b->plan->registers, b->plan->n_registers, key);
    return weiri_expr_register(
        b->arena, b->plan->n_registers - 1, key.type, WEIR_NULL, false);
}

static weiri_expr *
key_comparison(building *b, const char *op)
{
    if (b->spec->n_keys == 0) {
        return NULL;
    }
    uint32_t f = b->spec->is_text_key ? FIELD_S : FIELD_V;
    return call(b, op, field(b, f), key_register(b, 0, true));
}

/* NULL: true. */
static weiri_expr *
comparison(building *b, const spec_test *t)
{
    const char *op = SPEC_OPERATORS[t->op];
    if (t->kind == TEST_NONE) {
        return NULL;
    }
    if (t->kind == TEST_FIELD) {
        return call(b, op, field(b, t->field), number(b, t->field, t->constant));
    }
    bool     is_stepless = t->kind == TEST_PREV || t->kind == TEST_KEY;
    uint32_t step        = is_stepless ? WEIRI_NONE : step_of(b, t->step);
    if (!is_stepless && step == WEIRI_NONE) {
        return NULL;
    }
    if (t->kind == TEST_KEY) {
        return key_comparison(b, op);
    }
    reading   r    = reading_of(t->kind);
    spec_emit what = { .kind = r.kind, .field = r.field, .index = (uint32_t)t->constant };
    weiri_expr *reg = add_register(b, &what, step, true);
    if (t->kind == TEST_SUM) {
        weiri_expr *sum = call(b, "+", reg, field(b, FIELD_V));
        return call(b, op, sum, number(b, FIELD_V, t->constant));
    }
    if (t->kind == TEST_COUNT) {
        return call(b, op, reg, number(b, FIELD_V, t->constant));
    }
    uint32_t own = t->kind == TEST_FIRST_X  ? FIELD_X
                   : t->kind == TEST_LAST_S ? FIELD_S
                                            : FIELD_V;
    return call(b, op, field(b, own), reg);
}

static weiri_condition
condition(building *b, const spec_where *w)
{
    weiri_condition c = { 0 };
    for (uint32_t i = 0; i < SPEC_TESTS; i++) {
        weiri_expr *e = comparison(b, &w->tests[i]);
        if (e == NULL) {
            continue;
        }
        bool               reads = weiri_expr_reads_registers(e);
        const weiri_expr **part  = reads ? &c.correlated : &c.unary;
        *part = *part == NULL ? e : call(b, "and", (weiri_expr *)*part, e);
    }
    return c;
}

static void
make_steps(building *b, const spec_element *e)
{
    if (e->kind == WEIRI_PATTERN_STEP) {
        weiri_step *s = &b->plan->steps[step_of(b, e->id)];
        s->name       = weiri_arena_format(b->arena, "s%u", e->id);
        s->input      = e->input;
        s->gap_ns     = e->gap_s < 0 ? -1 : e->gap_s * SPEC_SECOND;
    }
    for (uint32_t i = 0; i < e->n_items; i++) {
        make_steps(b, e->items[i]);
    }
}

static weiri_pattern *
make_pattern(building *b, const spec_element *e)
{
    weiri_pattern *p = weiri_arena_alloc(b->arena, sizeof *p);
    p->kind          = e->kind;
    p->contiguity    = e->contiguity;
    p->is_negated    = e->is_negated;
    p->min           = e->min;
    p->max           = e->max;
    p->inner         = e->inner;
    p->preference    = e->preference;
    if (e->has_until) {
        p->until  = weiri_arena_alloc(b->arena, sizeof *p->until);
        *p->until = condition(b, &e->until);
    }
    if (e->kind == WEIRI_PATTERN_STEP) {
        p->step                       = step_of(b, e->id);
        b->plan->steps[p->step].where = condition(b, &e->where);
        return p;
    }
    p->items = weiri_arena_alloc(b->arena, e->n_items * sizeof *p->items);
    for (uint32_t i = 0; i < e->n_items; i++) {
        p->items[p->n_items++] = make_pattern(b, e->items[i]);
    }
    return p;
}

static weiri_emit *
make_emit(building *b)
{
    const spec  *s      = b->spec;
    weiri_emit  *emit   = weiri_arena_alloc(b->arena, sizeof *emit);
    weir_field  *fields = weiri_arena_alloc(b->arena, (SPEC_EMITS + 2) * sizeof *fields);
    weir_schema *schema = weiri_arena_alloc(b->arena, sizeof *schema);
    emit->values = weiri_arena_alloc(b->arena, (SPEC_EMITS + 2) * sizeof *emit->values);
    for (uint32_t i = 0; i < s->n_emits; i++) {
        const spec_emit *what = &s->emits[i];
        uint32_t         step = step_of(b, what->step);
        if (step == WEIRI_NONE) {
            continue;
        }
        const weiri_expr *value = add_register(b, what, step, false);
        uint32_t          n     = schema->n_fields++;
        emit->values[n]         = value;
        fields[n].name          = weiri_arena_format(b->arena, "f%u", n);
        fields[n].type          = value->type;
        fields[n].element       = value->element;
        fields[n].is_nullable   = true;
    }
    for (uint32_t i = 0; i < s->n_keys; i++) {
        const weiri_expr *key           = key_register(b, i, false);
        emit->values[schema->n_fields]  = key;
        fields[schema->n_fields].name   = i == 0 ? "key" : "key 2";
        fields[schema->n_fields++].type = key->type;
    }
    schema->name       = "out";
    schema->fields     = fields;
    schema->time_field = -1;
    emit->schema       = schema;
    return emit;
}

static void
make_inputs(building *b)
{
    weiri_match *plan = b->plan;
    plan->n_inputs    = b->spec->n_inputs;
    plan->n_keys      = b->spec->n_keys;
    plan->inputs      = weiri_arena_alloc(b->arena, SPEC_INPUTS * sizeof *plan->inputs);
    for (uint32_t i = 0; i < plan->n_inputs; i++) {
        plan->inputs[i].stream  = i;
        plan->inputs[i].schema  = &SCHEMA;
        plan->inputs[i].keys    = weiri_arena_alloc(b->arena, 2 * sizeof(weiri_expr *));
        plan->inputs[i].keys[0] = field(b, b->spec->is_text_key ? FIELD_S : FIELD_K);
        plan->inputs[i].keys[1] = field(b, FIELD_G);
    }
}

weiri_match *
spec_plan(weiri_arena *arena, const spec *self)
{
    weiri_match *plan = weiri_arena_alloc(arena, sizeof *plan);
    building     b    = { .arena = arena, .spec = self, .plan = plan };
    make_inputs(&b);
    collect_ids(&b, self->root);
    plan->n_steps = b.n_ids;
    plan->steps   = weiri_arena_alloc(arena, b.n_ids * sizeof *plan->steps);
    make_steps(&b, self->root);
    plan->pattern     = make_pattern(&b, self->root);
    plan->within_ns   = self->within_s < 0 ? -1 : self->within_s * SPEC_SECOND;
    plan->silence_ns  = self->silence_s < 0 ? -1 : self->silence_s * SPEC_SECOND;
    plan->skip        = self->skip;
    plan->skip_step   = step_of(&b, self->skip_step);
    plan->max_runs    = self->max_runs;
    plan->max_matches = self->max_matches;
    plan->emit        = make_emit(&b);
    if (plan->skip_step == WEIRI_NONE) {
        plan->skip_step = 0;
    }
    if (self->has_timeout) {
        plan->on_timeout = make_emit(&b);
    }
    return plan;
}
