/* CSV by RFC 4180. A record's end and cells are found first, then its fields are read. */
#include <stdlib.h>

#include "cell.h"
#include "csv_header.h"
#include "decoder_ops.h"
#include "leaf.h"
#include "weiri/limits.h"
#include "weiri/numtext.h"

enum { QUOTED_SHOWN = 100 };

typedef struct csv_decoder {
    csv_header   header;
    field_leaves leaves;
    bool         is_begun;      /* the header is read, or there is none        */
    bool         is_discarding; /* inside a record that was too long           */
    csv_scan     scan;          /* of the record at hand                       */
} csv_decoder;

/* The state of one decode call. */
typedef struct csv_call {
    csv_decoder  *self;
    weiri_decode *decode;
    weir_chunk   *chunk;
    const char   *bytes;
    const char   *end;
    weir_error   *err;
} csv_call;

typedef struct csv_cell {
    const char *text; /* as it stands in the record */
    size_t      size;
} csv_cell;

static void
decode_csv_destroy(void *state)
{
    csv_decoder *self = state;
    if (self != NULL) {
        csv_header_fini(&self->header);
        leaves_fini(&self->leaves);
        free(self);
    }
}

static weir_status
decode_csv_create(const weiri_decoder_config *config, void **state, weir_error *err)
{
    char delimiter = config->delimiter;
    if (delimiter == '"' || delimiter == '\n' || delimiter == '\r' || delimiter == '\0') {
        return WEIR_FAIL(err, WEIR_EINVAL, "this character cannot be a CSV delimiter");
    }
    csv_decoder *self = calloc(1, sizeof *self);
    if (self == NULL || csv_header_init(&self->header, config->schema) != WEIR_OK
        || leaves_init(&self->leaves, config->schema) != WEIR_OK) {
        decode_csv_destroy(self);
        return WEIR_FAIL(err, WEIR_ENOMEM, "CSV decoder: out of memory");
    }
    self->is_begun       = !config->has_header;
    self->scan.delimiter = delimiter;
    csv_scan_reset(&self->scan);
    *state = self;
    return WEIR_OK;
}

static weir_status
store_null(csv_call *call, int32_t field)
{
    weir_value null = { .type = call->chunk->columns[field].type, .is_null = true };
    return weir_chunk_set(call->chunk, call->chunk->n_rows, (uint32_t)field, &null);
}

/* The heap has room: read_row made it. */
static void
store_text(csv_call *call, int32_t field, const csv_cell *cell)
{
    weir_chunk  *chunk  = call->chunk;
    weir_column *column = &chunk->columns[field];
    if (!column->is_present) {
        return;
    }
    char       *place = chunk->heap + chunk->heap_used;
    const char *text  = NULL;
    size_t      size  = csv_cell_text(cell->text, cell->size, place, &text);
    if (text != place && call->end - text >= SCAN_BLOCK && size <= SCAN_BLOCK) {
        memcpy(place, text, SCAN_BLOCK);
    } else if (text != place && size > 0) {
        memcpy(place, text, size);
    }
    column->as.s[chunk->n_rows]  = (weir_text){ chunk->heap_used, (uint32_t)size };
    column->nulls[chunk->n_rows] = 0;
    chunk->heap_used += (uint32_t)size;
}

static void
store_value(csv_call *call, int32_t field, const weir_value *value)
{
    field_leaf *leaf = &call->self->leaves.of[field];
    uint32_t    row  = call->chunk->n_rows;
    leaf->nulls[row] = 0;
    switch ((weir_type)value->type) {
    case WEIR_BOOL: leaf->as.b[row] = value->as.b ? 1 : 0; break;
    case WEIR_FLOAT: leaf->as.f[row] = value->as.f; break;
    case WEIR_INT:
    case WEIR_TIME:
    case WEIR_DURATION: leaf->as.i[row] = value->as.i; break;
    case WEIR_NULL:
    case WEIR_STRING:
    case WEIR_LIST: break;
    }
}

