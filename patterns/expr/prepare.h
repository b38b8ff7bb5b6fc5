/* What is made once of an operation's constant arguments. */
#ifndef WEIRI_PREPARE_H
#define WEIRI_PREPARE_H

#include "weiri/expr.h"

/* The constants of an `in`, as values of the type they are compared with: an int set for
 * x of type int holds 3 for 3.0 and nothing for 3.5, which no int equals. */
typedef struct weiri_set {
    weir_type type; /* of x */
    bool      has_null;
    uint32_t  n;
    union {
        int64_t    *i;     /* sorted, shape (n,): int, bool, time, duration */
        double     *f;     /* sorted, shape (n,)                            */
        weir_value *texts; /* open addressing, shape (mask + 1,)            */
    } as;
    uint32_t mask; /* of texts */
} weiri_set;

bool
weiri_set_has(const weiri_set *self, const weir_value *value);

bool
weiri_set_has_text(const weiri_set *self, const char *text, uint32_t size);

/* A pattern of `like`. */
typedef struct weiri_like {
    enum {
        WEIRI_LIKE_EQUALS,   /* 'abc'     */
        WEIRI_LIKE_STARTS,   /* 'abc%'    */
        WEIRI_LIKE_ENDS,     /* '%abc'    */
        WEIRI_LIKE_CONTAINS, /* '%abc%'   */
        WEIRI_LIKE_ANY       /* the rest  */
    } kind;
    const char *text; /* what stands still, without escapes; ANY: the pattern */
    uint32_t    size;
} weiri_like;

bool
weiri_like_matches(const weiri_like *self, const char *text, uint32_t size);

/* Match without preparation. `%` stands for any text, `_` for one code point, a
 * backslash takes away the meaning of what follows it.
 *
 *   cost  O(size * pattern_size) at worst, no recursion
 */
bool
weiri_is_like(const char *text, size_t size, const char *pattern, size_t pattern_size);

/* Place of the first `part` in `text` from `from` on, or `size` if there is none. Linear.
 */
size_t
weiri_text_find(
    const char *text, size_t size, size_t from, const char *part, size_t part_size);

/* What the call's kernels get as `prepared`; NULL where there is nothing to prepare. */
const void *
weiri_prepare(weiri_arena *arena, const weiri_expr *call);

#endif
