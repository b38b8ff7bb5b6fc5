/* Every fixed bound of the event path, in one place. */
#ifndef WEIRI_LIMITS_H
#define WEIRI_LIMITS_H

enum {
    WEIRI_KEY_GROUPS    = 1024,      /* what keys are hashed to: a shard has some   */
    WEIRI_CHUNK_ROWS    = 1024,      /* events in a chunk                         */
    WEIRI_CHUNK_HEAP    = 8 << 20,   /* bytes of strings in a chunk               */
    WEIRI_REORDER_ROWS  = 32 << 20,  /* events of a stream that wait for the watermark */
    WEIRI_AHEAD_ROWS    = 64 << 10,  /* of them, while another node is waited for */
    WEIRI_READ_BYTES    = 128 << 10, /* asked of a source at once                 */
    WEIRI_TAPE_BYTES    = 1 << 20,   /* of a source that are made durable at once  */
    WEIRI_RECORD_BYTES  = 1 << 20,   /* one line or message of input              */
    WEIRI_REFRESH_BYTES = 256 << 20, /* of a table's file that is read again       */
    WEIRI_NESTING       = 64,        /* depth of a JSON or MessagePack value      */
    WEIRI_FIELDS        = 256,       /* fields of a stream                        */
    WEIRI_STEPS         = 64,        /* steps of a pattern                        */
    WEIRI_LIST_ITEMS    = 10000,     /* values that collect() keeps               */
    WEIRI_RUNS_PER_KEY  = 100000, /* first events of a partition, default; and its partial
                                   * matches, if there are more of these     */
    WEIRI_MATCHES_PER_EVENT = 100000,   /* matches one event may complete, default   */
    WEIRI_SHARDS            = 64,       /* of a node                                 */
    WEIRI_LEVELS            = 1024,     /* depth of a graph of actors                */
    WEIRI_CREDIT            = 16 << 10, /* events on the way to a level, default   */
    WEIRI_MAILBOX_MESSAGES  = 1 << 20,  /* messages at a level of a shard          */
    WEIRI_SIGNALS           = 64 << 10, /* signals on the way between two shards   */
    WEIRI_ASKS              = 64 << 10, /* open asks of a shard                    */
    WEIRI_TIMERS            = 16 << 20, /* timers set on a shard's clock           */
    WEIRI_LINK_FRAME = 256 << 10,    /* bytes of rows that are sent together, unless one
                                      * row is more, up to WEIRI_RECORD_BYTES    */
    WEIRI_LINK_WINDOW    = 4 << 20,  /* bytes of a link on their way to the receiver */
    WEIRI_LINK_BACKLOG   = 64 << 20, /* bytes that a sender keeps, default        */
    WEIRI_LINK_ORIGINS   = 256,      /* nodes that a stream has come by           */
    WEIRI_LINK_TERMS     = 256,      /* that both ends of a link agree on         */
    WEIRI_LINK_FENCED    = 16,       /* earlier streams of a link that are known  */
    WEIRI_LINKS          = 4096,     /* of a node                                 */
    WEIRI_WIRE_BYTES     = 4 << 20,  /* of a message of another program         */
    WEIRI_WIRE_MESSAGES  = 256,      /* of a peer that wait in a socket         */
    WEIRI_WIRE_LINGER_MS = 5000,     /* that they may take to leave at the end  */
    WEIRI_LINK_AWAY_MS =
        60000, /* that the last word of a node that is away is waited for */
    WEIRI_WIRE_OWED        = 1024,     /* replies that wait until messages are kept */
    WEIRI_WIRE_ENVELOPE    = 512,      /* bytes before the rows, that a reply has, too */
    WEIRI_WIRE_PEERS       = 64,       /* keys of those who may come to a socket  */
    WEIRI_PEERS            = 1024,     /* that a node knows                         */
    WEIRI_PEER_BYTES       = 16 << 20, /* of a message between nodes, default      */
    WEIRI_PEER_MESSAGES    = 64,       /* of a peer that wait, each way, default    */
    WEIRI_PEER_CONNECTIONS = 256,      /* of all who come to a node, default       */
};

#endif
