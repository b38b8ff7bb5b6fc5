/* A folder of a test's own, and a name in it that is not there yet. */
#ifndef TEST_PLACE_H
#define TEST_PLACE_H

#include "weir_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place {
    char dir[64];
    char path[96];
};

/* A cmocka setup: *state is a struct place. */
static inline int
make_place(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    strcpy(place->dir, "/tmp/weir-test-XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    snprintf(place->path, sizeof place->path, "%s/it", place->dir);
    *state = place;
    return 0;
}

/* Its teardown: the folder goes, with all that is in it. */
static inline int
remove_place(void **state)
{
    struct place *place = *state;
    char          command[96];
    snprintf(command, sizeof command, "rm -rf '%s'", place->dir);
    free(place);
    return system(command);
}

#endif
