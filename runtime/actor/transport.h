/* transport: how frames get from shard to shard. Two faces: ZeroMQ between threads, and
 * lists in a simulation.
 */
#ifndef ACTOR_TRANSPORT_H
#define ACTOR_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/error.h"

typedef struct weiri_transport {
    void *context;

    /* Never waits; frames from one shard to another arrive in order. On the thread of
     * `from`. errors: WEIR_EIO, WEIR_ENOMEM */
    weir_status (*send)(
        void *context, uint32_t from, uint32_t to, const void *frame, size_t size);

    /* The next frame that has arrived, borrowed until the next call; NULL: none has. On
     * the thread of `shard`. Aligned to 8. */
    const uint8_t *(*receive)(void *context, uint32_t shard, size_t *size);

    /* What the clock says, INT64_MIN for nothing. NULL: the node's own is asked. */
    int64_t (*clock)(void *context, uint32_t shard, uint64_t n_done, bool is_asked);

    /* Whether the receiver of the next message fails instead. NULL: never. */
    bool (*should_fail)(void *context);
} weiri_transport;

#endif
