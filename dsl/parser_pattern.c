/* The pattern of a match. */
#include "parser.h"

static weiri_ast_pattern *
parse_sequence(weiri_parser *self);

static weiri_ast_pattern *
new_pattern(weiri_parser *self, weiri_ast_pattern_kind kind)
{
    weiri_ast_pattern *pattern = weiri_arena_alloc(self->arena, sizeof *pattern);
    pattern->kind              = kind;
    pattern->arrow             = WEIRI_TOKEN_END;
    return pattern;
}

/* within D of previous; a rule's own `within D` is left alone. */
static void
parse_gap(weiri_parser *self, weiri_ast_pattern *step)
{
    if (weiri_parser_word(self) != WEIRI_WORD_WITHIN
        || weiri_parser_word_at(self, 2) != WEIRI_WORD_OF) {
        return;
    }
    uint32_t first = self->at++;
    step->gap      = weiri_parse_amount(self, "a duration");
    weiri_parser_expect_word(self, WEIRI_WORD_OF);
    weiri_parser_expect_word(self, WEIRI_WORD_PREVIOUS);
    step->gap_at = weiri_parser_span_from(self, first);
}

static weiri_ast_pattern *
parse_step(weiri_parser *self)
{
    uint32_t           first = self->at;
    weiri_ast_pattern *step  = new_pattern(self, WEIRI_AST_STEP);
    if (weiri_parser_kind(self) == WEIRI_TOKEN_NAME
        && weiri_parser_peek(self, 1)->kind == WEIRI_TOKEN_COLON) {
        step->name = weiri_parser_name(self, NULL);
        self->at++;
    }
    if (weiri_parser_kind(self) != WEIRI_TOKEN_NAME) {
        weiri_parser_fail(self, "a step: the name of a stream");
    }
    step->stream = weiri_parser_stream(self);
    if (weiri_parser_take(self, WEIRI_TOKEN_LEFT_PAREN)) {
        if (weiri_parser_kind(self) != WEIRI_TOKEN_RIGHT_PAREN) {
            step->where = weiri_parse_expr(self);
        }
        if (weiri_parser_kind(self) == WEIRI_TOKEN_ASSIGN) {
            weiri_parser_fail_as(self, WEIRI_E_ASSIGN_FOR_EQUAL, "'=' does not compare");
            weiri_report_hint(self->diagnostics, "write '=='");
        }
        weiri_parser_expect(self, WEIRI_TOKEN_RIGHT_PAREN, "an operator or ')'");
    }
    parse_gap(self, step);
    step->at = weiri_parser_span_from(self, first);
    return step;
}

static void
parse_until(weiri_parser *self, weiri_ast_quantifier *quantifier)
{
    uint32_t first = self->at;
    if (weiri_parser_word(self) == WEIRI_WORD_UNTIL) {
        self->at++;
        weiri_parser_expect(self, WEIRI_TOKEN_LEFT_PAREN, NULL);
        quantifier->until = weiri_parse_expr(self);
        weiri_parser_expect(self, WEIRI_TOKEN_RIGHT_PAREN, "an operator or ')'");
        quantifier->until_at = weiri_parser_span_from(self, first);
    }
}

/* {n} {n,} {n,m} {,m} */
static void
parse_bounds(weiri_parser *self, weiri_ast_quantifier *quantifier)
{
    static const char WHAT[] = "a number of repetitions";
    if (weiri_parser_kind(self) != WEIRI_TOKEN_COMMA) {
        quantifier->min = weiri_parse_amount(self, WHAT);
        quantifier->max = quantifier->min;
    }
    if (weiri_parser_take(self, WEIRI_TOKEN_COMMA)) {
        bool is_open    = weiri_parser_kind(self) == WEIRI_TOKEN_RIGHT_BRACE;
        bool is_exact   = !is_open || quantifier->min == NULL;
        quantifier->max = is_exact ? weiri_parse_amount(self, WHAT) : NULL;
    }
    weiri_parser_expect(self, WEIRI_TOKEN_RIGHT_BRACE, "',' or '}'");
}

/* `next` and `any` are words of a quantifier only where no arrow's step could be meant,
 * which is always so: after a quantifier comes an arrow or a clause. */
