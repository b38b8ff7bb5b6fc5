/* Layout of rules: a clause a line, their words in one column. */
#include "format.h"

#include <stdlib.h>

/* ---- patterns ---- */

static void
mark_pattern(weiri_layout *self, const weiri_ast_pattern *pattern, bool is_outermost);

static void
mark_quantifier(weiri_layout *self, const weiri_ast_quantifier *quantifier)
{
    if (quantifier->at.size > 0) {
        uint32_t first = weiri_layout_first(self, quantifier->at);
        uint32_t last  = weiri_layout_last(self, quantifier->at);
        for (uint32_t i = first; i <= last; i++) {
            self->marks[i].is_tight = true;
        }
    }
    weiri_layout_expr(self, quantifier->until);
}

/* A step or group and its `until` below it, where they do not fit on a line. */
static void
mark_until(weiri_layout *self, const weiri_ast_pattern *pattern)
{
    if (pattern->quantifier.until == NULL) {
        return;
    }
    uint32_t n_not = pattern->not_at.size > 0;
    uint32_t first = pattern->kind == WEIRI_AST_STEP
                         ? weiri_layout_first(self, pattern->stream.at)
                         : weiri_layout_first(self, pattern->at) + n_not;
    uint32_t group = weiri_layout_group(
        self, (weiri_group){ .first = first,
                  .last = weiri_layout_last(self, pattern->quantifier.until_at) });
    weiri_layout_soft(
        self, weiri_layout_first(self, pattern->quantifier.until_at), group, 0);
}

static void
mark_step(weiri_layout *self, const weiri_ast_pattern *step)
{
    uint32_t paren = weiri_layout_last(self, step->stream.at) + 1;
    if (weiri_layout_kind(self, paren) == WEIRI_TOKEN_LEFT_PAREN) {
        self->marks[paren].is_tight = true;
    }
    weiri_layout_expr(self, step->where);
}

/* Items with a sign or a word before each but the first. The arrows of a rule hang to the
 * left of its steps, so that these stand below each other. */
static void
mark_items(weiri_layout *self, const weiri_ast_pattern *pattern, bool is_outermost)
{
    if (pattern->n_items < 2) {
        return;
    }
    bool     hangs = is_outermost && pattern->kind == WEIRI_AST_SEQUENCE;
    uint32_t first = weiri_layout_first(self, pattern->items[0]->at);
    uint32_t arrow = weiri_layout_first(self, pattern->items[1]->at) - 1;
    uint32_t last  = weiri_layout_last(self, pattern->items[pattern->n_items - 1]->at);
    uint32_t group = weiri_layout_group(
        self, (weiri_group){ .first = first,
                  .last             = last,
                  .is_open          = pattern->kind == WEIRI_AST_SEQUENCE
                             && self->tokens.items[arrow].starts_line });
    for (uint32_t i = 1; i < pattern->n_items; i++) {
        uint32_t sign = weiri_layout_first(self, pattern->items[i]->at) - 1;
        weiri_layout_soft(
            self, sign, group, hangs ? self->tokens.items[sign].size + 1 : 0);
    }
}

static void
mark_pattern(weiri_layout *self, const weiri_ast_pattern *pattern, bool is_outermost)
{
    mark_until(self, pattern);
    if (pattern->kind == WEIRI_AST_STEP) {
        mark_step(self, pattern);
    } else if (pattern->kind != WEIRI_AST_GROUP) {
        mark_items(self, pattern, is_outermost);
    }
    for (uint32_t i = 0; i < pattern->n_items; i++) {
        mark_pattern(self, pattern->items[i], false);
    }
    mark_quantifier(self, &pattern->quantifier);
}

/* ---- clauses ---- */

struct clause {
    weiri_word word;
    uint32_t   first;
    uint32_t   last;
    bool       is_joined; /* it stands on the line of the one before */
};

struct clauses {
    struct clause items[WEIRI_WORD_ORDER - WEIRI_WORD_MATCH + 1];
    uint32_t      n;
};

static void
add_clause(
    struct clauses *clauses, const weiri_layout *self, weiri_word word, weiri_span at)
{
    if (at.size > 0) {
        clauses->items[clauses->n++] =
            (struct clause){ .word = word, .first = weiri_layout_token(self, at.offset) };
    }
}

