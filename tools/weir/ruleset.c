#define _XOPEN_SOURCE 700 /* realpath */
#include "ruleset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const weiri_seal SEAL = {
    .magic = "weirR", .not_ours = "these are no rules", .version = 1
};

static weir_status
make(ruleset **out, weir_error *err)
{
    weiri_arena *arena = weiri_arena_new();
    if (arena == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    *out          = weiri_arena_alloc(arena, sizeof **out);
    (*out)->arena = arena;
    return WEIR_OK;
}

static const char *
copy(ruleset *self, const char *text)
{
    return weiri_arena_text(self->arena, text, strlen(text));
}

/* ---- versions ---- */

static uint64_t
hash_text(uint64_t hash, const char *text, size_t size)
{
    uint64_t n = size;
    return weiri_hash_bytes(weiri_hash_bytes(hash, &n, sizeof n), text, size);
}

static void
set_version(ruleset *self)
{
    uint64_t hash = WEIRI_HASH_BEGIN;
    for (uint32_t i = 0; i < self->n_files; i++) {
        hash = hash_text(hash, self->files[i].text, self->files[i].size);
    }
    for (uint32_t i = 0; i < self->n_settings; i++) {
        const weiri_setting *setting = &self->settings[i];
        hash = hash_text(hash, setting->name, strlen(setting->name));
        hash = hash_text(hash, setting->value, strlen(setting->value));
    }
    snprintf(self->version, sizeof self->version, "%016llx", (unsigned long long)hash);
}

void
ruleset_set_origin(ruleset *self, const char *version)
{
    snprintf(self->origin, sizeof self->origin, "%s", version);
}

/* ---- reading and compiling ---- */

char *
ruleset_path(const char *path)
{
    const char *slash  = strrchr(path, '/');
    size_t      n      = slash != NULL ? (size_t)(slash - path) : 0;
    char       *folder = slash != NULL ? strndup(path, n > 0 ? n : 1) : strdup(".");
    char       *real   = folder != NULL ? realpath(folder, NULL) : NULL;
    char       *out    = NULL;
    if (real != NULL) {
        const char *name = slash != NULL ? slash + 1 : path;
        size_t      size = strlen(real) + strlen(name) + 2;
        out              = malloc(size);
        if (out != NULL) {
            snprintf(out, size, "%s/%s", strcmp(real, "/") == 0 ? "" : real, name);
        }
    }
    free(folder);
    free(real);
    return out;
}

static void
add_setting(ruleset *self, const char *name, const char *value)
{
    weiri_setting setting = { copy(self, name), copy(self, value) };
    WEIRI_ARENA_PUSH(self->arena, self->settings, self->n_settings, setting);
}

static weir_status
compile(ruleset *self, weiri_diagnostics *diagnostics, weir_error *err)
{
    const weiri_compile_options options = { .settings = self->settings,
        .n_settings                                   = self->n_settings,
        .keeps_fields                                 = true,
        .node                                         = self->node,
        .overlays                                     = self->files,
        .n_overlays                                   = self->n_files };
    return weiri_compile_files(
        self->roots, self->n_roots, &options, diagnostics, &self->plan, err);
}

static size_t
count_files(const weiri_diagnostics *diagnostics)
{
    weiri_overlay read;
    size_t        n = 0;
    while (weiri_diagnostics_read(diagnostics, n, &read)) {
        n++;
    }
    return n;
}

/* Keep the texts of the files that were read, from the `first` on; the standard library
 * is part of the program. */
static void
keep_files(ruleset *self, const weiri_diagnostics *diagnostics, size_t first)
{
    weiri_overlay read;
    for (size_t i = first; weiri_diagnostics_read(diagnostics, i, &read); i++) {
        char *real = realpath(read.path, NULL);
        if (real != NULL || read.path[0] == '/') { /* one that is gone was in the state */
            weiri_overlay file = { .path = copy(self, real != NULL ? real : read.path),
                .text = weiri_arena_text(self->arena, read.text, read.size),
                .size = read.size };
            WEIRI_ARENA_PUSH(self->arena, self->files, self->n_files, file);
            free(real);
        }
    }
}

weir_status
ruleset_read(const char *const *paths, size_t n_paths, const weiri_node_setup *node,
    weiri_diagnostics *diagnostics, ruleset **out, weir_error *err)
{
    ruleset    *self   = NULL;
    weir_status status = make(&self, err);
    if (status != WEIR_OK) {
        return status;
    }
    for (size_t i = 0; i < n_paths; i++) {
        char       *real = ruleset_path(paths[i]);
        const char *root = copy(self, real != NULL ? real : paths[i]);
        free(real);
        WEIRI_ARENA_PUSH(self->arena, self->roots, self->n_roots, root);
    }
    for (size_t i = 0; i < node->n_settings; i++) {
        add_setting(self, node->settings[i].name, node->settings[i].value);
    }
    self->node   = node;
    size_t first = count_files(diagnostics);
    status       = compile(self, diagnostics, err);
    if (status != WEIR_OK && status != WEIR_ESYNTAX) {
        ruleset_destroy(&self);
        return status;
    }
    keep_files(self, diagnostics, first);
    set_version(self);
    ruleset_set_origin(self, self->version);
    *out = self;
    return status;
}

weir_status
ruleset_compile(ruleset *self, const weiri_node_setup *node,
    weiri_diagnostics *diagnostics, weir_error *err)
{
    char version[RULESET_VERSION];
    self->node         = node;
    size_t      first  = count_files(diagnostics);
    weir_status status = compile(self, diagnostics, err);
    memcpy(version, self->version, sizeof version);
    self->n_files = 0;
    keep_files(self, diagnostics, first);
    set_version(self);
    if (status == WEIR_OK && strcmp(version, self->version) != 0) {
        return WEIR_FAIL(err, WEIR_EDATA,
            "the rules that were applied are others now at '%s': apply them again",
            self->roots[0]);
    }
    return status;
}

void
ruleset_destroy(ruleset **self_p)
{
    if (*self_p != NULL) {
        weiri_arena *arena = (*self_p)->arena; /* holds the set itself */
        weiri_plan_destroy(&(*self_p)->plan);
        weiri_arena_destroy(&arena);
        *self_p = NULL;
    }
}

/* ---- as bytes ---- */

static void
pack_text(weiri_pack *out, const char *text)
{
    weiri_pack_text(out, text, strlen(text));
}

void
ruleset_pack(const ruleset *self, weiri_pack *out)
{
    size_t begin = out->size;
    weiri_pack_open(out, &SEAL);
    pack_text(out, self->origin);
    weiri_pack_number(out, self->n_roots);
    for (uint32_t i = 0; i < self->n_roots; i++) {
        pack_text(out, self->roots[i]);
    }
    weiri_pack_number(out, self->n_files);
    for (uint32_t i = 0; i < self->n_files; i++) {
        pack_text(out, self->files[i].path);
        weiri_pack_text(out, self->files[i].text, self->files[i].size);
    }
    weiri_pack_number(out, self->n_settings);
    for (uint32_t i = 0; i < self->n_settings; i++) {
        pack_text(out, self->settings[i].name);
        pack_text(out, self->settings[i].value);
    }
    (void)weiri_pack_close(out, begin, true);
}

static const char *
unpack_text(ruleset *self, weiri_unpack *in, size_t *size)
{
    uint32_t    n    = 0;
    const char *text = weiri_unpack_text(in, &n);
    *size            = text != NULL ? n : 0;
    return weiri_arena_text(self->arena, text != NULL ? text : "", *size);
}

static void
unpack_all(ruleset *self, weiri_unpack *in)
{
    size_t      size   = 0;
    const char *origin = unpack_text(self, in, &size);
    ruleset_set_origin(self, origin);
    for (uint64_t n = weiri_unpack_number(in); n > 0 && in->wrong == NULL; n--) {
        const char *root = unpack_text(self, in, &size);
        WEIRI_ARENA_PUSH(self->arena, self->roots, self->n_roots, root);
    }
    for (uint64_t n = weiri_unpack_number(in); n > 0 && in->wrong == NULL; n--) {
        weiri_overlay file = { .path = unpack_text(self, in, &size) };
        file.text          = unpack_text(self, in, &file.size);
        WEIRI_ARENA_PUSH(self->arena, self->files, self->n_files, file);
    }
    for (uint64_t n = weiri_unpack_number(in); n > 0 && in->wrong == NULL; n--) {
        weiri_setting setting = { .name = unpack_text(self, in, &size) };
        setting.value         = unpack_text(self, in, &size);
        WEIRI_ARENA_PUSH(self->arena, self->settings, self->n_settings, setting);
    }
}

weir_status
ruleset_unpack(weiri_unpack *in, ruleset **out, weir_error *err)
{
    ruleset    *self   = NULL;
    const char *wrong  = weiri_unpack_open(in, &SEAL);
    weir_status status = wrong == NULL ? make(&self, err) : WEIR_EDATA;
    if (status == WEIR_OK) {
        unpack_all(self, in);
        wrong  = in->wrong;
        status = wrong == NULL ? WEIR_OK : WEIR_EDATA;
    }
    if (status != WEIR_OK) {
        ruleset_destroy(&self);
        return wrong != NULL ? WEIR_FAIL(err, status, "the rules of the state: %s", wrong)
                             : status;
    }
    set_version(self);
    *out = self;
    return WEIR_OK;
}
