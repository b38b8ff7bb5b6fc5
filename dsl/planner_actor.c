/* Actors of plugins. `from geo(auth)` reads a stream of its own, which a rule that nobody
 * wrote makes of the events of `auth`: so all clauses mean after an actor what they mean
 * after a stream. Rules that ask for the same share it. */
#include <string.h>

#include "planner_query.h"
#include "weiri/plugin.h"

/* ---- picking ---- */

/* The actor of this name, or the only one there is. */
static const weir_plugin_actor *
pick_actor(
    weiri_planner *self, const weiri_plugin *plugin, const weiri_ast_plugin *declared)
{
    const weir_plugin_actor *actor = NULL;
    char                    *names = weiri_arena_text(self->arena, "", 0);
    for (uint32_t i = 0; (actor = weiri_plugin_actor(plugin, i)) != NULL; i++) {
        if (strcmp(actor->name, declared->name.text) == 0) {
            return actor;
        }
        names = weiri_arena_format(
            self->arena, "%s%s'%s'", names, i == 0 ? "" : ", ", actor->name);
    }
    if (weiri_plugin_actor(plugin, 0) != NULL && weiri_plugin_actor(plugin, 1) == NULL) {
        return weiri_plugin_actor(plugin, 0);
    }
    weiri_report(self->diagnostics, WEIRI_E_BAD_PLUGIN, declared->name.at,
        names[0] == 0 ? "plugin '%s' has no actors"
                      : "plugin '%s' has no actor '%s', it has %s",
        declared->path, declared->name.text, names);
    return NULL;
}

/* ---- what is declared ---- */

static weiri_on_error
read_on_error(weiri_planner *self, weiri_ast_name name)
{
    if (name.text == NULL || strcmp(name.text, "stop") == 0) {
        return WEIRI_ON_ERROR_STOP;
    }
    if (strcmp(name.text, "restart") == 0) {
        return WEIRI_ON_ERROR_RESTART;
    }
    if (strcmp(name.text, "skip") != 0) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, name.at,
            "after 'on error' stands 'skip', 'restart' or 'stop'");
    }
    return WEIRI_ON_ERROR_SKIP;
}

/* Whether somebody else's program is the actor, and not a plugin. */
static bool
is_served(const weiri_ast_plugin *declared)
{
    size_t size = strlen(declared->path);
    return declared->is_process
           && (size < 3 || strcmp(declared->path + size - 3, ".so") != 0);
}

static void
read_times(weiri_planner *self, const weiri_ast_plugin *declared, weiri_actor_info *info)
{
    info->idle_ns   = -1;
    info->budget_ns = -1;
    if (declared->idle != NULL) {
        info->idle_ns = weiri_constant_duration(self, declared->idle, false, "idle");
    }
    if (declared->budget != NULL) {
        info->budget_ns =
            weiri_constant_duration(self, declared->budget, false, "budget");
    }
    if (declared->budget != NULL && !declared->is_process) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, declared->budget->at,
            "a budget is for actors in a process of their own");
        weiri_report_hint(self->diagnostics, "write actor %s from process \"%s\"",
            declared->name.text, declared->path);
    }
}

/* An actor of a library, in this process or in one of its own. */
static void
plan_loaded(weiri_planner *self, const weiri_ast_plugin *declared, weiri_actor_info *info)
{
    weiri_plugin *plugin = weiri_open_plugin(self, declared);
    if (declared->takes != NULL || declared->gives != NULL) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, declared->name.at,
            "what actor '%s' takes and gives is said by its library",
            declared->name.text);
        return;
    }
    info->actor = plugin == NULL ? NULL : pick_actor(self, plugin, declared);
    if (info->actor != NULL) {
        info->path   = weiri_path_beside(self, declared->name.at.file, declared->path);
        info->params = weiri_plugin_params(self, "actor", declared->name,
            &declared->options, info->actor->params, info->actor->n_params);
    }
}

static const weir_plugin_field *
read_shape(weiri_planner *self, const weiri_ast_stream *shape, uint32_t *n)
{
    weir_plugin_field *fields =
        weiri_arena_alloc(self->arena, (shape->n_fields + 1) * sizeof *fields);
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        const weiri_ast_field *field = &shape->fields[i];
        if (field->name.text == NULL) {
            return NULL;
        }
        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(shape->fields[j].name.text, field->name.text) == 0) {
                weiri_report(self->diagnostics, WEIRI_E_FIELD_TWICE, field->name.at,
                    "field '%s' is there twice", field->name.text);
                return NULL;
            }
        }
        fields[i] = (weir_plugin_field){ .name = field->name.text,
            .type                              = (uint8_t)field->type.type,
            .is_nullable                       = field->type.is_nullable };
    }
    *n = shape->n_fields;
    return fields;
}

