/* Sources and sinks. */
#include "planner.h"

#include <string.h>

static const char *const ENDPOINTS[] = { "file", "stdin", "stdout", "zmq", "node",
    "kafka", "mqtt", "http", "postgres", "amqp", "tcp", "redis", "websocket", "syslog" };
enum {
    AT_FILE     = 0,
    AT_ZMQ      = 3,
    AT_NODE     = 4,
    N_BUILT     = 5,
    N_ENDPOINTS = sizeof ENDPOINTS / sizeof ENDPOINTS[0]
};

static const struct {
    const char  *name;
    weiri_format format;
} FORMATS[] = { { "json", WEIRI_FORMAT_JSON }, { "csv", WEIRI_FORMAT_CSV },
    { "msgpack", WEIRI_FORMAT_MSGPACK }, { "text", WEIRI_FORMAT_TEXT },
    { "lines", WEIRI_FORMAT_LINES } };
enum { N_FORMATS = sizeof FORMATS / sizeof FORMATS[0] };

/* Where an option of a source or sink is kept. */
struct io {
    const weiri_ast_io *ast;
    bool                is_sink;
    weiri_endpoint      endpoint;
    const char         *path;
    weiri_wire_config   wire;
    weiri_link_options  node;
    weiri_format        format;
    weiri_plug          connector;
    weiri_plug          codec;
    const weiri_stream *stream; /* NULL: it is broken */
    bool                has_header;
    char                delimiter;
    const char         *identity; /* of a sink; NULL: none              */
    weiri_span          identity_at;
    weiri_lines         lines;         /* of a source                           */
    bool                is_csv_option; /* header or delimiter is given  */
    weiri_span          option_at;
};

/* Events of a source that gives some, not bytes, fill the stream's fields by name. */
static bool
check_outputs(weiri_planner *self, struct io *io)
{
    const weir_plugin_source *source = io->connector.of.source;
    bool                      is_ok  = true;
    for (uint32_t i = 0; io->stream != NULL && i < io->stream->schema.n_fields; i++) {
        const weir_field        *field = &io->stream->schema.fields[i];
        const weir_plugin_field *found = NULL;
        for (uint32_t j = 0; j < source->n_outputs; j++) {
            found = strcmp(source->outputs[j].name, field->name) == 0
                        ? &source->outputs[j]
                        : found;
        }
        bool fits = found != NULL
                        ? found->type == field->type
                              || (found->type == WEIR_INT && field->type == WEIR_FLOAT)
                        : field->is_nullable || field->from != NULL;
        if (!fits) {
            weiri_report(self->diagnostics, WEIRI_E_BAD_PLUGIN, io->ast->endpoint.name.at,
                found == NULL ? "source '%s' gives no field '%s', which stream '%s' has"
                              : "source '%s' gives '%s', which stream '%s' has, as "
                                "another type",
                io->connector.name, field->name, io->stream->schema.name);
        }
        is_ok = is_ok && fits;
    }
    return is_ok;
}

static bool
read_connector(weiri_planner *self, struct io *io)
{
    weiri_ast_name         name = io->ast->endpoint.name;
    const weiri_connector *of   = weiri_find_connector(self, name.text);
    if (of->is_broken) {
        return false;
    }
    if (io->is_sink ? of->sink == NULL : of->source == NULL) {
        weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_ENDPOINT, name.at,
            "connector '%s' has no %s", name.text, io->is_sink ? "sink" : "source");
        return false;
    }
    io->endpoint       = WEIRI_ENDPOINT_PLUGIN;
    io->connector.name = name.text;
    if (io->is_sink) {
        io->connector.of.sink = of->sink;
    } else {
        io->connector.of.source = of->source;
    }
    io->connector.params = weiri_plugin_params(self, io->is_sink ? "sink" : "source",
        name, &io->ast->endpoint.options,
        io->is_sink ? of->sink->params : of->source->params,
        io->is_sink ? of->sink->n_params : of->source->n_params);
    bool gives_rows      = !io->is_sink && of->source->read_rows != NULL;
    return io->connector.params != NULL && (!gives_rows || check_outputs(self, io));
}

