#include "weiri/columns.h"

#include <math.h>
#include <string.h>

#include "weiri/limits.h"
#include "weiri/numtext.h"
#include "weiri/rows_pack.h"

enum { WORD = 8, SIZE = 4 };

/* What stands before a column. */
enum kind {
    KIND_FULL,
    KIND_NULLS,
    KIND_TIME, /* of times: the same as those of the rows, and not there again */
};

/* ---- cells ---- */

static bool
is_text(weir_type type)
{
    return type == WEIR_STRING || type == WEIR_LIST;
}

static size_t
cell_width(weir_type type)
{
    return type == WEIR_BOOL ? 1 : is_text(type) ? SIZE : WORD;
}

static size_t
bits_size(uint32_t n_rows)
{
    return (n_rows + 7) / 8;
}

/* Between the machine's words and little-endian ones, `n` of them. */
static void
copy_words(void *to, const void *from, size_t n)
{
    memcpy(to, from, n * WORD);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    for (size_t i = 0; i < n; i++) {
        uint64_t word;
        memcpy(&word, (char *)to + i * WORD, WORD);
        word = __builtin_bswap64(word);
        memcpy((char *)to + i * WORD, &word, WORD);
    }
#endif
}

static uint64_t
word_at(const uint8_t *bytes)
{
    uint64_t word;
    copy_words(&word, bytes, 1);
    return word;
}

static uint32_t
size_at(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16
           | (uint32_t)bytes[3] << 24;
}

static bool
bit_at(const uint8_t *bits, uint32_t row)
{
    return (bits[row / 8] >> row % 8 & 1) != 0;
}

/* ---- writing ---- */

static size_t
row_texts(const weir_chunk *chunk, uint32_t row)
{
    size_t size = 0;
    for (uint32_t f = 0; f < chunk->schema->n_fields; f++) {
        if (is_text((weir_type)chunk->columns[f].type)) {
            size += chunk->columns[f].as.s[row].size;
        }
    }
    return size;
}

uint32_t
weiri_columns_fit(weir_rows rows, size_t most, size_t *size)
{
    const weir_schema *schema = rows.chunk->schema;
    size_t             row    = WORD;
    size_t             fixed  = WORD;
    for (uint32_t f = 0; f < schema->n_fields; f++) {
        row += cell_width((weir_type)schema->fields[f].type);
        fixed += 1 + bits_size(rows.n);
    }
    *size      = fixed;
    uint32_t n = 0;
    for (; n < rows.n && n < WEIRI_CHUNK_ROWS; n++) {
        size_t next = *size + row + row_texts(rows.chunk, rows.first + n);
        if (n > 0 && next > most) {
            break;
        }
        *size = next;
    }
    return n;
}

static bool
is_time_again(weir_rows rows, const weir_column *column)
{
    return column->type == WEIR_TIME
           && memcmp(column->as.i + rows.first, rows.chunk->time + rows.first,
                  rows.n * sizeof(int64_t))
                  == 0;
}

static bool
has_nulls(weir_rows rows, const weir_column *column)
{
    return column->has_nulls && memchr(column->nulls + rows.first, 1, rows.n) != NULL;
}

static void
write_nulls(weir_rows rows, const weir_column *column, weiri_pack *out)
{
    uint8_t bits[(WEIRI_CHUNK_ROWS + 7) / 8] = { 0 };
    for (uint32_t i = 0; i < rows.n; i++) {
        bits[i / 8] |= (uint8_t)((column->nulls[rows.first + i] != 0) << i % 8);
    }
    weiri_pack_bytes(out, bits, bits_size(rows.n));
}

