/* Expressions, by precedence climbing: or, and, not, comparison, ??, + -, * / %, unary
 * minus, then what binds tightest: a.b a[i] f(x). */
#include "parser.h"

#include <string.h>

#include "weiri/numtext.h"
#include "weiri/timetext.h"
#include "weiri/window.h"

static weiri_ast_expr *
parse_or(weiri_parser *self);

static weiri_ast_expr *
new_expr(weiri_parser *self, weiri_ast_kind kind, uint32_t first)
{
    weiri_ast_expr *expr = weiri_arena_alloc(self->arena, sizeof *expr);
    expr->kind           = self->is_lost ? WEIRI_AST_BROKEN : kind;
    expr->depth          = 1;
    expr->at             = weiri_parser_span_from(self, first);
    return expr;
}

/* A tree as deep as a chain of operators is long would overflow the stack of whoever
 * walks it, so depth is bounded and not only the nesting of parentheses. */
static void
deepen(weiri_parser *self, weiri_ast_expr *expr, const weiri_ast_expr *item)
{
    if (item->depth >= expr->depth) {
        expr->depth = item->depth + 1;
    }
    if (expr->depth > WEIRI_AST_DEPTH) {
        if (!self->is_lost) {
            weiri_report(self->diagnostics, WEIRI_E_NESTED_TOO_DEEPLY, item->at,
                "too many operators in one expression");
        }
        self->is_lost = true;
        expr->kind    = WEIRI_AST_BROKEN;
        expr->depth   = 1;
        expr->n_items = 0;
    }
}

static void
add_item(weiri_parser *self, weiri_ast_expr *expr, weiri_ast_expr *item)
{
    WEIRI_ARENA_PUSH(self->arena, expr->items, expr->n_items, item);
    deepen(self, expr, item);
}

static void
finish(const weiri_parser *self, weiri_ast_expr *expr, uint32_t first)
{
    expr->at = weiri_parser_span_from(self, first);
    if (self->is_lost) {
        expr->kind    = WEIRI_AST_BROKEN;
        expr->n_items = 0;
        expr->depth   = 1;
    }
}

static weiri_ast_name
token_name(const weiri_parser *self, uint32_t token)
{
    const weiri_token *t = &self->tokens.items[token];
    return (weiri_ast_name){
        .text = weiri_arena_text(self->arena, self->text + t->offset, t->size),
        .at   = { self->file, t->offset, t->size },
    };
}

/* ---- literals ---- */

static weiri_ast_expr *
parse_number(weiri_parser *self)
{
    weiri_span       at   = weiri_parser_span(self);
    weiri_token_kind kind = weiri_parser_kind(self);
    const char      *text = self->text + at.offset;
    weiri_ast_expr  *expr = new_expr(self, WEIRI_AST_INT, self->at);
    bool             is_ok;
    if (kind == WEIRI_TOKEN_INT) {
        is_ok = weiri_int_parse(text, at.size, &expr->value.i);
    } else if (kind == WEIRI_TOKEN_FLOAT) {
        expr->kind = WEIRI_AST_FLOAT;
        is_ok      = weiri_float_parse(text, at.size, &expr->value.f);
    } else {
        expr->kind = WEIRI_AST_DURATION;
        is_ok      = weiri_duration_parse(text, at.size, &expr->value.i);
    }
    self->at++;
    expr->at = at;
    if (!is_ok) {
        bool is_duration = kind == WEIRI_TOKEN_DURATION;
        weiri_report(self->diagnostics,
            is_duration ? WEIRI_E_BAD_DURATION : WEIRI_E_BAD_NUMBER, at,
            is_duration ? "'%.*s' is not a duration" : "'%.*s' does not fit into 64 bits",
            (int)(at.size < 40 ? at.size : 40), text);
        if (is_duration) {
            weiri_report_hint(self->diagnostics,
                "units are ns, us, ms, s, m, h and d, as in 250ms, 10s, 1h30m");
        }
        expr->kind = WEIRI_AST_BROKEN;
    }
    return expr;
}

