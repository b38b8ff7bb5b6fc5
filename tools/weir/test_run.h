/* Running tests, here or in several processes, and telling what came of them. */
#ifndef WEIR_TEST_RUN_H
#define WEIR_TEST_RUN_H

#include "weiri/ruletest.h"

/* What came of one test: the same whichever process ran it. */
typedef struct test_outcome {
    const weiri_test *test;
    weir_status       status; /* not WEIR_OK: it could not be run, and `text` says why */
    uint32_t          n_failed;
    char             *text; /* what went wrong, lines; NULL: nothing */
    size_t            size;
} test_outcome;

/* Run tests in n_jobs processes, 1: in this one.
 *
 *   tests     shape (n,)
 *   outcomes  shape (n,), zeroed; to be given to test_outcomes_fini whatever is returned
 *   coverage  NULL: not wanted
 *   errors    WEIR_EIO  a process could not be made, or has died
 *             WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
tests_run(const weiri_plan *plan, const weiri_test *const *tests, uint32_t n,
    uint32_t n_jobs, test_outcome *outcomes, weiri_coverage *coverage, weir_error *err);

void
test_outcomes_fini(test_outcome *outcomes, uint32_t n);

/* Tell it on standard output; `coverage` NULL: nothing of it. */
void
print_tap(const weiri_plan *plan, const test_outcome *outcomes, uint32_t n,
    const weiri_coverage *coverage);

void
print_junit(const weiri_plan *plan, const test_outcome *outcomes, uint32_t n,
    const weiri_coverage *coverage);

#endif
