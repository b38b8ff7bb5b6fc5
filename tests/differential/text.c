/* A case as a person would write it. */
#include "spec.h"

typedef struct writer {
    weiri_arena *arena;
    const char  *text;
} writer;

#define WRITE(w, ...) ((w)->text = weiri_arena_format((w)->arena, __VA_ARGS__))

static const char *const FIELD_NAMES[] = { "k", "g", "v", "w", "x", "s", "at" };
static const char *const STREAMS[]     = { "a", "b" };

static void
write_number(writer *w, uint32_t field, int64_t n)
{
    if (field == FIELD_X) {
        WRITE(w, "%s%.1f", w->text, (double)n / 2);
    } else if (field == FIELD_S) {
        WRITE(w, "%s\"%s\"", w->text, SPEC_TEXT_VALUES[n]);
    } else {
        WRITE(w, "%s%lld", w->text, (long long)n);
    }
}

static void
write_test(writer *w, const spec_test *t)
{
    const char *op = SPEC_OPERATORS[t->op];
    long long   n  = (long long)t->constant;
    switch (t->kind) {
    case TEST_NONE:
    case N_TESTS: WRITE(w, "%strue", w->text); break;
    case TEST_FIELD:
        WRITE(w, "%s%s %s ", w->text, FIELD_NAMES[t->field], op);
        write_number(w, t->field, t->constant);
        break;
    case TEST_LAST: WRITE(w, "%sv %s s%u.v", w->text, op, t->step); break;
    case TEST_FIRST: WRITE(w, "%sv %s first(s%u.v)", w->text, op, t->step); break;
    case TEST_SUM: WRITE(w, "%ssum(s%u.v) + v %s %lld", w->text, t->step, op, n); break;
    case TEST_COUNT: WRITE(w, "%scount(s%u) %s %lld", w->text, t->step, op, n); break;
    case TEST_MIN: WRITE(w, "%sv %s min(s%u.w)", w->text, op, t->step); break;
    case TEST_MAX: WRITE(w, "%sv %s max(s%u.v)", w->text, op, t->step); break;
    case TEST_AVG: WRITE(w, "%sv %s avg(s%u.v)", w->text, op, t->step); break;
    case TEST_NTH: WRITE(w, "%sv %s s%u[%lld].v", w->text, op, t->step, n); break;
    case TEST_NTH_LAST:
        WRITE(w, "%sv %s s%u[%lld].v", w->text, op, t->step, -1 - n);
        break;
    case TEST_PREV: WRITE(w, "%sv %s prev.v", w->text, op); break;
    case TEST_LAST_S: WRITE(w, "%ss %s s%u.s", w->text, op, t->step); break;
    case TEST_KEY: WRITE(w, "%s(v or s) %s the key", w->text, op); break;
    case TEST_FIRST_X: WRITE(w, "%sx %s first(s%u.x)", w->text, op, t->step); break;
    }
}

static void
write_where(writer *w, const spec_where *where)
{
    write_test(w, &where->tests[0]);
    if (where->tests[1].kind != TEST_NONE) {
        WRITE(w, "%s and ", w->text);
        write_test(w, &where->tests[1]);
    }
}

static void
write_quantifier(writer *w, const spec_element *e)
{
    static const char *const inner[]  = { "", " next", " any" };
    static const char *const prefer[] = { "", " greedy", " lazy" };
    if (e->min == 1 && e->max == 1) {
        return;
    }
    if (e->max == WEIRI_UNBOUNDED) {
        WRITE(w, "%s{%u,}", w->text, e->min);
    } else {
        WRITE(w, "%s{%u,%u}", w->text, e->min, e->max);
    }
    WRITE(w, "%s%s%s", w->text, inner[e->inner], prefer[e->preference]);
    if (e->has_until) {
        WRITE(w, "%s until (", w->text);
        write_where(w, &e->until);
        WRITE(w, "%s)", w->text);
    }
}

