#include "checkpoint.h"

#include <string.h>

#include "weiri/fault.h"

enum { PIECE_BYTES = 16 << 10, KEY_BYTES = WEIRI_SECTION_NAME + 5 };

static const char DIRECTORY[] = ".";

static size_t
write_key(const char *name, uint32_t piece, uint8_t key[KEY_BYTES])
{
    size_t size = strlen(name) + 1;
    memcpy(key, name, size);
    for (uint32_t i = 0; i < 4; i++) {
        key[size + i] = (uint8_t)(piece >> 8 * (3 - i));
    }
    return size + 4;
}

static uint32_t
n_pieces(size_t size)
{
    return (uint32_t)((size + PIECE_BYTES - 1) / PIECE_BYTES);
}

static size_t
piece_size(size_t size, uint32_t piece)
{
    size_t left = size - (size_t)piece * PIECE_BYTES;
    return left < PIECE_BYTES ? left : PIECE_BYTES;
}

/* ---- writing ---- */

/* Remove the pieces of a section from `first` on. */
static weir_status
remove_pieces(weiri_store_txn *txn, const char *name, uint32_t first, weir_error *err)
{
    uint8_t from[KEY_BYTES];
    uint8_t end[KEY_BYTES];
    size_t  n         = 0;
    size_t  from_size = write_key(name, first, from);
    size_t  end_size  = write_key(name, UINT32_MAX, end);
    return weiri_store_remove(txn, from, from_size, end, end_size, SIZE_MAX, &n, err);
}

static weir_status
write_section(weiri_store_txn *txn, const weiri_section *section, weir_error *err)
{
    uint8_t     key[KEY_BYTES];
    size_t      size   = section->bytes.size;
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < n_pieces(size) && status == WEIR_OK; i++) {
        size_t key_size = write_key(section->name, i, key);
        status          = weiri_store_put(txn, key, key_size,
                     section->bytes.bytes + (size_t)i * PIECE_BYTES, piece_size(size, i), err);
    }
    return status == WEIR_OK ? remove_pieces(txn, section->name, n_pieces(size), err)
                             : status;
}

/* Names and sizes of the sections that the store holds. */
static weir_status
read_directory(weiri_store_txn *txn, weiri_unpack *out, weir_error *err)
{
    const uint8_t *value = NULL;
    size_t         size  = 0;
    weir_status    status =
        weiri_store_get(txn, DIRECTORY, sizeof DIRECTORY, &value, &size, err);
    *out = (weiri_unpack){ .at = value, .end = value + size };
    return status;
}

static bool
next_entry(weiri_unpack *in, char name[WEIRI_SECTION_NAME], uint64_t *size)
{
    uint32_t    name_size = 0;
    const char *text      = weiri_unpack_text(in, &name_size);
    *size                 = weiri_unpack_number(in);
    if (in->wrong != NULL || name_size >= WEIRI_SECTION_NAME) {
        return false;
    }
    memcpy(name, text, name_size);
    name[name_size] = '\0';
    return true;
}

