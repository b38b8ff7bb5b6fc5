/* Layout of expressions, calls and records. */
#include "format.h"

static uint32_t
first_of(const weiri_layout *self, const weiri_ast_expr *expr)
{
    return weiri_layout_first(self, expr->at);
}

static uint32_t
last_of(const weiri_layout *self, const weiri_ast_expr *expr)
{
    return weiri_layout_last(self, expr->at);
}

/* Values between commas: as many to a line as fit. */
static void
mark_list(weiri_layout *self, weiri_ast_expr *const *items, uint32_t n)
{
    if (n > 1) {
        uint32_t group =
            weiri_layout_group(self, (weiri_group){ .first = first_of(self, items[0]),
                                         .last             = last_of(self, items[n - 1]),
                                         .is_fill          = true });
        for (uint32_t i = 1; i < n; i++) {
            weiri_layout_soft(self, first_of(self, items[i]), group, 0);
        }
    }
}

static void
mark_operators(weiri_layout *self, const weiri_ast_expr *expr)
{
    uint32_t n = expr->n_items;
    uint32_t group =
        weiri_layout_group(self, (weiri_group){ .first = first_of(self, expr->items[0]),
                                     .last = last_of(self, expr->items[n - 1]) });
    for (uint32_t i = 1; i < n; i++) {
        weiri_layout_soft(self, first_of(self, expr->items[i]) - 1, group, 0);
    }
}

static void
mark_call(weiri_layout *self, const weiri_ast_expr *expr)
{
    uint32_t paren               = weiri_layout_first(self, expr->name.at) + 1;
    self->marks[paren].is_tight  = true;
    uint32_t star                = paren + 1; /* count(*) is count() */
    self->marks[star].is_dropped = weiri_layout_kind(self, star) == WEIRI_TOKEN_STAR;
    mark_list(self, expr->items, expr->n_items);
}

static void
mark_values(weiri_layout *self, const weiri_ast_expr *expr)
{
    self->marks[first_of(self, expr->items[0]) - 1].is_list = true;
    mark_list(self, expr->items, expr->n_items);
}

static void
mark_case(weiri_layout *self, const weiri_ast_expr *expr)
{
    uint32_t end   = last_of(self, expr->items[expr->n_items - 1]) + 1;
    uint32_t first = first_of(self, expr->items[0]) - 2;
    uint32_t group =
        weiri_layout_group(self, (weiri_group){ .first = first, .last = end });
    for (uint32_t i = 2; i < expr->n_items; i += 2) {
        weiri_layout_soft(self, first_of(self, expr->items[i]) - 1, group, 0);
    }
    weiri_layout_soft(self, end, group, 0);
}

/* The sign of a number stands next to it. */
static void
mark_sign(weiri_layout *self, const weiri_ast_expr *expr)
{
    uint32_t last = last_of(self, expr);
    for (uint32_t i = first_of(self, expr); i < last; i++) {
        if (weiri_layout_kind(self, i) == WEIRI_TOKEN_MINUS) {
            self->marks[i + 1].is_tight = true;
        }
    }
}

static void
mark(weiri_layout *self, const weiri_ast_expr *expr)
{
    switch (expr->kind) {
    case WEIRI_AST_INT: mark_sign(self, expr); break;
    case WEIRI_AST_UNARY: {
        uint32_t sign = weiri_layout_first(self, expr->name.at);
        self->marks[sign + 1].is_tight =
            weiri_layout_kind(self, sign) == WEIRI_TOKEN_MINUS;
        break;
    }
    case WEIRI_AST_LOGIC:
    case WEIRI_AST_BINARY: mark_operators(self, expr); break;
    case WEIRI_AST_CALL: mark_call(self, expr); break;
    case WEIRI_AST_IN: mark_list(self, expr->items + 1, expr->n_items - 1); break;
    case WEIRI_AST_CASE: mark_case(self, expr); break;
    case WEIRI_AST_LIST: mark_values(self, expr); break;
    default: break;
    }
}

void
weiri_layout_expr(weiri_layout *self, const weiri_ast_expr *expr)
{
    if (expr == NULL) {
        return;
    }
    mark(self, expr);
    for (uint32_t i = 0; i < expr->n_items; i++) {
        weiri_layout_expr(self, expr->items[i]);
    }
    weiri_layout_expr(self, expr->filter);
}

/* ---- lists of named values ---- */

static uint32_t
begin_of(const weiri_layout *self, const weiri_ast_option *option)
{
    return option->name.text != NULL ? weiri_layout_first(self, option->name.at)
                                     : first_of(self, option->value);
}

static void
drop_comma_before(weiri_layout *self, uint32_t token)
{
    if (weiri_layout_kind(self, token - 1) == WEIRI_TOKEN_COMMA) {
        self->marks[token - 1].is_dropped = true;
    }
}

void
weiri_layout_options(weiri_layout *self, uint32_t paren, const weiri_ast_options *options)
{
    uint32_t close              = weiri_layout_closing(self, paren);
    self->marks[paren].is_tight = true;
    drop_comma_before(self, close);
    if (options->n_items == 0) {
        return;
    }
    uint32_t group = weiri_layout_group(
        self, (weiri_group){ .first = paren + 1, .last = close - 1, .is_fill = true });
    for (uint32_t i = 0; i < options->n_items; i++) {
        const weiri_ast_option *option = &options->items[i];
        if (i > 0) {
            weiri_layout_soft(self, begin_of(self, option), group, 0);
        }
        weiri_layout_expr(self, option->value);
    }
}

static void
align_values(weiri_layout *self, const weiri_ast_options *record, uint32_t group)
{
    weiri_column column = { .n_tokens = 0 };
    for (uint32_t i = 0; i < record->n_items; i++) {
        const weiri_ast_option *option = &record->items[i];
        if (option->name.text != NULL && option->value != NULL) {
            uint32_t name = weiri_layout_first(self, option->name.at);
            weiri_column_add(self, &column, name + 2, weiri_layout_columns(self, name));
        }
    }
    weiri_column_align(self, &column, group);
}

void
weiri_layout_record(weiri_layout *self, uint32_t open, const weiri_ast_options *record)
{
    uint32_t close = weiri_layout_closing(self, open);
    if (record->n_items == 0) {
        self->marks[close].is_tight = true;
        return;
    }
    drop_comma_before(self, close);
    uint32_t group = weiri_layout_group(
        self, (weiri_group){ .first = open,
                  .last             = close,
                  .is_block         = true,
                  .is_open          = self->tokens.items[open + 1].starts_line });
    for (uint32_t i = 0; i < record->n_items; i++) {
        weiri_layout_soft(self, begin_of(self, &record->items[i]), group, 0);
        weiri_layout_expr(self, record->items[i].value);
    }
    weiri_layout_soft(self, close, group, WEIRI_FORMAT_INDENT);
    align_values(self, record, group);
}
