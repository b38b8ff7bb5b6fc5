/* A windower's state as bytes. */
#include "window/windower.h"

weir_status
weiri_windower_save(const weiri_windower *self, weiri_pack *out, weir_error *err)
{
    (void)self;
    (void)out;
    return WEIR_FAIL(err, WEIR_EINVAL, "a window cannot save its state");
}

weir_status
weiri_windower_load(
    weiri_windower *self, const uint8_t *bytes, size_t size, weir_error *err)
{
    (void)self;
    (void)bytes;
    (void)size;
    return WEIR_FAIL(err, WEIR_EINVAL, "a window cannot load its state");
}
