#include "weir_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weiri/dsl.h"

/* Streams that most tests begin with. */
#define STREAMS                                                                          \
    "stream auth { at time, ip string, user string?, outcome string, n int, x float? "   \
    "}\n"                                                                                \
    "stream flow { at time, src string, bytes int }\n"                                   \
    "source auth from stdin()\nsource flow from file(\"flow.json\")\n"

#define SECOND INT64_C(1000000000)

struct fixture {
    weiri_diagnostics *diagnostics;
    weiri_plan        *plan;
};

static int
setup(void **state)
{
    *state = calloc(1, sizeof(struct fixture));
    assert_non_null(*state);
    return 0;
}

static void
forget(struct fixture *self)
{
    weiri_plan_destroy(&self->plan);
    weiri_diagnostics_destroy(&self->diagnostics);
}

static int
teardown(void **state)
{
    forget(*state);
    free(*state);
    return 0;
}

static weir_status
compile_with(struct fixture *self, const char *text, const weiri_compile_options *options)
{
    weir_error err = { .status = WEIR_OK };
    forget(self);
    assert_ok(weiri_diagnostics_new(&self->diagnostics));
    return weiri_compile_text(
        "t.weir", text, strlen(text), options, self->diagnostics, &self->plan, &err);
}

static const weiri_plan *
compile(struct fixture *self, const char *text)
{
    if (compile_with(self, text, NULL) != WEIR_OK) {
        weiri_diagnostics_print(self->diagnostics, stderr, false);
        fail_msg("does not compile: %s", text);
    }
    return self->plan;
}

static const weiri_match *
compile_match(struct fixture *self, const char *clauses)
{
    char text[4096];
    snprintf(text, sizeof text,
        STREAMS "rule r {\n%s\n}\nsink flow to stdout()\n"
                "sink auth to stdout()\nsink o to stdout()\n",
        clauses);
    return compile(self, text)->rules[0].match;
}

static const weiri_stream *
stream(const weiri_plan *plan, const char *name)
{
    for (uint32_t i = 0; i < plan->n_streams; i++) {
        if (strcmp(plan->streams[i].schema.name, name) == 0) {
            return &plan->streams[i];
        }
    }
    fail_msg("no stream %s", name);
    return NULL;
}

static const weir_field *
field(const weiri_stream *of, const char *name)
{
    int32_t i = weir_schema_find(&of->schema, name);
    assert_true(i >= 0);
    return &of->schema.fields[i];
}

static void
assert_field(const weiri_stream *of, const char *name, weir_type type, bool is_nullable)
{
    assert_int_equal(field(of, name)->type, type);
    assert_int_equal(field(of, name)->is_nullable, is_nullable);
}

/* ---- streams, sources, sinks ---- */

static void
first_time_is_the_time_of_the_event(void **state)
{
    const weiri_plan *plan = compile(*state,
        "stream s { n int from \"/a/b\", seen time unit ms, at time form \"%Y\" }\n"
        "source s from stdin()\nsink s to stdout()\n");
    assert_int_equal(plan->streams[0].schema.time_field, 1);
    assert_string_equal(field(&plan->streams[0], "n")->from, "/a/b");
    assert_int_equal(field(&plan->streams[0], "seen")->form, WEIR_TIME_MS);
    assert_string_equal(field(&plan->streams[0], "at")->pattern, "%Y");
}

static void
sources_and_sinks_keep_their_options(void **state)
{
    const weiri_plan   *plan   = compile(*state,
            "param late duration = 5s\nparam dir string = \"in\"\n"
                "stream s { at time }\n"
                "source s from file(dir + \"/a.csv\", header: false) format csv(delimiter: "
                "\";\")\n"
                "  lateness late idle 1m on error stop\n"
                "source s from stdin() format msgpack\n"
                "sink s to file(\"o\") format csv\nsink s to stdout() format text\n");
    const weiri_source *source = &plan->sources[0];
    assert_int_equal(plan->n_sources, 2);
    assert_string_equal(source->path, "in/a.csv");
    assert_int_equal(source->format, WEIRI_FORMAT_CSV);
    assert_false(source->has_header);
    assert_int_equal(source->delimiter, ';');
    assert_int_equal(source->lateness_ns, INT64_C(5000000000));
    assert_int_equal(source->idle_ns, INT64_C(60000000000));
    assert_int_equal(source->on_error, WEIRI_ON_ERROR_STOP);
    assert_int_equal(source->place.line, 4);
    assert_string_equal(source->place.file, "t.weir");
    assert_int_equal(plan->sources[1].endpoint, WEIRI_ENDPOINT_STDIO);
    assert_int_equal(plan->sources[1].format, WEIRI_FORMAT_MSGPACK);
    assert_int_equal(plan->sources[1].idle_ns, -1);
    assert_int_equal(plan->sinks[0].format, WEIRI_FORMAT_CSV);
    assert_int_equal(plan->sinks[1].format, WEIRI_FORMAT_TEXT);
}

