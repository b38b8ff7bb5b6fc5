/* What a live page is made of. */
#ifndef WEIRI_LIVE_PAGE_H
#define WEIRI_LIVE_PAGE_H

#include <stdatomic.h>

#include "weiri/live.h"

/* The version changes with the layout. */
#define WEIRI_LIVE_MAGIC UINT64_C(0x316576696C726577)

typedef struct weiri_live_page {
    uint64_t         magic;
    uint64_t         size;    /* of the page */
    _Atomic int64_t  pid;     /* 0: the node has ended */
    _Atomic uint64_t version; /* of the text: odd while it is written */
    uint64_t         text_size;
    char             text[WEIRI_LIVE_TEXT];
    /* A tap: the reader's wish, and what the node gives. */
    _Atomic uint64_t tap_until_ns; /* on the monotonic clock; 0: nobody */
    _Atomic uint32_t tap_rate;     /* events a second */
    char             tap_stream[WEIRI_LIVE_STREAM]; /* "": all */
    _Atomic uint64_t ring_end;                      /* bytes ever written */
    char             ring[WEIRI_LIVE_RING];
} weiri_live_page;

#endif
