/* The words and signs of the language, each in one list. */
#ifndef WEIRI_TOKENS_H
#define WEIRI_TOKENS_H

/* Kind, and how an error speaks of it. */
#define WEIRI_TOKEN_LIST(X)                                                              \
    X(END, "the end of the file")                                                        \
    X(NAME, "a name")                                                                    \
    X(INT, "a whole number")                                                             \
    X(FLOAT, "a number")                                                                 \
    X(DURATION, "a duration")                                                            \
    X(STRING, "a text")                                                                  \
    X(BAD, "a mistake") /* reported by the lexer */                                      \
    X(LEFT_PAREN, "'('")                                                                 \
    X(RIGHT_PAREN, "')'")                                                                \
    X(LEFT_BRACE, "'{'")                                                                 \
    X(RIGHT_BRACE, "'}'")                                                                \
    X(LEFT_BRACKET, "'['")                                                               \
    X(RIGHT_BRACKET, "']'")                                                              \
    X(COMMA, "','")                                                                      \
    X(COLON, "':'")                                                                      \
    X(DOT, "'.'")                                                                        \
    X(ASSIGN, "'='")                                                                     \
    X(EQUAL, "'=='")                                                                     \
    X(UNEQUAL, "'!='")                                                                   \
    X(LESS, "'<'")                                                                       \
    X(LESS_EQUAL, "'<='")                                                                \
    X(GREATER, "'>'")                                                                    \
    X(GREATER_EQUAL, "'>='")                                                             \
    X(PLUS, "'+'")                                                                       \
    X(MINUS, "'-'")                                                                      \
    X(STAR, "'*'")                                                                       \
    X(SLASH, "'/'")                                                                      \
    X(PERCENT, "'%%'")                                                                   \
    X(QUESTION, "'?'")                                                                   \
    X(COALESCE, "'?\?'")                                                                 \
    X(FOLLOWED, "'->'")                                                                  \
    X(NEXT, "'=>'")                                                                      \
    X(FOLLOWED_ANY, "'->>'")

typedef enum weiri_token_kind {
#define X(name, text) WEIRI_TOKEN_##name,
    WEIRI_TOKEN_LIST(X)
#undef X
} weiri_token_kind;

/* Words that begin a statement; all words have a meaning only where they are expected. */
#define WEIRI_STATEMENT_LIST(X)                                                          \
    X(STREAM, "stream")                                                                  \
    X(SOURCE, "source")                                                                  \
    X(SINK, "sink")                                                                      \
    X(RULE, "rule")                                                                      \
    X(TABLE, "table")                                                                    \
    X(MODEL, "model")                                                                    \
    X(ACTOR, "actor")                                                                    \
    X(FUNCTION, "function")                                                              \
    X(AGGREGATE, "aggregate")                                                            \
    X(CONNECTOR, "connector")                                                            \
    X(CODEC, "codec")                                                                    \
    X(PARAM, "param")                                                                    \
    X(INCLUDE, "include")                                                                \
    X(TEST, "test")

/* Words that begin a clause of a rule. */
#define WEIRI_CLAUSE_LIST(X)                                                             \
    X(MATCH, "match")                                                                    \
    X(FROM, "from")                                                                      \
    X(WHERE, "where")                                                                    \
    X(BY, "by")                                                                          \
    X(WITHIN, "within")                                                                  \
    X(FILL, "fill")                                                                      \
    X(WINDOW, "window")                                                                  \
    X(HAVING, "having")                                                                  \
    X(SKIP, "skip")                                                                      \
    X(EMIT, "emit")                                                                      \
    X(DELETE, "delete")                                                                  \
    X(ON, "on")                                                                          \
    X(LIMIT, "limit")                                                                    \
    X(ORDER, "order")

