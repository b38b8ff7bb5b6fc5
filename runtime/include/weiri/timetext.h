/* Times and durations as text. */
#ifndef WEIRI_TIMETEXT_H
#define WEIRI_TIMETEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEIRI_NS_PER_US INT64_C(1000)
#define WEIRI_NS_PER_MS INT64_C(1000000)
#define WEIRI_NS_PER_S  INT64_C(1000000000)

enum { WEIRI_TIME_TEXT = 40, WEIRI_DURATION_TEXT = 64 };

/* RFC 3339 ("2017-03-27T13:08:09.5Z", "+02:00"; 't', ' ' and lower 'z' allowed) or
 * YYYY-MM-DD[ HH:MM[:SS[.fff]]] in UTC. The whole text, 1 to 9 fraction digits.
 *
 *   returns  false if it is none, a field is out of range (a leap second :60 is the next
 *            second), or the time is outside int64 nanoseconds: *ns unchanged
 *   cost     under 10 ns for the 16- and 20-byte forms
 */
bool
weiri_time_parse(const char *text, size_t size, int64_t *ns);

/* A strptime-like pattern: %Y %m %d %H %M %S %y %b %B %e %j %p %I %f (fraction) %z
 * (+02:00, +0200, +02, Z) %Z (UTC, GMT, Z) %s (seconds since the epoch) %a %A (a name,
 * whichever) and %%; white space matches one or more of it. Names are English, in full or
 * three letters, in any case; what a pattern lacks is 1 for month and day, else 0. */
bool
weiri_time_parse_pattern(const char *text, size_t size, const char *pattern, int64_t *ns);

/* Whether a pattern says the year: %Y, %y or %s. */
bool
weiri_time_pattern_has_year(const char *pattern);

/* NULL if the pattern is fine, else what is wrong with it (static text). */
const char *
weiri_time_pattern_check(const char *pattern);

/* "2017-03-27T13:08:09.5Z": as many fraction digits as are not zero.
 * Returns the size, without a zero byte counted (there is one). */
size_t
weiri_time_format(int64_t ns, char out[WEIRI_TIME_TEXT]);

/* Seconds since the epoch and a fraction of 0 … 999999999 ns as one number; false if
 * int64 cannot hold it: *ns unchanged. */
bool
weiri_time_join(int64_t seconds, int64_t fraction_ns, int64_t *ns);

/* One or more of NUMBER UNIT, units ns us ms s m h d, descending: "1m30s", "250ms",
 * "-2h". Fractions are allowed in a single part: "1.5s". */
bool
weiri_duration_parse(const char *text, size_t size, int64_t *ns);

size_t
weiri_duration_format(int64_t ns, char out[WEIRI_DURATION_TEXT]);

/* Calendar fields of a time in UTC (proleptic Gregorian). */
typedef struct weiri_civil {
    int64_t year;
    int     month; /* 1 … 12 */
    int     day;   /* 1 … 31 */
    int     hour;
    int     minute;
    int     second;
    int     nanosecond;
    int     weekday; /* 1 = Monday … 7 = Sunday (ISO 8601) */
} weiri_civil;

weiri_civil
weiri_civil_of(int64_t ns);

/* Days since 1970-01-01 of a civil date. */
int64_t
weiri_days_of(int64_t year, int month, int day);

#endif
