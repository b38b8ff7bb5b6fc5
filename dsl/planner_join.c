/* The streams that a query reads together: each join becomes a rule of its own, which
 * gives the joined rows to a stream that only the query reads. */
#include "planner_query.h"

#include <string.h>

static uint32_t
n_left(const weiri_join *join)
{
    return join->sides[0].schema->n_fields;
}

/* ---- a join ---- */

static void
plan_within(weiri_querying *self, weiri_join *join, const weiri_ast_join *ast)
{
    join->within_ns = -1;
    if (ast->within != NULL) {
        join->within_ns =
            weiri_constant_duration(self->planner, ast->within, true, "'within'");
        self->is_broken = self->is_broken || join->within_ns < 0;
    } else if (join->kind == WEIRI_JOIN_INTERVAL) {
        weiri_report(self->planner->diagnostics, WEIRI_E_JOIN_WITHIN, ast->at,
            "how far apart may events of this join be?");
        weiri_report_hint(self->planner->diagnostics, "add 'within 10m'");
        self->is_broken = true;
    }
}

static void
warn_join(weiri_querying *self, const weiri_join *join, const weiri_ast_join *ast)
{
    if (self->is_broken) {
        return;
    }
    if (join->kind == WEIRI_JOIN_ASOF && join->within_ns < 0 && join->n_keys > 0) {
        weiri_report(self->planner->diagnostics, WEIRI_W_STATE_GROWS, ast->at,
            "this join keeps the latest event of each key for ever");
        weiri_report_hint(self->planner->diagnostics,
            "its state grows until %d keys are kept, then the oldest is dropped; add "
            "'within 10m'",
            WEIRI_JOIN_ROWS);
    }
    if (join->kind == WEIRI_JOIN_INTERVAL && join->n_keys == 0) {
        weiri_report(self->planner->diagnostics, WEIRI_W_COMPARES_ALL, ast->at,
            "each event is compared with all of the other stream that are kept");
        weiri_report_hint(
            self->planner->diagnostics, "say what has to be equal: 'on a.x == b.y'");
    }
}

/* The joined row: fields of the left, then of the right. */
static const weir_field *
joined_fields(const weiri_querying *self, const weiri_join *join, const char *label)
{
    const weir_schema *left  = join->sides[0].schema;
    const weir_schema *right = join->sides[1].schema;
    weiri_arena       *arena = self->planner->arena;
    weir_field        *fields =
        weiri_arena_alloc(arena, (left->n_fields + right->n_fields + 1) * sizeof *fields);
    for (uint32_t i = 0; i < left->n_fields; i++) {
        fields[i] = left->fields[i];
    }
    for (uint32_t i = 0; i < right->n_fields; i++) {
        weir_field *field  = &fields[left->n_fields + i];
        *field             = right->fields[i];
        field->name        = weiri_arena_format(arena, "%s.%s", label, field->name);
        field->is_nullable = field->is_nullable || join->is_left;
    }
    return fields;
}

static weiri_join_side
new_side(const weiri_querying *self, uint32_t stream)
{
    const weiri_plan   *plan = self->planner->plan;
    const weiri_stream *row  = &plan->streams[stream];
    return (weiri_join_side){ .stream = stream,
        .rank   = plan->streams[weiri_plan_place(plan, stream)].rank,
        .schema = &row->schema,
        .keys   = weiri_arena_alloc(
              self->planner->arena, WEIRI_JOIN_KEYS * sizeof(const weiri_expr *)) };
}

static void
add_part(weiri_querying *self, weiri_query_part part)
{
    uint32_t at = part.name != NULL ? self->n_named++ : self->n_parts;
    memmove(&self->parts[at + 1], &self->parts[at],
        (self->n_parts - at) * sizeof self->parts[0]);
    self->parts[at] = part;
    self->n_parts++;
}