static void
without_a_sink_what_no_rule_reads_is_printed(void **state)
{
    const weiri_plan *plan = compile(*state,
        STREAMS "rule a { from auth emit x { n } }\nrule b { from x emit y { n } }\n"
                "rule c { from flow emit z { bytes } }\n");
    assert_int_equal(plan->n_sinks, 2);
    assert_string_equal(plan->streams[plan->sinks[0].stream].schema.name, "y");
    assert_string_equal(plan->streams[plan->sinks[1].stream].schema.name, "z");
    assert_int_equal(plan->sinks[0].format, WEIRI_FORMAT_JSON);
}

static void
only_fields_that_are_read_are_marked_used(void **state)
{
    const weiri_plan   *plan       = compile(*state,
                STREAMS "rule a { match s: auth(outcome == \"f\") -> t: flow(bytes > s.n)\n"
                                "by auth.ip = flow.src within 1m emit o { w: count(t) } }\n"
                                "rule b { from late.auth where x > 1 emit p { original_at } }\n");
    const weiri_stream *auth       = stream(plan, "auth");
    const bool          expected[] = { false, true, false, true, true, true };
    for (uint32_t i = 0; i < auth->schema.n_fields; i++) {
        assert_int_equal(auth->used[i], expected[i]);
    }
    assert_true(stream(plan, "flow")->used[1]);
    assert_true(stream(plan, "o")->used[0]);
    assert_true(auth->is_read);
}

static void
late_and_dead_streams_can_be_read(void **state)
{
    const weiri_plan   *plan = compile(*state,
          STREAMS "rule a { from late.auth emit o { d: at - original_at } }\n"
                    "rule b { from dead.auth emit p { reason } }\nsink flow to stdout()\n"
                    "sink dead.flow to stdout()\nsink o to stdout()\nsink p to stdout()\n");
    const weiri_stream *late = stream(plan, "late.auth");
    const weiri_stream *auth = stream(plan, "auth");
    assert_int_equal(late->origin, WEIRI_ORIGIN_LATE);
    assert_int_equal(late->schema.n_fields, auth->schema.n_fields + 1);
    assert_ptr_equal(&plan->streams[late->of], auth);
    assert_ptr_equal(&plan->streams[auth->late], late);
    assert_ptr_equal(&plan->streams[auth->dead], stream(plan, "dead.auth"));
    assert_int_equal(stream(plan, "flow")->late, WEIRI_NONE);
    assert_field(stream(plan, "dead.auth"), "raw", WEIR_STRING, false);
    assert_field(stream(plan, "o"), "d", WEIR_DURATION, true);
}

/* ---- the graph ---- */

static void
rules_are_sorted_and_streams_ranked(void **state)
{
    const weiri_plan *plan = compile(*state, STREAMS
        "rule third { match a: two -> b: auth within 1m emit three { n: a.n } }\n"
        "rule second { from one emit two }\nrule first { from auth emit one { n } }\n"
        "rule also { from flow emit one { n: bytes } }\n");
    assert_string_equal(plan->rules[0].name, "first");
    assert_string_equal(plan->rules[1].name, "also");
    assert_string_equal(plan->rules[2].name, "second");
    assert_string_equal(plan->rules[3].name, "third");
    assert_int_equal(stream(plan, "auth")->rank, 0);
    assert_int_equal(stream(plan, "one")->rank, 1);
    assert_int_equal(stream(plan, "two")->rank, 2);
    assert_int_equal(stream(plan, "three")->rank, 3);
    assert_int_equal(stream(plan, "three")->schema.time_field, -1);
    assert_int_equal(stream(plan, "one")->origin, WEIRI_ORIGIN_RULE);
}

static void
schema_of_two_emits_is_nullable_where_one_is(void **state)
{
    const weiri_plan *plan = compile(*state,
        STREAMS "rule a { from auth emit o { who: ip, v: 1.5 } }\n"
                "rule b { from auth emit o { v: n, who: user } }\nsink o to stdout()\n"
                "sink flow to stdout()\n");
    assert_field(stream(plan, "o"), "who", WEIR_STRING, true);
    assert_field(stream(plan, "o"), "v", WEIR_FLOAT, false);
    const weiri_emit *second = plan->rules[1].query->emit;
    assert_int_equal(second->values[0]->as.field, 2);
    assert_int_equal(second->values[1]->type, WEIR_FLOAT);
}

