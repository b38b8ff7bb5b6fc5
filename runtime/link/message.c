#include "message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "weir/value.h"

uint64_t
weiri_link_id(const char *stream)
{
    return weiri_hash_text(WEIRI_HASH_BEGIN, stream);
}

uint64_t
weiri_link_id_of(const weiri_frame *frame)
{
    return (uint64_t)frame->link << 32 | frame->stream;
}

weiri_link_timing
weiri_link_timing_of(int64_t silence_ns)
{
    enum { BEATS = 3, MARKS = 600 }; /* in a silence */
    return (weiri_link_timing){ .retry_ns = silence_ns / BEATS,
        .beat_ns                          = silence_ns / BEATS,
        .silence_ns                       = silence_ns,
        .mark_ns                          = silence_ns / MARKS };
}

void
weiri_link_message(weiri_frame frame, const weiri_pack *payload, weiri_pack *out)
{
    uint8_t head[WEIRI_FRAME_HEAD];
    frame.size     = payload != NULL ? payload->size : 0;
    frame.checksum = weiri_checksum(WEIRI_HASH_BEGIN,
        frame.size > 0 ? payload->bytes : (const uint8_t *)"", (size_t)frame.size);
    weiri_frame_write(&frame, head);
    weiri_pack_bytes(out, head, sizeof head);
    if (frame.size > 0) {
        weiri_pack_bytes(out, payload->bytes, payload->size);
    }
    out->is_out_of_memory =
        out->is_out_of_memory || (payload != NULL && payload->is_out_of_memory);
}

void
weiri_link_refuse(const weiri_frame *hello, const char *why, weiri_pack *out)
{
    weiri_pack        payload = { 0 };
    const weiri_frame frame   = { .kind = WEIRI_FRAME_REFUSE,
          .stream                       = hello->stream,
          .link                         = hello->link,
          .epoch                        = hello->epoch };
    weiri_pack_text(&payload, why, strlen(why));
    weiri_link_message(frame, &payload, out);
    weiri_pack_fini(&payload);
}

void
weiri_link_reset(const weiri_frame *hello, weiri_pack *out)
{
    const weiri_frame frame = { .kind = WEIRI_FRAME_RESET,
        .stream                       = hello->stream,
        .link                         = hello->link,
        .epoch                        = hello->epoch };
    weiri_link_message(frame, NULL, out);
}

/* ---- hello ---- */

void
weiri_link_hello_write(const weir_schema *schema, const char *const *origins, uint32_t n,
    const weiri_link_term *terms, uint32_t n_terms, weiri_pack *out)
{
    weiri_pack_number(out, WEIRI_LINK_VERSION);
    weiri_pack_text(out, schema->name, strlen(schema->name));
    weiri_pack_number(out, schema->n_fields);
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        const weir_field *field = &schema->fields[i];
        weiri_pack_text(out, field->name, strlen(field->name));
        weiri_pack_number(out, (uint64_t)field->type);
        weiri_pack_number(out, field->is_nullable);
    }
    weiri_pack_number(out, n);
    for (uint32_t i = 0; i < n; i++) {
        weiri_pack_text(out, origins[i], strlen(origins[i]));
    }
    weiri_pack_number(out, n_terms);
    for (uint32_t i = 0; i < n_terms; i++) {
        size_t size = strlen(terms[i].name);
        weiri_pack_text(
            out, terms[i].name, size < WEIRI_LINK_NAME ? size : WEIRI_LINK_NAME);
        weiri_pack_fixed(out, terms[i].hash);
    }
}

static void
add_text(char *out, size_t cap, const char *text, size_t size)
{
    size_t used = strlen(out);
    weiri_link_show(text, size, out + used, cap - used);
}

static void
add_field(
    char *out, size_t cap, const char *name, size_t size, uint64_t type, bool is_nullable)
{
    if (out[0] != '\0') {
        add_text(out, cap, ", ", 2);
    }
    const char *text = type <= WEIR_LIST ? weir_type_text((weir_type)type) : "?";
    add_text(out, cap, name, size);
    add_text(out, cap, " ", 1);
    add_text(out, cap, text, strlen(text));
    add_text(out, cap, "?", is_nullable);
}

void
weiri_link_fields_text(const weir_schema *schema, char *out, size_t cap)
{
    out[0] = '\0';
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        const weir_field *field = &schema->fields[i];
        add_field(out, cap, field->name, strlen(field->name), (uint64_t)field->type,
            field->is_nullable);
    }
}

/* Field `i` of the sender beside the receiver's. */
static bool
is_fitting(const weir_schema *schema, uint32_t i, const char *name, size_t size,
    uint64_t type, bool is_nullable)
{
    if (i >= schema->n_fields) {
        return false;
    }
    const weir_field *field = &schema->fields[i];
    return strlen(field->name) == size && memcmp(field->name, name, size) == 0
           && (uint64_t)field->type == type && (field->is_nullable || !is_nullable);
}

