/* What a regular expression is compiled to. */
#ifndef WEIRI_BASE_REGEX_CODE_H
#define WEIRI_BASE_REGEX_CODE_H

#include "weiri/regex.h"

typedef enum regex_op {
    REGEX_BYTE,    /* arg                                                         */
    REGEX_CLASS,   /* a character of classes[arg]                                 */
    REGEX_SPLIT,   /* go to `first`; if that leads nowhere, to `second`; arg: mark */
    REGEX_JUMP,    /* go to `first`                                               */
    REGEX_SAVE,    /* arg: twice the group, and one more at its end               */
    REGEX_BEGIN,   /* of the text                                                 */
    REGEX_END,     /* of the text                                                 */
    REGEX_EDGE,    /* of a word                                                   */
    REGEX_NO_EDGE, /* of a word                                                   */
    REGEX_MATCH
} regex_op;

/* Jumps are relative, so that code can be copied. */
typedef struct regex_step {
    regex_op op;
    uint32_t arg;
    int32_t  first;
    int32_t  second;
} regex_step;

typedef struct regex_range {
    uint32_t low;
    uint32_t high;
} regex_range;

typedef struct regex_class {
    uint64_t     ascii[2]; /* with `is_negated` worked in */
    regex_range *ranges;   /* shape (n,), of all characters */
    uint32_t     n;
    bool         is_negated;
} regex_class;

struct weiri_regex {
    regex_step  *code;
    uint32_t     n_code;
    regex_class *classes;
    uint32_t     n_classes;
    uint32_t     n_marks;
    char        *names[WEIRI_REGEX_GROUPS]; /* NULL: none */
    uint32_t     n_groups;
    bool         is_anchored; /* a match begins where the text does */
};

#endif
