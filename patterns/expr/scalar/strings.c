/* Strings on one row. They are UTF-8; ill-formed bytes pass through unharmed.
 *
 * What is a part of an argument is borrowed from it, what is new is made in the pool.
 */
#include <string.h>

#include "expr/prepare.h"
#include "expr/scalar/kernels.h"

static bool
is_inside(unsigned char byte) /* a code point, not at its start */
{
    return (byte & 0xC0) == 0x80;
}

/* Bytes of the first `n` code points. */
static size_t
prefix_size(const char *text, size_t size, uint64_t n)
{
    size_t at = 0;
    while (at < size && n > 0) {
        at++;
        while (at < size && is_inside((unsigned char)text[at])) {
            at++;
        }
        n--;
    }
    return at;
}

static int64_t
count_code_points(const char *text, size_t size)
{
    int64_t n = 0;
    for (size_t i = 0; i < size; i++) {
        n += !is_inside((unsigned char)text[i]);
    }
    return n;
}

/* ---- case ---- */

/* Simple case pairs of Latin-1, Latin Extended-A, Greek, Cyrillic and Armenian (Unicode
 * 15, UnicodeData.txt) whose two sides are both two bytes long: a result is as long as
 * its argument. */
static const struct {
    uint16_t first; /* capitals first, first + stride, … last */
    uint16_t last;
    uint16_t stride;
    int16_t  to_lower; /* distance to the small letter */
} CASES[] = {
    { 0x0C0, 0x0D6, 1, 32 },
    { 0x0D8, 0x0DE, 1, 32 },
    { 0x100, 0x12E, 2, 1 },
    { 0x132, 0x136, 2, 1 },
    { 0x139, 0x147, 2, 1 },
    { 0x14A, 0x176, 2, 1 },
    { 0x178, 0x178, 1, -121 },
    { 0x179, 0x17D, 2, 1 },
    { 0x386, 0x386, 1, 38 },
    { 0x388, 0x38A, 1, 37 },
    { 0x38C, 0x38C, 1, 64 },
    { 0x38E, 0x38F, 1, 63 },
    { 0x391, 0x3A1, 1, 32 },
    { 0x3A3, 0x3AB, 1, 32 },
    { 0x400, 0x40F, 1, 80 },
    { 0x410, 0x42F, 1, 32 },
    { 0x460, 0x480, 2, 1 },
    { 0x48A, 0x4BE, 2, 1 },
    { 0x4C0, 0x4C0, 1, 15 },
    { 0x4C1, 0x4CD, 2, 1 },
    { 0x4D0, 0x52E, 2, 1 },
    { 0x531, 0x556, 1, 48 },
};

static int
change_case(int letter, bool to_upper)
{
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        int shift = to_upper ? CASES[i].to_lower : 0;
        int from  = letter - shift - CASES[i].first; /* as a capital, from the first on */
        if (from >= 0 && from <= CASES[i].last - CASES[i].first
            && from % CASES[i].stride == 0) {
            return to_upper ? letter - shift : letter + CASES[i].to_lower;
        }
    }
    return letter;
}

static char
change_ascii(char byte, bool to_upper)
{
    char first = to_upper ? 'a' : 'A';
    bool is_in = byte >= first && byte <= first + ('Z' - 'A');
    return (char)(byte ^ (is_in ? 'a' ^ 'A' : 0));
}

static weir_value
recased(weiri_call *call, const weir_value *value, bool to_upper)
{
    char  *out  = weiri_text_pool_make(call->texts, value->size);
    size_t size = value->size;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte    = (unsigned char)value->as.s[i];
        bool          is_pair = (byte & 0xE0) == 0xC0 && i + 1 < size
                       && is_inside((unsigned char)value->as.s[i + 1]);
        if (!is_pair) {
            out[i] = change_ascii((char)byte, to_upper);
            continue;
        }
        int letter = (byte & 0x1F) << 6 | ((unsigned char)value->as.s[i + 1] & 0x3F);
        letter     = change_case(letter, to_upper);
        out[i]     = (char)(0xC0 | letter >> 6);
        out[++i]   = (char)(0x80 | (letter & 0x3F));
    }
    return weiri_of_text(out, size);
}

weir_value
weiri_scalar_lower(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)n;
    return recased(call, &args[0], false);
}

weir_value
weiri_scalar_upper(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)n;
    return recased(call, &args[0], true);
}

/* ---- parts ---- */

