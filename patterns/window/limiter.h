/* weiri_limiter: `limit n per D` and `limit n` of a rule that begins with `match`: how
 * often each key has emitted.
 *
 * Keys are forgotten when what they have emitted matters no more.
 */
#ifndef WEIRI_LIMITER_H
#define WEIRI_LIMITER_H

#include "inspect/listing.h"
#include "weiri/inspect.h"
#include "weiri/pattern.h"

typedef struct weiri_limiter weiri_limiter;

/* `plan`, with a limit, outlives it. */
WEIR_MUST_CHECK weir_status
weiri_limiter_new(const weiri_match *plan, weiri_limiter **out);

void
weiri_limiter_destroy(weiri_limiter **self_p);

/* Whether a key may emit; if so, it is noted.
 *
 *   key      shape (plan->n_keys,), none null
 *   time_ns  not before that of the call before
 *   errors   WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_limiter_allow(
    weiri_limiter *self, const weir_value *key, int64_t time_ns, bool *is_allowed);

/* What belongs to no key, and each key as part `part`. False: out of memory. */
void
weiri_limiter_save_head(const weiri_limiter *self, weiri_pack *out);
bool
weiri_limiter_save(const weiri_limiter *self, uint32_t part, weiri_keyed *out);

/* Into a new one: heads, then keys. What is wrong is noted in `in`, also of a key.
 *
 *   returns  false: something is wrong, or memory is out
 */
void
weiri_limiter_load_head(weiri_limiter *self, weiri_unpack *in);
bool
weiri_limiter_load(weiri_limiter *self, weiri_unpack *key, weiri_unpack *in);

/* ---- looking into it ---- */

/* Add the keys that have something to be told, their numbers joined with `mark`.
 *
 *   key      scratch, shape (n_keys,)
 *   returns  false: out of memory
 */
bool
weiri_limiter_list(
    const weiri_limiter *self, weir_value *key, uint32_t mark, weiri_listing *out);

/* The values of such a key, shape (n_keys,), borrowed. */
void
weiri_limiter_key(const weiri_limiter *self, uint32_t number, weir_value *out);

/* Tell what is remembered of such a key. False: out of memory. */
bool
weiri_limiter_tell(
    const weiri_limiter *self, uint32_t number, const weiri_inspector *inspector);

/* Of `limit n`, tell what is remembered of all keys together. */
void
weiri_limiter_tell_all(const weiri_limiter *self, const weiri_inspector *inspector);

#endif