static void
write_texts(weir_rows rows, const weir_column *column, weiri_pack *out)
{
    uint8_t          sizes[WEIRI_CHUNK_ROWS * SIZE] = { 0 };
    const weir_text *texts                          = column->as.s + rows.first;
    for (uint32_t i = 0; i < rows.n; i++) {
        for (uint32_t b = 0; b < SIZE; b++) {
            sizes[i * SIZE + b] = (uint8_t)(texts[i].size >> 8 * b);
        }
    }
    weiri_pack_bytes(out, sizes, (size_t)rows.n * SIZE);
    for (uint32_t i = 0; i < rows.n; i++) {
        if (texts[i].size > 0) {
            weiri_pack_bytes(out, rows.chunk->heap + texts[i].offset, texts[i].size);
        }
    }
}

static void
write_words(const void *words, uint32_t n, weiri_pack *out)
{
    uint64_t copy[WEIRI_CHUNK_ROWS];
    copy_words(copy, words, n);
    weiri_pack_bytes(out, copy, (size_t)n * WORD);
}

static void
write_column(weir_rows rows, const weir_column *column, weiri_pack *out)
{
    bool    with_nulls = has_nulls(rows, column);
    uint8_t kind       = with_nulls ? KIND_NULLS : KIND_FULL;
    if (!with_nulls && is_time_again(rows, column)) {
        kind = KIND_TIME;
    }
    weiri_pack_bytes(out, &kind, 1);
    if (kind == KIND_TIME) {
        return;
    }
    if (with_nulls) {
        write_nulls(rows, column, out);
    }
    if (column->type == WEIR_BOOL) {
        weiri_pack_bytes(out, column->as.b + rows.first, rows.n);
    } else if (is_text((weir_type)column->type)) {
        write_texts(rows, column, out);
    } else {
        write_words(column->as.i + rows.first, rows.n, out);
    }
}

void
weiri_columns_write(weir_rows rows, weiri_pack *out)
{
    const weir_chunk *chunk = rows.chunk;
    weiri_pack_fixed(out, weiri_schema_hash(chunk->schema));
    write_words(chunk->time + rows.first, rows.n, out);
    for (uint32_t f = 0; f < chunk->schema->n_fields; f++) {
        write_column(rows, &chunk->columns[f], out);
    }
}

/* ---- checking ---- */

/* A column of bytes that are not trusted. */
struct cells {
    const uint8_t *nulls; /* NULL: none is null */
    const uint8_t *cells;
    const uint8_t *texts;
};

static const char *
check_nulls(const uint8_t *nulls, uint32_t n_rows, const weir_field *field)
{
    if (!field->is_nullable) {
        return "a null where none may be";
    }
    return n_rows % 8 != 0 && nulls[n_rows / 8] >> n_rows % 8 != 0 ? "a null of no row"
                                                                   : NULL;
}

static const char *
check_texts(const struct cells *cells, uint32_t n_rows, weiri_unpack *in)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < n_rows; i++) {
        total += size_at(cells->cells + (size_t)i * SIZE);
    }
    const uint8_t *texts = weiri_unpack_bytes(in, (size_t)total);
    if (texts == NULL || total > WEIRI_CHUNK_HEAP) {
        return "texts that are cut";
    }
    if (!weiri_utf8_is_valid((const char *)texts, (size_t)total)) {
        return "a text that is not UTF-8";
    }
    size_t at = 0;
    for (uint32_t i = 0; i < n_rows; i++) { /* no character lies in two texts */
        uint32_t size = size_at(cells->cells + (size_t)i * SIZE);
        if (size > 0 && (texts[at] & 0xC0) == 0x80) {
            return "a text that is not UTF-8";
        }
        at += size;
    }
    return NULL;
}

static const char *
check_words(const struct cells *cells, uint32_t n_rows, weir_type type)
{
    if (type != WEIR_FLOAT) {
        return NULL;
    }
    for (uint32_t i = 0; i < n_rows; i++) {
        uint64_t word = word_at(cells->cells + (size_t)i * WORD);
        double   value;
        memcpy(&value, &word, sizeof value);
        if (!isfinite(value)) {
            return "a float that is not finite";
        }
    }
    return NULL;
}

