/* What a live page is made of. */
#ifndef WEIRI_LIVE_PAGE_H
#define WEIRI_LIVE_PAGE_H

#include <stdatomic.h>

#include "weiri/live.h"

/* The version changes with the layout. */
#define WEIRI_LIVE_MAGIC UINT64_C(0x326576696C726577)

/* Before each line of the ring. */
typedef struct weiri_live_head {
    uint32_t size; /* of the line */
    uint32_t kind; /* a weiri_live_kind */
    uint64_t wish; /* tap_version of the wish that it answers */
} weiri_live_head;

typedef struct weiri_live_page {
    uint64_t         magic;
    uint64_t         size;    /* of the page */
    _Atomic int64_t  pid;     /* 0: the node has ended */
    _Atomic uint64_t version; /* of the text: odd while it is written */
    uint64_t         text_size;
    char             text[WEIRI_LIVE_TEXT];
    /* A tap: the reader's wish, and what the node gives. */
    _Atomic uint64_t tap_until_ns; /* on the monotonic clock; 0: nobody */
    _Atomic uint64_t tap_version;  /* of the wish: odd while it is written; 0: none */
    weiri_tap_wish   tap_wish;
    _Atomic uint64_t ring_end; /* bytes ever written */
    char             ring[WEIRI_LIVE_RING];
} weiri_live_page;

#endif