/* Whether events go to or come from a connector as they are. */
static bool
is_of_rows(const struct io *io)
{
    return io->endpoint == WEIRI_ENDPOINT_PLUGIN
           && (io->is_sink ? io->connector.of.sink->write_rows != NULL
                           : io->connector.of.source->read_rows != NULL);
}

static bool
read_codec(weiri_planner *self, struct io *io, const weiri_codec_info *info)
{
    weiri_ast_name           name  = io->ast->format;
    const weir_plugin_codec *codec = info->codec;
    if (codec == NULL) {
        return false;
    }
    if (io->is_sink ? codec->encode == NULL : codec->decode == NULL) {
        weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_FORMAT, name.at,
            "codec '%s' cannot %s", name.text, io->is_sink ? "write" : "read");
        return false;
    }
    if (io->endpoint == WEIRI_ENDPOINT_ZMQ) {
        weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_FORMAT, name.at,
            "a message cannot be %s: it is rows, each of which stands for itself",
            name.text);
        weiri_report_hint(self->diagnostics, "formats of messages are json and msgpack");
        return false;
    }
    io->format         = WEIRI_FORMAT_PLUGIN;
    io->codec.name     = name.text;
    io->codec.of.codec = codec;
    io->codec.params   = weiri_plugin_params(
          self, "codec", name, &io->ast->format_options, codec->params, codec->n_params);
    return io->codec.params != NULL;
}

static bool
read_endpoint(weiri_planner *self, struct io *io)
{
    weiri_ast_name name = io->ast->endpoint.name;
    uint32_t       i    = 0;
    if (name.text == NULL) {
        return false;
    }
    if (weiri_find_connector(self, name.text) != NULL) {
        return read_connector(self, io);
    }
    while (i < N_ENDPOINTS && strcmp(name.text, ENDPOINTS[i]) != 0) {
        i++;
    }
    if (i == N_ENDPOINTS) {
        weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_ENDPOINT, name.at,
            "events cannot be %s '%s'", io->is_sink ? "sent to" : "read from", name.text);
        weiri_report_nearest(self->diagnostics, name.text, ENDPOINTS, N_BUILT);
        weiri_report_hint(self->diagnostics, "%s",
            io->is_sink ? "there are file(\"path\"), stdout(), zmq(\"address\") and "
                          "node(\"name\")"
                        : "there are file(\"path\"), stdin(), zmq(\"address\") and "
                          "node(\"name\")");
        return false;
    }
    if (i >= N_BUILT) {
        weiri_report_not_yet(
            self, name.at, weiri_arena_format(self->arena, "'%s' is", name.text));
        return false;
    }
    if (i == AT_ZMQ) {
        io->endpoint = WEIRI_ENDPOINT_ZMQ;
        return true;
    }
    if (i == AT_NODE) {
        io->endpoint = WEIRI_ENDPOINT_NODE;
        return true;
    }
    if (strcmp(name.text, io->is_sink ? "stdin" : "stdout") == 0) {
        weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_ENDPOINT, name.at,
            io->is_sink ? "events cannot be sent to stdin"
                        : "events cannot be read from stdout");
        weiri_report_hint(
            self->diagnostics, "did you mean '%s'?", io->is_sink ? "stdout" : "stdin");
        return false;
    }
    io->endpoint = i == AT_FILE ? WEIRI_ENDPOINT_FILE : WEIRI_ENDPOINT_STDIO;
    return true;
}

static void
report_nearest_format(weiri_planner *self, const char *name)
{
    const char *names[N_FORMATS];
    for (uint32_t i = 0; i < N_FORMATS; i++) {
        names[i] = FORMATS[i].name;
    }
    weiri_report_nearest(self->diagnostics, name, names, N_FORMATS);
}

