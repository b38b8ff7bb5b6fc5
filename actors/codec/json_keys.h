/* The names of a JSON object's members, and the order in which they will come.
 *
 * Records of a stream mostly have the same names in the same order, so after a name the
 * one that followed it the last time is expected: one comparison with its bytes, quotes,
 * colon and white space included, replaces scanning, hashing and looking up.
 */
#ifndef WEIRI_CODEC_JSON_KEYS_H
#define WEIRI_CODEC_JSON_KEYS_H

#include "path.h"
#include "scan.h"

enum { JSON_LITERAL = 48, JSON_HEAD = 16 };

typedef struct json_key {
    uint64_t    head[2]; /* the literal's first bytes, zeros where the mask has zeros */
    uint64_t    mask[2];
    uint32_t    size;  /* of the literal, 0: not seen yet or too long             */
    uint32_t    next;  /* the key that followed it the last time, 0: none         */
    int32_t     child; /* path node of the member, -1: not declared               */
    int32_t     field; /* of a member that is one field */
    uint8_t     kind;  /* how its value is read */
    uint32_t    name_size;
    const char *name;                  /* unescaped */
    char        literal[JSON_LITERAL]; /* as in the input: `"amount": `              */
} json_key;

/* keys[0] stands before the first member; its `next` is the first name expected. */
typedef struct json_keys {
    json_key *keys;
    uint32_t  n;
    uint32_t  cap;
    uint32_t *slots; /* hash table of indices into keys, 0: free */
    uint32_t  n_slots;
} json_keys;

/* For the children of a node. errors  WEIR_ENOMEM: nothing is left to free */
WEIR_MUST_CHECK weir_status
json_keys_init(json_keys *self, const weiri_paths *paths, int32_t node);

void
json_keys_fini(json_keys *self);

/* The index of a name, which is learnt if it is new and there is room; 0: not known. */
uint32_t
json_keys_find(json_keys *self, const char *name, size_t size);

/* A name was found as these bytes of the input, after the key `before`. */
void
json_keys_learn(
    json_keys *self, uint32_t before, uint32_t index, const char *literal, size_t size);

/* Whether the input goes on with this key's literal. */
static inline bool
json_key_is_at(const json_key *self, const char *p)
{
    uint64_t words[2];
    memcpy(words, p, sizeof words);
    uint64_t differs = ((words[0] ^ self->head[0]) & self->mask[0])
                       | ((words[1] ^ self->head[1]) & self->mask[1]);
    return differs == 0
           && (self->size <= JSON_HEAD
               || memcmp(p + JSON_HEAD, self->literal + JSON_HEAD, self->size - JSON_HEAD)
                      == 0);
}

#endif
