/* A chunk made, filled and read through the installed headers and library. */
#include <weir/chunk.h>

#include <stdio.h>

int
main(void)
{
    const weir_field  field  = { .name = "celsius", .type = WEIR_FLOAT };
    const weir_schema schema = {
        .name = "sample", .fields = &field, .n_fields = 1, .time_field = -1
    };

    weir_chunk *chunk = NULL;
    if (weir_chunk_new(&schema, NULL, &chunk) != WEIR_OK) {
        return 1;
    }
    const weir_value value  = { .as.f = 21.5, .type = WEIR_FLOAT };
    weir_status      status = weir_chunk_set(chunk, 0, 0, &value);
    printf("%s %s %.1f\n", weir_status_text(status), weir_type_text(WEIR_FLOAT),
        weir_chunk_get(chunk, 0, 0).as.f);
    const weir_chunk *done = chunk;
    weir_chunk_unref(&done);
    return status == WEIR_OK && done == NULL ? 0 : 1;
}
