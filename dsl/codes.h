/* Every error and warning: a name, its stable number, what it is about.
 *
 * Numbers are in documentation and in people's notes: append, never renumber.
 * 01 characters · 02 grammar · 03 names · 04 types · 05 patterns · 06 rules and their
 * graph · 07 sources, sinks, parameters, files · 08 tests · 09 not built yet ·
 * 10 node files.
 * Warnings: 01 of every compilation · 02 of `weir lint`. */
#ifndef WEIRI_CODES_H
#define WEIRI_CODES_H

#define WEIRI_ERROR_LIST(X)                                                              \
    X(BAD_UTF8, "E0101", "bytes that are not UTF-8")                                     \
    X(BAD_CHARACTER, "E0102", "a character that means nothing here")                     \
    X(OPEN_STRING, "E0103", "a text without its closing quote")                          \
    X(BAD_ESCAPE, "E0104", "an unknown escape in a text")                                \
    X(BAD_NUMBER, "E0105", "a number that does not fit")                                 \
    X(BAD_DURATION, "E0106", "a duration that cannot be read")                           \
    X(FILE_TOO_LARGE, "E0107", "a file beyond the bound")                                \
    X(EXPECTED, "E0201", "something else was expected")                                  \
    X(STATEMENT_EXPECTED, "E0202", "no statement begins like this")                      \
    X(CLAUSE_EXPECTED, "E0203", "no clause of a rule begins like this")                  \
    X(CLAUSE_TWICE, "E0204", "a clause was given twice")                                 \
    X(NESTED_TOO_DEEPLY, "E0205", "parentheses or operators nested beyond the bound")    \
    X(BRACE_NOT_CLOSED, "E0206", "a block without its closing brace")                    \
    X(NO_HEART, "E0207", "a rule with neither match nor from")                           \
    X(TWO_HEARTS, "E0208", "a rule with both match and from")                            \
    X(NO_EMIT, "E0209", "a rule that emits nothing")                                     \
    X(CLAUSE_MISPLACED, "E0210", "a clause that this rule cannot have")                  \
    X(CHAINED_COMPARISON, "E0211", "comparisons one after another")                      \
    X(ASSIGN_FOR_EQUAL, "E0212", "= where == was meant")                                 \
    X(OPTION_ORDER, "E0213", "an argument without a name after named ones")              \
    X(COMMA_MISSING, "E0214", "two fields without a comma between")                      \
    X(UNKNOWN_STREAM, "E0301", "no stream has this name")                                \
    X(UNKNOWN_FIELD, "E0302", "the stream has no such field")                            \
    X(UNKNOWN_STEP, "E0303", "the pattern has no such step")                             \
    X(UNKNOWN_NAME, "E0304", "neither a field nor a parameter")                          \
    X(UNKNOWN_FUNCTION, "E0305", "no function has this name")                            \
    X(UNKNOWN_TYPE, "E0306", "no type has this name")                                    \
    X(NAME_TAKEN, "E0307", "two things of one name")                                     \
    X(FIELD_TWICE, "E0308", "two fields of one name")                                    \
    X(STEP_TWICE, "E0309", "two steps of one name")                                      \
    X(STEP_NAME_RESERVED, "E0310", "a name that steps cannot have")                      \
    X(STEP_NEEDED, "E0311", "a field of which step is not said")                         \
    X(STEP_FIELD_NEEDED, "E0312", "a step where a field of it is needed")                \
    X(STEP_AMBIGUOUS, "E0313", "a stream that is several steps")                         \
    X(TOO_MANY_FIELDS, "E0314", "fields beyond the bound")                               \
    X(LATE_OF_DERIVED, "E0315", "late. or dead. of a stream without sources")            \
    X(FIELD_AMBIGUOUS, "E0316", "a field of which joined stream is not said")            \
    X(UNKNOWN_TABLE, "E0317", "no table has this name")                                  \
    X(FUNCTION_CYCLE, "E0318", "functions that use each other")                          \
    X(WRONG_TYPE, "E0401", "an operation does not take these types")                     \
    X(NOT_A_CONDITION, "E0402", "a condition that is neither true nor false")            \
    X(CANNOT_CONVERT, "E0403", "a value of another type than the field's")               \
    X(BAD_TIME, "E0404", "a text that is not a time")                                    \
    X(NULL_UNTYPED, "E0405", "a null whose type is not known")                           \
    X(MAY_BE_NULL, "E0406", "a value that can be null for a field that cannot")          \
    X(NULL_COMPARISON, "E0407", "a comparison with null")                                \
    X(NOT_CONSTANT, "E0408", "a value that is not known before the events come")         \
    X(DURATION_NEEDED, "E0409", "something else than a duration above zero")             \
    X(BRANCHES_DIFFER, "E0410", "branches of different types")                           \
    X(NOT_BEFORE_GROUP, "E0501", "not before a group")                                   \
    X(NOT_QUANTIFIED, "E0502", "not with a quantifier")                                  \
    X(NOT_AFTER_OPTIONAL, "E0503", "not after an optional step")                         \
    X(NOT_NEEDS_WITHIN, "E0504", "a closing not without a within")                       \
    X(NOT_AFTER_ANY, "E0505", "not after ->>")                                           \
    X(NOT_IN_OR, "E0506", "not as an alternative")                                       \
    X(ONLY_NOT, "E0507", "a pattern that takes no event")                                \
    X(NOT_BEGINS_GROUP, "E0508", "a group that begins with not")                         \
    X(BAD_QUANTIFIER, "E0509", "bounds of a quantifier that make no sense")              \
    X(UNTIL_NOT_REPEATED, "E0510", "until, greedy or lazy where nothing repeats")        \
    X(UNTIL_STREAMS, "E0511", "until over steps of several streams")                     \
    X(TOO_MANY_STEPS, "E0512", "steps beyond the bound")                                 \
    X(PATTERN_TOO_LARGE, "E0513", "a pattern that unfolds beyond the bound")             \
    X(STEP_NOT_BEFORE, "E0514", "a step that cannot come before")                        \
    X(STEP_ALTERNATIVE, "E0515", "a step of another alternative")                        \
    X(STEP_NEVER_TAKEN, "E0516", "a negated step holds no event")                        \
    X(STEP_ITSELF, "E0517", "a step's own event before it is taken")                     \
    X(LEADING_NOT_READS, "E0518", "a leading not that reads other steps")                \
    X(BAD_AGGREGATE, "E0519", "an aggregate over no step or several")                    \
    X(BAD_INDEX, "E0520", "an index that is not a constant whole number")                \
    X(PREV_NOT_HERE, "E0521", "prev where no event was taken before")                    \
    X(BAD_SILENCE, "E0522", "for without a single not")                                  \
    X(GAP_ON_FIRST, "E0524", "within of previous where nothing is before")               \
    X(CYCLE, "E0601", "rules that feed each other")                                      \
    X(EMITS_DISAGREE, "E0602", "two rules emit different fields into one stream")        \
    X(EMIT_INTO_SOURCE, "E0603", "a rule emits into a stream that has a source")         \
    X(EMIT_FIELD_MISSING, "E0604", "a declared field that an emit does not give")        \
    X(EMIT_FIELD_UNKNOWN, "E0605", "an emit gives a field that was not declared")        \
    X(EMIT_WHOLE_EVENT, "E0606", "emit without braces where there is not one event")     \
    X(EMIT_NAME_NEEDED, "E0607", "an emitted value without a name")                      \
    X(KEY_NOT_IN_STREAM, "E0608", "a key field that a stream of the pattern lacks")      \
    X(KEY_TYPES_DIFFER, "E0609", "key fields of different types")                        \
    X(KEY_SIDES, "E0610", "a key equation that does not name each stream once")          \
    X(TIMEOUT_NEEDS_WITHIN, "E0611", "on timeout without a within")                      \
    X(NEEDS_WINDOW, "E0612", "an aggregate or a clause that needs a window")             \
    X(NOT_ONE_EVENT, "E0613", "a field of one event where a window has many")            \
    X(BAD_WINDOW, "E0614", "a window that cannot be")                                    \
    X(BAD_ARGUMENTS, "E0615", "an aggregate that is not given what it takes")            \
    X(AGGREGATE_MISPLACED, "E0616", "an aggregate where one event is looked at")         \
    X(BAD_COUNT, "E0617", "a number of events or results out of bounds")                 \
    X(NEVER_CHANGES, "E0618", "when changes without a condition")                        \
    X(FILTER_MISPLACED, "E0619", "where after an aggregate of a pattern")                \
    X(JOIN_WITHIN, "E0620", "a join without its time, or with one it cannot have")       \
    X(JOIN_CONDITION, "E0621", "a condition that this join cannot have")                 \
    X(TOO_MANY_JOINS, "E0622", "joins beyond the bound")                                 \
    X(BAD_TABLE, "E0623", "a table that cannot be")                                      \
    X(BAD_LOOKUP, "E0624", "a lookup that cannot be")                                    \
    X(TABLE_LOOP, "E0625", "a rule that cannot both read and write its table")           \
    X(BAD_FILL, "E0626", "a field that cannot be filled")                                \
    X(NO_TIME_FIELD, "E0701", "a source of a stream without a time")                     \
    X(UNKNOWN_ENDPOINT, "E0702", "no source or sink is called so")                       \
    X(UNKNOWN_OPTION, "E0703", "no option is called so")                                 \
    X(BAD_OPTION, "E0704", "an option's value makes no sense")                           \
    X(UNKNOWN_FORMAT, "E0705", "no format is called so")                                 \
    X(SOURCE_OF_DERIVED, "E0706", "a source of a stream that is not declared")           \
    X(BAD_TIME_FORM, "E0707", "a unit or form that cannot be")                           \
    X(BAD_POINTER, "E0708", "a JSON pointer that cannot be")                             \
    X(PARAM_UNSET, "E0709", "a parameter without a value")                               \
    X(UNKNOWN_SETTING, "E0710", "--set of a parameter that does not exist")              \
    X(BAD_SETTING, "E0711", "--set of a value of another type")                          \
    X(INCLUDE_MISSING, "E0712", "an included file that cannot be read")                  \
    X(INCLUDE_CYCLE, "E0713", "files that include each other")                           \
    X(INCLUDE_REFUSED, "E0714", "an include where none is allowed")                      \
    X(BAD_PLUGIN, "E0715", "a plugin that cannot be loaded or used")                     \
    X(UNKNOWN_NODE, "E0718", "a node that is not known")                                 \
    X(BAD_PATTERN, "E0719", "a pattern of lines that is wrong, or beside the fields")    \
    X(UNKNOWN_ACTOR, "E0716", "from an actor that is not declared")                      \
    X(TEST_FEEDS_DERIVED, "E0801", "a test feeds a stream that rules emit")              \
    X(NOT_YET, "E0901", "a part of the language that is not built yet")                  \
    X(NODE_NAME, "E1001", "a name that nodes cannot have")                               \
    X(NODE_ADDRESS, "E1002", "an address that cannot be")                                \
    X(NODE_KEY, "E1003", "a text that is not a public key")                              \
    X(NODE_KEYS, "E1004", "keys that are missing, or of no use")                         \
    X(NODE_SETTING, "E1005", "no setting of a node is called so")                        \
    X(NODE_NEEDS, "E1006", "a node without what it needs")                               \
    X(NODE_TWINS, "E1007", "two nodes with one key or address")

