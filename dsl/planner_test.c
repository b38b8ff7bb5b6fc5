/* `test` blocks: events with virtual time, and what is expected of them.
 *
 * Virtual time begins at the epoch: a duration that stands for a time is that long after
 * it. Events of a file have the times that it says.
 */
#include "planner.h"

#include <string.h>

enum { MAX_REPEAT = 1000000 };

/* A constant for a field; for a time a duration, too. */
static bool
plan_value(weiri_planner *self, const weiri_ast_expr *node, const weir_field *field,
    weir_value *out)
{
    const char *what = weiri_arena_format(self->arena, "field '%s'", field->name);
    if (node->kind == WEIRI_AST_NULL && field->is_nullable) {
        *out = (weir_value){ .type = (uint8_t)field->type, .is_null = true };
        return true;
    }
    if (field->type == WEIR_TIME && node->kind == WEIRI_AST_DURATION) {
        *out = (weir_value){ .type = WEIR_TIME, .as.i = node->value.i };
        return true;
    }
    const weir_value *value = weiri_constant(self, node, field->type, what);
    if (value != NULL) {
        *out = *value;
    }
    return value != NULL;
}

static void
plan_values(weiri_planner *self, const weiri_ast_options *fields, weiri_test_line *line)
{
    const weir_schema *schema = &self->plan->streams[line->stream].schema;
    line->values =
        weiri_arena_alloc(self->arena, (fields->n_items + 2) * sizeof *line->values);
    for (uint32_t i = 0; i < fields->n_items; i++) {
        const weiri_ast_option *option = &fields->items[i];
        if (option->name.text == NULL || option->value == NULL) {
            weiri_report(self->diagnostics, WEIRI_E_EXPECTED,
                option->name.text != NULL ? option->name.at : option->value->at,
                "a field and its value are needed here, as in 'ip: \"10.0.0.9\"'");
            continue;
        }
        int32_t field = weir_schema_find(schema, option->name.text);
        if (field < 0) {
            weiri_report_no_field(self, line->stream, option->name);
            continue;
        }
        weiri_test_value *value = &line->values[line->n_values];
        value->field            = (uint32_t)field;
        line->n_values +=
            plan_value(self, option->value, &schema->fields[field], &value->value);
    }
}

/* A whole number from 1 to the bound; 1 where none is written or after a report. */
static uint32_t
plan_amount(
    weiri_planner *self, const weiri_ast_expr *node, uint32_t least, const char *what)
{
    if (node == NULL) {
        return 1;
    }
    const weir_value *value = weiri_constant(self, node, WEIR_INT, what);
    if (value != NULL && (value->as.i < least || value->as.i > MAX_REPEAT)) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, node->at,
            "%s is from %u to %d", what, least, MAX_REPEAT);
        return 1;
    }
    return value != NULL ? (uint32_t)value->as.i : 1;
}

/* What rules make comes out of them alone. */
static bool
can_be_fed(const weiri_stream *stream)
{
    return stream->origin == WEIRI_ORIGIN_SOURCE || stream->origin == WEIRI_ORIGIN_LATE
           || stream->origin == WEIRI_ORIGIN_DEAD
           || (stream->origin == WEIRI_ORIGIN_TABLE && stream->is_read);
}

static bool
need_feedable(
    weiri_planner *self, const weiri_ast_test_line *ast, const weiri_stream *stream)
{
    if (can_be_fed(stream)) {
        return true;
    }
    weiri_report(self->diagnostics, WEIRI_E_TEST_FEEDS_DERIVED, ast->stream.at,
        "a test cannot feed '%s', which comes out of a rule", stream->schema.name);
    weiri_report_hint(
        self->diagnostics, "feed the streams that it is made of, or write 'expect'");
    return false;
}

/* Whether its events are rows that a table has from the beginning. */
static bool
is_timeless(const weiri_stream *stream)
{
    return stream->origin == WEIRI_ORIGIN_TABLE && stream->is_read
           && stream->schema.time_field < 0;
}

/* Where a test is in time: at `ns`, or that long after the latest event so far. */
struct moment {
    int64_t ns;
    bool    is_after_file;
};

/* All events of a file, at the times that it says. */
static bool
plan_file(weiri_planner *self, const weiri_ast_test_line *ast, weiri_test_line *line,
    struct moment *now)
{
    const weiri_stream *stream = &self->plan->streams[line->stream];
    weiri_source       *source = weiri_arena_alloc(self->arena, sizeof *source);
    const char         *place  = ast->from->endpoint.name.text;
    line->kind                 = WEIRI_TEST_FILE;
    line->source               = source;
    if (!need_feedable(self, ast, stream) || ast->from->is_broken) {
        return false;
    }
    if (place != NULL && strcmp(place, "file") != 0) {
        weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_ENDPOINT,
            ast->from->endpoint.name.at,
            "a test reads files alone, so that it finds the same each time");
        weiri_report_hint(self->diagnostics, "write file(\"path\")");
        return false;
    }
    if (stream->schema.time_field < 0 && !is_timeless(stream)) {
        weiri_report(self->diagnostics, WEIRI_E_NO_TIME_FIELD, ast->stream.at,
            "stream '%s' has no field of type time, so the events of a file have no time",
            stream->schema.name);
        return false;
    }
    if (!weiri_plan_source(self, ast->from, line->stream, source)) {
        return false;
    }
    source->is_timeless = is_timeless(stream);
    source->place       = line->place;
    if (!source->is_timeless) {
        *now = (struct moment){ .is_after_file = true };
    }
    return true;
}