static const char *
check_bools(const struct cells *cells, uint32_t n_rows)
{
    uint8_t all = 0;
    for (uint32_t i = 0; i < n_rows; i++) {
        all |= cells->cells[i];
    }
    return all > 1 ? "a bool that is none" : NULL;
}

/* Cells that are null are zero, so that rows have one form. */
static const char *
check_null_cells(const struct cells *cells, uint32_t n_rows, size_t width)
{
    static const uint8_t ZERO[WORD] = { 0 };
    for (uint32_t i = 0; i < n_rows; i++) {
        if (bit_at(cells->nulls, i)
            && memcmp(cells->cells + i * width, ZERO, width) != 0) {
            return "a null that has a value";
        }
    }
    return NULL;
}

static const char *
check_column(const weir_field *field, uint32_t n_rows, weiri_unpack *in)
{
    weir_type      type  = (weir_type)field->type;
    size_t         width = cell_width(type);
    const uint8_t *kind  = weiri_unpack_bytes(in, 1);
    struct cells   cells = { 0 };
    if (kind == NULL || *kind > KIND_TIME || (*kind == KIND_TIME && type != WEIR_TIME)) {
        return "a column of no kind";
    }
    if (*kind == KIND_TIME) {
        return NULL;
    }
    cells.nulls = *kind == KIND_NULLS ? weiri_unpack_bytes(in, bits_size(n_rows)) : NULL;
    cells.cells = weiri_unpack_bytes(in, width * n_rows);
    if (in->wrong != NULL || cells.cells == NULL) {
        return "a column that is cut";
    }
    const char *wrong = NULL;
    if (cells.nulls != NULL) {
        wrong = check_nulls(cells.nulls, n_rows, field);
        wrong = wrong == NULL ? check_null_cells(&cells, n_rows, width) : wrong;
    }
    if (wrong != NULL) {
        return wrong;
    }
    if (is_text(type)) {
        return check_texts(&cells, n_rows, in);
    }
    return type == WEIR_BOOL ? check_bools(&cells, n_rows)
                             : check_words(&cells, n_rows, type);
}

static const char *
check_times(const uint8_t *times, uint32_t n_rows)
{
    int64_t before = INT64_MIN + 1; /* the ends of the range mean something else */
    for (uint32_t i = 0; i < n_rows; i++) {
        int64_t time = (int64_t)word_at(times + (size_t)i * WORD);
        if (time < before || time == INT64_MAX) {
            return time < before ? "times that go back" : "a time that is none";
        }
        before = time;
    }
    return NULL;
}

const char *
weiri_columns_check(
    const uint8_t *bytes, size_t size, const weir_schema *schema, uint32_t n_rows)
{
    weiri_unpack in = { .at = bytes, .end = bytes + size };
    if (n_rows == 0 || n_rows > WEIRI_CHUNK_ROWS) {
        return "a number of rows that cannot be";
    }
    if (weiri_unpack_fixed(&in) != weiri_schema_hash(schema)) {
        return "rows of another schema";
    }
    const uint8_t *times = weiri_unpack_bytes(&in, (size_t)n_rows * WORD);
    const char *wrong = times != NULL ? check_times(times, n_rows) : "times that are cut";
    for (uint32_t f = 0; f < schema->n_fields && wrong == NULL; f++) {
        wrong = schema->fields[f].type == WEIR_LIST
                    ? "a list"
                    : check_column(&schema->fields[f], n_rows, &in);
    }
    return wrong == NULL && in.at != in.end ? "bytes behind the rows" : wrong;
}

/* ---- reading ---- */

/* The place of rows in a chunk. */
struct target {
    weir_chunk *chunk;
    uint32_t    n_rows; /* in the bytes */
    uint32_t    skip;
    uint32_t    n; /* that are wanted */
};

static uint64_t
texts_size(const uint8_t *sizes, uint32_t first, uint32_t end)
{
    uint64_t total = 0;
    for (uint32_t i = first; i < end; i++) {
        total += size_at(sizes + (size_t)i * SIZE);
    }
    return total;
}

