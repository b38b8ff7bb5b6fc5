/* Files that a test feeds to its streams. */
#ifndef WEIRI_RULETEST_FEED_H
#define WEIRI_RULETEST_FEED_H

#include "weiri/graph.h"

/* Push all events of a file to its stream. None is late: they come in the order of their
 * times. A record that cannot be decoded is an event of `dead.` where rules read it, and
 * an error elsewhere.
 *
 *   source     of a WEIRI_TEST_FILE line
 *   place      among those that feed streams: events of equal time come in this order
 *   newest_ns  time of the newest event; INT64_MIN: there is none, or they have no time
 *   errors     WEIR_ENOENT, WEIR_EIO: it cannot be read
 *              WEIR_EINVAL  its format is not known, or it is no regular file
 *              WEIR_EDATA   a record cannot be decoded
 *              WEIR_EFULL   more events than may wait; WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_feed_file(weiri_graph *graph, const weiri_plan *plan, const weiri_source *source,
    uint32_t place, int64_t *newest_ns, weir_error *err);

#endif
