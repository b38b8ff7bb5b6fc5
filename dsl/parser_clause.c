/* Clauses of a rule that are more than one word and an expression. */
#include "parser.h"

static weiri_ast_name
parse_alias(weiri_parser *self)
{
    weiri_ast_name alias = { .text = NULL };
    if (weiri_parser_kind(self) == WEIRI_TOKEN_NAME
        && weiri_parser_peek(self, 1)->kind == WEIRI_TOKEN_COLON) {
        alias = weiri_parser_name(self, NULL);
        self->at++;
    }
    return alias;
}

static bool
is_join(const weiri_parser *self)
{
    uint32_t at = weiri_parser_word(self) == WEIRI_WORD_ASOF;
    at += weiri_parser_word_at(self, at) == WEIRI_WORD_LEFT;
    return weiri_parser_word_at(self, at) == WEIRI_WORD_JOIN;
}

bool
weiri_parse_full(weiri_parser *self, weiri_ast_full *out)
{
    uint32_t first = self->at;
    if (!weiri_parser_take_word(self, WEIRI_WORD_FULL)) {
        return false;
    }
    *out = (weiri_ast_full){ .is_stop = false };
    if (weiri_parser_take_word(self, WEIRI_WORD_AT)) {
        out->rows = weiri_parse_amount(self, "a number of rows");
    }
    out->is_stop = weiri_parser_take_word(self, WEIRI_WORD_STOP);
    if (!out->is_stop) {
        weiri_parser_expect_word(self, WEIRI_WORD_DROP);
        weiri_parser_expect_word(self, WEIRI_WORD_OLDEST);
    }
    out->at = weiri_parser_span_from(self, first);
    return true;
}

static weiri_ast_join
parse_join(weiri_parser *self)
{
    uint32_t       first = self->at;
    weiri_ast_join join  = { .kind = WEIRI_WORD_JOIN };
    if (weiri_parser_take_word(self, WEIRI_WORD_ASOF)) {
        join.kind = WEIRI_WORD_ASOF;
    }
    join.is_left = weiri_parser_take_word(self, WEIRI_WORD_LEFT);
    weiri_parser_expect_word(self, WEIRI_WORD_JOIN);
    join.alias  = parse_alias(self);
    join.stream = weiri_parser_stream(self);
    weiri_parser_expect_word(self, WEIRI_WORD_ON);
    join.on = weiri_parse_expr(self);
    if (weiri_parser_take_word(self, WEIRI_WORD_WITHIN)) {
        join.within = weiri_parse_amount(self, "a duration");
    }
    (void)weiri_parse_full(self, &join.full);
    join.at = weiri_parser_span_from(self, first);
    return join;
}

void
weiri_parse_from(weiri_parser *self, weiri_ast_rule *rule)
{
    weiri_ast_from *from = &rule->from;
    from->alias          = parse_alias(self);
    from->stream         = weiri_parser_stream(self);
    if (weiri_parser_take(self, WEIRI_TOKEN_LEFT_PAREN)) {
        from->actor  = from->stream;
        from->stream = weiri_parser_stream(self);
        weiri_parser_expect(
            self, WEIRI_TOKEN_RIGHT_PAREN, "')' after the stream of an actor");
    }
    while (is_join(self)) {
        weiri_ast_join join = parse_join(self);
        WEIRI_ARENA_PUSH(self->arena, from->joins, from->n_joins, join);
    }
}

void
weiri_parse_by(weiri_parser *self, weiri_ast_rule *rule)
{
    do {
        uint32_t      first = self->at;
        weiri_ast_key key   = { .n_sides = 0 };
        do {
            weiri_ast_expr *side = weiri_parse_expr(self);
            WEIRI_ARENA_PUSH(self->arena, key.sides, key.n_sides, side);
        } while (weiri_parser_take(self, WEIRI_TOKEN_ASSIGN));
        key.at = weiri_parser_span_from(self, first);
        WEIRI_ARENA_PUSH(self->arena, rule->keys, rule->n_keys, key);
    } while (weiri_parser_take(self, WEIRI_TOKEN_COMMA));
    rule->by_at = weiri_span_join(rule->by_at, rule->keys[rule->n_keys - 1].at);
}

