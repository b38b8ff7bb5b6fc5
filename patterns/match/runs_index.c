/* Finding the runs that an event concerns, in a partition with many.
 *
 * Runs in a state that waits (runs_wait.c) are not offered every event. Those that wait
 * for an equal value stand in a table by it, one for all partitions; those that wait
 * for a range stand in a heap of their partition by the value that they hold, from whose
 * top all that an event is above, or below, can be listed without meeting others.
 */
#include <stdlib.h>
#include <string.h>

#include "match/runs.h"
#include "weiri/hugepages.h"
#include "weiri/prefetch.h"

enum { FIRST_SLOTS = 256 };

/* What a partition with many runs has. */
typedef struct weiri_index {
    uint32_t   free; /* the pool's */
    weiri_heap heaps[];
} weiri_index;

weir_status
weiri_runs_index_new(weiri_executor *self)
{
    if (!weiri_pool_init(
            &self->indexes, sizeof(weiri_index) + self->n_heaps * sizeof(weiri_heap))) {
        return WEIR_ENOMEM;
    }
    self->n_slots = FIRST_SLOTS;
    self->slots   = calloc(FIRST_SLOTS, sizeof *self->slots);
    return self->slots == NULL ? WEIR_ENOMEM : WEIR_OK;
}

static weiri_heap *
heaps_of(const weiri_executor *self, uint32_t index)
{
    return ((weiri_index *)weiri_pool_at(&self->indexes, index))->heaps;
}

void
weiri_runs_index_destroy(weiri_executor *self)
{
    for (uint32_t i = 1; self->indexes.blocks[0] != NULL && i < self->indexes.n_made;
         i++) {
        for (uint32_t h = 0; h < self->n_heaps; h++) {
            free(heaps_of(self, i)[h].items);
        }
    }
    weiri_pool_fini(&self->indexes);
    free(self->slots);
    free(self->met);
}

/* ---- the table of equalities ---- */

/* Of a run, or of an event with the key. What stands in one chain waits at the same place
 * of its state, though it may be in another state or partition. */
static uint32_t
tag_of(uint64_t key, uint32_t partition, const weiri_wait *wait)
{
    uint64_t h = ((uint64_t)partition << 32 | wait->state) * 0x9E3779B97F4A7C15u ^ key;
    h          = (h ^ (h >> 32)) * 0xBF58476D1CE4E5B9u;
    return (uint32_t)(h >> 36) | (uint32_t)wait->place << 28;
}

static uint32_t
find_slot(const weiri_executor *self, uint32_t tag)
{
    uint32_t mask = self->n_slots - 1;
    uint32_t i    = tag & mask;
    while (self->slots[i].run != 0 && self->slots[i].tag != tag) {
        i = (i + 1) & mask;
    }
    return i;
}

static bool
grow_slots(weiri_executor *self)
{
    uint32_t         n_old = self->n_slots;
    weiri_wait_slot *old   = self->slots;
    weiri_wait_slot *slots = n_old > UINT32_MAX / 2
                                 ? NULL
                                 : weiri_calloc_huge((size_t)n_old * 2, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    self->slots   = slots;
    self->n_slots = n_old * 2;
    for (uint32_t i = 0; i < n_old; i++) {
        if (old[i].run != 0) {
            slots[find_slot(self, old[i].tag)] = old[i];
        }
    }
    free(old);
    return true;
}

/* Linear probing without tombstones: what follows moves up (Knuth, TAOCP 3, 6.4 R). */
static void
free_slot(weiri_executor *self, uint32_t hole)
{
    uint32_t mask = self->n_slots - 1;
    for (uint32_t i = (hole + 1) & mask; self->slots[i].run != 0; i = (i + 1) & mask) {
        uint32_t home = self->slots[i].tag & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            self->slots[hole] = self->slots[i];
            hole              = i;
        }
    }
    self->slots[hole].run = 0;
    self->n_used--;
}

/* The place of a wait in a run that is in the wait's state. */
static weiri_waiting *
waiting_at(const weiri_executor *self, uint32_t run, uint32_t place)
{
    return weiri_run_waiting(self, weiri_run_at(self, run)) + place;
}

