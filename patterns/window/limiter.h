/* weiri_limiter: `limit n per D` and `limit n` of a rule that begins with `match`: how
 * often each key has emitted.
 *
 * Keys are forgotten when what they have emitted matters no more.
 */
#ifndef WEIRI_LIMITER_H
#define WEIRI_LIMITER_H

#include "weiri/keyed.h"
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

#endif
