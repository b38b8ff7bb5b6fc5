/* What does not go on with the others: late events and records that cannot be decoded,
 * each in a stream of its own. */
#include <stdlib.h>
#include <string.h>

#include "inside.h"
#include "weiri/assert.h"
#include "weiri/numtext.h"

/* Make room for one more row in a side chunk, handing a full one on. */
static bool
open_side(
    weiri_intake *self, weir_chunk **side, const weiri_stream *stream, weiri_merge *to)
{
    if (*side != NULL && (*side)->n_rows == (*side)->capacity
        && weiri_merge_push(to, side) != WEIR_OK) {
        weiri_intake_fail(
            self, WEIR_EFULL, "too many late or dead events wait for the watermark");
        return false;
    }
    if (*side == NULL && weir_chunk_new(&stream->schema, stream->used, side) != WEIR_OK) {
        weiri_intake_fail(self, WEIR_ENOMEM, weir_status_text(WEIR_ENOMEM));
        return false;
    }
    return true;
}

/* Store a row by `set`; if the heap is full, hand the chunk on and try once more. */
typedef weir_status (*set_row_fn)(weiri_intake *self, weir_chunk *to, const void *what);

static void
add_side_row(weiri_intake *self, weir_chunk **side, const weiri_stream *stream,
    weiri_merge *to, uint64_t *order, set_row_fn set, const void *what)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        if (!open_side(self, side, stream, to)) {
            return;
        }
        weir_chunk *chunk     = *side;
        uint32_t    heap_used = chunk->heap_used;
        weir_status status    = set(self, chunk, what);
        if (status == WEIR_OK) {
            chunk->time[chunk->n_rows]  = self->clock.now_ns;
            chunk->order[chunk->n_rows] = weiri_intake_first_order(self) + (*order)++;
            chunk->n_rows++;
            return;
        }
        chunk->heap_used = heap_used;
        if (status != WEIR_EFULL || weiri_merge_push(to, side) != WEIR_OK) {
            weiri_intake_fail(self, status, weir_status_text(status));
            return;
        }
    }
}

static weir_status
set_late_row(weiri_intake *self, weir_chunk *to, const void *what)
{
    uint32_t row         = *(const uint32_t *)what;
    int32_t  time_field  = self->chunk->schema->time_field;
    uint32_t original_at = self->chunk->schema->n_fields; /* the field after those */
    for (uint32_t i = 0; i < original_at; i++) {
        weir_value value = weir_chunk_get(self->chunk, row, i);
        if ((int32_t)i == time_field) {
            value = (weir_value){ .type = WEIR_TIME, .as.i = self->clock.now_ns };
        }
        weir_status status = weir_chunk_set(to, to->n_rows, i, &value);
        if (status != WEIR_OK) {
            return status;
        }
    }
    weir_value original = { .type = WEIR_TIME, .as.i = self->chunk->time[row] };
    return weir_chunk_set(to, to->n_rows, original_at, &original);
}

void
weiri_intake_add_late(weiri_intake *self, uint32_t row)
{
    if (self->config.late != NULL) {
        add_side_row(self, &self->late, self->config.late, self->config.late_to,
            &self->late_order, set_late_row, &row);
    }
}

/* RFC 4648 base64; `out` has room for 4 * ceil(size / 3). Returns the size. */
static uint32_t
encode_base64(const char *bytes, size_t size, char *out)
{
    static const char DIGITS[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    enum { PADDING = 64 };
    char *end = out;
    for (size_t i = 0; i < size; i += 3) {
        size_t   left  = size - i;
        uint32_t group = (uint32_t)(unsigned char)bytes[i] << 16;
        group |= left > 1 ? (uint32_t)(unsigned char)bytes[i + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)(unsigned char)bytes[i + 2] : 0;
        *end++ = DIGITS[group >> 18];
        *end++ = DIGITS[group >> 12 & 63];
        *end++ = DIGITS[left > 1 ? group >> 6 & 63 : PADDING];
        *end++ = DIGITS[left > 2 ? group & 63 : PADDING];
    }
    return (uint32_t)(end - out);
}

static weir_value
text_value(const char *text, size_t size)
{
    return (weir_value){ .type = WEIR_STRING, .as.s = text, .size = (uint32_t)size };
}

/* The record's bytes as they are, or as base64 made in `scratch`, which the caller frees.
 */
static weir_status
raw_value(const weiri_dead_record *record, bool is_text, char **scratch, weir_value *out)
{
    if (is_text) {
        *out = text_value(record->raw, record->size);
        return WEIR_OK;
    }
    *scratch = malloc((record->size + 2) / 3 * 4 + 1);
    if (*scratch == NULL) {
        return WEIR_ENOMEM;
    }
    *out = text_value(*scratch, encode_base64(record->raw, record->size, *scratch));
    return WEIR_OK;
}

static weir_status
set_dead_row(weiri_intake *self, weir_chunk *to, const void *what)
{
    const weiri_dead_record *record   = what;
    bool                     is_text  = weiri_utf8_is_valid(record->raw, record->size);
    const char              *encoding = is_text ? "utf-8" : "base64";
    const char              *path     = self->config.path;
    const char              *source   = strcmp(path, "-") == 0 ? "stdin" : path;
    char                    *scratch  = NULL;
    weir_value               raw      = { 0 };
    weir_status              status   = raw_value(record, is_text, &scratch, &raw);
    if (status != WEIR_OK) {
        return status;
    }
    enum {
#define X(name, text, type) FIELD_##name,
        WEIRI_DEAD_FIELD_LIST(X)
#undef X
            N_FIELDS
    };
    const weir_value values[N_FIELDS] = {
        [FIELD_AT]       = { .type = WEIR_TIME, .as.i = self->clock.now_ns },
        [FIELD_SOURCE]   = text_value(source, strlen(source)),
        [FIELD_POSITION] = { .type = WEIR_INT, .as.i = (int64_t)record->position },
        [FIELD_LINE]     = { .type = WEIR_INT, .as.i = (int64_t)record->line },
        [FIELD_REASON]   = text_value(record->reason, strlen(record->reason)),
        [FIELD_RAW]      = raw,
        [FIELD_ENCODING] = text_value(encoding, strlen(encoding)),
    };
    for (uint32_t i = 0; i < N_FIELDS && status == WEIR_OK; i++) {
        status = weir_chunk_set(to, to->n_rows, i, &values[i]);
    }
    free(scratch);
    return status;
}

void
weiri_intake_add_dead(weiri_intake *self, const weiri_dead_record *record)
{
    if (self->config.dead != NULL) {
        add_side_row(self, &self->dead, self->config.dead, self->config.dead_to,
            &self->dead_order, set_dead_row, record);
    }
}

void
weiri_intake_stamp_early_dead(weiri_intake *self, int64_t time_ns)
{
    weir_chunk *dead = self->dead;
    for (uint32_t i = 0; dead != NULL && i < dead->n_rows; i++) {
        if (dead->time[i] == INT64_MIN) {
            weir_value at      = { .type = WEIR_TIME, .as.i = time_ns };
            dead->time[i]      = time_ns;
            weir_status status = weir_chunk_set(dead, i, 0, &at);
            weiri_assert(status == WEIR_OK); /* a time needs no room */
        }
    }
}