static weir_status
read_texts(
    const struct target *to, weir_column *column, const uint8_t *sizes, const char *texts)
{
    uint32_t    offset = 0;
    uint64_t    before = texts_size(sizes, 0, to->skip);
    uint64_t    size   = texts_size(sizes, to->skip, to->n_rows);
    weir_status status = weir_chunk_reserve_text(to->chunk, (uint32_t)size, &offset);
    if (status != WEIR_OK) {
        return status;
    }
    if (size > 0) {
        memcpy(to->chunk->heap + offset, texts + before, (size_t)size);
    }
    weir_text *cells = column->as.s + to->chunk->n_rows;
    for (uint32_t i = 0; i < to->n; i++) {
        uint32_t cell = size_at(sizes + (size_t)(to->skip + i) * SIZE);
        cells[i]      = (weir_text){ .offset = offset, .size = cell };
        offset += cell;
    }
    return WEIR_OK;
}

static void
read_nulls(const struct target *to, weir_column *column, const uint8_t *nulls)
{
    uint8_t *cells = column->nulls + to->chunk->n_rows;
    memset(cells, 0, to->n);
    for (uint32_t i = 0; nulls != NULL && i < to->n; i++) {
        cells[i]          = bit_at(nulls, to->skip + i);
        column->has_nulls = column->has_nulls || cells[i] != 0;
    }
}

/* Read a column, or over it where nobody needs it. Returns what is behind it. */
static const uint8_t *
read_column(const struct target *to, weir_column *column, const uint8_t *bytes,
    const uint8_t *times, weir_status *status)
{
    weir_type      type  = (weir_type)column->type;
    size_t         width = cell_width(type);
    uint8_t        kind  = *bytes++;
    const uint8_t *nulls = NULL;
    const uint8_t *cells = times;
    if (kind == KIND_NULLS) {
        nulls = bytes;
        bytes += bits_size(to->n_rows);
    }
    if (kind != KIND_TIME) {
        cells = bytes;
        bytes += width * to->n_rows;
    }
    const char *texts = (const char *)bytes;
    if (is_text(type)) {
        bytes += texts_size(cells, 0, to->n_rows);
    }
    if (!column->is_present) {
        return bytes;
    }
    read_nulls(to, column, nulls);
    if (is_text(type)) {
        *status = read_texts(to, column, cells, texts);
    } else if (type == WEIR_BOOL) {
        memcpy(column->as.b + to->chunk->n_rows, cells + to->skip, to->n);
    } else {
        copy_words(
            column->as.i + to->chunk->n_rows, cells + (size_t)to->skip * WORD, to->n);
    }
    return bytes;
}

weir_status
weiri_columns_read(const uint8_t *bytes, uint32_t n_rows, uint32_t skip, weir_chunk *to)
{
    struct target  target = { to, n_rows, skip, n_rows - skip };
    const uint8_t *times  = bytes + WORD;
    const uint8_t *at     = times + (size_t)n_rows * WORD;
    uint32_t       heap   = to->heap_used;
    weir_status    status = WEIR_OK;
    if (target.n > to->capacity - to->n_rows) {
        return WEIR_EFULL;
    }
    for (uint32_t f = 0; f < to->schema->n_fields && status == WEIR_OK; f++) {
        at = read_column(&target, &to->columns[f], at, times, &status);
    }
    if (status != WEIR_OK) {
        to->heap_used = heap;
        for (uint32_t f = 0; f < to->schema->n_fields; f++) {
            if (to->columns[f].has_nulls) {
                memset(to->columns[f].nulls + to->n_rows, 0, target.n);
            }
        }
        return status;
    }
    copy_words(to->time + to->n_rows, times + (size_t)skip * WORD, target.n);
    to->n_rows += target.n;
    return WEIR_OK;
}
