/* Run a decoder over bytes cut in any way and write down all it says, as one text.
 *
 * A row is a line of values joined by '|': strings in quotes, times and durations in ns.
 * Then come the dead records, "! line L at P after N rows: reason [raw]", then an error
 * of the whole, "error: text".
 */
#ifndef DECODE_DUMP_H
#define DECODE_DUMP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "weiri/assert.h"
#include "weiri/codec.h"
#include "weiri/numtext.h"

/* How many bytes the next piece has, at least 1. */
typedef size_t (*decode_cut)(void *context);

static inline size_t
decode_cut_whole(void *context)
{
    (void)context;
    return SIZE_MAX;
}

static inline size_t
decode_cut_bytes(void *context)
{
    (void)context;
    return 1;
}

/* context: uint64_t seed */
static inline size_t
decode_cut_random(void *context)
{
    uint64_t r = next_random(context);
    return 1 + (size_t)(r >> 32) % (r % 3 == 0 ? 200 : 9);
}

static inline void
decode_dump_put(weiri_buffer *out, const char *bytes, size_t size)
{
    weir_status status = weiri_buffer_reserve(out, size + 1);
    weiri_assert(status == WEIR_OK);
    if (size > 0) {
        memcpy(out->bytes + out->used, bytes, size);
    }
    out->used += size;
    out->bytes[out->used] = '\0';
}

static inline void
decode_dump_text(weiri_buffer *out, const char *text)
{
    decode_dump_put(out, text, strlen(text));
}

static inline void
decode_dump_value(weiri_buffer *out, const weir_value *value)
{
    char text[WEIRI_FLOAT_TEXT + WEIRI_INT_TEXT];
    if (value->is_null) {
        decode_dump_text(out, "null");
    } else if (value->type == WEIR_STRING) {
        decode_dump_text(out, "\"");
        decode_dump_put(out, value->as.s, value->size);
        decode_dump_text(out, "\"");
    } else if (value->type == WEIR_BOOL) {
        decode_dump_text(out, value->as.b ? "true" : "false");
    } else if (value->type == WEIR_FLOAT) {
        decode_dump_put(out, text, weiri_float_format(value->as.f, text));
    } else {
        decode_dump_put(out, text, weiri_int_format(value->as.i, text));
    }
}

static inline void
decode_dump_rows(weiri_buffer *out, weir_chunk *chunk)
{
    const weir_schema *schema = chunk->schema;
    for (uint32_t row = 0; row < chunk->n_rows; row++) {
        for (uint32_t f = 0; f < schema->n_fields; f++) {
            weir_value value = weir_chunk_get(chunk, row, f);
            if (f > 0) {
                decode_dump_text(out, "|");
            }
            decode_dump_value(out, &value);
            if ((int32_t)f == schema->time_field && !value.is_null) {
                weiri_assert(chunk->time[row] == value.as.i);
            }
        }
        decode_dump_text(out, "\n");
    }
    weir_chunk_clear(chunk);
}

typedef struct decode_dump {
    weiri_buffer out;
    weiri_buffer dead;
    weir_chunk  *chunk;
    size_t       n_rows;
    size_t       n_dead;
    size_t       rows_size; /* of `out`, the bytes that are rows */
} decode_dump;

static inline void
decode_dump_dead(void *context, const weiri_dead_record *record)
{
    decode_dump *self = context;
    char         head[80];
    self->n_dead++;
    snprintf(head, sizeof head,
        "! line %llu at %llu after %zu rows: ", (unsigned long long)record->line,
        (unsigned long long)record->position, self->n_rows + self->chunk->n_rows);
    decode_dump_text(&self->dead, head);
    decode_dump_text(&self->dead, record->reason);
    weiri_assert(weiri_utf8_is_valid(record->reason, strlen(record->reason)));
    decode_dump_text(&self->dead, " [");
    decode_dump_put(&self->dead, record->raw, record->size);
    decode_dump_text(&self->dead, "]\n");
}

/* The decoder's schema, used, format, has_header and delimiter come from `config`. The
 * bytes handed in lie in a block of exactly their size, for a sanitizer to guard. */
static inline void
decode_dump_run(decode_dump *self, const weiri_decoder_config *config, const char *bytes,
    size_t size, decode_cut cut, void *cut_context)
{
    weiri_decoder_config mine    = *config;
    weiri_decoder       *decoder = NULL;
    weir_error           err     = { 0 };
    *self                        = (decode_dump){ 0 };
    mine.on_dead                 = decode_dump_dead;
    mine.context                 = self;
    decode_dump_text(&self->out, "");
    weir_status status = weiri_decoder_new(&mine, &decoder, &err);
    if (status == WEIR_OK) {
        status = weir_chunk_new(mine.schema, mine.used, &self->chunk);
    }
    size_t start   = 0;
    size_t end     = 0;
    bool   is_over = status != WEIR_OK;
    while (!is_over) {
        size_t piece    = cut(cut_context);
        end             = piece < size - end ? end + piece : size;
        size_t consumed = 0;
        do {
            char *copy = malloc(end - start + (end == start ? 1 : 0));
            weiri_assert(copy != NULL);
            memcpy(copy, bytes + start, end - start);
            status = weiri_decoder_decode(
                decoder, copy, end - start, end == size, self->chunk, &consumed, &err);
            weiri_assert(status != WEIR_EFULL || self->chunk->n_rows > 0);
            weiri_assert(consumed <= end - start);
            free(copy);
            self->n_rows += self->chunk->n_rows;
            decode_dump_rows(&self->out, self->chunk);
            start += consumed;
        } while (status == WEIR_EFULL);
        weiri_assert(status != WEIR_OK || end < size || start == size);
        is_over = status != WEIR_OK || end == size;
    }
    self->rows_size = self->out.used;
    if (self->dead.used > 0) {
        decode_dump_put(&self->out, self->dead.bytes, self->dead.used);
    }
    if (status != WEIR_OK) {
        decode_dump_text(&self->out, "error: ");
        decode_dump_text(&self->out, err.text);
        decode_dump_text(&self->out, "\n");
    }
    weiri_decoder_destroy(&decoder);
    const weir_chunk *chunk = self->chunk;
    weir_chunk_unref(&chunk);
}

static inline void
decode_dump_fini(decode_dump *self)
{
    weiri_buffer_fini(&self->out);
    weiri_buffer_fini(&self->dead);
}

#endif
