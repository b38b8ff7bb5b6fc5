/* A rule: its clauses, each at most once, in any order after the first. */
#include "parser.h"

#include <string.h>

#include "foreign_words.h"

static weiri_ast_emit
parse_emit(weiri_parser *self, uint32_t first)
{
    weiri_ast_emit emit = { .has_fields = false };
    if (weiri_parser_word(self) == WEIRI_WORD_INTO
        && weiri_parser_peek(self, 1)->kind == WEIRI_TOKEN_NAME) {
        emit.is_into = true;
        self->at++;
    }
    emit.stream = weiri_parser_name(self, "the stream to emit into");
    if (weiri_parser_kind(self) == WEIRI_TOKEN_LEFT_BRACE) {
        emit.has_fields = true;
        emit.fields     = weiri_parse_record(self, &emit.is_broken);
    }
    uint32_t when = self->at;
    if (weiri_parser_word(self) == WEIRI_WORD_WHEN) {
        self->at++;
        weiri_parser_expect_word(self, WEIRI_WORD_CHANGES);
        emit.when_changes = weiri_parser_span_from(self, when);
    }
    emit.is_broken = emit.is_broken || self->is_lost;
    emit.at        = weiri_parser_span_from(self, first);
    return emit;
}

/* delete from card { id } */
static weiri_ast_emit
parse_delete(weiri_parser *self, uint32_t first)
{
    weiri_ast_emit out = { .is_into = true, .is_delete = true, .has_fields = true };
    weiri_parser_expect_word(self, WEIRI_WORD_FROM);
    out.stream    = weiri_parser_name(self, "the table to delete from");
    out.fields    = weiri_parse_record(self, &out.is_broken);
    out.is_broken = out.is_broken || self->is_lost;
    out.at        = weiri_parser_span_from(self, first);
    return out;
}

static void
parse_match(weiri_parser *self, weiri_ast_rule *rule)
{
    rule->pattern = weiri_parse_pattern(self);
    if (weiri_parser_take_word(self, WEIRI_WORD_FOR)) {
        rule->silence = weiri_parse_amount(self, "a duration");
    }
}

static void
parse_on(weiri_parser *self, weiri_ast_rule *rule, uint32_t first)
{
    weiri_parser_expect_word(self, WEIRI_WORD_TIMEOUT);
    weiri_parser_expect_word(self, WEIRI_WORD_EMIT);
    weiri_ast_emit emit = parse_emit(self, first);
    if (rule->on_timeout.at.size > 0) {
        weiri_report(self->diagnostics, WEIRI_E_CLAUSE_TWICE, emit.at,
            "'on timeout' is given twice in this rule");
        return;
    }
    rule->on_timeout = emit;
}

/* Where the clause stands that was given before; size 0 if it was not. */
static weiri_span
given(const weiri_ast_rule *rule, weiri_word word)
{
    switch (word) {
    case WEIRI_WORD_MATCH: return rule->match_at;
    case WEIRI_WORD_FROM: return rule->from.at;
    case WEIRI_WORD_WHERE: return rule->where_at;
    case WEIRI_WORD_BY: return rule->by_at;
    case WEIRI_WORD_WITHIN: return rule->within_at;
    case WEIRI_WORD_FILL: return rule->fill.at;
    case WEIRI_WORD_WINDOW: return rule->window.at;
    case WEIRI_WORD_HAVING: return rule->having_at;
    case WEIRI_WORD_SKIP: return rule->skip.at;
    case WEIRI_WORD_EMIT:
    case WEIRI_WORD_DELETE: return rule->emit.at;
    case WEIRI_WORD_LIMIT: return rule->limit_at;
    case WEIRI_WORD_ORDER: return rule->order_at;
    default: return (weiri_span){ .size = 0 };
    }
}