static void
emits_into_a_declared_stream_take_its_order_and_nulls(void **state)
{
    const weiri_plan *plan = compile(*state,
        STREAMS "stream o { a string?, t time, b float }\n"
                "rule r { from auth emit o { b: n, t: \"2026-01-01\" } }\n"
                "sink o to stdout()\nsink flow to stdout()\n");
    const weiri_emit *emit = plan->rules[0].query->emit;
    assert_true(emit->values[0]->as.constant.is_null);
    assert_int_equal(emit->values[1]->as.constant.as.i, INT64_C(1767225600000000000));
    assert_int_equal(emit->values[2]->type, WEIR_FLOAT);
    assert_int_equal(stream(plan, "o")->schema.time_field, -1);
}

/* ---- parameters ---- */

static void
parameters_stand_wherever_a_constant_can(void **state)
{
    const weiri_setting   settings[] = { { "fails", "8" }, { "long", "1h30m" } };
    weiri_compile_options options    = { .settings = settings, .n_settings = 2 };
    struct fixture       *self       = *state;
    assert_ok(compile_with(self,
        STREAMS
        "param fails int = 5\nparam long duration\nparam f float = 2\n"
        "rule r { match a: auth(x > f){fails,} within long emit o { n: a[fails].n } }\n"
        "sink o to stdout()\nsink flow to stdout()\n",
        &options));
    const weiri_match *match = self->plan->rules[0].match;
    assert_int_equal(match->pattern->min, 8);
    assert_int_equal(match->within_ns, INT64_C(5400000000000));
    assert_int_equal(match->registers[0].index, 8);
}

/* ---- patterns ---- */

static void
quantifiers_become_bounds(void **state)
{
    const weiri_match *match =
        compile_match(*state, "match a: auth+ greedy -> b: auth* next -> c: auth? -> d: "
                              "auth{3} -> e: auth{2,} any "
                              "lazy -> f: auth{,4} -> g: auth{2,3} until (n > 1)\nwithin "
                              "1m\nemit o { n: count(a) }");
    static const struct {
        uint32_t min, max, inner, preference;
    } BOUNDS[] = {
        { 1, WEIRI_UNBOUNDED, WEIRI_INNER_RELAXED, WEIRI_PREFER_GREEDY },
        { 0, WEIRI_UNBOUNDED, WEIRI_INNER_NEXT, WEIRI_PREFER_BOTH },
        { 0, 1, WEIRI_INNER_RELAXED, WEIRI_PREFER_BOTH },
        { 3, 3, WEIRI_INNER_RELAXED, WEIRI_PREFER_BOTH },
        { 2, WEIRI_UNBOUNDED, WEIRI_INNER_ANY, WEIRI_PREFER_LAZY },
        { 0, 4, WEIRI_INNER_RELAXED, WEIRI_PREFER_BOTH },
        { 2, 3, WEIRI_INNER_RELAXED, WEIRI_PREFER_BOTH },
    };
    for (uint32_t i = 0; i < 7; i++) {
        const weiri_pattern *item = match->pattern->items[i];
        assert_int_equal(item->step, i);
        assert_int_equal(item->min, BOUNDS[i].min);
        assert_int_equal(item->max, BOUNDS[i].max);
        assert_int_equal(item->inner, BOUNDS[i].inner);
        assert_int_equal(item->preference, BOUNDS[i].preference);
    }
    assert_non_null(match->pattern->items[6]->until->unary);
    assert_null(match->pattern->items[6]->until->correlated);
}

static void
arrows_negations_and_groups_become_a_tree(void **state)
{
    const weiri_match *match =
        compile_match(*state, "match a: auth => not b: flow -> (c: auth or d: flow and "
                              "e: auth)+ ->> (f: auth)\n"
                              "within 1m\nemit o { n: a.n }");
    weiri_pattern *const *items = match->pattern->items;
    assert_int_equal(match->pattern->kind, WEIRI_PATTERN_SEQUENCE);
    assert_int_equal(match->pattern->n_items, 4);
    assert_int_equal(items[0]->contiguity, WEIRI_FIRST);
    assert_int_equal(items[1]->contiguity, WEIRI_NEXT);
    assert_true(items[1]->is_negated);
    assert_int_equal(items[2]->contiguity, WEIRI_FOLLOWED);
    assert_int_equal(items[2]->kind, WEIRI_PATTERN_OR);
    assert_int_equal(items[2]->max, WEIRI_UNBOUNDED);
    assert_int_equal(items[2]->items[1]->kind, WEIRI_PATTERN_AND);
    assert_int_equal(items[3]->contiguity, WEIRI_FOLLOWED_ANY);
    assert_int_equal(items[3]->kind, WEIRI_PATTERN_STEP);
    assert_int_equal(match->n_inputs, 2);
}

