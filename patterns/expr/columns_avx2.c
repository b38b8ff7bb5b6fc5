/* Compiled with -mavx2 where there is such a thing; called where the machine has it. */
#define COLUMNS weiri_columns_avx2
#include "expr/columns.inc"
