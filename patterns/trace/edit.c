#include "weiri/edit.h"

#include <string.h>

#include "weiri/assert.h"
#include "weiri/exprtext.h"
#include "weiri/timetext.h"

/* ---- terms ---- */

uint32_t
weiri_condition_terms(
    weiri_arena *arena, const weiri_condition *condition, const weiri_expr ***out)
{
    const weiri_expr **unary      = NULL;
    const weiri_expr **correlated = NULL;
    uint32_t           n_unary    = weiri_expr_terms(arena, condition->unary, &unary);
    uint32_t n_correlated = weiri_expr_terms(arena, condition->correlated, &correlated);
    *out = weiri_arena_alloc(arena, (n_unary + n_correlated + (size_t)1) * sizeof **out);
    for (uint32_t i = 0; i < n_unary; i++) {
        (*out)[i] = unary[i];
    }
    for (uint32_t i = 0; i < n_correlated; i++) {
        (*out)[n_unary + i] = correlated[i];
    }
    return n_unary + n_correlated;
}

/* All but term `but`, joined again; NULL: none is left. */
static const weiri_expr *
join_terms(weiri_arena *arena, const weiri_expr *expr, uint32_t but)
{
    const weiri_expr **terms = NULL;
    uint32_t           n     = weiri_expr_terms(arena, expr, &terms);
    weiri_expr        *all   = NULL;
    for (uint32_t i = 0; i < n; i++) {
        if (i == but) {
            continue;
        }
        weiri_expr *term   = weiri_arena_alloc(arena, sizeof *term);
        *term              = *terms[i];
        weiri_expr *args[] = { all, term };
        if (all == NULL) {
            all = term;
            continue;
        }
        weir_error  err    = { 0 };
        weir_status status = weiri_expr_call(arena, "and", args, 2, &all, &err);
        weiri_assert(status == WEIR_OK);
    }
    return all;
}

static weiri_condition
without_term(weiri_arena *arena, weiri_condition condition, uint32_t term)
{
    const weiri_expr **terms   = NULL;
    uint32_t           n_unary = weiri_expr_terms(arena, condition.unary, &terms);
    if (term < n_unary) {
        condition.unary = join_terms(arena, condition.unary, term);
    } else {
        condition.correlated = join_terms(arena, condition.correlated, term - n_unary);
    }
    return condition;
}

static weiri_condition
never(weiri_arena *arena)
{
    const weir_value no = { .type = WEIR_BOOL };
    return (weiri_condition){ .unary = weiri_expr_constant(arena, &no) };
}

/* ---- elements ---- */