static bool
read_format(weiri_planner *self, struct io *io)
{
    weiri_ast_name name = io->ast->format;
    if (io->endpoint == WEIRI_ENDPOINT_NODE) {
        io->format = WEIRI_FORMAT_FRAMES;
        if (name.text != NULL) {
            weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_FORMAT, name.at,
                "what goes from node to node has a format of its own");
            weiri_report_hint(self->diagnostics, "leave 'format %s' out", name.text);
        }
        return name.text == NULL;
    }
    if (name.text == NULL) {
        bool is_file = io->endpoint == WEIRI_ENDPOINT_FILE;
        io->format   = is_file          ? WEIRI_FORMAT_AUTO
                       : is_of_rows(io) ? WEIRI_FORMAT_MSGPACK
                                        : WEIRI_FORMAT_JSON;
        return true;
    }
    if (is_of_rows(io)) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, name.at,
            "'%s' %s events, not bytes, and has no format", io->connector.name,
            io->is_sink ? "takes" : "gives");
        return false;
    }
    if (weiri_find_codec(self, name.text) != NULL) {
        return read_codec(self, io, weiri_find_codec(self, name.text));
    }
    for (uint32_t i = 0; i < N_FORMATS; i++) {
        if (strcmp(name.text, FORMATS[i].name) == 0) {
            io->format = FORMATS[i].format;
        }
    }
    bool is_text  = io->format == WEIRI_FORMAT_TEXT && !io->is_sink;
    bool is_lines = io->format == WEIRI_FORMAT_LINES && io->is_sink;
    if (io->format == WEIRI_FORMAT_AUTO || is_text || is_lines) {
        weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_FORMAT, name.at,
            is_text    ? "format '%s' is for sinks only"
            : is_lines ? "format '%s' is for sources only"
                       : "there is no format '%s'",
            name.text);
        report_nearest_format(self, name.text);
        weiri_report_hint(
            self->diagnostics, io->is_sink ? "formats are json, csv, msgpack and text"
                                           : "formats are json, csv, msgpack and "
                                             "lines(`pattern`)");
        return false;
    }
    bool is_row = io->format == WEIRI_FORMAT_JSON || io->format == WEIRI_FORMAT_MSGPACK;
    if (io->endpoint == WEIRI_ENDPOINT_ZMQ && !is_row) {
        weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_FORMAT, name.at,
            "a message cannot be %s: it is rows, each of which stands for itself",
            name.text);
        weiri_report_hint(self->diagnostics, "formats of messages are json and msgpack");
        return false;
    }
    return true;
}

static bool
read_delimiter(weiri_planner *self, struct io *io, const weiri_ast_expr *value)
{
    const weir_value *text =
        weiri_constant(self, value, WEIR_STRING, "option 'delimiter'");
    if (text == NULL) {
        return false;
    }
    bool is_one = text->size == 1 && (uint8_t)text->as.s[0] < 0x80;
    if (!is_one || strchr("\"\n\r", text->as.s[0]) != NULL) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, value->at,
            "a delimiter is one ASCII character, and neither a quote nor a line's end");
        return false;
    }
    io->delimiter = text->as.s[0];
    return true;
}

static bool
read_identity(weiri_planner *self, struct io *io, const weiri_ast_option *option)
{
    const weir_value *text =
        weiri_constant(self, option->value, WEIR_STRING, "option 'identity'");
    if (text == NULL) {
        return false;
    }
    if (!io->is_sink || text->size == 0 || memchr(text->as.s, 0, text->size) != NULL) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, option->value->at,
            io->is_sink ? "this is no name of a field"
                        : "what is read has no identity of ours: this is for sinks only");
        return false;
    }
    io->identity    = weiri_arena_text(self->arena, text->as.s, text->size);
    io->identity_at = option->value->at;
    return true;
}