/* The event's own time if it names one, else that of the line before. */
static void
plan_event(weiri_planner *self, const weiri_ast_test_line *ast, weiri_test_line *line,
    struct moment *now)
{
    const weiri_stream *stream = &self->plan->streams[line->stream];
    line->kind                 = WEIRI_TEST_EVENT;
    line->repeat               = plan_amount(self, ast->repeat, 1, "'repeat'");
    if (!need_feedable(self, ast, stream)) {
        return;
    }
    if (ast->every != NULL) {
        int64_t every_ns = weiri_constant_duration(self, ast->every, true, "'every'");
        line->every_ns   = every_ns > 0 ? every_ns : 0;
    }
    if (is_timeless(stream)) {
        line->at_ns = INT64_MIN; /* there from the beginning */
        return;
    }
    for (uint32_t i = 0; i < line->n_values; i++) {
        if ((int32_t)line->values[i].field == stream->schema.time_field) {
            *now = (struct moment){ .ns = line->values[i].value.as.i };
        }
    }
    line->at_ns         = now->ns;
    line->is_after_file = now->is_after_file;
    now->ns += (int64_t)(line->repeat - 1) * line->every_ns;
}

/* What is expected of a table are rows that are put into it. */
static void
add_put(const weiri_planner *self, weiri_test_line *line)
{
    line->values[line->n_values++] =
        (weiri_test_value){ .field =
                                self->plan->streams[line->stream].schema.n_fields - 1,
            .value = { .type = WEIR_INT, .as.i = WEIRI_JOIN_PUT } };
}

static bool
plan_line(weiri_planner *self, const weiri_ast_test_line *ast, struct moment *now,
    weiri_test_line *line)
{
    *line = (weiri_test_line){ .place = weiri_planner_place(self, ast->at) };
    if (ast->wait != NULL) {
        int64_t wait_ns     = weiri_constant_duration(self, ast->wait, false, "'wait'");
        line->kind          = WEIRI_TEST_WAIT;
        line->at_ns         = now->ns;
        line->wait_ns       = wait_ns > 0 ? wait_ns : 0;
        line->is_after_file = now->is_after_file;
        now->ns += line->wait_ns;
        return true;
    }
    const weiri_table_info *table =
        ast->stream.text != NULL ? weiri_find_table(self, ast->stream.text) : NULL;
    line->stream = table == NULL    ? weiri_need_stream(self, ast->stream)
                   : ast->is_expect ? table->changes
                                    : table->contents;
    if (line->stream == WEIRI_NONE) {
        return false;
    }
    if (ast->from != NULL) {
        return plan_file(self, ast, line, now);
    }
    plan_values(self, &ast->fields, line);
    if (table != NULL && ast->is_expect) {
        add_put(self, line);
    }
    if (!ast->is_expect) {
        plan_event(self, ast, line, now);
    } else {
        line->kind  = ast->is_absent ? WEIRI_TEST_EXPECT_NO : WEIRI_TEST_EXPECT;
        line->count = ast->count == NULL
                          ? WEIRI_NONE
                          : plan_amount(self, ast->count, 0, "how many are expected");
    }
    return true;
}

static void
plan_test(weiri_planner *self, const weiri_ast_statement *statement)
{
    const weiri_ast_test *ast  = statement->as.test;
    struct moment         now  = { .ns = 0 };
    weiri_test            test = {
                   .title = ast->title,
                   .lines =
                       weiri_arena_alloc(self->arena, (ast->n_lines + 1) * sizeof(weiri_test_line)),
                   .place = weiri_planner_place(self, statement->at),
    };
    for (uint32_t i = 0; i < ast->n_lines; i++) {
        test.n_lines += plan_line(self, &ast->lines[i], &now, &test.lines[test.n_lines]);
    }
    WEIRI_ARENA_PUSH(self->arena, self->plan->tests, self->plan->n_tests, test);
}

void
weiri_plan_tests(weiri_planner *self)
{
    const weiri_ast_statement *statement;
    for (uint64_t i = 0;
         (statement = weiri_planner_next(self, WEIRI_WORD_TEST, &i)) != NULL;) {
        if (!statement->as.test->is_broken) {
            plan_test(self, statement);
        }
    }
    if (!self->options->with_tests) {
        return;
    }
    for (uint32_t i = 0; i < self->plan->n_streams; i++) {
        weiri_stream *stream = &self->plan->streams[i];
        stream->is_read      = true;
        for (uint32_t f = 0; stream->used != NULL && f < stream->schema.n_fields; f++) {
            stream->used[f] = true;
        }
    }
}