static weiri_pattern *
find_element(weiri_pattern *pattern, uint32_t *left)
{
    if (*left == 0) {
        return pattern;
    }
    for (uint32_t i = 0; i < pattern->n_items; i++) {
        (*left)--;
        weiri_pattern *found = find_element(pattern->items[i], left);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

weiri_pattern *
weiri_pattern_element(const weiri_match *plan, uint32_t element)
{
    return find_element(plan->pattern, &element);
}

static weiri_pattern *
copy_pattern(weiri_arena *arena, const weiri_pattern *pattern)
{
    weiri_pattern *copy = weiri_arena_alloc(arena, sizeof *copy);
    *copy               = *pattern;
    copy->items = weiri_arena_alloc(arena, (pattern->n_items + 1) * sizeof *copy->items);
    for (uint32_t i = 0; i < pattern->n_items; i++) {
        copy->items[i] = copy_pattern(arena, pattern->items[i]);
    }
    return copy;
}

const char *
weiri_pattern_name(
    weiri_arena *arena, const weiri_match *plan, const weiri_pattern *pattern)
{
    static const char *const JOINED[] = {
        [WEIRI_PATTERN_OR] = " or ", [WEIRI_PATTERN_AND] = " and "
    };
    static const char *const ARROWS[] = { "", " => ", " -> ", " ->> " };
    if (pattern->kind == WEIRI_PATTERN_STEP) {
        return weiri_arena_format(arena, "%s%s", pattern->is_negated ? "not " : "",
            plan->steps[pattern->step].name);
    }
    const char *text = "";
    for (uint32_t i = 0; i < pattern->n_items; i++) {
        const weiri_pattern *item = pattern->items[i];
        const char          *join = pattern->kind == WEIRI_PATTERN_SEQUENCE
                                        ? ARROWS[item->contiguity]
                                        : JOINED[pattern->kind];
        text = weiri_arena_format(arena, "%s%s%s", text, i > 0 ? join : "",
            weiri_pattern_name(arena, plan, item));
    }
    return weiri_arena_format(arena, "(%s)", text);
}

/* ---- what there is to take away ---- */

typedef struct edit_list {
    weiri_arena       *arena;
    const weiri_match *plan;
    weiri_edit        *items;
    uint32_t           n;
} edit_list;

static void
add(edit_list *self, weiri_edit edit)
{
    WEIRI_ARENA_PUSH(self->arena, self->items, self->n, edit);
}

static bool
is_negated_step(const weiri_pattern *pattern, uint32_t step)
{
    if (pattern->kind == WEIRI_PATTERN_STEP) {
        return pattern->is_negated && pattern->step == step;
    }
    for (uint32_t i = 0; i < pattern->n_items; i++) {
        if (is_negated_step(pattern->items[i], step)) {
            return true;
        }
    }
    return false;
}

static void
add_conditions(edit_list *self)
{
    for (uint32_t s = 0; s < self->plan->n_steps; s++) {
        const weiri_step  *step  = &self->plan->steps[s];
        const weiri_expr **terms = NULL;
        if (self->plan->silence_ns < 0 && is_negated_step(self->plan->pattern, s)) {
            add(self, (weiri_edit){ .kind = WEIRI_EDIT_NEGATION, .step = s });
            continue;
        }
        uint32_t n = weiri_condition_terms(self->arena, &step->where, &terms);
        for (uint32_t t = 0; t < n; t++) {
            add(self, (weiri_edit){ .kind = WEIRI_EDIT_TERM, .step = s, .term = t });
        }
        if (n > 1) {
            add(self, (weiri_edit){ .kind = WEIRI_EDIT_WHERE, .step = s });
        }
    }
    for (uint32_t s = 0; s < self->plan->n_steps; s++) {
        if (self->plan->steps[s].gap_ns >= 0) {
            add(self, (weiri_edit){ .kind = WEIRI_EDIT_GAP, .step = s });
        }
    }
}

static bool
has_part(const weiri_pattern *p, uint32_t element, weiri_edit_kind kind)
{
    bool is_step = p->kind == WEIRI_PATTERN_STEP;
    switch (kind) {
    case WEIRI_EDIT_UNTIL: return p->until != NULL;
    case WEIRI_EDIT_NEXT: return p->contiguity == WEIRI_NEXT && !p->is_negated;
    case WEIRI_EDIT_INNER: return p->max > 1 && p->inner == WEIRI_INNER_NEXT;
    case WEIRI_EDIT_COUNT: return p->min > 1;
    case WEIRI_EDIT_PREFERENCE: return p->preference != WEIRI_PREFER_BOTH;
    case WEIRI_EDIT_ELEMENT: return element > 0 && p->min > 0 && !p->is_negated;
    case WEIRI_EDIT_REPETITION: return p->min != 1 || p->max != 1;
    case WEIRI_EDIT_GROUP:
        return !is_step && (element > 0 || p->kind != WEIRI_PATTERN_SEQUENCE);
    case WEIRI_EDIT_ANY: return p->contiguity == WEIRI_FOLLOWED_ANY;
    case WEIRI_EDIT_ABSENCE: return element > 0 && p->is_negated;
    default: return false;
    }
}

static void
add_elements(edit_list *self, weiri_edit_kind kind)
{
    const weiri_pattern *p = self->plan->pattern;
    for (uint32_t e = 0; p != NULL; p = weiri_pattern_element(self->plan, ++e)) {
        if (has_part(p, e, kind)) {
            add(self, (weiri_edit){ .kind = kind, .element = e });
        }
    }
}

static bool
has_bound(const weiri_match *plan)
{
    return plan->max_runs != UINT32_MAX || plan->max_matches != UINT32_MAX;
}

static void
add_simpler(edit_list *self)
{
    const weiri_match *plan = self->plan;
    for (uint32_t s = 0; s < plan->n_steps; s++) {
        if (plan->steps[s].where.correlated != NULL) {
            add(self, (weiri_edit){ .kind = WEIRI_EDIT_CORRELATED, .step = s });
        }
    }
    add_elements(self, WEIRI_EDIT_REPETITION);
    add_elements(self, WEIRI_EDIT_GROUP);
    add_elements(self, WEIRI_EDIT_ANY);
    if (plan->skip != WEIRI_SKIP_OVERLAPS) {
        add(self, (weiri_edit){ .kind = WEIRI_EDIT_OVERLAPS });
    }
    if (plan->on_timeout != NULL) {
        add(self, (weiri_edit){ .kind = WEIRI_EDIT_TIMEOUT });
    }
    if (plan->silence_ns >= 0) {
        add(self, (weiri_edit){ .kind = WEIRI_EDIT_SILENCE });
    }
    add_elements(self, WEIRI_EDIT_ABSENCE);
}

uint32_t
weiri_edits_of(weiri_arena *arena, const weiri_match *plan, weiri_edit **out)
{
    edit_list self = { .arena = arena, .plan = plan };
    add_conditions(&self);
    add_elements(&self, WEIRI_EDIT_UNTIL);
    if (plan->within_ns >= 0) {
        add(&self, (weiri_edit){ .kind = WEIRI_EDIT_WITHIN });
    }
    add_elements(&self, WEIRI_EDIT_NEXT);
    add_elements(&self, WEIRI_EDIT_INNER);
    add_elements(&self, WEIRI_EDIT_COUNT);
    add_elements(&self, WEIRI_EDIT_PREFERENCE);
    add_elements(&self, WEIRI_EDIT_ELEMENT);
    if (plan->skip != WEIRI_SKIP_NONE) {
        add(&self, (weiri_edit){ .kind = WEIRI_EDIT_SKIP });
    }
    if (has_bound(plan)) {
        add(&self, (weiri_edit){ .kind = WEIRI_EDIT_BOUND });
    }
    add_simpler(&self);
    *out = self.items;
    return self.n;
}

/* ---- taking it away ---- */

/* So long that no deadline comes; still there, because an absence needs one. */
static const int64_t FOR_EVER_NS = INT64_MAX / 2;

static const weiri_pattern *
first_step(const weiri_pattern *pattern)
{
    while (pattern->kind != WEIRI_PATTERN_STEP) {
        const weiri_pattern *next = pattern->items[0];
        for (uint32_t i = 1; i < pattern->n_items && next->is_negated; i++) {
            next = pattern->items[i];
        }
        pattern = next;
    }
    return pattern;
}

static void
edit_element(weiri_pattern *p, weiri_edit_kind kind)
{
    weiri_contiguity contiguity = p->contiguity;
    switch (kind) {
    case WEIRI_EDIT_UNTIL: p->until = NULL; break;
    case WEIRI_EDIT_NEXT:
    case WEIRI_EDIT_ANY: p->contiguity = WEIRI_FOLLOWED; break;
    case WEIRI_EDIT_INNER: p->inner = WEIRI_INNER_RELAXED; break;
    case WEIRI_EDIT_COUNT: p->min = p->min > 1 ? 1 : p->min; break;
    case WEIRI_EDIT_PREFERENCE: p->preference = WEIRI_PREFER_BOTH; break;
    case WEIRI_EDIT_ELEMENT: p->min = 0; break;
    case WEIRI_EDIT_REPETITION:
        p->min        = 1;
        p->max        = 1;
        p->preference = WEIRI_PREFER_BOTH;
        break;
    case WEIRI_EDIT_GROUP:
        *p            = *first_step(p);
        p->contiguity = contiguity;
        break;
    default: break;
    }
}

static void
drop_item(weiri_pattern *from, const weiri_pattern *item)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < from->n_items; i++) {
        weiri_pattern *at = from->items[i];
        if (at != item) {
            from->items[n++] = at;
            drop_item(at, item);
        }
    }
    from->n_items = n;
}