/* A join of what the query has read so far with one more stream.
 *
 *   right_name  as the rule calls it; NULL: it is looked up
 *   label       what stands before the right's fields where they are printed
 */
static weiri_join *
add_join(weiri_querying *self, weiri_join join, uint32_t right, const char *right_name,
    const char *label, weiri_span at)
{
    weiri_planner *planner = self->planner;
    weiri_query   *query   = self->query;
    weiri_join    *out     = weiri_arena_alloc(planner->arena, sizeof *out);
    *out                   = join;
    out->sides[0]          = new_side(self, query->stream);
    out->sides[1]          = new_side(self, right);
    const char *name       = weiri_arena_format(planner->arena, "%s, join %u",
              self->rule->name.text, self->n_before + self->n_joins + 1);
    out->stream           = weiri_add_hidden_stream(planner, name, WEIRI_ORIGIN_JOIN, at);
    weiri_stream *stream  = &planner->plan->streams[out->stream];
    uint32_t      first   = query->schema->n_fields;
    stream->schema.fields = joined_fields(self, out, label);
    stream->schema.n_fields = first + out->sides[1].schema->n_fields;
    stream->used = weiri_arena_alloc(planner->arena, stream->schema.n_fields + (size_t)1);
    uint32_t left_rank  = planner->plan->streams[query->stream].rank;
    uint32_t right_rank = planner->plan->streams[right].rank;
    if (right_name == NULL) { /* the event, whatever is looked up of it */
        stream->like = 1 + weiri_plan_place(planner->plan, query->stream);
    }
    stream->rank                 = 1 + (left_rank > right_rank ? left_rank : right_rank);
    out->schema                  = &stream->schema;
    out->used                    = stream->used;
    self->joins[self->n_joins++] = out;
    add_part(
        self, (weiri_query_part){ .name = right_name, .stream = right, .first = first });
    query->stream = out->stream;
    query->schema = out->schema;
    return out;
}

static bool
check_name(weiri_querying *self, weiri_ast_name name)
{
    for (uint32_t i = 0; i < self->n_parts; i++) {
        if (strcmp(self->parts[i].name, name.text) == 0) {
            weiri_report(self->planner->diagnostics, WEIRI_E_NAME_TAKEN, name.at,
                "two streams of this rule are called '%s'", name.text);
            weiri_report_hint(self->planner->diagnostics,
                "give each a name of its own: 'from a: %s join b: %s on ...'", name.text,
                name.text);
            return false;
        }
    }
    return true;
}

/* ---- tables ---- */

/* The latest change of a key is what the table has for it. */
static weiri_join
lookup_join(const weiri_table_info *table, bool is_left)
{
    return (weiri_join){ .kind = WEIRI_JOIN_ASOF,
        .is_left               = is_left,
        .within_ns             = table->keep_ns,
        .max_rows              = table->max_rows,
        .stops_when_full       = table->declared->full.is_stop };
}

static void
set_change(const weiri_querying *self, weiri_join *join)
{
    const weir_schema *schema = join->sides[1].schema;
    join->change = weiri_expr_field(self->planner->arena, schema, schema->n_fields - 1);
}

static bool
reads_key(const weiri_join *join, uint32_t field)
{
    for (uint32_t i = 0; i < join->n_keys; i++) {
        const weiri_expr *key = join->sides[1].keys[i];
        if (key->kind == WEIRI_EXPR_FIELD && key->as.field == field) {
            return true;
        }
    }
    return false;
}

/* How many rows of each side may be kept, and what happens then. */
static void
plan_full(weiri_querying *self, weiri_join *join, const weiri_ast_full *full)
{
    join->stops_when_full = full->is_stop;
    if (full->rows == NULL) {
        return;
    }
    const weir_value *rows =
        weiri_constant(self->planner, full->rows, WEIR_INT, "the bound of a join");
    if (rows == NULL || rows->as.i < 1 || rows->as.i > WEIRI_JOIN_ROWS) {
        weiri_report(self->planner->diagnostics, WEIRI_E_BAD_COUNT, full->rows->at,
            "a join keeps from 1 to %d rows of each side", WEIRI_JOIN_ROWS);
        self->is_broken = true;
        return;
    }
    join->max_rows = (uint32_t)rows->as.i;
}

