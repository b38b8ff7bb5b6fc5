#define _POSIX_C_SOURCE 200809L
#include "weiri/allow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "head.h"
#include "weiri/folder.h"
#include "weiri/limits.h"

enum { STREAMS = 64 /* that a line names, each way */ };

struct entry {
    char        *line; /* cut into words, which the rest points to */
    const char  *name;
    const char  *key; /* NULL: revoked */
    weiri_permit may_send;
    weiri_permit may_read;
    const char  *send[STREAMS];
    const char  *read[STREAMS];
};

struct weiri_allow {
    char          *path;
    struct entry **entries; /* shape (n,), in the order of first mention */
    size_t         n;
};

static void
free_entry(struct entry *entry)
{
    if (entry != NULL) {
        free(entry->line);
        free(entry);
    }
}

void
weiri_allow_destroy(weiri_allow **self_p)
{
    weiri_allow *self = *self_p;
    *self_p           = NULL;
    if (self != NULL) {
        for (size_t i = 0; i < self->n; i++) {
            free_entry(self->entries[i]);
        }
        free(self->entries);
        free(self->path);
        free(self);
    }
}

/* ---- lines ---- */

static bool
is_stream(const char *text)
{
    for (const char *at = text; *at != 0; at++) {
        bool is_letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z')
                         || *at == '_' || *at == '.' || (*at >= '0' && *at <= '9');
        if (!is_letter) {
            return false;
        }
    }
    return *text != 0;
}

static bool
take_permit(char *text, const char **streams, weiri_permit *out)
{
    char *rest = NULL;
    if (strcmp(text, "any") == 0) {
        *out = (weiri_permit){ .is_any = true };
        return true;
    }
    *out = (weiri_permit){ .streams = streams };
    for (char *at = strtok_r(text, ",", &rest); at != NULL;
         at       = strtok_r(NULL, ",", &rest)) {
        if (out->n_streams == STREAMS || !is_stream(at)) {
            return false;
        }
        streams[out->n_streams++] = at;
    }
    return out->n_streams > 0;
}

static bool
take_words(struct entry *out)
{
    char       *rest = NULL;
    const char *verb = strtok_r(out->line, " ", &rest);
    out->name        = strtok_r(NULL, " ", &rest);
    if (verb == NULL || out->name == NULL
        || !weiri_head_is_name(out->name, strlen(out->name))) {
        return false;
    }
    if (strcmp(verb, "revoke") == 0) {
        return strtok_r(NULL, " ", &rest) == NULL;
    }
    out->key = strtok_r(NULL, " ", &rest);
    if (strcmp(verb, "allow") != 0 || out->key == NULL || !weiri_key_is_valid(out->key)) {
        return false;
    }
    for (char *word = strtok_r(NULL, " ", &rest); word != NULL;
         word       = strtok_r(NULL, " ", &rest)) {
        char *streams = strtok_r(NULL, " ", &rest);
        bool  is_send = strcmp(word, "send") == 0;
        if (streams == NULL || (!is_send && strcmp(word, "read") != 0)
            || !take_permit(streams, is_send ? out->send : out->read,
                is_send ? &out->may_send : &out->may_read)) {
            return false;
        }
    }
    return true;
}

/* errors  WEIR_EDATA, WEIR_ENOMEM */
static weir_status
read_line(const char *line, struct entry **out)
{
    struct entry *entry = calloc(1, sizeof *entry);
    if (entry != NULL) {
        entry->line = strdup(line);
    }
    if (entry == NULL || entry->line == NULL) {
        free_entry(entry);
        return WEIR_ENOMEM;
    }
    if (!take_words(entry)) {
        free_entry(entry);
        return WEIR_EDATA;
    }
    *out = entry;
    return WEIR_OK;
}

static size_t
find(const weiri_allow *self, const char *name)
{
    size_t i = 0;
    while (i < self->n && strcmp(self->entries[i]->name, name) != 0) {
        i++;
    }
    return i;
}

/* Put an entry where one of its name is, or at the end. The one that was there. */
static weir_status
put(weiri_allow *self, struct entry *entry, struct entry **old)
{
    size_t at = find(self, entry->name);
    *old      = NULL;
    if (at < self->n) {
        *old              = self->entries[at];
        self->entries[at] = entry;
        return WEIR_OK;
    }
    if (self->n == WEIRI_PEERS) {
        return WEIR_EFULL;
    }
    struct entry **entries = realloc(self->entries, (self->n + 1) * sizeof *entries);
    if (entries == NULL) {
        return WEIR_ENOMEM;
    }
    self->entries            = entries;
    self->entries[self->n++] = entry;
    return WEIR_OK;
}

