/* The thread sanitizer does not see into libzmq, whose pipes and mailboxes are put in
 * order by atomics of its own: what it does there with memory looks like a race. So what
 * libzmq calls is not looked at. Our own code is, and says where ZeroMQ orders what it
 * does (runtime/net/annotate.h). */
#include "weir/export.h"

WEIR_API const char *
__tsan_default_suppressions(void);

const char *
__tsan_default_suppressions(void)
{
    return "called_from_lib:libzmq.so.5\n"
           "called_from_lib:libsodium.so.23\n"; /* at libzmq's order */
}
