/* Any bytes as the state of a matcher or a window: it is refused, or what comes of it is
 * harmless.
 *
 * The first byte picks the rule. If the second is even, the rest is the state as it
 * stands; else it is put together as the rule would write it, since no fuzzer would guess
 * sizes and key groups: a byte and as many for the head, behind executor and fingerprint;
 * then for each key a byte that it is made of, two with the size of its state, and that.
 * The checksum is made here in either case.
 */
#include <stdint.h>
#include <stdlib.h>

#include "match/state.h"
#include "state_rig.h"

enum { EVENTS = 24, MAX_RULES = 32 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes of the data, as many as there are. */
static const uint8_t *
take(const uint8_t **data, size_t *left, size_t *size)
{
    const uint8_t *bytes = *data;
    *size                = *size < *left ? *size : *left;
    *data += *size;
    *left -= *size;
    return bytes;
}

static size_t
take_number(const uint8_t **data, size_t *left, size_t n_bytes)
{
    size_t         n     = n_bytes;
    const uint8_t *bytes = take(data, left, &n);
    size_t         value = 0;
    for (size_t i = 0; i < n; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static weir_value
value_of(weir_type type, size_t seed)
{
    static const char TEXT[] = "\4abcdefgh";
    weir_value        value  = { .type = (uint8_t)type };
    switch (type) {
    case WEIR_BOOL: value.as.b = seed % 2 != 0; break;
    case WEIR_FLOAT: value.as.f = (double)seed / 2; break;
    case WEIR_STRING:
        value.as.s = TEXT + 1;
        value.size = (uint32_t)(seed % 8);
        break;
    case WEIR_LIST: /* of strings, without any */
        value.as.s = TEXT;
        value.size = 1;
        break;
    default: value.as.i = (int64_t)seed; break;
    }
    return value;
}

static void
put_head(weiri_keyed *keyed, weiri_keyed_reader *own, const uint8_t **data, size_t *left)
{
    weiri_keyed_head head;
    uint32_t         name = 0;
    size_t           size = take_number(data, left, 1);
    if (!weiri_keyed_next_head(own, &head)) {
        abort();
    }
    const uint8_t *begin = head.in.at;
    (void)weiri_unpack_text(&head.in, &name);
    (void)weiri_unpack_fixed(&head.in);
    weiri_pack_bytes(&keyed->head, begin, (size_t)(head.in.at - begin));
    weiri_pack_bytes(&keyed->head, take(data, left, &size), size);
    for (uint32_t i = 0; i < own->n_values; i++) {
        weiri_keyed_add_type(keyed, i, (weir_type)own->types[i]);
    }
    weiri_keyed_end_head(keyed);
}

static void
put_together(const state_rig *rig, const uint8_t *data, size_t left, weiri_pack *out)
{
    enum { VALUES = 16 };
    weir_error         err   = { .status = WEIR_OK };
    weiri_pack         saved = { .size = 0 };
    weiri_keyed        keyed = { .groups = NULL };
    weiri_keyed_reader own;
    weir_value         key[VALUES];
    if (state_rig_save(rig, &saved, &err) != WEIR_OK
        || !weiri_keyed_open(&own, saved.bytes, saved.size) || own.n_values > VALUES) {
        abort();
    }
    put_head(&keyed, &own, &data, &left);
    while (left > 0) {
        size_t seed = take_number(&data, &left, 1);
        size_t size = take_number(&data, &left, 2);
        for (uint32_t i = 0; i < own.n_values; i++) {
            key[i] = value_of((weir_type)own.types[i], seed);
        }
        weiri_pack *pack =
            weiri_keyed_begin(&keyed, key, own.n_values, seed % 8 == 7 ? 1 : 0);
        weiri_pack_bytes(pack, take(&data, &left, &size), size);
        weiri_keyed_end(&keyed);
    }
    if (!weiri_keyed_finish(&keyed, out)) {
        abort();
    }
    weiri_pack_fini(&saved);
}

static void
forge(const state_rig *rig, bool is_put_together, const uint8_t *data, size_t size,
    weiri_pack *out)
{
    if (is_put_together) {
        put_together(rig, data, size, out);
        return;
    }
    weiri_pack_bytes(out, data, size);
    weiri_pack_fixed(out, weiri_checksum(WEIRI_HASH_BEGIN, out->bytes, out->size));
}

/* What was loaded can be saved, and loaded again. */
static void
go_on(state_rig *rig)
{
    weiri_pack  saved  = { .size = 0 };
    weir_error  err    = { .status = WEIR_OK };
    weir_status status = state_rig_save(rig, &saved, &err);
    if (status == WEIR_OK) {
        status = state_rig_load(rig, saved.bytes, saved.size, &err);
    }
    if (status != WEIR_OK) {
        abort();
    }
    weiri_pack_fini(&saved);
    if (state_rig_feed(rig, EVENTS) == WEIR_OK && state_rig_end(rig) == WEIR_OK) {
        (void)state_rig_counts_agree(rig, rig);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Compiled once for all inputs: the compiler has a target of its own. */
    static state_rig rigs[MAX_RULES];
    weir_error       err    = { .status = WEIR_OK };
    weiri_pack       forged = { .size = 0 };
    if (size < 2) {
        return 0;
    }
    uint32_t   rule = data[0] % state_rig_rules();
    state_rig *rig  = &rigs[rule];
    bool       ok   = rig->plan != NULL ? state_rig_reset(rig, data[1]) == WEIR_OK
                                        : state_rig_init(rig, rule, data[1]);
    if (!ok) {
        abort();
    }
    forge(rig, data[1] % 2 == 1, data + 2, size - 2, &forged);
    weir_status status = state_rig_load(rig, forged.bytes, forged.size, &err);
    if (status == WEIR_OK) {
        go_on(rig);
    } else if (status != WEIR_EDATA) {
        abort();
    }
    weiri_pack_fini(&forged);
    return 0;
}