/* ---- the file ---- */

static weir_status
take_line(weiri_allow *self, char *line, unsigned number, weir_error *err)
{
    struct entry *entry    = NULL;
    struct entry *old      = NULL;
    size_t        size     = strlen(line);
    bool          is_whole = size > 0 && line[size - 1] == '\n';
    line[size - is_whole]  = 0;
    if (line[0] == '#' || line[0] == 0) {
        return WEIR_OK;
    }
    weir_status status = is_whole ? read_line(line, &entry) : WEIR_EDATA;
    if (status == WEIR_OK) {
        status = put(self, entry, &old);
        free_entry(status == WEIR_OK ? old : entry);
    }
    return status == WEIR_OK
               ? WEIR_OK
               : WEIR_FAIL(err, status,
                   "'%s', line %u: neither `allow NAME KEY send … read …` nor "
                   "`revoke NAME`",
                   self->path, number);
}

static weir_status
read_all(weiri_allow *self, FILE *file, weir_error *err)
{
    char        line[WEIRI_ALLOW_LINE];
    unsigned    number = 0;
    size_t      total  = 0;
    weir_status status = WEIR_OK;
    while (status == WEIR_OK && fgets(line, sizeof line, file) != NULL) {
        total += strlen(line);
        number++;
        status = total <= WEIRI_ALLOW_BYTES
                     ? take_line(self, line, number, err)
                     : WEIR_FAIL(err, WEIR_EDATA, "'%s' is too long", self->path);
    }
    return status == WEIR_OK && ferror(file) != 0
               ? WEIR_FAIL_OS(err, errno, "cannot read '%s'", self->path)
               : status;
}

