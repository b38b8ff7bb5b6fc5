/* What the executor "sets" holds of a key: its partial matches, read from the graph. */
#include <stdlib.h>

#include "match/sets.h"

/* A node from which the rest of a partial match is still to be read, and how many of its
 * later events are at hand. */
typedef struct reading {
    uint32_t node;
    uint32_t depth;
} reading;

/* What began before the cut is over, and so is all that a node stands for if its latest
 * is. */
static void
push(const weiri_sets_state *state, reading *stack, uint32_t *n, reading next)
{
    if (state->nodes[next.node].start >= state->cut) {
        stack[(*n)++] = next;
    }
}

/* `path`: events by their numbers, the latest first, shape (n,). */
static void
tell(const weiri_executor *self, const weiri_sets_state *state, const uint32_t *path,
    uint32_t n, weiri_viewer *viewer)
{
    weiri_registers *registers = self->core->registers;
    if (!weiri_viewer_reserve(viewer, n)) {
        return;
    }
    weiri_registers_clear(registers, viewer->cells);
    for (uint32_t i = 0; i < n; i++) {
        const weiri_set_taken *at = weiri_sets_taken(self, state, path[n - 1 - i]);
        viewer->taken[i] =
            (weiri_taken){ .step = at->step, .time_ns = at->time_ns, .order = at->order };
        weiri_registers_take_kept(registers, viewer->cells, at->step, at->kept);
    }
    weiri_held_match held = {
        .expires_ns = INT64_MAX, .taken = viewer->taken, .n_taken = n
    };
    weiri_viewer_tell(viewer, &held, viewer->cells);
    weiri_registers_release(registers, viewer->cells);
}

/* Lists, and unions in them, have what began last first: it is told last. */
static uint32_t
push_lists(const weiri_sets_state *state, reading *stack)
{
    uint32_t n = 0;
    for (uint32_t at = 0; at < state->n_words; at += 2 + state->lists[at + 1]) {
        for (uint32_t i = 0; i < state->lists[at + 1]; i++) {
            push(state, stack, &n, (reading){ .node = state->lists[at + 2 + i] });
        }
    }
    return n;
}

/* Whatever is on the stack leads to a partial match, so that telling stops in time. */
static void
tell_all(const weiri_executor *self, const weiri_sets_state *state, reading *stack,
    uint32_t *path, weiri_viewer *viewer)
{
    const weiri_inspector *to = viewer->inspector;
    uint32_t               n  = push_lists(state, stack);
    while (n > 0 && !to->is_enough(to->context)) {
        reading               at   = stack[--n];
        const weiri_set_node *node = &state->nodes[at.node];
        if (weiri_set_is_union(node)) {
            push(state, stack, &n, (reading){ node->left, at.depth });
            push(state, stack, &n, (reading){ node->right, at.depth });
            continue;
        }
        path[at.depth] = node->right;
        if (node->left == 0) {
            tell(self, state, path, at.depth + 1, viewer);
        } else {
            push(state, stack, &n, (reading){ node->left, at.depth + 1 });
        }
    }
}

void
weiri_sets_inspect(
    const weiri_executor *self, const weiri_partition *partition, weiri_viewer *viewer)
{
    const weiri_sets_state *state = weiri_sets_state_of(partition);
    /* Below a node a union leaves one more behind, and has a larger number. */
    reading  *stack = calloc(state->n_words + (size_t)state->n_nodes + 1, sizeof *stack);
    uint32_t *path  = calloc(state->n_taken + (size_t)1, sizeof *path);
    if (stack == NULL || path == NULL) {
        viewer->is_out_of_memory = true;
    } else {
        tell_all(self, state, stack, path, viewer);
    }
    free(stack);
    free(path);
}
