/* Which rule feeds which: an order in which every rule comes after those it reads from,
 * or the cycle that forbids one. */
#include "planner.h"

#include <string.h>

static void
add_read_of(weiri_planner *self, weiri_rule_info *info, uint32_t stream)
{
    for (uint32_t i = 0; i < info->n_reads; i++) {
        if (info->reads[i] == stream) {
            return;
        }
    }
    WEIRI_ARENA_PUSH(self->arena, info->reads, info->n_reads, stream);
}

static void
add_read(weiri_planner *self, weiri_rule_info *info, weiri_ast_name name)
{
    uint32_t stream = weiri_need_stream(self, name);
    if (stream == WEIRI_NONE) {
        info->is_broken = true;
        return;
    }
    add_read_of(self, info, stream);
}

/* ---- tables that a rule looks up ---- */

struct lookups {
    weiri_planner   *planner;
    weiri_rule_info *info;
};

static void
add_lookup(void *context, weiri_table_info *table)
{
    struct lookups *self = context;
    if (self->info->writes[0] == table->changes) {
        self->info->reads_own = true; /* row by row: it does not wait for itself */
        return;
    }
    add_read_of(self->planner, self->info, table->changes);
}

static void
add_pattern_lookups(
    weiri_planner *self, const weiri_ast_pattern *pattern, struct lookups *context)
{
    weiri_each_lookup(self, pattern->where, add_lookup, context);
    weiri_each_lookup(self, pattern->quantifier.until, add_lookup, context);
    for (uint32_t i = 0; i < pattern->n_items; i++) {
        add_pattern_lookups(self, pattern->items[i], context);
    }
}

static void
add_lookups(weiri_planner *self, weiri_rule_info *info)
{
    const weiri_ast_rule *rule    = info->rule;
    struct lookups        context = { self, info };
    if (self->n_tables == 0) {
        return;
    }
    if (rule->pattern != NULL) {
        add_pattern_lookups(self, rule->pattern, &context);
    }
    for (uint32_t i = 0; i < rule->from.n_joins; i++) {
        weiri_each_lookup(self, rule->from.joins[i].on, add_lookup, &context);
    }
    for (uint32_t i = 0; i < rule->on_timeout.fields.n_items; i++) {
        weiri_each_lookup(
            self, rule->on_timeout.fields.items[i].value, add_lookup, &context);
    }
    weiri_each_lookup(self, rule->where, add_lookup, &context);
    weiri_each_lookup(self, rule->having, add_lookup, &context);
    for (uint32_t i = 0; i < rule->n_keys; i++) {
        for (uint32_t k = 0; k < rule->keys[i].n_sides; k++) {
            weiri_each_lookup(self, rule->keys[i].sides[k], add_lookup, &context);
        }
    }
    for (uint32_t i = 0; i < rule->emit.fields.n_items; i++) {
        weiri_each_lookup(self, rule->emit.fields.items[i].value, add_lookup, &context);
    }
    for (uint32_t i = 0; i < rule->n_order; i++) {
        weiri_each_lookup(self, rule->order[i].value, add_lookup, &context);
    }
}

static void
add_joined(weiri_planner *self, weiri_rule_info *info, weiri_ast_name name)
{
    weiri_table_info *table =
        name.text == NULL ? NULL : weiri_find_table(self, name.text);
    if (table != NULL) {
        struct lookups context = { self, info };
        add_lookup(&context, table);
        return;
    }
    add_read(self, info, name);
}

static void
add_reads(weiri_planner *self, weiri_rule_info *info, const weiri_ast_pattern *pattern)
{
    if (pattern->kind == WEIRI_AST_STEP) {
        add_read(self, info, pattern->stream);
    }
    for (uint32_t i = 0; i < pattern->n_items; i++) {
        add_reads(self, info, pattern->items[i]);
    }
}

static uint32_t
written(const weiri_planner *self, const weiri_ast_emit *emit)
{
    if (emit->stream.text == NULL) {
        return WEIRI_NONE;
    }
    if (!emit->is_into) {
        return weiri_find_stream(self, emit->stream.text);
    }
    const weiri_table_info *table = weiri_find_table(self, emit->stream.text);
    return table == NULL ? WEIRI_NONE : table->changes;
}

static void
count_writes(weiri_planner *self, const weiri_rule_info *info, int n)
{
    for (int i = 0; i < 2; i++) {
        if (info->writes[i] != WEIRI_NONE) {
            self->streams[info->writes[i]].n_pending += (uint32_t)n;
        }
    }
}