static bool
read_option(weiri_planner *self, struct io *io, const weiri_ast_option *option)
{
    static const char *const NAMES[] = { "header", "delimiter", "identity" };
    const char              *name    = option->name.text;
    if (name != NULL && strcmp(name, "header") == 0) {
        const weir_value *value =
            weiri_constant(self, option->value, WEIR_BOOL, "option 'header'");
        io->has_header    = value != NULL && value->as.b;
        io->is_csv_option = true;
        io->option_at     = option->name.at;
        return value != NULL;
    }
    if (name != NULL && strcmp(name, "delimiter") == 0) {
        io->is_csv_option = true;
        io->option_at     = option->name.at;
        return read_delimiter(self, io, option->value);
    }
    if (name != NULL && strcmp(name, "identity") == 0) {
        return read_identity(self, io, option);
    }
    if (name != NULL) {
        weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_OPTION, option->name.at,
            "there is no option '%s' here", name);
        weiri_report_nearest(self->diagnostics, name, NAMES, io->is_sink ? 3 : 2);
        weiri_report_hint(self->diagnostics, io->is_sink
                                                 ? "the option of sinks is identity"
                                                 : "options are header and delimiter");
    } else if (option->value->kind != WEIRI_AST_BROKEN) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, option->value->at,
            "one argument more than is needed");
    }
    return false;
}

static bool
read_path(weiri_planner *self, struct io *io)
{
    const weiri_ast_options *options = &io->ast->endpoint.options;
    bool has_path = options->n_items > 0 && options->items[0].name.text == NULL;
    if (io->endpoint != WEIRI_ENDPOINT_FILE) {
        return true;
    }
    const weir_value *path =
        has_path ? weiri_constant(self, options->items[0].value, WEIR_STRING, "a path")
                 : NULL;
    if (!has_path) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, io->ast->endpoint.name.at,
            "the path of the file is missing");
        weiri_report_hint(self->diagnostics, "write file(\"path\")");
    }
    if (path == NULL) {
        return false;
    }
    if (path->size == 0 || memchr(path->as.s, 0, path->size) != NULL) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, options->items[0].value->at,
            "this is no path of a file");
        return false;
    }
    io->path = weiri_arena_text(self->arena, path->as.s, path->size);
    return true;
}

static bool
is_csv(const struct io *io)
{
    if (io->format != WEIRI_FORMAT_AUTO || io->path == NULL) {
        return io->format == WEIRI_FORMAT_CSV;
    }
    return strstr(io->path, ".csv") != NULL || strstr(io->path, ".tsv") != NULL;
}

static bool
read_options(weiri_planner *self, struct io *io)
{
    const weiri_ast_options *options = &io->ast->endpoint.options;
    bool                     is_ok   = true;
    if (io->endpoint == WEIRI_ENDPOINT_ZMQ) {
        is_ok    = weiri_plan_wire(self, &io->ast->endpoint, io->is_sink, &io->wire);
        io->path = io->wire.address;
    } else if (io->endpoint == WEIRI_ENDPOINT_PLUGIN) {
        io->path = io->connector.name;
    } else if (io->endpoint == WEIRI_ENDPOINT_NODE) {
        is_ok =
            weiri_plan_node(self, &io->ast->endpoint, io->is_sink, &io->path, &io->node);
    } else {
        is_ok = read_path(self, io);
        for (uint32_t i = io->path != NULL || !is_ok; i < options->n_items; i++) {
            is_ok = read_option(self, io, &options->items[i]) && is_ok;
        }
    }
    options = &io->ast->format_options;
    if (io->format == WEIRI_FORMAT_LINES) {
        return weiri_plan_lines(self, io->ast, io->stream, &io->lines) && is_ok;
    }
    for (uint32_t i = 0; io->codec.name == NULL && i < options->n_items; i++) {
        is_ok = read_option(self, io, &options->items[i]) && is_ok;
    }
    if (is_ok && io->is_csv_option && !is_csv(io)) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, io->option_at,
            "this option is for CSV, and the format is not");
        weiri_report_hint(self->diagnostics, "add 'format csv'");
        return false;
    }
    if (is_ok && io->is_csv_option && io->is_sink) {
        weiri_report_not_yet(self, io->option_at, "options of CSV sinks are");
        return false;
    }
    return is_ok;
}

