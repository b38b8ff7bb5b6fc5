#include "weiri/numtext.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

bool
weiri_int_parse(const char *text, size_t size, int64_t *out)
{
    size_t i           = size > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    bool   is_negative = i == 1 && text[0] == '-';
    if (i == size) {
        return false;
    }
    uint64_t limit = (uint64_t)INT64_MAX + (is_negative ? 1 : 0);
    uint64_t value = 0;
    for (; i < size; i++) {
        unsigned digit = (unsigned)(unsigned char)text[i] - '0';
        if (digit > 9 || value > (limit - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *out = (int64_t)(is_negative ? 0 - value : value);
    return true;
}

size_t
weiri_int_format(int64_t value, char out[WEIRI_INT_TEXT])
{
    char     digits[WEIRI_INT_TEXT];
    size_t   n    = 0;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[n++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);

    size_t size = 0;
    if (value < 0) {
        out[size++] = '-';
    }
    while (n > 0) {
        out[size++] = digits[--n];
    }
    out[size] = '\0';
    return size;
}

/* How many bytes at the front are ASCII, rounded down to whole blocks. */
static size_t
ascii_blocks(const unsigned char *bytes, size_t size)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; size - i >= 16; i += 16) {
        if (_mm_movemask_epi8(_mm_loadu_si128((const void *)(bytes + i))) != 0) {
            return i;
        }
    }
#endif
    for (; size - i >= 8; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, 8);
        if ((word & UINT64_C(0x8080808080808080)) != 0) {
            return i;
        }
    }
    return i;
}

static bool
is_tail(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

/* The size of the well-formed sequence of two or more bytes in front, or 0
 * (the table of RFC 3629, section 4). */
static size_t
multibyte(const unsigned char *bytes, size_t size)
{
    unsigned char lead = bytes[0];
    if (lead < 0xC2 || lead > 0xF4 || size < 2) {
        return 0;
    }
    unsigned char second = bytes[1];
    if (lead < 0xE0) {
        return is_tail(second) ? 2 : 0;
    }
    unsigned char low  = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (second < low || second > high || size < 3 || !is_tail(bytes[2])) {
        return 0;
    }
    if (lead < 0xF0) {
        return 3;
    }
    return size >= 4 && is_tail(bytes[3]) ? 4 : 0;
}

bool
weiri_utf8_is_valid(const char *text, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t               i     = 0;
    while (i < size) {
        if (bytes[i] < 0x80) {
            size_t skipped = ascii_blocks(bytes + i, size - i);
            i += skipped > 0 ? skipped : 1;
            continue;
        }
        size_t n = multibyte(bytes + i, size - i);
        if (n == 0) {
            return false;
        }
        i += n;
    }
    return true;
}
