/* Any bytes as what an actor in a process of its own sends: whatever is in them, reading
 * ends, within them, and what is read is a value that may go on.
 */
#include <string.h>

#include "remote/message.h"
#include "weiri/assert.h"
#include "weiri/plugin.h"

static const weir_plugin_field FIELDS[] = {
    { .name = "n", .type = WEIR_INT },
    { .name = "s", .type = WEIR_STRING, .is_nullable = true },
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_value(weiri_message *in, weir_type type)
{
    weir_value value = weiri_message_read_value(in, type, true);
    weiri_assert(value.type == type);
    weiri_assert(weiri_plugin_value_fault(&value, type) == NULL);
}

/* As the answer to a request of rows is gone over. */
static void
read_result(weiri_message *in)
{
    enum { MOST = 1 << 20 };
    (void)weiri_message_read_int(in);
    uint32_t n = weiri_message_read_array(in, 0, MOST);
    for (uint32_t i = 0; i < n && in->wrong == NULL; i++) {
        weiri_message_read_array(in, 4, 4);
        if (!weiri_message_take_nil(in)) {
            (void)weiri_message_read_int(in);
        }
        (void)weiri_message_read_int(in);
        read_value(in, WEIR_FLOAT);
        read_value(in, WEIR_STRING);
    }
    n = weiri_message_read_array(in, 0, MOST);
    for (uint32_t i = 0; i < n && in->wrong == NULL; i++) {
        uint32_t length = 0;
        weiri_message_read_array(in, 3, 3);
        (void)weiri_message_take_nil(in);
        (void)weiri_message_read_int(in);
        const char *text = weiri_message_read_text(in, 199, &length);
        weiri_assert(text != NULL && length <= 199);
    }
}

/* Both with the head that the bytes have, if any, and with a right one before them. */
static void
read_message(const uint8_t *bytes, size_t size)
{
    char          word[16];
    uint32_t      n_left = 0;
    uint32_t      length = 0;
    weiri_message in;
    if (!weiri_message_begin(&in, bytes, size, word, &n_left)) {
        weiri_assert(in.wrong != NULL);
        return;
    }
    weiri_assert(strlen(word) < sizeof word);
    if (strcmp(word, "hello") == 0) {
        (void)weiri_message_read_int(&in);
        weiri_message_check_fields(&in, FIELDS, 2, "other fields");
        (void)weiri_message_read_bool(&in);
    } else if (strcmp(word, "state") == 0) {
        const char *state = weiri_message_read_bytes(&in, &length);
        weiri_assert(state != NULL && length <= size);
    } else {
        read_result(&in);
    }
    weiri_message_end(&in);
    weiri_assert(in.wrong != NULL || in.cursor.at == in.cursor.end);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weiri_pack payload = { 0 };
    weiri_pack whole   = { 0 };
    uint8_t    head[WEIRI_FRAME_HEAD];
    read_message(data, size);
    weiri_pack_bytes(&payload, data, size);
    weiri_message_head(1, 0, &payload, head);
    weiri_pack_bytes(&whole, head, sizeof head);
    weiri_pack_bytes(&whole, data, size);
    read_message(whole.bytes, whole.size);
    weiri_pack_fini(&payload);
    weiri_pack_fini(&whole);
    return 0;
}
