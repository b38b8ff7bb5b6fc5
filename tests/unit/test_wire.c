#include "weir_test.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/bytes.h"
#include "weiri/limits.h"
#include "weiri/wire.h"

static const weiri_wire_config IN = {
    .kind = WEIRI_WIRE_PULL, .is_bound = true, .address = "inproc://test"
};
static const weiri_wire_config OUT = { .kind = WEIRI_WIRE_PUSH,
    .address                                 = "inproc://test" };

struct pair {
    weiri_wires  *wires;
    weiri_wire   *push;
    weiri_reader *reader;
};

static int
set_up(void **state, weiri_format format)
{
    struct pair *self = calloc(1, sizeof *self);
    assert_ok(weiri_wires_new(&self->wires, NULL));
    assert_ok(weiri_reader_connect(self->wires, &IN, format, &self->reader, NULL));
    assert_ok(weiri_wire_open(self->wires, &OUT, &self->push, NULL));
    *state = self;
    return 0;
}

static int
set_up_json(void **state)
{
    return set_up(state, WEIRI_FORMAT_JSON);
}

static int
set_up_msgpack(void **state)
{
    return set_up(state, WEIRI_FORMAT_MSGPACK);
}

static int
tear_down(void **state)
{
    struct pair *self = *state;
    weiri_reader_close(&self->reader);
    weiri_wire_close(&self->push);
    weiri_wires_destroy(&self->wires);
    free(self);
    return 0;
}

static void
send(struct pair *self, const char *bytes, size_t size)
{
    assert_ok(weiri_wire_send(self->push, bytes, size, NULL));
}

/* Everything there is, `step` bytes at a time; returns the size. */
static size_t
read_all(struct pair *self, char *bytes, size_t room, size_t step)
{
    size_t      used   = 0;
    size_t      n      = 0;
    weir_status status = WEIR_OK;
    while (status == WEIR_OK) {
        assert_true(used + step <= room);
        status = weiri_reader_read(self->reader, bytes + used, step, 0, &n, NULL);
        assert_true(status == WEIR_EAGAIN || n > 0);
        used += n;
    }
    assert_int_equal(status, WEIR_EAGAIN);
    return used;
}

static void
json_messages_become_lines_however_they_end(void **state)
{
    char bytes[64];
    for (size_t step = 1; step < 8; step++) {
        send(*state, "a", 1);
        send(*state, "", 0);
        send(*state, "b\nc\n", 4);
        send(*state, "\n", 1);
        send(*state, "d\ne", 3);
        size_t n = read_all(*state, bytes, sizeof bytes, step);
        assert_int_equal(n, 11);
        assert_memory_equal(bytes, "a\nb\nc\n\nd\ne\n", 11);
    }
}

static void
messagepack_that_is_whole_passes_as_it_is(void **state)
{
    char bytes[64];
    send(*state, "\x01\x81\xa1\x61\x02", 5);
    send(*state, "\xc0", 1);
    assert_int_equal(read_all(*state, bytes, sizeof bytes, 2), 6);
    assert_memory_equal(bytes, "\x01\x81\xa1\x61\x02\xc0", 6);
}

static void
what_is_no_whole_value_becomes_one_byte_string(void **state)
{
    static const char *const BAD[]  = { "\x81\xa1", "\xc1\x01", "\xdb\xff\xff\xff\xff" };
    static const size_t      SIZE[] = { 2, 2, 5 };
    for (size_t i = 0; i < 3; i++) {
        char bytes[64];
        char message[16] = "\x01";
        memcpy(message + 1, BAD[i], SIZE[i]);
        send(*state, message, 1 + SIZE[i]);
        send(*state, "\x02", 1);
        size_t n = read_all(*state, bytes, sizeof bytes, 1 + i);
        assert_int_equal(n, 1 + 5 + SIZE[i] + 1);
        const char head[] = { 0x01, (char)0xc6, 0, 0, 0, (char)SIZE[i] };
        assert_memory_equal(bytes, head, sizeof head);
        assert_memory_equal(bytes + 6, BAD[i], SIZE[i]);
        assert_int_equal(bytes[n - 1], 2);
    }
}

static void
a_reader_of_a_socket_is_not_regular_and_gives_no_end(void **state)
{
    struct pair *self = *state;
    char         byte = 0;
    size_t       n    = 0;
    assert_false(weiri_reader_is_regular(self->reader));
    assert_int_equal(
        weiri_reader_read(self->reader, &byte, 1, 1000, &n, NULL), WEIR_EAGAIN);
    weiri_wire_close(&self->push);
    assert_int_equal(weiri_reader_read(self->reader, &byte, 1, 0, &n, NULL), WEIR_EAGAIN);
}

