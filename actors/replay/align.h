/* What two sequences have in common, in order. */
#ifndef WEIRI_ALIGN_H
#define WEIRI_ALIGN_H

#include <stdint.h>

#include "weir/error.h"

typedef struct weiri_align_pair {
    uint32_t a;
    uint32_t b;
} weiri_align_pair;

/* A longest common subsequence of two sequences of hashes. Of a hash that comes more than
 * a few dozen times the occurrences of about the same rank are compared.
 *
 *   out      shape (min(n_a, n_b),): rising in both
 *   errors   WEIR_ENOMEM
 *   cost     O((n_a + n_b) log)
 *   source   Hunt and Szymanski, A fast algorithm for computing longest common
 *            subsequences, CACM 20(5), 1977
 */
WEIR_MUST_CHECK weir_status
weiri_align(const uint64_t *a, uint32_t n_a, const uint64_t *b, uint32_t n_b,
    weiri_align_pair *out, uint32_t *n_out);

#endif
