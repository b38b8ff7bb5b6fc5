/* A rule that reads and writes one table, row by row. */
#include "planner_query.h"

const weiri_table_info *
weiri_own_table(const weiri_querying *self)
{
    const weiri_ast_emit *emit = &self->rule->emit;
    return emit->is_into && emit->stream.text != NULL
               ? weiri_find_table(self->planner, emit->stream.text)
               : NULL;
}

static void
look_up_others(weiri_querying *self, const weiri_ast_expr *node)
{
    if (node == NULL) {
        return;
    }
    for (uint32_t i = 0; i < node->n_items; i++) {
        look_up_others(self, node->items[i]);
    }
    look_up_others(self, node->filter);
    const weiri_table_info *table = weiri_table_of_lookup(self->planner, node);
    if (table != NULL && table != weiri_own_table(self)) {
        (void)weiri_query_lookup(self, table, node);
    }
}

void
weiri_plan_other_lookups(weiri_querying *self)
{
    const weiri_ast_rule *rule = self->rule;
    if (weiri_own_table(self) == NULL && rule->fill.at.size == 0) {
        return;
    }
    look_up_others(self, rule->where);
    look_up_others(self, rule->having);
    for (uint32_t i = 0; i < rule->n_order; i++) {
        look_up_others(self, rule->order[i].value);
    }
    for (uint32_t i = 0; i < rule->emit.fields.n_items; i++) {
        look_up_others(self, rule->emit.fields.items[i].value);
    }
}

/* Whether `by` has an expression. */
static bool
is_by(weiri_querying *self, const weiri_expr *key)
{
    for (uint32_t i = 0; i < self->rule->n_keys; i++) {
        const weiri_expr *part =
            weiri_query_expr(self, WEIRI_QUERY_KEY, self->rule->keys[i].sides[0]);
        if (weiri_expr_is_same(part, key)) {
            return true;
        }
    }
    return false;
}

/* Rows of one key are worked off one after another, and no other key is touched. */
static bool
is_by_key(weiri_querying *self, const weiri_table_info *table)
{
    bool is_by_key = self->rule->n_keys == table->n_keys;
    for (uint32_t i = 0; i < table->n_keys && is_by_key; i++) {
        const weiri_expr *key = self->own->sides[0].keys[i];
        is_by_key             = is_by(self, key)
                    && weiri_expr_is_same(self->query->emit->values[table->keys[i]], key);
    }
    return is_by_key;
}

bool
weiri_check_own_table(weiri_querying *self)
{
    const weiri_table_info *table = weiri_own_table(self);
    const char             *wrong = NULL;
    if (self->own == NULL) {
        return true;
    }
    if (self->rule->window.at.size > 0 || self->query->window != NULL) {
        wrong = "works event by event, without a window, 'limit' or 'when changes'";
    } else if (self->own != self->joins[self->n_joins - 1]) {
        wrong = "cannot look up another table by what it says";
    } else if (table->n_writers > 1 || table->has_file) {
        wrong = "is the only one that fills it";
    } else if (!is_by_key(self, table)) {
        wrong = "is 'by' its key, looks up that key and writes it";
    }
    if (wrong != NULL) {
        weiri_report(self->planner->diagnostics, WEIRI_E_TABLE_LOOP, self->rule->emit.at,
            "a rule that reads and writes table '%s' %s", table->declared->name.text,
            wrong);
        return false;
    }
    self->query->fold                                       = self->own;
    self->planner->plan->streams[self->own->stream].is_read = false;
    return true;
}