static void
conditions_are_split_by_what_they_read(void **state)
{
    const weiri_match *match =
        compile_match(*state, "match a: auth -> b: auth(n > 3 and n > a.n and (x > 1 or "
                              "x > a.x) and user like \"r%\")\n"
                              "within 1m\nemit o { n: a.n }");
    const weiri_condition *where = &match->steps[1].where;
    assert_false(weiri_expr_reads_registers(where->unary));
    assert_true(weiri_expr_reads_registers(where->correlated));
    assert_null(match->steps[0].where.unary);
    assert_int_equal(match->n_registers, 2);
    assert_true(match->registers[0].in_condition);
}

static void
equal_registers_are_one(void **state)
{
    const weiri_match *match = compile_match(*state,
        "match a: auth+ -> b: auth(n > sum(a.n) and n > a.n)\nby ip\nwithin 1m\n"
        "emit o { s: sum(a.n), t: sum(a.n) / count(a), n: a.n, l: last(a.n), ip, i: ip "
        "}");
    assert_int_equal(match->n_registers, 4); /* sum, last, count, key */
    assert_int_equal(match->registers[0].kind, WEIRI_REGISTER_SUM);
    assert_true(match->registers[0].in_condition);
    assert_int_equal(match->registers[2].kind, WEIRI_REGISTER_COUNT);
    assert_false(match->registers[2].in_condition);
    assert_null(match->registers[2].arguments);
}

static void
every_register_kind_has_a_spelling(void **state)
{
    struct fixture                  *self    = *state;
    const weiri_match               *match   = compile_match(self,
                        "match a: auth{3,} -> b: flow\nby auth.ip = flow.src\nwithin 1m\n"
                                        "emit o { ip, l: a.n, f: first(a.n), i: a[1].n, j: a[-1].n, k: a[-2].n, c: "
                                        "count(a),\n"
                                        "  ct: count(a.n > 3), s: sum(a.n), av: avg(a.n), mi: min(a.ip), ma: max(a.at),\n"
                                        "  sd: stddev(a.x), v: variance(a.n), co: collect(a.user), st: match.start,\n"
                                        "  en: match.end, t: time(b) }");
    static const weiri_register_kind KINDS[] = { WEIRI_REGISTER_KEY, WEIRI_REGISTER_LAST,
        WEIRI_REGISTER_FIRST, WEIRI_REGISTER_NTH, WEIRI_REGISTER_NTH_LAST,
        WEIRI_REGISTER_NTH_LAST, WEIRI_REGISTER_COUNT, WEIRI_REGISTER_COUNT,
        WEIRI_REGISTER_SUM, WEIRI_REGISTER_AVG, WEIRI_REGISTER_MIN, WEIRI_REGISTER_MAX,
        WEIRI_REGISTER_STDDEV, WEIRI_REGISTER_VARIANCE, WEIRI_REGISTER_COLLECT,
        WEIRI_REGISTER_START, WEIRI_REGISTER_END, WEIRI_REGISTER_LAST };
    assert_int_equal(match->n_registers, sizeof KINDS / sizeof KINDS[0]);
    for (uint32_t i = 0; i < match->n_registers; i++) {
        assert_int_equal(match->registers[i].kind, KINDS[i]);
    }
    assert_int_equal(match->registers[4].index, 0);
    assert_int_equal(match->registers[5].index, 1);
    const weiri_stream *o = stream(self->plan, "o");
    assert_field(o, "l", WEIR_INT, false);
    assert_field(o, "i", WEIR_INT, false); /* at least three were taken */
    assert_field(o, "c", WEIR_INT, false);
    assert_field(o, "av", WEIR_FLOAT, true);
    assert_field(o, "mi", WEIR_STRING, false);
    assert_field(o, "co", WEIR_LIST, false);
    assert_int_equal(field(o, "co")->element, WEIR_STRING);
    assert_field(o, "t", WEIR_TIME, false);
}