/* Parameters of a program are told it as they are. */
static bool
read_free_params(weiri_planner *self, const weiri_ast_plugin *declared,
    weir_plugin_actor *actor, weiri_actor_info *info)
{
    uint32_t           n      = declared->options.n_items;
    weir_value        *values = weiri_arena_alloc(self->arena, (n + 1) * sizeof *values);
    weir_plugin_field *fields = weiri_arena_alloc(self->arena, (n + 1) * sizeof *fields);
    for (uint32_t i = 0; i < n; i++) {
        const weiri_ast_option *option = &declared->options.items[i];
        if (option->name.text == NULL) {
            weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, option->value->at,
                "this value needs a name: 'name: value'");
            return false;
        }
        const weir_value *value = weiri_constant_any(self, option->value,
            weiri_arena_format(self->arena, "parameter '%s'", option->name.text));
        if (value == NULL) {
            return false;
        }
        values[i] = *value;
        fields[i] = (weir_plugin_field){ .name = option->name.text, .type = value->type };
    }
    actor->params   = fields;
    actor->n_params = n;
    info->params    = values;
    return true;
}

/* An actor that is a program: what it takes and gives is written in the rules, and
 * compared with what it says when it is started. */
static void
plan_served(weiri_planner *self, const weiri_ast_plugin *declared, weiri_actor_info *info)
{
    weir_plugin_actor *actor = weiri_arena_alloc(self->arena, sizeof *actor);
    *actor = (weir_plugin_actor){ .size = sizeof *actor, .name = declared->name.text };
    if (self->options != NULL && self->options->no_includes) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_PLUGIN, declared->name.at,
            "no plugins can be loaded here");
        return;
    }
    if (declared->takes == NULL || declared->gives == NULL) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, declared->name.at,
            "actor '%s' is a program: say what it takes and gives", declared->name.text);
        weiri_report_hint(self->diagnostics,
            "write actor %s from process \"…\" takes { n int } gives { score float }",
            declared->name.text);
        return;
    }
    actor->inputs  = read_shape(self, declared->takes, &actor->n_inputs);
    actor->outputs = read_shape(self, declared->gives, &actor->n_outputs);
    if (actor->inputs == NULL || actor->outputs == NULL
        || !read_free_params(self, declared, actor, info)) {
        info->params = NULL;
        return;
    }
    actor->flags = declared->is_adding ? WEIR_PLUGIN_KEEPS_EVENT : 0;
    info->path   = weiri_arena_text(self->arena, declared->path, strlen(declared->path));
    info->actor  = actor;
}

uint32_t
weiri_find_actor(const weiri_planner *self, const char *name)
{
    for (uint32_t i = 0; i < self->n_actors; i++) {
        if (strcmp(self->actors[i].declared->name.text, name) == 0) {
            return i;
        }
    }
    return WEIRI_NONE;
}

void
weiri_plan_actors(weiri_planner *self)
{
    const weiri_ast_statement *statement;
    for (uint64_t i = 0;
         (statement = weiri_planner_next(self, WEIRI_WORD_ACTOR, &i)) != NULL;) {
        const weiri_ast_plugin *declared = statement->as.plugin;
        weiri_actor_info        info     = { .declared = declared, .dead = WEIRI_NONE };
        if (declared->name.text == NULL || declared->path == NULL) {
            self->has_lost_names = true;
            continue;
        }
        if (weiri_find_actor(self, declared->name.text) != WEIRI_NONE) {
            weiri_report(self->diagnostics, WEIRI_E_NAME_TAKEN, declared->name.at,
                "there is an actor '%s' already", declared->name.text);
            continue;
        }
        info.on_error = read_on_error(self, declared->on_error);
        read_times(self, declared, &info);
        if (is_served(declared)) {
            plan_served(self, declared, &info);
        } else {
            plan_loaded(self, declared, &info);
        }
        WEIRI_ARENA_PUSH(self->arena, self->actors, self->n_actors, info);
    }
}

/* ---- what rules ask for ---- */