/* Elements are found before any of them changes; what a group held goes with it. */
static void
edit_pattern(weiri_match *plan, const weiri_edit *edits, uint32_t n_edits,
    weiri_pattern *const *elements)
{
    for (uint32_t i = 0; i < n_edits; i++) {
        if (elements[i] != NULL && edits[i].kind != WEIRI_EDIT_ABSENCE) {
            edit_element(elements[i], edits[i].kind);
        }
    }
    for (uint32_t i = 0; i < n_edits; i++) {
        if (elements[i] != NULL && edits[i].kind == WEIRI_EDIT_ABSENCE) {
            drop_item(plan->pattern, elements[i]);
        }
    }
}

static bool
is_of_element(weiri_edit_kind kind)
{
    switch (kind) {
    case WEIRI_EDIT_UNTIL:
    case WEIRI_EDIT_NEXT:
    case WEIRI_EDIT_INNER:
    case WEIRI_EDIT_COUNT:
    case WEIRI_EDIT_PREFERENCE:
    case WEIRI_EDIT_ELEMENT:
    case WEIRI_EDIT_REPETITION:
    case WEIRI_EDIT_GROUP:
    case WEIRI_EDIT_ANY:
    case WEIRI_EDIT_ABSENCE: return true;
    default: return false;
    }
}

