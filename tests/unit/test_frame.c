#include "weir_test.h"

#include <string.h>

#include "weiri/frame.h"
#include "weiri/pack.h"

enum { PAYLOAD = 5 };

static void
write(uint8_t bytes[WEIRI_FRAME_HEAD + PAYLOAD])
{
    memcpy(bytes + WEIRI_FRAME_HEAD, "abcde", PAYLOAD);
    const weiri_frame frame = { .kind = WEIRI_FRAME_COLUMNS,
        .stream                       = 7,
        .link                         = 3,
        .sequence                     = UINT64_C(1) << 40,
        .watermark_ns                 = -5,
        .n_rows                       = 1000,
        .n_parts                      = 2,
        .size                         = PAYLOAD,
        .checksum = weiri_checksum(WEIRI_HASH_BEGIN, "abcde", PAYLOAD) };
    weiri_frame_write(&frame, bytes);
}

static void
what_was_written_is_read(void **state)
{
    uint8_t     bytes[WEIRI_FRAME_HEAD + PAYLOAD];
    weiri_frame frame;
    weir_error  err = { 0 };
    (void)state;
    write(bytes);
    assert_ok(weiri_frame_read(&frame, bytes, sizeof bytes, &err));
    assert_int_equal(frame.kind, WEIRI_FRAME_COLUMNS);
    assert_int_equal(frame.stream, 7);
    assert_int_equal(frame.link, 3);
    assert_true(frame.sequence == UINT64_C(1) << 40);
    assert_true(frame.watermark_ns == -5);
    assert_int_equal(frame.n_rows, 1000);
    assert_int_equal(frame.n_parts, 2);
}

static void
a_head_is_the_same_bytes_everywhere(void **state)
{
    uint8_t bytes[WEIRI_FRAME_HEAD + PAYLOAD];
    (void)state;
    write(bytes);
    const uint8_t begin[] = { 'W', 'E', 'I', 'R', 1, 2, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 0,
        0, 0, 0, 0, 1, 0, 0, 0xFB, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xE8, 3, 0,
        0 };
    assert_memory_equal(bytes, begin, sizeof begin);
}

static void
a_damaged_frame_is_refused_with_the_reason(void **state)
{
    uint8_t     bytes[WEIRI_FRAME_HEAD + PAYLOAD];
    weiri_frame frame;
    weir_error  err = { 0 };
    (void)state;
    for (size_t size = 0; size < sizeof bytes; size++) { /* cut short */
        write(bytes);
        assert_int_equal(weiri_frame_read(&frame, bytes, size, &err), WEIR_EDATA);
    }
    write(bytes);
    bytes[0] = 'X';
    assert_int_equal(weiri_frame_read(&frame, bytes, sizeof bytes, &err), WEIR_EDATA);
    assert_string_equal(err.text, "no frame: it does not begin with \"WEIR\"");
    write(bytes);
    bytes[4] = 9;
    assert_int_equal(weiri_frame_read(&frame, bytes, sizeof bytes, &err), WEIR_EDATA);
    assert_string_equal(err.text, "a frame of version 9, this is version 1");
    write(bytes);
    bytes[5] = 0;
    assert_int_equal(weiri_frame_read(&frame, bytes, sizeof bytes, &err), WEIR_EDATA);
    assert_string_equal(err.text, "a frame of unknown kind 0");
    write(bytes);
    bytes[WEIRI_FRAME_HEAD] ^= 1;
    assert_int_equal(weiri_frame_read(&frame, bytes, sizeof bytes, &err), WEIR_EDATA);
    assert_string_equal(err.text, "a frame that was damaged: its checksum is wrong");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(a_head_is_the_same_bytes_everywhere),
        cmocka_unit_test(a_damaged_frame_is_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
