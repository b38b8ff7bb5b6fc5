#include "csv_header.h"

#include <stdio.h>
#include <stdlib.h>

#include "weiri/numtext.h"

enum { NAME_SHOWN = 32, NAMES_SHOWN = 100, NAME_COMPARED = 40 };

weir_status
csv_header_init(csv_header *self, const weir_schema *schema)
{
    *self              = (csv_header){ .schema = schema, .n_columns = schema->n_fields };
    self->column_field = calloc(CSV_COLUMNS, sizeof *self->column_field);
    self->next_field   = calloc(schema->n_fields + 1, sizeof *self->next_field);
    if (self->column_field == NULL || self->next_field == NULL) {
        csv_header_fini(self);
        return WEIR_ENOMEM;
    }
    for (uint32_t f = 0; f < schema->n_fields; f++) {
        self->column_field[f] = (int32_t)f;
        self->next_field[f]   = -1;
    }
    return WEIR_OK;
}

void
csv_header_fini(csv_header *self)
{
    free(self->column_field);
    free(self->next_field);
    *self = (csv_header){ 0 };
}

size_t
csv_cell_text(const char *cell, size_t size, char *copy, const char **text)
{
    *text = cell;
    if (size < 2 || cell[0] != '"') {
        return size;
    }
    const char *p   = cell + 1;
    const char *end = cell + size - 1;
    *text           = p;
    if (p == end || memchr(p, '"', (size_t)(end - p)) == NULL) {
        return (size_t)(end - p);
    }
    size_t n = 0;
    for (; p < end; p += *p == '"' ? 2 : 1) {
        copy[n++] = *p;
    }
    *text = copy;
    return n;
}

/* The names of a header, unquoted one after another. */
typedef struct csv_names {
    const char **text;  /* shape (n,) */
    size_t      *sizes; /* shape (n,) */
    size_t       n;
    char        *copies;
} csv_names;

static void
names_fini(csv_names *self)
{
    free(self->text);
    free(self->sizes);
    free(self->copies);
}

static weir_status
names_init(csv_names *self, const csv_scan *scan, const char *record)
{
    *self        = (csv_names){ .n = scan->n_cells };
    self->text   = calloc(scan->n_cells, sizeof *self->text);
    self->sizes  = calloc(scan->n_cells, sizeof *self->sizes);
    self->copies = malloc(scan->end + 1);
    if (self->text == NULL || self->sizes == NULL || self->copies == NULL) {
        names_fini(self);
        return WEIR_ENOMEM;
    }
    size_t start = 0;
    for (size_t c = 0; c < scan->n_cells; c++) {
        self->sizes[c] = csv_cell_text(
            record + start, scan->ends[c] - start, self->copies + start, &self->text[c]);
        start = scan->ends[c] + (size_t)1;
    }
    return WEIR_OK;
}

/* Steps from one name to the other: letters changed, added or left out (Wagner and
 * Fischer, "The string-to-string correction problem", 1974). */
static size_t
distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t row[NAME_COMPARED + 1];
    if (a_size > NAME_COMPARED || b_size > NAME_COMPARED) {
        return NAME_COMPARED;
    }
    for (size_t j = 0; j <= b_size; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];
        row[0]          = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            size_t shorter  = row[j] < row[j - 1] ? row[j] : row[j - 1];
            diagonal        = row[j];
            row[j]          = replaced < shorter + 1 ? replaced : shorter + 1;
        }
    }
    return row[b_size];
}

/* The name most like `wanted`, or names->n if none is like it. */
static size_t
nearest(const csv_names *self, const char *wanted)
{
    size_t size  = strlen(wanted);
    size_t best  = self->n;
    size_t least = size / 2 + 1;
    for (size_t c = 0; c < self->n; c++) {
        size_t steps = distance(wanted, size, self->text[c], self->sizes[c]);
        if (steps < least) {
            least = steps;
            best  = c;
        }
    }
    return best;
}

static int
shown(size_t size)
{
    return size < NAME_SHOWN ? (int)size : NAME_SHOWN;
}

