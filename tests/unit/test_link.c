#include "weir_test.h"

#include <stdio.h>
#include <string.h>

#include "weiri/columns.h"
#include "weiri/link.h"

/* Two ends whose messages arrive at once, and in order. */
static const weir_field FIELDS[] = {
    { .name = "n", .type = WEIR_INT },
    { .name = "s", .type = WEIR_STRING, .is_nullable = true },
};
static const weir_field OTHERS[] = {
    { .name = "n", .type = WEIR_FLOAT },
    { .name = "s", .type = WEIR_STRING, .is_nullable = true },
};
static const weir_schema SCHEMA = {
    .name = "txn", .fields = FIELDS, .n_fields = 2, .time_field = -1
};
static const weir_schema OTHER = {
    .name = "txn", .fields = OTHERS, .n_fields = 2, .time_field = -1
};

enum { TOLD = 2000, BACKLOG = 4000, ROWS = 10 };

typedef struct pair {
    weiri_sender          *sender;
    weiri_receiver        *receiver;
    char                   told[TOLD];
    bool                   is_deaf; /* the receiver hears nothing */
    bool                   is_lasting;
    const weiri_link_term *terms[2]; /* of the sender, of the receiver; both of n_terms */
    uint32_t               n_terms;
    int64_t                now;
} pair;

static void
tell(void *context, weiri_link_news news, const char *text)
{
    pair *self = context;
    (void)news;
    strncat(self->told, text, TOLD - strlen(self->told) - 1);
    strncat(self->told, "\n", TOLD - strlen(self->told) - 1);
}

static bool
to_receiver(void *context, const uint8_t *bytes, size_t size)
{
    pair *self = context;
    for (size_t at = 0; at < size && !self->is_deaf;) {
        weiri_frame frame;
        assert_ok(weiri_frame_next(&frame, bytes + at, size - at, NULL));
        weiri_receiver_on_frame(
            self->receiver, &frame, bytes + at + WEIRI_FRAME_HEAD, self->now);
        at += WEIRI_FRAME_HEAD + (size_t)frame.size;
    }
    return true;
}

static bool
to_sender(void *context, const uint8_t *bytes, size_t size)
{
    pair       *self = context;
    weiri_frame frame;
    assert_ok(weiri_frame_read(&frame, bytes, size, NULL));
    weiri_sender_on_frame(self->sender, &frame, bytes + WEIRI_FRAME_HEAD, self->now);
    return true;
}

static void
begin_sender(pair *self, const weir_schema *schema, uint64_t epoch)
{
    weir_error                err   = { 0 };
    const weiri_sender_config sends = { .schema = schema,
        .self                                   = "edge",
        .peer                                   = "core",
        .epoch                                  = epoch,
        .terms                                  = self->terms[0],
        .n_terms                                = self->n_terms,
        .is_lasting                             = self->is_lasting,
        .backlog_bytes                          = BACKLOG,
        .timing                                 = weiri_link_timing_of(600),
        .port = { .context = self, .send = to_receiver, .tell = tell } };
    assert_ok(weiri_sender_new(&sends, &self->sender, &err));
}

static void
begin_as(pair *self, const weir_schema *of_sender, const char *receiver)
{
    const weiri_link_place      place = { 0 };
    weir_error                  err   = { 0 };
    const weiri_receiver_config takes = { .schema = &SCHEMA,
        .self                                     = receiver,
        .peer                                     = "edge",
        .terms                                    = self->terms[1],
        .n_terms                                  = self->n_terms,
        .is_lasting                               = self->is_lasting,
        .timing                                   = weiri_link_timing_of(600),
        .port = { .context = self, .send = to_sender, .tell = tell } };
    self->now                         = 1000;
    begin_sender(self, of_sender, 7);
    assert_ok(weiri_receiver_new(&takes, &self->receiver, &err));
    weiri_receiver_begin(self->receiver, &place);
    weiri_sender_on_connection(self->sender, true, self->now);
}