static void
parse_body_of_clause(
    weiri_parser *self, weiri_ast_rule *rule, weiri_word word, uint32_t first)
{
    weiri_span at = weiri_parser_span_from(self, first);
    switch (word) {
    case WEIRI_WORD_MATCH:
        rule->match_at = at;
        parse_match(self, rule);
        break;
    case WEIRI_WORD_FROM:
        rule->from.at = at;
        weiri_parse_from(self, rule);
        break;
    case WEIRI_WORD_WHERE:
        rule->where_at = at;
        rule->where    = weiri_parse_expr(self);
        break;
    case WEIRI_WORD_BY:
        rule->by_at = at;
        weiri_parse_by(self, rule);
        break;
    case WEIRI_WORD_WITHIN:
        rule->within_at = at;
        rule->within    = weiri_parse_amount(self, "a duration");
        break;
    case WEIRI_WORD_FILL:
        rule->fill.at = at;
        weiri_parse_fill(self, rule);
        break;
    case WEIRI_WORD_WINDOW:
        rule->window.at = at;
        weiri_parse_window(self, rule);
        break;
    case WEIRI_WORD_HAVING:
        rule->having_at = at;
        rule->having    = weiri_parse_expr(self);
        break;
    case WEIRI_WORD_SKIP:
        rule->skip.at = at;
        weiri_parse_skip(self, rule);
        break;
    case WEIRI_WORD_EMIT: rule->emit = parse_emit(self, first); break;
    case WEIRI_WORD_DELETE: rule->emit = parse_delete(self, first); break;
    case WEIRI_WORD_ON: parse_on(self, rule, first); break;
    case WEIRI_WORD_LIMIT:
        rule->limit_at = at;
        weiri_parse_limit(self, rule);
        break;
    default:
        rule->order_at = at;
        weiri_parse_order(self, rule);
        break;
    }
}

static bool
is_clause(weiri_word word)
{
    return word >= WEIRI_WORD_MATCH && word <= WEIRI_WORD_ORDER;
}

/* Units in words after a number, as in `within 5 minutes`. */
static bool
suggest_duration(weiri_parser *self, const char *word)
{
    static const struct {
        const char *begin;
        const char *unit;
    } UNITS[] = { { "milli", "ms" }, { "sec", "s" }, { "min", "m" }, { "hour", "h" },
        { "day", "d" } };
    for (size_t i = 0; i < sizeof UNITS / sizeof UNITS[0]; i++) {
        if (strncmp(word, UNITS[i].begin, strlen(UNITS[i].begin)) == 0) {
            weiri_report_hint(self->diagnostics,
                "a number and its unit are one word: '5%s'", UNITS[i].unit);
            return true;
        }
    }
    return false;
}

static void
report_no_clause(weiri_parser *self)
{
    static const char *const CLAUSES[] = {
#define X(name, text) text,
        WEIRI_CLAUSE_LIST(X)
#undef X
    };
    const weiri_token *token = weiri_parser_peek(self, 0);
    if (token->kind == WEIRI_TOKEN_ASSIGN) {
        weiri_parser_fail_as(self, WEIRI_E_ASSIGN_FOR_EQUAL, "'=' does not compare");
        weiri_report_hint(self->diagnostics, "write '=='");
        return;
    }
    if (token->kind != WEIRI_TOKEN_NAME) {
        weiri_parser_fail(self, "a clause of the rule, or '}'");
        return;
    }
    const char *word =
        weiri_arena_text(self->arena, self->text + token->offset, token->size);
    weiri_parser_fail_as(self, WEIRI_E_CLAUSE_EXPECTED,
        weiri_arena_format(self->arena, "'%.40s' begins no clause of a rule", word));
    if (weiri_parser_peek(self, 1)->kind == WEIRI_TOKEN_COLON) {
        weiri_hint_instead(
            self->diagnostics, "a clause of the rule", WEIRI_TOKEN_COMMA, ",", 1);
    } else if (!suggest_duration(self, word)
               && !weiri_hint_foreign(self->diagnostics, WEIRI_FOREIGN_CLAUSE, word)) {
        weiri_report_nearest(
            self->diagnostics, word, CLAUSES, sizeof CLAUSES / sizeof CLAUSES[0]);
    }
}

