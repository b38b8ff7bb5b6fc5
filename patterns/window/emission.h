/* What a key remembers of what it has emitted, for `limit n per D` and `when changes`. */
#ifndef WEIRI_EMISSION_H
#define WEIRI_EMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "weiri/inspect.h"
#include "weiri/pack.h"

/* All zero is empty. */
typedef struct weiri_emission {
    int64_t *times; /* of `limit n per D`: a ring, shape (room,), oldest at head */
    uint32_t head;
    uint32_t n;
    uint32_t room; /* power of two, or 0 */
    bool     was_true;
} weiri_emission;

/* Whether one more result may be given at time_ns; if so, it is noted.
 *
 *   limit, limit_ns  at most `limit` in any span of time shorter than limit_ns
 *   returns          false: out of memory
 */
bool
weiri_emission_allow(weiri_emission *self, uint32_t limit, int64_t limit_ns,
    int64_t time_ns, bool *is_allowed);

/* The time from which on nothing that was noted matters. */
int64_t
weiri_emission_over_from(const weiri_emission *self, int64_t limit_ns);

/* Tell what is remembered.
 *
 *   limit, limit_ns  as before; limit_ns < 0: there is none
 *   returns          false: out of memory
 */
bool
weiri_emission_tell(const weiri_emission *self, uint32_t limit, int64_t limit_ns,
    bool has_changes, const weiri_inspector *inspector);

void
weiri_emission_fini(weiri_emission *self);

/* The times as bytes. */
void
weiri_emission_save(const weiri_emission *self, weiri_pack *out);

/* Into an empty one. False: something is wrong, or memory is out. */
bool
weiri_emission_load(weiri_emission *self, uint32_t limit, weiri_unpack *in);

#endif