weir_status
weiri_allow_read(const char *path, weiri_allow **out, weir_error *err)
{
    weiri_allow *self = calloc(1, sizeof *self);
    if (self == NULL || (self->path = strdup(path)) == NULL) {
        weiri_allow_destroy(&self);
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    FILE       *file   = fopen(path, "re");
    weir_status status = WEIR_OK;
    if (file == NULL && errno != ENOENT) {
        status = WEIR_FAIL_OS(err, errno, "cannot open '%s'", path);
    } else if (file != NULL) {
        status = read_all(self, file, err);
        fclose(file);
    }
    if (status != WEIR_OK) {
        weiri_allow_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

static void
print_permit(FILE *file, const char *word, const weiri_permit *permit)
{
    if (permit->is_any) {
        fprintf(file, " %s any", word);
    }
    for (size_t i = 0; !permit->is_any && i < permit->n_streams; i++) {
        fprintf(
            file, "%s%s%s", i == 0 ? " " : ",", i == 0 ? word : "", i == 0 ? " " : "");
        fputs(permit->streams[i], file);
    }
}

static void
print_line(FILE *file, const char *name, const char *key, const weiri_permit *may_send,
    const weiri_permit *may_read)
{
    if (key == NULL) {
        fprintf(file, "revoke %s\n", name);
        return;
    }
    fprintf(file, "allow %s %s", name, key);
    print_permit(file, "send", may_send);
    print_permit(file, "read", may_read);
    fputc('\n', file);
}

/* A new file in the place of the old one, or none. */
static weir_status
write_all(const weiri_allow *self, weir_error *err)
{
    char fresh[4096];
    if (snprintf(fresh, sizeof fresh, "%s.new", self->path) >= (int)sizeof fresh) {
        return WEIR_FAIL(err, WEIR_EINVAL, "the name '%s' is too long", self->path);
    }
    int   fd   = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file == NULL) {
        int code = errno;
        if (fd >= 0) {
            close(fd);
        }
        return WEIR_FAIL_OS(err, code, "cannot write '%s'", fresh);
    }
    fputs("# Who was let in, and who no longer is: weir node allow, weir node revoke.\n",
        file);
    for (size_t i = 0; i < self->n; i++) {
        const struct entry *entry = self->entries[i];
        print_line(file, entry->name, entry->key, &entry->may_send, &entry->may_read);
    }
    bool is_written = fflush(file) == 0 && fsync(fd) == 0;
    int  code       = errno;
    if (fclose(file) != 0 || (is_written && rename(fresh, self->path) != 0)) {
        code       = is_written ? errno : code;
        is_written = false;
    }
    if (!is_written) {
        unlink(fresh);
        return WEIR_FAIL_OS(err, code, "cannot write '%s'", self->path);
    }
    return weiri_sync_folder_of(self->path, err);
}

/* ---- changes ---- */

static weir_status
change(weiri_allow *self, const char *line, const char *name, weir_error *err)
{
    struct entry *entry  = NULL;
    struct entry *old    = NULL;
    weir_status   status = read_line(line, &entry);
    if (status != WEIR_OK) {
        return WEIR_FAIL(err, status == WEIR_EDATA ? WEIR_EINVAL : status,
            "'%s' cannot be put on the list: a name, a key and streams are wanted", name);
    }
    status = put(self, entry, &old);
    if (status != WEIR_OK) {
        free_entry(entry);
        return WEIR_FAIL(err, status, "'%s': %s", name, weir_status_text(status));
    }
    status = write_all(self, err);
    if (status == WEIR_OK) {
        free_entry(old);
        return WEIR_OK;
    }
    if (old != NULL) {
        self->entries[find(self, old->name)] = old;
    } else {
        self->n--;
    }
    free_entry(entry);
    return status;
}

weir_status
weiri_allow_add(weiri_allow *self, const weiri_peer_config *peer, weir_error *err)
{
    char   line[WEIRI_ALLOW_LINE];
    char  *text   = NULL;
    size_t size   = 0;
    FILE  *stream = open_memstream(&text, &size);
    if (stream == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    print_line(stream, peer->name, peer->key != NULL ? peer->key : "none",
        &peer->may_send, &peer->may_read);
    bool is_there = fclose(stream) == 0 && size > 0;
    bool fits = is_there && size < sizeof line && strchr(text, '\n') == text + size - 1;
    if (fits) {
        memcpy(line, text, size - 1);
        line[size - 1] = 0;
    }
    free(text);
    return fits ? change(self, line, peer->name, err)
                : WEIR_FAIL(err, WEIR_EINVAL, "what '%.63s' may is too much for a line",
                    peer->name);
}

weir_status
weiri_allow_revoke(weiri_allow *self, const char *name, weir_error *err)
{
    char line[WEIRI_PEER_NAME + 16];
    if (!weiri_head_is_name(name, strlen(name))) {
        return WEIR_FAIL(err, WEIR_EINVAL, "'%.80s' is no name of a node", name);
    }
    snprintf(line, sizeof line, "revoke %s", name);
    return change(self, line, name, err);
}

bool
weiri_allow_is_revoked(const weiri_allow *self, const char *name)
{
    size_t at = find(self, name);
    return at < self->n && self->entries[at]->key == NULL;
}

static weiri_peer_config
as_config(const struct entry *entry, const char *address)
{
    return (weiri_peer_config){ .name = entry->name,
        .address                      = address,
        .key                          = entry->key,
        .may_send                     = entry->may_send,
        .may_read                     = entry->may_read };
}

static bool
is_among(const weiri_peer_config *peers, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(peers[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

weir_status
weiri_allow_apply(const weiri_allow *self, const weiri_peer_config *peers, size_t n,
    weiri_peer_config **out, size_t *n_out)
{
    weiri_peer_config *all = calloc(n + self->n + 1, sizeof *all);
    if (all == NULL) {
        return WEIR_ENOMEM;
    }
    *n_out = 0;
    for (size_t i = 0; i < n; i++) {
        size_t at = find(self, peers[i].name);
        if (at < self->n && self->entries[at]->key != NULL) {
            all[(*n_out)++] = as_config(self->entries[at], peers[i].address);
        } else {
            all[*n_out] = peers[i];
            all[(*n_out)++].is_revoked |= at < self->n;
        }
    }
    for (size_t i = 0; i < self->n; i++) {
        const struct entry *entry = self->entries[i];
        if (entry->key != NULL && !is_among(peers, n, entry->name)) {
            all[(*n_out)++] = as_config(entry, NULL);
        }
    }
    *out = all;
    return WEIR_OK;
}