static void
parse_clause(weiri_parser *self, weiri_ast_rule *rule, const weiri_token *open)
{
    uint32_t   first = self->at;
    weiri_word word  = weiri_parser_word(self);
    if (!is_clause(word)) {
        report_no_clause(self);
        rule->is_broken = true;
        self->at++;
        weiri_parser_recover(self, WEIRI_SYNC_CLAUSE, open);
        return;
    }
    self->at++;
    weiri_ast_rule spare    = { .match_at = { .size = 0 } };
    bool           is_again = given(rule, word).size > 0;
    if (is_again) {
        weiri_report(self->diagnostics, WEIRI_E_CLAUSE_TWICE,
            weiri_parser_span_from(self, first), "'%s' is given twice in this rule",
            weiri_word_text(word));
    }
    parse_body_of_clause(self, is_again ? &spare : rule, word, first);
    if (self->is_lost) {
        rule->is_broken = true;
        weiri_parser_recover(self, WEIRI_SYNC_CLAUSE, open);
    }
}

static void
check_rule(weiri_parser *self, weiri_ast_rule *rule)
{
    bool has_match = rule->match_at.size > 0;
    bool has_from  = rule->from.at.size > 0;
    if (rule->is_broken || rule->name.text == NULL) {
        rule->is_broken = true;
        return;
    }
    if (has_match && has_from) {
        weiri_report(self->diagnostics, WEIRI_E_TWO_HEARTS, rule->from.at,
            "a rule has either 'match' or 'from', not both");
    } else if (!has_match && !has_from) {
        weiri_report(self->diagnostics, WEIRI_E_NO_HEART, rule->name.at,
            "rule '%s' has neither 'match' nor 'from'", rule->name.text);
    } else if (rule->emit.at.size == 0 && rule->on_timeout.at.size == 0) {
        weiri_report(self->diagnostics, WEIRI_E_NO_EMIT, rule->name.at,
            "rule '%s' emits nothing", rule->name.text);
        weiri_report_hint(self->diagnostics, "add 'emit stream { ... }'");
    } else {
        return;
    }
    rule->is_broken = true;
}

weiri_ast_rule *
weiri_parse_rule(weiri_parser *self)
{
    weiri_ast_rule *rule = weiri_arena_alloc(self->arena, sizeof *rule);
    rule->name           = weiri_parser_name(self, "the rule's name");
    if (weiri_parser_kind(self) == WEIRI_TOKEN_STRING) {
        rule->title = weiri_parser_string(self, NULL, NULL);
    }
    const weiri_token *open    = weiri_parser_peek(self, 0);
    weiri_span         open_at = weiri_parser_span(self);
    if (!weiri_parser_expect(self, WEIRI_TOKEN_LEFT_BRACE, NULL)) {
        rule->is_broken = true;
        return rule;
    }
    while (!weiri_parser_take(self, WEIRI_TOKEN_RIGHT_BRACE)) {
        weiri_word word         = weiri_parser_word(self);
        bool       is_statement = word >= WEIRI_WORD_STREAM && word <= WEIRI_WORD_TEST
                            && weiri_parser_peek(self, 0)->starts_line
                            && weiri_parser_peek(self, 1)->kind == WEIRI_TOKEN_NAME;
        if (weiri_parser_kind(self) == WEIRI_TOKEN_END || is_statement) {
            weiri_report(self->diagnostics, WEIRI_E_BRACE_NOT_CLOSED, open_at,
                "the block of this rule is not closed");
            rule->is_broken = true;
            return rule;
        }
        parse_clause(self, rule, open);
    }
    check_rule(self, rule);
    return rule;
}
