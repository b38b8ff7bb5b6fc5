#include "cell.h"

#include <string.h>

#include "weiri/numtext.h"
#include "weiri/timetext.h"

/* A decimal number taken apart far enough to find any digit of it. */
typedef struct decimal {
    const char *digits; /* from the first that is not zero; may hold the point */
    const char *end;
    int64_t     n_whole; /* digits of these before the point, exponent included */
    bool        is_negative;
} decimal;

static bool
is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* Far beyond what fits 64 bits, and small enough to add to. */
static const int64_t EXPONENT_BOUND = INT64_C(1) << 40;

static bool
scan_exponent(const char *text, const char *end, int64_t *exponent)
{
    bool is_negative = false;
    if (text < end && (*text == '-' || *text == '+')) {
        is_negative = *text++ == '-';
    }
    if (text == end) {
        return false;
    }
    int64_t value = 0;
    for (; text < end; text++) {
        if (!is_digit(*text)) {
            return false;
        }
        value = value < EXPONENT_BOUND ? value * 10 + (*text - '0') : value;
    }
    *exponent = is_negative ? -value : value;
    return true;
}

static bool
scan_decimal(decimal *self, const char *text, size_t size)
{
    const char *end       = text + size;
    bool        has_point = false;
    bool        has_digit = false;
    if (text < end && (*text == '-' || *text == '+')) {
        self->is_negative = *text++ == '-';
    }
    for (; text < end && (is_digit(*text) || (*text == '.' && !has_point)); text++) {
        if (*text == '.') {
            has_point = true;
            continue;
        }
        has_digit = true;
        if (self->digits == NULL && *text != '0') {
            self->digits = text;
        }
        if (self->digits != NULL && !has_point) {
            self->n_whole++;
        } else if (self->digits == NULL && has_point) {
            self->n_whole--;
        }
    }
    self->end = text;
    if (!has_digit) {
        return false;
    }
    int64_t exponent = 0;
    if (text < end) {
        if ((*text != 'e' && *text != 'E') || !scan_exponent(text + 1, end, &exponent)) {
            return false;
        }
    }
    self->n_whole += exponent;
    return true;
}

static bool
push_digit(uint64_t *value, uint64_t limit, unsigned digit)
{
    if (*value > (limit - digit) / 10) {
        return false;
    }
    *value = *value * 10 + digit;
    return true;
}

/* value * 10^shift as a whole number, halves away from zero. False if it does not fit. */
static bool
to_whole(const decimal *number, int64_t shift, bool *is_exact, int64_t *out)
{
    uint64_t limit   = (uint64_t)INT64_MAX + (number->is_negative ? 1 : 0);
    int64_t  n_whole = number->n_whole + shift;
    uint64_t value   = 0;
    int64_t  n       = 0;
    bool     is_up   = false;
    *is_exact        = true;
    for (const char *p = number->digits; p != NULL && p < number->end; p++) {
        if (*p == '.') {
            continue;
        }
        unsigned digit = (unsigned)(*p - '0');
        if (n < n_whole && !push_digit(&value, limit, digit)) {
            return false;
        }
        is_up     = is_up || (n == n_whole && digit >= 5);
        *is_exact = *is_exact && (n < n_whole || digit == 0);
        n++;
    }
    for (; value > 0 && n < n_whole; n++) {
        if (!push_digit(&value, limit, 0)) {
            return false;
        }
    }
    if (is_up && value == limit) {
        return false;
    }
    value += is_up ? 1 : 0;
    *out = (int64_t)(number->is_negative ? 0 - value : value);
    return true;
}

bool
weiri_int_from_decimal_text(const char *text, size_t size, int64_t *out)
{
    decimal number   = { 0 };
    bool    is_exact = false;
    int64_t value    = 0;
    if (!scan_decimal(&number, text, size) || !to_whole(&number, 0, &is_exact, &value)
        || !is_exact) {
        return false;
    }
    *out = value;
    return true;
}

/* Powers of ten from the form's unit to a nanosecond, -1 if it has none. */
static int
decimals_of(weir_time_form form)
{
    switch (form) {
    case WEIR_TIME_S: return 9;
    case WEIR_TIME_MS: return 6;
    case WEIR_TIME_US: return 3;
    case WEIR_TIME_NS: return 0;
    case WEIR_TIME_AUTO:
    case WEIR_TIME_PATTERN: break;
    }
    return -1;
}

bool
weiri_time_from_number_text(
    weir_time_form form, const char *text, size_t size, int64_t *ns)
{
    int     decimals = decimals_of(form);
    decimal number   = { 0 };
    bool    is_exact = false;
    int64_t value    = 0;
    if (decimals < 0 || !scan_decimal(&number, text, size)
        || !to_whole(&number, decimals, &is_exact, &value)) {
        return false;
    }
    *ns = value;
    return true;
}

bool
weiri_time_from_int(weir_time_form form, int64_t count, int64_t *ns)
{
    static const int64_t NS[]     = { 1, 1000, 1000000, 1000000000 };
    int                  decimals = decimals_of(form);
    if (decimals < 0) {
        return false;
    }
    int64_t unit = NS[decimals / 3];
    if (count > INT64_MAX / unit || count < INT64_MIN / unit) {
        return false;
    }
    *ns = count * unit;
    return true;
}

bool
weiri_time_from_float(weir_time_form form, double count, int64_t *ns)
{
    char   text[WEIRI_FLOAT_TEXT];
    size_t size = weiri_float_format(count, text);
    return weiri_time_from_number_text(form, text, size, ns);
}

static bool
bool_from_text(const char *text, size_t size, bool *out)
{
    if ((size == 4 && memcmp(text, "true", 4) == 0) || (size == 1 && text[0] == '1')) {
        *out = true;
        return true;
    }
    if ((size == 5 && memcmp(text, "false", 5) == 0) || (size == 1 && text[0] == '0')) {
        *out = false;
        return true;
    }
    return false;
}

static bool
time_from_text(const weir_field *field, const char *text, size_t size, int64_t *ns)
{
    switch (field->form) {
    case WEIR_TIME_AUTO: return weiri_time_parse(text, size, ns);
    case WEIR_TIME_PATTERN:
        return weiri_time_parse_pattern(text, size, field->pattern, ns);
    case WEIR_TIME_S:
    case WEIR_TIME_MS:
    case WEIR_TIME_US:
    case WEIR_TIME_NS: break;
    }
    int64_t count = 0;
    if (weiri_int_parse(text, size, &count)) {
        return weiri_time_from_int(field->form, count, ns);
    }
    return weiri_time_from_number_text(field->form, text, size, ns);
}

bool
weiri_cell_from_text(
    const weir_field *field, const char *text, size_t size, weir_value *out)
{
    weir_value value = { .type = (uint8_t)field->type };
    bool       is_ok = false;
    switch (field->type) {
    case WEIR_BOOL: is_ok = bool_from_text(text, size, &value.as.b); break;
    case WEIR_INT:
        is_ok = weiri_int_parse(text, size, &value.as.i)
                || weiri_int_from_decimal_text(text, size, &value.as.i);
        break;
    case WEIR_FLOAT: is_ok = weiri_float_parse(text, size, &value.as.f); break;
    case WEIR_TIME: is_ok = time_from_text(field, text, size, &value.as.i); break;
    case WEIR_DURATION: is_ok = weiri_duration_parse(text, size, &value.as.i); break;
    case WEIR_NULL:
    case WEIR_STRING:
    case WEIR_LIST: break;
    }
    if (is_ok) {
        *out = value;
    }
    return is_ok;
}
