/* Plugins: loading them, their parameters, and what of them has a name of its own in the
 * rules: functions, aggregates, connectors, codecs. (For actors see planner_actor.c.) */
#include <string.h>

#include "planner_query.h"
#include "weiri/plugin.h"

/* ---- loading ---- */

static void
close_plugin(void *context)
{
    weiri_plugin *plugin = context;
    weiri_plugin_close(&plugin);
}

/* A path in a file of rules, from where the rules are. */
const char *
weiri_path_beside(weiri_planner *self, uint32_t file, const char *path)
{
    const char *rules = weiri_diagnostics_file(self->diagnostics, file)->name;
    const char *slash = strrchr(rules, '/');
    return path[0] == '/' || slash == NULL
               ? weiri_arena_text(self->arena, path, strlen(path))
               : weiri_arena_format(
                   self->arena, "%.*s/%s", (int)(slash - rules), rules, path);
}

weiri_plugin *
weiri_open_plugin(weiri_planner *self, const weiri_ast_plugin *declared)
{
    weiri_plugin *plugin = NULL;
    weir_error    err    = { .status = WEIR_OK };
    const char   *path = weiri_path_beside(self, declared->name.at.file, declared->path);
    if (self->options != NULL
        && (self->options->no_includes || self->options->no_plugins)) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_PLUGIN, declared->name.at,
            "no plugins can be loaded here");
        return NULL;
    }
    if (weiri_plugin_open(path, &plugin, &err) != WEIR_OK) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_PLUGIN, declared->name.at,
            "plugin '%s': %s", declared->path, err.text);
        return NULL;
    }
    weiri_arena_defer(self->arena, close_plugin, plugin);
    return plugin;
}

/* ---- parameters ---- */

static const weiri_ast_option *
option_named(const weiri_ast_options *options, const char *name)
{
    for (uint32_t i = 0; i < options->n_items; i++) {
        const char *given = options->items[i].name.text;
        if (given != NULL && strcmp(given, name) == 0) {
            return &options->items[i];
        }
    }
    return NULL;
}

/* Whose parameters are read. */
struct asking {
    const char              *kind; /* "actor" */
    weiri_ast_name           name;
    const weiri_ast_options *options;
    const weir_plugin_field *params;
    uint32_t                 n_params;
};

static bool
check_options(weiri_planner *self, const struct asking *of)
{
    bool         is_ok = true;
    const char **names =
        weiri_arena_alloc(self->arena, (of->n_params + 1) * sizeof *names);
    for (uint32_t i = 0; i < of->n_params; i++) {
        names[i] = of->params[i].name;
    }
    for (uint32_t i = 0; i < of->options->n_items; i++) {
        const weiri_ast_option *option   = &of->options->items[i];
        bool                    is_known = false;
        for (uint32_t j = 0; option->name.text != NULL && j < of->n_params; j++) {
            is_known = is_known || strcmp(names[j], option->name.text) == 0;
        }
        if (option->name.text == NULL) {
            weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, option->value->at,
                "this value needs a name: 'name: value'");
        } else if (!is_known) {
            weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_OPTION, option->name.at,
                "%s '%s' takes no '%s'", of->kind, of->name.text, option->name.text);
            weiri_report_nearest(
                self->diagnostics, option->name.text, names, of->n_params);
        }
        is_ok = is_ok && is_known;
    }
    return is_ok;
}

