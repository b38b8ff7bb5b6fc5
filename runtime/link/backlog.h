/* Frames in the order of their rows, which wait to be sent and then to be acknowledged.
 */
#ifndef LINK_BACKLOG_H
#define LINK_BACKLOG_H

#include "weiri/link.h"

/* A frame as it is sent, whole. */
typedef struct weiri_blob {
    uint32_t n_refs;
    uint32_t n_rows; /* 0: it is an end, and takes a number all the same */
    uint64_t first;  /* number of its first row           */
    uint64_t end;    /* number of the row after its last  */
    size_t   size;   /* bytes, head and payload           */
    uint8_t  bytes[];
} weiri_blob;

/* NULL: no memory. bytes: shape (size,), copied */
weiri_blob *
weiri_blob_new(const uint8_t *bytes, size_t size);

/* A frame made of its head, whose size and checksum are set here, and payload. */
weiri_blob *
weiri_blob_make(weiri_frame frame, const weiri_pack *payload);

void
weiri_blob_unref(weiri_blob **self_p);

/* A ring of them; `{0}` is empty. */
typedef struct weiri_backlog {
    weiri_blob **ring; /* shape (capacity,), a power of two */
    uint32_t     capacity;
    uint32_t     first;
    uint32_t     n;
    size_t       size; /* bytes of all */
} weiri_backlog;

void
weiri_backlog_fini(weiri_backlog *self);

/* Takes the blob. errors  WEIR_ENOMEM: it is still the caller's */
WEIR_MUST_CHECK weir_status
weiri_backlog_push(weiri_backlog *self, weiri_blob *blob);

/* The i-th, i < n. */
static inline weiri_blob *
weiri_backlog_at(const weiri_backlog *self, uint32_t i)
{
    return self->ring[(self->first + i) & (self->capacity - 1)];
}

/* Take the first one out; it is the caller's. */
weiri_blob *
weiri_backlog_pop(weiri_backlog *self);

#endif
