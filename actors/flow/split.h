/* How the work of a rule is split among shards. */
#ifndef WEIRI_FLOW_SPLIT_H
#define WEIRI_FLOW_SPLIT_H

#include "weiri/plan.h"

typedef enum weiri_split {
    WEIRI_SPLIT_NOT,   /* all of it on one shard                              */
    WEIRI_SPLIT_TURNS, /* it remembers nothing: each turn on another shard     */
    WEIRI_SPLIT_KEYS,  /* each key group on its shard                         */
} weiri_split;

weiri_split
weiri_split_of(const weiri_rule *rule);

/* The key of a rule's events of one of the streams that it reads, shape (*n,). */
const weiri_expr *const *
weiri_split_keys(const weiri_rule *rule, uint32_t stream, uint32_t *n);

/* Whether two rules of the same inputs have each event go the same way. */
bool
weiri_split_is_same(const weiri_rule *a, const weiri_rule *b);

#endif
