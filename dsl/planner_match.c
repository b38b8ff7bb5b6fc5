/* A rule that begins with `match`. */
#include "planner_match.h"

#include <string.h>

static void
check_clauses(weiri_matching *self)
{
    const weiri_ast_rule *rule = self->rule;
    struct {
        weiri_span  at;
        const char *name;
    } const wrong[] = { { rule->where_at, "where" }, { rule->fill.at, "fill" },
        { rule->window.at, "window" }, { rule->having_at, "having" },
        { rule->order_at, "order by" } };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (wrong[i].at.size > 0) {
            weiri_report(self->planner->diagnostics, WEIRI_E_CLAUSE_MISPLACED,
                wrong[i].at, "'%s' belongs to 'from', this rule begins with 'match'",
                wrong[i].name);
            self->is_broken = true;
        }
    }
    if (rule->where_at.size > 0) {
        weiri_report_hint(self->planner->diagnostics,
            NULL == rule->where
                ? ""
                : "conditions stand in parentheses after the stream of a step");
    }
    if (rule->order_at.size > 0) {
        weiri_report_hint(self->planner->diagnostics,
            "let a rule with a window read what this one emits");
    }
    if (rule->emit.when_changes.size > 0) {
        weiri_report(self->planner->diagnostics, WEIRI_E_CLAUSE_MISPLACED,
            rule->emit.when_changes,
            "'when changes' belongs to 'from', this rule begins with 'match'");
        weiri_report_hint(
            self->planner->diagnostics, "how often it may emit: 'limit 1 per 10m'");
        self->is_broken = true;
    }
    self->is_broken = !weiri_plan_limit(self->planner, rule, &self->match->limit,
                          &self->match->limit_ns)
                      || self->is_broken;
}

static void
plan_times(weiri_matching *self)
{
    const weiri_ast_rule *rule  = self->rule;
    weiri_match          *match = self->match;
    match->within_ns            = -1;
    match->silence_ns           = -1;
    if (rule->within != NULL) {
        match->within_ns =
            weiri_constant_duration(self->planner, rule->within, true, "'within'");
        self->is_broken = self->is_broken || match->within_ns < 0;
    }
    if (rule->silence == NULL) {
        return;
    }
    const weiri_ast_pattern *pattern = rule->pattern;
    match->silence_ns =
        weiri_constant_duration(self->planner, rule->silence, false, "'for'");
    self->is_broken = self->is_broken || match->silence_ns < 0;
    bool is_one_not = pattern->n_items == 1 && pattern->items[0]->not_at.size > 0
                      && pattern->items[0]->kind == WEIRI_AST_STEP;
    if (!is_one_not) {
        weiri_report(self->planner->diagnostics, WEIRI_E_BAD_SILENCE, rule->silence->at,
            "'for' belongs to silence: 'match not s for 10m'");
        weiri_report_hint(self->planner->diagnostics, "did you mean 'within'?");
        self->is_broken = true;
    } else if (rule->within != NULL) {
        weiri_report(self->planner->diagnostics, WEIRI_E_BAD_SILENCE, rule->within_at,
            "silence has its time after 'for' and no 'within'");
        self->is_broken = true;
    }
}

static void
plan_skip(weiri_matching *self)
{
    const weiri_ast_skip *skip  = &self->rule->skip;
    weiri_match          *match = self->match;
    match->skip_step            = WEIRI_NONE;
    switch (skip->mode) {
    case WEIRI_WORD_USED: match->skip = WEIRI_SKIP_USED; break;
    case WEIRI_WORD_LATEST: match->skip = WEIRI_SKIP_USED_LATEST; break;
    case WEIRI_WORD_NONE: match->skip = WEIRI_SKIP_NONE; break;
    case WEIRI_WORD_NEXT: match->skip = WEIRI_SKIP_TO_NEXT; break;
    case WEIRI_WORD_PAST: match->skip = WEIRI_SKIP_PAST_LAST; break;
    case WEIRI_WORD_FIRST: match->skip = WEIRI_SKIP_TO_FIRST; break;
    case WEIRI_WORD_LAST: match->skip = WEIRI_SKIP_TO_LAST; break;
    default: match->skip = WEIRI_SKIP_OVERLAPS; break;
    }
    if (skip->step.text == NULL) {
        return;
    }
    match->skip_step = weiri_need_step(self, skip->step);
    self->element    = WEIRI_NONE;
    if (match->skip_step == WEIRI_NONE
        || !weiri_check_step_readable(self, match->skip_step, skip->step.at)) {
        self->is_broken = true;
    }
}

/* ---- emit ---- */

struct whole {
    weiri_matching *matching;
    uint32_t        step;
};

static weiri_expr *
whole_field(void *context, uint32_t field)
{
    struct whole      *self     = context;
    weiri_matching    *matching = self->matching;
    const weir_schema *schema =
        matching->match->inputs[matching->match->steps[self->step].input].schema;
    return weiri_add_register(matching, WEIRI_REGISTER_LAST, self->step, 0,
        weiri_expr_field(matching->planner->arena, schema, field));
}

