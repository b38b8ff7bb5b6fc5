/* Values of one expression over a range of rows, and the kernels over them. */
#ifndef WEIRI_COLUMNS_H
#define WEIRI_COLUMNS_H

#include "expr/operations.h"

/* An argument or result over rows 0 … n - 1 of a range. Where a row is null, its value
 * is anything; a bool is 0 or 1 all the same, and a string can be read. */
typedef struct weiri_lane {
    uint8_t type;        /* weir_type                                              */
    bool    is_constant; /* one value, at place 0, stands for all rows; never null */
    bool    is_text;     /* of a string: `s` into `heap`, else `v`                 */
    union {
        const uint8_t    *b;
        const int64_t    *i;
        const double     *f;
        const weir_value *v;
        const weir_text  *s;
    } as;
    const uint8_t *nulls; /* NULL: none */
    const char    *heap;
    uint32_t       heap_size;
} weiri_lane;

/* One operation over a range of rows. */
typedef struct weiri_range {
    uint32_t                 n;
    uint32_t                 n_args;
    const weiri_lane *const *args;
    const void              *prepared;
    union {
        uint8_t    *b;
        int64_t    *i;
        double     *f;
        weir_value *v;
    } out;
    uint8_t       *nulls;     /* shape (n,): of the result, if has_nulls is set   */
    bool           has_nulls; /* set by kernels that see nulls                    */
    uint8_t       *faults;    /* shape (n,): written if has_faults is set         */
    bool           has_faults;
    const uint8_t *no_nulls; /* shape (n,): zeros, for arguments without nulls   */
} weiri_range;

typedef void
weiri_column_kernel(weiri_range *range);

/* The same kernels compiled twice: for any machine, and for one with AVX2. Both give
 * the same bits: no fused operations, no reordered sums. NULL where the scalar kernel
 * is to be used. */
extern weiri_column_kernel *const weiri_columns_base[WEIRI_N_OPERATIONS];
extern weiri_column_kernel *const weiri_columns_avx2[WEIRI_N_OPERATIONS];

static inline const uint8_t *
weiri_nulls_of(const weiri_range *range, uint32_t arg)
{
    const uint8_t *nulls = range->args[arg]->nulls;
    return nulls == NULL ? range->no_nulls : nulls;
}

#endif
