/* What each executor keeps, read off the executor itself. */
#ifndef WEIRI_FACTS_H
#define WEIRI_FACTS_H

#include "match/inside.h"

typedef struct weiri_facts {
    const char *unit;        /* what there are many of, in the plural       */
    uint32_t    unit_bytes;  /* of each, the largest                        */
    uint32_t    taken_bytes; /* besides, for each event that a unit has taken */
    uint64_t    looked_up;   /* bit i: atom i is looked up among many partial matches */
} weiri_facts;

weiri_facts
weiri_runs_facts(const weiri_executor *self);

weiri_facts
weiri_rings_facts(const weiri_executor *self);

weiri_facts
weiri_stacks_facts(const weiri_executor *self);

weiri_facts
weiri_sets_facts(const weiri_executor *self);

#endif
