/* JSON (RFC 8259) without values: where things end, and whether they are well formed.
 *
 * A record is one line, so the line feed behind it ends every scan: no function goes past
 * it, and none needs to know where it is. Like those of scan.h they may read SCAN_PAD
 * bytes from where they stand.
 */
#ifndef WEIRI_CODEC_JSON_TEXT_H
#define WEIRI_CODEC_JSON_TEXT_H

#include "scan.h"

/* Why a text is no JSON; what == NULL: no reason yet. */
typedef struct json_error {
    const char *what; /* static text */
    const char *at;
} json_error;

/* Note an error; NULL, for the caller to return. */
const char *
json_fail(json_error *self, const char *at, const char *what);

static inline const char *
json_space(const char *p)
{
    while (*p == ' ' || *p == '\t' || *p == '\r') {
        p++;
    }
    return p;
}

/* All of these return the first byte behind the thing, NULL after an error. */

/* From behind the opening quote. UTF-8 is checked. */
const char *
json_skip_string(json_error *error, const char *p);

const char *
json_skip_number(json_error *error, const char *p);

/* "true", "false" or "null". */
const char *
json_skip_word(json_error *error, const char *p, const char *word);

/* Any value, white space in front allowed; `depth` containers are open around it. */
const char *
json_skip_value(json_error *error, const char *p, int depth);

/* An escape, from its backslash: up to four bytes of UTF-8 to `out`, their number to *n.
 */
const char *
json_unescape(json_error *error, const char *p, char *out, unsigned *n);

#endif