static void
what_may_not_have_been_taken_is_nullable(void **state)
{
    struct fixture *self = *state;
    compile_match(self,
        "match a: auth -> b: auth? -> (c: auth or d: auth) -> e: auth{2}\nwithin 1m\n"
        "emit o { a: a.n, b: b.n, c: c.n, e: e.n, e2: e[2].n }\n"
        "on timeout emit p { a: a.n }");
    const weiri_stream *o = stream(self->plan, "o");
    assert_field(o, "a", WEIR_INT, false);
    assert_field(o, "b", WEIR_INT, true);
    assert_field(o, "c", WEIR_INT, true);
    assert_field(o, "e", WEIR_INT, false);
    assert_field(o, "e2", WEIR_INT, true);
    assert_field(stream(self->plan, "p"), "a", WEIR_INT, true);
}

static void
earlier_repetitions_may_be_read(void **state)
{
    const weiri_match *match =
        compile_match(*state, "match (a: auth(n > b.n or b.n is null) -> b: auth)+ -> c: "
                              "auth+ until (n > sum(c.n))\n"
                              "within 1m\nemit o { n: c.n }");
    assert_non_null(match->steps[0].where.correlated);
    assert_non_null(match->pattern->items[1]->until->correlated);
}

static void
prev_is_an_argument_for_each_input(void **state)
{
    const weiri_match *match =
        compile_match(*state, "match a: auth -> b: flow -> c: auth(at - prev.at > "
                              "5s)\nwithin 1m\nemit o { n: a.n }");
    assert_int_equal(match->registers[0].step, WEIRI_NONE);
    assert_int_equal(match->registers[0].kind, WEIRI_REGISTER_LAST);
    assert_non_null(match->registers[0].arguments[0]);
    assert_non_null(match->registers[0].arguments[1]);
    assert_int_equal(match->registers[0].type, WEIR_TIME);
}

static void
keys_are_typed_for_each_input(void **state)
{
    const weiri_match *match = compile_match(*state,
        "match a: auth -> b: flow\nby auth.ip = flow.src, abs(auth.x) = flow.bytes, at\n"
        "within 1m\nemit o { ip, at }");
    assert_int_equal(match->n_keys, 3);
    assert_int_equal(match->inputs[0].keys[0]->as.field, 1);
    assert_int_equal(match->inputs[1].keys[0]->as.field, 1);
    assert_int_equal(match->inputs[1].keys[1]->type, WEIR_FLOAT);
    assert_int_equal(match->registers[1].index, 2);
}

static void
silence_is_one_negated_step(void **state)
{
    struct fixture    *self  = *state;
    const weiri_match *match = compile_match(
        self, "match not auth(n > 1) for 10m\nby ip\nemit o { ip, since: auth.at }");
    assert_int_equal(match->silence_ns, INT64_C(600000000000));
    assert_int_equal(match->pattern->kind, WEIRI_PATTERN_STEP);
    assert_true(match->pattern->is_negated);
    assert_field(stream(self->plan, "o"), "since", WEIR_TIME, false);
}

static void
whole_event_of_a_single_step_is_emitted(void **state)
{
    struct fixture *self = *state;
    compile_match(self, "match auth(n > 1)\nemit o");
    const weiri_stream *o = stream(self->plan, "o");
    assert_int_equal(o->schema.n_fields, 6);
    assert_field(o, "user", WEIR_STRING, true);
    assert_field(o, "at", WEIR_TIME, false);
}

static void
every_skip_mode_is_planned(void **state)
{
    static const struct {
        const char *text;
        weiri_skip  skip;
    } MODES[] = { { "overlaps", WEIRI_SKIP_OVERLAPS }, { "used", WEIRI_SKIP_USED },
        { "used latest", WEIRI_SKIP_USED_LATEST }, { "none", WEIRI_SKIP_NONE },
        { "to next", WEIRI_SKIP_TO_NEXT }, { "past last", WEIRI_SKIP_PAST_LAST },
        { "to first b", WEIRI_SKIP_TO_FIRST }, { "to last b", WEIRI_SKIP_TO_LAST } };
    for (size_t i = 0; i < sizeof MODES / sizeof MODES[0]; i++) {
        char clauses[256];
        snprintf(clauses, sizeof clauses,
            "match a: auth -> b: auth within 5s of previous\nwithin 1m\nskip %s\n"
            "emit o { n: a.n }",
            MODES[i].text);
        const weiri_match *match = compile_match(*state, clauses);
        assert_int_equal(match->skip, MODES[i].skip);
        assert_int_equal(match->skip_step, i >= 6 ? 1 : WEIRI_NONE);
        assert_int_equal(match->steps[1].gap_ns, INT64_C(5000000000));
    }
    assert_int_equal(compile_match(*state, "match a: auth\nemit o { n: a.n }")->skip,
        WEIRI_SKIP_OVERLAPS);
}

