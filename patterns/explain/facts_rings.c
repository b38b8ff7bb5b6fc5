#include "explain/facts.h"
#include "match/rings.h"

weiri_facts
weiri_rings_facts(const weiri_executor *self)
{
    weiri_facts facts = { .unit = "events held" };
    for (uint32_t i = 0; i < self->n_held; i++) {
        uint32_t bytes   = (uint32_t)self->entry_sizes[i];
        facts.unit_bytes = bytes > facts.unit_bytes ? bytes : facts.unit_bytes;
    }
    return facts;
}
