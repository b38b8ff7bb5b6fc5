/* Joins and lookups in plain English. */
#include <string.h>

#include "weiri/exprtext.h"
#include "words.h"

/* ---- which there are ---- */

static const weiri_join *
join_that_gives(const weiri_plan *plan, uint32_t stream)
{
    for (uint32_t i = 0; i < plan->n_rules; i++) {
        if (plan->rules[i].join != NULL && plan->rules[i].join->stream == stream) {
            return plan->rules[i].join;
        }
    }
    return NULL;
}

const weiri_query *
fill_of(const weiri_plan *plan, uint32_t stream)
{
    for (uint32_t i = 0; i < plan->n_rules; i++) {
        const weiri_query *query = plan->rules[i].query;
        if (query != NULL && query->emit->stream == stream && query->window != NULL
            && query->window->kind == WEIRI_WINDOW_LINEAR) {
            return query;
        }
    }
    return NULL;
}

const weiri_query *
fill_before(const weiri_plan *plan, const weiri_rule *rule)
{
    uint32_t           stream = rule->query == NULL         ? WEIRI_NONE
                                : rule->query->fold != NULL ? rule->query->fold->sides[0].stream
                                                            : rule->query->stream;
    const weiri_query *fill   = NULL;
    while (stream != WEIRI_NONE && fill == NULL) {
        const weiri_join *join = join_that_gives(plan, stream);
        fill                   = fill_of(plan, stream);
        stream                 = join != NULL ? join->sides[0].stream : WEIRI_NONE;
    }
    return fill;
}

struct joins {
    const weiri_join **items;
    uint32_t           n;
};

static void
add_joins(weiri_arena *arena, const weiri_plan *plan, uint32_t stream, struct joins *to)
{
    const weiri_query *fill = fill_of(plan, stream);
    const weiri_join  *join = join_that_gives(plan, fill != NULL ? fill->stream : stream);
    if (join == NULL) {
        return;
    }
    add_joins(arena, plan, join->sides[0].stream, to);
    add_joins(arena, plan, join->sides[1].stream, to);
    WEIRI_ARENA_PUSH(arena, to->items, to->n, join);
}

uint32_t
joins_of(weiri_arena *arena, const weiri_plan *plan, const weiri_rule *rule,
    const weiri_join ***out)
{
    struct joins joins = { .n = 0 };
    if (rule->query != NULL && rule->query->fold != NULL) {
        add_joins(arena, plan, rule->query->fold->sides[0].stream, &joins);
        WEIRI_ARENA_PUSH(arena, joins.items, joins.n, rule->query->fold);
    } else if (rule->query != NULL) {
        add_joins(arena, plan, rule->query->stream, &joins);
    }
    for (uint32_t i = 0; rule->match != NULL && i < rule->match->n_inputs; i++) {
        add_joins(arena, plan, rule->match->inputs[i].stream, &joins);
    }
    *out = joins.items;
    return joins.n;
}

bool
words_join_is_lookup(const weiri_plan *plan, const weiri_join *join)
{
    return plan->streams[join->sides[1].stream].origin == WEIRI_ORIGIN_TABLE;
}

/* ---- what they mean ---- */

const char *
words_of_stream(weiri_arena *arena, const weiri_plan *plan, uint32_t stream)
{
    uint32_t           place = weiri_plan_place(plan, stream);
    const char        *name  = plan->streams[place].schema.name;
    const weiri_query *fill  = fill_of(plan, place);
    if (fill != NULL) {
        return weiri_arena_format(
            arena, "filled %s", words_of_stream(arena, plan, fill->stream));
    }
    if (plan->streams[place].origin == WEIRI_ORIGIN_JOIN) {
        return "joined";
    }
    if (plan->streams[place].origin == WEIRI_ORIGIN_TABLE) {
        return weiri_arena_format(arena, "table '%.*s'", (int)strcspn(name, ","), name);
    }
    return weiri_arena_format(arena, "'%s'", name);
}

static const char *
keys_words(weiri_arena *arena, const weiri_join *join)
{
    const weiri_expr_names left  = { .schema = join->sides[0].schema };
    const weiri_expr_names right = { .schema = join->sides[1].schema };
    const char            *text  = "";
    for (uint32_t i = 0; i < join->n_keys; i++) {
        text = weiri_arena_format(arena, "%s%s%s == %s", text, i > 0 ? " and " : "",
            weiri_expr_text(arena, join->sides[0].keys[i], &left),
            weiri_expr_text(arena, join->sides[1].keys[i], &right));
    }
    return text;
}

