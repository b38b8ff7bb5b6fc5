/* Patterns whose results are worked out by hand from docs/semantics.md, given to the
 * matcher and to the reference. */
#include "weir_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference.h"
#include "weiri/dsl.h"

/* Every stream has these fields; `v` is 0 unless an event says otherwise. */
#define STREAMS                                                                          \
    "stream a { at time, v int }\nsource a from stdin()\n"                               \
    "stream b { at time, v int }\nsource b from stdin()\n"                               \
    "stream c { at time, v int }\nsource c from stdin()\n"                               \
    "stream d { at time, v int }\nsource d from stdin()\n"

enum { SECOND = 1000000000, MAX_EVENTS = 32, TEXT = 2048 };

/* One rule at work in the matcher and the reference. */
typedef struct bench {
    weiri_diagnostics *diagnostics;
    weiri_plan        *plan;
    const weiri_match *match;
    weiri_matcher     *matcher;
    weiri_arena       *arena;
    weir_reference    *reference;
    weir_chunk        *chunks[MAX_EVENTS];
    uint32_t           n_chunks;
    char               given[TEXT];
} bench;

static void
append(char *text, const char *more)
{
    size_t n = strlen(text);
    assert_true(n + strlen(more) < TEXT);
    memcpy(text + n, more, strlen(more) + 1);
}

/* "a0 b2 @2": steps, positions of their events, and the time in seconds. */
static void
describe(const bench *self, bool is_timeout, int64_t time_ns, const weiri_taken *taken,
    uint32_t n_taken, char *text)
{
    char part[64];
    append(text, text[0] == 0 ? "" : "; ");
    append(text, is_timeout ? "timeout " : "");
    for (uint32_t i = 0; i < n_taken; i++) {
        snprintf(part, sizeof part, "%s%u ", self->match->steps[taken[i].step].name,
            (unsigned)taken[i].order);
        append(text, part);
    }
    snprintf(part, sizeof part, "@%d", (int)(time_ns / SECOND));
    append(text, part);
}

static void
on_match(void *context, bool is_timeout, int64_t time_ns, const weiri_taken *taken,
    uint32_t n_taken)
{
    bench *self = context;
    describe(self, is_timeout, time_ns, taken, n_taken, self->given);
}

static weir_status
on_emit(void *context, bool is_timeout, int64_t time_ns, const weir_value *values)
{
    (void)context;
    (void)is_timeout;
    (void)time_ns;
    (void)values;
    return WEIR_OK;
}

static void
open_bench(bench *self, const char *clauses)
{
    char             text[TEXT];
    weir_error       err  = { 0 };
    weiri_match_sink sink = { .context = self, .emitted = on_emit, .matched = on_match };
    *self                 = (bench){ .arena = weiri_arena_new() };
    snprintf(text, sizeof text,
        STREAMS "rule r {\n%s\n  emit m { at: match.end }\n}\nsink m to stdout()\n",
        clauses);
    assert_ok(weiri_diagnostics_new(&self->diagnostics));
    if (weiri_compile_text(
            "t.weir", text, strlen(text), NULL, self->diagnostics, &self->plan, &err)
        != WEIR_OK) {
        weiri_diagnostics_print(self->diagnostics, stderr, false);
        fail_msg("does not compile: %s", clauses);
    }
    self->match                  = self->plan->rules[0].match;
    weir_reference_limits limits = { .max_runs = 1000, .max_steps = 1000000 };
    assert_ok(weiri_matcher_new(self->match, &sink, &self->matcher, &err));
    assert_ok(weir_reference_new(self->arena, self->match, limits, &self->reference));
}

static void
close_bench(bench *self)
{
    weiri_matcher_destroy(&self->matcher);
    weiri_arena_destroy(&self->arena);
    weiri_plan_destroy(&self->plan);
    weiri_diagnostics_destroy(&self->diagnostics);
    for (uint32_t i = 0; i < self->n_chunks; i++) {
        const weir_chunk *chunk = self->chunks[i];
        weir_chunk_unref(&chunk);
    }
}

static uint32_t
input_of(const bench *self, char stream)
{
    for (uint32_t i = 0; i < self->match->n_inputs; i++) {
        if (self->match->inputs[i].schema->name[0] == stream) {
            return i;
        }
    }
    fail_msg("the rule does not read '%c'", stream);
    return 0;
}

