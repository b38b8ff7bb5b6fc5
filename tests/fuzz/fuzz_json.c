/* Any bytes as JSON Lines: the decoder says the same however the input is cut, and a
 * naive reader of the same lines agrees with it on what is JSON and on every value.
 */
#include "../support/decode_dump.h"
#include "naive_json.h"

static const weir_field FIELDS[] = {
    { .name = "a", .type = WEIR_INT, .is_nullable = true },
    { .name = "b", .type = WEIR_FLOAT, .is_nullable = true },
    { .name = "c", .type = WEIR_STRING, .is_nullable = true },
    { .name = "d", .type = WEIR_BOOL, .is_nullable = true },
    { .name = "e", .type = WEIR_TIME, .is_nullable = true },
    { .name = "f", .type = WEIR_TIME, .form = WEIR_TIME_MS, .is_nullable = true },
    { .name = "g", .type = WEIR_DURATION, .is_nullable = true },
    { .name = "h", .type = WEIR_INT, .from = "/o/h", .is_nullable = true },
    { .name = "i", .type = WEIR_STRING, .from = "/o/l/1", .is_nullable = true },
    { .name = "j", .type = WEIR_STRING, .from = "/o/l/1", .is_nullable = true },
    { .name = "k", .type = WEIR_FLOAT, .from = "/o", .is_nullable = true },
};
static const weir_schema SCHEMA = {
    .name = "all", .fields = FIELDS, .n_fields = 11, .time_field = -1
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char          *bytes  = (const char *)data;
    weiri_decoder_config config = { .schema = &SCHEMA, .format = WEIRI_FORMAT_JSON };
    decode_dump          whole;
    decode_dump          cut;
    uint64_t             seed = 1 + size + (size > 0 ? data[0] * UINT64_C(7919) : 0);
    decode_dump_run(&whole, &config, bytes, size, decode_cut_whole, NULL);
    decode_dump_run(&cut, &config, bytes, size, decode_cut_random, &seed);
    weiri_assert(whole.out.used == cut.out.used);
    weiri_assert(memcmp(whole.out.bytes, cut.out.bytes, whole.out.used) == 0);

    weiri_buffer expected = { 0 };
    size_t       n_dead   = 0;
    decode_dump_text(&expected, "");
    naive_json_lines(&expected, &n_dead, &SCHEMA, bytes, size);
    weiri_assert(whole.n_dead == n_dead);
    weiri_assert(whole.rows_size == expected.used);
    weiri_assert(memcmp(whole.out.bytes, expected.bytes, expected.used) == 0);
    weiri_buffer_fini(&expected);
    decode_dump_fini(&whole);
    decode_dump_fini(&cut);
    return 0;
}
