#include "explain/facts.h"
#include "match/runs.h"

weiri_facts
weiri_runs_facts(const weiri_executor *self)
{
    weiri_facts facts = { .unit = "partial matches",
        .unit_bytes             = (uint32_t)self->runs.item_size,
        .taken_bytes            = (uint32_t)self->links.item_size };
    for (uint32_t i = 0; i < self->n_waits; i++) {
        if (self->waits[i].atom < 64) {
            facts.looked_up |= UINT64_C(1) << self->waits[i].atom;
        }
    }
    return facts;
}
