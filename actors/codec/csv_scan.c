#include "csv_scan.h"

void
csv_scan_reset(csv_scan *self)
{
    self->mode       = CSV_BARE;
    self->at         = 0;
    self->cell       = 0;
    self->end        = 0;
    self->n_cells    = 0;
    self->n_feeds    = 0;
    self->has_high   = false;
    self->has_quotes = false;
    self->error      = NULL;
}

void
csv_scan_rebase(csv_scan *self)
{
    self->cell    = self->cell == self->at ? 0 : SIZE_MAX;
    self->at      = 0;
    self->n_cells = 0;
}

static inline void
end_cell(csv_scan *self, size_t at)
{
    size_t slot      = self->n_cells < CSV_COLUMNS ? self->n_cells : CSV_COLUMNS;
    self->ends[slot] = (uint32_t)at;
    self->n_cells++;
    self->cell = at + 1;
}

static void
set_wrong(csv_scan *self, const char *error)
{
    self->mode  = CSV_WRONG;
    self->error = error;
}

/* The record's content ends at `at`, less a carriage return. */
static void
end_record(csv_scan *self, const char *record, size_t at, bool has_feed)
{
    self->end = at - (at > 0 && record[at - 1] == '\r' ? 1 : 0);
    self->at  = at + (has_feed ? 1 : 0);
    self->n_feeds += has_feed ? 1 : 0;
    if (self->mode == CSV_QUOTED) {
        set_wrong(self, "a quote is not closed");
    }
    end_cell(self, self->end);
}

/* A quote outside of quotes. */
static void
take_quote(csv_scan *self, size_t at)
{
    self->has_quotes = true;
    if (self->mode == CSV_CLOSED || (self->mode == CSV_BARE && at == self->cell)) {
        self->mode = CSV_QUOTED; /* the second of two that stand for one, or the first */
    } else {
        set_wrong(self, self->mode == CSV_BARE
                            ? "a quote inside a cell that does not begin with one"
                            : "something follows the closing quote of a cell");
    }
}

/* One byte outside of quotes that does not end the record. */
static void
step(csv_scan *self, char c, size_t at)
{
    self->has_high |= ((unsigned char)c & 0x80) != 0;
    if (self->mode == CSV_WRONG) {
        return;
    }
    if (c == '"') {
        take_quote(self, at);
    } else if (c == self->delimiter && self->mode != CSV_RETURN) {
        end_cell(self, at);
        self->mode = CSV_BARE;
    } else if (self->mode == CSV_CLOSED && c == '\r') {
        self->mode = CSV_RETURN;
    } else if (self->mode != CSV_BARE) {
        set_wrong(self, "something follows the closing quote of a cell");
    }
}

/* From inside quotes to behind the next quote, or to the end of the bytes. */
static void
skip_quoted(csv_scan *self, const char *record, size_t size)
{
    const char *from  = record + self->at;
    const char *quote = memchr(from, '"', size - self->at);
    const char *end   = quote != NULL ? quote : record + size;
    const char *feed  = from;
    while (feed < end && (feed = memchr(feed, '\n', (size_t)(end - feed))) != NULL) {
        self->n_feeds++;
        feed++;
    }
    self->has_high = true; /* not looked at: to be checked in any case */
    self->at       = (size_t)(end - record);
    if (quote != NULL) {
        self->mode = CSV_CLOSED;
        self->at++;
    }
}

#ifdef __SSE2__
/* Whole blocks of cells without quotes. True if the record's end was found; else `at` is
 * at a quote, or so near the end of the bytes that they have to be looked at singly. */
static bool
scan_blocks(csv_scan *self, const char *record, size_t size)
{
    const __m128i delimiters = _mm_set1_epi8(self->delimiter);
    const __m128i feeds      = _mm_set1_epi8('\n');
    const __m128i quotes     = _mm_set1_epi8('"');
    for (; size - self->at >= SCAN_BLOCK; self->at += SCAN_BLOCK) {
        __m128i  block = _mm_loadu_si128((const void *)(record + self->at));
        __m128i  found = _mm_or_si128(_mm_cmpeq_epi8(block, delimiters),
             _mm_or_si128(_mm_cmpeq_epi8(block, quotes), _mm_cmpeq_epi8(block, feeds)));
        unsigned stops = (unsigned)_mm_movemask_epi8(found);
        self->has_high |= _mm_movemask_epi8(block) != 0;
        for (; stops != 0; stops &= stops - 1) {
            size_t stop = self->at + (unsigned)__builtin_ctz(stops);
            if (record[stop] == '\n') {
                end_record(self, record, stop, true);
                return true;
            }
            if (record[stop] == '"') {
                self->at = stop;
                return false;
            }
            end_cell(self, stop);
        }
    }
    return false;
}
#else
static bool
scan_blocks(csv_scan *self, const char *record, size_t size)
{
    (void)self, (void)record, (void)size;
    return false;
}
#endif

bool
csv_scan_record(csv_scan *self, const char *record, size_t size, bool is_last)
{
    while (self->at < size) {
        if (self->mode == CSV_QUOTED) {
            skip_quoted(self, record, size);
            continue;
        }
        if (self->mode == CSV_BARE && scan_blocks(self, record, size)) {
            return true;
        }
        if (self->at == size) {
            break;
        }
        if (record[self->at] == '\n') {
            end_record(self, record, self->at, true);
            return true;
        }
        step(self, record[self->at], self->at);
        self->at++;
    }
    if (is_last) {
        end_record(self, record, size, false);
    }
    return is_last;
}
