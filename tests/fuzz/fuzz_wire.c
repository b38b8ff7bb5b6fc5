/* Any bytes as a message of another program, in either format: whatever is in it, the
 * message after it is read as if it had come alone.
 */
#include <stdlib.h>
#include <string.h>

#include "weiri/assert.h"
#include "weiri/bytes.h"
#include "weiri/codec.h"
#include "weiri/limits.h"

static const weir_field FIELDS[] = {
    { .name = "at", .type = WEIR_TIME, .form = WEIR_TIME_S },
    { .name = "n", .type = WEIR_INT },
};
static const weir_schema SCHEMA = {
    .name = "fuzz", .fields = FIELDS, .n_fields = 2, .time_field = 0
};
enum { SEVEN = 7, ROOM = WEIRI_RECORD_BYTES + WEIRI_READ_BYTES };

/* {"at":1,"n":7} */
static const char *const GOOD[] = {
    [WEIRI_FORMAT_JSON]    = "{\"at\":1,\"n\":7}",
    [WEIRI_FORMAT_MSGPACK] = "\x82\xa2"
                             "at\x01\xa1n\x07",
};

static void
ignore_dead(void *context, const weiri_dead_record *record)
{
    (void)context;
    (void)record;
}

/* Decode all that is in `bytes`; the value of the last row. */
static int64_t
last_of(weiri_decoder *decoder, char *bytes, size_t size)
{
    int64_t     last   = 0;
    size_t      done   = 0;
    weir_status status = WEIR_EFULL;
    while (status == WEIR_EFULL) {
        const bool  used[] = { true, true };
        weir_chunk *chunk  = NULL;
        size_t      n      = 0;
        weiri_assert(weir_chunk_new(&SCHEMA, used, &chunk) == WEIR_OK);
        status = weiri_decoder_decode(
            decoder, bytes + done, size - done, false, chunk, &n, NULL);
        done += n;
        if (chunk->n_rows > 0) {
            last = weir_chunk_get(chunk, chunk->n_rows - 1, 1).as.i;
        }
        weir_chunk_drop(&chunk);
    }
    weiri_assert(status == WEIR_OK); /* the stream of bytes is never broken */
    weiri_assert(done == size);      /* and nothing of a message waits for the next */
    return last;
}

static void
send_and_read(const uint8_t *data, size_t size, size_t step, weiri_format format)
{
    weiri_wires            *wires   = NULL;
    weiri_wire             *push    = NULL;
    weiri_reader           *reader  = NULL;
    weiri_decoder          *decoder = NULL;
    const weiri_wire_config in      = {
             .kind = WEIRI_WIRE_PULL, .is_bound = true, .address = "inproc://fuzz"
    };
    const weiri_wire_config out = { .kind = WEIRI_WIRE_PUSH, .address = "inproc://fuzz" };
    const bool              used[] = { true, true };
    const weiri_decoder_config how = {
        .schema = &SCHEMA, .used = used, .format = format, .on_dead = ignore_dead
    };
    weiri_assert(weiri_wires_new(&wires, NULL) == WEIR_OK);
    weiri_assert(weiri_reader_connect(wires, &in, format, &reader, NULL) == WEIR_OK);
    weiri_assert(weiri_wire_open(wires, &out, &push, NULL) == WEIR_OK);
    weiri_assert(weiri_decoder_new(&how, &decoder, NULL) == WEIR_OK);
    const char *good = GOOD[format];
    weiri_assert(weiri_wire_send(push, (const char *)data, size, NULL) == WEIR_OK);
    weiri_assert(weiri_wire_send(push, good, strlen(good), NULL) == WEIR_OK);

    char  *bytes      = malloc(ROOM);
    size_t used_bytes = 0;
    size_t n          = 0;
    weiri_assert(bytes != NULL);
    while (weiri_reader_read(reader, bytes + used_bytes, step, 0, &n, NULL) == WEIR_OK) {
        used_bytes += n;
        weiri_assert(used_bytes + step <= ROOM);
    }
    weiri_assert(last_of(decoder, bytes, used_bytes) == SEVEN);
    free(bytes);
    weiri_decoder_destroy(&decoder);
    weiri_reader_close(&reader);
    weiri_wire_close(&push);
    weiri_wires_destroy(&wires);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0) {
        weiri_format format = data[0] % 2 ? WEIRI_FORMAT_JSON : WEIRI_FORMAT_MSGPACK;
        send_and_read(data + 1, size - 1, 1 + data[0], format);
    }
    return 0;
}