/* A table has one row for its key, so `on` has to say the key and no more. */
static void
check_table_on(weiri_querying *self, const weiri_table_info *table,
    const weiri_join *join, const weiri_ast_join *ast)
{
    bool is_key = join->n_keys == table->n_keys;
    for (uint32_t i = 0; i < table->n_keys; i++) {
        is_key = is_key && reads_key(join, table->keys[i]);
    }
    if (!is_key || join->sides[1].where != NULL) {
        weiri_report(self->planner->diagnostics, WEIRI_E_JOIN_CONDITION, ast->on->at,
            "a table is joined by its key: each of its key fields equal to something, "
            "and no other of its fields");
        weiri_report_hint(self->planner->diagnostics,
            "what else has to hold of the row is said after the join: 'where ...'");
        self->is_broken = true;
    }
    if (ast->full.at.size > 0) {
        weiri_report(self->planner->diagnostics, WEIRI_E_CLAUSE_MISPLACED, ast->full.at,
            "what happens when a table is full is said where the table is declared");
        self->is_broken = true;
    }
    if (ast->within != NULL || ast->kind == WEIRI_WORD_ASOF) {
        weiri_report(self->planner->diagnostics, WEIRI_E_JOIN_WITHIN, ast->at,
            "a table is joined as it is at the time of the event: without 'asof' and "
            "'within'");
        self->is_broken = true;
    }
}

static bool
is_same_lookup(const weiri_querying *self, uint32_t part, const weiri_table_info *table,
    weiri_expr *const *keys)
{
    const weiri_query_part *of = &self->parts[part];
    bool                    is_same =
        of->name == NULL && of->stream == table->changes && of->of_on == self->of_on;
    for (uint32_t i = 0; is_same && i < table->n_keys; i++) {
        is_same = weiri_expr_is_same(of->keys[i], keys[i]);
    }
    return is_same;
}

/* One part of the key that a lookup names, as it was typed; NULL after a report. */
static weiri_expr *
plan_lookup_key(weiri_querying *self, const weiri_table_info *table, uint32_t i,
    const weiri_ast_expr *node, weiri_expr *key)
{
    const weir_schema *schema = &self->planner->plan->streams[table->changes].schema;
    const weir_field  *field  = &schema->fields[table->keys[i]];
    weir_error         err    = { .status = WEIR_OK };
    weiri_expr        *out    = NULL;
    if (key != NULL
        && weiri_expr_convert(self->planner->arena, key, field->type, &out, &err)
               != WEIR_OK) {
        weiri_report(self->planner->diagnostics, WEIRI_E_CANNOT_CONVERT, node->at,
            "key '%s' of table '%s' is %s %s, this is %s %s", field->name,
            table->declared->name.text, field->type == WEIR_INT ? "an" : "a",
            weir_type_text(field->type), key->type == WEIR_INT ? "an" : "a",
            weir_type_text(key->type));
        return NULL;
    }
    return out;
}

static bool
plan_lookup_keys(weiri_querying *self, const weiri_table_info *table,
    const weiri_ast_expr *index, weiri_key_typing type, void *context, weiri_expr **keys)
{
    uint32_t n = index->n_items - 1;
    if (n != table->n_keys) {
        weiri_report(self->planner->diagnostics, WEIRI_E_BAD_LOOKUP, index->at,
            "the key of table '%s' has %u part%s, here %s %u", table->declared->name.text,
            table->n_keys, table->n_keys == 1 ? "" : "s", n == 1 ? "is" : "are", n);
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        const weiri_ast_expr *part = index->items[i + 1];
        keys[i] = plan_lookup_key(self, table, i, part, type(context, part));
        if (keys[i] == NULL) {
            return false;
        }
    }
    return true;
}

