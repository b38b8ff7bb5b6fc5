/* State by key as one byte string and back, for what is saved and loaded alone. */
#ifndef KEYED_BYTES_H
#define KEYED_BYTES_H

#include "weiri/join.h"
#include "weiri/matcher.h"
#include "weiri/window.h"

static inline weir_status
finish_bytes(weir_status status, weiri_keyed *keyed, weiri_pack *out)
{
    if (status == WEIR_OK && !weiri_keyed_finish(keyed, out)) {
        status = WEIR_ENOMEM;
    }
    weiri_keyed_fini(keyed);
    return status;
}

static inline weir_status
open_bytes(weiri_keyed_load *from, const uint8_t *bytes, size_t size, weir_error *err)
{
    *from = (weiri_keyed_load){ .is_first = true };
    return weiri_keyed_open(&from->from, bytes, size)
               ? WEIR_OK
               : WEIR_FAIL(err, WEIR_EDATA, "the state cannot be loaded: %s",
                   from->from.in.wrong);
}

#define KEYED_BYTES(name)                                                                \
    static inline weir_status name##_to_bytes(                                           \
        const weiri_##name *self, weiri_pack *out, weir_error *err)                      \
    {                                                                                    \
        weiri_keyed keyed  = { .groups = NULL };                                         \
        weir_status status = weiri_##name##_save(self, &keyed, err);                     \
        return finish_bytes(status, &keyed, out);                                        \
    }                                                                                    \
    static inline weir_status name##_of_bytes(                                           \
        weiri_##name *self, const uint8_t *bytes, size_t size, weir_error *err)          \
    {                                                                                    \
        weiri_keyed_load from;                                                           \
        weir_status      status = open_bytes(&from, bytes, size, err);                   \
        return status == WEIR_OK ? weiri_##name##_load(self, &from, err) : status;       \
    }

KEYED_BYTES(matcher)
KEYED_BYTES(windower)
KEYED_BYTES(joiner)

#endif