static void
steps_without_a_name_are_told_apart(void **state)
{
    const weiri_match *match = compile_match(*state,
        "match auth -> auth -> flow(bytes > 1)\nwithin 1m\nemit o { b: flow.bytes }");
    assert_string_equal(match->steps[0].name, "auth#1");
    assert_string_equal(match->steps[1].name, "auth#2");
    assert_string_equal(match->steps[2].name, "flow");
}

static void
bounded_rules_have_no_warning(void **state)
{
    static const char *const RULES[] = {
        "match a: auth => b: auth\nemit o { n: a.n }",
        "match a: auth -> b: auth within 5s of previous\nemit o { n: a.n }",
        "match a: auth{3} next => b: auth\nemit o { n: a.n }",
        "match not a: flow -> b: auth\nemit o { n: b.n }",
        "match a: auth -> b: auth+\nwithin 1h\nskip past last\nemit o { n: a.n }",
    };
    struct fixture *self = *state;
    for (size_t i = 0; i < sizeof RULES / sizeof RULES[0]; i++) {
        compile_match(self, RULES[i]);
        assert_int_equal(weiri_diagnostics_count(self->diagnostics, false), 0);
    }
}

/* ---- queries over windows ---- */

static const weiri_query *
compile_query(struct fixture *self, const char *clauses)
{
    compile_match(self, clauses);
    return self->plan->rules[0].query;
}

static void
every_window_is_planned(void **state)
{
    static const struct {
        const char  *text;
        weiri_window window;
    } WINDOWS[] = {
        { "tumbling 10s fill", { .kind       = WEIRI_WINDOW_TUMBLING,
                                   .width_ns = 10 * SECOND,
                                   .has_fill = true,
                                   .early_ns = -1 } },
        { "hopping 1m every 10s every 5s early", { .kind       = WEIRI_WINDOW_HOPPING,
                                                     .width_ns = 60 * SECOND,
                                                     .every_ns = 10 * SECOND,
                                                     .early_ns = 5 * SECOND } },
        { "sliding 1m before", { .kind        = WEIRI_WINDOW_SLIDING,
                                   .width_ns  = 60 * SECOND,
                                   .is_before = true,
                                   .early_ns  = -1 } },
        { "last 7 reset", { .kind       = WEIRI_WINDOW_LAST,
                              .n_rows   = 7,
                              .is_reset = true,
                              .early_ns = -1 } },
        { "session 30s",
            { .kind = WEIRI_WINDOW_SESSION, .width_ns = 30 * SECOND, .early_ns = -1 } },
        { "all before", { .kind = WEIRI_WINDOW_ALL, .is_before = true, .early_ns = -1 } },
        { "tumbling 12", { .kind = WEIRI_WINDOW_BATCH, .n_rows = 12, .early_ns = -1 } },
    };
    for (size_t i = 0; i < sizeof WINDOWS / sizeof WINDOWS[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "from auth window %s emit o { c: count() }",
            WINDOWS[i].text);
        const weiri_window *window = compile_query(*state, text)->window;
        const weiri_window *wanted = &WINDOWS[i].window;
        assert_int_equal(window->kind, wanted->kind);
        assert_int_equal(window->width_ns, wanted->width_ns);
        assert_int_equal(window->every_ns, wanted->every_ns);
        assert_int_equal(window->n_rows, wanted->n_rows);
        assert_int_equal(window->early_ns, wanted->early_ns);
        assert_int_equal(window->is_before, wanted->is_before);
        assert_int_equal(window->is_reset, wanted->is_reset);
        assert_int_equal(window->has_fill, wanted->has_fill);
        assert_int_equal(window->limit_ns, -1);
    }
}

static void
equal_aggregates_are_one(void **state)
{
    const weiri_query *query = compile_query(*state,
        "from auth by ip window tumbling 1m having sum(n) > 3 and ip != \"x\"\n"
        "emit o { ip, a: sum(n), b: sum(auth.n), c: sum(n) where n > 1, d: count(),\n"
        "  e: count(n), f: quantile(n, 0.5), g: quantile(n, 0.9) }");
    /* the key, sum, sum where, count (n is never null), two quantiles */
    assert_int_equal(query->window->n_aggregates, 6);
    assert_int_equal(query->emit->values[1]->as.reg, query->emit->values[2]->as.reg);
    assert_int_equal(query->emit->values[4]->as.reg, query->emit->values[5]->as.reg);
}

