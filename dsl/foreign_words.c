#include "foreign_words.h"

#include <string.h>

static const struct {
    weiri_foreign_place where;
    const char         *words; /* each between spaces */
    const char         *hint;
} WORDS[] = {
    { WEIRI_FOREIGN_STATEMENT, " import use using load require ",
        "write: include \"file.weir\"" },
    { WEIRI_FOREIGN_STATEMENT, " let var const val set define ",
        "a value with a name is a parameter: param limit int = 5" },
    { WEIRI_FOREIGN_STATEMENT, " fn def func ", "write: function double(x) = 2 * x" },
    { WEIRI_FOREIGN_STATEMENT, " select query alert pattern when ",
        "what looks for something is a rule: rule name { from ... emit ... }" },
    { WEIRI_FOREIGN_STATEMENT, " create schema type event struct ",
        "events are declared by their stream: stream s { at time, ... }" },
    { WEIRI_FOREIGN_STATEMENT, " input read ", "write: source s from file(\"path\")" },
    { WEIRI_FOREIGN_STATEMENT, " output insert write print ",
        "write: sink s to stdout()" },
    { WEIRI_FOREIGN_STATEMENT, " / - ", "a comment begins with '#'" },
    { WEIRI_FOREIGN_CLAUSE, " group partition key keyed partitioned ",
        "the key stands after 'by': by ip" },
    { WEIRI_FOREIGN_CLAUSE, " select insert output return yield ",
        "what a rule gives stands after 'emit': emit s { name: value, ... }" },
    { WEIRI_FOREIGN_CLAUSE, " followed followedby then ",
        "steps follow each other by '->', or directly by '=>'" },
    { WEIRI_FOREIGN_CLAUSE, " next ", "the very next event is '=>'" },
    { WEIRI_FOREIGN_CLAUSE, " matches regexp rlike ilike ",
        "write: like \"ro%\", in which % is any text and _ one character" },
    { WEIRI_FOREIGN_CLAUSE, " filter when if ", "a condition stands after 'where'" },
    { WEIRI_FOREIGN_CLAUSE, " join on ",
        "streams meet in 'from': from p: page join s: sale on p.user == s.user within "
        "5m" },
    { WEIRI_FOREIGN_CLAUSE, " order sort orderby ", "write: order by x desc limit 3" },
    { WEIRI_FOREIGN_FUNCTION, " now current_timestamp sysdate clock ",
        "rules know no clock but that of the events: the time of an event is its field" },
    { WEIRI_FOREIGN_FUNCTION, " average mean ", "write avg(x)" },
    { WEIRI_FOREIGN_FUNCTION, " std stdev stddev_pop ", "write stddev(x)" },
    { WEIRI_FOREIGN_FUNCTION, " var var_pop ", "write variance(x)" },
    { WEIRI_FOREIGN_FUNCTION, " percentile pct quantiles ", "write quantile(x, 0.99)" },
    { WEIRI_FOREIGN_FUNCTION, " count_distinct countdistinct uniq unique dcount ",
        "write distinct(x)" },
    { WEIRI_FOREIGN_FUNCTION, " len size strlen char_length ", "write length(x)" },
    { WEIRI_FOREIGN_FUNCTION, " substr ", "write substring(text, from, length)" },
    { WEIRI_FOREIGN_FUNCTION, " ifnull nvl isnull ", "write x ?? 0, or x is null" },
    { WEIRI_FOREIGN_FUNCTION, " tostring str string to_string cast ", "write text(x)" },
    { WEIRI_FOREIGN_FUNCTION, " regex regexp regexp_like regexp_matches matches ",
        "write: x like \"ro%\", in which % is any text and _ one character" },
    { WEIRI_FOREIGN_FUNCTION, " prev previous ",
        "in a window lag(x) is that of the event before, in a pattern prev.x" },
    { WEIRI_FOREIGN_FUNCTION, " toupper uppercase ucase ", "write upper(x)" },
    { WEIRI_FOREIGN_FUNCTION, " tolower lowercase lcase ", "write lower(x)" },
    { WEIRI_FOREIGN_FUNCTION, " dayofweek day_of_week dow ", "write weekday(x)" },
    { WEIRI_FOREIGN_FUNCTION, " date_trunc floor_time ", "write truncate(at, 1h)" },
};

