#include "msgpack_value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cell.h"
#include "weiri/numtext.h"

bool
weiri_msgpack_int_of_float(double value, int64_t *out)
{
    if (value != trunc(value) || !(value >= -0x1p63 && value < 0x1p63)) {
        return false;
    }
    *out = (int64_t)value;
    return true;
}

bool
weiri_msgpack_float(const weiri_mp_token *token, double *out)
{
    switch (token->kind) {
    case WEIRI_MP_INT: *out = (double)token->as.i; return true;
    case WEIRI_MP_UINT: *out = (double)token->as.u; return true;
    case WEIRI_MP_FLOAT: *out = token->as.f; return isfinite(token->as.f);
    default: return false;
    }
}

static bool
time_from_text(const weir_field *field, const char *text, size_t size, int64_t *ns)
{
    weir_value value;
    if (!weiri_cell_from_text(field, text, size, &value)) {
        return false;
    }
    *ns = value.as.i;
    return true;
}

static bool
time_from_int(const weir_field *field, int64_t count, int64_t *ns)
{
    if (field->form == WEIR_TIME_PATTERN) { /* %s, %Y%m%d: its digits */
        char text[WEIRI_INT_TEXT];
        return time_from_text(field, text, weiri_int_format(count, text), ns);
    }
    return weiri_time_from_int(field->form, count, ns);
}

bool
weiri_msgpack_time(const weir_field *field, const weiri_mp_token *token, int64_t *ns)
{
    switch (token->kind) {
    case WEIRI_MP_STR: return time_from_text(field, token->bytes, token->size, ns);
    case WEIRI_MP_INT: return time_from_int(field, token->as.i, ns);
    case WEIRI_MP_FLOAT:
        return isfinite(token->as.f)
               && weiri_time_from_float(field->form, token->as.f, ns);
    case WEIRI_MP_EXT:
        return token->ext_type == WEIRI_MP_TIMESTAMP
               && weiri_mp_timestamp(token->bytes, token->size, ns);
    default: return false;
    }
}

size_t
weiri_msgpack_show(const weiri_mp_token *token, char out[WEIRI_MSGPACK_SHOWN])
{
    static const char *const NAMES[] = { [WEIRI_MP_NIL] = "null",
        [WEIRI_MP_BIN]                                  = "binary data",
        [WEIRI_MP_EXT]                                  = "an extension value",
        [WEIRI_MP_ARRAY]                                = "an array",
        [WEIRI_MP_MAP]                                  = "a map" };
    const char              *name    = NULL;
    switch (token->kind) {
    case WEIRI_MP_INT: return weiri_int_format(token->as.i, out);
    case WEIRI_MP_UINT:
        return (size_t)snprintf(out, WEIRI_MSGPACK_SHOWN, "%" PRIu64, token->as.u);
    case WEIRI_MP_STR: {
        size_t n =
            token->size < WEIRI_MSGPACK_SHOWN - 2 ? token->size : WEIRI_MSGPACK_SHOWN - 2;
        out[0] = '"';
        memcpy(out + 1, token->bytes, n);
        out[n + 1] = '"';
        return n + 2;
    }
    case WEIRI_MP_FLOAT:
        if (isfinite(token->as.f)) {
            return weiri_float_format(token->as.f, out);
        }
        name = isnan(token->as.f) ? "not-a-number" : "infinity";
        break;
    case WEIRI_MP_BOOL: name = token->as.b ? "true" : "false"; break;
    default: name = NAMES[token->kind]; break;
    }
    return (size_t)snprintf(out, WEIRI_MSGPACK_SHOWN, "%s", name);
}