static weiri_ast_expr *
parse_string(weiri_parser *self)
{
    weiri_span at = weiri_parser_span(self);
    self->at++;
    weiri_ast_expr *expr = new_expr(self, WEIRI_AST_STRING, self->at - 1);
    expr->value.s.text   = weiri_string_value(
          self->arena, self->text + at.offset, at.size, &expr->value.s.size);
    return expr;
}

static weiri_ast_expr *
broken(weiri_parser *self, const char *what)
{
    weiri_ast_expr *expr = new_expr(self, WEIRI_AST_BROKEN, self->at);
    weiri_parser_fail(self, what);
    return expr;
}

weiri_ast_expr *
weiri_parse_amount(weiri_parser *self, const char *what)
{
    switch (weiri_parser_kind(self)) {
    case WEIRI_TOKEN_INT:
    case WEIRI_TOKEN_FLOAT:
    case WEIRI_TOKEN_DURATION: return parse_number(self);
    case WEIRI_TOKEN_NAME: {
        weiri_ast_name  name = weiri_parser_name(self, what);
        weiri_ast_expr *expr = new_expr(self, WEIRI_AST_NAME, self->at - 1);
        expr->name           = name;
        return expr;
    }
    default: return broken(self, what);
    }
}

/* ---- primaries ---- */

static weiri_ast_expr *
parse_case(weiri_parser *self)
{
    uint32_t first = self->at;
    weiri_parser_expect_word(self, WEIRI_WORD_CASE);
    weiri_ast_expr *expr = new_expr(self, WEIRI_AST_CASE, first);
    do {
        weiri_parser_expect_word(self, WEIRI_WORD_WHEN);
        add_item(self, expr, parse_or(self));
        weiri_parser_expect_word(self, WEIRI_WORD_THEN);
        add_item(self, expr, parse_or(self));
    } while (weiri_parser_word(self) == WEIRI_WORD_WHEN);
    if (weiri_parser_take_word(self, WEIRI_WORD_ELSE)) {
        add_item(self, expr, parse_or(self));
    }
    weiri_parser_expect_word(self, WEIRI_WORD_END);
    finish(self, expr, first);
    return expr;
}

static void
parse_args(weiri_parser *self, weiri_ast_expr *expr)
{
    weiri_parser_expect(self, WEIRI_TOKEN_LEFT_PAREN, NULL);
    if (weiri_parser_take(self, WEIRI_TOKEN_RIGHT_PAREN)) {
        return;
    }
    /* count(*) is what SQL calls count() */
    if (weiri_parser_kind(self) == WEIRI_TOKEN_STAR
        && weiri_parser_peek(self, 1)->kind == WEIRI_TOKEN_RIGHT_PAREN) {
        self->at += 2;
        return;
    }
    do {
        add_item(self, expr, parse_or(self));
    } while (weiri_parser_take(self, WEIRI_TOKEN_COMMA));
    weiri_parser_expect(self, WEIRI_TOKEN_RIGHT_PAREN, "',' or ')'");
}

/* Whether this file has `aggregate NAME from`. */
static bool
declares_aggregate(const weiri_parser *self, const char *name)
{
    const weiri_token *tokens = self->tokens.items;
    size_t             size   = strlen(name);
    for (uint32_t i = 0; i + 2 < self->tokens.n_items; i++) {
        if (tokens[i].word == WEIRI_WORD_AGGREGATE && tokens[i + 1].size == size
            && memcmp(self->text + tokens[i + 1].offset, name, size) == 0
            && tokens[i + 2].word == WEIRI_WORD_FROM) {
            return true;
        }
    }
    return false;
}

/* `sum(x) where c`, of an aggregate and on its line: below it begins the clause. */
static void
parse_filter(weiri_parser *self, weiri_ast_expr *expr)
{
    weiri_aggregate_kind kind;
    if (weiri_parser_word(self) == WEIRI_WORD_WHERE
        && !weiri_parser_peek(self, 0)->starts_line && expr->name.text != NULL
        && (weiri_aggregate_find(expr->name.text, &kind)
            || declares_aggregate(self, expr->name.text))) {
        self->at++;
        expr->filter = parse_or(self);
        deepen(self, expr, expr->filter);
    }
}

