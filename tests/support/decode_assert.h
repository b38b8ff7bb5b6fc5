/* What a decoder says, however its input is cut: see decode_dump.h. Included after
 * weir_test.h. */
#ifndef DECODE_ASSERT_H
#define DECODE_ASSERT_H

#include "decode_dump.h"

/* Whole, byte by byte and cut at random, the decoder says the same. */
static inline void
assert_decodes(const weiri_decoder_config *config, const char *text, const char *expected)
{
    uint64_t   seed       = 12345;
    decode_cut cuts[]     = { decode_cut_whole, decode_cut_bytes, decode_cut_random };
    void      *contexts[] = { NULL, NULL, &seed };
    for (int i = 0; i < 3; i++) {
        decode_dump dump;
        decode_dump_run(&dump, config, text, strlen(text), cuts[i], contexts[i]);
        assert_string_equal(dump.out.bytes, expected);
        decode_dump_fini(&dump);
    }
}

#endif
