/* weiri_histogram: how long things took, in buckets that grow with what they hold.
 *
 * Eight buckets for each power of two, so that a quantile is at most an eighth too high;
 * adding is a few instructions, and there is nothing to allocate. (The layout is that of
 * HdrHistogram, G. Tene.)
 */
#ifndef WEIRI_HISTOGRAM_H
#define WEIRI_HISTOGRAM_H

#include <stdint.h>

enum { WEIRI_HISTOGRAM_FINE = 8, WEIRI_HISTOGRAM_BUCKETS = 48 * WEIRI_HISTOGRAM_FINE };

/* `{0}` is empty. */
typedef struct weiri_histogram {
    uint64_t counts[WEIRI_HISTOGRAM_BUCKETS];
} weiri_histogram;

/* The bucket of a duration. */
static inline uint32_t
weiri_histogram_bucket(int64_t ns)
{
    uint64_t value = ns > 0 ? (uint64_t)ns : 0;
    if (value < WEIRI_HISTOGRAM_FINE) {
        return (uint32_t)value;
    }
    uint32_t power  = 63 - (uint32_t)__builtin_clzll(value); /* >= 3 */
    uint32_t bucket = (power - 2) * WEIRI_HISTOGRAM_FINE
                      + (uint32_t)(value >> (power - 3) & (WEIRI_HISTOGRAM_FINE - 1));
    return bucket < WEIRI_HISTOGRAM_BUCKETS ? bucket : WEIRI_HISTOGRAM_BUCKETS - 1;
}

/* The longest duration of a bucket. */
static inline int64_t
weiri_histogram_top(uint32_t bucket)
{
    if (bucket < WEIRI_HISTOGRAM_FINE) {
        return bucket;
    }
    uint32_t power = bucket / WEIRI_HISTOGRAM_FINE + 2;
    uint64_t step  = UINT64_C(1) << (power - 3);
    uint64_t fine  = bucket % WEIRI_HISTOGRAM_FINE;
    return (int64_t)((WEIRI_HISTOGRAM_FINE + fine + 1) * step - 1);
}

/* `n` things took so long. */
static inline void
weiri_histogram_add(weiri_histogram *self, int64_t ns, uint64_t n)
{
    self->counts[weiri_histogram_bucket(ns)] += n;
}

/* How long the share `p` of all took at most; 0 if there is nothing.
 *
 *   p  0 … 1
 */
static inline int64_t
weiri_histogram_quantile(const weiri_histogram *self, double p)
{
    uint64_t all  = 0;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < WEIRI_HISTOGRAM_BUCKETS; i++) {
        all += self->counts[i];
    }
    for (uint32_t i = 0; i < WEIRI_HISTOGRAM_BUCKETS; i++) {
        seen += self->counts[i];
        if (all > 0 && (double)seen >= p * (double)all) {
            return weiri_histogram_top(i);
        }
    }
    return 0;
}

/* What came since an earlier copy. */
static inline weiri_histogram
weiri_histogram_since(const weiri_histogram *self, const weiri_histogram *before)
{
    weiri_histogram since = *self;
    for (uint32_t i = 0; i < WEIRI_HISTOGRAM_BUCKETS; i++) {
        since.counts[i] -= before->counts[i];
    }
    return since;
}

#endif
