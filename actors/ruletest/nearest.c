/* How far the nearest partial match got: the longest beginning of the pattern that the
 * events fit, found by matching ever shorter beginnings of it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"
#include "weiri/limits.h"
#include "weiri/timetext.h"

enum { SHOWN_EVENTS = 8 };

struct partial {
    uint32_t    n_taken; /* of the one that holds most; 0: there is none */
    weiri_taken first[SHOWN_EVENTS];
};

static void
on_matched(void *context, bool is_timeout, int64_t time_ns, const weiri_taken *taken,
    uint32_t n_taken)
{
    struct partial *best = context;
    (void)time_ns;
    if (is_timeout || n_taken <= best->n_taken) {
        return;
    }
    uint32_t shown = n_taken < SHOWN_EVENTS ? n_taken : SHOWN_EVENTS;
    best->n_taken  = n_taken;
    memcpy(best->first, taken, shown * sizeof *taken);
}

/* The first `n_items` of the pattern, the last of them `min` times. */
static struct partial
try(const weiri_replay *self, const weiri_match *match, uint32_t n_items, uint32_t min)
{
    struct partial  best    = { .n_taken = 0 };
    weiri_pattern   whole   = *match->pattern;
    weiri_pattern   last    = *whole.items[n_items - 1];
    weiri_pattern **items   = calloc(n_items, sizeof *items);
    weiri_match     shorter = *match;
    if (items == NULL) {
        return best;
    }
    memcpy(items, whole.items, n_items * sizeof *items);
    items[n_items - 1] = &last;
    last.min           = min;
    last.until         = min < whole.items[n_items - 1]->min ? NULL : last.until;
    whole.items        = items;
    whole.n_items      = n_items;
    shorter.pattern    = &whole;
    shorter.skip       = WEIRI_SKIP_NONE;
    shorter.on_timeout = NULL;
    weir_status status = weiri_replay_match(self, &shorter, on_matched, &best);
    free(items);
    return status == WEIR_OK ? best : (struct partial){ .n_taken = 0 };
}

/* ---- words ---- */

static const char *
name_of(const weiri_match *match, const weiri_pattern *pattern)
{
    while (pattern->kind != WEIRI_PATTERN_STEP) {
        pattern = pattern->items[0];
    }
    return match->steps[pattern->step].name;
}

static void
put_taken(FILE *out, const weiri_match *match, const struct partial *partial)
{
    for (uint32_t i = 0; i < partial->n_taken && i < SHOWN_EVENTS; i++) {
        char text[WEIRI_DURATION_TEXT];
        weiri_duration_format(partial->first[i].time_ns, text);
        fprintf(out, "%s'%s' at %s", i > 0 ? ", " : "",
            match->steps[partial->first[i].step].name, text);
    }
    if (partial->n_taken > SHOWN_EVENTS) {
        fprintf(out, " and %" PRIu32 " more", partial->n_taken - SHOWN_EVENTS);
    }
}

/* Of the items that were not reached, what was missing: `not` stops what came too far,
 * and the step after it is what was waited for. */
static void
put_absence(FILE *out, const weiri_match *match, uint32_t reached)
{
    const weiri_pattern *pattern = match->pattern;
    fprintf(out, "then '%s' came", name_of(match, pattern->items[reached]));
    while (reached < pattern->n_items && pattern->items[reached]->is_negated) {
        reached++;
    }
    if (reached < pattern->n_items) {
        fprintf(
            out, ", or nothing fitted '%s'\n", name_of(match, pattern->items[reached]));
    } else {
        fputs(", or the test ends before time is up\n", out);
    }
}

static void
put_missing(
    FILE *out, const weiri_replay *self, const weiri_match *match, uint32_t reached)
{
    const weiri_pattern *item = match->pattern->items[reached];
    const char          *name = name_of(match, item);
    if (item->is_negated) {
        put_absence(out, match, reached);
        return;
    }
    for (uint32_t min = item->min; min > 1; min--) {
        struct partial best = try(self, match, reached + 1, min - 1);
        if (best.n_taken > 0) {
            fprintf(out, "'%s' came %" PRIu32 " of %" PRIu32 " times\n", name, min - 1,
                item->min);
            return;
        }
    }
    fprintf(
        out, "%s '%s'\n", reached > 0 ? "then nothing fitted" : "nothing fitted", name);
}

/* A match whose pattern is a sequence, once through. */
static weiri_match
in_items(const weiri_match *match, weiri_pattern *whole, weiri_pattern *single,
    weiri_pattern **items)
{
    weiri_match copy = *match;
    *whole           = *match->pattern;
    if (whole->kind != WEIRI_PATTERN_SEQUENCE) {
        *single        = *match->pattern;
        items[0]       = single;
        whole->kind    = WEIRI_PATTERN_SEQUENCE;
        whole->items   = items;
        whole->n_items = 1;
        whole->until   = NULL;
    }
    whole->min   = 1;
    whole->max   = 1;
    copy.pattern = whole;
    return copy;
}

static void
tell_rule(FILE *out, const weiri_replay *self, const weiri_rule *rule)
{
    weiri_pattern  whole;
    weiri_pattern  single;
    weiri_pattern *items[1];
    weiri_match    match   = in_items(rule->match, &whole, &single, items);
    struct partial best    = { .n_taken = 0 };
    uint32_t       reached = whole.n_items;
    while (reached > 0 && best.n_taken == 0) {
        reached--;
        if (reached > 0 && !whole.items[reached - 1]->is_negated) {
            best = try(self, &match, reached, whole.items[reached - 1]->min);
        }
    }
    fprintf(out, "rule '%s': ", rule->name);
    if (best.n_taken > 0) {
        put_taken(out, &match, &best);
        fputs("; ", out);
    }
    put_missing(out, self, &match, reached);
}

char *
weiri_replay_nearest(const weiri_replay *self, uint32_t stream)
{
    char  *text = NULL;
    size_t size = 0;
    FILE  *out  = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < self->plan->n_rules; i++) {
        const weiri_rule *rule = &self->plan->rules[i];
        if (rule->match != NULL && rule->match->emit != NULL
            && rule->match->emit->stream == stream && rule->match->silence_ns < 0
            && weiri_graph_rule_matches(self->graph, i) == 0) {
            tell_rule(out, self, rule);
        }
    }
    fclose(out);
    return text;
}
