#include "ops.h"

void
weiri_reader_close(weiri_reader **self_p)
{
    weiri_reader *self = *self_p;
    *self_p            = NULL;
    if (self != NULL) {
        self->ops->close(self);
    }
}

weir_status
weiri_reader_read(weiri_reader *self, char *bytes, size_t size, int64_t wait_ns,
    size_t *n, weir_error *err)
{
    *n = 0;
    return self->ops->read(self, bytes, size, wait_ns, n, err);
}

bool
weiri_reader_is_regular(const weiri_reader *self)
{
    return self->is_regular;
}

weir_status
weiri_reader_skip(weiri_reader *self, uint64_t position, weir_error *err)
{
    return self->ops->skip(self, position, err);
}

weir_status
weiri_reader_mark(const weiri_reader *self, weiri_file_mark *out, weir_error *err)
{
    return self->ops->mark(self, out, err);
}

weir_status
weiri_reader_check_mark(
    const weiri_reader *self, const weiri_file_mark *mark, weir_error *err)
{
    return self->ops->check_mark(self, mark, err);
}

bool
weiri_reader_is_kept(const weiri_reader *self)
{
    return self->is_kept;
}

void
weiri_reader_save(const weiri_reader *self, uint64_t position, weiri_pack *out)
{
    self->ops->save(self, position, out);
}

weir_status
weiri_reader_load(
    weiri_reader *self, uint64_t position, weiri_unpack *in, weir_error *err)
{
    return self->ops->load(self, position, in, err);
}

weir_status
weiri_reader_acknowledge(weiri_reader *self, uint64_t position, weir_error *err)
{
    return self->ops->acknowledge != NULL ? self->ops->acknowledge(self, position, err)
                                          : WEIR_OK;
}

bool
weiri_reader_is_link(const weiri_reader *self)
{
    return self != NULL && self->is_link;
}

void
weiri_reader_begin(weiri_reader *self, const weiri_link_place *place)
{
    self->ops->begin(self, place);
}

void
weiri_reader_keep(weiri_reader *self)
{
    if (self != NULL && self->ops->keep != NULL) {
        self->ops->keep(self);
    }
}

weiri_link_farewell
weiri_reader_farewell(weiri_reader *self)
{
    return weiri_reader_is_link(self)
               ? self->ops->farewell(self)
               : (weiri_link_farewell){ .parting = WEIRI_LINK_PARTED, .is_kept = true };
}

void
weiri_reader_release(weiri_reader *self, weiri_link_parting parting)
{
    if (weiri_reader_is_link(self)) {
        self->ops->release(self, parting);
    }
}
