/* Which streams there are: declared, emitted by rules, late. and dead. ones. */
#include "planner.h"

#include <string.h>

#include "weiri/each.h"
#include "weiri/timetext.h"

uint32_t
weiri_find_stream(const weiri_planner *self, const char *name)
{
    return weiri_names_find(&self->stream_names, name);
}

uint32_t
weiri_need_stream(weiri_planner *self, weiri_ast_name name)
{
    uint32_t stream = name.text == NULL ? WEIRI_NONE : weiri_find_stream(self, name.text);
    if (stream == WEIRI_NONE && name.text != NULL && !self->has_lost_names) {
        weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_STREAM, name.at,
            "there is no stream '%s'", name.text);
        if (!weiri_report_seeks_nearest(self->diagnostics, self->plan->n_streams)) {
            return stream;
        }
        const weiri_plan *plan = self->plan;
        const char      **names =
            weiri_arena_alloc(self->arena, (plan->n_streams + 1) * sizeof *names);
        for (uint32_t i = 0; i < plan->n_streams; i++) {
            names[i] = plan->streams[i].schema.name;
        }
        weiri_report_nearest(self->diagnostics, name.text, names, plan->n_streams);
    }
    return stream;
}

const char *
weiri_stream_name(const weiri_planner *self, uint32_t stream)
{
    const weiri_ast_stream *declared = self->streams[stream].declared;
    return declared != NULL ? declared->name.text
                            : self->plan->streams[stream].schema.name;
}

const char *
weiri_stream_word(const weiri_planner *self, uint32_t stream)
{
    return self->plan->streams[stream].origin == WEIRI_ORIGIN_TABLE ? "table" : "stream";
}

/* All of few fields, the first of many. */
static void
hint_fields(weiri_planner *self, const char *const *names, uint32_t n)
{
    enum { SHOWN = 8 };
    const char *text = names[0];
    for (uint32_t i = 1; i < n && i < SHOWN; i++) {
        text = weiri_arena_format(self->arena, "%s, %s", text, names[i]);
    }
    weiri_report_hint(
        self->diagnostics, "its fields are %s%s", text, n > SHOWN ? ", ..." : "");
}

void
weiri_report_no_field(weiri_planner *self, uint32_t stream, weiri_ast_name name)
{
    const weir_schema *schema = &self->plan->streams[stream].schema;
    if (self->streams[stream].is_broken || name.text == NULL) {
        return;
    }
    const char **names =
        weiri_arena_alloc(self->arena, (schema->n_fields + 1) * sizeof *names);
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        names[i] = schema->fields[i].name;
    }
    weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_FIELD, name.at,
        "%s '%s' has no field '%s'", weiri_stream_word(self, stream),
        weiri_stream_name(self, stream), name.text);
    if (weiri_nearest_name(name.text, names, schema->n_fields) != NULL) {
        weiri_report_nearest(self->diagnostics, name.text, names, schema->n_fields);
    } else if (schema->n_fields > 0) {
        hint_fields(self, names, schema->n_fields);
    }
}

uint32_t
weiri_add_stream(
    weiri_planner *self, const char *name, weiri_origin origin, weiri_span at)
{
    weiri_plan       *plan   = self->plan;
    uint32_t          n_info = plan->n_streams;
    weiri_stream_info info   = { .at = at };
    weiri_stream      row    = {
                .origin = origin, .of = WEIRI_NONE, .late = WEIRI_NONE, .dead = WEIRI_NONE
    };
    row.schema = (weir_schema){ .name = name, .time_field = -1 };
    WEIRI_ARENA_PUSH(self->arena, self->streams, n_info, info);
    WEIRI_ARENA_PUSH(self->arena, plan->streams, plan->n_streams, row);
    weiri_names_add(&self->stream_names, self->arena, name, n_info - 1);
    return n_info - 1;
}

/* ---- fields ---- */

static bool
is_pointer(const char *text)
{
    for (const char *tilde = strchr(text, '~'); tilde != NULL;
         tilde             = strchr(tilde + 1, '~')) {
        if (tilde[1] != '0' && tilde[1] != '1') {
            return false;
        }
    }
    return true;
}