#define WEIRI_WORD_LIST(X)                                                               \
    X(TO, "to")                                                                          \
    X(FORMAT, "format")                                                                  \
    X(LATENESS, "lateness")                                                              \
    X(IDLE, "idle")                                                                      \
    X(ERROR, "error")                                                                    \
    X(UNIT, "unit")                                                                      \
    X(FORM, "form")                                                                      \
    X(KEY, "key")                                                                        \
    X(REFRESH, "refresh")                                                                \
    X(SINCE, "since")                                                                    \
    X(KEEP, "keep")                                                                      \
    X(PROCESS, "process")                                                                \
    X(TAKES, "takes")                                                                    \
    X(GIVES, "gives")                                                                    \
    X(ADDS, "adds")                                                                      \
    X(BUDGET, "budget")                                                                  \
    X(FULL, "full")                                                                      \
    X(AT, "at")                                                                          \
    X(STOP, "stop")                                                                      \
    X(DROP, "drop")                                                                      \
    X(OLDEST, "oldest")                                                                  \
    X(AND, "and")                                                                        \
    X(OR, "or")                                                                          \
    X(NOT, "not")                                                                        \
    X(IN, "in")                                                                          \
    X(BETWEEN, "between")                                                                \
    X(LIKE, "like")                                                                      \
    X(IS, "is")                                                                          \
    X(NULL, "null")                                                                      \
    X(TRUE, "true")                                                                      \
    X(FALSE, "false")                                                                    \
    X(CASE, "case")                                                                      \
    X(WHEN, "when")                                                                      \
    X(THEN, "then")                                                                      \
    X(ELSE, "else")                                                                      \
    X(END, "end")                                                                        \
    X(OF, "of")                                                                          \
    X(PREVIOUS, "previous")                                                              \
    X(NEXT, "next")                                                                      \
    X(ANY, "any")                                                                        \
    X(GREEDY, "greedy")                                                                  \
    X(LAZY, "lazy")                                                                      \
    X(UNTIL, "until")                                                                    \
    X(FOR, "for")                                                                        \
    X(TIMEOUT, "timeout")                                                                \
    X(OVERLAPS, "overlaps")                                                              \
    X(USED, "used")                                                                      \
    X(LATEST, "latest")                                                                  \
    X(NONE, "none")                                                                      \
    X(PAST, "past")                                                                      \
    X(FIRST, "first")                                                                    \
    X(LAST, "last")                                                                      \
    X(INTO, "into")                                                                      \
    X(CHANGES, "changes")                                                                \
    X(PER, "per")                                                                        \
    X(ASC, "asc")                                                                        \
    X(DESC, "desc")                                                                      \
    X(EACH, "each")                                                                      \
    X(JOIN, "join")                                                                      \
    X(LEFT, "left")                                                                      \
    X(ASOF, "asof")                                                                      \
    X(ALL, "all")                                                                        \
    X(TUMBLING, "tumbling")                                                              \
    X(HOPPING, "hopping")                                                                \
    X(SLIDING, "sliding")                                                                \
    X(SESSION, "session")                                                                \
    X(EVERY, "every")                                                                    \
    X(BEFORE, "before")                                                                  \
    X(RESET, "reset")                                                                    \
    X(EARLY, "early")                                                                    \
    X(LINEAR, "linear")                                                                  \
    X(WEEK, "week")                                                                      \
    X(MONTH, "month")                                                                    \
    X(QUARTER, "quarter")                                                                \
    X(YEAR, "year")                                                                      \
    X(OFFSET, "offset")                                                                  \
    X(EXPECT, "expect")                                                                  \
    X(NO, "no")                                                                          \
    X(REPEAT, "repeat")                                                                  \
    X(WAIT, "wait")

typedef enum weiri_word {
    WEIRI_WORD_OTHER, /* no word of ours: a name of the user's */
#define X(name, text) WEIRI_WORD_##name,
    WEIRI_STATEMENT_LIST(X) WEIRI_CLAUSE_LIST(X) WEIRI_WORD_LIST(X)
#undef X
        WEIRI_WORDS
} weiri_word;

#endif
