/* The facts of a rule that matches a pattern. */
#include <string.h>

#include "explain/facts.h"
#include "match/planner.h"
#include "weiri/explain.h"
#include "weiri/exprtext.h"

/* ---- growth ---- */

static bool
is_bounded(const weiri_match *plan, const weiri_pattern *item)
{
    if (item->kind == WEIRI_PATTERN_STEP) {
        return plan->steps[item->step].gap_ns >= 0 || item->is_negated;
    }
    for (uint32_t i = 0; i < item->n_items; i++) {
        if (!is_bounded(plan, item->items[i])) {
            return false;
        }
    }
    return true;
}

static const weiri_pattern *
endless(const weiri_match *plan, const weiri_pattern *pattern)
{
    bool loops = pattern->max > 1 && pattern->inner != WEIRI_INNER_NEXT;
    if (loops && !is_bounded(plan, pattern)) {
        return pattern;
    }
    bool is_begun = false; /* something before it takes an event */
    for (uint32_t i = 0; i < pattern->n_items; i++) {
        const weiri_pattern *item  = pattern->items[i];
        bool                 waits = item->contiguity == WEIRI_FOLLOWED
                     || item->contiguity == WEIRI_FOLLOWED_ANY
                     || pattern->kind == WEIRI_PATTERN_AND;
        if (is_begun && waits && !item->is_negated && !is_bounded(plan, item)) {
            return item;
        }
        const weiri_pattern *inside = endless(plan, item);
        if (inside != NULL) {
            return inside;
        }
        is_begun = is_begun || !item->is_negated;
    }
    return NULL;
}

const weiri_pattern *
weiri_pattern_endless(const weiri_match *plan)
{
    return endless(plan, plan->pattern);
}

/* The longest time that an event may lie back of the next; -1: there is no such bound. */
static int64_t
longest_gap(const weiri_match *plan)
{
    int64_t longest = -1;
    for (uint32_t s = 0; s < plan->n_steps; s++) {
        int64_t gap = plan->steps[s].gap_ns;
        longest     = gap > longest ? gap : longest;
    }
    return longest;
}

static void
set_growth(weiri_arena *arena, const weiri_match *plan, weiri_state_size *state)
{
    const weiri_pattern *waits = weiri_pattern_endless(plan);
    state->rows                = plan->max_runs;
    state->span_ns             = plan->within_ns;
    if (plan->silence_ns >= 0 || plan->n_steps == 1) {
        bool is_one   = plan->silence_ns >= 0 || plan->pattern->max == 1;
        state->growth = is_one ? WEIRI_GROWTH_CONSTANT : state->growth;
        if (is_one) {
            return;
        }
    }
    if (plan->within_ns >= 0) {
        state->growth = WEIRI_GROWTH_WITHIN;
    } else if (waits != NULL) {
        state->growth = WEIRI_GROWTH_ENDLESS;
        state->waits  = weiri_pattern_name(arena, plan, waits);
    } else {
        state->span_ns = longest_gap(plan);
        state->growth  = state->span_ns >= 0 ? WEIRI_GROWTH_WITHIN : WEIRI_GROWTH_NEXT;
    }
}

/* ---- the planner's reasons ---- */

/* Whether the candidate would take the rule without these parts. A rule of which no
 * automaton can be made is nobody's. */
static bool
takes_without(weiri_arena *arena, const weiri_candidate *candidate,
    const weiri_match *plan, const weiri_edit *edits, uint32_t n)
{
    weir_error         err       = { 0 };
    weiri_automaton   *automaton = NULL;
    const weiri_match *changed   = weiri_edit_apply(arena, plan, edits, n);
    bool               takes = weiri_automaton_new(changed, &automaton, &err) == WEIR_OK
                 && candidate->takes(changed, automaton);
    weiri_automaton_destroy(&automaton);
    return takes;
}

/* What of a rule an executor could mind. A rule has one `skip`, so one change of it is
 * tried at a time. */
static uint32_t
parts_of(weiri_arena *arena, const weiri_match *plan, weiri_edit_kind other_skip,
    weiri_edit **out)
{
    weiri_edit *all    = NULL;
    weiri_edit *parts  = NULL;
    uint32_t    n_left = 0;
    uint32_t    n      = weiri_edits_of(arena, plan, &all);
    for (uint32_t i = 0; i < n; i++) {
        bool is_about_events = all[i].kind == WEIRI_EDIT_TERM
                               || all[i].kind == WEIRI_EDIT_WHERE
                               || all[i].kind == WEIRI_EDIT_ELEMENT;
        if (!is_about_events && all[i].kind != other_skip) {
            WEIRI_ARENA_PUSH(arena, parts, n_left, all[i]);
        }
    }
    *out = parts;
    return n_left;
}

/* Which parts of the rule keep the candidate from taking it: all that could be taken
 * away, less, one after another, each without which it is refused just the same. */
