/* Both ends of a link over a network that loses, delays, doubles and reorders what is
 * said, is cut now and then, and whose ends are killed and go on from what they kept. All
 * choices come from a seed: WEIR_SEEDS says how many are tried. */
#include "weir_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "weiri/columns.h"
#include "weiri/link.h"

enum {
    ROWS       = 1500,
    MOST       = 40, /* rows given at once */
    BACKLOG    = 20000,
    WINDOW     = 6000,
    MESSAGES   = 4096, /* on their way */
    STEPS      = 200000,
    SEEDS      = 100,
    DELAY      = 30,
    TEXT_BYTES = 24
};

static const weir_field FIELDS[] = {
    { .name = "n", .type = WEIR_INT },
    { .name = "s", .type = WEIR_STRING, .is_nullable = true },
};
static const weir_schema SCHEMA = {
    .name = "txn", .fields = FIELDS, .n_fields = 2, .time_field = -1
};

typedef struct letter {
    uint8_t *bytes;
    size_t   size;
    int64_t  due;
    bool     is_to_receiver;
} letter;

typedef struct world {
    uint64_t seed;
    int64_t  now;
    bool     is_cut;
    uint32_t loss; /* in a thousand */
    letter   letters[MESSAGES];
    uint32_t n_letters;
    bool     is_dropping;
    bool     is_new_life; /* the sender remembers nothing when it is killed */

    weiri_sender   *sender;
    weiri_receiver *receiver;
    uint64_t        given; /* rows by the sender */
    uint64_t        epoch;
    weiri_pack      sender_kept; /* its last checkpoint */
    uint64_t        sender_given;

    weiri_pack       tape; /* what the receiver keeps */
    weiri_link_place place;
    uint64_t         n_out; /* rows that came out of the tape, of the last epoch */
    uint64_t         n_gap;
    uint64_t         n_before; /* rows of earlier epochs */
    int64_t          clock;
    weiri_sender    *zombie; /* one who was to be gone */
} world;

static uint64_t
roll(world *self, uint64_t below)
{
    return next_random(&self->seed) % below;
}

/* ---- the network ---- */

static void
post_once(world *self, const uint8_t *bytes, size_t size, bool is_to_receiver)
{
    if (self->n_letters == MESSAGES) {
        return;
    }
    uint8_t *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    self->letters[self->n_letters++] = (letter){ .bytes = copy,
        .size                                           = size,
        .due            = self->now + 1 + (int64_t)roll(self, DELAY),
        .is_to_receiver = is_to_receiver };
}

static bool
post(world *self, const uint8_t *bytes, size_t size, bool is_to_receiver)
{
    if (roll(self, 50) == 0) {
        return false; /* not now */
    }
    if (self->is_cut || roll(self, 1000) < self->loss) {
        return true;
    }
    post_once(self, bytes, size, is_to_receiver);
    if (roll(self, 20) == 0) {
        post_once(self, bytes, size, is_to_receiver);
    }
    return true;
}

static bool
send_to_receiver(void *context, const uint8_t *bytes, size_t size)
{
    return post(context, bytes, size, true);
}

static bool
send_to_sender(void *context, const uint8_t *bytes, size_t size)
{
    return post(context, bytes, size, false);
}

static void
tell(void *context, weiri_link_news news, const char *text)
{
    (void)context;
    assert_true(strlen(text) > 0);
    assert_int_not_equal(news, WEIRI_LINK_BAD);
}

static void
deliver(world *self, const letter *what)
{
    size_t at = 0;
    while (at < what->size) {
        weiri_frame frame;
        assert_ok(weiri_frame_next(&frame, what->bytes + at, what->size - at, NULL));
        const uint8_t *payload = what->bytes + at + WEIRI_FRAME_HEAD;
        if (what->is_to_receiver) {
            weiri_receiver_on_frame(self->receiver, &frame, payload, self->now);
        } else {
            weiri_sender_on_frame(self->sender, &frame, payload, self->now);
        }
        at += WEIRI_FRAME_HEAD + (size_t)frame.size;
    }
}

