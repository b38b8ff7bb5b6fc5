/* weiri_sections: the state of a run as named byte strings.
 *
 * Each part of an engine writes a section and finds it again by its name. The list as a
 * whole can be one byte string, which is what a snapshot file holds.
 */
#ifndef WEIRI_SECTIONS_H
#define WEIRI_SECTIONS_H

#include "weir/error.h"
#include "weiri/pack.h"

enum { WEIRI_SECTION_NAME = 480 /* bytes, with the end */ };

typedef struct weiri_section {
    char      *name; /* "rule/guessed" */
    weiri_pack bytes;
} weiri_section;

/* `{0}` is empty. Sections stand in the order in which they were begun. */
typedef struct weiri_sections {
    weiri_section *items; /* shape (n,) */
    uint32_t       n;
    uint32_t       capacity;
} weiri_sections;

void
weiri_sections_fini(weiri_sections *self);

/* A new section called `kind`/`name`, to be filled until the next call.
 *
 *   returns  NULL when memory is out. What is out while filling is noted in the pack.
 *   A name that is too long is replaced by its beginning and a hash.
 */
weiri_pack *
weiri_sections_begin(weiri_sections *self, const char *kind, const char *name);

/* The same by the whole name, as a section has it. */
weiri_pack *
weiri_sections_begin_named(weiri_sections *self, const char *name);

/* The bytes of a section; false if there is none. */
bool
weiri_sections_find(
    const weiri_sections *self, const char *kind, const char *name, weiri_unpack *out);

/* The bytes of a section, to be read. */
weiri_unpack
weiri_section_open(const weiri_section *self);

/* Whether a section belongs to `kind`; *name is what stands behind it. */
bool
weiri_section_is(const weiri_section *self, const char *kind, const char **name);

/* Memory was out somewhere. */
bool
weiri_sections_failed(const weiri_sections *self);

/* All sections as one byte string: magic, version, names, bytes, a hash. `out` notes when
 * memory is out. */
void
weiri_sections_pack(const weiri_sections *self, weiri_pack *out);

/* Read what weiri_sections_pack wrote; not trusted.
 *
 *   errors  WEIR_EDATA   damaged, or of another version; self is empty
 *           WEIR_ENOMEM  likewise
 */
WEIR_MUST_CHECK weir_status
weiri_sections_unpack(
    weiri_sections *self, const uint8_t *bytes, size_t size, weir_error *err);

#endif
