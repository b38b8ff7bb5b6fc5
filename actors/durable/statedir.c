#define _GNU_SOURCE
#include "weiri/statedir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../sink/sink.h"
#include "../source/source.h"
#include "checkpoint.h"
#include "journal.h"
#include "weiri/flow.h"
#include "weiri/folder.h"
#include "whole.h"

enum { DIR_MODE = 0750, MAX_PATH = 4096 };

static const char JOURNAL[] = "journal"; /* the kind of its entries in a snapshot */

/* ---- stores ---- */

static weir_status
open_store(const char *path, const char *name, bool is_read_only, weiri_store **out,
    weir_error *err)
{
    char                      full[MAX_PATH];
    const weiri_store_options options = { .is_read_only = is_read_only };
    if (snprintf(full, sizeof full, "%s/%s", path, name) >= (int)sizeof full) {
        return WEIR_FAIL(err, WEIR_EINVAL, "the name '%s' is too long", path);
    }
    weir_status status = is_read_only ? weiri_store_verify(full, err) : WEIR_OK;
    if (status == WEIR_ENOENT) {
        return WEIR_FAIL(err, WEIR_ENOENT, "'%s' holds no state", path);
    }
    return status == WEIR_OK ? weiri_store_open(full, &options, out, err) : status;
}

/* ---- reading ---- */

/* "txn#0" as the stream and the place. */
static uint32_t
split_name(const char *name, char stream[WEIRI_SECTION_NAME])
{
    snprintf(stream, WEIRI_SECTION_NAME, "%s", name);
    char *hash = strrchr(stream, '#');
    if (hash == NULL) {
        return 0;
    }
    *hash = '\0';
    return (uint32_t)strtoul(hash + 1, NULL, 10);
}

static weir_status
read_source(const weiri_section *section, const char *name, weiri_store *journal,
    weiri_statedir_source *out, weir_error *err)
{
    char               stream[WEIRI_SECTION_NAME];
    weiri_intake_stand stand = { 0 };
    weiri_unpack       in    = weiri_section_open(section);
    weiri_intake_peek(&in, &stand);
    if (in.wrong != NULL) {
        return WEIR_FAIL(err, WEIR_EDATA, "source '%s': %s", name, in.wrong);
    }
    *out               = (weiri_statedir_source){ .name = name,
                      .is_regular                       = stand.is_regular,
                      .is_closed                        = stand.is_closed,
                      .position                         = stand.position,
                      .newest_ns                        = stand.newest_ns,
                      .clock_ns                         = stand.clock_ns,
                      .n_events                         = stand.counts.n_events,
                      .n_late                           = stand.counts.n_late,
                      .n_dead                           = stand.counts.n_dead };
    uint32_t    place  = split_name(name, stream);
    weir_status status = weiri_journal_end(journal, stream, place, &out->committed, err);
    if (out->committed < out->position) {
        out->committed = out->position;
    }
    return status;
}

