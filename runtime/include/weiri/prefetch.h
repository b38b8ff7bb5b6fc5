/* Asking the memory for what is needed soon, while something else is done.
 *
 * GCC takes a function that does nothing but __builtin_prefetch for one without effect
 * and drops the calls of it (its pass "pure-const", whose verdict spreads to callers
 * that do no more than call such a one). An assembler statement of no instructions that
 * is volatile is an effect, so that those who prefetch through this are kept.
 */
#ifndef WEIRI_PREFETCH_H
#define WEIRI_PREFETCH_H

/* Fetch the line of the cache in which `address` lies; it need not be valid. */
static inline void
weiri_prefetch(const void *address)
{
    __builtin_prefetch(address);
    __asm__ volatile("");
}

#endif
