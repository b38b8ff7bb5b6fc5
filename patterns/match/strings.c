#include "match/strings.h"

#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 32, BLOCK = 64 << 10 };

/* In front of a string from the heap. */
struct weiri_large_string {
    struct weiri_large_string  *next;
    struct weiri_large_string **link; /* to this one */
};

static weiri_string *
large_new(weiri_strings *self, size_t size)
{
    struct weiri_large_string *large = malloc(sizeof *large + size);
    if (large == NULL) {
        return NULL;
    }
    *large = (struct weiri_large_string){ self->large, &self->large };
    if (self->large != NULL) {
        self->large->link = &large->next;
    }
    self->large = large;
    return (weiri_string *)(void *)(large + 1);
}

static void
large_free(weiri_string *text)
{
    struct weiri_large_string *large = (struct weiri_large_string *)(void *)text - 1;
    *large->link                     = large->next;
    if (large->next != NULL) {
        large->next->link = large->link;
    }
    free(large);
}

static uint32_t
class_of(size_t size)
{
    uint32_t class = 0;
    while (class < WEIRI_STRING_SIZES && (size_t)SMALLEST << class < size) {
        class ++;
    }
    return class;
}

void
weiri_strings_fini(weiri_strings *self)
{
    while (self->blocks != NULL) {
        void *block = self->blocks;
        memcpy(&self->blocks, block, sizeof self->blocks);
        free(block);
    }
    while (self->large != NULL) {
        struct weiri_large_string *next = self->large->next;
        free(self->large);
        self->large = next;
    }
    *self = (weiri_strings){ 0 };
}

static void *
carve(weiri_strings *self, size_t size)
{
    if (self->n_fresh < size) {
        char *block = malloc(BLOCK);
        if (block == NULL) {
            return NULL;
        }
        memcpy(block, &self->blocks, sizeof self->blocks);
        self->blocks  = block;
        self->fresh   = block + SMALLEST;
        self->n_fresh = BLOCK - SMALLEST;
    }
    void *place = self->fresh;
    self->fresh += size;
    self->n_fresh -= size;
    return place;
}

weiri_string *
weiri_strings_make(weiri_strings *self, const char *bytes, uint32_t size)
{
    size_t whole       = sizeof(weiri_string) + size;
    uint32_t class     = class_of(whole);
    weiri_string *text = NULL;
    if (class == WEIRI_STRING_SIZES) {
        text = large_new(self, whole);
    } else if (self->free[class] != NULL) {
        text = self->free[class];
        memcpy(&self->free[class], text, sizeof self->free[class]);
    } else {
        text = carve(self, (size_t)SMALLEST << class);
    }
    if (text != NULL) {
        text->n_refs = 1;
        text->size   = size;
        if (size > 0) {
            memcpy(text->bytes, bytes, size);
        }
    }
    return text;
}

void
weiri_strings_unref(weiri_strings *self, weiri_string *text)
{
    if (text == NULL || --text->n_refs > 0) {
        return;
    }
    uint32_t class = class_of(sizeof(weiri_string) + text->size);
    if (class == WEIRI_STRING_SIZES) {
        large_free(text);
        return;
    }
    memcpy(text, &self->free[class], sizeof self->free[class]);
    self->free[class] = text;
}
