/* weiri_assert: a condition whose failure is a bug of ours. On in every build. */
#ifndef WEIRI_ASSERT_H
#define WEIRI_ASSERT_H

#define weiri_assert(condition)                                                          \
    ((condition) ? (void)0 : weiri_assert_failed(#condition, __FILE__, __LINE__))

/* Print place and backtrace to stderr, then abort. */
_Noreturn void
weiri_assert_failed(const char *condition, const char *file, int line);

#endif
