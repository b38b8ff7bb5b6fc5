/* Where a CSV record (RFC 4180) and its cells end. */
#ifndef WEIRI_CODEC_CSV_SCAN_H
#define WEIRI_CODEC_CSV_SCAN_H

#include <stddef.h>

#include "scan.h"

enum { CSV_COLUMNS = 4096 }; /* cells of a record that are kept apart */

typedef enum csv_mode {
    CSV_BARE,   /* outside of quotes                     */
    CSV_QUOTED, /* between quotes                        */
    CSV_CLOSED, /* behind a quote that may be the last   */
    CSV_RETURN, /* behind a carriage return behind that  */
    CSV_WRONG   /* past an error, up to the line's end   */
} csv_mode;

/* Offsets are from the record's first byte. A scan that runs out of bytes goes on where
 * it stopped when it is called again with more, so that a record that comes in small
 * pieces is looked at once. */
typedef struct csv_scan {
    char        delimiter;
    csv_mode    mode;
    size_t      at;       /* bytes looked at                                      */
    size_t      cell;     /* where the cell at hand begins, SIZE_MAX: further back */
    size_t      end;      /* of the record, without its line end; when it is whole */
    size_t      n_cells;  /* may exceed CSV_COLUMNS                               */
    uint64_t    n_feeds;  /* line feeds looked at                                 */
    bool        has_high; /* something may not be ASCII                           */
    bool        has_quotes;
    const char *error; /* static text, NULL: well formed                       */
    uint32_t ends[CSV_COLUMNS + 1]; /* of the cells; each begins behind the one before */
} csv_scan;

/* Begin a record. */
void
csv_scan_reset(csv_scan *self);

/* Go on within a record whose first `at` bytes are consumed and whose cells do not
 * matter. */
void
csv_scan_rebase(csv_scan *self);

/* Look for the end of the record that starts at `record`. True when it is whole: `at` is
 * then behind its line end, and the last cell ends at `end`.
 *
 *   is_last  no more bytes will come: the record ends with them
 */
bool
csv_scan_record(csv_scan *self, const char *record, size_t size, bool is_last);

#endif
