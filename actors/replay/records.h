/* Rows in the form in which an output holds them: cut apart, and into their fields. */
#ifndef WEIRI_RECORDS_H
#define WEIRI_RECORDS_H

#include "weiri/codec.h"
#include "weiri/limits.h"
#include "weiri/plan.h"

typedef struct weiri_records weiri_records;

/* Read the rows in bytes begin .. end of a file.
 *
 *   errors  WEIR_ENOENT  it is not there; WEIR_EDATA it is shorter than `end`
 *           WEIR_EIO, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_records_open(const char *path, weiri_format format, uint64_t begin, uint64_t end,
    weiri_records **out, weir_error *err);

void
weiri_records_close(weiri_records **self_p);

/* The next row, without a line's end; borrowed until the next call.
 *
 *   errors  WEIR_EOF, WEIR_EIO, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_records_next(
    weiri_records *self, const char **bytes, size_t *size, weir_error *err);

/* A field of a row, as text. */
typedef struct weiri_record_field {
    const char *name; /* not of CSV, where it is NULL */
    size_t      name_size;
    const char *value;
    size_t      size;
} weiri_record_field;

/* Cut a row that weiri_record_text gave into at most WEIRI_FIELDS fields; 0: it is none.
 */
uint32_t
weiri_record_split(
    const char *text, weiri_format format, weiri_record_field fields[WEIRI_FIELDS]);

/* A row as text that can be printed, appended with its end to `out`: MessagePack as JSON.
 * errors  WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_record_text(const char *bytes, size_t size, weiri_format format, weiri_buffer *out);

#endif