static void
note_own(weiri_querying *self, const weiri_table_info *table, const weiri_join *join)
{
    if (table != weiri_own_table(self)) {
        return;
    }
    if (self->own != NULL) {
        weiri_report(self->planner->diagnostics, WEIRI_E_TABLE_LOOP, self->rule->name.at,
            "a rule that writes table '%s' reads of it the row of its own key, and no "
            "other",
            table->declared->name.text);
        self->is_broken = true;
    }
    self->own = join;
}

/* What was looked up, in short. */
static const char *
label_of(
    const weiri_querying *self, const weiri_table_info *table, weiri_expr *const *keys)
{
    weiri_arena *arena = self->planner->arena;
    const char  *label = table->declared->name.text;
    for (uint32_t i = 0; i < table->n_keys; i++) {
        bool is_field = keys[i]->kind == WEIRI_EXPR_FIELD;
        label         = weiri_arena_format(arena, "%s%s%s", label, i == 0 ? "[" : ", ",
            is_field ? self->query->schema->fields[keys[i]->as.field].name : "...");
    }
    return weiri_arena_format(arena, "%s]", label);
}

/* The part that has the row of this key, joined now if no lookup before did it. */
static const weiri_query_part *
part_of_lookup(weiri_querying *self, const weiri_table_info *table,
    weiri_expr *const *keys, weiri_span at)
{
    weiri_planner *planner = self->planner;
    for (uint32_t i = 1; i < self->n_parts; i++) {
        if (is_same_lookup(self, i, table, keys)) {
            return &self->parts[i];
        }
    }
    if (self->n_parts - self->n_named == WEIRI_LOOKUPS) {
        weiri_report(planner->diagnostics, WEIRI_E_BAD_LOOKUP, at,
            "a rule looks up at most %d different keys", WEIRI_LOOKUPS);
        return NULL;
    }
    weiri_join *join = add_join(self, lookup_join(table, true), table->changes, NULL,
        label_of(self, table, keys), at);
    for (uint32_t i = 0; i < table->n_keys; i++) {
        join->sides[0].keys[i] = keys[i];
        join->sides[1].keys[i] =
            weiri_expr_field(planner->arena, join->sides[1].schema, table->keys[i]);
    }
    join->n_keys = table->n_keys;
    set_change(self, join);
    note_own(self, table, join);
    weiri_query_part *part = &self->parts[self->n_parts - 1];
    weiri_expr **kept = weiri_arena_alloc(planner->arena, table->n_keys * sizeof *kept);
    memcpy(kept, keys, table->n_keys * sizeof *kept);
    part->keys  = kept;
    part->of_on = self->of_on;
    return part;
}

uint32_t
weiri_lookup(weiri_querying *self, const weiri_table_info *table,
    const weiri_ast_expr *node, weiri_key_typing type, void *context)
{
    const weiri_ast_expr *index  = node->items[0];
    const weir_schema    *schema = &self->planner->plan->streams[table->contents].schema;
    weiri_expr           *keys[WEIRI_JOIN_KEYS];
    if (self->planner->streams[table->contents].is_broken || node->name.text == NULL) {
        return WEIRI_NONE;
    }
    int32_t field = weir_schema_find(schema, node->name.text);
    if (field < 0) {
        weiri_report_no_field(self->planner, table->contents, node->name);
        return WEIRI_NONE;
    }
    if (!plan_lookup_keys(self, table, index, type, context, keys)) {
        return WEIRI_NONE;
    }
    const weiri_query_part *part = part_of_lookup(self, table, keys, index->at);
    return part == NULL ? WEIRI_NONE : part->first + (uint32_t)field;
}

static weiri_expr *
type_key(void *context, const weiri_ast_expr *node)
{
    return weiri_query_expr(context, WEIRI_QUERY_WHERE, node);
}

