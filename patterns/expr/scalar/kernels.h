/* The scalar kernels: declared from the table, and what they are written with. */
#ifndef WEIRI_KERNELS_H
#define WEIRI_KERNELS_H

#include "expr/lanes.h"
#include "expr/operations.h"
#include "expr/texts.h"

#define X(id, name, signature, kind, scalar, column)                                     \
    weiri_scalar_kernel weiri_scalar_##scalar;
WEIRI_OPERATION_LIST(X)
#undef X

/* Bytes of a string that an operation may make; a longer one is a fault. The bound is
 * on one value, not on their sum, so that results do not depend on how rows are cut
 * into chunks. */
enum { WEIRI_MADE_TEXT = 1 << 20 };

static inline weir_value
weiri_of_bool(bool b)
{
    return (weir_value){ .as.b = b };
}

static inline weir_value
weiri_of_int(int64_t i)
{
    return (weir_value){ .as.i = i };
}

static inline weir_value
weiri_of_float(double f)
{
    return (weir_value){ .as.f = f };
}

static inline weir_value
weiri_of_text(const char *s, size_t size)
{
    return (weir_value){ .as.s = s, .size = (uint32_t)size };
}

static inline weir_value
weiri_of_null(void)
{
    return (weir_value){ .is_null = true };
}

static inline weir_value
weiri_of_fault(weiri_call *call)
{
    call->faults++;
    return weiri_of_null();
}

/* Three-way comparison of two values of the same type, or of an int and a float. */
int
weiri_compare_values(const weir_value *a, const weir_value *b);

#endif
