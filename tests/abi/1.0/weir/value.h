/* The types of the language and one value of any of them. */
#ifndef WEIR_VALUE_H
#define WEIR_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Numbers are in stored state and on the wire: append, never renumber. */
#define WEIR_TYPE_LIST(X)                                                                \
    X(WEIR_NULL, 0, "null") /* only the literal null, before it takes a type */          \
    X(WEIR_BOOL, 1, "bool")                                                              \
    X(WEIR_INT, 2, "int")           /* 64 bits, signed               */                  \
    X(WEIR_FLOAT, 3, "float")       /* IEEE 754 binary64, finite     */                  \
    X(WEIR_STRING, 4, "string")     /* UTF-8                         */                  \
    X(WEIR_TIME, 5, "time")         /* ns since the Unix epoch, UTC  */                  \
    X(WEIR_DURATION, 6, "duration") /* ns, may be negative           */                  \
    X(WEIR_LIST, 7, "list")         /* packed elements, see below    */

typedef enum weir_type {
#define X(name, number, text) name = number,
    WEIR_TYPE_LIST(X)
#undef X
} weir_type;

/* One value. Strings and lists are borrowed from whoever gave the value; they
 * are not terminated by a zero byte.
 *
 * A list is packed in bytes: one byte of element type, then each element as one
 * byte 1 (null) or 0 followed by its payload: bool 1 byte, int, float, time and
 * duration 8 bytes in native order, string a uint32_t size and its bytes. */
typedef struct weir_value {
    union {
        bool        b;
        int64_t     i; /* int, time, duration */
        double      f;
        const char *s; /* string, list        */
    } as;
    uint32_t size; /* bytes at as.s, else 0 */
    uint8_t  type; /* weir_type             */
    bool     is_null;
} weir_value;

/* Static name of a type as the language writes it; never NULL. */
WEIR_API const char *
weir_type_text(weir_type type);

#ifdef __cplusplus
}
#endif

#endif
