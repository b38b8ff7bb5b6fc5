/* Running the `test` blocks of rules: virtual events in, what comes out against what is
 * expected.
 */
#ifndef WEIRI_RULETEST_H
#define WEIRI_RULETEST_H

#include "weiri/codec.h"
#include "weiri/gather.h"

/* One expectation that did not hold. Borrowed for the call. */
typedef struct weiri_ruletest_failure {
    const weiri_test_line *line;
    uint32_t    n_found; /* events that are as the line says                   */
    const char *came;    /* what came out of its stream instead, an event a line,
                          * as text for people; "" if nothing did              */
    size_t size;
    /* Where events are wanting that a rule with a pattern makes, and none came that are
     * merely different: what that rule saw. */
    const weiri_rule     *rule; /* NULL: there is no such rule, or it is not so */
    const weiri_gathered *keys; /* shape (n_keys,)                      */
    uint32_t              n_keys;
    int64_t               end_ns; /* deadlines before it have fired     */
} weiri_ruletest_failure;

typedef struct weiri_ruletest_report {
    void (*failed)(void *context, const weiri_ruletest_failure *failure);
    void *context;
} weiri_ruletest_report;

/* Run one test of a plan that was compiled with its tests.
 *
 * All events are in before time passes; events of equal time keep the order in which they
 * are written, stream by stream in the order of the total order. Time stops at the last
 * event, or where the last `wait` ends, deadlines at that moment included.
 *
 *   n_failed  how many expectations did not hold; each was told to `report`
 *   errors    WEIR_ENOMEM, WEIR_EFULL, WEIR_EINVAL: the test could not be run
 */
WEIR_MUST_CHECK weir_status
weiri_ruletest_run(const weiri_plan *plan, const weiri_test *test,
    const weiri_ruletest_report *report, uint32_t *n_failed, weir_error *err);

#endif