static void
feed(bench *self, char stream, int at_s, int v)
{
    weir_error         err    = { 0 };
    uint32_t           input  = input_of(self, stream);
    const weir_schema *schema = self->match->inputs[input].schema;
    weir_chunk        *chunk  = NULL;
    assert_true(self->n_chunks < MAX_EVENTS);
    assert_ok(weir_chunk_new(schema, NULL, &chunk));
    weir_value time  = { .type = WEIR_TIME, .as.i = (int64_t)at_s * SECOND };
    weir_value value = { .type = WEIR_INT, .as.i = v };
    chunk->n_rows    = 1;
    assert_ok(weir_chunk_set(chunk, 0, 0, &time));
    assert_ok(weir_chunk_set(chunk, 0, 1, &value));
    chunk->time[0]                 = time.as.i;
    chunk->order[0]                = self->n_chunks;
    self->chunks[self->n_chunks++] = chunk;
    weiri_part  part  = { .input = input, .rows = { .chunk = chunk, .n = 1 } };
    weiri_batch batch = { .parts = &part, .n_parts = 1, .n_events = 1 };
    assert_ok(weiri_matcher_feed(self->matcher, &batch, &err));
    weir_reference_feed(self->reference, input, chunk, 0);
}

/* "a@0 b@1:5 |9": events with their times and values of v; time goes on to 9. */
static void
feed_all(bench *self, const char *events)
{
    weir_error err = { 0 };
    for (const char *at = events; *at != 0;) {
        char *end    = NULL;
        char  stream = *at;
        long  time   = strtol(at + (stream == '|' ? 1 : 2), &end, 10);
        long  v      = *end == ':' ? strtol(end + 1, &end, 10) : 0;
        if (stream == '|') {
            assert_ok(weiri_matcher_advance(self->matcher, time * SECOND, &err));
            weir_reference_advance(self->reference, time * SECOND);
        } else {
            feed(self, stream, (int)time, (int)v);
        }
        at = end + strspn(end, " ");
    }
    assert_ok(weiri_matcher_finish(self->matcher, &err));
    weir_reference_finish(self->reference);
}

/* What a rule gives for events, in order. */
static void
expect(const char *clauses, const char *events, const char *wanted)
{
    bench  self;
    size_t n                  = 0;
    char   of_reference[TEXT] = "";
    open_bench(&self, clauses);
    feed_all(&self, events);
    const weir_reference_output *outputs = weir_reference_outputs(self.reference, &n);
    for (size_t i = 0; i < n; i++) {
        describe(&self, outputs[i].is_timeout, outputs[i].time_ns, outputs[i].taken,
            outputs[i].n_taken, of_reference);
    }
    assert_string_equal(self.given, wanted);
    assert_string_equal(of_reference, wanted);
    close_bench(&self);
}

/* ---- or ---- */

static void
either_alternative_matches(void **state)
{
    (void)state;
    expect("match a or b skip none", "a@0 b@1", "a0 @0; b1 @1");
}

static void
the_first_event_that_fits_an_alternative_is_taken(void **state)
{
    (void)state;
    expect(
        "match a -> (b or c) -> d within 9s skip none", "a@0 b@1 c@2 d@3", "a0 b1 d3 @3");
    expect("match a => (b or c) within 9s skip none", "a@0 a@1 c@2", "a1 c2 @2");
    expect(
        "match a ->> (b or c) within 9s skip none", "a@0 b@1 c@2", "a0 b1 @1; a0 c2 @2");
}

static void
an_event_that_fits_two_alternatives_goes_both_ways(void **state)
{
    (void)state;
    expect("match (x: a(v > 0) or y: a(v > 1)) -> b within 9s skip none", "a@0:2 b@1",
        "x0 b1 @1; y0 b1 @1");
}

static void
alternatives_may_be_sequences(void **state)
{
    (void)state;
    expect("match (a -> b) or (c => d) within 9s skip none", "a@0 c@1 b@2 c@3 d@4",
        "a0 b2 @2; c3 d4 @4");
}

/* ---- and ---- */

static void
items_of_and_come_in_either_order(void **state)
{
    (void)state;
    expect("match a and b within 9s skip none", "b@0 a@1", "b0 a1 @1");
    expect("match a and b within 9s skip none", "a@0 a@1 b@2", "a0 b2 @2; a1 b2 @2");
    expect("match (a and b and c) -> d within 9s skip none", "c@0 a@1 d@2 b@3 d@4",
        "c0 a1 b3 d4 @4");
}

