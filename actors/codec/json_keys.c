#include "json_keys.h"

#include <stdlib.h>

enum { UNDECLARED_KEYS = 64 }; /* that are remembered; the input may have any number */

static uint32_t
hash(const char *name, size_t size)
{
    uint32_t h = 2166136261;
    for (size_t i = 0; i < size; i++) {
        h = (h ^ (unsigned char)name[i]) * 16777619;
    }
    return h ^ h >> 15;
}

/* No input that is UTF-8 begins so. */
static void
set_unmatched(json_key *key)
{
    memset(key->head, 0xFF, sizeof key->head);
    memset(key->mask, 0xFF, sizeof key->mask);
    key->size = 0;
}

static uint32_t
add(json_keys *self, const char *name, size_t size, int32_t child)
{
    uint32_t  index = self->n++;
    json_key *key   = &self->keys[index];
    key->child      = child;
    key->name       = name;
    key->name_size  = (uint32_t)size;
    set_unmatched(key);
    uint32_t slot = hash(name, size) & (self->n_slots - 1);
    while (self->slots[slot] != 0) {
        slot = (slot + 1) & (self->n_slots - 1);
    }
    self->slots[slot] = index;
    return index;
}

weir_status
json_keys_init(json_keys *self, const weiri_paths *paths, int32_t node)
{
    uint32_t n_children = 0;
    for (int32_t c = paths->nodes[node].first_child; c >= 0;
         c         = paths->nodes[c].next_sibling) {
        n_children++;
    }
    *self = (json_keys){ .n = 1, .cap = 1 + n_children + UNDECLARED_KEYS, .n_slots = 16 };
    while (self->n_slots < 2 * self->cap) {
        self->n_slots *= 2;
    }
    self->keys  = calloc(self->cap, sizeof *self->keys);
    self->slots = calloc(self->n_slots, sizeof *self->slots);
    if (self->keys == NULL || self->slots == NULL) {
        json_keys_fini(self);
        return WEIR_ENOMEM;
    }
    self->keys[0].child = -1;
    set_unmatched(&self->keys[0]);
    for (int32_t c = paths->nodes[node].first_child; c >= 0;
         c         = paths->nodes[c].next_sibling) {
        add(self, paths->nodes[c].key, paths->nodes[c].key_size, c);
    }
    return WEIR_OK;
}

void
json_keys_fini(json_keys *self)
{
    free(self->keys);
    free(self->slots);
    *self = (json_keys){ 0 };
}

uint32_t
json_keys_find(json_keys *self, const char *name, size_t size)
{
    uint32_t slot = hash(name, size) & (self->n_slots - 1);
    for (; self->slots[slot] != 0; slot = (slot + 1) & (self->n_slots - 1)) {
        const json_key *key = &self->keys[self->slots[slot]];
        if (key->name_size == size && memcmp(key->name, name, size) == 0) {
            return self->slots[slot];
        }
    }
    /* An undeclared name lives in its own literal, so it has to fit there. */
    if (self->n == self->cap || size > JSON_LITERAL - 8) {
        return 0;
    }
    uint32_t  index = self->n;
    json_key *key   = &self->keys[index];
    memcpy(key->literal + 1, name, size);
    return add(self, key->literal + 1, size, -1);
}

void
json_keys_learn(
    json_keys *self, uint32_t before, uint32_t index, const char *literal, size_t size)
{
    json_key *key           = &self->keys[index];
    self->keys[before].next = index;
    bool is_plain           = size >= key->name_size + 3 && size <= JSON_LITERAL
                    && literal[0] == '"'
                    && memcmp(literal + 1, key->name, key->name_size) == 0
                    && literal[key->name_size + 1] == '"';
    if (!is_plain) {
        return; /* long, or with escapes: looked up each time */
    }
    memcpy(key->literal, literal, size);
    key->size               = (uint32_t)size;
    uint8_t head[JSON_HEAD] = { 0 };
    uint8_t mask[JSON_HEAD] = { 0 };
    size_t  n               = size < JSON_HEAD ? size : JSON_HEAD;
    memcpy(head, literal, n);
    memset(mask, 0xFF, n);
    memcpy(key->head, head, sizeof head);
    memcpy(key->mask, mask, sizeof mask);
}
