/* Any bytes as CSV: the decoder says the same however the input is cut, and a naive
 * reader that looks at one byte at a time finds the same records and cells. The first
 * byte says whether there is a header.
 */
#include "../support/decode_dump.h"
#include "naive_csv.h"

static const weir_field STRINGS[] = {
    { .name = "a", .type = WEIR_STRING },
    { .name = "b", .type = WEIR_STRING },
    { .name = "c", .type = WEIR_STRING, .is_nullable = true },
};
static const weir_schema STRING_SCHEMA = {
    .name = "strings", .fields = STRINGS, .n_fields = 3, .time_field = -1
};

static const weir_field ALL[] = {
    { .name = "e", .type = WEIR_TIME, .is_nullable = true },
    { .name = "a", .type = WEIR_INT },
    { .name = "b", .type = WEIR_FLOAT, .is_nullable = true },
    { .name = "b2", .type = WEIR_STRING, .from = "b" },
    { .name = "d", .type = WEIR_BOOL, .is_nullable = true },
};
static const weir_schema ALL_SCHEMA = {
    .name = "all", .fields = ALL, .n_fields = 5, .time_field = -1
};

static void
run(const weiri_decoder_config *config, const char *bytes, size_t size,
    decode_dump *whole)
{
    decode_dump cut;
    uint64_t    seed = 1 + size;
    decode_dump_run(whole, config, bytes, size, decode_cut_whole, NULL);
    decode_dump_run(&cut, config, bytes, size, decode_cut_random, &seed);
    weiri_assert(whole->out.used == cut.out.used);
    weiri_assert(memcmp(whole->out.bytes, cut.out.bytes, whole->out.used) == 0);
    decode_dump_fini(&cut);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char          *bytes  = (const char *)data;
    weiri_decoder_config config = { .schema = &ALL_SCHEMA,
        .format                             = WEIRI_FORMAT_CSV,
        .has_header                         = size > 0 && (data[0] & 1) != 0,
        .delimiter                          = ',' };
    if (size == 0) {
        return 0;
    }
    decode_dump dump;
    run(&config, bytes + 1, size - 1, &dump);
    decode_dump_fini(&dump);

    config.schema     = &STRING_SCHEMA;
    config.has_header = false;
    run(&config, bytes + 1, size - 1, &dump);
    weiri_buffer expected = { 0 };
    size_t       n_dead   = 0;
    decode_dump_text(&expected, "");
    naive_csv_records(&expected, &n_dead, STRING_SCHEMA.n_fields, bytes + 1, size - 1);
    weiri_assert(dump.n_dead == n_dead);
    weiri_assert(dump.rows_size == expected.used);
    weiri_assert(memcmp(dump.out.bytes, expected.bytes, expected.used) == 0);
    weiri_buffer_fini(&expected);
    decode_dump_fini(&dump);
    return 0;
}