static void
not_in_and_holds_from_the_first_event_to_the_last(void **state)
{
    (void)state;
    expect("match not c and a and b within 9s skip none", "a@0 c@1 b@2 a@3", "b2 a3 @3");
    expect("match not c and a and b within 9s skip none", "c@0 a@1 b@2", "a1 b2 @2");
    expect("match (not c and a and b) -> d within 9s skip none", "a@0 b@1 c@2 d@3",
        "a0 b1 d3 @3");
}

/* ---- lazy, greedy ---- */

static void
lazy_gives_the_event_to_the_step_after(void **state)
{
    (void)state;
    expect("match p: a(v < 5)+ lazy -> q: a(v > 3) within 9s skip none",
        "a@0:1 a@1:4 a@2:6", "p0 q1 @1; p1 q2 @2");
}

static void
greedy_gives_the_event_to_the_repetition(void **state)
{
    (void)state;
    expect("match p: a(v < 5)+ greedy -> q: a(v > 3) within 9s skip none",
        "a@0:1 a@1:4 a@2:6", "p0 p1 q2 @2; p1 q2 @2");
}

static void
without_either_word_both_ways_are_followed(void **state)
{
    (void)state;
    expect("match p: a(v < 5)+ -> q: a(v > 3) within 9s skip none", "a@0:1 a@1:4 a@2:6",
        "p0 q1 @1; p0 p1 q2 @2; p1 q2 @2");
}

static void
lazy_still_takes_the_minimum(void **state)
{
    (void)state;
    expect("match p: a{2,} lazy -> q: a within 9s skip none", "a@0 a@1 a@2 a@3",
        "p0 p1 q2 @2; p1 p2 q3 @3");
}

/* ---- not before the first element ---- */

static void
a_leading_not_looks_back_for_ever(void **state)
{
    (void)state;
    expect("match not c -> a -> b skip none", "a@0 b@1 c@2 a@3 b@4", "a0 b1 @1");
}

static void
a_leading_not_looks_back_as_far_as_within(void **state)
{
    (void)state;
    expect("match not c -> a -> b within 10s skip none", "c@0 a@10 b@11 a@11 b@12",
        "a3 b4 @12");
}

static void
a_leading_not_next_looks_at_the_event_before(void **state)
{
    (void)state;
    expect(
        "match not c => a -> b within 9s skip none", "c@0 a@1 b@2 a@3 b@4", "a3 b4 @4");
    expect("match not c => a -> b within 9s skip none", "a@0 b@1", "a0 b1 @1");
}

/* ---- silence ---- */

static void
silence_is_given_once_after_the_last_event(void **state)
{
    (void)state;
    expect("match not a for 5s", "a@0 a@3 a@20 |30", "a1 @8; a2 @25");
}

static void
an_event_at_the_end_of_the_time_breaks_the_silence(void **state)
{
    (void)state;
    expect("match not a for 5s", "a@0 a@5 |30", "a1 @10");
}

static void
silence_is_not_given_at_the_end_of_the_input(void **state)
{
    (void)state;
    expect("match not a for 5s", "a@0 a@4", "");
}

/* ---- skip ---- */

static void
overlaps_gives_the_first_and_drops_all_others(void **state)
{
    (void)state;
    expect("match a -> b within 9s", "a@0 a@1 b@2 b@3", "a0 b2 @2");
    expect("match x: a -> y: a within 9s", "a@0 a@1 a@2 a@3", "x0 y1 @1; x2 y3 @3");
}

static void
overlaps_lets_later_waits_for_an_absence_live(void **state)
{
    (void)state;
    expect("match a -> not b within 5s", "a@0 a@1 |20", "a0 @5; a1 @6");
    expect("match a -> not b within 5s", "a@0 a@1 b@6 |20", "a0 @5");
}

static void
used_drops_what_shares_an_event(void **state)
{
    (void)state;
    expect("match a -> b within 9s skip used", "a@0 a@1 b@2 b@3", "a0 b2 @2");
    expect("match a ->> b within 9s skip used", "a@0 a@1 b@2 b@3", "a0 b2 @2; a1 b3 @3");
}