/* Whether `fill` begins the clause, and is not the word of the window before it. */
static bool
begins_fill(const weiri_parser *self)
{
    weiri_token_kind after = weiri_parser_peek(self, 1)->kind == WEIRI_TOKEN_NAME
                                 ? weiri_parser_peek(self, 2)->kind
                                 : WEIRI_TOKEN_END;
    return after == WEIRI_TOKEN_COMMA || after == WEIRI_TOKEN_DOT
           || (after == WEIRI_TOKEN_NAME
               && weiri_parser_word_at(self, 2) == WEIRI_WORD_LINEAR);
}

void
weiri_parse_fill(weiri_parser *self, weiri_ast_rule *rule)
{
    uint32_t        first = self->at - 1;
    weiri_ast_fill *fill  = &rule->fill;
    do {
        weiri_ast_expr *field = weiri_parse_expr(self);
        WEIRI_ARENA_PUSH(self->arena, fill->fields, fill->n_fields, field);
    } while (weiri_parser_take(self, WEIRI_TOKEN_COMMA));
    if (!weiri_parser_expect_word(self, WEIRI_WORD_LINEAR)) {
        weiri_report_hint(self->diagnostics,
            "the last value before is 'last(x)' in a 'sliding' window, a value of one's "
            "own 'x ?? 0'");
    }
    weiri_parser_expect_word(self, WEIRI_WORD_WITHIN);
    fill->within = weiri_parse_amount(self, "a duration");
    fill->at     = weiri_parser_span_from(self, first);
}

static void
parse_window_words(weiri_parser *self, weiri_ast_window *window)
{
    for (;;) {
        if (weiri_parser_take_word(self, WEIRI_WORD_BEFORE)) {
            window->is_before = true;
        } else if (weiri_parser_take_word(self, WEIRI_WORD_RESET)) {
            window->is_reset = true;
        } else if (!begins_fill(self) && weiri_parser_take_word(self, WEIRI_WORD_FILL)) {
            window->is_filled = true;
        } else if (weiri_parser_take_word(self, WEIRI_WORD_OFFSET)) {
            window->offset = weiri_parse_expr(self);
        } else if (weiri_parser_take_word(self, WEIRI_WORD_EVERY)) {
            weiri_ast_expr *every = weiri_parse_amount(self, "a duration");
            if (weiri_parser_take_word(self, WEIRI_WORD_EARLY)) {
                window->early = every;
            } else {
                window->every = every;
            }
        } else {
            return;
        }
    }
}

/* `tumbling month`: a unit of the calendar; OTHER: none. */
static weiri_word
take_unit(weiri_parser *self)
{
    static const weiri_word UNITS[] = { WEIRI_WORD_WEEK, WEIRI_WORD_MONTH,
        WEIRI_WORD_QUARTER, WEIRI_WORD_YEAR };
    for (size_t i = 0; i < sizeof UNITS / sizeof UNITS[0]; i++) {
        if (weiri_parser_take_word(self, UNITS[i])) {
            return UNITS[i];
        }
    }
    return WEIRI_WORD_OTHER;
}

void
weiri_parse_window(weiri_parser *self, weiri_ast_rule *rule)
{
    uint32_t          first  = self->at - 1;
    weiri_ast_window *window = &rule->window;
    window->kind             = weiri_parser_word(self);
    switch (window->kind) {
    case WEIRI_WORD_TUMBLING:
    case WEIRI_WORD_HOPPING:
    case WEIRI_WORD_SLIDING:
    case WEIRI_WORD_SESSION:
    case WEIRI_WORD_LAST:
    case WEIRI_WORD_ALL: self->at++; break;
    default:
        weiri_parser_fail(
            self, "'tumbling', 'hopping', 'sliding', 'last', 'all' or 'session'");
        return;
    }
    window->unit =
        window->kind == WEIRI_WORD_TUMBLING ? take_unit(self) : WEIRI_WORD_OTHER;
    if (window->kind != WEIRI_WORD_ALL && window->unit == WEIRI_WORD_OTHER) {
        window->width = weiri_parse_amount(
            self, window->kind == WEIRI_WORD_LAST ? "a number of events"
                  : window->kind == WEIRI_WORD_TUMBLING
                      ? "a duration, a number of events or a unit of the calendar"
                      : "a duration");
    }
    weiri_span after = weiri_parser_span(self);
    if (window->kind == WEIRI_WORD_TUMBLING && window->width != NULL
        && take_unit(self) != WEIRI_WORD_OTHER) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_WINDOW, after,
            "a unit of the calendar stands without a number");
        weiri_report_hint(self->diagnostics, "write 'tumbling month'");
    }
    parse_window_words(self, window);
    window->at = weiri_parser_span_from(self, first);
}

