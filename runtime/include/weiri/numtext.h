/* Numbers as text: exact both ways, independent of the locale. */
#ifndef WEIRI_NUMTEXT_H
#define WEIRI_NUMTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WEIRI_FLOAT_TEXT = 32, WEIRI_INT_TEXT = 24 };

/* The whole text as a decimal int64 with optional '-' (or '+'). False if it is none or
 * does not fit: *out unchanged. */
bool
weiri_int_parse(const char *text, size_t size, int64_t *out);

/* The whole text as a decimal number, correctly rounded (Lemire, "Number parsing at a
 * gigabyte per second", 2021, with an exact fallback). No inf, nan, or hex; a result that
 * is not finite is refused. */
bool
weiri_float_parse(const char *text, size_t size, double *out);

/* word * 10^exponent, for who has scanned the digits already. False if it overflows or
 * the rounding is not certain, which needs the text: *out unchanged. */
bool
weiri_float_from_decimal(uint64_t word, int64_t exponent, bool is_negative, double *out);

/* The shortest decimal that reads back as `value`, in JSON's grammar; a whole number gets
 * ".0" below 1e15 so that its type can be seen; "null" if it is not finite. Returns the
 * size, without a zero byte counted (there is one). */
size_t
weiri_float_format(double value, char out[WEIRI_FLOAT_TEXT]);

size_t
weiri_int_format(int64_t value, char out[WEIRI_INT_TEXT]);

/* Whether the bytes are well-formed UTF-8 (RFC 3629). */
bool
weiri_utf8_is_valid(const char *text, size_t size);

#endif
