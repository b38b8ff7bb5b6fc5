#include "case_plan.h"

#include <string.h>

#include "case_expr.h"
#include "weiri/assert.h"

static const weir_field FIELDS[CASE_N_FIELDS] = {
    { .name = "type", .type = WEIR_STRING, .is_nullable = true },
    { .name = "ts", .type = WEIR_FLOAT },
    { .name = "id", .type = WEIR_FLOAT, .is_nullable = true },
    { .name = "name", .type = WEIR_STRING, .is_nullable = true },
    { .name = "price", .type = WEIR_FLOAT, .is_nullable = true },
    { .name = "volume", .type = WEIR_FLOAT, .is_nullable = true },
};
static const weir_schema SCHEMA = {
    .name = "event", .fields = FIELDS, .n_fields = CASE_N_FIELDS, .time_field = -1
};

const weir_schema *
case_schema(void)
{
    return &SCHEMA;
}

typedef struct translation {
    weiri_arena *arena;
    weiri_match *plan;
    const json **items; /* the item of each step */
    uint32_t     n_items;
    uint32_t     next; /* step that the next item gets */
    case_scope   scope;
} translation;

static void
collect_steps(translation *t, const json *pattern)
{
    const json *items = json_get(pattern, "items");
    for (uint32_t i = 0; items != NULL && i < items->n_items; i++) {
        const json *item = &items->items[i];
        if (json_get(item, "group") != NULL) {
            collect_steps(t, json_get(item, "group"));
            continue;
        }
        weiri_step step = { .name = json_text(item, "var", "") };
        double     gap  = json_number(item, "gap_ms", -1);
        step.gap_ns     = gap < 0 ? -1 : (int64_t)(gap - 1) * CASE_NS_IN_MS;
        WEIRI_ARENA_PUSH(t->arena, t->plan->steps, t->plan->n_steps, step);
        WEIRI_ARENA_PUSH(t->arena, t->items, t->n_items, item);
    }
}

static weiri_condition
condition(translation *t, const char *text)
{
    weiri_condition c    = { 0 };
    weiri_expr     *expr = case_expr_parse(&t->scope, text);
    if (expr == NULL) {
        return c;
    }
    *(weiri_expr_reads_registers(expr) ? &c.correlated : &c.unary) = expr;
    return c;
}

/* The gap of a quantifier is between the step's own events. */
static weiri_condition
step_condition(translation *t, const json *item)
{
    const char *text = json_text(item, "cond", "true");
    const char *var  = json_text(item, "var", "");
    double      gap  = json_number(json_get(item, "quant"), "gap_ms", -1);
    if (gap >= 0) {
        text = weiri_arena_format(t->arena,
            "(%s) && (count(%s) == 0 || ts - last(%s).ts < %.0f)", text, var, var, gap);
    }
    return condition(t, text);
}

static weiri_contiguity
contiguity(const char *name)
{
    if (strcmp(name, "first") == 0) {
        return WEIRI_FIRST;
    }
    if (strcmp(name, "next") == 0 || strcmp(name, "notNext") == 0) {
        return WEIRI_NEXT;
    }
    return strcmp(name, "followedByAny") == 0 ? WEIRI_FOLLOWED_ANY : WEIRI_FOLLOWED;
}

static weiri_inner
inner(const char *name)
{
    return strcmp(name, "consecutive") == 0    ? WEIRI_INNER_NEXT
           : strcmp(name, "combinations") == 0 ? WEIRI_INNER_ANY
                                               : WEIRI_INNER_RELAXED;
}

static weiri_pattern *
new_pattern(translation *t, weiri_pattern_kind kind, weiri_contiguity c)
{
    weiri_pattern *p = weiri_arena_alloc(t->arena, sizeof *p);
    p->kind          = kind;
    p->contiguity    = c;
    p->min           = 1;
    p->max           = 1;
    return p;
}

static weiri_pattern *
group_of_one(translation *t, weiri_pattern *item)
{
    weiri_pattern *group = new_pattern(t, WEIRI_PATTERN_SEQUENCE, item->contiguity);
    item->contiguity     = WEIRI_FIRST;
    WEIRI_ARENA_PUSH(t->arena, group->items, group->n_items, item);
    return group;
}

/* none, or m to n: an optional group of one where m > 1. */
static weiri_pattern *
quantified(translation *t, weiri_pattern *p, const json *quant, const weiri_inner *head)
{
    if (quant == NULL) {
        return p;
    }
    p->min   = (uint32_t)json_number(quant, "min", 1);
    p->max   = (uint32_t)json_number(quant, "max", WEIRI_UNBOUNDED);
    p->inner = head != NULL ? *head : inner(json_text(quant, "inner", ""));
    if (json_true(quant, "greedy")) {
        p->preference = WEIRI_PREFER_GREEDY;
    }
    const char *until = json_text(quant, "until", NULL);
    if (until != NULL) {
        p->until  = weiri_arena_alloc(t->arena, sizeof *p->until);
        *p->until = condition(t, until);
    }
    if (!json_true(quant, "optional")) {
        return p;
    }
    if (p->min > 1) {
        p = group_of_one(t, p);
    }
    p->min = 0;
    return p;
}