static bool
read_param(weiri_planner *self, const struct asking *of, const weir_plugin_field *param,
    weir_value *out)
{
    const weiri_ast_option *option = option_named(of->options, param->name);
    const char *what = weiri_arena_format(self->arena, "parameter '%s'", param->name);
    *out             = weir_plugin_null((weir_type)param->type);
    if (option == NULL || option->value == NULL) {
        if (!param->is_nullable) {
            weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, of->name.at,
                "%s '%s' needs a %s '%s'", of->kind, of->name.text,
                weir_type_text((weir_type)param->type), param->name);
            weiri_report_hint(
                self->diagnostics, "write '%s: …' in its parentheses", param->name);
        }
        return param->is_nullable;
    }
    const weir_value *value =
        weiri_constant(self, option->value, (weir_type)param->type, what);
    if (value == NULL) {
        return false;
    }
    *out = *value;
    if (param->type == WEIR_STRING) {
        out->as.s = weiri_arena_text(self->arena, value->as.s, value->size);
    }
    if (param->is_path && param->type == WEIR_STRING) {
        out->as.s = weiri_path_beside(self, option->name.at.file, out->as.s);
        out->size = (uint32_t)strlen(out->as.s);
    }
    return true;
}

const weir_value *
weiri_plugin_params(weiri_planner *self, const char *kind, weiri_ast_name name,
    const weiri_ast_options *options, const weir_plugin_field *params, uint32_t n_params)
{
    const struct asking of = { kind, name, options, params, n_params };
    weir_value *values = weiri_arena_alloc(self->arena, (n_params + 1) * sizeof *values);
    bool        is_ok  = check_options(self, &of);
    for (uint32_t i = 0; i < n_params; i++) {
        is_ok = read_param(self, &of, &params[i], &values[i]) && is_ok;
    }
    return is_ok ? values : NULL;
}

/* ---- functions ---- */

static void
add_function(weiri_planner *self, const weiri_ast_plugin *declared)
{
    weiri_functions            *all      = self->functions;
    weiri_plugin               *plugin   = weiri_open_plugin(self, declared);
    const weir_plugin_function *function = NULL;
    if (plugin == NULL) {
        self->has_lost_names = true;
        return;
    }
    for (uint32_t i = 0; (function = weiri_plugin_function(plugin, i)) != NULL; i++) {
        if (strcmp(function->name, declared->name.text) == 0) {
            break;
        }
    }
    bool is_only = weiri_plugin_function(plugin, 1) == NULL;
    function = function == NULL && is_only ? weiri_plugin_function(plugin, 0) : function;
    if (function == NULL) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_PLUGIN, declared->name.at,
            "plugin '%s' has no function '%s'", declared->path, declared->name.text);
        return;
    }
    const weiri_operation *operation =
        weiri_operation_of_plugin(self->arena, declared->name.text, function);
    uint32_t n = all->n;
    WEIRI_ARENA_PUSH(self->arena, all->names, n, declared->name.text);
    WEIRI_ARENA_PUSH(self->arena, all->items, all->n, operation);
}

static bool
is_taken(const weiri_planner *self, const char *name)
{
    weiri_aggregate_kind kind;
    for (size_t i = 0; weiri_operation_name(i) != NULL; i++) {
        if (strcmp(weiri_operation_name(i), name) == 0) {
            return true;
        }
    }
    for (uint32_t i = 0; i < self->functions->n; i++) {
        if (strcmp(self->functions->names[i], name) == 0) {
            return true;
        }
    }
    return weiri_find_foreign(self, name) != NULL || weiri_aggregate_find(name, &kind);
}

void
weiri_plan_functions(weiri_planner *self)
{
    const weiri_ast_statement *statement;
    self->functions = weiri_arena_alloc(self->arena, sizeof *self->functions);
    for (uint64_t i = 0;
         (statement = weiri_planner_next(self, WEIRI_WORD_FUNCTION, &i)) != NULL;) {
        const weiri_ast_plugin *declared = statement->as.function->plugin;
        if (declared == NULL) {
            continue; /* it was put in where it is called */
        }
        if (declared->name.text == NULL || declared->path == NULL) {
            self->has_lost_names = true;
        } else if (is_taken(self, declared->name.text)) {
            weiri_report(self->diagnostics, WEIRI_E_NAME_TAKEN, declared->name.at,
                "there is a function '%s' already", declared->name.text);
        } else {
            add_function(self, declared);
        }
    }
}

/* ---- aggregates, connectors, codecs ---- */