static void
begin(pair *self, const weir_schema *of_sender, const char *receiver)
{
    memset(self, 0, sizeof *self);
    begin_as(self, of_sender, receiver);
}

static void
end(pair *self)
{
    weiri_sender_destroy(&self->sender);
    weiri_receiver_destroy(&self->receiver);
}

static void
give(pair *self)
{
    weir_chunk *chunk = NULL;
    assert_ok(weir_chunk_new(&SCHEMA, NULL, &chunk));
    for (int i = 0; i < ROWS; i++) {
        chunk->columns[0].as.i[i]   = i;
        chunk->columns[1].nulls[i]  = 1;
        chunk->columns[1].has_nulls = true;
        chunk->time[i]              = 5;
    }
    chunk->n_rows        = ROWS;
    const weir_rows rows = { .chunk = chunk, .n = ROWS };
    assert_ok(weiri_sender_stage(self->sender, rows));
    assert_ok(weiri_sender_commit(self->sender, 5));
    weir_chunk_drop(&chunk);
}

static void
what_is_kept_is_acknowledged_and_forgotten(void **state)
{
    pair           self;
    static uint8_t bytes[WEIRI_RECORD_BYTES];
    (void)state;
    begin(&self, &SCHEMA, "core");
    give(&self);
    (void)weiri_sender_work(self.sender, self.now); /* HELLO, WELCOME */
    (void)weiri_sender_work(self.sender, self.now);
    assert_true(weiri_receiver_take(self.receiver, bytes, sizeof bytes) > 0);
    (void)weiri_receiver_work(self.receiver, self.now);
    assert_false(weiri_sender_is_done(self.sender)); /* taken, and not kept yet */
    weiri_receiver_keep(self.receiver);
    (void)weiri_receiver_work(self.receiver, self.now);
    assert_true(weiri_sender_is_done(self.sender));
    assert_int_equal(weiri_sender_get_counts(self.sender).n_bytes, 0);
    assert_int_equal(weiri_receiver_get_counts(self.receiver).n_rows, ROWS);
    end(&self);
}

static void
a_peer_that_never_acknowledges_stops_the_source_and_no_memory_grows(void **state)
{
    pair self;
    (void)state;
    begin(&self, &SCHEMA, "core");
    self.is_deaf = true;
    while (!weiri_sender_is_full(self.sender)) {
        give(&self);
    }
    size_t full = weiri_sender_get_counts(self.sender).n_bytes;
    for (int i = 0; i < 10000; i++) {
        self.now += 100;
        (void)weiri_sender_work(self.sender, self.now);
    }
    assert_true(full < BACKLOG + 1000);
    assert_int_equal(weiri_sender_get_counts(self.sender).n_bytes, full);
    end(&self);
}

static void
other_fields_are_refused_and_both_nodes_name_both_lists(void **state)
{
    pair        self;
    const char *lists = "stream 'txn' has the fields (n float, s string?) at 'edge' and "
                        "(n int, s string?) at 'core'";
    char        expected[TOLD];
    (void)state;
    begin(&self, &OTHER, "core");
    (void)weiri_sender_work(self.sender, self.now);
    snprintf(expected, sizeof expected,
        "txn from edge: refused: %s\ntxn to core: refused: %s\n", lists, lists);
    assert_string_equal(self.told, expected);
    end(&self);
}

static void
nodes_that_read_from_each_other_in_a_loop_are_refused(void **state)
{
    pair              self;
    const char *const by[] = { "far", "core" };
    (void)state;
    begin(&self, &SCHEMA, "core");
    assert_ok(weiri_sender_set_origins(self.sender, by, 2));
    (void)weiri_sender_work(self.sender, self.now);
    assert_non_null(strstr(self.told, "have come by 'core' already"));
    assert_false(weiri_sender_get_counts(self.sender).is_open);
    end(&self);
}

