#include "kept.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../source/source.h"
#include "weiri/fault.h"
#include "weiri/folder.h"
#include "whole.h"

enum { DIR_MODE = 0750 };

static const char *const PARTS[] = { "engine", "source", "sink" }; /* of a head */

/* ---- names ---- */

static void
file_name(const char *path, uint64_t number, const char *end, char out[WEIRI_WHOLE_PATH])
{
    snprintf(out, WEIRI_WHOLE_PATH, "%s/kept/%012" PRIu64 ".%s", path, number, end);
}

/* The number of NUMBER.head; false for any other name. */
static bool
read_name(const char *name, uint64_t *number)
{
    char *end = NULL;
    *number   = strtoull(name, &end, 10);
    return end != name && strcmp(end, ".head") == 0;
}

/* ---- heads ---- */

static bool
is_of_head(const weiri_section *section)
{
    const char *name = NULL;
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++) {
        if (weiri_section_is(section, PARTS[i], &name)) {
            return true;
        }
    }
    return false;
}

/* A view of sections, which owns nothing but its list. */
static weir_status
view_head(const weiri_sections *all, weiri_sections *out, weir_error *err)
{
    out->items = calloc(all->n + (size_t)1, sizeof *out->items);
    if (out->items == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
    }
    for (uint32_t i = 0; i < all->n; i++) {
        if (is_of_head(&all->items[i])) {
            out->items[out->n++] = all->items[i];
        }
    }
    return WEIR_OK;
}

bool
weiri_kept_position(
    const weiri_sections *head, const char *source_name, uint64_t *position)
{
    weiri_unpack       in    = { 0 };
    weiri_intake_stand stand = { 0 };
    if (!weiri_sections_find(head, "source", source_name, &in)) {
        return false;
    }
    weiri_intake_peek(&in, &stand);
    *position = stand.position;
    return in.wrong == NULL;
}

static weir_status
read_head(const char *path, uint64_t number, weiri_moment *out, weir_error *err)
{
    char         file[WEIRI_WHOLE_PATH];
    weiri_unpack in = { 0 };
    *out            = (weiri_moment){ .number = number };
    file_name(path, number, "head", file);
    weir_status status = weiri_whole_read(file, &out->head, err);
    if (status == WEIR_OK && !weiri_sections_find(&out->head, "engine", "run", &in)) {
        status = WEIR_FAIL(err, WEIR_EDATA, "'%s': the state is that of no run", file);
    }
    out->watermark_ns = status == WEIR_OK ? weiri_unpack_time(&in) : 0;
    for (uint32_t i = 0; i < out->head.n && status == WEIR_OK; i++) {
        const char        *name  = NULL;
        weiri_intake_stand stand = { 0 };
        if (weiri_section_is(&out->head.items[i], "source", &name)) {
            in = weiri_section_open(&out->head.items[i]);
            weiri_intake_peek(&in, &stand);
            out->n_bytes += stand.is_regular ? 0 : stand.position;
        }
    }
    if (status == WEIR_OK && in.wrong != NULL) {
        status = WEIR_FAIL(err, WEIR_EDATA, "'%s': %s", file, in.wrong);
    }
    if (status != WEIR_OK) {
        weiri_sections_fini(&out->head);
    }
    return status;
}

/* ---- the list ---- */

void
weiri_kept_fini(weiri_kept_moments *self)
{
    for (uint32_t i = 0; i < self->n; i++) {
        weiri_sections_fini(&self->items[i].head);
    }
    free(self->items);
    *self = (weiri_kept_moments){ 0 };
}

weir_status
weiri_kept_add(const char *path, uint64_t number, weiri_kept_moments *to, weir_error *err)
{
    weiri_moment *grown = realloc(to->items, (to->n + (size_t)1) * sizeof *grown);
    if (grown == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
    }
    to->items          = grown;
    weir_status status = read_head(path, number, &grown[to->n], err);
    to->n += status == WEIR_OK;
    return status;
}

static int
by_number(const void *a, const void *b)
{
    const weiri_moment *x = a;
    const weiri_moment *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

weir_status
weiri_kept_list(const char *path, weiri_kept_moments *out, weir_error *err)
{
    char folder[WEIRI_WHOLE_PATH];
    *out = (weiri_kept_moments){ 0 };
    snprintf(folder, sizeof folder, "%s/kept", path);
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return errno == ENOENT
                   ? WEIR_OK
                   : WEIR_FAIL_OS(err, errno, "cannot look into '%s'", folder);
    }
    weir_status    status = WEIR_OK;
    struct dirent *entry  = NULL;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this function's own */
    while (status == WEIR_OK && (entry = readdir(dir)) != NULL) {
        uint64_t number = 0;
        if (read_name(entry->d_name, &number)) {
            status = weiri_kept_add(path, number, out, err);
            status = status == WEIR_ENOENT ? WEIR_OK : status; /* dropped meanwhile */
        }
    }
    closedir(dir);
    if (status != WEIR_OK) {
        weiri_kept_fini(out);
    } else if (out->n > 0) {
        qsort(out->items, out->n, sizeof out->items[0], by_number);
    }
    return status;
}

void
weiri_kept_drop_oldest(const char *path, weiri_kept_moments *self)
{
    char file[WEIRI_WHOLE_PATH];
    file_name(path, self->items[0].number, "head", file);
    unlink(file); /* first: what is left without it is nothing */
    weiri_fault_point("kept.dropping");
    file_name(path, self->items[0].number, "state", file);
    unlink(file);
    weiri_sections_fini(&self->items[0].head);
    self->n--;
    memmove(self->items, self->items + 1, self->n * sizeof self->items[0]);
}

/* ---- moments ---- */

weir_status
weiri_kept_write(
    const char *path, uint64_t number, const weiri_sections *sections, weir_error *err)
{
    char           file[WEIRI_WHOLE_PATH];
    weiri_sections head = { 0 };
    snprintf(file, sizeof file, "%s/kept", path);
    if (mkdir(file, DIR_MODE) != 0 && errno != EEXIST) {
        return WEIR_FAIL_OS(err, errno, "cannot make the folder '%s'", file);
    }
    file_name(path, number, "state", file);
    weir_status status = weiri_whole_write(file, sections, err);
    if (status == WEIR_OK) {
        status = view_head(sections, &head, err);
    }
    if (status == WEIR_OK) {
        file_name(path, number, "head", file);
        status = weiri_whole_write(file, &head, err);
    }
    free(head.items);
    return status;
}

weir_status
weiri_kept_read(const char *path, uint64_t number, weiri_sections *out, weir_error *err)
{
    char file[WEIRI_WHOLE_PATH];
    file_name(path, number, "state", file);
    return weiri_whole_read(file, out, err);
}
