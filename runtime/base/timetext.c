/* Times as text, and the calendar.
 *
 * weiri_time_parse takes eight characters at a time: after an exclusive-or with a row of
 * '0' a digit is at most 9, one addition finds every byte that is more, and one
 * multiplication joins all pairs of digits. Dates become days by sums of integer
 * divisions, and days become dates by the affine functions of Neri and Schneider
 * ("Euclidean affine functions and their application to calendar algorithms", Software:
 * Practice and Experience 53(4), 2023): no loop, no table.
 */
#include "weiri/timetext.h"

#include <string.h>

enum {
    SECONDS_PER_DAY = 86400,
    DAYS_PER_ERA    = 146097, /* 400 years of the Gregorian calendar   */
    EPOCH_DAY       = 719468, /* of 1970-01-01, counted from 0000-03-01 */
    FRACTION_DIGITS = 9,
    FIRST_YEAR      = 1677, /* that int64 nanoseconds reach */
    LAST_YEAR       = 2262,
    MONTHS_PER_YEAR = 12,
};

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days of a date from 0000-03-01 on, for years from 0; March is month 3, February 14. */
static int64_t
days_of_year(uint32_t year, uint32_t month, uint32_t day)
{
    uint32_t y = year - (month <= 2);
    uint32_t m = month + (month <= 2 ? MONTHS_PER_YEAR : 0);
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m - 457) / 5 + day - 1;
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

bool
weiri_time_join(int64_t seconds, int64_t fraction_ns, int64_t *ns)
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
    int64_t seconds = INT64_C(3600) * hours + INT64_C(60) * minutes;
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
    int64_t seconds =
        days * SECONDS_PER_DAY + INT64_C(3600) * hour + INT64_C(60) * minute + second;
    if (size <= 19 || (size == 20 && text[19] == 'Z')) {
        return weiri_time_join(seconds, 0, ns);
    }
    int64_t fraction = 0;
    int64_t offset_s = 0;
    return parse_tail(text, size, &fraction, &offset_s)
           && weiri_time_join(seconds - offset_s, fraction, ns);
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
    char start_of_day[] = "0000-00-00 00:00";
    memcpy(start_of_day, text, 10);
    return parse_long(start_of_day, sizeof start_of_day - 1, ns);
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
    memcpy(out, "0000-00-00T00:00:00", 20);
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
