#include "words.h"

#include <string.h>

#include "weiri/exprtext.h"
#include "weiri/timetext.h"

const char *
words_of_duration(weiri_arena *arena, int64_t ns)
{
    char   text[WEIRI_DURATION_TEXT];
    size_t size = weiri_duration_format(ns, text);
    return weiri_arena_text(arena, text, size);
}

/* "an 'intrusion' event". */
static const char *
one_event(weiri_arena *arena, const char *stream)
{
    bool is_vowel = stream[0] != '\0' && strchr("aeiouAEIOU", stream[0]) != NULL;
    return weiri_arena_format(arena, "a%s '%s' event", is_vowel ? "n" : "", stream);
}

/* ---- patterns ---- */

typedef struct wording {
    weiri_arena       *arena;
    const weiri_plan  *plan;
    const weiri_match *match;
} wording;

static const char *
condition_words(const wording *self, const weiri_condition *where, uint32_t input)
{
    const weiri_expr     **terms = NULL;
    const weiri_expr_names names = { .schema = self->match->inputs[input].schema,
        .registers = weiri_register_texts(self->arena, self->match) };
    uint32_t               n     = weiri_condition_terms(self->arena, where, &terms);
    const char            *text  = "";
    for (uint32_t i = 0; i < n; i++) {
        text = weiri_arena_format(self->arena, "%s%s%s", text, i > 0 ? " and " : "",
            weiri_expr_text(self->arena, terms[i], &names));
    }
    return text;
}

static const char *
count_words(weiri_arena *arena, const weiri_pattern *p)
{
    if (p->min == 1 && p->max == 1) {
        return "one";
    }
    if (p->max == WEIRI_UNBOUNDED) {
        return p->min == 0   ? "any number of"
               : p->min == 1 ? "one or more"
                             : weiri_arena_format(arena, "%u or more", p->min);
    }
    if (p->min == 0) {
        return p->max == 1 ? "perhaps one"
                           : weiri_arena_format(arena, "at most %u", p->max);
    }
    return p->min == p->max ? weiri_arena_format(arena, "%u", p->min)
                            : weiri_arena_format(arena, "%u to %u", p->min, p->max);
}

static bool
is_plain_one(const weiri_pattern *p)
{
    return p->max == 1;
}

/* "`auth` event", and what it has to be like. */
static const char *
event_words(const wording *self, const weiri_pattern *p)
{
    const weiri_step *step   = &self->match->steps[p->step];
    const char       *stream = self->match->inputs[step->input].schema->name;
    const char       *where  = condition_words(self, &step->where, step->input);
    const char       *text   = weiri_arena_format(
                self->arena, "'%s' event%s", stream, is_plain_one(p) ? "" : "s");
    if (strncmp(step->name, stream, strlen(stream)) != 0) {
        text = weiri_arena_format(self->arena, "%s ('%s')", text, step->name);
    }
    if (where[0] != '\0') {
        text = weiri_arena_format(self->arena, "%s with %s", text, where);
    }
    if (step->gap_ns >= 0 && !p->is_negated) {
        text = weiri_arena_format(self->arena, "%s, at most %s after the event before",
            text, words_of_duration(self->arena, step->gap_ns));
    }
    return text;
}

static const char *
repetition_words(const wording *self, const weiri_pattern *p)
{
    const char *text = "";
    if (p->max == 1) {
        return text;
    }
    if (p->inner == WEIRI_INNER_NEXT) {
        text = ", directly one after another";
    } else if (p->inner == WEIRI_INNER_ANY) {
        text = ", in every combination";
    }
    if (p->preference != WEIRI_PREFER_BOTH) {
        text = weiri_arena_format(self->arena, "%s, as %s as possible", text,
            p->preference == WEIRI_PREFER_GREEDY ? "many" : "few");
    }
    if (p->until != NULL) {
        const weiri_pattern *first = p;
        while (first->kind != WEIRI_PATTERN_STEP) {
            first = first->items[0];
        }
        text = weiri_arena_format(self->arena, "%s, until one with %s", text,
            condition_words(self, p->until, self->match->steps[first->step].input));
    }
    return text;
}

