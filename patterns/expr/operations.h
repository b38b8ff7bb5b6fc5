/* Every operation of the language, one line each: operators and functions alike.
 *
 * X(id, name, signature, kind, scalar, column)
 *   name       as the language writes it; lines with the same name are overloads
 *   signature  read by the builder, shown to people. T stands for one type, E for the
 *              element of the list, any for any scalar; `...` repeats the last one. A
 *              list may say of what: `list of numbers`, and as a result `list of T`
 *   kind       weiri_operation_kind, without its prefix
 *   scalar     weiri_scalar_<name>: the result for one row
 *   column     column_<name> in columns.inc: the result for a range of rows, as loops
 *              that vectorise; `none`: the scalar kernel row by row
 */
#ifndef WEIRI_OPERATIONS_H
#define WEIRI_OPERATIONS_H

#include "weiri/expr.h"

#define WEIRI_COMPARISON_LIST(X, ID, name, op)                                           \
    X(ID##_INT, name, "(int, int) -> bool", STRICT, op##_int, op##_int)                  \
    X(ID##_FLOAT, name, "(float, float) -> bool", STRICT, op##_float, op##_float)        \
    X(ID##_STRING, name, "(string, string) -> bool", STRICT, op##_string, op##_string)   \
    X(ID##_TIME, name, "(time, time) -> bool", STRICT, op##_int, op##_int)               \
    X(ID##_DURATION, name, "(duration, duration) -> bool", STRICT, op##_int, op##_int)   \
    X(ID##_BOOL, name, "(bool, bool) -> bool", STRICT, op##_bool, op##_bool)             \
    X(ID##_INT_FLOAT, name, "(int, float) -> bool", STRICT, op##_int_float,              \
        op##_int_float)                                                                  \
    X(ID##_FLOAT_INT, name, "(float, int) -> bool", STRICT, op##_float_int,              \
        op##_float_int)

#define WEIRI_ARITHMETIC_LIST(X)                                                         \
    X(ADD_INT, "+", "(int, int) -> int", FAULTS, add_int, add_int)                       \
    X(ADD_FLOAT, "+", "(float, float) -> float", FAULTS, add_float, add_float)           \
    X(ADD_STRING, "+", "(string, string) -> string", FAULTS, add_string, none)           \
    X(ADD_DURATION, "+", "(duration, duration) -> duration", FAULTS, add_int, add_int)   \
    X(ADD_TIME_DURATION, "+", "(time, duration) -> time", FAULTS, add_int, add_int)      \
    X(ADD_DURATION_TIME, "+", "(duration, time) -> time", FAULTS, add_int, add_int)      \
    X(SUB_INT, "-", "(int, int) -> int", FAULTS, sub_int, sub_int)                       \
    X(SUB_FLOAT, "-", "(float, float) -> float", FAULTS, sub_float, sub_float)           \
    X(SUB_DURATION, "-", "(duration, duration) -> duration", FAULTS, sub_int, sub_int)   \
    X(SUB_TIME_DURATION, "-", "(time, duration) -> time", FAULTS, sub_int, sub_int)      \
    X(SUB_TIME, "-", "(time, time) -> duration", FAULTS, sub_int, sub_int)               \
    X(NEG_INT, "-", "(int) -> int", FAULTS, neg_int, neg_int)                            \
    X(NEG_FLOAT, "-", "(float) -> float", STRICT, neg_float, neg_float)                  \
    X(NEG_DURATION, "-", "(duration) -> duration", FAULTS, neg_int, neg_int)             \
    X(MUL_INT, "*", "(int, int) -> int", FAULTS, mul_int, mul_int)                       \
    X(MUL_FLOAT, "*", "(float, float) -> float", FAULTS, mul_float, mul_float)           \
    X(MUL_DURATION_INT, "*", "(duration, int) -> duration", FAULTS, mul_int, mul_int)    \
    X(MUL_INT_DURATION, "*", "(int, duration) -> duration", FAULTS, mul_int, mul_int)    \
    X(MUL_DURATION_FLOAT, "*", "(duration, float) -> duration", FAULTS,                  \
        mul_duration_float, none)                                                        \
    X(MUL_FLOAT_DURATION, "*", "(float, duration) -> duration", FAULTS,                  \
        mul_float_duration, none)                                                        \
    X(DIV_INT, "/", "(int, int) -> float", FAULTS, div_int, div_int)                     \
    X(DIV_FLOAT, "/", "(float, float) -> float", FAULTS, div_float, div_float)           \
    X(DIV_DURATION, "/", "(duration, duration) -> float", FAULTS, div_int, div_int)      \
    X(DIV_DURATION_INT, "/", "(duration, int) -> duration", FAULTS, div_duration_int,    \
        none)                                                                            \
    X(DIV_DURATION_FLOAT, "/", "(duration, float) -> duration", FAULTS,                  \
        div_duration_float, none)                                                        \
    X(MOD_INT, "%", "(int, int) -> int", FAULTS, mod_int, mod_int)                       \
    X(MOD_DURATION, "%", "(duration, duration) -> duration", FAULTS, mod_int, mod_int)

#define WEIRI_LOGIC_LIST(X)                                                              \
    WEIRI_COMPARISON_LIST(X, EQ, "==", eq)                                               \
    WEIRI_COMPARISON_LIST(X, NE, "!=", ne)                                               \
    WEIRI_COMPARISON_LIST(X, LT, "<", lt)                                                \
    WEIRI_COMPARISON_LIST(X, LE, "<=", le)                                               \
    WEIRI_COMPARISON_LIST(X, GT, ">", gt)                                                \
    WEIRI_COMPARISON_LIST(X, GE, ">=", ge)                                               \
    X(AND, "and", "(bool, bool) -> bool", LAZY, and, and)                                \
    X(OR, "or", "(bool, bool) -> bool", LAZY, or, or)                                    \
    X(NOT, "not", "(bool) -> bool", STRICT, not, not )                                   \
    X(IN, "in", "(T, T...) -> bool", COMPARES, in, in)                                   \
    X(BETWEEN, "between", "(T, T, T) -> bool", COMPARES, between, between)               \
    X(LIKE, "like", "(string, string) -> bool", STRICT, like, like)                      \
    X(IF, "if", "(bool, T, T) -> T", LAZY, if, if)                                       \
    X(ELSE, "??", "(T, T) -> T", LAZY, coalesce, coalesce)                               \
    X(COALESCE, "coalesce", "(T, T...) -> T", LAZY, coalesce, coalesce)                  \
    X(IS_NULL, "is null", "(any) -> bool", SEES_NULL, is_null, is_null)                  \
    X(IS_NULL_LIST, "is null", "(list) -> bool", SEES_NULL, is_null, is_null)            \
    X(IS_NOT_NULL, "is not null", "(any) -> bool", SEES_NULL, is_not_null, is_not_null)  \
    X(IS_NOT_NULL_LIST, "is not null", "(list) -> bool", SEES_NULL, is_not_null,         \
        is_not_null)

#define WEIRI_MATH_LIST(X)                                                               \
    X(ABS_INT, "abs", "(int) -> int", FAULTS, abs_int, none)                             \
    X(ABS_FLOAT, "abs", "(float) -> float", STRICT, abs_float, abs_float)                \
    X(ABS_DURATION, "abs", "(duration) -> duration", FAULTS, abs_int, none)              \
    X(SIGN_INT, "sign", "(int) -> int", STRICT, sign_int, none)                          \
    X(SIGN_FLOAT, "sign", "(float) -> int", STRICT, sign_float, none)                    \
    X(SIGN_DURATION, "sign", "(duration) -> int", STRICT, sign_int, none)                \
    X(ROUND_INT, "round", "(int) -> int", STRICT, same, none)                            \
    X(ROUND, "round", "(float) -> float", STRICT, round, none)                           \
    X(ROUND_DIGITS, "round", "(float, int) -> float", STRICT, round_digits, none)        \
    X(FLOOR_INT, "floor", "(int) -> int", STRICT, same, none)                            \
    X(FLOOR, "floor", "(float) -> float", STRICT, floor, floor)                          \
    X(CEIL_INT, "ceil", "(int) -> int", STRICT, same, none)                              \
    X(CEIL, "ceil", "(float) -> float", STRICT, ceil, ceil)                              \
    X(SQRT, "sqrt", "(float) -> float", FAULTS, sqrt, sqrt)                              \
    X(EXP, "exp", "(float) -> float", FAULTS, exp, exp)                                  \
    X(LN, "ln", "(float) -> float", FAULTS, ln, ln)                                      \
    X(LOG10, "log10", "(float) -> float", FAULTS, log10, log10)                          \
    X(POW, "pow", "(float, float) -> float", FAULTS, pow, pow)                           \
    X(SIN, "sin", "(float) -> float", FAULTS, sin, sin)                                  \
    X(COS, "cos", "(float) -> float", FAULTS, cos, cos)                                  \
    X(TAN, "tan", "(float) -> float", FAULTS, tan, tan)                                  \
    X(ASIN, "asin", "(float) -> float", FAULTS, asin, none)                              \
    X(ACOS, "acos", "(float) -> float", FAULTS, acos, none)                              \
    X(ATAN, "atan", "(float) -> float", FAULTS, atan, none)                              \
    X(ATAN2, "atan2", "(float, float) -> float", FAULTS, atan2, none)                    \
    X(PI, "pi", "() -> float", STRICT, pi, none)                                         \
    X(REM_INT, "mod", "(int, int) -> int", FAULTS, mod_int, mod_int)                     \
    X(REM_FLOAT, "mod", "(float, float) -> float", FAULTS, mod_float, none)              \
    X(REM_DURATION, "mod", "(duration, duration) -> duration", FAULTS, mod_int, mod_int) \
    X(GREATEST, "greatest", "(T, T...) -> T", STRICT, greatest, none)                    \
    X(LEAST, "least", "(T, T...) -> T", STRICT, least, none)                             \
    X(CLAMP, "clamp", "(T, T, T) -> T", STRICT, clamp, none)                             \
    X(BUCKET_INT, "bucket", "(int, int) -> int", FAULTS, bucket_int, none)               \
    X(BUCKET_FLOAT, "bucket", "(float, float) -> float", FAULTS, bucket_float, none)     \
    X(BUCKET_DURATION, "bucket", "(duration, duration) -> duration", FAULTS, bucket_int, \
        none)                                                                            \
    X(BUCKET_TIME, "bucket", "(time, duration) -> time", FAULTS, bucket_int, none)       \
    X(DISTANCE, "distance", "(float, float, float, float) -> float", FAULTS, distance,   \
        none)                                                                            \
    X(BIN, "bin", "(T, T...) -> int", STRICT, bin, none)                                 \
    X(HASH, "hash", "(any) -> int", STRICT, hash, none)                                  \
    X(SAMPLE, "sample", "(any, float) -> bool", STRICT, sample, none)

#define WEIRI_STRING_LIST(X)                                                             \
    X(LOWER, "lower", "(string) -> string", STRICT, lower, none)                         \
    X(UPPER, "upper", "(string) -> string", STRICT, upper, none)                         \
    X(TRIM, "trim", "(string) -> string", STRICT, trim, none)                            \
    X(LENGTH, "length", "(string) -> int", STRICT, length, none)                         \
    X(LENGTH_LIST, "length", "(list) -> int", STRICT, length_list, none)                 \
    X(SUBSTRING, "substring", "(string, int) -> string", STRICT, substring, none)        \
    X(SUBSTRING_N, "substring", "(string, int, int) -> string", STRICT, substring, none) \
    X(STARTS_WITH, "starts_with", "(string, string) -> bool", STRICT, starts_with, none) \
    X(ENDS_WITH, "ends_with", "(string, string) -> bool", STRICT, ends_with, none)       \
    X(CONTAINS, "contains", "(string, string) -> bool", STRICT, contains, none)          \
    X(CONTAINS_LIST, "contains", "(list, E) -> bool", STRICT, contains_list, none)       \
    X(REPLACE, "replace", "(string, string, string) -> string", FAULTS, replace, none)   \
    X(SPLIT_PART, "split_part", "(string, string, int) -> string", STRICT, split_part,   \
        none)                                                                            \
    X(CONCAT, "concat", "(any...) -> string", FAULTS, concat, none)                      \
    X(PAD_LEFT, "pad_left", "(string, int, string) -> string", FAULTS, pad_left, none)   \
    X(LIST, "[]", "(T...) -> list of T", FAULTS, list, none)                             \
    X(DOT, "dot", "(list of numbers, list of numbers) -> float", FAULTS, dot, none)      \
    X(ONE_HOT, "one_hot", "(T, T...) -> list of int", FAULTS, one_hot, none)             \
    X(AT, "at", "(list, int) -> E", MAYBE, at, none)                                     \
    X(MEDIAN_LIST, "median", "(list) -> float", MAYBE, median_list, none)                \
    X(QUANTILE_LIST, "quantile", "(list, float) -> float", MAYBE, quantile_list, none)   \
    X(TOP_LIST, "top()", "(list, int) -> list of E", FAULTS, top_list, none)             \
    X(SLOPE_LIST, "slope()", "(list of numbers, list) -> float", MAYBE, slope_list,      \
        none)                                                                            \
    X(EWMA_LIST, "ewma()", "(list of numbers, list, duration) -> float", MAYBE,          \
        ewma_list, none)                                                                 \
    X(DISTINCT_LIST, "distinct", "(list) -> int", STRICT, distinct_list, none)           \
    X(TEXT, "text", "(any) -> string", STRICT, text, none)                               \
    X(INT_OF_INT, "int", "(int) -> int", STRICT, same, none)                             \
    X(INT_OF_FLOAT, "int", "(float) -> int", FAULTS, int_of_float, none)                 \
    X(INT_OF_STRING, "int", "(string) -> int", MAYBE, int_of_string, none)               \
    X(INT_OF_BOOL, "int", "(bool) -> int", STRICT, int_of_bool, none)                    \
    X(FLOAT_OF_INT, "float", "(int) -> float", STRICT, float_of_int, float_of_int)       \
    X(FLOAT_OF_FLOAT, "float", "(float) -> float", STRICT, same, none)                   \
    X(FLOAT_OF_STRING, "float", "(string) -> float", MAYBE, float_of_string, none)       \
    X(BOOL_OF_BOOL, "bool", "(bool) -> bool", STRICT, same, none)                        \
    X(BOOL_OF_INT, "bool", "(int) -> bool", STRICT, bool_of_int, none)                   \
    X(BOOL_OF_STRING, "bool", "(string) -> bool", MAYBE, bool_of_string, none)

#define WEIRI_TIME_LIST(X)                                                               \
    X(YEAR, "year", "(time) -> int", STRICT, year, none)                                 \
    X(MONTH, "month", "(time) -> int", STRICT, month, none)                              \
    X(DAY, "day", "(time) -> int", STRICT, day, none)                                    \
    X(HOUR, "hour", "(time) -> int", STRICT, hour, none)                                 \
    X(MINUTE, "minute", "(time) -> int", STRICT, minute, none)                           \
    X(SECOND, "second", "(time) -> int", STRICT, second, none)                           \
    X(WEEKDAY, "weekday", "(time) -> int", STRICT, weekday, none)                        \
    X(DATE, "date", "(time) -> time", FAULTS, date, none)                                \
    X(TRUNCATE, "truncate", "(time, duration) -> time", FAULTS, bucket_int, none)        \
    X(FORMAT_TIME, "format_time", "(time, string) -> string", FAULTS, format_time, none) \
    X(TIME_OF_TIME, "time", "(time) -> time", STRICT, same, none)                        \
    X(TIME_OF_STRING, "time", "(string) -> time", MAYBE, time_of_string, none)           \
    X(TIME_OF_INT, "time", "(int, string) -> time", MAYBE, int_in_unit, none)            \
    X(TIME_OF_FLOAT, "time", "(float, string) -> time", MAYBE, float_in_unit, none)      \
    X(DURATION_OF_DURATION, "duration", "(duration) -> duration", STRICT, same, none)    \
    X(DURATION_OF_STRING, "duration", "(string) -> duration", MAYBE, duration_of_string, \
        none)                                                                            \
    X(DURATION_OF_INT, "duration", "(int, string) -> duration", MAYBE, int_in_unit,      \
        none)                                                                            \
    X(DURATION_OF_FLOAT, "duration", "(float, string) -> duration", MAYBE,               \
        float_in_unit, none)                                                             \
    X(SECONDS_OF_DURATION, "seconds", "(duration) -> float", STRICT, seconds, none)      \
    X(SECONDS_OF_TIME, "seconds", "(time) -> float", STRICT, seconds, none)              \
    X(MILLIS_OF_DURATION, "millis", "(duration) -> int", STRICT, millis, none)           \
    X(MILLIS_OF_TIME, "millis", "(time) -> int", STRICT, millis, none)                   \
    X(NANOS_OF_DURATION, "nanos", "(duration) -> int", STRICT, same, none)               \
    X(NANOS_OF_TIME, "nanos", "(time) -> int", STRICT, same, none)

#define WEIRI_OPERATION_LIST(X)                                                          \
    WEIRI_ARITHMETIC_LIST(X)                                                             \
    WEIRI_LOGIC_LIST(X)                                                                  \
    WEIRI_MATH_LIST(X)                                                                   \
    WEIRI_STRING_LIST(X)                                                                 \
    WEIRI_TIME_LIST(X)

typedef enum weiri_operation_id {
#define X(id, name, signature, kind, scalar, column) WEIRI_OP_##id,
    WEIRI_OPERATION_LIST(X)
#undef X
        WEIRI_N_OPERATIONS,
    WEIRI_OP_PLUGIN = WEIRI_N_OPERATIONS /* of all functions of plugins */
} weiri_operation_id;

/* When the result is null. */
typedef enum weiri_operation_kind {
    WEIRI_STRICT,    /* where an argument is                                         */
    WEIRI_FAULTS,    /* and by overflow and the like, which is counted               */
    WEIRI_MAYBE,     /* and for reasons of its own: text that is no number           */
    WEIRI_SEES_NULL, /* never                                                        */
    WEIRI_COMPARES,  /* the kernel decides; arguments may mix int and float          */
    WEIRI_LAZY       /* the kernel decides; arguments are evaluated only when needed */
} weiri_operation_kind;

/* What a scalar kernel may use besides its arguments. */
typedef struct weiri_call {
    struct weiri_text_pool *texts;    /* where strings are made                        */
    const void             *prepared; /* what weiri_prepare made of constant arguments,
                                       * or NULL                                       */
    uint64_t faults;                  /* counted up by kernels of kind FAULTS, MAYBE   */
} weiri_call;

/* The result for arguments of the signature's types; none is null unless the kind says
 * that the kernel sees nulls. The result's `type` is set by the caller. */
typedef weir_value
weiri_scalar_kernel(weiri_call *call, const weir_value *args, uint32_t n_args);

struct weiri_operation {
    weiri_operation_id          id;
    weiri_operation_kind        kind;
    const char                 *name;
    const char                 *signature;
    weiri_scalar_kernel        *scalar;
    const weir_plugin_function *plugin;  /* of WEIRI_OP_PLUGIN, a function; else NULL */
    const weiri_foreign        *foreign; /* likewise an aggregate                     */
};

/* What a parameter takes: a weir_type or one of these. */
enum {
    WEIRI_PARAM_ANY = 16,
    WEIRI_PARAM_SAME,
    WEIRI_PARAM_ELEMENT,
    WEIRI_PARAM_NUMBERS, /* a list of int or float     */
    WEIRI_PARAM_SAMES,   /* of results: a list of T   */
    WEIRI_PARAM_INTS,    /* of results: a list of int */
    WEIRI_PARAM_ELEMENTS /* of results: a list of E   */
};

enum { WEIRI_PARAMS = 4 };

typedef struct weiri_signature {
    uint8_t  params[WEIRI_PARAMS];
    uint32_t n_params;
    bool     repeats; /* the last parameter stands for one or more arguments */
    uint8_t  result;
} weiri_signature;

/* The i-th row; NULL past the end. */
const weiri_operation *
weiri_operation_at(size_t i);

/* The first row after `after` (NULL: from the start) with this name, or NULL. */
const weiri_operation *
weiri_operation_find(const char *name, const weiri_operation *after);

/* The name nearest to `name`, or NULL if none is near. */
const char *
weiri_operation_nearest(const char *name);

/* What `signature` says. The table's signatures are well-formed: a test reads all. */
weiri_signature
weiri_signature_of(const weiri_operation *operation);

#endif