/* `match not s for D` without the `for D` is `match s`. */
static void
end_silence(weiri_match *plan)
{
    weiri_pattern *step = plan->pattern;
    while (step->kind != WEIRI_PATTERN_STEP) {
        step = step->items[0];
    }
    step->is_negated = false;
    plan->silence_ns = -1;
}

static void
edit_match(weiri_arena *arena, weiri_match *plan, const weiri_edit *edit)
{
    weiri_step *step = &plan->steps[edit->step];
    switch (edit->kind) {
    case WEIRI_EDIT_TERM:
        step->where = without_term(arena, step->where, edit->term);
        break;
    case WEIRI_EDIT_WHERE: step->where = (weiri_condition){ 0 }; break;
    case WEIRI_EDIT_NEGATION: step->where = never(arena); break;
    case WEIRI_EDIT_GAP: step->gap_ns = -1; break;
    case WEIRI_EDIT_CORRELATED: step->where.correlated = NULL; break;
    case WEIRI_EDIT_WITHIN: plan->within_ns = FOR_EVER_NS; break;
    case WEIRI_EDIT_SKIP: plan->skip = WEIRI_SKIP_NONE; break;
    case WEIRI_EDIT_OVERLAPS: plan->skip = WEIRI_SKIP_OVERLAPS; break;
    case WEIRI_EDIT_TIMEOUT: plan->on_timeout = NULL; break;
    case WEIRI_EDIT_SILENCE: end_silence(plan); break;
    case WEIRI_EDIT_SHORTER:
        plan->silence_ns =
            edit->to_ns < plan->silence_ns ? edit->to_ns : plan->silence_ns;
        break;
    case WEIRI_EDIT_BOUND:
        plan->max_runs    = UINT32_MAX;
        plan->max_matches = UINT32_MAX;
        break;
    default: break;
    }
}

const weiri_match *
weiri_edit_apply(weiri_arena *arena, const weiri_match *plan, const weiri_edit *edits,
    uint32_t n_edits)
{
    weiri_match *copy = weiri_arena_alloc(arena, sizeof *copy);
    *copy             = *plan;
    copy->pattern     = copy_pattern(arena, plan->pattern);
    copy->steps       = weiri_arena_alloc(arena, plan->n_steps * sizeof *copy->steps);
    memcpy(copy->steps, plan->steps, plan->n_steps * sizeof *copy->steps);
    weiri_pattern **elements =
        weiri_arena_alloc(arena, (n_edits + (size_t)1) * sizeof *elements);
    for (uint32_t i = 0; i < n_edits; i++) {
        elements[i] = is_of_element(edits[i].kind)
                          ? weiri_pattern_element(copy, edits[i].element)
                          : NULL;
        edit_match(arena, copy, &edits[i]);
    }
    edit_pattern(copy, edits, n_edits, elements);
    return copy;
}

/* ---- as text ---- */

static const char *
duration(weiri_arena *arena, int64_t ns)
{
    char text[WEIRI_DURATION_TEXT];
    (void)weiri_duration_format(ns, text);
    return weiri_arena_text(arena, text, strlen(text));
}

static const char *
quantifier_text(weiri_arena *arena, const weiri_pattern *p)
{
    if (p->max == WEIRI_UNBOUNDED) {
        return weiri_arena_format(arena, "{%u,}", p->min);
    }
    return p->min == p->max ? weiri_arena_format(arena, "{%u}", p->min)
                            : weiri_arena_format(arena, "{%u,%u}", p->min, p->max);
}