static const char *
pattern_words(const wording *self, const weiri_pattern *p);

static const char *
negation_words(const wording *self, const weiri_pattern *p, bool is_first, bool is_last)
{
    const char *event = event_words(self, p);
    if (is_first) {
        return weiri_arena_format(self->arena, "no %s before it, then ", event);
    }
    if (p->contiguity == WEIRI_NEXT) {
        return weiri_arena_format(self->arena, "; the very next event is no %s", event);
    }
    return weiri_arena_format(self->arena,
        is_last ? "; and then no %s until the time is up" : "; no %s until then", event);
}

static const char *
sequence_words(const wording *self, const weiri_pattern *p)
{
    static const char *const JOINS[]  = { [WEIRI_FIRST] = "",
         [WEIRI_NEXT]                                   = "; as the very next event ",
         [WEIRI_FOLLOWED]                               = "; then ",
         [WEIRI_FOLLOWED_ANY]                           = "; then, each time anew, " };
    const char              *text     = "";
    bool                     is_begun = false;
    for (uint32_t i = 0; i < p->n_items; i++) {
        const weiri_pattern *item = p->items[i];
        if (item->is_negated) {
            text = weiri_arena_format(self->arena, "%s%s", text,
                negation_words(self, item, !is_begun, i + 1 == p->n_items));
            continue;
        }
        const char *join = is_begun ? JOINS[item->contiguity] : "";
        text             = weiri_arena_format(
                        self->arena, "%s%s%s", text, join, pattern_words(self, item));
        is_begun = true;
    }
    return text;
}

static const char *
joined_words(const wording *self, const weiri_pattern *p)
{
    bool        is_or = p->kind == WEIRI_PATTERN_OR;
    const char *text  = is_or ? "either " : "in any order ";
    for (uint32_t i = 0; i < p->n_items; i++) {
        const weiri_pattern *item = p->items[i];
        text                      = weiri_arena_format(self->arena, "%s%s%s", text,
            i == 0  ? ""
                                 : is_or ? " or "
                                         : " and ",
            item->is_negated
                                     ? weiri_arena_format(self->arena, "no %s", event_words(self, item))
                                     : pattern_words(self, item));
    }
    return text;
}

static const char *
pattern_words(const wording *self, const weiri_pattern *p)
{
    if (p->kind == WEIRI_PATTERN_STEP) {
        return weiri_arena_format(self->arena, "%s %s%s", count_words(self->arena, p),
            event_words(self, p), repetition_words(self, p));
    }
    const char *body = p->kind == WEIRI_PATTERN_SEQUENCE ? sequence_words(self, p)
                                                         : joined_words(self, p);
    if (p->min == 1 && p->max == 1) {
        return body;
    }
    return weiri_arena_format(self->arena, "%s times (%s)%s", count_words(self->arena, p),
        body, repetition_words(self, p));
}

/* ---- rules ---- */

/* "For each ip by itself, ". */
static const char *
key_words(weiri_arena *arena, const weir_schema *schema, const weiri_expr *const *keys,
    uint32_t n)
{
    const weiri_expr_names names = { .schema = schema };
    const char            *text  = "";
    for (uint32_t i = 0; i < n; i++) {
        text = weiri_arena_format(arena, "%s%s%s", text, i > 0 ? " and " : "",
            weiri_expr_text(arena, keys[i], &names));
    }
    return n == 0 ? "" : weiri_arena_format(arena, "for each %s by itself, ", text);
}