static int
by_place(const void *a, const void *b)
{
    const struct clause *x = a;
    const struct clause *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* The clauses as they are written; each ends where the next one begins. */
static struct clauses
collect_clauses(const weiri_layout *self, const weiri_ast_rule *rule, uint32_t close)
{
    struct clauses clauses = { .n = 0 };
    add_clause(&clauses, self, WEIRI_WORD_MATCH, rule->match_at);
    add_clause(&clauses, self, WEIRI_WORD_FROM, rule->from.at);
    add_clause(&clauses, self, WEIRI_WORD_WHERE, rule->where_at);
    add_clause(&clauses, self, WEIRI_WORD_BY, rule->by_at);
    add_clause(&clauses, self, WEIRI_WORD_WITHIN, rule->within_at);
    add_clause(&clauses, self, WEIRI_WORD_FILL, rule->fill.at);
    add_clause(&clauses, self, WEIRI_WORD_WINDOW, rule->window.at);
    add_clause(&clauses, self, WEIRI_WORD_HAVING, rule->having_at);
    add_clause(&clauses, self, WEIRI_WORD_SKIP, rule->skip.at);
    add_clause(&clauses, self, WEIRI_WORD_EMIT, rule->emit.at);
    add_clause(&clauses, self, WEIRI_WORD_ON, rule->on_timeout.at);
    add_clause(&clauses, self, WEIRI_WORD_LIMIT, rule->limit_at);
    add_clause(&clauses, self, WEIRI_WORD_ORDER, rule->order_at);
    qsort(clauses.items, clauses.n, sizeof clauses.items[0], by_place);
    for (uint32_t i = 0; i < clauses.n; i++) {
        clauses.items[i].last =
            (i + 1 < clauses.n ? clauses.items[i + 1].first : close) - 1;
    }
    return clauses;
}

static void
mark_from(weiri_layout *self, const weiri_ast_from *from, const struct clause *clause)
{
    if (from->actor.text != NULL) {
        self->marks[weiri_layout_last(self, from->actor.at) + 1].is_tight = true;
    }
    if (from->n_joins == 0) {
        return;
    }
    uint32_t group = weiri_layout_group(
        self, (weiri_group){ .first = clause->first + 1, .last = clause->last });
    for (uint32_t i = 0; i < from->n_joins; i++) {
        const weiri_ast_join *join = &from->joins[i];
        weiri_layout_soft(self, weiri_layout_first(self, join->at), group, 0);
        weiri_layout_expr(self, join->on);
    }
}

static void
mark_by(weiri_layout *self, const weiri_ast_rule *rule, const struct clause *clause)
{
    uint32_t group = weiri_layout_group(
        self, (weiri_group){
                  .first = clause->first + 1, .last = clause->last, .is_fill = true });
    for (uint32_t i = 0; i < rule->n_keys; i++) {
        if (i > 0) {
            weiri_layout_soft(self, weiri_layout_first(self, rule->keys[i].at), group, 0);
        }
        for (uint32_t k = 0; k < rule->keys[i].n_sides; k++) {
            weiri_layout_expr(self, rule->keys[i].sides[k]);
        }
    }
}

static void
mark_emit(weiri_layout *self, const weiri_ast_emit *emit)
{
    if (emit->has_fields) {
        weiri_layout_record(
            self, weiri_layout_last(self, emit->stream.at) + 1, &emit->fields);
    }
}

static void
mark_clause(weiri_layout *self, const weiri_ast_rule *rule, const struct clause *clause)
{
    switch (clause->word) {
    case WEIRI_WORD_MATCH: mark_pattern(self, rule->pattern, true); break;
    case WEIRI_WORD_FROM: mark_from(self, &rule->from, clause); break;
    case WEIRI_WORD_WHERE: weiri_layout_expr(self, rule->where); break;
    case WEIRI_WORD_BY: mark_by(self, rule, clause); break;
    case WEIRI_WORD_WINDOW: weiri_layout_expr(self, rule->window.offset); break;
    case WEIRI_WORD_HAVING: weiri_layout_expr(self, rule->having); break;
    case WEIRI_WORD_EMIT: mark_emit(self, &rule->emit); break;
    case WEIRI_WORD_ON: mark_emit(self, &rule->on_timeout); break;
    case WEIRI_WORD_ORDER:
        for (uint32_t i = 0; i < rule->n_order; i++) {
            weiri_layout_expr(self, rule->order[i].value);
        }
        break;
    default: break;
    }
}

/* The token after the words that begin a clause; 0 where nothing is moved. */
static uint32_t
content_of(const struct clause *clause)
{
    if (clause->is_joined || clause->word == WEIRI_WORD_ON) {
        return 0;
    }
    return clause->first + (clause->word == WEIRI_WORD_ORDER ? 2 : 1);
}

static void
align_clauses(weiri_layout *self, const struct clauses *clauses)
{
    weiri_column column = { .n_tokens = 0 };
    for (uint32_t i = 0; i < clauses->n; i++) {
        const struct clause *clause  = &clauses->items[i];
        uint32_t             content = content_of(clause);
        if (content > 0) {
            weiri_column_add(self, &column, content,
                weiri_layout_width(self, clause->first, content - 1));
        }
    }
    weiri_column_align(self, &column, UINT32_MAX);
}

/* `from s where c` is read as one, where it fits on a line. After a join it would be read
 * as a part of what the join is on. */
static bool
joins_line(const weiri_layout *self, const weiri_ast_rule *rule,
    const struct clause *before, const struct clause *clause)
{
    enum { WIDEST_WORD = 8 };
    uint32_t width = weiri_layout_width(self, before->first, clause->last);
    return clause->word == WEIRI_WORD_WHERE && before->word == WEIRI_WORD_FROM
           && rule->from.n_joins == 0
           && !weiri_layout_has_comment(self, before->first + 1, clause->last)
           && WEIRI_FORMAT_INDENT + WIDEST_WORD + width <= WEIRI_FORMAT_COLUMNS;
}

void
weiri_layout_rule(weiri_layout *self, const weiri_ast_statement *statement)
{
    const weiri_ast_rule *rule    = statement->as.rule;
    uint32_t              close   = weiri_layout_last(self, statement->at);
    struct clauses        clauses = collect_clauses(self, rule, close);
    for (uint32_t i = 0; i < clauses.n; i++) {
        struct clause *clause = &clauses.items[i];
        mark_clause(self, rule, clause);
        clause->is_joined = i > 0 && joins_line(self, rule, clause - 1, clause);
        if (!clause->is_joined) {
            weiri_layout_hard(self, clause->first, WEIRI_FORMAT_INDENT);
        }
    }
    align_clauses(self, &clauses);
    weiri_layout_hard(self, close, 0);
}
