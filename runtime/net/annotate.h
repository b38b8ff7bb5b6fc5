/* What one thread wrote before it sent a message, and another reads after it got it, is
 * in order: ZeroMQ sees to that, in a library that the thread sanitizer does not see
 * into. So it is told here, and nowhere else.
 */
#ifndef WEIR_NET_ANNOTATE_H
#define WEIR_NET_ANNOTATE_H

#if defined(__SANITIZE_THREAD__)
#define WEIRI_HAS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEIRI_HAS_TSAN 1
#endif
#endif
#ifdef WEIRI_HAS_TSAN
#include <sanitizer/tsan_interface.h>
#endif

static inline void
weiri_hand_over(void *what)
{
#ifdef WEIRI_HAS_TSAN
    __tsan_release(what);
#else
    (void)what;
#endif
}

static inline void
weiri_take_over(void *what)
{
#ifdef WEIRI_HAS_TSAN
    __tsan_acquire(what);
#else
    (void)what;
#endif
}

#endif
