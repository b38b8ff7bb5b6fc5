#include "names.h"

#include <string.h>

struct weiri_names_slot {
    const char *name; /* NULL: empty */
    uint32_t    number;
};

enum { FIRST_SLOTS = 64 };

/* FNV-1a (Fowler, Noll, Vo). Its value is never seen in output. */
static uint32_t
hash_of(const char *name)
{
    uint32_t hash = 2166136261u;
    for (; *name != '\0'; name++) {
        hash = (hash ^ (uint8_t)*name) * 16777619u;
    }
    return hash;
}

/* The slot of a name, or the empty one where it would be. */
static struct weiri_names_slot *
slot_of(const weiri_names *self, const char *name)
{
    uint32_t i = hash_of(name) & (self->n_slots - 1);
    while (self->slots[i].name != NULL && strcmp(self->slots[i].name, name) != 0) {
        i = (i + 1) & (self->n_slots - 1);
    }
    return &self->slots[i];
}

uint32_t
weiri_names_find(const weiri_names *self, const char *name)
{
    if (self->n_slots == 0) {
        return UINT32_MAX;
    }
    const struct weiri_names_slot *slot = slot_of(self, name);
    return slot->name == NULL ? UINT32_MAX : slot->number;
}

static void
grow(weiri_names *self, weiri_arena *arena)
{
    weiri_names bigger = { .n_slots =
                               self->n_slots == 0 ? FIRST_SLOTS : 2 * self->n_slots };
    bigger.slots       = weiri_arena_alloc(arena, bigger.n_slots * sizeof *bigger.slots);
    bigger.n_used      = self->n_used;
    for (uint32_t i = 0; i < self->n_slots; i++) {
        if (self->slots[i].name != NULL) {
            *slot_of(&bigger, self->slots[i].name) = self->slots[i];
        }
    }
    *self = bigger;
}

void
weiri_names_add(weiri_names *self, weiri_arena *arena, const char *name, uint32_t number)
{
    if (2 * self->n_used >= self->n_slots) {
        grow(self, arena);
    }
    struct weiri_names_slot *slot = slot_of(self, name);
    self->n_used += slot->name == NULL;
    slot->name   = name;
    slot->number = number;
}