static void
link_run(const weiri_executor *self, uint32_t *head, uint32_t run, uint32_t place)
{
    weiri_waiting *at = waiting_at(self, run, place);
    at->next          = *head;
    at->prev          = 0;
    if (*head != 0) {
        waiting_at(self, *head, place)->prev = run;
    }
    *head = run;
}

static void
unlink_run(const weiri_executor *self, uint32_t *head, uint32_t run, uint32_t place)
{
    const weiri_waiting *at = waiting_at(self, run, place);
    if (at->prev != 0) {
        waiting_at(self, at->prev, place)->next = at->next;
    } else {
        *head = at->next;
    }
    if (at->next != 0) {
        waiting_at(self, at->next, place)->prev = at->prev;
    }
}

static void
add_equal(weiri_executor *self, const weiri_wait *wait, uint32_t run)
{
    uint64_t key = waiting_at(self, run, wait->place)->key;
    uint32_t tag = tag_of(key, weiri_run_at(self, run)->partition, wait);
    if (self->n_used >= self->n_slots / 4 * 3 && !grow_slots(self)) {
        self->core->status = WEIR_ENOMEM;
    }
    weiri_wait_slot *slot = &self->slots[find_slot(self, tag)];
    self->n_used += slot->run == 0;
    slot->tag = tag;
    link_run(self, &slot->run, run, wait->place);
}

static void
remove_equal(weiri_executor *self, const weiri_wait *wait, uint32_t run)
{
    const weiri_waiting *at = waiting_at(self, run, wait->place);
    uint32_t             slot =
        find_slot(self, tag_of(at->key, weiri_run_at(self, run)->partition, wait));
    unlink_run(self, &self->slots[slot].run, run, wait->place);
    if (self->slots[slot].run == 0) {
        free_slot(self, slot);
    }
}

/* ---- the heaps of ranges ---- */

static void
set_item(weiri_executor *self, weiri_heap *heap, uint32_t i, weiri_heap_item item,
    uint32_t place)
{
    heap->items[i]                          = item;
    waiting_at(self, item.run, place)->prev = i;
}

static void
sift_up(weiri_executor *self, weiri_heap *heap, uint32_t i, weiri_heap_item item,
    uint32_t place)
{
    while (i > 0 && item.key < heap->items[(i - 1) / 2].key) {
        set_item(self, heap, i, heap->items[(i - 1) / 2], place);
        i = (i - 1) / 2;
    }
    set_item(self, heap, i, item, place);
}

static void
sift_down(weiri_executor *self, weiri_heap *heap, uint32_t i, weiri_heap_item item,
    uint32_t place)
{
    for (uint32_t child = 2 * i + 1; child < heap->n; child = 2 * i + 1) {
        if (child + 1 < heap->n && heap->items[child + 1].key < heap->items[child].key) {
            child++;
        }
        if (heap->items[child].key >= item.key) {
            break;
        }
        set_item(self, heap, i, heap->items[child], place);
        i = child;
    }
    set_item(self, heap, i, item, place);
}

static void
add_ordered(weiri_executor *self, weiri_heap *heap, const weiri_wait *wait, uint32_t run)
{
    if (heap->n == heap->capacity) {
        uint32_t         capacity = heap->capacity > 0 ? heap->capacity * 2 : 32;
        weiri_heap_item *items =
            capacity == 0 ? NULL : realloc(heap->items, capacity * sizeof *items);
        if (items == NULL) {
            self->core->status = WEIR_ENOMEM;
            return;
        }
        heap->items    = items;
        heap->capacity = capacity;
    }
    weiri_heap_item item = { .key = waiting_at(self, run, wait->place)->key, .run = run };
    sift_up(self, heap, heap->n++, item, wait->place);
}

