/* The rules of CSV decoding for string fields, the last of which may be null, written
 * down as simply as they can be.
 */
#ifndef NAIVE_CSV_H
#define NAIVE_CSV_H

typedef struct naive_csv {
    const char  *bytes;
    size_t       size;
    size_t       at;
    weiri_buffer row;
    size_t       n_cells;
    bool         is_wrong;
} naive_csv;

/* A line's end at hand: 0 none, else its size. A carriage return counts before a line
 * feed and at the very end. */
static inline size_t
naive_csv_line_end(const naive_csv *self)
{
    size_t n_left = self->size - self->at;
    char   c      = n_left > 0 ? self->bytes[self->at] : '\0';
    if (n_left > 0 && c == '\n') {
        return 1;
    }
    bool is_return = n_left > 0 && c == '\r';
    if (is_return && n_left == 1) {
        return 1;
    }
    return is_return && self->bytes[self->at + 1] == '\n' ? 2 : 0;
}

static inline bool
naive_csv_is_cell_end(const naive_csv *self)
{
    return self->at == self->size || self->bytes[self->at] == ','
           || naive_csv_line_end(self) > 0;
}

static inline void
naive_csv_quoted(naive_csv *self, weiri_buffer *cell)
{
    self->at++;
    for (;;) {
        if (self->at == self->size) {
            self->is_wrong = true;
            return;
        }
        if (self->bytes[self->at] == '"') {
            self->at++;
            if (self->at == self->size || self->bytes[self->at] != '"') {
                break;
            }
        }
        decode_dump_put(cell, self->bytes + self->at, 1);
        self->at++;
    }
    self->is_wrong = self->is_wrong || !naive_csv_is_cell_end(self);
}

static inline void
naive_csv_cell(naive_csv *self, size_t n_fields)
{
    weiri_buffer cell = { 0 };
    decode_dump_text(&cell, "");
    if (self->at < self->size && self->bytes[self->at] == '"') {
        naive_csv_quoted(self, &cell);
    }
    while (!self->is_wrong && !naive_csv_is_cell_end(self)) {
        self->is_wrong = self->bytes[self->at] == '"';
        decode_dump_put(&cell, self->bytes + self->at, 1);
        self->at++;
    }
    while (self->is_wrong && self->at < self->size && self->bytes[self->at] != '\n') {
        self->at++; /* the rest of the line is lost */
    }
    bool is_null = cell.used == 0 && self->n_cells + 1 == n_fields;
    decode_dump_text(&self->row, self->n_cells > 0 ? "|" : "");
    decode_dump_text(&self->row, is_null ? "null" : "\"");
    decode_dump_put(&self->row, cell.bytes, cell.used);
    decode_dump_text(&self->row, is_null ? "" : "\"");
    self->n_cells++;
    weiri_buffer_fini(&cell);
}

static inline void
naive_csv_records(
    weiri_buffer *out, size_t *n_dead, size_t n_fields, const char *bytes, size_t size)
{
    naive_csv self = { .bytes = bytes, .size = size };
    if (size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) {
        self.at = 3;
    }
    while (self.at < self.size) {
        size_t start  = self.at;
        self.row.used = 0;
        self.n_cells  = 0;
        self.is_wrong = false;
        bool is_blank = naive_csv_line_end(&self) > 0;
        while (naive_csv_cell(&self, n_fields),
            self.at < self.size && bytes[self.at] == ',') {
            self.at++;
        }
        bool is_ok = !self.is_wrong && self.n_cells == n_fields
                     && weiri_utf8_is_valid(bytes + start, self.at - start);
        decode_dump_text(&self.row, "\n");
        if (!is_blank && is_ok) {
            decode_dump_put(out, self.row.bytes, self.row.used);
        }
        *n_dead += is_blank || is_ok ? 0 : 1;
        self.at += naive_csv_line_end(&self);
    }
    weiri_buffer_fini(&self.row);
}

#endif