static const char *
use_name(const weiri_planner *self, const weiri_ast_rule *rule, bool is_keyed)
{
    char *name = weiri_arena_format(
        self->arena, "%s(%s)", rule->from.actor.text, rule->from.stream.text);
    for (uint32_t i = 0; is_keyed && i < rule->n_keys; i++) {
        weiri_span  at   = rule->keys[i].at;
        const char *text = weiri_diagnostics_file(self->diagnostics, at.file)->text;
        name = weiri_arena_format(self->arena, "%s%s%.*s", name, i == 0 ? " by " : ", ",
            (int)at.size, text + at.offset);
    }
    return name;
}

static bool
is_keyed(const weiri_planner *self, const weiri_ast_rule *rule, uint32_t actor)
{
    const weir_plugin_actor *of = self->actors[actor].actor;
    bool                     has_state =
        of != NULL && (of->state_new != NULL || is_served(self->actors[actor].declared));
    return has_state && rule->n_keys > 0;
}

const char *
weiri_from_name(
    const weiri_planner *self, const weiri_ast_rule *rule, const weiri_actor_use **use)
{
    *use = NULL;
    if (rule->from.actor.text == NULL) {
        return rule->from.stream.text;
    }
    uint32_t actor = weiri_find_actor(self, rule->from.actor.text);
    if (actor == WEIRI_NONE) {
        return NULL;
    }
    const char *name   = use_name(self, rule, is_keyed(self, rule, actor));
    uint32_t    stream = weiri_find_stream(self, name);
    for (uint32_t i = 0; i < self->n_uses; i++) {
        *use = self->uses[i].stream == stream ? &self->uses[i] : *use;
    }
    return name;
}

static void
report_no_actor(weiri_planner *self, weiri_ast_name name)
{
    const char **names =
        weiri_arena_alloc(self->arena, (self->n_actors + 1) * sizeof *names);
    for (uint32_t i = 0; i < self->n_actors; i++) {
        names[i] = self->actors[i].declared->name.text;
    }
    if (self->has_lost_names) {
        return;
    }
    weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_ACTOR, name.at,
        "there is no actor '%s'", name.text);
    weiri_report_nearest(self->diagnostics, name.text, names, self->n_actors);
    weiri_report_hint(self->diagnostics, "declare it: actor %s from \"lib%s.so\"",
        name.text, name.text);
}

static void
collect_use(weiri_planner *self, const weiri_ast_rule *rule)
{
    const weiri_actor_use *seen  = NULL;
    uint32_t               actor = weiri_find_actor(self, rule->from.actor.text);
    if (actor == WEIRI_NONE) {
        report_no_actor(self, rule->from.actor);
        return;
    }
    const char     *name = weiri_from_name(self, rule, &seen);
    weiri_actor_use use  = { .rule = rule, .actor = actor };
    if (seen != NULL) {
        return;
    }
    use.is_keyed = is_keyed(self, rule, actor);
    use.stream   = weiri_add_stream(self, name, WEIRI_ORIGIN_RULE, rule->from.actor.at);
    self->streams[use.stream].is_emitted = true;
    WEIRI_ARENA_PUSH(self->arena, self->uses, self->n_uses, use);
}

void
weiri_collect_uses(weiri_planner *self)
{
    const weiri_ast_statement *statement;
    for (uint64_t i = 0;
         (statement = weiri_planner_next(self, WEIRI_WORD_RULE, &i)) != NULL;) {
        const weiri_ast_rule *rule = statement->as.rule;
        if (!rule->is_broken && rule->from.actor.text != NULL
            && rule->from.stream.text != NULL) {
            collect_use(self, rule);
        }
    }
}

/* ---- what it reads ---- */

/* What the planner keeps while it plans one actor at work. */
struct using
{
    weiri_planner          *planner;
    const weiri_actor_use  *use;
    const weiri_actor_info *info;
    uint32_t                stream;
    const weir_schema      *schema;
    weiri_actor_plan       *plan;
};

static bool
is_number(const weir_field *field)
{
    return (field->type == WEIR_INT || field->type == WEIR_FLOAT) && !field->is_nullable;
}

/* All numbers of the stream. */
static void
take_numbers(struct using *self)
{
    weir_plugin_field *inputs = weiri_arena_alloc(
        self->planner->arena, (self->schema->n_fields + 1) * sizeof *inputs);
    for (uint32_t i = 0; i < self->schema->n_fields; i++) {
        if (is_number(&self->schema->fields[i])) {
            inputs[self->plan->n_inputs++] =
                (weir_plugin_field){ .name = self->schema->fields[i].name,
                    .type                  = WEIR_FLOAT };
        }
    }
    self->plan->inputs = inputs;
}

