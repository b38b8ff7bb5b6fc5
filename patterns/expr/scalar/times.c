/* Times and durations on one row. All fields are in UTC. */
#include <stdio.h>

#include "expr/scalar/kernels.h"
#include "weiri/timetext.h"

#define CIVIL(name, member)                                                              \
    weir_value weiri_scalar_##name(weiri_call *call, const weir_value *args, uint32_t n) \
    {                                                                                    \
        (void)call;                                                                      \
        (void)n;                                                                         \
        return weiri_of_int(weiri_civil_of(args[0].as.i).member);                        \
    }

CIVIL(year, year)
CIVIL(month, month)
CIVIL(day, day)
CIVIL(hour, hour)
CIVIL(minute, minute)
CIVIL(second, second)
CIVIL(weekday, weekday)

weir_value
weiri_scalar_date(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)n;
    const weir_value day = weiri_of_int(86400 * WEIRI_NS_PER_S);
    return weiri_scalar_bucket_int(call, (weir_value[]){ args[0], day }, 2);
}

weir_value
weiri_scalar_seconds(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    return weiri_of_float((double)args[0].as.i / 1e9);
}

/* Whole milliseconds, the one before for a part of one. */
weir_value
weiri_scalar_millis(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    int64_t ns = args[0].as.i;
    return weiri_of_int(ns / WEIRI_NS_PER_MS - (ns % WEIRI_NS_PER_MS < 0 ? 1 : 0));
}

/* ---- from text and numbers ---- */

weir_value
weiri_scalar_time_of_string(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    int64_t ns = 0;
    return weiri_time_parse(args[0].as.s, args[0].size, &ns) ? weiri_of_int(ns)
                                                             : weiri_of_null();
}

weir_value
weiri_scalar_duration_of_string(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    int64_t ns = 0;
    return weiri_duration_parse(args[0].as.s, args[0].size, &ns) ? weiri_of_int(ns)
                                                                 : weiri_of_null();
}

/* Nanoseconds of a unit as durations are written with; 0 if it is none. */
static int64_t
ns_of_unit(const weir_value *unit)
{
    static const struct {
        const char *name;
        uint32_t    size;
        int64_t     ns;
    } UNITS[] = {
        { "ns", 2, 1 },
        { "us", 2, WEIRI_NS_PER_US },
        { "ms", 2, WEIRI_NS_PER_MS },
        { "s", 1, WEIRI_NS_PER_S },
        { "m", 1, 60 * WEIRI_NS_PER_S },
        { "h", 1, 3600 * WEIRI_NS_PER_S },
        { "d", 1, 86400 * WEIRI_NS_PER_S },
    };
    for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS; i++) {
        if (weiri_equal_text(unit->as.s, unit->size, UNITS[i].name, UNITS[i].size)) {
            return UNITS[i].ns;
        }
    }
    return 0;
}

weir_value
weiri_scalar_int_in_unit(weiri_call *call, const weir_value *args, uint32_t n)
{
    weir_value unit = weiri_of_int(ns_of_unit(&args[1]));
    if (unit.as.i == 0) {
        return weiri_of_null();
    }
    return weiri_scalar_mul_int(call, (weir_value[]){ args[0], unit }, n);
}

weir_value
weiri_scalar_float_in_unit(weiri_call *call, const weir_value *args, uint32_t n)
{
    weir_value unit = weiri_of_int(ns_of_unit(&args[1]));
    if (unit.as.i == 0) {
        return weiri_of_null();
    }
    return weiri_scalar_mul_float_duration(call, (weir_value[]){ args[0], unit }, n);
}

/* ---- to text ---- */

static const char *const MONTHS[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
    "Aug", "Sep", "Oct", "Nov", "Dec" };
static const char *const DAYS[]   = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };

enum { FIELD_TEXT = 24 }; /* of one conversion */

static int64_t
day_of_year(const weiri_civil *at)
{
    return weiri_days_of(at->year, at->month, at->day) - weiri_days_of(at->year, 1, 1)
           + 1;
}

/* As strftime in the C locale; %f is nine digits of fraction, as they are read. An
 * unknown letter stands for itself with its sign. */
static int
format_field(const weiri_civil *at, int64_t ns, char letter, char out[FIELD_TEXT])
{
    int hour = at->hour % 12 == 0 ? 12 : at->hour % 12;
    switch (letter) {
    case 'Y': return snprintf(out, FIELD_TEXT, "%04lld", (long long)at->year);
    case 'y': return snprintf(out, FIELD_TEXT, "%02d", (int)(at->year % 100));
    case 'm': return snprintf(out, FIELD_TEXT, "%02d", at->month);
    case 'd': return snprintf(out, FIELD_TEXT, "%02d", at->day);
    case 'e': return snprintf(out, FIELD_TEXT, "%2d", at->day);
    case 'H': return snprintf(out, FIELD_TEXT, "%02d", at->hour);
    case 'I': return snprintf(out, FIELD_TEXT, "%02d", hour);
    case 'M': return snprintf(out, FIELD_TEXT, "%02d", at->minute);
    case 'S': return snprintf(out, FIELD_TEXT, "%02d", at->second);
    case 'f': return snprintf(out, FIELD_TEXT, "%09d", at->nanosecond);
    case 'j': return snprintf(out, FIELD_TEXT, "%03d", (int)day_of_year(at));
    case 'p': return snprintf(out, FIELD_TEXT, "%s", at->hour < 12 ? "AM" : "PM");
    case 'a': return snprintf(out, FIELD_TEXT, "%s", DAYS[at->weekday - 1]);
    case 'u': return snprintf(out, FIELD_TEXT, "%d", at->weekday);
    case 'b': return snprintf(out, FIELD_TEXT, "%s", MONTHS[at->month - 1]);
    case 'z': return snprintf(out, FIELD_TEXT, "+0000");
    case 's':
        ns = ns / WEIRI_NS_PER_S - (ns % WEIRI_NS_PER_S < 0 ? 1 : 0);
        return snprintf(out, FIELD_TEXT, "%lld", (long long)ns);
    case '%': return snprintf(out, FIELD_TEXT, "%%");
    default: return snprintf(out, FIELD_TEXT, "%%%c", letter);
    }
}

weir_value
weiri_scalar_format_time(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)n;
    weiri_civil at   = weiri_civil_of(args[0].as.i);
    size_t      room = (size_t)args[1].size * FIELD_TEXT; /* each letter is one field */
    if (args[1].size > WEIRI_MADE_TEXT / FIELD_TEXT) {
        return weiri_of_fault(call);
    }
    char  *out  = weiri_text_pool_make(call->texts, room);
    size_t size = 0;
    for (uint32_t i = 0; i < args[1].size; i++) {
        if (args[1].as.s[i] != '%' || i + 1 == args[1].size) {
            out[size++] = args[1].as.s[i];
        } else {
            char letter = args[1].as.s[++i];
            size += (size_t)format_field(&at, args[0].as.i, letter, out + size);
        }
    }
    weiri_text_pool_shrink(call->texts, room, size);
    return weiri_of_text(out, size);
}
