#include "weiri/sections.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const weiri_seal SEAL = {
    .magic = "weirS", .not_ours = "it is no snapshot", .version = 2
};

static void
fini_section(weiri_section *self)
{
    free(self->name);
    weiri_pack_fini(&self->bytes);
}

void
weiri_sections_fini(weiri_sections *self)
{
    for (uint32_t i = 0; i < self->n; i++) {
        fini_section(&self->items[i]);
    }
    free(self->items);
    *self = (weiri_sections){ 0 };
}

static void
write_name(const char *kind, const char *name, char out[WEIRI_SECTION_NAME])
{
    int n = snprintf(out, WEIRI_SECTION_NAME, "%s/%s", kind, name);
    if (n >= WEIRI_SECTION_NAME) {
        enum { HEX = 17 };
        uint64_t hash = weiri_hash_bytes(WEIRI_HASH_BEGIN, name, strlen(name));
        snprintf(
            out + WEIRI_SECTION_NAME - HEX, HEX, "%016llx", (unsigned long long)hash);
    }
}

weiri_pack *
weiri_sections_begin_named(weiri_sections *self, const char *name)
{
    if (self->n == self->capacity) {
        uint32_t       grown = self->capacity > 0 ? 2 * self->capacity : 16;
        weiri_section *items = realloc(self->items, grown * sizeof *items);
        if (items == NULL) {
            return NULL;
        }
        self->items    = items;
        self->capacity = grown;
    }
    weiri_section *section = &self->items[self->n];
    *section               = (weiri_section){ .name = strdup(name) };
    if (section->name == NULL) {
        return NULL;
    }
    self->n++;
    return &section->bytes;
}

weiri_pack *
weiri_sections_begin(weiri_sections *self, const char *kind, const char *name)
{
    char full[WEIRI_SECTION_NAME];
    write_name(kind, name, full);
    return weiri_sections_begin_named(self, full);
}

weiri_unpack
weiri_section_open(const weiri_section *self)
{
    static const uint8_t NOTHING[1];
    const uint8_t       *bytes = self->bytes.bytes != NULL ? self->bytes.bytes : NOTHING;
    return (weiri_unpack){ .at = bytes, .end = bytes + self->bytes.size };
}

bool
weiri_sections_find(
    const weiri_sections *self, const char *kind, const char *name, weiri_unpack *out)
{
    char full[WEIRI_SECTION_NAME];
    write_name(kind, name, full);
    for (uint32_t i = 0; i < self->n; i++) {
        const weiri_section *section = &self->items[i];
        if (strcmp(section->name, full) == 0) {
            *out = weiri_section_open(section);
            return true;
        }
    }
    return false;
}

bool
weiri_section_is(const weiri_section *self, const char *kind, const char **name)
{
    size_t size = strlen(kind);
    bool   is   = strncmp(self->name, kind, size) == 0 && self->name[size] == '/';
    *name       = is ? self->name + size + 1 : NULL;
    return is;
}

bool
weiri_sections_failed(const weiri_sections *self)
{
    for (uint32_t i = 0; i < self->n; i++) {
        if (self->items[i].bytes.is_out_of_memory) {
            return true;
        }
    }
    return false;
}

void
weiri_sections_pack(const weiri_sections *self, weiri_pack *out)
{
    size_t begin = out->size;
    weiri_pack_open(out, &SEAL);
    weiri_pack_number(out, self->n);
    for (uint32_t i = 0; i < self->n; i++) {
        const weiri_section *section = &self->items[i];
        weiri_pack_text(out, section->name, strlen(section->name));
        weiri_pack_number(out, section->bytes.size);
        weiri_pack_bytes(out, section->bytes.bytes, section->bytes.size);
    }
    (void)weiri_pack_close(out, begin, true);
}

static weir_status
unpack_section(weiri_sections *self, weiri_unpack *in)
{
    char        name[WEIRI_SECTION_NAME];
    uint32_t    name_size = 0;
    const char *text      = weiri_unpack_text(in, &name_size);
    uint64_t    size      = weiri_unpack_number(in);
    if (in->wrong == NULL
        && (name_size >= sizeof name || size > (size_t)(in->end - in->at))) {
        weiri_unpack_fail(in, "a section is longer than what holds it");
    }
    if (in->wrong != NULL) {
        return WEIR_EDATA;
    }
    memcpy(name, text, name_size);
    name[name_size]   = '\0';
    weiri_pack *bytes = weiri_sections_begin_named(self, name);
    if (bytes == NULL) {
        return WEIR_ENOMEM;
    }
    weiri_pack_bytes(bytes, weiri_unpack_bytes(in, (size_t)size), (size_t)size);
    return bytes->is_out_of_memory ? WEIR_ENOMEM : WEIR_OK;
}

weir_status
weiri_sections_unpack(
    weiri_sections *self, const uint8_t *bytes, size_t size, weir_error *err)
{
    weiri_unpack in     = { .at = bytes, .end = bytes + size };
    const char  *wrong  = weiri_unpack_open(&in, &SEAL);
    weir_status  status = WEIR_OK;
    *self               = (weiri_sections){ 0 };
    if (wrong != NULL) {
        return WEIR_FAIL(err, WEIR_EDATA, "%s", wrong);
    }
    uint64_t n = weiri_unpack_number(&in);
    for (; n > 0 && status == WEIR_OK && in.wrong == NULL; n--) {
        status = unpack_section(self, &in);
    }
    if (in.wrong != NULL) {
        status = WEIR_EDATA;
    }
    if (status != WEIR_OK) {
        weiri_sections_fini(self);
        return WEIR_FAIL(
            err, status, "%s", in.wrong != NULL ? in.wrong : weir_status_text(status));
    }
    return WEIR_OK;
}
