/* Where the fields of a stream stand in a record of nested maps and arrays. */
#ifndef WEIRI_CODEC_PATH_H
#define WEIRI_CODEC_PATH_H

#include <stddef.h>

#include "weir/error.h"
#include "weir/schema.h"

enum { WEIRI_FIELD_WORDS = 4 }; /* of a set of WEIRI_FIELDS fields */

/* A set of fields, by index. */
typedef struct weiri_field_set {
    uint64_t words[WEIRI_FIELD_WORDS];
} weiri_field_set;

/* A place in the record. Node 0 is the record itself. */
typedef struct weiri_path_node {
    const char     *key;          /* the name under which the parent map holds it  */
    uint32_t        key_size;     /* bytes                                         */
    int32_t         index;        /* `key` as an index of an array, or -1          */
    int32_t         first_child;  /* -1: none                                      */
    int32_t         next_sibling; /* -1: none                                      */
    int32_t         field;        /* the first field that is found here, -1: none  */
    weiri_field_set below;        /* the fields here and in all children           */
} weiri_path_node;

typedef struct weiri_paths {
    weiri_path_node *nodes;
    uint32_t         n_nodes;
    int32_t          each; /* the array of which each item is a row, -1: none      */
    int32_t          item; /* its item, -1: none                                   */
    int32_t         *next_field; /* shape (n_fields,): another at the same place, or -1 */
    char            *text;       /* the keys' bytes */
} weiri_paths;

/* The tree of all fields' places: `from` as a JSON pointer (RFC 6901) if it begins with
 * '/', else as a name, or the field's own name. A part `*` of a pointer stands for each
 * item of an array, of which a record has one.
 *
 *   errors  WEIR_EINVAL  a pointer with a '~' that is neither ~0 nor ~1, or of more than
 *                        WEIRI_NESTING parts, or items of two arrays
 *           WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_paths_new(const weir_schema *schema, weiri_paths **out, weir_error *err);

void
weiri_paths_destroy(weiri_paths **self_p);

/* The child of `node` called `key`, or -1. Linear in the children. */
int32_t
weiri_paths_child(const weiri_paths *self, int32_t node, const char *key, size_t size);

/* The child of `node` that stands at `index` of an array, or -1. */
int32_t
weiri_paths_item(const weiri_paths *self, int32_t node, int64_t index);

#endif