static void
fields_of_aggregates_have_their_types(void **state)
{
    compile_query(*state,
        "from auth by ip, user window tumbling 1m\n"
        "emit o { ip, user, a: count(), b: sum(n), c: avg(n), d: min(n), e: max(x),\n"
        "  f: first(at), g: last(user), h: distinct(ip), i: collect(n), j: top(2, ip),\n"
        "  k: median(at), l: window.start, m: max(n) where n > 1, p: stddev(n) }");
    const weiri_stream *o = stream(((struct fixture *)*state)->plan, "o");
    assert_field(o, "ip", WEIR_STRING, false);
    assert_field(o, "user", WEIR_STRING, false); /* a null is no key */
    assert_field(o, "a", WEIR_INT, false);
    assert_field(o, "b", WEIR_INT, true);
    assert_field(o, "c", WEIR_FLOAT, true);
    assert_field(o, "d", WEIR_INT, false);
    assert_field(o, "e", WEIR_FLOAT, true);
    assert_field(o, "f", WEIR_TIME, false);
    assert_field(o, "g", WEIR_STRING, true);
    assert_field(o, "h", WEIR_INT, false);
    assert_field(o, "i", WEIR_LIST, false);
    assert_int_equal(field(o, "i")->element, WEIR_INT);
    assert_int_equal(field(o, "j")->element, WEIR_STRING);
    assert_field(o, "k", WEIR_TIME, true);
    assert_field(o, "l", WEIR_TIME, false);
    assert_field(o, "m", WEIR_INT, true);
    assert_field(o, "p", WEIR_FLOAT, true);
}

static void
windows_that_can_be_empty_give_nulls(void **state)
{
    static const char *const WINDOWS[] = { "sliding 1m before", "last 3 before",
        "tumbling 1m fill" };
    for (size_t i = 0; i < sizeof WINDOWS / sizeof WINDOWS[0]; i++) {
        char text[256];
        snprintf(
            text, sizeof text, "from auth window %s emit o { m: max(n) }", WINDOWS[i]);
        compile_query(*state, text);
        assert_field(stream(((struct fixture *)*state)->plan, "o"), "m", WEIR_INT, true);
    }
}

static void
bare_field_is_that_of_the_event(void **state)
{
    const weiri_query *query = compile_query(
        *state, "from auth by ip window last 5 having n > avg(n) emit o { ip, n, at }");
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(query->emit->values[i]->kind, WEIRI_EXPR_FIELD);
    }
    assert_int_equal(query->window->n_aggregates, 1);
}

static void
expression_of_the_key_is_its_register(void **state)
{
    const weiri_query *query = compile_query(*state,
        "from a: auth by lower(ip), n % 2 window tumbling 1m\n"
        "having lower(a.ip) != \"\" emit o { who: lower(ip), odd: a.n % 2 == 1 }");
    const weiri_expr  *who   = query->emit->values[0];
    assert_int_equal(who->kind, WEIRI_EXPR_REGISTER);
    assert_int_equal(query->window->aggregates[who->as.reg].kind, WEIRI_AGGREGATE_KEY);
    assert_int_equal(query->window->n_aggregates, 2);
}

static void
order_and_having_know_what_emit_names(void **state)
{
    const weiri_window *window = compile_query(*state,
        "from auth by ip, outcome window tumbling 1m having tries > 3\n"
        "emit o { ip, tries: count() } order by tries desc, ip limit 10 each outcome "
        "limit 100")
                                     ->window;
    assert_int_equal(window->n_order, 3);
    assert_int_equal(window->n_each, 1);
    assert_true(window->order[0].is_descending);
    assert_false(window->order[1].is_descending);
    assert_int_equal(window->order_limit, 10);
    assert_int_equal(window->limit, 100);
    assert_int_equal(window->n_aggregates, 3);
}

static void
single_events_are_counted_over_a_window_of_one(void **state)
{
    const weiri_query *query = compile_query(
        *state, "from auth where n > 3 by ip emit o { ip } limit 2 per 10m");
    assert_int_equal(query->window->kind, WEIRI_WINDOW_LAST);
    assert_int_equal(query->window->n_rows, 1);
    assert_int_equal(query->window->limit, 2);
    assert_int_equal(query->window->limit_ns, 600 * SECOND);
    assert_non_null(query->where);
    query =
        compile_query(*state, "from auth where n > 3 by ip emit o { ip } when changes");
    assert_true(query->window->has_changes);
    assert_null(query->where); /* what it leaves out turns the condition false */
    assert_non_null(query->window->having);
    assert_null(compile_query(*state, "from auth where n > 3 emit o { ip }")->window);
}

