/* Decode MessagePack in one piece and keep what came out. */
#ifndef MSGPACK_RIG_H
#define MSGPACK_RIG_H

#include "weir_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weiri/codec.h"

/* What came out of a decoder: rows in one chunk, dead records by their reason. */
struct result {
    weir_chunk *chunk;
    uint32_t    n_dead;
    char        reason[256]; /* of the last */
    uint64_t    position;
    uint64_t    line;
    size_t      raw_size;
    size_t      consumed;
    weir_status status;
    weir_error  err;
};

static inline void
note_dead(void *context, const weiri_dead_record *record)
{
    struct result *result = context;
    result->n_dead++;
    result->position = record->position;
    result->line     = record->line;
    result->raw_size = record->size;
    snprintf(result->reason, sizeof result->reason, "%s", record->reason);
}

static inline weiri_decoder *
new_decoder(const weir_schema *schema, const bool *used, struct result *result)
{
    weiri_decoder       *decoder = NULL;
    weiri_decoder_config config  = { .schema = schema,
         .used                               = used,
         .format                             = WEIRI_FORMAT_MSGPACK,
         .on_dead                            = note_dead,
         .context                            = result };
    *result                      = (struct result){ 0 };
    assert_ok(weiri_decoder_new(&config, &decoder, NULL));
    assert_ok(weir_chunk_new(schema, used, &result->chunk));
    return decoder;
}

static inline void
free_result(struct result *result)
{
    const weir_chunk *chunk = result->chunk;
    weir_chunk_unref(&chunk);
}

/* All of the bytes at once, in a place of exactly their size. */
static inline struct result
decode_bytes(const weir_schema *schema, const void *bytes, size_t size)
{
    struct result  result;
    weiri_decoder *decoder = new_decoder(schema, NULL, &result);
    char          *exact   = malloc(size > 0 ? size : 1);
    memcpy(exact, bytes, size);
    result.status = weiri_decoder_decode(
        decoder, exact, size, true, result.chunk, &result.consumed, &result.err);
    free(exact);
    weiri_decoder_destroy(&decoder);
    return result;
}

#endif
