/* Sources of lines: the pattern, its groups beside the stream's fields, and the year. */
#include "planner.h"

#include <string.h>

#include "weiri/regex.h"
#include "weiri/timetext.h"

enum { YEAR_FIRST = 1970, YEAR_LAST = 2261 };

static const char *
name_in_lines(const weir_field *field)
{
    return field->from != NULL ? field->from : field->name;
}

static const weir_field *
field_of_group(const weir_schema *schema, const char *group)
{
    for (uint32_t f = 0; f < schema->n_fields; f++) {
        if (strcmp(name_in_lines(&schema->fields[f]), group) == 0) {
            return &schema->fields[f];
        }
    }
    return NULL;
}

static bool
has_group(const weiri_regex *regex, const char *name)
{
    for (uint32_t g = 1; g < weiri_regex_n_groups(regex); g++) {
        const char *group = weiri_regex_group_name(regex, g);
        if (group != NULL && strcmp(group, name) == 0) {
            return true;
        }
    }
    return false;
}

/* A group that fills no field is a slip of the pen, and so is a field that always has to
 * be there and that no group fills. */
static bool
check_groups(weiri_planner *self, const weiri_regex *regex, const weir_schema *schema,
    weiri_span at)
{
    const char *fields[WEIRI_FIELDS];
    const char *groups[WEIRI_REGEX_GROUPS];
    size_t      n_groups = 0;
    bool        is_ok    = true;
    for (uint32_t f = 0; f < schema->n_fields; f++) {
        fields[f] = name_in_lines(&schema->fields[f]);
    }
    for (uint32_t g = 1; g < weiri_regex_n_groups(regex); g++) {
        const char *group = weiri_regex_group_name(regex, g);
        if (group == NULL) {
            continue;
        }
        groups[n_groups++] = group;
        if (field_of_group(schema, group) == NULL) {
            weiri_report(self->diagnostics, WEIRI_E_BAD_PATTERN, at,
                "stream '%s' has no field for the group '%s'", schema->name, group);
            weiri_report_nearest(self->diagnostics, group, fields, schema->n_fields);
            is_ok = false;
        }
    }
    for (uint32_t f = 0; f < schema->n_fields; f++) {
        if (!schema->fields[f].is_nullable && !has_group(regex, fields[f])) {
            weiri_report(self->diagnostics, WEIRI_E_BAD_PATTERN, at,
                "no group of the pattern fills field '%s'", schema->fields[f].name);
            weiri_report_nearest(self->diagnostics, fields[f], groups, n_groups);
            weiri_report_hint(self->diagnostics,
                "name what it takes, as in (?<%s>\\S+), or let the field be without "
                "value: %s %s?",
                fields[f], schema->fields[f].name,
                weir_type_text(schema->fields[f].type));
            is_ok = false;
        }
    }
    return is_ok;
}

static bool
read_pattern(weiri_planner *self, const weiri_ast_expr *expr, const weiri_stream *stream,
    weiri_lines *out)
{
    const weir_value *text  = weiri_constant(self, expr, WEIR_STRING, "a pattern");
    weiri_regex      *regex = NULL;
    weir_error        err   = { 0 };
    if (text == NULL) {
        return false;
    }
    if (memchr(text->as.s, 0, text->size) != NULL) {
        weiri_report(
            self->diagnostics, WEIRI_E_BAD_PATTERN, expr->at, "a pattern has no \\u0000");
        return false;
    }
    if (weiri_regex_new(text->as.s, text->size, &regex, &err) != WEIR_OK) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_PATTERN, expr->at,
            "this is no pattern: %s", err.text);
        return false;
    }
    bool is_ok = stream == NULL || check_groups(self, regex, &stream->schema, expr->at);
    weiri_regex_destroy(&regex);
    out->pattern = weiri_arena_text(self->arena, text->as.s, text->size);
    return is_ok;
}

/* A year is for times that say none. */
static bool
read_year(weiri_planner *self, const weiri_ast_option *option, const weiri_stream *stream,
    weiri_lines *out)
{
    const weir_value *year =
        weiri_constant(self, option->value, WEIR_INT, "option 'year'");
    if (year == NULL || stream == NULL || stream->schema.time_field < 0) {
        return false;
    }
    const weir_field *time = &stream->schema.fields[stream->schema.time_field];
    if (year->as.i < YEAR_FIRST || year->as.i > YEAR_LAST) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, option->value->at,
            "a year is from %d to %d", YEAR_FIRST, YEAR_LAST);
        return false;
    }
    bool has_none =
        time->form == WEIR_TIME_PATTERN && !weiri_time_pattern_has_year(time->pattern);
    if (!has_none) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, option->name.at,
            "the times of '%s' say their year themselves", stream->schema.name);
        weiri_report_hint(self->diagnostics,
            "'year' is for a form without it: %s time form \"%%b %%d %%H:%%M:%%S\"",
            time->name);
        return false;
    }
    out->year = (int32_t)year->as.i;
    return true;
}

bool
weiri_check_years(weiri_planner *self, const weiri_ast_io *ast, const weir_schema *schema,
    const weiri_lines *lines)
{
    for (uint32_t f = 0; f < schema->n_fields; f++) {
        const weir_field *field    = &schema->fields[f];
        bool              is_given = (int32_t)f == schema->time_field && lines->year != 0;
        if (field->form != WEIR_TIME_PATTERN || is_given
            || weiri_time_pattern_has_year(field->pattern)) {
            continue;
        }
        weiri_report(self->diagnostics, WEIRI_E_BAD_TIME_FORM, ast->stream.at,
            "the form \"%s\" of field '%s' says no year", field->pattern, field->name);
        weiri_report_hint(self->diagnostics,
            lines->pattern != NULL && (int32_t)f == schema->time_field
                ? "add the year in which the lines begin: format lines(`...`, year: 2026)"
                : "a time needs its year: %%Y, %%y or %%s");
        return false;
    }
    return true;
}

bool
weiri_plan_lines(weiri_planner *self, const weiri_ast_io *ast, const weiri_stream *stream,
    weiri_lines *out)
{
    static const char *const NAMES[] = { "year" };
    const weiri_ast_options *options = &ast->format_options;
    bool has_pattern = options->n_items > 0 && options->items[0].name.text == NULL;
    if (!has_pattern) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_PATTERN, ast->format.at,
            "the pattern is missing that says which part of a line is which field");
        weiri_report_hint(self->diagnostics,
            "write it in backticks, a group for each field: format lines(`(?<at>\\S+) "
            "(?<user>\\w+)`)");
        return false;
    }
    bool is_ok = read_pattern(self, options->items[0].value, stream, out);
    for (uint32_t i = 1; i < options->n_items; i++) {
        const weiri_ast_option *option = &options->items[i];
        if (option->name.text != NULL && strcmp(option->name.text, NAMES[0]) == 0) {
            is_ok = read_year(self, option, stream, out) && is_ok;
            continue;
        }
        is_ok = false;
        if (option->name.text == NULL) {
            weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, option->value->at,
                "one argument more than is needed");
            continue;
        }
        weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_OPTION, option->name.at,
            "there is no option '%s' here", option->name.text);
        weiri_report_nearest(self->diagnostics, option->name.text, NAMES, 1);
        weiri_report_hint(self->diagnostics, "the option of lines is year");
    }
    return is_ok;
}