uint32_t
weiri_query_lookup(
    weiri_querying *self, const weiri_table_info *table, const weiri_ast_expr *node)
{
    return weiri_lookup(self, table, node, type_key, self);
}

/* ---- lookups in `on` ---- */

/* What `on` asks of tables is looked up before the join, for each side as of its own
 * events' time. */
struct on_lookups {
    weiri_querying *self;
    weiri_querying *right; /* what is looked up with the right's events */
    weir_schema     both;  /* of the joined row, for now                */
    weiri_join      join;  /* likewise */
};

/* Which sides the names in an expression are of. */
static unsigned
reach_of_names(struct on_lookups *lookups, const weiri_ast_expr *node)
{
    weiri_querying *self = lookups->self;
    bool            is_name =
        node->kind == WEIRI_AST_NAME
        || (node->kind == WEIRI_AST_MEMBER && node->items[0]->kind == WEIRI_AST_NAME);
    unsigned reach = WEIRI_READS_NOTHING;
    if (is_name) {
        const weiri_expr *value = weiri_query_expr(self, WEIRI_QUERY_WHERE, node);
        self->is_broken         = self->is_broken || value == NULL;
        return value != NULL ? weiri_join_reach(self, &lookups->join, value)
                             : WEIRI_READS_NOTHING;
    }
    bool is_table = node->kind == WEIRI_AST_INDEX; /* whose name is no value */
    for (uint32_t i = is_table; i < node->n_items; i++) {
        reach |= reach_of_names(lookups, node->items[i]);
    }
    return reach;
}

/* Which sides the key of a lookup reads. */
static unsigned
reach_of_key(struct on_lookups *lookups, const weiri_ast_expr *index)
{
    weiri_querying    *self   = lookups->self;
    const weir_schema *schema = self->query->schema;
    weiri_query_part   right  = lookups->right->parts[0];
    right.first               = schema->n_fields;
    add_part(self, right);
    self->query->schema = &lookups->both;
    unsigned reach      = reach_of_names(lookups, index);
    self->query->schema = schema;
    self->n_parts--;
    self->n_named--;
    memmove(&self->parts[self->n_named], &self->parts[self->n_named + 1],
        (self->n_parts - self->n_named) * sizeof self->parts[0]);
    return reach;
}

static void
look_up_side(
    struct on_lookups *lookups, const weiri_table_info *table, const weiri_ast_expr *node)
{
    weiri_querying *self  = lookups->self;
    unsigned        reach = reach_of_key(lookups, node->items[0]);
    if (self->is_broken) {
        return;
    }
    if (reach == WEIRI_READS_BOTH) {
        weiri_report(self->planner->diagnostics, WEIRI_E_BAD_LOOKUP, node->at,
            "the key of a lookup in 'on' reads one of the two sides, whose event's time "
            "then counts");
        weiri_report_hint(
            self->planner->diagnostics, "write it after the joins: 'where ...'");
        self->is_broken = true;
        return;
    }
    weiri_querying *by    = reach == WEIRI_READS_RIGHT ? lookups->right : self;
    uint32_t        of_on = by->of_on;
    by->of_on             = self->of_on;
    bool is_ok            = weiri_lookup(by, table, node, type_key, by) != WEIRI_NONE;
    by->of_on             = of_on;
    self->is_broken       = self->is_broken || !is_ok;
}

static void
look_up_on(struct on_lookups *lookups, const weiri_ast_expr *node)
{
    weiri_querying         *self  = lookups->self;
    const weiri_table_info *table = weiri_table_of_lookup(self->planner, node);
    for (uint32_t i = 0; i < node->n_items && !self->is_broken; i++) {
        look_up_on(lookups, node->items[i]);
    }
    if (table != NULL && !self->is_broken) {
        lookups->both.fields = joined_fields(self, &lookups->join, "");
        lookups->both.n_fields =
            n_left(&lookups->join) + lookups->join.sides[1].schema->n_fields;
        look_up_side(lookups, table, node);
        lookups->join.sides[0].schema = self->query->schema;
    }
}