static const char *
skip_words(const weiri_match *match)
{
    if (match->silence_ns >= 0) {
        return "that is said once, until another comes";
    }
    switch (match->skip) {
    case WEIRI_SKIP_OVERLAPS:
        return match->n_keys > 0 ? "everything else that was under way for the key is "
                                   "then dropped, so no event is in two matches"
                                 : "everything else that was under way is then dropped, "
                                   "so no event is in two matches";
    case WEIRI_SKIP_USED: return "what shares an event with it is then dropped";
    case WEIRI_SKIP_USED_LATEST:
        return "of several that complete together the one that began last is given, and "
               "what shares an event with it is dropped";
    case WEIRI_SKIP_NONE: return "every match there is is given";
    case WEIRI_SKIP_TO_NEXT:
        return "it is held until nothing that began earlier is under way, and what began "
               "with its first event is then dropped";
    case WEIRI_SKIP_PAST_LAST:
        return "it is held until nothing that began earlier is under way, and what began "
               "by its last event is then dropped";
    case WEIRI_SKIP_TO_FIRST:
    case WEIRI_SKIP_TO_LAST:
        return "it is held until nothing that began earlier is under way, and what began "
               "before the step that `skip` names is then dropped";
    }
    return "";
}

static const char *
capital(weiri_arena *arena, const char *text)
{
    char *copy = weiri_arena_text(arena, text, strlen(text));
    if (copy[0] >= 'a' && copy[0] <= 'z') {
        copy[0] = (char)(copy[0] - 'a' + 'A');
    }
    return copy;
}

static const char *
match_words(const wording *self)
{
    const weiri_match *match = self->match;
    const char        *key   = match->n_inputs == 0
                                   ? ""
                                   : key_words(self->arena, match->inputs[0].schema,
                                       match->inputs[0].keys, match->n_keys);
    const char        *what  = pattern_words(self, match->pattern);
    if (match->silence_ns >= 0) {
        what = weiri_arena_format(self->arena, "one %s, and then none for %s",
            event_words(self, match->pattern),
            words_of_duration(self->arena, match->silence_ns));
    } else if (match->within_ns >= 0) {
        what = weiri_arena_format(self->arena, "%s; all within %s of the first event",
            what, words_of_duration(self->arena, match->within_ns));
    }
    const char *timeout = "";
    if (match->on_timeout != NULL) {
        timeout =
            weiri_arena_format(self->arena, " A partial match whose time is up makes %s.",
                one_event(self->arena,
                    self->plan->streams[match->on_timeout->stream].schema.name));
    }
    return capital(self->arena,
        weiri_arena_format(self->arena,
            "%slooks for this: %s. Each match makes %s; %s.%s", key, what,
            one_event(self->arena, self->plan->streams[match->emit->stream].schema.name),
            skip_words(match), timeout));
}

static const char *
offset_words(weiri_arena *arena, const weiri_window *window)
{
    int64_t offset = window->offset_ns;
    return offset == 0 ? ""
                       : weiri_arena_format(arena, ", %s %s than in step with the clock",
                           words_of_duration(arena, offset < 0 ? -offset : offset),
                           offset < 0 ? "earlier" : "later");
}

static const char *
span_words(weiri_arena *arena, const weiri_window *window)
{
    const char *width = words_of_duration(arena, window->width_ns);
    switch (window->kind) {
    case WEIRI_WINDOW_TUMBLING:
        return window->months > 0
                   ? weiri_arena_format(arena, "over each %s of the calendar%s",
                       window->months == 1    ? "month"
                       : window->months == 12 ? "year"
                                              : "quarter",
                       offset_words(arena, window))
                   : weiri_arena_format(arena, "over spans of %s, one after another%s",
                       width, offset_words(arena, window));
    case WEIRI_WINDOW_HOPPING:
        return weiri_arena_format(arena, "over spans of %s that begin each %s%s", width,
            words_of_duration(arena, window->every_ns), offset_words(arena, window));
    case WEIRI_WINDOW_SLIDING:
        return weiri_arena_format(arena, "at each event over the %s before it%s", width,
            window->is_before ? ", itself left out" : ", itself included");
    case WEIRI_WINDOW_LAST:
        return weiri_arena_format(arena, "at each event over the last %u%s",
            window->n_rows,
            window->is_before ? ", itself left out" : ", itself included");
    case WEIRI_WINDOW_SESSION:
        return weiri_arena_format(
            arena, "over sessions of events less than %s apart", width);
    case WEIRI_WINDOW_ALL:
        return weiri_arena_format(arena, "at each event over all so far%s",
            window->is_before ? ", itself left out" : ", itself included");
    case WEIRI_WINDOW_BATCH:
        return weiri_arena_format(
            arena, "over each %u events, one batch after another", window->n_rows);
    case WEIRI_WINDOW_LINEAR: break; /* of a made rule: words_of_fill */
    }
    return "";
}

