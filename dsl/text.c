/* UTF-8 and the likeness of names. */
#include "diagnostics.h"

#include <string.h>

/* Bytes after the first, the bits of the first, and the least code point of the length.
 */
static uint32_t
decode_tail(const char *text, size_t size, uint32_t n_tail, uint32_t head)
{
    static const uint32_t LEAST[] = { 0, 0x80, 0x800, 0x10000 };
    if (size < n_tail + 1) {
        return UINT32_MAX;
    }
    uint32_t code = head;
    for (uint32_t i = 1; i <= n_tail; i++) {
        uint8_t byte = (uint8_t)text[i];
        if ((byte & 0xC0) != 0x80) {
            return UINT32_MAX;
        }
        code = code << 6 | (byte & 0x3F);
    }
    bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
    return code < LEAST[n_tail] || code > 0x10FFFF || is_surrogate ? UINT32_MAX : code;
}

uint32_t
weiri_utf8_decode(const char *text, size_t size, uint32_t *length)
{
    uint8_t  byte   = (uint8_t)text[0];
    uint32_t n_tail = byte < 0x80   ? 0
                      : byte < 0xC0 ? 4
                      : byte < 0xE0 ? 1
                      : byte < 0xF0 ? 2
                      : byte < 0xF8 ? 3
                                    : 4;
    *length         = 1 + n_tail;
    if (n_tail == 0) {
        return byte;
    }
    uint32_t code = n_tail == 4
                        ? UINT32_MAX
                        : decode_tail(text, size, n_tail, byte & (0x3Fu >> n_tail));
    if (code == UINT32_MAX) {
        *length = 0;
        return 0xFFFD;
    }
    return code;
}

struct range {
    uint32_t first;
    uint32_t last;
};

static bool
is_within(uint32_t code, const struct range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (code >= ranges[i].first && code <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

uint32_t
weiri_utf8_width(uint32_t code_point)
{
    static const struct range NONE[] = { { 0x300, 0x36F }, { 0x483, 0x489 },
        { 0x591, 0x5BD }, { 0x610, 0x61A }, { 0x64B, 0x65F }, { 0x1AB0, 0x1AFF },
        { 0x1DC0, 0x1DFF }, { 0x200B, 0x200F }, { 0x20D0, 0x20FF }, { 0xFE00, 0xFE0F },
        { 0xFE20, 0xFE2F }, { 0xFEFF, 0xFEFF } };
    static const struct range WIDE[] = { { 0x1100, 0x115F }, { 0x2E80, 0x303E },
        { 0x3041, 0xA4CF }, { 0xAC00, 0xD7A3 }, { 0xF900, 0xFAFF }, { 0xFE30, 0xFE6F },
        { 0xFF00, 0xFF60 }, { 0xFFE0, 0xFFE6 }, { 0x1F300, 0x1F64F },
        { 0x1F900, 0x1F9FF }, { 0x20000, 0x3FFFD } };
    if (code_point < 0x300) {
        return 1;
    }
    if (is_within(code_point, NONE, sizeof NONE / sizeof NONE[0])) {
        return 0;
    }
    return is_within(code_point, WIDE, sizeof WIDE / sizeof WIDE[0]) ? 2 : 1;
}

enum { NAME_BYTES = 64 }; /* longer names are not compared */

static uint32_t
least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t
distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
    uint32_t rows[3][NAME_BYTES + 1];
    for (uint32_t j = 0; j <= n_b; j++) {
        rows[0][j] = j;
    }
    for (uint32_t i = 1; i <= n_a; i++) {
        uint32_t       *row    = rows[i % 3];
        const uint32_t *above  = rows[(i - 1) % 3];
        const uint32_t *higher = rows[(i + 1) % 3];
        row[0]                 = i;
        for (uint32_t j = 1; j <= n_b; j++) {
            uint32_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = least(least(row[j - 1] + 1, above[j] + 1), above[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = least(row[j], higher[j - 2] + 1);
            }
        }
    }
    return rows[n_a % 3][n_b];
}

const char *
weiri_nearest_name(const char *name, const char *const *names, size_t n_names)
{
    size_t      size  = strlen(name);
    uint32_t    bound = size <= 2 ? 1 : size <= 5 ? 2 : (uint32_t)(size / 3) + 1;
    const char *best  = NULL;
    for (size_t i = 0; i < n_names && size <= NAME_BYTES; i++) {
        size_t other = strlen(names[i]);
        if (other > NAME_BYTES || other + bound < size || size + bound < other) {
            continue;
        }
        uint32_t d = distance(name, size, names[i], other);
        if (d <= bound && d > 0 && d < other && d < size) {
            best  = names[i];
            bound = d - 1;
        }
    }
    return best;
}
