/* weiri_unpacker: gzip and zstd behind one face. Bounded memory, any cut of the input. */
#ifndef WEIRI_UNPACK_H
#define WEIRI_UNPACK_H

#include <stdbool.h>
#include <stddef.h>

#include "weir/error.h"

typedef enum weiri_packing {
    WEIRI_PACKING_UNKNOWN, /* more bytes are needed to tell */
    WEIRI_PACKING_NONE,
    WEIRI_PACKING_GZIP,
    WEIRI_PACKING_ZSTD
} weiri_packing;

/* What the first bytes of an input say; four always decide. `is_all`: there are no more.
 */
weiri_packing
weiri_packing_of(const char *bytes, size_t size, bool is_all);

typedef struct weiri_unpacker weiri_unpacker;

/* errors  WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_unpacker_new(weiri_packing packing, weiri_unpacker **out);

void
weiri_unpacker_destroy(weiri_unpacker **self_p);

/* What one call is given and has done. */
typedef struct weiri_unpack_step {
    const char *in;
    size_t      in_size;
    char       *out;
    size_t      out_size;
    size_t      n_used;  /* of in  */
    size_t      n_made;  /* in out; may be more than 0 with an error */
    const char *problem; /* with WEIR_EDATA: what is wrong, static text */
} weiri_unpack_step;

/* Unpack from the front of `in`, over the ends of members and frames.
 *
 *   errors  WEIR_EDATA   damaged; nothing can be unpacked any more
 *           WEIR_ENOMEM  likewise
 */
WEIR_MUST_CHECK weir_status
weiri_unpacker_run(weiri_unpacker *self, weiri_unpack_step *step);

/* Whether a call without input could make output. */
bool
weiri_unpacker_holds_output(const weiri_unpacker *self);

/* Whether a member or frame has begun and not ended: the input must not end here. */
bool
weiri_unpacker_is_inside(const weiri_unpacker *self);

#endif
