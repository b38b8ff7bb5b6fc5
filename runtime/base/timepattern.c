/* Times by a strptime-like pattern, without the C library's: that one knows the locale
 * and no fractions, and forgets what %z says.
 */
#include <string.h>

#include "weiri/timetext.h"

enum {
    SECONDS_PER_DAY  = 86400,
    MONTHS_PER_YEAR  = 12,
    DAYS_OF_366      = 366,
    PIVOT_OF_CENTURY = 69, /* %y: 69 … 99 are 1969 … 1999, as in POSIX */
};

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int64_t
days_in_year(int64_t year)
{
    return weiri_days_of(year + 1, 1, 1) - weiri_days_of(year, 1, 1);
}

static int64_t
days_in_month(int64_t year, int month)
{
    int64_t next = month == MONTHS_PER_YEAR ? weiri_days_of(year + 1, 1, 1)
                                            : weiri_days_of(year, month + 1, 1);
    return next - weiri_days_of(year, month, 1);
}

/* What a pattern has read so far. */
struct parts {
    const char *at;
    const char *end;
    int64_t     year;
    int64_t     epoch_s;
    int64_t     fraction_ns;
    int64_t     offset_s;
    int         month;
    int         day;
    int         day_of_year; /* 0: none */
    int         hour;
    int         hour_of_12; /* 0: none */
    int         minute;
    int         second;
    bool        is_afternoon;
    bool        has_epoch;
};

/* `least` to `most` digits that make a number from low to high. */
static bool
read_number(struct parts *p, int least, int most, int low, int high, int *out)
{
    int value = 0;
    int n     = 0;
    while (n < most && p->at < p->end && is_digit(*p->at)) {
        value = 10 * value + (*p->at++ - '0');
        n++;
    }
    if (n < least || value < low || value > high) {
        return false;
    }
    *out = value;
    return true;
}

static bool
starts_with(const struct parts *p, const char *lower, size_t size)
{
    if ((size_t)(p->end - p->at) < size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        char c = p->at[i];
        if ((c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c) != lower[i]) {
            return false;
        }
    }
    return true;
}

/* A name in full or its first three letters, upper or lower case; its index, or -1. */
static int
read_name(struct parts *p, const char *const *names, int n_names)
{
    for (int i = 0; i < n_names; i++) {
        size_t full = strlen(names[i]);
        size_t size = starts_with(p, names[i], full) ? full : 3;
        if (starts_with(p, names[i], size)) {
            p->at += size;
            return i;
        }
    }
    return -1;
}

static bool
read_month_name(struct parts *p)
{
    static const char *const MONTHS[] = { "january", "february", "march", "april", "may",
        "june", "july", "august", "september", "october", "november", "december" };
    p->month                          = 1 + read_name(p, MONTHS, MONTHS_PER_YEAR);
    return p->month > 0;
}

static bool
read_weekday_name(struct parts *p)
{
    static const char *const DAYS[] = { "monday", "tuesday", "wednesday", "thursday",
        "friday", "saturday", "sunday" };
    return read_name(p, DAYS, 7) >= 0; /* the date says it already */
}

static bool
read_half_of_day(struct parts *p)
{
    p->is_afternoon = starts_with(p, "pm", 2);
    if (!p->is_afternoon && !starts_with(p, "am", 2)) {
        return false;
    }
    p->at += 2;
    return true;
}

/* "Z", "+hh", "+hhmm" or "+hh:mm". */
static bool
read_offset(struct parts *p)
{
    if (starts_with(p, "z", 1)) {
        p->at++;
        return true;
    }
    if (p->at == p->end || (*p->at != '+' && *p->at != '-')) {
        return false;
    }
    int sign    = *p->at++ == '-' ? -1 : 1;
    int hours   = 0;
    int minutes = 0;
    if (!read_number(p, 2, 2, 0, 23, &hours)) {
        return false;
    }
    bool has_colon = p->at < p->end && *p->at == ':';
    p->at += has_colon;
    if ((has_colon || (p->at < p->end && is_digit(*p->at)))
        && !read_number(p, 2, 2, 0, 59, &minutes)) {
        return false;
    }
    p->offset_s = (int64_t)sign * (hours * 3600 + minutes * 60);
    return true;
}

/* Other names of zones are ambiguous, so none is known. */
static bool
read_zone_name(struct parts *p)
{
    size_t size = starts_with(p, "utc", 3) || starts_with(p, "gmt", 3) ? 3 : 1;
    if (size == 1 && !starts_with(p, "z", 1)) {
        return false;
    }
    p->at += size;
    return true;
}

/* One to nine digits, the first worth a tenth of a second. */
static bool
read_fraction(struct parts *p)
{
    const char *start   = p->at;
    int64_t     unit_ns = WEIRI_NS_PER_S / 10;
    p->fraction_ns      = 0;
    for (; p->at < p->end && is_digit(*p->at) && unit_ns > 0; unit_ns /= 10) {
        p->fraction_ns += (*p->at++ - '0') * unit_ns;
    }
    return p->at > start;
}

static bool
read_epoch(struct parts *p)
{
    bool    is_negative = p->at < p->end && *p->at == '-';
    int64_t value       = 0;
    int     n           = 0;
    p->at += is_negative;
    while (p->at < p->end && is_digit(*p->at)) {
        if (++n > 18) {
            return false;
        }
        value = 10 * value + (*p->at++ - '0');
    }
    p->epoch_s   = is_negative ? -value : value;
    p->has_epoch = true;
    return n > 0;
}

