/* The facts of a query with a window. */
#include "aggregate/slide.h"
#include "weiri/explain.h"
#include "weiri/exprtext.h"
#include "weiri/timetext.h"
#include "window/windower.h"

static const char *
duration(weiri_arena *arena, int64_t ns)
{
    char   text[WEIRI_DURATION_TEXT];
    size_t size = weiri_duration_format(ns, text);
    return weiri_arena_text(arena, text, size);
}

/* ---- aggregates as text ---- */

static const char *
name_of(const weiri_aggregate *aggregate)
{
    static const char *const NAMES[] = {
#define X(name, text) [WEIRI_AGGREGATE_##name] = (text),
        WEIRI_AGGREGATE_LIST(X)
#undef X
    };
    return aggregate->foreign != NULL ? aggregate->foreign->name : NAMES[aggregate->kind];
}

static const char *
arguments_of(weiri_arena *arena, const weiri_aggregate *aggregate, const char *argument,
    const char *second)
{
    char number[WEIRI_DURATION_TEXT];
    switch (aggregate->kind) {
    case WEIRI_AGGREGATE_TOP:
        return weiri_arena_format(arena, "%u, %s", aggregate->k, argument);
    case WEIRI_AGGREGATE_LAG:
        return aggregate->k == 1
                   ? argument
                   : weiri_arena_format(arena, "%s, %u", argument, aggregate->k);
    case WEIRI_AGGREGATE_QUANTILE:
        return weiri_arena_format(arena, "%s, %g", argument, aggregate->p);
    case WEIRI_AGGREGATE_EWMA:
        (void)weiri_duration_format(aggregate->width_ns, number);
        return weiri_arena_format(arena, "%s, %s", argument, number);
    case WEIRI_AGGREGATE_CORRELATION:
        return weiri_arena_format(arena, "%s, %s", argument, second);
    case WEIRI_AGGREGATE_PLUGIN:
        return aggregate->second == NULL
                   ? argument
                   : weiri_arena_format(arena, "%s, %s", argument, second);
    default: return argument;
    }
}

static const char *
aggregate_text(
    weiri_arena *arena, const weiri_query *plan, const weiri_aggregate *aggregate)
{
    const weiri_expr_names names = { .schema = plan->schema };
    switch (aggregate->kind) {
    case WEIRI_AGGREGATE_KEY:
        return weiri_expr_text(arena, plan->window->keys[aggregate->index], &names);
    case WEIRI_AGGREGATE_START: return "window.start";
    case WEIRI_AGGREGATE_END: return "window.end";
    default: break;
    }
    const char *argument = aggregate->argument == NULL
                               ? ""
                               : weiri_expr_text(arena, aggregate->argument, &names);
    const char *second   = aggregate->second == NULL
                               ? ""
                               : weiri_expr_text(arena, aggregate->second, &names);
    const char *text     = weiri_arena_format(arena, "%s(%s)", name_of(aggregate),
            arguments_of(arena, aggregate, argument, second));
    return aggregate->filter == NULL
               ? text
               : weiri_arena_format(arena, "%s where %s", text,
                   weiri_expr_text(arena, aggregate->filter, &names));
}

const char *const *
weiri_aggregate_texts(weiri_arena *arena, const weiri_query *plan)
{
    const weiri_window *window = plan->window;
    const char        **texts =
        weiri_arena_alloc(arena, (window->n_aggregates + 1) * sizeof *texts);
    for (uint32_t i = 0; i < window->n_aggregates; i++) {
        texts[i] = aggregate_text(arena, plan, &window->aggregates[i]);
    }
    return texts;
}

/* ---- the kind of window ---- */

static bool
is_per_event(const weiri_windower *self)
{
    return self->ops == &weiri_sliding_ops || self->ops == &weiri_flowing_ops;
}

/* Windows that close are merged from parts, or added to event by event. */
static const char *
way_of_closed(const weiri_windower *self)
{
    return self->ops == &weiri_hopping_ops ? "merge" : "add";
}

static void
set_aggregates(weiri_arena *arena, const weiri_windower *self, weiri_window_facts *out)
{
    const char *const *texts = weiri_aggregate_texts(arena, self->plan);
    for (uint32_t i = 0; i < self->n_active; i++) {
        uint32_t             a    = self->active[i];
        weiri_aggregate_fact fact = { .text = texts[a],
            .way = is_per_event(self) ? weiri_slide_way(&self->window->aggregates[a])
                                      : way_of_closed(self) };
        WEIRI_ARENA_PUSH(arena, out->aggregates, out->n_aggregates, fact);
    }
}

