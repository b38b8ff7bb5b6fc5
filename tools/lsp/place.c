#include "place.h"

#include "diagnostics.h"

/* Bytes of the line end at `at`; 0: none is there. */
static size_t
line_end(const char *text, size_t size, size_t at)
{
    if (at < size && text[at] == '\r') {
        return at + 1 < size && text[at + 1] == '\n' ? 2 : 1;
    }
    return at < size && text[at] == '\n' ? 1 : 0;
}

/* Bytes of the code point at `at`, and its units. A byte that is not UTF-8 is one. */
static size_t
step(const char *text, size_t size, size_t at, lsp_unit unit, uint32_t *units)
{
    uint32_t length = 0;
    uint32_t code   = weiri_utf8_decode(text + at, size - at, &length);
    length          = length > 0 ? length : 1;
    *units          = unit == LSP_UTF8 ? length : code >= 0x10000 ? 2 : 1;
    return length;
}

size_t
lsp_offset_of(const char *text, size_t size, lsp_position place, lsp_unit unit)
{
    size_t at = 0;
    while (place.line > 0 && at < size) {
        size_t end = line_end(text, size, at);
        place.line -= end > 0;
        at += end > 0 ? end : 1;
    }
    uint32_t left = place.line == 0 ? place.character : 0;
    while (left > 0 && at < size && line_end(text, size, at) == 0) {
        uint32_t units  = 0;
        size_t   length = step(text, size, at, unit, &units);
        if (units > left) {
            break;
        }
        left -= units;
        at += length;
    }
    return at;
}

lsp_position
lsp_position_of(const char *text, size_t size, size_t offset, lsp_unit unit,
    lsp_position from, size_t from_offset)
{
    size_t at = from_offset;
    while (at < offset && at < size) {
        uint32_t units  = 0;
        size_t   length = line_end(text, size, at);
        if (length > 0 && at + length > offset) {
            break; /* between "\r" and "\n" */
        }
        if (length > 0) {
            from.line++;
            from.character = 0;
        } else {
            length = step(text, size, at, unit, &units);
            from.character += units;
        }
        at += length;
    }
    return from;
}
