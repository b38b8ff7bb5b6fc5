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
    /* Where events are wanting that a rule makes, and none came that are merely
     * different: what that rule saw, by its key. */
    const weiri_rule     *rule; /* NULL: there is no such rule, or it is not so */
    const weiri_gathered *keys; /* shape (n_keys,)                      */
    uint32_t              n_keys;
    int64_t               end_ns; /* deadlines before it have fired     */
} weiri_ruletest_failure;

/* ---- coverage: what tests never made happen ---- */

typedef enum weiri_coverage_kind {
    WEIRI_COVERS_RULE,          /* the rule gave a match or result             */
    WEIRI_COVERS_TIMEOUT,       /* its `on timeout` did                        */
    WEIRI_COVERS_STEP,          /* a match of it took an event by this step    */
    WEIRI_COVERS_TRUE,          /* what the condition of the step, or `where`, asks of one
                                 * event by itself was true of an event        */
    WEIRI_COVERS_FALSE,         /* it was false or null of one                 */
    WEIRI_COVERS_EARLIER_TRUE,  /* what the step asks of earlier events was true of an
                                 * event that had what it asks of one by itself */
    WEIRI_COVERS_EARLIER_FALSE, /* it was false or null of one            */
    WEIRI_COVERS_HAVING_TRUE,   /* `having` was true of a window          */
    WEIRI_COVERS_HAVING_FALSE   /* it was false or null of one            */
} weiri_coverage_kind;

typedef struct weiri_coverage_point {
    weiri_coverage_kind kind;
    uint32_t            rule; /* of the plan                                   */
    uint32_t            step; /* of the match; WEIRI_NONE: of the rule, `where` */
} weiri_coverage_point;

/* What can happen in the rules of a plan, and how often it did. Branches within an
 * expression are not looked at. */
typedef struct weiri_coverage {
    weiri_coverage_point *points; /* by rule, its steps in order */
    uint64_t             *hits;   /* shape (n_points,)           */
    uint32_t              n_points;
} weiri_coverage;

WEIR_MUST_CHECK weir_status
weiri_coverage_init(weiri_coverage *self, const weiri_plan *plan);

void
weiri_coverage_fini(weiri_coverage *self);

typedef struct weiri_ruletest_report {
    void (*failed)(void *context, const weiri_ruletest_failure *failure);
    void           *context;
    weiri_coverage *coverage; /* NULL: not wanted; of the same plan */
} weiri_ruletest_report;

/* Run one test of a plan that was compiled with its tests.
 *
 * All events are in before time passes, those of files too; events of equal time keep the
 * order in which they are written, stream by stream in the order of the total order. Time
 * stops at the last event, or where the last `wait` ends, deadlines at that moment
 * included.
 *
 *   n_failed  how many expectations did not hold; each was told to `report`
 *   errors    WEIR_ENOMEM, WEIR_EFULL, WEIR_EINVAL: the test could not be run
 *             WEIR_ENOENT, WEIR_EIO, WEIR_EDATA: a file could not be read
 */
WEIR_MUST_CHECK weir_status
weiri_ruletest_run(const weiri_plan *plan, const weiri_test *test,
    const weiri_ruletest_report *report, uint32_t *n_failed, weir_error *err);

#endif
