/* What an encoder writes, the decoder of the format reads back, value for value. */
#include "weir_test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/random.h"
#include "weiri/codec.h"

enum { MOST_FIELDS = 12, NAME_SIZE = 24, ROWS = 100 };

struct shape {
    weir_schema schema;
    weir_field  fields[MOST_FIELDS];
    char        names[MOST_FIELDS][NAME_SIZE];
};

static void
make_shape(struct shape *shape, uint64_t *seed)
{
    static const char *const STEMS[]  = { "n", "a field", "quote\"d", "com,ma", "zürich",
         "back\\slash", "a_rather_long_name", "x" };
    static const weir_type   TYPES[]  = { WEIR_BOOL, WEIR_INT, WEIR_FLOAT, WEIR_STRING,
           WEIR_TIME, WEIR_DURATION };
    uint32_t                 n_fields = 1 + (uint32_t)(next_random(seed) % MOST_FIELDS);
    *shape                            = (struct shape){ 0 };
    shape->schema                     = (weir_schema){
                            .name = "random", .fields = shape->fields, .n_fields = n_fields, .time_field = -1
    };
    for (uint32_t i = 0; i < n_fields; i++) {
        uint64_t r = next_random(seed);
        snprintf(shape->names[i], NAME_SIZE, "%s%u", STEMS[r % 8], i);
        shape->fields[i] = (weir_field){ .name = shape->names[i],
            .type                              = TYPES[(r >> 8) % 6],
            .is_nullable                       = (r >> 16) % 2 == 0 };
        if (shape->schema.time_field < 0 && shape->fields[i].type == WEIR_TIME) {
            shape->schema.time_field     = (int32_t)i;
            shape->fields[i].is_nullable = false;
        }
    }
}

static weir_value
random_value(const weir_field *field, uint64_t *seed, char *text)
{
    static const char *const PIECES[] = { "a", "word", ",", "\"", "\n", "\r\n", "\\", "ä",
        "€", "𝄞", " ", "\t", "\x01", "\x7f", "null", "'" };
    uint64_t                 r        = next_random(seed);
    weir_value               value    = { .type = (uint8_t)field->type };
    value.is_null                     = field->is_nullable && r % 4 == 0;
    if (value.is_null) {
        return value;
    }
    uint64_t bits = next_random(seed) >> (r >> 8 & 63);
    switch (field->type) {
    case WEIR_BOOL: value.as.b = bits % 2 != 0; break;
    case WEIR_FLOAT:
        memcpy(&value.as.f, &bits, sizeof bits);
        if (!isfinite(value.as.f) || r >> 62 == 0) {
            value.as.f = (double)(int64_t)bits / 100;
        }
        break;
    case WEIR_STRING:
        value.as.s = text;
        for (uint64_t n = (r >> 16) % 12; n > 0; n--) {
            const char *piece = PIECES[next_random(seed) % 16];
            memcpy(text + value.size, piece, strlen(piece));
            value.size += (uint32_t)strlen(piece);
        }
        break;
    default: value.as.i = (int64_t)(r >> 63 != 0 ? bits : 0 - bits); break;
    }
    return value;
}

static weir_chunk *
random_chunk(const weir_schema *schema, uint64_t *seed)
{
    weir_chunk *chunk = NULL;
    char        text[128];
    assert_ok(weir_chunk_new(schema, NULL, &chunk));
    for (uint32_t row = 0; row < ROWS; row++) {
        for (uint32_t f = 0; f < schema->n_fields; f++) {
            weir_value value = random_value(&schema->fields[f], seed, text);
            assert_ok(weir_chunk_set(chunk, row, f, &value));
        }
        chunk->time[row] =
            schema->time_field >= 0 ? chunk->columns[schema->time_field].as.i[row] : 0;
        chunk->n_rows++;
    }
    return chunk;
}

static void
fail_on_dead(void *context, const weiri_dead_record *record)
{
    (void)context;
    fail_msg("line %u: %s: %.*s", (unsigned)record->line, record->reason,
        (int)record->size, record->raw);
}