static weiri_ast_expr *
parse_name(weiri_parser *self)
{
    static const struct {
        weiri_word     word;
        weiri_ast_kind kind;
        bool           value;
    } LITERALS[] = {
        { WEIRI_WORD_TRUE, WEIRI_AST_BOOL, true },
        { WEIRI_WORD_FALSE, WEIRI_AST_BOOL, false },
        { WEIRI_WORD_NULL, WEIRI_AST_NULL, false },
    };
    uint32_t   first = self->at;
    weiri_word word  = weiri_parser_word(self);
    for (size_t i = 0; i < sizeof LITERALS / sizeof LITERALS[0]; i++) {
        if (word == LITERALS[i].word) {
            self->at++;
            weiri_ast_expr *literal = new_expr(self, LITERALS[i].kind, first);
            literal->value.b        = LITERALS[i].value;
            return literal;
        }
    }
    if (word == WEIRI_WORD_CASE && weiri_parser_word_at(self, 1) == WEIRI_WORD_WHEN) {
        return parse_case(self);
    }
    weiri_ast_name  name = weiri_parser_name(self, NULL);
    weiri_ast_expr *expr = new_expr(self, WEIRI_AST_NAME, first);
    expr->name           = name;
    if (weiri_parser_kind(self) == WEIRI_TOKEN_LEFT_PAREN) {
        expr->kind = WEIRI_AST_CALL;
        parse_args(self, expr);
        parse_filter(self, expr);
        finish(self, expr, first);
    }
    return expr;
}

static weiri_ast_expr *
parse_parens(weiri_parser *self)
{
    uint32_t first = self->at;
    weiri_parser_expect(self, WEIRI_TOKEN_LEFT_PAREN, NULL);
    weiri_ast_expr *expr = parse_or(self);
    if (weiri_parser_kind(self) == WEIRI_TOKEN_ASSIGN) {
        weiri_parser_fail_as(self, WEIRI_E_ASSIGN_FOR_EQUAL, "'=' does not compare");
        weiri_report_hint(self->diagnostics, "write '=='");
    }
    weiri_parser_expect(self, WEIRI_TOKEN_RIGHT_PAREN, NULL);
    expr->at = weiri_parser_span_from(self, first);
    return expr;
}

static weiri_ast_expr *
parse_values(weiri_parser *self)
{
    uint32_t first = self->at;
    weiri_parser_expect(self, WEIRI_TOKEN_LEFT_BRACKET, NULL);
    weiri_ast_expr *expr = new_expr(self, WEIRI_AST_LIST, first);
    do {
        add_item(self, expr, parse_or(self));
    } while (weiri_parser_take(self, WEIRI_TOKEN_COMMA));
    weiri_parser_expect(self, WEIRI_TOKEN_RIGHT_BRACKET, "',' or ']'");
    finish(self, expr, first);
    return expr;
}

static weiri_ast_expr *
parse_primary(weiri_parser *self)
{
    switch (weiri_parser_kind(self)) {
    case WEIRI_TOKEN_INT:
    case WEIRI_TOKEN_FLOAT:
    case WEIRI_TOKEN_DURATION: return parse_number(self);
    case WEIRI_TOKEN_STRING: return parse_string(self);
    case WEIRI_TOKEN_NAME:
        return weiri_parser_is_at_clause(self) ? broken(self, "a value")
                                               : parse_name(self);
    case WEIRI_TOKEN_LEFT_PAREN: return parse_parens(self);
    case WEIRI_TOKEN_LEFT_BRACKET: return parse_values(self);
    default: return broken(self, "a value");
    }
}

