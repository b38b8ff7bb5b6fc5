#include "checkpoint.h"

#include <string.h>

#include "pieces.h"
#include "weiri/fault.h"

enum { PIECE_BYTES = 16 << 10, NUMBER_BYTES = 8, KEY_BYTES = WEIRI_SECTION_NAME + 9 };

static const char DIRECTORY[] = ".2";
static const char OLDER[]     = "."; /* of the format before */

static size_t
write_key(const char *name, uint64_t number, uint8_t key[KEY_BYTES])
{
    size_t size = strlen(name) + 1;
    memcpy(key, name, size);
    for (uint32_t i = 0; i < NUMBER_BYTES; i++) {
        key[size + i] = (uint8_t)(number >> 8 * (NUMBER_BYTES - 1 - i));
    }
    return size + NUMBER_BYTES;
}

/* ---- writing ---- */

/* Remove the pieces of a section from number `first` to before `end`. */
static weir_status
remove_pieces(
    weiri_store_txn *txn, const char *name, uint64_t first, uint64_t end, weir_error *err)
{
    uint8_t from[KEY_BYTES];
    uint8_t to[KEY_BYTES];
    size_t  n         = 0;
    size_t  from_size = write_key(name, first, from);
    size_t  to_size   = write_key(name, end, to);
    return first < end
               ? weiri_store_remove(txn, from, from_size, to, to_size, SIZE_MAX, &n, err)
               : WEIR_OK;
}

/* A section that is being written: the numbers of pieces that are older are removed as
 * they are passed by. */
typedef struct writing {
    weiri_store_txn     *txn;
    const weiri_section *section;
    uint64_t             next; /* the first number that may be taken */
    weir_error          *err;
} writing;

/* Bytes first … end - 1 as pieces that are numbered from `number` on. */
static weir_status
write_bytes(writing *self, uint64_t number, size_t first, size_t end)
{
    const char *name   = self->section->name;
    weir_status status = WEIR_OK;
    while (first < end && status == WEIR_OK) {
        uint8_t key[KEY_BYTES];
        size_t  size     = end - first < PIECE_BYTES ? end - first : PIECE_BYTES;
        size_t  key_size = write_key(name, number, key);
        status           = remove_pieces(self->txn, name, self->next, number, self->err);
        if (status == WEIR_OK) {
            status = weiri_store_put(self->txn, key, key_size,
                self->section->bytes.bytes + first, size, self->err);
        }
        first += size;
        self->next = ++number;
    }
    return status;
}

static weir_status
write_section(weiri_store_txn *txn, const weiri_section *section, weir_error *err)
{
    writing      self = { .txn = txn, .section = section, .err = err };
    weiri_pieces cut;
    weiri_piece  piece;
    weir_status  status = WEIR_OK;
    weiri_pieces_init(&cut, section->bytes.bytes, section->bytes.size, PIECE_BYTES);
    while (status == WEIR_OK && weiri_pieces_next(&cut, &piece)) {
        status = write_bytes(&self, piece.number, piece.first, piece.end);
    }
    weiri_pieces_fini(&cut);
    return status == WEIR_OK
               ? remove_pieces(txn, section->name, self.next, UINT64_MAX, err)
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
    if (status == WEIR_ENOENT
        && weiri_store_get(txn, OLDER, sizeof OLDER, &value, &size, NULL) == WEIR_OK) {
        return WEIR_FAIL(err, WEIR_EDATA,
            "the state is in the format of an older version of weir: go on with that "
            "version, or begin anew in another directory");
    }
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
            status = remove_pieces(txn, name, 0, UINT64_MAX, err);
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

/* To the next number. */
static void
step(uint8_t *key, size_t key_size)
{
    for (size_t i = key_size; i-- > key_size - NUMBER_BYTES && ++key[i] == 0;) {
    }
}

/* Whether an entry is a piece of the section whose keys begin as `key`. */
static bool
is_piece(const weiri_store_entry *entry, const uint8_t *key, size_t key_size)
{
    return entry->key_size == key_size
           && memcmp(entry->key, key, key_size - NUMBER_BYTES) == 0;
}

static weir_status
read_section(
    weiri_store_txn *txn, const char *name, size_t size, weiri_pack *out, weir_error *err)
{
    uint8_t     key[KEY_BYTES];
    size_t      key_size = write_key(name, 0, key);
    weir_status status   = WEIR_OK;
    while (out->size < size && status == WEIR_OK && !out->is_out_of_memory) {
        weiri_store_entry entry = { .size = 0 };
        status = weiri_store_seek(txn, key, key_size, false, &entry, err);
        if (status == WEIR_ENOENT
            || (status == WEIR_OK && !is_piece(&entry, key, key_size))
            || (status == WEIR_OK
                && (entry.size == 0 || entry.size > size - out->size))) {
            return WEIR_FAIL(
                err, WEIR_EDATA, "a piece of the checkpoint's '%s' is missing", name);
        }
        if (status == WEIR_OK) {
            weiri_pack_bytes(out, entry.value, entry.size);
            memcpy(key, entry.key, key_size);
            step(key, key_size);
        }
    }
    return status == WEIR_OK && out->is_out_of_memory
               ? WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the checkpoint")
               : status;
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
