#include "ops.h"

bool
weiri_writer_is_regular(const weiri_writer *self)
{
    return self->is_regular;
}

bool
weiri_writer_takes_rows(const weiri_writer *self)
{
    return self->takes_rows;
}

uint64_t
weiri_writer_size(const weiri_writer *self)
{
    return self->n_written;
}

weir_status
weiri_writer_sync(const weiri_writer *self, weir_error *err)
{
    return self->is_regular ? self->ops->sync(self, err) : WEIR_OK;
}

weir_status
weiri_writer_write(weiri_writer *self, const char *bytes, size_t size, weir_error *err)
{
    return self->ops->write(self, bytes, size, err);
}

weir_status
weiri_writer_flush(weiri_writer *self, weir_error *err)
{
    return self->ops->flush(self, err);
}

weir_status
weiri_writer_close(weiri_writer **self_p, weir_error *err)
{
    weiri_writer *self = *self_p;
    *self_p            = NULL;
    return self != NULL ? self->ops->close(self, err) : WEIR_OK;
}

bool
weiri_writer_takes_events(const weiri_writer *self)
{
    return self->takes_events;
}

bool
weiri_writer_is_link(const weiri_writer *self)
{
    return self->is_link;
}

weir_status
weiri_writer_rows(weiri_writer *self, weir_rows rows, weir_error *err)
{
    return self->ops->rows(self, rows, err);
}

weir_status
weiri_writer_advance(weiri_writer *self, int64_t watermark_ns, weir_error *err)
{
    return self->is_link ? self->ops->advance(self, watermark_ns, err) : WEIR_OK;
}

weir_status
weiri_writer_end(weiri_writer *self, int64_t newest_ns, weir_error *err)
{
    return self->is_link ? self->ops->end(self, newest_ns, err) : WEIR_OK;
}

weir_status
weiri_writer_settle(weiri_writer *self, weir_error *err)
{
    return self->ops->settle != NULL ? self->ops->settle(self, err) : WEIR_OK;
}

void
weiri_writer_save(const weiri_writer *self, weiri_pack *out)
{
    if (self->ops->save != NULL) {
        self->ops->save(self, out);
    }
}

bool
weiri_writer_is_full(weiri_writer *self)
{
    return self->is_link && self->ops->is_full(self);
}

weiri_link_standing
weiri_writer_standing(weiri_writer *self)
{
    return self->is_link ? self->ops->standing(self) : WEIRI_LINK_EVEN;
}

weiri_link_farewell
weiri_writer_farewell(weiri_writer *self)
{
    return self->is_link
               ? self->ops->farewell(self)
               : (weiri_link_farewell){ .parting = WEIRI_LINK_PARTED, .is_kept = true };
}

void
weiri_writer_release(weiri_writer *self, weiri_link_parting parting)
{
    if (self->is_link) {
        self->ops->release(self, parting);
    }
}
