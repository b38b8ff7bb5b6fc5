/* State by key of keys that are ints, for what looks at its bytes. */
#ifndef INT_KEYS_H
#define INT_KEYS_H

#include "weir_test.h"

#include <string.h>

#include "weiri/keyed.h"

/* Add a key whose state is `size` bytes of `fill`. */
static inline void
add_int_key(weiri_keyed *keyed, int64_t number, uint32_t part, size_t size, uint8_t fill)
{
    const weir_value key  = { .type = WEIR_INT, .as.i = number };
    weiri_pack      *pack = NULL;
    uint8_t          bytes[64];
    memset(bytes, fill, sizeof bytes);
    weiri_keyed_add_type(keyed, 0, WEIR_INT);
    pack = weiri_keyed_begin(keyed, &key, 1, part);
    if (pack == NULL) { /* of another key group */
        return;
    }
    for (; size > 0; size -= size < sizeof bytes ? size : sizeof bytes) {
        weiri_pack_bytes(pack, bytes, size < sizeof bytes ? size : sizeof bytes);
    }
    weiri_keyed_end(keyed);
}

static inline weiri_pack
finish_keys(weiri_keyed *keyed)
{
    weiri_pack out = { 0 };
    assert_true(weiri_keyed_finish(keyed, &out));
    return out;
}

#endif