static weir_status
fail_missing(const csv_names *self, const char *wanted, weir_error *err)
{
    char   list[NAMES_SHOWN + NAME_SHOWN + 16] = "";
    size_t used                                = 0;
    for (size_t c = 0; c < self->n && used < NAMES_SHOWN; c++) {
        int n = snprintf(list + used, sizeof list - used, "%s'%.*s'", c == 0 ? "" : ", ",
            shown(self->sizes[c]), self->text[c]);
        used += n > 0 ? (size_t)n : 0;
        if (c + 1 < self->n && used >= NAMES_SHOWN) {
            memcpy(list + used, ", \u2026", sizeof ", \u2026");
        }
    }
    size_t like = nearest(self, wanted);
    if (like < self->n) {
        return WEIR_FAIL(err, WEIR_EDATA,
            "the header has no column '%s' (did you mean '%.*s'?); its columns are %s",
            wanted, shown(self->sizes[like]), self->text[like], list);
    }
    return WEIR_FAIL(err, WEIR_EDATA,
        "the header has no column '%s'; its columns are %s; 'from \"NAME\"' after a "
        "field "
        "names another",
        wanted, list);
}

static bool
is_name(const csv_names *self, size_t c, const char *wanted)
{
    size_t size = strlen(wanted);
    return self->sizes[c] == size && memcmp(self->text[c], wanted, size) == 0;
}

static weir_status
find_column(csv_header *self, const csv_names *names, uint32_t field, weir_error *err)
{
    const weir_field *it     = &self->schema->fields[field];
    const char       *wanted = it->from != NULL ? it->from : it->name;
    size_t            found  = names->n;
    for (size_t c = 0; c < names->n; c++) {
        if (!is_name(names, c, wanted)) {
            continue;
        }
        if (found < names->n) {
            return WEIR_FAIL(
                err, WEIR_EDATA, "the header has more than one column '%s'", wanted);
        }
        found = c;
    }
    if (found == names->n) {
        return fail_missing(names, wanted, err);
    }
    int32_t *link = &self->column_field[found];
    while (*link >= 0) {
        link = &self->next_field[*link];
    }
    *link                   = (int32_t)field;
    self->next_field[field] = -1;
    return WEIR_OK;
}

weir_status
csv_header_read(
    csv_header *self, const csv_scan *scan, const char *record, weir_error *err)
{
    if (scan->error != NULL) {
        return WEIR_FAIL(err, WEIR_EDATA, "the header is wrong: %s", scan->error);
    }
    if (scan->n_cells > CSV_COLUMNS) {
        return WEIR_FAIL(
            err, WEIR_EDATA, "the header has more than %d columns", CSV_COLUMNS);
    }
    if (!weiri_utf8_is_valid(record, scan->end)) {
        return WEIR_FAIL(err, WEIR_EDATA, "the header is not UTF-8");
    }
    csv_names names;
    if (names_init(&names, scan, record) != WEIR_OK) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "CSV decoder: out of memory");
    }
    self->n_columns = scan->n_cells;
    for (size_t c = 0; c < self->n_columns; c++) {
        self->column_field[c] = -1;
    }
    weir_status status = WEIR_OK;
    for (uint32_t f = 0; status == WEIR_OK && f < self->schema->n_fields; f++) {
        status = find_column(self, &names, f, err);
    }
    names_fini(&names);
    return status;
}

void
csv_header_save(const csv_header *self, weiri_pack *out)
{
    weiri_pack_number(out, self->n_columns);
    for (size_t c = 0; c < self->n_columns; c++) {
        weiri_pack_signed(out, self->column_field[c]);
    }
    for (uint32_t f = 0; f < self->schema->n_fields; f++) {
        weiri_pack_signed(out, self->next_field[f]);
    }
}

static int32_t
load_field(const csv_header *self, weiri_unpack *in)
{
    int64_t field = weiri_unpack_signed(in);
    if (field < -1 || field >= (int64_t)self->schema->n_fields) {
        weiri_unpack_fail(in, "it is no field");
        return -1;
    }
    return (int32_t)field;
}

/* A loop among the fields of a column would be followed for ever. */
static void
check_chains(const csv_header *self, weiri_unpack *in)
{
    for (uint32_t f = 0; f < self->schema->n_fields; f++) {
        if (self->next_field[f] >= 0 && self->next_field[f] <= (int32_t)f) {
            weiri_unpack_fail(in, "fields of a column are in no order");
        }
    }
}

void
csv_header_load(csv_header *self, weiri_unpack *in)
{
    self->n_columns = weiri_unpack_below(in, CSV_COLUMNS + 1, "it has too many columns");
    for (size_t c = 0; c < self->n_columns; c++) {
        self->column_field[c] = load_field(self, in);
    }
    for (uint32_t f = 0; f < self->schema->n_fields; f++) {
        self->next_field[f] = load_field(self, in);
    }
    check_chains(self, in);
}