/* What was looked up with the right's events is part of the joined row. */
static void
take_right_lookups(
    weiri_querying *self, const weiri_querying *right, const weiri_join *join)
{
    weiri_arena *arena = self->planner->arena;
    for (uint32_t i = 1; i < right->n_parts; i++) {
        weiri_query_part part   = right->parts[i];
        uint32_t         n_keys = right->joins[i - 1]->n_keys;
        weiri_expr     **keys   = weiri_arena_alloc(arena, n_keys * sizeof *keys);
        for (uint32_t k = 0; k < n_keys; k++) {
            keys[k] = weiri_expr_shifted(arena, part.keys[k], join->schema, n_left(join));
        }
        part.keys = keys;
        part.first += n_left(join);
        add_part(self, part);
    }
}

/* Look up what `on` asks for; returns what the right's events have become. */
static weiri_querying *
look_up_before(weiri_querying *self, weiri_join join, uint32_t right, const char *name,
    const weiri_ast_expr *on)
{
    weiri_arena    *arena     = self->planner->arena;
    weiri_querying *of_right  = weiri_arena_alloc(arena, sizeof *of_right);
    of_right->planner         = self->planner;
    of_right->rule            = self->rule;
    of_right->query           = weiri_arena_alloc(arena, sizeof *of_right->query);
    of_right->query->stream   = right;
    of_right->query->schema   = &self->planner->plan->streams[right].schema;
    of_right->parts[0]        = (weiri_query_part){ .name = name, .stream = right };
    of_right->n_parts         = 1;
    of_right->n_named         = 1;
    of_right->n_before        = WEIRI_PARTS * self->n_named; /* names of their own */
    self->of_on               = self->n_named;
    struct on_lookups lookups = { .self = self, .right = of_right, .join = join };
    lookups.join.sides[0]     = new_side(self, self->query->stream);
    lookups.join.sides[1]     = new_side(self, right);
    lookups.join.schema       = &lookups.both;
    look_up_on(&lookups, on);
    if (self->n_parts + of_right->n_parts > WEIRI_PARTS || of_right->own != NULL) {
        weiri_report(self->planner->diagnostics, WEIRI_E_BAD_LOOKUP, on->at,
            of_right->own != NULL
                ? "a rule does not look up here the table that it writes"
                : "a rule looks up at most %d different keys",
            WEIRI_LOOKUPS);
        self->is_broken = true;
        return of_right;
    }
    for (uint32_t i = 0; i < of_right->n_joins; i++) {
        self->joins[self->n_joins++] = of_right->joins[i];
    }
    return of_right;
}

/* ---- joins as written ---- */

static bool
plan_join(weiri_querying *self, const weiri_ast_join *ast)
{
    weiri_planner          *planner = self->planner;
    weiri_ast_name          name    = ast->alias.text != NULL ? ast->alias : ast->stream;
    const weiri_table_info *table   = weiri_find_table(planner, ast->stream.text);
    uint32_t                right =
        table != NULL ? table->changes : weiri_find_stream(planner, ast->stream.text);
    weiri_join join = {
        .kind    = ast->kind == WEIRI_WORD_ASOF ? WEIRI_JOIN_ASOF : WEIRI_JOIN_INTERVAL,
        .is_left = ast->is_left,
        .is_right_first = ast->kind == WEIRI_WORD_ASOF,
    };
    if (self->n_named == 1 + WEIRI_JOINS) {
        weiri_report(planner->diagnostics, WEIRI_E_TOO_MANY_JOINS, ast->at,
            "a rule joins at most %d streams", WEIRI_JOINS + 1);
        return false;
    }
    if (!check_name(self, name) || planner->streams[right].is_broken
        || !planner->streams[right].is_known) {
        return false;
    }
    if (table != NULL) {
        join = lookup_join(table, ast->is_left);
    }
    weiri_querying *of_right = look_up_before(self, join, right, name.text, ast->on);
    if (self->is_broken) {
        return false;
    }
    weiri_join *out =
        add_join(self, join, of_right->query->stream, name.text, name.text, ast->at);
    self->parts[self->n_named - 1].stream = right;
    take_right_lookups(self, of_right, out);
    if (table == NULL) {
        plan_within(self, out, ast);
        plan_full(self, out, &ast->full);
    } else {
        set_change(self, out);
        note_own(self, table, out);
    }
    weiri_plan_on(self, out, ast->on);
    self->of_on = 0;
    if (table == NULL) {
        warn_join(self, out, ast);
    } else if (!self->is_broken) {
        check_table_on(self, table, out, ast);
    }
    return !self->is_broken;
}