static void
parse_quantifier(weiri_parser *self, weiri_ast_pattern *pattern)
{
    weiri_ast_quantifier *quantifier = &pattern->quantifier;
    weiri_token_kind      kind       = weiri_parser_kind(self);
    uint32_t              first      = self->at;
    if (kind != WEIRI_TOKEN_PLUS && kind != WEIRI_TOKEN_STAR
        && kind != WEIRI_TOKEN_QUESTION && kind != WEIRI_TOKEN_LEFT_BRACE) {
        parse_until(self, quantifier);
        return;
    }
    self->at++;
    quantifier->sign = kind;
    if (kind == WEIRI_TOKEN_LEFT_BRACE) {
        parse_bounds(self, quantifier);
    }
    quantifier->at  = weiri_parser_span_from(self, first);
    weiri_word word = weiri_parser_word(self);
    if (word == WEIRI_WORD_NEXT || word == WEIRI_WORD_ANY) {
        quantifier->inner = word;
        self->at++;
    }
    word = weiri_parser_word(self);
    if (word == WEIRI_WORD_GREEDY || word == WEIRI_WORD_LAZY) {
        quantifier->preference    = word;
        quantifier->preference_at = weiri_parser_span(self);
        self->at++;
    }
    parse_until(self, quantifier);
}

static weiri_ast_pattern *
parse_group(weiri_parser *self)
{
    uint32_t           first = self->at;
    weiri_ast_pattern *group = new_pattern(self, WEIRI_AST_GROUP);
    weiri_parser_expect(self, WEIRI_TOKEN_LEFT_PAREN, NULL);
    weiri_ast_pattern *body = parse_sequence(self);
    WEIRI_ARENA_PUSH(self->arena, group->items, group->n_items, body);
    weiri_parser_expect(self, WEIRI_TOKEN_RIGHT_PAREN, "an arrow or ')'");
    group->at = weiri_parser_span_from(self, first);
    return group;
}

static weiri_ast_pattern *
parse_unit(weiri_parser *self)
{
    uint32_t   first  = self->at;
    weiri_span not_at = { .size = 0 };
    if (weiri_parser_word(self) == WEIRI_WORD_NOT
        && weiri_parser_peek(self, 1)->kind != WEIRI_TOKEN_COLON) {
        not_at = weiri_parser_span(self);
        self->at++;
    }
    weiri_ast_pattern *unit = weiri_parser_kind(self) == WEIRI_TOKEN_LEFT_PAREN
                                  ? parse_group(self)
                                  : parse_step(self);
    parse_quantifier(self, unit);
    if (unit->kind == WEIRI_AST_STEP && unit->gap == NULL) {
        parse_gap(self, unit); /* a{3,} within 1m of previous reads as well */
    }
    unit->not_at = not_at;
    unit->at     = weiri_parser_span_from(self, first);
    return unit;
}

static weiri_ast_pattern *
parse_choice(weiri_parser *self, weiri_word word, weiri_ast_pattern_kind kind,
    weiri_ast_pattern *(*parse)(weiri_parser *))
{
    uint32_t           first = self->at;
    weiri_ast_pattern *item  = parse(self);
    if (weiri_parser_word(self) != word) {
        return item;
    }
    weiri_ast_pattern *choice = new_pattern(self, kind);
    WEIRI_ARENA_PUSH(self->arena, choice->items, choice->n_items, item);
    while (weiri_parser_take_word(self, word)) {
        item = parse(self);
        WEIRI_ARENA_PUSH(self->arena, choice->items, choice->n_items, item);
    }
    choice->at = weiri_parser_span_from(self, first);
    return choice;
}

static weiri_ast_pattern *
parse_all_of(weiri_parser *self)
{
    return parse_choice(self, WEIRI_WORD_AND, WEIRI_AST_ALL_OF, parse_unit);
}

static weiri_ast_pattern *
parse_any_of(weiri_parser *self)
{
    return parse_choice(self, WEIRI_WORD_OR, WEIRI_AST_ANY_OF, parse_all_of);
}

static bool
is_arrow(weiri_token_kind kind)
{
    return kind == WEIRI_TOKEN_FOLLOWED || kind == WEIRI_TOKEN_NEXT
           || kind == WEIRI_TOKEN_FOLLOWED_ANY;
}

static weiri_ast_pattern *
parse_sequence(weiri_parser *self)
{
    uint32_t           first    = self->at;
    weiri_ast_pattern *sequence = new_pattern(self, WEIRI_AST_SEQUENCE);
    if (!weiri_parser_enter(self)) {
        return sequence;
    }
    weiri_token_kind arrow = WEIRI_TOKEN_END;
    do {
        weiri_ast_pattern *item = parse_any_of(self);
        item->arrow             = arrow;
        WEIRI_ARENA_PUSH(self->arena, sequence->items, sequence->n_items, item);
        arrow = weiri_parser_kind(self);
        self->at += is_arrow(arrow);
    } while (is_arrow(arrow));
    weiri_parser_leave(self);
    sequence->at = weiri_parser_span_from(self, first);
    return sequence;
}

weiri_ast_pattern *
weiri_parse_pattern(weiri_parser *self)
{
    return parse_sequence(self);
}
