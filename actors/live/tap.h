/* The node's side of a tap: what passes, looked through for whoever asked. */
#ifndef WEIRI_LIVE_TAP_H
#define WEIRI_LIVE_TAP_H

#include "page.h"

typedef struct weiri_tap weiri_tap;

/* `plan` and `page` outlive it. errors  WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_tap_new(const weiri_plan *plan, weiri_live_page *page, weiri_tap **out);

void
weiri_tap_destroy(weiri_tap **self_p);

/* What the streams gave in one pass. Never fails: what there is no memory for is not
 * shown.
 *
 *   cost  a load, if nobody taps; else at most a fiftieth of the time goes by
 */
void
weiri_tap_passed(weiri_tap *self, const weiri_rows_list *rows, int64_t deadline_ns);

#endif
