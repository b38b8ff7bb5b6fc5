/* Any bytes as the state of a matcher or a window: it is refused, or what comes of it is
 * harmless.
 *
 * The first byte picks the rule; the hash at the end is made here, since no fuzzer would
 * guess it, and the head of the state is the rule's own if the second byte is odd.
 */
#include <stdint.h>
#include <stdlib.h>

#include "match/state.h"
#include "state_rig.h"

enum { EVENTS = 24, MAX_RULES = 32 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Where the counters begin: magic, version, executor and fingerprint come before. */
static size_t
head_size(const weiri_pack *saved)
{
    weiri_unpack in   = { .at = saved->bytes, .end = saved->bytes + saved->size };
    uint32_t     name = 0;
    (void)weiri_unpack_bytes(&in, 5);
    (void)weiri_unpack_number(&in);
    (void)weiri_unpack_text(&in, &name);
    (void)weiri_unpack_fixed(&in);
    return (size_t)(in.at - saved->bytes);
}

static void
forge(const state_rig *rig, bool has_head, const uint8_t *data, size_t size,
    weiri_pack *out)
{
    weir_error err = { .status = WEIR_OK };
    if (has_head) {
        if (state_rig_save(rig, out, &err) != WEIR_OK) {
            abort();
        }
        out->size = head_size(out);
    }
    weiri_pack_bytes(out, data, size);
    weiri_pack_fixed(out, weiri_hash_bytes(WEIRI_HASH_BEGIN, out->bytes, out->size));
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