static void
remove_ordered(
    weiri_executor *self, weiri_heap *heap, const weiri_wait *wait, uint32_t run)
{
    uint32_t i = waiting_at(self, run, wait->place)->prev;
    if (i >= heap->n || heap->items[i].run != run) {
        return; /* there was no memory for it */
    }
    weiri_heap_item last = heap->items[--heap->n];
    if (i == heap->n) {
        return;
    }
    if (last.key < heap->items[i].key) {
        sift_up(self, heap, i, last, wait->place);
    } else {
        sift_down(self, heap, i, last, wait->place);
    }
}

/* ---- places ---- */

void
weiri_runs_place(weiri_executor *self, weiri_runs_state *state, uint32_t run)
{
    weiri_run  *at   = weiri_run_at(self, run);
    weiri_heap *heap = heaps_of(self, state->index);
    uint32_t    i    = self->first_wait[at->state];
    uint32_t    end  = self->first_wait[at->state + 1];
    if (i == end) {
        at->place = WEIRI_RUN_ACTIVE;
        link_run(self, &state->active, run, 0);
        return;
    }
    at->place = WEIRI_RUN_PARKED;
    for (; i < end; i++) {
        const weiri_wait *wait = &self->waits[i];
        if ((at->nulls >> wait->place & 1) != 0) {
            continue; /* nothing compares with null */
        }
        if (wait->is_equal) {
            add_equal(self, wait, run);
        } else {
            add_ordered(self, &heap[wait->heap], wait, run);
        }
    }
}

void
weiri_runs_displace(weiri_executor *self, weiri_runs_state *state, uint32_t run)
{
    weiri_run  *at    = weiri_run_at(self, run);
    weiri_heap *heaps = heaps_of(self, state->index);
    if (at->place == WEIRI_RUN_ACTIVE) {
        unlink_run(self, &state->active, run, 0);
    } else if (at->place == WEIRI_RUN_PARKED) {
        for (uint32_t i = self->first_wait[at->state];
             i < self->first_wait[at->state + 1]; i++) {
            const weiri_wait *wait = &self->waits[i];
            if ((at->nulls >> wait->place & 1) != 0) {
                continue;
            }
            if (wait->is_equal) {
                remove_equal(self, wait, run);
            } else {
                remove_ordered(self, &heaps[wait->heap], wait, run);
            }
        }
    }
    at->place = WEIRI_RUN_NOWHERE;
}

void
weiri_runs_index_partition(weiri_executor *self, weiri_runs_state *state)
{
    state->index  = weiri_pool_take(&self->indexes);
    state->active = 0;
    if (state->index == 0) {
        self->core->status = WEIR_ENOMEM;
        return;
    }
    for (uint32_t run = state->first; run != 0; run = weiri_run_at(self, run)->next) {
        weiri_runs_place(self, state, run);
    }
}

/* Its runs are gone. */
void
weiri_runs_unindex_partition(weiri_executor *self, weiri_runs_state *state)
{
    weiri_heap *heaps = heaps_of(self, state->index);
    for (uint32_t i = 0; i < self->n_heaps; i++) {
        free(heaps[i].items);
        heaps[i] = (weiri_heap){ 0 };
    }
    weiri_pool_give(&self->indexes, state->index);
    state->index = 0;
}

/* ---- looking ahead ---- */

/* The slot of the event's value, the run in it, and what stands beside that. */
void
weiri_runs_look_ahead(
    const weiri_executor *self, const weiri_event *event, unsigned stage, uint32_t *hint)
{
    const weiri_partition *partition = weiri_keys_only(self->core->keys);
    uint64_t               key       = 0;
    if (self->n_used == 0 || partition == NULL) {
        return;
    }
    if (stage == 0) {
        if (weiri_runs_equality_key(self, event, &key)) {
            *hint = tag_of(key, partition->self, &self->waits[self->first_equal]);
            weiri_prefetch(&self->slots[*hint & (self->n_slots - 1)]);
        }
    } else if (stage == 1 && *hint != 0) {
        *hint = self->slots[find_slot(self, *hint)].run;
        if (*hint != 0) {
            const char *run = (const char *)weiri_run_at(self, *hint);
            weiri_prefetch(run);
            weiri_prefetch(run + 64);
        }
    } else if (stage == 2 && *hint != 0) {
        const weiri_run *run = weiri_run_at(self, *hint);
        weiri_prefetch(weiri_link_at(self, run->links));
        weiri_prefetch(weiri_run_at(self, run->prev));
        weiri_prefetch(weiri_run_at(self, run->next));
    }
}