static weir_status
read_sources(weiri_statedir *self, weiri_store *journal, weir_error *err)
{
    weir_status status = WEIR_OK;
    self->sources      = calloc(self->sections.n + (size_t)1, sizeof *self->sources);
    if (self->sources == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    for (uint32_t i = 0; i < self->sections.n && status == WEIR_OK; i++) {
        const char *name = NULL;
        if (weiri_section_is(&self->sections.items[i], "source", &name)) {
            status = read_source(&self->sections.items[i], name, journal,
                &self->sources[self->n_sources++], err);
        }
    }
    return status;
}

static weir_status
read_sinks(weiri_statedir *self, weir_error *err)
{
    self->sinks = calloc(self->sections.n + (size_t)1, sizeof *self->sinks);
    if (self->sinks == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    for (uint32_t i = 0; i < self->sections.n; i++) {
        const weiri_section *section = &self->sections.items[i];
        const char          *path    = NULL;
        if (!weiri_section_is(section, "sink", &path)) {
            continue;
        }
        weiri_unpack         in    = weiri_section_open(section);
        weiri_outlet_stand   stand = weiri_outlet_peek(&in);
        weiri_statedir_sink *sink  = &self->sinks[self->n_sinks++];
        *sink                      = (weiri_statedir_sink){
                                 .path = path, .n_written = stand.n_written, .n_rows = stand.n_rows
        };
        if (in.wrong != NULL) {
            return WEIR_FAIL(err, WEIR_EDATA, "sink '%s': %s", path, in.wrong);
        }
    }
    return WEIR_OK;
}

static weir_status
read_run(weiri_statedir *self, weir_error *err)
{
    weiri_unpack in = { 0 };
    if (!weiri_sections_find(&self->sections, "engine", "run", &in)) {
        return WEIR_FAIL(err, WEIR_EDATA, "the state is that of no run");
    }
    self->watermark_ns = weiri_unpack_time(&in);
    self->is_ended     = weiri_unpack_number(&in) != 0;
    return in.wrong == NULL ? weiri_flow_shards_of(&self->sections, &self->n_shards, err)
                            : WEIR_FAIL(err, WEIR_EDATA, "%s", in.wrong);
}

static weir_status
read_stores(
    weiri_statedir *self, weiri_store *state, weiri_store *journal, weir_error *err)
{
    weiri_store_sizes sizes  = { 0 };
    weir_status       status = weiri_checkpoint_read(state, &self->sections, err);
    if (status == WEIR_ENOENT) {
        return WEIR_FAIL(err, WEIR_ENOENT, "no checkpoint has been written yet");
    }
    if (status == WEIR_OK) {
        status = read_run(self, err);
    }
    if (status == WEIR_OK) {
        status = read_sources(self, journal, err);
    }
    if (status == WEIR_OK) {
        status = read_sinks(self, err);
    }
    if (status == WEIR_OK) {
        status            = weiri_store_get_sizes(state, &sizes, err);
        self->state_bytes = sizes.used_bytes;
    }
    if (status == WEIR_OK) {
        status              = weiri_store_get_sizes(journal, &sizes, err);
        self->journal_bytes = sizes.used_bytes;
    }
    return status;
}

weir_status
weiri_statedir_read(const char *path, weiri_statedir *out, weir_error *err)
{
    weiri_store *state   = NULL;
    weiri_store *journal = NULL;
    *out                 = (weiri_statedir){ 0 };
    weir_status status   = open_store(path, "state", true, &state, err);
    if (status == WEIR_OK) {
        status = open_store(path, "journal", true, &journal, err);
    }
    if (status == WEIR_OK) {
        status = read_stores(out, state, journal, err);
    }
    weiri_store_close(&state);
    weiri_store_close(&journal);
    if (status != WEIR_OK) {
        weiri_statedir_fini(out);
    }
    return status;
}

void
weiri_statedir_fini(weiri_statedir *self)
{
    weiri_sections_fini(&self->sections);
    free(self->sources);
    free(self->sinks);
    *self = (weiri_statedir){ 0 };
}

/* ---- snapshots ---- */

/* A key of the journal as the name of a section. */
static void
write_hex(const uint8_t *key, size_t size, char out[2 * WEIRI_STORE_KEY + 1])
{
    for (size_t i = 0; i < size; i++) {
        snprintf(out + 2 * i, 3, "%02x", key[i]);
    }
}

static size_t
read_hex(const char *text, uint8_t *out, size_t most)
{
    size_t n = 0;
    for (; text[0] != '\0' && text[1] != '\0' && n < most; text += 2) {
        char digits[3] = { text[0], text[1], '\0' };
        out[n++]       = (uint8_t)strtoul(digits, NULL, 16);
    }
    return n;
}

static weir_status
copy_journal(weiri_store *journal, weiri_sections *out, weir_error *err)
{
    uint8_t           key[WEIRI_STORE_KEY + 1] = { 0 };
    size_t            size                     = 1;
    weiri_store_txn  *txn                      = NULL;
    weiri_store_entry entry                    = { 0 };
    weir_status       status = weiri_store_begin(journal, false, &txn, err);
    while (status == WEIR_OK) {
        status = weiri_store_seek(txn, key, size, false, &entry, err);
        if (status != WEIR_OK) {
            break;
        }
        char name[2 * WEIRI_STORE_KEY + 1];
        write_hex(entry.key, entry.key_size, name);
        weiri_pack *pack = weiri_sections_begin(out, JOURNAL, name);
        if (pack == NULL || entry.key_size >= WEIRI_STORE_KEY) {
            status = WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the snapshot");
            break;
        }
        weiri_pack_bytes(pack, entry.value, entry.size);
        memcpy(key, entry.key, entry.key_size);
        key[entry.key_size] = 0;
        size                = entry.key_size + 1;
    }
    weiri_store_abort(&txn);
    return status == WEIR_ENOENT ? WEIR_OK : status;
}

/* The journal before the state: what it lacks of the time between is in the state. */
static weir_status
gather(const char *path, weiri_sections *out, weir_error *err)
{
    weiri_store   *store   = NULL;
    weiri_sections entries = { 0 };
    weir_status    status  = open_store(path, "journal", true, &store, err);
    if (status == WEIR_OK) {
        status = copy_journal(store, &entries, err);
    }
    weiri_store_close(&store);
    if (status == WEIR_OK) {
        status = open_store(path, "state", true, &store, err);
    }
    if (status == WEIR_OK) {
        status = weiri_checkpoint_read(store, out, err);
    }
    weiri_store_close(&store);
    for (uint32_t i = 0; i < entries.n && status == WEIR_OK; i++) {
        weiri_pack *pack = weiri_sections_begin_named(out, entries.items[i].name);
        if (pack == NULL) {
            status = WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the snapshot");
        } else {
            weiri_pack_bytes(
                pack, entries.items[i].bytes.bytes, entries.items[i].bytes.size);
        }
    }
    weiri_sections_fini(&entries);
    return status;
}

weir_status
weiri_statedir_snapshot(const char *path, const char *file, weir_error *err)
{
    weiri_sections sections = { 0 };
    weir_status    status   = gather(path, &sections, err);
    if (status == WEIR_OK) {
        status = weiri_whole_write(file, &sections, err);
    }
    weiri_sections_fini(&sections);
    return status;
}

/* ---- restoring ---- */

/* Take the journal's entries out of the sections of a snapshot, into a store. */
static weir_status
restore_journal(const weiri_sections *sections, weiri_store *store, weir_error *err)
{
    weiri_store_txn *txn    = NULL;
    weir_status      status = weiri_store_begin(store, true, &txn, err);
    for (uint32_t i = 0; i < sections->n && status == WEIR_OK; i++) {
        const char *name = NULL;
        uint8_t     key[WEIRI_STORE_KEY];
        if (weiri_section_is(&sections->items[i], JOURNAL, &name)) {
            size_t size = read_hex(name, key, sizeof key);
            status      = weiri_store_put(txn, key, size, sections->items[i].bytes.bytes,
                     sections->items[i].bytes.size, err);
        }
    }
    if (status != WEIR_OK) {
        weiri_store_abort(&txn);
        return status;
    }
    return weiri_store_commit(&txn, err);
}

/* The sections that are not the journal's: a view, which owns nothing but its list. */
static weir_status
pick_state(const weiri_sections *all, weiri_sections *out)
{
    out->items = calloc(all->n + (size_t)1, sizeof *out->items);
    if (out->items == NULL) {
        return WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < all->n; i++) {
        const char *name = NULL;
        if (!weiri_section_is(&all->items[i], JOURNAL, &name)) {
            out->items[out->n++] = all->items[i];
        }
    }
    return WEIR_OK;
}

static weir_status
fill(const char *path, const weiri_sections *sections, weir_error *err)
{
    weiri_store   *store  = NULL;
    weiri_sections state  = { 0 };
    weir_status    status = open_store(path, "journal", false, &store, err);
    if (status == WEIR_OK) {
        status = restore_journal(sections, store, err);
    }
    weiri_store_close(&store);
    if (status == WEIR_OK) {
        status = open_store(path, "state", false, &store, err);
    }
    if (status == WEIR_OK) {
        status = pick_state(sections, &state);
    }
    if (status == WEIR_OK) {
        status = weiri_checkpoint_write(store, &state, 0, err);
    }
    weiri_store_close(&store);
    free(state.items);
    return status;
}

weir_status
weiri_statedir_restore(const char *file, const char *path, weir_error *err)
{
    weiri_sections sections = { 0 };
    weir_status    status   = weiri_whole_read(file, &sections, err);
    if (status == WEIR_OK && mkdir(path, DIR_MODE) != 0) {
        status = errno == EEXIST
                     ? WEIR_FAIL(err, WEIR_EINVAL, "'%s' is there already", path)
                     : WEIR_FAIL_OS(err, errno, "cannot make the folder '%s'", path);
    }
    if (status == WEIR_OK) {
        status = fill(path, &sections, err);
    }
    if (status == WEIR_OK) {
        status = weiri_sync_folder_of(path, err);
    }
    weiri_sections_fini(&sections);
    return status;
}
