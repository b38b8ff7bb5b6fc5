/* Any bytes to the MessagePack decoder, cut where the first byte says: it reads nothing
 * beyond them, comes to an end, and gives the same rows as uncut. What it gives can be
 * written and read again.
 */
#include <stdlib.h>
#include <string.h>

#include "weiri/assert.h"
#include "weiri/codec.h"
#include "weiri/limits.h"
#include "weiri/numtext.h"

static const weir_field FIELDS[] = {
    { .name = "at", .type = WEIR_TIME },
    { .name = "n", .type = WEIR_INT, .is_nullable = true },
    { .name = "x", .type = WEIR_FLOAT, .is_nullable = true },
    { .name = "s", .type = WEIR_STRING, .is_nullable = true },
    { .name = "b", .type = WEIR_BOOL, .is_nullable = true },
    { .name = "d", .type = WEIR_DURATION, .is_nullable = true },
    { .name = "ms", .type = WEIR_TIME, .is_nullable = true, .form = WEIR_TIME_MS },
    { .name = "in", .type = WEIR_STRING, .is_nullable = true, .from = "/a/b" },
    { .name = "item", .type = WEIR_INT, .is_nullable = true, .from = "/a/c/1" },
    { .name = "twice", .type = WEIR_STRING, .is_nullable = true, .from = "s" },
};
static const weir_schema SCHEMA = {
    .name = "fuzz", .fields = FIELDS, .n_fields = 10, .time_field = 0
};

struct tally {
    uint64_t    n_rows;
    uint64_t    n_dead;
    uint64_t    sum; /* of all values, in their order */
    weir_status status;
};

static void
note_dead(void *context, const weiri_dead_record *record)
{
    struct tally *tally = context;
    weiri_assert(record->size > 0 && record->size <= WEIRI_RECORD_BYTES);
    weiri_assert(record->raw[0] == record->raw[0]);
    weiri_assert(weiri_utf8_is_valid(record->reason, strlen(record->reason)));
    tally->n_dead++;
}

static void
add_bytes(struct tally *tally, const void *bytes, size_t size)
{
    const unsigned char *b = bytes;
    for (size_t i = 0; i < size; i++) {
        tally->sum = (tally->sum ^ b[i]) * UINT64_C(1099511628211);
    }
}

static void
add_rows(struct tally *tally, const weir_chunk *chunk)
{
    for (uint32_t row = 0; row < chunk->n_rows; row++) {
        for (uint32_t f = 0; f < SCHEMA.n_fields; f++) {
            weir_value value = weir_chunk_get(chunk, row, f);
            add_bytes(tally, &value.is_null, 1);
            if (!value.is_null && value.type == WEIR_STRING) {
                weiri_assert(weiri_utf8_is_valid(value.as.s, value.size));
                add_bytes(tally, value.as.s, value.size);
            } else if (!value.is_null) {
                add_bytes(tally, &value.as, value.type == WEIR_BOOL ? 1 : 8);
            }
        }
    }
    tally->n_rows += chunk->n_rows;
}

static struct tally
decode(const char *bytes, size_t size, size_t step, weir_chunk *chunk)
{
    struct tally         tally   = { .sum = UINT64_C(14695981039346656037) };
    weiri_decoder       *decoder = NULL;
    weiri_decoder_config config  = { .schema = &SCHEMA,
         .format                             = WEIRI_FORMAT_MSGPACK,
         .on_dead                            = note_dead,
         .context                            = &tally };
    weiri_assert(weiri_decoder_new(&config, &decoder, NULL) == WEIR_OK);
    weir_chunk_clear(chunk);
    size_t start = 0;
    size_t end   = 0;
    while (start < size && (tally.status == WEIR_OK || tally.status == WEIR_EFULL)) {
        if (tally.status == WEIR_OK) {
            end = size - end < step ? size : end + step;
        }
        size_t n     = end - start;
        char  *exact = malloc(n); /* so that a byte too far is seen */
        memcpy(exact, bytes + start, n);
        size_t consumed = 0;
        tally.status =
            weiri_decoder_decode(decoder, exact, n, end == size, chunk, &consumed, NULL);
        free(exact);
        weiri_assert(consumed <= n);
        weiri_assert(tally.status != WEIR_EFULL || chunk->n_rows > 0);
        start += consumed;
        add_rows(&tally, chunk);
        weir_chunk_clear(chunk);
    }
    weiri_decoder_destroy(&decoder);
    return tally;
}

static void
write_and_read_again(const char *bytes, size_t size, weir_chunk *chunk)
{
    weiri_decoder       *decoder  = NULL;
    weiri_encoder       *encoder  = NULL;
    weiri_buffer         out      = { 0 };
    size_t               consumed = 0;
    weiri_decoder_config config   = { .schema = &SCHEMA, .format = WEIRI_FORMAT_MSGPACK };
    weiri_assert(weiri_decoder_new(&config, &decoder, NULL) == WEIR_OK);
    weiri_assert(
        weiri_encoder_new(&SCHEMA, WEIRI_FORMAT_MSGPACK, &encoder, NULL) == WEIR_OK);
    weir_status status =
        weiri_decoder_decode(decoder, bytes, size, true, chunk, &consumed, NULL);
    (void)status; /* the rows before an error count */
    weir_rows rows = { chunk, 0, chunk->n_rows };
    weiri_assert(weiri_encoder_encode(encoder, rows, &out) == WEIR_OK);
    weiri_encoder_destroy(&encoder);
    weiri_decoder_destroy(&decoder);
    weiri_buffer_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_chunk *chunk = NULL;
    if (size < 2) {
        return 0;
    }
    weiri_assert(weir_chunk_new(&SCHEMA, NULL, &chunk) == WEIR_OK);
    const char  *bytes = (const char *)data + 1;
    struct tally whole = decode(bytes, size - 1, size, chunk);
    struct tally cut   = decode(bytes, size - 1, 1 + data[0] % 64, chunk);
    weiri_assert(whole.n_rows == cut.n_rows && whole.n_dead == cut.n_dead);
    weiri_assert(whole.sum == cut.sum && whole.status == cut.status);
    write_and_read_again(bytes, size - 1, chunk);
    const weir_chunk *mine = chunk;
    weir_chunk_unref(&mine);
    return 0;
}