/* `inner` of the group around: it is also that of the group's first item in Flink, where
 * `next` and `any` belong to what they are written after with us. */
static weiri_pattern *
sequence(
    translation *t, const json *pattern, weiri_contiguity c, const weiri_inner *own_inner)
{
    weiri_pattern *p     = new_pattern(t, WEIRI_PATTERN_SEQUENCE, c);
    const json    *items = json_get(pattern, "items");
    for (uint32_t i = 0; items != NULL && i < items->n_items; i++) {
        const json      *item  = &items->items[i];
        const char      *how   = json_text(item, "contiguity", "first");
        const json      *group = json_get(item, "group");
        weiri_contiguity ic    = contiguity(how);
        weiri_pattern   *made  = NULL;
        if (group != NULL) {
            weiri_inner in = inner(json_text(json_get(item, "quant"), "inner", ""));
            made           = sequence(t, group, ic, &in);
        } else {
            made                             = new_pattern(t, WEIRI_PATTERN_STEP, ic);
            made->step                       = t->next++;
            made->is_negated                 = strncmp(how, "not", 3) == 0;
            t->plan->steps[made->step].where = step_condition(t, item);
        }
        made = quantified(t, made, json_get(item, "quant"), i == 0 ? own_inner : NULL);
        WEIRI_ARENA_PUSH(t->arena, p->items, p->n_items, made);
    }
    return p;
}

static void
set_skip(translation *t, const char *text)
{
    static const struct {
        const char *name;
        weiri_skip  skip;
    } rows[] = {
        { "no_skip", WEIRI_SKIP_NONE },
        { "past_last", WEIRI_SKIP_PAST_LAST },
        { "to_next", WEIRI_SKIP_TO_NEXT },
        { "to_first:", WEIRI_SKIP_TO_FIRST },
        { "to_last:", WEIRI_SKIP_TO_LAST },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = strlen(rows[i].name);
        if (strncmp(text, rows[i].name, n) == 0) {
            t->plan->skip = rows[i].skip;
            for (uint32_t s = 0; s < t->plan->n_steps; s++) {
                if (strcmp(t->plan->steps[s].name, text + n) == 0) {
                    t->plan->skip_step = s;
                }
            }
        }
    }
}

weiri_match *
case_plan(weiri_arena *arena, const json *a_case, const char **failure)
{
    weiri_match *plan      = weiri_arena_alloc(arena, sizeof *plan);
    translation  t         = { .arena = arena, .plan = plan };
    plan->inputs           = weiri_arena_alloc(arena, sizeof *plan->inputs);
    plan->n_inputs         = 1;
    plan->inputs[0].schema = &SCHEMA;
    collect_steps(&t, json_get(a_case, "pattern"));
    t.scope           = (case_scope){ .arena = arena, .schema = &SCHEMA };
    t.scope.steps     = plan->steps;
    t.scope.n_steps   = plan->n_steps;
    plan->pattern     = sequence(&t, json_get(a_case, "pattern"), WEIRI_FIRST, NULL);
    plan->registers   = t.scope.registers;
    plan->n_registers = t.scope.n_registers;
    set_skip(&t, json_text(a_case, "skip", "no_skip"));
    double within     = json_number(a_case, "within_ms", -1);
    plan->within_ns   = within < 0 ? -1 : (int64_t)(within - 1) * CASE_NS_IN_MS;
    plan->silence_ns  = -1;
    plan->max_runs    = UINT32_MAX;
    plan->max_matches = UINT32_MAX;
    plan->emit        = weiri_arena_alloc(arena, sizeof *plan->emit);
    plan->on_timeout  = weiri_arena_alloc(arena, sizeof *plan->on_timeout);
    *failure          = t.scope.failure;
    return t.scope.failure == NULL ? plan : NULL;
}

static weir_value
value_of(const json *v, weir_type type)
{
    weir_value out = { .type = (uint8_t)type, .is_null = v == NULL };
    if (v != NULL && type == WEIR_STRING && v->kind == JSON_STRING) {
        out.as.s = v->text;
        out.size = (uint32_t)strlen(v->text);
    } else if (v != NULL && type == WEIR_FLOAT) {
        out.as.f = v->number;
    }
    return out;
}

void
case_add_event(weir_chunk *chunk, const json *event)
{
    uint32_t    row   = chunk->n_rows++;
    const json *attrs = json_get(event, "attrs");
    weiri_assert(row < chunk->capacity);
    for (uint32_t f = 0; f < CASE_N_FIELDS; f++) {
        bool        is_own = f == CASE_TYPE || f == CASE_TS;
        const json *v      = json_get(is_own ? event : attrs, FIELDS[f].name);
        weir_value  value  = value_of(v, FIELDS[f].type);
        weiri_assert(weir_chunk_set(chunk, row, f, &value) == WEIR_OK);
    }
    chunk->time[row]  = (int64_t)json_number(event, "ts", 0) * CASE_NS_IN_MS;
    chunk->order[row] = row;
}
