/* What an actor in a process of its own is told, and what it answers.
 *
 * A message is a frame of kind WEIRI_FRAME_ACTOR (weiri/frame.h) and, as its payload, one
 * MessagePack array that begins with a word. Every request has an answer with its
 * sequence; docs/plugins.md lists them. What comes from the process is read by a bounded
 * cursor: nothing in it decides an allocation, and what is no message is an error.
 */
#ifndef WEIRI_REMOTE_MESSAGE_H
#define WEIRI_REMOTE_MESSAGE_H

#include "../codec/mp_cursor.h"
#include "weir/plugin.h"
#include "weiri/frame.h"
#include "weiri/pack.h"

enum {
    WEIRI_REMOTE_PROTOCOL = 1,
    WEIRI_REMOTE_HEAD     = 3, /* of a row, before its values: time, key, number */
    WEIRI_REMOTE_NONE     = UINT32_MAX
};

#define WEIRI_REMOTE_VARIABLE "WEIR_ACTOR_ADDRESS"

/* ---- writing: appended to a pack, which notes when memory is out ---- */

void
weiri_message_array(weiri_pack *out, uint32_t n);
void
weiri_message_map(weiri_pack *out, uint32_t n);
void
weiri_message_text(weiri_pack *out, const char *text, size_t size);
void
weiri_message_word(weiri_pack *out, const char *word);
void
weiri_message_bytes(weiri_pack *out, const void *bytes, size_t size);
void
weiri_message_int(weiri_pack *out, int64_t value);
void
weiri_message_bool(weiri_pack *out, bool value);
void
weiri_message_nil(weiri_pack *out);
/* A time or a duration is its ns. */
void
weiri_message_value(weiri_pack *out, const weir_value *value);
/* [[name, type, may be null], …] */
void
weiri_message_fields(weiri_pack *out, const weir_plugin_field *fields, uint32_t n);

/* ---- reading: after the first thing that is wrong all is empty ---- */

typedef struct weiri_message {
    weiri_mp_cursor cursor;
    const char     *wrong; /* static text; NULL: nothing so far */
    uint64_t        sequence;
} weiri_message;

/* Check a frame, and begin with the word of its payload.
 *
 *   bytes   shape (size,); borrowed
 *   word    shape (16,)
 *   n_left  items of the array after the word
 *   returns false: self->wrong says why
 */
bool
weiri_message_begin(weiri_message *self, const uint8_t *bytes, size_t size, char word[16],
    uint32_t *n_left);

void
weiri_message_fail(weiri_message *self, const char *wrong);

/* The head of an array of n_least … n_most items. */
uint32_t
weiri_message_read_array(weiri_message *self, uint32_t n_least, uint32_t n_most);
int64_t
weiri_message_read_int(weiri_message *self);
bool
weiri_message_read_bool(weiri_message *self);
/* UTF-8, at most so long, borrowed; never NULL. */
const char *
weiri_message_read_text(weiri_message *self, size_t most, uint32_t *size);
/* Bytes, borrowed; never NULL. */
const char *
weiri_message_read_bytes(weiri_message *self, uint32_t *size);
/* Whatever is next is passed over. */
void
weiri_message_skip(weiri_message *self);
/* Whether a nil is next, which is taken. */
bool
weiri_message_take_nil(weiri_message *self);
/* A value of a field; text is borrowed. */
weir_value
weiri_message_read_value(weiri_message *self, weir_type type, bool is_nullable);
/* Fields that have to be these. */
void
weiri_message_check_fields(
    weiri_message *self, const weir_plugin_field *fields, uint32_t n, const char *wrong);
/* Nothing may follow. */
void
weiri_message_end(weiri_message *self);

/* ---- frames ---- */

/* The head of a message with this payload. */
void
weiri_message_head(uint64_t sequence, uint32_t n_rows, const weiri_pack *payload,
    uint8_t head[WEIRI_FRAME_HEAD]);

#endif