/* A value of a type that is not string, from a cell that is not empty. */
static bool
read_value(const weir_field *field, const csv_cell *cell, weir_value *value)
{
    const char *text = NULL;
    char        copy[WEIRI_REASON_TEXT];
    if (cell->size > sizeof copy && cell->text[0] == '"') {
        return false; /* no number or time is written so */
    }
    size_t size = csv_cell_text(cell->text, cell->size, copy, &text);
    return weiri_cell_from_text(field, text, size, value);
}

/* The cell in quotes, as the other formats show a text. */
static void
reason_value(const csv_call *call, const weir_field *field, const csv_cell *cell)
{
    char   shown[QUOTED_SHOWN + 2] = "\"";
    size_t size                    = cell->size;
    if (cell->text[0] == '"') {
        weiri_decode_reason_value(call->decode, field, cell->text, size);
        return;
    }
    size = size < QUOTED_SHOWN ? size : QUOTED_SHOWN;
    memcpy(shown + 1, cell->text, size);
    shown[1 + size] = '"';
    weiri_decode_reason_value(call->decode, field, shown, size + 2);
}

/* False, with the reason, if the cell says nothing that the field takes. */
static bool
read_field(csv_call *call, int32_t index, const csv_cell *cell)
{
    const weir_schema *schema = call->self->header.schema;
    const weir_field  *field  = &schema->fields[index];
    bool is_empty = cell->size == 0 || (cell->size == 2 && cell->text[0] == '"');
    if (is_empty && field->is_nullable && index != schema->time_field) {
        return store_null(call, index) == WEIR_OK;
    }
    if (field->type == WEIR_STRING) {
        store_text(call, index, cell);
        return true;
    }
    if (is_empty) {
        weiri_decode_reason(call->decode, "field '%s' is empty", field->name);
        return false;
    }
    weir_value value = { 0 };
    if (!read_value(field, cell, &value)) {
        reason_value(call, field, cell);
        return false;
    }
    store_value(call, index, &value);
    return true;
}

/* All fields of a column: a text is stored once, so that a record never takes more of the
 * heap than it has bytes. */
static bool
read_column(csv_call *call, int32_t first, const csv_cell *cell)
{
    const int32_t *next   = call->self->header.next_field;
    uint32_t       row    = call->chunk->n_rows;
    weir_column   *stored = NULL;
    for (int32_t f = first; f >= 0; f = next[f]) {
        weir_column *column = &call->chunk->columns[f];
        bool         is_text =
            cell->size > 2 && column->type == WEIR_STRING && column->is_present;
        if (is_text && stored != NULL) {
            column->as.s[row]  = stored->as.s[row];
            column->nulls[row] = 0;
            continue;
        }
        if (!read_field(call, f, cell)) {
            return false;
        }
        stored = is_text ? column : stored;
    }
    return true;
}

static bool
check_record(const csv_call *call, const char *record)
{
    const csv_scan *scan     = &call->self->scan;
    size_t          n_wanted = call->self->header.n_columns;
    if (scan->error != NULL) {
        weiri_decode_reason(call->decode, "%s", scan->error);
        return false;
    }
    if (scan->n_cells != n_wanted) {
        weiri_decode_reason(call->decode, "%zu cell%s, not %zu", scan->n_cells,
            scan->n_cells == 1 ? "" : "s", n_wanted);
        return false;
    }
    if (scan->has_high && !weiri_utf8_is_valid(record, scan->end)) {
        weiri_decode_reason(call->decode, "not UTF-8");
        return false;
    }
    return true;
}

static bool
take_bool(field_leaf *leaf, uint32_t row, const csv_cell *cell)
{
    bool is_true    = cell->size == 4 && memcmp(cell->text, "true", 4) == 0;
    bool is_false   = cell->size == 5 && memcmp(cell->text, "false", 5) == 0;
    leaf->as.b[row] = is_true ? 1 : 0;
    return is_true || is_false;
}

static inline bool
take_string(csv_call *call, field_leaf *leaf, uint32_t row, const csv_cell *cell)
{
    weir_chunk *chunk = call->chunk;
    char       *place = chunk->heap + chunk->heap_used;
    if (leaf->as.s == NULL) {
        return true;
    }
    if (cell->size <= SCAN_BLOCK) {
        memcpy(place, cell->text, SCAN_BLOCK);
    } else {
        memcpy(place, cell->text, cell->size);
    }
    leaf->as.s[row] = (weir_text){ chunk->heap_used, (uint32_t)cell->size };
    chunk->heap_used += (uint32_t)cell->size;
    return true;
}

