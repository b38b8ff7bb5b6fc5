#include "match/shared.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 64 };

void
weiri_seen_fini(weiri_seen *self)
{
    free(self->slots);
    *self = (weiri_seen){ 0 };
}

void
weiri_seen_clear(weiri_seen *self)
{
    if (self->n_used > 0) {
        memset(self->slots, 0, self->n_slots * sizeof *self->slots);
    }
    self->n_used = 0;
    memset(self->n, 0, sizeof self->n);
}

/* The object's slot, or the free one where it would stand. The address decides where it
 * stands, and nothing else. */
static weiri_seen_slot *
slot_of(weiri_seen_slot *slots, uint32_t n_slots, const void *object)
{
    uint64_t hash = (uint64_t)(uintptr_t)object * UINT64_C(0x9E3779B97F4A7C15);
    uint32_t i    = (uint32_t)(hash >> 32) & (n_slots - 1);
    while (slots[i].object != NULL && slots[i].object != object) {
        i = (i + 1) & (n_slots - 1);
    }
    return &slots[i];
}

static bool
grow(weiri_seen *self)
{
    uint32_t         n     = self->n_slots > 0 ? self->n_slots * 2 : FIRST_SLOTS;
    weiri_seen_slot *slots = n == 0 ? NULL : calloc(n, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < self->n_slots; i++) {
        if (self->slots[i].object != NULL) {
            *slot_of(slots, n, self->slots[i].object) = self->slots[i];
        }
    }
    free(self->slots);
    self->slots   = slots;
    self->n_slots = n;
    return true;
}

bool
weiri_seen_find(weiri_seen *self, weiri_shared_kind kind, const void *object,
    bool is_shared, uint32_t *back)
{
    uint32_t ordinal = self->n[kind];
    if (is_shared) {
        if (self->n_used >= self->n_slots / 2 && !grow(self)) {
            self->is_out_of_memory = true;
            return false;
        }
        weiri_seen_slot *slot = slot_of(self->slots, self->n_slots, object);
        if (slot->object != NULL) {
            *back = ordinal - 1 - slot->ordinal;
            return true;
        }
        *slot = (weiri_seen_slot){ .object = object, .ordinal = ordinal };
        self->n_used++;
    }
    self->n[kind]++;
    return false;
}

void
weiri_shared_fini(weiri_shared *self)
{
    for (uint32_t i = 0; i < WEIRI_SHARED_KINDS; i++) {
        free(self->lists[i].items);
    }
    *self = (weiri_shared){ 0 };
}

void
weiri_shared_clear(weiri_shared *self)
{
    for (uint32_t i = 0; i < WEIRI_SHARED_KINDS; i++) {
        self->lists[i].n = 0;
    }
    self->n_text_bytes = 0;
}

bool
weiri_shared_add(
    weiri_shared *self, weiri_shared_kind kind, const weiri_shared_object *object)
{
    weiri_shared_list *list = &self->lists[kind];
    if (list->n == list->capacity) {
        uint32_t             n = list->capacity > 0 ? list->capacity * 2 : 16;
        weiri_shared_object *items =
            n == 0 ? NULL : realloc(list->items, n * sizeof *items);
        if (items == NULL) {
            return false;
        }
        list->items    = items;
        list->capacity = n;
    }
    list->items[list->n++] = *object;
    return true;
}

weiri_shared_object *
weiri_shared_at(const weiri_shared *self, weiri_shared_kind kind, uint64_t back)
{
    const weiri_shared_list *list = &self->lists[kind];
    return back < list->n ? &list->items[list->n - 1 - back] : NULL;
}
