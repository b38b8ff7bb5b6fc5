#define _GNU_SOURCE  /* memmem: the two-way algorithm, linear (Crochemore, Perrin 1991)  \
                      */

#include <string.h>

#include "expr/prepare.h"

size_t
weiri_text_find(
    const char *text, size_t size, size_t from, const char *part, size_t part_size)
{
    if (part_size == 0) {
        return from;
    }
    if (size - from < part_size) {
        return size;
    }
    const char *found = memmem(text + from, size - from, part, part_size);
    return found == NULL ? size : (size_t)(found - text);
}

/* Bytes of the code point at text[at]; stray continuation bytes go with it. */
static size_t
code_point_size(const char *text, size_t size, size_t at)
{
    size_t end = at + 1;
    while (end < size && ((unsigned char)text[end] & 0xC0) == 0x80) {
        end++;
    }
    return end - at;
}

/* Match one element of the pattern, not a `%`; both places move behind it. */
static bool
take_one(const char *text, size_t size, size_t *at, const char *pattern,
    size_t pattern_size, size_t *at_pattern)
{
    char element = pattern[*at_pattern];
    if (element == '_') {
        *at += code_point_size(text, size, *at);
        *at_pattern += 1;
        return true;
    }
    size_t escape = element == '\\' && *at_pattern + 1 < pattern_size ? 1 : 0;
    if (text[*at] != pattern[*at_pattern + escape]) {
        return false;
    }
    *at += 1;
    *at_pattern += 1 + escape;
    return true;
}

/* Only the newest `%` is ever widened: what the ones before it took as the least they
 * could leaves the most for the rest. */
bool
weiri_is_like(const char *text, size_t size, const char *pattern, size_t pattern_size)
{
    size_t at        = 0;
    size_t p         = 0;
    size_t star      = SIZE_MAX; /* place after the newest `%` in the pattern    */
    size_t star_text = 0;        /* where the text after that `%` is tried from  */
    while (at < size) {
        if (p < pattern_size && pattern[p] == '%') {
            star      = ++p;
            star_text = at;
        } else if (p >= pattern_size
                   || !take_one(text, size, &at, pattern, pattern_size, &p)) {
            if (star == SIZE_MAX) {
                return false;
            }
            star_text += code_point_size(text, size, star_text);
            at = star_text;
            p  = star;
        }
    }
    while (p < pattern_size && pattern[p] == '%') {
        p++;
    }
    return p >= pattern_size;
}

static bool
is_same(const char *a, const char *b, size_t size)
{
    return size == 0 || memcmp(a, b, size) == 0;
}

bool
weiri_like_matches(const weiri_like *self, const char *text, uint32_t size)
{
    uint32_t n = self->size;
    switch (self->kind) {
    case WEIRI_LIKE_EQUALS: return size == n && is_same(text, self->text, n);
    case WEIRI_LIKE_STARTS: return size >= n && is_same(text, self->text, n);
    case WEIRI_LIKE_ENDS: return size >= n && is_same(text + size - n, self->text, n);
    case WEIRI_LIKE_CONTAINS:
        return n == 0 || weiri_text_find(text, size, 0, self->text, n) < size;
    case WEIRI_LIKE_ANY: break;
    }
    return weiri_is_like(text, size, self->text, n);
}