const weiri_foreign *
weiri_find_foreign(const weiri_planner *self, const char *name)
{
    for (uint32_t i = 0; i < self->n_foreigns; i++) {
        if (strcmp(self->foreigns[i]->name, name) == 0) {
            return self->foreigns[i];
        }
    }
    return NULL;
}

static void
report_none(weiri_planner *self, const weiri_ast_plugin *declared, const char *kind)
{
    weiri_report(self->diagnostics, WEIRI_E_BAD_PLUGIN, declared->name.at,
        "plugin '%s' has no %s '%s'", declared->path, kind, declared->name.text);
}

static void
add_aggregate(weiri_planner *self, const weiri_ast_plugin *declared)
{
    weiri_plugin                *plugin = weiri_open_plugin(self, declared);
    const weir_plugin_aggregate *table  = NULL;
    if (plugin == NULL) {
        self->has_lost_names = true;
        return;
    }
    for (uint32_t i = 0; (table = weiri_plugin_aggregate(plugin, i)) != NULL; i++) {
        if (strcmp(table->name, declared->name.text) == 0) {
            break;
        }
    }
    bool is_only = weiri_plugin_aggregate(plugin, 1) == NULL;
    table        = table == NULL && is_only ? weiri_plugin_aggregate(plugin, 0) : table;
    if (table == NULL) {
        report_none(self, declared, "aggregate");
        self->has_lost_names = true;
        return;
    }
    weiri_foreign    *foreign = weiri_arena_alloc(self->arena, sizeof *foreign);
    const weir_value *params  = weiri_plugin_params(self, "aggregate", declared->name,
         &declared->options, table->params, table->n_params);
    *foreign                  = (weiri_foreign){ .name = declared->name.text,
                         .table                        = table,
                         .params                       = params,
                         .metrics                      = self->plan->metrics };
    WEIRI_ARENA_PUSH(self->arena, self->foreigns, self->n_foreigns, foreign);
}

weiri_connector *
weiri_find_connector(const weiri_planner *self, const char *name)
{
    for (uint32_t i = 0; i < self->n_connectors; i++) {
        if (strcmp(self->connectors[i].name, name) == 0) {
            return &self->connectors[i];
        }
    }
    return NULL;
}

/* The source and the sink of this name; or, if it has one of a kind, that. */
static void
add_connector(weiri_planner *self, const weiri_ast_plugin *declared)
{
    weiri_plugin   *plugin = weiri_open_plugin(self, declared);
    weiri_connector row    = { .name = declared->name.text, .at = declared->name.at };
    for (uint32_t i = 0; plugin != NULL && weiri_plugin_source(plugin, i) != NULL; i++) {
        const weir_plugin_source *of       = weiri_plugin_source(plugin, i);
        bool                      is_meant = strcmp(of->name, row.name) == 0
                        || (i == 0 && weiri_plugin_source(plugin, 1) == NULL);
        row.source = is_meant ? of : row.source;
    }
    for (uint32_t i = 0; plugin != NULL && weiri_plugin_sink(plugin, i) != NULL; i++) {
        const weir_plugin_sink *of       = weiri_plugin_sink(plugin, i);
        bool                    is_meant = strcmp(of->name, row.name) == 0
                        || (i == 0 && weiri_plugin_sink(plugin, 1) == NULL);
        row.sink = is_meant ? of : row.sink;
    }
    row.is_broken = row.source == NULL && row.sink == NULL;
    if (plugin != NULL && row.is_broken) {
        report_none(self, declared, "source or sink");
    }
    WEIRI_ARENA_PUSH(self->arena, self->connectors, self->n_connectors, row);
}

weiri_codec_info *
weiri_find_codec(const weiri_planner *self, const char *name)
{
    for (uint32_t i = 0; i < self->n_codecs; i++) {
        if (strcmp(self->codecs[i].name, name) == 0) {
            return &self->codecs[i];
        }
    }
    return NULL;
}

