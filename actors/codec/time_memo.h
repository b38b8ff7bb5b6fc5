/* Times as text, the fast way: events come close together, so the minute that was read
 * the last time is mostly the minute of the next one too, and only seconds are left to
 * read.
 */
#ifndef WEIRI_CODEC_TIME_MEMO_H
#define WEIRI_CODEC_TIME_MEMO_H

#include "scan.h"

enum {
    TIME_MINUTE = 17, /* size of "2026-03-01T12:34:"                        */
    TIME_SHORT  = 19, /* of the same with seconds, the least that is taken  */
    TIME_LONG   = 30  /* with nine digits of fraction and 'Z', the most     */
};

typedef struct time_memo {
    char    minute[TIME_MINUTE]; /* as it was written; zeros: none yet */
    int64_t ns;
} time_memo;

/* As weiri_time_parse, which is asked about every new minute. */
bool
time_memo_read(time_memo *self, const char *text, size_t size, int64_t *ns);

/* The seconds behind the minute. False if it is not that minute, or not written plainly.
 * May read SCAN_PAD bytes from `text` on. */
static inline bool
time_memo_recall(const time_memo *self, const char *text, size_t size, int64_t *ns)
{
    static const int32_t NS[] = { 1000000000, 100000000, 10000000, 1000000, 100000, 10000,
        1000, 100, 10 };
    uint64_t             differs = scan_load_8(text) ^ scan_load_8(self->minute);
    differs |= scan_load_8(text + 8) ^ scan_load_8(self->minute + 8);
    differs |= scan_load_8(text + 9) ^ scan_load_8(self->minute + 9);
    unsigned tens  = (unsigned)(unsigned char)text[TIME_MINUTE] - '0';
    unsigned units = (unsigned)(unsigned char)text[TIME_MINUTE + 1] - '0';
    if (differs != 0 || tens > 5 || units > 9) {
        return false;
    }
    uint64_t fraction = 0;
    size_t   n        = 0;
    size_t   used     = TIME_SHORT;
    if (text[used] == '.') {
        n = scan_digits_8(text + used + 1, &fraction);
        used += n + 1;
        if (n == 0) {
            return false;
        }
    }
    /* RFC 3339 has a zone; the form with a blank instead of the 'T' need not. */
    bool has_zone = text[used] == 'Z';
    if (used + (has_zone ? 1 : 0) != size || (!has_zone && self->minute[10] != ' ')) {
        return false;
    }
    *ns = self->ns + (int64_t)(tens * 10 + units) * NS[0] + (int64_t)fraction * NS[n];
    return true;
}

#endif
