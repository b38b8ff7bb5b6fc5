/* Times and durations as text.
 *
 * weiri_time_parse takes eight characters at a time: after an exclusive-or with a row of
 * '0' a digit is at most 9, one addition finds every byte that is more, and one
 * multiplication joins all pairs of digits. Dates
 * become days by sums of integer divisions, and days become dates by the affine functions
 * of Neri and Schneider ("Euclidean affine functions and their application to calendar
 * algorithms", Software: Practice and Experience 53(4), 2023): no loop, no table.
 */
#include "weiri/timetext.h"

#include <string.h>

enum {
    SECONDS_PER_DAY  = 86400,
    DAYS_PER_ERA     = 146097, /* 400 years of the Gregorian calendar   */
    EPOCH_DAY        = 719468, /* of 1970-01-01, counted from 0000-03-01 */
    FRACTION_DIGITS  = 9,
    FIRST_YEAR       = 1677, /* that int64 nanoseconds reach */
    LAST_YEAR        = 2262,
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

static bool
is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int
days_in_month(int64_t year, int month)
{
    static const uint8_t DAYS[] = { 0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return DAYS[month] + (month == 2 && is_leap(year));
}

/* Days of a date from 0000-03-01 on, for years from 0; March is month 3, February 14. */
static int64_t
days_of_year(uint32_t year, uint32_t month, uint32_t day)
{
    uint32_t y = year - (month <= 2);
    uint32_t m = month + (month <= 2 ? MONTHS_PER_YEAR : 0);
    return (int64_t)(365 * y + y / 4 - y / 100 + y / 400 + (153 * m - 457) / 5 + day - 1);
}

int64_t
weiri_days_of(int64_t year, int month, int day)
{
    int64_t  era    = (year >= 0 ? year : year - 399) / 400;
    uint32_t in_era = (uint32_t)(year - era * 400);
    /* 400 is added so that January of the era's first year does not count below 0. */
    return days_of_year(in_era + 400, (uint32_t)month, (uint32_t)day)
           + (era - 1) * DAYS_PER_ERA - EPOCH_DAY;
}

/* Seconds since the epoch and 0 … 999999999 ns; false if int64 cannot hold them as ns. */
static bool
join_ns(int64_t seconds, int64_t fraction_ns, int64_t *ns)
{
    if (seconds < 0 && fraction_ns > 0) { /* both of one sign: the product cannot wrap */
        seconds++;
        fraction_ns -= WEIRI_NS_PER_S;
    }
    int64_t most = INT64_MAX / WEIRI_NS_PER_S;
    if (seconds >= most || seconds <= -most) {
        int64_t left =
            seconds > 0 ? INT64_MAX % WEIRI_NS_PER_S : INT64_MIN % WEIRI_NS_PER_S;
        if (seconds > most || seconds < -most
            || (seconds > 0 ? fraction_ns > left : fraction_ns < left)) {
            return false;
        }
    }
    *ns = seconds * WEIRI_NS_PER_S + fraction_ns;
    return true;
}

/* Eight characters, the first in the lowest byte; compilers make one load of it. */
static uint64_t
load_8(const char *text)
{
    const uint8_t *b = (const uint8_t *)text;
    return (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16
           | (uint64_t)b[3] << 24 | (uint64_t)b[4] << 32 | (uint64_t)b[5] << 40
           | (uint64_t)b[6] << 48 | (uint64_t)b[7] << 56;
}

static uint64_t
load_3(const char *text)
{
    const uint8_t *b = (const uint8_t *)text;
    return (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16;
}

/* From here on, eight characters are a word of digit values: separators and what is not
 * looked at are 0. The value of a pair of digits stands in the byte of its first. */
static uint32_t
pair_at(uint64_t pairs, unsigned byte)
{
    return pairs >> (8 * byte) & 0xff;
}

static uint64_t
pairs_of(uint64_t digits)
{
    return 10 * digits + (digits >> 8);
}

/* A byte that is more than it may be reaches 0x80: a digit 9 has 0x76 added, a separator,
 * which has to be 0, has 0x7f. A carry out of a byte only comes from one that is wrong
 * itself. */
static bool
is_word(uint64_t digits, uint64_t slack)
{
    return ((digits | (digits + slack)) & UINT64_C(0x8080808080808080)) == 0;
}

/* Two characters known to be digits. */
static uint32_t
two(const char *text)
{
    return 10 * (uint32_t)(text[0] - '0') + (uint32_t)(text[1] - '0');
}

/* "YYYY-MM-" and the value of the day that follows: days since the epoch. Years that
 * int64 nanoseconds do not reach are refused, those that they reach in part are not. */
static bool
parse_date(const char *text, uint32_t day, int64_t *days)
{
    static const uint8_t DAYS[] = { 0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    uint64_t digits = load_8(text) ^ UINT64_C(0x2d30302d30303030); /* 0000-00- */
    if (!is_word(digits, UINT64_C(0x7f76767f76767676))) {
        return false;
    }
    uint64_t pairs = pairs_of(digits);
    uint32_t year  = 100 * pair_at(pairs, 0) + pair_at(pairs, 2);
    uint32_t month = pair_at(pairs, 5);
    if (year - FIRST_YEAR > LAST_YEAR - FIRST_YEAR || month - 1 >= MONTHS_PER_YEAR
        || day - 1 >= DAYS[month] || (day == 29 && month == 2 && !is_leap(year))) {
        return false;
    }
    *days = days_of_year(year, month, day) - EPOCH_DAY;
    return true;
}

/* One to nine digits as a fraction of a second; the number of digits, or 0 for none. */
static size_t
parse_fraction(const char *text, size_t size, int64_t *ns)
{
    int64_t value = 0;
    size_t  n     = 0;
    while (n < size && is_digit(text[n])) {
        if (n == FRACTION_DIGITS) {
            return 0;
        }
        value = 10 * value + (text[n++] - '0');
    }
    for (size_t i = n; i < FRACTION_DIGITS; i++) {
        value *= 10;
    }
    *ns = value;
    return n;
}

/* The whole text as "Z" or "+hh:mm". */
static bool
parse_zone(const char *text, size_t size, int64_t *offset_s)
{
    if (size == 1 && (text[0] == 'Z' || text[0] == 'z')) {
        *offset_s = 0;
        return true;
    }
    if (size != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':'
        || !is_digit(text[1]) || !is_digit(text[2]) || !is_digit(text[4])
        || !is_digit(text[5])) {
        return false;
    }
    uint32_t hours   = two(text + 1);
    uint32_t minutes = two(text + 4);
    if (hours > 23 || minutes > 59) {
        return false;
    }
    int64_t seconds = (int64_t)(hours * 3600 + minutes * 60);
    *offset_s       = text[0] == '-' ? -seconds : seconds;
    return true;
}

/* What may follow the seconds: "[.fff][zone]", from index 19 on. */
static bool
parse_tail(const char *text, size_t size, int64_t *fraction, int64_t *offset_s)
{
    size_t at = 19;
    if (text[at] == '.') {
        size_t n = parse_fraction(text + 20, size - 20, fraction);
        if (n == 0) {
            return false;
        }
        at = 20 + n;
    }
    return at == size || parse_zone(text + at, size - at, offset_s);
}

/* ":SS", from index 16 on. */
static bool
parse_seconds(const char *text, uint32_t *second)
{
    uint64_t digits = load_3(text + 16) ^ UINT32_C(0x30303a); /* :00 */
    *second         = pair_at(pairs_of(digits), 1);
    return is_word(digits, UINT32_C(0x76767f)) && *second <= 60;
}

/* "YYYY-MM-DD HH:MM", and nothing after the minutes or at least the seconds. */
static bool
parse_long(const char *text, size_t size, int64_t *ns)
{
    uint64_t digits = load_8(text + 8) & UINT64_C(0xffffffffff00ffff);
    digits ^= UINT64_C(0x30303a3030003030); /* 00T00:00 */
    if (!is_word(digits, UINT64_C(0x76767f7676007676))
        || (text[10] != 'T' && text[10] != ' ' && text[10] != 't')) {
        return false;
    }
    uint64_t pairs  = pairs_of(digits);
    uint32_t hour   = pair_at(pairs, 3);
    uint32_t minute = pair_at(pairs, 6);
    uint32_t second = 0;
    int64_t  days   = 0;
    if (hour > 23 || minute > 59 || !parse_date(text, pair_at(pairs, 0), &days)
        || (size > 16 && !parse_seconds(text, &second))) {
        return false;
    }
    int64_t seconds = days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
    if (size <= 19 || (size == 20 && text[19] == 'Z')) {
        return join_ns(seconds, 0, ns);
    }
    int64_t fraction = 0;
    int64_t offset_s = 0;
    return parse_tail(text, size, &fraction, &offset_s)
           && join_ns(seconds - offset_s, fraction, ns);
}

bool
weiri_time_parse(const char *text, size_t size, int64_t *ns)
{
    if (size == 16 || size >= 19) {
        return parse_long(text, size, ns);
    }
    if (size != 10) {
        return false;
    }
    char start_of_day[16];
    memcpy(start_of_day, text, 10);
    memcpy(start_of_day + 10, " 00:00", 6);
    return parse_long(start_of_day, sizeof start_of_day, ns);
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
    p->offset_s = sign * (hours * 3600 + minutes * 60);
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

static bool
read_fraction(struct parts *p)
{
    size_t n = parse_fraction(p->at, (size_t)(p->end - p->at), &p->fraction_ns);
    p->at += n;
    return n > 0;
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
        return join_ns(p.epoch_s, p.fraction_ns, ns);
    }
    if (p.day > days_in_month(p.year, p.month)
        || (p.day_of_year == DAYS_OF_366 && !is_leap(p.year))) {
        return false;
    }
    int64_t days = p.day_of_year > 0 ? weiri_days_of(p.year, 1, 1) + p.day_of_year - 1
                                     : weiri_days_of(p.year, p.month, p.day);
    if (p.hour_of_12 > 0) {
        p.hour = p.hour_of_12 % 12 + (p.is_afternoon ? 12 : 0);
    }
    int64_t of_day = p.hour * 3600 + p.minute * 60 + p.second;
    return join_ns(days * SECONDS_PER_DAY + of_day - p.offset_s, p.fraction_ns, ns);
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

weiri_civil
weiri_civil_of(int64_t ns)
{
    int64_t seconds  = ns / WEIRI_NS_PER_S;
    int64_t fraction = ns % WEIRI_NS_PER_S;
    if (fraction < 0) {
        seconds--;
        fraction += WEIRI_NS_PER_S;
    }
    int64_t day    = seconds / SECONDS_PER_DAY;
    int32_t of_day = (int32_t)(seconds % SECONDS_PER_DAY);
    if (of_day < 0) {
        day--;
        of_day += SECONDS_PER_DAY;
    }
    /* int64 ns reach 106,752 days either way: counted from 0000-03-01 all are positive.
     */
    uint32_t n              = (uint32_t)(day + EPOCH_DAY);
    uint32_t century        = (4 * n + 3) / DAYS_PER_ERA;
    uint32_t in_century     = (4 * n + 3) % DAYS_PER_ERA | 3;
    uint64_t product        = UINT64_C(2939745) * in_century;
    uint32_t year           = 100 * century + (uint32_t)(product >> 32);
    uint32_t in_year        = (uint32_t)product / 2939745 / 4;
    uint32_t affine         = 2141 * in_year + 197913;
    bool     is_after_march = in_year >= 306; /* January and February of the next year */
    return (weiri_civil){
        .year       = year + is_after_march,
        .month      = (int)(affine >> 16) - (is_after_march ? MONTHS_PER_YEAR : 0),
        .day        = (int)((affine & 0xffff) / 2141) + 1,
        .hour       = of_day / 3600,
        .minute     = of_day / 60 % 60,
        .second     = of_day % 60,
        .nanosecond = (int)fraction,
        .weekday    = (int)((n + 2) % 7) + 1, /* 0000-03-01 was a Wednesday */
    };
}

static void
put_2(char *out, int value)
{
    out[0] = (char)('0' + value / 10);
    out[1] = (char)('0' + value % 10);
}

/* ".5", without the zeros at the end. */
static char *
put_fraction(char *out, int nanosecond)
{
    char *end = out + 1 + FRACTION_DIGITS;
    out[0]    = '.';
    for (char *at = end - 1; at > out; at--) {
        *at = (char)('0' + nanosecond % 10);
        nanosecond /= 10;
    }
    while (end[-1] == '0') {
        end--;
    }
    return end;
}

size_t
weiri_time_format(int64_t ns, char out[WEIRI_TIME_TEXT])
{
    weiri_civil c = weiri_civil_of(ns);
    memcpy(out, "0000-00-00T00:00:00", 19);
    put_2(out, (int)(c.year / 100));
    put_2(out + 2, (int)(c.year % 100));
    put_2(out + 5, c.month);
    put_2(out + 8, c.day);
    put_2(out + 11, c.hour);
    put_2(out + 14, c.minute);
    put_2(out + 17, c.second);
    char *end = out + 19;
    if (c.nanosecond != 0) {
        end = put_fraction(end, c.nanosecond);
    }
    *end++ = 'Z';
    *end   = '\0';
    return (size_t)(end - out);
}

struct unit {
    const char *name;
    int64_t     ns;
};

/* Descending; a name comes before one that it begins with. */
static const struct unit UNITS[] = {
    { "d", INT64_C(86400) * WEIRI_NS_PER_S },
    { "h", INT64_C(3600) * WEIRI_NS_PER_S },
    { "m", INT64_C(60) * WEIRI_NS_PER_S },
    { "s", WEIRI_NS_PER_S },
    { "ms", WEIRI_NS_PER_MS },
    { "us", WEIRI_NS_PER_US },
    { "ns", 1 },
};
enum { N_UNITS = sizeof UNITS / sizeof UNITS[0] };

/* Index of the unit whose name the letters at `text` are, or N_UNITS. */
static size_t
find_unit(const char *text, size_t size, size_t *name_size)
{
    size_t n = 0;
    while (n < size && text[n] >= 'a' && text[n] <= 'z') {
        n++;
    }
    *name_size = n;
    size_t i   = 0;
    while (i < N_UNITS
           && (strlen(UNITS[i].name) != n || memcmp(UNITS[i].name, text, n) != 0)) {
        i++;
    }
    return i;
}

/* Add count * unit_ns to *total, or false if that is more than `most`. */
static bool
add_bounded(uint64_t *total, uint64_t count, int64_t unit_ns, uint64_t most)
{
    if (count > (most - *total) / (uint64_t)unit_ns) {
        return false;
    }
    *total += count * (uint64_t)unit_ns;
    return true;
}

/* Digits after the point, each worth a tenth of the one before; what is no whole
 * nanosecond is refused. */
static bool
add_fraction(
    uint64_t *total, const char *digits, size_t n, int64_t unit_ns, uint64_t most)
{
    for (size_t i = 0; i < n; i++) {
        if (unit_ns % 10 != 0) {
            if (digits[i] != '0') {
                return false;
            }
            continue;
        }
        unit_ns /= 10;
        if (!add_bounded(total, (uint64_t)(digits[i] - '0'), unit_ns, most)) {
            return false;
        }
    }
    return n > 0;
}

static size_t
count_digits(const char *text, size_t size)
{
    size_t n = 0;
    while (n < size && is_digit(text[n])) {
        n++;
    }
    return n;
}

/* One "NUMBER UNIT" of the text at *at; units before `first` are spent. */
static bool
parse_duration_part(const char *text, size_t size, size_t *at, size_t *first,
    uint64_t most, uint64_t *total)
{
    size_t start    = *at;
    size_t n_whole  = count_digits(text + start, size - start);
    size_t point    = start + n_whole;
    bool   has_frac = point < size && text[point] == '.';
    size_t n_frac   = has_frac ? count_digits(text + point + 1, size - point - 1) : 0;
    size_t end      = has_frac ? point + 1 + n_frac : point;

    size_t   name_size = 0;
    size_t   unit      = find_unit(text + end, size - end, &name_size);
    uint64_t count     = 0;
    if (n_whole == 0 || n_whole > 19 || unit < *first || unit == N_UNITS) {
        return false;
    }
    for (size_t i = start; i < point; i++) {
        count = 10 * count + (uint64_t)(text[i] - '0');
    }
    *at    = end + name_size;
    *first = unit + 1;
    if (has_frac && (start > 1 || *at != size)) { /* a fraction stands alone */
        return false;
    }
    return add_bounded(total, count, UNITS[unit].ns, most)
           && (!has_frac
               || add_fraction(total, text + point + 1, n_frac, UNITS[unit].ns, most));
}

bool
weiri_duration_parse(const char *text, size_t size, int64_t *ns)
{
    bool     is_negative = size > 0 && text[0] == '-';
    uint64_t most        = (uint64_t)INT64_MAX + is_negative;
    uint64_t total       = 0;
    size_t   at          = is_negative;
    size_t   first       = 0;
    do {
        if (!parse_duration_part(text, size, &at, &first, most, &total)) {
            return false;
        }
    } while (at < size);
    *ns = is_negative ? (int64_t)(0 - total) : (int64_t)total;
    return true;
}

static char *
put_count(char *out, uint64_t value)
{
    char  digits[20];
    char *at = digits + sizeof digits;
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    size_t n = (size_t)(digits + sizeof digits - at);
    memcpy(out, at, n);
    return out + n;
}

size_t
weiri_duration_format(int64_t ns, char out[WEIRI_DURATION_TEXT])
{
    char    *end  = out;
    uint64_t rest = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    if (ns < 0) {
        *end++ = '-';
    }
    for (size_t i = 0; i < N_UNITS; i++) {
        uint64_t unit_ns = (uint64_t)UNITS[i].ns;
        if (rest >= unit_ns || (ns == 0 && unit_ns == (uint64_t)WEIRI_NS_PER_S)) {
            end = put_count(end, rest / unit_ns);
            rest %= unit_ns;
            size_t n = strlen(UNITS[i].name);
            memcpy(end, UNITS[i].name, n);
            end += n;
        }
    }
    *end = '\0';
    return (size_t)(end - out);
}
