/* inproc: frames between the threads of a node, over ZeroMQ.
 *
 * A shard reads one PULL socket and has one PUSH socket for each shard that it has ever
 * spoken to. There is no high-water mark: what is under way is bounded by credit.
 */
#ifndef NET_INPROC_H
#define NET_INPROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/error.h"

typedef struct weiri_inproc weiri_inproc;

/*   errors  WEIR_EIO a socket cannot be had; WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_inproc_new(uint32_t n_shards, weiri_inproc **out, weir_error *err);

/* When no thread uses it any more. */
void
weiri_inproc_destroy(weiri_inproc **self_p);

/* As the functions of transport.h; `self` is an inproc. */
weir_status
weiri_inproc_send(void *self, uint32_t from, uint32_t to, const void *frame, size_t size);

const uint8_t *
weiri_inproc_receive(void *self, uint32_t shard, size_t *size);

/* Wait until a frame has arrived for `shard`, a file can be read, a signal came, or the
 * time is over.
 *
 *   fds          shape (n,)
 *   is_readable  shape (n,): set
 *   timeout_ms   -1: no limit
 *   errors       WEIR_EIO, WEIR_ENOMEM
 */
weir_status
weiri_inproc_wait(weiri_inproc *self, uint32_t shard, const int *fds, bool *is_readable,
    uint32_t n, long timeout_ms);

#endif