static void
a_writer_sends_a_message_a_flush_and_never_an_empty_one(void **state)
{
    weiri_wires                   *wires = NULL;
    weiri_wire                    *pull  = NULL;
    weiri_writer                  *out   = NULL;
    const char                    *bytes = NULL;
    size_t                         size  = 0;
    static const weiri_wire_config FROM  = {
         .kind = WEIRI_WIRE_PULL, .is_bound = true, .address = "inproc://w"
    };
    static const weiri_wire_config TO = { .kind = WEIRI_WIRE_PUSH,
        .address                                = "inproc://w" };
    (void)state;
    assert_ok(weiri_wires_new(&wires, NULL));
    assert_ok(weiri_wire_open(wires, &FROM, &pull, NULL));
    assert_ok(weiri_writer_connect(wires, &TO, 100, &out, NULL));
    assert_true(weiri_writer_takes_rows(out));
    assert_false(weiri_writer_is_regular(out));
    assert_ok(weiri_writer_flush(out, NULL));
    assert_ok(weiri_writer_write(out, "a\n", 2, NULL));
    assert_ok(weiri_writer_write(out, "b\n", 2, NULL));
    assert_int_equal(weiri_wire_receive(pull, 0, &bytes, &size, NULL), WEIR_EAGAIN);
    assert_int_equal(weiri_writer_size(out), 100);
    assert_ok(weiri_writer_flush(out, NULL));
    assert_ok(weiri_writer_flush(out, NULL));
    assert_int_equal(weiri_writer_size(out), 104);
    assert_ok(weiri_writer_write(out, "c\n", 2, NULL));
    assert_ok(weiri_writer_close(&out, NULL)); /* what is left goes */
    assert_ok(weiri_wire_receive(pull, 0, &bytes, &size, NULL));
    assert_int_equal(size, 4);
    assert_memory_equal(bytes, "a\nb\n", 4);
    assert_ok(weiri_wire_receive(pull, 0, &bytes, &size, NULL));
    assert_memory_equal(bytes, "c\n", 2);
    assert_int_equal(weiri_wire_receive(pull, 0, &bytes, &size, NULL), WEIR_EAGAIN);
    weiri_wire_close(&pull);
    weiri_wires_destroy(&wires);
}

static void
an_address_that_is_none_or_taken_is_named(void **state)
{
    struct pair            *self = *state;
    weiri_wire             *wire = NULL;
    weir_error              err  = { 0 };
    const weiri_wire_config none = { .kind = WEIRI_WIRE_PULL, .address = "nowhere" };
    assert_int_equal(weiri_wire_open(self->wires, &none, &wire, &err), WEIR_EINVAL);
    assert_non_null(strstr(err.text, "cannot connect to 'nowhere'"));
    assert_int_equal(weiri_wire_open(self->wires, &IN, &wire, &err), WEIR_EIO);
    assert_non_null(strstr(err.text, "cannot listen at 'inproc://test'"));
}

static bool
yes(void *context)
{
    (*(int *)context)++;
    return true;
}

static void
who_is_stopped_gives_up_waiting_for_a_taker(void **state)
{
    static const weiri_wire_config TO      = { .kind = WEIRI_WIRE_PUSH,
             .address                                = "ipc://nobody.is.there" };
    weiri_wires                   *wires   = NULL;
    weiri_wire                    *out     = NULL;
    int                            n_asked = 0;
    weir_error                     err     = { .status = WEIR_OK };
    (void)state;
    assert_ok(weiri_wires_new(&wires, NULL));
    weiri_wires_stop_when(wires, yes, &n_asked);
    assert_ok(weiri_wire_open(wires, &TO, &out, NULL));
    assert_int_equal(weiri_wire_send(out, "a\n", 2, &err), WEIR_EIO);
    assert_string_equal(err.text, "nobody takes what is written to "
                                  "'ipc://nobody.is.there', and the run is to stop");
    assert_int_equal(n_asked, 1);
    weiri_wire_close(&out);
    weiri_wires_destroy(&wires);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            json_messages_become_lines_however_they_end, set_up_json, tear_down),
        cmocka_unit_test_setup_teardown(
            messagepack_that_is_whole_passes_as_it_is, set_up_msgpack, tear_down),
        cmocka_unit_test_setup_teardown(
            what_is_no_whole_value_becomes_one_byte_string, set_up_msgpack, tear_down),
        cmocka_unit_test_setup_teardown(
            a_reader_of_a_socket_is_not_regular_and_gives_no_end, set_up_json, tear_down),
        cmocka_unit_test(a_writer_sends_a_message_a_flush_and_never_an_empty_one),
        cmocka_unit_test_setup_teardown(
            an_address_that_is_none_or_taken_is_named, set_up_json, tear_down),
        cmocka_unit_test(who_is_stopped_gives_up_waiting_for_a_taker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