/* The field of the stream that is read as this input. */
static weiri_expr *
input_value(struct using *self, const weir_plugin_field *input)
{
    weiri_planner *planner = self->planner;
    weiri_span     at      = self->use->rule->from.stream.at;
    const char    *actor   = self->info->declared->name.text;
    int32_t        field   = weir_schema_find(self->schema, input->name);
    weir_error     err     = { .status = WEIR_OK };
    weiri_expr    *out     = NULL;
    if (field < 0) {
        weiri_report(planner->diagnostics, WEIRI_E_UNKNOWN_FIELD, at,
            "actor '%s' reads a field '%s', and stream '%s' has none", actor, input->name,
            self->schema->name);
        weiri_report_hint(planner->diagnostics,
            "let a rule before it give one: emit s { %s: ... }", input->name);
        return NULL;
    }
    weiri_expr *value = weiri_expr_field(planner->arena, self->schema, (uint32_t)field);
    if (weiri_expr_convert(planner->arena, value, (weir_type)input->type, &out, &err)
        != WEIR_OK) {
        weiri_report(planner->diagnostics, WEIRI_E_CANNOT_CONVERT, at,
            "actor '%s' reads field '%s' as %s %s, in stream '%s' it is %s %s", actor,
            input->name, input->type == WEIR_INT ? "an" : "a",
            weir_type_text((weir_type)input->type), self->schema->name,
            value->type == WEIR_INT ? "an" : "a", weir_type_text(value->type));
        return NULL;
    }
    if (out->is_nullable && !input->is_nullable) {
        weiri_report(planner->diagnostics, WEIRI_E_MAY_BE_NULL, at,
            "actor '%s' takes no null, and field '%s' of stream '%s' can be", actor,
            input->name, self->schema->name);
        return NULL;
    }
    return out;
}

static bool
plan_inputs(struct using *self)
{
    const weir_plugin_actor *actor = self->info->actor;
    bool                    *used  = self->planner->plan->streams[self->stream].used;
    bool                     is_ok = true;
    self->plan->inputs             = actor->inputs;
    self->plan->n_inputs           = actor->n_inputs;
    if ((actor->flags & WEIR_PLUGIN_TAKES_NUMBERS) != 0) {
        take_numbers(self);
    }
    const weiri_expr **values = weiri_arena_alloc(
        self->planner->arena, (self->plan->n_inputs + 1) * sizeof(const weiri_expr *));
    for (uint32_t i = 0; i < self->plan->n_inputs; i++) {
        values[i] = input_value(self, &self->plan->inputs[i]);
        is_ok     = is_ok && values[i] != NULL;
        if (values[i] != NULL) {
            weiri_expr_mark_fields(values[i], used);
        }
    }
    self->plan->values = values;
    return is_ok;
}

static bool
plan_keys(struct using *self)
{
    const weiri_ast_rule *rule  = self->use->rule;
    weiri_query           query = { .stream = self->stream, .schema = self->schema };
    weiri_querying context = { .planner = self->planner, .rule = rule, .query = &query };
    context.parts[0] =
        (weiri_query_part){ .name = rule->from.stream.text, .stream = self->stream };
    context.n_parts           = 1;
    context.n_named           = 1;
    uint32_t           n_keys = self->use->is_keyed ? rule->n_keys : 0;
    const weiri_expr **keys   = weiri_arena_alloc(
          self->planner->arena, (n_keys + 1) * sizeof(const weiri_expr *));
    bool is_ok = true;
    for (uint32_t i = 0; i < n_keys; i++) {
        keys[i] = weiri_query_expr(&context, WEIRI_QUERY_KEY, rule->keys[i].sides[0]);
        is_ok   = is_ok && keys[i] != NULL;
        if (keys[i] != NULL) {
            weiri_expr_mark_fields(
                keys[i], self->planner->plan->streams[self->stream].used);
        }
    }
    self->plan->keys   = keys;
    self->plan->n_keys = n_keys;
    return is_ok;
}

/* ---- what it gives ---- */