static void
nodes_with_other_rules_are_refused_and_hear_what_differs(void **state)
{
    static const weiri_link_term ours[]   = { { "rule hot", 1 }, { "rule spot", 2 },
          { "param low", 5 }, { "the order", 3 } };
    static const weiri_link_term theirs[] = { { "rule hot", 9 }, { "rule spot", 2 },
        { "rule more", 7 }, { "the order", 4 } };
    pair                         self     = { .terms = { theirs, ours }, .n_terms = 4 };
    (void)state;
    begin_as(&self, &SCHEMA, "core");
    (void)weiri_sender_work(self.sender, self.now);
    assert_non_null(strstr(self.told, "'edge' and 'core' do not have the same rules: "
                                      "rule hot differs, rule more is at 'edge' alone, "
                                      "param low is at 'core' alone\n"));
    assert_non_null(weiri_sender_refusal(self.sender));
    end(&self);
}

static void
nodes_with_the_same_rules_meet(void **state)
{
    static const weiri_link_term terms[] = { { "rule hot", 1 }, { "the order", 3 } };
    pair                         self    = { .terms = { terms, terms }, .n_terms = 2 };
    (void)state;
    begin_as(&self, &SCHEMA, "core");
    (void)weiri_sender_work(self.sender, self.now);
    assert_true(weiri_sender_get_counts(self.sender).is_open);
    end(&self);
}

static weiri_link_parting
sender_is(const pair *self)
{
    return weiri_sender_farewell(self->sender).parting;
}

static weiri_link_parting
receiver_is(const pair *self)
{
    return weiri_receiver_farewell(self->receiver).parting;
}

static void
work_all(pair *self)
{
    self->now += 1000;
    (void)weiri_sender_work(self->sender, self->now);
    (void)weiri_receiver_work(self->receiver, self->now);
    (void)weiri_sender_work(self->sender, self->now);
}

static void
take_all(pair *self)
{
    static uint8_t bytes[WEIRI_RECORD_BYTES];
    work_all(self);
    while (weiri_receiver_take(self->receiver, bytes, sizeof bytes) > 0) {
    }
    weiri_receiver_keep(self->receiver);
    work_all(self);
}

static void
ends_with_state_part_when_each_step_lasts(void **state)
{
    pair self = { .is_lasting = true };
    (void)state;
    begin_as(&self, &SCHEMA, "core");
    give(&self);
    assert_ok(weiri_sender_end(self.sender, 5));
    take_all(&self);
    assert_int_equal(sender_is(&self), WEIRI_LINK_SETTLED);
    assert_int_equal(receiver_is(&self), WEIRI_LINK_FLOWING); /* it could ask again */
    weiri_sender_release(self.sender, WEIRI_LINK_SETTLED);
    work_all(&self);
    assert_int_equal(receiver_is(&self), WEIRI_LINK_SETTLED);
    assert_int_equal(sender_is(&self), WEIRI_LINK_SETTLED); /* it could wait again */
    weiri_receiver_release(self.receiver, WEIRI_LINK_SETTLED);
    work_all(&self);
    assert_int_equal(sender_is(&self), WEIRI_LINK_PARTED);
    assert_int_equal(receiver_is(&self), WEIRI_LINK_SETTLED);
    weiri_sender_release(self.sender, WEIRI_LINK_PARTED);
    work_all(&self);
    assert_int_equal(receiver_is(&self), WEIRI_LINK_PARTED);
    end(&self);
}

/* The time may have been said and lost: the receiver would wait for it for ever. */
static void
a_sender_that_goes_on_says_its_time_again(void **state)
{
    pair       self;
    weiri_pack kept = { 0 };
    weir_error err  = { 0 };
    (void)state;
    begin(&self, &SCHEMA, "core");
    assert_ok(weiri_sender_commit(self.sender, 77));
    assert_ok(weiri_sender_settle(self.sender));
    weiri_sender_save(self.sender, &kept);
    weiri_sender_destroy(&self.sender);
    begin_sender(&self, &SCHEMA, 9);
    weiri_unpack in = { .at = kept.bytes, .end = kept.bytes + kept.size };
    assert_ok(weiri_sender_load(self.sender, &in, &err));
    weiri_sender_on_connection(self.sender, true, self.now);
    work_all(&self);
    assert_int_equal(weiri_receiver_get_counts(self.receiver).watermark_ns, 77);
    weiri_pack_fini(&kept);
    end(&self);
}

