#include "explain/facts.h"
#include "match/sets.h"

weiri_facts
weiri_sets_facts(const weiri_executor *self)
{
    return (weiri_facts){ .unit = "events taken, however many matches share them",
        .unit_bytes             = (uint32_t)(self->taken_size + sizeof(weiri_set_node)) };
}
