/* What a window's state depends on, as a number: the same for the same rule on every
 * machine. */
#ifndef WEIRI_WINDOW_FINGERPRINT_H
#define WEIRI_WINDOW_FINGERPRINT_H

#include "weiri/window.h"

/* Of the stream, `where`, keys, window, aggregates, `having` and limits; not of what is
 * emitted. */
uint64_t
weiri_query_fingerprint(const weiri_query *plan);

#endif
