/* What is legal and probably not meant. */
#include "planner_match.h"

#include "weiri/explain.h"

/* ---- state that grows ---- */

static const char *
name_of(const weiri_matching *self, const weiri_pattern *pattern)
{
    while (pattern->kind != WEIRI_PATTERN_STEP) {
        const weiri_pattern *next = pattern->items[0];
        for (uint32_t i = 0; i < pattern->n_items && next->is_negated; i++) {
            next = pattern->items[i];
        }
        pattern = next;
    }
    return self->match->steps[pattern->step].name;
}

static bool
can_hold(weiri_skip skip)
{
    return skip == WEIRI_SKIP_TO_NEXT || skip == WEIRI_SKIP_PAST_LAST
           || skip == WEIRI_SKIP_TO_FIRST || skip == WEIRI_SKIP_TO_LAST;
}

static void
warn_growth(weiri_matching *self, const weiri_pattern *waits)
{
    const weiri_match *match   = self->match;
    const char        *first   = name_of(self, match->pattern);
    const char        *awaited = name_of(self, waits);
    const char        *each    = match->n_keys > 0 ? " of each key" : "";
    if (waits->max > 1) {
        weiri_report(self->planner->diagnostics, WEIRI_W_STATE_GROWS, self->rule->name.at,
            "rule '%s' has no 'within': every partial match%s waits without end for "
            "more events of '%s'",
            self->rule->name.text, each, awaited);
    } else {
        weiri_report(self->planner->diagnostics, WEIRI_W_STATE_GROWS, self->rule->name.at,
            "rule '%s' has no 'within': every event%s that fits '%s' waits without end "
            "for '%s'",
            self->rule->name.text, each, first, awaited);
    }
    weiri_report_hint(self->planner->diagnostics,
        "its state grows until %u partial matches%s are kept, then the oldest is "
        "dropped; "
        "add 'within 10m'",
        (unsigned)match->max_runs, each);
}

void
weiri_warn_match(weiri_matching *self)
{
    const weiri_match *match = self->match;
    if (match->within_ns >= 0 || match->silence_ns >= 0) {
        return;
    }
    const weiri_pattern *waits = weiri_pattern_endless(match);
    if (waits != NULL) {
        warn_growth(self, waits);
    }
    if (waits != NULL && can_hold(match->skip)) {
        weiri_report(self->planner->diagnostics, WEIRI_W_HELD_FOR_EVER,
            self->rule->skip.at,
            "without 'within' a match can be held for ever: it waits until no partial "
            "match that began earlier is alive");
    }
}

/* ---- tables ---- */

void
weiri_warn_tables(weiri_planner *self)
{
    if (weiri_diagnostics_count(self->diagnostics, true) > 0) {
        return; /* who writes what is not known for sure */
    }
    for (uint32_t i = 0; i < self->n_tables; i++) {
        const weiri_table_info *table    = &self->tables[i];
        const weiri_ast_stream *declared = table->declared;
        const char             *name     = declared->name.text;
        if (self->streams[table->contents].is_broken || self->has_lost_names) {
            continue;
        }
        if (table->n_writers > 0 && declared->limit == NULL && declared->keep == NULL) {
            weiri_report(self->diagnostics, WEIRI_W_STATE_GROWS, declared->name.at,
                "rules write into table '%s', and it keeps every row for ever", name);
            weiri_report_hint(self->diagnostics,
                "it grows until %d rows are kept, then the one written longest ago is "
                "dropped; add 'limit 100000' or 'keep 30d'",
                WEIRI_JOIN_ROWS);
        }
        if (table->n_writers == 0 && !table->has_file) {
            weiri_report(self->diagnostics, WEIRI_W_NOT_FED, declared->name.at,
                "table '%s' has no file, and no rule writes into it", name);
        }
    }
}

/* ---- streams ---- */

void
weiri_warn_streams(weiri_planner *self)
{
    const weiri_plan *plan = self->plan;
    if (weiri_diagnostics_count(self->diagnostics, true) > 0) {
        return; /* who reads what is not known for sure */
    }
    for (uint32_t i = 0; i < plan->n_streams; i++) {
        const weiri_stream      *stream     = &plan->streams[i];
        const weiri_stream_info *info       = &self->streams[i];
        bool                     is_special = stream->origin == WEIRI_ORIGIN_LATE
                          || stream->origin == WEIRI_ORIGIN_DEAD
                          || stream->origin == WEIRI_ORIGIN_JOIN
                          || stream->origin == WEIRI_ORIGIN_TABLE;
        if (is_special || info->is_broken || self->has_lost_names) {
            continue;
        }
        if (!stream->is_read) {
            weiri_report(self->diagnostics, WEIRI_W_NEVER_READ, info->at,
                "no rule or sink reads stream '%s'", stream->schema.name);
        } else if (!info->has_source && !info->is_emitted) {
            weiri_report(self->diagnostics, WEIRI_W_NOT_FED, info->at,
                "no source or rule delivers stream '%s'", stream->schema.name);
        }
    }
}
