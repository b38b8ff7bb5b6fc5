/* Durations as text: "1m30s". */
#include <string.h>

#include "weiri/timetext.h"

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

struct unit {
    const char *name;
    uint64_t    ns;
};

/* Descending; a name comes before one that it begins with. */
static const struct unit UNITS[] = {
    { "d", UINT64_C(86400) * WEIRI_NS_PER_S },
    { "h", UINT64_C(3600) * WEIRI_NS_PER_S },
    { "m", UINT64_C(60) * WEIRI_NS_PER_S },
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
add_bounded(uint64_t *total, uint64_t count, uint64_t unit_ns, uint64_t most)
{
    if (count > (most - *total) / unit_ns) {
        return false;
    }
    *total += count * unit_ns;
    return true;
}

/* Digits after the point, each worth a tenth of the one before; what is no whole
 * nanosecond is refused. */
static bool
add_fraction(
    uint64_t *total, const char *digits, size_t n, uint64_t unit_ns, uint64_t most)
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
        uint64_t unit_ns = UNITS[i].ns;
        if (rest >= unit_ns || (ns == 0 && unit_ns == (uint64_t)WEIRI_NS_PER_S)) {
            end = put_count(end, rest / unit_ns); /* NOLINT: no unit is 0 */
            rest %= unit_ns;
            size_t n = strlen(UNITS[i].name);
            memcpy(end, UNITS[i].name, n);
            end += n;
        }
    }
    *end = '\0';
    return (size_t)(end - out);
}