static void
read_fields(weiri_link_hello *self, const weir_schema *schema, weiri_unpack *in)
{
    bool     is_same = true;
    uint32_t n =
        (uint32_t)weiri_unpack_below(in, WEIRI_FIELDS + 1, "it has too many fields");
    for (uint32_t i = 0; i < n && in->wrong == NULL; i++) {
        uint32_t    size        = 0;
        const char *name        = weiri_unpack_text(in, &size);
        uint64_t    type        = weiri_unpack_below(in, WEIR_LIST + 1, "it has no type");
        bool        is_nullable = weiri_unpack_below(in, 2, "it is no flag") != 0;
        if (in->wrong == NULL) {
            is_same = is_same && is_fitting(schema, i, name, size, type, is_nullable);
            add_field(self->fields, sizeof self->fields, name, size, type, is_nullable);
        }
    }
    self->wrong = is_same && n == schema->n_fields ? NULL : "its fields are others";
}

void
weiri_link_hello_read(weiri_link_hello *self, const weir_schema *schema, weiri_unpack *in)
{
    memset(self, 0, sizeof *self);
    if (weiri_unpack_number(in) != WEIRI_LINK_VERSION) {
        weiri_unpack_fail(in, "it speaks another version of links");
    }
    self->stream = weiri_unpack_text(in, &self->stream_size);
    read_fields(self, schema, in);
    uint32_t n = (uint32_t)weiri_unpack_below(
        in, WEIRI_LINK_ORIGINS + 1, "it has come by too many nodes");
    for (uint32_t i = 0; i < n && in->wrong == NULL; i++) {
        self->origins[i] = weiri_unpack_text(in, &self->origin_sizes[i]);
        if (self->origin_sizes[i] > WEIRI_LINK_NAME) {
            weiri_unpack_fail(in, "a name is too long");
        }
        self->n_origins++;
    }
    self->terms = in->at;
    self->end   = in->end;
}

/* ---- terms ---- */

typedef struct difference {
    char    *out;
    size_t   cap;
    uint32_t n; /* told so far */
} difference;

static bool
is_of_all(const char *name)
{
    return strncmp(name, "the ", 4) == 0;
}

/* who: NULL: both have it. */
static void
tell_difference(difference *self, const char *name, size_t size, const char *who)
{
    enum { MOST = 3 };
    char   shown[WEIRI_LINK_NAME + 1];
    size_t used = strlen(self->out);
    weiri_link_show(name, size, shown, sizeof shown);
    if (is_of_all(shown) && self->n > 0) {
        return;
    }
    const char *comma = self->n > 0 ? ", " : "";
    if (self->n == MOST) {
        snprintf(self->out + used, self->cap - used, " and more");
    } else if (self->n < MOST && who == NULL) {
        snprintf(self->out + used, self->cap - used, "%s%.80s differs", comma, shown);
    } else if (self->n < MOST) {
        snprintf(self->out + used, self->cap - used, "%s%.80s is at '%.60s' alone", comma,
            shown, who);
    }
    self->n++;
}

static uint32_t
find_term(const weiri_link_term *terms, uint32_t n, const char *name, size_t size)
{
    uint32_t i = 0;
    while (i < n
           && (strncmp(terms[i].name, name, size) != 0
               || (terms[i].name[size] != '\0' && size < WEIRI_LINK_NAME))) {
        i++;
    }
    return i;
}

bool
weiri_link_differ(const weiri_link_hello *self, const char *peer,
    const weiri_link_term *terms, uint32_t n, const char *name, char *out, size_t cap)
{
    difference   told                   = { .out = out, .cap = cap };
    bool         seen[WEIRI_LINK_TERMS] = { false };
    weiri_unpack in                     = { .at = self->terms, .end = self->end };
    uint64_t     n_theirs =
        weiri_unpack_below(&in, WEIRI_LINK_TERMS + 1, "it has too many terms");
    out[0] = '\0';
    for (uint64_t i = 0; i < n_theirs && in.wrong == NULL; i++) {
        uint32_t    size  = 0;
        const char *text  = weiri_unpack_text(&in, &size);
        uint64_t    hash  = weiri_unpack_fixed(&in);
        uint32_t    index = in.wrong == NULL ? find_term(terms, n, text, size) : n;
        if (size > WEIRI_LINK_NAME) {
            weiri_unpack_fail(&in, "a name is too long");
        } else if (in.wrong == NULL && index == n) {
            tell_difference(&told, text, size, peer);
        } else if (in.wrong == NULL) {
            seen[index] = true;
            if (terms[index].hash != hash) {
                tell_difference(&told, text, size, NULL);
            }
        }
    }
    for (uint32_t i = 0; i < n && in.wrong == NULL; i++) {
        if (!seen[i]) {
            tell_difference(&told, terms[i].name, strlen(terms[i].name), name);
        }
    }
    return in.wrong == NULL && in.at == in.end;
}

/* ---- texts ---- */

void
weiri_link_show(const char *text, size_t size, char *out, size_t cap)
{
    size_t n = size < cap ? size : cap - 1;
    for (size_t i = 0; i < n; i++) {
        out[i] = '?';
        if (text[i] >= ' ' && text[i] <= '~') {
            out[i] = text[i];
        }
    }
    out[n] = '\0';
}

void
weiri_link_tell(
    const weiri_link_port *port, weiri_link_news news, const char *format, ...)
{
    char    text[WEIRI_LINK_TEXT];
    va_list args;
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start is the line above */
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    port->tell(port->context, news, text);
}