/* Everything that sources and sinks share. */
static bool
read_io(weiri_planner *self, const weiri_ast_io *ast, uint32_t stream, bool is_sink,
    struct io *io)
{
    *io = (struct io){
        .ast = ast, .is_sink = is_sink, .has_header = true, .delimiter = ','
    };
    if (stream != WEIRI_NONE && !self->streams[stream].is_broken) {
        io->stream = &self->plan->streams[stream];
    }
    return read_endpoint(self, io) && read_format(self, io) && read_options(self, io);
}

static bool
read_on_error(weiri_planner *self, const weiri_ast_io *ast, weiri_on_error *out)
{
    const char *name = ast->on_error.text;
    *out             = WEIRI_ON_ERROR_SKIP;
    if (name == NULL || strcmp(name, "skip") == 0) {
        return true;
    }
    if (strcmp(name, "stop") == 0) {
        *out = WEIRI_ON_ERROR_STOP;
        return true;
    }
    if (strcmp(name, "restart") == 0) {
        weiri_report_not_yet(self, ast->on_error.at, "'on error restart' is");
        return false;
    }
    weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, ast->on_error.at,
        "after 'on error' stands 'skip' or 'stop'");
    return false;
}

static bool
check_source_stream(weiri_planner *self, const weiri_ast_io *ast, uint32_t stream)
{
    const weiri_stream      *row  = &self->plan->streams[stream];
    const weiri_stream_info *info = &self->streams[stream];
    if (info->declared == NULL) {
        weiri_report(self->diagnostics, WEIRI_E_SOURCE_OF_DERIVED, ast->stream.at,
            "stream '%s' is made by Weir and cannot have a source", row->schema.name);
        if (row->origin == WEIRI_ORIGIN_RULE) {
            weiri_report_hint(
                self->diagnostics, "declare it: stream %s { ... }", row->schema.name);
        }
        return false;
    }
    bool is_node = ast->endpoint.name.text != NULL
                   && strcmp(ast->endpoint.name.text, ENDPOINTS[AT_NODE]) == 0;
    if (row->schema.time_field < 0 && !info->is_broken && !info->is_emitted && !is_node) {
        weiri_report(self->diagnostics, WEIRI_E_NO_TIME_FIELD, ast->stream.at,
            "stream '%s' has no field of type time, so its events have no time",
            row->schema.name);
        weiri_report_hint(
            self->diagnostics, "add a field to the stream, as in 'at time'");
        return false;
    }
    return !info->is_broken;
}

bool
weiri_plan_source(
    weiri_planner *self, const weiri_ast_io *ast, uint32_t stream, weiri_source *out)
{
    struct io io;
    bool      is_ok = read_io(self, ast, stream, false, &io);
    *out            = (weiri_source){ .stream = stream, .idle_ns = -1 };
    if (ast->lateness != NULL) {
        out->lateness_ns = weiri_constant_duration(self, ast->lateness, true, "lateness");
    }
    if (ast->idle != NULL) {
        out->idle_ns = weiri_constant_duration(self, ast->idle, false, "idle");
    }
    if (!read_on_error(self, ast, &out->on_error) || !is_ok
        || (io.stream != NULL
            && !weiri_check_years(self, ast, &io.stream->schema, &io.lines))) {
        return false;
    }
    out->endpoint   = io.endpoint;
    out->path       = io.path;
    out->wire       = io.wire;
    out->node       = io.node;
    out->format     = io.format;
    out->connector  = io.connector;
    out->codec      = io.codec;
    out->has_header = io.has_header;
    out->delimiter  = io.delimiter;
    out->lines      = io.lines;
    return true;
}