static void
ends_without_state_part_at_once(void **state)
{
    pair self;
    (void)state;
    begin(&self, &SCHEMA, "core");
    give(&self);
    assert_ok(weiri_sender_end(self.sender, 5));
    take_all(&self);
    work_all(&self);
    assert_int_equal(sender_is(&self), WEIRI_LINK_PARTED);
    assert_int_equal(receiver_is(&self), WEIRI_LINK_PARTED);
    end(&self);
}

/* The receiver is busy with events of the sender's earlier life. */
static void
what_waits_of_an_earlier_life_acknowledges_nothing_of_this_one(void **state)
{
    pair           self;
    static uint8_t bytes[WEIRI_RECORD_BYTES];
    (void)state;
    begin(&self, &SCHEMA, "core");
    give(&self);
    (void)weiri_sender_work(self.sender, self.now); /* HELLO, WELCOME */
    (void)weiri_sender_work(self.sender, self.now);
    size_t one = weiri_receiver_get_counts(self.receiver).n_bytes;
    weiri_sender_destroy(&self.sender);
    begin_sender(&self, &SCHEMA, 8);
    weiri_sender_on_connection(self.sender, true, self.now);
    give(&self);
    (void)weiri_sender_work(self.sender, self.now);
    (void)weiri_sender_work(self.sender, self.now);
    assert_int_equal(weiri_receiver_get_counts(self.receiver).n_bytes, 2 * one);
    assert_int_equal(weiri_receiver_take(self.receiver, bytes, one), one);
    weiri_receiver_keep(self.receiver);
    (void)weiri_receiver_work(self.receiver, self.now);
    assert_false(weiri_sender_is_done(self.sender));
    assert_int_equal(weiri_receiver_take(self.receiver, bytes, one), one);
    weiri_receiver_keep(self.receiver);
    (void)weiri_receiver_work(self.receiver, self.now);
    assert_true(weiri_sender_is_done(self.sender));
    end(&self);
}

/* A frame of the epoch of `begin`, straight to the receiver. */
static void
hear(pair *self, weiri_frame_kind kind, uint64_t sequence, int64_t watermark_ns,
    const weiri_pack *payload)
{
    uint64_t    id = weiri_hash_text(WEIRI_HASH_BEGIN, SCHEMA.name);
    uint8_t     bytes[WEIRI_FRAME_HEAD + 16];
    size_t      size  = payload != NULL ? payload->size : 0;
    weiri_frame frame = { .kind = (uint8_t)kind,
        .stream                 = (uint32_t)id,
        .link                   = (uint32_t)(id >> 32),
        .sequence               = sequence,
        .watermark_ns           = watermark_ns,
        .size                   = size,
        .epoch                  = 7 };
    assert_true(size <= 16);
    weiri_frame_write(&frame, bytes);
    if (size > 0) {
        memcpy(bytes + WEIRI_FRAME_HEAD, payload->bytes, size);
    }
    weiri_receiver_on_frame(self->receiver, &frame, bytes + WEIRI_FRAME_HEAD, self->now);
}

static void
time_that_goes_on_while_nobody_takes_in_needs_no_more_room(void **state)
{
    enum { MARKS = 1000 };
    pair        self;
    uint8_t     bytes[2 * WEIRI_FRAME_HEAD];
    weiri_frame mark;
    (void)state;
    begin(&self, &SCHEMA, "core");
    (void)weiri_sender_work(self.sender, self.now); /* HELLO, WELCOME */
    for (int64_t i = 1; i <= MARKS; i++) {
        hear(&self, WEIRI_FRAME_PING, 0, i, NULL);
    }
    assert_int_equal(weiri_receiver_get_counts(self.receiver).n_bytes, WEIRI_FRAME_HEAD);
    assert_int_equal(weiri_receiver_get_counts(self.receiver).watermark_ns, MARKS);
    assert_int_equal(
        weiri_receiver_take(self.receiver, bytes, sizeof bytes), WEIRI_FRAME_HEAD);
    assert_ok(weiri_frame_read(&mark, bytes, WEIRI_FRAME_HEAD, NULL));
    assert_int_equal(mark.kind, WEIRI_FRAME_MARK);
    assert_int_equal(mark.watermark_ns, MARKS);
    end(&self);
}