#define WEIRI_WARNING_LIST(X)                                                            \
    X(STATE_GROWS, "W0101", "a rule whose state grows without bound")                    \
    X(NEVER_MATCHES, "W0102", "a condition that is never true")                          \
    X(NEVER_READ, "W0103", "a stream nobody reads")                                      \
    X(HELD_FOR_EVER, "W0104", "a skip mode that can hold matches for ever")              \
    X(NOT_FED, "W0105", "a stream that nothing delivers")                                \
    X(NO_EFFECT, "W0106", "a clause without effect")                                     \
    X(COMPARES_ALL, "W0107", "a join that compares each event with all of the other")    \
    X(NAME_UNUSED, "W0201", "a name that nobody reads")                                  \
    X(CONTRADICTION, "W0202", "comparisons that cannot hold together")                   \
    X(ALWAYS_TRUE, "W0203", "a condition that is always true")                           \
    X(SAYS_NOTHING, "W0204", "a comparison that follows from the others")                \
    X(STEP_CONTRADICTS, "W0205", "a step that contradicts an earlier one")               \
    X(NEVER_TIMES_OUT, "W0206", "on timeout where nothing can time out")                 \
    X(BY_IS_MEANT, "W0207", "conditions that equate a field of all steps, and no by")    \
    X(NAME_HIDES, "W0208", "a name that hides another")                                  \
    X(RULE_TWICE, "W0209", "two rules that do the same")                                 \
    X(FLOAT_EQUALITY, "W0210", "equality of computed numbers")                           \
    X(LATER_THAN_LONG, "W0211", "a lateness longer than the time that a rule looks at")  \
    X(GAP_TOO_LONG, "W0212", "a gap that within leaves no room for")                     \
    X(ALLOWS_NOTHING, "W0213", "an allow without a warning")                             \
    X(WAITS_LATER, "W0214", "a wait for nothing that begins with the next event")        \
    X(LIMITS_ALL, "W0215", "a limit that all keys share")                                \
    X(NO_PREVIOUS, "W0216", "a first step that compares with the event before it")

typedef enum weiri_code {
#define X(name, text, about) WEIRI_E_##name,
    WEIRI_ERROR_LIST(X)
#undef X
#define X(name, text, about) WEIRI_W_##name,
        WEIRI_WARNING_LIST(X)
#undef X
            WEIRI_CODES
} weiri_code;

#endif