static weiri_ast_expr *
parse_postfix(weiri_parser *self)
{
    uint32_t        first = self->at;
    weiri_ast_expr *expr  = parse_primary(self);
    for (;;) {
        weiri_ast_expr *outer = NULL;
        if (weiri_parser_take(self, WEIRI_TOKEN_DOT)) {
            weiri_ast_name name = weiri_parser_name(self, "the name of a field");
            outer               = new_expr(self, WEIRI_AST_MEMBER, first);
            outer->name         = name;
            add_item(self, outer, expr);
        } else if (weiri_parser_take(self, WEIRI_TOKEN_LEFT_BRACKET)) {
            outer = new_expr(self, WEIRI_AST_INDEX, first);
            add_item(self, outer, expr);
            do {
                add_item(self, outer, parse_or(self));
            } while (!self->is_lost && weiri_parser_take(self, WEIRI_TOKEN_COMMA));
            weiri_parser_expect(self, WEIRI_TOKEN_RIGHT_BRACKET, NULL);
        } else {
            return expr;
        }
        finish(self, outer, first);
        expr = outer;
    }
}

/* ---- operators ---- */

static weiri_ast_expr *
parse_unary(weiri_parser *self)
{
    uint32_t first = self->at;
    if (weiri_parser_kind(self) != WEIRI_TOKEN_MINUS) {
        return parse_postfix(self);
    }
    /* The least int has no positive counterpart, so its sign is read with it. */
    const weiri_token *number = weiri_parser_peek(self, 1);
    int64_t            value  = 0;
    if (number->kind == WEIRI_TOKEN_INT && number->size < 64) {
        const char *digits = self->text + number->offset;
        const char *text =
            weiri_arena_format(self->arena, "-%.*s", (int)number->size, digits);
        if (weiri_int_parse(text, number->size + 1, &value)) {
            self->at += 2;
            weiri_ast_expr *literal = new_expr(self, WEIRI_AST_INT, first);
            literal->value.i        = value;
            return literal;
        }
    }
    if (!weiri_parser_enter(self)) {
        return new_expr(self, WEIRI_AST_BROKEN, first);
    }
    self->at++;
    weiri_ast_expr *expr = new_expr(self, WEIRI_AST_UNARY, first);
    expr->name           = token_name(self, first);
    add_item(self, expr, parse_unary(self));
    finish(self, expr, first);
    weiri_parser_leave(self);
    return expr;
}

static weiri_ast_expr *
binary(weiri_parser *self, weiri_ast_expr *left, uint32_t first,
    weiri_ast_expr *(*parse_right)(weiri_parser *))
{
    uint32_t        operator= self->at++;
    weiri_ast_expr *expr = new_expr(self, WEIRI_AST_BINARY, first);
    expr->name           = token_name(self, operator);
    add_item(self, expr, left);
    add_item(self, expr, parse_right(self));
    finish(self, expr, first);
    return expr;
}

static weiri_ast_expr *
parse_product(weiri_parser *self)
{
    uint32_t        first = self->at;
    weiri_ast_expr *expr  = parse_unary(self);
    for (;;) {
        switch (weiri_parser_kind(self)) {
        case WEIRI_TOKEN_STAR:
        case WEIRI_TOKEN_SLASH:
        case WEIRI_TOKEN_PERCENT: expr = binary(self, expr, first, parse_unary); break;
        default: return expr;
        }
    }
}

static weiri_ast_expr *
parse_sum(weiri_parser *self)
{
    uint32_t        first = self->at;
    weiri_ast_expr *expr  = parse_product(self);
    for (;;) {
        switch (weiri_parser_kind(self)) {
        case WEIRI_TOKEN_PLUS:
        case WEIRI_TOKEN_MINUS: expr = binary(self, expr, first, parse_product); break;
        default: return expr;
        }
    }
}

static weiri_ast_expr *
parse_coalesce(weiri_parser *self)
{
    uint32_t        first = self->at;
    weiri_ast_expr *expr  = parse_sum(self);
    while (weiri_parser_kind(self) == WEIRI_TOKEN_COALESCE) {
        expr = binary(self, expr, first, parse_sum);
    }
    return expr;
}

static bool
is_comparison(weiri_token_kind kind)
{
    return kind >= WEIRI_TOKEN_EQUAL && kind <= WEIRI_TOKEN_GREATER_EQUAL;
}

