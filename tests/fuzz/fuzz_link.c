/* Any bytes as messages to both ends of a link: refused, or what comes of them is right.
 *
 * The first byte says to whom, and whether checksums are made here, since no fuzzer would
 * guess one. What a receiver gives on can be read without another look.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "weiri/columns.h"
#include "weiri/link.h"

#include "../../runtime/link/message.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 64 << 10, AT_SIZE = 40, AT_CHECKSUM = 48, WINDOW = 32 << 10 };

static const weir_field FIELDS[] = {
    { .name = "at", .type = WEIR_TIME },
    { .name = "n", .type = WEIR_INT, .is_nullable = true },
    { .name = "x", .type = WEIR_FLOAT },
    { .name = "s", .type = WEIR_STRING, .is_nullable = true },
    { .name = "b", .type = WEIR_BOOL },
};
static const weir_schema SCHEMA = {
    .name = "txn", .fields = FIELDS, .n_fields = 5, .time_field = 0
};

static bool
send_nowhere(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    return bytes != NULL && size >= WEIRI_FRAME_HEAD;
}

static void
tell_nobody(void *context, weiri_link_news news, const char *text)
{
    (void)context;
    (void)news;
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~') {
            abort(); /* what came from outside is not to steer a terminal */
        }
    }
}

static void
put_number(uint8_t *at, uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

/* Sizes and checksums that are right: of the last frame that begins here, all the rest.
 */
static void
mend(uint8_t *bytes, size_t size)
{
    if (size >= WEIRI_FRAME_HEAD) {
        size_t n = size - WEIRI_FRAME_HEAD;
        memcpy(bytes, "WEIR\1", 5);
        put_number(bytes + AT_SIZE, n);
        put_number(bytes + AT_CHECKSUM,
            weiri_checksum(WEIRI_HASH_BEGIN, bytes + WEIRI_FRAME_HEAD, n));
    }
}

static void
read_taken(weiri_receiver *receiver)
{
    static uint8_t   bytes[WEIRI_RECORD_BYTES];
    weiri_link_place place = { 0 };
    size_t           n     = weiri_receiver_take(receiver, bytes, sizeof bytes);
    weiri_receiver_keep(receiver);
    for (size_t at = 0; at < n;) {
        weiri_frame frame;
        uint32_t    skip  = 0;
        weir_chunk *chunk = NULL;
        if (weiri_frame_next(&frame, bytes + at, n - at, NULL) != WEIR_OK
            || weiri_link_place_follow(
                   &place, &frame, bytes + at + WEIRI_FRAME_HEAD, &skip)
                   != NULL) {
            abort(); /* it was to be looked at before it was queued */
        }
        if (frame.kind == WEIRI_FRAME_COLUMNS
            && (weir_chunk_new(&SCHEMA, NULL, &chunk) != WEIR_OK
                || weiri_columns_read(
                       bytes + at + WEIRI_FRAME_HEAD, frame.n_rows, skip, chunk)
                       != WEIR_OK)) {
            abort();
        }
        weir_chunk_drop(&chunk);
        at += WEIRI_FRAME_HEAD + (size_t)frame.size;
    }
}

static void
to_receiver(const weiri_frame *frame, const uint8_t *payload)
{
    const weiri_receiver_config config   = { .schema = &SCHEMA,
          .self                                      = "core",
          .peer                                      = "edge",
          .window_bytes                              = WINDOW,
          .timing                                    = weiri_link_timing_of(600),
          .port = { .send = send_nowhere, .tell = tell_nobody } };
    weiri_receiver             *receiver = NULL;
    weiri_link_place            place    = { .epoch = frame->epoch };
    weir_error                  err      = { .status = WEIR_OK };
    if (weiri_receiver_new(&config, &receiver, &err) != WEIR_OK) {
        abort();
    }
    weiri_frame hello = *frame;
    weiri_receiver_begin(receiver, &place);
    hello.kind        = WEIRI_FRAME_HELLO;
    weiri_pack greets = { 0 };
    weiri_pack bytes  = { 0 };
    for (int i = 0; i < WEIRI_FRAME_HEAD; i++) {
        weiri_pack_bytes(&bytes, "", 1);
    }
    const char *origin = "edge";
    weiri_link_hello_write(&SCHEMA, &origin, 1, NULL, 0, &greets);
    weiri_pack_bytes(&bytes, greets.bytes, greets.size);
    hello.size     = greets.size;
    hello.sequence = 0;
    weiri_receiver_on_frame(receiver, &hello, bytes.bytes + WEIRI_FRAME_HEAD, 1);
    weiri_receiver_on_frame(receiver, frame, payload, 2);
    weiri_receiver_on_frame(receiver, frame, payload, 3);
    (void)weiri_receiver_work(receiver, 4);
    if (weiri_receiver_get_counts(receiver).n_bytes > WINDOW + MOST) {
        abort();
    }
    read_taken(receiver);
    weiri_pack_fini(&greets);
    weiri_pack_fini(&bytes);
    weiri_receiver_destroy(&receiver);
}

static void
to_sender(const weiri_frame *frame, const uint8_t *payload, const uint8_t *state,
    size_t state_size)
{
    const weiri_sender_config config = { .schema = &SCHEMA,
        .self                                    = "edge",
        .peer                                    = "core",
        .epoch                                   = frame->epoch != 0 ? frame->epoch : 1,
        .timing                                  = weiri_link_timing_of(600),
        .port = { .send = send_nowhere, .tell = tell_nobody } };
    weiri_sender             *sender = NULL;
    weir_error                err    = { .status = WEIR_OK };
    weiri_unpack in = { .at = state, .end = state != NULL ? state + state_size : NULL };
    if (weiri_sender_new(&config, &sender, &err) != WEIR_OK) {
        abort();
    }
    if (state == NULL || weiri_sender_load(sender, &in, &err) == WEIR_OK) {
        weiri_sender_on_connection(sender, true, 1);
        weiri_sender_on_frame(sender, frame, payload, 2);
        (void)weiri_sender_work(sender, 3);
        (void)weiri_sender_is_full(sender);
    }
    weiri_sender_destroy(&sender);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weiri_frame frame = { .kind = WEIRI_FRAME_ACK, .epoch = 1 };
    if (size < 1 || size > MOST) {
        return 0;
    }
    uint8_t *bytes = malloc(size);
    if (bytes == NULL) {
        return 0;
    }
    memcpy(bytes, data + 1, size - 1);
    if ((data[0] & 1) != 0) {
        mend(bytes, size - 1);
    }
    if ((data[0] & 2) != 0) {
        to_sender(&frame, bytes, bytes, size - 1);
    } else if (weiri_frame_next(&frame, bytes, size - 1, NULL) == WEIR_OK) {
        to_receiver(&frame, bytes + WEIRI_FRAME_HEAD);
        to_sender(&frame, bytes + WEIRI_FRAME_HEAD, NULL, 0);
    }
    free(bytes);
    return 0;
}