static void
add_codec(weiri_planner *self, const weiri_ast_plugin *declared)
{
    weiri_plugin    *plugin = weiri_open_plugin(self, declared);
    weiri_codec_info row    = { .name = declared->name.text };
    for (uint32_t i = 0; plugin != NULL && weiri_plugin_codec(plugin, i) != NULL; i++) {
        const weir_plugin_codec *of       = weiri_plugin_codec(plugin, i);
        bool                     is_meant = strcmp(of->name, row.name) == 0
                        || (i == 0 && weiri_plugin_codec(plugin, 1) == NULL);
        row.codec = is_meant ? of : row.codec;
    }
    if (plugin != NULL && row.codec == NULL) {
        report_none(self, declared, "codec");
    }
    WEIRI_ARENA_PUSH(self->arena, self->codecs, self->n_codecs, row);
}

static bool
is_builtin(const char *name, const char *const *names)
{
    while (*names != NULL && strcmp(*names, name) != 0) {
        names++;
    }
    return *names != NULL;
}

static void
add_part(weiri_planner *self, weiri_word kind, const weiri_ast_plugin *declared)
{
    static const char *const ENDPOINTS[] = { "file", "stdin", "stdout", "zmq", NULL };
    static const char *const FORMATS[]   = { "json", "csv", "msgpack", "text", NULL };
    const char              *name        = declared->name.text;
    bool                     is_there =
        kind == WEIRI_WORD_AGGREGATE ? is_taken(self, name)
                            : kind == WEIRI_WORD_CONNECTOR
                                ? weiri_find_connector(self, name) != NULL || is_builtin(name, ENDPOINTS)
                                : weiri_find_codec(self, name) != NULL || is_builtin(name, FORMATS);
    if (is_there) {
        weiri_report(self->diagnostics, WEIRI_E_NAME_TAKEN, declared->name.at,
            "there is %s '%s' already",
            kind == WEIRI_WORD_AGGREGATE   ? "an aggregate or function"
            : kind == WEIRI_WORD_CONNECTOR ? "a connector"
                                           : "a format",
            name);
    } else if (kind == WEIRI_WORD_AGGREGATE) {
        add_aggregate(self, declared);
    } else if (kind == WEIRI_WORD_CONNECTOR) {
        add_connector(self, declared);
    } else {
        add_codec(self, declared);
    }
}

static void
close_metrics(void *context)
{
    weiri_metrics *metrics = context;
    weiri_metrics_destroy(&metrics);
}

/* Plugins of any kind have one book of metrics. */
static void
begin_metrics(weiri_planner *self)
{
    static const weiri_word KINDS[] = { WEIRI_WORD_AGGREGATE, WEIRI_WORD_CONNECTOR,
        WEIRI_WORD_CODEC, WEIRI_WORD_ACTOR };
    for (size_t k = 0; k < sizeof KINDS / sizeof KINDS[0]; k++) {
        uint64_t i = 0;
        if (self->plan->metrics == NULL
            && weiri_planner_next(self, KINDS[k], &i) != NULL) {
            self->plan->metrics = weiri_metrics_new();
            if (self->plan->metrics != NULL) {
                weiri_arena_defer(self->arena, close_metrics, self->plan->metrics);
            }
        }
    }
}

void
weiri_plan_parts(weiri_planner *self)
{
    static const weiri_word    KINDS[] = { WEIRI_WORD_AGGREGATE, WEIRI_WORD_CONNECTOR,
           WEIRI_WORD_CODEC };
    const weiri_ast_statement *statement;
    begin_metrics(self);
    for (size_t k = 0; k < sizeof KINDS / sizeof KINDS[0]; k++) {
        for (uint64_t i = 0;
             (statement = weiri_planner_next(self, KINDS[k], &i)) != NULL;) {
            const weiri_ast_plugin *declared = statement->as.plugin;
            if (declared->name.text == NULL || declared->path == NULL) {
                self->has_lost_names = true;
            } else {
                add_part(self, KINDS[k], declared);
            }
        }
    }
}