static bool
set_fields(struct using *self, weir_schema *schema)
{
    const weir_plugin_actor *actor  = self->info->actor;
    bool                     keeps  = (actor->flags & WEIR_PLUGIN_KEEPS_EVENT) != 0;
    uint32_t                 n_kept = keeps ? self->schema->n_fields : 0;
    weir_field              *fields = weiri_arena_alloc(
                     self->planner->arena, (n_kept + actor->n_outputs + 1) * sizeof *fields);
    if (n_kept + actor->n_outputs > WEIRI_FIELDS) {
        weiri_report(self->planner->diagnostics, WEIRI_E_TOO_MANY_FIELDS,
            self->use->rule->from.actor.at, "a stream has at most %d fields",
            WEIRI_FIELDS);
        return false;
    }
    for (uint32_t i = 0; i < n_kept; i++) {
        fields[i] = self->schema->fields[i];
    }
    for (uint32_t i = 0; i < actor->n_outputs; i++) {
        const weir_plugin_field *output = &actor->outputs[i];
        if (keeps && weir_schema_find(self->schema, output->name) >= 0) {
            weiri_report(self->planner->diagnostics, WEIRI_E_FIELD_TWICE,
                self->use->rule->from.stream.at,
                "actor '%s' adds a field '%s', and stream '%s' has one already",
                self->info->declared->name.text, output->name, self->schema->name);
            return false;
        }
        fields[n_kept + i] = (weir_field){ .name = output->name,
            .type                                = (weir_type)output->type,
            .is_nullable                         = output->is_nullable };
    }
    schema->fields   = fields;
    schema->n_fields = n_kept + actor->n_outputs;
    return true;
}

/* An emit whose values the host gives itself. */
static weiri_emit *
emit_into(weiri_planner *self, uint32_t stream)
{
    weiri_emit        *emit   = weiri_arena_alloc(self->arena, sizeof *emit);
    const weir_schema *schema = &self->plan->streams[stream].schema;
    const weiri_expr **values = weiri_arena_alloc(
        self->arena, (schema->n_fields + 1) * sizeof(const weiri_expr *));
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        weir_value null = weir_plugin_null(schema->fields[i].type);
        values[i]       = weiri_expr_constant(self->arena, &null);
    }
    emit->schema = schema;
    emit->stream = stream;
    emit->values = values;
    return emit;
}

bool
weiri_plan_use(weiri_planner *self, const weiri_actor_use *use, weiri_rule *out)
{
    weiri_plan *plan     = self->plan;
    struct using context = { .planner = self,
        .use                          = use,
        .info                         = &self->actors[use->actor],
        .stream = weiri_find_stream(self, use->rule->from.stream.text),
        .plan   = weiri_arena_alloc(self->arena, sizeof *context.plan) };
    if (context.info->params == NULL || self->streams[context.stream].is_broken) {
        return false;
    }
    weiri_stream *row = &plan->streams[use->stream];
    context.schema    = &plan->streams[context.stream].schema;
    bool is_ok        = plan_inputs(&context);
    is_ok             = plan_keys(&context) && is_ok;
    if (!is_ok || !set_fields(&context, &row->schema)) {
        return false;
    }
    row->used =
        weiri_arena_alloc(self->arena, (row->schema.n_fields + 1) * sizeof *row->used);
    self->streams[use->stream].is_known = true;
    context.plan->actor                 = context.info->actor;
    context.plan->params                = context.info->params;
    context.plan->on_error              = context.info->on_error;
    context.plan->idle_ns               = context.info->idle_ns;
    context.plan->budget_ns             = context.info->budget_ns;
    context.plan->is_process            = context.info->declared->is_process;
    context.plan->is_program            = is_served(context.info->declared);
    context.plan->path                  = context.info->path;
    context.plan->folder =
        weiri_path_beside(self, context.info->declared->name.at.file, ".");
    if (context.info->dead != WEIRI_NONE) {
        context.plan->dead = emit_into(self, context.info->dead);
    }
    weiri_query *query = weiri_arena_alloc(self->arena, sizeof *query);
    *query             = (weiri_query){ .stream = context.stream,
                    .schema                     = context.schema,
                    .emit                       = emit_into(self, use->stream),
                    .actor                      = context.plan };
    out->name          = row->schema.name;
    out->is_made       = true;
    out->title         = NULL;
    out->query         = query;
    return true;
}

void
weiri_mark_actor_fields(weiri_planner *self)
{
    weiri_plan *plan = self->plan;
    for (uint32_t i = plan->n_rules; i-- > 0;) { /* readers stand behind */
        const weiri_query *query = plan->rules[i].query;
        if (query == NULL || query->actor == NULL
            || (query->actor->actor->flags & WEIR_PLUGIN_KEEPS_EVENT) == 0) {
            continue;
        }
        const bool *read = plan->streams[query->emit->stream].used;
        for (uint32_t j = 0; j < query->schema->n_fields; j++) {
            bool *used = plan->streams[query->stream].used;
            used[j]    = used[j] || read[j];
        }
    }
}
