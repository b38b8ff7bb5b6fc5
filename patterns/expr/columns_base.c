#define COLUMNS weiri_columns_base
#include "expr/columns.inc"
