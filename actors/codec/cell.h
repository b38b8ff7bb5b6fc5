/* One field's value from text or from a number. */
#ifndef WEIRI_CODEC_CELL_H
#define WEIRI_CODEC_CELL_H

#include <stddef.h>

#include "weir/schema.h"

/* What a text says for a field of any type but string: the cell of a CSV file, the inside
 * of a JSON string.
 *
 *   int       decimal digits; also "5.0" and "1e3", where the value is whole
 *   float     a decimal number
 *   bool      true, false, 1, 0
 *   time      in the field's form; a form with a unit takes a number
 *   duration  as the language writes it: 1m30s
 *   returns   false if the text says no such thing or it does not fit: *out unchanged
 */
bool
weiri_cell_from_text(
    const weir_field *field, const char *text, size_t size, weir_value *out);

/* A whole decimal number that fits 64 bits, fraction and exponent allowed: 5, 5.0, 1e3.
 */
bool
weiri_int_from_decimal_text(const char *text, size_t size, int64_t *out);

/* A number counted in the unit of `form` (WEIR_TIME_S … WEIR_TIME_NS) as ns, digits after
 * the nanosecond rounded, halves away from zero. False for other forms, for what is no
 * number, and for times outside 64 bits. */
bool
weiri_time_from_number_text(
    weir_time_form form, const char *text, size_t size, int64_t *ns);

bool
weiri_time_from_int(weir_time_form form, int64_t count, int64_t *ns);

/* As the shortest decimal of `count` reads: 1490620089.123 s has 123 ms, not 122999907
 * ns. */
bool
weiri_time_from_float(weir_time_form form, double count, int64_t *ns);

#endif