/* "count(), sum(cents)": what the window is asked for. */
static const char *
aggregate_words(weiri_arena *arena, const weiri_query *query)
{
    const char *const *texts = weiri_aggregate_texts(arena, query);
    const char        *text  = "";
    for (uint32_t i = 0; i < query->window->n_aggregates; i++) {
        if (query->window->aggregates[i].kind > WEIRI_AGGREGATE_END) {
            text = weiri_arena_format(
                arena, "%s%s%s", text, text[0] != '\0' ? ", " : "", texts[i]);
        }
    }
    return text[0] != '\0' ? text : "nothing";
}

/* What holds results back: `having`, `when changes`, `order by`, `limit`. */
static const char *
window_words(weiri_arena *arena, const weiri_query *query, const char *stream)
{
    const weiri_window    *window = query->window;
    const weiri_expr_names names  = { .schema = query->schema,
         .registers                           = weiri_aggregate_texts(arena, query) };
    const char *text = weiri_arena_format(arena, "makes %s", one_event(arena, stream));
    if (window->having != NULL) {
        text = weiri_arena_format(
            arena, "%s where %s", text, weiri_expr_text(arena, window->having, &names));
    }
    if (window->has_changes) {
        text = weiri_arena_format(arena, "%s and was not so before", text);
    }
    uint32_t n_ordering = window->n_order - window->n_each;
    for (uint32_t i = 0; i < n_ordering; i++) {
        text = weiri_arena_format(arena, "%s%s %s%s", text,
            i == 0 ? ", in the order of" : " and",
            weiri_expr_text(arena, window->order[i].value, &names),
            window->order[i].is_descending ? ", the greatest first" : "");
    }
    if (window->order_limit > 0) {
        text = weiri_arena_format(arena, "%s, the first %u of %s", text,
            window->order_limit, window->n_each > 0 ? "each" : "them");
    }
    for (uint32_t i = n_ordering; i < window->n_order; i++) {
        text = weiri_arena_format(arena, "%s%s %s", text, i > n_ordering ? "," : "",
            weiri_expr_text(arena, window->order[i].value, &names));
    }
    if (window->limit > 0) {
        text = window->limit_ns >= 0
                   ? weiri_arena_format(arena, "%s, at most %u of a key in %s", text,
                       window->limit, words_of_duration(arena, window->limit_ns))
                   : weiri_arena_format(arena, "%s, %u in all", text, window->limit);
    }
    return text;
}

static const char *
query_words(weiri_arena *arena, const weiri_plan *plan, const weiri_query *query)
{
    const weiri_expr_names names  = { .schema = query->schema };
    const char            *from   = words_of_stream(arena, plan, query->stream);
    const char            *where  = query->where == NULL
                                        ? ""
                                        : weiri_arena_format(arena, " with %s",
                                            weiri_expr_text(arena, query->where, &names));
    const char            *stream = plan->streams[query->emit->stream].schema.name;
    if (query->actor != NULL) {
        return weiri_arena_format(arena, "Actor '%s' of a plugin takes %s events%s.",
            query->actor->actor->name, from,
            query->actor->n_keys > 0 ? ", each key's by themselves" : "");
    }
    if (query->window == NULL) {
        return weiri_arena_format(
            arena, "Each %s event%s makes %s.", from, where, one_event(arena, stream));
    }
    const weiri_window *window = query->window;
    return capital(
        arena, weiri_arena_format(arena, "%stakes %s events%s, works out %s %s, and %s.",
                   key_words(arena, query->schema, window->keys, window->n_keys), from,
                   where, aggregate_words(arena, query), span_words(arena, window),
                   window_words(arena, query, stream)));
}

