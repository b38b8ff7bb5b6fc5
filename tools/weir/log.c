#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "weiri/timetext.h"

enum { TAIL_BYTES = 4 }; /* room that is kept for the end of a line */

static const char *const LEVELS[] = { "debug", "info", "warn", "error" };

/* All of it or nothing. */
static void
add(log_line *self, const char *text, size_t size)
{
    if (size <= sizeof self->bytes - TAIL_BYTES - self->used) {
        memcpy(self->bytes + self->used, text, size);
        self->used += size;
    }
}

static bool
is_plain(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c <= ' ' || *c == '"' || *c == '=' || *c == '\\'
            || *c == 0x7F) {
            return false;
        }
    }
    return *text != '\0';
}

/* As a JSON string, which is also how a text line quotes; cut where it does not fit. */
static void
add_quoted(log_line *self, const char *text)
{
    enum { MOST = 8 };
    add(self, "\"", 1);
    for (const char *c = text;
         *c != '\0' && self->used + MOST < sizeof self->bytes - TAIL_BYTES; c++) {
        char one[MOST];
        if (*c == '"' || *c == '\\') {
            snprintf(one, sizeof one, "\\%c", *c);
        } else if (*c == '\n') {
            snprintf(one, sizeof one, "\\n");
        } else if ((unsigned char)*c < ' ') {
            snprintf(one, sizeof one, "\\u%04x", (unsigned)(unsigned char)*c);
        } else {
            snprintf(one, sizeof one, "%c", *c);
        }
        add(self, one, strlen(one));
    }
    add(self, "\"", 1);
}

static void
add_name(log_line *self, const char *name)
{
    bool is_json = self->log->format == WEIRI_LOG_JSON;
    add(self, is_json ? ",\"" : " ", is_json ? 2 : 1);
    add(self, name, strlen(name));
    add(self, is_json ? "\":" : "=", is_json ? 2 : 1);
}

void
log_begin(log_line *self, const run_log *log, weiri_log_level level, const char *event)
{
    self->log  = level >= log->level ? log : NULL;
    self->used = 0;
    if (self->log == NULL) {
        return;
    }
    struct timespec now;
    struct tm       at;
    char            head[128];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &at);
    int n = snprintf(head, sizeof head,
        log->format == WEIRI_LOG_JSON
            ? "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\",\"level\":\"%s\","
              "\"event\":\"%s\""
            : "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %s %s",
        at.tm_year + 1900, at.tm_mon + 1, at.tm_mday, at.tm_hour, at.tm_min, at.tm_sec,
        (int)(now.tv_nsec / WEIRI_NS_PER_MS), LEVELS[level], event);
    add(self, head, n > 0 && (size_t)n < sizeof head ? (size_t)n : 0);
    if (log->node != NULL) {
        log_text(self, "node", log->node);
    }
}

void
log_text(log_line *self, const char *name, const char *value)
{
    enum { SHORTEST = 16 }; /* that is worth a name */
    if (self->log == NULL
        || self->used + strlen(name) + SHORTEST > sizeof self->bytes - TAIL_BYTES) {
        return;
    }
    add_name(self, name);
    if (self->log->format == WEIRI_LOG_TEXT && is_plain(value)
        && strlen(value) < sizeof self->bytes - TAIL_BYTES - self->used) {
        add(self, value, strlen(value));
    } else {
        add_quoted(self, value);
    }
}

void
log_number(log_line *self, const char *name, uint64_t value)
{
    char digits[24];
    int  n = snprintf(digits, sizeof digits, "%" PRIu64, value);
    if (self->log != NULL
        && self->used + strlen(name) + sizeof digits < sizeof self->bytes - TAIL_BYTES) {
        add_name(self, name);
        add(self, digits, (size_t)n);
    }
}

void
log_end(log_line *self)
{
    if (self->log == NULL) {
        return;
    }
    if (self->log->format == WEIRI_LOG_JSON) {
        self->bytes[self->used++] = '}';
    }
    self->bytes[self->used++] = '\n';
    ssize_t ignored           = write(STDERR_FILENO, self->bytes, self->used);
    (void)ignored; /* there is nobody else to tell */
}

void
log_say(const run_log *log, weiri_log_level level, const char *event, const char *what)
{
    log_line line;
    log_begin(&line, log, level, event);
    if (what != NULL) {
        log_text(&line, "what", what);
    }
    log_end(&line);
}