static void
a_gap_beyond_all_events_is_refused(void **state)
{
    pair       self;
    weiri_pack payload = { 0 };
    (void)state;
    begin(&self, &SCHEMA, "core");
    (void)weiri_sender_work(self.sender, self.now); /* HELLO, WELCOME */
    weiri_pack_fixed(&payload, UINT64_MAX);
    hear(&self, WEIRI_FRAME_GAP, 0, INT64_MIN, &payload);
    assert_int_equal(weiri_receiver_get_counts(self.receiver).n_bad, 1);
    assert_false(weiri_receiver_has_frames(self.receiver));
    weiri_pack_fini(&payload);
    end(&self);
}

/* One byte of good columns is another: refused, or rows none the less. */
static void
columns_are_checked_to_the_last_byte(void **state)
{
    weiri_pack  out   = { 0 };
    weir_chunk *chunk = NULL;
    uint64_t    n_bad = 0;
    (void)state;
    assert_ok(weir_chunk_new(&SCHEMA, NULL, &chunk));
    weir_value text = { .type = WEIR_STRING, .as.s = "\xC3\xA4x", .size = 3 };
    for (uint32_t i = 0; i < 3; i++) {
        chunk->columns[0].as.i[i] = i;
        chunk->time[i]            = i;
        assert_ok(weir_chunk_set(chunk, i, 1, &text));
    }
    chunk->n_rows        = 3;
    const weir_rows rows = { .chunk = chunk, .n = 3 };
    weiri_columns_write(rows, &out);
    assert_null(weiri_columns_check(out.bytes, out.size, &SCHEMA, 3));
    for (size_t size = 0; size < out.size; size++) {
        assert_non_null(weiri_columns_check(out.bytes, size, &SCHEMA, 3));
    }
    assert_non_null(weiri_columns_check(out.bytes, out.size, &SCHEMA, 2));
    assert_non_null(weiri_columns_check(out.bytes, out.size, &SCHEMA, UINT32_MAX));
    assert_string_equal(
        weiri_columns_check(out.bytes, out.size, &OTHER, 3), "rows of another schema");
    for (size_t i = 0; i < out.size * 8; i++) {
        out.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        n_bad += weiri_columns_check(out.bytes, out.size, &SCHEMA, 3) != NULL;
        out.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_true(n_bad > 100);
    weir_chunk_drop(&chunk);
    weiri_pack_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_is_acknowledged_and_forgotten),
        cmocka_unit_test(
            a_peer_that_never_acknowledges_stops_the_source_and_no_memory_grows),
        cmocka_unit_test(other_fields_are_refused_and_both_nodes_name_both_lists),
        cmocka_unit_test(nodes_that_read_from_each_other_in_a_loop_are_refused),
        cmocka_unit_test(nodes_with_other_rules_are_refused_and_hear_what_differs),
        cmocka_unit_test(nodes_with_the_same_rules_meet),
        cmocka_unit_test(ends_with_state_part_when_each_step_lasts),
        cmocka_unit_test(a_sender_that_goes_on_says_its_time_again),
        cmocka_unit_test(ends_without_state_part_at_once),
        cmocka_unit_test(what_waits_of_an_earlier_life_acknowledges_nothing_of_this_one),
        cmocka_unit_test(time_that_goes_on_while_nobody_takes_in_needs_no_more_room),
        cmocka_unit_test(a_gap_beyond_all_events_is_refused),
        cmocka_unit_test(columns_are_checked_to_the_last_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
