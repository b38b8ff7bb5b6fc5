/* Named places at which tests end the process, as a crash would.
 *
 * Compiled in where WEIR_FAULT_POINTS is set (development builds): the variable
 * WEIR_CRASH_AT=NAME:N kills the process at the N-th passage of the point NAME, from 1. A
 * child that writes a checkpoint takes its parent with it.
 */
#ifndef WEIRI_FAULT_H
#define WEIRI_FAULT_H

#include <stdint.h>

#ifdef WEIR_FAULT_POINTS
void
weiri_fault_point(const char *name);

/* A point that a child passes once, when `n` checkpoints were begun. */
void
weiri_fault_point_in_child(const char *name, uint64_t n);
#else
#define weiri_fault_point(name)             ((void)0)
#define weiri_fault_point_in_child(name, n) ((void)(n))
#endif

#endif
