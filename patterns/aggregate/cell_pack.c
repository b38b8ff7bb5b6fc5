#include "aggregate/cell_pack.h"

#include <math.h>

void
weiri_cell_save(weir_type type, weiri_cell cell, weiri_pack *out)
{
    switch (type) {
    case WEIR_FLOAT: weiri_pack_float(out, cell.f); break;
    case WEIR_STRING:
    case WEIR_LIST: weiri_pack_text(out, cell.s->as.s, cell.s->size); break;
    case WEIR_TIME:
    case WEIR_DURATION: weiri_pack_time(out, cell.i); break;
    case WEIR_BOOL: weiri_pack_number(out, cell.i != 0); break;
    case WEIR_NULL:
    case WEIR_INT: weiri_pack_signed(out, cell.i); break;
    }
}

/* The bytes of a list's item after its null flag; 0: there are not as many. */
static uint32_t
payload_size(weir_type element, const char *item, uint32_t rest)
{
    uint32_t size = element == WEIR_BOOL ? 1 : 8;
    if (element == WEIR_STRING) {
        if (rest < sizeof size) {
            return 0;
        }
        memcpy(&size, item, sizeof size);
        size = size > rest - sizeof size ? 0 : size + (uint32_t)sizeof size;
    }
    return size <= rest ? size : 0;
}

static bool
is_list(const char *bytes, uint32_t size)
{
    weir_type element = size > 0 ? (weir_type)(uint8_t)bytes[0] : WEIR_LIST;
    bool      ok      = (unsigned)element < WEIR_LIST;
    for (uint32_t at = 1; ok && at < size;) {
        uint8_t  is_null = (uint8_t)bytes[at++];
        uint32_t n       = payload_size(element, bytes + at, size - at);
        ok               = is_null == 1 || (is_null == 0 && n > 0);
        at += is_null == 0 ? n : 0;
    }
    return ok;
}

static bool
load_text(weir_type type, weiri_cell *out, weiri_unpack *in)
{
    uint32_t    size  = 0;
    const char *bytes = weiri_unpack_text(in, &size);
    if (in->wrong == NULL && type == WEIR_LIST && !is_list(bytes, size)) {
        weiri_unpack_fail(in, "a list is none");
    }
    if (in->wrong != NULL) {
        return false;
    }
    weir_value value = { .type = (uint8_t)type, .size = size };
    value.as.s       = bytes;
    return weiri_cell_own(type, (weiri_cell){ .s = &value }, out);
}

bool
weiri_cell_load(weir_type type, weiri_cell *out, weiri_unpack *in)
{
    weiri_cell cell = { .bits = 0 };
    *out            = cell;
    switch (type) {
    case WEIR_STRING:
    case WEIR_LIST: return load_text(type, out, in);
    case WEIR_FLOAT:
        cell.f = weiri_unpack_float(in);
        if (!isfinite(cell.f)) {
            weiri_unpack_fail(in, "a float is not finite");
        }
        break;
    case WEIR_TIME:
    case WEIR_DURATION: cell.i = weiri_unpack_time(in); break;
    case WEIR_BOOL: cell.i = (int64_t)weiri_unpack_below(in, 2, "a bool is none"); break;
    case WEIR_NULL:
    case WEIR_INT: cell.i = weiri_unpack_signed(in); break;
    }
    if (in->wrong == NULL) {
        *out = cell;
    }
    return in->wrong == NULL;
}
