/* Decoders and encoders: bytes to chunks, chunks to bytes. */
#ifndef WEIRI_CODEC_H
#define WEIRI_CODEC_H

#include "weir/chunk.h"
#include "weiri/link.h"
#include "weiri/pack.h"
#include "weiri/plan.h"

/* One record that cannot be decoded. Borrowed for the call. */
typedef struct weiri_dead_record {
    uint64_t    position; /* byte offset of its start in the (decompressed) input    */
    uint64_t    line;     /* of its start, from 1; MessagePack: number of the message */
    const char *reason;   /* "field 'amount': \"x\" is not an int" */
    const char *raw;      /* its bytes, cut at WEIRI_RECORD_BYTES */
    size_t      size;
} weiri_dead_record;

typedef struct weiri_decoder weiri_decoder;

typedef struct weiri_decoder_config {
    const weir_schema *schema;
    const bool        *used;          /* shape (schema->n_fields,): columns to fill; all
                                       * fields are checked */
    weiri_format          format;     /* not AUTO, not TEXT */
    bool                  has_header; /* CSV */
    char                  delimiter;  /* CSV */
    weiri_lines           lines;      /* LINES */
    const weiri_plug     *codec;      /* of FORMAT_PLUGIN */
    struct weiri_metrics *metrics;    /* likewise; NULL: none */
    void (*on_dead)(void *context, const weiri_dead_record *record);
    /* FRAMES: every row with a time before `watermark_ns` has been decoded. */
    void (*on_mark)(void *context, int64_t watermark_ns);
    /* FRAMES: no row comes any more; the sender has read events up to `newest_ns`. */
    void (*on_end)(void *context, int64_t newest_ns);
    void *context;
} weiri_decoder_config;

/* errors  WEIR_ENOMEM; WEIR_EINVAL for a field path the format cannot have */
WEIR_MUST_CHECK weir_status
weiri_decoder_new(
    const weiri_decoder_config *config, weiri_decoder **out, weir_error *err);

void
weiri_decoder_destroy(weiri_decoder **self_p);

/* Decode whole records from the front of `bytes` until the chunk is full or no whole
 * record is left, setting values and time (order is the caller's). Bytes may be cut
 * anywhere.
 *
 *   is_last   no more bytes will come: what is left is a record too (or a dead one)
 *   chunk     appended to; has room for at least one row
 *   consumed  how many bytes were used up; the rest must be handed in again, with more.
 *             A record longer than WEIRI_RECORD_BYTES is consumed in pieces and is dead
 *             once, with its first bytes.
 *   errors    WEIR_EFULL   the chunk's rows or heap are full before all records were
 * decoded WEIR_EDATA   the input as a whole cannot be read (a CSV header without a
 *                          declared column, a broken MessagePack stream): nothing after
 *                          this place can be decoded, `err` says why and where
 *             WEIR_ENOMEM
 *   bound     buffer at most WEIRI_RECORD_BYTES + what one read gives
 */
WEIR_MUST_CHECK weir_status
weiri_decoder_decode(weiri_decoder *self, const char *bytes, size_t size, bool is_last,
    weir_chunk *chunk, size_t *consumed, weir_error *err);

/* How many bytes of the input were used up. */
uint64_t
weiri_decoder_position(const weiri_decoder *self);

/* FRAMES: the place behind the last frame; NULL for other formats. Borrowed. */
const weiri_link_place *
weiri_decoder_place(const weiri_decoder *self);

/* Append where it stands to `out`, which notes when memory is out. Between two calls of
 * decode. */
void
weiri_decoder_save(const weiri_decoder *self, weiri_pack *out);

/* Have a new decoder go on where a saved one stood: the next bytes that it is given are
 * those at its position. What is wrong with the bytes is noted in `in`; then the decoder
 * is to be destroyed. */
void
weiri_decoder_load(weiri_decoder *self, weiri_unpack *in);

typedef struct weiri_encoder weiri_encoder;

/* A growing buffer of output bytes. */
typedef struct weiri_buffer {
    char  *bytes;
    size_t used;
    size_t size;
} weiri_buffer;

void
weiri_buffer_fini(weiri_buffer *self);

/* Room for `size` more bytes, or WEIR_ENOMEM: buffer unchanged. */
WEIR_MUST_CHECK weir_status
weiri_buffer_reserve(weiri_buffer *self, size_t size);

WEIR_MUST_CHECK weir_status
weiri_encoder_new(
    const weir_schema *schema, weiri_format format, weiri_encoder **out, weir_error *err);

/* The same for a codec of a plugin. errors  WEIR_EIO  the plugin failed; WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_encoder_plug(const weir_schema *schema, const weiri_plug *codec,
    struct weiri_metrics *metrics, weiri_encoder **out, weir_error *err);
/* An encoder whose rows have one more field behind their own, with the number of the row.
 *
 *   number  the field's name, none of the schema's; outlives the encoder; NULL: none
 */
WEIR_MUST_CHECK weir_status
weiri_encoder_new_numbered(const weir_schema *schema, weiri_format format,
    const char *number, weiri_encoder **out, weir_error *err);

/* How many rows come before the next one; 0 at first, and counted on by each. */
void
weiri_encoder_count(weiri_encoder *self, uint64_t n_before);

void
weiri_encoder_destroy(weiri_encoder **self_p);

/* What stands before the first event (a CSV header), if anything. */
WEIR_MUST_CHECK weir_status
weiri_encoder_begin(weiri_encoder *self, weiri_buffer *out);

/* Append rows as JSON Lines, CSV, MessagePack maps, or text for people. Times are RFC
 * 3339 in UTC with as many fraction digits as are not zero, durations as the language
 * writes them ("90s" is "1m30s"), floats in the shortest form that reads back the same.
 * Of a codec of a plugin also WEIR_EIO: weiri_encoder_reason says why.
 */
WEIR_MUST_CHECK weir_status
weiri_encoder_encode(weiri_encoder *self, weir_rows rows, weiri_buffer *out);

/* Why the last weiri_encoder_encode failed. */
const char *
weiri_encoder_reason(const weiri_encoder *self);

#endif