static void
set_time_form(weiri_planner *self, const weiri_ast_field *from, weir_field *field)
{
    static const struct {
        const char    *text;
        weir_time_form form;
    } UNITS[] = { { "s", WEIR_TIME_S }, { "ms", WEIR_TIME_MS }, { "us", WEIR_TIME_US },
        { "ns", WEIR_TIME_NS } };
    weiri_span at = from->unit.text != NULL ? from->unit.at : from->form_at;
    if (from->unit.text == NULL && from->form == NULL) {
        return;
    }
    if (field->type != WEIR_TIME) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_TIME_FORM, at,
            "only a time has a unit or form, '%s' is %s %s", field->name,
            field->type == WEIR_INT ? "an" : "a", weir_type_text(field->type));
        return;
    }
    if (from->form != NULL) {
        /* Where the year comes from is seen at each source. */
        const char *whole = weiri_time_pattern_has_year(from->form)
                                ? from->form
                                : weiri_arena_format(self->arena, "%%Y %s", from->form);
        const char *wrong =
            from->form[0] == '\0' ? "it is empty" : weiri_time_pattern_check(whole);
        field->form    = WEIR_TIME_PATTERN;
        field->pattern = from->form;
        if (wrong != NULL) {
            weiri_report(self->diagnostics, WEIRI_E_BAD_TIME_FORM, from->form_at,
                "this is no form of a time: %s", wrong);
        }
        return;
    }
    for (size_t i = 0; i < sizeof UNITS / sizeof UNITS[0]; i++) {
        if (strcmp(UNITS[i].text, from->unit.text) == 0) {
            field->form = UNITS[i].form;
            return;
        }
    }
    weiri_report(self->diagnostics, WEIRI_E_BAD_TIME_FORM, at,
        "there is no unit '%s' of times", from->unit.text);
    weiri_report_hint(self->diagnostics, "units are s, ms, us and ns");
}

static weir_field
field_of(weiri_planner *self, const weiri_ast_field *from)
{
    weir_field field = { .name = from->name.text,
        .type                  = from->type.type,
        .is_nullable           = from->type.is_nullable,
        .from                  = from->from };
    set_time_form(self, from, &field);
    if (field.from != NULL && field.from[0] == '/' && !is_pointer(field.from)) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_POINTER, from->from_at,
            "in a JSON pointer '~' is followed by 0 or 1");
        weiri_report_hint(self->diagnostics, "write ~0 for '~' and ~1 for '/'");
    }
    return field;
}

/* A record has rows for the items of one array. */
static bool
is_of_other_array(const weir_field *fields, uint32_t n_fields, const char *from)
{
    size_t n = weiri_path_each(from);
    for (uint32_t i = 0; n > 0 && i < n_fields; i++) {
        const char *other  = fields[i].from != NULL ? fields[i].from : "";
        size_t      others = weiri_path_each(other);
        if (others > 0 && (others != n || memcmp(other, from, n) != 0)) {
            return true;
        }
    }
    return n > 0 && from[n] == '/' && weiri_path_is_each(from + n);
}

