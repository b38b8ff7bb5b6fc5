/* What an expression says about one field, as tests that can be looked up. */
#ifndef WEIRI_GATE_TEST_H
#define WEIRI_GATE_TEST_H

#include "weiri/expr.h"

/* A number as an int64_t that is ordered as the number is: itself, or the bits of a float
 * with those of negative ones turned over. -0 is 0. */
static inline int64_t
weiri_gate_key(double value)
{
    union {
        double  f;
        int64_t i;
    } bits = { .f = value + 0.0 };
    return bits.i ^ (int64_t)((uint64_t)(bits.i >> 63) >> 1);
}

/* A field's value is a text, or a number between two bounds, inclusive. */
typedef struct weiri_gate_test {
    uint32_t    field;
    bool        is_text;
    const char *text;
    uint32_t    size;
    int64_t     low; /* of numbers: keys */
    int64_t     high;
} weiri_gate_test;

/* Tests of which one must hold. `{0}` is empty: nothing can hold. */
typedef struct weiri_gate_tests {
    weiri_gate_test *items;
    uint32_t         n;
    uint32_t         capacity;
} weiri_gate_tests;

/* What a test costs: about how many rules an event is looked at for because of it. */
typedef double
weiri_gate_cost(void *context, const weiri_gate_test *test);

/* Append tests such that where none of them holds, `condition` is false or null and its
 * evaluation has no faults. The cheapest are taken.
 *
 *   returns  false: there are none
 *   is_out_of_memory  set if so
 */
bool
weiri_gate_extract(const weiri_expr *condition, weiri_gate_cost *cost, void *context,
    weiri_gate_tests *out, bool *is_out_of_memory);

/* Call `visit` for every test in a condition, taken or not. */
typedef void
weiri_gate_visit(void *context, const weiri_gate_test *test);

void
weiri_gate_visit_tests(
    const weiri_expr *condition, weiri_gate_visit *visit, void *context);

/* Whether an operation in it may give null by a fault. */
bool
weiri_gate_may_fault(const weiri_expr *expr);

static inline bool
weiri_gate_is_equality(const weiri_gate_test *test)
{
    return test->is_text || test->low == test->high;
}

#endif
