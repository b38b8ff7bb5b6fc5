/* What can happen in rules, and what of it did in tests. */
#include <stdlib.h>

#include "replay.h"
#include "weiri/limits.h"
#include "weiri/verdict.h"

/* ---- points ---- */

static void
push(weiri_coverage *self, weiri_coverage_kind kind, uint32_t rule, uint32_t step)
{
    self->points[self->n_points++] =
        (weiri_coverage_point){ .kind = kind, .rule = rule, .step = step };
}

static void
mark_negated(const weiri_pattern *pattern, bool *is_negated)
{
    if (pattern->kind == WEIRI_PATTERN_STEP) {
        is_negated[pattern->step] = pattern->is_negated;
    }
    for (uint32_t i = 0; i < pattern->n_items; i++) {
        mark_negated(pattern->items[i], is_negated);
    }
}

/* A rule that writes a table has none, nor an actor. */
static bool
has_having(const weiri_query *query)
{
    return query != NULL && query->window != NULL && query->window->having != NULL
           && query->fold == NULL && query->actor == NULL;
}

static void
push_pair(weiri_coverage *self, weiri_coverage_kind kind, uint32_t rule, uint32_t step)
{
    push(self, kind, rule, step);
    push(self, (weiri_coverage_kind)(kind + 1), rule, step);
}

static void
push_rule(weiri_coverage *self, const weiri_plan *plan, uint32_t index)
{
    const weiri_match *match                   = plan->rules[index].match;
    const weiri_query *query                   = plan->rules[index].query;
    bool               is_negated[WEIRI_STEPS] = { false };
    if (plan->rules[index].is_made) {
        return; /* what made it has its own */
    }
    push(self, WEIRI_COVERS_RULE, index, WEIRI_NONE);
    if (match == NULL) {
        if (query != NULL && query->where != NULL) {
            push_pair(self, WEIRI_COVERS_TRUE, index, WEIRI_NONE);
        }
        if (has_having(query)) {
            push_pair(self, WEIRI_COVERS_HAVING_TRUE, index, WEIRI_NONE);
        }
        return;
    }
    if (match->on_timeout != NULL) {
        push(self, WEIRI_COVERS_TIMEOUT, index, WEIRI_NONE);
    }
    mark_negated(match->pattern, is_negated);
    for (uint32_t i = 0; i < match->n_steps; i++) {
        if (!is_negated[i]) {
            push(self, WEIRI_COVERS_STEP, index, i);
        }
        if (match->steps[i].where.unary != NULL) {
            push_pair(self, WEIRI_COVERS_TRUE, index, i);
        }
        if (match->steps[i].where.correlated != NULL) {
            push_pair(self, WEIRI_COVERS_EARLIER_TRUE, index, i);
        }
    }
}

weir_status
weiri_coverage_init(weiri_coverage *self, const weiri_plan *plan)
{
    size_t most = 0;
    for (uint32_t i = 0; i < plan->n_rules; i++) {
        const weiri_match *match = plan->rules[i].match;
        most += 6 + (match != NULL ? 5 * (size_t)match->n_steps : 0);
    }
    *self = (weiri_coverage){
        .points = calloc(most + 1, sizeof *self->points),
        .hits   = calloc(most + 1, sizeof *self->hits),
    };
    if (self->points == NULL || self->hits == NULL) {
        weiri_coverage_fini(self);
        return WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < plan->n_rules; i++) {
        push_rule(self, plan, i);
    }
    return WEIR_OK;
}

void
weiri_coverage_fini(weiri_coverage *self)
{
    free(self->points);
    free(self->hits);
    *self = (weiri_coverage){ .n_points = 0 };
}

/* ---- counting ---- */

struct seen {
    uint64_t taken[WEIRI_STEPS]; /* matches that took an event by the step */
    uint64_t n_timeouts;
    uint64_t judged[WEIRI_STEPS][2]; /* of earlier events: false, true */
    uint64_t having[2];
};

static void
on_matched(void *context, bool is_timeout, int64_t time_ns, const weiri_taken *taken,
    uint32_t n_taken)
{
    struct seen *seen = context;
    (void)time_ns;
    seen->n_timeouts += is_timeout;
    for (uint32_t i = 0; i < n_taken && !is_timeout; i++) {
        seen->taken[taken[i].step]++;
    }
}

/* For how many rows of a stream a condition is true, and for how many it is not. */
static weir_status
judge(const weiri_rows_list *rows, const weiri_expr *condition, uint64_t counts[2])
{
    weiri_program *program = NULL;
    weir_status    status  = weiri_program_new_narrow(&condition, 1, &program);
    for (uint32_t i = 0; status == WEIR_OK && i < rows->n; i++) {
        const weir_rows *part = &rows->items[i];
        for (uint32_t r = part->first; r < part->first + part->n; r++) {
            weir_value value = weiri_program_eval(program, 0, part->chunk, r, NULL);
            counts[value.is_null || !value.as.b]++;
            weiri_program_forget(program);
        }
    }
    weiri_program_destroy(&program);
    return status;
}

/* The stream and the condition that a point is about. */
static const weiri_expr *
condition_of(const weiri_rule *rule, uint32_t step, uint32_t *stream)
{
    if (rule->match == NULL) {
        *stream = rule->query->stream;
        return rule->query->where;
    }
    *stream = rule->match->inputs[rule->match->steps[step].input].stream;
    return rule->match->steps[step].where.unary;
}