static void
plan_source(weiri_planner *self, const weiri_ast_statement *statement)
{
    const weiri_ast_io *ast    = statement->as.io;
    uint32_t            stream = weiri_need_stream(self, ast->stream);
    bool is_ok = stream != WEIRI_NONE && check_source_stream(self, ast, stream);
    if (ast->is_broken) {
        return;
    }
    if (ast->refresh != NULL) {
        weiri_report(self->diagnostics, WEIRI_E_CLAUSE_MISPLACED, ast->refresh->at,
            "'refresh' is for tables");
    }
    weiri_source source;
    if (!weiri_plan_source(self, ast, stream, &source) || !is_ok) {
        return;
    }
    source.place       = weiri_planner_place(self, statement->at);
    const char **peers = &source.path;
    uint32_t     n     = 1;
    if (source.endpoint == WEIRI_ENDPOINT_NODE) { /* a source for each of them */
        n = weiri_plan_peers(self, &ast->endpoint, source.path, &peers);
    }
    for (uint32_t i = 0; i < n; i++) {
        source.path = peers[i];
        WEIRI_ARENA_PUSH(self->arena, self->plan->sources, self->plan->n_sources, source);
    }
}

static bool
plan_refresh(weiri_planner *self, const weiri_table_info *table, weiri_source *source)
{
    const weiri_ast_io *ast = &table->declared->io;
    source->refresh_ns =
        weiri_constant_duration(self, ast->refresh, false, "'refresh every'");
    source->gone   = table->gone;
    source->keys   = table->keys;
    source->n_keys = table->n_keys;
    if (source->refresh_ns > 0 && source->endpoint != WEIRI_ENDPOINT_FILE) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_TABLE, ast->refresh->at,
            "only a file can be read again");
        return false;
    }
    if (source->refresh_ns > 0 && !source->is_timeless) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_TABLE, ast->refresh->at,
            "a file that says from when on its rows hold is read once: without "
            "'refresh'");
        return false;
    }
    return source->refresh_ns > 0;
}

/* The file of a table, read before everything else: its rows are of no time, or of
 * that which they say. */
static void
plan_table_source(weiri_planner *self, const weiri_table_info *table)
{
    const weiri_ast_io *ast = &table->declared->io;
    weiri_source        source;
    if (!weiri_plan_source(self, ast, table->contents, &source)
        || self->streams[table->contents].is_broken) {
        return;
    }
    if (source.endpoint == WEIRI_ENDPOINT_ZMQ
        || source.endpoint == WEIRI_ENDPOINT_PLUGIN) {
        weiri_report_not_yet(
            self, ast->endpoint.name.at, "a table that messages fill is");
        return;
    }
    if (source.endpoint == WEIRI_ENDPOINT_NODE) {
        weiri_report_not_yet(
            self, ast->endpoint.name.at, "a table that another node fills is");
        return;
    }
    source.is_timeless = self->plan->streams[table->contents].schema.time_field < 0;
    source.place       = weiri_planner_place(self, table->declared->name.at);
    if (ast->refresh != NULL && !plan_refresh(self, table, &source)) {
        return;
    }
    WEIRI_ARENA_PUSH(self->arena, self->plan->sources, self->plan->n_sources, source);
}

/* The number is a field beside those of the stream. */
static bool
check_identity(weiri_planner *self, const struct io *io, uint32_t stream)
{
    const weir_schema *schema = &self->plan->streams[stream].schema;
    for (uint32_t i = 0; io->identity != NULL && i < schema->n_fields; i++) {
        if (strcmp(schema->fields[i].name, io->identity) == 0) {
            weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, io->identity_at,
                "'%s' has a field '%s' already", schema->name, io->identity);
            weiri_report_hint(self->diagnostics, "give the identity another name");
            return false;
        }
    }
    return true;
}

