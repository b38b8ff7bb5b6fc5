/* A join from its definition: every pair is looked at. */
#ifndef JOIN_NAIVE_H
#define JOIN_NAIVE_H

#include <stdbool.h>
#include <stdint.h>

enum { NAIVE_KEYS = 3, NAIVE_ALONE = -1 };

typedef struct naive_row {
    int64_t  time_ns;
    uint64_t order;
    int      side;             /* 0 left, 1 right                       */
    int64_t  keys[NAIVE_KEYS]; /* equal numbers are equal keys          */
    bool     nulls[NAIVE_KEYS];
    bool     has_where; /* its side's own condition holds        */
    int64_t  x;         /* read by the condition on pairs        */
    int      change;    /* right, as-of: 0 put, 1 remove, 2 clear */
    int      index;     /* in its side                           */
} naive_row;

typedef struct naive_join {
    bool     is_asof;
    bool     is_left;
    bool     is_right_first;
    uint32_t ranks[2];
    uint32_t n_keys;
    int64_t  within_ns; /* -1: none */
    bool     has_where; /* left.x <= right.x                    */
    int64_t  end_ns;    /* deadlines before it fire             */
} naive_join;

typedef struct naive_pair {
    int64_t time_ns;
    int     left;
    int     right; /* NAIVE_ALONE: none */
} naive_pair;

/* Rows are put into their total order.
 *
 *   out      shape (n, n) at least
 *   returns  how many pairs
 */
uint32_t
naive_run(const naive_join *join, naive_row *rows, uint32_t n, naive_pair *out);

/* Whether a comes before b. */
bool
naive_is_before(const naive_join *join, const naive_row *a, const naive_row *b);

#endif