static weir_status
count_point(const weiri_replay *self, weiri_coverage *coverage, uint32_t i,
    const struct seen *seen)
{
    const weiri_coverage_point *point     = &coverage->points[i];
    uint64_t                    counts[2] = { 0, 0 };
    uint32_t                    stream    = 0;
    switch (point->kind) {
    case WEIRI_COVERS_RULE:
        coverage->hits[i] += weiri_graph_rule_matches(self->graph, point->rule);
        break;
    case WEIRI_COVERS_TIMEOUT: coverage->hits[i] += seen->n_timeouts; break;
    case WEIRI_COVERS_STEP: coverage->hits[i] += seen->taken[point->step]; break;
    case WEIRI_COVERS_TRUE: {
        const weiri_expr *condition =
            condition_of(&self->plan->rules[point->rule], point->step, &stream);
        weir_status status =
            judge(&weiri_graph_rows(self->graph)[stream], condition, counts);
        coverage->hits[i] += counts[0];
        coverage->hits[i + 1] += counts[1]; /* its FALSE comes next */
        return status;
    }
    case WEIRI_COVERS_EARLIER_TRUE:
        coverage->hits[i] += seen->judged[point->step][1];
        coverage->hits[i + 1] += seen->judged[point->step][0];
        break;
    case WEIRI_COVERS_HAVING_TRUE:
        coverage->hits[i] += seen->having[1];
        coverage->hits[i + 1] += seen->having[0];
        break;
    case WEIRI_COVERS_FALSE:
    case WEIRI_COVERS_EARLIER_FALSE:
    case WEIRI_COVERS_HAVING_FALSE: break;
    }
    return WEIR_OK;
}

/* ---- key by key ---- */

/* What a rule asks of earlier events is asked once more, of whoever keeps them all. A key
 * of which there is too much to tell is passed over. */
static weir_status
judge_match(const weiri_replay *self, const weiri_match *match, const weiri_gathered *key,
    struct seen *seen)
{
    weiri_trace *trace = NULL;
    weir_error   err   = { .status = WEIR_OK };
    weir_status  status =
        weiri_trace_new(match, key->events, key->n, self->deadline_ns, &trace, &err);
    for (uint32_t s = 0; status == WEIR_OK && s < match->n_steps; s++) {
        weiri_trace_judged(trace, s, seen->judged[s]);
    }
    weiri_trace_destroy(&trace);
    return status == WEIR_EFULL ? WEIR_OK : status;
}

static weir_status
judge_window(const weiri_replay *self, const weiri_query *query,
    const weiri_gathered *key, struct seen *seen)
{
    weiri_verdicts *verdicts = NULL;
    weir_error      err      = { .status = WEIR_OK };
    uint32_t        n        = 0;
    weir_status     status   = weiri_verdicts_new(query, key->key, &verdicts, &err);
    if (status != WEIR_OK) {
        return status == WEIR_EINVAL ? WEIR_OK : status; /* too wide to tell of */
    }
    for (uint32_t i = 0; i < key->n && status == WEIR_OK; i++) {
        status = weiri_verdicts_feed(
            verdicts, key->events[i].chunk, key->events[i].row, true, &err);
    }
    if (status == WEIR_OK) {
        status = weiri_verdicts_advance(verdicts, self->deadline_ns, &err);
    }
    if (status == WEIR_OK) {
        status = weiri_verdicts_finish(verdicts, true, &err);
    }
    const weiri_verdict *all = weiri_verdicts_all(verdicts, &n);
    for (uint32_t i = 0; i < n; i++) {
        seen->having[all[i].held != WEIRI_HELD_HAVING]++;
    }
    weiri_verdicts_destroy(&verdicts);
    return status;
}

static bool
asks_of_earlier(const weiri_match *match)
{
    bool asks = false;
    for (uint32_t s = 0; match != NULL && s < match->n_steps; s++) {
        asks = asks || match->steps[s].where.correlated != NULL;
    }
    return asks;
}

static weir_status
judge_keys(const weiri_replay *self, const weiri_rule *rule, struct seen *seen)
{
    weiri_gather *gather  = NULL;
    weiri_arena  *arena   = NULL;
    weir_error    err     = { .status = WEIR_OK };
    uint32_t      n       = 0;
    bool          matches = asks_of_earlier(rule->match);
    if (!matches && !has_having(rule->query)) {
        return WEIR_OK;
    }
    if ((arena = weiri_arena_new()) == NULL) {
        return WEIR_ENOMEM;
    }
    const weiri_rule inputs = { .match = (weiri_match *)(uintptr_t)weiri_inputs_of(
                                    arena, rule) };
    weir_status      status = weiri_gather_new(self->plan, &inputs, NULL, &gather, &err);
    if (status == WEIR_OK) {
        status = weiri_gather_rows(gather, weiri_graph_rows(self->graph), &err);
    }
    const weiri_gathered *keys = status == WEIR_OK ? weiri_gather_keys(gather, &n) : NULL;
    for (uint32_t i = 0; i < n && status == WEIR_OK; i++) {
        status = matches ? judge_match(self, rule->match, &keys[i], seen)
                         : judge_window(self, rule->query, &keys[i], seen);
    }
    weiri_gather_destroy(&gather);
    weiri_arena_destroy(&arena);
    return status;
}

weir_status
weiri_replay_cover(const weiri_replay *self, weiri_coverage *coverage)
{
    struct seen seen   = { .n_timeouts = 0 };
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < coverage->n_points && status == WEIR_OK; i++) {
        const weiri_rule *rule = &self->plan->rules[coverage->points[i].rule];
        if (coverage->points[i].kind == WEIRI_COVERS_RULE) {
            seen   = (struct seen){ .n_timeouts = 0 };
            status = rule->match != NULL
                         ? weiri_replay_match(self, rule->match, on_matched, &seen)
                         : WEIR_OK;
            if (status == WEIR_OK) {
                status = judge_keys(self, rule, &seen);
            }
        }
        if (status == WEIR_OK) {
            status = count_point(self, coverage, i, &seen);
        }
    }
    return status;
}
