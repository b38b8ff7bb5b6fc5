#include "place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

char *
weiri_place_resolve(const char *file, const char *path)
{
    const char *slash = file != NULL ? strrchr(file, '/') : NULL;
    if (path[0] == '/' || slash == NULL || strcmp(path, "-") == 0) {
        return strdup(path);
    }
    size_t folder = (size_t)(slash - file) + 1;
    char  *joined = malloc(folder + strlen(path) + 1);
    if (joined != NULL) {
        memcpy(joined, file, folder);
        memcpy(joined + folder, path, strlen(path) + 1);
    }
    return joined;
}

char *
weiri_place_resolve_address(const char *file, const char *address)
{
    static const char IPC[] = "ipc://";
    size_t            n     = sizeof IPC - 1;
    if (strncmp(address, IPC, n) != 0 || address[n] == '@') {
        return strdup(address);
    }
    char *path     = weiri_place_resolve(file, address + n);
    char *resolved = path != NULL ? malloc(n + strlen(path) + 1) : NULL;
    if (resolved != NULL) {
        memcpy(resolved, IPC, n);
        memcpy(resolved + n, path, strlen(path) + 1);
    }
    free(path);
    return resolved;
}

static bool
ends_with(const char *text, size_t size, const char *end)
{
    size_t n = strlen(end);
    return size >= n && memcmp(text + size - n, end, n) == 0;
}

/* The size of a path without a compression suffix. */
static size_t
plain_size(const char *path)
{
    size_t size = strlen(path);
    if (ends_with(path, size, ".gz")) {
        return size - 3;
    }
    return ends_with(path, size, ".zst") ? size - 4 : size;
}

weiri_format
weiri_place_format(const char *path)
{
    static const struct {
        const char  *end;
        weiri_format format;
    } ENDINGS[] = {
        { ".jsonl", WEIRI_FORMAT_JSON },
        { ".ndjson", WEIRI_FORMAT_JSON },
        { ".json", WEIRI_FORMAT_JSON },
        { ".csv", WEIRI_FORMAT_CSV },
        { ".tsv", WEIRI_FORMAT_CSV },
        { ".msgpack", WEIRI_FORMAT_MSGPACK },
        { ".mp", WEIRI_FORMAT_MSGPACK },
        { ".txt", WEIRI_FORMAT_TEXT },
    };
    size_t size = plain_size(path);
    for (size_t i = 0; i < sizeof ENDINGS / sizeof ENDINGS[0]; i++) {
        if (ends_with(path, size, ENDINGS[i].end)) {
            return ENDINGS[i].format;
        }
    }
    return WEIRI_FORMAT_AUTO;
}

weir_status
weiri_place_check_format(const char *path, weiri_format format, weir_error *err)
{
    return format != WEIRI_FORMAT_AUTO && format != WEIRI_FORMAT_TEXT
               ? WEIR_OK
               : WEIR_FAIL(err, WEIR_EINVAL,
                   "%s: the name does not say its format: add `format json`, `csv`, "
                   "`msgpack` or `lines(\"pattern\")` behind it",
                   path);
}

bool
weiri_place_is_packed(const char *path)
{
    return plain_size(path) < strlen(path);
}

static bool
is_regular(const char *path, struct stat *about)
{
    return strcmp(path, "-") != 0 && stat(path, about) == 0 && S_ISREG(about->st_mode);
}

bool
weiri_place_is_same_file(const char *a, const char *b)
{
    struct stat of_a;
    struct stat of_b;
    return is_regular(a, &of_a) && is_regular(b, &of_b) && of_a.st_dev == of_b.st_dev
           && of_a.st_ino == of_b.st_ino;
}

bool
weiri_place_is_tsv(const char *path)
{
    return ends_with(path, plain_size(path), ".tsv");
}
