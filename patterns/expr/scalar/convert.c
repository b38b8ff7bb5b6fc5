/* From one type to another on one row: text(), int(), float(), bool(), concat(). */
#include <string.h>

#include "expr/scalar/kernels.h"
#include "weiri/numtext.h"
#include "weiri/timetext.h"

weir_value
weiri_scalar_same(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    return args[0];
}

/* ---- to text ---- */

enum { SHORT_TEXT = 64 }; /* of any scalar but a string */

_Static_assert((int)WEIRI_FLOAT_TEXT <= (int)SHORT_TEXT, "numbers fit");
_Static_assert((int)WEIRI_DURATION_TEXT <= (int)SHORT_TEXT, "durations fit");

static size_t
format_short(const weir_value *value, char out[SHORT_TEXT])
{
    switch ((weir_type)value->type) {
    case WEIR_BOOL:
        memcpy(out, value->as.b ? "true" : "false", 5);
        return value->as.b ? 4 : 5;
    case WEIR_INT: return weiri_int_format(value->as.i, out);
    case WEIR_FLOAT: return weiri_float_format(value->as.f, out);
    case WEIR_TIME: return weiri_time_format(value->as.i, out);
    case WEIR_DURATION: return weiri_duration_format(value->as.i, out);
    case WEIR_NULL:
    case WEIR_STRING:
    case WEIR_LIST: break;
    }
    return 0;
}

weir_value
weiri_scalar_text(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)n;
    if (args[0].type == WEIR_STRING) {
        return args[0];
    }
    char  *out  = weiri_text_pool_make(call->texts, SHORT_TEXT);
    size_t size = format_short(&args[0], out);
    weiri_text_pool_shrink(call->texts, SHORT_TEXT, size);
    return weiri_of_text(out, size);
}

weir_value
weiri_scalar_concat(weiri_call *call, const weir_value *args, uint32_t n)
{
    size_t room = 0;
    for (uint32_t i = 0; i < n; i++) {
        room += args[i].type == WEIR_STRING ? args[i].size : SHORT_TEXT;
    }
    char  *out  = weiri_text_pool_make(call->texts, room);
    size_t size = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (args[i].type != WEIR_STRING) {
            size += format_short(&args[i], out + size);
        } else if (args[i].size > 0) {
            memcpy(out + size, args[i].as.s, args[i].size);
            size += args[i].size;
        }
    }
    weiri_text_pool_shrink(call->texts, room, size);
    return size > WEIRI_MADE_TEXT ? weiri_of_fault(call) : weiri_of_text(out, size);
}

/* ---- to numbers ---- */

/* Towards zero. */
weir_value
weiri_scalar_int_of_float(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)n;
    double value = args[0].as.f;
    if (!(value >= -0x1p63 && value < 0x1p63)) {
        return weiri_of_fault(call);
    }
    return weiri_of_int((int64_t)value);
}

weir_value
weiri_scalar_int_of_string(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    int64_t value = 0;
    return weiri_int_parse(args[0].as.s, args[0].size, &value) ? weiri_of_int(value)
                                                               : weiri_of_null();
}

weir_value
weiri_scalar_int_of_bool(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    return weiri_of_int(args[0].as.b ? 1 : 0);
}

weir_value
weiri_scalar_float_of_int(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    return weiri_of_float((double)args[0].as.i);
}

weir_value
weiri_scalar_float_of_string(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    double value = 0;
    return weiri_float_parse(args[0].as.s, args[0].size, &value) ? weiri_of_float(value)
                                                                 : weiri_of_null();
}

weir_value
weiri_scalar_bool_of_int(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    return weiri_of_bool(args[0].as.i != 0);
}

weir_value
weiri_scalar_bool_of_string(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    bool is_true = weiri_equal_text(args[0].as.s, args[0].size, "true", 4);
    if (is_true || weiri_equal_text(args[0].as.s, args[0].size, "false", 5)) {
        return weiri_of_bool(is_true);
    }
    return weiri_of_null();
}