static void
parse_list(weiri_parser *self, weiri_ast_expr *expr)
{
    weiri_parser_expect(self, WEIRI_TOKEN_LEFT_PAREN, "'(' and a list of values");
    do {
        add_item(self, expr, parse_or(self));
    } while (weiri_parser_take(self, WEIRI_TOKEN_COMMA));
    weiri_parser_expect(self, WEIRI_TOKEN_RIGHT_PAREN, "',' or ')'");
}

/* [not] in, between, like; is [not] null. NULL if none of them comes. */
static weiri_ast_expr *
parse_word_comparison(weiri_parser *self, weiri_ast_expr *left, uint32_t first)
{
    bool       is_not   = weiri_parser_word(self) == WEIRI_WORD_NOT;
    weiri_word word     = weiri_parser_word_at(self, is_not ? 1 : 0);
    bool       is_known = word == WEIRI_WORD_IN || word == WEIRI_WORD_BETWEEN
                    || word == WEIRI_WORD_LIKE || (word == WEIRI_WORD_IS && !is_not);
    if (!is_known) {
        return NULL;
    }
    self->at += is_not;
    weiri_ast_expr *expr = new_expr(self, WEIRI_AST_IN, first);
    expr->name           = token_name(self, self->at++);
    expr->is_negated     = is_not;
    add_item(self, expr, left);
    switch (word) {
    case WEIRI_WORD_IN: parse_list(self, expr); break;
    case WEIRI_WORD_BETWEEN:
        expr->kind = WEIRI_AST_BETWEEN;
        add_item(self, expr, parse_coalesce(self));
        weiri_parser_expect_word(self, WEIRI_WORD_AND);
        add_item(self, expr, parse_coalesce(self));
        break;
    case WEIRI_WORD_LIKE:
        expr->kind = WEIRI_AST_LIKE;
        add_item(self, expr, parse_coalesce(self));
        break;
    default:
        expr->kind       = WEIRI_AST_IS_NULL;
        expr->is_negated = weiri_parser_take_word(self, WEIRI_WORD_NOT);
        weiri_parser_expect_word(self, WEIRI_WORD_NULL);
        break;
    }
    finish(self, expr, first);
    return expr;
}

static weiri_ast_expr *
parse_comparison(weiri_parser *self)
{
    uint32_t        first = self->at;
    weiri_ast_expr *expr  = parse_coalesce(self);
    if (is_comparison(weiri_parser_kind(self))) {
        expr = binary(self, expr, first, parse_coalesce);
        if (is_comparison(weiri_parser_kind(self))) {
            weiri_parser_fail_as(self, WEIRI_E_CHAINED_COMPARISON,
                "comparisons cannot stand one after another");
            weiri_report_hint(
                self->diagnostics, "write 'a < b and b < c', or 'b between a and c'");
        }
        return expr;
    }
    weiri_ast_expr *word = parse_word_comparison(self, expr, first);
    return word != NULL ? word : expr;
}

static weiri_ast_expr *
parse_not(weiri_parser *self)
{
    uint32_t first = self->at;
    if (weiri_parser_word(self) != WEIRI_WORD_NOT || !weiri_parser_enter(self)) {
        return parse_comparison(self);
    }
    self->at++;
    weiri_ast_expr *expr = new_expr(self, WEIRI_AST_UNARY, first);
    expr->name           = token_name(self, first);
    add_item(self, expr, parse_not(self));
    finish(self, expr, first);
    weiri_parser_leave(self);
    return expr;
}

/* A chain of and, or of or, is one node: generated rules have hundreds in a row. */
static weiri_ast_expr *
parse_chain(weiri_parser *self, weiri_word word, weiri_ast_expr *(*parse)(weiri_parser *))
{
    uint32_t        first = self->at;
    weiri_ast_expr *expr  = parse(self);
    if (weiri_parser_word(self) != word) {
        return expr;
    }
    weiri_ast_expr *chain = new_expr(self, WEIRI_AST_LOGIC, first);
    chain->name           = token_name(self, self->at);
    add_item(self, chain, expr);
    while (weiri_parser_take_word(self, word)) {
        add_item(self, chain, parse(self));
    }
    finish(self, chain, first);
    return chain;
}

static weiri_ast_expr *
parse_and(weiri_parser *self)
{
    return parse_chain(self, WEIRI_WORD_AND, parse_not);
}