static const struct {
    const char      *expected; /* its beginning */
    weiri_token_kind found;    /* END: any */
    const char      *word;     /* of a NAME; NULL: any */
    const char      *hint;
} INSTEAD[] = {
    { "a clause of", WEIRI_TOKEN_COMMA, NULL,
        "steps are joined by '->', '=>', 'and' or 'or'; between clauses stands nothing" },
    { "a clause of", WEIRI_TOKEN_LEFT_BRACKET, NULL,
        "how often a step comes stands in braces: a{3}, a{3,}" },
    { "a clause of", WEIRI_TOKEN_DURATION, NULL, "a duration is one word: 1h30m" },
    { "a clause of", WEIRI_TOKEN_LEFT_PAREN, NULL,
        "what is emitted stands in braces: emit s { name: value, ... }" },
    { "a clause of", WEIRI_TOKEN_QUESTION, NULL, "write if(condition, x, y)" },
    { "'tumbling',", WEIRI_TOKEN_DURATION, NULL,
        "say which window: 'tumbling 5m' ends and begins anew, 'sliding 5m' moves with "
        "each "
        "event" },
    { "a duration, a number", WEIRI_TOKEN_LEFT_PAREN, NULL,
        "without parentheses: tumbling 5m" },
    { "a duration", WEIRI_TOKEN_STRING, NULL, "without quotes: 5m" },
    { "the stream to emit", WEIRI_TOKEN_LEFT_BRACE, NULL,
        "name what is emitted: emit alert { ... }" },
    { "',' or '}'", WEIRI_TOKEN_NAME, "as", "the name stands first: address: ip" },
    { "the rule's name", WEIRI_TOKEN_STRING, NULL,
        "the name comes before what it means: rule too_many \"Too many\" { ... }" },
    { "a type", WEIRI_TOKEN_ASSIGN, NULL, "the type stands between: limit int = 5" },
    { "'(' and a list", WEIRI_TOKEN_INT, NULL,
        "write in (8, 9, 10), or between 8 and 18" },
    { "'and'", WEIRI_TOKEN_COMMA, NULL, "write between 5 and 6" },
    { "')' after the stream of an actor", WEIRI_TOKEN_END, NULL,
        "behind 'from' a condition stands after 'where': from sale where amount > 0" },
};

bool
weiri_hint_foreign(weiri_diagnostics *self, weiri_foreign_place where, const char *word)
{
    size_t size = strlen(word);
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        const char *at = WORDS[i].where == where ? strstr(WORDS[i].words, word) : NULL;
        for (; at != NULL && size > 0; at = strstr(at + 1, word)) {
            if (at[-1] == ' ' && at[size] == ' ') {
                weiri_report_hint(self, "%s", WORDS[i].hint);
                return true;
            }
        }
    }
    return false;
}

void
weiri_hint_instead(weiri_diagnostics *self, const char *expected, weiri_token_kind found,
    const char *word, size_t size)
{
    for (size_t i = 0; i < sizeof INSTEAD / sizeof INSTEAD[0]; i++) {
        const char *name = INSTEAD[i].word;
        bool        is_word =
            name == NULL || (strlen(name) == size && memcmp(name, word, size) == 0);
        bool is_found = INSTEAD[i].found == found || INSTEAD[i].found == WEIRI_TOKEN_END;
        if (is_found && is_word
            && strncmp(expected, INSTEAD[i].expected, strlen(INSTEAD[i].expected)) == 0) {
            weiri_report_hint(self, "%s", INSTEAD[i].hint);
            return;
        }
    }
}
