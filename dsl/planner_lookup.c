/* Lookups in patterns: each row is joined to the event whose fields make its key, before
 * the pattern sees the event. What a condition reads of the table is then a field of the
 * event like others. */
#include <string.h>

#include "planner_match.h"

static weiri_diagnostics *
diagnostics_of(const weiri_matching *self)
{
    return self->planner->diagnostics;
}

/* What is looked up with the events of an input, made with the first lookup. */
static weiri_querying *
need_looking(weiri_matching *self, uint32_t input)
{
    weiri_arena *arena = self->planner->arena;
    if (self->looking == NULL) {
        self->looking =
            weiri_arena_alloc(arena, self->match->n_inputs * sizeof *self->looking);
    }
    if (self->looking[input] == NULL) {
        const weiri_match_input *from = &self->match->inputs[input];
        weiri_querying          *made = weiri_arena_alloc(arena, sizeof *made);
        made->planner                 = self->planner;
        made->rule                    = self->rule;
        made->query                   = weiri_arena_alloc(arena, sizeof *made->query);
        made->query->stream           = from->stream;
        made->query->schema           = from->schema;
        made->parts[0] =
            (weiri_query_part){ .name = from->schema->name, .stream = from->stream };
        made->n_parts        = 1;
        made->n_named        = 1;
        self->looking[input] = made;
    }
    return self->looking[input];
}

/* ---- the key ---- */

/* The step whose event an expression reads, the first that it names; WEIRI_NONE. */
static uint32_t
step_in(const weiri_matching *self, const weiri_ast_expr *node)
{
    if (node->kind == WEIRI_AST_MEMBER && node->items[0]->kind == WEIRI_AST_NAME) {
        return weiri_find_step(self, node->items[0]->name.text);
    }
    uint32_t step = WEIRI_NONE;
    for (uint32_t i = 0; i < node->n_items && step == WEIRI_NONE; i++) {
        step = step_in(self, node->items[i]);
    }
    return step;
}

weiri_expr *
weiri_match_lookup_member(weiri_matching *self, const weiri_ast_expr *node)
{
    const char *name   = node->items[0]->name.text;
    const char *stream = self->match->inputs[self->input].schema->name;
    uint32_t    step   = weiri_find_step(self, name);
    bool        is_own = step == WEIRI_NONE ? strcmp(name, stream) == 0
                                            : self->steps[step].element == self->element;
    if (!is_own) {
        weiri_report(diagnostics_of(self), WEIRI_E_BAD_LOOKUP, node->at,
            "the key of a lookup is made of one event's fields, and '%s' is another",
            name);
        weiri_report_hint(diagnostics_of(self),
            "where both have the same value, as with 'by', take the field of the one");
        return NULL;
    }
    return weiri_field_of_input(self, self->input, node->name);
}

static weiri_expr *
type_key(void *context, const weiri_ast_expr *node)
{
    weiri_matching *self  = context;
    weiri_scope     scope = { self->planner->arena, diagnostics_of(self), self,
            weiri_resolve_step, self->planner->functions };
    weiri_expr     *key   = weiri_type_expr(&scope, node);
    if (key != NULL && weiri_expr_reads_registers(key)) {
        weiri_report(diagnostics_of(self), WEIRI_E_BAD_LOOKUP, node->at,
            "the key of a lookup is made of one event's fields, and of nothing that the "
            "match has gathered");
        return NULL;
    }
    return key;
}

/* ---- a lookup ---- */

/* How many there are for all inputs. */
static uint32_t
n_lookups(const weiri_matching *self)
{
    uint32_t n = 0;
    for (uint32_t i = 0; self->looking != NULL && i < self->match->n_inputs; i++) {
        n += self->looking[i] != NULL ? self->looking[i]->n_joins : 0;
    }
    return n;
}

/* The row's field as one of the input's event. */
static weiri_expr *
look_up(weiri_matching *self, const weiri_table_info *table, const weiri_ast_expr *node)
{
    weiri_querying *looking = need_looking(self, self->input);
    bool            was_key = self->is_key;
    weiri_stand     stand   = self->stand;
    if (n_lookups(self) >= WEIRI_LOOKUPS) {
        weiri_report(diagnostics_of(self), WEIRI_E_BAD_LOOKUP, node->at,
            "a rule looks up at most %d different keys", WEIRI_LOOKUPS);
        return NULL;
    }
    self->is_key      = true;
    self->stand       = WEIRI_STAND_CONDITION;
    looking->n_before = n_lookups(self) - looking->n_joins;
    uint32_t field    = weiri_lookup(looking, table, node, type_key, self);
    self->is_key      = was_key;
    self->stand       = stand;
    return field == WEIRI_NONE
               ? NULL
               : weiri_expr_field(self->planner->arena, looking->query->schema, field);
}

/* In an emit: as of the time of the event whose fields the key is made of. */
static weiri_expr *
look_up_step(
    weiri_matching *self, const weiri_table_info *table, const weiri_ast_expr *node)
{
    bool     is_argument = self->stand == WEIRI_STAND_ARGUMENT;
    uint32_t step = is_argument ? self->argument_step : step_in(self, node->items[0]);
    if (step == WEIRI_NONE) {
        weiri_report(diagnostics_of(self), WEIRI_E_BAD_LOOKUP, node->at,
            "of which event is the key?");
        weiri_report_hint(diagnostics_of(self), "name a step in it: '%s[step.field]'",
            table->declared->name.text);
        return NULL;
    }
    if (!weiri_check_step_readable(self, step, node->at)) {
        return NULL;
    }
    uint32_t input    = self->input;
    uint32_t element  = self->element;
    self->input       = self->match->steps[step].input;
    self->element     = self->steps[step].element;
    weiri_expr *field = look_up(self, table, node);
    self->input       = input;
    self->element     = element;
    return field == NULL || is_argument
               ? field
               : weiri_add_register(self, WEIRI_REGISTER_LAST, step, 0, field);
}

weiri_expr *
weiri_match_lookup(weiri_matching *self, const weiri_ast_expr *node)
{
    const weiri_table_info *table = weiri_table_of_lookup(self->planner, node);
    const weiri_ast_emit   *emit  = &self->rule->emit;
    if (emit->is_into && emit->stream.text != NULL
        && weiri_find_table(self->planner, emit->stream.text) == table) {
        weiri_report(diagnostics_of(self), WEIRI_E_TABLE_LOOP, node->at,
            "a rule that begins with 'match' cannot look up the table that it writes");
        return NULL;
    }
    return self->stand == WEIRI_STAND_CONDITION ? look_up(self, table, node)
                                                : look_up_step(self, table, node);
}

/* ---- the planned match ---- */

void
weiri_match_read_lookups(weiri_matching *self)
{
    for (uint32_t i = 0; self->looking != NULL && i < self->match->n_inputs; i++) {
        weiri_match_input    *input   = &self->match->inputs[i];
        const weiri_querying *looking = self->looking[i];
        if (looking == NULL || looking->n_joins == 0) {
            continue;
        }
        input->stream       = looking->query->stream;
        weir_schema *schema = weiri_arena_alloc(self->planner->arena, sizeof *schema);
        *schema             = *looking->query->schema;
        schema->name        = input->schema->name; /* people know it by that */
        input->schema       = schema;
    }
}

void
weiri_match_keep_lookups(weiri_matching *self)
{
    for (uint32_t i = 0; self->looking != NULL && i < self->match->n_inputs; i++) {
        if (self->looking[i] != NULL) {
            weiri_keep_joins(self->looking[i]);
        }
    }
}