static void
deliver_due(world *self)
{
    for (uint32_t i = 0; i < self->n_letters;) {
        letter next = self->letters[i];
        if (next.due > self->now) {
            i++;
            continue;
        }
        self->letters[i] = self->letters[--self->n_letters];
        deliver(self, &next);
        free(next.bytes);
    }
}

/* ---- the sender's node: its events are numbers, its time is the number ---- */

static void
make_sender(world *self, uint64_t epoch)
{
    const weiri_sender_config config = { .schema = &SCHEMA,
        .self                                    = "edge",
        .peer                                    = "core",
        .epoch                                   = epoch,
        .backlog_bytes                           = BACKLOG,
        .is_dropping                             = self->is_dropping,
        .timing                                  = weiri_link_timing_of(600),
        .port = { .context = self, .send = send_to_receiver, .tell = tell } };
    weir_error                err    = { 0 };
    assert_ok(weiri_sender_new(&config, &self->sender, &err));
    weiri_sender_on_connection(self->sender, true, self->now);
}

static void
checkpoint(world *self)
{
    self->sender_kept.size = 0;
    assert_ok(weiri_sender_settle(self->sender));
    weiri_sender_save(self->sender, &self->sender_kept);
    self->sender_given = self->given;
}

static void
set_row(weir_chunk *chunk, uint64_t number)
{
    char       text[TEXT_BYTES];
    int        size      = snprintf(text, sizeof text, "row %d", (int)number);
    weir_value values[2] = { { .type = WEIR_INT, .as.i = (int64_t)number },
        { .type      = WEIR_STRING,
            .as.s    = text,
            .size    = (uint32_t)size,
            .is_null = number % 7 == 0 } };
    assert_ok(weir_chunk_set(chunk, chunk->n_rows, 0, &values[0]));
    assert_ok(weir_chunk_set(chunk, chunk->n_rows, 1, &values[1]));
    chunk->time[chunk->n_rows++] = (int64_t)number;
}

static void
give_rows(world *self)
{
    uint64_t n = roll(self, MOST) + 1;
    if (weiri_sender_is_full(self->sender) || self->given == ROWS) {
        return;
    }
    n                 = self->given + n > ROWS ? ROWS - self->given : n;
    weir_chunk *chunk = NULL;
    assert_ok(weir_chunk_new(&SCHEMA, NULL, &chunk));
    for (uint64_t i = 0; i < n; i++) {
        set_row(chunk, self->given++);
    }
    const weir_rows rows = { .chunk = chunk, .n = chunk->n_rows };
    assert_ok(weiri_sender_stage(self->sender, rows));
    assert_ok(weiri_sender_commit(self->sender, (int64_t)self->given));
    weir_chunk_drop(&chunk);
    if (self->given == ROWS) {
        assert_ok(weiri_sender_end(self->sender, ROWS - 1));
    }
}

static void
kill_sender(world *self)
{
    if (self->is_new_life) { /* it goes on, unseen, where the next one begins anew */
        weiri_sender_destroy(&self->zombie);
        self->zombie = self->sender;
        make_sender(self, ++self->epoch);
        self->given = 0;
        return;
    }
    weiri_sender_destroy(&self->sender);
    make_sender(self, self->epoch + 1000); /* another, which its state makes good */
    weiri_unpack in  = { .at = self->sender_kept.bytes,
         .end                = self->sender_kept.bytes + self->sender_kept.size };
    weir_error   err = { 0 };
    assert_ok(weiri_sender_load(self->sender, &in, &err));
    self->given = self->sender_given;
}

/* ---- the receiver's node: all it has is its tape ---- */

static void
read_rows(world *self, const weiri_frame *frame, const uint8_t *payload, uint32_t skip)
{
    weir_chunk *chunk = NULL;
    assert_ok(weir_chunk_new(&SCHEMA, NULL, &chunk));
    assert_ok(weiri_columns_read(payload, frame->n_rows, skip, chunk));
    for (uint32_t i = 0; i < chunk->n_rows; i++) {
        uint64_t number = (uint64_t)chunk->columns[0].as.i[i];
        assert_int_equal(number, self->n_out); /* each once, in order */
        assert_true(chunk->time[i] >= self->clock || self->is_new_life);
        assert_int_equal(chunk->columns[1].nulls[i], number % 7 == 0);
        self->n_out++;
    }
    weir_chunk_drop(&chunk);
}

