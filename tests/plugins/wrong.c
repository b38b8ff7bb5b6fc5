/* Plugins that cannot be loaded, each in its own way: -DWRONG_… says which. */
#include <weir/plugin.h>

#if defined(WRONG_SYMBOL)
WEIR_API int
some_other_entry(void);
int
some_other_entry(void)
{
    return 1;
}
#else

#if !defined(WRONG_ACTOR)
static uint32_t
take(weir_plugin_call *call, void *self, void *state, const weir_plugin_rows *rows)
{
    (void)call;
    (void)self;
    (void)state;
    return rows->n;
}
#endif

static const weir_plugin_field twice[] = { { .name = "x", .type = WEIR_INT },
    { .name = "x", .type = WEIR_INT } };

static const weir_plugin_actor actor = {
#if defined(WRONG_SIZE)
    .size      = 8,
#else
    .size      = sizeof actor,
#endif
    .name      = "wrong",
#if !defined(WRONG_ACTOR)
    .on_rows   = take,
#endif
#if defined(WRONG_FIELDS)
    .outputs   = twice,
    .n_outputs = 2,
#else
    .outputs   = twice,
    .n_outputs = 1,
#endif
};
static const weir_plugin_actor *const actors[] = { &actor };

static const weir_plugin about = {
#if defined(WRONG_MAGIC)
    .magic     = 42,
#else
    .magic     = WEIR_PLUGIN_MAGIC,
#endif
#if defined(WRONG_MAJOR)
    .abi_major = WEIR_PLUGIN_ABI_MAJOR + 1,
#else
    .abi_major = WEIR_PLUGIN_ABI_MAJOR,
#endif
#if defined(WRONG_MINOR)
    .abi_minor = WEIR_PLUGIN_ABI_MINOR + 1,
#else
    .abi_minor = WEIR_PLUGIN_ABI_MINOR,
#endif
    .size      = sizeof about,
    .name      = "wrong",
    .version   = "1.0.0",
    .actors    = actors,
    .n_actors  = 1,
};

WEIR_API const weir_plugin *
weir_plugin_entry(void);
const weir_plugin *
weir_plugin_entry(void)
{
    return &about;
}
#endif
