/* What a format implements behind weiri_decoder, and what all formats share. */
#ifndef WEIRI_CODEC_DECODER_OPS_H
#define WEIRI_CODEC_DECODER_OPS_H

#include "weiri/codec.h"
#include "weiri/pack.h"

enum { WEIRI_REASON_TEXT = 256 };

/* The format's view of its decoder. Owned by the front, outlives the format's state. */
typedef struct weiri_decode {
    weiri_decoder_config config;
    uint64_t position; /* of the first byte of the decode call; the front moves
                        * it on by what was consumed                         */
    uint64_t line; /* of the record at hand, from 1 (MessagePack: its number); the format
                    * moves it on */
    char reason[WEIRI_REASON_TEXT]; /* of the record at hand, if it is dead */
} weiri_decode;

/* One table a format, with the contracts of weiri_decoder_new, _destroy and _decode.
 * create leaves *state NULL when it fails; destroy accepts NULL. */
typedef struct weiri_decoder_ops {
    weir_status (*create)(
        const weiri_decoder_config *config, void **state, weir_error *err);
    void (*destroy)(void *state);
    weir_status (*decode)(void *state, weiri_decode *decode, const char *bytes,
        size_t size, bool is_last, weir_chunk *chunk, size_t *consumed, weir_error *err);
    /* What it has to know of the bytes before the position, besides line and position;
     * NULL: nothing. load notes in `in` what is wrong. */
    void (*save)(const void *state, weiri_pack *out);
    void (*load)(void *state, weiri_unpack *in);
    const weiri_link_place *(*place)(const void *state); /* of FRAMES alone */
} weiri_decoder_ops;

extern const weiri_decoder_ops WEIRI_DECODE_JSON;
extern const weiri_decoder_ops WEIRI_DECODE_CSV;
extern const weiri_decoder_ops WEIRI_DECODE_MSGPACK;
extern const weiri_decoder_ops WEIRI_DECODE_LINES;
extern const weiri_decoder_ops WEIRI_DECODE_PLUGIN;
extern const weiri_decoder_ops WEIRI_DECODE_FRAMES;

/* Say why the record at hand is dead; text beyond WEIRI_REASON_TEXT is cut. */
void
weiri_decode_reason(weiri_decode *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "field 'amount': "x" is not an int", with the value shortened where it is long and made
 * fit for print; `value` is as it stands in the input, quotes included if it has any. */
void
weiri_decode_reason_value(
    weiri_decode *self, const weir_field *field, const char *value, size_t size);

/* "field 'amount' is missing" */
void
weiri_decode_reason_missing(weiri_decode *self, const weir_field *field);

/* Hand the record at hand to on_dead with self->reason, self->line, and position
 * self->position + offset; raw bytes are cut at WEIRI_RECORD_BYTES. */
void
weiri_decode_dead(weiri_decode *self, size_t offset, const char *raw, size_t size);

/* Take back what was set in the row after the last: its nulls, and the heap from
 * `heap_used` on. */
void
weiri_decode_roll_back(weir_chunk *chunk, uint32_t heap_used);

#endif
