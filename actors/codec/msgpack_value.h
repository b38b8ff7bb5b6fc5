/* What a MessagePack value says for a field of some type. */
#ifndef WEIRI_CODEC_MSGPACK_VALUE_H
#define WEIRI_CODEC_MSGPACK_VALUE_H

#include "mp_cursor.h"
#include "weir/schema.h"

enum { WEIRI_MSGPACK_SHOWN = 100 };

/* A float that is whole and fits. False for any other: *out unchanged. */
bool
weiri_msgpack_int_of_float(double value, int64_t *out);

/* A finite float, or an int as one. */
bool
weiri_msgpack_float(const weiri_mp_token *token, double *out);

/* A timestamp whatever the field's form; a text in its form; a number where the form
 * counts units, or is a pattern of digits. */
bool
weiri_msgpack_time(const weir_field *field, const weiri_mp_token *token, int64_t *ns);

/* A value for a person: its text, cut where it is long, or what it is. Returns the size.
 */
size_t
weiri_msgpack_show(const weiri_mp_token *token, char out[WEIRI_MSGPACK_SHOWN]);

#endif