static bool
read_year(struct parts *p, bool is_short)
{
    int  year  = 0;
    bool is_ok = is_short ? read_number(p, 2, 2, 0, 99, &year)
                          : read_number(p, 4, 4, 0, 9999, &year);
    p->year    = !is_short ? year : year < PIVOT_OF_CENTURY ? 2000 + year : 1900 + year;
    return is_ok;
}

static bool
skip_spaces(struct parts *p)
{
    const char *start = p->at;
    while (p->at < p->end && is_space(*p->at)) {
        p->at++;
    }
    return p->at > start;
}

static bool
read_padded_day(struct parts *p)
{
    skip_spaces(p);
    return read_number(p, 1, 2, 1, 31, &p->day);
}

static bool
read_part(struct parts *p, char letter)
{
    switch (letter) {
    case 'Y': return read_year(p, false);
    case 'y': return read_year(p, true);
    case 'm': return read_number(p, 1, 2, 1, MONTHS_PER_YEAR, &p->month);
    case 'd': return read_number(p, 1, 2, 1, 31, &p->day);
    case 'e': return read_padded_day(p);
    case 'j': return read_number(p, 1, 3, 1, DAYS_OF_366, &p->day_of_year);
    case 'H': return read_number(p, 1, 2, 0, 23, &p->hour);
    case 'I': return read_number(p, 1, 2, 1, 12, &p->hour_of_12);
    case 'M': return read_number(p, 1, 2, 0, 59, &p->minute);
    case 'S': return read_number(p, 1, 2, 0, 60, &p->second);
    case 'b':
    case 'B': return read_month_name(p);
    case 'a':
    case 'A': return read_weekday_name(p);
    case 'p': return read_half_of_day(p);
    case 'f': return read_fraction(p);
    case 'z': return read_offset(p);
    case 'Z': return read_zone_name(p);
    case 's': return read_epoch(p);
    default: return false;
    }
}

static bool
read_pattern(struct parts *p, const char *pattern)
{
    while (*pattern != '\0') {
        if (is_space(*pattern)) {
            while (is_space(*pattern)) {
                pattern++;
            }
            if (!skip_spaces(p)) {
                return false;
            }
        } else if (*pattern == '%' && pattern[1] != '%') {
            if (!read_part(p, pattern[1])) {
                return false;
            }
            pattern += 2;
        } else {
            pattern += *pattern == '%';
            if (p->at == p->end || *p->at != *pattern) {
                return false;
            }
            p->at++;
            pattern++;
        }
    }
    return p->at == p->end;
}

bool
weiri_time_parse_pattern(const char *text, size_t size, const char *pattern, int64_t *ns)
{
    struct parts p = { .at = text, .end = text + size, .month = 1, .day = 1 };
    if (!read_pattern(&p, pattern)) {
        return false;
    }
    if (p.has_epoch) {
        return weiri_time_join(p.epoch_s, p.fraction_ns, ns);
    }
    if (p.day > days_in_month(p.year, p.month) || p.day_of_year > days_in_year(p.year)) {
        return false;
    }
    int64_t days = p.day_of_year > 0 ? weiri_days_of(p.year, 1, 1) + p.day_of_year - 1
                                     : weiri_days_of(p.year, p.month, p.day);
    if (p.hour_of_12 > 0) {
        p.hour = p.hour_of_12 % 12 + (p.is_afternoon ? 12 : 0);
    }
    int64_t of_day = INT64_C(3600) * p.hour + INT64_C(60) * p.minute + p.second;
    return weiri_time_join(
        days * SECONDS_PER_DAY + of_day - p.offset_s, p.fraction_ns, ns);
}

bool
weiri_time_pattern_has_year(const char *pattern)
{
    for (const char *p = pattern; *p != '\0'; p++) {
        if (*p == '%' && p[1] != '\0' && strchr("Yys", *++p) != NULL) {
            return true;
        }
    }
    return false;
}

static const char *
lacking_part(const bool *has)
{
    if (has['s']) {
        return NULL;
    }
    if (!has['Y'] && !has['y']) {
        return "a time needs its year: %Y, %y or %s";
    }
    if ((has['d'] || has['e']) && !has['m'] && !has['b'] && !has['B']) {
        return "a day needs its month: %m or %b";
    }
    if (has['I'] != has['p']) {
        return "%I and %p go together";
    }
    return has['I'] && has['H'] ? "the hour is there twice: %H and %I" : NULL;
}

const char *
weiri_time_pattern_check(const char *pattern)
{
    bool has[128] = { false };
    for (const char *at = pattern; *at != '\0'; at++) {
        if (*at != '%') {
            continue;
        }
        at++;
        if (*at == '\0') {
            return "a '%' at the end; a percent sign is written %%";
        }
        if (strchr("YmdHMSybBejpIfzZsaA%", *at) == NULL) {
            return "an unknown letter after '%'; known are "
                   "%Y %m %d %H %M %S %y %b %B %e %j %p %I %f %z %Z %s %a %A %%";
        }
        has[(unsigned char)*at] = true;
    }
    return lacking_part(has);
}