static const char *
and_where(weiri_arena *arena, const char *text, const weiri_expr *where,
    const weir_schema *schema)
{
    const weiri_expr_names names = { .schema = schema };
    return where == NULL
               ? text
               : weiri_arena_format(arena, "%s%s%s", text, text[0] != '\0' ? " and " : "",
                   weiri_expr_text(arena, where, &names));
}

const char *
words_of_join(weiri_arena *arena, const weiri_plan *plan, const weiri_join *join)
{
    const char *left  = words_of_stream(arena, plan, join->sides[0].stream);
    const char *right = words_of_stream(arena, plan, join->sides[1].stream);
    const char *on    = keys_words(arena, join);
    if (words_join_is_lookup(plan, join)) {
        return weiri_arena_format(arena,
            "The row of %s with %s, as it is at the time of the event of %s%s.", right,
            on, left, join->is_left ? "" : "; without one the event is left out");
    }
    on = and_where(arena, on, join->sides[0].where, join->sides[0].schema);
    on = and_where(arena, on, join->sides[1].where, join->sides[1].schema);
    on = and_where(arena, on, join->where, join->schema);
    if (join->kind == WEIRI_JOIN_ASOF) {
        const char *age = join->within_ns < 0
                              ? ""
                              : weiri_arena_format(arena, ", if it is at most %s old",
                                  words_of_duration(arena, join->within_ns));
        return weiri_arena_format(arena,
            "Each event of %s with the latest of %s%s%s%s%s.", left, right,
            on[0] != '\0' ? " where " : "", on, age,
            join->is_left ? "; without one, with nulls" : "");
    }
    return weiri_arena_format(arena, "Events of %s and %s%s%s, at most %s apart%s.", left,
        right, on[0] != '\0' ? " where " : "", on,
        words_of_duration(arena, join->within_ns),
        join->is_left ? weiri_arena_format(
            arena, "; one of the left that has found none by then, with nulls")
                      : "");
}

const char *
words_of_join_state(weiri_arena *arena, const weiri_plan *plan, const weiri_join *join)
{
    uint32_t    most  = join->max_rows > 0 ? join->max_rows : WEIRI_JOIN_ROWS;
    uint32_t    left  = weiri_join_row_bytes(join, 0);
    uint32_t    right = weiri_join_row_bytes(join, 1);
    const char *rest =
        join->stops_when_full ? "the run stops" : "the oldest is dropped and counted";
    const char *text = "besides text";
    const char *span = join->within_ns < 0 ? ""
                                           : weiri_arena_format(arena, " for %s",
                                               words_of_duration(arena, join->within_ns));
    if (words_join_is_lookup(plan, join)) {
        return weiri_arena_format(arena,
            "Each row%s, about %u bytes %s. It grows with the rows of the table, to "
            "%u; then %s.",
            span, right, text, most,
            join->stops_when_full ? rest
                                  : "the one written longest ago is dropped and counted");
    }
    if (join->kind == WEIRI_JOIN_ASOF) {
        return weiri_arena_format(arena,
            "The latest event of each key of the right%s, about %u bytes %s. It grows "
            "with the keys, to %u; then %s.",
            span, right, text, most, rest);
    }
    return weiri_arena_format(arena,
        "Each event of both%s, about %u bytes of the left and %u of the right %s. It "
        "grows "
        "with the events in that time, to %u of each; then %s.",
        span, left, right, text, most, rest);
}

/* ---- fills ---- */

const char *
words_of_fill(weiri_arena *arena, const weiri_plan *plan, const weiri_query *fill)
{
    const weiri_window *window = fill->window;
    const char         *names  = "";
    for (uint32_t a = 0; a < window->n_aggregates; a++) {
        if (((window->linear >> a) & 1) != 0) {
            const uint32_t field = window->aggregates[a].argument->as.field;
            names                = weiri_arena_format(arena, "%s%s%s", names,
                names[0] != '\0' ? ", " : "", fill->schema->fields[field].name);
        }
    }
    return weiri_arena_format(arena,
        "Where %s is null in an event of %s, it lies on the line between the values "
        "before and after%s, if these are at most %s apart. Events wait for that, and "
        "are "
        "given in their order.",
        names, words_of_stream(arena, plan, fill->stream),
        window->n_keys > 0 ? " of the same key" : "",
        words_of_duration(arena, window->width_ns));
}

const char *
words_of_fill_state(weiri_arena *arena, const weiri_query *fill)
{
    return weiri_arena_format(arena,
        "The last value of each key for %s, and the events that wait. It grows with the "
        "events in a gap, to %d of a key; then the oldest is given as it is and counted.",
        words_of_duration(arena, fill->window->width_ns), WEIRI_WINDOW_ROWS);
}