static void
used_latest_pairs_last_in_first_out(void **state)
{
    (void)state;
    expect("match a -> b within 9s skip used latest", "a@0 a@1 b@2 b@3", "a1 b2 @2");
    expect("match a ->> b within 9s skip used latest", "a@0 a@1 b@2 b@3",
        "a1 b2 @2; a0 b3 @3");
}

static void
past_last_holds_a_match_for_one_that_began_earlier(void **state)
{
    (void)state;
    /* a1 b2 is complete while a0 waits for c; a0's time is up at 9. */
    expect("match (x: a(v == 0) -> c) or (y: a(v == 1) -> b) within 9s skip past last",
        "a@0 a@1:1 b@2 |20", "y1 b2 @9");
    expect("match (x: a(v == 0) -> c) or (y: a(v == 1) -> b) within 9s skip past last",
        "a@0 a@1:1 b@2 c@3 |20", "x0 c3 @3");
}

/* ---- not, where it ends something ---- */

static void
not_at_the_end_of_a_group_holds_until_what_follows(void **state)
{
    (void)state;
    expect(
        "match (a -> not b) -> c within 9s skip none", "a@0 b@1 c@2 a@3 c@4", "a3 c4 @4");
    expect("match (a -> not b) skip none", "a@0 b@1", "a0 @0");
    expect("match (a -> not b){2} skip none", "a@0 b@1 a@2 a@3", "a2 a3 @3");
}

static void
an_absence_after_a_repetition_is_waited_for_from_the_next_event(void **state)
{
    (void)state;
    expect("match a+ -> not b within 5s skip none on timeout emit t { at: match.end }",
        "a@0 |20", "timeout a0 @5");
    expect("match a+ -> not b within 5s skip none", "a@0 a@1 |20", "a0 @5");
    expect("match a{2} -> not b within 5s skip none", "a@0 a@1 |20", "a0 a1 @5");
}

static void
the_last_of_two_closing_nots_counts(void **state)
{
    (void)state;
    expect("match a -> not b -> not c within 5s skip none", "a@0 b@1 |20", "a0 @5");
    expect("match a -> not b -> not c within 5s skip none", "a@0 c@1 |20", "");
}

static void
several_nots_before_a_step_hold_together(void **state)
{
    (void)state;
    expect("match a -> not b -> not c -> d within 9s skip none",
        "a@0 b@1 d@2 a@3 c@4 d@5 a@6 d@7", "a6 d7 @7");
}

static void
not_may_follow_a_group_that_can_be_empty(void **state)
{
    (void)state;
    expect("match a -> (b?) -> not c -> d within 9s skip none", "a@0 c@1 d@2", "");
    expect("match a -> (b?) -> not c -> d within 9s skip none", "a@0 b@1 d@2",
        "a0 b1 d2 @2; a0 d2 @2");
}

/* ---- executors ---- */