/* What a frame of the tape does. */
static void
play(world *self, const weiri_frame *frame, const uint8_t *payload)
{
    uint32_t    skip   = 0;
    uint64_t    before = self->place.next;
    uint64_t    epoch  = self->place.epoch;
    const char *wrong  = weiri_link_place_follow(&self->place, frame, payload, &skip);
    assert_null(wrong);
    if (self->place.epoch != epoch) {
        self->n_before += self->n_out;
        self->n_out = frame->sequence; /* what was dropped before the first hello */
        before      = frame->sequence;
    }
    if (frame->kind == WEIRI_FRAME_COLUMNS) {
        read_rows(self, frame, payload, skip);
    } else if (frame->kind == WEIRI_FRAME_GAP) {
        self->n_gap += self->place.next - before;
        self->n_out += self->place.next - before;
    }
    if (frame->kind != WEIRI_FRAME_END && frame->watermark_ns > self->clock) {
        self->clock = frame->watermark_ns;
    }
}

static void
play_from(world *self, size_t at)
{
    while (at < self->tape.size) {
        weiri_frame frame;
        assert_ok(
            weiri_frame_next(&frame, self->tape.bytes + at, self->tape.size - at, NULL));
        play(self, &frame, self->tape.bytes + at + WEIRI_FRAME_HEAD);
        at += WEIRI_FRAME_HEAD + (size_t)frame.size;
    }
}

static void
make_receiver(world *self)
{
    const weiri_receiver_config config = { .schema = &SCHEMA,
        .self                                      = "core",
        .peer                                      = "edge",
        .window_bytes                              = WINDOW,
        .timing                                    = weiri_link_timing_of(600),
        .port = { .context = self, .send = send_to_sender, .tell = tell } };
    weir_error                  err    = { 0 };
    assert_ok(weiri_receiver_new(&config, &self->receiver, &err));
}

static void
kill_receiver(world *self)
{
    weiri_receiver_destroy(&self->receiver);
    make_receiver(self);
    self->place    = (weiri_link_place){ 0 };
    self->n_out    = 0;
    self->n_gap    = 0;
    self->n_before = 0;
    self->clock    = INT64_MIN;
    play_from(self, 0);
    weiri_receiver_begin(self->receiver, &self->place);
}

static void
take_frames(world *self)
{
    static uint8_t bytes[WEIRI_RECORD_BYTES];
    size_t         at = self->tape.size;
    size_t         n  = weiri_receiver_take(self->receiver, bytes, sizeof bytes);
    if (roll(self, 40) == 0) { /* killed before it is on the tape */
        kill_receiver(self);
        return;
    }
    weiri_pack_bytes(&self->tape, bytes, n);
    play_from(self, at);
    if (roll(self, 40) == 0) { /* and after, before anybody is told */
        kill_receiver(self);
        return;
    }
    weiri_receiver_keep(self->receiver);
}

/* ---- runs ---- */

static void
check_bounds(const world *self)
{
    weiri_link_counts sender   = weiri_sender_get_counts(self->sender);
    weiri_link_counts receiver = weiri_receiver_get_counts(self->receiver);
    assert_true(sender.n_bytes < BACKLOG + MOST * 64 + WEIRI_FRAME_HEAD * 3);
    assert_true(receiver.n_bytes < WINDOW * 2);
    assert_int_equal(receiver.n_bad, 0);
}