static void
write_element(writer *w, const spec_element *e, bool is_root)
{
    static const char *const arrows[] = { " -> ", " => ", " -> ", " ->> " };
    bool                     is_plain = is_root && e->min == 1 && e->max == 1;
    if (e->kind == WEIRI_PATTERN_STEP) {
        WRITE(w, "%s%ss%u: %s(", w->text, e->is_negated ? "not " : "", e->id,
            STREAMS[e->input]);
        write_where(w, &e->where);
        WRITE(w, "%s)", w->text);
        if (e->gap_s >= 0) {
            WRITE(w, "%s within %llds of previous", w->text, (long long)e->gap_s);
        }
        write_quantifier(w, e);
        return;
    }
    WRITE(w, "%s%s", w->text, is_plain ? "" : "(");
    for (uint32_t i = 0; i < e->n_items; i++) {
        if (i > 0) {
            WRITE(w, "%s%s", w->text,
                e->kind == WEIRI_PATTERN_OR    ? " or "
                : e->kind == WEIRI_PATTERN_AND ? " and "
                                               : arrows[e->items[i]->contiguity]);
        }
        write_element(w, e->items[i], false);
    }
    WRITE(w, "%s%s", w->text, is_plain ? "" : ")");
    write_quantifier(w, e);
}

static void
write_emits(writer *w, const spec *s)
{
    static const char *const names[] = { "key", "last", "first", "nth", "nth from end",
        "count", "sum", "avg", "min", "max", "stddev", "variance", "collect", "start",
        "end" };
    for (uint32_t i = 0; i < s->n_emits; i++) {
        const spec_emit *e    = &s->emits[i];
        const char      *name = names[e->kind];
        WRITE(w, "%s%sf%u: %s of s%u.%s #%u", w->text, i > 0 ? ", " : "", i, name,
            e->step, FIELD_NAMES[e->field], e->index);
    }
}

static void
write_clauses(writer *w, const spec *s)
{
    static const char *const skips[] = { "overlaps", "used", "used latest", "none",
        "to next", "past last", "to first", "to last" };
    static const char *const keys[]  = { "", "\n  by k", "\n  by k, g", "", "\n  by s",
         "\n  by s, g" };
    WRITE(w, "%s%s", w->text, keys[s->n_keys + (s->is_text_key ? 3 : 0)]);
    if (s->within_s >= 0) {
        WRITE(w, "%s\n  within %llds", w->text, (long long)s->within_s);
    }
    WRITE(w, "%s\n  skip %s", w->text, skips[s->skip]);
    if (s->skip >= WEIRI_SKIP_TO_FIRST) {
        WRITE(w, "%s s%u", w->text, s->skip_step);
    }
    if (s->has_timeout) {
        WRITE(w, "%s\n  on timeout emit t { the same }", w->text);
    }
    if (s->max_matches != UINT32_MAX) {
        WRITE(w, "%s\n  # at most %u matches an event", w->text, s->max_matches);
    }
    if (s->max_runs != UINT32_MAX) {
        WRITE(w, "%s\n  # at most %u partial matches", w->text, s->max_runs);
    }
    WRITE(w, "%s\n  emit m { ", w->text);
    write_emits(w, s);
    WRITE(w, "%s }\n}\n", w->text);
}

const char *
spec_text(weiri_arena *arena, const spec *self)
{
    writer w = { .arena = arena, .text = "rule random {\n  match  " };
    write_element(&w, self->root, true);
    if (self->silence_s >= 0) {
        WRITE(&w, "%s for %llds", w.text, (long long)self->silence_s);
    }
    write_clauses(&w, self);
    for (uint32_t i = 0; i < self->n_events; i++) {
        const spec_event *e = &self->events[i];
        WRITE(&w, "%s%3u %s { at: %llds", w.text, i, STREAMS[e->input],
            (long long)e->time_s);
        for (uint32_t f = 0; f < FIELD_AT; f++) {
            WRITE(&w, "%s, %s: ", w.text, FIELD_NAMES[f]);
            if (e->values[f] == INT64_MIN) {
                WRITE(&w, "%snull", w.text);
            } else {
                write_number(&w, f, e->values[f]);
            }
        }
        WRITE(&w, "%s }\n", w.text);
    }
    WRITE(&w, "%s%s", w.text, self->is_closed ? "    (watermark)\n" : "");
    WRITE(&w, "%s%s", w.text, self->reload != 0 ? "    (saved and loaded)\n" : "");
    return w.text;
}
