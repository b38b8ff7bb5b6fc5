/* What makes something a reader or a writer: for those that are one.
 *
 * A kind begins with the struct, and sets it when it is opened; the functions of bytes.h
 * call through it.
 */
#ifndef BYTES_OPS_H
#define BYTES_OPS_H

#include "weiri/bytes.h"

/* As the functions of bytes.h. skip, mark and check_mark: of what is regular alone. */
typedef struct weiri_reader_ops {
    void (*close)(weiri_reader *self);
    weir_status (*read)(weiri_reader *self, char *bytes, size_t size, int64_t wait_ns,
        size_t *n, weir_error *err);
    weir_status (*skip)(weiri_reader *self, uint64_t position, weir_error *err);
    weir_status (*mark)(const weiri_reader *self, weiri_file_mark *out, weir_error *err);
    weir_status (*check_mark)(
        const weiri_reader *self, const weiri_file_mark *mark, weir_error *err);
    void (*keep)(weiri_reader *self); /* of links and sockets; else NULL */
    /* NULL: it is not told. */
    weir_status (*acknowledge)(weiri_reader *self, uint64_t position, weir_error *err);
    /* Of what has a position of its own alone. */
    void (*save)(const weiri_reader *self, uint64_t position, weiri_pack *out);
    weir_status (*load)(
        weiri_reader *self, uint64_t position, weiri_unpack *in, weir_error *err);
    /* Of links alone. */
    void (*begin)(weiri_reader *self, const weiri_link_place *place);
    weiri_link_farewell (*farewell)(weiri_reader *self);
    void (*release)(weiri_reader *self, weiri_link_parting parting);
} weiri_reader_ops;

struct weiri_reader {
    const weiri_reader_ops *ops;
    bool                    is_regular;
    bool                    is_kept; /* it has a position of its own */
    bool                    is_link;
};

/* sync: of what is regular alone. */
typedef struct weiri_writer_ops {
    weir_status (*close)(weiri_writer *self, weir_error *err);
    weir_status (*write)(
        weiri_writer *self, const char *bytes, size_t size, weir_error *err);
    weir_status (*flush)(weiri_writer *self, weir_error *err);
    weir_status (*sync)(const weiri_writer *self, weir_error *err);
    /* Of links, which have no `write`; of sinks of plugins `rows` where they take events,
     * `settle` and `save`. NULL: there is nothing to do. */
    weir_status (*rows)(weiri_writer *self, weir_rows rows, weir_error *err);
    weir_status (*advance)(weiri_writer *self, int64_t watermark_ns, weir_error *err);
    weir_status (*end)(weiri_writer *self, int64_t newest_ns, weir_error *err);
    weir_status (*settle)(weiri_writer *self, weir_error *err);
    void (*save)(const weiri_writer *self, weiri_pack *out);
    bool (*is_full)(weiri_writer *self);
    weiri_link_standing (*standing)(weiri_writer *self);
    weiri_link_farewell (*farewell)(weiri_writer *self);
    void (*release)(weiri_writer *self, weiri_link_parting parting);
} weiri_writer_ops;

struct weiri_writer {
    const weiri_writer_ops *ops;
    bool                    is_regular;
    bool                    is_link;
    bool     takes_rows;   /* each write is whole rows, and as few as can be */
    bool     takes_events; /* weiri_writer_rows is called, and not write   */
    uint64_t n_written;    /* bytes that were handed over                    */
};

#endif
