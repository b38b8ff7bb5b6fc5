#include "explain/facts.h"
#include "match/stacks.h"

weiri_facts
weiri_stacks_facts(const weiri_executor *self)
{
    weiri_facts facts = { .unit = "events held at a place of the pattern" };
    for (uint32_t i = 0; i < self->n_rings; i++) {
        uint32_t bytes   = self->places[i].entry_size;
        facts.unit_bytes = bytes > facts.unit_bytes ? bytes : facts.unit_bytes;
    }
    return facts;
}