static void
collect_uses(weiri_planner *self)
{
    for (uint32_t i = 0; i < self->n_uses; i++) {
        const weiri_actor_use *use  = &self->uses[i];
        weiri_rule_info        info = { .rule = use->rule, .use = use };
        info.writes[0]              = use->stream;
        info.writes[1]              = self->actors[use->actor].dead;
        add_read(self, &info, use->rule->from.stream);
        count_writes(self, &info, 1);
        WEIRI_ARENA_PUSH(self->arena, self->rules, self->n_rules, info);
    }
}

/* Tables that are written are there; and how many rules write each. */
static bool
check_tables(weiri_planner *self, const weiri_ast_rule *rule)
{
    const weiri_ast_emit *const emits[] = { &rule->emit, &rule->on_timeout };
    bool                        is_ok   = true;
    for (size_t i = 0; i < sizeof emits / sizeof emits[0]; i++) {
        if (emits[i]->stream.text == NULL || !emits[i]->is_into) {
            continue;
        }
        weiri_table_info *table = weiri_need_table(self, emits[i]->stream);
        is_ok                   = is_ok && table != NULL;
        if (table != NULL) {
            table->n_writers++;
        }
    }
    return is_ok;
}

void
weiri_collect_rules(weiri_planner *self)
{
    collect_uses(self);
    const weiri_ast_statement *statement;
    for (uint64_t i = 0;
         (statement = weiri_planner_next(self, WEIRI_WORD_RULE, &i)) != NULL;) {
        const weiri_ast_rule *rule = statement->as.rule;
        weiri_rule_info       info = { .rule = rule, .is_broken = rule->is_broken };
        info.writes[0]             = written(self, &rule->emit);
        info.is_broken             = info.is_broken || !check_tables(self, rule);
        info.writes[1]             = written(self, &rule->on_timeout);
        if (rule->name.text == NULL) {
            continue;
        }
        if (weiri_names_find(&self->rule_names, rule->name.text) != WEIRI_NONE) {
            weiri_report(self->diagnostics, WEIRI_E_NAME_TAKEN, rule->name.at,
                "there is a rule '%s' already", rule->name.text);
        }
        if (!rule->is_broken && rule->pattern != NULL) {
            add_reads(self, &info, rule->pattern);
        }
        if (!rule->is_broken && rule->from.stream.text != NULL) {
            weiri_ast_name from = rule->from.stream;
            if (rule->from.actor.text != NULL) {
                const weiri_actor_use *use = NULL;
                from.text                  = weiri_from_name(self, rule, &use);
                info.is_broken             = use == NULL;
            }
            if (!info.is_broken) {
                add_read(self, &info, from);
            }
        }
        for (uint32_t j = 0; !rule->is_broken && j < rule->from.n_joins; j++) {
            add_joined(self, &info, rule->from.joins[j].stream);
        }
        add_lookups(self, &info);
        count_writes(self, &info, 1);
        weiri_names_add(&self->rule_names, self->arena, rule->name.text, self->n_rules);
        WEIRI_ARENA_PUSH(self->arena, self->rules, self->n_rules, info);
    }
}

static bool
writes(const weiri_rule_info *info, uint32_t stream)
{
    return info->writes[0] == stream || info->writes[1] == stream;
}

/* The first rule not placed yet that `info` waits for; NULL: none. */
static weiri_rule_info *
waits_for(weiri_planner *self, const weiri_rule_info *info, uint32_t *stream)
{
    for (uint32_t i = 0; i < info->n_reads; i++) {
        if (self->streams[info->reads[i]].n_pending == 0) {
            continue;
        }
        for (uint32_t j = 0; j < self->n_rules; j++) {
            if (!self->rules[j].is_placed && writes(&self->rules[j], info->reads[i])) {
                *stream = info->reads[i];
                return &self->rules[j];
            }
        }
    }
    return NULL;
}