bool
weiri_plan_joins(weiri_querying *self)
{
    const weiri_ast_from  *from    = &self->rule->from;
    weiri_planner         *planner = self->planner;
    weiri_ast_name         name = from->alias.text != NULL ? from->alias : from->stream;
    const weiri_actor_use *use  = NULL;
    uint32_t               stream =
        weiri_find_stream(planner, weiri_from_name(planner, self->rule, &use));
    self->query->stream = stream;
    self->query->schema = &planner->plan->streams[stream].schema;
    self->parts[0]      = (weiri_query_part){ .name = name.text, .stream = stream };
    self->n_parts       = 1;
    self->n_named       = 1;
    if (planner->streams[stream].is_broken && from->n_joins > 0) {
        return false;
    }
    for (uint32_t i = 0; i < from->n_joins; i++) {
        if (!plan_join(self, &from->joins[i])) {
            return false;
        }
    }
    return true;
}

/* ---- what is read ---- */

static void
mark(const weiri_expr *expr, bool *used)
{
    if (expr != NULL) {
        weiri_expr_mark_fields(expr, used);
    }
}

/* What a join is asked for, and asks itself, its sides have to bring. */
static void
mark_sides(weiri_planner *self, const weiri_join *join)
{
    const bool *joined = self->plan->streams[join->stream].used;
    mark(join->where, self->plan->streams[join->stream].used);
    for (uint32_t side = 0; side < 2; side++) {
        const weiri_join_side *of    = &join->sides[side];
        bool                  *used  = self->plan->streams[of->stream].used;
        uint32_t               first = side == 0 ? 0 : n_left(join);
        for (uint32_t i = 0; i < of->schema->n_fields; i++) {
            used[i] = used[i] || joined[first + i];
        }
        for (uint32_t i = 0; i < join->n_keys; i++) {
            mark(of->keys[i], used);
        }
        mark(of->where, used);
    }
    mark(join->change, self->plan->streams[join->sides[1].stream].used);
}

void
weiri_keep_joins(weiri_querying *self)
{
    weiri_planner *planner  = self->planner;
    bool           has_fill = self->rule->fill.at.size > 0;
    for (uint32_t i = self->n_joins + 1; i-- > 0;) {
        if (i < self->n_joins) {
            mark_sides(planner, self->joins[i]);
        }
        if (has_fill && i == self->fill.n_joins) {
            weiri_keep_fill(self);
        }
    }
    for (uint32_t i = 0; i < self->n_joins + 1; i++) {
        if (has_fill && i == self->fill.n_joins) {
            weiri_push_fill(self);
        }
        if (i == self->n_joins || self->joins[i] == self->own) {
            continue;
        }
        weiri_rule rule = { .name = self->joins[i]->schema->name,
            .is_made              = true,
            .join                 = self->joins[i],
            .place                = weiri_planner_place(planner, self->rule->name.at) };
        WEIRI_ARENA_PUSH(
            planner->arena, planner->plan->rules, planner->plan->n_rules, rule);
    }
}