static void
fields_that_a_window_reads_are_marked_used(void **state)
{
    const bool        used[] = { false, true, false, true, true, true };
    const weiri_plan *plan   = compile(*state,
          STREAMS "rule r { from auth where outcome == \"x\" by ip window tumbling 1m\n"
                    "emit o { a: max(x) where n > 1 } }\nsink flow to stdout()\n");
    assert_memory_equal(stream(plan, "auth")->used, used, sizeof used);
}

/* ---- files ---- */

static void
file_beyond_the_bound_is_refused(void **state)
{
    struct fixture *self = *state;
    enum { BYTES = (4 << 20) + 1 };
    char *text = malloc(BYTES + 1);
    memset(text, '\n', BYTES);
    text[BYTES] = '\0';
    assert_int_equal(compile_with(self, text, NULL), WEIR_ESYNTAX);
    weiri_diagnostic report;
    assert_true(weiri_diagnostics_get(self->diagnostics, 0, &report));
    assert_string_equal(report.code, "E0107");
    free(text);
}

static void
missing_file_is_not_a_mistake_in_the_rules(void **state)
{
    struct fixture *self    = *state;
    const char     *paths[] = { "no/such/file.weir" };
    weir_error      err     = { .status = WEIR_OK };
    assert_ok(weiri_diagnostics_new(&self->diagnostics));
    assert_int_equal(
        weiri_compile_files(paths, 1, NULL, self->diagnostics, &self->plan, &err),
        WEIR_ENOENT);
    assert_non_null(strstr(err.text, "no/such/file.weir"));
    assert_null(self->plan);
}

static void
write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void
included_files_are_read_once(void **state)
{
    struct fixture *self = *state;
    write_file("planner_common.weir", "stream s { at time }\nsource s from stdin()\n");
    write_file("planner_a.weir", "include \"planner_common.weir\"\nsink s to stdout()\n");
    write_file("planner_b.weir",
        "include \"./planner_common.weir\"\nrule r { from s emit o }\n"
        "sink o to stdout()\n");
    const char *paths[] = { "planner_a.weir", "planner_b.weir", "planner_a.weir" };
    weir_error  err     = { .status = WEIR_OK };
    assert_ok(weiri_diagnostics_new(&self->diagnostics));
    assert_ok(weiri_compile_files(paths, 3, NULL, self->diagnostics, &self->plan, &err));
    assert_int_equal(self->plan->n_sources, 1);
    assert_int_equal(self->plan->n_sinks, 2);
    remove("planner_common.weir");
    remove("planner_a.weir");
    remove("planner_b.weir");
}

int
main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(first_time_is_the_time_of_the_event),
        T(sources_and_sinks_keep_their_options),
        T(without_a_sink_what_no_rule_reads_is_printed),
        T(only_fields_that_are_read_are_marked_used),
        T(late_and_dead_streams_can_be_read),
        T(rules_are_sorted_and_streams_ranked),
        T(schema_of_two_emits_is_nullable_where_one_is),
        T(emits_into_a_declared_stream_take_its_order_and_nulls),
        T(parameters_stand_wherever_a_constant_can),
        T(quantifiers_become_bounds),
        T(arrows_negations_and_groups_become_a_tree),
        T(conditions_are_split_by_what_they_read),
        T(equal_registers_are_one),
        T(every_register_kind_has_a_spelling),
        T(what_may_not_have_been_taken_is_nullable),
        T(earlier_repetitions_may_be_read),
        T(prev_is_an_argument_for_each_input),
        T(keys_are_typed_for_each_input),
        T(silence_is_one_negated_step),
        T(whole_event_of_a_single_step_is_emitted),
        T(every_skip_mode_is_planned),
        T(steps_without_a_name_are_told_apart),
        T(bounded_rules_have_no_warning),
        T(every_window_is_planned),
        T(equal_aggregates_are_one),
        T(fields_of_aggregates_have_their_types),
        T(windows_that_can_be_empty_give_nulls),
        T(bare_field_is_that_of_the_event),
        T(expression_of_the_key_is_its_register),
        T(order_and_having_know_what_emit_names),
        T(single_events_are_counted_over_a_window_of_one),
        T(fields_that_a_window_reads_are_marked_used),
        T(file_beyond_the_bound_is_refused),
        T(missing_file_is_not_a_mistake_in_the_rules),
        T(included_files_are_read_once),
    };
#undef T
    return cmocka_run_group_tests_name("planner", tests, NULL, NULL);
}