static void
set_panes(weiri_arena *arena, const weiri_windower *self, weiri_window_facts *out)
{
    const weiri_window *window = self->window;
    int64_t             n      = window->width_ns / self->pane_ns;
    out->way                   = "panes";
    out->because =
        window->kind == WEIRI_WINDOW_HOPPING
            ? weiri_arena_format(arena,
                "spans that overlap share their parts: %lld pane%s of %s, the "
                "largest time that divides both %s and %s",
                (long long)n, n == 1 ? "" : "s", duration(arena, self->pane_ns),
                duration(arena, window->width_ns), duration(arena, window->every_ns))
            : "one pane a span; `fill`, `when changes` or `limit` "
              "has to know a key after its span has closed";
    out->state.unit       = "panes";
    out->state.unit_bytes = (uint32_t)(2 * sizeof(uint64_t) + self->states_size);
    out->state.growth     = WEIRI_GROWTH_ROWS;
    out->state.rows       = (uint32_t)n + 1;
}

static void
set_rows(const weiri_windower *self, weiri_window_facts *out)
{
    const weiri_window *window  = self->window;
    bool                is_last = window->kind == WEIRI_WINDOW_LAST;
    out->way                    = self->ops == &weiri_flowing_ops ? "queue" : "rows";
    out->because                = self->ops == &weiri_flowing_ops
                                      ? "no aggregate has to look at other rows of its key, so the rows "
                                        "of all keys stand in one queue, in order of time"
                                  : is_last ? "a ring of a key's last rows"
                                            : "an aggregate looks at the key's other rows, or `reset` "
                                              "empties them, so each key has a ring of rows";
    out->state.unit             = "rows";
    out->state.unit_bytes       = self->stride * (uint32_t)sizeof(uint64_t);
    out->state.growth           = is_last ? WEIRI_GROWTH_ROWS : WEIRI_GROWTH_WITHIN;
    out->state.span_ns          = window->width_ns;
    out->state.rows             = is_last                ? window->n_rows
                                  : window->max_rows > 0 ? window->max_rows
                                                         : (uint32_t)WEIRI_WINDOW_ROWS;
}

static void
set_way(weiri_arena *arena, const weiri_windower *self, weiri_window_facts *out)
{
    out->state.key_bytes = (uint32_t)(self->keys.size + sizeof(weiri_key_slot));
    out->state.growth    = WEIRI_GROWTH_CONSTANT;
    out->state.span_ns   = -1;
    if (is_per_event(self)) {
        set_rows(self, out);
    } else if (self->ops == &weiri_hopping_ops) {
        set_panes(arena, self, out);
    } else if (self->ops == &weiri_session_ops) {
        out->way     = "session";
        out->because = "one running state a key; open sessions stand in a list by their "
                       "last event, which is the order in which they end";
    } else if (self->ops == &weiri_running_ops) {
        out->way     = "running";
        out->because = "nothing leaves the window before all of it does, so one running "
                       "state a key is added to";
    } else {
        out->way     = "tumbling";
        out->because = "one running state a key and nothing to remember from one span to "
                       "the next, so the table is emptied as a whole";
    }
}

/* Aggregates whose state is the values themselves. */
static void
set_besides(weiri_arena *arena, const weiri_windower *self, weiri_window_facts *out)
{
    bool has_values = false;
    bool has_list   = false;
    for (uint32_t a = 0; a < self->window->n_aggregates; a++) {
        weiri_aggregate_kind kind = self->window->aggregates[a].kind;
        has_values |= kind == WEIRI_AGGREGATE_MEDIAN || kind == WEIRI_AGGREGATE_QUANTILE
                      || kind == WEIRI_AGGREGATE_DISTINCT || kind == WEIRI_AGGREGATE_TOP;
        has_list |= kind == WEIRI_AGGREGATE_COLLECT && !is_per_event(self);
    }
    if (has_values && is_per_event(self)) {
        out->state.besides = "Besides, the different values in the window are kept";
    } else if (has_values || has_list) {
        out->state.besides = weiri_arena_format(arena, "Besides, values are kept: %s%s%s",
            has_values ? "the first 65536 at most, then a sketch of fixed size" : "",
            has_values && has_list ? "; " : "",
            has_list ? "of a list the first 10000" : "");
    }
}

static weir_status
nobody(void *context, int64_t time_ns, const weir_value *values)
{
    (void)context;
    (void)time_ns;
    (void)values;
    return WEIR_OK;
}

weir_status
weiri_explain_window(
    weiri_arena *arena, const weiri_query *plan, weiri_window_facts *out, weir_error *err)
{
    const weiri_window_sink sink = { .emitted = nobody };
    weiri_windower         *self = NULL;
    *out                         = (weiri_window_facts){ .way = NULL };
    weir_status status           = weiri_windower_new(plan, &sink, &self, err);
    if (status != WEIR_OK) {
        return status;
    }
    set_way(arena, self, out);
    set_besides(arena, self, out);
    set_aggregates(arena, self, out);
    weiri_windower_destroy(&self);
    return WEIR_OK;
}
