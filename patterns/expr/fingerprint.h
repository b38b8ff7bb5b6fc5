/* What a state belongs to: hashes of parts of plans, the same on every machine. Each goes
 * on from `hash`, at first WEIRI_HASH_BEGIN. */
#ifndef WEIRI_EXPR_FINGERPRINT_H
#define WEIRI_EXPR_FINGERPRINT_H

#include "weiri/expr.h"
#include "weiri/pack.h"

/* expr    NULL: none
 * schema  of the event that it reads */
uint64_t
weiri_hash_expr(uint64_t hash, const weiri_expr *expr, const weir_schema *schema);

#endif
