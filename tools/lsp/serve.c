/* Messages from and to streams of bytes: a header, an empty line, a body of so many
 * bytes. What is no header is passed over until one can be read. */
#include <stdlib.h>
#include <string.h>

#include "server.h"

/* A header's line without its end; a longer one than the bound is cut. False at the end
 * of the input. */
static bool
read_line(FILE *in, char *line)
{
    size_t n = 0;
    int    c;
    while ((c = getc(in)) != EOF && c != '\n') {
        if (n < WEIRI_LSP_HEADER_BYTES - 1) {
            line[n++] = (char)c;
        }
    }
    n -= n > 0 && line[n - 1] == '\r';
    line[n] = '\0';
    return c != EOF;
}

/* Read to the end of the header. False at the end of the input; *size is SIZE_MAX if the
 * header gives none. */
static bool
read_header(FILE *in, size_t *size)
{
    static const char NAME[] = "content-length:";
    char              line[WEIRI_LSP_HEADER_BYTES];
    *size = SIZE_MAX;
    while (read_line(in, line)) {
        size_t n = 0;
        if (line[0] == '\0') {
            return true;
        }
        while (NAME[n] != '\0' && (line[n] | 0x20) == (NAME[n] | 0x20)) {
            n++;
        }
        if (NAME[n] == '\0') {
            char              *end   = NULL;
            unsigned long long value = strtoull(line + n, &end, 10);
            *size = end != line + n && *end == '\0' ? (size_t)value : SIZE_MAX;
        }
    }
    return false;
}

/* Pass over what is too large to be kept. */
static bool
skip(FILE *in, size_t size)
{
    while (size > 0 && getc(in) != EOF) {
        size--;
    }
    return size == 0;
}

/* The body, in a buffer that grows as bytes come, not as the header says. False at the
 * end of the input, or when memory is out. */
static bool
read_body(FILE *in, size_t size, char **body, size_t *room)
{
    size_t n = 0;
    while (n < size) {
        if (n == *room) {
            size_t wanted = *room == 0 ? 1 << 16 : 2 * *room;
            char  *grown  = realloc(*body, wanted);
            if (grown == NULL) {
                return false;
            }
            *body = grown;
            *room = wanted;
        }
        size_t part = *room - n < size - n ? *room - n : size - n;
        size_t got  = fread(*body + n, 1, part, in);
        n += got;
        if (got < part) {
            return false;
        }
    }
    return true;
}

int
weiri_lsp_serve(weiri_lsp *self, FILE *in, FILE *out)
{
    char  *body    = NULL;
    size_t room    = 0;
    size_t size    = 0;
    int    status  = 1;
    bool   goes_on = true;
    while (goes_on && !weiri_lsp_is_over(self, &status) && read_header(in, &size)) {
        if (size == SIZE_MAX) {
            continue;
        }
        if (size > WEIRI_LSP_MESSAGE_BYTES) {
            goes_on = skip(in, size);
            weiri_lsp_handle(self, "", 0, out);
        } else {
            goes_on = read_body(in, size, &body, &room);
            if (goes_on) {
                weiri_lsp_handle(self, body != NULL ? body : "", size, out);
            }
        }
        goes_on = fflush(out) == 0 && goes_on;
    }
    free(body);
    return status;
}