weiri_runs_near
weiri_runs_near_of(const weiri_executor *self, uint32_t run)
{
    weiri_run        *at   = weiri_run_at(self, run);
    const weiri_wait *wait = &self->waits[self->first_equal];
    weiri_runs_near   near = { .link = weiri_link_at(self, at->links),
          .next                      = weiri_run_at(self, at->next) };
    if (at->state == wait->state && at->place == WEIRI_RUN_PARKED) {
        uint64_t key = weiri_run_waiting(self, at)[wait->place].key;
        uint32_t tag = tag_of(key, at->partition, wait);
        near.slot    = &self->slots[tag & (self->n_slots - 1)];
    }
    return near;
}

/* ---- meeting ---- */

static void
meet(weiri_executor *self, uint32_t run)
{
    weiri_run *at = weiri_run_at(self, run);
    if (at->is_met) {
        return;
    }
    if (self->n_met == self->capacity_met) {
        uint32_t  capacity = self->capacity_met * 2 + 64;
        uint32_t *met = capacity < 64 ? NULL : realloc(self->met, capacity * sizeof *met);
        if (met == NULL) {
            self->core->status = WEIR_ENOMEM;
            return;
        }
        self->met          = met;
        self->capacity_met = capacity;
    }
    at->is_met               = true;
    self->met[self->n_met++] = run;
}

static void
meet_active(weiri_executor *self)
{
    for (uint32_t run = self->state->active; run != 0;
         run          = waiting_at(self, run, 0)->next) {
        uint32_t state = weiri_run_at(self, run)->state;
        if (weiri_runs_move(self, self->event->class, state)->kind
            != WEIRI_MOVE_NOTHING) {
            meet(self, run);
        }
    }
}

/* All runs in a state, which for once is not left to what they wait for. */
static void
meet_all(weiri_executor *self, uint32_t state)
{
    for (uint32_t run = self->state->first; run != 0;
         run          = weiri_run_at(self, run)->next) {
        if (weiri_run_at(self, run)->state == state) {
            meet(self, run);
        }
    }
}

static void
meet_equal(weiri_executor *self, const weiri_wait *wait, uint64_t key)
{
    uint32_t partition = self->partition->self;
    uint32_t run       = self->slots[find_slot(self, tag_of(key, partition, wait))].run;
    for (; run != 0; run = waiting_at(self, run, wait->place)->next) {
        const weiri_run *at = weiri_run_at(self, run);
        if (at->partition == partition && at->state == wait->state
            && waiting_at(self, run, wait->place)->key == key) {
            meet(self, run);
        }
    }
}

/* Whose keys are at most the bound: from the top down, as long as that is so. */
static void
meet_ordered(weiri_executor *self, const weiri_heap *heap, uint32_t i, uint64_t bound)
{
    if (i < heap->n && heap->items[i].key <= bound) {
        meet(self, heap->items[i].run);
        meet_ordered(self, heap, 2 * i + 1, bound);
        meet_ordered(self, heap, 2 * i + 2, bound);
    }
}

void
weiri_runs_meet(weiri_executor *self)
{
    const weiri_heap *heaps = heaps_of(self, self->state->index);
    self->n_met             = 0;
    meet_active(self);
    for (uint32_t i = 0; i < self->n_waits; i++) {
        weiri_wait       *wait  = &self->waits[i];
        const weiri_move *move  = weiri_runs_move(self, self->event->class, wait->state);
        uint64_t          bound = 0;
        if (move->kind == WEIRI_MOVE_NOTHING) {
            continue;
        }
        if (!move->waits) {
            if (wait->place == 0) {
                meet_all(self, wait->state);
            }
        } else if (weiri_wait_bound(self, wait, &bound)) {
            if (wait->is_equal) {
                meet_equal(self, wait, bound);
            } else {
                meet_ordered(self, &heaps[wait->heap], 0, bound);
            }
        }
    }
}