static weir_chunk *
read_back(const weir_schema *schema, weiri_format format, const weiri_buffer *bytes)
{
    weiri_decoder       *decoder  = NULL;
    weir_chunk          *chunk    = NULL;
    size_t               consumed = 0;
    weir_error           err      = { 0 };
    weiri_decoder_config config   = { .schema = schema,
          .format                             = format,
          .has_header                         = true,
          .delimiter                          = ',',
          .on_dead                            = fail_on_dead };
    assert_ok(weiri_decoder_new(&config, &decoder, NULL));
    assert_ok(weir_chunk_new(schema, NULL, &chunk));
    if (weiri_decoder_decode(
            decoder, bytes->bytes, bytes->used, true, chunk, &consumed, &err)
        != WEIR_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(consumed, bytes->used);
    weiri_decoder_destroy(&decoder);
    return chunk;
}

static void
assert_same_value(const weir_value *expected, const weir_value *got)
{
    assert_int_equal(got->type, expected->type);
    assert_int_equal(got->is_null, expected->is_null);
    if (expected->is_null) {
        return;
    }
    if (expected->type == WEIR_STRING) {
        assert_int_equal(got->size, expected->size);
        assert_memory_equal(got->as.s, expected->as.s, got->size);
    } else if (expected->type == WEIR_BOOL) {
        assert_true(got->as.b == expected->as.b);
    } else {
        assert_true(got->as.i == expected->as.i); /* of a float: bit for bit */
    }
}

/* The decoder takes an empty cell of a type with `?` for null, quoted or not. */
static bool
is_lost_in_csv(const weir_field *field, const weir_value *value)
{
    return field->is_nullable && value->type == WEIR_STRING && value->size == 0;
}

static void
assert_same_rows(const weir_chunk *expected, const weir_chunk *got, weiri_format format)
{
    assert_int_equal(got->n_rows, expected->n_rows);
    for (uint32_t row = 0; row < expected->n_rows; row++) {
        assert_true(got->time[row] == expected->time[row]);
        for (uint32_t f = 0; f < expected->schema->n_fields; f++) {
            weir_value a = weir_chunk_get(expected, row, f);
            weir_value b = weir_chunk_get(got, row, f);
            if (format != WEIRI_FORMAT_CSV
                || !is_lost_in_csv(&expected->schema->fields[f], &a)) {
                assert_same_value(&a, &b);
            }
        }
    }
}

static void
assert_survives(weiri_format format)
{
    uint64_t seed = 31;
    for (int i = 0; i < 200; i++) {
        struct shape   shape;
        weiri_encoder *encoder = NULL;
        weiri_buffer   bytes   = { 0 };
        make_shape(&shape, &seed);
        weir_chunk *chunk = random_chunk(&shape.schema, &seed);
        weir_rows   front = { chunk, 0, ROWS / 2 };
        weir_rows   back  = { chunk, ROWS / 2, ROWS - ROWS / 2 };
        assert_ok(weiri_encoder_new(&shape.schema, format, &encoder, NULL));
        assert_ok(weiri_encoder_begin(encoder, &bytes));
        assert_ok(weiri_encoder_encode(encoder, front, &bytes));
        assert_ok(weiri_encoder_encode(encoder, back, &bytes));
        weiri_encoder_destroy(&encoder);

        weir_chunk *got = read_back(&shape.schema, format, &bytes);
        assert_same_rows(chunk, got, format);
        const weir_chunk *a = chunk;
        const weir_chunk *b = got;
        weir_chunk_unref(&a);
        weir_chunk_unref(&b);
        weiri_buffer_fini(&bytes);
    }
}

static void
json_survives(void **state)
{
    (void)state;
    assert_survives(WEIRI_FORMAT_JSON);
}

static void
csv_survives(void **state)
{
    (void)state;
    assert_survives(WEIRI_FORMAT_CSV);
}

static void
msgpack_survives(void **state)
{
    (void)state;
    assert_survives(WEIRI_FORMAT_MSGPACK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_survives),
        cmocka_unit_test(csv_survives),
        cmocka_unit_test(msgpack_survives),
    };
    return cmocka_run_group_tests_name("roundtrip", tests, NULL, NULL);
}