/* Follow the waits from a rule that cannot be placed until one comes again. */
static void
report_cycle(weiri_planner *self, weiri_rule_info *from)
{
    uint32_t         stream = 0;
    weiri_rule_info *info   = from;
    for (uint32_t i = 0; i < self->n_rules; i++) {
        info = waits_for(self, info, &stream); /* is on the cycle in the end */
    }
    weiri_rule_info *first = info;
    char    *path = weiri_arena_format(self->arena, "'%s'", first->rule->name.text);
    uint32_t n    = 0;
    do {
        info = waits_for(self, info, &stream);
        if (n++ < 8) {
            path = weiri_arena_format(self->arena, "'%s' -> %s -> %s",
                info->rule->name.text, weiri_stream_name(self, stream), path);
        }
    } while (info != first);
    weiri_report(self->diagnostics, WEIRI_E_CYCLE, first->rule->name.at,
        "these rules feed each other: %s", path);
}

/* A rule that cannot be planned leaves fields unknown that others may ask for. */
static void
give_up(weiri_planner *self, weiri_rule_info *info)
{
    for (int i = 0; i < 2; i++) {
        if (info->writes[i] != WEIRI_NONE && !self->streams[info->writes[i]].is_known) {
            self->streams[info->writes[i]].is_broken = true;
        }
    }
}

static void
set_ranks(weiri_planner *self, const weiri_rule_info *info)
{
    weiri_stream *streams = self->plan->streams;
    uint32_t      rank    = 0;
    for (uint32_t i = 0; i < info->n_reads; i++) {
        uint32_t r = streams[info->reads[i]].rank;
        rank       = r > rank ? r : rank;
    }
    for (int i = 0; i < 2; i++) {
        uint32_t stream = info->writes[i];
        if (stream != WEIRI_NONE && streams[stream].rank < rank + 1) {
            streams[stream].rank = rank + 1;
        }
    }
}

static void
plan_rule(weiri_planner *self, weiri_rule_info *info)
{
    const weiri_ast_rule *ast = info->rule;
    for (uint32_t i = 0; i < info->n_reads; i++) {
        self->plan->streams[info->reads[i]].is_read = true;
    }
    if (info->is_broken) {
        give_up(self, info);
        return;
    }
    weiri_rule rule = { .name = ast->name.text,
        .title                = ast->title,
        .place                = weiri_planner_place(self, ast->name.at) };
    if (info->use != NULL) {
        if (!weiri_plan_use(self, info->use, &rule)) {
            self->streams[info->use->stream].is_broken = true;
        }
    } else if (ast->pattern != NULL) {
        rule.match = weiri_plan_match(self, ast);
    } else {
        rule.query = weiri_plan_query(self, ast);
    }
    if (rule.match == NULL && rule.query == NULL) {
        give_up(self, info);
        return;
    }
    for (uint32_t i = 0; rule.match != NULL && i < rule.match->n_inputs; i++) {
        WEIRI_ARENA_PUSH(/* what its lookups give */
            self->arena, info->reads, info->n_reads, rule.match->inputs[i].stream);
    }
    if (rule.query != NULL) { /* what its joins give */
        const weiri_join *fold = rule.query->fold;
        WEIRI_ARENA_PUSH(self->arena, info->reads, info->n_reads,
            fold != NULL ? fold->sides[0].stream : rule.query->stream);
    }
    set_ranks(self, info);
    WEIRI_ARENA_PUSH(self->arena, self->plan->rules, self->plan->n_rules, rule);
}

static bool
is_ready(const weiri_planner *self, const weiri_rule_info *info)
{
    for (uint32_t i = 0; i < info->n_reads; i++) {
        if (self->streams[info->reads[i]].n_pending > 0) {
            return false;
        }
    }
    return true;
}

/* The first rule from `from` on that is not planned and waits for none; NULL: none. */
static weiri_rule_info *
next_ready(weiri_planner *self, uint32_t from)
{
    for (uint32_t i = from; i < self->n_rules; i++) {
        if (!self->rules[i].is_placed && is_ready(self, &self->rules[i])) {
            return &self->rules[i];
        }
    }
    return NULL;
}

void
weiri_plan_rules(weiri_planner *self)
{
    uint32_t first = 0; /* all before it are placed */
    while (first < self->n_rules) {
        weiri_rule_info *info = next_ready(self, first);
        if (info == NULL) {
            report_cycle(self, &self->rules[first]);
            break;
        }
        plan_rule(self, info);
        info->is_placed = true;
        count_writes(self, info, -1);
        while (first < self->n_rules && self->rules[first].is_placed) {
            first++;
        }
    }
    for (; first < self->n_rules; first++) {
        if (!self->rules[first].is_placed) {
            give_up(self, &self->rules[first]);
        }
    }
}