static weiri_emit *
plan_emit(weiri_matching *self, const weiri_ast_emit *emit, weiri_stand stand)
{
    weiri_scope          scope = { self->planner->arena, self->planner->diagnostics, self,
                 weiri_resolve_step, self->planner->functions };
    const weiri_match   *match = self->match;
    const weiri_pattern *pattern = match->pattern;
    bool         is_one  = pattern->kind == WEIRI_PATTERN_STEP && pattern->max == 1;
    struct whole context = { self, is_one ? pattern->step : 0 };
    weiri_whole  whole   = { .field = whole_field, .context = &context };
    whole.why            = "a match of several events has not one event to emit";
    if (is_one) {
        whole.schema = match->inputs[match->steps[pattern->step].input].schema;
    }
    self->stand     = stand;
    self->element   = WEIRI_NONE;
    weiri_emit *out = weiri_plan_emit(self->planner, &scope, self->rule, emit, &whole);
    self->is_broken = self->is_broken || out == NULL;
    return out;
}

static void
plan_emits(weiri_matching *self)
{
    const weiri_ast_rule *rule = self->rule;
    if (rule->emit.at.size > 0) {
        self->match->emit = plan_emit(self, &rule->emit, WEIRI_STAND_EMIT);
    }
    if (rule->on_timeout.at.size == 0) {
        return;
    }
    bool is_timed = rule->within != NULL;
    for (uint32_t i = 0; i < self->match->n_steps; i++) {
        is_timed = is_timed || self->match->steps[i].gap_ns >= 0;
    }
    if (!is_timed) {
        weiri_report(self->planner->diagnostics, WEIRI_E_TIMEOUT_NEEDS_WITHIN,
            rule->on_timeout.at, "without 'within' nothing ever times out");
        self->is_broken = true;
    }
    self->match->on_timeout = plan_emit(self, &rule->on_timeout, WEIRI_STAND_TIMEOUT);
}

/* ---- fields that are read ---- */

static void
mark(const weiri_expr *value, bool *used)
{
    if (value != NULL) {
        weiri_expr_mark_fields(value, used);
    }
}

/* All its steps read one stream. */
static uint32_t
stream_of(const weiri_match *match, const weiri_pattern *pattern)
{
    while (pattern->kind != WEIRI_PATTERN_STEP) {
        pattern = pattern->items[0];
    }
    return match->inputs[match->steps[pattern->step].input].stream;
}

static void
mark_until(weiri_matching *self, const weiri_pattern *pattern)
{
    if (pattern->until != NULL) {
        uint32_t stream = stream_of(self->match, pattern);
        bool    *used   = self->planner->plan->streams[stream].used;
        mark(pattern->until->unary, used);
        mark(pattern->until->correlated, used);
    }
    for (uint32_t i = 0; i < pattern->n_items; i++) {
        mark_until(self, pattern->items[i]);
    }
}

static void
mark_fields(weiri_matching *self)
{
    weiri_match  *match   = self->match;
    weiri_stream *streams = self->planner->plan->streams;
    for (uint32_t i = 0; i < match->n_inputs; i++) {
        bool *used = streams[match->inputs[i].stream].used;
        for (uint32_t k = 0; k < match->n_keys; k++) {
            mark(match->inputs[i].keys[k], used);
        }
        for (uint32_t r = 0; r < match->n_registers; r++) {
            if (match->registers[r].arguments != NULL) {
                mark(match->registers[r].arguments[i], used);
            }
        }
    }
    for (uint32_t i = 0; i < match->n_steps; i++) {
        bool *used = streams[match->inputs[match->steps[i].input].stream].used;
        mark(match->steps[i].where.unary, used);
        mark(match->steps[i].where.correlated, used);
    }
    mark_until(self, match->pattern);
}

static bool
has_broken_input(const weiri_matching *self)
{
    for (uint32_t i = 0; i < self->match->n_inputs; i++) {
        if (self->planner->streams[self->match->inputs[i].stream].is_broken) {
            return true;
        }
    }
    return false;
}

weiri_match *
weiri_plan_match(weiri_planner *planner, const weiri_ast_rule *rule)
{
    weiri_matching *self     = weiri_arena_alloc(planner->arena, sizeof *self);
    self->planner            = planner;
    self->rule               = rule;
    self->match              = weiri_arena_alloc(planner->arena, sizeof *self->match);
    self->element            = WEIRI_NONE;
    self->match->max_runs    = WEIRI_RUNS_PER_KEY;
    self->match->max_matches = WEIRI_MATCHES_PER_EVENT;
    check_clauses(self);
    plan_times(self);
    bool is_wrong   = self->is_broken;
    self->is_broken = false;
    weiri_plan_pattern(self);
    if (self->is_broken) {
        return NULL; /* its steps are not known for sure */
    }
    weiri_plan_keys(self);
    weiri_plan_conditions(self);
    plan_skip(self);
    plan_emits(self);
    if (is_wrong || self->is_broken || has_broken_input(self)) {
        return NULL;
    }
    weiri_match_read_lookups(self);
    mark_fields(self);
    weiri_match_keep_lookups(self);
    weiri_warn_match(self);
    return self->match;
}
