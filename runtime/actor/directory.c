#include "directory.h"

#include <stdlib.h>
#include <string.h>

struct name {
    char         *text; /* NULL: empty */
    weiri_address address;
};

enum { FIRST = 16 };

static struct name *
place_of(const weiri_directory *self, const char *text)
{
    uint64_t hash = weiri_hash_bytes(WEIRI_HASH_BEGIN, text, strlen(text));
    uint32_t at   = (uint32_t)(hash ^ hash >> 32) & (self->capacity - 1);
    while (self->entries[at].text != NULL && strcmp(self->entries[at].text, text) != 0) {
        at = (at + 1) & (self->capacity - 1);
    }
    return &self->entries[at];
}

static weir_status
grow(weiri_directory *self)
{
    weiri_directory bigger = { .n = self->n };
    bigger.capacity        = self->capacity == 0 ? FIRST : self->capacity * 2;
    bigger.entries         = calloc(bigger.capacity, sizeof *bigger.entries);
    if (bigger.entries == NULL) {
        return WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < self->capacity; i++) {
        if (self->entries[i].text != NULL) {
            *place_of(&bigger, self->entries[i].text) = self->entries[i];
        }
    }
    free(self->entries);
    *self = bigger;
    return WEIR_OK;
}

weir_status
weiri_directory_put(weiri_directory *self, const char *text, weiri_address address)
{
    weir_status status = self->n * 2 >= self->capacity ? grow(self) : WEIR_OK;
    if (status != WEIR_OK) {
        return status;
    }
    struct name *name = place_of(self, text);
    if (name->text == NULL) {
        name->text = strdup(text);
        self->n += name->text != NULL;
    }
    if (name->text == NULL) {
        return WEIR_ENOMEM;
    }
    name->address = address;
    return WEIR_OK;
}

weiri_address
weiri_directory_find(const weiri_directory *self, const char *text)
{
    if (self->n == 0) {
        return WEIRI_NOBODY;
    }
    const struct name *name = place_of(self, text);
    return name->text != NULL ? name->address : WEIRI_NOBODY;
}

void
weiri_directory_fini(weiri_directory *self)
{
    for (uint32_t i = 0; i < self->capacity; i++) {
        free(self->entries[i].text);
    }
    free(self->entries);
    *self = (weiri_directory){ 0 };
}
