/* Which column of a CSV file is which field. */
#ifndef WEIRI_CODEC_CSV_HEADER_H
#define WEIRI_CODEC_CSV_HEADER_H

#include "csv_scan.h"
#include "weir/error.h"
#include "weir/schema.h"
#include "weiri/pack.h"

typedef struct csv_header {
    const weir_schema *schema;
    size_t             n_columns;
    int32_t *column_field; /* shape (CSV_COLUMNS,): its first field, -1: none   */
    int32_t *next_field;   /* shape (n_fields,): another of the column, or -1   */
} csv_header;

/* The columns are the fields in their order. errors  WEIR_ENOMEM: nothing left to free */
WEIR_MUST_CHECK weir_status
csv_header_init(csv_header *self, const weir_schema *schema);

void
csv_header_fini(csv_header *self);

/* The columns are what this record says.
 *
 *   errors  WEIR_EDATA  it has no column for a field, or two, or too many, or is no
 * record; `err` names the columns there are WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
csv_header_read(
    csv_header *self, const csv_scan *scan, const char *record, weir_error *err);

void
csv_header_save(const csv_header *self, weiri_pack *out);

/* Notes in `in` what is wrong. */
void
csv_header_load(csv_header *self, weiri_unpack *in);

/* A cell's text. Doubled quotes inside quotes are halved into `copy`, which has room for
 * `size` bytes; if there are none the text is borrowed. Returns its size. */
size_t
csv_cell_text(const char *cell, size_t size, char *copy, const char **text);

#endif