static const char *
skip_text(weiri_skip skip)
{
    static const char *const TEXTS[] = { "skip overlaps", "skip used", "skip used latest",
        "skip none", "skip to next", "skip past last", "skip to first", "skip to last" };
    return TEXTS[skip];
}

static const char *
element_text(weiri_arena *arena, const weiri_match *plan, const weiri_edit *edit)
{
    const weiri_pattern *p    = weiri_pattern_element(plan, edit->element);
    const char          *name = weiri_pattern_name(arena, plan, p);
    switch (edit->kind) {
    case WEIRI_EDIT_UNTIL: return weiri_arena_format(arena, "`until` of '%s'", name);
    case WEIRI_EDIT_NEXT: return weiri_arena_format(arena, "`=>` before '%s'", name);
    case WEIRI_EDIT_INNER: return weiri_arena_format(arena, "`next` of '%s'", name);
    case WEIRI_EDIT_COUNT:
    case WEIRI_EDIT_REPETITION:
        return weiri_arena_format(arena, "`%s` of '%s'", quantifier_text(arena, p), name);
    case WEIRI_EDIT_PREFERENCE:
        return weiri_arena_format(arena, "`%s` of '%s'",
            p->preference == WEIRI_PREFER_LAZY ? "lazy" : "greedy", name);
    case WEIRI_EDIT_ELEMENT: return weiri_arena_format(arena, "step '%s'", name);
    case WEIRI_EDIT_GROUP: return weiri_arena_format(arena, "the group %s", name);
    case WEIRI_EDIT_ANY: return weiri_arena_format(arena, "`->>` before '%s'", name);
    default: return weiri_arena_format(arena, "`%s`", name);
    }
}

static const char *
terms_text(weiri_arena *arena, const weiri_match *plan, const weiri_edit *edit)
{
    const weiri_step  *step  = &plan->steps[edit->step];
    const weiri_expr **terms = NULL;
    weiri_condition    where = step->where;
    if (edit->kind == WEIRI_EDIT_CORRELATED) {
        where.unary = NULL;
    }
    const weiri_expr_names names = { .schema = plan->inputs[step->input].schema,
        .registers                           = weiri_register_texts(arena, plan) };
    uint32_t               n     = weiri_condition_terms(arena, &where, &terms);
    const char            *text  = "";
    for (uint32_t i = 0; i < n; i++) {
        if (edit->kind != WEIRI_EDIT_TERM || i == edit->term) {
            text = weiri_arena_format(arena, "%s%s%s", text,
                text[0] != '\0' ? " and " : "", weiri_expr_text(arena, terms[i], &names));
        }
    }
    return weiri_arena_format(arena, "`%s` of step '%s'", text, step->name);
}

const char *
weiri_edit_text(weiri_arena *arena, const weiri_match *plan, const weiri_edit *edit)
{
    const weiri_step *step = &plan->steps[edit->step];
    if (is_of_element(edit->kind)) {
        return element_text(arena, plan, edit);
    }
    switch (edit->kind) {
    case WEIRI_EDIT_NEGATION: return weiri_arena_format(arena, "`not %s`", step->name);
    case WEIRI_EDIT_GAP:
        return weiri_arena_format(arena, "`within %s of previous` of step '%s'",
            duration(arena, step->gap_ns), step->name);
    case WEIRI_EDIT_WITHIN:
        return weiri_arena_format(arena, "`within %s`", duration(arena, plan->within_ns));
    case WEIRI_EDIT_SKIP:
    case WEIRI_EDIT_OVERLAPS:
        return weiri_arena_format(arena, "`%s`", skip_text(plan->skip));
    case WEIRI_EDIT_BOUND:
        return weiri_arena_format(
            arena, "the bound of %u partial matches", plan->max_runs);
    case WEIRI_EDIT_TIMEOUT: return "`on timeout`";
    case WEIRI_EDIT_SILENCE:
        return weiri_arena_format(arena, "`for %s`", duration(arena, plan->silence_ns));
    case WEIRI_EDIT_SHORTER:
        return weiri_arena_format(arena, "`for %s`, with `for %s` in its place",
            duration(arena, plan->silence_ns), duration(arena, edit->to_ns));
    default: return terms_text(arena, plan, edit);
    }
}
