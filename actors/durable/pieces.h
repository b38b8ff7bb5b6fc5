/* weiri_pieces: where the bytes of a section are cut, so that those that do not change
 * from one checkpoint to the next are in pieces of their own.
 *
 * State by key (weiri/keyed.h) is cut between keys: a piece has the keys of a range of
 * places, the largest of ranges that halve each other whose keys fit. So where keys come
 * and go, or grow, only the pieces around them change. A piece is numbered by where its
 * range begins, wherever its bytes stand. Other sections are cut as they come.
 */
#ifndef WEIRI_PIECES_H
#define WEIRI_PIECES_H

#include "weiri/keyed.h"

/* Bytes first … end - 1 of a section. What is longer than a piece may be takes the
 * numbers that follow, too. */
typedef struct weiri_piece {
    uint64_t number; /* ascending */
    size_t   first;
    size_t   end;
} weiri_piece;

/* Where the bytes of a key begin. */
typedef struct weiri_pieces_key {
    uint32_t place;
    size_t   first;
} weiri_pieces_key;

typedef struct weiri_pieces {
    size_t            size; /* of the section                                       */
    size_t            most; /* bytes of a piece                                     */
    size_t            at;   /* bytes before it are in pieces                        */
    weiri_pieces_key *keys; /* shape (n + 1,): the last is where no key is any more */
    size_t            n;
    size_t            next;  /* key                                */
    uint64_t          place; /* keys of places before it are in pieces */
} weiri_pieces;

/* Begin to cut. Where memory is out, or keys cannot be read, bytes are cut as they
 * come. */
void
weiri_pieces_init(weiri_pieces *self, const uint8_t *bytes, size_t size, size_t most);

void
weiri_pieces_fini(weiri_pieces *self);

/* False: there is none any more. */
bool
weiri_pieces_next(weiri_pieces *self, weiri_piece *out);

#endif