static bool
is_in(const weiri_sections *sections, const char *name)
{
    for (uint32_t i = 0; i < sections->n; i++) {
        if (strcmp(sections->items[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static weir_status
remove_gone(weiri_store_txn *txn, const weiri_sections *sections, weir_error *err)
{
    weiri_unpack in     = { 0 };
    weir_status  status = read_directory(txn, &in, err);
    if (status == WEIR_ENOENT) {
        return WEIR_OK;
    }
    weiri_pack names = { 0 }; /* a copy: removing moves what was borrowed */
    weiri_pack_bytes(&names, in.at, (size_t)(in.end - in.at));
    in         = (weiri_unpack){ .at = names.bytes, .end = names.bytes + names.size };
    uint64_t n = weiri_unpack_number(&in);
    for (; n > 0 && status == WEIR_OK; n--) {
        char     name[WEIRI_SECTION_NAME];
        uint64_t size = 0;
        if (!next_entry(&in, name, &size)) {
            status = WEIR_FAIL(err, WEIR_EDATA, "the checkpoint's directory is damaged");
        } else if (!is_in(sections, name)) {
            status = remove_pieces(txn, name, 0, err);
        }
    }
    weiri_pack_fini(&names);
    return status;
}

static weir_status
write_directory(weiri_store_txn *txn, const weiri_sections *sections, weir_error *err)
{
    weiri_pack pack = { 0 };
    weiri_pack_number(&pack, sections->n);
    for (uint32_t i = 0; i < sections->n; i++) {
        const weiri_section *section = &sections->items[i];
        weiri_pack_text(&pack, section->name, strlen(section->name));
        weiri_pack_number(&pack, section->bytes.size);
    }
    weir_status status = WEIR_ENOMEM;
    if (!pack.is_out_of_memory) {
        status =
            weiri_store_put(txn, DIRECTORY, sizeof DIRECTORY, pack.bytes, pack.size, err);
    }
    weiri_pack_fini(&pack);
    return status;
}

weir_status
weiri_checkpoint_write(
    weiri_store *store, const weiri_sections *sections, uint64_t n, weir_error *err)
{
    weiri_store_txn *txn    = NULL;
    weir_status      status = weiri_store_begin(store, true, &txn, err);
    if (status == WEIR_OK) {
        status = remove_gone(txn, sections, err);
    }
    for (uint32_t i = 0; i < sections->n && status == WEIR_OK; i++) {
        status = write_section(txn, &sections->items[i], err);
    }
    if (status == WEIR_OK) {
        status = write_directory(txn, sections, err);
    }
    if (status != WEIR_OK) {
        weiri_store_abort(&txn);
        return status;
    }
    weiri_fault_point_in_child("checkpoint.commit", n);
    return weiri_store_commit(&txn, err);
}

/* ---- reading ---- */

static weir_status
read_section(
    weiri_store_txn *txn, const char *name, size_t size, weiri_pack *out, weir_error *err)
{
    for (uint32_t i = 0; i < n_pieces(size); i++) {
        uint8_t        key[KEY_BYTES];
        const uint8_t *value    = NULL;
        size_t         n        = 0;
        size_t         key_size = write_key(name, i, key);
        weir_status    status   = weiri_store_get(txn, key, key_size, &value, &n, err);
        if (status == WEIR_ENOENT || (status == WEIR_OK && n != piece_size(size, i))) {
            return WEIR_FAIL(
                err, WEIR_EDATA, "a piece of the checkpoint's '%s' is missing", name);
        }
        if (status != WEIR_OK) {
            return status;
        }
        weiri_pack_bytes(out, value, n);
    }
    return out->is_out_of_memory
               ? WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the checkpoint")
               : WEIR_OK;
}

static weir_status
read_all(weiri_store_txn *txn, weiri_sections *out, weir_error *err)
{
    weiri_unpack in     = { 0 };
    weir_status  status = read_directory(txn, &in, err);
    uint64_t     n      = status == WEIR_OK ? weiri_unpack_number(&in) : 0;
    for (; n > 0 && status == WEIR_OK; n--) {
        char        name[WEIRI_SECTION_NAME];
        uint64_t    size = 0;
        weiri_pack *pack = NULL;
        if (!next_entry(&in, name, &size)) {
            return WEIR_FAIL(err, WEIR_EDATA, "the checkpoint's directory is damaged");
        }
        pack   = weiri_sections_begin_named(out, name);
        status = pack != NULL
                     ? read_section(txn, name, (size_t)size, pack, err)
                     : WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the checkpoint");
    }
    return status;
}

weir_status
weiri_checkpoint_read(weiri_store *store, weiri_sections *out, weir_error *err)
{
    weiri_store_txn *txn    = NULL;
    weir_status      status = weiri_store_begin(store, false, &txn, err);
    *out                    = (weiri_sections){ 0 };
    if (status == WEIR_OK) {
        status = read_all(txn, out, err);
        weiri_store_abort(&txn);
    }
    if (status != WEIR_OK) {
        weiri_sections_fini(out);
    }
    return status;
}
