/* Powers of five in 128 bits, for reading and writing floats. */
#ifndef WEIRI_BASE_POW5_H
#define WEIRI_BASE_POW5_H

#include <stdint.h>

enum { WEIRI_POW5_MIN = -342, WEIRI_POW5_MAX = 326 };

extern const uint64_t WEIRI_POW5[WEIRI_POW5_MAX - WEIRI_POW5_MIN + 1][2];

/* floor(log2(10^q)) for |q| <= 1233. */
static inline int
floor_log2_pow10(int q)
{
    return (q * 1741647) >> 19;
}

#endif