static weiri_refusal
refusal_of(weiri_arena *arena, const weiri_candidate *candidate, const weiri_match *plan)
{
    weiri_refusal refusal = { .executor = candidate->ops->name };
    weiri_edit   *left    = NULL;
    uint32_t      n_left  = parts_of(arena, plan, WEIRI_EDIT_OVERLAPS, &left);
    if (!takes_without(arena, candidate, plan, left, n_left)) {
        n_left = parts_of(arena, plan, WEIRI_EDIT_SKIP, &left);
    }
    if (!takes_without(arena, candidate, plan, left, n_left)) {
        return refusal;
    }
    for (uint32_t i = n_left; i-- > 0;) {
        weiri_edit kept = left[i];
        memmove(left + i, left + i + 1, (n_left - i - 1) * sizeof *left);
        if (takes_without(arena, candidate, plan, left, n_left - 1)) {
            n_left--;
        } else {
            memmove(left + i + 1, left + i, (n_left - i - 1) * sizeof *left);
            left[i] = kept;
        }
    }
    refusal.because = left;
    refusal.n       = n_left;
    return refusal;
}

static void
set_refusals(weiri_arena *arena, const weiri_match *plan,
    const weiri_automaton *automaton, weiri_match_facts *out)
{
    weiri_refusal         *refusals  = NULL;
    const weiri_candidate *candidate = weiri_candidate_at(0);
    for (uint32_t i = 1; !candidate->takes(plan, automaton); i++) {
        WEIRI_ARENA_PUSH(
            arena, refusals, out->n_refusals, refusal_of(arena, candidate, plan));
        candidate = weiri_candidate_at(i);
    }
    out->refusals = refusals;
    out->because  = candidate->because;
}

/* ---- conditions ---- */

static void
add_condition(weiri_arena *arena, const weiri_match *plan, uint32_t step,
    const weiri_expr *expr, weiri_evaluation_kind kind, weiri_match_facts *out)
{
    if (expr == NULL) {
        return;
    }
    const weiri_expr_names names = {
        .schema    = plan->inputs[plan->steps[step].input].schema,
        .registers = weiri_register_texts(arena, plan),
    };
    weiri_condition_fact fact = { .step = plan->steps[step].name,
        .text                           = weiri_expr_text(arena, expr, &names),
        .kind                           = kind };
    WEIRI_ARENA_PUSH(arena, out->conditions, out->n_conditions, fact);
}

static void
set_conditions(weiri_arena *arena, const weiri_match *plan, uint64_t looked_up,
    weiri_match_facts *out)
{
    for (uint32_t s = 0; s < plan->n_steps; s++) {
        const weiri_condition *where        = &plan->steps[s].where;
        bool                   is_looked_up = (looked_up >> s & 1) != 0;
        add_condition(arena, plan, s, where->unary, WEIRI_BY_COLUMN, out);
        add_condition(arena, plan, s, where->correlated,
            is_looked_up ? WEIRI_BY_LOOKUP : WEIRI_BY_ROW, out);
    }
}

/* ---- the whole ---- */

static weiri_facts
facts_of(const weiri_matcher *matcher)
{
    const weiri_executor     *executor = weiri_matcher_executor(matcher);
    const weiri_executor_ops *ops      = weiri_matcher_ops(matcher);
    return ops == &WEIRI_RINGS    ? weiri_rings_facts(executor)
           : ops == &WEIRI_STACKS ? weiri_stacks_facts(executor)
           : ops == &WEIRI_SETS   ? weiri_sets_facts(executor)
                                  : weiri_runs_facts(executor);
}

weir_status
weiri_explain_match(
    weiri_arena *arena, const weiri_match *plan, weiri_match_facts *out, weir_error *err)
{
    const weiri_match_sink sink    = { .context = NULL };
    weiri_matcher         *matcher = NULL;
    *out                           = (weiri_match_facts){ .executor = NULL };
    weir_status status             = weiri_matcher_new(plan, &sink, &matcher, err);
    if (status != WEIR_OK) {
        return status;
    }
    weiri_facts facts = facts_of(matcher);
    out->executor     = weiri_matcher_executor_name(matcher);
    out->state        = (weiri_state_size){ .unit = facts.unit,
               .unit_bytes                        = facts.unit_bytes,
               .taken_bytes                       = facts.taken_bytes };
    out->state.key_bytes =
        (uint32_t)(sizeof(weiri_partition)
                   + weiri_matcher_ops(matcher)->state_size(weiri_matcher_core(matcher)));
    set_refusals(arena, plan, weiri_matcher_core(matcher)->automaton, out);
    weiri_matcher_destroy(&matcher);
    set_growth(arena, plan, &out->state);
    set_conditions(arena, plan, facts.looked_up, out);
    return WEIR_OK;
}