static bool
has_field(const weir_field *fields, uint32_t n_fields, const char *name)
{
    for (uint32_t i = 0; i < n_fields; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

void
weiri_set_fields(weiri_planner *self, uint32_t stream)
{
    const weiri_ast_stream *declared = self->streams[stream].declared;
    weir_schema            *schema   = &self->plan->streams[stream].schema;
    weir_field             *fields   = NULL;
    uint32_t                n_fields = 0;
    for (uint32_t i = 0; i < declared->n_fields; i++) {
        const weiri_ast_field *from = &declared->fields[i];
        if (n_fields == WEIRI_FIELDS) {
            weiri_report(self->diagnostics, WEIRI_E_TOO_MANY_FIELDS, from->name.at,
                "a stream has at most %d fields", WEIRI_FIELDS);
            break;
        }
        if (has_field(fields, n_fields, from->name.text)) {
            weiri_report(self->diagnostics, WEIRI_E_FIELD_TWICE, from->name.at,
                "stream '%s' has a field '%s' already", schema->name, from->name.text);
            continue;
        }
        weir_field field = field_of(self, from);
        if (field.from != NULL && is_of_other_array(fields, n_fields, field.from)) {
            weiri_report(self->diagnostics, WEIRI_E_BAD_POINTER, from->from_at,
                "a stream takes the items of one array, and so one '*'");
            weiri_report_hint(self->diagnostics,
                "read the other array as a stream of its own, from the same file");
        }
        WEIRI_ARENA_PUSH(self->arena, fields, n_fields, field);
    }
    schema->fields                  = fields;
    schema->n_fields                = n_fields;
    self->streams[stream].is_known  = true;
    self->streams[stream].is_broken = declared->is_broken;
}

/* The event's time of a stream that comes from outside. */
static void
set_time_field(weir_schema *schema)
{
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        if (schema->fields[i].type == WEIR_TIME) {
            schema->time_field = (int32_t)i;
            return;
        }
    }
}

/* ---- where streams come from ---- */

static void
collect_declared(weiri_planner *self)
{
    const weiri_ast_statement *statement;
    for (uint64_t i = 0;
         (statement = weiri_planner_next(self, WEIRI_WORD_STREAM, &i)) != NULL;) {
        const weiri_ast_stream *declared = statement->as.stream;
        if (declared->name.text == NULL) {
            self->has_lost_names = true;
            continue;
        }
        if (weiri_find_stream(self, declared->name.text) != WEIRI_NONE) {
            weiri_report(self->diagnostics, WEIRI_E_NAME_TAKEN, declared->name.at,
                "there is a stream '%s' already", declared->name.text);
            continue;
        }
        uint32_t stream = weiri_add_stream(
            self, declared->name.text, WEIRI_ORIGIN_SOURCE, declared->name.at);
        self->streams[stream].declared = declared;
        weiri_set_fields(self, stream);
    }
}

static void
mark_sources(weiri_planner *self)
{
    const weiri_ast_statement *statement;
    for (uint64_t i = 0;
         (statement = weiri_planner_next(self, WEIRI_WORD_SOURCE, &i)) != NULL;) {
        const char *name   = statement->as.io->stream.text;
        uint32_t    stream = name == NULL ? WEIRI_NONE : weiri_find_stream(self, name);
        if (stream != WEIRI_NONE) {
            self->streams[stream].has_source = true;
        }
    }
}

static void
collect_emit(weiri_planner *self, const weiri_ast_rule *rule, const weiri_ast_emit *emit)
{
    bool is_lost = emit->at.size > 0 && emit->stream.text == NULL;
    if (is_lost || (rule->is_broken && emit->at.size == 0)) {
        self->has_lost_names = self->has_lost_names || emit == &rule->emit || is_lost;
    }
    if (emit->stream.text == NULL || emit->is_into) {
        return; /* a table is there or is not, rules cannot make one */
    }
    uint32_t stream = weiri_find_stream(self, emit->stream.text);
    if (stream == WEIRI_NONE) {
        stream =
            weiri_add_stream(self, emit->stream.text, WEIRI_ORIGIN_RULE, emit->stream.at);
    }
    weiri_stream_info *info = &self->streams[stream];
    info->is_emitted        = true;
    info->is_broken         = info->is_broken || rule->is_broken || emit->is_broken;
    if (info->has_source) {
        weiri_report(self->diagnostics, WEIRI_E_EMIT_INTO_SOURCE, emit->stream.at,
            "stream '%s' has a source, so no rule can emit into it", emit->stream.text);
        info->is_broken = true;
    }
}

static void
collect_emits(weiri_planner *self)
{
    const weiri_ast_statement *statement;
    for (uint64_t i = 0;
         (statement = weiri_planner_next(self, WEIRI_WORD_RULE, &i)) != NULL;) {
        collect_emit(self, statement->as.rule, &statement->as.rule->emit);
        collect_emit(self, statement->as.rule, &statement->as.rule->on_timeout);
    }
}

static void
set_origins(weiri_planner *self)
{
    for (uint32_t i = 0; i < self->plan->n_streams; i++) {
        weiri_stream *stream = &self->plan->streams[i];
        if (self->streams[i].is_emitted) {
            stream->origin = WEIRI_ORIGIN_RULE;
        } else {
            set_time_field(&stream->schema);
        }
    }
}

/* ---- late and dead ---- */

static void
set_dead_fields(weiri_planner *self, weir_schema *schema)
{
    static const weir_field FIELDS[] = {
#define X(id, text, kind) { .name = (text), .type = (kind) },
        WEIRI_DEAD_FIELD_LIST(X)
#undef X
    };
    weir_field *fields = weiri_arena_alloc(self->arena, sizeof FIELDS);
    memcpy(fields, FIELDS, sizeof FIELDS);
    schema->fields     = fields;
    schema->n_fields   = sizeof FIELDS / sizeof FIELDS[0];
    schema->time_field = 0;
}

static void
set_late_fields(weiri_planner *self, weir_schema *schema, const weir_schema *of)
{
    weir_field *fields =
        weiri_arena_alloc(self->arena, (of->n_fields + 1) * sizeof *fields);
    if (of->n_fields > 0) {
        memcpy(fields, of->fields, of->n_fields * sizeof *fields);
    }
    schema->fields     = fields;
    schema->n_fields   = of->n_fields;
    schema->time_field = of->time_field;
    if (!has_field(fields, of->n_fields, "original_at")) {
        fields[schema->n_fields++] =
            (weir_field){ .name = "original_at", .type = WEIR_TIME };
    }
}

static void
add_dead_of_actor(weiri_planner *self, weiri_ast_name name)
{
    static const weir_field FIELDS[] = {
#define X(id, text, kind, may_be_null)                                                   \
    { .name = (text), .type = (kind), .is_nullable = (may_be_null) },
        WEIRI_DEAD_ACTOR_FIELD_LIST(X)
#undef X
    };
    uint32_t     actor  = weiri_find_actor(self, name.text + 5);
    uint32_t     stream = weiri_add_stream(self, name.text, WEIRI_ORIGIN_RULE, name.at);
    weir_schema *schema = &self->plan->streams[stream].schema;
    schema->fields      = FIELDS;
    schema->n_fields    = sizeof FIELDS / sizeof FIELDS[0];
    self->streams[stream].is_known   = true;
    self->streams[stream].is_emitted = true;
    self->actors[actor].dead         = stream;
}

static void
collect_special(weiri_planner *self, weiri_ast_name name)
{
    bool is_late = name.text != NULL && strncmp(name.text, "late.", 5) == 0;
    bool is_special =
        is_late || (name.text != NULL && strncmp(name.text, "dead.", 5) == 0);
    if (!is_special || weiri_find_stream(self, name.text) != WEIRI_NONE) {
        return;
    }
    weiri_ast_name base = { .text = name.text + 5, .at = name.at };
    base.at.offset += 5;
    base.at.size -= base.at.size > 5 ? 5 : 0;
    if (!is_late && weiri_find_stream(self, base.text) == WEIRI_NONE
        && weiri_find_actor(self, base.text) != WEIRI_NONE) {
        add_dead_of_actor(self, name);
        return;
    }
    uint32_t of     = weiri_need_stream(self, base);
    uint32_t stream = weiri_add_stream(
        self, name.text, is_late ? WEIRI_ORIGIN_LATE : WEIRI_ORIGIN_DEAD, name.at);
    weiri_stream      *row  = &self->plan->streams[stream];
    weiri_stream_info *info = &self->streams[stream];
    info->is_known          = true;
    info->is_broken         = of == WEIRI_NONE || self->streams[of].is_broken;
    if (of == WEIRI_NONE) {
        return;
    }
    weiri_stream *source = &self->plan->streams[of];
    if (source->origin != WEIRI_ORIGIN_SOURCE) {
        weiri_report(self->diagnostics, WEIRI_E_LATE_OF_DERIVED, name.at,
            "only streams with a source have late and dead events, '%s' comes from rules",
            source->schema.name);
        info->is_broken = true;
        return;
    }
    row->of                                    = of;
    *(is_late ? &source->late : &source->dead) = stream;
    if (is_late) {
        set_late_fields(self, &row->schema, &source->schema);
    } else {
        set_dead_fields(self, &row->schema);
        info->is_broken = false;
    }
}

static void
collect_special_steps(weiri_planner *self, const weiri_ast_pattern *pattern)
{
    collect_special(self, pattern->stream);
    for (uint32_t i = 0; i < pattern->n_items; i++) {
        collect_special_steps(self, pattern->items[i]);
    }
}

static void
collect_specials(weiri_planner *self)
{
    const weiri_ast_statement *statement;
    for (uint64_t i = 0;
         (statement = weiri_planner_next(self, WEIRI_WORD_RULE, &i)) != NULL;) {
        const weiri_ast_rule *rule = statement->as.rule;
        if (!rule->is_broken && rule->pattern != NULL) {
            collect_special_steps(self, rule->pattern);
        }
        if (!rule->is_broken) {
            collect_special(self, rule->from.stream);
        }
        for (uint32_t j = 0; !rule->is_broken && j < rule->from.n_joins; j++) {
            collect_special(self, rule->from.joins[j].stream);
        }
    }
    for (uint64_t i = 0;
         (statement = weiri_planner_next(self, WEIRI_WORD_SINK, &i)) != NULL;) {
        collect_special(self, statement->as.io->stream);
    }
}

/* ---- hidden streams ---- */

/* The most that joins, fills, lookups and tables may need. */
static uint32_t
count_hidden(const weiri_planner *self)
{
    const weiri_ast_statement *statement;
    uint32_t                   n        = 0;
    uint32_t                   n_rules  = 0;
    uint32_t                   n_tables = 0;
    for (uint64_t i = 0;
         (statement = weiri_planner_next(self, WEIRI_WORD_RULE, &i)) != NULL;) {
        n += statement->as.rule->from.n_joins + (statement->as.rule->fill.at.size > 0);
        n_rules++;
    }
    for (uint64_t i = 0; weiri_planner_next(self, WEIRI_WORD_TABLE, &i) != NULL;) {
        n += 3;
        n_tables++;
    }
    return n + (n_tables > 0 ? n_rules * WEIRI_LOOKUPS : 0);
}

/* Schemas are pointed at while rules are planned, so that streams must not move. */
static void
make_room(weiri_planner *self)
{
    weiri_plan *plan = self->plan;
    size_t      n    = plan->n_streams;
    size_t      room = n + count_hidden(self) + 1;
    plan->streams    = weiri_arena_grow(self->arena, plan->streams,
           n * sizeof *plan->streams, room * sizeof *plan->streams);
    self->streams    = weiri_arena_grow(self->arena, self->streams,
           n * sizeof *self->streams, room * sizeof *self->streams);
}

uint32_t
weiri_add_hidden_stream(
    weiri_planner *self, const char *name, weiri_origin origin, weiri_span at)
{
    weiri_plan   *plan   = self->plan;
    uint32_t      index  = plan->n_streams++;
    weiri_stream *stream = &plan->streams[index];
    *stream              = (weiri_stream){ .origin = origin,
                     .of                           = WEIRI_NONE,
                     .late                         = WEIRI_NONE,
                     .dead                         = WEIRI_NONE,
                     .is_read                      = true };
    stream->schema       = (weir_schema){ .name = name, .time_field = -1 };
    self->streams[index] =
        (weiri_stream_info){ .at = at, .is_emitted = true, .is_known = true };
    return index;
}

void
weiri_plan_streams(weiri_planner *self)
{
    collect_declared(self);
    mark_sources(self);
    collect_emits(self);
    weiri_collect_uses(self);
    set_origins(self);
    collect_specials(self);
    make_room(self);
    for (uint32_t i = 0; i < self->plan->n_streams; i++) {
        weiri_stream *stream = &self->plan->streams[i];
        if (self->streams[i].is_known) {
            stream->used = weiri_arena_alloc(
                self->arena, (stream->schema.n_fields + 1) * sizeof *stream->used);
        }
    }
}