const char *
words_of_rule(weiri_arena *arena, const weiri_plan *plan, const weiri_rule *rule)
{
    const wording self = { .arena = arena, .plan = plan, .match = rule->match };
    return rule->match != NULL ? match_words(&self)
                               : query_words(arena, plan, rule->query);
}

/* ---- facts ---- */

const char *
words_of_growth(weiri_arena *arena, const weiri_state_size *state)
{
    const char *each = state->unit == NULL
                           ? ""
                           : weiri_arena_format(arena, ", and %u for each of the %s",
                               state->unit_bytes, state->unit);
    if (state->taken_bytes > 0) {
        each = weiri_arena_format(arena, "%s with %u for each event that one has taken",
            each, state->taken_bytes);
    }
    const char *text = weiri_arena_format(arena, "%u bytes a key%s. %s%s",
        state->key_bytes, each, state->besides != NULL ? state->besides : "",
        state->besides != NULL ? ". " : "");
    switch (state->growth) {
    case WEIRI_GROWTH_CONSTANT:
        return weiri_arena_format(arena, "%sIt does not grow, whatever comes.", text);
    case WEIRI_GROWTH_NEXT:
        return weiri_arena_format(
            arena, "%sEach event lets go of what the one before left.", text);
    case WEIRI_GROWTH_WITHIN:
        return weiri_arena_format(arena,
            "%sIt grows with the events of a key in %s, and to %u at most.", text,
            words_of_duration(arena, state->span_ns), state->rows);
    case WEIRI_GROWTH_ROWS:
        return weiri_arena_format(
            arena, "%sThere are at most %u of them.", text, state->rows);
    case WEIRI_GROWTH_ENDLESS:
        return weiri_arena_format(arena,
            "%sNothing ends the wait for '%s': it grows with the events of a key until "
            "%u are kept, then the oldest goes. A `within` would bound it.",
            text, state->waits, state->rows);
    }
    return text;
}

const char *
words_of_evaluation(weiri_evaluation_kind kind)
{
    switch (kind) {
    case WEIRI_BY_COLUMN: return "over columns, a chunk of events at a time";
    case WEIRI_BY_LOOKUP:
        return "by lookup: an event's value finds the partial matches that wait for it";
    case WEIRI_BY_ROW: return "for each partial match that an event could extend";
    }
    return "";
}

const char *
words_of_refusal(
    weiri_arena *arena, const weiri_match *plan, const weiri_refusal *refusal)
{
    const char *text = "";
    for (uint32_t i = 0; i < refusal->n; i++) {
        text = weiri_arena_format(arena, "%s%s%s", text,
            i == 0                ? ""
            : i + 1 == refusal->n ? " and "
                                  : ", ",
            weiri_edit_text(arena, plan, &refusal->because[i]));
    }
    return refusal->n == 0
               ? weiri_arena_format(
                   arena, "not %s: the pattern has another shape", refusal->executor)
               : weiri_arena_format(arena, "not %s: it would take the rule without %s",
                   refusal->executor, text);
}

/* ---- time ---- */

/* Mark the streams that a stream is made of. */
static void
mark_streams(const weiri_plan *plan, uint32_t stream, bool *marks)
{
    if (marks[stream]) {
        return;
    }
    marks[stream] = true;
    if (plan->streams[stream].of != WEIRI_NONE) {
        mark_streams(plan, plan->streams[stream].of, marks);
    }
    for (uint32_t r = 0; r < plan->n_rules; r++) {
        const weiri_rule  *rule  = &plan->rules[r];
        const weiri_match *match = rule->match;
        if (rule->join != NULL) {
            for (uint32_t i = 0; rule->join->stream == stream && i < 2; i++) {
                mark_streams(plan, rule->join->sides[i].stream, marks);
            }
            continue;
        }
        if (match == NULL) {
            if (rule->query->emit->stream == stream) {
                mark_streams(plan, rule->query->stream, marks);
            }
            continue;
        }
        bool emits =
            match->emit->stream == stream
            || (match->on_timeout != NULL && match->on_timeout->stream == stream);
        for (uint32_t i = 0; emits && i < match->n_inputs; i++) {
            mark_streams(plan, match->inputs[i].stream, marks);
        }
    }
}