static inline bool
take_time(field_leaf *leaf, uint32_t row, const csv_cell *cell)
{
    int64_t *ns = &leaf->as.i[row];
    return time_memo_recall(&leaf->memo, cell->text, cell->size, ns)
           || time_memo_read(&leaf->memo, cell->text, cell->size, ns);
}

/* A cell as it nearly always is: not empty, without quotes, written plainly, and so far
 * from the end of the bytes that a scan may read past it. False: it is otherwise, or
 * wrong; read_column finds out and stores its value over this one. */
static inline bool
take_plain(csv_call *call, int32_t field, const csv_cell *cell)
{
    field_leaf *leaf        = &call->self->leaves.of[field];
    uint32_t    row         = call->chunk->n_rows;
    const char *end         = cell->text + cell->size;
    bool        is_near_end = call->end - cell->text < SCAN_PAD;
    if (is_near_end || cell->size == 0 || cell->text[0] == '"'
        || call->self->header.next_field[field] >= 0) {
        return false;
    }
    leaf->nulls[row] = 0;
    switch (leaf->kind) {
    case LEAF_OTHER: return false;
    case LEAF_INT: return scan_int(cell->text, &leaf->as.i[row]) == end;
    case LEAF_FLOAT: return scan_float(cell->text, &leaf->as.f[row]) == end;
    case LEAF_BOOL: return take_bool(leaf, row, cell);
    case LEAF_STRING: return take_string(call, leaf, row, cell);
    case LEAF_TEXT_TIME: return take_time(leaf, row, cell);
    case LEAF_COUNT_TIME:
        return scan_int(cell->text, &leaf->as.i[row]) == end
               && !__builtin_mul_overflow(
                   leaf->as.i[row], leaf->unit_ns, &leaf->as.i[row]);
    }
    return false;
}

static bool
read_cells(csv_call *call, const char *record)
{
    const csv_scan   *scan   = &call->self->scan;
    const csv_header *header = &call->self->header;
    size_t            start  = 0;
    for (size_t c = 0; c < header->n_columns; c++) {
        int32_t  field = header->column_field[c];
        csv_cell cell  = { record + start, scan->ends[c] - start };
        if (field >= 0 && !take_plain(call, field, &cell)
            && !read_column(call, field, &cell)) {
            return false;
        }
        start = scan->ends[c] + (size_t)1;
    }
    return true;
}

static bool
has_room(weir_chunk *chunk, size_t size, weir_status *status)
{
    uint32_t offset = 0;
    if (chunk->heap_size - chunk->heap_used >= size + SCAN_BLOCK) {
        return true;
    }
    *status = weir_chunk_reserve_text(chunk, (uint32_t)size + SCAN_BLOCK, &offset);
    if (*status != WEIR_OK) {
        return false;
    }
    chunk->heap_used = offset;
    return true;
}

/* Read a whole record that is not too long. errors  WEIR_EFULL, WEIR_ENOMEM: untouched */
static weir_status
read_row(csv_call *call, const char *record)
{
    const csv_scan *scan      = &call->self->scan;
    weir_chunk     *chunk     = call->chunk;
    uint32_t        heap_used = chunk->heap_used;
    weir_status     status    = WEIR_OK;
    if (!check_record(call, record)) {
        weiri_decode_dead(
            call->decode, (size_t)(record - call->bytes), record, scan->end);
        return WEIR_OK;
    }
    if (!has_room(chunk, scan->end, &status)) {
        return status;
    }
    if (!read_cells(call, record)) {
        weiri_decode_roll_back(chunk, heap_used);
        weiri_decode_dead(
            call->decode, (size_t)(record - call->bytes), record, scan->end);
        return WEIR_OK;
    }
    leaves_append(&call->self->leaves, chunk);
    return WEIR_OK;
}