static void
each_pattern_gets_its_executor(void **state)
{
    static const struct {
        const char *clauses;
        const char *executor;
    } rows[] = {
        { "match a", "rings" },
        { "match a -> b within 9s", "rings" },
        { "match a(v > 1) -> b -> c -> d within 9s", "rings" },
        { "match a -> b within 9s by v", "rings" },
        { "match a -> not b within 9s", "rings" },
        { "match a -> b -> not c within 9s", "rings" },
        { "match a{3,} within 9s", "rings" },
        { "match a{2,5} -> b within 9s", "rings" },
        { "match a+ lazy -> b within 9s", "rings" },
        { "match a+ greedy -> b within 9s", "runs" },
        { "match a{2,} next -> b within 9s", "runs" },
        { "match a+ -> b -> c within 9s", "runs" },
        { "match a+ -> not b within 9s", "runs" },
        { "match a -> b{2} within 9s", "runs" },
        { "match a? -> b within 9s", "runs" },
        { "match (a){3} -> b within 9s", "runs" },
        { "match a => b within 9s", "runs" },
        { "match a -> b => c within 9s", "runs" },
        { "match a -> not b -> c within 9s", "runs" },
        { "match not a -> b within 9s", "runs" },
        { "match a -> b(v > a.v) within 9s", "runs" },
        { "match a -> b within 9s of previous", "runs" },
        { "match a -> b within 9s on timeout emit t { at: match.end }", "runs" },
        { "match a -> b within 9s skip past last", "runs" },
        { "match a -> b within 9s skip used", "runs" },
        { "match a or b", "runs" },
        { "match a and b within 9s", "runs" },
        { "match not a for 9s", "runs" },
        { "match a skip none", "stacks" },
        { "match a -> b within 9s skip none", "stacks" },
        { "match a ->> b{2} any ->> c within 9s skip none", "stacks" },
        { "match a -> not b -> c within 9s skip none", "stacks" },
        { "match a -> not b -> c -> d within 9s skip none", "sets" },
        { "match a => b within 9s skip none", "sets" },
        { "match a => not b -> c within 9s skip none", "sets" },
        { "match a -> b => not c within 9s skip none", "sets" },
        { "match a ->> b+ ->> c within 9s skip none", "sets" },
        { "match a -> b* next -> c within 9s skip none", "sets" },
        { "match a -> b{2,4} any -> c within 9s skip none", "sets" },
        { "match a -> b+ greedy -> c within 9s skip none", "sets" },
        { "match a -> b+ lazy -> c within 9s skip none", "sets" },
        { "match a -> b+ until (v > 1) -> c within 9s skip none", "sets" },
        { "match a -> b? -> c within 9s skip none", "sets" },
        { "match a -> (b or c) -> d within 9s skip none", "sets" },
        { "match a and b within 9s skip none", "sets" },
        { "match a ->> (b ->> c){1,3} ->> d within 9s skip none", "sets" },
        { "match a -> b skip none", "stacks" },
        { "match a+ skip none", "sets" },
        { "match a{1,2} -> b(v > a.v) within 9s skip none", "runs" },
        { "match a? -> b within 9s of previous skip none", "runs" },
        { "match a+ -> not b within 9s skip none", "runs" },
        { "match not a -> b+ within 9s skip none", "runs" },
        { "match a+ -> b within 9s skip none on timeout emit t { at: match.end }",
            "runs" },
        { "match a+ -> b within 9s skip used", "runs" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bench self;
        open_bench(&self, rows[i].clauses);
        if (strcmp(weiri_matcher_executor_name(self.matcher), rows[i].executor) != 0) {
            fail_msg("'%s' has the executor %s", rows[i].clauses,
                weiri_matcher_executor_name(self.matcher));
        }
        close_bench(&self);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(either_alternative_matches),
        cmocka_unit_test(the_first_event_that_fits_an_alternative_is_taken),
        cmocka_unit_test(an_event_that_fits_two_alternatives_goes_both_ways),
        cmocka_unit_test(alternatives_may_be_sequences),
        cmocka_unit_test(items_of_and_come_in_either_order),
        cmocka_unit_test(not_in_and_holds_from_the_first_event_to_the_last),
        cmocka_unit_test(lazy_gives_the_event_to_the_step_after),
        cmocka_unit_test(greedy_gives_the_event_to_the_repetition),
        cmocka_unit_test(without_either_word_both_ways_are_followed),
        cmocka_unit_test(lazy_still_takes_the_minimum),
        cmocka_unit_test(a_leading_not_looks_back_for_ever),
        cmocka_unit_test(a_leading_not_looks_back_as_far_as_within),
        cmocka_unit_test(a_leading_not_next_looks_at_the_event_before),
        cmocka_unit_test(silence_is_given_once_after_the_last_event),
        cmocka_unit_test(an_event_at_the_end_of_the_time_breaks_the_silence),
        cmocka_unit_test(silence_is_not_given_at_the_end_of_the_input),
        cmocka_unit_test(overlaps_gives_the_first_and_drops_all_others),
        cmocka_unit_test(overlaps_lets_later_waits_for_an_absence_live),
        cmocka_unit_test(used_drops_what_shares_an_event),
        cmocka_unit_test(used_latest_pairs_last_in_first_out),
        cmocka_unit_test(past_last_holds_a_match_for_one_that_began_earlier),
        cmocka_unit_test(not_at_the_end_of_a_group_holds_until_what_follows),
        cmocka_unit_test(an_absence_after_a_repetition_is_waited_for_from_the_next_event),
        cmocka_unit_test(the_last_of_two_closing_nots_counts),
        cmocka_unit_test(several_nots_before_a_step_hold_together),
        cmocka_unit_test(not_may_follow_a_group_that_can_be_empty),
        cmocka_unit_test(each_pattern_gets_its_executor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