uint32_t
sources_of(
    weiri_arena *arena, const weiri_plan *plan, const weiri_rule *rule, uint32_t **out)
{
    bool    *marks = weiri_arena_alloc(arena, plan->n_streams + 1);
    uint32_t n     = 0;
    *out           = NULL;
    for (uint32_t i = 0; rule->match != NULL && i < rule->match->n_inputs; i++) {
        mark_streams(plan, rule->match->inputs[i].stream, marks);
    }
    if (rule->query != NULL) {
        mark_streams(plan, rule->query->stream, marks);
    }
    for (uint32_t s = 0; s < plan->n_sources; s++) {
        if (marks[plan->sources[s].stream]) {
            WEIRI_ARENA_PUSH(arena, *out, n, s);
        }
    }
    return n;
}

static bool
ends_in_absence(const weiri_pattern *p)
{
    while (p->kind == WEIRI_PATTERN_SEQUENCE && p->n_items > 0) {
        p = p->items[p->n_items - 1];
    }
    return p->is_negated && p->contiguity != WEIRI_NEXT;
}

static const char *
moment_words(const weiri_plan *plan, const weiri_rule *rule)
{
    if (rule->query != NULL) {
        const weiri_window *window = rule->query->window;
        if (window != NULL && window->kind == WEIRI_WINDOW_BATCH) {
            return "A result comes with the last event of its batch";
        }
        bool is_closed = window != NULL && window->kind != WEIRI_WINDOW_SLIDING
                         && window->kind != WEIRI_WINDOW_LAST
                         && window->kind != WEIRI_WINDOW_ALL;
        if (window == NULL && fill_before(plan, rule) != NULL) {
            return "A result comes with its event, or when the gap that it is in has "
                   "ended";
        }
        return is_closed ? "A result comes when time passes the end of its window"
                         : "A result comes with its event";
    }
    if (rule->match->silence_ns >= 0 || ends_in_absence(rule->match->pattern)) {
        return "A match comes when time passes its deadline, which no event has to "
               "reach; what still waits when the input ends is dropped";
    }
    if (rule->match->skip >= WEIRI_SKIP_TO_NEXT) {
        return "A match comes with its last event, or later, when what began earlier "
               "is over";
    }
    return "A match comes with its last event";
}

const char *
words_of_time(weiri_arena *arena, const weiri_plan *plan, const weiri_rule *rule)
{
    uint32_t   *sources = NULL;
    uint32_t    n       = sources_of(arena, plan, rule, &sources);
    const char *text    = "";
    int64_t     latest  = 0;
    for (uint32_t i = 0; i < n; i++) {
        const weiri_source *source = &plan->sources[sources[i]];
        latest = source->lateness_ns > latest ? source->lateness_ns : latest;
        text   = weiri_arena_format(arena, "%s%s'%s' waits %s for events that are late",
              text, i > 0 ? ", " : "", plan->streams[source->stream].schema.name,
            source->lateness_ns > 0 ? words_of_duration(arena, source->lateness_ns)
                                      : "not at all");
    }
    const char *moment = moment_words(plan, rule);
    if (n == 0) {
        return weiri_arena_format(arena,
            "%s. No source feeds the rule yet, so nothing is said of lateness.", moment);
    }
    return weiri_arena_format(arena,
        "%s. Events are taken in order of time once every source has passed them: %s%s. "
        "What comes later than that is counted as late and not seen by the rule.",
        moment, text,
        latest > 0 ? weiri_arena_format(arena,
            ", so what is found is told when an event %s newer has come",
            words_of_duration(arena, latest))
                   : "");
}