static weiri_ast_expr *
parse_or(weiri_parser *self)
{
    if (!weiri_parser_enter(self)) {
        return new_expr(self, WEIRI_AST_BROKEN, self->at);
    }
    weiri_ast_expr *expr = parse_chain(self, WEIRI_WORD_OR, parse_and);
    weiri_parser_leave(self);
    return expr;
}

weiri_ast_expr *
weiri_parse_expr(weiri_parser *self)
{
    return parse_or(self);
}

/* ---- lists of named values ---- */

weiri_ast_options
weiri_parse_options(weiri_parser *self, weiri_token_kind close)
{
    weiri_ast_options options = { .n_items = 0 };
    while (!self->is_lost && !weiri_parser_take(self, close)) {
        weiri_ast_option option = { .value = NULL };
        if (weiri_parser_kind(self) == WEIRI_TOKEN_NAME
            && weiri_parser_peek(self, 1)->kind == WEIRI_TOKEN_COLON) {
            option.name = weiri_parser_name(self, NULL);
            self->at++;
        } else if (options.n_items > 0
                   && options.items[options.n_items - 1].name.text != NULL) {
            weiri_parser_fail_as(
                self, WEIRI_E_OPTION_ORDER, "an option needs a name: 'name: value'");
        }
        option.value = parse_or(self);
        WEIRI_ARENA_PUSH(self->arena, options.items, options.n_items, option);
        if (!weiri_parser_take(self, WEIRI_TOKEN_COMMA)
            && weiri_parser_kind(self) != close) {
            weiri_parser_fail(self,
                weiri_arena_format(self->arena, "',' or %s", weiri_token_text(close)));
        }
    }
    return options;
}

static bool
is_next_entry(const weiri_parser *self)
{
    return weiri_parser_kind(self) == WEIRI_TOKEN_NAME
           && weiri_parser_peek(self, 0)->starts_line;
}

static weiri_ast_option
parse_entry(weiri_parser *self)
{
    weiri_ast_option option = { .value = NULL };
    if (weiri_parser_kind(self) == WEIRI_TOKEN_NAME
        && weiri_parser_peek(self, 1)->kind == WEIRI_TOKEN_COLON) {
        option.name = weiri_parser_name(self, NULL);
        self->at++;
    }
    option.value = parse_or(self);
    if (option.name.text == NULL && option.value->kind == WEIRI_AST_NAME) {
        option.name  = option.value->name;
        option.value = NULL;
    }
    return option;
}

weiri_ast_options
weiri_parse_record(weiri_parser *self, bool *is_broken)
{
    weiri_ast_options  record = { .n_items = 0 };
    const weiri_token *open   = weiri_parser_peek(self, 0);
    weiri_parser_expect(self, WEIRI_TOKEN_LEFT_BRACE, NULL);
    while (!self->is_lost && !weiri_parser_take(self, WEIRI_TOKEN_RIGHT_BRACE)) {
        weiri_ast_option option = parse_entry(self);
        WEIRI_ARENA_PUSH(self->arena, record.items, record.n_items, option);
        bool is_separated = weiri_parser_take(self, WEIRI_TOKEN_COMMA)
                            || weiri_parser_kind(self) == WEIRI_TOKEN_RIGHT_BRACE;
        if (!is_separated && is_next_entry(self)) {
            weiri_report(self->diagnostics, WEIRI_E_COMMA_MISSING,
                (weiri_span){ self->file,
                    self->tokens.items[self->at - 1].offset
                        + self->tokens.items[self->at - 1].size,
                    0 },
                "a ',' is missing between two fields");
        } else if (!is_separated) {
            weiri_parser_fail(self, "',' or '}'");
        }
        if (self->is_lost) {
            *is_broken = true;
            weiri_parser_recover(self, WEIRI_SYNC_COMMA, open);
            bool is_found = weiri_parser_take(self, WEIRI_TOKEN_COMMA)
                            || weiri_parser_kind(self) == WEIRI_TOKEN_RIGHT_BRACE;
            self->is_lost = !is_found;
        }
    }
    return record;
}
