/* Places as editors count them: lines from 0, and in a line UTF-16 units or bytes. */
#ifndef LSP_PLACE_H
#define LSP_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct lsp_position {
    uint32_t line;
    uint32_t character;
} lsp_position;

typedef enum lsp_unit { LSP_UTF16, LSP_UTF8 } lsp_unit;

/* Where a place is in a text, bytes. A line ends with "\n", "\r\n" or "\r"; behind a
 * line's end is the line's end, behind the last line the text's, inside a code point its
 * beginning. */
size_t
lsp_offset_of(const char *text, size_t size, lsp_position place, lsp_unit unit);

/* The place of an offset, which is counted on from a place that lies before it.
 *
 *   from, from_offset  {0, 0} and 0, or what an earlier call gave
 */
lsp_position
lsp_position_of(const char *text, size_t size, size_t offset, lsp_unit unit,
    lsp_position from, size_t from_offset);

#endif