static void
parse_skip_to(weiri_parser *self, weiri_ast_skip *skip)
{
    skip->mode = weiri_parser_word(self);
    if (weiri_parser_take_word(self, WEIRI_WORD_NEXT)) {
        return;
    }
    if (weiri_parser_take_word(self, WEIRI_WORD_FIRST)
        || weiri_parser_take_word(self, WEIRI_WORD_LAST)) {
        skip->step = weiri_parser_name(self, "the name of a step");
        return;
    }
    weiri_parser_fail(self, "'next', 'first' or 'last'");
}

void
weiri_parse_skip(weiri_parser *self, weiri_ast_rule *rule)
{
    uint32_t        first = self->at - 1;
    weiri_ast_skip *skip  = &rule->skip;
    skip->mode            = weiri_parser_word(self);
    if (weiri_parser_take_word(self, WEIRI_WORD_OVERLAPS)
        || weiri_parser_take_word(self, WEIRI_WORD_NONE)) {
    } else if (weiri_parser_take_word(self, WEIRI_WORD_USED)) {
        if (weiri_parser_take_word(self, WEIRI_WORD_LATEST)) {
            skip->mode = WEIRI_WORD_LATEST;
        }
    } else if (weiri_parser_take_word(self, WEIRI_WORD_PAST)) {
        weiri_parser_expect_word(self, WEIRI_WORD_LAST);
    } else if (weiri_parser_take_word(self, WEIRI_WORD_TO)) {
        parse_skip_to(self, skip);
    } else {
        weiri_parser_fail(self, "'overlaps', 'used', 'none', 'to' or 'past last'");
    }
    skip->at = weiri_parser_span_from(self, first);
}

void
weiri_parse_limit(weiri_parser *self, weiri_ast_rule *rule)
{
    uint32_t first = self->at - 1;
    rule->limit    = weiri_parse_amount(self, "a number");
    if (weiri_parser_take_word(self, WEIRI_WORD_PER)) {
        rule->limit_per = weiri_parse_amount(self, "a duration");
    }
    rule->limit_at = weiri_parser_span_from(self, first);
}

/* `each x, y` after `limit k`: k of each. */
static void
parse_each(weiri_parser *self, weiri_ast_rule *rule)
{
    do {
        weiri_ast_order_item item = { .value = weiri_parse_expr(self) };
        WEIRI_ARENA_PUSH(self->arena, rule->order, rule->n_order, item);
        rule->n_each++;
    } while (weiri_parser_take(self, WEIRI_TOKEN_COMMA));
}

void
weiri_parse_order(weiri_parser *self, weiri_ast_rule *rule)
{
    uint32_t first = self->at - 1;
    weiri_parser_expect_word(self, WEIRI_WORD_BY);
    do {
        weiri_ast_order_item item = { .value = weiri_parse_expr(self) };
        item.is_descending        = weiri_parser_take_word(self, WEIRI_WORD_DESC);
        if (!item.is_descending) {
            weiri_parser_take_word(self, WEIRI_WORD_ASC);
        }
        WEIRI_ARENA_PUSH(self->arena, rule->order, rule->n_order, item);
    } while (weiri_parser_take(self, WEIRI_TOKEN_COMMA));
    rule->order_at = weiri_parser_span_from(self, first);
    /* `limit k` on the next line is the clause of its own. */
    if (weiri_parser_word(self) == WEIRI_WORD_LIMIT
        && !weiri_parser_peek(self, 0)->starts_line) {
        self->at++;
        rule->order_limit = weiri_parse_amount(self, "a number");
        if (weiri_parser_take_word(self, WEIRI_WORD_EACH)) {
            parse_each(self, rule);
        }
    }
}