static void
step(world *self)
{
    self->now += 1 + (int64_t)roll(self, 10);
    deliver_due(self);
    switch (roll(self, 12)) {
    case 0:
    case 1: give_rows(self); break;
    case 2:
    case 3: take_frames(self); break;
    case 4: checkpoint(self); break;
    case 5:
        if (roll(self, 60) == 0) {
            self->is_cut = !self->is_cut;
            weiri_sender_on_connection(
                self->sender, !self->is_cut || roll(self, 2) == 0, self->now);
        }
        break;
    case 6:
        /* A stream that the receiver has never heard of is nobody's predecessor. */
        if (roll(self, 60) == 0 && self->given < ROWS
            && (!self->is_new_life || self->place.epoch == self->epoch)) {
            kill_sender(self);
        }
        break;
    case 7:
        if (roll(self, 60) == 0) {
            kill_receiver(self);
        }
        break;
    case 8:
        if (roll(self, 60) == 0) { /* a connection beside the one there is */
            weiri_sender_on_connection(self->sender, true, self->now);
        }
        break;
    case 9:
        if (self->zombie != NULL) {
            (void)weiri_sender_work(self->zombie, self->now);
        }
        break;
    default: break;
    }
    (void)weiri_sender_work(self->sender, self->now);
    (void)weiri_receiver_work(self->receiver, self->now);
    check_bounds(self);
}

static void
begin(world *self, uint64_t seed)
{
    self->seed  = seed;
    self->epoch = 1 + roll(self, 1000000);
    self->loss  = roll(self, 3) == 0 ? 0 : (uint32_t)roll(self, 200);
    self->clock = INT64_MIN;
    make_sender(self, self->epoch);
    checkpoint(self); /* a run with state begins with one */
    make_receiver(self);
    weiri_receiver_begin(self->receiver, &self->place);
}

static void
end(world *self)
{
    for (uint32_t i = 0; i < self->n_letters; i++) {
        free(self->letters[i].bytes);
    }
    weiri_sender_destroy(&self->sender);
    weiri_sender_destroy(&self->zombie);
    weiri_receiver_destroy(&self->receiver);
    weiri_pack_fini(&self->sender_kept);
    weiri_pack_fini(&self->tape);
    free(self);
}

/* From the first row to where both ends know that the last one is kept. */
static void
run(world *self)
{
    for (int i = 0; i < STEPS; i++) {
        bool is_done =
            self->given == ROWS && weiri_sender_is_done(self->sender)
            && weiri_receiver_farewell(self->receiver).parting == WEIRI_LINK_PARTED;
        if (is_done) {
            break;
        }
        if (i > STEPS / 2) { /* peace at last */
            self->is_cut = false;
            self->loss   = 0;
            if (i == STEPS / 2 + 1) {
                weiri_sender_on_connection(self->sender, true, self->now);
            }
        }
        step(self);
    }
    assert_int_equal(self->given, ROWS);
    assert_true(weiri_sender_is_done(self->sender));
    assert_true(self->place.is_ended);
    assert_int_equal(self->n_out, ROWS);
}

static uint64_t
n_seeds(void)
{
    const char *text = getenv("WEIR_SEEDS");
    return text != NULL ? strtoull(text, NULL, 10) : SEEDS;
}

static world *
new_world(void)
{
    world *self = calloc(1, sizeof *self);
    assert_non_null(self);
    return self;
}

static void
nothing_is_lost_and_nothing_comes_twice(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= n_seeds(); seed++) {
        world *self = new_world();
        begin(self, seed);
        run(self);
        assert_int_equal(self->n_gap, 0);
        end(self);
    }
}

static void
rows_that_were_dropped_are_told_and_no_others_are_missing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= n_seeds(); seed++) {
        world *self       = new_world();
        self->is_dropping = true;
        begin(self, seed + 5000);
        run(self);
        end(self);
    }
}

static void
a_sender_that_remembers_nothing_begins_anew_and_the_one_before_is_fenced(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= n_seeds(); seed++) {
        world *self       = new_world();
        self->is_new_life = true;
        begin(self, seed + 10000);
        run(self);
        assert_int_equal(self->place.epoch, self->epoch);
        end(self);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_and_nothing_comes_twice),
        cmocka_unit_test(rows_that_were_dropped_are_told_and_no_others_are_missing),
        cmocka_unit_test(
            a_sender_that_remembers_nothing_begins_anew_and_the_one_before_is_fenced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