static bool
is_space(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

weir_value
weiri_scalar_trim(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    const char *text = args[0].as.s;
    size_t      size = args[0].size;
    while (size > 0 && is_space(text[size - 1])) {
        size--;
    }
    size_t from = 0;
    while (from < size && is_space(text[from])) {
        from++;
    }
    return weiri_of_text(text + from, size - from);
}

weir_value
weiri_scalar_length(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    return weiri_of_int(count_code_points(args[0].as.s, args[0].size));
}

/* As in SQL: the code points at places from … from + n - 1, of which the first is 1;
 * places outside the text hold nothing. */
weir_value
weiri_scalar_substring(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    int64_t from = args[1].as.i;
    int64_t end  = INT64_MAX;
    if (n == 3 && __builtin_add_overflow(from, args[2].as.i, &end)) {
        end = args[2].as.i > 0 ? INT64_MAX : INT64_MIN;
    }
    from              = from < 1 ? 1 : from;
    end               = end < from ? from : end;
    const char *text  = args[0].as.s;
    size_t      first = prefix_size(text, args[0].size, (uint64_t)from - 1);
    size_t      size =
        prefix_size(text + first, args[0].size - first, (uint64_t)end - (uint64_t)from);
    return weiri_of_text(text + first, size);
}

/* Place of the `index`-th part's first byte, counted from 1, or -1. */
static int64_t
start_of_part(const weir_value *text, const weir_value *by, int64_t index)
{
    size_t at = 0;
    for (int64_t i = 1; i < index; i++) {
        at = weiri_text_find(text->as.s, text->size, at, by->as.s, by->size);
        if (at >= text->size) {
            return -1;
        }
        at += by->size;
    }
    return (int64_t)at;
}

static int64_t
count_parts(const weir_value *text, const weir_value *by)
{
    int64_t n  = 1;
    size_t  at = 0;
    while ((at = weiri_text_find(text->as.s, text->size, at, by->as.s, by->size))
           < text->size) {
        at += by->size;
        n++;
    }
    return n;
}

/* Parts count from 1, from the end with -1; one that is not there is "". */
weir_value
weiri_scalar_split_part(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    const weir_value *text  = &args[0];
    const weir_value *by    = &args[1];
    int64_t           index = args[2].as.i;
    if (by->size == 0) { /* nothing to split by: one part */
        return index == 1 || index == -1 ? *text : weiri_of_text(text->as.s, 0);
    }
    index         = index < 0 ? count_parts(text, by) + index + 1 : index;
    int64_t start = index < 1 ? -1 : start_of_part(text, by, index);
    if (start < 0) {
        return weiri_of_text(text->as.s, 0);
    }
    size_t from = (size_t)start;
    size_t end  = weiri_text_find(text->as.s, text->size, from, by->as.s, by->size);
    return weiri_of_text(text->as.s + from, end - from);
}

/* ---- tests ---- */

weir_value
weiri_scalar_starts_with(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    uint32_t size = args[1].size;
    return weiri_of_bool(
        args[0].size >= size && weiri_equal_text(args[0].as.s, size, args[1].as.s, size));
}

weir_value
weiri_scalar_ends_with(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    uint32_t size = args[1].size;
    if (args[0].size < size) {
        return weiri_of_bool(false);
    }
    const char *end = args[0].as.s + args[0].size - size;
    return weiri_of_bool(weiri_equal_text(end, size, args[1].as.s, size));
}

weir_value
weiri_scalar_contains(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    const weir_value *part = &args[1];
    return weiri_of_bool(
        part->size == 0
        || weiri_text_find(args[0].as.s, args[0].size, 0, part->as.s, part->size)
               < args[0].size);
}

/* ---- new strings ---- */

struct writer {
    char  *out; /* NULL: only count */
    size_t size;
};

static void
put(struct writer *self, const char *text, size_t size)
{
    if (self->out != NULL && size > 0) {
        memcpy(self->out + self->size, text, size);
    }
    self->size += size;
}

weir_value
weiri_scalar_add_string(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)n;
    size_t size = (size_t)args[0].size + args[1].size;
    if (size > WEIRI_MADE_TEXT) {
        return weiri_of_fault(call);
    }
    struct writer writer = { weiri_text_pool_make(call->texts, size), 0 };
    put(&writer, args[0].as.s, args[0].size);
    put(&writer, args[1].as.s, args[1].size);
    return weiri_of_text(writer.out, size);
}

static void
write_replaced(struct writer *writer, const weir_value *args)
{
    const weir_value *text = &args[0];
    const weir_value *part = &args[1];
    size_t            at   = 0;
    for (;;) {
        size_t end = weiri_text_find(text->as.s, text->size, at, part->as.s, part->size);
        put(writer, text->as.s + at, end - at);
        if (end >= text->size) {
            return;
        }
        put(writer, args[2].as.s, args[2].size);
        at = end + part->size;
    }
}

weir_value
weiri_scalar_replace(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)n;
    if (args[1].size == 0) {
        return args[0];
    }
    struct writer writer = { NULL, 0 };
    write_replaced(&writer, args);
    if (writer.size > WEIRI_MADE_TEXT && writer.size > args[0].size) {
        return weiri_of_fault(call);
    }
    writer = (struct writer){ weiri_text_pool_make(call->texts, writer.size), 0 };
    write_replaced(&writer, args);
    return weiri_of_text(writer.out, writer.size);
}

/* To `width` code points; a longer text stays as it is. */
weir_value
weiri_scalar_pad_left(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)n;
    const weir_value *fill    = &args[2];
    int64_t           length  = count_code_points(args[0].as.s, args[0].size);
    int64_t           filling = count_code_points(fill->as.s, fill->size);
    if (args[1].as.i <= length || filling == 0) {
        return args[0];
    }
    if (args[1].as.i > WEIRI_MADE_TEXT) {
        return weiri_of_fault(call);
    }
    int64_t missing = args[1].as.i - length;
    size_t  whole   = (size_t)(missing / filling);
    size_t  rest    = prefix_size(fill->as.s, fill->size, (uint64_t)(missing % filling));
    size_t  size    = whole * fill->size + rest + args[0].size;
    if (size > WEIRI_MADE_TEXT) {
        return weiri_of_fault(call);
    }
    struct writer writer = { weiri_text_pool_make(call->texts, size), 0 };
    for (size_t i = 0; i < whole; i++) {
        put(&writer, fill->as.s, fill->size);
    }
    put(&writer, fill->as.s, rest);
    put(&writer, args[0].as.s, args[0].size);
    return weiri_of_text(writer.out, size);
}
