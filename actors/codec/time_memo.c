#include "time_memo.h"

#include "weiri/timetext.h"

bool
time_memo_read(time_memo *self, const char *text, size_t size, int64_t *ns)
{
    if (!weiri_time_parse(text, size, ns)) {
        return false;
    }
    /* What follows the minute decides whether it is one that can be remembered: in UTC,
     * and so far from the ends of time that no second leads out of it. */
    char    whole[TIME_MINUTE + 3];
    int64_t minute_ns = 0;
    if (size >= TIME_SHORT && size <= TIME_LONG && text[TIME_MINUTE - 1] == ':') {
        memcpy(whole, text, TIME_MINUTE);
        memcpy(whole + TIME_MINUTE, "00Z", 3);
        if (weiri_time_parse(whole, sizeof whole, &minute_ns)
            && minute_ns < INT64_MAX - 60 * WEIRI_NS_PER_S) {
            memcpy(self->minute, text, TIME_MINUTE);
            self->ns = minute_ns;
        }
    }
    return true;
}