/* A header cannot be too long: nothing after it could be read. */
static weir_status
dead_too_long(const csv_call *call, const char *record)
{
    if (!call->self->is_begun) {
        return WEIR_FAIL(call->err, WEIR_EDATA, "the header is longer than %d bytes",
            WEIRI_RECORD_BYTES);
    }
    weiri_decode_reason(
        call->decode, "longer than the %d bytes a record may have", WEIRI_RECORD_BYTES);
    weiri_decode_dead(
        call->decode, (size_t)(record - call->bytes), record, WEIRI_RECORD_BYTES);
    return WEIR_OK;
}

/* What to do with a record whose end is found. */
static weir_status
take_record(csv_call *call, const char *record)
{
    csv_decoder *self     = call->self;
    bool         is_blank = self->scan.end == 0 && self->scan.n_cells == 1;
    if (self->is_discarding || is_blank) {
        self->is_discarding = false;
        return WEIR_OK;
    }
    if (self->scan.end > WEIRI_RECORD_BYTES) {
        return dead_too_long(call, record);
    }
    if (!self->is_begun) {
        weir_status status =
            csv_header_read(&self->header, &self->scan, record, call->err);
        self->is_begun = status == WEIR_OK;
        return status;
    }
    if (call->chunk->n_rows == call->chunk->capacity) {
        return WEIR_EFULL;
    }
    return read_row(call, record);
}

/* What to do with the beginning of a record whose end has not come. */
static weir_status
leave_rest(const csv_call *call, const char **p)
{
    csv_decoder *self   = call->self;
    size_t       n_left = (size_t)(call->end - *p);
    if (!self->is_discarding) {
        if (n_left <= WEIRI_RECORD_BYTES + 1) { /* a carriage return does not count */
            return WEIR_OK;
        }
        weir_status status = dead_too_long(call, *p);
        if (status != WEIR_OK) {
            return status;
        }
        self->is_discarding = true;
    }
    csv_scan_rebase(&self->scan);
    *p = call->end;
    return WEIR_OK;
}

static weir_status
read_records(csv_call *call, bool is_last, const char **p)
{
    csv_scan *scan = &call->self->scan;
    while (*p < call->end) {
        size_t size = (size_t)(call->end - *p);
        if (!csv_scan_record(scan, *p, size, is_last)) {
            return leave_rest(call, p);
        }
        weir_status status = take_record(call, *p);
        if (status == WEIR_EFULL || status == WEIR_ENOMEM) {
            csv_scan_reset(scan);
        }
        if (status != WEIR_OK) {
            return status;
        }
        *p += scan->at;
        call->decode->line += scan->n_feeds;
        csv_scan_reset(scan);
    }
    return WEIR_OK;
}

/* NOLINTBEGIN(readability-function-size): the parameters of weiri_decoder_decode */
static weir_status
decode_csv(void *state, weiri_decode *decode, const char *bytes, size_t size,
    bool is_last, weir_chunk *chunk, size_t *consumed, weir_error *err)
{
    csv_call    call = { .self = state,
           .decode             = decode,
           .chunk              = chunk,
           .bytes              = bytes,
           .end                = bytes + size,
           .err                = err };
    const char *p    = bytes;
    leaves_bind(&call.self->leaves, chunk);
    weir_status status = read_records(&call, is_last, &p);
    if (status == WEIR_ENOMEM) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "CSV decoder: out of memory");
    }
    *consumed = (size_t)(p - bytes);
    return status;
}
/* NOLINTEND(readability-function-size) */

static void
decode_csv_save(const void *state, weiri_pack *out)
{
    const csv_decoder *self = state;
    weiri_pack_number(out, self->is_begun);
    weiri_pack_number(out, self->is_discarding);
    csv_header_save(&self->header, out);
}

static void
decode_csv_load(void *state, weiri_unpack *in)
{
    csv_decoder *self   = state;
    self->is_begun      = weiri_unpack_below(in, 2, "it is no flag") != 0;
    self->is_discarding = weiri_unpack_below(in, 2, "it is no flag") != 0;
    csv_header_load(&self->header, in);
}

const weiri_decoder_ops WEIRI_DECODE_CSV = {
    .create  = decode_csv_create,
    .destroy = decode_csv_destroy,
    .decode  = decode_csv,
    .save    = decode_csv_save,
    .load    = decode_csv_load,
};