static void
plan_sink(weiri_planner *self, const weiri_ast_statement *statement)
{
    const weiri_ast_io *ast    = statement->as.io;
    uint32_t            stream = weiri_need_stream(self, ast->stream);
    weiri_ast_expr     *wrong  = ast->lateness != NULL ? ast->lateness
                                 : ast->idle != NULL   ? ast->idle
                                                       : ast->refresh;
    if (wrong != NULL || ast->on_error.text != NULL) {
        weiri_report(self->diagnostics, WEIRI_E_CLAUSE_MISPLACED,
            wrong != NULL ? wrong->at : ast->on_error.at, "this is for sources only");
    }
    struct io io;
    if (ast->is_broken) {
        return;
    }
    if (!read_io(self, ast, stream, true, &io) || stream == WEIRI_NONE
        || !check_identity(self, &io, stream)) {
        return;
    }
    weiri_sink   sink  = { .stream = stream,
           .endpoint               = io.endpoint,
           .path                   = io.path,
           .wire                   = io.wire,
           .node                   = io.node,
           .format                 = io.format,
           .connector              = io.connector,
           .codec                  = io.codec,
           .identity               = io.identity,
           .place                  = weiri_planner_place(self, statement->at) };
    const char **peers = &sink.path;
    uint32_t     n     = 1;
    if (sink.endpoint == WEIRI_ENDPOINT_NODE) { /* all of it to each of them */
        n = weiri_plan_peers(self, &ast->endpoint, sink.path, &peers);
    }
    for (uint32_t i = 0; i < n; i++) {
        sink.path = peers[i];
        WEIRI_ARENA_PUSH(self->arena, self->plan->sinks, self->plan->n_sinks, sink);
    }
}

/* Without any sink, what no rule reads is printed. */
static void
plan_implicit_sinks(weiri_planner *self)
{
    weiri_plan *plan = self->plan;
    for (uint32_t i = 0; i < plan->n_streams; i++) {
        if (plan->streams[i].origin == WEIRI_ORIGIN_RULE && !plan->streams[i].is_read) {
            weiri_sink sink = { .stream = i,
                .endpoint               = WEIRI_ENDPOINT_STDIO,
                .format                 = WEIRI_FORMAT_JSON,
                .place = weiri_planner_place(self, self->streams[i].at) };
            WEIRI_ARENA_PUSH(self->arena, plan->sinks, plan->n_sinks, sink);
        }
    }
}

static void
mark_sink_fields(weiri_planner *self)
{
    for (uint32_t i = 0; i < self->plan->n_sinks; i++) {
        weiri_stream *stream = &self->plan->streams[self->plan->sinks[i].stream];
        stream->is_read      = true;
        for (uint32_t j = 0; stream->used != NULL && j < stream->schema.n_fields; j++) {
            stream->used[j] = true;
        }
    }
}

/* What is read of late events has to be decoded of all. */
static void
mark_late_fields(weiri_planner *self)
{
    for (uint32_t i = 0; i < self->plan->n_streams; i++) {
        const weiri_stream *late = &self->plan->streams[i];
        if (late->origin != WEIRI_ORIGIN_LATE || late->of == WEIRI_NONE) {
            continue;
        }
        weiri_stream *of = &self->plan->streams[late->of];
        for (uint32_t j = 0; j < of->schema.n_fields; j++) {
            of->used[j] = of->used[j] || late->used[j];
        }
    }
}

void
weiri_plan_io(weiri_planner *self)
{
    const weiri_ast_statement *statement;
    bool                       has_sinks = false;
    for (uint64_t i = 0;
         (statement = weiri_planner_next(self, WEIRI_WORD_SOURCE, &i)) != NULL;) {
        plan_source(self, statement);
    }
    for (uint32_t i = 0; i < self->n_tables; i++) {
        if (self->tables[i].has_file) {
            plan_table_source(self, &self->tables[i]);
        }
    }
    for (uint64_t i = 0;
         (statement = weiri_planner_next(self, WEIRI_WORD_SINK, &i)) != NULL;) {
        plan_sink(self, statement);
        has_sinks = true;
    }
    if (!has_sinks) {
        plan_implicit_sinks(self);
    }
    mark_sink_fields(self);
    mark_late_fields(self);
}
